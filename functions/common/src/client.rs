//! Sends requests to upstreams over pooled connections, HTTP/1.1 or HTTP/2 as the upstream prefers.
//!
//! No redirect is followed: it would send a credential to a place that nobody configured.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use postern_gateway::upload::BrokenOff;
use postern_gateway::{FetchError, Outgoing};

use crate::connect::{Connector, Roots, TIME, TookTooLong};

/// How long an unused connection is kept. Load balancers in front of vendors close theirs after a minute or more;
/// a connection that was closed meanwhile is noticed before a request is written to it, or the request is sent anew.
const IDLE: Duration = Duration::from_secs(50);
/// How often an HTTP/2 connection with open streams is asked whether it lives, and how long it may take to answer.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_ANSWER: Duration = Duration::from_secs(10);

/// The client of one runtime.
#[derive(Clone)]
pub struct Client(legacy::Client<Connector, RequestBody>);

impl Client {
    /// A client without connections, which trusts these roots.
    #[must_use]
    pub fn new(roots: Roots) -> Self {
        let client = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http2_adaptive_window(true)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_ANSWER)
            .build(Connector::new(roots));
        Self(client)
    }

    /// Sends a request and gives the head of the answer. Opening a connection may take as long as `connect`.
    ///
    /// # Errors
    /// When no connection can be had, or it breaks before there is a head.
    pub async fn fetch(
        &self,
        request: http::Request<impl Into<Outgoing>>,
        connect: Duration,
    ) -> Result<http::Response<UpstreamBody>, FetchError> {
        let sending = self.0.request(request.map(|body| RequestBody(body.into())));
        match TIME.scope(connect, sending).await {
            Ok(response) => Ok(response.map(UpstreamBody)),
            Err(error) => Err(failure(&error)),
        }
    }
}

fn failure(error: &legacy::Error) -> FetchError {
    if !error.is_connect() {
        return FetchError::Broken(innermost(error).to_string());
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<TookTooLong>() {
            return FetchError::ConnectTimeout;
        }
        cause = error.source();
    }
    FetchError::Connect(innermost(error).to_string())
}

/// The cause behind all causes: what is around it says only that something failed.
fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

/// The body of a request.
struct RequestBody(Outgoing);

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match &mut self.0 {
            Outgoing::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Outgoing::Stream(upload) => {
                Pin::new(upload).poll_next(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Outgoing::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Outgoing::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            // Asked for once, when the request is begun.
            Outgoing::Stream(upload) => upload.length().map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

/// The body of an upstream's answer.
pub struct UpstreamBody(Incoming);

impl Stream for UpstreamBody {
    type Item = Result<Bytes, FetchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                None => None,
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Some(Ok(data)),
                    // Trailers carry nothing for anybody.
                    Err(_trailers) => continue,
                },
                Some(Err(error)) => Some(Err(FetchError::Broken(innermost(&error).to_string()))),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use futures_util::StreamExt as _;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    async fn fetch(uri: String, connect: Duration) -> Result<http::Response<UpstreamBody>, FetchError> {
        Client::new(Roots::Machine).fetch(http::Request::get(uri).body(Bytes::new()).unwrap(), connect).await
    }

    /// Answers each connection with these bytes, then closes it.
    fn server(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 1000]);
                let _ = stream.write_all(answer);
            }
        });
        address
    }

    #[tokio::test]
    async fn failures_are_told_apart() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = fetch(format!("http://{closed}/"), LONG).await.err().unwrap();
        assert!(matches!(&refused, FetchError::Connect(text) if text.contains("refused")), "{refused}");

        let plain = server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        let no_tls = fetch(format!("https://{plain}/"), LONG).await.err().unwrap();
        assert!(matches!(no_tls, FetchError::Connect(_)), "{no_tls}");
        // The system accepts the connection; nobody answers the offer of TLS.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("https://{}/", silent.local_addr().unwrap());
        let slow = fetch(uri, Duration::from_millis(50)).await.err().unwrap();
        assert_eq!(slow, FetchError::ConnectTimeout);

        let nonsense = server(b"what?\r\n\r\n");
        let broken = fetch(format!("http://{nonsense}/"), LONG).await.err().unwrap();
        assert!(matches!(broken, FetchError::Broken(_)), "{broken}");
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let address =
            server(b"HTTP/1.1 307 Temporary\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(fetch(format!("http://{address}/"), LONG).await.unwrap().status(), 307);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_says_so() {
        let address = server(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
        let mut body = fetch(format!("http://{address}/"), LONG).await.unwrap().into_body();
        assert_eq!(body.next().await.unwrap().unwrap(), "half");
        assert!(matches!(body.next().await.unwrap(), Err(FetchError::Broken(_))));
    }
}
