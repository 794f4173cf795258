//! Content parts: text, images, sound, files, and the annotations of text.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value};

use crate::chat::{
    Annotation, Audio, Content, Extra, File, Image, Part, Reasoning, ReasoningForm, ReasoningSpelling,
    Source, Text,
};
use crate::dialect::DecodeError;
use crate::dialect::cache_mark::{put_cache_mark, take_cache_mark};
use crate::dialect::fields::{self, Path, merge, put, put_some};

/// Reads one part of a content list.
pub(super) fn decode_part(value: Value, path: &Path<'_>) -> Result<Part, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let kind = fields::need_string(&mut map, path, "type")?;
    let mut signature = None;
    let content = match kind.as_str() {
        "text" => Content::Text(Text {
            text: fields::need_string(&mut map, path, "text")?,
            annotations: Vec::new(),
        }),
        "refusal" => Content::Refusal(fields::need_string(&mut map, path, "refusal")?),
        "image_url" if is_object(&map, "image_url") => {
            let source = nested(&mut map, path, "image_url", |image, path| {
                let source = Source::of_url(fields::need_string(image, path, "url")?);
                Ok(Image { source, detail: fields::string(image, path, "detail")? })
            })?;
            Content::Image(source)
        }
        "video_url" if is_object(&map, "video_url") => {
            let source = nested(&mut map, path, "video_url", |video, path| {
                fields::need_string(video, path, "url").map(Source::of_url)
            })?;
            Content::Video(source)
        }
        "input_audio" if is_object(&map, "input_audio") => {
            let audio = nested(&mut map, path, "input_audio", |audio, path| {
                let data = fields::need_string(audio, path, "data")?;
                let format = fields::string(audio, path, "format")?;
                Ok(Audio { data: Some(data), format, ..Audio::default() })
            })?;
            Content::Audio(audio)
        }
        "file" if is_object(&map, "file") => {
            let file = nested(&mut map, path, "file", |file, path| {
                let source = match fields::string(file, path, "file_id")? {
                    Some(id) => Some(Source::FileId(id)),
                    None => fields::string(file, path, "file_data")?.map(split_file_data),
                };
                let source =
                    source.ok_or_else(|| path.error("expected `file_data` (base64) or `file_id`"))?;
                Ok(File { source, name: fields::string(file, path, "filename")? })
            })?;
            Content::File(file)
        }
        // These four need an object of their own name; a caller who forgot it should hear so.
        "image_url" | "input_audio" | "file" | "video_url" if !map.contains_key(&kind) => {
            return Err(path.field_error(&kind, "required: an object"));
        }
        "thinking" => match take_thinking(&mut map) {
            Some(text) => {
                signature = fields::try_string(&mut map, "signature");
                Content::Reasoning(Reasoning::piece(text, ReasoningSpelling::Thinking))
            }
            None => Content::Other(kind),
        },
        _ => Content::Other(kind),
    };
    let cache = take_cache_mark(&mut map);
    Ok(Part { content, id: None, cache, signature, extra: map })
}

fn is_object(map: &Map<String, Value>, name: &str) -> bool {
    map.get(name).is_some_and(Value::is_object)
}

