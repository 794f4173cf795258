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
use postern_wire::dialect::DecodeError;
use postern_wire::dialect::openai_chat::{PeekFailure, ResponseFacts};
use postern_wire::{Dialect, Fault, FaultKind, Usage};

use super::authorize::{Unsent, send};
use super::exchange::{How, Told};
use super::reading::Span;
use super::relay::Relay;
use super::resolve::Leg;
use super::stream::{Source, Step};
use super::translation::Translation;
use crate::host::{FetchError, Host};
use crate::time::Timestamp;

/// The largest whole answer, bytes. Images and audio come inside JSON.
pub(super) const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// How much of an error's body is read.
const MAX_ERROR: usize = 256 * 1024;
/// How much of a stream is held back while its first token has not come.
const MAX_HELD: usize = 1024 * 1024;

/// What a target answered.
pub(super) enum Answer<H: Host> {
    /// A whole answer, in the caller's format.
    Whole { status: StatusCode, headers: HeaderMap, body: Bytes, facts: WholeFacts },
    /// A part of a whole answer; others are to be asked for.
    Part { status: StatusCode },
    /// A stream whose first token has come; `held` is what came up to it.
    Stream { status: StatusCode, headers: HeaderMap, source: Source<H>, held: VecDeque<Bytes> },
}

impl<H: Host> Answer<H> {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Whole { status, .. } | Self::Part { status } | Self::Stream { status, .. } => *status,
        }
    }
}

/// What a whole answer says.
#[derive(Debug, Default)]
pub(super) struct WholeFacts {
    pub(super) model: Option<String>,
    pub(super) usage: Option<Usage>,
    /// Whether those are an estimate of our own, or a count; `None` for the provider's figures.
    pub(super) estimated: Option<bool>,
    pub(super) finish_reasons: Vec<String>,
    /// What the model wrote; only where it has to be counted.
    pub(super) said: String,
    /// Whether more than plain text of one choice was made.
    pub(super) beyond_text: bool,
}

