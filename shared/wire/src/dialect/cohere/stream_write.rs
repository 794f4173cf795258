//! Streams, written. Cohere's parts come one after the other: calls that other formats bring interleaved are held back,
//! all but the one at hand.

use bytes::BytesMut;
use serde_json::{Map, Value, json};

use super::response::{encode_finish, encode_token};
use super::usage::encode_usage;
use super::{PLAN, citation};
use crate::Usage;
use crate::chat::{
    Annotation, ChoiceDelta, Content, Delta, Extra, FinishReason, Part, ReasoningDelta, ToolCallDelta,
};
use crate::dialect::fields::{merge, put};
use crate::dialect::{AnswerContext, carried};
use crate::fault::Fault;
use crate::json;
use crate::sse;

/// Writes a stream.
#[derive(Debug)]
pub struct StreamEncoder {
    context: AnswerContext,
    id: Option<String>,
    begun: bool,
    /// The next part of the content, the next call to begin, the next citation.
    content: u64,
    begun_calls: u64,
    citations: u64,
    open: Option<Open>,
    /// The text of the part at hand, for citations of other formats.
    text: String,
    calls: Vec<Call>,
    finish: Option<FinishReason>,
    finish_extra: Extra,
    usage: Option<Value>,
}

/// What is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thinking(Option<u64>),
    Call(usize),
}

/// A call: what of it is not written yet.
#[derive(Debug, Default)]
struct Call {
    head: ToolCallDelta,
    held: String,
    /// Its number in the stream, once it has begun.
    index: Option<u64>,
}

