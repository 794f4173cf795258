//! Embeddings: texts in, vectors out.
//!
//! Where a provider takes less in one request than the caller gave, it is asked several times, one after the other, and
//! the answers become one. An input is never left out, whatever is configured: vectors are found by their place.

use std::sync::Arc;

use bytes::Bytes;
use postern_wire::dialect::openai_chat::PeekFailure;
use postern_wire::dialect::openai_chat::peek::{RequestHead, peek_model};
use postern_wire::dialect::{DecodeError, Loss, Target, Weight};
use postern_wire::embed::{AnswerContext, Format, Input, Request, Response};
use postern_wire::provider::{Operation, Service};
use postern_wire::{Dialect, Fault, FaultKind, Usage};

use super::accept::Call;
use super::attempt::WholeFacts;
use super::exchange::{Demo, How, Remarks, Sending, Tell, Told, UNKNOWN, Written, judge, not_spoken};
use super::resolve::Leg;
use super::toy;
use crate::config::Provider;
use crate::error::{ErrorKind, GatewayError};

/// The most requests to a provider for one of a caller: one after the other they take their time.
const MOST_CALLS: usize = 32;

/// Texts to be embedded.
pub(super) struct Embeddings<'a> {
    call: &'a Call,
    format: Format,
    /// Where the body names the model; `None` for formats whose address does.
    head: Option<RequestHead>,
    pub(super) body: &'a Bytes,
    request: Arc<Request>,
}

impl<'a> Embeddings<'a> {
    /// Reads the request in full: what is wrong with it is said before it costs a call.
    pub(super) fn read(call: &'a Call, format: Format, body: &'a Bytes) -> Result<Self, DecodeError> {
        let head = if format.is_addressed() { None } else { Some(peek_model(body)?) };
        let model = call.address.as_ref().map_or("", |address| &address.model);
        let request = Arc::new(format.decode_request(model, body)?);
        Ok(Self { call, format, head, body, request })
    }

    pub(super) fn model(&self) -> &str {
        &self.request.model
    }

    /// Writes the request for one target.
    pub(super) fn write<'l>(&self, leg: &'l Leg, provider: &Provider) -> Result<Written<'l>, GatewayError> {
        let ways = || provider.kind.embeddings(&leg.model);
        let own = ways().find(|way| way.format == self.format);
        let way = own.or_else(|| ways().next()).ok_or_else(|| not_spoken(leg, provider, "embeddings"))?;
        let sending = Sending::whole(Operation::json(way.path, &leg.model));
        let mut reader = Reader {
            from: way.format,
            to: self.format,
            errors: provider.kind.errors(),
            caller: self.call.dialect,
            translated: false,
            id: self.call.id.compact(),
            upstream: leg.model.clone(),
            request: Arc::clone(&self.request),
            parts: vec![self.request.inputs.len()],
            answers: Vec::new(),
        };
        if let Some(body) = self.untouched(way, leg) {
            let how = How::Whole(Box::new(reader));
            return Ok(Written { sending, body, more: Vec::new(), how, remarks: Remarks::default() });
        }
        let (bodies, parts, remarks) = self.translate(way, leg, provider)?;
        reader.translated = remarks.translated;
        reader.parts = parts;
        let mut bodies = bodies.into_iter();
        let body = bodies.next().unwrap_or_default();
        Ok(Written { sending, body, more: bodies.collect(), how: How::Whole(Box::new(reader)), remarks })
    }

    /// The caller's bytes with another name for the model, where the provider takes them.
    fn untouched(&self, way: &Service<Format>, leg: &Leg) -> Option<Bytes> {
        let fits = way.most.is_none_or(|most| self.request.inputs.len() <= most);
        if way.format != self.format || !way.exact || !fits {
            return None;
        }
        match &self.head {
            Some(head) => Some(head.rewrite(self.body, &leg.model, false)),
            // The body may name the model once more.
            None => {
                (leg.model == self.request.model || !self.request.names_model()).then(|| self.body.clone())
            }
        }
    }

    /// The bodies that say what the caller's says, and how many inputs each has.
    fn translate(
        &self,
        way: &Service<Format>,
        leg: &Leg,
        provider: &Provider,
    ) -> Result<(Vec<Bytes>, Vec<usize>, Remarks), GatewayError> {
        let foreign = way.format != self.format;
        let mut request = Request::clone(&self.request);
        let mut lost = Vec::new();
        if foreign {
            let unknown = request.leave_extra().into_iter();
            lost.extend(unknown.map(|field| Loss { field, reason: UNKNOWN.into(), weight: Weight::Hint }));
        }
        let most = way.most.unwrap_or(usize::MAX);
        if request.inputs.len().div_ceil(most) > MOST_CALLS {
            let text = format!(
                "input: {} inputs are too many for {}/{}, which takes {most} in one request and is asked {MOST_CALLS} times at most: send no more than {}",
                request.inputs.len(),
                leg.provider,
                leg.model,
                most.saturating_mul(MOST_CALLS)
            );
            return Err(GatewayError::new(ErrorKind::InvalidRequest, text).at("input"));
        }
        let target = Target { kind: provider.kind.kind, ..Target::model(&leg.model) };
        let (mut bodies, mut parts, mut lowered) = (Vec::new(), Vec::new(), Vec::new());
        let mut before = 0;
        for piece in request.chunks(most) {
            let encoded = way.format.encode_request(&piece, &target);
            bodies.push(encoded.body);
            parts.push(piece.inputs.len());
            let again = |loss: &Loss, lost: &[Loss]| lost.iter().any(|known| known.field == loss.field);
            for loss in encoded.lost {
                let loss = Loss { field: moved(loss.field, before), ..loss };
                if !again(&loss, &lost) {
                    lost.push(loss);
                }
            }
            lowered.extend(encoded.lowered.into_iter().map(|field| moved(field, before)));
            before += piece.inputs.len();
        }
        judge(&lost, is_input, leg, provider, way.format.name())?;
        let dropped = lost.into_iter().map(|loss| loss.field).collect();
        // One answer in the caller's format is the caller's as it is.
        let translated = foreign || parts.len() > 1;
        Ok((bodies, parts, Remarks { translated, dropped, lowered }))
    }

    /// What the demo answers.
    pub(super) fn demo(&self, leg: &Leg) -> Result<Demo, GatewayError> {
        let response = toy::embed(&self.request, &leg.model)?;
        let context = AnswerContext {
            id: &self.call.id.compact(),
            model: &self.request.model,
            request: Some(&self.request),
        };
        let facts =
            WholeFacts { model: response.model.clone(), usage: response.usage, ..WholeFacts::default() };
        let body = self.format.encode_response(&response, &context).map_err(|error| {
            GatewayError::new(ErrorKind::InvalidRequest, error.to_string()).at("embedding_types")
        })?;
        Ok(Demo::Whole(Told { body, facts }))
    }
}

