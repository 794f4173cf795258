//! Messages, in requests and in answers.

use serde_json::{Map, Value, json};

use super::{OWN, PLAN, THINKING, citation, document, tool};
use crate::chat::{
    Content, Extra, File, Image, Message, Part, Reasoning, ReasoningForm, ReasoningSpelling, Role, Shape,
    Source, ToolKind, ToolResult,
};
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::unnamed_calls::UnnamedCalls;
use crate::dialect::{DecodeError, carried};

/// Reads a message. From a provider (`lenient`) the role may be missing.
pub(super) fn decode_message(value: Value, path: &Path<'_>, lenient: bool) -> Result<Message, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let role = match fields::string(&mut map, path, "role")?.as_deref() {
        Some(word @ ("system" | "user" | "assistant" | "tool")) => Role::from(word),
        _ if lenient => Role::Assistant,
        None => return Err(path.field_error("role", "required: system, user, assistant or tool")),
        Some(_) => return Err(path.field_error("role", "expected system, user, assistant or tool")),
    };
    if role == Role::Tool {
        let id = fields::need_string(&mut map, path, "tool_call_id")?;
        let (parts, shape) = take_content(&mut map, path)?;
        let call_id = Some(carried::open(&id).0);
        let result = ToolResult { call_id, name: None, parts, shape, is_error: false };
        return Ok(Message {
            extra: map,
            ..Message::new(role, vec![Part::new(Content::ToolResult(result))])
        });
    }
    let mut parts = Vec::new();
    if role == Role::Assistant
        && let Some(Value::String(plan)) =
            fields::take_if(&mut map, "tool_plan", |plan| plan.as_str().is_some_and(|text| !text.is_empty()))
    {
        parts.push(Part::new(Content::Reasoning(reasoning(plan, PLAN))));
    }
    let (mut content, mut shape) = take_content(&mut map, path)?;
    if lenient && shape == Shape::Parts {
        // Answers are always lists here, and a single text elsewhere. An empty list says nothing and stays.
        shape = Shape::Auto;
        if content.is_empty() {
            put(&mut map, "content", Vec::<Value>::new());
        }
    }
    citation::place(&mut map, &mut content);
    parts.append(&mut content);
    let filled = |calls: &Value| calls.as_array().is_none_or(|calls| !calls.is_empty());
    if map.get("tool_calls").is_some_and(filled)
        && let Some(calls) = fields::array(&mut map, path, "tool_calls")?
    {
        let at = Path::Field(path, "tool_calls");
        for (index, call) in calls.into_iter().enumerate() {
            parts.push(tool::decode_call(call, &Path::Item(&at, index), lenient)?);
        }
    }
    Ok(Message { shape, extra: map, ..Message::new(role, parts) })
}

pub(super) fn reasoning(text: String, format: &str) -> Reasoning {
    Reasoning { format: Some(format.to_owned()), ..Reasoning::piece(text, ReasoningSpelling::Auto) }
}

fn take_content(map: &mut Extra, path: &Path<'_>) -> Result<(Vec<Part>, Shape), DecodeError> {
    match map.remove("content") {
        None => Ok((Vec::new(), Shape::Absent)),
        Some(Value::Null) => Ok((Vec::new(), Shape::Null)),
        Some(Value::String(text)) if text.is_empty() => Ok((Vec::new(), Shape::Text)),
        Some(Value::String(text)) => Ok((vec![Part::text(text)], Shape::Text)),
        Some(Value::Array(values)) => {
            let at = Path::Field(path, "content");
            let decode = |(index, value)| decode_part(value, &Path::Item(&at, index));
            let parts: Vec<Part> = values.into_iter().enumerate().map(decode).collect::<Result<_, _>>()?;
            // A single text is told to others as one.
            Ok((parts, Shape::Parts))
        }
        Some(_) => Err(path.field_error("content", "expected a string or an array of content parts")),
    }
}

