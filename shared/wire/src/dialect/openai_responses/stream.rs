//! Streams of typed events, read.
//!
//! Pieces are told by their place (`output_index`, `content_index`): some vendors give an item another id in each
//! event. What an event at the end of a part or an item says beyond the pieces before it is told then, since some
//! vendors send no pieces.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value};

use super::response::{decode_item, decode_tokens, finish_of};
use super::{annotation, error, reasoning, usage};
use crate::chat::{
    ChoiceDelta, Content, Delta, Extra, Logprobs, Part, Reasoning, ReasoningDelta, ReasoningForm, Role,
    Start, ToolCallDelta, ToolKind,
};
use crate::dialect::StreamError;
use crate::dialect::events::{self, EventReader};
use crate::dialect::fields::{self, Path};
use crate::fault::{Fault, FaultKind};
use crate::sse;

/// Largest event of a stream, in bytes. The last one repeats the whole answer, images included.
const MAX_EVENT: usize = 32 * 1024 * 1024;

/// Reads a stream.
pub struct StreamDecoder {
    events: sse::Decoder,
    ready: VecDeque<Delta>,
    begun: bool,
    /// By their place in the output.
    items: BTreeMap<u64, ItemState>,
    /// Where the last piece was said: item, part, and which list of parts.
    last: Option<(u64, u64, Kind)>,
    calls: u32,
    done: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Text,
    Refusal,
    Summary,
    Reasoning,
    Call,
    Whole,
}

