//! One try on one target: the request is written and sent, the answer's head and, unless it streams, its body are
//! read. A stream is read up to its first token, so that nothing reaches a caller before there is an answer.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use http::{HeaderMap, StatusCode, header};
use postern_wire::dialect::openai_chat::{PeekFailure, ResponseFacts, peek_response};
use postern_wire::{Dialect, Fault, FaultKind};

use super::echo::Echo;
use super::relay::{Relay, Step};
use super::resolve::Leg;
use crate::host::{FetchError, Host};
use crate::time::Timestamp;

/// The largest whole answer, bytes. Images and audio come inside JSON.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// How much of an error's body is read.
const MAX_ERROR: usize = 256 * 1024;
/// How much of a stream is held back while its first token has not come.
const MAX_HELD: usize = 1024 * 1024;

/// What a target answered.
pub(super) enum Answer<H: Host> {
    /// A whole answer, byte for byte as it came.
    Whole { status: StatusCode, headers: HeaderMap, body: Bytes, facts: ResponseFacts },
    /// A stream whose first token has come; `held` is what came up to it.
    Stream { status: StatusCode, headers: HeaderMap, relay: Box<Relay<H>>, held: VecDeque<Bytes> },
    /// A stream of the built-in demo.
    Echo(Box<Echo<H>>),
}

impl<H: Host> Answer<H> {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Whole { status, .. } | Self::Stream { status, .. } => *status,
            Self::Echo(_) => StatusCode::OK,
        }
    }
}

/// A failed try.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    /// The provider's own answer, when it is an error in the caller's format that may be passed on as it came.
    pub(super) verbatim: Option<Verbatim>,
}

/// An error answer as the provider gave it.
#[derive(Debug)]
pub(super) struct Verbatim {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, verbatim: None }
    }
}

/// Sends `request` and reads the answer. `deadline` ends the whole call.
pub(super) async fn attempt<H: Host>(
    host: &H,
    leg: &Leg,
    request: http::Request<Bytes>,
    stream: bool,
    hide_usage: bool,
    deadline: Timestamp,
) -> Result<Answer<H>, Failure> {
    let begun = host.now();
    let head_limit = if stream { leg.timeouts.first_token } else { leg.timeouts.total };
    let head_limit = head_limit.min(deadline.since(begun));
    let fetched = within(host, head_limit, host.fetch(request, leg.timeouts.connect)).await;
    let response = match fetched {
        None => return Err(Fault::new(FaultKind::Timeout, "no answer came in time").into()),
        Some(Err(error)) => return Err(fetch_fault(&error).into()),
        Some(Ok(response)) => response,
    };
    let status = response.status();
    let answered = if status.is_success() {
        read_answer(host, leg, response, Reading { stream, hide_usage, begun, deadline })
            .await
            .map_err(Failure::from)
    } else {
        Err(read_error(host, leg, response, deadline).await)
    };
    answered.map_err(|mut failure| {
        failure.fault.status.get_or_insert(status.as_u16());
        failure
    })
}

/// How an answer is to be read.
struct Reading {
    stream: bool,
    hide_usage: bool,
    begun: Timestamp,
    deadline: Timestamp,
}

/// Reads an answer whose status says success.
async fn read_answer<H: Host>(
    host: &H,
    leg: &Leg,
    response: http::Response<H::Body>,
    how: Reading,
) -> Result<Answer<H>, Fault> {
    let (parts, body) = response.into_parts();
    if parts.headers.contains_key(header::CONTENT_ENCODING) {
        let text = "the answer is compressed, which was not asked for";
        return Err(Fault::new(FaultKind::BadAnswer, text));
    }
    if how.stream && !is_whole(&parts.headers) {
        let relay = Relay::new(body, how.hide_usage, leg.timeouts.clone(), how.begun, how.deadline);
        let mut relay = Box::new(relay);
        let held = first_token(host, &mut relay).await?;
        return Ok(Answer::Stream { status: parts.status, headers: parts.headers, relay, held });
    }
    let body = read_whole(host, leg, body, MAX_ANSWER, how.deadline).await?;
    let facts = peek_response(&body).map_err(|failure| match failure {
        PeekFailure::Fault(fault) => fault,
        PeekFailure::Decode(error) => {
            Fault::new(FaultKind::BadAnswer, describe_bad(&parts.headers, &body, &error))
        }
    })?;
    if how.stream {
        let text = "a whole answer came where a stream was asked for";
        return Err(Fault::new(FaultKind::BadAnswer, text));
    }
    Ok(Answer::Whole { status: parts.status, headers: parts.headers, body, facts })
}

