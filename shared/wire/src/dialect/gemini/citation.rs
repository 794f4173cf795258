//! Sources: `groundingMetadata` and `citationMetadata`, and the annotations that other formats know.
//!
//! Google gives them beside the text, with places in bytes of UTF-8. They are kept as they came, for this format, and
//! are read into annotations of the text, with places in characters, for the others.

use serde_json::{Map, Value, json};

use crate::chat::Annotation;
use crate::dialect::fields::{put, put_some};

/// Reads the sources of a candidate. `text` is its whole text; places are counted in it.
pub(super) fn annotations(candidate: &Map<String, Value>, text: &str) -> Vec<Annotation> {
    let mut found = Vec::new();
    if let Some(grounding) = candidate.get("groundingMetadata") {
        grounded(grounding, text, &mut found);
    }
    let citations = candidate
        .get("citationMetadata")
        .and_then(|metadata| metadata.get("citationSources").or_else(|| metadata.get("citations")))
        .and_then(Value::as_array);
    for citation in citations.into_iter().flatten() {
        let word = |name: &str| citation.get(name).and_then(Value::as_str).map(str::to_owned);
        let (start, end) = place(citation, text);
        let annotation = Annotation {
            kind: "url_citation".to_owned(),
            url: word("uri"),
            title: word("title"),
            start,
            end,
            ..Annotation::default()
        };
        if annotation.url.is_some() && !found.contains(&annotation) {
            found.push(annotation);
        }
    }
    found
}

fn grounded(grounding: &Value, text: &str, found: &mut Vec<Annotation>) {
    let list = |name: &str| grounding.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let chunks = list("groundingChunks");
    for support in list("groundingSupports") {
        let Some(segment) = support.get("segment") else { continue };
        let (start, end) = place(segment, text);
        let indices = support.get("groundingChunkIndices").and_then(Value::as_array);
        for chunk in indices
            .into_iter()
            .flatten()
            .filter_map(|index| chunks.get(usize::try_from(index.as_u64()?).ok()?))
        {
            if let Some(annotation) = source(chunk) {
                found.push(Annotation { start, end, ..annotation });
            }
        }
    }
}

/// What a chunk is about, without a place.
fn source(chunk: &Value) -> Option<Annotation> {
    let (kind, inner) = ["web", "retrievedContext", "maps", "image"]
        .into_iter()
        .find_map(|kind| Some((kind, chunk.get(kind)?)))?;
    let word = |name: &str| inner.get(name).and_then(Value::as_str).map(str::to_owned);
    let url = word("uri").or_else(|| word("sourceUri"));
    let is_file = kind == "retrievedContext" && url.is_none();
    Some(Annotation {
        kind: if is_file { "file_citation" } else { "url_citation" }.to_owned(),
        url,
        title: word("title"),
        quote: word("text"),
        file_id: word("documentName").or_else(|| word("fileSearchStore")).filter(|_| is_file),
        ..Annotation::default()
    })
}

/// A segment's place in characters. Google leaves a beginning of 0 out.
fn place(segment: &Value, text: &str) -> (Option<u64>, Option<u64>) {
    let at = |name: &str| segment.get(name).and_then(Value::as_u64);
    match at("endIndex") {
        Some(end) => (Some(characters(text, at("startIndex").unwrap_or(0))), Some(characters(text, end))),
        None => (None, None),
    }
}

/// How many characters begin before a byte.
fn characters(text: &str, byte: u64) -> u64 {
    let byte = usize::try_from(byte).unwrap_or(usize::MAX);
    text.char_indices().take_while(|(at, _)| *at < byte).count() as u64
}

/// The byte at which a character begins.
fn byte(text: &str, character: u64) -> usize {
    let character = usize::try_from(character).unwrap_or(usize::MAX);
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

/// Writes annotations of a text as `groundingMetadata`; `None` if there are none.
pub(super) fn grounding(annotations: &[(u64, &Annotation)], text: &str) -> Option<Value> {
    if annotations.is_empty() {
        return None;
    }
    let mut chunks: Vec<Value> = Vec::new();
    let mut supports = Vec::new();
    for (offset, annotation) in annotations {
        let chunk = chunk(annotation);
        let index = chunks.iter().position(|known| *known == chunk).unwrap_or_else(|| {
            chunks.push(chunk);
            chunks.len() - 1
        });
        let (Some(start), Some(end)) = (annotation.start, annotation.end) else { continue };
        let start = byte(text, start.saturating_add(*offset));
        let end = byte(text, end.saturating_add(*offset)).max(start);
        let said = text.get(start..end).unwrap_or_default();
        supports.push(json!({
            "segment": {"startIndex": start, "endIndex": end, "text": said},
            "groundingChunkIndices": [index],
        }));
    }
    let mut map = Map::new();
    put(&mut map, "groundingChunks", chunks);
    if !supports.is_empty() {
        put(&mut map, "groundingSupports", supports);
    }
    Some(Value::Object(map))
}

fn chunk(annotation: &Annotation) -> Value {
    let mut inner = Map::new();
    put_some(&mut inner, "uri", annotation.url.as_ref());
    put_some(&mut inner, "title", annotation.title.as_ref());
    if annotation.url.is_some() && annotation.quote.is_none() {
        return json!({"web": inner});
    }
    put_some(&mut inner, "text", annotation.quote.as_ref());
    put_some(&mut inner, "documentName", annotation.file_id.as_ref());
    json!({"retrievedContext": inner})
}
