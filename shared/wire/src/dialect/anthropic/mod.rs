//! Anthropic Messages, `POST /v1/messages` and `/v1/messages/count_tokens`, in Anthropic's form and as others speak it
//! (Vertex: no `model` in the body, `anthropic_version` instead).
//!
//! Two ways through it. When caller and provider both speak it, [`peek`] looks at bytes without taking them apart;
//! for everything else the bytes are read into [`crate::chat`] and written from it.
//!
//! Field names and rules are those of <https://platform.claude.com/docs/en/api/messages> and of Anthropic's SDKs.

mod answer;
mod citation;
mod count;
pub mod error;
mod message;
mod model;
mod part;
pub mod peek;
mod reasoning;
mod request;
mod response;
mod source;
mod stream;
mod stream_write;
#[cfg(test)]
mod tests;
mod tool;
pub mod usage;

pub use count::{decode_count_request, decode_count_response, encode_count_request, encode_count_response};
pub use error::{decode_fault_at, encode_error, encode_fault};
pub use model::DEFAULT_MAX_TOKENS;
pub use peek::{EventPeek, peek_count_request, peek_request, peek_response};
pub(super) use reasoning::lacks_thinking;
pub use request::{decode_request, encode_request, weigh_extra};
pub use response::{decode_response, encode_response};
pub use stream::StreamDecoder;
pub use stream_write::StreamEncoder;
pub use usage::{decode_usage, encode_usage};

/// The mark of reasoning that Anthropic signed: only it takes it back.
const REASONING_FORMAT: &str = "anthropic-claude-v1";
