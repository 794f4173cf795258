//! Streams, read: each piece is an answer of its own that holds what is new.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::citation;
use super::error;
use super::frames::Frames;
use super::names::camel;
use super::part::decode_part;
use super::response::{decode_finish, mark_blocked, name_call, take_facts, take_logprobs};
use crate::Usage;
use crate::chat::{
    Annotation, AudioDelta, ChoiceDelta, Content, Delta, Extra, FinishReason, Part, ReasoningDelta, Response,
    Role, Start, ToolCallDelta,
};
use crate::dialect::fields::{self, Path};
use crate::dialect::{DecodeError, StreamError};

/// Reads a stream, of events or as one JSON array.
pub struct StreamDecoder {
    frames: Frames,
    ready: VecDeque<Delta>,
    start: Option<Start>,
    usage: Option<Usage>,
    extra: Extra,
    choices: Vec<ChoiceState>,
}

/// What is known of a choice so far.
#[derive(Default)]
struct ChoiceState {
    index: u32,
    role: bool,
    calls: usize,
    finish: Option<FinishReason>,
    /// All of its text: sources are told by their places in it.
    text: String,
    annotations: Vec<Annotation>,
    citations: Vec<Value>,
    filters: Option<Value>,
    extra: Extra,
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
            frames: Frames::new(),
            ready: VecDeque::new(),
            start: None,
            usage: None,
            extra: Extra::new(),
            choices: Vec::new(),
        }
    }

    /// Nothing marks the end of a stream; it is complete when each choice that began has a finish reason.
    fn is_complete(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|choice| choice.finish.is_some())
    }

    fn piece(&mut self, data: &[u8]) -> Result<(), StreamError> {
        let data = data.trim_ascii();
        // Some servers that speak this format end as OpenAI's do.
        if data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        let value = serde_json::from_slice::<Value>(data).map_err(|error| {
            DecodeError::at("", format!("a piece of the stream is not valid JSON: {error}"))
        })?;
        if let Some(fault) = error::find_fault(&value) {
            return Err(StreamError::Fault(fault));
        }
        let mut map = fields::into_object(&Path::Root, value)?;
        camel(&mut map);
        let mut facts = Response::default();
        take_facts(&mut map, &mut facts);
        self.begin(&facts);
        let at = Path::Field(&Path::Root, "candidates");
        let candidates = fields::array(&mut map, &Path::Root, "candidates")?.unwrap_or_default();
        let blocked = candidates.is_empty()
            && self.choices.is_empty()
            && map.get("promptFeedback").is_some_and(|feedback| feedback.get("blockReason").is_some());
        for (position, value) in candidates.into_iter().enumerate() {
            let at = Path::Item(&at, position);
            self.candidate(fields::into_object(&at, value)?, position, &at)?;
        }
        self.take_extra(map);
        if blocked {
            self.block();
        }
        let vendor = facts.extra.remove("usage").map(Box::new);
        if let Some(usage) = facts.usage
            && self.usage.replace(usage) != Some(usage)
        {
            self.ready.push_back(Delta::Usage { usage, vendor });
        }
        Ok(())
    }

    /// What is said of the whole answer, when it is new. Google repeats it in each piece.
    fn begin(&mut self, facts: &Response) {
        let mut start = self.start.clone().unwrap_or_default();
        for (mine, theirs) in [
            (&mut start.id, &facts.id),
            (&mut start.model, &facts.model),
            (&mut start.service_tier, &facts.service_tier),
        ] {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        }
        start.created = start.created.or(facts.created);
        if self.start.as_ref() != Some(&start) {
            self.start = Some(start.clone());
            self.ready.push_back(Delta::Start(Box::new(start)));
        }
    }

    /// A prompt that was blocked has no candidates; other formats have a choice that says so.
    fn block(&mut self) {
        let mut extra = Extra::new();
        mark_blocked(&mut extra);
        let reason = FinishReason::ContentFilter;
        self.choices.push(ChoiceState { finish: Some(reason.clone()), role: true, ..ChoiceState::default() });
        for delta in [
            ChoiceDelta::Role(Role::Assistant),
            ChoiceDelta::Extra(extra),
            ChoiceDelta::Finish { reason, stop_sequence: None },
        ] {
            self.ready.push_back(Delta::of(0, delta));
        }
    }

    /// Unknown fields beside the candidates, when they are new.
    fn take_extra(&mut self, map: Map<String, Value>) {
        let news = news(&mut self.extra, map);
        if !news.is_empty() {
            self.ready.push_back(Delta::Extra(news));
        }
    }

    fn candidate(
        &mut self,
        mut map: Map<String, Value>,
        position: usize,
        path: &Path<'_>,
    ) -> Result<(), DecodeError> {
        camel(&mut map);
        let index = fields::try_whole(&mut map, "index").and_then(|index| u32::try_from(index).ok());
        let index = index.unwrap_or(u32::try_from(position).unwrap_or(u32::MAX));
        let place = self.choices.iter().position(|state| state.index == index).unwrap_or_else(|| {
            self.choices.push(ChoiceState { index, ..ChoiceState::default() });
            self.choices.len() - 1
        });
        let Some(state) = self.choices.get_mut(place) else { return Ok(()) };
        let mut push = |delta| self.ready.push_back(Delta::of(index, delta));
        if !state.role {
            state.role = true;
            push(ChoiceDelta::Role(Role::Assistant));
        }
        if let Some(mut content) = fields::object(&mut map, path, "content")? {
            camel(&mut content);
            fields::try_string(&mut content, "role");
            let at = Path::Field(path, "content");
            let parts = fields::array(&mut content, &at, "parts")?.unwrap_or_default();
            let at = Path::Field(&at, "parts");
            let answer = self.start.as_ref().and_then(|start| start.id.as_deref()).unwrap_or_default();
            for (position, part) in parts.into_iter().enumerate() {
                let mut part = decode_part(part, &Path::Item(&at, position))?;
                if name_call(&mut part, answer, state.calls) {
                    state.calls += 1;
                }
                read_part(state, part, &mut push);
            }
            let rest = said(content);
            if !rest.is_empty() {
                push(ChoiceDelta::MessageExtra(rest));
            }
        }
        join_citations(state, &mut map);
        if let Some(logprobs) = take_logprobs(&mut map) {
            push(ChoiceDelta::Logprobs(Box::new(logprobs)));
        }
        if let Some(filters) = fields::take(&mut map, "safetyRatings")
            && state.filters.as_ref() != Some(&filters)
        {
            state.filters = Some(filters.clone());
            push(ChoiceDelta::Filters(Box::new(filters)));
        }
        let word = fields::try_string(&mut map, "finishReason");
        let reason = word.map(|word| decode_finish(&word, state.calls > 0, &mut map));
        let news = news(&mut state.extra, map);
        if !news.is_empty() {
            push(ChoiceDelta::Extra(news));
        }
        // Their places may lie in text that has yet to come, so they wait for all of it.
        if reason.is_some() || state.finish.is_some() {
            for annotation in citation::annotations(&state.extra, &state.text) {
                if !state.annotations.contains(&annotation) {
                    state.annotations.push(annotation.clone());
                    push(ChoiceDelta::Annotation(Box::new(annotation)));
                }
            }
        }
        if let Some(reason) = reason
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

/// The fields that were not said before, or otherwise.
fn news(known: &mut Extra, map: Map<String, Value>) -> Extra {
    let mut news = Extra::new();
    for (name, value) in said(map) {
        if known.get(&name) != Some(&value) {
            known.insert(name.clone(), value.clone());
            news.insert(name, value);
        }
    }
    news
}

/// Each piece brings citations of its own; together they are those of the answer.
fn join_citations(state: &mut ChoiceState, map: &mut Map<String, Value>) {
    let Some(Value::Object(metadata)) = map.get_mut("citationMetadata") else { return };
    for name in ["citationSources", "citations"] {
        if let Some(Value::Array(list)) = metadata.get_mut(name) {
            for citation in list.drain(..) {
                if !state.citations.contains(&citation) {
                    state.citations.push(citation);
                }
            }
            *list = state.citations.clone();
        }
    }
}

fn read_part(state: &mut ChoiceState, part: Part, push: &mut impl FnMut(ChoiceDelta)) {
    if let Content::Text(text) = &part.content {
        state.text.push_str(&text.text);
    }
    let bare = part.extra.keys().all(|name| name.starts_with('='));
    let Part { content, signature, extra, .. } = part;
    match content {
        Content::Text(text) if bare && signature.is_none() => {
            if !text.text.is_empty() {
                push(ChoiceDelta::Text(text.text));
            }
        }
        Content::Reasoning(reasoning) => {
            let signed = signature.is_some();
            let piece = ReasoningDelta { index: None, reasoning, id: None, signature, extra: said(extra) };
            push(ChoiceDelta::Reasoning(Box::new(piece)));
            // What comes next has a signature of its own.
            if signed {
                push(ChoiceDelta::PartEnd);
            }
        }
        Content::ToolCall(call) => {
            let number = u32::try_from(state.calls.saturating_sub(1)).unwrap_or(u32::MAX);
            let head = ToolCallDelta {
                call: number,
                id: call.id,
                name: call.name,
                kind: call.kind,
                signature,
                extra,
            };
            push(ChoiceDelta::ToolCall(Box::new(head)));
            push(ChoiceDelta::ToolArguments { call: number, text: call.arguments });
        }
        Content::Audio(audio) if signature.is_none() => {
            push(ChoiceDelta::Audio(Box::new(AudioDelta { audio, extra })));
        }
        content => {
            push(ChoiceDelta::Part(Box::new(Part { content, id: None, cache: None, signature, extra })));
        }
    }
}

impl crate::dialect::StreamDecoder for StreamDecoder {
    fn push(&mut self, chunk: Bytes) {
        self.frames.push(chunk);
    }

    fn next(&mut self) -> Result<Option<Delta>, StreamError> {
        loop {
            if let Some(delta) = self.ready.pop_front() {
                return Ok(Some(delta));
            }
            match self.frames.next()? {
                None => return Ok(None),
                Some(data) => self.piece(&data)?,
            }
        }
    }

    fn end(&mut self) -> Result<(), StreamError> {
        // A last event may lack its blank line; what it says can still be taken with `next`.
        if let Some(data) = self.frames.end() {
            let complete = self.is_complete();
            match self.piece(&data) {
                // Half an event at the very end is how a cut looks.
                Err(StreamError::Decode(_)) if !complete => return Err(StreamError::cut()),
                Err(StreamError::Decode(_)) | Ok(()) => {}
                Err(fault) => return Err(fault),
            }
        }
        if self.is_complete() { Ok(()) } else { Err(StreamError::cut()) }
    }
}
