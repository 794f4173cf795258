//! A DynamoDB for the tests of this crate, and a way to disturb it.

#[allow(dead_code, reason = "not every suite writes records")]
pub(crate) mod records;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use postern_common::{Aws, Client, Environment, Roots};
use postern_lambda::dynamo::Table;
use postern_lambda_emulator::Dynamodb;
use tokio::net::TcpListener;

/// Starts the emulator that `POSTERN_DYNOXIDE` names.
pub(crate) async fn dynamodb() -> Dynamodb {
    let program = std::env::var_os("POSTERN_DYNOXIDE").map(PathBuf::from);
    let program = program.expect("POSTERN_DYNOXIDE is not set: run `cargo xtask test lambda`");
    Dynamodb::start(&program).await.expect("the DynamoDB emulator starts")
}

/// A table of its own.
pub(crate) async fn new_table(dynamodb: &Dynamodb) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("table-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    dynamodb.create_table(&name).await.expect("a table");
    name
}

/// A table at an endpoint, as a process of its own sees it.
#[allow(dead_code, reason = "not every suite looks at tables itself")]
pub(crate) fn table(endpoint: &str, name: &str) -> Table {
    table_in("eu-west-1", endpoint, name)
}

/// The same in a region.
#[allow(dead_code, reason = "not every suite has two regions")]
pub(crate) fn table_in(region: &str, endpoint: &str, name: &str) -> Table {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
    ];
    let environment = Environment::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Table::new(&Aws::new(Client::new(Roots::Mozilla), region, environment), name)
}

/// What happens to a request.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "not every suite disturbs in every way")]
pub(crate) enum Trouble {
    /// Answered with this error of DynamoDB's, without being done.
    Error(&'static str),
    /// The transaction is cancelled for these reasons, without being done.
    Cancelled([&'static str; 2]),
    /// Done, but the answer gets lost.
    AnswerLost,
    /// Done, but answered with an error that no other try would help against.
    DoneButRefused,
}

/// A request as it went to the table.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "not every suite looks at requests")]
pub(crate) struct Asked {
    /// DynamoDB's name of it.
    pub(crate) operation: String,
    pub(crate) body: serde_json::Value,
}

/// What stands before the emulator. It disturbs requests of one operation, in turn, until nothing is left to do, and
/// keeps what was asked.
#[derive(Clone)]
pub(crate) struct Troubled {
    address: SocketAddr,
    troubles: Arc<Mutex<VecDeque<Trouble>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

#[allow(dead_code, reason = "not every suite disturbs")]
impl Troubled {
    /// Stands before `endpoint` and disturbs `operation` where its body has `about` in it.
    pub(crate) async fn start(
        endpoint: String,
        operation: &'static str,
        about: &'static str,
        troubles: Vec<Trouble>,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let troubled = Self {
            address: listener.local_addr().expect("an address"),
            troubles: Arc::new(Mutex::new(troubles.into())),
            asked: Arc::default(),
        };
        let serving = troubled.clone();
        let client = Client::new(Roots::Mozilla);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (serving, endpoint, client) = (serving.clone(), endpoint.clone(), client.clone());
                let service = service_fn(move |request| {
                    let (serving, endpoint, client) = (serving.clone(), endpoint.clone(), client.clone());
                    async move {
                        Ok::<_, Infallible>(
                            serving.answer(request, &endpoint, (operation, about), &client).await,
                        )
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        troubled
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Troubles that are left.
    pub(crate) fn left(&self) -> usize {
        self.troubles.lock().unwrap().len()
    }

    /// What it is asked from now on is as if it had been started now, with these troubles.
    pub(crate) fn trouble(&self, troubles: Vec<Trouble>) {
        *self.troubles.lock().unwrap() = troubles.into();
    }

    /// What it was asked since this was asked last.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// Troubles no more.
    pub(crate) fn calm(&self) {
        self.troubles.lock().unwrap().clear();
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        endpoint: &str,
        (operation, about): (&str, &str),
        client: &Client,
    ) -> Response<Full<Bytes>> {
        use futures_util::StreamExt as _;
        let target = request.headers().get("x-amz-target").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let asked = target.rsplit('.').next().unwrap_or_default().to_owned();
        let (mut parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let concerned = asked == operation && String::from_utf8_lossy(&body).contains(about);
        let said = serde_json::from_slice(&body).unwrap();
        self.asked.lock().unwrap().push(Asked { operation: asked, body: said });
        let trouble = if concerned { self.troubles.lock().unwrap().pop_front() } else { None };
        let error = |body: String| {
            Response::builder()
                .status(400)
                .header("content-type", "application/x-amz-json-1.0")
                .body(Full::new(body.into()))
                .unwrap()
        };
        match &trouble {
            Some(Trouble::Error(code)) => {
                return error(format!(
                    r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"no"}}"#
                ));
            }
            Some(Trouble::Cancelled([first, second])) => {
                return error(format!(
                    r#"{{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"no","CancellationReasons":[{{"Code":"{first}"}},{{"Code":"{second}"}}]}}"#
                ));
            }
            Some(Trouble::AnswerLost | Trouble::DoneButRefused) | None => {}
        }
        parts.uri = format!("{endpoint}{}", parts.uri).parse().unwrap();
        parts.headers.remove("host");
        let answer =
            client.fetch(Request::from_parts(parts, body), std::time::Duration::from_secs(5)).await.unwrap();
        let (head, mut body) = answer.into_parts();
        let mut all = Vec::new();
        while let Some(piece) = body.next().await {
            all.extend_from_slice(&piece.unwrap());
        }
        if matches!(trouble, Some(Trouble::DoneButRefused)) {
            return error(r#"{"__type":"AccessDeniedException","message":"no"}"#.to_owned());
        }
        if trouble.is_some() {
            let mut lost = error(r#"{"__type":"InternalServerError","message":"lost"}"#.to_owned());
            *lost.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            return lost;
        }
        let mut response = Response::new(Full::new(all.into()));
        *response.status_mut() = head.status;
        response
    }
}