impl StreamEncoder {
    /// An encoder for one stream.
    #[must_use]
    pub fn new(context: AnswerContext) -> Self {
        Self {
            context,
            id: None,
            begun: false,
            content: 0,
            begun_calls: 0,
            citations: 0,
            open: None,
            text: String::new(),
            calls: Vec::new(),
            finish: None,
            finish_extra: Extra::new(),
            usage: None,
        }
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if self.begun {
            return;
        }
        self.begun = true;
        let id = self.id.clone().unwrap_or_else(|| self.context.id.clone());
        let message =
            json!({"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []});
        let event = json!({"id": id, "type": "message-start", "delta": {"message": message}});
        sse::write_event(out, Some("message-start"), &json::to_bytes(&event));
    }

    /// Ends what is at hand, and writes the calls that were held back.
    fn flush(&mut self, out: &mut BytesMut) {
        self.close(out);
        for number in 0..self.calls.len() {
            if self.calls.get(number).is_some_and(|call| call.index.is_none() && !call.head.name.is_empty()) {
                self.begin_call(number, out);
                self.close(out);
            }
        }
    }

    fn close(&mut self, out: &mut BytesMut) {
        match self.open.take() {
            None => {}
            Some(Open::Call(number)) => {
                let index = self.calls.get(number).and_then(|call| call.index);
                write(out, "tool-call-end", index, None);
            }
            Some(Open::Text | Open::Thinking(_)) => {
                write(out, "content-end", Some(self.content), None);
                self.content += 1;
            }
        }
    }

    fn turn_to(&mut self, part: Open, out: &mut BytesMut) {
        if self.open == Some(part) {
            return;
        }
        self.flush(out);
        self.text.clear();
        self.open = Some(part);
        let content = match part {
            Open::Thinking(_) => json!({"type": "thinking", "thinking": ""}),
            Open::Text | Open::Call(_) => json!({"type": "text", "text": ""}),
        };
        write(out, "content-start", Some(self.content), Some(json!({"message": {"content": content}})));
    }

    fn say(&mut self, text: &str, out: &mut BytesMut) {
        if !text.is_empty() {
            self.turn_to(Open::Text, out);
            self.text.push_str(text);
            let delta = json!({"message": {"content": {"text": text}}});
            write(out, "content-delta", Some(self.content), Some(delta));
        }
    }

    fn think(&mut self, piece: &ReasoningDelta, out: &mut BytesMut) {
        let text = &piece.reasoning.text;
        if text.is_empty() {
            return;
        }
        if piece.reasoning.format.as_deref() == Some(PLAN) {
            self.flush(out);
            write(out, "tool-plan-delta", None, Some(json!({"message": {"tool_plan": text}})));
            return;
        }
        self.turn_to(Open::Thinking(piece.index), out);
        let delta = json!({"message": {"content": {"thinking": text}}});
        write(out, "content-delta", Some(self.content), Some(delta));
    }

    fn cite(&mut self, annotation: &Annotation, out: &mut BytesMut) {
        let citation = citation::encode(annotation, &self.text);
        write(out, "citation-start", Some(self.citations), Some(json!({"message": {"citations": citation}})));
        write(out, "citation-end", Some(self.citations), None);
        self.citations += 1;
    }

    fn call(&mut self, number: u32, out: &mut BytesMut, change: impl FnOnce(&mut Call)) {
        let number = number as usize;
        // A number far beyond the known ones is nonsense; each call comes with a head of its own.
        if number > self.calls.len() {
            return;
        }
        if number == self.calls.len() {
            self.calls.push(Call::default());
        }
        let Some(call) = self.calls.get_mut(number) else { return };
        change(call);
        match (call.index, self.open) {
            (Some(index), _) => {
                let held = std::mem::take(&mut call.held);
                grow_call(out, index, &held);
            }
            (None, Some(Open::Call(_))) => {}
            (None, _) if !call.head.name.is_empty() => {
                self.close(out);
                self.begin_call(number, out);
            }
            (None, _) => {}
        }
    }

    fn begin_call(&mut self, number: usize, out: &mut BytesMut) {
        let index = self.begun_calls;
        let Some(call) = self.calls.get_mut(number) else { return };
        call.index = Some(index);
        self.begun_calls += 1;
        let held = std::mem::take(&mut call.held);
        let id = call.head.id.clone().unwrap_or_else(|| format!("call_{}_{number}", self.context.id));
        let mut head = Map::new();
        put(&mut head, "id", carried::seal(&id, call.head.signature.as_deref()));
        put(&mut head, "type", "function");
        put(&mut head, "function", json!({"name": call.head.name, "arguments": ""}));
        merge(&mut head, &call.head.extra);
        self.open = Some(Open::Call(number));
        write(out, "tool-call-start", Some(index), Some(json!({"message": {"tool_calls": head}})));
        grow_call(out, index, &held);
    }

    fn whole(&mut self, part: &Part, out: &mut BytesMut) {
        if let Content::Text(text) = &part.content {
            self.say(&text.text, out);
            text.annotations.iter().for_each(|annotation| self.cite(annotation, out));
            self.flush(out);
        }
    }

    fn write_choice(&mut self, delta: &ChoiceDelta, out: &mut BytesMut) {
        match delta {
            ChoiceDelta::Text(text) | ChoiceDelta::Refusal(text) => self.say(text, out),
            ChoiceDelta::Reasoning(piece) => self.think(piece, out),
            ChoiceDelta::ToolCall(head) => self.call(head.call, out, |call| {
                if head.id.is_some() {
                    call.head.id.clone_from(&head.id);
                }
                if !head.name.is_empty() {
                    call.head.name.clone_from(&head.name);
                }
                if head.signature.is_some() {
                    call.head.signature.clone_from(&head.signature);
                }
                call.head.extra.extend(head.extra.clone());
            }),
            ChoiceDelta::ToolArguments { call, text } => {
                self.call(*call, out, |call| call.held.push_str(text));
            }
            ChoiceDelta::Annotation(annotation) => self.cite(annotation, out),
            ChoiceDelta::Part(part) => self.whole(part, out),
            ChoiceDelta::PartEnd => self.flush(out),
            ChoiceDelta::Finish { reason, .. } => self.finish = Some(reason.clone()),
            ChoiceDelta::Extra(extra) => self.finish_extra.extend(extra.clone()),
            ChoiceDelta::Logprobs(logprobs) => {
                for token in logprobs.content.iter().flatten() {
                    self.turn_to(Open::Text, out);
                    let mut event = json!({"type": "content-delta", "index": self.content,
                        "delta": {"message": {"content": {"text": ""}}}});
                    if let Some(event) = event.as_object_mut() {
                        put(event, "logprobs", encode_token(token));
                    }
                    sse::write_event(out, Some("content-delta"), &json::to_bytes(&event));
                }
            }
            ChoiceDelta::Role(_)
            | ChoiceDelta::Audio(_)
            | ChoiceDelta::Filters(_)
            | ChoiceDelta::MessageExtra(_) => {}
        }
    }
}

fn grow_call(out: &mut BytesMut, index: u64, text: &str) {
    if !text.is_empty() {
        let delta = json!({"message": {"tool_calls": {"function": {"arguments": text}}}});
        write(out, "tool-call-delta", Some(index), Some(delta));
    }
}

fn write(out: &mut BytesMut, kind: &str, index: Option<u64>, delta: Option<Value>) {
    let mut event = Map::new();
    put(&mut event, "type", kind);
    if let Some(index) = index {
        put(&mut event, "index", index);
    }
    if let Some(delta) = delta {
        put(&mut event, "delta", delta);
    }
    sse::write_event(out, Some(kind), &json::to_bytes(&Value::Object(event)));
}

impl crate::dialect::StreamEncoder for StreamEncoder {
    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        match delta {
            Delta::Start(start) => {
                if start.id.is_some() && !self.begun {
                    self.id.clone_from(&start.id);
                }
            }
            Delta::Usage { usage, vendor } => self.count(*usage, vendor.as_deref()),
            // The format has one choice, and nothing unknown beside it.
            Delta::Extra(_) => {}
            Delta::Choice { index, .. } if *index > 0 => {}
            Delta::Choice { delta, .. } => {
                self.begin(out);
                self.write_choice(delta, out);
            }
        }
    }

    /// An error ends the message: the format has no event of its own for it.
    fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        self.begin(out);
        self.close(out);
        let delta = json!({"error": fault.message, "finish_reason": "ERROR"});
        write(out, "message-end", None, Some(delta));
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.begin(out);
        self.flush(out);
        let mut delta = Map::new();
        if !self.finish_extra.contains_key("finish_reason") {
            put(
                &mut delta,
                "finish_reason",
                encode_finish(self.finish.as_ref().unwrap_or(&FinishReason::Stop)),
            );
        }
        merge(&mut delta, &self.finish_extra);
        if let Some(usage) = self.usage.take() {
            put(&mut delta, "usage", usage);
        }
        write(out, "message-end", None, Some(Value::Object(delta)));
        sse::write_event(out, None, b"[DONE]");
    }
}

impl StreamEncoder {
    fn count(&mut self, usage: Usage, vendor: Option<&Value>) {
        self.usage = Some(vendor.cloned().unwrap_or_else(|| encode_usage(&usage)));
    }
}
