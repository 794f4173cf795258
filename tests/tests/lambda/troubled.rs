//! What stands before the DynamoDB emulator and gives the troubles that it does not have by itself.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Not done: too many of them.
    Throttled,
    /// Not done: others write the same. Only of transactions.
    Conflict,
    /// Not done: the role does not allow it.
    Refused,
    /// Done, but the answer gets lost.
    Lost,
}

type Plan = dyn FnMut(&str) -> Option<Trouble> + Send;

/// A DynamoDB with troubles.
#[derive(Clone)]
pub(crate) struct Troubled {
    endpoint: String,
    behind: String,
    plan: Arc<Mutex<Box<Plan>>>,
    given: Arc<Mutex<Vec<(String, Trouble)>>>,
}

impl Troubled {
    /// Stands before `endpoint`. `plan` says what happens to a request of an operation.
    pub(crate) async fn start(
        endpoint: &str,
        plan: impl FnMut(&str) -> Option<Trouble> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let troubled = Self {
            endpoint: format!("http://{}", listener.local_addr().expect("an address")),
            behind: endpoint.trim_start_matches("http://").to_owned(),
            plan: Arc::new(Mutex::new(Box::new(plan))),
            given: Arc::default(),
        };
        let serving = troubled.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let serving = serving.clone();
                let service = service_fn(move |request| {
                    let serving = serving.clone();
                    async move { Ok::<_, Infallible>(serving.answer(request).await) }
                });
                tokio::spawn(server::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        troubled
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Another plan from now on.
    pub(crate) fn plan(&self, plan: impl FnMut(&str) -> Option<Trouble> + Send + 'static) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(plan);
    }

    /// The troubles that were given so far, with their operations.
    pub(crate) fn given(&self) -> Vec<(String, Trouble)> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let target = request.headers().get("x-amz-target").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let trouble = {
            let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
            // There is no conflict without a transaction.
            plan(&operation)
                .filter(|trouble| *trouble != Trouble::Conflict || operation.starts_with("Transact"))
        };
        if let Some(trouble) = trouble {
            self.given.lock().unwrap_or_else(PoisonError::into_inner).push((operation, trouble));
        }
        match trouble {
            None => self.pass_on(request).await,
            Some(Trouble::Throttled) => fail(400, "ThrottlingException", &Value::Null),
            Some(Trouble::Refused) => fail(400, "AccessDeniedException", &Value::Null),
            Some(Trouble::Conflict) => {
                let reasons = json!([{ "Code": "TransactionConflict" }, { "Code": "None" }]);
                fail(400, "TransactionCanceledException", &reasons)
            }
            Some(Trouble::Lost) => {
                self.pass_on(request).await;
                fail(500, "InternalServerError", &Value::Null)
            }
        }
    }

    async fn pass_on(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let passed = async {
            let stream = TcpStream::connect(&self.behind).await.ok()?;
            stream.set_nodelay(true).ok()?;
            let (mut sender, connection) = client::handshake(TokioIo::new(stream)).await.ok()?;
            tokio::spawn(connection);
            let (mut parts, body) = request.into_parts();
            parts.headers.insert(header::HOST, HeaderValue::try_from(&self.behind).ok()?);
            let body = Full::new(body.collect().await.ok()?.to_bytes());
            let (parts, body) =
                sender.send_request(Request::from_parts(parts, body)).await.ok()?.into_parts();
            Some(Response::from_parts(parts, Full::new(body.collect().await.ok()?.to_bytes())))
        };
        passed.await.unwrap_or_else(|| fail(500, "InternalServerError", &Value::Null))
    }
}

fn fail(status: u16, code: &str, reasons: &Value) -> Response<Full<Bytes>> {
    let body = json!({
        "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "no", "CancellationReasons": reasons,
    });
    let mut response = Response::new(Full::new(body.to_string().into()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    let kind = HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
