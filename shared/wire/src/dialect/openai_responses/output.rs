//! The items of an answer, put together from its pieces: for a whole answer, and for a stream with its events.
//!
//! Both ways go through here, so that a stream ends with the same items that the whole answer has. The last event of a
//! stream repeats all of them, so they are held until then. Messages and reasoning end where something else begins;
//! tool calls end with the answer, since some providers send pieces of several calls in turn.

use serde_json::{Map, Value, json};

use super::item_value::{Item, Said, Thought};
use super::{annotation, mark, reasoning};
use crate::chat::{
    Annotation, ChoiceDelta, Content, Extra, Logprobs, Part, ReasoningDelta, ReasoningForm, Source,
    ToolCallDelta,
};
use crate::dialect::fields::put;

/// An event of a stream, but for its number: its type and its fields.
pub(super) type Event = (&'static str, Map<String, Value>);

/// The items so far.
pub(super) struct Output {
    /// What ids are made of, where the provider gave none.
    pub(super) base: String,
    pub(super) items: Vec<Item>,
    /// The message that is open.
    message: Option<usize>,
    /// The reasoning that is open.
    thought: Option<usize>,
    /// The last part of the open message or reasoning can be continued.
    in_part: bool,
    /// Tool calls, by their number.
    pub(super) calls: Vec<Slot>,
    /// Fields of the next message.
    next_message: Extra,
    /// Probabilities that came before their text.
    logprobs: Vec<Value>,
    /// Events not yet taken; `None` for a whole answer.
    events: Option<Vec<Event>>,
}

/// A tool call, and what came before its name was known.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) head: ToolCallDelta,
    pub(super) early: String,
    pub(super) item: Option<usize>,
}

impl Output {
    /// No items. `base` tells this answer's ids from all others.
    pub(super) fn new(base: &str, streamed: bool) -> Self {
        Self {
            base: base.to_owned(),
            items: Vec::new(),
            message: None,
            thought: None,
            in_part: false,
            calls: Vec::new(),
            next_message: Extra::new(),
            logprobs: Vec::new(),
            events: streamed.then(Vec::new),
        }
    }

