//! Content blocks.

use serde_json::{Map, Value, json};

use super::{citation, reasoning, source, tool};
use crate::chat::{AS_SAID, Content, Extra, Part, Shape, Text, ToolResult};
use crate::dialect::DecodeError;
use crate::dialect::cache_mark::{put_cache_mark, take_cache_mark};
use crate::dialect::carried;
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::loss::Notes;

/// Reads `content` in either of its shapes: a text or a list of blocks.
pub(super) fn take_content(
    map: &mut Map<String, Value>,
    path: &Path<'_>,
    name: &str,
    lenient: bool,
) -> Result<(Vec<Part>, Shape), DecodeError> {
    match fields::take(map, name) {
        None => Ok((Vec::new(), Shape::Absent)),
        Some(Value::String(text)) if text.is_empty() => Ok((Vec::new(), Shape::Text)),
        Some(Value::String(text)) => Ok((vec![Part::text(text)], Shape::Text)),
        Some(Value::Array(values)) => {
            let at = Path::Field(path, name);
            let decode = |(index, value)| decode_block(value, &Path::Item(&at, index), lenient);
            Ok((values.into_iter().enumerate().map(decode).collect::<Result<_, _>>()?, Shape::Parts))
        }
        Some(_) => Err(path.field_error(name, "expected a string or an array of content blocks")),
    }
}

/// Reads one block. A block of a type not known here is kept whole.
pub(super) fn decode_block(value: Value, path: &Path<'_>, lenient: bool) -> Result<Part, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let kind = fields::need_string(&mut map, path, "type")?;
    let mut signature = None;
    let content = match kind.as_str() {
        "text" => {
            let mut text =
                Text { text: fields::need_string(&mut map, path, "text")?, annotations: Vec::new() };
            citation::take_citations(&mut map, &mut text);
            Content::Text(text)
        }
        "image" | "document" => match source::take_media(&mut map, path, kind == "image")? {
            Some(content) => content,
            None => Content::Other(kind),
        },
        "thinking" => {
            let said;
            (said, signature) = reasoning::take_thinking(&mut map, path)?;
            Content::Reasoning(said)
        }
        "redacted_thinking" => {
            Content::Reasoning(reasoning::redacted(fields::need_string(&mut map, path, "data")?))
        }
        "tool_use" => {
            let call;
            (call, signature) = tool::take_call(&mut map, path, lenient)?;
            set_aside(&mut map, "caller", |caller| *caller == json!({"type": "direct"}));
            Content::ToolCall(call)
        }
        "tool_result" => {
            let id = fields::need_string(&mut map, path, "tool_use_id")?;
            let (parts, shape) = take_content(&mut map, path, "content", lenient)?;
            // An explicit `false` comes back as it was.
            let is_error = fields::take_if(&mut map, "is_error", |value| value == true).is_some();
            set_aside(&mut map, "is_error", |value| value == false);
            let call_id = Some(carried::open(&id).0);
            Content::ToolResult(ToolResult { call_id, name: None, parts, shape, is_error })
        }
        _ => Content::Other(kind),
    };
    let cache = take_cache_mark(&mut map);
    Ok(Part { content, id: None, cache, signature, extra: map })
}

/// Keeps a field that says what is so without it: it comes back, and is no loss in another format.
pub(super) fn set_aside(map: &mut Extra, name: &str, is_usual: impl FnOnce(&Value) -> bool) {
    if let Some(value) = fields::take_if(map, name, is_usual) {
        map.insert(format!("{AS_SAID}{name}"), value);
    }
}

/// Adds what a reader left over, and what it set aside, to what a writer wrote.
pub(super) fn merge_extra(written: &mut Map<String, Value>, extra: &Extra) {
    for (name, value) in extra {
        match name.strip_prefix(AS_SAID) {
            Some(name) if !written.contains_key(name) => put(written, name, value.clone()),
            Some(_) => {}
            None => merge(written, &Extra::from_iter([(name.clone(), value.clone())])),
        }
    }
}

/// Whether a block of a type not typed here is Anthropic's. Those that other formats left untyped have other words.
pub(super) fn is_own_block(kind: &str) -> bool {
    const OWN: [&str; 12] = [
        "document",
        "image",
        "search_result",
        "server_tool_use",
        "mcp_tool_use",
        "container_upload",
        "mid_conv_system",
        "tool_reference",
        "tool_addition",
        "tool_removal",
        "compaction",
        "fallback",
    ];
    OWN.contains(&kind) || kind.ends_with("_tool_result")
}

