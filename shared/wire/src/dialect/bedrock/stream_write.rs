//! Streams of ConverseStream, written.
//!
//! Readers go by the order of events: a block begins, grows and stops before the next one. Calls that other formats
//! bring interleaved are held back, all but the one at hand.

use bytes::BytesMut;
use serde_json::{Map, Value, json};

use super::block::{Place, Writer};
use super::names::Names;
use super::response::{encode_finish, encode_metadata};
use super::{CLAUDE, citation, error, reasoning};
use crate::Usage;
use crate::chat::{
    ChoiceDelta, Content, Delta, Extra, FinishReason, Part, Reasoning, ReasoningDelta, ReasoningForm,
    ToolCallDelta,
};
use crate::dialect::fields::{merge, put};
use crate::dialect::loss::Notes;
use crate::dialect::{AnswerContext, carried};
use crate::event_stream::{Header, write_message};
use crate::fault::Fault;
use crate::json;

/// Writes a stream.
#[derive(Debug)]
pub struct StreamEncoder {
    context: AnswerContext,
    begun: bool,
    next_block: u64,
    open: Option<Open>,
    /// All calls, by their numbers.
    calls: Vec<Call>,
    finish: Option<(FinishReason, Option<String>)>,
    finish_extra: Extra,
    usage: Option<(Usage, Option<Value>)>,
    tier: Option<String>,
    extra: Extra,
}

/// The block at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    /// Text or a sealed block, by the vendor's number.
    Reasoning(Option<u64>, ReasoningForm),
    Call(usize),
}

/// A call: what of it is not written yet.
#[derive(Debug, Default)]
struct Call {
    head: ToolCallDelta,
    held: String,
    block: Option<u64>,
}

impl StreamEncoder {
    /// An encoder for one stream.
    #[must_use]
    pub fn new(context: AnswerContext) -> Self {
        Self {
            context,
            begun: false,
            next_block: 0,
            open: None,
            calls: Vec::new(),
            finish: None,
            finish_extra: Extra::new(),
            usage: None,
            tier: None,
            extra: Extra::new(),
        }
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if !self.begun {
            self.begun = true;
            event(out, "messageStart", &json!({"role": "assistant"}));
        }
    }

    fn stop(&mut self, out: &mut BytesMut) {
        if self.open.take().is_some() {
            let index = self.next_block.saturating_sub(1);
            event(out, "contentBlockStop", &json!({"contentBlockIndex": index}));
        }
    }

    /// Makes a block the one at hand.
    fn turn_to(&mut self, block: Open, out: &mut BytesMut) {
        if self.open == Some(block) {
            return;
        }
        self.flush(out);
        self.open = Some(block);
        self.next_block += 1;
    }

    fn grow(&self, delta: impl Into<Value>, out: &mut BytesMut) {
        let index = self.next_block.saturating_sub(1);
        event(out, "contentBlockDelta", &json!({"delta": delta.into(), "contentBlockIndex": index}));
    }

    /// Stops the block at hand and writes the calls that were held back.
    fn flush(&mut self, out: &mut BytesMut) {
        self.stop(out);
        for number in 0..self.calls.len() {
            let waits = self.calls.get(number).is_some_and(|call| call.block.is_none() && call.is_known());
            if waits {
                self.begin_call(number, out);
                self.stop(out);
            }
        }
    }

    fn begin_call(&mut self, number: usize, out: &mut BytesMut) {
        let index = self.next_block;
        let Some(call) = self.calls.get_mut(number) else { return };
        call.block = Some(index);
        let held = std::mem::take(&mut call.held);
        let id = call.head.id.clone().unwrap_or_else(|| format!("call_{}_{number}", self.context.id));
        let mut head = Map::new();
        put(&mut head, "toolUseId", carried::seal(&id, call.head.signature.as_deref()));
        put(&mut head, "name", call.head.name.clone());
        let mut start = Map::new();
        put(&mut start, "toolUse", head);
        merge(&mut start, &call.head.extra);
        self.open = Some(Open::Call(number));
        self.next_block += 1;
        event(out, "contentBlockStart", &json!({"start": start, "contentBlockIndex": index}));
        if !held.is_empty() {
            self.grow(json!({"toolUse": {"input": held}}), out);
        }
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
        match (call.block, self.open) {
            (Some(_), Some(Open::Call(open))) if open == number => {
                let held = std::mem::take(&mut call.held);
                if !held.is_empty() {
                    self.grow(json!({"toolUse": {"input": held}}), out);
                }
            }
            // Its block has stopped already, which no provider does: its piece follows by the block's number.
            (Some(index), _) => {
                let held = std::mem::take(&mut call.held);
                if !held.is_empty() {
                    let delta = json!({"delta": {"toolUse": {"input": held}}, "contentBlockIndex": index});
                    event(out, "contentBlockDelta", &delta);
                }
            }
            (None, Some(Open::Call(_))) => {}
            (None, _) if call.is_known() => {
                self.stop(out);
                self.begin_call(number, out);
            }
            (None, _) => {}
        }
    }

    fn reasoning(&mut self, piece: &ReasoningDelta, out: &mut BytesMut) {
        let ours = matches!(piece.reasoning.format.as_deref(), None | Some(CLAUDE));
        let delta = match piece.reasoning.form {
            ReasoningForm::Opaque => {
                reasoning::seal(&piece.reasoning).map(|data| json!({"redactedContent": data}))
            }
            ReasoningForm::Full | ReasoningForm::Summary if !piece.reasoning.text.is_empty() => {
                Some(json!({"text": piece.reasoning.text}))
            }
            ReasoningForm::Full | ReasoningForm::Summary => None,
        };
        // A signature of another vendor would come back as Claude's.
        let signature =
            piece.signature.as_ref().filter(|_| ours).map(|signature| json!({"signature": signature}));
        for delta in delta.into_iter().chain(signature) {
            self.turn_to(Open::Reasoning(piece.index, piece.reasoning.form), out);
            self.grow(json!({"reasoningContent": delta}), out);
        }
    }

