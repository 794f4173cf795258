//! Amazon Bedrock's Converse and ConverseStream: `POST /model/MODEL/converse` and `/converse-stream`.
//!
//! The model and whether the answer is streamed are in the path, not in the body. A stream is an AWS event stream, see
//! [`crate::event_stream`]. The shapes are those of AWS's service model of the Bedrock runtime, version 2023-09-30.

mod block;
mod chunk;
mod citation;
mod error;
mod media;
mod message;
mod model;
mod names;
mod reasoning;
mod request;
mod response;
mod stream;
mod stream_write;
#[cfg(test)]
mod tests;
mod tool;
mod usage;

pub use chunk::ChunkDecoder;
pub use error::{decode_fault_at, encode_error, exception};
pub(in crate::dialect) use request::decode_body;
pub use request::{decode_request, encode_request};
pub use response::{decode_response, encode_response};
pub use stream::StreamDecoder;
pub use stream_write::StreamEncoder;
pub use usage::{decode_usage, encode_usage};

/// In front of the names of what only this format knows: [`crate::chat::Content::Other`] and
/// [`crate::chat::Definition::BuiltIn`].
const OWN: &str = "bedrock/";
/// Whose reasoning it is when it is signed: Claude's, whose signatures Anthropic and all clouds share.
const CLAUDE: &str = "anthropic-claude-v1";
/// Whose reasoning it is when it is sealed in a way that is not Claude's.
const AMAZON: &str = "amazon-bedrock-v1";
