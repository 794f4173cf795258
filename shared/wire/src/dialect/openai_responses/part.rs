//! Parts of a message's content: text, images, files, sound, refusals.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value};

use super::{annotation, mark};
use crate::chat::{Audio, CacheLife, CacheMark, Content, File, Image, Part, Shape, Source, Text};
use crate::dialect::DecodeError;
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::file_id::{self, KEPT_ELSEWHERE, Keeper};
use crate::dialect::loss::Notes;

/// Who says a content: it decides the words for text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The caller: `input_text`.
    Input,
    /// The model: `output_text`.
    Output,
}

impl Side {
    const fn text(self) -> &'static str {
        match self {
            Self::Input => "input_text",
            Self::Output => "output_text",
        }
    }
}

/// Reads `content` of a message or `output` of a tool: a string, or a list of parts.
pub(super) fn decode_content(
    value: Option<Value>,
    path: &Path<'_>,
    side: Side,
) -> Result<(Vec<Part>, Shape), DecodeError> {
    match value {
        Some(Value::String(text)) if text.is_empty() => Ok((Vec::new(), Shape::Text)),
        Some(Value::String(text)) => Ok((vec![Part::text(text)], Shape::Text)),
        Some(Value::Array(values)) => {
            let decode = |(index, value)| decode_part(value, &Path::Item(path, index), side);
            let parts = values.into_iter().enumerate().map(decode).collect::<Result<_, _>>()?;
            Ok((parts, Shape::Parts))
        }
        _ => Err(path.error("required: a string or an array of content parts")),
    }
}

/// Reads one part.
pub(super) fn decode_part(value: Value, path: &Path<'_>, side: Side) -> Result<Part, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let kind = fields::need_string(&mut map, path, "type")?;
    let content = match kind.as_str() {
        "input_text" | "output_text" | "text" => {
            let text = fields::need_string(&mut map, path, "text")?;
            let annotations = take_annotations(&mut map);
            if kind != side.text() {
                put(&mut map, "type", kind);
            }
            Content::Text(Text { text, annotations })
        }
        "refusal" => Content::Refusal(fields::need_string(&mut map, path, "refusal")?),
        "input_image" => {
            let source = match fields::string(&mut map, path, "image_url")? {
                Some(url) => Source::of_url(url),
                None => Source::FileId(fields::string(&mut map, path, "file_id")?.ok_or_else(|| {
                    path.field_error("image_url", "required: an address or a data URL, or else `file_id`")
                })?),
            };
            Content::Image(Image { source, detail: fields::string(&mut map, path, "detail")? })
        }
        "input_file" => {
            let source = match fields::string(&mut map, path, "file_data")? {
                Some(data) if data.starts_with("data:") => Source::of_url(data),
                Some(data) => Source::Base64 { media_type: None, data },
                None => match fields::string(&mut map, path, "file_url")? {
                    Some(url) => Source::Url(url),
                    None => Source::FileId(fields::string(&mut map, path, "file_id")?.ok_or_else(|| {
                        path.field_error("file_data", "required: base64, or else `file_url` or `file_id`")
                    })?),
                },
            };
            Content::File(File { source, name: fields::string(&mut map, path, "filename")? })
        }
        "input_audio" => {
            let mut inner = fields::object(&mut map, path, "input_audio")?.ok_or_else(|| {
                path.field_error("input_audio", "required: an object with `data` and `format`")
            })?;
            let at = Path::Field(path, "input_audio");
            let data = Some(fields::need_string(&mut inner, &at, "data")?);
            let format = fields::string(&mut inner, &at, "format")?;
            fields::put_back(&mut map, "input_audio", inner);
            Content::Audio(Audio { data, format, ..Audio::default() })
        }
        _ => return Ok(mark::other(kind, map, mark::PART)),
    };
    let cache = take_cache_mark(&mut map);
    Ok(Part { content, id: None, cache, signature: None, extra: map })
}

