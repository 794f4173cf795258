//! Streams of `chat.completion.chunk` events, read.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::response::{decode_finish, known_usage, take_logprobs};
use super::{error, part, reasoning, tool};
use crate::chat::{
    AudioDelta, ChoiceDelta, Content, Delta, Extra, FinishReason, Part, ReasoningDelta, ReasoningSpelling,
    Role, Start, ToolCallDelta, ToolKind,
};
use crate::dialect::events::{self, EventReader};
use crate::dialect::fields::{self, Path};
use crate::dialect::{DecodeError, StreamError};
use crate::sse;

/// Largest event of a stream, in bytes. The largest known hold a generated image.
const MAX_EVENT: usize = 32 * 1024 * 1024;

/// Reads a stream.
pub struct StreamDecoder {
    events: sse::Decoder,
    ready: VecDeque<Delta>,
    start: Start,
    extra: Extra,
    choices: Vec<ChoiceState>,
    done: bool,
}

/// What is known of a choice so far.
struct ChoiceState {
    index: u32,
    role: bool,
    finish: Option<FinishReason>,
    calls: Vec<CallState>,
}

/// One tool call: the number and the id its vendor gave it.
struct CallState {
    number: Option<u64>,
    id: Option<String>,
    named: bool,
}

impl Default for StreamDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl StreamDecoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self {
            events: sse::Decoder::new(MAX_EVENT),
            ready: VecDeque::new(),
            start: Start::default(),
            extra: Extra::new(),
            choices: Vec::new(),
            done: false,
        }
    }

    fn chunk(&mut self, mut map: Map<String, Value>) -> Result<(), StreamError> {
        self.take_start(&mut map);
        let at = Path::Field(&Path::Root, "choices");
        for (position, value) in
            fields::array(&mut map, &Path::Root, "choices")?.unwrap_or_default().into_iter().enumerate()
        {
            let at = Path::Item(&at, position);
            self.choice(fields::into_object(&at, value)?, position, &at)?;
        }
        let usage = fields::try_object(&mut map, "usage").map(Value::Object);
        // Groq repeats the usage in a field of its own, and older answers have it only there.
        let usage = usage.or_else(|| map.get("x_groq")?.get("usage").cloned());
        if let Some(vendor) = usage
            && let Some(usage) = known_usage(&vendor)
        {
            self.ready.push_back(Delta::Usage { usage, vendor: Some(Box::new(vendor)) });
        }
        self.take_extra(map);
        Ok(())
    }

    /// What is said of the whole answer, when it is new. Vendors repeat it in each event.
    fn take_start(&mut self, map: &mut Map<String, Value>) {
        map.remove("object");
        let first = self.start == Start::default() && self.choices.is_empty() && self.ready.is_empty();
        let mut news = first;
        for (mine, name) in [
            (&mut self.start.id, "id"),
            (&mut self.start.model, "model"),
            (&mut self.start.service_tier, "service_tier"),
            (&mut self.start.system_fingerprint, "system_fingerprint"),
        ] {
            if let Some(theirs) = fields::try_string(map, name)
                && mine.is_none()
            {
                *mine = Some(theirs);
                news = true;
            }
        }
        if let Some(created) = fields::try_whole(map, "created")
            && self.start.created.is_none()
        {
            self.start.created = Some(created);
            news = true;
        }
        if news {
            self.ready.push_back(Delta::Start(Box::new(self.start.clone())));
        }
    }

    /// Unknown fields beside the choices, when they are new.
    fn take_extra(&mut self, map: Map<String, Value>) {
        let mut news = Extra::new();
        for (name, value) in map {
            // OpenAI's `obfuscation` is noise that only hides the length of an event.
            if value.is_null() || name == "obfuscation" || self.extra.get(&name) == Some(&value) {
                continue;
            }
            self.extra.insert(name.clone(), value.clone());
            news.insert(name, value);
        }
        if !news.is_empty() {
            self.ready.push_back(Delta::Extra(news));
        }
    }

    fn choice(
        &mut self,
        mut map: Map<String, Value>,
        position: usize,
        path: &Path<'_>,
    ) -> Result<(), DecodeError> {
        let index = fields::try_whole(&mut map, "index").and_then(|index| u32::try_from(index).ok());
        let index = index.unwrap_or(u32::try_from(position).unwrap_or(u32::MAX));
        let place = self.choices.iter().position(|state| state.index == index).unwrap_or_else(|| {
            self.choices.push(ChoiceState { index, role: false, finish: None, calls: Vec::new() });
            self.choices.len() - 1
        });
        let Some(state) = self.choices.get_mut(place) else { return Ok(()) };
        let mut push = |delta| self.ready.push_back(Delta::of(index, delta));
        if let Some(delta) = fields::try_object(&mut map, "delta") {
            read_delta(state, delta, &Path::Field(path, "delta"), &mut push)?;
        }
        // Perplexity repeats the whole message so far in each event.
        map.remove("message");
        if let Some(logprobs) = take_logprobs(&mut map)
            && (logprobs.content.is_some()
                || logprobs.refusal.is_some()
                || logprobs.extra.values().any(|value| !value.is_null()))
        {
            push(ChoiceDelta::Logprobs(Box::new(logprobs)));
        }
        if let Some(filters) = fields::take(&mut map, "content_filter_results") {
            push(ChoiceDelta::Filters(Box::new(filters)));
        }
        let word = fields::try_string(&mut map, "finish_reason").filter(|word| !word.is_empty());
        let extra = said(map);
        if !extra.is_empty() {
            push(ChoiceDelta::Extra(extra));
        }
        if let Some(reason) = word.map(|word| decode_finish(&word))
            && state.finish.as_ref() != Some(&reason)
        {
            state.finish = Some(reason.clone());
            push(ChoiceDelta::Finish { reason, stop_sequence: None });
        }
        Ok(())
    }
}