/// Takes an object apart and puts back what is left of it.
fn nested<T>(
    map: &mut Map<String, Value>,
    path: &Path<'_>,
    name: &str,
    read: impl FnOnce(&mut Map<String, Value>, &Path<'_>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut inner = fields::object(map, path, name)?.unwrap_or_default();
    let value = read(&mut inner, &Path::Field(path, name))?;
    fields::put_back(map, name, inner);
    Ok(value)
}

/// Mistral's thinking parts hold a list of text parts; more than one, or anything else, is left as it is.
fn take_thinking(map: &mut Map<String, Value>) -> Option<String> {
    let Some(Value::Array(items)) = map.get_mut("thinking") else { return None };
    let [Value::Object(item)] = items.as_mut_slice() else { return None };
    if item.len() != 2 || item.get("type") != Some(&Value::from("text")) {
        return None;
    }
    let text = fields::try_string(item, "text")?;
    map.remove("thinking");
    Some(text)
}

/// OpenAI takes a data URL here; compatible vendors also an address or bare base64.
fn split_file_data(data: String) -> Source {
    if data.starts_with("data:") || data.starts_with("http://") || data.starts_with("https://") {
        Source::of_url(data)
    } else {
        Source::Base64 { media_type: None, data }
    }
}

/// The one string that says a source, `None` if only an id is known.
fn join_source(source: &Source) -> Option<String> {
    Some(match source {
        Source::Url(url) => url.clone(),
        Source::Base64 { media_type: Some(media_type), data } => format!("data:{media_type};base64,{data}"),
        Source::Base64 { media_type: None, data } => data.clone(),
        Source::Text(text) => format!("data:text/plain;base64,{}", BASE64.encode(text)),
        Source::FileId(_) => return None,
    })
}

/// Writes one part of a content list, `None` if the format has no such part.
pub(super) fn encode_part(part: &Part) -> Option<Value> {
    let mut map = Map::new();
    match &part.content {
        Content::Text(text) => {
            put(&mut map, "type", "text");
            put(&mut map, "text", text.text.clone());
        }
        Content::Refusal(text) => {
            put(&mut map, "type", "refusal");
            put(&mut map, "refusal", text.clone());
        }
        Content::Image(image) => {
            let mut inner = Map::new();
            put(&mut inner, "url", join_source(&image.source)?);
            put_some(&mut inner, "detail", image.detail.as_ref());
            put(&mut map, "type", "image_url");
            put(&mut map, "image_url", inner);
        }
        Content::Video(source) => {
            let mut inner = Map::new();
            put(&mut inner, "url", join_source(source)?);
            put(&mut map, "type", "video_url");
            put(&mut map, "video_url", inner);
        }
        Content::Audio(audio) => {
            let mut inner = Map::new();
            put(&mut inner, "data", audio.data.clone()?);
            put_some(&mut inner, "format", audio.format.as_ref());
            put(&mut map, "type", "input_audio");
            put(&mut map, "input_audio", inner);
        }
        Content::File(file) => {
            let mut inner = Map::new();
            match (&file.source, join_source(&file.source)) {
                (Source::FileId(id), _) => put(&mut inner, "file_id", id.clone()),
                (_, Some(data)) => put(&mut inner, "file_data", data),
                (_, None) => return None,
            }
            put_some(&mut inner, "filename", file.name.as_ref());
            put(&mut map, "type", "file");
            put(&mut map, "file", inner);
        }
        Content::Reasoning(reasoning) if reasoning.form != ReasoningForm::Opaque => {
            let mut inner = Map::new();
            put(&mut inner, "type", "text");
            put(&mut inner, "text", reasoning.text.clone());
            put(&mut map, "type", "thinking");
            put(&mut map, "thinking", vec![Value::Object(inner)]);
            put_some(&mut map, "signature", part.signature.as_ref());
        }
        Content::Other(kind) => put(&mut map, "type", kind.clone()),
        Content::Reasoning(_) | Content::ToolCall(_) | Content::ToolResult(_) => return None,
    }
    put_cache_mark(&mut map, part.cache);
    merge(&mut map, &part.extra);
    Some(Value::Object(map))
}

/// Reads a list of annotations; `None` if one of them is not understood.
pub(super) fn decode_annotations(values: &[Value]) -> Option<Vec<Annotation>> {
    values.iter().map(decode_annotation).collect()
}

/// Reads one annotation.
pub(super) fn decode_annotation(value: &Value) -> Option<Annotation> {
    let mut map = value.as_object()?.clone();
    let kind = fields::try_string(&mut map, "type")?;
    let mut annotation = Annotation { kind, ..Annotation::default() };
    if annotation.kind == "url_citation" {
        let mut inner = fields::try_object(&mut map, "url_citation")?;
        annotation.url = fields::try_string(&mut inner, "url");
        annotation.title = fields::try_string(&mut inner, "title");
        annotation.quote = fields::try_string(&mut inner, "content");
        annotation.start = fields::try_whole(&mut inner, "start_index");
        annotation.end = fields::try_whole(&mut inner, "end_index");
        fields::put_back(&mut map, "url_citation", inner);
    }
    annotation.extra = map;
    Some(annotation)
}

/// Whether the format has an annotation: one of an address, or one that was read from this format with all its fields.
pub(super) fn is_said(annotation: &Annotation) -> bool {
    annotation.kind == "url_citation" || annotation.url.is_some() || !annotation.extra.is_empty()
}

/// Writes one annotation of a text that begins `offset` characters into the message.
pub(super) fn encode_annotation(annotation: &Annotation, offset: u64) -> Value {
    let mut map = Map::new();
    if annotation.kind == "url_citation" || (annotation.url.is_some() && annotation.extra.is_empty()) {
        let shifted = |place: Option<u64>| place.map(|place| place.saturating_add(offset));
        let mut inner = Map::new();
        put_some(&mut inner, "url", annotation.url.as_ref());
        put_some(&mut inner, "title", annotation.title.as_ref());
        put_some(&mut inner, "content", annotation.quote.as_ref());
        put_some(&mut inner, "start_index", shifted(annotation.start).as_ref());
        put_some(&mut inner, "end_index", shifted(annotation.end).as_ref());
        put(&mut map, "type", "url_citation");
        put(&mut map, "url_citation", inner);
    } else {
        put(&mut map, "type", annotation.kind.clone());
    }
    merge(&mut map, &annotation.extra);
    Value::Object(map)
}

/// Reads the sound of an answer (`message.audio`); an empty placeholder stays where it is.
pub(super) fn decode_spoken(map: &mut Extra) -> Option<Part> {
    let named = |value: &Value| value.get("id").and_then(Value::as_str).is_some_and(|id| !id.is_empty());
    let Some(Value::Object(mut inner)) = fields::take_if(map, "audio", named) else { return None };
    let audio = take_spoken(&mut inner);
    Some(Part { extra: inner, ..Part::new(Content::Audio(audio)) })
}

/// Takes the known fields of a `message.audio` or `delta.audio`.
pub(super) fn take_spoken(map: &mut Extra) -> Audio {
    Audio {
        id: fields::try_string(map, "id"),
        data: fields::try_string(map, "data"),
        format: None,
        transcript: fields::try_string(map, "transcript"),
        expires_at: fields::try_whole(map, "expires_at"),
    }
}

/// Writes the sound of an answer.
pub(super) fn encode_spoken(audio: &Audio, extra: &Extra) -> Map<String, Value> {
    let mut map = Map::new();
    put_some(&mut map, "id", audio.id.as_ref());
    put_some(&mut map, "data", audio.data.as_ref());
    put_some(&mut map, "transcript", audio.transcript.as_ref());
    put_some(&mut map, "expires_at", audio.expires_at.as_ref());
    merge(&mut map, extra);
    map
}
