//! Citations: the sources of a text.

use serde_json::{Map, Value, json};

use crate::chat::{Annotation, Content, Extra, Part, Text};
use crate::dialect::fields::{self, merge, put, put_some};

/// The sorts of places that a source may be, which are the kinds of annotations.
const PLACES: [&str; 5] = ["web", "documentChar", "documentPage", "documentChunk", "searchResultLocation"];

/// Reads one citation. Where in a source it is stays in `extra`: the annotation's own places are in the answer.
pub(super) fn decode(mut map: Map<String, Value>) -> Annotation {
    let mut annotation = Annotation { title: fields::try_string(&mut map, "title"), ..Annotation::default() };
    let quote = match map.get("sourceContent").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::Object(one)]) if one.len() == 1 => one.get("text").and_then(Value::as_str),
        _ => None,
    };
    if let Some(quote) = quote.map(str::to_owned) {
        annotation.quote = Some(quote);
        map.remove("sourceContent");
    }
    if let Some(Value::Object(location)) = map.get_mut("location")
        && let Some(kind) = PLACES.into_iter().find(|kind| location.get(*kind).is_some_and(Value::is_object))
    {
        kind.clone_into(&mut annotation.kind);
        if let Some(Value::Object(place)) = location.get_mut(kind) {
            annotation.url = fields::try_string(place, "url");
            annotation.document = fields::try_whole(place, "documentIndex");
            if place.is_empty() && (annotation.url.is_some() || annotation.document.is_some()) {
                location.remove(kind);
            }
        }
        if location.is_empty() {
            map.remove("location");
        }
    }
    annotation.extra = map;
    annotation
}

/// Writes one citation.
pub(super) fn encode(annotation: &Annotation) -> Value {
    let mut map = Map::new();
    put_some(&mut map, "title", annotation.title.as_ref());
    if let Some(quote) = &annotation.quote {
        put(&mut map, "sourceContent", json!([{"text": quote}]));
    }
    let mut place = Map::new();
    put_some(&mut place, "url", annotation.url.as_ref());
    put_some(&mut place, "documentIndex", annotation.document.as_ref());
    if !place.is_empty() {
        let known = PLACES.contains(&annotation.kind.as_str());
        let usual = if annotation.url.is_some() { "web" } else { "documentChar" };
        put(&mut map, "location", json!({if known { annotation.kind.as_str() } else { usual }: place}));
    }
    merge(&mut map, &annotation.extra);
    Value::Object(map)
}

/// Whether Bedrock can say an annotation.
pub(super) fn is_said(annotation: &Annotation) -> bool {
    PLACES.contains(&annotation.kind.as_str()) || !annotation.extra.is_empty()
}

/// Reads a block of text with citations. `inner` keeps what is not taken.
pub(super) fn take_block(inner: &mut Extra) -> Text {
    let mut text = Text::default();
    if let Some(Value::Array(pieces)) = inner.get("content") {
        let said = pieces.iter().filter_map(|piece| piece.get("text")?.as_str());
        said.for_each(|piece| text.text.push_str(piece));
        // More than one text stays as it was, to be written again.
        if let [Value::Object(one)] = pieces.as_slice()
            && one.len() == 1
            && !text.text.is_empty()
        {
            inner.remove("content");
        }
    }
    let listed = |value: &Value| {
        value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_object))
    };
    if let Some(Value::Array(items)) = fields::take_if(inner, "citations", listed) {
        let objects = items.into_iter().filter_map(|item| match item {
            Value::Object(map) => Some(map),
            _ => None,
        });
        text.annotations = objects.map(decode).collect();
    }
    text
}

/// Writes a block of text with citations.
pub(super) fn encode_block(part: &Part, annotations: &[&Annotation]) -> Value {
    let own = part.extra.get("citationsContent").and_then(Value::as_object);
    let mut inner = Map::new();
    if let Content::Text(text) = &part.content
        && !text.text.is_empty()
        && own.is_none_or(|own| !own.contains_key("content"))
    {
        put(&mut inner, "content", json!([{"text": text.text}]));
    }
    if !annotations.is_empty() {
        let citations: Vec<Value> = annotations.iter().map(|annotation| encode(annotation)).collect();
        put(&mut inner, "citations", citations);
    }
    json!({"citationsContent": inner})
}
