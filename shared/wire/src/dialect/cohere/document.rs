//! Documents: beside the messages, or in the result of a tool. Text in other formats' user messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::chat::{Content, File, Part, Source};
use crate::dialect::fields::{merge, put, put_some};

/// A mark in a part's `extra`: it was an object with `data`, not a bare string. Says nothing to other formats.
const OBJECT: &str = "data";

/// Reads a document. `None` for one whose fields are not known: it stays as it is.
pub(super) fn decode(value: &Value) -> Option<Part> {
    let file =
        |text: &str, name| Part::new(Content::File(File { source: Source::Text(text.to_owned()), name }));
    match value {
        Value::String(text) => Some(file(text, None)),
        Value::Object(map) => {
            let data = map.get("data")?.as_object()?;
            let known = |allowed: &[&str], map: &Map<String, Value>| {
                map.iter().all(|(name, value)| {
                    allowed.contains(&name.as_str()) && (name == "data" || value.is_string())
                })
            };
            if !known(&["id", "data"], map) || !known(&["text", "title"], data) {
                return None;
            }
            let text =
                |map: &Map<String, Value>, name| map.get(name).and_then(Value::as_str).map(str::to_owned);
            let mut part = file(&text(data, "text")?, text(data, "title"));
            part.id = text(map, "id");
            part.extra.insert(OBJECT.to_owned(), Value::Null);
            Some(part)
        }
        _ => None,
    }
}

/// Writes a document, `None` if the file is no text.
pub(super) fn encode(file: &File, part: &Part) -> Option<Value> {
    let text = match &file.source {
        Source::Text(text) => text.clone(),
        Source::Base64 { media_type: Some(kind), data } if kind.starts_with("text/") => {
            String::from_utf8(STANDARD.decode(data).ok()?).ok()?
        }
        _ => return None,
    };
    if file.name.is_none() && part.id.is_none() && !part.extra.contains_key(OBJECT) {
        return Some(Value::String(text));
    }
    let mut map = Map::new();
    put_some(&mut map, "id", part.id.as_ref());
    let mut data = Map::new();
    put(&mut data, "text", text);
    put_some(&mut data, "title", file.name.as_ref());
    put(&mut map, "data", data);
    Some(Value::Object(map))
}

/// Reads a document in the result of a tool: a part of type `document`.
pub(super) fn decode_part(map: &mut Map<String, Value>) -> Option<Part> {
    let mut part = decode(map.get("document").filter(|document| document.is_object())?)?;
    map.remove("document");
    merge(&mut part.extra, map);
    Some(part)
}

/// Writes a document in the result of a tool, which must be an object.
pub(super) fn encode_part(file: &File, part: &Part) -> Option<Value> {
    let document = match encode(file, part)? {
        Value::String(text) => json!({"data": {"text": text}}),
        object => object,
    };
    let mut map = Map::new();
    put(&mut map, "type", "document");
    put(&mut map, "document", document);
    let rest = part.extra.iter().filter(|(name, _)| *name != OBJECT);
    merge(&mut map, &rest.map(|(name, value)| (name.clone(), value.clone())).collect());
    Some(Value::Object(map))
}
