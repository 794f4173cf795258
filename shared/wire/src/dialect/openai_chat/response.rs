//! Whole answers, read and written.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::message;

use super::stream_write::answer_id;
use super::usage::decode_usage;
use crate::Usage;
use crate::chat::{Choice, Extra, FinishReason, Logprobs, Message, Response, TokenLogprob};
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::{AnswerContext, DecodeError};
use crate::json;

/// The value of `object` in a whole answer.
const OBJECT: &str = "chat.completion";

/// Reads an answer. Tolerant of what compatible vendors leave out or add.
///
/// # Errors
/// Names what makes it no answer of this format: not JSON, no `choices`, a choice without a message.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    read_answer(body, OBJECT, decode_choice)
}

/// Reads an answer whose choices are read by `decode_choice`, which is given a choice's place in the list: all else is
/// alike in OpenAI's formats with choices. `object` is the value of that name.
pub(in crate::dialect) fn read_answer(
    body: &[u8],
    object: &str,
    decode_choice: impl Fn(Value, usize, &Path<'_>) -> Result<Choice, DecodeError>,
) -> Result<Response, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    let at = Path::Field(path, "choices");
    let choices = fields::array(&mut map, path, "choices")?.ok_or_else(|| at.error("required: an array"))?;
    let mut response = Response::default();
    for (index, value) in choices.into_iter().enumerate() {
        response.choices.push(decode_choice(value, index, &Path::Item(&at, index))?);
    }
    fields::take_if(&mut map, "object", |said| said == object);
    response.id = fields::try_string(&mut map, "id");
    response.model = fields::try_string(&mut map, "model");
    response.created = fields::try_whole(&mut map, "created");
    // The counts are ours, the vendor's object stays beside them: it may say more, such as a price.
    response.usage = map.get("usage").and_then(known_usage);
    response.service_tier = fields::try_string(&mut map, "service_tier");
    response.system_fingerprint = fields::try_string(&mut map, "system_fingerprint");
    response.extra = map;
    Ok(response)
}

/// The counts, unless all of them are zero: vendors fill in zeros where they do not know.
pub(in crate::dialect) fn known_usage(usage: &Value) -> Option<Usage> {
    usage.is_object().then(|| decode_usage(usage)).filter(|usage| *usage != Usage::default())
}

fn decode_choice(value: Value, position: usize, path: &Path<'_>) -> Result<Choice, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let index = fields::try_whole(&mut map, "index").and_then(|index| u32::try_from(index).ok());
    let index = index.unwrap_or(u32::try_from(position).unwrap_or(u32::MAX));
    let value = fields::take(&mut map, "message")
        .ok_or_else(|| path.field_error("message", "required: an object"))?;
    let message = message::decode_message(value, &Path::Field(path, "message"), true)?;
    // An empty word is a placeholder for none.
    let said = |value: &Value| value.as_str().is_some_and(|word| !word.is_empty());
    let finish = fields::take_if(&mut map, "finish_reason", said);
    let finish = finish.as_ref().and_then(Value::as_str).map(decode_finish);
    let logprobs = take_logprobs(&mut map);
    let filters = fields::take(&mut map, "content_filter_results");
    Ok(Choice { index, message, finish, stop_sequence: None, logprobs, filters, extra: map })
}

