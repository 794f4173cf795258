//! OpenAI Chat Completions, `POST /v1/chat/completions`, in OpenAI's form and in those of the many vendors that took
//! it over.
//!
//! Two ways through it. When caller and provider both speak it, [`peek`] looks at bytes without taking them apart;
//! for everything else the bytes are read into [`crate::chat`] and written from it.

mod effort;
pub mod error;
mod foreign;
mod message;
mod part;
pub mod peek;
mod reasoning;
pub(in crate::dialect) mod request;
mod response;
mod stream;
mod stream_write;
#[cfg(test)]
mod tests;
mod thoughts;
mod tool;
pub mod usage;

pub use error::{decode_fault, decode_fault_at, encode_error, encode_fault, find_fault};
pub use peek::{
    EventFacts, EventKind, PeekFailure, RequestHead, ResponseFacts, peek_event, peek_request, peek_response,
    said_in,
};
pub use request::{decode_request, encode_request};
pub use response::{decode_response, encode_response, encode_response_as, encode_usage};
pub(in crate::dialect) use response::{known_usage, read_answer, write_answer};
pub use stream::StreamDecoder;
pub use stream_write::StreamEncoder;
pub use usage::decode_usage;
