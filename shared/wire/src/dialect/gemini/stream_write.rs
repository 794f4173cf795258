//! Streams, written.
//!
//! Text goes out as it comes. Tool calls are whole in this format, so they wait until their arguments are complete.
//! Why the answer ended, its sources and the usage come with the last piece, as Google gives them.

use bytes::BytesMut;
use serde_json::{Map, Value, json};

use super::names::{marked, merge_extra};
use super::request::write_tier;
use super::response::{encode_answer_part, encode_finish, encode_logprobs, is_blocked, put_names};
use super::usage::encode_usage;
use super::{citation, error};
use crate::Usage;
use crate::chat::{
    Annotation, ChoiceDelta, Content, Delta, Extra, FinishReason, Part, ReasoningDelta, Start, ToolCall,
    ToolCallDelta,
};
use crate::dialect::AnswerContext;
use crate::dialect::fields::{put, put_some};
use crate::fault::Fault;
use crate::sse;

/// Writes a stream.
pub struct StreamEncoder {
    context: AnswerContext,
    /// Pieces are the elements of one JSON array, not events.
    array: bool,
    begun: bool,
    start: Start,
    usage: Option<(Usage, Option<Value>)>,
    choices: Vec<ChoiceState>,
}

/// What was written of a choice, and what waits.
#[derive(Default)]
struct ChoiceState {
    index: u32,
    /// All of its text: places of sources are told in its bytes.
    text: String,
    /// Where the present part of the text begins, in characters.
    part_start: u64,
    annotations: Vec<(u64, Annotation)>,
    calls: Vec<Waiting>,
    /// Whose reasoning it is; later pieces may not say so again.
    reasoning: Option<String>,
    message: Extra,
    beside: Extra,
    filters: Option<Value>,
    finish: Option<FinishReason>,
}

/// A tool call whose arguments are coming.
struct Waiting {
    head: ToolCallDelta,
    arguments: String,
    written: bool,
}

impl StreamEncoder {
    /// An encoder at the beginning of a stream of events (`alt=sse`).
    #[must_use]
    pub fn new(context: AnswerContext) -> Self {
        Self {
            context,
            array: false,
            begun: false,
            start: Start::default(),
            usage: None,
            choices: Vec::new(),
        }
    }

    /// An encoder at the beginning of a stream that is one JSON array: what `streamGenerateContent` gives without
    /// `alt=sse`.
    #[must_use]
    pub fn array(context: AnswerContext) -> Self {
        Self { array: true, ..Self::new(context) }
    }

    /// Writes one piece, in the form of the stream.
    fn frame(&mut self, data: &[u8], out: &mut BytesMut) {
        if self.array {
            out.extend_from_slice(if self.begun { b",\r\n" } else { b"[" });
            out.extend_from_slice(data);
        } else {
            sse::write_event(out, None, data);
        }
        self.begun = true;
    }

    fn piece(&mut self, mut map: Map<String, Value>, out: &mut BytesMut) {
        let known = |context: &str| context.is_empty();
        let id = self.start.id.as_deref().filter(|_| known(&self.context.id));
        let model = self.start.model.as_deref().filter(|_| known(&self.context.model));
        put_names(&mut map, id, model, &self.context);
        let data = Value::Object(map).to_string();
        self.frame(data.as_bytes(), out);
    }

    fn candidate(&mut self, candidate: Map<String, Value>, out: &mut BytesMut) {
        self.piece(Map::from_iter([("candidates".to_owned(), vec![Value::Object(candidate)].into())]), out);
    }

    fn part(&mut self, index: u32, part: Map<String, Value>, out: &mut BytesMut) {
        self.candidate(with_content(vec![Value::Object(part)], index), out);
    }