impl WholeFacts {
    pub(super) fn new(facts: ResponseFacts, said: impl FnOnce() -> String) -> Self {
        let ResponseFacts { model, usage, finish_reasons, beyond_text, .. } = facts;
        Self {
            beyond_text: beyond_text || finish_reasons.len() > 1,
            said: if usage.is_none() { said() } else { String::new() },
            model,
            usage,
            estimated: None,
            finish_reasons,
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

/// Sends `request` and reads the answer.
pub(super) async fn attempt<H: Host>(
    host: &H,
    leg: &Leg,
    request: http::Request<Bytes>,
    how: &mut How,
    deadline: Timestamp,
) -> Result<Answer<H>, Failure> {
    let span = Span { begun: host.now(), deadline };
    let head_limit = if how.stream() { leg.timeouts.first_token } else { leg.timeouts.total };
    let head_limit = head_limit.min(deadline.since(span.begun));
    let fetched = within(host, head_limit, send(host, request, leg.timeouts.connect)).await;
    let response = match fetched {
        None => return Err(Fault::new(FaultKind::Timeout, "no answer came in time").into()),
        Some(Err(Unsent::Unproved(fault))) => return Err(fault.into()),
        Some(Err(Unsent::Fetch(error))) => {
            tracing::warn!(provider = leg.provider, %error, "a provider cannot be reached");
            return Err(fetch_fault(&error).into());
        }
        Some(Ok(response)) => response,
    };
    let status = response.status();
    let answered = if status.is_success() {
        read_answer(host, leg, response, how, span).await.map_err(Failure::from)
    } else {
        Err(read_error(host, leg, response, how.errors(), how.errors_are_own(), deadline).await)
    };
    answered.map_err(|mut failure| {
        failure.fault.status.get_or_insert(status.as_u16());
        failure
    })
}

/// Reads an answer whose status says success.
async fn read_answer<H: Host>(
    host: &H,
    leg: &Leg,
    response: http::Response<H::Body>,
    how: &mut How,
    span: Span,
) -> Result<Answer<H>, Fault> {
    let (parts, body) = response.into_parts();
    if parts.headers.contains_key(header::CONTENT_ENCODING) {
        let text = "the answer is compressed, which was not asked for";
        return Err(Fault::new(FaultKind::BadAnswer, text));
    }
    if let How::Conversation(reading) = how
        && reading.stream
        && !is_whole(&parts.headers)
    {
        let timeouts = leg.timeouts.clone();
        let mut source = match reading.translator.clone() {
            None => Source::Relay(Box::new(Relay::new(body, timeouts, reading, span))),
            Some(by) => Source::Translation(Box::new(Translation::new(body, timeouts, reading, span, by))),
        };
        let held = first_token(host, &mut source).await?;
        return Ok(Answer::Stream { status: parts.status, headers: parts.headers, source, held });
    }
    let body = read_whole(host, leg, body, MAX_ANSWER, span.deadline).await?;
    let read = match how {
        How::Conversation(reading) => reading.whole(&body).map(Some),
        How::Whole(tell) => tell.read(&body),
    };
    let told = read.map_err(|failure| match failure {
        PeekFailure::Fault(fault) => fault,
        PeekFailure::Decode(error) => {
            Fault::new(FaultKind::BadAnswer, describe_bad(&parts.headers, &body, &error))
        }
    })?;
    if how.stream() {
        let text = "a whole answer came where a stream was asked for";
        return Err(Fault::new(FaultKind::BadAnswer, text));
    }
    let (status, headers) = (parts.status, parts.headers);
    Ok(match told {
        Some(Told { body, facts }) => Answer::Whole { status, headers, body, facts },
        None => Answer::Part { status },
    })
}

pub(super) fn describe_bad(headers: &HeaderMap, body: &[u8], error: &DecodeError) -> String {
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
pub(super) async fn first_token<H: Host>(host: &H, source: &mut Source<H>) -> Result<VecDeque<Bytes>, Fault> {
    let mut held = VecDeque::new();
    let mut size = 0;
    loop {
        match poll_fn(|cx| source.poll_step(host, cx)).await {
            Step::Failed(fault) if source.facts().begun => {
                // The first token and the failure came together: the caller gets both.
                source.put_back(Step::Failed(fault));
                return Ok(held);
            }
            Step::Failed(fault) => return Err(fault),
            Step::Forward(bytes) => {
                size += bytes.len();
                held.push_back(bytes);
                if !source.facts().is_empty() {
                    return Ok(held);
                }
                if size > MAX_HELD {
                    let text = "the stream sent much and no token";
                    return Err(Fault::new(FaultKind::BadAnswer, text));
                }
            }
            Step::End => {
                source.put_back(Step::End);
                return Ok(held);
            }
        }
    }
}

/// Reads an error that is told in the words of the format `errors`; `are_own` says whether that is the caller's.
pub(super) async fn read_error<H: Host>(
    host: &H,
    leg: &Leg,
    response: http::Response<H::Body>,
    errors: Dialect,
    are_own: bool,
    deadline: Timestamp,
) -> Failure {
    let (parts, body) = response.into_parts();
    let status = parts.status;
    // An error whose text does not come in time is still the error that its status says.
    let body = read_whole(host, leg, body, MAX_ERROR, deadline).await.unwrap_or_default();
    let now = host.now().seconds();
    let fault = errors.decode_fault(status.as_u16(), &parts.headers, &body, Some(now));
    // What is about the gateway's own account, or may hold a part of its key, is not passed on.
    let passes = are_own
        && matches!(
            fault.kind,
            FaultKind::InvalidRequest
                | FaultKind::ContextTooLong
                | FaultKind::ContentFilter
                | FaultKind::NotFound
                | FaultKind::TooLarge
                | FaultKind::RateLimited
        )
        && status.is_client_error();
    // What the fault's text leaves out, such as the account's own ids, must not go on either.
    let clean = passes && message_of(&body).is_some_and(|message| message == fault.message);
    let verbatim = clean.then_some(Verbatim { status, body });
    Failure { fault, verbatim }
}

/// The message of an error as the caller's SDK reads it: in `error`, or, with Cohere, as it is.
fn message_of(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Body {
        error: Option<Error>,
        message: Option<String>,
    }
    #[derive(serde::Deserialize)]
    struct Error {
        message: String,
    }
    let body = serde_json::from_slice::<Body>(body).ok()?;
    body.error.map(|error| error.message).or(body.message)
}

/// Reads a body to its end within `limit` bytes, each piece within the idle time.
pub(super) async fn read_whole<H: Host>(
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
            Some(Some(Err(error))) => {
                tracing::warn!(provider = leg.provider, %error, "an answer broke off");
                return Err(Fault::new(
                    FaultKind::BadAnswer,
                    "the connection broke off before the answer was complete",
                ));
            }
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

pub(super) fn fetch_fault(error: &FetchError) -> Fault {
    match error {
        FetchError::Connect(_) => Fault::new(FaultKind::Unreachable, "the provider cannot be reached"),
        FetchError::ConnectTimeout => Fault::new(FaultKind::Timeout, "no connection was made in time"),
        FetchError::Broken(_) => {
            Fault::new(FaultKind::Unreachable, "the connection broke before an answer came")
        }
    }
}

/// The result of `future`, or `None` when `limit` passes first.
pub(super) async fn within<H: Host, F: Future>(host: &H, limit: Duration, future: F) -> Option<F::Output> {
    match select(pin!(future), host.sleep(limit)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
