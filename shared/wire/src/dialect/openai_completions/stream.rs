//! Streams of `text_completion` events, read.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value};

use super::logprobs;
use super::response::take_finish;
use crate::chat::{ChoiceDelta, Delta, Extra, Role, Start};
use crate::dialect::StreamError;
use crate::dialect::events::{self, EventReader};
use crate::dialect::fields::{self, Path};
use crate::dialect::openai_chat::{find_fault, known_usage};
use crate::sse;

/// Largest event of a stream, in bytes.
const MAX_EVENT: usize = 8 * 1024 * 1024;

/// Reads a stream.
pub struct StreamDecoder {
    events: sse::Decoder,
    ready: VecDeque<Delta>,
    begun: bool,
    extra: Extra,
    /// The choices so far, and whether each has ended.
    choices: BTreeMap<u32, bool>,
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
            extra: Extra::new(),
            choices: BTreeMap::new(),
            done: false,
        }
    }

    /// What is said of the whole answer; each event repeats it.
    fn start(&mut self, map: &mut Map<String, Value>) {
        fields::take_if(map, "object", |object| object == super::response::OBJECT);
        let start = Start {
            id: fields::try_string(map, "id"),
            model: fields::try_string(map, "model"),
            created: fields::try_whole(map, "created"),
            service_tier: fields::try_string(map, "service_tier"),
            system_fingerprint: fields::try_string(map, "system_fingerprint"),
        };
        if !std::mem::replace(&mut self.begun, true) {
            self.ready.push_back(Delta::Start(Box::new(start)));
        }
    }

    fn choice(&mut self, mut map: Map<String, Value>, position: usize) {
        let index = fields::try_whole(&mut map, "index").and_then(|index| u32::try_from(index).ok());
        let index = index.unwrap_or(u32::try_from(position).unwrap_or(u32::MAX));
        let mut push = |delta| self.ready.push_back(Delta::of(index, delta));
        let ended = self.choices.entry(index).or_insert_with(|| {
            push(ChoiceDelta::Role(Role::Assistant));
            false
        });
        if let Some(text) = fields::try_string(&mut map, "text").filter(|text| !text.is_empty()) {
            push(ChoiceDelta::Text(text));
        }
        if let Some(logprobs) = logprobs::take(&mut map) {
            push(ChoiceDelta::Logprobs(Box::new(logprobs)));
        }
        let finish = take_finish(&mut map);
        map.retain(|_, value| !value.is_null() && *value != "");
        if !map.is_empty() {
            push(ChoiceDelta::Extra(map));
        }
        if let Some(reason) = finish
            && !std::mem::replace(ended, true)
        {
            push(ChoiceDelta::Finish { reason, stop_sequence: None });
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

    fn read_event(&mut self, _name: Option<&[u8]>, data: &[u8]) -> Result<(), StreamError> {
        let data = data.trim_ascii();
        self.done |= data == b"[DONE]";
        // Nothing counts after `[DONE]`.
        if self.done || data.is_empty() {
            return Ok(());
        }
        let value = events::parse(data)?;
        if let Some(fault) = find_fault(&value) {
            return Err(StreamError::Fault(fault));
        }
        let mut map = fields::into_object(&Path::Root, value)?;
        self.start(&mut map);
        let at = Path::Field(&Path::Root, "choices");
        let choices = fields::array(&mut map, &Path::Root, "choices")?.unwrap_or_default();
        for (position, value) in choices.into_iter().enumerate() {
            self.choice(fields::into_object(&Path::Item(&at, position), value)?, position);
        }
        if let Some(vendor) = fields::try_object(&mut map, "usage").map(Value::Object)
            && let Some(usage) = known_usage(&vendor)
        {
            self.ready.push_back(Delta::Usage { usage, vendor: Some(Box::new(vendor)) });
        }
        map.retain(|name, value| !value.is_null() && self.extra.get(name) != Some(&*value));
        if !map.is_empty() {
            self.extra.extend(map.clone());
            self.ready.push_back(Delta::Extra(map));
        }
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.done
    }

    /// Whether all that the stream promised has come: `[DONE]`, or an end for each choice that began.
    fn is_complete(&self) -> bool {
        self.done || (!self.choices.is_empty() && self.choices.values().all(|ended| *ended))
    }
}
