//! A caller's request: its head at once, its body when the core asks for it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use http_body::Frame;
use js_sys::Uint8Array;
use postern_gateway::record::Place;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::worker_sys::web_sys;

use crate::edge;

/// A body of a declared length up to this is taken in one piece; a larger one as it comes, so that one that is too
/// large, or too slow, is given up early.
const IN_ONE_PIECE: u64 = 512 << 10;

/// The caller's request as the core takes it, and its path for what the core does not see.
///
/// # Errors
/// When the head cannot be read, with the reason.
pub(crate) fn read(request: &JsValue) -> Result<Request<Incoming>, String> {
    let head = edge::request_head(request);
    let mut lines = head.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, url) = (line(), line());
    let place = Place { country: line().into(), colo: line().into(), region: line().into() };
    let mut parsed = Request::builder().method(method).uri(target(url));
    if let Some(headers) = parsed.headers_mut() {
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), header_value(value)) {
                headers.append(name, value);
            }
        }
    }
    let declared = parsed.headers_ref().and_then(|headers| headers.get(header::CONTENT_LENGTH));
    let declared = declared.and_then(|value| value.to_str().ok()?.parse().ok());
    let body = Incoming(State::Unread { request: request.clone(), declared });
    parsed.extension(place).body(body).map_err(|error| format!("the request cannot be read: {error}"))
}

/// A header's value. JavaScript has each byte of it as a character.
pub(crate) fn header_value(text: &str) -> Result<HeaderValue, header::InvalidHeaderValue> {
    if text.is_ascii() {
        return HeaderValue::from_str(text);
    }
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    HeaderValue::from_bytes(&bytes)
}

/// The path and query of a URL.
pub(crate) fn target(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(after_scheme..).unwrap_or_default();
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

/// The body of a caller's request.
pub(crate) struct Incoming(State);

enum State {
    Unread { request: JsValue, declared: Option<u64> },
    Whole(JsFuture),
    Pieces { source: edge::Source, reading: JsFuture },
    Done,
}

impl State {
    fn open(request: &JsValue, declared: Option<u64>) -> Result<Self, JsValue> {
        let Some(stream) = request.unchecked_ref::<web_sys::Request>().body() else { return Ok(Self::Done) };
        if declared.is_some_and(|length| length <= IN_ONE_PIECE) {
            return Ok(Self::Whole(edge::whole_body(request).into()));
        }
        let source = edge::Source::new(&stream)?;
        let reading = source.read().into();
        Ok(Self::Pieces { source, reading })
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = JsValue;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, JsValue>>> {
        if let State::Unread { request, declared } = &self.0 {
            self.0 = match State::open(request, *declared) {
                Ok(state) => state,
                Err(error) => return Poll::Ready(Some(Err(error))),
            };
        }
        let (read, next) = match &mut self.0 {
            State::Unread { .. } | State::Done => return Poll::Ready(None),
            State::Whole(reading) => (ready!(Pin::new(reading).poll(cx)), false),
            State::Pieces { reading, .. } => (ready!(Pin::new(reading).poll(cx)), true),
        };
        match read {
            Ok(value) if !value.is_undefined() => {
                let bytes = Bytes::from(value.unchecked_into::<Uint8Array>().to_vec());
                match &mut self.0 {
                    State::Pieces { source, reading } if next => *reading = source.read().into(),
                    state => *state = State::Done,
                }
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Ok(_end) => {
                self.0 = State::Done;
                Poll::Ready(None)
            }
            Err(error) => {
                self.0 = State::Done;
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}
