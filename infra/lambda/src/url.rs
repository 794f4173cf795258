//! What callers reach: a Function URL, and Lambda's own operation to invoke a function.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use crate::function::{Failure, Function, Invoked, Pieces};
use crate::protocol;

/// A Function URL.
pub struct FunctionUrl(SocketAddr);

/// `POST /2015-03-31/functions/NAME/invocations`, which the AWS command line calls.
pub struct InvokeApi(SocketAddr);

impl FunctionUrl {
    /// Serves the function at an address until the runtime ends.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn serve(function: Function, address: SocketAddr) -> io::Result<Self> {
        listen(address, move |request| {
            let function = function.clone();
            async move { call(&function, request).await }
        })
        .await
        .map(Self)
    }

    /// The URL, without a slash at its end.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.0)
    }
}

impl InvokeApi {
    /// Serves the operation at an address until the runtime ends.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn serve(function: Function, address: SocketAddr) -> io::Result<Self> {
        listen(address, move |request| {
            let function = function.clone();
            async move { invoke(&function, request).await }
        })
        .await
        .map(Self)
    }

    /// The endpoint.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.0)
    }
}

async fn listen<F, R>(address: SocketAddr, serve: F) -> io::Result<SocketAddr>
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<Reply>> + Send + 'static,
{
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let serve = serve.clone();
            let service = service_fn(move |request| {
                let answering = serve(request);
                async move { Ok::<_, Infallible>(answering.await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}

async fn call(function: &Function, request: Request<Incoming>) -> Response<Reply> {
    let (parts, body) = request.into_parts();
    // What is larger is refused before it is read.
    let Ok(body) = Limited::new(body, protocol::LARGEST_EVENT).collect().await else {
        return fixed(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "message": "Request Too Long" }).to_string());
    };
    let event = protocol::event(&parts, &body.to_bytes(), &function.next_id());
    match function.invoke(event.to_string().into(), true).await {
        Ok(Invoked::Http { status, headers, body }) => {
            let mut response = Response::new(Reply(body));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            let missing = HeaderValue::from_static("application/octet-stream");
            response.headers_mut().entry(CONTENT_TYPE).or_insert(missing);
            response
        }
        Ok(Invoked::Whole(_)) => fixed(StatusCode::BAD_GATEWAY, "Internal Server Error"),
        Err(Failure::TooLarge) => {
            fixed(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "message": "Request Too Long" }).to_string())
        }
        Err(failure) => {
            eprintln!("lambda: {failure}");
            fixed(StatusCode::BAD_GATEWAY, "Internal Server Error")
        }
    }
}

async fn invoke(function: &Function, request: Request<Incoming>) -> Response<Reply> {
    if !request.uri().path().ends_with("/invocations") {
        return fixed(StatusCode::NOT_FOUND, "there is POST /2015-03-31/functions/NAME/invocations");
    }
    let Ok(event) = request.into_body().collect().await else {
        return fixed(StatusCode::BAD_REQUEST, "the body broke off");
    };
    match function.invoke(event.to_bytes(), false).await {
        Ok(Invoked::Whole(answer)) => fixed_bytes(StatusCode::OK, answer),
        Ok(Invoked::Http { mut body, .. }) => {
            let mut all = Vec::new();
            while let Some(Ok(piece)) = body.next().await {
                all.extend_from_slice(&piece);
            }
            fixed_bytes(StatusCode::OK, all.into())
        }
        Err(failure) => {
            let said = json!({ "errorType": "Error", "errorMessage": failure.to_string() }).to_string();
            let mut response = fixed(StatusCode::OK, &said);
            response.headers_mut().insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
            response
        }
    }
}

fn fixed(status: StatusCode, text: &str) -> Response<Reply> {
    fixed_bytes(status, Bytes::copy_from_slice(text.as_bytes()))
}

fn fixed_bytes(status: StatusCode, bytes: Bytes) -> Response<Reply> {
    let mut response = Response::new(Reply(Pieces::whole(bytes)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The body of an answer to a caller.
struct Reply(Pieces);

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_next(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
