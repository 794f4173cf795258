//! Streams of `chat.completion.chunk` events, written.

use bytes::BytesMut;
use serde_json::{Map, Value};

use super::response::{encode_finish, encode_logprobs, encode_usage};
use super::thoughts::Thoughts;
use super::{error, part, reasoning, tool};
use crate::Usage;
use crate::chat::{
    ChoiceDelta, Content, Delta, Extra, FinishReason, ReasoningSpelling, Role, ToolCallDelta, ToolKind,
};
use crate::dialect::AnswerContext;
use crate::dialect::fields::{merge, put, put_some};
use crate::fault::Fault;
use crate::json;
use crate::sse;

/// The id of an answer, with OpenAI's mark in front.
pub(super) fn answer_id(id: &str) -> String {
    if id.starts_with("chatcmpl-") { id.to_owned() } else { format!("chatcmpl-{id}") }
}

/// Writes a stream.
pub struct StreamEncoder {
    /// Its id has OpenAI's mark.
    context: AnswerContext,
    service_tier: Option<String>,
    system_fingerprint: Option<String>,
    usage: Option<(Usage, Option<Value>)>,
    choices: Vec<ChoiceState>,
}

/// What was written of a choice, and what is still to be.
struct ChoiceState {
    index: u32,
    kinds: Vec<ToolKind>,
    /// Told at the end, in one piece: of lists in later pieces OpenAI's SDK for Python asks for an index that the fields
    /// do not have, and the one for Node keeps the last piece only.
    thoughts: Thoughts,
    annotations: Vec<Value>,
}

impl StreamEncoder {
    /// An encoder at the beginning of a stream.
    #[must_use]
    pub fn new(context: AnswerContext) -> Self {
        Self::unmarked(AnswerContext { id: answer_id(&context.id), ..context })
    }

    /// One that tells the id as it is, for formats near this one.
    pub(in crate::dialect) const fn unmarked(context: AnswerContext) -> Self {
        Self { context, service_tier: None, system_fingerprint: None, usage: None, choices: Vec::new() }
    }

    fn event(&self, choices: Vec<Value>, usage: Option<Value>, extra: Option<&Extra>, out: &mut BytesMut) {
        let mut map = Map::new();
        put(&mut map, "id", self.context.id.clone());
        put(&mut map, "object", "chat.completion.chunk");
        put(&mut map, "created", self.context.created);
        put(&mut map, "model", self.context.model.clone());
        put_some(&mut map, "service_tier", self.service_tier.as_ref());
        put_some(&mut map, "system_fingerprint", self.system_fingerprint.as_ref());
        put(&mut map, "choices", choices);
        if self.context.include_usage {
            put(&mut map, "usage", usage.unwrap_or_default());
        }
        if let Some(extra) = extra {
            merge(&mut map, extra);
        }
        sse::write_event(out, None, &json::to_bytes(&Value::Object(map)));
    }

    fn chunk(&self, index: u32, delta: Map<String, Value>, beside: Map<String, Value>, out: &mut BytesMut) {
        let mut choice = Map::new();
        put(&mut choice, "index", index);
        put(&mut choice, "delta", delta);
        put(&mut choice, "finish_reason", Value::Null);
        choice.extend(beside);
        self.event(vec![Value::Object(choice)], None, None, out);
    }

    fn piece(&self, index: u32, delta: Map<String, Value>, out: &mut BytesMut) {
        self.chunk(index, delta, Map::new(), out);
    }

    fn beside(&self, index: u32, beside: Map<String, Value>, out: &mut BytesMut) {
        self.chunk(index, Map::new(), beside, out);
    }

    /// Writes who speaks, once a choice, before anything else of it.
    fn begin(&mut self, index: u32, role: &Role, out: &mut BytesMut) {
        if self.choices.iter().any(|state| state.index == index) {
            return;
        }
        let (thoughts, annotations) = (Thoughts::default(), Vec::new());
        self.choices.push(ChoiceState { index, kinds: Vec::new(), thoughts, annotations });
        let mut map = field("role", role.as_str());
        put(&mut map, "content", "");
        self.piece(index, map, out);
    }

