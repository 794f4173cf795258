//! Streams, written. Blocks follow one another in this format: one is open at a time, and what is closed is closed.
//!
//! Other formats may go on with an earlier tool call while a later one has begun. So as long as the arguments of the
//! open call are not complete, everything else waits.

use bytes::BytesMut;
use serde_json::{Map, Value, json};

use super::answer::{call_id, encode_finish, is_callers, is_own_reasoning, said_block};
use super::response::{message_id, put_tier, unknown_usage};
use super::usage::encode_usage;
use super::{citation, error, part, tool};
use crate::Usage;
use crate::chat::{ChoiceDelta, Content, Delta, Extra, FinishReason, Part, ReasoningDelta, ToolCallDelta};
use crate::dialect::AnswerContext;
use crate::dialect::cache_mark;
use crate::dialect::fields::{merge, put};
use crate::fault::Fault;
use crate::json;
use crate::sse;

/// Writes a stream. The format knows one choice: the first is told.
pub struct StreamEncoder {
    context: AnswerContext,
    service_tier: Option<String>,
    usage: Option<(Usage, Option<Value>)>,
    /// Fields of the answer: in the first event until that is written, in the last but one after it.
    extra: Extra,
    begun: bool,
    /// How many blocks have begun.
    blocks: u64,
    open: Open,
    calls: Vec<Call>,
    /// What came while the arguments of the open call were not complete.
    waiting: Vec<ChoiceDelta>,
    refuses: bool,
    finish: Option<(FinishReason, Option<String>)>,
}

/// The block that is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    None,
    Text,
    Thinking,
    /// A call, by its place in the list of calls.
    Call(usize),
}

/// One tool call.
#[derive(Default)]
struct Call {
    head: ToolCallDelta,
    /// Its number among those that the caller is to carry out.
    number: usize,
    known: bool,
    begun: bool,
    /// The arguments so far.
    arguments: String,
    nesting: Nesting,
}

impl Call {
    fn add(&mut self, text: &str) {
        self.arguments.push_str(text);
        text.bytes().for_each(|byte| self.nesting.read(byte));
    }

    /// Whether the arguments are one JSON object from beginning to end: nothing more can come then.
    const fn is_complete(&self) -> bool {
        self.nesting.ended
    }
}

/// How deep in an object the arguments are, byte by byte.
#[derive(Default)]
struct Nesting {
    depth: u64,
    in_string: bool,
    escaped: bool,
    ended: bool,
}

impl Nesting {
    const fn read(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.ended |= self.depth == 0;
            }
            _ => {}
        }
    }
}

impl StreamEncoder {
    /// An encoder at the beginning of a stream.
    #[must_use]
    pub fn new(context: AnswerContext) -> Self {
        Self {
            context,
            service_tier: None,
            usage: None,
            extra: Extra::new(),
            begun: false,
            blocks: 0,
            open: Open::None,
            calls: Vec::new(),
            waiting: Vec::new(),
            refuses: false,
            finish: None,
        }
    }

    fn usage(&self) -> Value {
        match &self.usage {
            Some((_, Some(vendor))) => vendor.clone(),
            Some((usage, None)) => encode_usage(usage),
            None => unknown_usage(&self.context),
        }
    }

    /// The first event tells how much was read. It waits for the first block, so that the provider's figures are in it
    /// where they come first.
    fn begin(&mut self, out: &mut BytesMut) {
        if self.begun {
            return;
        }
        self.begun = true;
        let mut usage = self.usage();
        put_tier(&mut usage, self.service_tier.as_deref());
        let mut message = json!({
            "id": message_id(&self.context),
            "type": "message",
            "role": "assistant",
            "model": self.context.model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": usage,
        });
        if let Value::Object(message) = &mut message {
            merge(message, &std::mem::take(&mut self.extra));
        }
        let mut event = Map::new();
        put(&mut event, "message", message);
        write("message_start", event, out);
        write("ping", Map::new(), out);
    }

    fn start_block(&mut self, block: Map<String, Value>, open: Open, out: &mut BytesMut) {
        self.begin(out);
        self.close(out);
        let mut event = Map::new();
        put(&mut event, "index", self.blocks);
        put(&mut event, "content_block", block);
        self.blocks += 1;
        self.open = open;
        write("content_block_start", event, out);
    }

    fn piece(&self, delta: Value, out: &mut BytesMut) {
        let mut event = Map::new();
        put(&mut event, "index", self.blocks.saturating_sub(1));
        put(&mut event, "delta", delta);
        write("content_block_delta", event, out);
    }

    /// Ends the open block.
    fn close(&mut self, out: &mut BytesMut) {
        match std::mem::replace(&mut self.open, Open::None) {
            Open::None => return,
            // A call without arguments has an empty object of them.
            Open::Call(place) if self.calls.get(place).is_some_and(|call| call.arguments.is_empty()) => {
                self.piece(json!({"type": "input_json_delta", "partial_json": "{}"}), out);
            }
            _ => {}
        }
        self.stop_block(out);
    }

