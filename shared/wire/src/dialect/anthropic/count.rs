//! Counting the tokens of a request, `POST /v1/messages/count_tokens`.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{model, request};
use crate::chat::{OutputLimit, Request};
use crate::dialect::fields::{self, Path, merge};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, Encoded, Target};

/// Reads a request to count: one for an answer without the output limit, which is taken if it is there.
///
/// # Errors
/// Names the field that is missing or of a wrong type.
pub fn decode_count_request(body: &[u8]) -> Result<Request, DecodeError> {
    let mut map = fields::parse_object(body)?;
    let limit = fields::whole(&mut map, &Path::Root, "max_tokens")?;
    let mut request = request::decode_prompt(map)?;
    request.output_limit = limit.map(|tokens| OutputLimit { tokens, legacy: false });
    Ok(request)
}

/// Writes a request to count: what the model would read, and nothing of how it is to answer, which Anthropic refuses
/// there. What cannot be said is named as in [`super::encode_request`].
#[must_use]
pub fn encode_count_request(request: &Request, target: &Target<'_>) -> Encoded {
    let mut map = Map::new();
    let mut notes = Notes::default();
    request::put_model(&mut map, request, target);
    let limit = request.output_limit.map(|limit| limit.tokens).or(target.max_output);
    let limit = limit.unwrap_or(model::DEFAULT_MAX_TOKENS);
    request::put_prompt(&mut map, request, &model::abilities(target.model), limit, &mut notes);
    merge(&mut map, &request.extra);
    notes.into_encoded(Value::Object(map).to_string().into())
}

/// Writes the answer: how many tokens the model would read.
#[must_use]
pub fn encode_count_response(input_tokens: u64) -> Bytes {
    json!({"input_tokens": input_tokens}).to_string().into()
}

/// Reads the answer: how many tokens the model would read.
///
/// # Errors
/// Names what makes it no answer of this format.
pub fn decode_count_response(body: &[u8]) -> Result<u64, DecodeError> {
    let mut map = fields::parse_object(body)?;
    fields::whole(&mut map, &Path::Root, "input_tokens")?
        .ok_or_else(|| Path::Root.field_error("input_tokens", "required: a whole number"))
}