    fn choice(&mut self, index: u32, delta: &ChoiceDelta, out: &mut BytesMut) {
        if let ChoiceDelta::Role(role) = delta {
            self.begin(index, role, out);
            return;
        }
        self.begin(index, &Role::Assistant, out);
        match delta {
            ChoiceDelta::Role(_) => {}
            ChoiceDelta::PartEnd => {
                if let Some(state) = self.state(index) {
                    state.thoughts.end_part();
                }
            }
            ChoiceDelta::Text(text) => self.piece(index, field("content", text.as_str()), out),
            ChoiceDelta::Refusal(text) => self.piece(index, field("refusal", text.as_str()), out),
            ChoiceDelta::Reasoning(piece) => {
                let mut map = Map::new();
                if piece.reasoning.spelling == ReasoningSpelling::Details {
                    let (id, signature) = (piece.id.as_ref(), piece.signature.as_ref());
                    reasoning::put_reasoning(&mut map, &piece.reasoning, id, signature, &piece.extra);
                } else {
                    reasoning::put_reasoning(&mut map, &piece.reasoning, None, None, &piece.extra);
                    map.remove("reasoning_details");
                    if let Some(state) = self.state(index) {
                        state.thoughts.push(piece);
                    }
                }
                if !map.is_empty() {
                    self.piece(index, map, out);
                }
            }
            ChoiceDelta::ToolCall(head) => self.head(index, head, out),
            ChoiceDelta::ToolArguments { call, text } => {
                let kind = self.kind(index, *call);
                self.piece(index, call_piece(*call, &kind, None, text), out);
            }
            ChoiceDelta::Audio(piece) => {
                self.piece(index, field("audio", part::encode_spoken(&piece.audio, &piece.extra)), out);
            }
            ChoiceDelta::Annotation(annotation) if !part::is_said(annotation) => {}
            ChoiceDelta::Annotation(annotation) => {
                let annotation = part::encode_annotation(annotation, 0);
                if let Some(state) = self.state(index) {
                    state.annotations.push(annotation);
                }
            }
            ChoiceDelta::Part(part) => self.whole_part(index, part, out),
            ChoiceDelta::Logprobs(logprobs) => {
                self.beside(index, field("logprobs", encode_logprobs(logprobs)), out);
            }
            ChoiceDelta::Filters(filters) => {
                self.beside(index, field("content_filter_results", filters.as_ref().clone()), out);
            }
            ChoiceDelta::Finish { reason, .. } => {
                self.tell_lists(index, out);
                self.beside(index, field("finish_reason", self.finish_word(index, reason)), out);
            }
            ChoiceDelta::MessageExtra(extra) => self.piece(index, extra.clone(), out),
            ChoiceDelta::Extra(extra) => self.beside(index, extra.clone(), out),
        }
    }

    fn state(&mut self, index: u32) -> Option<&mut ChoiceState> {
        self.choices.iter_mut().find(|state| state.index == index)
    }

    /// Tells what was held back, each list in one piece.
    fn tell_lists(&mut self, index: u32, out: &mut BytesMut) {
        let Some(state) = self.state(index) else { return };
        let annotations = std::mem::take(&mut state.annotations);
        let details = std::mem::take(&mut state.thoughts).details();
        for (name, list) in [("annotations", annotations), ("reasoning_details", details)] {
            if !list.is_empty() {
                self.piece(index, field(name, list), out);
            }
        }
    }

