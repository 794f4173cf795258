//! Contents, which are the messages of this format, in requests.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value, json};

use super::names::{is_3_or_later, mark, marked, merge_extra};
use super::part::{self, decode_part};
use super::signature::NOT_SIGNED;
use super::{REASONING_FORMAT, names, result};
use crate::chat::{Content, Message, Part, Request, Role, Shape, Source, ToolKind, ToolResult};
use crate::dialect::carried;
use crate::dialect::fields::{self, Path, put};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, Target};

/// Reads one of `contents`, or `systemInstruction`.
pub(super) fn decode_content(value: Value, path: &Path<'_>, system: bool) -> Result<Message, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    names::camel(&mut map);
    let said = fields::string(&mut map, path, "role")?;
    let role = match said.as_deref() {
        _ if system => Role::System,
        None | Some("user") => Role::User,
        Some("model") => Role::Assistant,
        Some("function" | "tool") => Role::Tool,
        Some(_) => return Err(path.field_error("role", "expected user or model")),
    };
    if said.as_deref() != usual_role(&role) {
        mark(&mut map, "role", said);
    }
    let mut message = Message::new(role, Vec::new());
    let at = Path::Field(path, "parts");
    match fields::array(&mut map, path, "parts")? {
        Some(parts) => {
            message.shape = Shape::Parts;
            for (index, value) in parts.into_iter().enumerate() {
                push_part(&mut message.parts, decode_part(value, &Path::Item(&at, index))?);
            }
        }
        None => {
            message.shape = Shape::Absent;
            mark(&mut map, "parts", Value::Null);
        }
    }
    message.extra = map;
    Ok(message)
}

/// Adds a part. Reasoning of another vendor that was streamed to the caller comes back in pieces, the last with its
/// signature: it is one part again, as its vendor wants it.
fn push_part(parts: &mut Vec<Part>, mut part: Part) {
    let is_own = |part: &Part| matches!(&part.content, Content::Reasoning(thought) if thought.format.as_deref() == Some(REASONING_FORMAT));
    if matches!(part.content, Content::Reasoning(_)) && !is_own(&part) {
        let first = parts.iter().rposition(|before| !(is_own(before) && before.signature.is_none()));
        let pieces = parts.split_off(first.map_or(0, |place| place + 1));
        let mut text = String::new();
        for piece in pieces {
            if let Content::Reasoning(thought) = piece.content {
                text.push_str(&thought.text);
            }
        }
        if let Content::Reasoning(thought) = &mut part.content {
            thought.text.insert_str(0, &text);
        }
    }
    parts.push(part);
}

/// The word that is written for a role, if any.
const fn usual_role(role: &Role) -> Option<&'static str> {
    match role {
        Role::System | Role::Developer => None,
        Role::Assistant => Some("model"),
        _ => Some("user"),
    }
}

/// Gives calls without an id one that follows from their place, and results without an id that of the first open call
/// of their name: other formats tie the two by id alone.
pub(super) fn assign_ids(messages: &mut [Message]) {
    let mut open: VecDeque<(String, String)> = VecDeque::new();
    let mut calls = 0_usize;
    for part in messages.iter_mut().flat_map(|message| &mut message.parts) {
        let missing = |id: &Option<String>| id.as_ref().is_none_or(String::is_empty);
        match &mut part.content {
            Content::ToolCall(call) => {
                if missing(&call.id) {
                    mark(&mut part.extra, "id", call.id.take());
                    call.id = Some(format!("call_{calls}"));
                }
                calls += 1;
                open.push_back((call.name.clone(), call.id.clone().unwrap_or_default()));
            }
            Content::ToolResult(result) => {
                let name = result.name.as_deref().unwrap_or_default();
                let place = match result.call_id.as_deref().filter(|id| !id.is_empty()) {
                    Some(id) => open.iter().position(|(_, known)| known == id),
                    None => open.iter().position(|(known, _)| known == name),
                };
                let found = place.and_then(|place| open.remove(place));
                if missing(&result.call_id) {
                    mark(&mut part.extra, "id", result.call_id.take());
                    result.call_id = Some(found.map_or_else(|| format!("call_of_{name}"), |(_, id)| id));
                }
            }
            _ => {}
        }
    }
}

/// What a request says in messages.
pub(super) struct Written {
    pub(super) system: Option<Value>,
    pub(super) contents: Vec<Value>,
}