/// What was told of an item so far.
#[derive(Default)]
struct ItemState {
    begun: bool,
    id: Option<String>,
    /// The number of its call.
    call: Option<u32>,
    /// Bytes told of each part.
    told: BTreeMap<(u64, Kind), usize>,
    annotations: usize,
    /// Probabilities were told.
    weighed: bool,
    done: bool,
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
            begun: false,
            items: BTreeMap::new(),
            last: None,
            calls: 0,
            done: false,
        }
    }

    fn start(&mut self, map: &Map<String, Value>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let response = map.get("response");
        let word = |name: &str| response?.get(name)?.as_str().map(str::to_owned);
        let created = response.and_then(|response| response.get("created_at")?.as_u64());
        let start = Start { id: word("id"), model: word("model"), created, ..Start::default() };
        self.ready.push_back(Delta::Start(Box::new(start)));
        self.push(ChoiceDelta::Role(Role::Assistant));
    }

    fn push(&mut self, delta: ChoiceDelta) {
        self.ready.push_back(Delta::of(0, delta));
    }

    /// A piece of a part: where it is, and its text.
    fn say(&mut self, index: u64, part: u64, kind: Kind, text: &str) {
        if text.is_empty() {
            return;
        }
        self.turn_to(index, part, kind);
        let item = self.items.entry(index).or_default();
        *item.told.entry((part, kind)).or_default() += text.len();
        let text = text.to_owned();
        let delta = match kind {
            Kind::Refusal => ChoiceDelta::Refusal(text),
            Kind::Call => match item.call {
                Some(call) => ChoiceDelta::ToolArguments { call, text },
                None => return,
            },
            Kind::Summary | Kind::Reasoning => {
                let form = if kind == Kind::Summary { ReasoningForm::Summary } else { ReasoningForm::Full };
                let said = Reasoning { text, form, ..Reasoning::default() };
                reasoning_piece(said, item.id.clone())
            }
            Kind::Text | Kind::Whole => ChoiceDelta::Text(text),
        };
        self.push(delta);
    }

    /// Says that a part has ended when another begins.
    fn turn_to(&mut self, index: u64, part: u64, kind: Kind) {
        let next = Some((index, part, kind));
        if self.last.is_some() && self.last != next {
            self.push(ChoiceDelta::PartEnd);
        }
        self.last = next;
    }

    /// What the whole text of a part says beyond its pieces.
    fn rest(&mut self, index: u64, part: u64, kind: Kind, whole: &str) {
        let told = self.items.get(&index).and_then(|item| item.told.get(&(part, kind))).copied().unwrap_or(0);
        if let Some(rest) = whole.get(told..) {
            self.say(index, part, kind, rest);
        }
    }

    fn piece(&mut self, event: &str, map: &Map<String, Value>) {
        let index = place(map, "output_index");
        let (part, kind, whole) = match event {
            "response.output_text.delta" => (place(map, "content_index"), Kind::Text, None),
            "response.output_text.done" => (place(map, "content_index"), Kind::Text, Some("text")),
            "response.refusal.delta" => (place(map, "content_index"), Kind::Refusal, None),
            "response.refusal.done" => (place(map, "content_index"), Kind::Refusal, Some("refusal")),
            "response.reasoning_summary_text.delta" => (place(map, "summary_index"), Kind::Summary, None),
            "response.reasoning_summary_text.done" => {
                (place(map, "summary_index"), Kind::Summary, Some("text"))
            }
            "response.reasoning_text.delta" => (place(map, "content_index"), Kind::Reasoning, None),
            "response.reasoning_text.done" => (place(map, "content_index"), Kind::Reasoning, Some("text")),
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                (0, Kind::Call, None)
            }
            "response.function_call_arguments.done" => (0, Kind::Call, Some("arguments")),
            "response.custom_tool_call_input.done" => (0, Kind::Call, Some("input")),
            "response.output_text.annotation.added" => {
                if let Some(annotation) = map.get("annotation").and_then(annotation::decode) {
                    self.items.entry(index).or_default().annotations += 1;
                    self.push(ChoiceDelta::Annotation(Box::new(annotation)));
                }
                return;
            }
            _ => return,
        };
        // Arguments of a call that has not begun are told when it has ended.
        if kind == Kind::Call && self.items.get(&index).is_none_or(|item| item.call.is_none()) {
            return;
        }
        let text = map.get(whole.unwrap_or("delta")).and_then(Value::as_str).unwrap_or_default();
        match whole {
            Some(_) => self.rest(index, part, kind, text),
            None => {
                self.say(index, part, kind, text);
                self.logprobs(index, map);
            }
        }
    }

    fn logprobs(&mut self, index: u64, map: &Map<String, Value>) {
        let tokens = map.get("logprobs").and_then(decode_tokens).filter(|tokens| !tokens.is_empty());
        if let Some(tokens) = tokens {
            self.items.entry(index).or_default().weighed = true;
            let logprobs = Logprobs { content: Some(tokens), ..Logprobs::default() };
            self.push(ChoiceDelta::Logprobs(Box::new(logprobs)));
        }
    }

    fn item_added(&mut self, index: u64, item: &Map<String, Value>) {
        let state = self.items.entry(index).or_default();
        if std::mem::replace(&mut state.begun, true) {
            return;
        }
        let word = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
        state.id = word("id");
        let kind = word("type").unwrap_or_default();
        let besides = |known: &[&str]| -> Extra {
            let rest =
                item.iter().filter(|(name, value)| !known.contains(&name.as_str()) && !value.is_null());
            rest.map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        match kind.as_str() {
            "message" => {
                let extra = besides(&["type", "status", "role", "content"]);
                if !extra.is_empty() {
                    self.push(ChoiceDelta::MessageExtra(extra));
                }
            }
            "function_call" | "custom_tool_call" => {
                let number = self.calls;
                self.calls = self.calls.saturating_add(1);
                state.call = Some(number);
                self.turn_to(index, 0, Kind::Call);
                self.push(ChoiceDelta::ToolCall(Box::new(ToolCallDelta {
                    call: number,
                    id: word("call_id"),
                    name: word("name").unwrap_or_default(),
                    kind: if kind == "custom_tool_call" { ToolKind::Custom } else { ToolKind::Function },
                    signature: None,
                    extra: besides(&["type", "status", "call_id", "name", "arguments", "input"]),
                })));
            }
            _ => {}
        }
    }

    fn item_done(&mut self, index: u64, item: Map<String, Value>) {
        self.item_added(index, &item);
        let state = self.items.entry(index).or_default();
        if std::mem::replace(&mut state.done, true) {
            return;
        }
        match item.get("type").and_then(Value::as_str) {
            Some("message") => self.message_done(index, &item),
            Some("reasoning") => self.reasoning_done(index, item),
            Some("function_call" | "custom_tool_call") => {
                let whole = item.get("arguments").or(item.get("input")).and_then(Value::as_str);
                self.rest(index, 0, Kind::Call, whole.unwrap_or_default());
            }
            _ => {
                for part in decode_item(Value::Object(item)) {
                    self.turn_to(index, 0, Kind::Whole);
                    self.push(ChoiceDelta::Part(Box::new(part)));
                }
            }
        }
    }

    fn message_done(&mut self, index: u64, item: &Map<String, Value>) {
        let weighed = self.items.get(&index).is_some_and(|item| item.weighed);
        let mut seen = 0;
        for (number, value) in (0..).zip(item.get("content").and_then(Value::as_array).into_iter().flatten())
        {
            let Some(part) = value.as_object() else { continue };
            let word = |name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default();
            self.rest(index, number, Kind::Text, word("text"));
            self.rest(index, number, Kind::Refusal, word("refusal"));
            if !weighed {
                self.logprobs(index, part);
            }
            for value in part.get("annotations").and_then(Value::as_array).into_iter().flatten() {
                seen += 1;
                let state = self.items.entry(index).or_default();
                if seen > state.annotations
                    && let Some(annotation) = annotation::decode(value)
                {
                    state.annotations = seen;
                    self.push(ChoiceDelta::Annotation(Box::new(annotation)));
                }
            }
        }
    }

    fn reasoning_done(&mut self, index: u64, item: Map<String, Value>) {
        let parts = reasoning::decode(item, &Path::Root, true).unwrap_or_default();
        let (mut summaries, mut texts) = (0, 0);
        for part in parts {
            let Part { content: Content::Reasoning(said), id, signature, .. } = part else { continue };
            match said.form {
                _ if said.format.as_deref() != Some(reasoning::FORMAT) => {
                    // Another vendor's, sealed by a gateway of our kind: its text was told before.
                    let told = self.items.get(&index).is_some_and(|item| !item.told.is_empty());
                    let text = if told { String::new() } else { said.text };
                    let reasoning = Reasoning { text, ..said };
                    self.turn_to(index, u64::MAX, Kind::Reasoning);
                    let piece = ReasoningDelta { reasoning, signature, ..ReasoningDelta::default() };
                    self.push(ChoiceDelta::Reasoning(Box::new(piece)));
                }
                ReasoningForm::Summary => {
                    self.rest(index, summaries, Kind::Summary, &said.text);
                    summaries += 1;
                }
                ReasoningForm::Full => {
                    self.rest(index, texts, Kind::Reasoning, &said.text);
                    texts += 1;
                }
                ReasoningForm::Opaque => {
                    self.turn_to(index, u64::MAX, Kind::Reasoning);
                    self.push(reasoning_piece(said, id));
                }
            }
        }
    }

    /// The answer as a whole: how it ended, what it consumed, and what no event told before.
    fn complete(&mut self, mut map: Map<String, Value>) {
        self.start(&map);
        let mut response = fields::try_object(&mut map, "response").unwrap_or_default();
        let nothing_told = self.items.is_empty();
        let output = fields::try_array(&mut response, "output").unwrap_or_default();
        for (index, item) in (0..).zip(output) {
            let began = self.items.get(&index).is_some_and(|item| item.begun && !item.done);
            if let Value::Object(item) = item
                && (nothing_told || began)
            {
                self.item_done(index, item);
            }
        }
        if let Some(tier) = fields::try_string(&mut response, "service_tier") {
            let start = Start { service_tier: Some(tier), ..Start::default() };
            self.ready.push_back(Delta::Start(Box::new(start)));
        }
        if let Some(reason) = finish_of(&mut response, self.calls > 0) {
            self.push(ChoiceDelta::Finish { reason, stop_sequence: None });
        }
        if let Some(vendor) = response.remove("usage")
            && let Some(usage) = usage::known(&vendor)
        {
            self.ready.push_back(Delta::Usage { usage, vendor: Some(Box::new(vendor)) });
        }
        for told in ["id", "model", "created_at"] {
            response.remove(told);
        }
        self.ready.push_back(Delta::Extra(response));
        self.done = true;
    }
}

