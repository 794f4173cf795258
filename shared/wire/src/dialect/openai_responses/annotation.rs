//! Annotations of text: addresses, files, files in containers.

use serde_json::{Map, Value};

use crate::chat::Annotation;
use crate::dialect::fields::{self, merge, put, put_some};

/// Reads a list of annotations; `None` if one of them is no annotation.
pub(super) fn decode_all(values: &[Value]) -> Option<Vec<Annotation>> {
    values.iter().map(decode).collect()
}

/// Reads one annotation. The name of a file is its title.
pub(super) fn decode(value: &Value) -> Option<Annotation> {
    let mut map = value.as_object()?.clone();
    let kind = fields::try_string(&mut map, "type")?;
    let title = if kind == "url_citation" { "title" } else { "filename" };
    Some(Annotation {
        url: fields::try_string(&mut map, "url"),
        title: fields::try_string(&mut map, title),
        file_id: fields::try_string(&mut map, "file_id"),
        start: fields::try_whole(&mut map, "start_index"),
        end: fields::try_whole(&mut map, "end_index"),
        kind,
        extra: map,
        ..Annotation::default()
    })
}

/// Writes one annotation of `text`, `None` if the format has none of its kind. The format requires the place that it
/// is about: without one, it is about all of the text. One that was read from this format (`own`) is as it was.
pub(super) fn encode(annotation: &Annotation, text: &str, own: bool) -> Option<Value> {
    let mut map = Map::new();
    let known = matches!(
        annotation.kind.as_str(),
        "url_citation" | "file_citation" | "container_file_citation" | "file_path"
    );
    if own || known && !annotation.extra.is_empty() || is_complete(annotation) {
        put(&mut map, "type", annotation.kind.clone());
        let title = if annotation.kind == "url_citation" { "title" } else { "filename" };
        put_some(&mut map, "url", annotation.url.as_ref());
        put_some(&mut map, title, annotation.title.as_ref());
        put_some(&mut map, "file_id", annotation.file_id.as_ref());
        put_some(&mut map, "start_index", annotation.start.as_ref());
        put_some(&mut map, "end_index", annotation.end.as_ref());
        merge(&mut map, &annotation.extra);
        return Some(Value::Object(map));
    }
    let title = annotation.title.clone().unwrap_or_default();
    if let Some(url) = &annotation.url {
        put(&mut map, "type", "url_citation");
        put(&mut map, "url", url.clone());
        put(&mut map, "title", title);
        put(&mut map, "start_index", annotation.start.unwrap_or(0));
        put(&mut map, "end_index", annotation.end.unwrap_or_else(|| text.chars().count() as u64));
    } else if annotation.file_id.is_some() || annotation.document.is_some() {
        // A place in one of the request's documents, told as the file it is in.
        put(&mut map, "type", "file_citation");
        put(&mut map, "file_id", annotation.file_id.clone().unwrap_or_default());
        put(&mut map, "filename", title);
        put(&mut map, "index", annotation.document.unwrap_or(0));
    } else {
        return None;
    }
    Some(Value::Object(map))
}

/// Whether an annotation of another format can be said in a request: its source must be an address or a file of
/// OpenAI's.
pub(super) fn is_said(annotation: &Annotation) -> bool {
    annotation.url.is_some() || annotation.file_id.is_some()
}

/// Whether an annotation of an address has all that the format requires.
fn is_complete(annotation: &Annotation) -> bool {
    annotation.kind == "url_citation"
        && annotation.url.is_some()
        && annotation.title.is_some()
        && annotation.start.is_some()
        && annotation.end.is_some()
}