/// Annotations that are understood; an empty list stays where it is.
pub(super) fn take_annotations(map: &mut Map<String, Value>) -> Vec<crate::chat::Annotation> {
    let found = match map.get("annotations") {
        Some(Value::Array(values)) if !values.is_empty() => annotation::decode_all(values),
        _ => None,
    };
    if found.is_some() {
        map.remove("annotations");
    }
    found.unwrap_or_default()
}

/// `prompt_cache_breakpoint` asks to cache the prompt up to here.
fn take_cache_mark(map: &mut Map<String, Value>) -> Option<CacheMark> {
    let explicit = |value: &Value| {
        value.as_object().is_some_and(|fields| fields.len() == 1)
            && value.get("mode").is_some_and(|mode| mode == "explicit")
    };
    fields::take_if(map, "prompt_cache_breakpoint", explicit).map(|_| CacheMark { life: CacheLife::Default })
}

/// A data URL, or bare base64 where the media type is not known.
fn data_url(media_type: Option<&str>, data: &str) -> String {
    media_type.map_or_else(|| data.to_owned(), |kind| format!("data:{kind};base64,{data}"))
}

/// Where a part is, and how the request was read: what a note needs.
pub(super) struct At<'a> {
    /// The canonical place, `messages[0].content[1]`.
    pub(super) field: &'a str,
    /// Whether the request was read from this format.
    pub(super) own: bool,
}

/// The media type of an image by how its bytes begin, in base64.
pub(super) fn guess_image(data: &str) -> &'static str {
    const BEGINNINGS: [(&str, &str); 3] =
        [("/9j/", "image/jpeg"), ("R0lG", "image/gif"), ("UklG", "image/webp")];
    BEGINNINGS.iter().find(|(begin, _)| data.starts_with(begin)).map_or("image/png", |(_, kind)| kind)
}

/// Writes one part of a content, `None` if the format cannot say it there; then the loss is noted.
pub(super) fn encode_part(part: &Part, side: Side, at: &At<'_>, notes: &mut Notes) -> Option<Value> {
    if let Content::Image(Image { source: Source::FileId(id), .. })
    | Content::File(File { source: Source::FileId(id), .. }) = &part.content
        && !at.own
        && file_id::is_elsewhere(id, Keeper::OpenAi)
    {
        notes.meaning(at.field, KEPT_ELSEWHERE);
        return None;
    }
    if let (Content::Text(text), Side::Output, false) = (&part.content, side, at.own)
        && text.annotations.iter().any(|each| !annotation::is_said(each))
    {
        notes.hint(
            format!("{}.annotations", at.field),
            "OpenAI takes back sources by address or by file only",
        );
    }
    let written = match (&part.content, side) {
        (Content::Image(image), Side::Input) => encode_image(image),
        (Content::File(file), Side::Input) => encode_file(file, at.own),
        (Content::Audio(audio), Side::Input) if audio.data.is_some() => encode_audio(audio),
        _ => encode_said(part, side, at.own),
    };
    let Some(mut map) = written else {
        notes.meaning(at.field, "OpenAI Responses has no way to say this kind of content here");
        return None;
    };
    if part.signature.is_some() {
        notes.hint(format!("{}.signature", at.field), "only reasoning carries one");
    }
    match part.cache {
        Some(CacheMark { life: CacheLife::Default }) if at.own => {
            let mut inner = Map::new();
            put(&mut inner, "mode", "explicit");
            put(&mut map, "prompt_cache_breakpoint", inner);
        }
        Some(_) => notes.hint(format!("{}.cache", at.field), "OpenAI caches prompts without being asked"),
        None => {}
    }
    mark::merge(&mut map, &part.extra);
    Some(Value::Object(map))
}