fn decode_part(value: Value, path: &Path<'_>) -> Result<Part, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let kind = fields::need_string(&mut map, path, "type")?;
    let content = match kind.as_str() {
        "text" => {
            let text = fields::need_string(&mut map, path, "text")?;
            return Ok(Part { extra: map, ..Part::text(text) });
        }
        "thinking" => {
            Content::Reasoning(reasoning(fields::need_string(&mut map, path, "thinking")?, THINKING))
        }
        "image_url" => {
            let mut inner = fields::object(&mut map, path, "image_url")?
                .ok_or_else(|| path.field_error("image_url", "required: an object with `url`"))?;
            let at = Path::Field(path, "image_url");
            let url = fields::need_string(&mut inner, &at, "url")?;
            let detail = fields::string(&mut inner, &at, "detail")?;
            fields::put_back(&mut map, "image_url", inner);
            Content::Image(Image { source: Source::of_url(url), detail })
        }
        "document" => match document::decode_part(&mut map) {
            Some(part) => return Ok(part),
            None => Content::Other(format!("{OWN}{kind}")),
        },
        _ => Content::Other(format!("{OWN}{kind}")),
    };
    Ok(Part { extra: map, ..Part::new(content) })
}

/// What messages are written to.
#[derive(Default)]
pub(super) struct Conversation {
    pub(super) messages: Vec<Value>,
    /// What the messages hold of documents; they are beside the messages here.
    pub(super) documents: Vec<Value>,
    unnamed: UnnamedCalls,
}

impl Conversation {
    /// Writes a message of a request. Results of tools become messages of their own, before the rest.
    pub(super) fn push(&mut self, message: &Message, index: usize, notes: &mut Notes) {
        let at = format!("messages[{index}]");
        if message.name.is_some() {
            notes.hint(format!("{at}.name"), "Cohere has no names of participants");
        }
        let role = match &message.role {
            Role::System | Role::Developer => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool | Role::Function => "tool",
            Role::Other(_) => {
                notes.meaning(format!("{at}.role"), "Cohere knows only system, user, assistant and tool");
                return;
            }
        };
        let mut rest: Vec<(String, &Part)> = Vec::new();
        let mut has_results = false;
        for (place, part) in message.parts.iter().enumerate() {
            let at = format!("{at}.content[{place}]");
            note_marks(part, &at, notes);
            if let Content::ToolResult(result) = &part.content {
                has_results = true;
                let mut map = self.result(result, &at, notes);
                if role == "tool" {
                    merge(&mut map, &message.extra);
                }
                merge(&mut map, &part.extra);
                self.messages.push(Value::Object(map));
            } else {
                rest.push((at, part));
            }
        }
        if rest.is_empty() && (has_results || role == "tool") {
            return;
        }
        let role = if role == "tool" { "user" } else { role };
        let mut map = Map::new();
        put(&mut map, "role", role);
        self.said(&mut map, &rest, message.shape, role == "assistant", notes);
        // Cohere refuses a turn in which nothing is said; formats of origin that have one spell it so.
        if role == "assistant" && message.shape == Shape::Auto && map.len() == 1 && message.extra.is_empty() {
            return;
        }
        merge(&mut map, &message.extra);
        self.messages.push(Value::Object(map));
    }

    fn result(&mut self, result: &ToolResult, at: &str, notes: &mut Notes) -> Map<String, Value> {
        if result.is_error {
            notes.hint(format!("{at}.is_error"), "a tool's failure can only be told in its text");
        }
        let id = result.call_id.clone().or_else(|| self.unnamed.answered(result.name.as_deref()));
        let mut content = Vec::new();
        for (place, part) in result.parts.iter().enumerate() {
            let at = format!("{at}.content[{place}]");
            note_marks(part, &at, notes);
            let written = match &part.content {
                Content::Text(text) => Some(typed("text", "text", text.text.clone().into(), &part.extra)),
                Content::File(file) => document::encode_part(file, part),
                Content::Other(kind) if kind.starts_with(OWN) => Some(own(kind, part)),
                _ => None,
            };
            match written {
                Some(value) => content.push(value),
                None => notes.meaning(at, "results of tools are text and text documents at Cohere"),
            }
        }
        let mut map = Map::new();
        put(&mut map, "role", "tool");
        put(&mut map, "tool_call_id", id.unwrap_or_else(|| made_id(at)));
        put_content(&mut map, content, result.shape, false);
        map
    }

