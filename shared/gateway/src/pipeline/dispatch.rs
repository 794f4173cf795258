//! Each target in turn, each as often as its rules allow, until one answers.

use bytes::Bytes;
use http::HeaderValue;
use postern_wire::dialect::openai_chat::peek::RequestHead;
use postern_wire::provider::{Endpoint, Operation};
use postern_wire::{Fault, FaultKind};

use super::accept::Call;
use super::attempt::{Answer, Failure, Reading, attempt};
use super::deadline::Deadline;
use super::demo;
use super::draft::Draft;
use super::resolve::{Leg, Plan};
use crate::config::Provider;
use crate::error::{ErrorKind, GatewayError};
use crate::host::{Host, MayFlow};
use crate::policy::retry::{Next, after_fault};
use crate::time::Timestamp;

/// Headers of the caller's that its dialect defines and that pass to the provider.
///
/// Not `idempotency-key`: tenants share the provider's account, and one could be given another's answer by it.
const PASSED: [&str; 1] = ["openai-beta"];

/// Why no target answered.
pub(super) enum Undelivered {
    /// The gateway could not even ask.
    Error(GatewayError),
    /// The last failure, with the target and attempt it came from.
    Failed { failure: Failure, place: String },
}

/// What is asked of the targets.
pub(super) struct Asked<'a> {
    pub(super) call: &'a Call,
    pub(super) plan: &'a Plan,
    pub(super) head: &'a RequestHead,
    pub(super) body: &'a Bytes,
}

/// Asks the targets in their order. The answer comes with the leg that gave it.
pub(super) async fn dispatch<'p, H: Host>(
    host: &H,
    asked: &Asked<'p>,
    draft: &mut Draft<H>,
) -> Result<(Answer<H>, &'p Leg), Undelivered> {
    let mut last: Option<Undelivered> = None;
    let total = asked.plan.legs.first().map_or_else(Default::default, |leg| leg.timeouts.total);
    let deadline = Deadline::earlier(&asked.call.parts.extensions, draft.arrived().plus(total));
    for leg in &asked.plan.legs {
        let Some(provider) = asked.plan.provider(leg) else { continue };
        if provider.kind.is_demo() {
            let answer = demo::answer(host, asked, leg, deadline).map_err(Undelivered::Error)?;
            draft.attempt(&leg.provider, &leg.model);
            draft.attempted(Some(answer.status().as_u16()), None);
            return Ok((answer, leg));
        }
        for tried in 1..=leg.attempts.max(1) {
            let request = match write_request(host, asked, leg, provider) {
                Ok(request) => request,
                Err(error) => {
                    tracing::warn!(request_id = %asked.call.id, provider = leg.provider, %error, "not asked");
                    // What a provider that was asked has said tells the caller more.
                    last.get_or_insert(Undelivered::Error(error));
                    break;
                }
            };
            draft.attempt(&leg.provider, &leg.model);
            let how = Reading {
                stream: asked.head.stream,
                hide_usage: !asked.head.include_usage,
                choices: asked.head.choices,
                begun: host.now(),
                deadline,
            };
            let failure = match attempt(host, leg, request, how).await {
                Ok(answer) => {
                    draft.attempted(Some(answer.status().as_u16()), None);
                    return Ok((answer, leg));
                }
                Err(failure) => failure,
            };
            draft.attempted(None, Some(&failure.fault));
            let place = format!("{}/{} (attempt {tried} of {})", leg.provider, leg.model, leg.attempts);
            tracing::warn!(
                request_id = %asked.call.id,
                provider = leg.provider,
                model = leg.model,
                attempt = tried,
                fault = ?failure.fault.kind,
                status = failure.fault.status,
                "an attempt failed"
            );
            let next = after_fault(&failure.fault, tried, leg.attempts, left(host, deadline), random(host));
            last = Some(Undelivered::Failed { failure, place });
            match next {
                Next::Again(pause) => {
                    let since = host.now();
                    host.sleep(pause).await;
                    draft.paused(since);
                }
                Next::Elsewhere => break,
                Next::GiveUp => return Err(last.unwrap_or_else(nothing_to_ask)),
            }
        }
    }
    Err(last.unwrap_or_else(nothing_to_ask))
}

fn nothing_to_ask() -> Undelivered {
    let fault = Fault::new(FaultKind::Unreachable, "no target is configured");
    Undelivered::Failed { failure: fault.into(), place: "no target".to_owned() }
}

fn left<H: Host>(host: &H, deadline: Timestamp) -> std::time::Duration {
    deadline.since(host.now())
}

fn random<H: Host>(host: &H) -> u64 {
    let mut bytes = [0; 8];
    host.random(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// The request for one target: the caller's bytes, with only what must differ changed.
fn write_request<H: Host>(
    host: &H,
    asked: &Asked<'_>,
    leg: &Leg,
    provider: &Provider,
) -> Result<http::Request<Bytes>, GatewayError> {
    let missing = |name: &str| {
        GatewayError::new(
            ErrorKind::NotConfigured,
            format!(
                "the provider `{}` needs the secret {name}, which is not set in this deployment: {}",
                leg.provider,
                host.secret_advice()
            ),
        )
    };
    let secret = |name: &str| host.secret(name);
    let key = match &provider.api_key {
        Some(text) => Some(text.resolve(&secret).map_err(|m| missing(&m.0))?),
        None => None,
    };
    let mut headers = Vec::with_capacity(provider.headers.len());
    for (name, value) in &provider.headers {
        let value = value.resolve(&secret).map_err(|m| missing(&m.0))?;
        headers.push((name.clone(), value.reveal().to_owned()));
    }
    let base_url = match &provider.base_url {
        Some(text) => Some(text.resolve(&secret).map_err(|m| missing(&m.0))?),
        None => None,
    };
    let preset = provider.kind;
    let ask_usage = asked.head.stream && preset.stream_options;
    let body = asked.head.rewrite(asked.body, &leg.model, ask_usage);
    let endpoint =
        Endpoint { preset, base_url: base_url.as_ref().map(crate::Secret::reveal), headers: &headers };
    let key = key.as_ref().map(crate::Secret::reveal);
    let mut request = endpoint.request(Operation::Chat, key, body, asked.head.stream).map_err(|error| {
        let text = format!("the provider `{}` is not configured well: {error}", leg.provider);
        GatewayError::new(ErrorKind::NotConfigured, text)
    })?;
    if asked.head.stream && asked.head.include_usage {
        request.extensions_mut().insert(MayFlow);
    }
    let to = request.headers_mut();
    for name in PASSED {
        if let Some(value) = asked.call.parts.headers.get(name) {
            to.insert(name, value.clone());
        }
    }
    if let Ok(value) = HeaderValue::try_from(asked.call.trace.header()) {
        to.insert(&crate::http::TRACEPARENT, value);
    }
    Ok(request)
}