fn describe_bad(headers: &HeaderMap, body: &[u8], error: &postern_wire::dialect::DecodeError) -> String {
    if body.iter().all(u8::is_ascii_whitespace) {
        return "the answer is empty".to_owned();
    }
    match headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()) {
        Some(kind) if !kind.contains("json") => format!("the answer is `{kind}`, not JSON"),
        _ => format!("the answer cannot be read: {error}"),
    }
}

/// Whether an answer is no stream, whatever was asked for.
fn is_whole(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/json") || kind.starts_with("text/html")
}

/// Holds a stream back until its first token, or its regular end, has come.
async fn first_token<H: Host>(host: &H, relay: &mut Relay<H>) -> Result<VecDeque<Bytes>, Fault> {
    let mut held = VecDeque::new();
    let mut size = 0;
    loop {
        match poll_fn(|cx| relay.poll_step(host, cx)).await {
            Step::Failed(fault) if relay.facts.begun => {
                // The first token and the failure came together: the caller gets both.
                relay.put_back(Step::Failed(fault));
                return Ok(held);
            }
            Step::Failed(fault) => return Err(fault),
            Step::Forward(bytes) => {
                size += bytes.len();
                held.push_back(bytes);
                if relay.facts.begun || !relay.facts.finish_reasons.is_empty() {
                    return Ok(held);
                }
                if size > MAX_HELD {
                    let text = "the stream sent much and no token";
                    return Err(Fault::new(FaultKind::BadAnswer, text));
                }
            }
            Step::End => {
                relay.put_back(Step::End);
                return Ok(held);
            }
        }
    }
}

async fn read_error<H: Host>(
    host: &H,
    leg: &Leg,
    response: http::Response<H::Body>,
    deadline: Timestamp,
) -> Failure {
    let (parts, body) = response.into_parts();
    let status = parts.status;
    // An error whose text does not come in time is still the error that its status says.
    let body = read_whole(host, leg, body, MAX_ERROR, deadline).await.unwrap_or_default();
    let now = host.now().seconds();
    let fault = Dialect::OpenAiChat.decode_fault(status.as_u16(), &parts.headers, &body, Some(now));
    // What is about the gateway's own account, or may hold a part of its key, is not passed on.
    let passes = matches!(
        fault.kind,
        FaultKind::InvalidRequest
            | FaultKind::ContextTooLong
            | FaultKind::ContentFilter
            | FaultKind::NotFound
            | FaultKind::TooLarge
            | FaultKind::RateLimited
    ) && status.is_client_error();
    let verbatim = (passes && is_openai_error(&body)).then_some(Verbatim { status, body });
    Failure { fault, verbatim }
}

/// Whether a body is an error as the caller's SDK reads it.
fn is_openai_error(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Shape {
        error: Inner,
    }
    #[derive(serde::Deserialize)]
    struct Inner {
        #[serde(rename = "message")]
        _message: String,
    }
    serde_json::from_slice::<Shape>(body).is_ok_and(|shape| {
        let Inner { .. } = shape.error;
        true
    })
}

/// Reads a body to its end within `limit` bytes, each piece within the idle time.
async fn read_whole<H: Host>(
    host: &H,
    leg: &Leg,
    mut body: H::Body,
    limit: usize,
    deadline: Timestamp,
) -> Result<Bytes, Fault> {
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    loop {
        let pause = leg.timeouts.idle.min(deadline.since(host.now()));
        let piece = match within(host, pause, body.next()).await {
            None => {
                return Err(Fault::new(FaultKind::Timeout, "the rest of the answer did not come in time"));
            }
            Some(None) => break,
            Some(Some(Err(error))) => return Err(Fault::new(FaultKind::BadAnswer, error.to_string())),
            Some(Some(Ok(piece))) => piece,
        };
        if all.len() + first.as_ref().map_or(0, Bytes::len) + piece.len() > limit {
            let text = format!("the answer is larger than {limit} bytes");
            return Err(Fault::new(FaultKind::BadAnswer, text));
        }
        match first.take() {
            // An answer in one piece is not copied.
            None if all.is_empty() => first = Some(piece),
            head => {
                all.extend_from_slice(&head.unwrap_or_default());
                all.extend_from_slice(&piece);
            }
        }
    }
    Ok(first.unwrap_or_else(|| all.freeze()))
}

fn fetch_fault(error: &FetchError) -> Fault {
    match error {
        FetchError::Connect(_) => Fault::new(FaultKind::Unreachable, "the provider cannot be reached"),
        FetchError::ConnectTimeout => Fault::new(FaultKind::Timeout, "no connection was made in time"),
        FetchError::Broken(_) => {
            Fault::new(FaultKind::Unreachable, "the connection broke before an answer came")
        }
    }
}

/// The result of `future`, or `None` when `limit` passes first.
async fn within<H: Host, F: Future>(host: &H, limit: Duration, future: F) -> Option<F::Output> {
    match select(pin!(future), host.sleep(limit)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
