//! Whole answers, read and written.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::logprobs;
use crate::chat::{Choice, Content, FinishReason, Message, Part, Response, Role, Shape};
use crate::dialect::fields::{self, Path, merge, put};
use crate::dialect::openai_chat::{read_answer, write_answer};
use crate::dialect::{AnswerContext, DecodeError};

/// The value of `object` in an answer and in the events of a stream.
pub(super) const OBJECT: &str = "text_completion";

/// Reads an answer. Tolerant of what compatible vendors leave out or add.
///
/// # Errors
/// Names what makes it no answer of this format: not JSON, or no `choices`.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    read_answer(body, OBJECT, decode_choice)
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
pub(in crate::dialect) fn encode_finish(reason: &FinishReason) -> &str {
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
    let mut named = response.clone();
    named.id.get_or_insert_with(|| answer_id(context));
    named.model.get_or_insert_with(|| context.model.clone());
    named.created.get_or_insert(context.created);
    write_answer(&named, OBJECT, encode_choice)
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
pub(in crate::dialect) fn words(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Text(text) => Some(&text.text),
        Content::Refusal(text) => Some(text),
        Content::Audio(audio) => audio.transcript.as_deref(),
        _ => None,
    }
}
