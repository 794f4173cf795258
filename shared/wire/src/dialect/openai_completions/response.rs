//! Whole answers, read and written.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::logprobs;
use crate::chat::{Choice, Content, FinishReason, Message, Part, Response, Role, Shape};
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::openai_chat::{decode_usage, encode_usage};
use crate::dialect::{AnswerContext, DecodeError};
use crate::usage::Usage;

/// The value of `object` in an answer and in the events of a stream.
pub(super) const OBJECT: &str = "text_completion";

/// Reads an answer. Tolerant of what compatible vendors leave out or add.
///
/// # Errors
/// Names what makes it no answer of this format: not JSON, or no `choices`.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    let at = Path::Field(path, "choices");
    let choices = fields::array(&mut map, path, "choices")?.ok_or_else(|| at.error("required: an array"))?;
    let mut response = Response::default();
    for (position, value) in choices.into_iter().enumerate() {
        response.choices.push(decode_choice(value, position, &Path::Item(&at, position))?);
    }
    fields::take_if(&mut map, "object", |object| object == OBJECT);
    response.id = fields::try_string(&mut map, "id");
    response.model = fields::try_string(&mut map, "model");
    response.created = fields::try_whole(&mut map, "created");
    response.usage = map.get("usage").and_then(known_usage);
    response.service_tier = fields::try_string(&mut map, "service_tier");
    response.system_fingerprint = fields::try_string(&mut map, "system_fingerprint");
    response.extra = map;
    Ok(response)
}

/// The counts, unless all of them are zero: vendors fill in zeros where they do not know.
pub(super) fn known_usage(usage: &Value) -> Option<Usage> {
    usage.is_object().then(|| decode_usage(usage)).filter(|usage| *usage != Usage::default())
}

fn decode_choice(value: Value, position: usize, path: &Path<'_>) -> Result<Choice, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let index = fields::try_whole(&mut map, "index").and_then(|index| u32::try_from(index).ok());
    let index = index.unwrap_or(u32::try_from(position).unwrap_or(u32::MAX));
    let text = fields::string(&mut map, path, "text")?;
    let shape = if text.is_some() { Shape::Text } else { Shape::Absent };
    let parts = text.into_iter().filter(|text| !text.is_empty()).map(Part::text).collect();
    let message = Message { shape, ..Message::new(Role::Assistant, parts) };
    let finish = take_finish(&mut map);
    let logprobs = logprobs::take(&mut map);
    Ok(Choice { finish, logprobs, extra: map, ..Choice::new(index, message) })
}

/// An empty word is a placeholder for none, and stays.
pub(super) fn take_finish(map: &mut Map<String, Value>) -> Option<FinishReason> {
    let said = |value: &Value| value.as_str().is_some_and(|word| !word.is_empty());
    let word = fields::take_if(map, "finish_reason", said)?;
    Some(match word.as_str().unwrap_or_default() {
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    })
}

/// The format's word for a finish reason, the nearest for those it has none for. A vendor's own word stays.
pub(super) fn encode_finish(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop
        | FinishReason::StopSequence
        | FinishReason::ToolCalls
        | FinishReason::FunctionCall
        | FinishReason::Pause
        | FinishReason::MalformedToolCall => "stop",
        FinishReason::Length | FinishReason::ContextLength => "length",
        FinishReason::ContentFilter | FinishReason::Refusal | FinishReason::Recitation => "content_filter",
        FinishReason::Other(word) => word,
    }
}

/// The id of an answer, in the form of this format.
pub(super) fn answer_id(context: &AnswerContext) -> String {
    if context.id.starts_with("cmpl-") { context.id.clone() } else { format!("cmpl-{}", context.id) }
}

/// Writes an answer: the text of each choice. The format has nothing else to say.
#[must_use]
pub fn encode_response(response: &Response, context: &AnswerContext) -> Bytes {
    let mut map = Map::new();
    put(&mut map, "id", response.id.clone().unwrap_or_else(|| answer_id(context)));
    if !response.extra.contains_key("object") {
        put(&mut map, "object", OBJECT);
    }
    put(&mut map, "created", response.created.unwrap_or(context.created));
    put(&mut map, "model", response.model.clone().unwrap_or_else(|| context.model.clone()));
    put(&mut map, "choices", response.choices.iter().map(encode_choice).collect::<Vec<_>>());
    if let Some(usage) = &response.usage
        && !response.extra.get("usage").is_some_and(Value::is_object)
    {
        put(&mut map, "usage", encode_usage(usage));
    }
    put_some(&mut map, "service_tier", response.service_tier.as_ref());
    put_some(&mut map, "system_fingerprint", response.system_fingerprint.as_ref());
    merge(&mut map, &response.extra);
    Value::Object(map).to_string().into()
}

fn encode_choice(choice: &Choice) -> Value {
    let mut map = Map::new();
    put(&mut map, "index", choice.index);
    put(&mut map, "text", choice.message.parts.iter().filter_map(words).collect::<String>());
    if let Some(logprobs) = &choice.logprobs {
        put(&mut map, "logprobs", logprobs::encode(logprobs, 0));
    }
    if let Some(reason) = &choice.finish {
        put(&mut map, "finish_reason", encode_finish(reason));
    }
    merge(&mut map, &choice.extra);
    for name in ["logprobs", "finish_reason"] {
        map.entry(name).or_insert(Value::Null);
    }
    Value::Object(map)
}

/// What a part says in words to the caller.
pub(super) fn words(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Text(text) => Some(&text.text),
        Content::Refusal(text) => Some(text),
        Content::Audio(audio) => audio.transcript.as_deref(),
        _ => None,
    }
}
