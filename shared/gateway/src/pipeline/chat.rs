//! Conversations: the caller's bytes, what was seen of them, and, once a target needs it, what they mean.
//!
//! A target that speaks the caller's format gets the caller's bytes, with only what must differ changed; another gets
//! what they mean, told in its own.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use postern_wire::Dialect;
use postern_wire::chat::Request;
use postern_wire::dialect::openai_chat::RequestHead;
use postern_wire::dialect::{AnswerContext, DecodeError, Encoded, Framing, Target};
use postern_wire::provider::{Operation, Way};

use super::accept::{Call, Kind};
use super::exchange::{How, Remarks, Sending, Written, judge, not_spoken};
use super::reading::{Reading, Translator};
use super::resolve::{Leg, Plan};
use super::rest;
use crate::config::Provider;
use crate::error::{ErrorKind, GatewayError};

/// A conversation that is to be answered, or counted.
pub(super) struct Conversation<'a> {
    pub(super) call: &'a Call,
    pub(super) head: RequestHead,
    pub(super) body: &'a Bytes,
    /// Read for the first target of another format; the same for all.
    meaning: OnceLock<Result<Arc<Request>, DecodeError>>,
}

impl<'a> Conversation<'a> {
    /// Looks at what the body and the address say to the gateway.
    pub(super) fn read(call: &'a Call, body: &'a Bytes) -> Result<Self, DecodeError> {
        let mut head = match call.kind {
            Kind::Count => call.dialect.peek_count_request(body)?,
            _ => call.dialect.peek_request(body)?,
        };
        if let Some(address) = &call.address {
            head.model.clone_from(&address.model);
            head.stream = address.stream;
        }
        Ok(Self { call, head, body, meaning: OnceLock::new() })
    }

    /// The request, taken apart.
    ///
    /// # Errors
    /// Names the field that is missing or wrong, in the caller's words.
    pub(super) fn request(&self) -> Result<&Arc<Request>, GatewayError> {
        let meaning = self.meaning.get_or_init(|| {
            let dialect = self.call.dialect;
            let mut request = match self.call.kind {
                Kind::Count => dialect.decode_count_request(self.body)?,
                _ => dialect.decode_request(self.body)?,
            };
            if dialect.is_addressed() {
                request.model.clone_from(&self.head.model);
                request.stream = Some(self.head.stream);
            }
            Ok(Arc::new(request))
        });
        meaning.as_ref().map_err(|error| error.clone().into())
    }

    /// What a writer of the answer must know. `input_tokens` were counted before the answer.
    pub(super) fn context(&self, request: &Arc<Request>, input_tokens: Option<u64>) -> AnswerContext {
        AnswerContext {
            id: self.call.id.compact(),
            created: self.call.arrived.seconds(),
            model: self.head.model.clone(),
            include_usage: self.head.include_usage,
            input_tokens,
            request: self.call.dialect.repeats_request().then(|| Arc::clone(request)),
        }
    }

    /// How the caller tells the pieces of a stream apart.
    pub(super) fn framing(&self) -> Framing {
        self.call.address.as_ref().map_or(Framing::Events, |address| address.framing)
    }

