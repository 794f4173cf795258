//! How many tokens a prompt has: asked of the provider where it speaks the caller's format and has that question,
//! otherwise counted here.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use postern_tokens::count_request;
use postern_wire::dialect::DecodeError;
use postern_wire::dialect::openai_chat::PeekFailure;
use postern_wire::provider::Way;
use postern_wire::{Dialect, FaultKind};

use super::Reply;
use super::attempt::{Answer, Failure, WholeFacts, attempt};
use super::body::Body;
use super::chat::Conversation;
use super::deadline::Deadline;
use super::demo;
use super::dispatch::Undelivered;
use super::draft::Draft;
use super::exchange::{How, Tell, Told};
use super::headers::name_target;
use super::resolve::{Leg, Plan};
use super::run::{refuse, undeliverable};
use super::write::enclose;
use crate::config::Provider;
use crate::error::{ErrorKind, GatewayError};
use crate::host::Host;
use crate::record::Outcome;

/// How the count came about: `provider`, `exact` (with the model's own tokenizer) or `estimate`.
static COUNT: HeaderName = HeaderName::from_static("x-postern-count");

/// Answers with the count for the model's first target.
pub(super) async fn run<H: Host>(
    host: &H,
    asked: &Conversation<'_>,
    plan: &Plan,
    mut draft: Draft<H>,
) -> Reply<H> {
    let first = plan.legs.iter().find_map(|leg| Some((leg, plan.provider(leg)?)));
    let Some((leg, provider)) = first else {
        let error = GatewayError::new(ErrorKind::NotConfigured, "no target is configured");
        return refuse(asked.call, draft, &error);
    };
    let way = provider.way_in(asked.call.dialect, &leg.model).filter(|way| !way.count_path.is_empty());
    if let Some(way) = way {
        match ask(host, asked, plan, leg, provider, way, &mut draft).await {
            Ok(answer) => return reply(draft, leg, "provider", answer),
            // The request is wrong for the real call too.
            Err(Undelivered::Failed { failure, place })
                if matches!(
                    failure.fault.kind,
                    FaultKind::InvalidRequest | FaultKind::ContextTooLong | FaultKind::TooLarge
                ) =>
            {
                return undeliverable(asked.call, Undelivered::Failed { failure, place }, draft);
            }
            // A provider that cannot say does not keep the caller from a count.
            Err(_) => {}
        }
    }
    let request = match asked.request() {
        Ok(request) => request,
        Err(error) => return refuse(asked.call, draft, &error),
    };
    let (tokens, how) = if provider.kind.is_demo() {
        (demo::input_tokens(request), "exact")
    } else {
        let count = count_request(&leg.model, request);
        (count.tokens, if count.estimated { "estimate" } else { "exact" })
    };
    reply(draft, leg, how, asked.call.dialect.encode_count_response(tokens))
}

async fn ask<H: Host>(
    host: &H,
    asked: &Conversation<'_>,
    plan: &Plan,
    leg: &Leg,
    provider: &Provider,
    way: &'static Way,
    draft: &mut Draft<H>,
) -> Result<Bytes, Undelivered> {
    let (sending, body) = asked.write_count(leg, provider, way).map_err(Undelivered::Error)?;
    let request =
        enclose(host, asked.call, plan, leg, provider, sending, body).map_err(Undelivered::Error)?;
    draft.attempt(&leg.provider, &leg.model);
    let deadline = Deadline::earlier(&asked.call.parts.extensions, draft.arrived().plus(leg.timeouts.total));
    let mut how = How::Whole(Box::new(Counted(way.dialect)));
    let failure = match attempt(host, leg, request, &mut how, deadline).await {
        Ok(Answer::Whole { status, body, .. }) => {
            draft.attempted(Some(status.as_u16()), None);
            return Ok(body);
        }
        Ok(Answer::Part { .. } | Answer::Stream { .. }) => Failure::from(postern_wire::Fault::new(
            FaultKind::BadAnswer,
            "something else came where a count was asked for",
        )),
        Err(failure) => failure,
    };
    draft.attempted(None, Some(&failure.fault));
    let place = format!("{}/{}", leg.provider, leg.model);
    Err(Undelivered::Failed { failure, place })
}

/// An answer to a question of how many tokens a prompt has passes as it came.
struct Counted(Dialect);

impl Tell for Counted {
    fn errors(&self) -> Dialect {
        self.0
    }

    fn errors_are_own(&self) -> bool {
        true
    }

    fn read(&mut self, body: &Bytes) -> Result<Option<Told>, PeekFailure> {
        match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body) {
            Ok(_) => Ok(Some(Told { body: body.clone(), facts: WholeFacts::default() })),
            Err(_) => Err(PeekFailure::Decode(DecodeError::at("", "expected a JSON object"))),
        }
    }
}

fn reply<H: Host>(mut draft: Draft<H>, leg: &Leg, how: &'static str, body: Bytes) -> Reply<H> {
    let record = draft.record();
    record.status = StatusCode::OK.as_u16();
    record.provider.clone_from(&leg.provider);
    record.upstream_model.clone_from(&leg.model);
    draft.response_body(&body);
    let mut response = Response::new(Body::whole(body));
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(&COUNT, HeaderValue::from_static(how));
    name_target(headers, leg);
    Reply { response, after: draft.finish(Outcome::Ok) }
}