/// Text, refusals, and what is not known here.
fn encode_said(part: &Part, side: Side, own: bool) -> Option<Map<String, Value>> {
    let mut map = Map::new();
    match &part.content {
        Content::Text(text) => {
            let word = part.extra.get("type").and_then(Value::as_str).unwrap_or(side.text());
            put(&mut map, "type", word);
            put(&mut map, "text", text.text.clone());
            if side == Side::Output && !text.annotations.is_empty() {
                let said = text.annotations.iter().filter(|each| own || annotation::is_said(each));
                let each = |annotation| annotation::encode(annotation, &text.text, own);
                put(&mut map, "annotations", said.filter_map(each).collect::<Vec<_>>());
            }
        }
        Content::Refusal(text) if side == Side::Output || own => {
            put(&mut map, "type", "refusal");
            put(&mut map, "refusal", text.clone());
        }
        Content::Refusal(text) => {
            put(&mut map, "type", side.text());
            put(&mut map, "text", text.clone());
        }
        // What was said aloud, in words.
        Content::Audio(audio) => {
            put(&mut map, "type", side.text());
            put(&mut map, "text", audio.transcript.clone()?);
        }
        Content::Other(kind) if mark::is_other(part, mark::PART) => put(&mut map, "type", kind.clone()),
        _ => return None,
    }
    Some(map)
}

fn encode_image(image: &Image) -> Option<Map<String, Value>> {
    let mut map = Map::new();
    put(&mut map, "type", "input_image");
    match &image.source {
        Source::Url(url) => put(&mut map, "image_url", url.clone()),
        Source::Base64 { media_type, data } => {
            // An image must be a whole data URL.
            let kind = media_type.as_deref().unwrap_or_else(|| guess_image(data));
            put(&mut map, "image_url", data_url(Some(kind), data));
        }
        Source::FileId(id) => put(&mut map, "file_id", id.clone()),
        Source::Text(_) => return None,
    }
    put_some(&mut map, "detail", image.detail.as_ref());
    Some(map)
}

fn encode_file(file: &File, own: bool) -> Option<Map<String, Value>> {
    let mut map = Map::new();
    put(&mut map, "type", "input_file");
    let mut usual_name = None;
    match &file.source {
        Source::Url(url) => put(&mut map, "file_url", url.clone()),
        Source::FileId(id) => put(&mut map, "file_id", id.clone()),
        Source::Base64 { media_type, data } => {
            put(&mut map, "file_data", data_url(media_type.as_deref(), data));
            usual_name = Some(if media_type.as_deref() == Some("text/plain") {
                "document.txt"
            } else {
                "document.pdf"
            });
        }
        Source::Text(text) => {
            put(&mut map, "file_data", data_url(Some("text/plain"), &BASE64.encode(text)));
            usual_name = Some("document.txt");
        }
    }
    // A file in the request needs a name, which tells its kind; other formats can do without.
    match (&file.name, usual_name) {
        (Some(name), _) => put(&mut map, "filename", name.clone()),
        (None, Some(name)) if !own => put(&mut map, "filename", name),
        (None, _) => {}
    }
    Some(map)
}

fn encode_audio(audio: &Audio) -> Option<Map<String, Value>> {
    let mut inner = Map::new();
    put(&mut inner, "data", audio.data.clone()?);
    put_some(&mut inner, "format", audio.format.as_ref());
    let mut map = Map::new();
    put(&mut map, "type", "input_audio");
    put(&mut map, "input_audio", inner);
    Some(map)
}

/// Writes a content in the shape it had, or the usual one: a string if it is one plain text.
pub(super) fn encode_content(
    parts: &[(usize, &Part)],
    shape: Shape,
    side: Side,
    place: &str,
    own: bool,
    notes: &mut Notes,
) -> Value {
    let plain = |part: &Part| match &part.content {
        Content::Text(text) if part.is_plain() && text.annotations.is_empty() => Some(text.text.clone()),
        _ => None,
    };
    if shape != Shape::Parts && (parts.len() <= 1 || shape == Shape::Text) {
        let joined: Option<String> = parts.iter().map(|(_, part)| plain(part)).collect();
        if let Some(joined) = joined {
            return Value::String(joined);
        }
    }
    let each = |(index, part): &(usize, &Part)| {
        let field = format!("{place}.content[{index}]");
        encode_part(part, side, &At { field: &field, own }, notes)
    };
    Value::Array(parts.iter().filter_map(each).collect())
}
