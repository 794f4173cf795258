//! Cohere's chat, version 2: `POST /v2/chat`.
//!
//! The format is that of <https://docs.cohere.com/reference/chat> and of Cohere's SDK for Python.

mod citation;
mod document;
mod error;
mod message;
mod request;
mod response;
mod stream;
mod stream_write;
#[cfg(test)]
mod tests;
mod tool;
mod usage;

pub use error::{decode_fault_at, encode_error};
pub use request::{decode_request, encode_request};
pub use response::{decode_response, encode_response};
pub use stream::StreamDecoder;
pub use stream_write::StreamEncoder;
pub use usage::{decode_usage, encode_usage};

/// In front of the names of what only this format knows: [`crate::chat::Content::Other`] and
/// [`crate::chat::Definition::BuiltIn`].
const OWN: &str = "cohere/";
/// Whose reasoning it is: a part of type `thinking`.
const THINKING: &str = "cohere-thinking-v2";
/// Whose reasoning it is: the field `tool_plan`.
const PLAN: &str = "cohere-tool-plan-v2";
