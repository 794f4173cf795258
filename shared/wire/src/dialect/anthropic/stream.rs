//! Streams, read: `message_start`, blocks that begin, grow and end, `message_delta`, `message_stop`
//! (<https://platform.claude.com/docs/en/build-with-claude/streaming>).

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::answer::decode_finish;
use super::response::service_tier;
use super::usage::known_usage;
use super::{REASONING_FORMAT, citation, error, part, reasoning};
use crate::chat::{
    Annotation, ChoiceDelta, Content, Delta, Extra, Part, Reasoning, ReasoningDelta, ReasoningSpelling, Role,
    Start, ToolCall, ToolCallDelta,
};
use crate::dialect::events::{self, EventReader};
use crate::dialect::fields::{self, Path};
use crate::dialect::{DecodeError, StreamError};
use crate::fault::{Fault, FaultKind};
use crate::sse;

/// Largest event of a stream, in bytes. The largest known hold what a search found.
const MAX_EVENT: usize = 32 * 1024 * 1024;

/// Reads a stream.
pub struct StreamDecoder {
    events: sse::Decoder,
    ready: VecDeque<Delta>,
    blocks: Vec<Block>,
    calls: u32,
    begun: bool,
    /// The vendor's counts: those of the start, with what later events say in their place.
    usage: Extra,
    finished: bool,
    done: bool,
}

/// A block that has begun and not ended.
struct Block {
    index: u64,
    kind: Kind,
}