    fn choice(&mut self, index: u32, delta: &ChoiceDelta, out: &mut BytesMut) {
        let place = self.choices.iter().position(|state| state.index == index).unwrap_or_else(|| {
            self.choices.push(ChoiceState { index, ..ChoiceState::default() });
            self.choices.len() - 1
        });
        let Some(state) = self.choices.get_mut(place) else { return };
        let whole = match delta {
            ChoiceDelta::Role(_) => return,
            ChoiceDelta::Text(text) | ChoiceDelta::Refusal(text) => {
                state.text.push_str(text);
                Part::text(text.as_str())
            }
            ChoiceDelta::Reasoning(piece) => reasoning_part(state, piece),
            ChoiceDelta::ToolCall(head) => return state.head(head),
            ChoiceDelta::ToolArguments { call, text } => {
                if let Some(waiting) = state.calls.iter_mut().find(|waiting| waiting.head.call == *call) {
                    waiting.arguments.push_str(text);
                }
                return;
            }
            ChoiceDelta::Audio(piece) => {
                Part { extra: piece.extra.clone(), ..Part::new(Content::Audio(piece.audio.clone())) }
            }
            ChoiceDelta::Part(part) => {
                if let Content::Text(text) = &part.content {
                    state.text.push_str(&text.text);
                }
                part.as_ref().clone()
            }
            ChoiceDelta::PartEnd => {
                state.part_start = state.text.chars().count() as u64;
                return;
            }
            ChoiceDelta::Annotation(annotation) => {
                state.annotations.push((state.part_start, annotation.as_ref().clone()));
                return;
            }
            ChoiceDelta::Logprobs(logprobs) => {
                let mut map = with_content(Vec::new(), index);
                map.remove("content");
                put(&mut map, "logprobsResult", encode_logprobs(logprobs));
                return self.candidate(map, out);
            }
            ChoiceDelta::Filters(filters) => {
                state.filters = Some(filters.as_ref().clone());
                return;
            }
            ChoiceDelta::Finish { reason, .. } => {
                state.finish = Some(reason.clone());
                return self.write_calls(place, true, out);
            }
            ChoiceDelta::MessageExtra(extra) => return state.message.extend(extra.clone()),
            ChoiceDelta::Extra(extra) => return state.beside.extend(extra.clone()),
        };
        // Calls that are complete come before what is said after them.
        self.write_calls(place, false, out);
        if let Some(map) = encode_answer_part(&whole) {
            self.part(index, map, out);
        }
    }

    /// Writes the calls that wait, all of them or those that are complete as far as can be seen.
    fn write_calls(&mut self, place: usize, all: bool, out: &mut BytesMut) {
        let Some(state) = self.choices.get_mut(place) else { return };
        let index = state.index;
        let mut parts = Vec::new();
        for waiting in state.calls.iter_mut().filter(|waiting| !waiting.written) {
            let complete = || serde_json::from_str::<serde::de::IgnoredAny>(&waiting.arguments).is_ok();
            if all || complete() {
                waiting.written = true;
                let part = waiting.part();
                parts.extend(encode_answer_part(&part).map(Value::Object));
            }
        }
        if !parts.is_empty() {
            self.candidate(with_content(parts, index), out);
        }
    }

    /// The last piece: why each choice ended, and what it cost.
    fn last(&mut self, out: &mut BytesMut) {
        let mut candidates = Vec::new();
        for state in &self.choices {
            if !is_blocked(&state.beside) {
                candidates.push(Value::Object(state.ending()));
            }
        }
        let mut map = Map::new();
        if !candidates.is_empty() {
            put(&mut map, "candidates", candidates);
        }
        if let Some((usage, vendor)) = self.usage.take() {
            let mut usage = vendor.unwrap_or_else(|| encode_usage(&usage));
            let tier = self.start.service_tier.as_deref().and_then(write_tier);
            if let (Some(tier), Value::Object(usage)) = (tier, &mut usage)
                && !usage.contains_key("serviceTier")
            {
                put(usage, "serviceTier", tier);
            }
            put(&mut map, "usageMetadata", usage);
        }
        if !map.is_empty() {
            self.piece(map, out);
        }
    }
}

