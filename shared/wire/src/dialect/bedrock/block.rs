//! Content blocks: objects with one field, which names what they are.

use serde_json::{Map, Value, json};

use super::names::Names;
use super::{OWN, citation, media, reasoning, tool};
use crate::chat::{Annotation, Audio, CacheLife, CacheMark, Content, Part, Source, Text, ToolKind};
use crate::dialect::DecodeError;
use crate::dialect::fields::{self, Path, merge, put};
use crate::dialect::loss::Notes;

/// The known blocks. Their order decides where an object has several of them, which AWS refuses.
const KINDS: [&str; 14] = [
    "text",
    "image",
    "document",
    "video",
    "audio",
    "toolUse",
    "toolResult",
    "reasoningContent",
    "citationsContent",
    "guardContent",
    "searchResult",
    "cachePoint",
    "toolAddition",
    "toolRemoval",
];
const EXPECTED: &str = "expected an object with one field: text, image, document, video, audio, toolUse, toolResult, \
    reasoningContent, citationsContent, guardContent, searchResult or cachePoint";

/// Reads a list of blocks. A cache point is a mark on the block before it.
pub(super) fn decode_blocks(
    values: Vec<Value>,
    path: &Path<'_>,
    lenient: bool,
) -> Result<Vec<Part>, DecodeError> {
    let mut parts: Vec<Part> = Vec::with_capacity(values.len());
    for (index, value) in values.into_iter().enumerate() {
        if let Some(mark) = cache_mark(&value)
            && let Some(last) = parts.last_mut()
            && last.cache.is_none()
        {
            last.cache = Some(mark);
            continue;
        }
        parts.push(decode_block(value, &Path::Item(path, index), lenient)?);
    }
    Ok(parts)
}

/// The mark that a cache point says, `None` for anything else.
pub(super) fn cache_mark(value: &Value) -> Option<CacheMark> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let point = map.get("cachePoint")?.as_object()?;
    if point.get("type")? != "default" {
        return None;
    }
    let life = match (point.len(), point.get("ttl").and_then(Value::as_str)) {
        (1, None) => CacheLife::Default,
        (2, Some("5m")) => CacheLife::FiveMinutes,
        (2, Some("1h")) => CacheLife::OneHour,
        _ => return None,
    };
    Some(CacheMark { life })
}

/// Writes a cache point.
pub(super) fn encode_mark(mark: CacheMark) -> Value {
    match mark.life {
        CacheLife::Default => json!({"cachePoint": {"type": "default"}}),
        CacheLife::FiveMinutes => json!({"cachePoint": {"type": "default", "ttl": "5m"}}),
        CacheLife::OneHour => json!({"cachePoint": {"type": "default", "ttl": "1h"}}),
    }
}

/// Reads a block. A provider (`lenient`) may say what is not known here.
pub(super) fn decode_block(value: Value, path: &Path<'_>, lenient: bool) -> Result<Part, DecodeError> {
    let Value::Object(mut map) = value else { return Err(path.error(EXPECTED)) };
    let known = KINDS.into_iter().find(|kind| map.get(*kind).is_some_and(|value| !value.is_null()));
    let Some(kind) = known else {
        return match map.keys().next().cloned() {
            Some(kind) => Ok(own(&kind, map)),
            None if lenient => Ok(own("", map)),
            None => Err(path.error(EXPECTED)),
        };
    };
    if kind == "text" {
        let text = fields::string(&mut map, path, "text")?.unwrap_or_default();
        return Ok(Part { extra: map, ..Part::text(text) });
    }
    let at = Path::Field(path, kind);
    let Some(Value::Object(mut inner)) = fields::take_if(&mut map, kind, Value::is_object) else {
        return if lenient { Ok(own(kind, map)) } else { Err(at.error("expected an object")) };
    };
    let mut signature = None;
    let mut marked = false;
    let content = match kind {
        "image" | "document" | "video" => {
            let content = media::take(kind, &mut inner, &at)?;
            marked = matches!(&content, Some(Content::File(file)) if matches!(file.source, Source::Text(_)));
            content
        }
        "audio" => take_audio(&mut inner, &at)?,
        "toolUse" => {
            let taken = tool::take_call(&mut inner, &at, lenient)?;
            taken.map(|(call, sealed)| {
                signature = sealed;
                Content::ToolCall(call)
            })
        }
        "toolResult" => tool::take_result(&mut inner, &at, lenient)?.map(Content::ToolResult),
        "reasoningContent" => reasoning::take(&mut inner).map(|(said, signed)| {
            signature = signed;
            Content::Reasoning(said)
        }),
        "citationsContent" => {
            let text = citation::take_block(&mut inner);
            marked = text.annotations.is_empty();
            Some(Content::Text(text))
        }
        "guardContent" => {
            marked = true;
            take_guarded(&mut inner)
        }
        _ => None,
    };
    let Some(content) = content else {
        map.insert(kind.to_owned(), Value::Object(inner));
        return Ok(own(kind, map));
    };
    if marked || !inner.is_empty() {
        map.insert(kind.to_owned(), Value::Object(inner));
    }
    Ok(Part { content, id: None, cache: None, signature, extra: map })
}