enum Kind {
    Text {
        /// In characters.
        length: u64,
        said: bool,
        /// Told when the text is there: a source is for the whole block.
        citations: Vec<Value>,
    },
    Thinking {
        said: bool,
    },
    Call {
        number: u32,
        /// What the beginning said: it counts if nothing follows.
        input: String,
        said: bool,
    },
    /// A block that is told whole when it ends, and the JSON of its `input` so far.
    Whole {
        map: Map<String, Value>,
        input: String,
    },
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
            blocks: Vec::new(),
            calls: 0,
            begun: false,
            usage: Extra::new(),
            finished: false,
            done: false,
        }
    }

    fn push_choice(&mut self, delta: ChoiceDelta) {
        self.ready.push_back(Delta::of(0, delta));
    }

    fn start(&mut self, mut map: Map<String, Value>) {
        let mut message = fields::try_object(&mut map, "message").unwrap_or_default();
        for known in ["type", "role", "content", "stop_reason", "stop_sequence"] {
            message.remove(known);
        }
        let usage = fields::try_object(&mut message, "usage");
        self.ready.push_back(Delta::Start(Box::new(Start {
            id: fields::try_string(&mut message, "id"),
            model: fields::try_string(&mut message, "model"),
            service_tier: usage.as_ref().and_then(|usage| service_tier(&Value::Object(usage.clone()))),
            ..Start::default()
        })));
        self.begin();
        if let Some(usage) = usage {
            self.count(usage);
        }
        self.tell_extra(message);
    }

    fn begin(&mut self) {
        if !self.begun {
            self.begun = true;
            self.push_choice(ChoiceDelta::Role(Role::Assistant));
        }
    }

    /// Counts are told twice: what the end does not say stands as the start said it.
    fn count(&mut self, usage: Extra) {
        self.usage.extend(usage.into_iter().filter(|(_, value)| !value.is_null()));
        let vendor = Value::Object(self.usage.clone());
        if let Some(usage) = known_usage(&vendor) {
            self.ready.push_back(Delta::Usage { usage, vendor: Some(Box::new(vendor)) });
        }
    }

    /// Fields of the answer that are not typed.
    fn tell_extra(&mut self, map: Map<String, Value>) {
        let extra: Extra = map.into_iter().filter(|(_, value)| !value.is_null()).collect();
        if !extra.is_empty() {
            self.ready.push_back(Delta::Extra(extra));
        }
    }

    fn block_start(&mut self, mut map: Map<String, Value>) -> Result<(), DecodeError> {
        let index = fields::try_whole(&mut map, "index").unwrap_or(0);
        let path = Path::Field(&Path::Root, "content_block");
        let mut block =
            fields::try_object(&mut map, "content_block").ok_or_else(|| path.error("required: an object"))?;
        let name = fields::try_string(&mut block, "type")
            .ok_or_else(|| path.field_error("type", "required: a string"))?;
        self.begin();
        let kind = match name.as_str() {
            "text" => {
                let text = fields::try_string(&mut block, "text").unwrap_or_default();
                let citations = fields::try_array(&mut block, "citations").unwrap_or_default();
                Kind::Text { length: 0, said: false, citations }.with_text(text, &mut self.ready)
            }
            "thinking" => {
                let text = fields::try_string(&mut block, "thinking").unwrap_or_default();
                let signature = fields::try_string(&mut block, "signature").filter(|said| !said.is_empty());
                let said = !text.is_empty() || signature.is_some();
                if said {
                    self.push_choice(think(text, signature));
                }
                Kind::Thinking { said }
            }
            "tool_use" => self.call_start(block, &path)?,
            _ => {
                block.insert("type".to_owned(), name.into());
                Kind::Whole { map: block, input: String::new() }
            }
        };
        self.blocks.push(Block { index, kind });
        Ok(())
    }

    fn call_start(&mut self, mut block: Map<String, Value>, path: &Path<'_>) -> Result<Kind, DecodeError> {
        let number = self.calls;
        let input = match fields::take(&mut block, "input") {
            Some(input @ Value::Object(_)) => input.to_string(),
            Some(Value::String(text)) if !text.is_empty() => text,
            _ => "{}".to_owned(),
        };
        block.insert("type".to_owned(), "tool_use".into());
        let Part { content, signature, mut extra, .. } =
            part::decode_block(Value::Object(block), path, true)?;
        let Content::ToolCall(ToolCall { id, name, kind, .. }) = content else {
            return Ok(Kind::Whole { map: extra, input });
        };
        extra.retain(|_, value| !value.is_null());
        self.calls = self.calls.saturating_add(1);
        let head = ToolCallDelta { call: number, id, name, kind, signature, extra };
        self.push_choice(ChoiceDelta::ToolCall(Box::new(head)));
        Ok(Kind::Call { number, input, said: false })
    }

    fn block_delta(&mut self, mut map: Map<String, Value>) {
        let index = fields::try_whole(&mut map, "index").unwrap_or(0);
        let Some(mut delta) = fields::try_object(&mut map, "delta") else { return };
        let Some(name) = fields::try_string(&mut delta, "type") else { return };
        let mut text = |field: &str| fields::try_string(&mut delta, field).unwrap_or_default();
        if !self.blocks.iter().any(|block| block.index == index) {
            // Some servers begin no blocks.
            let kind = match name.as_str() {
                "text_delta" => Kind::Text { length: 0, said: false, citations: Vec::new() },
                "thinking_delta" => Kind::Thinking { said: false },
                _ => return,
            };
            self.begin();
            self.blocks.push(Block { index, kind });
        }
        let Some(block) = self.blocks.iter_mut().find(|block| block.index == index) else { return };
        let ready = &mut self.ready;
        let mut push = |delta| ready.push_back(Delta::of(0, delta));
        match (&mut block.kind, name.as_str()) {
            (Kind::Text { length, said, .. }, "text_delta") => {
                let text = text("text");
                if !text.is_empty() {
                    *length += citation::length_of(&text);
                    *said = true;
                    push(ChoiceDelta::Text(text));
                }
            }
            (Kind::Text { citations, .. }, "citations_delta") => {
                citations.extend(fields::take(&mut delta, "citation"));
            }
            (Kind::Thinking { said }, "thinking_delta") => {
                let text = text("thinking");
                if !text.is_empty() {
                    *said = true;
                    push(think(text, None));
                }
            }
            (Kind::Thinking { said }, "signature_delta") => {
                let signature = text("signature");
                if !signature.is_empty() {
                    *said = true;
                    push(think(String::new(), Some(signature)));
                }
            }
            (Kind::Call { number, said, .. }, "input_json_delta") => {
                let text = text("partial_json");
                if !text.is_empty() {
                    *said = true;
                    push(ChoiceDelta::ToolArguments { call: *number, text });
                }
            }
            (Kind::Whole { input, .. }, "input_json_delta") => input.push_str(&text("partial_json")),
            (Kind::Whole { map, .. }, _) => grow(map, delta),
            _ => {}
        }
    }

    fn block_stop(&mut self, kind: Kind) {
        match kind {
            Kind::Text { length, said, citations } => {
                if !said {
                    self.push_choice(ChoiceDelta::Text(String::new()));
                }
                let known = |value: &Value| citation::decode_citation(value, length);
                let annotations: Vec<Annotation> = citations.iter().filter_map(known).collect();
                for annotation in annotations {
                    self.push_choice(ChoiceDelta::Annotation(Box::new(annotation)));
                }
            }
            Kind::Thinking { said: false } => self.push_choice(think(String::new(), None)),
            Kind::Thinking { said: true } => {}
            Kind::Call { number, input, said } => {
                if !said {
                    self.push_choice(ChoiceDelta::ToolArguments { call: number, text: input });
                }
            }
            Kind::Whole { map, input } => self.tell_whole(map, &input),
        }
        self.push_choice(ChoiceDelta::PartEnd);
    }

    fn tell_whole(&mut self, mut map: Map<String, Value>, input: &str) {
        if !input.is_empty() {
            // Input that is no JSON is kept as the text that it is.
            let input = serde_json::from_str(input).unwrap_or_else(|_| Value::from(input));
            map.insert("input".to_owned(), input);
        }
        if map.get("type").is_some_and(|kind| kind == "redacted_thinking")
            && let Some(data) = fields::try_string(&mut map, "data")
        {
            map.remove("type");
            let piece = ReasoningDelta {
                reasoning: reasoning::redacted(data),
                extra: map,
                ..ReasoningDelta::default()
            };
            self.push_choice(ChoiceDelta::Reasoning(Box::new(piece)));
            return;
        }
        let Some(kind) = fields::try_string(&mut map, "type") else { return };
        let part = Part { extra: map, ..Part::new(Content::Other(kind)) };
        self.push_choice(ChoiceDelta::Part(Box::new(part)));
    }

    fn message_delta(&mut self, mut map: Map<String, Value>) {
        self.begin();
        let usage = fields::try_object(&mut map, "usage");
        let mut delta = fields::try_object(&mut map, "delta").unwrap_or_default();
        let word = fields::try_string(&mut delta, "stop_reason");
        let stop_sequence = fields::try_string(&mut delta, "stop_sequence");
        self.tell_extra(delta);
        self.tell_extra(map);
        if let Some(usage) = usage {
            self.count(usage);
        }
        if let Some(word) = word {
            self.finished = true;
            self.push_choice(ChoiceDelta::Finish { reason: decode_finish(&word), stop_sequence });
        }
    }
}

