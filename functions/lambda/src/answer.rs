//! An answer on its way back: as a stream in the framing that Function URLs take, or whole for API Gateway.
//!
//! The end of a stream is withheld until the call is settled, because Lambda freezes the process afterwards. What the
//! caller reads is not held back: only that nothing more comes.
//!
//! An answer that breaks off, and has no place for an error event, ends with the trailers by which Lambda takes an answer
//! for failed (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html>).

use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;
use postern_gateway::upload::BrokenOff;
use postern_gateway::{After, Body, Host as _, Timestamp, settle};
use postern_wire::Dialect;
use postern_wire::dialect::Framing;
use postern_wire::{Fault, FaultKind};
use serde_json::{Map, Value, json};

use crate::host::LambdaHost;

/// The largest whole answer that Lambda takes, bytes.
const LARGEST: usize = 6 * 1024 * 1024;
/// The trailers that say how an answer failed.
pub(crate) const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");
pub(crate) const ERROR_BODY: HeaderName = HeaderName::from_static("lambda-runtime-function-error-body");
/// Between the head and the body of a streamed answer.
const SEPARATOR: [u8; 8] = [0; 8];

type Settling = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A streamed answer.
pub(crate) struct Stream {
    host: LambdaHost,
    head: Option<Bytes>,
    state: State,
    /// Whether an error can be told in the body.
    has_events: bool,
    /// Whether the body broke off.
    broken: bool,
    after: Option<After>,
    /// The format of a stream's caller.
    dialect: Dialect,
    /// When the body must have ended, so that there is time to settle; a call ends itself before.
    cut: Pin<Box<tokio::time::Sleep>>,
    /// When settling must have ended.
    last: Timestamp,
}

enum State {
    Body(Box<Body<LambdaHost>>),
    Settling(Settling),
    Ended,
}

impl Stream {
    /// `cut` is when the body must have ended, `last` when everything must.
    pub(crate) fn new(
        host: &LambdaHost,
        response: Response<Body<LambdaHost>>,
        after: Option<After>,
        cut: Timestamp,
        last: Timestamp,
    ) -> Self {
        let (parts, body) = response.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let has_events = kind.starts_with("text/event-stream") || kind.starts_with("application/json");
        Self {
            dialect: body.dialect().unwrap_or(Dialect::OpenAiChat),
            host: host.clone(),
            head: Some(head(&parts)),
            state: State::Body(Box::new(body)),
            has_events,
            broken: false,
            after,
            cut: Box::pin(tokio::time::sleep(cut.since(host.now()))),
            last,
        }
    }

    /// The next bytes of the body, `None` at its end.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let State::Body(body) = &mut self.state else { return Poll::Ready(None) };
        loop {
            // A panic ends this answer and nothing else.
            let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut **body).poll_frame(cx)));
            return match polled {
                Err(_panic) => Poll::Ready(self.fail("the gateway failed")),
                Ok(Poll::Ready(None)) => Poll::Ready(None),
                Ok(Poll::Ready(Some(Ok(frame)))) => match frame.into_data() {
                    Ok(data) if data.is_empty() => continue,
                    Ok(data) => Poll::Ready(Some(data)),
                    Err(_trailers) => continue,
                },
                Ok(Poll::Ready(Some(Err(BrokenOff)))) => {
                    self.broken = true;
                    Poll::Ready(None)
                }
                Ok(Poll::Pending) => match self.cut.as_mut().poll(cx) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(()) => Poll::Ready(self.fail("the function's time is over")),
                },
            };
        }
    }

    /// Ends the body, with an error event in the caller's format if it has a place for one.
    fn fail(&mut self, reason: &str) -> Option<Bytes> {
        tracing::error!(reason, "an answer was cut");
        let fault = Fault::new(FaultKind::Timeout, reason);
        let ended = std::mem::replace(&mut self.state, State::Body(Box::new(Body::whole(Bytes::new()))));
        if !self.has_events {
            // Dropping the core's body makes it give its record.
            self.broken = true;
            return None;
        }
        // What has panicked once may do so again. Dropping the core's body makes it give its record all the same.
        let event = catch_unwind(AssertUnwindSafe(|| match ended {
            State::Body(mut body) => body.interrupt(&fault),
            State::Settling(_) | State::Ended => None,
        }));
        Some(event.ok().flatten().unwrap_or_else(|| {
            let mut out = BytesMut::new();
            self.dialect.stream_encoder(<_>::default(), Framing::Events).fail(&fault, &mut out);
            out.freeze()
        }))
    }

    fn settle(&mut self) -> Settling {
        let (host, after, last) = (self.host.clone(), self.after.take(), self.last);
        Box::pin(async move { settle_all(&host, after, last).await })
    }
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Ended => return Poll::Ready(None),
                State::Settling(settling) => {
                    if settling.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    this.state = State::Ended;
                    if this.broken {
                        return Poll::Ready(Some(Ok(Frame::trailers(broken_off()))));
                    }
                }
                State::Body(_) => match (this.poll_body(cx), this.head.take()) {
                    // One write for the head and what is there already.
                    (Poll::Ready(Some(data)), Some(head)) => {
                        let mut first = BytesMut::with_capacity(head.len() + data.len());
                        first.extend_from_slice(&head);
                        first.extend_from_slice(&data);
                        return Poll::Ready(Some(Ok(Frame::data(first.freeze()))));
                    }
                    (Poll::Ready(Some(data)), None) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                    (Poll::Pending, Some(head)) => return Poll::Ready(Some(Ok(Frame::data(head)))),
                    (Poll::Pending, None) => return Poll::Pending,
                    (Poll::Ready(None), head) => {
                        this.state = State::Settling(this.settle());
                        if let Some(head) = head {
                            return Poll::Ready(Some(Ok(Frame::data(head))));
                        }
                    }
                },
            }
        }
    }
}