/// A block that only this format knows, whole.
fn own(kind: &str, map: Map<String, Value>) -> Part {
    Part { extra: map, ..Part::new(Content::Other(format!("{OWN}{kind}"))) }
}

fn take_audio(inner: &mut Map<String, Value>, path: &Path<'_>) -> Result<Option<Content>, DecodeError> {
    let at = Path::Field(path, "source");
    let Some(Value::Object(source)) = inner.get_mut("source") else {
        return Err(at.error("required: an object with `bytes` or `s3Location`"));
    };
    let Some(data) = fields::string(source, &at, "bytes")? else { return Ok(None) };
    if source.is_empty() {
        inner.remove("source");
    }
    let format = fields::string(inner, path, "format")?;
    Ok(Some(Content::Audio(Audio { data: Some(data), format, ..Audio::default() })))
}

/// Text that a guardrail looks at is text; an image of that sort stays as it is.
fn take_guarded(inner: &mut Map<String, Value>) -> Option<Content> {
    let Some(Value::Object(said)) = inner.get_mut("text") else { return None };
    let text = fields::try_string(said, "text")?;
    Some(Content::Text(Text { text, annotations: Vec::new() }))
}

/// Where a block is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A message of a request.
    Request,
    /// A tool's result in a request.
    Result,
    /// An answer.
    Answer,
}

/// What is needed to write blocks.
pub(super) struct Writer<'a> {
    pub(super) notes: &'a mut Notes,
    pub(super) names: &'a mut Names,
    pub(super) place: Place,
}

