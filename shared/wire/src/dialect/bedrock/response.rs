//! Whole answers, read and written.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::message;
use super::usage::{encode_usage, known_usage};
use crate::chat::{Choice, Extra, FinishReason, Response};
use crate::dialect::fields::{self, Path, merge, put};
use crate::dialect::{AnswerContext, DecodeError};
use crate::json;

/// The field for what only one maker's models say; a stop sequence is there when the caller asked for it.
const ADDITIONAL: &str = "additionalModelResponseFields";

/// Reads an answer.
///
/// # Errors
/// Names what makes it no answer of this format: not JSON, no message.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    let at = Path::Field(path, "output");
    let mut output = fields::object(&mut map, path, "output")?
        .ok_or_else(|| at.error("required: an object with `message`"))?;
    let value = fields::take(&mut output, "message")
        .ok_or_else(|| at.field_error("message", "required: an object"))?;
    fields::put_back(&mut map, "output", output);
    let message = message::decode_message(value, &Path::Field(&at, "message"), None, true)?;
    let mut choice = Choice::new(0, message);
    if let Some(word) = fields::try_string(&mut map, "stopReason") {
        let reason = decode_finish(&word);
        keep_word(&mut choice.extra, &reason, word);
        choice.finish = Some(reason);
    }
    choice.stop_sequence = take_stop_sequence(&mut map);
    let mut response = Response { choices: vec![choice], ..Response::default() };
    response.usage = map.get("usage").and_then(known_usage);
    response.service_tier = take_tier(&mut map);
    response.extra = map;
    Ok(response)
}

/// Takes `serviceTier.type`.
pub(super) fn take_tier(map: &mut Map<String, Value>) -> Option<String> {
    let tier = map.get_mut("serviceTier")?.as_object_mut()?;
    let word = fields::try_string(tier, "type")?;
    if tier.is_empty() {
        map.remove("serviceTier");
    }
    Some(word)
}

/// Takes the stop sequence that came up, where the caller asked for it and the model's maker says it so.
pub(super) fn take_stop_sequence(map: &mut Map<String, Value>) -> Option<String> {
    let additional = map.get_mut(ADDITIONAL)?.as_object_mut()?;
    let sequence = fields::try_string(additional, "stop_sequence")?;
    if additional.is_empty() {
        map.remove(ADDITIONAL);
    }
    Some(sequence)
}

/// Two words may mean the same: the one that is not the usual is kept.
pub(super) fn keep_word(extra: &mut Extra, reason: &FinishReason, word: String) {
    if encode_finish(reason) != word {
        put(extra, "stopReason", word);
    }
}

/// A finish reason by Bedrock's word.
pub(super) fn decode_finish(word: &str) -> FinishReason {
    match word {
        "end_turn" => FinishReason::Stop,
        "stop_sequence" => FinishReason::StopSequence,
        "max_tokens" => FinishReason::Length,
        "model_context_window_exceeded" => FinishReason::ContextLength,
        "tool_use" => FinishReason::ToolCalls,
        "content_filtered" | "guardrail_intervened" => FinishReason::ContentFilter,
        "refusal" => FinishReason::Refusal,
        "pause_turn" => FinishReason::Pause,
        "malformed_tool_use" => FinishReason::MalformedToolCall,
        other => FinishReason::Other(other.to_owned()),
    }
}

/// Bedrock's word for a finish reason, the nearest for those it has none for.
pub(super) fn encode_finish(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop | FinishReason::Pause => "end_turn",
        FinishReason::StopSequence => "stop_sequence",
        FinishReason::Length => "max_tokens",
        FinishReason::ContextLength => "model_context_window_exceeded",
        FinishReason::ToolCalls | FinishReason::FunctionCall => "tool_use",
        FinishReason::ContentFilter | FinishReason::Refusal | FinishReason::Recitation => "content_filtered",
        FinishReason::MalformedToolCall => "malformed_tool_use",
        FinishReason::Other(word) => word,
    }
}

/// Writes an answer: the first choice, since the format has one. It has no place for an id, a model or a time.
#[must_use]
pub fn encode_response(response: &Response, _context: &AnswerContext) -> Bytes {
    let mut map = Map::new();
    if let Some(choice) = response.choices.first() {
        put(&mut map, "output", message::encode_answer(&choice.message));
        if let Some(reason) = &choice.finish
            && !choice.extra.contains_key("stopReason")
        {
            put(&mut map, "stopReason", encode_finish(reason));
        }
        if let Some(sequence) = &choice.stop_sequence {
            put(&mut map, ADDITIONAL, json!({"stop_sequence": sequence}));
        }
        merge(&mut map, &choice.extra);
    }
    if let Some(usage) = &response.usage
        && !response.extra.get("usage").is_some_and(Value::is_object)
    {
        put(&mut map, "usage", encode_usage(usage));
    }
    if let Some(tier) = &response.service_tier {
        put(&mut map, "serviceTier", json!({"type": tier}));
    }
    merge(&mut map, &response.extra);
    json::to_bytes(&Value::Object(map))
}

/// What the last event of a stream says.
pub(super) fn encode_metadata(
    usage: Option<(crate::Usage, Option<Value>)>,
    tier: Option<&String>,
    extra: &Extra,
) -> Value {
    let mut map = Map::new();
    if let Some((usage, vendor)) = usage {
        put(&mut map, "usage", vendor.unwrap_or_else(|| encode_usage(&usage)));
    }
    if let Some(tier) = tier {
        put(&mut map, "serviceTier", json!({"type": tier}));
    }
    merge(&mut map, extra);
    Value::Object(map)
}