/// A finish reason by OpenAI's word.
pub(super) fn decode_finish(word: &str) -> FinishReason {
    match word {
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "tool_calls" => FinishReason::ToolCalls,
        "function_call" => FinishReason::FunctionCall,
        "content_filter" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

/// OpenAI's word for a finish reason, the nearest for those it has none for. A vendor's own word stays.
pub(super) fn encode_finish(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop
        | FinishReason::StopSequence
        | FinishReason::Pause
        | FinishReason::MalformedToolCall => "stop",
        FinishReason::Length | FinishReason::ContextLength => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::FunctionCall => "function_call",
        FinishReason::ContentFilter | FinishReason::Refusal | FinishReason::Recitation => "content_filter",
        FinishReason::Other(word) => word,
    }
}

/// Takes `logprobs`; a form that is not understood stays.
pub(super) fn take_logprobs(map: &mut Extra) -> Option<Logprobs> {
    let mut inner = fields::try_object(map, "logprobs")?;
    let take = |inner: &mut Extra, name| {
        let tokens = inner.get(name)?.as_array()?.iter().map(decode_token).collect::<Option<Vec<_>>>()?;
        inner.remove(name);
        Some(tokens)
    };
    let content = take(&mut inner, "content");
    let refusal = take(&mut inner, "refusal");
    Some(Logprobs { content, refusal, extra: inner })
}

fn decode_token(value: &Value) -> Option<TokenLogprob> {
    let mut map = value.as_object()?.clone();
    let token = fields::try_string(&mut map, "token")?;
    let logprob = fields::try_number(&mut map, "logprob")?;
    let bytes = map.get("bytes").and_then(|bytes| {
        bytes.as_array()?.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect()
    });
    if bytes.is_some() {
        map.remove("bytes");
    }
    let top = map.get("top_logprobs").and_then(|top| top.as_array()?.iter().map(decode_token).collect());
    if top.is_some() {
        map.remove("top_logprobs");
    }
    Some(TokenLogprob { token, logprob, bytes, top, extra: map })
}

pub(super) fn encode_logprobs(logprobs: &Logprobs) -> Value {
    let list = |tokens: &Vec<TokenLogprob>| Value::Array(tokens.iter().map(encode_token).collect());
    let mut map = Map::new();
    put_some(&mut map, "content", logprobs.content.as_ref().map(list).as_ref());
    put_some(&mut map, "refusal", logprobs.refusal.as_ref().map(list).as_ref());
    merge(&mut map, &logprobs.extra);
    Value::Object(map)
}

fn encode_token(token: &TokenLogprob) -> Value {
    let mut map = Map::new();
    put(&mut map, "token", token.token.clone());
    put(&mut map, "logprob", Value::Number(token.logprob.clone()));
    put_some(&mut map, "bytes", token.bytes.as_ref());
    if let Some(top) = &token.top {
        put(&mut map, "top_logprobs", top.iter().map(encode_token).collect::<Vec<_>>());
    }
    merge(&mut map, &token.extra);
    Value::Object(map)
}

/// Writes an answer; what it does not say of itself is taken from `context`.
#[must_use]
pub fn encode_response_as(response: &Response, context: &AnswerContext) -> Bytes {
    let mut named = response.clone();
    named.id.get_or_insert_with(|| answer_id(&context.id));
    named.model.get_or_insert_with(|| context.model.clone());
    named.created.get_or_insert(context.created);
    encode_response(&named)
}

/// Writes an answer.
#[must_use]
pub fn encode_response(response: &Response) -> Bytes {
    write_answer(response, OBJECT, encode_choice)
}

/// Writes an answer, each choice by `encode_choice`; see [`read_answer`].
pub(in crate::dialect) fn write_answer(
    response: &Response,
    object: &str,
    encode_choice: impl Fn(&Choice) -> Value,
) -> Bytes {
    let mut map = Map::new();
    put_some(&mut map, "id", response.id.as_ref());
    if !response.extra.contains_key("object") {
        put(&mut map, "object", object);
    }
    put_some(&mut map, "created", response.created.as_ref());
    put_some(&mut map, "model", response.model.as_ref());
    put(&mut map, "choices", response.choices.iter().map(encode_choice).collect::<Vec<_>>());
    if let Some(usage) = &response.usage
        && !response.extra.get("usage").is_some_and(Value::is_object)
    {
        put(&mut map, "usage", encode_usage(usage));
    }
    put_some(&mut map, "service_tier", response.service_tier.as_ref());
    put_some(&mut map, "system_fingerprint", response.system_fingerprint.as_ref());
    merge(&mut map, &response.extra);
    json::to_bytes(&Value::Object(map))
}

fn encode_choice(choice: &Choice) -> Value {
    let mut map = Map::new();
    put(&mut map, "index", choice.index);
    put(&mut map, "message", encode_answer(&choice.message));
    if let Some(logprobs) = &choice.logprobs {
        put(&mut map, "logprobs", encode_logprobs(logprobs));
    }
    // A whole answer always has the field, if only as null; an answer as it was read says so itself.
    if let Some(reason) = &choice.finish {
        put(&mut map, "finish_reason", encode_finish(reason));
    }
    put_some(&mut map, "content_filter_results", choice.filters.as_ref());
    merge(&mut map, &choice.extra);
    Value::Object(map)
}

/// An answer cannot be refused any more: content the format has no words for is left out.
fn encode_answer(message: &Message) -> Map<String, Value> {
    // An answer is told as far as the format goes: what it has no word for cannot be asked of it either.
    message::encode_message(message, 0, true, &mut Notes::default())
}

/// Writes token counts as OpenAI does. Cached and audio tokens are parts of the totals there.
#[must_use]
pub fn encode_usage(usage: &Usage) -> Value {
    let cached = usage.cache_read;
    let written = usage.cache_write.saturating_add(usage.cache_write_1h);
    let mut prompt = json!({"cached_tokens": cached, "audio_tokens": usage.input_audio});
    let mut completion = json!({
        "reasoning_tokens": usage.reasoning,
        "audio_tokens": usage.output_audio,
        "accepted_prediction_tokens": usage.accepted_prediction,
        "rejected_prediction_tokens": usage.rejected_prediction,
    });
    // What only some vendors of the format count.
    add(&mut prompt, "cache_write_tokens", written);
    add(&mut prompt, "image_tokens", usage.input_image);
    add(&mut completion, "image_tokens", usage.output_image);
    json!({
        "prompt_tokens": usage.total_input(),
        "completion_tokens": usage.total_output(),
        "total_tokens": usage.total_input().saturating_add(usage.total_output()),
        "prompt_tokens_details": prompt,
        "completion_tokens_details": completion,
    })
}

fn add(details: &mut Value, name: &str, count: u64) {
    if count > 0
        && let Some(details) = details.as_object_mut()
    {
        put(details, name, count);
    }
}
