//! The same-format path: what the gateway must know of a body that it passes on as it is.
//!
//! One pass over the bytes, no tree, nothing kept but a few facts. What this module does not know it lets through:
//! fields come and vendors add their own. What is checked of a request is what the gateway itself relies on and what
//! can only be a mistake, so that it is refused here, by the name of the field, and costs no upstream call.

mod answer;
mod request;
mod said;
#[cfg(test)]
mod tests;

pub use answer::{EventFacts, EventKind, PeekFailure, ResponseFacts, peek_event, peek_response, said_in};
pub use request::{RequestHead, peek_completions_request, peek_model, peek_request};
pub(in crate::dialect) use request::{peek_shape, peek_steering};
