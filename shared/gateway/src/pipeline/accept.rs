//! The first stage: a request gets an id and a place in a trace, and its body is read within bounds.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use postern_wire::dialect::Framing;
use postern_wire::dialect::mlflow::endpoints::EndpointType;
use postern_wire::dialect::mlflow::{self, Shape};
use postern_wire::{Dialect, embed, rerank};

use super::media::{Media, Resource};
use crate::error::{ErrorKind, GatewayError};
use crate::hex;
use crate::host::Host;
use crate::http::{Surface, surface_of};
use crate::time::Timestamp;

/// How long a body may pause. A caller that sends more slowly than this is holding a connection, not calling a model.
const BODY_PAUSE: Duration = Duration::from_secs(30);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To answer a conversation.
    Answer,
    /// How many tokens a conversation has.
    Count,
    /// To embed texts.
    Embed(embed::Format),
    /// To rank documents.
    Rerank(rerank::Format),
    /// To look for what is harmful.
    Moderate,
    /// To run a classic model.
    Invoke,
    /// To make images or sound, or text of sound.
    Media(Media),
    /// To keep something, or to give or remove what is kept.
    Resource(Resource),
}

impl Kind {
    /// The name in records: OpenTelemetry's, where its GenAI conventions have one.
    pub(super) const fn operation(self) -> &'static str {
        match self {
            Self::Answer => "chat",
            Self::Count => "count_tokens",
            Self::Embed(_) => "embeddings",
            Self::Rerank(_) => "rerank",
            Self::Moderate => "moderations",
            Self::Invoke => "invocation",
            Self::Media(media) => media.operation(),
            Self::Resource(resource) => resource.kind.name(),
        }
    }
}

/// What the address of a request says, in formats whose bodies do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) framing: Framing,
}

/// What a path asks for, in which format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asks {
    /// The format of a conversation; of anything else, the one in whose words errors are told.
    pub(crate) dialect: Dialect,
    pub(crate) kind: Kind,
    pub(crate) address: Option<Address>,
    /// The endpoint that the address names, where the body then says what is asked (MLflow, Databricks).
    pub(crate) endpoint: Option<String>,
}

/// A request to a model, before anything is known of its caller.
pub(crate) struct Call {
    pub(crate) id: RequestId,
    pub(super) arrived: Timestamp,
    pub(crate) dialect: Dialect,
    pub(super) kind: Kind,
    pub(super) address: Option<Address>,
    pub(super) endpoint: Option<String>,
    /// How its errors are told.
    pub(crate) surface: Surface,
    pub(super) trace: TraceContext,
    pub(super) parts: Parts,
}

impl Call {
    pub(super) fn new<H: Host>(
        host: &H,
        id: RequestId,
        arrived: Timestamp,
        asks: Asks,
        parts: Parts,
    ) -> Self {
        let Asks { dialect, kind, address, endpoint } = asks;
        let surface = surface_of(parts.uri.path()).of_call(dialect);
        let trace = TraceContext::from_header(host, parts.headers.get(&crate::http::TRACEPARENT));
        Self { id, arrived, dialect, kind, address, endpoint, surface, trace, parts }
    }

    /// Where the address names an endpoint, the body says in which format the call is; it comes back with the endpoint as
    /// its model.
    pub(super) fn address_body(&mut self, body: Bytes) -> Result<Bytes, GatewayError> {
        let Some(endpoint) = &self.endpoint else { return Ok(body) };
        if !is_object(&self.parts.headers, &body) {
            self.kind = Kind::Invoke;
            return Ok(body);
        }
        let (shape, body) = mlflow::address(endpoint, &body)?;
        (self.kind, self.dialect) = match shape {
            Shape::Endpoint(EndpointType::Chat) => (Kind::Answer, Dialect::OpenAiChat),
            Shape::Endpoint(EndpointType::Completions) => (Kind::Answer, Dialect::OpenAiCompletions),
            Shape::Endpoint(EndpointType::Embeddings) => {
                (Kind::Embed(embed::Format::OpenAi), Dialect::OpenAiChat)
            }
            Shape::Scoring => (Kind::Invoke, Dialect::OpenAiChat),
        };
        Ok(body)
    }

