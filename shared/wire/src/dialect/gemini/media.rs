//! Media in parts: `inlineData` and `fileData`.

use serde_json::{Map, Value};

use super::names::{camel, mark, marked};
use crate::chat::{Audio, Content, Extra, File, Image, Source};
use crate::dialect::DecodeError;
use crate::dialect::fields::{self, Path, put, put_some};

/// Where the Gemini API keeps files that were uploaded to it.
const FILES: &str = "https://generativelanguage.googleapis.com/v1beta/";

/// Sound by OpenAI's word for its format, and its media type. The first of each word is written.
const SOUNDS: [(&str, &str); 10] = [
    ("wav", "audio/wav"),
    ("mp3", "audio/mp3"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/x-wav"),
    ("aac", "audio/aac"),
    ("flac", "audio/flac"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/opus"),
    ("aiff", "audio/aiff"),
    ("pcm16", "audio/L16;codec=pcm;rate=24000"),
];

/// Media types by the ending of an address, for addresses that come without one.
const ENDINGS: [(&str, &str); 18] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("md", "text/markdown"),
    ("json", "application/json"),
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("webm", "video/webm"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
];

fn sound_of(media_type: &str) -> String {
    let bare = media_type.split(';').next().unwrap_or(media_type).trim();
    let known = SOUNDS
        .iter()
        .find(|(_, known)| known.split(';').next().is_some_and(|k| k.eq_ignore_ascii_case(bare)));
    known.map_or_else(|| bare.trim_start_matches("audio/").to_owned(), |(word, _)| (*word).to_owned())
}

fn media_type_of(format: Option<&str>) -> String {
    let word = format.unwrap_or("pcm16");
    let known = SOUNDS.iter().find(|(known, _)| *known == word);
    known.map_or_else(|| format!("audio/{word}"), |(_, media_type)| (*media_type).to_owned())
}

fn media_type_at(address: &str) -> Option<&'static str> {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
    ENDINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, media_type)| *media_type)
}

fn is_of(media_type: &str, kind: &str) -> bool {
    media_type.get(..kind.len()).is_some_and(|start| start.eq_ignore_ascii_case(kind))
}

/// Takes `inlineData` or `fileData` out of a part; `None` if it has neither.
pub(super) fn take(map: &mut Extra, path: &Path<'_>) -> Result<Option<Content>, DecodeError> {
    for (name, read) in [("inlineData", inline as Reader), ("fileData", file as Reader)] {
        if let Some(mut inner) = fields::object(map, path, name)? {
            camel(&mut inner);
            let content = read(&mut inner, &Path::Field(path, name), map)?;
            fields::put_back(map, name, inner);
            return Ok(Some(content));
        }
    }
    Ok(None)
}

