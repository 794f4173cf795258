//! One caller's connection: HTTP/1.1 requests in, replies out, until the caller leaves or serving ends.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use postern_gateway::{Body, Gateway, handle};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::host::NativeHost;

/// How long a connection may take to send the head of a request, which is also how long it may stay unused. Longer
/// than what SDKs and load balancers in front keep theirs, so that it is they who close it.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// The largest head of a request, bytes.
const HEAD_SIZE: usize = 64 << 10;

/// What connections should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Go on.
    Serving,
    /// Finish the request that is being answered, then close.
    Draining,
    /// Close.
    Cut,
}

/// Serves a connection to its end.
pub(super) async fn serve(
    stream: std::net::TcpStream,
    gateway: Arc<Gateway>,
    host: NativeHost,
    mut phase: watch::Receiver<Phase>,
) {
    // The stream now belongs to this runtime.
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::warn!(%error, "a connection cannot be served");
            return;
        }
    };
    let service = service_fn(move |request| {
        let (gateway, host) = (Arc::clone(&gateway), host.clone());
        async move { Ok::<_, Infallible>(answer(&gateway, &host, request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_header_size(HEAD_SIZE);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    // Callers leave in many ways; none of them is our failure.
                    tracing::debug!(%error, "a connection ended");
                }
                return;
            }
            changed = phase.changed() => {
                if changed.is_err() || *phase.borrow() == Phase::Cut {
                    return;
                }
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Answers one request. A panic answers this one with a 500 and touches no other.
async fn answer(
    gateway: &Gateway,
    host: &NativeHost,
    request: Request<Incoming>,
) -> Response<Body<NativeHost>> {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    match AssertUnwindSafe(handle(gateway, host, request)).catch_unwind().await {
        Ok(reply) => {
            host.finish(reply.after).await;
            reply.response
        }
        Err(_panic) => {
            // The line before this one, of the same thread, says where.
            let thread = thread::current();
            let thread = thread.name().unwrap_or_default();
            tracing::error!(thread, %method, path = uri.path(), "a call was answered with 500 after a defect");
            internal_error()
        }
    }
}

fn internal_error() -> Response<Body<NativeHost>> {
    const TEXT: &str = concat!(
        r#"{"error":{"message":"the gateway failed; this is a defect, and its log says where","#,
        r#""type":"server_error","param":null,"code":"internal_error"}}"#
    );
    let mut response = Response::new(Body::whole(TEXT));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The core's futures carry no bounds; here is where they must turn out to be `Send`. Never called: it compiles.
    #[allow(dead_code)]
    fn is_send(gateway: &'static Gateway, host: &'static NativeHost, request: Request<Incoming>) {
        fn send<T: Send>(_: T) {}
        send(handle(gateway, host, request));
    }

    #[tokio::test]
    async fn the_answer_to_a_panic_is_an_error_object() {
        use http_body_util::BodyExt as _;
        let body = internal_error().into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["code"], "internal_error");
    }
}