impl ChoiceState {
    fn head(&mut self, head: &ToolCallDelta) {
        match self.calls.iter_mut().find(|waiting| waiting.head.call == head.call) {
            Some(waiting) => {
                let mine = &mut waiting.head;
                mine.id = head.id.clone().or(mine.id.take());
                mine.signature = head.signature.clone().or(mine.signature.take());
                if !head.name.is_empty() {
                    mine.name.clone_from(&head.name);
                }
                mine.extra.extend(head.extra.clone());
            }
            None => {
                self.calls.push(Waiting { head: head.clone(), arguments: String::new(), written: false });
            }
        }
    }

    fn ending(&self) -> Map<String, Value> {
        let mut map = with_content(vec![json!({"text": ""})], self.index);
        if let Some(Value::Object(content)) = map.get_mut("content") {
            merge_extra(content, &self.message);
        }
        if let Some(reason) = &self.finish {
            let said = marked(&self.beside, "finishReason").and_then(Value::as_str);
            put(&mut map, "finishReason", said.unwrap_or_else(|| encode_finish(reason)));
        }
        put_some(&mut map, "safetyRatings", self.filters.as_ref());
        if !["groundingMetadata", "citationMetadata"].iter().any(|name| self.beside.contains_key(*name)) {
            let annotations: Vec<(u64, &Annotation)> =
                self.annotations.iter().map(|(offset, annotation)| (*offset, annotation)).collect();
            put_some(&mut map, "groundingMetadata", citation::grounding(&annotations, &self.text).as_ref());
        }
        merge_extra(&mut map, &self.beside);
        map
    }
}

impl Waiting {
    fn part(&self) -> Part {
        let call = ToolCall {
            id: self.head.id.clone(),
            name: self.head.name.clone(),
            arguments: self.arguments.clone(),
            kind: self.head.kind.clone(),
        };
        Part {
            signature: self.head.signature.clone(),
            extra: self.head.extra.clone(),
            ..Part::new(Content::ToolCall(call))
        }
    }
}

fn reasoning_part(state: &mut ChoiceState, piece: &ReasoningDelta) -> Part {
    let mut reasoning = piece.reasoning.clone();
    match &reasoning.format {
        Some(format) => state.reasoning = Some(format.clone()),
        None => reasoning.format.clone_from(&state.reasoning),
    }
    Part {
        signature: piece.signature.clone(),
        extra: piece.extra.clone(),
        ..Part::new(Content::Reasoning(reasoning))
    }
}

fn with_content(parts: Vec<Value>, index: u32) -> Map<String, Value> {
    let mut map = Map::new();
    let mut content = Map::new();
    put(&mut content, "parts", parts);
    put(&mut content, "role", "model");
    put(&mut map, "content", content);
    put(&mut map, "index", index);
    map
}

impl crate::dialect::StreamEncoder for StreamEncoder {
    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        match delta {
            Delta::Start(start) => {
                for (mine, theirs) in [
                    (&mut self.start.id, &start.id),
                    (&mut self.start.model, &start.model),
                    (&mut self.start.service_tier, &start.service_tier),
                ] {
                    if theirs.is_some() {
                        mine.clone_from(theirs);
                    }
                }
            }
            Delta::Choice { index, delta } => self.choice(*index, delta, out),
            Delta::Usage { usage, vendor } => self.usage = Some((*usage, vendor.as_deref().cloned())),
            Delta::Extra(extra) => {
                let mut map = Map::new();
                merge_extra(&mut map, extra);
                self.piece(map, out);
            }
        }
    }

    fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        self.frame(&error::encode_fault(fault), out);
        if self.array {
            out.extend_from_slice(b"]");
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        for place in 0..self.choices.len() {
            self.write_calls(place, true, out);
        }
        self.last(out);
        if self.array {
            out.extend_from_slice(if self.begun { b"]" } else { b"[]" });
        }
    }
}
