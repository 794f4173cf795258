//! Calls to upstreams through the platform's `fetch`. Whatever is dropped before its end is cancelled.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::future::{Either, select};
use http::{HeaderMap, HeaderName, Request, Response, header};
use js_sys::Uint8Array;
use postern_gateway::upload::BrokenOff;
use postern_gateway::{FetchError, Outgoing, Upload};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::edge::{self, describe};
use crate::request::header_value;

/// Sends a request and gives the head of the answer. One that may flow can be let go by [`UpstreamBody::flow`].
pub(crate) async fn fetch(
    request: Request<Outgoing>,
    may_flow: bool,
) -> Result<Response<UpstreamBody>, FetchError> {
    let (parts, body) = request.into_parts();
    let url = parts.uri.to_string();
    let mut call = Call { upstream: edge::Upstream::new(), open: true };
    let (method, head) = (parts.method.as_str(), head_text(&parts.headers));
    let answered = match body {
        Outgoing::Whole(body) => {
            let sending = call.upstream.send(method, &url, &head, &body, may_flow);
            drop(body);
            JsFuture::from(sending).await
        }
        Outgoing::Stream(upload) => {
            let length = upload.length().map(|length| length as f64);
            let sending = call.upstream.send_pieces(method, &url, &head, length);
            answer_to(&call.upstream, JsFuture::from(sending), upload).await?
        }
    };
    let head = match answered {
        Ok(head) => head.as_string().unwrap_or_default(),
        Err(error) => {
            call.open = false;
            return Err(failure(&error));
        }
    };
    let mut lines = head.split('\n');
    let status: u16 = lines.next().and_then(|line| line.parse().ok()).unwrap_or_default();
    let is_whole = lines.next() == Some("whole");
    let mut response = Response::builder().status(status);
    if let Some(headers) = response.headers_mut() {
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), header_value(value)) {
                headers.append(name, value);
            }
        }
        // The platform asks for compression by itself and undoes what it knows; the header stays behind.
        let known = |value: &http::HeaderValue| [&b"gzip"[..], b"br"].contains(&value.as_bytes());
        if headers.get(header::CONTENT_ENCODING).is_some_and(known) {
            headers.remove(header::CONTENT_ENCODING);
        }
    }
    let body = UpstreamBody { call, reading: None, is_whole };
    response.body(body).map_err(|_| FetchError::Broken(format!("its status {status} is none")))
}

/// Sends a body while it comes in, and gives the head of the answer once nothing more of the body is to be sent.
async fn answer_to(
    upstream: &edge::Upstream,
    sending: JsFuture,
    upload: Upload,
) -> Result<Result<JsValue, JsValue>, FetchError> {
    let broken = |_| FetchError::Broken("the request's body broke off".to_owned());
    match select(sending, pin!(feed(upstream, upload))).await {
        Either::Left((Ok(head), feeding)) => {
            // An upstream that has refused the request wants no more of it.
            if head.as_string().is_some_and(|head| head.starts_with('2')) {
                feeding.await.map_err(broken)?;
            }
            Ok(Ok(head))
        }
        Either::Left((failed, _)) => Ok(failed),
        Either::Right((fed, sending)) => {
            fed.map_err(broken)?;
            Ok(sending.await)
        }
    }
}

/// Writes a body to its end, or for as long as the upstream takes it.
async fn feed(upstream: &edge::Upstream, mut upload: Upload) -> Result<(), BrokenOff> {
    while let Some(piece) = poll_fn(|cx| Pin::new(&mut upload).poll_next(cx)).await {
        if JsFuture::from(upstream.write(&piece?)).await.is_err() {
            return Ok(());
        }
    }
    // A failure here is one of the call, which tells of it.
    let _ended = JsFuture::from(upstream.end_body()).await;
    Ok(())
}

/// The platform does not tell whether a connection was ever made.
fn failure(error: &JsValue) -> FetchError {
    FetchError::Broken(describe(error))
}

/// A head as lines for `js/edge.js`.
pub(crate) fn head_text(headers: &HeaderMap) -> String {
    let mut text = String::with_capacity(headers.len() * 48);
    for (name, value) in headers {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(name.as_str());
        text.push(':');
        match value.to_str() {
            Ok(value) => text.push_str(value),
            Err(_) => text.extend(value.as_bytes().iter().map(|byte| char::from(*byte))),
        }
    }
    text
}

/// A call that is cancelled when it is dropped open.
struct Call {
    upstream: edge::Upstream,
    open: bool,
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.open {
            self.upstream.cancel();
        }
    }
}

/// The body of an upstream's answer.
pub(crate) struct UpstreamBody {
    call: Call,
    reading: Option<JsFuture>,
    /// Whether the first piece is all of it.
    is_whole: bool,
}

impl UpstreamBody {
    /// Lets the answer flow to the caller as it is. What is read here is a copy, which comes in large pieces.
    pub(crate) fn flow(&self, outlet: &edge::Outlet) -> Flow {
        outlet.flow(&self.call.upstream);
        Flow(self.call.upstream.clone().unchecked_into())
    }
}

/// An answer that flows to the caller.
pub(crate) struct Flow(edge::Upstream);

impl Flow {
    /// Reads what has come of the copy at once.
    pub(crate) fn hurry(&self) {
        self.0.hurry();
    }
}

impl Stream for UpstreamBody {
    type Item = Result<Bytes, FetchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.call.open {
            return Poll::Ready(None);
        }
        let Self { call, reading, .. } = &mut *self;
        let read = reading.get_or_insert_with(|| call.upstream.read().into());
        let read = ready!(Pin::new(read).poll(cx));
        self.reading = None;
        Poll::Ready(match read {
            Ok(value) if value.is_undefined() => {
                self.call.open = false;
                None
            }
            Ok(value) => {
                self.call.open = !self.is_whole;
                Some(Ok(Bytes::from(value.unchecked_into::<Uint8Array>().to_vec())))
            }
            Err(error) => {
                self.call.open = false;
                Some(Err(failure(&error)))
            }
        })
    }
}