impl Kind {
    /// A text block that begins with some text.
    fn with_text(mut self, text: String, ready: &mut VecDeque<Delta>) -> Self {
        if let Self::Text { length, said, .. } = &mut self
            && !text.is_empty()
        {
            *length = citation::length_of(&text);
            *said = true;
            ready.push_back(Delta::text(text));
        }
        self
    }
}

fn think(text: String, signature: Option<String>) -> ChoiceDelta {
    // Without a signature it is not known to be Anthropic's.
    let format = signature.as_ref().map(|_| REASONING_FORMAT.to_owned());
    let reasoning = Reasoning { format, ..Reasoning::piece(text, ReasoningSpelling::Auto) };
    ChoiceDelta::Reasoning(Box::new(ReasoningDelta { reasoning, signature, ..ReasoningDelta::default() }))
}

/// Adds what a delta says to a block that is told whole: text is appended, the rest replaces what was there.
fn grow(map: &mut Map<String, Value>, delta: Map<String, Value>) {
    for (name, value) in delta {
        match (map.get_mut(&name), value) {
            (Some(Value::String(mine)), Value::String(more)) => mine.push_str(&more),
            (_, Value::Null) => {}
            (_, value) => {
                map.insert(name, value);
            }
        }
    }
}

impl EventReader for StreamDecoder {
    fn events(&mut self) -> &mut sse::Decoder {
        &mut self.events
    }

    fn ready(&mut self) -> &mut VecDeque<Delta> {
        &mut self.ready
    }

    fn read_event(&mut self, name: Option<&[u8]>, data: &[u8]) -> Result<(), StreamError> {
        let data = data.trim_ascii();
        // Nothing counts after the end; some servers close with OpenAI's word.
        if self.done || data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        let value = events::parse(data)?;
        if let Some(fault) = error::find_fault(&value) {
            return Err(StreamError::Fault(fault));
        }
        let mut map = fields::into_object(&Path::Root, value)?;
        let kind = fields::try_string(&mut map, "type");
        let kind = kind.or_else(|| String::from_utf8(name?.to_vec()).ok());
        match kind.as_deref() {
            Some("message_start") => self.start(map),
            Some("content_block_start") => self.block_start(map)?,
            Some("content_block_delta") => self.block_delta(map),
            Some("content_block_stop") => {
                let index = fields::try_whole(&mut map, "index").unwrap_or(0);
                if let Some(place) = self.blocks.iter().position(|block| block.index == index) {
                    let block = self.blocks.remove(place);
                    self.block_stop(block.kind);
                }
            }
            Some("message_delta") => self.message_delta(map),
            Some("message_stop") => self.done = true,
            Some("error") => {
                let fault =
                    Fault::new(FaultKind::ServerError, "the provider reported an error in the stream");
                return Err(StreamError::Fault(fault));
            }
            // `ping`, and what may be added.
            _ => {}
        }
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.done
    }

    /// Whether all that matters has come: the end, or why the answer ended.
    fn is_complete(&self) -> bool {
        self.done || self.finished
    }
}
