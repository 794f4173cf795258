//! The same-format path: what the gateway must know of a body that it passes on as it is, found in one pass over its
//! bytes. The facts are those of every format; see [`crate::dialect::openai_chat::peek`].

mod answer;
mod request;
#[cfg(test)]
mod tests;

pub use answer::{EventPeek, peek_response};
pub use request::{peek_count_request, peek_request};
