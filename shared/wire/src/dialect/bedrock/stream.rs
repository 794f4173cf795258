//! Streams of ConverseStream, read.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::response::{decode_finish, keep_word, take_stop_sequence, take_tier};
use super::usage::known_usage;
use super::{block, citation, error, reasoning};
use crate::chat::{
    Annotation, ChoiceDelta, Delta, Extra, Reasoning, ReasoningDelta, ReasoningSpelling, Role, Start,
    ToolCallDelta, ToolKind,
};
use crate::dialect::events;
use crate::dialect::fields::{self, Path};
use crate::dialect::{DecodeError, StreamError, carried};
use crate::event_stream::{Decoder, FrameError, Message};

/// Largest message of a stream, in bytes: the limit of AWS's own clients.
pub(super) const MAX_MESSAGE: usize = 24 * 1024 * 1024;
/// Most of the blocks of one answer that may be open at once.
const MAX_OPEN: usize = 1_024;

/// Reads a stream.
#[derive(Debug)]
pub struct StreamDecoder {
    frames: Decoder,
    ready: VecDeque<Delta>,
    open: Vec<Block>,
    calls: u32,
    begun: bool,
    done: bool,
}

/// A block that has begun.
#[derive(Debug)]
struct Block {
    index: u64,
    /// The number of the tool call that it is.
    call: Option<u32>,
    /// Whether the call has said arguments.
    has_arguments: bool,
    /// Whether it has said text, to which its citations belong.
    has_text: bool,
    /// Citations that came before their text.
    citations: Vec<Annotation>,
    /// A block that is told whole: its kind, its object so far, and the pieces of its input.
    whole: Option<(&'static str, Map<String, Value>, String)>,
}

/// What a message is.
pub(super) enum Kind<'a> {
    /// An event, by its name.
    Event(&'a str),
}

/// What a message of an event stream is; exceptions and errors are failures.
pub(super) fn kind(message: &Message) -> Result<Kind<'_>, StreamError> {
    match message.text(":message-type") {
        Some("exception") => {
            let name = message.text(":exception-type").unwrap_or_default();
            Err(StreamError::Fault(error::stream_fault(name, &message.payload)))
        }
        Some("error") => {
            let name = message.text(":error-code").unwrap_or_default();
            let text = message.text(":error-message").unwrap_or_default();
            Err(StreamError::Fault(error::stream_fault(
                name,
                json!({"message": text}).to_string().as_bytes(),
            )))
        }
        _ => Ok(Kind::Event(message.text(":event-type").unwrap_or_default())),
    }
}

