//! Whole answers, read and written.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::message;
use super::usage::{encode_usage, known_usage};
use crate::chat::{Choice, Extra, FinishReason, Logprobs, Response, TokenLogprob};
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::{AnswerContext, DecodeError};
use crate::json;

/// Reads an answer.
///
/// # Errors
/// Names what makes it no answer of this format: not JSON, no message.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    let value = fields::take(&mut map, "message")
        .filter(Value::is_object)
        .ok_or_else(|| path.field_error("message", "required: an object"))?;
    let message = message::decode_message(value, &Path::Field(path, "message"), true)?;
    let mut choice = Choice::new(0, message);
    if let Some(word) = fields::try_string(&mut map, "finish_reason") {
        let reason = decode_finish(&word);
        keep_word(&mut choice.extra, &reason, word);
        choice.finish = Some(reason);
    }
    choice.logprobs = take_logprobs(&mut map);
    let mut response = Response { choices: vec![choice], ..Response::default() };
    response.id = fields::try_string(&mut map, "id");
    response.usage = map.get("usage").and_then(known_usage);
    response.extra = map;
    Ok(response)
}

/// Two words may mean the same: the one that is not the usual is kept.
pub(super) fn keep_word(extra: &mut Extra, reason: &FinishReason, word: String) {
    if encode_finish(reason) != word {
        put(extra, "finish_reason", word);
    }
}

/// A finish reason by Cohere's word.
pub(super) fn decode_finish(word: &str) -> FinishReason {
    match word {
        "COMPLETE" => FinishReason::Stop,
        "STOP_SEQUENCE" => FinishReason::StopSequence,
        "MAX_TOKENS" => FinishReason::Length,
        "ERROR_LIMIT" => FinishReason::ContextLength,
        "TOOL_CALL" => FinishReason::ToolCalls,
        "ERROR_TOXIC" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

/// Cohere's word for a finish reason, the nearest for those it has none for.
pub(super) fn encode_finish(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop | FinishReason::Pause => "COMPLETE",
        FinishReason::StopSequence => "STOP_SEQUENCE",
        FinishReason::Length | FinishReason::ContextLength => "MAX_TOKENS",
        FinishReason::ToolCalls | FinishReason::FunctionCall => "TOOL_CALL",
        FinishReason::ContentFilter | FinishReason::Refusal | FinishReason::Recitation => "ERROR_TOXIC",
        FinishReason::MalformedToolCall => "ERROR",
        FinishReason::Other(word) => word,
    }
}

/// Takes `logprobs`, if each item is one token. Others stay: several tokens have one text there.
fn take_logprobs(map: &mut Extra) -> Option<Logprobs> {
    let tokens = map.get("logprobs")?.as_array()?.iter().map(decode_token).collect::<Option<Vec<_>>>()?;
    map.remove("logprobs");
    Some(Logprobs { content: Some(tokens), ..Logprobs::default() })
}

/// Reads the probability of one token.
pub(super) fn decode_token(value: &Value) -> Option<TokenLogprob> {
    let mut map = value.as_object()?.clone();
    let one = |name: &str| match map.get(name)?.as_array()?.as_slice() {
        [one] => one.as_number().cloned(),
        _ => None,
    };
    one("token_ids")?;
    let logprob = one("logprobs")?;
    map.remove("logprobs");
    let token = fields::try_string(&mut map, "text")?;
    Some(TokenLogprob { token, logprob, bytes: None, top: None, extra: map })
}

/// Writes the probability of one token. Its number is not known to other formats.
pub(super) fn encode_token(token: &TokenLogprob) -> Value {
    let mut map = Map::new();
    put(&mut map, "text", token.token.clone());
    if !token.extra.contains_key("token_ids") {
        put(&mut map, "token_ids", json!([]));
    }
    put(&mut map, "logprobs", vec![Value::Number(token.logprob.clone())]);
    merge(&mut map, &token.extra);
    Value::Object(map)
}

/// Writes an answer: the first choice, since the format has one. The answer's own id stands, else the context's.
#[must_use]
pub fn encode_response(response: &Response, context: &AnswerContext) -> Bytes {
    let mut map = Map::new();
    put(&mut map, "id", response.id.clone().unwrap_or_else(|| context.id.clone()));
    if let Some(choice) = response.choices.first() {
        put(&mut map, "message", message::encode_answer(&choice.message, &context.id));
        if let Some(reason) = &choice.finish
            && !choice.extra.contains_key("finish_reason")
        {
            put(&mut map, "finish_reason", encode_finish(reason));
        }
        let tokens = choice.logprobs.as_ref().and_then(|logprobs| logprobs.content.as_ref());
        let tokens = tokens.map(|tokens| tokens.iter().map(encode_token).collect::<Vec<_>>());
        put_some(&mut map, "logprobs", tokens.as_ref());
        merge(&mut map, &choice.extra);
    }
    if let Some(usage) = &response.usage
        && !response.extra.get("usage").is_some_and(Value::is_object)
    {
        put(&mut map, "usage", encode_usage(usage));
    }
    merge(&mut map, &response.extra);
    json::to_bytes(&Value::Object(map))
}
