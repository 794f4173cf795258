//! Streams of `text_completion` events, written.

use std::collections::BTreeMap;

use bytes::BytesMut;
use serde_json::{Map, Value};

use super::logprobs;
use super::response::{OBJECT, answer_id, encode_finish, words};
use crate::Usage;
use crate::chat::{ChoiceDelta, Delta, Extra};
use crate::dialect::AnswerContext;
use crate::dialect::fields::{merge, put, put_some};
use crate::dialect::openai_chat::{encode_fault, encode_usage};
use crate::fault::Fault;
use crate::json;
use crate::sse;

/// Writes a stream.
pub struct StreamEncoder {
    context: AnswerContext,
    system_fingerprint: Option<String>,
    usage: Option<(Usage, Option<Value>)>,
    /// Characters whose probabilities were told, by choice.
    offsets: BTreeMap<u32, u64>,
}

impl StreamEncoder {
    /// An encoder at the beginning of a stream.
    #[must_use]
    pub const fn new(context: AnswerContext) -> Self {
        Self { context, system_fingerprint: None, usage: None, offsets: BTreeMap::new() }
    }

    fn event(&self, choices: Vec<Value>, usage: Option<Value>, extra: Option<&Extra>, out: &mut BytesMut) {
        let mut map = Map::new();
        put(&mut map, "id", answer_id(&self.context));
        put(&mut map, "object", OBJECT);
        put(&mut map, "created", self.context.created);
        put(&mut map, "model", self.context.model.clone());
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

    fn choice(&self, index: u32, text: &str, beside: Map<String, Value>, out: &mut BytesMut) {
        let mut choice = Map::new();
        put(&mut choice, "index", index);
        put(&mut choice, "text", text);
        put(&mut choice, "logprobs", Value::Null);
        put(&mut choice, "finish_reason", Value::Null);
        choice.extend(beside);
        self.event(vec![Value::Object(choice)], None, None, out);
    }
}

impl crate::dialect::StreamEncoder for StreamEncoder {
    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        match delta {
            Delta::Start(start) => {
                if start.system_fingerprint.is_some() {
                    self.system_fingerprint.clone_from(&start.system_fingerprint);
                }
            }
            Delta::Usage { usage, vendor } => self.usage = Some((*usage, vendor.as_deref().cloned())),
            Delta::Extra(extra) => self.event(Vec::new(), None, Some(extra), out),
            Delta::Choice { index, delta } => match delta {
                ChoiceDelta::Text(text) | ChoiceDelta::Refusal(text) => {
                    self.choice(*index, text, Map::new(), out);
                }
                ChoiceDelta::Audio(piece) => {
                    if let Some(text) = &piece.audio.transcript {
                        self.choice(*index, text, Map::new(), out);
                    }
                }
                ChoiceDelta::Part(part) => {
                    if let Some(text) = words(part) {
                        self.choice(*index, text, Map::new(), out);
                    }
                }
                ChoiceDelta::Logprobs(logprobs) => {
                    let offset = self.offsets.entry(*index).or_default();
                    let mut beside = Map::new();
                    put(&mut beside, "logprobs", logprobs::encode(logprobs, *offset));
                    let told =
                        logprobs.content.iter().flatten().map(|token| token.token.chars().count() as u64);
                    *offset = offset.saturating_add(told.sum());
                    self.choice(*index, "", beside, out);
                }
                ChoiceDelta::Extra(extra) => self.choice(*index, "", extra.clone(), out),
                ChoiceDelta::Finish { reason, .. } => {
                    let mut beside = Map::new();
                    put(&mut beside, "finish_reason", encode_finish(reason));
                    self.choice(*index, "", beside, out);
                }
                // The format has text only.
                ChoiceDelta::Role(_)
                | ChoiceDelta::Reasoning(_)
                | ChoiceDelta::ToolCall(_)
                | ChoiceDelta::ToolArguments { .. }
                | ChoiceDelta::Annotation(_)
                | ChoiceDelta::Filters(_)
                | ChoiceDelta::PartEnd
                | ChoiceDelta::MessageExtra(_) => {}
            },
        }
    }

    fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        sse::write_event(out, None, &encode_fault(fault));
    }

    fn end(&mut self, out: &mut BytesMut) {
        if self.context.include_usage
            && let Some((usage, vendor)) = self.usage.take()
        {
            let usage = vendor.unwrap_or_else(|| encode_usage(&usage));
            self.event(Vec::new(), Some(usage), None, out);
        }
        sse::write_event(out, None, b"[DONE]");
    }
}
