//! A call from its key to its answer, of whatever kind.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use postern_wire::dialect::Framing;

use super::accept::{Call, Kind, read_body};
use super::attempt::{Answer, Verbatim};
use super::body::{Body, Streaming};
use super::count;
use super::dispatch::{Delivery, Undelivered, dispatch};
use super::draft::Draft;
use super::exchange::Exchange;
use super::gateway::{Gateway, Snapshot};
use super::headers::{BUFFERING, COST, MODEL, TARGET, insert, name_target, pass_headers};
use super::resolve::resolve;
use super::stream::Source;
use super::{After, Reply};
use crate::error::GatewayError;
use crate::host::Host;
use crate::http::error as http_error;
use crate::identity::{self, Caller};
use crate::record::{Outcome, Place, Record};

/// Runs a call through all stages.
pub(super) async fn run<H, B>(gateway: &Gateway, host: &H, mut call: Call, body: B) -> Reply<H>
where
    H: Host,
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let Entered { snapshot, caller, mut draft } = match enter(gateway, host, &call).await {
        Ok(entered) => entered,
        Err(reply) => return reply,
    };
    let body = match read_body(host, &call.parts, body, snapshot.config.server.max_body).await {
        Ok(body) => body,
        Err(error) => return refuse(&call, draft, &error),
    };
    let body = match call.address_body(body) {
        Ok(body) => body,
        Err(error) => return refuse(&call, draft, &error),
    };
    // Where the address leaves that open, the body has just said it.
    call.kind.operation().clone_into(&mut draft.record().operation);
    let exchange = match Exchange::read(&call, &body) {
        Ok(exchange) => exchange,
        Err(error) => return refuse(&call, draft, &error),
    };
    exchange.note(&mut draft);
    exchange.model().clone_into(&mut draft.record().model);
    draft.record().stream = exchange.stream();
    let plan = match resolve(host, snapshot, &caller, exchange.model()) {
        Ok(plan) => plan,
        Err(error) => return refuse(&call, draft, &error),
    };
    if let (Kind::Count, Exchange::Conversation(conversation)) = (call.kind, &exchange) {
        return count::run(host, conversation, &plan, draft).await;
    }
    match dispatch(host, &call, &exchange, &plan, &mut draft).await {
        Ok(delivery) => transcode(host, &call, delivery, draft),
        Err(undelivered) => undeliverable(&call, undelivered, draft),
    }
}

/// A call whose caller is known.
pub(super) struct Entered<H: Host> {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) caller: Caller,
    pub(super) draft: Draft<H>,
}

/// Finds the caller and begins the record, or refuses the call.
pub(super) async fn enter<H: Host>(gateway: &Gateway, host: &H, call: &Call) -> Result<Entered<H>, Reply<H>> {
    let snapshot = gateway.snapshot();
    match identity::authenticate(&gateway.keys, host, &call.parts, call.arrived).await {
        Ok(caller) => {
            let draft = Draft::new(host, Arc::clone(&snapshot), record_of(call, &caller));
            Ok(Entered { snapshot, caller, draft })
        }
        Err(refused) => {
            let after = match refused.caller {
                // A key of ours that may not call leaves a record; an unknown one has no one to leave it with.
                Some(caller) => {
                    let mut draft = Draft::new(host, snapshot, record_of(call, &caller));
                    draft.fail(&refused.error, Outcome::Refused);
                    draft.finish(Outcome::Refused)
                }
                None => After::nothing(),
            };
            Err(Reply { response: http_error::response_to(call, &refused.error), after })
        }
    }
}

fn record_of(call: &Call, caller: &Caller) -> Record {
    let Place { country, colo, region } = call.parts.extensions.get().cloned().unwrap_or_default();
    Record {
        id: call.id.as_str().to_owned(),
        at: call.arrived,
        tenant: caller.tenant().to_owned(),
        key: caller.key().to_owned(),
        dialect: call.format().to_owned(),
        operation: call.kind.operation().to_owned(),
        trace_id: call.trace.trace_id(),
        country,
        colo,
        region,
        ..Record::default()
    }
}

pub(super) fn refuse<H: Host>(call: &Call, mut draft: Draft<H>, error: &GatewayError) -> Reply<H> {
    draft.fail(error, Outcome::Refused);
    let after = draft.finish(Outcome::Refused);
    Reply { response: http_error::response_to(call, error), after }
}