fn reasoning_piece(said: Reasoning, id: Option<String>) -> ChoiceDelta {
    let reasoning = Reasoning { format: Some(reasoning::FORMAT.to_owned()), ..said };
    ChoiceDelta::Reasoning(Box::new(ReasoningDelta { reasoning, id, ..ReasoningDelta::default() }))
}

/// A place in a list, 0 where it is not said.
fn place(map: &Map<String, Value>, name: &str) -> u64 {
    map.get(name).and_then(Value::as_u64).unwrap_or(0)
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
        // Nothing counts after the answer as a whole; some vendors add the end mark of Chat Completions.
        if self.done || data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        let value = events::parse(data)?;
        let mut map = fields::into_object(&Path::Root, value)?;
        let kind = fields::try_string(&mut map, "type").unwrap_or_default();
        match kind.as_str() {
            "response.created" | "response.in_progress" | "response.queued" => self.start(&map),
            "response.output_item.added" => {
                let index = place(&map, "output_index");
                if let Some(item) = fields::try_object(&mut map, "item") {
                    self.item_added(index, &item);
                }
            }
            "response.output_item.done" => {
                let index = place(&map, "output_index");
                if let Some(item) = fields::try_object(&mut map, "item") {
                    self.item_done(index, item);
                }
            }
            "response.completed" | "response.incomplete" => self.complete(map),
            "error" | "response.failed" => {
                fields::put(&mut map, "type", kind);
                let fault = error::find_fault(&Value::Object(map));
                return Err(StreamError::Fault(fault.unwrap_or_else(|| {
                    Fault::new(FaultKind::ServerError, "the provider reported an error without a message")
                })));
            }
            // An error without a type, as a gateway in between may send it.
            "" => {
                if let Some(fault) = error::find_fault(&Value::Object(map)) {
                    return Err(StreamError::Fault(fault));
                }
            }
            _ => self.piece(&kind, &map),
        }
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.done
    }
}
