//! Where images and documents are, and the blocks that hold them.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value, json};

use crate::chat::{Content, File, Image, Source};
use crate::dialect::DecodeError;
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::file_id::{self, KEPT_ELSEWHERE, Keeper};
use crate::dialect::loss::Notes;

/// Takes the content of an `image` or `document` block; `None`, with everything left in place, for a source of a type
/// that is not known here.
pub(super) fn take_media(
    map: &mut Map<String, Value>,
    path: &Path<'_>,
    is_image: bool,
) -> Result<Option<Content>, DecodeError> {
    let at = Path::Field(path, "source");
    let Some(Value::Object(source)) = map.get("source") else {
        return Err(at.error("required: an object with `type`"));
    };
    let kind = match source.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        _ => return Err(at.field_error("type", "required: base64, url, file or text")),
    };
    let known = matches!(kind.as_str(), "base64" | "url" | "file") || (kind == "text" && !is_image);
    if !known {
        return Ok(None);
    }
    let mut inner = fields::object(map, path, "source")?.unwrap_or_default();
    inner.remove("type");
    let source = match kind.as_str() {
        "url" => Source::Url(fields::need_string(&mut inner, &at, "url")?),
        "file" => Source::FileId(fields::need_string(&mut inner, &at, "file_id")?),
        "text" => {
            fields::take_if(&mut inner, "media_type", |kind| kind == "text/plain");
            Source::Text(fields::need_string(&mut inner, &at, "data")?)
        }
        _ => Source::Base64 {
            media_type: Some(fields::need_string(&mut inner, &at, "media_type")?),
            data: fields::need_string(&mut inner, &at, "data")?,
        },
    };
    fields::put_back(map, "source", inner);
    Ok(Some(if is_image {
        Content::Image(Image { source, detail: None })
    } else {
        Content::File(File { source, name: fields::string(map, path, "title")? })
    }))
}

/// The fields of an `image` block; notes what it cannot say.
pub(super) fn image_block(image: &Image, at: &str, notes: &mut Notes) -> Option<Map<String, Value>> {
    if image.detail.as_ref().is_some_and(|detail| detail != "auto") {
        notes.hint(format!("{at}.detail"), "Anthropic looks at every image in the same detail");
    }
    if is_elsewhere(&image.source) {
        notes.meaning(at, KEPT_ELSEWHERE);
        return None;
    }
    let Some(source) = image_source(&image.source) else {
        notes.meaning(
            at,
            "Anthropic takes an image as base64 of a known media type, from an address or by a file id",
        );
        return None;
    };
    let mut map = Map::new();
    put(&mut map, "type", "image");
    put(&mut map, "source", source);
    Some(map)
}

fn image_source(source: &Source) -> Option<Value> {
    match source {
        Source::Base64 { media_type, data } => {
            let media_type = match media_type.as_deref() {
                Some("image/jpg") => "image/jpeg",
                Some(known) => known,
                None => media_type_of(data).filter(|found| found.starts_with("image/"))?,
            };
            Some(base64_source(media_type, data))
        }
        other => addressed(other),
    }
}

/// The fields of a `document` block, or of an `image` block where the file is an image.
pub(super) fn document_block(file: &File, at: &str, notes: &mut Notes) -> Option<Map<String, Value>> {
    let mut map = Map::new();
    let source = match &file.source {
        Source::Text(text) => Some(text_source(text)),
        Source::Base64 { media_type, data } => {
            let found = media_type.as_deref().or_else(|| media_type_of(data));
            match found {
                Some("application/pdf") => Some(base64_source("application/pdf", data)),
                Some(image) if image.starts_with("image/") => {
                    put(&mut map, "type", "image");
                    put(&mut map, "source", image_source(&file.source)?);
                    return Some(map);
                }
                // Anthropic takes any text, but only as text.
                Some(text) if is_text(text) => {
                    let decoded = BASE64.decode(data.as_bytes()).ok();
                    decoded.and_then(|bytes| String::from_utf8(bytes).ok()).map(|text| text_source(&text))
                }
                Some(other) => Some(base64_source(other, data)),
                None => None,
            }
        }
        other => addressed(other),
    };
    if is_elsewhere(&file.source) {
        notes.meaning(at, KEPT_ELSEWHERE);
        return None;
    }
    let Some(source) = source else {
        notes.meaning(
            at,
            "Anthropic takes a document as a PDF in base64, as text, from an address or by a file id",
        );
        return None;
    };
    put(&mut map, "type", "document");
    put(&mut map, "source", source);
    put_some(&mut map, "title", file.name.as_ref());
    Some(map)
}

/// Whether a file is kept by another vendor.
fn is_elsewhere(source: &Source) -> bool {
    matches!(source, Source::FileId(id) if file_id::is_elsewhere(id, Keeper::Anthropic))
}

fn addressed(source: &Source) -> Option<Value> {
    match source {
        // Data that is not base64: Anthropic fetches addresses and reads no data in them.
        Source::Url(url) if url.starts_with("data:") => None,
        Source::Url(url) => Some(json!({"type": "url", "url": url})),
        Source::FileId(id) => Some(json!({"type": "file", "file_id": id})),
        Source::Base64 { .. } | Source::Text(_) => None,
    }
}

fn base64_source(media_type: &str, data: &str) -> Value {
    json!({"type": "base64", "media_type": media_type, "data": data})
}

fn text_source(text: &str) -> Value {
    json!({"type": "text", "media_type": "text/plain", "data": text})
}

fn is_text(media_type: &str) -> bool {
    let plain = media_type.split(';').next().unwrap_or_default().trim();
    plain.starts_with("text/")
        || matches!(plain, "application/json" | "application/xml" | "application/x-yaml" | "application/yaml")
}

/// The media type that the first bytes show, in base64, for callers who do not say it.
fn media_type_of(data: &str) -> Option<&'static str> {
    const MARKS: [(&str, &str); 5] = [
        ("iVBORw0KGgo", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGOD", "image/gif"),
        ("UklGR", "image/webp"),
        ("JVBERi", "application/pdf"),
    ];
    MARKS.iter().find(|(mark, _)| data.starts_with(mark)).map(|(_, media_type)| *media_type)
}
