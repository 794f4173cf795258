//! What only the Lambda function can get wrong, seen from outside: a table that throttles, refuses or loses its answers,
//! processes that are frozen, what a deployment lacks, the function's own role.
//!
//! `cargo xtask test lambda` builds the function and says where it is. Without that each test says so and passes, because
//! there is nothing to test.

mod frozen;
mod missing;
mod role;
mod table;
mod troubled;

use std::future::Future;

use postern_tests::site::Lambda;

/// Runs a test on a function, where there is one.
fn with_lambda<F: Future<Output = ()>>(test: impl FnOnce(Lambda) -> F) {
    if !Lambda::is_built() {
        println!("POSTERN_LAMBDA is not set: `cargo xtask test lambda` sets it");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let lambda = Lambda::prepare().await.expect("a build to test");
        test(lambda).await;
    });
}