/// Writes a block that says text, media or something of Anthropic's own: all but reasoning, tool calls and results,
/// which need more than the part. Notes what it cannot say.
pub(super) fn encode_block(part: &Part, at: &str, notes: &mut Notes) -> Option<Map<String, Value>> {
    let mut map = match &part.content {
        Content::Text(text) => {
            let mut map = text_block(&text.text);
            let citations: Vec<Value> =
                text.annotations.iter().filter_map(|each| citation::encode_citation(each, true)).collect();
            if citations.len() < text.annotations.len() {
                notes.hint(
                    format!("{at}.annotations"),
                    "Anthropic takes back only citations of its own, as it gave them",
                );
            }
            if !citations.is_empty() {
                put(&mut map, "citations", citations);
            }
            map
        }
        Content::Refusal(text) => text_block(text),
        Content::Image(image) => source::image_block(image, at, notes)?,
        Content::File(file) => source::document_block(file, at, notes)?,
        Content::Other(kind) if is_own_block(kind) => {
            let mut map = Map::new();
            put(&mut map, "type", kind.clone());
            map
        }
        Content::Audio(_) => {
            notes.meaning(at, "Anthropic takes no sound: send what is said in it as text");
            return None;
        }
        Content::Video(_) => {
            notes.meaning(at, "Anthropic takes no films: send single images");
            return None;
        }
        Content::Other(_) | Content::Reasoning(_) | Content::ToolCall(_) | Content::ToolResult(_) => {
            notes.meaning(at, "Anthropic has no way to say this kind of content here");
            return None;
        }
    };
    put_cache_mark(&mut map, part.cache);
    note_marks(part, at, notes);
    merge(&mut map, &part.extra);
    Some(map)
}

/// Notes the marks of other vendors on a part.
pub(super) fn note_marks(part: &Part, at: &str, notes: &mut Notes) {
    if part.signature.is_some() {
        notes.hint(format!("{at}.signature"), "only the vendor that signed this takes the signature back");
    }
    if part.id.is_some() {
        notes.hint(format!("{at}.id"), "Anthropic's content blocks have no ids");
    }
}

pub(super) fn text_block(text: &str) -> Map<String, Value> {
    let mut map = Map::new();
    put(&mut map, "type", "text");
    put(&mut map, "text", text);
    map
}

/// Writes the result of a tool.
pub(super) fn encode_result(
    result: &ToolResult,
    id: &str,
    part: &Part,
    at: &str,
    notes: &mut Notes,
) -> Map<String, Value> {
    let mut map = Map::new();
    put(&mut map, "type", "tool_result");
    put(&mut map, "tool_use_id", tool::safe_id(id));
    put_content(&mut map, &result.parts, result.shape, at, notes);
    if result.is_error {
        put(&mut map, "is_error", true);
    }
    put_cache_mark(&mut map, part.cache);
    note_marks(part, at, notes);
    merge_extra(&mut map, &part.extra);
    map
}

/// Writes `content` of a tool result or of a system message, as it was spelt: these hold no calls and no reasoning.
pub(super) fn put_content(
    map: &mut Map<String, Value>,
    parts: &[Part],
    shape: Shape,
    at: &str,
    notes: &mut Notes,
) {
    if shape == Shape::Absent && parts.is_empty() {
        return;
    }
    if shape != Shape::Parts
        && let Some(text) = plain_text(parts)
    {
        put(map, "content", text);
        return;
    }
    let mut blocks = Vec::with_capacity(parts.len());
    for (place, part) in parts.iter().enumerate() {
        blocks.extend(encode_block(part, &format!("{at}.content[{place}]"), notes).map(Value::Object));
    }
    put(map, "content", blocks);
}

/// The text, if there is nothing but at most one plain text.
pub(super) fn plain_text(parts: &[Part]) -> Option<&str> {
    match parts {
        [] => Some(""),
        [Part { content: Content::Text(Text { text, annotations }), .. }]
            if parts.iter().all(Part::is_plain) && annotations.is_empty() =>
        {
            Some(text)
        }
        _ => None,
    }
}

/// Writes a citation or none: what an answer's text is said with.
pub(super) fn put_citations(map: &mut Map<String, Value>, text: &Text) {
    let citations: Vec<Value> =
        text.annotations.iter().filter_map(|each| citation::encode_citation(each, false)).collect();
    put_some(map, "citations", (!citations.is_empty()).then_some(citations).as_ref());
}
