//! A chat call from its key to its answer.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use postern_wire::dialect::openai_chat::said_in;

use super::accept::{Call, read_body};
use super::attempt::{Answer, Verbatim};
use super::body::{Body, Source, Streaming};
use super::dispatch::{Asked, Undelivered, dispatch};
use super::draft::Draft;
use super::gateway::Gateway;
use super::resolve::{Leg, resolve};
use super::{After, Reply};
use crate::error::GatewayError;
use crate::host::Host;
use crate::http::error as http_error;
use crate::identity::{self, Caller};
use crate::record::{Outcome, Place, Record};

/// Headers of a provider's answer that pass to the caller.
static PASSED: [HeaderName; 2] =
    [HeaderName::from_static("openai-processing-ms"), HeaderName::from_static("openai-version")];

// Made once: a name given as text is parsed at each use.
static MODEL: HeaderName = HeaderName::from_static("x-postern-model");
static TARGET: HeaderName = HeaderName::from_static("x-postern-target");
static COST: HeaderName = HeaderName::from_static("x-postern-cost-usd");
static CACHE: HeaderName = HeaderName::from_static("x-postern-cache");
static UPSTREAM_ID: HeaderName = HeaderName::from_static("x-postern-upstream-request-id");
static BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Runs a call through all stages.
pub(super) async fn run<H, B>(gateway: &Gateway, host: &H, call: Call, body: B) -> Reply<H>
where
    H: Host,
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let snapshot = gateway.snapshot();
    let caller = match identity::authenticate(&gateway.keys, host, &call.parts, call.arrived).await {
        Ok(caller) => caller,
        Err(refused) => {
            let after = match refused.caller {
                // A key of ours that may not call leaves a record; an unknown one has no one to leave it with.
                Some(caller) => {
                    let mut draft = Draft::new(host, snapshot, record_of(&call, &caller));
                    draft.fail(&refused.error, Outcome::Refused);
                    draft.finish(Outcome::Refused)
                }
                None => After::nothing(),
            };
            return Reply { response: http_error::response(&refused.error), after };
        }
    };
    let mut draft = Draft::new(host, Arc::clone(&snapshot), record_of(&call, &caller));
    let body = match read_body(host, &call.parts, body, snapshot.config.server.max_body).await {
        Ok(body) => body,
        Err(error) => return refuse(draft, &error),
    };
    let head = match call.dialect.peek_request(&body) {
        Ok(head) => head,
        Err(error) => return refuse(draft, &error.into()),
    };
    draft.request_body(call.dialect, &body);
    draft.record().model.clone_from(&head.model);
    draft.record().stream = head.stream;
    let plan = match resolve(host, snapshot, &caller, &head.model) {
        Ok(plan) => plan,
        Err(error) => return refuse(draft, &error),
    };
    let asked = Asked { call: &call, plan: &plan, head: &head, body: &body };
    match dispatch(host, &asked, &mut draft).await {
        Ok((answer, leg)) => transcode(host, &call, answer, leg, draft),
        Err(undelivered) => undeliverable(undelivered, draft),
    }
}

fn record_of(call: &Call, caller: &Caller) -> Record {
    let Place { country, colo, region } = call.parts.extensions.get().cloned().unwrap_or_default();
    Record {
        id: call.id.as_str().to_owned(),
        at: call.arrived,
        tenant: caller.tenant().to_owned(),
        key: caller.key().to_owned(),
        dialect: call.dialect.name().to_owned(),
        operation: "chat".to_owned(),
        trace_id: call.trace.trace_id(),
        country,
        colo,
        region,
        ..Record::default()
    }
}

fn refuse<H: Host>(mut draft: Draft<H>, error: &GatewayError) -> Reply<H> {
    draft.fail(error, Outcome::Refused);
    let after = draft.finish(Outcome::Refused);
    Reply { response: http_error::response(error), after }
}

/// No target answered: the provider's own error as it came where that is the caller's business, otherwise ours.
fn undeliverable<H: Host>(undelivered: Undelivered, mut draft: Draft<H>) -> Reply<H> {
    let (error, verbatim) = match undelivered {
        Undelivered::Error(error) => (error, None),
        Undelivered::Failed { failure, place } => {
            (GatewayError::upstream(failure.fault, &place), failure.verbatim)
        }
    };
    let outcome = if draft.record().attempts.is_empty() { Outcome::Refused } else { Outcome::UpstreamFailed };
    draft.fail(&error, outcome);
    let mut response = http_error::response(&error);
    if let Some(Verbatim { status, body }) = verbatim {
        draft.record().status = status.as_u16();
        *response.status_mut() = status;
        *response.body_mut() = Body::whole(body);
    }
    if let Some(attempt) = draft.record().attempts.last() {
        let target = format!("{}/{}", attempt.provider, attempt.model);
        insert(response.headers_mut(), &TARGET, &target);
    }
    Reply { response, after: draft.finish(outcome) }
}

/// The answer becomes a reply. In the caller's own format its bytes stay as they are.
fn transcode<H: Host>(host: &H, call: &Call, answer: Answer<H>, leg: &Leg, mut draft: Draft<H>) -> Reply<H> {
    match answer {
        Answer::Whole { status, headers, body, facts } => {
            let mut response = Response::new(Body::whole(Bytes::new()));
            *response.status_mut() = status;
            pass_headers(&headers, response.headers_mut(), "application/json");
            match facts.usage {
                Some(usage) => draft.provider_usage(usage),
                None => draft.said(&said_in(&body), facts.finish_reasons.len() > 1 || facts.beyond_text),
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
        Answer::Stream { status, headers, relay, held } => {
            stream(host, call, leg, draft, status, &headers, Source::Relay(relay), held)
        }
        Answer::Echo(echo) => {
            let source = Source::Echo(echo);
            stream(host, call, leg, draft, StatusCode::OK, &HeaderMap::new(), source, <_>::default())
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of a streamed reply, put together in one place")]
fn stream<H: Host>(
    host: &H,
    call: &Call,
    leg: &Leg,
    draft: Draft<H>,
    status: StatusCode,
    headers: &HeaderMap,
    source: Source<H>,
    held: std::collections::VecDeque<Bytes>,
) -> Reply<H> {
    let (mut draft, after) = draft.into_body();
    let now = host.now();
    let record = draft.record();
    record.status = status.as_u16();
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
    let mut response = Response::new(Body::stream(streaming));
    *response.status_mut() = status;
    let to = response.headers_mut();
    pass_headers(headers, to, "text/event-stream; charset=utf-8");
    to.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Asks nginx and its kin not to collect the stream before they pass it on.
    to.insert(&BUFFERING, HeaderValue::from_static("no"));
    name_target(to, leg);
    Reply { response, after }
}

fn pass_headers(from: &HeaderMap, to: &mut HeaderMap, content_type: &'static str) {
    let kind = from.get(header::CONTENT_TYPE).cloned();
    to.insert(header::CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static(content_type)));
    for name in &PASSED {
        if let Some(value) = from.get(name) {
            to.insert(name, value.clone());
        }
    }
    if let Some(id) = from.get(&crate::http::REQUEST_ID) {
        to.insert(&UPSTREAM_ID, id.clone());
    }
}

fn name_target(to: &mut HeaderMap, leg: &Leg) {
    insert(to, &MODEL, &leg.logical);
    insert(to, &TARGET, &format!("{}/{}", leg.provider, leg.model));
    to.insert(&CACHE, HeaderValue::from_static("off"));
}

/// Sets a header; a value that cannot be one (a model's name with odd characters) is left out.
fn insert(to: &mut HeaderMap, name: &HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        to.insert(name, value);
    }
}
