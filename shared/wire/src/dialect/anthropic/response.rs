//! Whole answers, read and written.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer::{decode_finish, encode_content, encode_finish};
use super::part;
use super::usage::{encode_usage, known_usage};
use crate::chat::{Choice, Message, Response, Role};
use crate::dialect::fields::{self, Path, merge, put};
use crate::dialect::{AnswerContext, DecodeError};
use crate::json;

/// Reads an answer. Tolerant of what others who speak the format leave out or add.
///
/// # Errors
/// Names what makes it no answer of this format: not JSON, no `content`, a block without a type.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    let at = Path::Field(path, "content");
    let blocks = fields::array(&mut map, path, "content")?.ok_or_else(|| at.error("required: an array"))?;
    let decode = |(index, value)| part::decode_block(value, &Path::Item(&at, index), true);
    let parts = blocks.into_iter().enumerate().map(decode).collect::<Result<_, _>>()?;
    let role = fields::try_string(&mut map, "role");
    let role = role.as_deref().map_or(Role::Assistant, Role::from);
    fields::take_if(&mut map, "type", |kind| kind == "message");
    let mut choice = Choice::new(0, Message::new(role, parts));
    choice.finish = fields::try_string(&mut map, "stop_reason").as_deref().map(decode_finish);
    choice.stop_sequence = fields::try_string(&mut map, "stop_sequence");
    // It is always written, if only as null.
    fields::take_if(&mut map, "stop_sequence", Value::is_null);
    // The counts are ours, the vendor's object stays beside them: it says more, such as searches made.
    let usage = map.get("usage");
    Ok(Response {
        usage: usage.and_then(known_usage),
        service_tier: usage.and_then(service_tier),
        id: fields::try_string(&mut map, "id"),
        model: fields::try_string(&mut map, "model"),
        choices: vec![choice],
        extra: map,
        ..Response::default()
    })
}

/// The class of service, which stands among the counts.
pub(super) fn service_tier(usage: &Value) -> Option<String> {
    let word = usage.get("service_tier")?.as_str()?;
    Some(if word == "standard" { "default" } else { word }.to_owned())
}

/// Writes an answer. The format knows one choice: the first is told.
#[must_use]
pub fn encode_response(response: &Response, context: &AnswerContext) -> Bytes {
    let mut map = Map::new();
    let id = response.id.clone().unwrap_or_else(|| message_id(context));
    put(&mut map, "id", id);
    put(&mut map, "type", "message");
    put(&mut map, "role", "assistant");
    put(&mut map, "model", response.model.as_ref().unwrap_or(&context.model).clone());
    let choice = response.choices.first();
    let (content, calls, refuses) =
        choice.map_or_else(Default::default, |choice| encode_content(&choice.message, &context.id));
    put(&mut map, "content", content);
    if !response.extra.contains_key("stop_reason") {
        let reason = choice.and_then(|choice| choice.finish.as_ref());
        put(&mut map, "stop_reason", encode_finish(reason, calls, refuses));
    }
    put(&mut map, "stop_sequence", choice.and_then(|choice| choice.stop_sequence.clone()));
    if !response.extra.get("usage").is_some_and(Value::is_object) {
        let mut usage = match &response.usage {
            Some(usage) => encode_usage(usage),
            None => unknown_usage(context),
        };
        put_tier(&mut usage, response.service_tier.as_deref());
        put(&mut map, "usage", usage);
    }
    if let Some(choice) = choice {
        merge(&mut map, &choice.message.extra);
        merge(&mut map, &choice.extra);
    }
    merge(&mut map, &response.extra);
    json::to_bytes(&Value::Object(map))
}

pub(super) fn message_id(context: &AnswerContext) -> String {
    format!("msg_{}", context.id)
}

/// Callers' types require counts: what was counted beforehand, and nothing written.
pub(super) fn unknown_usage(context: &AnswerContext) -> Value {
    json!({
        "input_tokens": context.input_tokens.unwrap_or(0),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 0,
    })
}

/// Writes the class of service, by the word that the format has for it.
pub(super) fn put_tier(usage: &mut Value, tier: Option<&str>) {
    let word = match tier {
        Some("default" | "standard") => "standard",
        Some("priority") => "priority",
        Some("batch") => "batch",
        _ => return,
    };
    if let Value::Object(usage) = usage {
        put(usage, "service_tier", word);
    }
}