/// What is left of an object in a stream, without the `null`s.
fn said(map: Map<String, Value>) -> Extra {
    map.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

fn read_delta(
    state: &mut ChoiceState,
    mut map: Map<String, Value>,
    path: &Path<'_>,
    push: &mut impl FnMut(ChoiceDelta),
) -> Result<(), DecodeError> {
    let role = fields::try_string(&mut map, "role").filter(|role| !role.is_empty());
    if !state.role {
        state.role = true;
        push(ChoiceDelta::Role(role.as_deref().map_or(Role::Assistant, Role::from)));
    }
    read_reasoning(&mut map, push);
    read_content(&mut map, path, push)?;
    if let Some(refusal) = fields::try_string(&mut map, "refusal").filter(|text| !text.is_empty()) {
        push(ChoiceDelta::Refusal(refusal));
    }
    if let Some(mut audio) = fields::try_object(&mut map, "audio") {
        let piece = part::take_spoken(&mut audio);
        push(ChoiceDelta::Audio(Box::new(AudioDelta { audio: piece, extra: said(audio) })));
    }
    for annotation in fields::try_array(&mut map, "annotations").unwrap_or_default() {
        if let Some(annotation) = part::decode_annotation(&annotation) {
            push(ChoiceDelta::Annotation(Box::new(annotation)));
        }
    }
    let at = Path::Field(path, "tool_calls");
    for (position, call) in
        fields::try_array(&mut map, "tool_calls").unwrap_or_default().into_iter().enumerate()
    {
        read_call(state, fields::into_object(&Path::Item(&at, position), call)?, push);
    }
    if let Some(call) = fields::try_object(&mut map, "function_call") {
        let wrapped =
            Map::from_iter([("function".to_owned(), Value::Object(call)), ("index".to_owned(), 0.into())]);
        read_call_of(state, wrapped, ToolKind::LegacyFunction, push);
    }
    let extra = said(map);
    if !extra.is_empty() {
        push(ChoiceDelta::MessageExtra(extra));
    }
    Ok(())
}

fn read_reasoning(map: &mut Extra, push: &mut impl FnMut(ChoiceDelta)) {
    let parts = reasoning::take_reasoning(map);
    for Part { content, id, signature, extra, .. } in parts {
        let Content::Reasoning(reasoning) = content else { continue };
        // What is left of the plain text says the same again: both fields, or beside the details.
        for name in ["reasoning", "reasoning_content"] {
            let detailed = reasoning.spelling == ReasoningSpelling::Details;
            fields::take_if(map, name, |value| detailed || value.as_str() == Some(&reasoning.text));
        }
        let index = extra.get("index").and_then(Value::as_u64);
        push(ChoiceDelta::Reasoning(Box::new(ReasoningDelta { index, reasoning, id, signature, extra })));
    }
    for name in ["reasoning", "reasoning_content"] {
        fields::take_if(map, name, |value| value == "");
    }
    fields::take_if(map, "reasoning_details", |value| value.as_array().is_some_and(Vec::is_empty));
}

/// Text as a string, or as a list of parts (Mistral, when it thinks).
fn read_content(
    map: &mut Extra,
    path: &Path<'_>,
    push: &mut impl FnMut(ChoiceDelta),
) -> Result<(), DecodeError> {
    match fields::take(map, "content") {
        Some(Value::String(text)) if !text.is_empty() => push(ChoiceDelta::Text(text)),
        Some(Value::Array(values)) => {
            let at = Path::Field(path, "content");
            for (position, value) in values.into_iter().enumerate() {
                match part::decode_part(value, &Path::Item(&at, position))? {
                    Part { content: Content::Text(text), .. } => push(ChoiceDelta::Text(text.text)),
                    Part { content: Content::Reasoning(reasoning), id, signature, extra, .. } => {
                        let piece = ReasoningDelta { index: None, reasoning, id, signature, extra };
                        push(ChoiceDelta::Reasoning(Box::new(piece)));
                    }
                    other => push(ChoiceDelta::Part(Box::new(other))),
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn read_call(state: &mut ChoiceState, call: Map<String, Value>, push: &mut impl FnMut(ChoiceDelta)) {
    let kind = match call.get("type").and_then(Value::as_str) {
        Some("custom") => ToolKind::Custom,
        None if call.get("custom").is_some_and(Value::is_object) => ToolKind::Custom,
        None | Some("" | "function") => ToolKind::Function,
        Some(other) => ToolKind::BuiltIn(other.to_owned()),
    };
    read_call_of(state, call, kind, push);
}

fn read_call_of(
    state: &mut ChoiceState,
    mut map: Map<String, Value>,
    kind: ToolKind,
    push: &mut impl FnMut(ChoiceDelta),
) {
    map.remove("type");
    let number = fields::try_whole(&mut map, "index");
    let id = fields::try_string(&mut map, "id").filter(|id| !id.is_empty());
    let (holder, argument) =
        if kind == ToolKind::Custom { ("custom", "input") } else { ("function", "arguments") };
    let mut inner = fields::try_object(&mut map, holder).unwrap_or_default();
    let name = fields::try_string(&mut inner, "name").unwrap_or_default();
    let text = match fields::take(&mut inner, argument) {
        Some(Value::String(text)) => text,
        Some(object @ Value::Object(_)) => object.to_string(),
        _ => String::new(),
    };
    let signature = tool::take_signature(&mut map);
    let mut extra = said(map);
    let rest = said(inner);
    if !rest.is_empty() {
        extra.insert(holder.to_owned(), Value::Object(rest));
    }
    let known = find_call(&state.calls, number, id.as_deref(), &name);
    let place = known.unwrap_or_else(|| {
        state.calls.push(CallState { number, id: id.clone(), named: false });
        state.calls.len() - 1
    });
    let Some(call_state) = state.calls.get_mut(place) else { return };
    let call = u32::try_from(place).unwrap_or(u32::MAX);
    // The head comes once; vendors that repeat id and name in each event say nothing new.
    let new_id = known.is_some() && id.is_some() && call_state.id.is_none();
    let new_name = !name.is_empty() && !call_state.named;
    call_state.named |= !name.is_empty();
    if new_id {
        call_state.id.clone_from(&id);
    }
    if known.is_none() || new_id || new_name || signature.is_some() || !extra.is_empty() {
        let head = ToolCallDelta { call, id, name, kind, signature, extra };
        push(ChoiceDelta::ToolCall(Box::new(head)));
    }
    if !text.is_empty() {
        push(ChoiceDelta::ToolArguments { call, text });
    }
}

/// Which of the calls so far a piece belongs to. Some vendors give no number, or the same number to all calls of an
/// answer; there an id that was not seen before begins a new call.
fn find_call(calls: &[CallState], number: Option<u64>, id: Option<&str>, name: &str) -> Option<usize> {
    let numbered = match number {
        Some(_) => calls.iter().rposition(|call| call.number == number),
        None => calls.iter().rposition(|call| id.is_some() && call.id.as_deref() == id).or_else(|| {
            // Without number and id, a name begins a call and anything else continues the last one.
            (id.is_none() && name.is_empty()).then(|| calls.len().checked_sub(1)).flatten()
        }),
    };
    let place = numbered?;
    let other = calls.get(place).and_then(|call| call.id.as_deref());
    match (other, id) {
        (Some(known), Some(id)) if known != id && !name.is_empty() => {
            calls.iter().rposition(|call| call.number == number && call.id.as_deref() == Some(id))
        }
        _ => Some(place),
    }
}

impl EventReader for StreamDecoder {
    fn events(&mut self) -> &mut sse::Decoder {
        &mut self.events
    }

    fn ready(&mut self) -> &mut VecDeque<Delta> {
        &mut self.ready
    }

    fn read_event(&mut self, _name: Option<&[u8]>, data: &[u8]) -> Result<(), StreamError> {
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            self.done = true;
        }
        // Nothing counts after `[DONE]`.
        if self.done || data.is_empty() {
            return Ok(());
        }
        let value = events::parse(data)?;
        if let Some(fault) = error::find_fault(&value) {
            return Err(StreamError::Fault(fault));
        }
        self.chunk(fields::into_object(&Path::Root, value)?)
    }

    fn has_ended(&self) -> bool {
        self.done
    }

    /// Whether all that the stream promised has come: `[DONE]`, or an end for each choice that began. Some vendors
    /// send no `[DONE]`.
    fn is_complete(&self) -> bool {
        self.done || (!self.choices.is_empty() && self.choices.iter().all(|choice| choice.finish.is_some()))
    }
}