/// Writes the messages of a request.
pub(super) fn encode_messages(request: &Request, target: &Target<'_>, notes: &mut Notes) -> Written {
    let mut writer = Writer {
        names: call_names(request),
        newest: is_3_or_later(target.model),
        nameless: target.kind == "gemini",
        notes,
    };
    let mut system: Option<Map<String, Value>> = None;
    let mut contents: Vec<Value> = Vec::new();
    let mut results_open = false;
    for (index, message) in request.messages.iter().enumerate() {
        if message.name.is_some() {
            writer.notes.hint(format!("messages[{index}].name"), "Gemini knows no names of participants");
        }
        let instructs = matches!(message.role, Role::System | Role::Developer);
        if message.parts.is_empty() && message.shape != Shape::Parts && message.extra.is_empty() {
            continue;
        }
        let parts = writer.parts(message, index);
        if parts.is_empty() && !message.parts.is_empty() {
            continue;
        }
        if instructs {
            if !contents.is_empty() {
                writer.notes.hint(
                    format!("messages[{index}].role"),
                    "Gemini has one place for instructions: they are said before the conversation",
                );
            }
            match &mut system {
                Some(map) => append(map, parts),
                None => system = Some(content(message, parts)),
            }
            continue;
        }
        // All results of one turn of the model belong into one content.
        let only_results = message.role == Role::Tool && message.extra.is_empty();
        match contents.last_mut() {
            Some(Value::Object(last)) if only_results && results_open => append(last, parts),
            _ => contents.push(Value::Object(content(message, parts))),
        }
        results_open = only_results;
    }
    if contents.is_empty()
        && let Some(mut instructions) = system.take()
    {
        // A conversation must have a content: instructions alone are asked by the user.
        put(&mut instructions, "role", "user");
        contents.push(Value::Object(instructions));
    }
    Written { system: system.map(Value::Object), contents }
}

fn append(content: &mut Map<String, Value>, more: Vec<Value>) {
    if let Value::Array(parts) = content.entry("parts").or_insert_with(|| json!([])) {
        parts.extend(more);
    }
}

fn content(message: &Message, parts: Vec<Value>) -> Map<String, Value> {
    let mut map = Map::new();
    match marked(&message.extra, "role") {
        Some(Value::String(said)) => put(&mut map, "role", said.clone()),
        Some(_) => {}
        None => {
            if let Some(role) = usual_role(&message.role) {
                put(&mut map, "role", role);
            }
        }
    }
    if !(parts.is_empty() && message.shape == Shape::Absent) {
        put(&mut map, "parts", parts);
    }
    merge_extra(&mut map, &message.extra);
    map
}

/// The name of each call by its id: a result must say the name, and other formats give only the id.
fn call_names(request: &Request) -> HashMap<String, &str> {
    let calls = request.messages.iter().flat_map(Message::tool_calls);
    calls.filter_map(|call| Some((carried::open(call.id.as_deref()?).0, call.name.as_str()))).collect()
}

struct Writer<'a> {
    names: HashMap<String, &'a str>,
    /// The model is of the third generation or later.
    newest: bool,
    /// Files have no names: `displayName` is Vertex AI's, and the Gemini API refuses it
    /// (<https://ai.google.dev/api/caching#Blob>).
    nameless: bool,
    notes: &'a mut Notes,
}

