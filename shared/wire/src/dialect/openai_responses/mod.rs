//! OpenAI Responses, `POST /v1/responses`.
//!
//! A conversation here is a list of items. On the way in, the items that the model made in one turn (reasoning, a
//! message, tool calls) become one message of the assistant; on the way out each becomes an item again. The field
//! names are those of OpenAI's API reference, <https://platform.openai.com/docs/api-reference/responses>.
//!
//! State that OpenAI keeps for a caller (`previous_response_id`, `conversation`, `background`, `prompt`) is not kept
//! here. It passes to a provider of this format and has no meaning for another; `leave_extra` names what is lost.

mod annotation;
pub mod error;
mod item;
mod item_value;
mod item_write;
mod mark;
mod output;
mod output_call;
mod part;
mod reasoning;
mod request;
mod request_write;
mod response;
mod response_write;
mod stream;
mod stream_write;
#[cfg(test)]
mod tests;
mod tool;
pub mod usage;

pub use error::{decode_fault_at, encode_error, encode_fault, find_fault};
pub use request::decode_request;
pub(in crate::dialect) use request::weigh_extra;
pub use request_write::encode_request;
pub use response::decode_response;
pub use response_write::encode_response;
pub use stream::StreamDecoder;
pub use stream_write::StreamEncoder;
pub use usage::{decode_usage, encode_count_response, encode_usage};