    fn stop_block(&mut self, out: &mut BytesMut) {
        self.open = Open::None;
        let mut event = Map::new();
        put(&mut event, "index", self.blocks.saturating_sub(1));
        write("content_block_stop", event, out);
    }

    /// Whether a piece must wait for the open call.
    fn must_wait(&self, delta: &ChoiceDelta) -> bool {
        let Open::Call(open) = self.open else { return false };
        let own = match delta {
            ChoiceDelta::ToolArguments { call, .. } => *call as usize == open,
            ChoiceDelta::ToolCall(head) => head.call as usize == open,
            ChoiceDelta::Role(_)
            | ChoiceDelta::PartEnd
            | ChoiceDelta::Finish { .. }
            | ChoiceDelta::Logprobs(_)
            | ChoiceDelta::Filters(_)
            | ChoiceDelta::MessageExtra(_)
            | ChoiceDelta::Extra(_) => true,
            _ => false,
        };
        !own && (!self.waiting.is_empty() || !self.calls.get(open).is_some_and(Call::is_complete))
    }

    fn accept(&mut self, delta: &ChoiceDelta, out: &mut BytesMut) {
        if self.must_wait(delta) {
            self.waiting.push(delta.clone());
            return;
        }
        self.say(delta, out);
        while !self.waiting.is_empty()
            && let Open::Call(open) = self.open
            && self.calls.get(open).is_some_and(Call::is_complete)
        {
            self.release(out);
        }
    }

    /// Writes what waited; a call in it that is not complete makes the rest wait again.
    fn release(&mut self, out: &mut BytesMut) {
        for delta in std::mem::take(&mut self.waiting) {
            if self.must_wait(&delta) {
                self.waiting.push(delta);
            } else {
                self.say(&delta, out);
            }
        }
    }

    fn say(&mut self, delta: &ChoiceDelta, out: &mut BytesMut) {
        match delta {
            ChoiceDelta::Text(text) => self.text(text, out),
            ChoiceDelta::Refusal(text) => {
                self.refuses = true;
                self.text(text, out);
            }
            ChoiceDelta::Reasoning(piece) => self.reasoning(piece, out),
            ChoiceDelta::ToolCall(head) => self.head(head, out),
            ChoiceDelta::ToolArguments { call, text } => self.arguments(*call as usize, text, out),
            ChoiceDelta::Audio(piece) => {
                self.text(piece.audio.transcript.as_deref().unwrap_or_default(), out);
            }
            ChoiceDelta::Annotation(annotation) => {
                if let Some(citation) = citation::encode_citation(annotation, false) {
                    self.open_text(out);
                    self.piece(json!({"type": "citations_delta", "citation": citation}), out);
                }
            }
            ChoiceDelta::Part(whole) => self.whole(whole, out),
            // An open call may go on after it.
            ChoiceDelta::PartEnd => {
                if matches!(self.open, Open::Text | Open::Thinking) {
                    self.close(out);
                }
            }
            ChoiceDelta::Finish { reason, stop_sequence } => {
                self.finish = Some((reason.clone(), stop_sequence.clone()));
            }
            ChoiceDelta::MessageExtra(extra) | ChoiceDelta::Extra(extra) => {
                self.extra.extend(extra.clone());
            }
            ChoiceDelta::Role(_) | ChoiceDelta::Logprobs(_) | ChoiceDelta::Filters(_) => {}
        }
    }

    fn open_text(&mut self, out: &mut BytesMut) {
        if self.open != Open::Text {
            self.start_block(part::text_block(""), Open::Text, out);
        }
    }

    fn text(&mut self, text: &str, out: &mut BytesMut) {
        if !text.is_empty() {
            self.open_text(out);
            self.piece(json!({"type": "text_delta", "text": text}), out);
        }
    }

    fn reasoning(&mut self, piece: &ReasoningDelta, out: &mut BytesMut) {
        let own = is_own_reasoning(&piece.reasoning);
        if let Some(data) = &piece.reasoning.data {
            // Sealed reasoning of another vendor cannot be read, and would not come back to it.
            if own {
                let mut map = Map::new();
                put(&mut map, "type", "redacted_thinking");
                put(&mut map, "data", data.clone());
                merge(&mut map, &piece.extra);
                self.start_block(map, Open::None, out);
                self.stop_block(out);
            }
            return;
        }
        let signature = piece.signature.as_deref().filter(|_| own);
        if piece.reasoning.text.is_empty() && signature.is_none() && piece.signature.is_some() {
            return;
        }
        if self.open != Open::Thinking {
            let block = json!({"type": "thinking", "thinking": "", "signature": ""});
            if let Value::Object(block) = block {
                self.start_block(block, Open::Thinking, out);
            }
        }
        if !piece.reasoning.text.is_empty() {
            self.piece(json!({"type": "thinking_delta", "thinking": piece.reasoning.text}), out);
        }
        if let Some(signature) = signature {
            self.piece(json!({"type": "signature_delta", "signature": signature}), out);
        }
    }