    /// Writes the content, the calls and the plan of a message.
    fn said(
        &mut self,
        map: &mut Map<String, Value>,
        parts: &[(String, &Part)],
        shape: Shape,
        is_assistant: bool,
        notes: &mut Notes,
    ) {
        let mut content = Vec::new();
        let mut calls = Vec::new();
        let mut plan = String::new();
        for (at, part) in parts {
            match &part.content {
                Content::ToolCall(call) => {
                    if let ToolKind::BuiltIn(_) = call.kind {
                        notes
                            .meaning(at, "a call of another vendor's built-in tool has no meaning to Cohere");
                        continue;
                    }
                    let id = call.id.clone().unwrap_or_else(|| {
                        let id = made_id(at);
                        self.unnamed.call(&call.name, &id);
                        id
                    });
                    calls.push(tool::encode_call(call, &id, part));
                }
                Content::Reasoning(said) if said.format.as_deref() == Some(PLAN) => plan.push_str(&said.text),
                Content::File(file) if !is_assistant => match document::encode(file, part) {
                    Some(document) => self.documents.push(document),
                    None => {
                        notes.meaning(at, "Cohere takes documents as text only; send the text of this file");
                    }
                },
                _ => match encode_part(part) {
                    Ok(value) => content.push(value),
                    Err(None) => {
                        notes.hint(at, "reasoning of another vendor cannot be taken back by Cohere");
                    }
                    Err(Some(reason)) => notes.meaning(at, reason),
                },
            }
        }
        let texts = parts.iter().filter(|(_, part)| matches!(part.content, Content::Text(_)));
        if texts.clone().any(|(_, part)| has_foreign_annotations(part)) {
            let at = texts.map(|(at, _)| at.as_str()).next().unwrap_or_default();
            notes.hint(format!("{at}.annotations"), "Cohere takes back only citations of its own");
        }
        let citations = citations(parts.iter().map(|(_, part)| *part), false);
        let shape =
            if is_assistant && content.is_empty() && shape == Shape::Auto { Shape::Absent } else { shape };
        put_content(map, content, shape, false);
        put_rest(map, calls, plan, citations);
    }
}

/// An id for a call that has none, made from its place.
fn made_id(at: &str) -> String {
    let numbers = at.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty());
    numbers.fold("call".to_owned(), |id, number| format!("{id}_{number}"))
}

fn put_rest(map: &mut Map<String, Value>, calls: Vec<Value>, plan: String, citations: Vec<Value>) {
    if !plan.is_empty() {
        put(map, "tool_plan", plan);
    }
    if !calls.is_empty() {
        put(map, "tool_calls", calls);
    }
    if !citations.is_empty() {
        put(map, "citations", citations);
    }
}

fn has_foreign_annotations(part: &Part) -> bool {
    matches!(&part.content, Content::Text(text) if text.annotations.iter().any(|each| !is_own(each)))
}

fn is_own(annotation: &crate::chat::Annotation) -> bool {
    annotation.extra.contains_key("sources")
}

/// The citations of all texts; in an answer (`all`) those of other formats too.
fn citations<'a>(parts: impl Iterator<Item = &'a Part>, all: bool) -> Vec<Value> {
    let mut out = Vec::new();
    for part in parts {
        if let Content::Text(text) = &part.content {
            let told = text.annotations.iter().filter(|each| all || is_own(each));
            out.extend(told.map(|annotation| citation::encode(annotation, &text.text)));
        }
    }
    out
}

fn note_marks(part: &Part, at: &str, notes: &mut Notes) {
    if part.cache.is_some() {
        notes.hint(format!("{at}.cache"), "Cohere caches by itself");
    }
    if part.signature.is_some() && !matches!(part.content, Content::Reasoning(_)) {
        notes.hint(format!("{at}.signature"), "Cohere has no signatures");
    }
    if part.id.is_some() && !matches!(part.content, Content::File(_)) {
        notes.hint(format!("{at}.id"), "Cohere has no ids on parts");
    }
}

fn typed(kind: &str, field: &str, value: Value, extra: &Extra) -> Value {
    let mut map = Map::new();
    put(&mut map, "type", kind);
    put(&mut map, field, value);
    merge(&mut map, extra);
    Value::Object(map)
}

fn own(kind: &str, part: &Part) -> Value {
    let mut map = Map::new();
    put(&mut map, "type", kind.trim_start_matches(OWN));
    merge(&mut map, &part.extra);
    Value::Object(map)
}

