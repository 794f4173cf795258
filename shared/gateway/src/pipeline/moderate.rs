//! Moderation: whether texts and images are harmful, by category. All vendors that have it took OpenAI's format.

use bytes::Bytes;
use postern_wire::dialect::openai_chat::PeekFailure;
use postern_wire::dialect::openai_chat::peek::{RequestHead, peek_model};
use postern_wire::dialect::{DecodeError, Target};
use postern_wire::moderation::{Part, Request, Subject, decode_request, decode_response, encode_request};
use postern_wire::provider::Operation;
use postern_wire::{Dialect, Fault, FaultKind, Usage};

use super::accept::Call;
use super::attempt::WholeFacts;
use super::exchange::{Demo, How, Remarks, Sending, Tell, Told, Written, not_spoken};
use super::resolve::Leg;
use crate::config::Provider;
use crate::error::{ErrorKind, GatewayError};

/// The model of requests that name none: OpenAI's own choice. It can be configured as any other name.
const USUAL: &str = "omni-moderation-latest";

/// Texts and images to be looked at.
pub(super) struct Moderation<'a> {
    call: &'a Call,
    /// Where the body names the model, if it does.
    head: Option<RequestHead>,
    pub(super) body: &'a Bytes,
    request: Request,
}

impl<'a> Moderation<'a> {
    /// Reads the request in full: what is wrong with it is said before it costs a call.
    pub(super) fn read(call: &'a Call, body: &'a Bytes) -> Result<Self, DecodeError> {
        let request = decode_request(body)?;
        let head = if request.model.is_some() { Some(peek_model(body)?) } else { None };
        Ok(Self { call, head, body, request })
    }

    pub(super) fn model(&self) -> &str {
        self.request.model.as_deref().unwrap_or(USUAL)
    }

    /// Writes the request for one target.
    pub(super) fn write<'l>(&self, leg: &'l Leg, provider: &Provider) -> Result<Written<'l>, GatewayError> {
        let path = provider.moderations().ok_or_else(|| not_spoken(leg, provider, "moderation"))?;
        let body = match &self.head {
            Some(head) => head.rewrite(self.body, &leg.model, false),
            None => encode_request(&self.request, &Target::model(&leg.model)).body,
        };
        let reader = Reader {
            errors: provider.kind.errors(),
            caller: self.call.dialect,
            upstream: leg.model.clone(),
            subjects: match &self.request.input {
                Subject::Text(_) | Subject::Parts(_) => 1,
                Subject::Texts(texts) => texts.len(),
            },
            counted: count(&leg.model, &self.request),
        };
        let sending = Sending::whole(Operation::json(path, &leg.model));
        let how = How::Whole(Box::new(reader));
        Ok(Written { sending, body, more: Vec::new(), how, remarks: Remarks::default() })
    }

    /// The demo cannot judge, and an answer that finds nothing would be a lie.
    pub(super) fn demo(&self, _leg: &Leg) -> Result<Demo, GatewayError> {
        let text = "model: the demo cannot moderate; name a real model";
        Err(GatewayError::new(ErrorKind::InvalidRequest, text).at("model"))
    }
}

/// Looks at the answer, which passes as it is.
struct Reader {
    errors: Dialect,
    caller: Dialect,
    upstream: String,
    subjects: usize,
    counted: (Usage, bool),
}

impl Tell for Reader {
    fn errors(&self) -> Dialect {
        self.errors
    }

    fn errors_are_own(&self) -> bool {
        self.errors == self.caller
    }

    fn read(&mut self, body: &Bytes) -> Result<Option<Told>, PeekFailure> {
        let response = decode_response(body).map_err(|error| self.errors.fault_instead(body, error))?;
        // What was not looked at would pass as harmless.
        if response.results.len() != self.subjects {
            let (found, asked) = (response.results.len(), self.subjects);
            let text = format!("the answer of {} is about {found} inputs, not {asked}", self.upstream);
            return Err(PeekFailure::Fault(Fault::new(FaultKind::BadAnswer, text)));
        }
        let (usage, estimated) = match response.usage {
            Some(usage) => (usage, None),
            None => (self.counted.0, Some(self.counted.1)),
        };
        let facts =
            WholeFacts { model: response.model, usage: Some(usage), estimated, ..WholeFacts::default() };
        Ok(Some(Told { body: body.clone(), facts }))
    }
}

/// Tokens of a request by our own count, and whether it is an estimate: images are not counted.
fn count(model: &str, request: &Request) -> (Usage, bool) {
    let mut images = false;
    let texts: Vec<&str> = match &request.input {
        Subject::Text(text) => vec![text],
        Subject::Texts(texts) => texts.iter().map(String::as_str).collect(),
        Subject::Parts(parts) => parts
            .iter()
            .filter_map(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                Part::Image(_) => {
                    images = true;
                    None
                }
            })
            .collect(),
    };
    let (mut input, mut estimated) = (0_u64, images);
    for text in texts {
        let count = postern_tokens::count_text(model, text);
        input = input.saturating_add(count.tokens);
        estimated |= count.estimated;
    }
    (Usage { input, ..Usage::default() }, estimated)
}