/// Whether an input itself is lost.
fn is_input(loss: &Loss) -> bool {
    loss.weight == Weight::Meaning && loss.field.starts_with("input[") && loss.field.ends_with(']')
}

/// The field of an input, by its place in the caller's request.
fn moved(field: String, before: usize) -> String {
    let Some((place, rest)) = field.strip_prefix("input[").and_then(|rest| rest.split_once(']')) else {
        return field;
    };
    match place.parse::<usize>() {
        Ok(place) => format!("input[{}]{rest}", place.saturating_add(before)),
        Err(_) => field,
    }
}

/// Reads the answers and tells them.
struct Reader {
    from: Format,
    to: Format,
    errors: Dialect,
    caller: Dialect,
    /// Whether the answer is told anew.
    translated: bool,
    id: String,
    upstream: String,
    request: Arc<Request>,
    /// How many inputs each body has.
    parts: Vec<usize>,
    answers: Vec<(usize, Response)>,
}

impl Tell for Reader {
    fn errors(&self) -> Dialect {
        self.errors
    }

    fn errors_are_own(&self) -> bool {
        self.errors == self.caller
    }

    fn read(&mut self, body: &Bytes) -> Result<Option<Told>, PeekFailure> {
        let inputs = self.parts.get(self.answers.len()).copied().unwrap_or_default();
        let instead = |error| self.errors.fault_instead(body, error);
        if !self.translated {
            let seen = self.from.peek_response(body).map_err(instead)?;
            complete(seen.inputs, inputs)?;
            let facts = self.facts(seen.model, seen.usage);
            return Ok(Some(Told { body: body.clone(), facts }));
        }
        let response = self.from.decode_response(body, &self.request.number_type()).map_err(instead)?;
        complete(response.inputs(), inputs)?;
        self.answers.push((inputs, response));
        if self.answers.len() < self.parts.len() {
            return Ok(None);
        }
        let mut answers = std::mem::take(&mut self.answers);
        let mut whole = match answers.pop() {
            Some((_, only)) if answers.is_empty() => only,
            last => {
                answers.extend(last);
                Response::join(answers)
            }
        };
        let facts = self.facts(whole.model.clone(), whole.usage);
        if self.from != self.to {
            whole.leave_extra();
            whole.id = None;
            whole.model = None;
        }
        whole.embeddings.sort_by_key(|embedding| embedding.index);
        let context =
            AnswerContext { id: &self.id, model: &self.request.model, request: Some(&self.request) };
        match self.to.encode_response(&whole, &context) {
            Ok(body) => Ok(Some(Told { body, facts })),
            Err(error) => {
                let text = format!("the answer cannot be told as it was asked for: {error}");
                Err(PeekFailure::Fault(Fault::new(FaultKind::BadAnswer, text)))
            }
        }
    }
}

impl Reader {
    fn facts(&self, model: Option<String>, usage: Option<Usage>) -> WholeFacts {
        let (usage, estimated) = match usage {
            Some(usage) => (usage, None),
            None => {
                let (usage, estimated) = count(&self.upstream, &self.request);
                (usage, Some(estimated))
            }
        };
        WholeFacts { model, usage: Some(usage), estimated, ..WholeFacts::default() }
    }
}

/// A vector that is missing would not be noticed where they are told apart by their order.
fn complete(answered: usize, asked: usize) -> Result<(), PeekFailure> {
    if answered == asked {
        return Ok(());
    }
    let text = format!("the answer has vectors for {answered} inputs, not for {asked}");
    Err(PeekFailure::Fault(Fault::new(FaultKind::BadAnswer, text)))
}

/// Tokens of a request by our own count, and whether it is an estimate.
fn count(model: &str, request: &Request) -> (Usage, bool) {
    let (mut input, mut estimated) = (0_u64, false);
    for item in &request.inputs {
        match (&item.input, item.input.as_text()) {
            (_, Some(text)) => {
                let count = postern_tokens::count_text(model, &text);
                input = input.saturating_add(count.tokens);
                estimated |= count.estimated;
            }
            (Input::Tokens(tokens), None) => input = input.saturating_add(tokens.len() as u64),
            // Nobody can say what an image is to this model.
            (_, None) => estimated = true,
        }
    }
    (Usage { input, ..Usage::default() }, estimated)
}