/// Writes one part of a content list. `Err` says why it cannot be; `Err(None)` for reasoning of others.
fn encode_part(part: &Part) -> Result<Value, Option<&'static str>> {
    match &part.content {
        Content::Text(text) => Ok(typed("text", "text", text.text.clone().into(), &part.extra)),
        Content::Refusal(text) => Ok(typed("text", "text", text.clone().into(), &part.extra)),
        Content::Reasoning(said) => {
            let taken = matches!(said.format.as_deref(), None | Some(THINKING)) && part.signature.is_none();
            if !taken || said.form != ReasoningForm::Full {
                return Err(None);
            }
            Ok(typed("thinking", "thinking", said.text.clone().into(), &part.extra))
        }
        Content::Image(image) => {
            let url = match &image.source {
                Source::Url(url) => url.clone(),
                Source::Base64 { media_type: Some(kind), data } => format!("data:{kind};base64,{data}"),
                Source::Base64 { media_type: None, .. } => {
                    return Err(Some("the image's media type is not known; say it, as image/png"));
                }
                Source::FileId(_) | Source::Text(_) => {
                    return Err(Some("Cohere keeps no images by id; send an address or base64"));
                }
            };
            let mut inner = Map::new();
            put(&mut inner, "url", url);
            put_some(&mut inner, "detail", image.detail.as_ref());
            Ok(typed("image_url", "image_url", Value::Object(inner), &part.extra))
        }
        Content::Other(kind) if kind.starts_with(OWN) => Ok(own(kind, part)),
        Content::File(File { .. }) => Err(Some("documents belong to the user's messages at Cohere")),
        Content::Audio(_) | Content::Video(_) => Err(Some("Cohere takes text and images only")),
        Content::ToolCall(_) | Content::ToolResult(_) | Content::Other(_) => {
            Err(Some("this kind of content is another vendor's; Cohere has nothing like it"))
        }
    }
}

/// Writes `content` in the shape it had, or the usual one: a string for a single text in a request, a list in an
/// answer.
fn put_content(map: &mut Map<String, Value>, content: Vec<Value>, shape: Shape, is_answer: bool) {
    let single = match content.as_slice() {
        [] => Some(""),
        [Value::Object(only)] if only.len() == 2 => only.get("text").and_then(Value::as_str),
        _ => None,
    };
    match (shape, single) {
        (Shape::Absent, Some("")) if content.is_empty() => {}
        (Shape::Null, Some("")) if content.is_empty() => put(map, "content", Value::Null),
        (Shape::Auto | Shape::Absent | Shape::Null, _) if is_answer => put(map, "content", content),
        (Shape::Parts, _) | (_, None) => put(map, "content", content),
        (_, Some(text)) => put(map, "content", text),
    }
}

/// Writes the message of an answer.
pub(super) fn encode_answer(message: &Message, id: &str) -> Map<String, Value> {
    let mut content = Vec::new();
    let mut calls = Vec::new();
    let mut plan = String::new();
    for part in &message.parts {
        match &part.content {
            Content::ToolCall(call) => {
                let own = call.id.clone().unwrap_or_else(|| format!("call_{id}_{}", calls.len()));
                calls.push(tool::encode_call(call, &carried::seal(&own, part.signature.as_deref()), part));
            }
            Content::Reasoning(said) if said.format.as_deref() == Some(PLAN) => plan.push_str(&said.text),
            Content::Reasoning(said) if !said.text.is_empty() => {
                content.push(typed("thinking", "thinking", said.text.clone().into(), &part.extra));
            }
            // An answer is told as far as the format goes.
            _ => content.extend(encode_part(part).ok()),
        }
    }
    let mut map = Map::new();
    put(&mut map, "role", "assistant");
    let shape = match message.shape {
        Shape::Absent => Shape::Absent,
        _ if content.is_empty() && message.extra.contains_key("content") => Shape::Absent,
        _ if content.is_empty() && !calls.is_empty() && message.shape != Shape::Parts => Shape::Absent,
        _ => Shape::Parts,
    };
    put_content(&mut map, content, shape, true);
    put_rest(&mut map, calls, plan, citations(message.parts.iter(), true));
    merge(&mut map, &message.extra);
    map
}

/// The citations that are not of the text: they are told as a field of the message.
pub(super) fn other_citations(citations: &[Value]) -> Extra {
    Extra::from_iter([("citations".to_owned(), json!(citations))])
}
