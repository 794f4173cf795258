//! Citations: stretches of the answer, with where they come from.

use serde_json::{Map, Value, json};

use crate::chat::{Annotation, Content, Part, Text};
use crate::dialect::fields::{self, merge, put, put_some};

/// A citation of the text, as opposed to one of the thinking or the plan.
const OF_TEXT: &str = "TEXT_CONTENT";

/// Reads one citation. Its sources stay whole, since they are what this format writes again.
pub(super) fn decode(value: &Value) -> Option<Annotation> {
    let mut map = value.as_object()?.clone();
    if map.get("type").is_some_and(|kind| kind != OF_TEXT) {
        return None;
    }
    let mut annotation = Annotation {
        kind: fields::try_string(&mut map, "type").unwrap_or_default(),
        start: fields::try_whole(&mut map, "start"),
        end: fields::try_whole(&mut map, "end"),
        ..Annotation::default()
    };
    let source = map.get("sources").and_then(|sources| sources.get(0));
    let document = source.and_then(|source| source.get("document").or(source.get("tool_output")));
    let said = |name: &str| document.and_then(|document| document.get(name)?.as_str()).map(str::to_owned);
    annotation.title = said("title");
    annotation.url = said("url");
    annotation.quote = said("text").or_else(|| said("snippet"));
    annotation.extra = map;
    Some(annotation)
}

/// Writes one citation of a text.
pub(super) fn encode(annotation: &Annotation, text: &str) -> Value {
    let mut map = Map::new();
    put_some(&mut map, "start", annotation.start.as_ref());
    put_some(&mut map, "end", annotation.end.as_ref());
    if !annotation.extra.contains_key("sources") {
        let (start, end) = (annotation.start.unwrap_or(0), annotation.end.unwrap_or(0));
        let length = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
        let stretch: String =
            text.chars().skip(usize::try_from(start).unwrap_or(usize::MAX)).take(length).collect();
        put(&mut map, "text", stretch);
        put(&mut map, "sources", vec![source(annotation)]);
        put(&mut map, "type", OF_TEXT);
    } else if !annotation.kind.is_empty() {
        put(&mut map, "type", annotation.kind.clone());
    }
    merge(&mut map, &annotation.extra);
    Value::Object(map)
}

fn source(annotation: &Annotation) -> Value {
    let number = annotation.document.map(|number| format!("doc:{number}"));
    let id = annotation.url.clone().or_else(|| annotation.file_id.clone()).or(number);
    let mut document = Map::new();
    put_some(&mut document, "title", annotation.title.as_ref());
    put_some(&mut document, "url", annotation.url.as_ref());
    put_some(&mut document, "text", annotation.quote.as_ref());
    json!({"type": "document", "id": id.unwrap_or_else(|| "doc".to_owned()), "document": document})
}

/// Puts the citations of a message to its texts; if one has no place they all stay where they are.
///
/// `content` are the parts that were in the list of the content, by whose numbers citations go.
pub(super) fn place(map: &mut Map<String, Value>, content: &mut [Part]) {
    let Some(Value::Array(values)) = map.get("citations") else { return };
    let first = content.iter().position(|part| matches!(part.content, Content::Text(_)));
    let mut placed = Vec::with_capacity(values.len());
    let mut last = 0;
    for value in values {
        let Some(annotation) = decode(value) else { return };
        let index = value.get("content_index").and_then(Value::as_u64);
        let index = index.map_or(first, |index| usize::try_from(index).ok());
        // They are written text by text: another order would not come back.
        let Some(index) = index.filter(|index| *index >= last) else { return };
        if !content.get(index).is_some_and(|part| matches!(part.content, Content::Text(_))) {
            return;
        }
        last = index;
        placed.push((index, annotation));
    }
    if placed.is_empty() {
        return;
    }
    map.remove("citations");
    for (index, annotation) in placed {
        if let Some(Part { content: Content::Text(Text { annotations, .. }), .. }) = content.get_mut(index) {
            annotations.push(annotation);
        }
    }
}
