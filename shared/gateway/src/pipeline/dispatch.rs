//! Each target in turn, each as often as its rules allow, until one answers.

use http::{HeaderMap, StatusCode};
use postern_wire::{Fault, FaultKind};

use super::accept::Call;
use super::attempt::{Answer, Failure, attempt};
use super::deadline::Deadline;
use super::draft::Draft;
use super::echo::{Echo, Pace};
use super::exchange::{Demo, Exchange, Remarks, Told, Written};
use super::resolve::{Leg, Plan};
use super::stream::Source;
use super::write::enclose;
use crate::error::GatewayError;
use crate::host::Host;
use crate::policy::retry::{Next, after_fault};
use crate::time::Timestamp;

/// Why no target answered.
pub(super) enum Undelivered {
    /// The gateway could not even ask.
    Error(GatewayError),
    /// The last failure, with the target and attempt it came from.
    Failed { failure: Failure, place: String },
}

/// What a target answered, and how that came about.
pub(super) struct Delivery<'p, H: Host> {
    pub(super) answer: Answer<H>,
    pub(super) leg: &'p Leg,
    pub(super) remarks: Remarks,
}

/// Asks the targets in their order. The answer comes with the leg that gave it.
pub(super) async fn dispatch<'p, H: Host>(
    host: &H,
    call: &Call,
    exchange: &Exchange<'_>,
    plan: &'p Plan,
    draft: &mut Draft<H>,
) -> Result<Delivery<'p, H>, Undelivered> {
    let mut last: Option<Undelivered> = None;
    let total = plan.legs.first().map_or_else(Default::default, |leg| leg.timeouts.total);
    let deadline = Deadline::earlier(&call.parts.extensions, draft.arrived().plus(total));
    'legs: for leg in &plan.legs {
        let Some(provider) = plan.provider(leg) else { continue };
        if provider.kind.is_demo() {
            let answer = exchange.demo(leg).map_err(Undelivered::Error)?;
            draft.attempt(&leg.provider, &leg.model);
            let answer = play(host, answer, deadline);
            draft.attempted(Some(answer.status().as_u16()), None);
            return Ok(Delivery { answer, leg, remarks: Remarks::default() });
        }
        let written = match exchange.write(plan, leg, provider) {
            Ok(written) => written,
            Err(error) => {
                tracing::warn!(request_id = %call.id, provider = leg.provider, %error, "not asked");
                // What a provider that was asked has said tells the caller more.
                last.get_or_insert(Undelivered::Error(error));
                continue;
            }
        };
        let Written { sending, body, more, mut how, remarks } = written;
        'bodies: for body in std::iter::once(body).chain(more) {
            for tried in 1..=leg.attempts.max(1) {
                let request = match enclose(host, call, plan, leg, provider, sending, body.clone()) {
                    Ok(request) => request,
                    Err(error) => {
                        tracing::warn!(request_id = %call.id, provider = leg.provider, %error, "not asked");
                        last.get_or_insert(Undelivered::Error(error));
                        continue 'legs;
                    }
                };
                draft.attempt(&leg.provider, &leg.model);
                let failure = match attempt(host, leg, request, &mut how, deadline).await {
                    Ok(answer) => {
                        draft.attempted(Some(answer.status().as_u16()), None);
                        if matches!(answer, Answer::Part { .. }) {
                            continue 'bodies;
                        }
                        return Ok(Delivery { answer, leg, remarks });
                    }
                    Err(failure) => failure,
                };
                let (failed, next) = failed(host, call, leg, tried, failure, deadline, draft);
                last = Some(failed);
                match next {
                    Next::Again(pause) => {
                        let since = host.now();
                        host.sleep(pause).await;
                        draft.paused(since);
                    }
                    Next::Elsewhere => continue 'legs,
                    Next::GiveUp => return Err(last.unwrap_or_else(nothing_to_ask)),
                }
            }
            continue 'legs;
        }
    }
    Err(last.unwrap_or_else(nothing_to_ask))
}

/// The demo's answer as one of a target.
fn play<H: Host>(host: &H, answer: Demo, deadline: Timestamp) -> Answer<H> {
    let (status, headers) = (StatusCode::OK, HeaderMap::new());
    match answer {
        Demo::Whole(Told { body, facts }) => Answer::Whole { status, headers, body, facts },
        Demo::Stream { deltas, encoder, every, facts } => {
            let pace = Pace { every, now: host.now(), deadline };
            let source = Source::Echo(Box::new(Echo::new(deltas, encoder, pace, facts)));
            Answer::Stream { status, headers, source, held: <_>::default() }
        }
    }
}

/// Notes a failed attempt, and says what comes next.
pub(super) fn failed<H: Host>(
    host: &H,
    call: &Call,
    leg: &Leg,
    tried: u32,
    failure: Failure,
    deadline: Timestamp,
    draft: &mut Draft<H>,
) -> (Undelivered, Next) {
    draft.attempted(None, Some(&failure.fault));
    let place = format!("{} (attempt {tried} of {})", leg.target(), leg.attempts);
    tracing::warn!(
        request_id = %call.id,
        provider = leg.provider,
        model = leg.model,
        attempt = tried,
        fault = ?failure.fault.kind,
        status = failure.fault.status,
        "an attempt failed"
    );
    let left = deadline.since(host.now());
    let next = after_fault(&failure.fault, tried, leg.attempts, left, random(host));
    (Undelivered::Failed { failure, place }, next)
}

pub(super) fn nothing_to_ask() -> Undelivered {
    let fault = Fault::new(FaultKind::Unreachable, "no target is configured");
    Undelivered::Failed { failure: fault.into(), place: "no target".to_owned() }
}

fn random<H: Host>(host: &H) -> u64 {
    let mut bytes = [0; 8];
    host.random(&mut bytes);
    u64::from_le_bytes(bytes)
}
