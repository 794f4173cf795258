//! Each target in turn until one answers, as in [`dispatch`](super::super::dispatch), for requests that only pass: the
//! body may still be coming in, and the answer is taken as it is.

use std::pin::pin;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{HeaderMap, Request, Response, header};
use postern_wire::dialect::openai_chat::PeekFailure;
use postern_wire::media::{Made, MediaFacts};
use postern_wire::provider::{Offer, Operation};
use postern_wire::{Dialect, Fault, FaultKind};

use super::form::Form;
use crate::error::GatewayError;
use crate::host::Host;
use crate::pipeline::accept::Call;
use crate::pipeline::attempt::{
    Answer, Failure, MAX_ANSWER, WholeFacts, describe_bad, fetch_fault, first_token, read_error, read_whole,
    within,
};
use crate::pipeline::authorize::{Unsent, send, send_upload};
use crate::pipeline::deadline::Deadline;
use crate::pipeline::dispatch::{Delivery, Undelivered, failed, nothing_to_ask};
use crate::pipeline::draft::Draft;
use crate::pipeline::exchange::{Remarks, Sending, not_spoken};
use crate::pipeline::passage::{Passage, Passing};
use crate::pipeline::reading::Span;
use crate::pipeline::resolve::{Leg, Plan};
use crate::pipeline::stream::Source;
use crate::pipeline::write::enclose;
use crate::policy::retry::Next;
use crate::time::Timestamp;
use crate::upload::{Feed, Outgoing};

/// What a request carries.
pub(super) enum Load<'l, B> {
    /// The same bytes for each target, but for its name of the model.
    Whole(&'l (dyn Fn(&str) -> Bytes + Sync)),
    /// What may still be coming in.
    Form(&'l mut Form<B>),
}

impl<B: http_body::Body<Data = Bytes> + Unpin> Load<'_, B> {
    fn outgoing(&self, model: &str) -> (Outgoing, Option<Feed>) {
        match self {
            Self::Whole(body) => (Outgoing::Whole(body(model)), None),
            Self::Form(form) => form.outgoing(model),
        }
    }

    fn is_spent(&self) -> bool {
        match self {
            Self::Whole(_) => false,
            Self::Form(form) => form.is_spent(),
        }
    }

    /// Puts the rest into `feed`, if there is any.
    async fn pump<H: Host>(&mut self, host: &H, feed: Option<Feed>, model: &str) -> Result<(), GatewayError> {
        match (self, feed) {
            (Self::Form(form), Some(feed)) => form.pump(host, feed, model).await,
            _ => Ok(()),
        }
    }
}

/// What is asked, and what comes back.
#[derive(Clone, Copy)]
pub(super) struct Errand<'e> {
    /// What the provider must have.
    pub(super) offer: Offer,
    /// The request, but for its body.
    pub(super) to: Operation<'e>,
    /// What the answer is about; `None` for things that are no models' work.
    pub(super) made: Option<Made>,
    /// Whether the answer's bytes pass unread, whatever they are.
    pub(super) unread: bool,
}

/// Why an attempt has no answer.
enum Unanswered {
    Failed(Failure),
    /// The caller has broken off, or sends what is refused.
    Caller(GatewayError),
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.into())
    }
}

/// Asks the targets in their order.
pub(super) async fn deliver<'p, H, B>(
    host: &H,
    call: &Call,
    plan: &'p Plan,
    errand: Errand<'_>,
    mut load: Load<'_, B>,
    draft: &mut Draft<H>,
) -> Result<Delivery<'p, H>, Undelivered>
where
    H: Host,
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut last: Option<Undelivered> = None;
    let total = plan.legs.first().map_or_else(Default::default, |leg| leg.timeouts.total);
    let deadline = Deadline::earlier(&call.parts.extensions, draft.arrived().plus(total));
    'legs: for leg in &plan.legs {
        let Some(provider) = plan.provider(leg) else { continue };
        if !provider.kind.offers(errand.offer) {
            let refusal = not_spoken(leg, provider, errand.offer.described());
            last.get_or_insert(Undelivered::Error(refusal));
            continue;
        }
        let errors = provider.kind.errors();
        for tried in 1..=leg.attempts.max(1) {
            let (body, feed) = load.outgoing(&leg.model);
            let sending = Sending::whole(errand.to);
            let request = match enclose(host, call, plan, leg, provider, sending, Bytes::new()) {
                Ok(request) => request.map(|_| body),
                Err(error) => {
                    tracing::warn!(request_id = %call.id, provider = leg.provider, %error, "not asked");
                    last.get_or_insert(Undelivered::Error(error));
                    continue 'legs;
                }
            };
            draft.attempt(&leg.provider, &leg.model);
            let sent = exchange(host, leg, request, feed, &mut load, deadline).await;
            let answered = match sent {
                Ok(response) => read(host, leg, response, errand, errors, deadline).await,
                Err(unanswered) => Err(unanswered),
            };
            let failure = match answered {
                Ok(answer) => {
                    draft.attempted(Some(answer.status().as_u16()), None);
                    return Ok(Delivery { answer, leg, remarks: Remarks::default() });
                }
                Err(Unanswered::Caller(error)) => {
                    draft.attempted(None, None);
                    return Err(Undelivered::Error(error));
                }
                Err(Unanswered::Failed(failure)) => failure,
            };
            let (failed, next) = failed(host, call, leg, tried, failure, deadline, draft);
            last = Some(failed);
            // What has gone to one target and is not held cannot go to another.
            if load.is_spent() {
                break 'legs;
            }
            match next {
                Next::Again(pause) => {
                    let since = host.now();
                    host.sleep(pause).await;
                    draft.paused(since);
                }
                Next::Elsewhere => continue 'legs,
                Next::GiveUp => break 'legs,
            }
        }
    }
    Err(last.unwrap_or_else(nothing_to_ask))
}