    /// Writes the request for an answer.
    pub(super) fn write<'l>(
        &self,
        plan: &Plan,
        leg: &'l Leg,
        provider: &'l Provider,
    ) -> Result<Written<'l>, GatewayError> {
        if let Some(rest) = &provider.rest {
            return rest::converse(self, rest, leg, provider);
        }
        let caller = self.call.dialect;
        let stream = self.head.stream;
        let own = provider
            .way_in(caller, &leg.model)
            .filter(|way| way.dress.keeps_answers() && (self.framing() == Framing::Events || !stream));
        if let Some(way) = own {
            check_stream(stream, way, leg)?;
            let ask_usage = stream && provider.kind.stream_options && caller.asks_for_usage();
            let hide_usage = caller.asks_for_usage() && !self.head.include_usage;
            let may_flow = stream && !hide_usage;
            return Ok(Written {
                sending: Sending { may_flow, ..self.sending(way, leg) },
                body: caller.rewrite(&self.head, self.body, &leg.model, ask_usage),
                more: Vec::new(),
                how: How::Conversation(Box::new(self.reading(caller, None, hide_usage))),
                remarks: Remarks::default(),
            });
        }
        let way = provider.way_in(caller, &leg.model).or_else(|| provider.first_way(&leg.model));
        let way = way.ok_or_else(|| not_spoken(leg, provider, "conversations"))?;
        check_stream(stream, way, leg)?;
        let (encoded, translator) = self.translate(plan, leg, provider, way)?;
        Ok(Written {
            sending: self.sending(way, leg),
            body: encoded.body,
            more: Vec::new(),
            how: How::Conversation(Box::new(self.reading(way.dialect, Some(translator), false))),
            remarks: Remarks {
                translated: true,
                dropped: encoded.lost.into_iter().map(|loss| loss.field).collect(),
                lowered: encoded.lowered,
            },
        })
    }

    fn sending<'l>(&self, way: &'static Way, leg: &'l Leg) -> Sending<'l> {
        Sending {
            to: Operation::Answer { way, model: &leg.model },
            stream: self.head.stream,
            passed: if way.dialect == self.call.dialect { passed(way.dialect) } else { &[] },
            may_flow: false,
        }
    }

    fn reading(&self, dialect: Dialect, translator: Option<Translator>, hide_usage: bool) -> Reading {
        let RequestHead { stream, choices, .. } = self.head;
        Reading { dialect, translator, stream, hide_usage, choices }
    }

    /// Tells the request in the provider's format, or says which field it cannot take.
    fn translate(
        &self,
        plan: &Plan,
        leg: &Leg,
        provider: &Provider,
        way: &Way,
    ) -> Result<(Encoded, Translator), GatewayError> {
        let original = self.request()?;
        let caller = self.call.dialect;
        let foreign = way.dialect != caller;
        let mut request = Request::clone(original);
        let mut lost = Vec::new();
        if foreign {
            caller.check(&request)?;
            lost = caller.leave_extra(&mut request);
        }
        let stream = self.head.stream;
        request.stream = stream.then_some(true);
        request.include_usage =
            (stream && provider.kind.stream_options && way.dialect.asks_for_usage()).then_some(true);
        let limits = plan.snapshot.limits(&leg.provider, &leg.model);
        let target = Target { model: &leg.model, kind: provider.kind.kind, max_output: limits.max_output };
        let mut encoded = way.dialect.encode_request(&request, &target);
        encoded.lost.splice(0..0, lost);
        if foreign {
            // The caller finds in its request what is named as it wrote it.
            for field in encoded.lost.iter_mut().map(|loss| &mut loss.field).chain(&mut encoded.lowered) {
                *field = caller.field_name(original, field);
            }
        }
        judge(&encoded.lost, |_| false, leg, provider, way.dialect.name())?;
        let input_tokens = (stream && caller.begins_with_usage())
            .then(|| postern_tokens::count_request(&leg.model, original).tokens);
        let translator = Translator {
            to: caller,
            context: self.context(original, input_tokens),
            framing: self.framing(),
            foreign,
        };
        Ok((encoded, translator))
    }

    /// Writes the question how many tokens the prompt has, to a provider of the caller's format.
    pub(super) fn write_count<'l>(
        &self,
        leg: &'l Leg,
        provider: &Provider,
        way: &'static Way,
    ) -> Result<(Sending<'l>, Bytes), GatewayError> {
        let caller = self.call.dialect;
        let body = if caller.is_addressed() {
            // The body may name the model once more.
            let target = Target { model: &leg.model, kind: provider.kind.kind, max_output: None };
            caller.encode_count_request(self.request()?, &target).body
        } else {
            caller.rewrite(&self.head, self.body, &leg.model, false)
        };
        let to = Operation::Count { way, model: &leg.model };
        Ok((Sending { passed: passed(caller), ..Sending::whole(to) }, body))
    }
}

/// Refuses a stream of a provider that gives whole answers only.
fn check_stream(stream: bool, way: &Way, leg: &Leg) -> Result<(), GatewayError> {
    if !stream || !way.stream_path.is_empty() {
        return Ok(());
    }
    let Leg { provider, model, .. } = leg;
    let text = format!("stream: {provider}/{model} gives whole answers only; leave it out");
    Err(GatewayError::new(ErrorKind::InvalidRequest, text).at("stream"))
}

/// Headers of a caller's that its dialect defines: they pass to a provider that speaks it.
///
/// Not `idempotency-key`: tenants share the provider's account, and one could be given another's answer by it.
const fn passed(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Anthropic => &["anthropic-version", "anthropic-beta"],
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::OpenAiCompletions => &["openai-beta"],
        Dialect::Gemini | Dialect::Bedrock | Dialect::Cohere => &[],
    }
}
