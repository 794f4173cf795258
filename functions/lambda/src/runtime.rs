//! A client of Lambda's Runtime API: ask for the next invocation, give its answer.
//!
//! AWS's own crate is not used for this. It leaves Nagle's algorithm on, so that the head of an answer and what follows
//! it meet a delayed acknowledgement: some forty milliseconds before a caller sees the first byte of a stream, and there
//! is no hook to change that. And it sends a failing body on as text in the body. The protocol is four requests.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use postern_gateway::Timestamp;
use tokio::net::TcpStream;

use crate::answer::{ERROR_BODY, ERROR_TYPE};

/// The largest event, bytes. Lambda takes 6 MB, which escaping can make longer.
const LARGEST_EVENT: usize = 32 << 20;

/// The way to the Runtime API.
pub(crate) struct Runtime {
    authority: String,
    connection: Option<SendRequest<Outgoing>>,
}

/// An invocation to answer.
pub(crate) struct Invocation {
    /// Its id.
    pub(crate) id: String,
    /// When Lambda ends the process.
    pub(crate) deadline: Timestamp,
    /// What was handed over.
    pub(crate) event: Bytes,
}

/// The Runtime API did not do what it should.
#[derive(Debug)]
pub(crate) struct RuntimeError(String);

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A body that is sent. It cannot fail: one that breaks off says so in its trailers.
pub(crate) type Streamed = Pin<Box<dyn Body<Data = Bytes, Error = std::convert::Infallible> + Send>>;

enum Outgoing {
    Whole(Bytes),
    Streamed(Streamed),
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Streamed(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Streamed(_) => SizeHint::default(),
        }
    }
}

impl Runtime {
    /// The API at this address (`AWS_LAMBDA_RUNTIME_API`).
    pub(crate) fn new(address: &str) -> Self {
        let authority = address.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { authority, connection: None }
    }

    /// Waits for the next invocation.
    pub(crate) async fn next(&mut self) -> Result<Invocation, RuntimeError> {
        let request = self.request("GET", "next", Outgoing::Whole(Bytes::new()))?;
        let response = self.send(request).await?;
        let (parts, body) = response.into_parts();
        if !parts.status.is_success() {
            return Err(RuntimeError(format!("the next invocation was answered with {}", parts.status)));
        }
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let id = text("lambda-runtime-aws-request-id").unwrap_or_default().to_owned();
        let deadline = text("lambda-runtime-deadline-ms").and_then(|text| text.parse().ok());
        let event = http_body_util::Limited::new(body, LARGEST_EVENT).collect().await;
        let event = event.map_err(|error| RuntimeError(format!("an invocation cannot be read: {error}")))?;
        Ok(Invocation {
            id,
            deadline: Timestamp::from_millis(deadline.unwrap_or(u64::MAX / 1000)),
            event: event.to_bytes(),
        })
    }

    /// Gives a whole answer.
    pub(crate) async fn respond(&mut self, id: &str, answer: Bytes) -> Result<(), RuntimeError> {
        let request = self.request("POST", &format!("{id}/response"), Outgoing::Whole(answer))?;
        self.post(request).await
    }

    /// Gives an answer that goes on to the caller while it is made. Done when the whole of it has been taken.
    pub(crate) async fn stream(&mut self, id: &str, answer: Streamed) -> Result<(), RuntimeError> {
        let mut request = self.request("POST", &format!("{id}/response"), Outgoing::Streamed(answer))?;
        let headers = request.headers_mut();
        headers.insert("lambda-runtime-function-response-mode", HeaderValue::from_static("streaming"));
        let kind = HeaderValue::from_static("application/vnd.awslambda.http-integration-response");
        headers.insert(header::CONTENT_TYPE, kind);
        // Named, or the client would not send them.
        headers.append(header::TRAILER, ERROR_TYPE.into());
        headers.append(header::TRAILER, ERROR_BODY.into());
        self.post(request).await
    }

    /// Says that an invocation failed.
    pub(crate) async fn fail(&mut self, id: &str, kind: &str, message: &str) -> Result<(), RuntimeError> {
        let body = serde_json::json!({ "errorType": kind, "errorMessage": message, "stackTrace": [] });
        let body = Outgoing::Whole(body.to_string().into());
        let mut request = self.request("POST", &format!("{id}/error"), body)?;
        if let Ok(kind) = HeaderValue::from_str(kind) {
            request.headers_mut().insert("lambda-runtime-function-error-type", kind);
        }
        self.post(request).await
    }

    fn request(&self, method: &str, path: &str, body: Outgoing) -> Result<Request<Outgoing>, RuntimeError> {
        Request::builder()
            .method(method)
            .uri(format!("/2018-06-01/runtime/invocation/{path}"))
            .header(header::HOST, &self.authority)
            .header(header::USER_AGENT, concat!("postern/", env!("CARGO_PKG_VERSION")))
            .body(body)
            .map_err(|error| RuntimeError(format!("AWS_LAMBDA_RUNTIME_API is not an address: {error}")))
    }

    async fn post(&mut self, request: Request<Outgoing>) -> Result<(), RuntimeError> {
        let response = self.send(request).await?;
        let status = response.status();
        // The connection can be used again once the answer was read to its end.
        let _ = response.into_body().collect().await;
        // Some stand-ins for the API answer before they have taken everything.
        if let Some(connection) = &mut self.connection
            && connection.ready().await.is_err()
        {
            self.connection = None;
        }
        if status.is_success() {
            Ok(())
        } else {
            Err(RuntimeError(format!("an answer was refused: {status}")))
        }
    }

    async fn send(&mut self, request: Request<Outgoing>) -> Result<http::Response<Incoming>, RuntimeError> {
        let usable = match &mut self.connection {
            Some(connection) => connection.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            self.connection = Some(self.connect().await?);
        }
        let connection = self.connection.as_mut().ok_or(RuntimeError("there is no connection".to_owned()))?;
        match connection.send_request(request).await {
            Ok(response) => Ok(response),
            Err(error) => {
                self.connection = None;
                Err(RuntimeError(format!("the connection to the Runtime API broke: {error}")))
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Outgoing>, RuntimeError> {
        let failed = |error: &dyn fmt::Display| {
            RuntimeError(format!("the Runtime API at {} takes no connection: {error}", self.authority))
        };
        let connecting = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(&self.authority));
        let stream = connecting.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        // What this client exists for.
        stream.set_nodelay(true).map_err(|error| failed(&error))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the Runtime API ended");
            }
        });
        Ok(sender)
    }
}