impl Writer<'_> {
    fn parts(&mut self, message: &Message, index: usize) -> Vec<Value> {
        let mut out = Vec::with_capacity(message.parts.len());
        let mut beside = Vec::new();
        let mut signed = false;
        for (place, each) in message.parts.iter().enumerate() {
            let at = format!("messages[{index}].content[{place}]");
            self.marks(each, &at);
            let each = &*self.without_names(each, &at);
            match &each.content {
                Content::ToolCall(call) => {
                    if matches!(call.kind, ToolKind::BuiltIn(_)) {
                        self.notes.meaning(at, "a call of another vendor's own tool");
                        continue;
                    }
                    if !part::arguments(call).1 {
                        self.notes.lowered.push(format!("{at}.arguments"));
                    }
                    let id = call.id.as_deref().map(carried::open);
                    let (id, carried) = id.map_or((None, None), |(id, carried)| (Some(id), carried));
                    let mut signature = each.signature.clone().or(carried);
                    // The first of the calls made at once carries the signature of all.
                    if self.newest && !signed && signature.is_none() {
                        signature = Some(NOT_SIGNED.to_owned());
                    }
                    signed = true;
                    let id = said_id(each, id.as_deref());
                    let map = part::encode_call(call, id, signature.as_ref(), &each.extra);
                    out.push(Value::Object(map));
                }
                Content::ToolResult(result) => self.result(result, each, &at, &mut out, &mut beside),
                Content::Reasoning(reasoning) => {
                    if reasoning.format.as_deref() != Some(REASONING_FORMAT) {
                        self.notes.hint(at, "reasoning of another model is not told to Gemini");
                        continue;
                    }
                    let map = part::encode_thought(&reasoning.text, each.signature.as_ref(), &each.extra);
                    out.push(Value::Object(map));
                }
                Content::Audio(audio) if audio.data.is_none() && audio.transcript.is_some() => {
                    let text = audio.transcript.clone().unwrap_or_default();
                    out.push(json!({"text": text}));
                    self.notes.hint(at, "sound that another provider keeps: what was said is told as text");
                }
                _ => match part::encode_plain(each) {
                    Ok(map) => out.push(Value::Object(map)),
                    Err(why) => self.notes.meaning(at, why),
                },
            }
        }
        out.extend(beside);
        out
    }

    fn result(
        &mut self,
        result: &ToolResult,
        part: &Part,
        at: &str,
        out: &mut Vec<Value>,
        beside: &mut Vec<Value>,
    ) {
        let id = result.call_id.as_deref().map(|id| carried::open(id).0);
        let known = id.as_deref().and_then(|id| self.names.get(id).copied());
        let name = match (result.name.as_deref().or(known), id.as_deref()) {
            (Some(name), _) => name,
            (None, id) => {
                self.notes.hint(
                    format!("{at}.name"),
                    "the call that this answers is not in the conversation: its id is told as its name",
                );
                id.filter(|id| !id.is_empty()).unwrap_or("unknown")
            }
        };
        let native = names::is_own(&part.extra);
        let written = result::encode(result, said_id(part, id.as_deref()), name, part, self.newest || native);
        for (place, why) in written.lost {
            self.notes.meaning(format!("{at}.content[{place}]"), why);
        }
        for (place, each) in result.parts.iter().enumerate() {
            self.marks(each, &format!("{at}.content[{place}]"));
        }
        out.push(Value::Object(written.map));
        beside.extend(written.beside);
    }

    /// A part without the names of files that cannot be told.
    fn without_names<'p>(&mut self, part: &'p Part, at: &str) -> Cow<'p, Part> {
        let mut part = Cow::Borrowed(part);
        match &part.content {
            // Text has no name in this format, whoever speaks it.
            Content::File(file)
                if file.name.is_some() && (self.nameless || matches!(file.source, Source::Text(_))) =>
            {
                self.notes.hint(format!("{at}.name"), "the Gemini API knows no names of files");
                if let Content::File(file) = &mut part.to_mut().content {
                    file.name = None;
                }
            }
            Content::ToolResult(result) => {
                let parts: Vec<Cow<'_, Part>> = result
                    .parts
                    .iter()
                    .enumerate()
                    .map(|(place, each)| self.without_names(each, &format!("{at}.content[{place}]")))
                    .collect();
                if parts.iter().any(|each| matches!(each, Cow::Owned(_))) {
                    let parts = parts.into_iter().map(Cow::into_owned).collect();
                    if let Content::ToolResult(result) = &mut part.to_mut().content {
                        result.parts = parts;
                    }
                }
            }
            _ => {}
        }
        part
    }

    /// Names what may be beside any content and has no place here.
    fn marks(&mut self, part: &Part, at: &str) {
        if part.cache.is_some() {
            self.notes.hint(format!("{at}.cache"), "Gemini caches prompts by itself, or by `cachedContent`");
        }
        if part.id.is_some() {
            self.notes.hint(format!("{at}.id"), "Gemini's parts have no ids");
        }
        match &part.content {
            Content::Image(image) if image.detail.is_some() => {
                self.notes.hint(format!("{at}.detail"), "Gemini knows no detail of a single image");
            }
            Content::Text(text) if !text.annotations.is_empty() => {
                self.notes.hint(format!("{at}.annotations"), "Gemini takes no sources back");
            }
            Content::Audio(audio)
                if audio.data.is_some() && (audio.id.is_some() || audio.transcript.is_some()) =>
            {
                self.notes.hint(format!("{at}.transcript"), "Gemini takes the sound without its transcript");
            }
            _ => {}
        }
    }
}

/// The id as it was said where it was read; ids that were made up here are not told.
fn said_id<'a>(part: &'a Part, id: Option<&'a str>) -> Option<&'a str> {
    match marked(&part.extra, "id") {
        Some(said) => said.as_str(),
        None => id,
    }
}
