//! Pure decisions: state in, decision out. No host, no waiting.

pub mod estimate;
pub mod retry;
pub mod route;
