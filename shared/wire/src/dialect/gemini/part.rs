//! Parts of a content: text, thoughts, media, tool calls and their results.

use serde_json::{Map, Value};

use super::names::{camel, is_own, mark, mark_own, marked, merge_extra};
use super::{REASONING_FORMAT, media, result, signature};
use crate::chat::{
    Content, Extra, Part, Reasoning, ReasoningForm, ReasoningSpelling, Text, ToolCall, ToolKind,
};
use crate::dialect::DecodeError;
use crate::dialect::fields::{self, Path, put, put_some};

/// What stands beside what a part is.
const BESIDE: [&str; 5] = ["thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"];

/// Reads a part. A kind that is not known here is kept whole.
pub(super) fn decode_part(value: Value, path: &Path<'_>) -> Result<Part, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    camel(&mut map);
    let mut signed = fields::string(&mut map, path, "thoughtSignature")?;
    let thought = fields::boolean(&mut map, path, "thought")?;
    let mut content = match take_content(&mut map, path, thought == Some(true))? {
        Some(content) => content,
        None => {
            if thought == Some(true) {
                put(&mut map, "thought", true);
            }
            mark_own(&mut map);
            let word = map.keys().find(|name| !name.starts_with('=') && !BESIDE.contains(&name.as_str()));
            Content::Other(word.cloned().unwrap_or_default())
        }
    };
    if thought == Some(false) {
        mark(&mut map, "thought", false);
    }
    if let (Content::Reasoning(reasoning), Some(sealed)) =
        (&mut content, signed.take_if(|_| thought == Some(true)))
    {
        signed = signature::open(sealed, reasoning);
    }
    Ok(Part { content, id: None, cache: None, signature: signed, extra: map })
}

fn take_content(map: &mut Extra, path: &Path<'_>, thought: bool) -> Result<Option<Content>, DecodeError> {
    if let Some(text) = fields::string(map, path, "text")? {
        return Ok(Some(if thought {
            Content::Reasoning(Reasoning {
                text,
                form: ReasoningForm::Summary,
                data: None,
                format: Some(REASONING_FORMAT.to_owned()),
                spelling: ReasoningSpelling::Auto,
            })
        } else {
            Content::Text(Text { text, annotations: Vec::new() })
        }));
    }
    if thought {
        // A thought that is no text (an image on the way to an image) stays as it is.
        return Ok(None);
    }
    if let Some(content) = media::take(map, path)? {
        return Ok(Some(content));
    }
    if let Some(mut inner) = fields::object(map, path, "functionCall")? {
        camel(&mut inner);
        // A call that comes in pieces, which Vertex AI gives only to those who ask for it.
        if inner.contains_key("partialArgs") || inner.contains_key("willContinue") || inner.is_empty() {
            put(map, "functionCall", inner);
            return Ok(None);
        }
        return take_call(inner, &Path::Field(path, "functionCall"), map).map(Some);
    }
    if let Some(inner) = fields::object(map, path, "functionResponse")? {
        let result = result::decode(inner, &Path::Field(path, "functionResponse"), map)?;
        return Ok(Some(Content::ToolResult(result)));
    }
    Ok(None)
}

fn take_call(
    mut inner: Map<String, Value>,
    path: &Path<'_>,
    outer: &mut Extra,
) -> Result<Content, DecodeError> {
    let name = fields::need_string(&mut inner, path, "name")?;
    let id = fields::string(&mut inner, path, "id")?;
    let arguments = match fields::object(&mut inner, path, "args")? {
        Some(arguments) => Value::Object(arguments).to_string(),
        None => {
            mark(outer, "args", Value::Null);
            "{}".to_owned()
        }
    };
    fields::put_back(outer, "functionCall", inner);
    Ok(Content::ToolCall(ToolCall { id, name, arguments, kind: ToolKind::Function }))
}

/// The arguments of a call as the object that Google wants. Those that are no object (broken JSON, or free text for
/// another vendor's tool) become the one field `arguments`, and `false` tells so.
pub(super) fn arguments(call: &ToolCall) -> (Map<String, Value>, bool) {
    if call.arguments.trim().is_empty() {
        return (Map::new(), true);
    }
    match serde_json::from_str::<Value>(&call.arguments) {
        Ok(Value::Object(map)) if call.kind != ToolKind::Custom => (map, true),
        _ => (Map::from_iter([("arguments".to_owned(), call.arguments.clone().into())]), false),
    }
}

/// Writes a call.
pub(super) fn encode_call(
    call: &ToolCall,
    id: Option<&str>,
    signature: Option<&String>,
    extra: &Extra,
) -> Map<String, Value> {
    let mut inner = Map::new();
    if let Some(id) = id {
        put(&mut inner, "id", id);
    }
    put(&mut inner, "name", call.name.clone());
    if marked(extra, "args").is_none() {
        put(&mut inner, "args", arguments(call).0);
    }
    let mut map = Map::new();
    put(&mut map, "functionCall", inner);
    put_some(&mut map, "thoughtSignature", signature);
    merge_extra(&mut map, extra);
    map
}

/// Writes a thought; its signature is already what this format's field holds.
pub(super) fn encode_thought(text: &str, signature: Option<&String>, extra: &Extra) -> Map<String, Value> {
    let mut map = Map::new();
    put(&mut map, "text", text);
    put(&mut map, "thought", true);
    put_some(&mut map, "thoughtSignature", signature);
    merge_extra(&mut map, extra);
    map
}

/// Writes text, media and what is kept whole; `Err` says why a part cannot be said.
pub(super) fn encode_plain(part: &Part) -> Result<Map<String, Value>, &'static str> {
    let mut map = match &part.content {
        Content::Text(text) => text_map(&text.text),
        Content::Refusal(text) => text_map(text),
        Content::Other(_) if is_own(&part.extra) => Map::new(),
        Content::Other(_) => return Err("a kind of content of another vendor"),
        content => media::encode(content, &part.extra).map_err(|why| why.0)?,
    };
    if let Some(thought) = marked(&part.extra, "thought") {
        put(&mut map, "thought", thought.clone());
    }
    put_some(&mut map, "thoughtSignature", part.signature.as_ref());
    merge_extra(&mut map, &part.extra);
    Ok(map)
}

fn text_map(text: &str) -> Map<String, Value> {
    Map::from_iter([("text".to_owned(), text.into())])
}
