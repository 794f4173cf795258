//! Streams, read: server-sent events whose data say their type once more.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::response::{decode_finish, decode_token, keep_word};
use super::usage::known_usage;
use super::{PLAN, THINKING, citation, error, message};
use crate::chat::{
    ChoiceDelta, Delta, Extra, Logprobs, ReasoningDelta, Role, Start, ToolCallDelta, ToolKind,
};
use crate::dialect::events::{self, EventReader};
use crate::dialect::fields::{self, Path};
use crate::dialect::{StreamError, carried};
use crate::sse;

/// Largest event of a stream, in bytes.
const MAX_EVENT: usize = 32 * 1024 * 1024;

/// Reads a stream.
#[derive(Debug)]
pub struct StreamDecoder {
    events: sse::Decoder,
    ready: VecDeque<Delta>,
    /// Cohere's numbers of the calls so far.
    calls: Vec<u64>,
    /// Citations that are not of the text.
    citations: Vec<Value>,
    begun: bool,
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
            calls: Vec::new(),
            citations: Vec::new(),
            begun: false,
            done: false,
        }
    }

    fn say(&mut self, delta: ChoiceDelta) {
        self.ready.push_back(Delta::of(0, delta));
    }

    fn content(&mut self, index: Option<u64>, mut content: Map<String, Value>) {
        if let Some(text) = fields::try_string(&mut content, "text").filter(|text| !text.is_empty()) {
            self.say(ChoiceDelta::Text(text));
        }
        if let Some(text) = fields::try_string(&mut content, "thinking").filter(|text| !text.is_empty()) {
            let reasoning = message::reasoning(text, THINKING);
            self.say(ChoiceDelta::Reasoning(Box::new(ReasoningDelta {
                index,
                reasoning,
                ..Default::default()
            })));
        }
    }

    /// One item, or a list of them.
    fn logprobs(&mut self, value: Value) {
        let items = match value {
            Value::Array(items) => items,
            one => vec![one],
        };
        let tokens: Option<Vec<_>> = items.iter().map(decode_token).collect();
        if let Some(tokens) = tokens.filter(|tokens| !tokens.is_empty()) {
            let logprobs = Logprobs { content: Some(tokens), ..Logprobs::default() };
            self.say(ChoiceDelta::Logprobs(Box::new(logprobs)));
        }
    }

    fn call(&mut self, index: Option<u64>, mut call: Map<String, Value>) {
        let index = index.unwrap_or(0);
        let mut function = fields::try_object(&mut call, "function").unwrap_or_default();
        let text = fields::try_string(&mut function, "arguments").unwrap_or_default();
        let place = self.calls.iter().position(|known| *known == index);
        let number = place.unwrap_or(self.calls.len());
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        if place.is_none() {
            self.calls.push(index);
            fields::take_if(&mut call, "type", |kind| kind == "function");
            let id = fields::try_string(&mut call, "id").map(|id| carried::open(&id));
            let (id, signature) = id.map_or((None, None), |(id, signature)| (Some(id), signature));
            let name = fields::try_string(&mut function, "name").unwrap_or_default();
            let mut extra: Extra = call.into_iter().filter(|(_, value)| !value.is_null()).collect();
            fields::put_back(&mut extra, "function", function);
            let head = ToolCallDelta { call: number, id, name, kind: ToolKind::Function, signature, extra };
            self.say(ChoiceDelta::ToolCall(Box::new(head)));
        }
        if !text.is_empty() {
            self.say(ChoiceDelta::ToolArguments { call: number, text });
        }
    }

    fn citation(&mut self, value: Value) {
        let values = match value {
            Value::Array(values) => values,
            one => vec![one],
        };
        for value in values {
            match citation::decode(&value) {
                Some(annotation) => self.say(ChoiceDelta::Annotation(Box::new(annotation))),
                None => {
                    self.citations.push(value);
                    self.say(ChoiceDelta::MessageExtra(message::other_citations(&self.citations)));
                }
            }
        }
    }

    fn end_of_message(&mut self, mut delta: Map<String, Value>) -> Result<(), StreamError> {
        if let Some(vendor) = fields::take_if(&mut delta, "usage", Value::is_object)
            && let Some(usage) = known_usage(&vendor)
        {
            self.ready.push_back(Delta::Usage { usage, vendor: Some(Box::new(vendor)) });
        }
        if let Some(text) = fields::try_string(&mut delta, "error").filter(|text| !text.is_empty()) {
            return Err(StreamError::Fault(error::stream_fault(&text)));
        }
        let word = fields::try_string(&mut delta, "finish_reason").unwrap_or_else(|| "COMPLETE".to_owned());
        let reason = decode_finish(&word);
        let mut extra: Extra = delta.into_iter().filter(|(_, value)| !value.is_null()).collect();
        keep_word(&mut extra, &reason, word);
        if !extra.is_empty() {
            self.say(ChoiceDelta::Extra(extra));
        }
        self.say(ChoiceDelta::Finish { reason, stop_sequence: None });
        self.done = true;
        Ok(())
    }
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
        // Nothing counts after the end; `[DONE]` says nothing more.
        if self.done || data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        let value = events::parse(data)?;
        let mut map = fields::into_object(&Path::Root, value)?;
        let Some(kind) = fields::try_string(&mut map, "type") else {
            // An error may come as its bare body.
            if let Some(text) = map.get("message").and_then(Value::as_str) {
                return Err(StreamError::Fault(error::stream_fault(text)));
            }
            return Ok(());
        };
        if !self.begun {
            self.begun = true;
            let start = Start { id: fields::try_string(&mut map, "id"), ..Start::default() };
            self.ready.push_back(Delta::Start(Box::new(start)));
            self.say(ChoiceDelta::Role(Role::Assistant));
        }
        let mut delta = fields::try_object(&mut map, "delta").unwrap_or_default();
        let mut said = fields::try_object(&mut delta, "message").unwrap_or_default();
        let index = fields::try_whole(&mut map, "index");
        match kind.as_str() {
            "content-start" | "content-delta" => {
                let content = fields::try_object(&mut said, "content").unwrap_or_default();
                self.content(index, content);
                if let Some(logprobs) =
                    map.get("logprobs").or(delta.get("logprobs")).filter(|said| !said.is_null())
                {
                    self.logprobs(logprobs.clone());
                }
            }
            "content-end" => self.say(ChoiceDelta::PartEnd),
            "tool-plan-delta" => {
                if let Some(plan) = fields::try_string(&mut said, "tool_plan").filter(|plan| !plan.is_empty())
                {
                    let reasoning = message::reasoning(plan, PLAN);
                    self.say(ChoiceDelta::Reasoning(Box::new(ReasoningDelta {
                        reasoning,
                        ..Default::default()
                    })));
                }
            }
            "tool-call-start" | "tool-call-delta" => {
                let call = fields::try_object(&mut said, "tool_calls").unwrap_or_default();
                self.call(index, call);
            }
            "citation-start" => {
                if let Some(value) = said.remove("citations") {
                    self.citation(value);
                }
            }
            "message-end" => self.end_of_message(delta)?,
            _ => {}
        }
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.done
    }
}