impl Drop for Stream {
    /// The way back broke: the call is settled by whoever has asked for the answer.
    fn drop(&mut self) {
        self.state = State::Ended;
        if let Some(after) = self.after.take() {
            self.host.leave(after);
        }
    }
}

/// Settles a call and whatever else was left, in the time there is.
pub(crate) async fn settle_all(host: &LambdaHost, after: Option<After>, last: Timestamp) {
    let settling = async {
        if let Some(after) = after {
            settle(host, after).await;
        }
        host.settle_left().await;
    };
    let time = last.since(host.now()).max(Duration::from_millis(50));
    if tokio::time::timeout(time, settling).await.is_err() {
        tracing::error!("a call could not be settled before the function's time was over");
    }
}

/// What Lambda takes an answer for failed by.
fn broken_off() -> HeaderMap {
    let said = json!({ "errorType": "Postern.BrokenOff", "errorMessage": BrokenOff.to_string() });
    let said = base64::engine::general_purpose::STANDARD.encode(said.to_string());
    let mut trailers = HeaderMap::new();
    trailers.insert(ERROR_TYPE, HeaderValue::from_static("Postern.BrokenOff"));
    if let Ok(said) = HeaderValue::try_from(said) {
        trailers.insert(ERROR_BODY, said);
    }
    trailers
}

/// The head of a streamed answer: JSON, and eight zero bytes.
fn head(parts: &Parts) -> Bytes {
    let (headers, cookies) = headers(&parts.headers);
    let mut head = json!({ "statusCode": parts.status.as_u16(), "headers": headers });
    if let (Some(head), false) = (head.as_object_mut(), cookies.is_empty()) {
        head.insert("cookies".to_owned(), cookies.into());
    }
    let mut out = BytesMut::from(head.to_string().as_bytes());
    out.put_slice(&SEPARATOR);
    out.freeze()
}

fn headers(headers: &HeaderMap) -> (Value, Vec<Value>) {
    let mut map = Map::new();
    let mut cookies = Vec::new();
    for name in headers.keys() {
        let values: Vec<&str> =
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        if name == SET_COOKIE {
            cookies.extend(values.into_iter().map(Value::from));
        } else {
            // What AWS does with lists here is not said anywhere: one text holds them all.
            map.insert(name.as_str().to_owned(), values.join(", ").into());
        }
    }
    (Value::Object(map), cookies)
}

/// A whole answer in the format of API Gateway. The body is read to its end; a stream too.
pub(crate) async fn whole(response: Response<Body<LambdaHost>>) -> Bytes {
    let (mut parts, body) = response.into_parts();
    let body = match body.collect().await {
        Ok(body) => body,
        Err(BrokenOff) => {
            parts.status = StatusCode::BAD_GATEWAY;
            parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let text = "the connection to the provider broke off before the answer was complete";
            return encode(&parts, error_object(text, "upstream_cut").as_bytes());
        }
    };
    let answer = encode(&parts, &body.to_bytes());
    if answer.len() <= LARGEST {
        return answer;
    }
    tracing::error!(bytes = answer.len(), "an answer is larger than Lambda takes");
    let text = "the answer is larger than the 6 MB that Lambda takes: ask for a stream at a Function URL";
    parts.status = StatusCode::BAD_GATEWAY;
    encode(&parts, error_object(text, "answer_too_large").as_bytes())
}

fn error_object(text: &str, code: &str) -> String {
    json!({ "error": { "message": text, "type": "server_error", "param": null, "code": code } }).to_string()
}

fn encode(parts: &Parts, body: &[u8]) -> Bytes {
    let (headers, cookies) = headers(&parts.headers);
    let (body, encoded) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (base64::engine::general_purpose::STANDARD.encode(body), true),
    };
    let mut answer = json!({
        "statusCode": parts.status.as_u16(),
        "headers": headers,
        "body": body,
        "isBase64Encoded": encoded,
    });
    if let (Some(answer), false) = (answer.as_object_mut(), cookies.is_empty()) {
        answer.insert("cookies".to_owned(), cookies.into());
    }
    answer.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(response: http::response::Builder) -> Parts {
        response.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_head_of_a_stream_ends_with_eight_zero_bytes() {
        let parts = parts(
            Response::builder()
                .status(201)
                .header("content-type", "text/event-stream")
                .header("set-cookie", "a=1")
                .header("set-cookie", "b=2")
                .header("x-a", "1")
                .header("x-a", "2"),
        );
        let head = head(&parts);
        let (json, zeros) = head.split_at(head.len() - 8);
        assert_eq!(zeros, SEPARATOR);
        let json: Value = serde_json::from_slice(json).unwrap();
        assert_eq!(json["statusCode"], 201);
        assert_eq!(json["headers"], json!({ "content-type": "text/event-stream", "x-a": "1, 2" }));
        assert_eq!(json["cookies"], json!(["a=1", "b=2"]));
    }

    #[tokio::test]
    async fn an_answer_that_is_too_large_for_api_gateway_says_so() {
        let body: Vec<u8> = vec![b'x'; LARGEST];
        let answer: Value = serde_json::from_slice(&whole(Response::new(Body::whole(body))).await).unwrap();
        assert_eq!(answer["statusCode"], 502);
        assert!(answer["body"].as_str().unwrap().contains("answer_too_large"));
        let answer: Value =
            serde_json::from_slice(&whole(Response::new(Body::whole(&b"\xff\x00"[..]))).await).unwrap();
        assert_eq!((&answer["body"], &answer["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
    }
}
