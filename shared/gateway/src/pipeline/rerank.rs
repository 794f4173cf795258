//! Reranking: documents in, their relevance to a question out.

use std::sync::Arc;

use bytes::Bytes;
use postern_wire::dialect::openai_chat::PeekFailure;
use postern_wire::dialect::openai_chat::peek::{RequestHead, peek_model};
use postern_wire::dialect::{DecodeError, Loss, Target, Weight};
use postern_wire::provider::Operation;
use postern_wire::rerank::{AnswerContext, Document, Format, Request, Response};
use postern_wire::{Dialect, Fault, FaultKind, Usage};

use super::accept::Call;
use super::attempt::WholeFacts;
use super::exchange::{Demo, How, Remarks, Sending, Tell, Told, UNKNOWN, Written, judge, not_spoken};
use super::resolve::Leg;
use super::toy;
use crate::config::Provider;
use crate::error::GatewayError;

/// Documents to be ranked.
pub(super) struct Reranking<'a> {
    call: &'a Call,
    format: Format,
    head: RequestHead,
    pub(super) body: &'a Bytes,
    request: Arc<Request>,
}

impl<'a> Reranking<'a> {
    /// Reads the request in full: what is wrong with it is said before it costs a call.
    pub(super) fn read(call: &'a Call, format: Format, body: &'a Bytes) -> Result<Self, DecodeError> {
        let head = peek_model(body)?;
        let request = Arc::new(format.decode_request(body)?);
        Ok(Self { call, format, head, body, request })
    }

    pub(super) fn model(&self) -> &str {
        &self.request.model
    }

    /// Writes the request for one target.
    pub(super) fn write<'l>(&self, leg: &'l Leg, provider: &Provider) -> Result<Written<'l>, GatewayError> {
        let ways = || provider.reranking(&leg.model);
        let own = ways().find(|way| way.format == self.format);
        let way = own.or_else(|| ways().next()).ok_or_else(|| not_spoken(leg, provider, "reranking"))?;
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
        };
        if way.format == self.format && way.exact {
            let body = self.head.rewrite(self.body, &leg.model, false);
            let how = How::Whole(Box::new(reader));
            return Ok(Written { sending, body, more: Vec::new(), how, remarks: Remarks::default() });
        }
        let foreign = way.format != self.format;
        // Of its own format only the documents may be missing that the caller wants back.
        reader.translated = foreign || self.request.return_documents == Some(true);
        let translated = reader.translated;
        let mut request = Request::clone(&self.request);
        let mut lost = Vec::new();
        if foreign {
            let unknown = request.leave_extra().into_iter();
            lost.extend(unknown.map(|field| Loss { field, reason: UNKNOWN.into(), weight: Weight::Hint }));
        }
        let target = Target { kind: provider.kind.kind, ..Target::model(&leg.model) };
        let encoded = way.format.encode_request(&request, &target);
        lost.extend(encoded.lost);
        // Without one of them the answer would be about others.
        let is_document =
            |loss: &Loss| loss.weight == Weight::Meaning && loss.field.starts_with("documents[");
        judge(&lost, is_document, leg, provider, way.format.name())?;
        let dropped = lost.into_iter().map(|loss| loss.field).collect();
        let remarks = Remarks { translated, dropped, lowered: encoded.lowered };
        let how = How::Whole(Box::new(reader));
        Ok(Written { sending, body: encoded.body, more: Vec::new(), how, remarks })
    }

    /// What the demo answers.
    pub(super) fn demo(&self, leg: &Leg) -> Result<Demo, GatewayError> {
        let response = toy::rerank(&self.request, &leg.model)?;
        let id = self.call.id.compact();
        let context = AnswerContext { id: &id, model: &self.request.model, request: Some(&self.request) };
        let facts =
            WholeFacts { model: response.model.clone(), usage: response.usage, ..WholeFacts::default() };
        Ok(Demo::Whole(Told { body: self.format.encode_response(&response, &context), facts }))
    }
}

/// Reads the answer and tells it.
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
}

impl Tell for Reader {
    fn errors(&self) -> Dialect {
        self.errors
    }

    fn errors_are_own(&self) -> bool {
        self.errors == self.caller
    }

    fn read(&mut self, body: &Bytes) -> Result<Option<Told>, PeekFailure> {
        let response = self.from.decode_response(body);
        let mut response = response.map_err(|error| self.errors.fault_instead(body, error))?;
        let documents = self.request.documents.len() as u64;
        if let Some(ranked) = response.results.iter().find(|ranked| ranked.index >= documents) {
            let text = format!("the answer ranks document {}, of {documents}", ranked.index);
            return Err(PeekFailure::Fault(Fault::new(FaultKind::BadAnswer, text)));
        }
        let facts = self.facts(&response);
        if !self.translated {
            return Ok(Some(Told { body: body.clone(), facts }));
        }
        let mut context = AnswerContext { request: Some(&self.request), ..AnswerContext::default() };
        if self.from != self.to {
            response.leave_extra();
            response.id = None;
            response.model = None;
            (context.id, context.model) = (&self.id, &self.request.model);
        }
        Ok(Some(Told { body: self.to.encode_response(&response, &context), facts }))
    }
}

impl Reader {
    /// Searches are billed by their number where the vendor says so; then there are no tokens to count.
    fn facts(&self, response: &Response) -> WholeFacts {
        let searches = response.search_units.unwrap_or_default();
        let (usage, estimated) = match response.usage {
            Some(usage) => (Usage { searches, ..usage }, None),
            None if searches > 0 => (Usage { searches, ..Usage::default() }, None),
            None => (count(&self.upstream, &self.request), Some(true)),
        };
        WholeFacts { model: response.model.clone(), usage: Some(usage), estimated, ..WholeFacts::default() }
    }
}

/// Tokens of a request by our own count: each document is read with the question. An estimate, since models differ in
/// what they put between the two.
fn count(model: &str, request: &Request) -> Usage {
    let tokens = |text: &str| postern_tokens::count_text(model, text).tokens;
    let query = tokens(&request.query);
    let document = |document: &Document| match document {
        Document::Text(text) => tokens(text),
        Document::Fields(_) => tokens(&document.as_value().to_string()),
    };
    let input = request.documents.iter().map(|one| query.saturating_add(document(one))).sum();
    Usage { input, ..Usage::default() }
}
