//! Pure decisions: state in, decision out. No host, no waiting.

pub mod retry;
pub mod route;