    /// Callers run tools when they read `tool_calls`; a format that calls that a plain stop must not hide them.
    fn finish_word<'a>(&self, index: u32, reason: &'a FinishReason) -> &'a str {
        let calls = self.choices.iter().any(|state| state.index == index && !state.kinds.is_empty());
        match reason {
            FinishReason::Pause if calls => "tool_calls",
            reason => encode_finish(reason),
        }
    }

    fn kind(&self, index: u32, call: u32) -> ToolKind {
        let state = self.choices.iter().find(|state| state.index == index);
        state.and_then(|state| state.kinds.get(call as usize)).cloned().unwrap_or_default()
    }

    fn head(&mut self, index: u32, head: &ToolCallDelta, out: &mut BytesMut) {
        if let Some(state) = self.choices.iter_mut().find(|state| state.index == index)
            && state.kinds.len() <= head.call as usize
        {
            state.kinds.resize(head.call as usize + 1, head.kind.clone());
        }
        self.piece(index, call_piece(head.call, &head.kind, Some(head), ""), out);
    }

    /// A part that comes whole is shown if it is text; the format streams nothing else.
    fn whole_part(&self, index: u32, whole: &crate::chat::Part, out: &mut BytesMut) {
        match &whole.content {
            Content::Text(text) => self.piece(index, field("content", text.text.as_str()), out),
            Content::Refusal(text) => self.piece(index, field("refusal", text.as_str()), out),
            Content::Image(_) => {
                if let Some(image) = part::encode_part(whole) {
                    // The field in which OpenRouter and its kin give generated images.
                    self.piece(index, field("images", vec![image]), out);
                }
            }
            _ => {}
        }
    }
}

fn field(name: &str, value: impl Into<Value>) -> Map<String, Value> {
    let mut map = Map::new();
    put(&mut map, name, value);
    map
}

/// A piece of a tool call: with its head when it begins, only arguments after that.
fn call_piece(call: u32, kind: &ToolKind, head: Option<&ToolCallDelta>, text: &str) -> Map<String, Value> {
    let mut inner = Map::new();
    if let Some(name) = head.map(|head| &head.name).filter(|name| !name.is_empty()) {
        put(&mut inner, "name", name.clone());
    }
    let mut map = field("index", call);
    let word = match kind {
        ToolKind::LegacyFunction => {
            put(&mut inner, "arguments", text);
            if let Some(head) = head {
                merge(&mut inner, &head.extra);
            }
            return field("function_call", inner);
        }
        ToolKind::Function => {
            put(&mut inner, "arguments", text);
            "function"
        }
        ToolKind::Custom => {
            put(&mut inner, "input", text);
            "custom"
        }
        ToolKind::BuiltIn(word) => {
            put(&mut inner, "arguments", text);
            word
        }
    };
    if let Some(head) = head {
        put_some(&mut map, "id", head.id.as_ref());
        put(&mut map, "type", word);
        tool::put_signature(&mut map, head.signature.as_ref());
        merge(&mut map, &head.extra);
    }
    let holder = if *kind == ToolKind::Custom { "custom" } else { "function" };
    let rest = map.remove(holder);
    if let Some(Value::Object(rest)) = &rest {
        merge(&mut inner, rest);
    }
    put(&mut map, holder, inner);
    field("tool_calls", vec![Value::Object(map)])
}

impl crate::dialect::StreamEncoder for StreamEncoder {
    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        match delta {
            Delta::Start(start) => {
                for (mine, theirs) in [
                    (&mut self.service_tier, &start.service_tier),
                    (&mut self.system_fingerprint, &start.system_fingerprint),
                ] {
                    if theirs.is_some() {
                        mine.clone_from(theirs);
                    }
                }
            }
            Delta::Choice { index, delta } => self.choice(*index, delta, out),
            Delta::Usage { usage, vendor } => {
                self.usage = Some((*usage, vendor.as_deref().cloned()));
            }
            Delta::Extra(extra) => self.event(Vec::new(), None, Some(extra), out),
        }
    }

    fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        sse::write_event(out, None, &error::encode_fault(fault));
    }

    fn end(&mut self, out: &mut BytesMut) {
        // An answer without a reason why it ended.
        for index in self.choices.iter().map(|state| state.index).collect::<Vec<_>>() {
            self.tell_lists(index, out);
        }
        if self.context.include_usage
            && let Some((usage, vendor)) = self.usage.take()
        {
            let usage = vendor.unwrap_or_else(|| encode_usage(&usage));
            self.event(Vec::new(), Some(usage), None, out);
        }
        sse::write_event(out, None, b"[DONE]");
    }
}
