//! Messages, in requests and in answers.

use serde_json::{Map, Value};

use super::{part, reasoning, tool};
use crate::chat::{Audio, Content, Extra, Message, Part, ReasoningSpelling, Role, Shape, ToolResult};
use crate::dialect::DecodeError;
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::loss::Notes;

/// Reads a message. From a provider (`lenient`) the role may be missing.
pub(super) fn decode_message(value: Value, path: &Path<'_>, lenient: bool) -> Result<Message, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let role = match fields::string(&mut map, path, "role")? {
        Some(role) => Role::from(role.as_str()),
        None if lenient => Role::Assistant,
        None => return Err(path.field_error("role", "required: system, developer, user, assistant or tool")),
    };
    if matches!(role, Role::Tool | Role::Function) {
        return decode_result(role, map, path);
    }
    let name = fields::string(&mut map, path, "name")?;
    let mut parts = reasoning::take_reasoning(&mut map);
    let (content, shape) = take_content(&mut map, path)?;
    let first_content = parts.len();
    parts.extend(content);
    if shape != Shape::Parts
        && let Some(Value::String(refusal)) = fields::take_if(&mut map, "refusal", is_said)
    {
        parts.push(Part::new(Content::Refusal(refusal)));
    }
    if role == Role::Assistant {
        parts.extend(part::decode_spoken(&mut map));
    }
    take_annotations(&mut map, parts.get_mut(first_content..).unwrap_or_default());
    if let Some(Value::Array(calls)) = fields::take_if(&mut map, "tool_calls", is_filled) {
        let at = Path::Field(path, "tool_calls");
        for (index, call) in calls.into_iter().enumerate() {
            parts.push(tool::decode_call(call, &Path::Item(&at, index), lenient)?);
        }
    } else if !lenient && map.get("tool_calls").is_some_and(|calls| !calls.is_null() && !calls.is_array()) {
        return Err(path.field_error("tool_calls", "expected an array of tool calls"));
    }
    parts.extend(tool::take_legacy_call(&mut map));
    Ok(Message { role, name, parts, shape, extra: map })
}

fn is_said(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn is_filled(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty())
}

/// A message of role `tool` is one result.
fn decode_result(role: Role, mut map: Extra, path: &Path<'_>) -> Result<Message, DecodeError> {
    let call_id = match role {
        Role::Tool => Some(fields::string(&mut map, path, "tool_call_id")?.ok_or_else(|| {
            path.field_error("tool_call_id", "required: the id of the tool call this answers")
        })?),
        _ => None,
    };
    let name = fields::string(&mut map, path, "name")?;
    let (parts, shape) = take_content(&mut map, path)?;
    let result = ToolResult { call_id, name, parts, shape, is_error: false };
    let parts = vec![Part::new(Content::ToolResult(result))];
    Ok(Message { role, name: None, parts, shape: Shape::Auto, extra: map })
}

/// Reads `content` in any of its shapes.
pub(super) fn take_content(
    map: &mut Map<String, Value>,
    path: &Path<'_>,
) -> Result<(Vec<Part>, Shape), DecodeError> {
    match map.remove("content") {
        None => Ok((Vec::new(), Shape::Absent)),
        Some(Value::Null) => Ok((Vec::new(), Shape::Null)),
        Some(Value::String(text)) if text.is_empty() => Ok((Vec::new(), Shape::Text)),
        Some(Value::String(text)) => Ok((vec![Part::text(text)], Shape::Text)),
        Some(Value::Array(values)) => {
            let at = Path::Field(path, "content");
            let decode = |(index, value)| part::decode_part(value, &Path::Item(&at, index));
            let parts = values.into_iter().enumerate().map(decode).collect::<Result<_, _>>()?;
            Ok((parts, Shape::Parts))
        }
        Some(_) => Err(path.field_error("content", "expected a string, an array of content parts, or null")),
    }
}

/// The format keeps annotations beside the text; they go to the text when there is exactly one.
fn take_annotations(map: &mut Extra, parts: &mut [Part]) {
    let mut texts = parts.iter_mut().filter_map(|part| match &mut part.content {
        Content::Text(text) => Some(text),
        _ => None,
    });
    let (Some(text), None) = (texts.next(), texts.next()) else { return };
    let Some(Value::Array(values)) = map.get("annotations") else { return };
    if let Some(annotations) = part::decode_annotations(values)
        && !annotations.is_empty()
    {
        text.annotations = annotations;
        map.remove("annotations");
    }
}

/// Writes a message of a request. Tool results become messages of their own, before the rest of the message: the
/// format has no other place for them. `own` says that it was read from this format.
pub(super) fn encode_messages(
    message: &Message,
    index: usize,
    own: bool,
    out: &mut Vec<Value>,
    notes: &mut Notes,
) {
    let mut others = 0_usize;
    let mut results = 0_usize;
    for part in &message.parts {
        if let Content::ToolResult(result) = &part.content {
            results += 1;
            let mut map = encode_result(message, result, index, own, notes);
            if message.role == Role::Tool || message.role == Role::Function {
                merge(&mut map, &message.extra);
            }
            merge(&mut map, &part.extra);
            out.push(Value::Object(map));
        } else {
            others += 1;
        }
    }
    if others > 0 || results == 0 {
        out.push(Value::Object(encode_message(message, index, own, notes)));
    }
}

