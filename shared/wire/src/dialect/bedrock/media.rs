//! Images, documents and films: Bedrock says their sort in a word, everyone else in a media type.

use serde_json::{Map, Value, json};

use crate::chat::{Content, Extra, File, Image, Source};
use crate::dialect::DecodeError;
use crate::dialect::fields::{self, Path, put};

/// Bedrock's words, and the media types they stand for.
const FORMATS: [(&str, &str); 22] = [
    ("png", "image/png"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("pdf", "application/pdf"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("html", "text/html"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("mkv", "video/x-matroska"),
    ("mov", "video/quicktime"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
    ("flv", "video/x-flv"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpg"),
    ("wmv", "video/x-ms-wmv"),
    ("three_gp", "video/3gpp"),
];

/// The word for a media type, or for the ending of an address.
fn word(media_type: &str) -> Option<&'static str> {
    let plain = media_type.split(';').next().unwrap_or_default().trim();
    let plain = if plain == "image/jpg" { "image/jpeg" } else { plain };
    FORMATS.iter().find(|(_, known)| *known == plain).map(|(word, _)| *word)
}

fn ending(address: &str) -> Option<&'static str> {
    let ending = address.rsplit('/').next()?.rsplit_once('.')?.1.to_ascii_lowercase();
    let ending = match ending.as_str() {
        "jpg" => "jpeg",
        "htm" => "html",
        "3gp" => "three_gp",
        other => other,
    };
    FORMATS.iter().find(|(word, _)| *word == ending).map(|(word, _)| *word)
}

/// Whether a text is base64 as AWS takes it: the standard letters, padded.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

/// Takes the inner object of a block of media apart. What is not taken stays. `None` when it is one of the forms that
/// only this format knows.
pub(super) fn take(
    kind: &str,
    inner: &mut Map<String, Value>,
    path: &Path<'_>,
) -> Result<Option<Content>, DecodeError> {
    let at = Path::Field(path, "source");
    let Some(source) = inner.get_mut("source") else {
        return Err(at.error("required: an object with `bytes`, `s3Location` or `text`"));
    };
    let Value::Object(source) = source else {
        return Err(at.error("expected an object with `bytes`, `s3Location` or `text`"));
    };
    let found = if let Some(data) = fields::string(source, &at, "bytes")? {
        if data.is_empty() || !is_base64(&data) {
            return Err(at.field_error("bytes", "expected bytes in base64"));
        }
        let format = inner.get("format").and_then(Value::as_str);
        let known = FORMATS.iter().find(|(word, _)| Some(*word) == format).map(|(_, known)| *known);
        if known.is_some() {
            inner.remove("format");
        }
        Source::Base64 { media_type: known.map(str::to_owned), data }
    } else if let Some(Value::Object(place)) = source.get_mut("s3Location") {
        let place_at = Path::Field(&at, "s3Location");
        let uri = fields::need_string(place, &place_at, "uri")?;
        if place.is_empty() {
            source.remove("s3Location");
        }
        Source::Url(uri)
    } else if kind == "document"
        && let Some(text) = fields::string(source, &at, "text")?
    {
        Source::Text(text)
    } else {
        return Ok(None);
    };
    if inner.get("source").and_then(Value::as_object).is_some_and(Map::is_empty) {
        inner.remove("source");
    }
    Ok(Some(match kind {
        "image" => Content::Image(Image { source: found, detail: None }),
        "video" => Content::Video(found),
        _ => Content::File(File { source: found, name: fields::string(inner, path, "name")? }),
    }))
}

/// Writes the format and the source of media. `Err` says why Bedrock cannot have them.
///
/// `own` is what was left when this format was read: there is nothing to add to it.
pub(super) fn put_source(
    inner: &mut Map<String, Value>,
    source: &Source,
    fallback: Option<&str>,
    own: Option<&Extra>,
) -> Result<(), &'static str> {
    let said = own.is_some_and(|own| own.contains_key("format"));
    let (format, value) = match source {
        Source::Base64 { media_type, data } => {
            let format = media_type.as_deref().and_then(word).or_else(|| ending(fallback?));
            (format, json!({"bytes": data}))
        }
        Source::Url(url) if url.starts_with("s3://") => (ending(url), json!({"s3Location": {"uri": url}})),
        Source::Text(text) => (Some("txt").filter(|_| own.is_none()), json!({"text": text})),
        Source::Url(_) => {
            return Err(
                "Bedrock fetches nothing from the web; send the bytes in base64, or an s3:// address",
            );
        }
        Source::FileId(_) => return Err("Bedrock keeps no files by id; send the bytes in base64"),
    };
    match format {
        Some(format) if !said => put(inner, "format", format),
        None if !said && !matches!(source, Source::Text(_)) => {
            return Err("Bedrock does not take media of this type");
        }
        _ => {}
    }
    put(inner, "source", value);
    Ok(())
}
