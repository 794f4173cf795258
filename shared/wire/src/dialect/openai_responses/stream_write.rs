//! Streams of typed events, written.

use std::sync::Arc;

use bytes::BytesMut;
use serde_json::{Map, Value};

use super::error;
use super::output::Output;
use super::response_write::{Facts, Status, begin, complete, id_base};
use super::usage::encode_usage;
use crate::Usage;
use crate::chat::{ChoiceDelta, Delta, Extra, FinishReason, Request, Start};
use crate::dialect::AnswerContext;
use crate::dialect::fields::put;
use crate::fault::Fault;
use crate::json;
use crate::sse;

/// Writes a stream: the beginning, each item with its parts, and the answer as a whole at the end.
pub struct StreamEncoder {
    context: AnswerContext,
    start: Start,
    output: Output,
    begun: bool,
    number: u64,
    finish: Option<FinishReason>,
    usage: Option<(Usage, Option<Value>)>,
    extra: Extra,
}

impl StreamEncoder {
    /// An encoder at the beginning of a stream.
    #[must_use]
    pub fn new(context: AnswerContext) -> Self {
        let output = Output::new(&id_base(&context.id), true);
        Self {
            context,
            start: Start::default(),
            output,
            begun: false,
            number: 0,
            finish: None,
            usage: None,
            extra: Extra::new(),
        }
    }

    /// An encoder for the end of a stream that somebody else has begun, as `start` says; its next event has this number.
    pub(in crate::dialect) fn continuing(start: &Start, number: u64) -> Self {
        let context = AnswerContext {
            created: start.created.unwrap_or_default(),
            model: start.model.clone().unwrap_or_default(),
            ..AnswerContext::default()
        };
        Self { start: start.clone(), number, begun: true, ..Self::new(context) }
    }

    fn event(&mut self, kind: &str, fields: Map<String, Value>, out: &mut BytesMut) {
        let mut map = Map::new();
        put(&mut map, "type", kind);
        put(&mut map, "sequence_number", self.number);
        map.extend(fields);
        self.number += 1;
        sse::write_event(out, Some(kind), &json::to_bytes(&Value::Object(map)));
    }

    fn drain(&mut self, out: &mut BytesMut) {
        for (kind, fields) in self.output.take_events() {
            self.event(kind, fields, out);
        }
    }

    fn response(&self, status: &Status<'_>) -> Map<String, Value> {
        let facts = Facts {
            // An answer that OpenAI keeps is known there by its own id only.
            id: self.start.id.as_deref().filter(|id| id.starts_with("resp_")),
            service_tier: self.start.service_tier.as_deref(),
            ..Facts::default()
        };
        let mut map = begin(&facts, &self.context);
        status.put(&mut map, &self.extra);
        map
    }

    /// Says that the answer begins, once.
    fn begin(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        for kind in ["response.created", "response.in_progress"] {
            let mut response = self.response(&Status::IN_PROGRESS);
            complete(&mut response, self.request().as_deref());
            self.whole(kind, response, out);
        }
    }

    fn request(&self) -> Option<Arc<Request>> {
        self.context.request.clone()
    }

    fn whole(&mut self, kind: &str, response: Map<String, Value>, out: &mut BytesMut) {
        let mut fields = Map::new();
        put(&mut fields, "response", response);
        self.event(kind, fields, out);
    }

    /// The answer as a whole, with what was asked for.
    fn close(&mut self, mut response: Map<String, Value>) -> Map<String, Value> {
        put(&mut response, "output", self.output.values());
        if let Some((usage, vendor)) = self.usage.take() {
            put(&mut response, "usage", vendor.unwrap_or_else(|| encode_usage(&usage)));
        }
        let extra = std::mem::take(&mut self.extra);
        super::mark::merge(&mut response, &extra);
        complete(&mut response, self.request().as_deref());
        response
    }
}

impl crate::dialect::StreamEncoder for StreamEncoder {
    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        match delta {
            Delta::Start(start) => {
                for (mine, theirs) in
                    [(&mut self.start.id, &start.id), (&mut self.start.service_tier, &start.service_tier)]
                {
                    if theirs.is_some() {
                        mine.clone_from(theirs);
                    }
                }
                self.begin(out);
            }
            Delta::Choice { index: 0, delta } => {
                self.begin(out);
                if let ChoiceDelta::Finish { reason, .. } = delta {
                    self.finish = Some(reason.clone());
                }
                self.output.push(delta);
                self.drain(out);
            }
            // The format has one answer; a request in it cannot ask for more.
            Delta::Choice { .. } => {}
            Delta::Usage { usage, vendor } => self.usage = Some((*usage, vendor.as_deref().cloned())),
            Delta::Extra(extra) => self.extra.extend(extra.clone()),
        }
    }

    fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        self.begin(out);
        let error = error::fields(fault);
        // The reference has the fields beside the type; OpenAI sends them, and its SDKs look for them, in an object.
        let mut event = Map::new();
        for name in ["code", "message", "param"] {
            put(&mut event, name, error.get(name).cloned().unwrap_or_default());
        }
        put(&mut event, "error", error.clone());
        self.event("error", event, out);
        self.output.finish(true);
        let _unsaid = self.output.take_events();
        let mut response = self.response(&Status::FAILED);
        // The code of a failed answer is one of OpenAI's own words.
        let code = error.get("code").and_then(Value::as_str).filter(|code| !code.starts_with("upstream_"));
        let mut short = Map::new();
        put(&mut short, "code", code.unwrap_or("server_error"));
        put(&mut short, "message", fault.message.clone());
        put(&mut response, "error", short);
        let response = self.close(response);
        self.whole("response.failed", response, out);
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.begin(out);
        let finish = self.finish.take();
        let status = Status::of(finish.as_ref(), self.output.has_refusal());
        let (incomplete, kind) = match status.word {
            "incomplete" => (true, "response.incomplete"),
            _ => (false, "response.completed"),
        };
        self.output.finish(incomplete);
        self.drain(out);
        let response = self.response(&status);
        let response = self.close(response);
        self.whole(kind, response, out);
    }
}