/// No target answered: the provider's own error as it came where that is the caller's business, otherwise ours.
pub(super) fn undeliverable<H: Host>(call: &Call, undelivered: Undelivered, mut draft: Draft<H>) -> Reply<H> {
    let (error, verbatim) = match undelivered {
        Undelivered::Error(error) => (error, None),
        Undelivered::Failed { failure, place } => {
            (GatewayError::upstream(failure.fault, &place), failure.verbatim)
        }
    };
    let outcome = if draft.record().attempts.is_empty() { Outcome::Refused } else { Outcome::UpstreamFailed };
    draft.fail(&error, outcome);
    let mut response = http_error::response_to(call, &error);
    if let Some(Verbatim { status, body }) = verbatim.filter(|_| call.surface.is_vendors()) {
        draft.record().status = status.as_u16();
        *response.status_mut() = status;
        *response.body_mut() = Body::whole(body);
    }
    insert(response.headers_mut(), &MODEL, &draft.record().model);
    if let Some(attempt) = draft.record().attempts.last() {
        let target = format!("{}/{}", attempt.provider, attempt.model);
        insert(response.headers_mut(), &TARGET, &target);
    }
    Reply { response, after: draft.finish(outcome) }
}

/// The answer becomes a reply.
pub(super) fn transcode<H: Host>(
    host: &H,
    call: &Call,
    delivery: Delivery<'_, H>,
    mut draft: Draft<H>,
) -> Reply<H> {
    let Delivery { answer, leg, remarks } = delivery;
    match answer {
        Answer::Whole { status, headers, body, facts } => {
            let mut response = Response::new(Body::whole(Bytes::new()));
            *response.status_mut() = status;
            // A provider without streams may have been asked for one; its answer was then told as events.
            let kind = if draft.record().stream { stream_type(call) } else { "application/json" };
            pass_headers(&headers, &remarks, response.headers_mut(), kind);
            match (facts.usage, facts.estimated) {
                (Some(usage), None) => draft.provider_usage(usage),
                (Some(usage), Some(estimated)) => draft.own_usage(usage, estimated),
                (None, _) => draft.said(&facts.said, facts.beyond_text),
            }
            draft.count_missing_usage();
            draft.response_body(&body);
            let record = draft.record();
            record.status = status.as_u16();
            record.finish_reasons = facts.finish_reasons;
            record.response_model = facts.model.unwrap_or_default();
            let cost = record.cost.to_string();
            let priced = record.priced;
            name_target(response.headers_mut(), leg);
            if priced {
                insert(response.headers_mut(), &COST, &cost);
            }
            *response.body_mut() = Body::whole(body);
            Reply { response, after: draft.finish(Outcome::Ok) }
        }
        // Dispatch goes on until the last.
        Answer::Part { status } => {
            let mut response = Response::new(Body::whole(Bytes::new()));
            *response.status_mut() = status;
            Reply { response, after: draft.finish(Outcome::Internal) }
        }
        Answer::Stream { status, headers, source, held } => {
            let mut response = stream(host, call, draft, source, held);
            *response.response.status_mut() = status;
            let to = response.response.headers_mut();
            let kind = stream_type(call);
            pass_headers(&headers, &remarks, to, kind);
            to.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            // Asks nginx and its kin not to collect the stream before they pass it on.
            to.insert(&BUFFERING, HeaderValue::from_static("no"));
            name_target(to, leg);
            response
        }
    }
}

/// The media type of a stream.
fn stream_type(call: &Call) -> &'static str {
    match call.address.as_ref().map(|address| address.framing) {
        Some(Framing::Array) => "application/json",
        _ => "text/event-stream; charset=utf-8",
    }
}

pub(super) fn stream<H: Host>(
    host: &H,
    call: &Call,
    draft: Draft<H>,
    source: Source<H>,
    held: VecDeque<Bytes>,
) -> Reply<H> {
    let (mut draft, after) = draft.into_body();
    let now = host.now();
    let record = draft.record();
    record.status = StatusCode::OK.as_u16();
    let until_now = now.since(record.at).as_micros() as u64;
    record.first_token_us = Some(until_now);
    record.gateway_us = until_now.saturating_sub(record.upstream_us);
    held.iter().for_each(|piece| draft.response_body(piece));
    let streaming = Streaming {
        host: host.clone(),
        dialect: call.dialect,
        source,
        held,
        draft,
        waiting: None,
        released: false,
    };
    Reply { response: Response::new(Body::stream(streaming)), after }
}