impl Writer<'_> {
    /// Writes a part, and the cache point behind it. What cannot be said is named by its place `at`.
    pub(super) fn part(&mut self, part: &Part, at: &str, out: &mut Vec<Value>) {
        let Some(block) = self.block(part, at) else { return };
        out.push(block);
        if let Some(mark) = part.cache {
            // A tool's result cannot be cut by a cache point; the whole of it can.
            if self.place == Place::Result {
                self.notes.hint(format!("{at}.cache"), "Bedrock has no cache points inside a tool's result");
            } else {
                out.push(encode_mark(mark));
            }
        }
    }

    fn block(&mut self, part: &Part, at: &str) -> Option<Value> {
        if part.signature.is_some() && !matches!(part.content, Content::Reasoning(_)) {
            self.notes.hint(format!("{at}.signature"), "Bedrock has signatures on reasoning only");
        }
        if part.id.is_some() {
            self.notes.hint(format!("{at}.id"), "Bedrock has no ids on parts");
        }
        let mut map = Map::new();
        match &part.content {
            Content::Text(text) => return Some(self.text(part, text, at)),
            Content::Image(image) => {
                if image.detail.is_some() {
                    self.notes.hint(format!("{at}.detail"), "Bedrock has no levels of detail");
                }
                put(&mut map, "image", self.media(part, "image", &image.source, None, at)?);
            }
            Content::Video(source) => put(&mut map, "video", self.media(part, "video", source, None, at)?),
            Content::File(file) => {
                let mut inner = self.media(part, "document", &file.source, file.name.as_deref(), at)?;
                let format = inner.get("format").and_then(Value::as_str).map(str::to_owned);
                let name = self.names.document(file.name.as_deref(), format.as_deref());
                put(&mut inner, "name", name);
                put(&mut map, "document", inner);
            }
            Content::Audio(audio) => put(&mut map, "audio", self.audio(audio, at)?),
            Content::Reasoning(said) => match reasoning::encode(said, part) {
                Some(inner) => put(&mut map, "reasoningContent", inner),
                None => {
                    self.notes.hint(at, "reasoning of another vendor cannot be taken back by Bedrock");
                    return None;
                }
            },
            Content::ToolCall(call) => match &call.kind {
                ToolKind::BuiltIn(_) => {
                    self.lost(at, "a call of another vendor's built-in tool has no meaning to Bedrock");
                    return None;
                }
                ToolKind::Function | ToolKind::LegacyFunction | ToolKind::Custom => {
                    put(&mut map, "toolUse", tool::encode_call(call, part, at, self));
                }
            },
            Content::ToolResult(result) => {
                let inner = tool::encode_result(result, at, self.notes, self.names);
                put(&mut map, "toolResult", inner);
            }
            Content::Refusal(text) => put(&mut map, "text", text.clone()),
            Content::Other(kind) if kind.starts_with(OWN) => {}
            Content::Other(_) => {
                self.lost(at, "this kind of content is another vendor's; Bedrock has nothing like it");
                return None;
            }
        }
        merge(&mut map, &part.extra);
        Some(Value::Object(map))
    }

    fn lost(&mut self, at: &str, reason: &'static str) {
        self.notes.meaning(at, reason);
    }

    fn text(&mut self, part: &Part, text: &Text, at: &str) -> Value {
        let mut map = Map::new();
        let is_answer = self.place == Place::Answer;
        let told: Vec<&Annotation> =
            text.annotations.iter().filter(|each| is_answer || citation::is_said(each)).collect();
        if told.len() < text.annotations.len() {
            self.notes.hint(format!("{at}.annotations"), "Bedrock takes back only citations of its own");
        }
        let own = |name: &str| part.extra.get(name).filter(|value| value.is_object());
        if !told.is_empty() || own("citationsContent").is_some() {
            map = citation::encode_block(part, &told).as_object().cloned().unwrap_or_default();
        } else if own("guardContent").is_some() {
            put(&mut map, "guardContent", json!({"text": {"text": text.text}}));
        } else {
            put(&mut map, "text", text.text.clone());
        }
        merge(&mut map, &part.extra);
        Value::Object(map)
    }

    fn media(
        &mut self,
        part: &Part,
        kind: &str,
        source: &Source,
        name: Option<&str>,
        at: &str,
    ) -> Option<Map<String, Value>> {
        let own = part.extra.get(kind).and_then(Value::as_object);
        let mut inner = Map::new();
        match media::put_source(&mut inner, source, name, own) {
            Ok(()) => Some(inner),
            Err(reason) => {
                self.lost(at, reason);
                None
            }
        }
    }

    fn audio(&mut self, audio: &Audio, at: &str) -> Option<Map<String, Value>> {
        let Some(data) = &audio.data else {
            self.lost(at, "Bedrock keeps no sound by id; send the bytes in base64");
            return None;
        };
        if audio.id.is_some() || audio.transcript.is_some() || audio.expires_at.is_some() {
            self.notes.hint(format!("{at}.audio"), "Bedrock has neither ids nor transcripts of sound");
        }
        let mut inner = Map::new();
        fields::put_some(&mut inner, "format", audio.format.as_ref());
        put(&mut inner, "source", json!({"bytes": data}));
        Some(inner)
    }
}
