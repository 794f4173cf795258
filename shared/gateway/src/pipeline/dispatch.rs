//! Each target in turn, each as often as its rules allow, until one answers.

use postern_wire::{Fault, FaultKind};

use super::asked::Asked;
use super::attempt::{Answer, Failure, Reading, attempt};
use super::deadline::Deadline;
use super::demo;
use super::draft::Draft;
use super::resolve::Leg;
use super::write::{Remarks, Written, write_request};
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
    asked: &Asked<'p>,
    draft: &mut Draft<H>,
) -> Result<Delivery<'p, H>, Undelivered> {
    let mut last: Option<Undelivered> = None;
    let total = asked.plan.legs.first().map_or_else(Default::default, |leg| leg.timeouts.total);
    let deadline = Deadline::earlier(&asked.call.parts.extensions, draft.arrived().plus(total));
    for leg in &asked.plan.legs {
        let Some(provider) = asked.plan.provider(leg) else { continue };
        if provider.kind.is_demo() {
            let answer = demo::answer(host, asked, leg, deadline).map_err(Undelivered::Error)?;
            draft.attempt(&leg.provider, &leg.model);
            draft.attempted(Some(answer.status().as_u16()), None);
            return Ok(Delivery { answer, leg, remarks: Remarks::default() });
        }
        for tried in 1..=leg.attempts.max(1) {
            let written = match write_request(host, asked, leg, provider) {
                Ok(written) => written,
                Err(error) => {
                    tracing::warn!(request_id = %asked.call.id, provider = leg.provider, %error, "not asked");
                    // What a provider that was asked has said tells the caller more.
                    last.get_or_insert(Undelivered::Error(error));
                    break;
                }
            };
            draft.attempt(&leg.provider, &leg.model);
            let Written { request, dialect, translator, hide_usage, remarks } = written;
            let how = Reading {
                kind: asked.call.kind,
                dialect,
                translator,
                stream: asked.head.stream,
                hide_usage,
                choices: asked.head.choices,
                begun: host.now(),
                deadline,
            };
            let failure = match attempt(host, leg, request, how).await {
                Ok(answer) => {
                    draft.attempted(Some(answer.status().as_u16()), None);
                    return Ok(Delivery { answer, leg, remarks });
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