    /// The events since the last time.
    pub(super) fn take_events(&mut self) -> Vec<Event> {
        self.events.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The items as they are written; all of them have ended.
    pub(super) fn values(&self) -> Vec<Value> {
        self.items.iter().map(Item::value).collect()
    }

    pub(super) fn has_refusal(&self) -> bool {
        let refuses = |item: &Item| matches!(item, Item::Message { parts, .. } if parts.iter().any(|part| part.refusal));
        self.items.iter().any(refuses)
    }

    /// Adds a piece.
    pub(super) fn push(&mut self, delta: &ChoiceDelta) {
        match delta {
            ChoiceDelta::Text(text) if !text.is_empty() => self.say(text, false),
            ChoiceDelta::Refusal(text) if !text.is_empty() => self.say(text, true),
            ChoiceDelta::Reasoning(piece) => self.reason(piece),
            ChoiceDelta::ToolCall(head) => self.head(head),
            ChoiceDelta::ToolArguments { call, text } => self.arguments(*call, text),
            ChoiceDelta::Audio(piece) => {
                if let Some(words) = piece.audio.transcript.as_ref().filter(|words| !words.is_empty()) {
                    self.say(words, false);
                }
            }
            ChoiceDelta::Annotation(annotation) => self.annotate(annotation),
            ChoiceDelta::Part(part) => self.part(part),
            ChoiceDelta::Logprobs(logprobs) => self.weigh(logprobs),
            ChoiceDelta::PartEnd => self.end_part(),
            ChoiceDelta::MessageExtra(extra) => self.next_message.clone_from(extra),
            ChoiceDelta::Text(_)
            | ChoiceDelta::Refusal(_)
            | ChoiceDelta::Role(_)
            | ChoiceDelta::Filters(_)
            | ChoiceDelta::Finish { .. }
            | ChoiceDelta::Extra(_) => {}
        }
    }

    /// Adds a part that is known as a whole.
    pub(super) fn part(&mut self, part: &Part) {
        match &part.content {
            Content::Text(text) => {
                self.whole(&text.text, false, &part.extra);
                text.annotations.iter().for_each(|each| self.annotate(each));
                self.end_part();
            }
            Content::Refusal(text) => {
                self.whole(text, true, &part.extra);
                self.end_part();
            }
            Content::Reasoning(said) => {
                self.reason(&ReasoningDelta {
                    index: None,
                    reasoning: said.clone(),
                    id: part.id.clone(),
                    signature: part.signature.clone(),
                    extra: part.extra.clone(),
                });
                self.end_part();
            }
            Content::ToolCall(call) => {
                let number = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
                self.head(&ToolCallDelta {
                    call: number,
                    id: call.id.clone(),
                    name: call.name.clone(),
                    kind: call.kind.clone(),
                    signature: part.signature.clone(),
                    extra: part.extra.clone(),
                });
                self.arguments(number, &call.arguments);
            }
            Content::Audio(audio) => {
                if let Some(words) = &audio.transcript {
                    self.say(words, false);
                    self.end_part();
                }
            }
            Content::Image(image) => {
                let mut map = Map::new();
                put(&mut map, "type", "image_generation_call");
                match &image.source {
                    Source::Base64 { data, .. } => put(&mut map, "result", data.clone()),
                    Source::Url(url) => put(&mut map, "result", url.clone()),
                    Source::FileId(_) | Source::Text(_) => return,
                }
                mark::merge(&mut map, &part.extra);
                self.place(map, "ig");
            }
            Content::Other(kind) if mark::is_other(part, mark::ITEM) => {
                let mut map = Map::new();
                put(&mut map, "type", kind.clone());
                mark::merge(&mut map, &part.extra);
                self.place(map, "item");
            }
            Content::Other(kind) if mark::is_other(part, mark::PART) => {
                let mut map = Map::new();
                put(&mut map, "type", kind.clone());
                mark::merge(&mut map, &part.extra);
                let of = map.remove("item");
                self.open_message(of.as_ref().and_then(Value::as_object));
                self.open_part(Said { other: Some(map), ..Said::default() });
                self.end_part();
            }
            Content::Video(_) | Content::File(_) | Content::ToolResult(_) | Content::Other(_) => {}
        }
    }

    /// Probabilities of a whole answer, which belong to its text.
    pub(super) fn put_logprobs(&mut self, logprobs: &Logprobs) {
        let texts = self.items.iter_mut().filter_map(|item| match item {
            Item::Message { parts, .. } => Some(parts),
            _ => None,
        });
        if let Some(text) = texts.flatten().find(|part| !part.refusal && !part.own) {
            text.logprobs = super::response::encode_tokens(logprobs);
        }
    }

    /// Ends everything that is open. `cut`: the answer is not complete, and what was open at its end neither.
    pub(super) fn finish(&mut self, cut: bool) {
        let status = if cut { "incomplete" } else { "completed" };
        self.end_message(status);
        self.end_thought();
        for number in 0..self.calls.len() {
            self.open_call(number);
        }
        let mut open: Vec<usize> = self.calls.iter().filter_map(|slot| slot.item).collect();
        open.sort_unstable();
        for index in open {
            self.end_call(index, status);
        }
    }

    pub(super) fn emit(&mut self, kind: &'static str, index: usize, fields: impl FnOnce(&Item) -> Value) {
        let Some(events) = &mut self.events else { return };
        let Some(item) = self.items.get(index) else { return };
        if let Value::Object(mut map) = fields(item) {
            put(&mut map, "output_index", index);
            if !kind.starts_with("response.output_item.") {
                put(&mut map, "item_id", item.id());
            }
            events.push((kind, map));
        }
    }

    pub(super) fn id(&self, mark: &str) -> String {
        format!("{mark}_{}_{}", self.base, self.items.len())
    }

    pub(super) fn add(&mut self, item: Item) -> usize {
        let index = self.items.len();
        self.items.push(item);
        self.emit("response.output_item.added", index, |item| json!({"item": item.begun()}));
        index
    }

    // Messages.

    /// Opens a message if none is open, or if `of` says that it is another one.
    fn open_message(&mut self, of: Option<&Map<String, Value>>) -> usize {
        if self.next_message.is_empty()
            && let Some(of) = of
        {
            self.next_message.clone_from(of);
        }
        let next = std::mem::take(&mut self.next_message);
        if let Some(open) = self.message {
            let same = match self.items.get(open) {
                Some(Item::Message { rest, .. }) => next.is_empty() || rest.get("id") == next.get("id"),
                _ => false,
            };
            if same {
                return open;
            }
        }
        self.end_message("completed");
        self.end_thought();
        let id = match next.get("id") {
            Some(Value::String(id)) => id.clone(),
            _ => self.id("msg"),
        };
        let index = self.add(Item::Message { id, rest: next, status: "in_progress", parts: Vec::new() });
        self.message = Some(index);
        index
    }

    fn open_part(&mut self, part: Said) {
        let Some(index) = self.message else { return };
        self.end_part();
        if let Some(Item::Message { parts, .. }) = self.items.get_mut(index) {
            parts.push(part);
            let place = parts.len() - 1;
            self.in_part = true;
            self.emit(
                "response.content_part.added",
                index,
                |item| json!({"content_index": place, "part": item.part(place, true)}),
            );
        }
    }

    fn say(&mut self, text: &str, refusal: bool) {
        let index = self.open_message(None);
        let continues = self.in_part
            && matches!(self.items.get(index), Some(Item::Message { parts, .. })
                if parts.last().is_some_and(|part| part.refusal == refusal && part.other.is_none()));
        if !continues {
            self.open_part(Said { refusal, ..Said::default() });
        }
        self.append(index, text, refusal);
    }

    fn whole(&mut self, text: &str, refusal: bool, extra: &Extra) {
        let index = self.open_message(extra.get("item").and_then(Value::as_object));
        let mut rest = extra.clone();
        let own = rest.remove("item").is_some();
        self.open_part(Said { refusal, own, rest, ..Said::default() });
        self.append(index, text, refusal);
    }

    fn append(&mut self, index: usize, text: &str, refusal: bool) {
        let logprobs = if refusal { Vec::new() } else { std::mem::take(&mut self.logprobs) };
        let Some(Item::Message { parts, .. }) = self.items.get_mut(index) else { return };
        let Some(part) = parts.last_mut() else { return };
        part.text.push_str(text);
        part.logprobs.extend(logprobs.iter().cloned());
        let place = parts.len() - 1;
        if text.is_empty() && logprobs.is_empty() {
            return;
        }
        if refusal {
            let fields = |_: &Item| json!({"content_index": place, "delta": text});
            self.emit("response.refusal.delta", index, fields);
        } else {
            let fields = |_: &Item| json!({"content_index": place, "delta": text, "logprobs": logprobs});
            self.emit("response.output_text.delta", index, fields);
        }
    }

    fn weigh(&mut self, logprobs: &Logprobs) {
        self.logprobs.extend(super::response::encode_tokens(logprobs));
        let text_is_open = self.in_part
            && self.message.and_then(|index| self.items.get(index)).is_some_and(
                |item| matches!(item, Item::Message { parts, .. } if parts.last().is_some_and(|part| !part.refusal)),
            );
        if text_is_open && let Some(index) = self.message {
            self.append(index, "", false);
        }
    }

    /// Adds a source to the text said last.
    fn annotate(&mut self, annotation: &Annotation) {
        let found = self.items.iter_mut().enumerate().rev().find_map(|(index, item)| match item {
            Item::Message { parts, .. } => {
                let place = parts.iter().rposition(|part| !part.refusal && part.other.is_none())?;
                Some((index, place, parts.get_mut(place)?))
            }
            _ => None,
        });
        let Some((index, place, part)) = found else { return };
        let Some(value) = annotation::encode(annotation, &part.text, part.own) else { return };
        let number = part.annotations.len();
        part.annotations.push(value.clone());
        if self.message == Some(index) && self.in_part {
            self.emit(
                "response.output_text.annotation.added",
                index,
                |_| json!({"content_index": place, "annotation_index": number, "annotation": value}),
            );
        }
    }

    /// Ends the part that is open; the item stays open.
    fn end_part(&mut self) {
        if !std::mem::take(&mut self.in_part) {
            return;
        }
        if let Some(index) = self.message {
            let Some(Item::Message { parts, .. }) = self.items.get(index) else { return };
            let Some(place) = parts.len().checked_sub(1) else { return };
            match parts.last() {
                Some(part) if part.other.is_some() => {}
                Some(part) if part.refusal => {
                    let fields = json!({"content_index": place, "refusal": part.text});
                    self.emit("response.refusal.done", index, |_| fields);
                }
                Some(part) => {
                    let fields =
                        json!({"content_index": place, "text": part.text, "logprobs": part.logprobs});
                    self.emit("response.output_text.done", index, |_| fields);
                }
                None => {}
            }
            self.emit(
                "response.content_part.done",
                index,
                |item| json!({"content_index": place, "part": item.part(place, false)}),
            );
        } else if let Some(index) = self.thought {
            self.end_thought_part(index);
        }
    }

    pub(super) fn end_message(&mut self, ending: &'static str) {
        if self.message.is_none() {
            return;
        }
        self.end_part();
        if let Some(index) = self.message.take() {
            if let Some(Item::Message { status, .. }) = self.items.get_mut(index) {
                *status = ending;
            }
            self.emit("response.output_item.done", index, |item| json!({"item": item.value()}));
        }
    }

    // Reasoning.

    fn reason(&mut self, piece: &ReasoningDelta) {
        let open = self.thought.filter(|index| {
            matches!(self.items.get(*index), Some(Item::Reasoning(thought)) if thought.goes_on_with(piece, self.in_part))
        });
        let index = open.unwrap_or_else(|| {
            self.end_message("completed");
            self.end_thought();
            let ours = piece.reasoning.format.as_deref() == Some(reasoning::FORMAT);
            let id = piece.id.clone().filter(|_| ours).unwrap_or_else(|| self.id("rs"));
            let index = self.add(Item::Reasoning(Thought::new(id, piece)));
            self.thought = Some(index);
            index
        });
        let text = &piece.reasoning.text;
        let summary = piece.reasoning.form == ReasoningForm::Summary;
        if !text.is_empty()
            || (piece.reasoning.form != ReasoningForm::Opaque && piece.extra.contains_key("item"))
        {
            self.think(index, text, summary, &piece.extra);
        }
        if let Some(Item::Reasoning(thought)) = self.items.get_mut(index) {
            thought.seal(piece);
        }
    }

    fn think(&mut self, index: usize, text: &str, summary: bool, extra: &Extra) {
        let continues = self.in_part
            && matches!(self.items.get(index), Some(Item::Reasoning(thought)) if thought.in_summary == summary);
        if !continues {
            self.end_part();
        }
        let Some(Item::Reasoning(thought)) = self.items.get_mut(index) else { return };
        let (place, begins) = thought.think(text, summary, extra, !continues);
        self.in_part = true;
        let (added, delta, key) = if summary {
            (
                "response.reasoning_summary_part.added",
                "response.reasoning_summary_text.delta",
                "summary_index",
            )
        } else {
            ("response.content_part.added", "response.reasoning_text.delta", "content_index")
        };
        if begins {
            let word = if summary { "summary_text" } else { "reasoning_text" };
            self.emit(added, index, |_| json!({key: place, "part": {"type": word, "text": ""}}));
        }
        if !text.is_empty() {
            self.emit(delta, index, |_| json!({key: place, "delta": text}));
        }
    }

    fn end_thought_part(&mut self, index: usize) {
        let Some(Item::Reasoning(thought)) = self.items.get(index) else { return };
        let Some((place, text, part)) = thought.last() else { return };
        let (done, part_done, key) = if thought.in_summary {
            ("response.reasoning_summary_text.done", "response.reasoning_summary_part.done", "summary_index")
        } else {
            ("response.reasoning_text.done", "response.content_part.done", "content_index")
        };
        self.emit(done, index, |_| json!({key: place, "text": text}));
        self.emit(part_done, index, |_| json!({key: place, "part": part}));
    }

    pub(super) fn end_thought(&mut self) {
        if self.thought.is_none() {
            return;
        }
        self.end_part();
        if let Some(index) = self.thought.take() {
            self.emit("response.output_item.done", index, |item| json!({"item": item.value()}));
        }
    }
}