    /// The call of a number, which may be told of in any order.
    fn call(&mut self, place: usize) -> Option<&mut Call> {
        if self.calls.len() <= place && place < MAX_CALLS {
            self.calls.resize_with(place + 1, Call::default);
        }
        self.calls.get_mut(place)
    }

    fn head(&mut self, head: &ToolCallDelta, out: &mut BytesMut) {
        if !is_callers(&head.kind) {
            return;
        }
        let place = head.call as usize;
        let number = self.calls.iter().filter(|call| call.known).count();
        let Some(call) = self.call(place) else { return };
        if !call.known {
            call.known = true;
            call.number = number;
            call.head.kind.clone_from(&head.kind);
        }
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
        if !call.begun && !call.head.name.is_empty() {
            self.begin_call(place, out);
        }
    }

    /// Begins the block of a call. The format has its name and id there and nowhere else.
    fn begin_call(&mut self, place: usize, out: &mut BytesMut) {
        let answer = self.context.id.clone();
        let Some(call) = self.calls.get_mut(place) else { return };
        call.begun = true;
        let head = &call.head;
        let id = call_id(head.id.as_deref(), head.signature.as_deref(), &answer, call.number);
        let mut block = tool::call_block(&id, &head.name, Value::Object(Map::new()));
        part::merge_extra(&mut block, &head.extra);
        let arguments = call.arguments.clone();
        self.start_block(block, Open::Call(place), out);
        if !arguments.is_empty() {
            self.piece(json!({"type": "input_json_delta", "partial_json": arguments}), out);
        }
    }

    fn arguments(&mut self, place: usize, text: &str, out: &mut BytesMut) {
        let Some(call) = self.calls.get_mut(place).filter(|call| call.known) else { return };
        call.add(text);
        // Until its name is known a call cannot begin; what is closed was complete.
        if self.open == Open::Call(place) && !text.is_empty() {
            self.piece(json!({"type": "input_json_delta", "partial_json": text}), out);
        }
    }

    fn whole(&mut self, whole: &Part, out: &mut BytesMut) {
        self.refuses |= matches!(whole.content, Content::Refusal(_));
        let Some(mut block) = said_block(whole) else { return };
        if let Content::Text(text) = &whole.content {
            // Text and its sources are told piece by piece.
            let citations = block.remove("citations");
            put(&mut block, "text", "");
            merge(&mut block, &whole.extra);
            self.start_block(block, Open::Text, out);
            self.text(&text.text, out);
            for citation in citations.iter().filter_map(Value::as_array).flatten() {
                self.piece(json!({"type": "citations_delta", "citation": citation}), out);
            }
            self.close(out);
            return;
        }
        cache_mark::put_cache_mark(&mut block, whole.cache);
        merge(&mut block, &whole.extra);
        self.start_block(block, Open::None, out);
        self.stop_block(out);
    }

    /// Everything that still waits, whether or not the calls before it are complete.
    fn drain(&mut self, out: &mut BytesMut) {
        while !self.waiting.is_empty() {
            self.close(out);
            self.release(out);
        }
        for place in 0..self.calls.len() {
            if self.calls.get(place).is_some_and(|call| call.known && !call.begun) {
                self.begin_call(place, out);
            }
        }
        self.close(out);
    }
}

/// More calls than any answer has: a number beyond it is a mistake, and must not cost memory.
const MAX_CALLS: usize = 4_096;

/// Writes an event; its data begin with its name.
fn write(name: &str, event: Map<String, Value>, out: &mut BytesMut) {
    let mut data = Map::new();
    put(&mut data, "type", name);
    data.extend(event);
    sse::write_event(out, Some(name), &json::to_bytes(&Value::Object(data)));
}

impl crate::dialect::StreamEncoder for StreamEncoder {
    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        match delta {
            Delta::Start(start) => {
                if start.service_tier.is_some() {
                    self.service_tier.clone_from(&start.service_tier);
                }
            }
            Delta::Choice { index: 0, delta } => {
                self.accept(delta, out);
            }
            Delta::Choice { .. } => {}
            Delta::Usage { usage, vendor } => self.usage = Some((*usage, vendor.as_deref().cloned())),
            Delta::Extra(extra) => self.extra.extend(extra.clone()),
        }
    }

    fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        sse::write_event(out, Some("error"), &error::encode_fault(fault));
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.begin(out);
        self.drain(out);
        let (reason, stop_sequence) = self.finish.take().unzip();
        let calls = self.calls.iter().any(|call| call.known);
        let mut delta = Map::new();
        put(&mut delta, "stop_reason", encode_finish(reason.as_ref(), calls, self.refuses));
        put(&mut delta, "stop_sequence", stop_sequence.flatten());
        let mut event = Map::new();
        for (name, value) in std::mem::take(&mut self.extra) {
            // What was cleared from the context stands beside the delta, all else in it.
            let holder = if name == "context_management" { &mut event } else { &mut delta };
            holder.entry(name).or_insert(value);
        }
        put(&mut event, "delta", delta);
        put(&mut event, "usage", self.usage());
        write("message_delta", event, out);
        write("message_stop", Map::new(), out);
    }
}
