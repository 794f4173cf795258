//! Whole answers, read.

use serde_json::{Map, Value};

use super::part::{self, Side};
use super::{mark, reasoning, usage};
use crate::chat::{
    Choice, Content, Extra, FinishReason, Image, Logprobs, Message, Part, Response, Role, Source,
    TokenLogprob, ToolCall, ToolKind,
};
use crate::dialect::DecodeError;
use crate::dialect::fields::{self, Path, put};

/// Reads an answer. Tolerant of what compatible vendors leave out or add. An answer that failed is read as well; see
/// [`super::find_fault`].
///
/// # Errors
/// Names what makes it no answer of this format: not JSON, or no `output`.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    let at = Path::Field(path, "output");
    let output = fields::array(&mut map, path, "output")?.ok_or_else(|| at.error("required: an array"))?;
    let mut parts = Vec::new();
    for value in output {
        parts.extend(decode_item(value));
    }
    let mut choice = Choice::new(0, Message::new(Role::Assistant, parts));
    choice.logprobs = logprobs_of(&choice.message.parts);
    let calls = choice.message.tool_calls().next().is_some();
    choice.finish = finish_of(&mut map, calls);
    Ok(Response {
        id: fields::try_string(&mut map, "id"),
        model: fields::try_string(&mut map, "model"),
        created: fields::try_whole(&mut map, "created_at"),
        choices: vec![choice],
        // The counts are ours, the vendor's object stays beside them: it may say more.
        usage: map.get("usage").and_then(usage::known),
        service_tier: fields::try_string(&mut map, "service_tier"),
        system_fingerprint: None,
        extra: map,
    })
}

/// Why the answer ended. The status stays where it says more than the reason does.
pub(super) fn finish_of(map: &mut Extra, calls: bool) -> Option<FinishReason> {
    match map.get("status").and_then(Value::as_str) {
        Some("completed") | None => {
            map.remove("status");
            Some(if calls { FinishReason::ToolCalls } else { FinishReason::Stop })
        }
        Some("incomplete") => {
            map.remove("status");
            let why = map.get("incomplete_details").and_then(|details| details.get("reason")?.as_str());
            Some(match why {
                Some("max_output_tokens") | None => FinishReason::Length,
                Some("content_filter") => FinishReason::ContentFilter,
                Some(other) => FinishReason::Other(other.to_owned()),
            })
        }
        Some("queued" | "in_progress") => None,
        Some(other) => Some(FinishReason::Other(other.to_owned())),
    }
}

/// Reads an item of the output into its parts. What is not understood is kept whole.
pub(super) fn decode_item(value: Value) -> Vec<Part> {
    let Value::Object(mut map) = value else { return Vec::new() };
    let Some(kind) = fields::try_string(&mut map, "type") else { return Vec::new() };
    match kind.as_str() {
        "message" => decode_message(map),
        "reasoning" => reasoning::decode(map, &Path::Root, true).unwrap_or_default(),
        "function_call" | "custom_tool_call" => vec![decode_call(kind, map)],
        "image_generation_call" if map.get("result").is_some_and(Value::is_string) => vec![decode_image(map)],
        _ => vec![mark::other(kind, map, mark::ITEM)],
    }
}

fn decode_message(mut map: Extra) -> Vec<Part> {
    let content = fields::try_array(&mut map, "content").unwrap_or_default();
    if content.is_empty() {
        put(&mut map, "content", content);
        return vec![mark::other("message".to_owned(), map, mark::ITEM)];
    }
    fields::take_if(&mut map, "role", |role| role == "assistant");
    let mut parts = Vec::new();
    for value in content {
        let kept = value.as_object().cloned().unwrap_or_default();
        let mut part = part::decode_part(value, &Path::Root, Side::Output).unwrap_or_else(|_| {
            let mut fields = kept;
            let kind = fields::try_string(&mut fields, "type").unwrap_or_default();
            mark::other(kind, fields, mark::PART)
        });
        // The item is kept with each of its parts; it tells which of them are one message.
        put(&mut part.extra, "item", map.clone());
        parts.push(part);
    }
    parts
}

fn decode_call(kind: String, mut map: Extra) -> Part {
    let custom = kind == "custom_tool_call";
    let field = if custom { "input" } else { "arguments" };
    let Some(name) = fields::try_string(&mut map, "name") else { return mark::other(kind, map, mark::ITEM) };
    let arguments = match fields::take(&mut map, field) {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let kind = if custom { ToolKind::Custom } else { ToolKind::Function };
    let call = ToolCall { id: fields::try_string(&mut map, "call_id"), name, arguments, kind };
    Part { extra: map, ..Part::new(Content::ToolCall(call)) }
}

/// A generated image; its item's other fields stay beside it.
fn decode_image(mut map: Extra) -> Part {
    let data = fields::try_string(&mut map, "result").unwrap_or_default();
    let source = if data.starts_with("http://") || data.starts_with("https://") {
        Source::Url(data)
    } else {
        let format = map.get("output_format").and_then(Value::as_str);
        let media_type =
            format.map_or_else(|| part::guess_image(&data).to_owned(), |format| format!("image/{format}"));
        Source::Base64 { media_type: Some(media_type), data }
    };
    Part { extra: map, ..Part::new(Content::Image(Image { source, detail: None })) }
}

/// The probabilities of all texts, one after another.
fn logprobs_of(parts: &[Part]) -> Option<Logprobs> {
    let mut all = Vec::new();
    for part in parts.iter().filter(|part| matches!(part.content, Content::Text(_))) {
        all.extend(part.extra.get("logprobs").and_then(decode_tokens).unwrap_or_default());
    }
    (!all.is_empty()).then(|| Logprobs { content: Some(all), ..Logprobs::default() })
}

/// Reads a list of probabilities; `None` if one of them is not understood.
pub(super) fn decode_tokens(value: &Value) -> Option<Vec<TokenLogprob>> {
    value.as_array()?.iter().map(decode_token).collect()
}

fn decode_token(value: &Value) -> Option<TokenLogprob> {
    let mut map = value.as_object()?.clone();
    let bytes = map.get("bytes").and_then(|bytes| {
        bytes.as_array()?.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect()
    });
    let top = map.get("top_logprobs").and_then(decode_tokens);
    map.remove("bytes");
    map.remove("top_logprobs");
    Some(TokenLogprob {
        token: fields::try_string(&mut map, "token")?,
        logprob: fields::try_number(&mut map, "logprob")?,
        bytes,
        top,
        extra: map,
    })
}

/// Writes the probabilities of a text.
pub(super) fn encode_tokens(logprobs: &Logprobs) -> Vec<Value> {
    logprobs.content.iter().flatten().map(|token| encode_token(token, true)).collect()
}

fn encode_token(token: &TokenLogprob, outer: bool) -> Value {
    let mut map = Map::new();
    put(&mut map, "token", token.token.clone());
    put(&mut map, "logprob", Value::Number(token.logprob.clone()));
    put(&mut map, "bytes", token.bytes.clone().unwrap_or_else(|| token.token.clone().into_bytes()));
    if outer {
        let top = token.top.iter().flatten().map(|token| encode_token(token, false));
        put(&mut map, "top_logprobs", top.collect::<Vec<_>>());
    }
    fields::merge(&mut map, &token.extra);
    Value::Object(map)
}