fn encode_result(
    message: &Message,
    result: &ToolResult,
    index: usize,
    own: bool,
    notes: &mut Notes,
) -> Map<String, Value> {
    let mut map = Map::new();
    if message.role == Role::Function {
        put(&mut map, "role", "function");
    } else {
        put(&mut map, "role", "tool");
        put_some(&mut map, "tool_call_id", result.call_id.as_ref());
    }
    put_some(&mut map, "name", result.name.as_ref());
    let parts: Vec<&Part> = result.parts.iter().collect();
    put_content(&mut map, &parts, result.shape, &Role::Tool, &format!("messages[{index}]"), own, notes);
    if result.is_error {
        notes.hint(
            format!("messages[{index}].tool_result.is_error"),
            "a tool's failure can only be told in its text",
        );
    }
    map
}

/// Writes everything of a message but tool results.
pub(super) fn encode_message(
    message: &Message,
    index: usize,
    own: bool,
    notes: &mut Notes,
) -> Map<String, Value> {
    let mut map = Map::new();
    put(&mut map, "role", message.role.as_str());
    put_some(&mut map, "name", message.name.as_ref());
    let is_answer = message.role == Role::Assistant;
    let in_list = message.shape == Shape::Parts;
    let content: Vec<&Part> = message
        .parts
        .iter()
        .filter(|part| match &part.content {
            Content::Text(_)
            | Content::Image(_)
            | Content::Video(_)
            | Content::File(_)
            | Content::Other(_) => true,
            Content::Audio(audio) => !(is_answer && is_spoken(audio, in_list)),
            Content::Refusal(_) => in_list,
            Content::Reasoning(reasoning) => in_list && reasoning.spelling == ReasoningSpelling::Thinking,
            Content::ToolCall(_) | Content::ToolResult(_) => false,
        })
        .collect();
    put_content(&mut map, &content, message.shape, &message.role, &format!("messages[{index}]"), own, notes);
    let mut refusal = None::<String>;
    let mut annotations = Vec::new();
    let mut offset = 0_u64;
    for (place, part) in message.parts.iter().enumerate() {
        match &part.content {
            Content::Text(text) => {
                let told = text.annotations.iter().filter(|each| part::is_said(each));
                annotations.extend(told.map(|each| part::encode_annotation(each, offset)));
                if !text.annotations.iter().all(part::is_said) {
                    let reason = "OpenAI Chat Completions has sources by address only";
                    notes.hint(format!("messages[{index}].content[{place}].annotations"), reason);
                }
                offset = offset.saturating_add(text.text.chars().count() as u64);
            }
            Content::Refusal(text) if !in_list => refusal.get_or_insert_default().push_str(text),
            Content::Reasoning(said) if !(in_list && said.spelling == ReasoningSpelling::Thinking) => {
                let id = part.id.as_ref();
                reasoning::put_reasoning(&mut map, said, id, part.signature.as_ref(), &part.extra);
            }
            Content::Audio(audio) if is_answer && is_spoken(audio, in_list) => {
                put(&mut map, "audio", part::encode_spoken(audio, &part.extra));
            }
            Content::ToolCall(call) => tool::put_call(&mut map, call, part),
            Content::Reasoning(_) => {}
            // A signature outside reasoning and tool calls has no place in the format.
            _ if part.signature.is_some() => {
                notes.hint(format!("messages[{index}].signature"), "only reasoning and tool calls carry one");
            }
            _ => {}
        }
    }
    if let Some(refusal) = refusal {
        put(&mut map, "refusal", refusal);
    }
    if !annotations.is_empty() {
        put(&mut map, "annotations", annotations);
    }
    merge(&mut map, &message.extra);
    map
}

/// Whether sound in an answer is the answer itself (`message.audio`) rather than a part of a content list.
const fn is_spoken(audio: &Audio, in_list: bool) -> bool {
    audio.id.is_some() || !in_list
}

/// Writes `content` in the shape it had, or the usual one.
pub(super) fn put_content(
    map: &mut Map<String, Value>,
    parts: &[&Part],
    shape: Shape,
    role: &Role,
    at: &str,
    own: bool,
    notes: &mut Notes,
) {
    let text = |part: &&Part| match &part.content {
        Content::Text(text) if part.is_plain() => Some(text.text.clone()),
        _ => None,
    };
    match shape {
        Shape::Absent if parts.is_empty() => return,
        Shape::Null if parts.is_empty() => {
            put(map, "content", Value::Null);
            return;
        }
        Shape::Auto if parts.is_empty() && *role == Role::Assistant => {
            put(map, "content", Value::Null);
            return;
        }
        Shape::Parts => {}
        // Several texts stay apart where the format allows it; in an answer, and in a string, they are one.
        Shape::Text | Shape::Auto | Shape::Absent | Shape::Null => {
            let joins =
                parts.len() <= 1 || shape == Shape::Text || matches!(role, Role::Assistant | Role::Tool);
            if joins && let Some(joined) = parts.iter().map(text).collect::<Option<String>>() {
                put(map, "content", joined);
                return;
            }
        }
    }
    let mut values = Vec::with_capacity(parts.len());
    for (place, part) in parts.iter().enumerate() {
        let foreign = !own && matches!(part.content, Content::Other(_));
        match part::encode_part(part).filter(|_| !foreign) {
            Some(value) => values.push(value),
            None => notes.meaning(
                format!("{at}.content[{place}]"),
                "OpenAI Chat Completions has no way to say this kind of content",
            ),
        }
    }
    put(map, "content", values);
}
