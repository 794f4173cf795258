//! Traps on demand, to test that one call's trap does not take the next call down. In test builds only.

use http::Request;

/// Traps if the caller asks for it with the header `x-postern-test-trap`.
pub(crate) fn spring<B>(request: &Request<B>, place: &str) {
    if request.headers().get("x-postern-test-trap").is_some_and(|wanted| wanted.as_bytes() == place.as_bytes()) {
        core::arch::wasm32::unreachable();
    }
}