    /// The name of the request's format.
    pub(super) const fn format(&self) -> &'static str {
        if let Some(name) = self.surface.own_name() {
            return name;
        }
        match self.kind {
            Kind::Answer | Kind::Count => self.dialect.name(),
            Kind::Embed(format) => format.name(),
            Kind::Rerank(format) => format.name(),
            Kind::Moderate => "openai_moderations",
            Kind::Invoke => "invocation",
            Kind::Media(_) => "openai_media",
            Kind::Resource(_) => "openai_files",
        }
    }
}

/// Whether a body is to be a JSON object, which says by its fields what it asks. Classic models take other types too, and
/// JSON of other kinds. Forms and plain text are what clients say who were not told what they send.
fn is_object(headers: &HeaderMap, body: &Bytes) -> bool {
    let said =
        headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let unsaid = matches!(kind.as_str(), "" | "application/x-www-form-urlencoded" | "text/plain");
    let json = kind == "application/json" || kind.ends_with("+json");
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    (unsaid || json) && first != Some(&b'[')
}

/// The id of a call: a UUID version 7, so ids sort by the time of arrival.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    pub(super) fn new<H: Host>(host: &H, at: Timestamp) -> Self {
        let mut random = [0; 10];
        host.random(&mut random);
        let millis = at.millis().to_be_bytes();
        let mut bytes = [0_u8; 16];
        for (to, from) in bytes.iter_mut().zip(millis.iter().skip(2).chain(&random)) {
            *to = *from;
        }
        // RFC 9562: version 7 in the high half of byte 6, variant 10 in the top bits of byte 8.
        let [.., six, _, eight, _, _, _, _, _, _, _] = &mut bytes;
        *six = (*six & 0x0f) | 0x70;
        *eight = (*eight & 0x3f) | 0x80;
        Self(hyphenated(bytes).into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as letters and digits alone, as formats use it behind marks of their own.
    pub(super) fn compact(&self) -> String {
        self.0.replace('-', "")
    }

    pub(super) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn hyphenated(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        hex::push(&[*byte], &mut text);
    }
    text
}

/// A place in a W3C trace (<https://www.w3.org/TR/trace-context/>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace, never zero.
    trace: u128,
    /// This call's span, never zero.
    span: u64,
    /// Whether the trace is sampled.
    sampled: bool,
}

impl TraceContext {
    /// Continues the caller's trace, or begins one.
    fn from_header<H: Host>(host: &H, header: Option<&HeaderValue>) -> Self {
        let mut random = [0; 24];
        host.random(&mut random);
        let number = |from: usize, to: usize| {
            random.iter().take(to).skip(from).fold(0_u128, |n, byte| (n << 8) | u128::from(*byte))
        };
        let span = (number(0, 8) as u64).max(1);
        match header.and_then(|h| h.to_str().ok()).and_then(parse_traceparent) {
            Some((trace, sampled)) => Self { trace, span, sampled },
            None => Self { trace: number(8, 24).max(1), span, sampled: false },
        }
    }

    /// The trace's id as 32 hex digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        hex::of(&self.trace.to_be_bytes())
    }

    /// The header for whom we call.
    #[must_use]
    pub fn header(&self) -> String {
        let mut text = String::with_capacity(55);
        text.push_str("00-");
        hex::push(&self.trace.to_be_bytes(), &mut text);
        text.push('-');
        hex::push(&self.span.to_be_bytes(), &mut text);
        text.push_str(if self.sampled { "-01" } else { "-00" });
        text
    }
}