/// Sends a request, its body while it comes in, and gives the head of the answer once nothing more of the body is to be
/// sent.
async fn exchange<H, B>(
    host: &H,
    leg: &Leg,
    request: Request<Outgoing>,
    feed: Option<Feed>,
    load: &mut Load<'_, B>,
    deadline: Timestamp,
) -> Result<Response<H::Body>, Unanswered>
where
    H: Host,
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let limit = leg.timeouts.total.min(deadline.since(host.now()));
    let connect = leg.timeouts.connect;
    let (parts, body) = request.into_parts();
    let fetching = pin!(async {
        let sent = match body {
            Outgoing::Whole(body) => send(host, Request::from_parts(parts, body), connect).await,
            Outgoing::Stream(body) => send_upload(host, Request::from_parts(parts, body), connect).await,
        };
        sent.map_err(|unsent| match unsent {
            Unsent::Unproved(fault) => fault,
            Unsent::Fetch(error) => {
                tracing::warn!(provider = leg.provider, %error, "a provider cannot be reached");
                fetch_fault(&error)
            }
        })
    });
    let all = async {
        let pumping = pin!(load.pump(host, feed, &leg.model));
        match select(fetching, pumping).await {
            Either::Left((Ok(response), pumping)) => {
                // One that refuses wants no more of the body.
                if response.status().is_success() {
                    pumping.await.map_err(Unanswered::Caller)?;
                }
                Ok(response)
            }
            Either::Left((Err(fault), _)) => Err(fault.into()),
            Either::Right((pumped, fetching)) => {
                pumped.map_err(Unanswered::Caller)?;
                fetching.await.map_err(Unanswered::from)
            }
        }
    };
    match within(host, limit, all).await {
        Some(answered) => answered,
        None => Err(Fault::new(FaultKind::Timeout, "no answer came in time").into()),
    }
}

/// Reads what is to be read of an answer.
async fn read<H: Host>(
    host: &H,
    leg: &Leg,
    response: Response<H::Body>,
    errand: Errand<'_>,
    errors: Dialect,
    deadline: Timestamp,
) -> Result<Answer<H>, Unanswered> {
    let status = response.status();
    if !status.is_success() {
        let mut failure =
            read_error(host, leg, response, errors, errors == Dialect::OpenAiChat, deadline).await;
        failure.fault.status.get_or_insert(status.as_u16());
        return Err(Unanswered::Failed(failure));
    }
    let answered = read_answer(host, leg, response, errand, deadline).await;
    answered.map_err(|mut fault| {
        fault.status.get_or_insert(status.as_u16());
        fault.into()
    })
}

async fn read_answer<H: Host>(
    host: &H,
    leg: &Leg,
    response: Response<H::Body>,
    errand: Errand<'_>,
    deadline: Timestamp,
) -> Result<Answer<H>, Fault> {
    let (parts, body) = response.into_parts();
    let (status, headers) = (parts.status, parts.headers);
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Fault::new(FaultKind::BadAnswer, "the answer is compressed, which was not asked for"));
    }
    let passing = match (media_type(&headers), errand.made) {
        _ if errand.unread => Some(Passing::File),
        ("text/event-stream", Some(made)) => Some(Passing::Events(made)),
        ("application/json", _) | (_, None) => None,
        // Silence has no text.
        (kind, Some(Made::Text)) if kind != "text/html" => Some(Passing::File),
        // A page of something in between, where a made thing was asked for.
        ("text/html", _) => {
            return Err(Fault::new(FaultKind::BadAnswer, "the answer is `text/html`, a page for people"));
        }
        (_, Some(_)) => Some(Passing::Bytes),
    };
    if let Some(passing) = passing {
        let span = Span { begun: host.now(), deadline };
        let passage = Passage::new(body, leg.timeouts.clone(), passing, span);
        let mut source = Source::Passage(Box::new(passage));
        let held = first_token(host, &mut source).await?;
        return Ok(Answer::Stream { status, headers, source, held });
    }
    let body = read_whole(host, leg, body, MAX_ANSWER, deadline).await?;
    let made = errand.made.unwrap_or(Made::Text);
    let facts = MediaFacts::of_answer(&body, made).map_err(|failure| match failure {
        PeekFailure::Fault(fault) => fault,
        PeekFailure::Decode(error) => Fault::new(FaultKind::BadAnswer, describe_bad(&headers, &body, &error)),
    })?;
    // What a file or a batch says of usage is for the one who reads it as such.
    let usage = facts.usage.filter(|_| errand.made.is_some());
    let facts = WholeFacts { model: facts.model, usage, ..WholeFacts::default() };
    Ok(Answer::Whole { status, headers, body, facts })
}

/// The media type without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim()
}