pub(super) fn unreadable(error: FrameError) -> StreamError {
    DecodeError::at("", error.to_string()).into()
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
            frames: Decoder::new(MAX_MESSAGE),
            ready: VecDeque::new(),
            open: Vec::new(),
            calls: 0,
            begun: false,
            done: false,
        }
    }

    fn say(&mut self, delta: ChoiceDelta) {
        self.ready.push_back(Delta::of(0, delta));
    }

    fn event(&mut self, name: &str, payload: &[u8]) -> Result<(), StreamError> {
        const KNOWN: [&str; 6] = [
            "messageStart",
            "contentBlockStart",
            "contentBlockDelta",
            "contentBlockStop",
            "messageStop",
            "metadata",
        ];
        if !KNOWN.contains(&name) {
            return Ok(());
        }
        let value = events::parse(payload)?;
        let mut map = fields::into_object(&Path::Root, value)?;
        // Padding, so that the length of an event tells nothing.
        map.remove("p");
        if !self.begun {
            self.begun = true;
            self.ready.push_back(Delta::Start(Box::default()));
            self.say(ChoiceDelta::Role(Role::Assistant));
        }
        match name {
            "contentBlockStart" => self.block_start(&mut map)?,
            "contentBlockDelta" => self.block_delta(&mut map)?,
            "contentBlockStop" => {
                if let Some(index) = fields::try_whole(&mut map, "contentBlockIndex") {
                    self.block_stop(index);
                }
            }
            "messageStop" => self.message_stop(map),
            "metadata" => self.metadata(map),
            _ => {}
        }
        Ok(())
    }

    /// The block of a number, begun if it is not.
    fn block(&mut self, map: &mut Map<String, Value>) -> Result<&mut Block, DecodeError> {
        let index = fields::try_whole(map, "contentBlockIndex")
            .ok_or_else(|| DecodeError::at("contentBlockIndex", "required: a whole number"))?;
        let known = self.open.iter().position(|block| block.index == index);
        let place = match known {
            Some(place) => place,
            None if self.open.len() >= MAX_OPEN => {
                return Err(DecodeError::at("contentBlockIndex", "too many blocks are open at once"));
            }
            None => {
                let citations = Vec::new();
                let (has_text, has_arguments) = (false, false);
                self.open.push(Block { index, call: None, has_arguments, has_text, citations, whole: None });
                self.open.len() - 1
            }
        };
        self.open.get_mut(place).ok_or_else(|| DecodeError::at("contentBlockIndex", "no such block"))
    }

    fn block_start(&mut self, map: &mut Map<String, Value>) -> Result<(), DecodeError> {
        let mut start = fields::try_object(map, "start").unwrap_or_default();
        let number = self.calls;
        let block = self.block(map)?;
        if let Some(mut head) = fields::try_object(&mut start, "toolUse") {
            if head.get("type").is_some_and(|kind| kind == "server_tool_use") {
                block.whole = Some(("toolUse", head, String::new()));
                return Ok(());
            }
            block.call = Some(number);
            let (id, signature) = match fields::try_string(&mut head, "toolUseId") {
                Some(id) => (Some(carried::open(&id).0), carried::open(&id).1),
                None => (None, None),
            };
            let name = fields::try_string(&mut head, "name").unwrap_or_default();
            let mut extra = Extra::new();
            fields::put_back(&mut extra, "toolUse", head);
            let head = ToolCallDelta { call: number, id, name, kind: ToolKind::Function, signature, extra };
            self.calls = number.saturating_add(1);
            self.say(ChoiceDelta::ToolCall(Box::new(head)));
            return Ok(());
        }
        for kind in ["toolResult", "image"] {
            if let Some(head) = fields::try_object(&mut start, kind) {
                block.whole = Some((kind, head, String::new()));
                return Ok(());
            }
        }
        Ok(())
    }

    fn block_delta(&mut self, map: &mut Map<String, Value>) -> Result<(), DecodeError> {
        let mut delta = fields::try_object(map, "delta").unwrap_or_default();
        let block = self.block(map)?;
        let mut said = Vec::new();
        if let Some((kind, object, input)) = &mut block.whole {
            grow(kind, object, input, &mut delta);
            return Ok(());
        }
        if let Some(text) = fields::try_string(&mut delta, "text") {
            block.has_text |= !text.is_empty();
            if !text.is_empty() {
                said.push(ChoiceDelta::Text(text));
                said.extend(block.citations.drain(..).map(|each| ChoiceDelta::Annotation(Box::new(each))));
            }
        }
        if let Some(citation) = fields::try_object(&mut delta, "citation") {
            let annotation = citation::decode(citation);
            if block.has_text {
                said.push(ChoiceDelta::Annotation(Box::new(annotation)));
            } else {
                block.citations.push(annotation);
            }
        }
        if let Some(mut tool) = fields::try_object(&mut delta, "toolUse")
            && let Some(text) = fields::try_string(&mut tool, "input").filter(|text| !text.is_empty())
            && let Some(call) = block.call
        {
            block.has_arguments = true;
            said.push(ChoiceDelta::ToolArguments { call, text });
        }
        if let Some(inner) = fields::try_object(&mut delta, "reasoningContent") {
            said.push(ChoiceDelta::Reasoning(Box::new(reasoning_piece(block.index, inner))));
        }
        said.into_iter().for_each(|delta| self.say(delta));
        Ok(())
    }

    fn block_stop(&mut self, index: u64) {
        let Some(place) = self.open.iter().position(|block| block.index == index) else { return };
        let block = self.open.swap_remove(place);
        self.close(block);
    }

    fn close(&mut self, block: Block) {
        for citation in block.citations {
            self.say(ChoiceDelta::Annotation(Box::new(citation)));
        }
        if let Some((kind, mut object, input)) = block.whole {
            if kind == "toolUse" {
                let input = serde_json::from_str(&input).unwrap_or(Value::String(input));
                object.insert("input".to_owned(), input);
            }
            if let Ok(part) = block::decode_block(json!({kind: object}), &Path::Root, true) {
                self.say(ChoiceDelta::Part(Box::new(part)));
            }
        }
        // Without a piece of input it is what the whole answer has there: an empty object.
        if let Some(call) = block.call.filter(|_| !block.has_arguments) {
            self.say(ChoiceDelta::ToolArguments { call, text: "{}".to_owned() });
        }
        self.say(ChoiceDelta::PartEnd);
    }

    fn message_stop(&mut self, mut map: Map<String, Value>) {
        for block in std::mem::take(&mut self.open) {
            self.close(block);
        }
        let word = fields::try_string(&mut map, "stopReason").unwrap_or_else(|| "end_turn".to_owned());
        let reason = decode_finish(&word);
        let stop_sequence = take_stop_sequence(&mut map);
        keep_word(&mut map, &reason, word);
        if !map.is_empty() {
            self.say(ChoiceDelta::Extra(map));
        }
        self.say(ChoiceDelta::Finish { reason, stop_sequence });
        self.done = true;
    }

    fn metadata(&mut self, mut map: Map<String, Value>) {
        if let Some(vendor) = fields::take_if(&mut map, "usage", Value::is_object)
            && let Some(usage) = known_usage(&vendor)
        {
            self.ready.push_back(Delta::Usage { usage, vendor: Some(Box::new(vendor)) });
        }
        if let Some(tier) = take_tier(&mut map) {
            let start = Start { service_tier: Some(tier), ..Start::default() };
            self.ready.push_back(Delta::Start(Box::new(start)));
        }
        if !map.is_empty() {
            self.ready.push_back(Delta::Extra(map));
        }
    }
}