fn parse_traceparent(text: &str) -> Option<(u128, bool)> {
    let mut fields = text.split('-');
    let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let hex = |s: &str| s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let shape = version.len() == 2 && trace.len() == 32 && parent.len() == 16 && flags.len() == 2;
    // Later versions may add fields; version ff is forbidden, and version 00 has exactly these.
    if !shape || version == "ff" || ![version, trace, parent, flags].into_iter().all(hex) {
        return None;
    }
    if version == "00" && fields.next().is_some() {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok().filter(|t| *t != 0)?;
    u64::from_str_radix(parent, 16).ok().filter(|p| *p != 0)?;
    Some((trace, u8::from_str_radix(flags, 16).ok()? & 1 == 1))
}

/// Reads a request's body. What is over `limit` bytes is refused before it is read, or while it comes in when its
/// length was not declared.
pub(crate) async fn read_body<H, B>(
    host: &H,
    parts: &Parts,
    mut body: B,
    limit: u64,
) -> Result<Bytes, GatewayError>
where
    H: Host,
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let too_large = || too_large(limit, "server.max_body");
    let declared = declared_length(parts, &body)?;
    if declared.is_some_and(|length| length > limit) || body.size_hint().lower() > limit {
        return Err(too_large());
    }
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    while let Some(data) = next_data(host, &mut body).await? {
        let so_far = first.as_ref().map_or(0, Bytes::len) + rest.len();
        if (so_far + data.len()) as u64 > limit {
            return Err(too_large());
        }
        match &first {
            // One frame is the usual case and is not copied.
            None => first = Some(data),
            Some(head) => {
                if rest.is_empty() {
                    rest.reserve(declared.map_or(0, |n| n as usize).max(head.len() + data.len()));
                    rest.extend_from_slice(head);
                    first = Some(Bytes::new());
                }
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(if rest.is_empty() { first.unwrap_or_default() } else { rest.freeze() })
}

/// The refusal of a body over a limit, which is that of a key of the configuration.
pub(super) fn too_large(limit: u64, key: &str) -> GatewayError {
    let text = format!("the request body is larger than the {limit} bytes this gateway takes ({key})");
    GatewayError::new(ErrorKind::BodyTooLarge, text)
}

/// The length of the body in bytes, where the caller declares it.
///
/// # Errors
/// When the body is compressed, which no length says anything about.
pub(super) fn declared_length<B: http_body::Body>(
    parts: &Parts,
    body: &B,
) -> Result<Option<u64>, GatewayError> {
    if let Some(encoding) = parts.headers.get(http::header::CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        let text = "the request body is compressed: send it without content-encoding";
        return Err(GatewayError::new(ErrorKind::Compressed, text).at("content-encoding"));
    }
    let declared = parts.headers.get(http::header::CONTENT_LENGTH);
    let declared = declared.and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    Ok(body.size_hint().exact().or(declared))
}

/// The next bytes of a body, `None` at its end.
///
/// # Errors
/// When the body pauses for too long or breaks off.
pub(super) async fn next_data<H, B>(host: &H, body: &mut B) -> Result<Option<Bytes>, GatewayError>
where
    H: Host,
    B: http_body::Body<Data = Bytes> + Unpin,
{
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
        let frame = match select(frame, host.sleep(BODY_PAUSE)).await {
            Either::Left((frame, _)) => frame,
            Either::Right(_) => {
                let text = "the request body did not come in time";
                return Err(GatewayError::new(ErrorKind::BodyIncomplete, text));
            }
        };
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(_)) => {
                return Err(GatewayError::new(ErrorKind::BodyIncomplete, "the request body broke off"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_trace_parents() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(parse_traceparent(good), Some((0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, true)));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert_eq!(parse_traceparent(bad), None, "{bad}");
        }
        assert!(parse_traceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").is_some());
    }

    #[test]
    fn ids_are_hyphenated() {
        assert_eq!(
            hyphenated(0x0192_3456_789a_7bcd_8ef0_1234_5678_9abc_u128.to_be_bytes()),
            "01923456-789a-7bcd-8ef0-123456789abc"
        );
    }
}