    fn whole(&mut self, part: &Part, out: &mut BytesMut) {
        match &part.content {
            Content::Text(text) => {
                if !text.text.is_empty() {
                    self.turn_to(Open::Text, out);
                    self.grow(json!({"text": text.text}), out);
                }
                for annotation in &text.annotations {
                    self.turn_to(Open::Text, out);
                    self.grow(json!({"citation": citation::encode(annotation)}), out);
                }
                self.flush(out);
            }
            Content::Reasoning(Reasoning { .. })
            | Content::ToolCall(_)
            | Content::Refusal(_)
            | Content::Audio(_)
            | Content::Video(_)
            | Content::File(_) => {}
            Content::Image(_) | Content::ToolResult(_) | Content::Other(_) => self.block(part, out),
        }
    }

    /// A block that is told whole: its head begins it, the rest is one delta.
    fn block(&mut self, part: &Part, out: &mut BytesMut) {
        let mut notes = Notes::default();
        let mut names = Names::default();
        let mut blocks = Vec::new();
        Writer { notes: &mut notes, names: &mut names, place: Place::Answer }.part(
            part,
            "content",
            &mut blocks,
        );
        for block in blocks {
            let Value::Object(block) = block else { continue };
            for (kind, inner) in block {
                let Value::Object(mut inner) = inner else { continue };
                let delta = match kind.as_str() {
                    "image" => inner.remove("source").map(|source| json!({"image": {"source": source}})),
                    "toolResult" => inner.remove("content").map(|content| json!({"toolResult": content})),
                    "toolUse" => {
                        inner.remove("input").map(|input| json!({"toolUse": {"input": input.to_string()}}))
                    }
                    _ => continue,
                };
                self.flush(out);
                let index = self.next_block;
                self.next_block += 1;
                let start = json!({"start": {kind: inner}, "contentBlockIndex": index});
                event(out, "contentBlockStart", &start);
                if let Some(delta) = delta {
                    self.grow(delta, out);
                }
                event(out, "contentBlockStop", &json!({"contentBlockIndex": index}));
            }
        }
    }
}

impl Call {
    const fn is_known(&self) -> bool {
        !self.head.name.is_empty()
    }
}

fn event(out: &mut BytesMut, name: &str, payload: &Value) {
    frame(out, "event", ":event-type", name, payload);
}

fn frame(out: &mut BytesMut, kind: &str, of: &str, name: &str, payload: &Value) {
    let headers = [
        Header::text(of, name),
        Header::text(":content-type", "application/json"),
        Header::text(":message-type", kind),
    ];
    // The headers are short, and no answer is larger than 4 GiB.
    let _ = write_message(out, &headers, &json::to_bytes(payload));
}

impl crate::dialect::StreamEncoder for StreamEncoder {
    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        self.begin(out);
        match delta {
            Delta::Start(start) => {
                if start.service_tier.is_some() {
                    self.tier.clone_from(&start.service_tier);
                }
            }
            Delta::Usage { usage, vendor } => self.usage = Some((*usage, vendor.as_deref().cloned())),
            Delta::Extra(extra) => self.extra.extend(extra.clone()),
            // The format has one choice.
            Delta::Choice { index, .. } if *index > 0 => {}
            Delta::Choice { delta, .. } => match delta {
                ChoiceDelta::Text(text) | ChoiceDelta::Refusal(text) if !text.is_empty() => {
                    self.turn_to(Open::Text, out);
                    self.grow(json!({"text": text}), out);
                }
                ChoiceDelta::Reasoning(piece) => self.reasoning(piece, out),
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
                ChoiceDelta::Annotation(annotation) => {
                    self.turn_to(Open::Text, out);
                    self.grow(json!({"citation": citation::encode(annotation)}), out);
                }
                ChoiceDelta::Part(part) => self.whole(part, out),
                ChoiceDelta::PartEnd => self.flush(out),
                ChoiceDelta::Finish { reason, stop_sequence } => {
                    self.finish = Some((reason.clone(), stop_sequence.clone()));
                }
                ChoiceDelta::Extra(extra) => self.finish_extra.extend(extra.clone()),
                ChoiceDelta::MessageExtra(_)
                | ChoiceDelta::Audio(_)
                | ChoiceDelta::Logprobs(_)
                | ChoiceDelta::Filters(_)
                | ChoiceDelta::Role(_)
                | ChoiceDelta::Text(_)
                | ChoiceDelta::Refusal(_) => {}
            },
        }
    }

    fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        let (name, payload) = error::encode_fault(fault);
        frame(out, "exception", ":exception-type", name, &payload);
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.begin(out);
        self.flush(out);
        let (reason, sequence) = self.finish.take().unwrap_or((FinishReason::Stop, None));
        let mut stop = Map::new();
        if !self.finish_extra.contains_key("stopReason") {
            put(&mut stop, "stopReason", encode_finish(&reason));
        }
        if let Some(sequence) = sequence {
            put(&mut stop, "additionalModelResponseFields", json!({"stop_sequence": sequence}));
        }
        merge(&mut stop, &self.finish_extra);
        event(out, "messageStop", &Value::Object(stop));
        let metadata = encode_metadata(self.usage.take(), self.tier.as_ref(), &self.extra);
        event(out, "metadata", &metadata);
    }
}