/// Adds a piece to a block that is told whole.
fn grow(kind: &str, object: &mut Map<String, Value>, input: &mut String, delta: &mut Map<String, Value>) {
    match kind {
        "toolUse" => {
            let piece = delta.get("toolUse").and_then(|tool| tool.get("input")?.as_str());
            input.push_str(piece.unwrap_or_default());
        }
        "toolResult" => {
            let pieces = fields::try_array(delta, "toolResult").unwrap_or_default();
            match object.get_mut("content") {
                Some(Value::Array(content)) => content.extend(pieces),
                _ => fields::put(object, "content", pieces),
            }
        }
        _ => {
            let piece = delta.get("image").and_then(|image| image.get("source")?.get("bytes")?.as_str());
            let Some(piece) = piece else { return };
            let before = object.get("source").and_then(|source| source.get("bytes")?.as_str());
            // Each piece is base64 of its own: they join as bytes.
            let joined = before.and_then(|before| {
                let mut bytes = STANDARD.decode(before).ok()?;
                bytes.extend(STANDARD.decode(piece).ok()?);
                Some(STANDARD.encode(bytes))
            });
            let joined = joined.unwrap_or_else(|| piece.to_owned());
            fields::put(object, "source", json!({"bytes": joined}));
        }
    }
}

fn reasoning_piece(index: u64, mut inner: Map<String, Value>) -> ReasoningDelta {
    let piece = ReasoningDelta { index: Some(index), ..ReasoningDelta::default() };
    if let Some(data) = fields::try_string(&mut inner, "redactedContent") {
        return ReasoningDelta { reasoning: reasoning::unseal(data), ..piece };
    }
    let text = fields::try_string(&mut inner, "text").unwrap_or_default();
    let signature = fields::try_string(&mut inner, "signature");
    let format = signature.is_some().then(|| super::CLAUDE.to_owned());
    let reasoning = Reasoning { format, ..Reasoning::piece(text, ReasoningSpelling::Auto) };
    let mut extra = Extra::new();
    fields::put_back(&mut extra, "reasoningContent", inner);
    ReasoningDelta { reasoning, signature, extra, ..piece }
}

impl crate::dialect::StreamDecoder for StreamDecoder {
    fn push(&mut self, chunk: Bytes) {
        self.frames.push(&chunk);
    }

    fn next(&mut self) -> Result<Option<Delta>, StreamError> {
        loop {
            if let Some(delta) = self.ready.pop_front() {
                return Ok(Some(delta));
            }
            let Some(message) = self.frames.next().map_err(unreadable)? else { return Ok(None) };
            let Kind::Event(name) = kind(&message)?;
            self.event(name, &message.payload)?;
        }
    }

    fn end(&mut self) -> Result<(), StreamError> {
        if self.done && self.frames.is_empty() { Ok(()) } else { Err(StreamError::cut()) }
    }
}