type Reader = fn(&mut Map<String, Value>, &Path<'_>, &mut Extra) -> Result<Content, DecodeError>;

fn inline(map: &mut Map<String, Value>, path: &Path<'_>, marks: &mut Extra) -> Result<Content, DecodeError> {
    let data = standard(fields::need_string(map, path, "data")?, marks);
    let media_type = fields::need_string(map, path, "mimeType")?;
    if is_of(&media_type, "audio/") {
        let format = sound_of(&media_type);
        if media_type_of(Some(&format)) != media_type {
            mark(marks, "mimeType", media_type);
        }
        return Ok(Content::Audio(Audio { data: Some(data), format: Some(format), ..Audio::default() }));
    }
    let (image, video) = (is_of(&media_type, "image/"), is_of(&media_type, "video/"));
    let source = Source::Base64 { media_type: Some(media_type), data };
    Ok(if image {
        Content::Image(Image { source, detail: None })
    } else if video {
        Content::Video(source)
    } else {
        Content::File(File { source, name: fields::string(map, path, "displayName")? })
    })
}

/// Google's SDK for Python writes base64 with the letters for URLs, which Google reads as well. Others do not.
fn standard(data: String, marks: &mut Extra) -> String {
    if !data.contains(['-', '_']) || data.contains(['+', '/']) {
        return data;
    }
    mark(marks, "data", Value::Null);
    data.replace('-', "+").replace('_', "/")
}

/// The letters that the caller of this format wrote.
fn as_said(data: &str, extra: &Extra) -> String {
    match marked(extra, "data") {
        Some(_) => data.replace('+', "-").replace('/', "_"),
        None => data.to_owned(),
    }
}

fn file(map: &mut Map<String, Value>, path: &Path<'_>, marks: &mut Extra) -> Result<Content, DecodeError> {
    let uri = fields::need_string(map, path, "fileUri")?;
    let said = fields::string(map, path, "mimeType")?;
    let on_youtube = ["https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/"];
    let kind = said.as_deref().or_else(|| {
        if on_youtube.iter().any(|start| uri.starts_with(start)) {
            Some("video/*")
        } else {
            media_type_at(&uri)
        }
    });
    let kind = kind.unwrap_or_default().to_owned();
    let guessed = media_type_at(&uri);
    if said.as_deref() != guessed {
        mark(marks, "mimeType", said);
    }
    let source = if uri.starts_with(FILES) { Source::FileId(uri) } else { Source::Url(uri) };
    Ok(if is_of(&kind, "image/") {
        Content::Image(Image { source, detail: None })
    } else if is_of(&kind, "video/") {
        Content::Video(source)
    } else {
        Content::File(File { source, name: fields::string(map, path, "displayName")? })
    })
}

/// Why media cannot be said.
pub(super) struct Unsayable(pub(super) &'static str);

/// Writes media as `inlineData` or `fileData`.
pub(super) fn encode(content: &Content, extra: &Extra) -> Result<Map<String, Value>, Unsayable> {
    let mut map = Map::new();
    let (source, name, usual) = match content {
        Content::Image(image) => (&image.source, None, "image/png"),
        Content::Video(source) => (source, None, "video/mp4"),
        Content::File(file) => (&file.source, file.name.as_ref(), "application/pdf"),
        Content::Audio(audio) => {
            let Some(data) = &audio.data else {
                return Err(Unsayable("sound must be in the request itself; Gemini keeps none by id"));
            };
            let said = marked(extra, "mimeType").and_then(Value::as_str);
            let media_type = said.map_or_else(|| media_type_of(audio.format.as_deref()), str::to_owned);
            put(&mut map, "inlineData", inline_data(&media_type, as_said(data, extra), None));
            return Ok(map);
        }
        _ => return Err(Unsayable("Gemini has no way to say this kind of content")),
    };
    match source {
        Source::Base64 { media_type, data } => {
            let guessed = name.and_then(|name| media_type_at(name)).unwrap_or(usual);
            let media_type = media_type.as_deref().filter(|kind| !kind.is_empty()).unwrap_or(guessed);
            put(&mut map, "inlineData", inline_data(media_type, as_said(data, extra), name));
        }
        Source::Text(text) => put(&mut map, "text", text.clone()),
        Source::Url(uri) => put(&mut map, "fileData", file_data(uri, name, extra)),
        Source::FileId(id) if id.starts_with("https://") => {
            put(&mut map, "fileData", file_data(id, name, extra));
        }
        Source::FileId(id) if id.starts_with("files/") => {
            put(&mut map, "fileData", file_data(&format!("{FILES}{id}"), name, extra));
        }
        Source::FileId(_) => {
            return Err(Unsayable("the file is kept by another provider; give its address or its bytes"));
        }
    }
    Ok(map)
}

fn inline_data(media_type: &str, data: String, name: Option<&String>) -> Map<String, Value> {
    let mut inner = Map::new();
    put(&mut inner, "mimeType", media_type);
    put(&mut inner, "data", data);
    put_some(&mut inner, "displayName", name);
    inner
}

fn file_data(uri: &str, name: Option<&String>, extra: &Extra) -> Map<String, Value> {
    let mut inner = Map::new();
    put(&mut inner, "fileUri", uri);
    let media_type = match marked(extra, "mimeType") {
        Some(said) => said.as_str().map(str::to_owned),
        None => media_type_at(uri).map(str::to_owned),
    };
    put_some(&mut inner, "mimeType", media_type.as_ref());
    put_some(&mut inner, "displayName", name);
    inner
}
