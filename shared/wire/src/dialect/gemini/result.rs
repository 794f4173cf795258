//! Results of tools: `functionResponse`.
//!
//! Google wants an object: `output` holds what the tool gave, `error` what went wrong, and an object with neither is
//! the result itself. Other formats have text. A text that is a JSON object is that object; any other text is the
//! `output`. What is read is always written back as it was.

use serde_json::{Map, Value};

use super::media;
use super::names::{camel, mark_own, merge_extra};
use super::part::decode_part;
use crate::chat::{Content, Extra, Part, Shape, ToolResult};
use crate::dialect::DecodeError;
use crate::dialect::fields::{self, Path, put, put_some};

/// Reads a `functionResponse`.
pub(super) fn decode(
    mut inner: Map<String, Value>,
    path: &Path<'_>,
    outer: &mut Extra,
) -> Result<ToolResult, DecodeError> {
    camel(&mut inner);
    let name = fields::need_string(&mut inner, path, "name")?;
    let call_id = fields::string(&mut inner, path, "id")?;
    let mut result = ToolResult { call_id, name: Some(name), ..ToolResult::default() };
    match fields::object(&mut inner, path, "response")? {
        Some(response) => {
            let (text, is_error) = read(&response);
            result.is_error = is_error;
            if !text.is_empty() {
                result.parts.push(Part::text(text));
            }
        }
        None => result.shape = Shape::Absent,
    }
    let at = Path::Field(path, "parts");
    let media = fields::array(&mut inner, path, "parts")?.unwrap_or_default();
    if !media.is_empty() {
        // Whoever says media inside a result knows that the model takes them there.
        mark_own(outer);
    }
    for (index, value) in media.into_iter().enumerate() {
        result.parts.push(decode_part(value, &Path::Item(&at, index))?);
    }
    fields::put_back(outer, "functionResponse", inner);
    Ok(result)
}

/// The text of a response, and whether it is an error. Only forms that are written back as they were get unwrapped.
fn read(response: &Map<String, Value>) -> (String, bool) {
    if response.len() == 1
        && let Some((key, value)) = response.iter().next()
    {
        let is_error = key == "error";
        let text = match value {
            Value::String(text) => Some(text.clone()),
            Value::Object(_) if is_error => Some(value.to_string()),
            _ => None,
        };
        if let Some(text) = text.filter(|text| write(text, is_error) == *response) {
            return (text, is_error);
        }
    }
    (Value::Object(response.clone()).to_string(), false)
}

/// The response for a text.
fn write(text: &str, is_error: bool) -> Map<String, Value> {
    let object = match serde_json::from_str::<Value>(text) {
        Ok(object @ Value::Object(_)) => Some(object),
        _ => None,
    };
    match (object, is_error) {
        (Some(Value::Object(object)), false) => object,
        (Some(object), _) => Map::from_iter([("error".to_owned(), object)]),
        (None, true) => Map::from_iter([("error".to_owned(), text.into())]),
        (None, false) => Map::from_iter([("output".to_owned(), text.into())]),
    }
}

/// A result, and what of it must stand beside it.
pub(super) struct Written {
    pub(super) map: Map<String, Value>,
    /// Media, for models that take none in a result.
    pub(super) beside: Vec<Value>,
    /// Places in the result's parts that cannot be said, and why.
    pub(super) lost: Vec<(usize, &'static str)>,
}

/// Writes a `functionResponse`. With `media_inside` the model takes media in the result itself.
pub(super) fn encode(
    result: &ToolResult,
    id: Option<&str>,
    name: &str,
    part: &Part,
    media_inside: bool,
) -> Written {
    let mut inner = Map::new();
    if let Some(id) = id {
        put(&mut inner, "id", id);
    }
    put(&mut inner, "name", name);
    let mut text = String::new();
    let mut media = Vec::new();
    let mut lost = Vec::new();
    for (place, each) in result.parts.iter().enumerate() {
        match &each.content {
            Content::Text(said) => text.push_str(&said.text),
            content => match media::encode(content, &each.extra) {
                Ok(mut written) => {
                    if let Some(Value::String(document)) = written.remove("text") {
                        text.push_str(&document);
                        continue;
                    }
                    merge_extra(&mut written, &each.extra);
                    media.push(Value::Object(written));
                }
                Err(why) => lost.push((place, why.0)),
            },
        }
    }
    if !(result.shape == Shape::Absent && text.is_empty()) {
        put(&mut inner, "response", write(&text, result.is_error));
    }
    let mut beside = Vec::new();
    if media_inside && !media.is_empty() {
        put(&mut inner, "parts", media);
    } else {
        beside = media;
    }
    let mut map = Map::new();
    put(&mut map, "functionResponse", inner);
    put_some(&mut map, "thoughtSignature", part.signature.as_ref());
    merge_extra(&mut map, &part.extra);
    Written { map, beside, lost }
}
