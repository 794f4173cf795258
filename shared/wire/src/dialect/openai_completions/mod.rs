//! OpenAI's older Completions, `POST /v1/completions`: a text to go on with instead of a conversation.
//!
//! The prompt is one message of the user. Several prompts in one request, and prompts given as tokens, have no like in
//! other formats; they are kept whole for a provider of this one, as are `suffix`, `echo` and `best_of`.
//! `leave_extra` names what is lost elsewhere. Errors and token counts are those of OpenAI Chat Completions. The
//! reference: <https://platform.openai.com/docs/api-reference/completions>.

mod logprobs;
mod request;
mod response;
mod stream;
mod stream_write;
#[cfg(test)]
mod tests;

pub(in crate::dialect) use request::weigh_extra;
pub use request::{decode_request, encode_request};
pub use response::{decode_response, encode_response};
pub(in crate::dialect) use response::{encode_finish, words};
pub use stream::StreamDecoder;
pub use stream_write::StreamEncoder;

pub use super::openai_chat::{decode_fault_at, decode_usage, encode_usage, find_fault};
pub use super::openai_responses::encode_error;
