//! Gemini `generateContent` and `streamGenerateContent`, as Google's Gemini API and Vertex AI speak it
//! (`ai.google.dev/api/generate-content`, `cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference`).
//!
//! The model and whether the answer is streamed are in the URL (`models/MODEL:streamGenerateContent?alt=sse`), not in
//! the body. A stream is a sequence of events (`alt=sse`) or one JSON array; both are read and written. Google takes
//! its fields in camel case and in snake case: both are read, camel case is written.
//!
//! What is peculiar here: tool calls come whole and often without an id; `STOP` is also said when tools are called;
//! every part may carry a `thoughtSignature`, which must come back, and Gemini 3 refuses tool calls without one.

mod citation;
mod config;
mod content;
mod count;
pub mod error;
mod frames;
mod media;
mod names;
mod part;
mod peek;
mod request;
mod response;
mod result;
mod signature;
mod stream;
mod stream_write;
#[cfg(test)]
mod tests;
mod thinking;
mod tool;
pub mod usage;

pub use count::{
    TokenCount, decode_count_request, decode_count_response, encode_count_request, encode_count_response,
};
pub use error::{decode_fault_at, encode_error, encode_fault, find_fault};
pub use peek::{peek_event, peek_response};
pub use request::{decode_request, encode_request};
pub use response::{decode_response, encode_response};
pub use stream::StreamDecoder;
pub use stream_write::StreamEncoder;
pub use usage::{decode_usage, encode_usage};

/// Whose reasoning and signatures these are, in [`crate::chat::Reasoning::format`].
pub const REASONING_FORMAT: &str = "google-gemini-v1";
