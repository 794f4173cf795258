//! The Runtime API of one process: hands out invocations, takes their answers.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::function::{Failure, Job};
use crate::protocol::{Found, Head, Prelude};

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It has not asked for anything yet.
    Starting,
    /// It has nothing to do and asks for more.
    Waiting,
    /// It answers.
    Working,
    /// It said that it cannot start.
    Refusing,
}

/// The API of one process.
#[derive(Clone)]
pub(crate) struct Api {
    address: String,
    shared: Arc<Shared>,
}

struct Shared {
    jobs: mpsc::Sender<Job>,
    waiting: tokio::sync::Mutex<mpsc::Receiver<Job>>,
    current: Mutex<Option<Current>>,
    doing: watch::Sender<Doing>,
}

struct Current {
    id: String,
    answer: Option<oneshot::Sender<Result<Answer, Failure>>>,
}

/// What a process answers.
pub(crate) enum Answer {
    /// A stream: its head, and pieces of its body until the channel closes. A stream that ends well says so last.
    Stream(Head, mpsc::Receiver<Piece>),
    /// All of it.
    Whole(Bytes),
}

/// A piece of a streamed body.
pub(crate) enum Piece {
    Data(Bytes),
    End,
}

impl Api {
    /// Starts serving.
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (jobs, waiting) = mpsc::channel(1);
        let shared = Shared {
            jobs,
            waiting: tokio::sync::Mutex::new(waiting),
            current: Mutex::default(),
            doing: watch::channel(Doing::Starting).0,
        };
        let api = Self { address: listener.local_addr()?.to_string(), shared: Arc::new(shared) };
        let serving = Arc::downgrade(&api.shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Some(shared) = serving.upgrade() else { return };
                let _ = stream.set_nodelay(true);
                let service = service_fn(move |request| {
                    let shared = Arc::clone(&shared);
                    async move { Ok::<_, Infallible>(shared.answer(request).await) }
                });
                // Half-closed connections of a process that was killed are of no interest.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(api)
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Hands an invocation to the process.
    pub(crate) async fn give(&self, job: Job) {
        let _ = self.shared.jobs.send(job).await;
    }

    /// What the process does, and when it changes.
    pub(crate) fn doing(&self) -> watch::Receiver<Doing> {
        self.shared.doing.subscribe()
    }

    /// Tells the caller of the present invocation that it failed, if it has not been answered.
    pub(crate) fn fail(&self, failure: Failure) {
        if let Some(answer) = self.shared.current().take().and_then(|current| current.answer) {
            let _ = answer.send(Err(failure));
        }
    }
}

impl Shared {
    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let Some(rest) = path.strip_prefix("/2018-06-01/runtime/") else {
            return plain(StatusCode::NOT_FOUND, "no such path");
        };
        match (request.method(), rest) {
            (&Method::GET, "invocation/next") => self.next().await,
            (&Method::POST, "init/error") => {
                self.doing.send_replace(Doing::Refusing);
                plain(StatusCode::ACCEPTED, "")
            }
            (&Method::POST, rest) => {
                let parts = rest.strip_prefix("invocation/").and_then(|rest| rest.split_once('/'));
                match parts {
                    Some((id, "response")) => self.response(id, request).await,
                    Some((id, "error")) => self.error(id, request).await,
                    _ => plain(StatusCode::NOT_FOUND, "no such path"),
                }
            }
            _ => plain(StatusCode::METHOD_NOT_ALLOWED, "no such method"),
        }
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        self.doing.send_replace(Doing::Waiting);
        let Some(job) = self.waiting.lock().await.recv().await else {
            return plain(StatusCode::GONE, "the emulator ends");
        };
        let response = Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", &job.id)
            .header("lambda-runtime-deadline-ms", job.deadline_ms)
            .header(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:eu-west-1:000000000000:function:postern",
            )
            .header("lambda-runtime-trace-id", format!("Root=1-{};Sampled=0", job.id));
        *self.current() = Some(Current { id: job.id, answer: Some(job.answer) });
        self.doing.send_replace(Doing::Working);
        response.body(Full::new(job.event)).unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, ""))
    }

    /// The sender of the answer to the invocation of this id.
    fn take(&self, id: &str) -> Option<oneshot::Sender<Result<Answer, Failure>>> {
        self.current().as_mut().filter(|current| current.id == id)?.answer.take()
    }

    async fn error(&self, id: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let kind = request.headers().get("lambda-runtime-function-error-type");
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("Unhandled").to_owned();
        let _ = request.into_body().collect().await;
        match self.take(id) {
            None => plain(StatusCode::BAD_REQUEST, "no such invocation, or it is answered"),
            Some(answer) => {
                let _ = answer.send(Err(Failure::Function(kind)));
                plain(StatusCode::ACCEPTED, "")
            }
        }
    }

    async fn response(&self, id: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let Some(answer) = self.take(id) else {
            return plain(StatusCode::BAD_REQUEST, "no such invocation, or it is answered");
        };
        let mode = request.headers().get("lambda-runtime-function-response-mode");
        let streams = mode.is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"streaming"));
        let mut body = request.into_body();
        if !streams {
            return match body.collect().await {
                Ok(whole) => {
                    let _ = answer.send(Ok(Answer::Whole(whole.to_bytes())));
                    plain(StatusCode::ACCEPTED, "")
                }
                Err(_) => {
                    let _ = answer.send(Err(Failure::Function("Runtime.TruncatedResponse".to_owned())));
                    plain(StatusCode::BAD_REQUEST, "the body broke off")
                }
            };
        }
        let mut prelude = Prelude::default();
        let (mut answer, mut pieces) = (Some(answer), None::<mpsc::Sender<Piece>>);
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                // The caller's stream breaks, because it never sees the end.
                return plain(StatusCode::BAD_REQUEST, "the body broke off");
            };
            let Ok(data) = frame.into_data() else { continue };
            // A caller that has left changes nothing for the function.
            if let Some(pieces) = &pieces {
                let _ = pieces.send(Piece::Data(data)).await;
                continue;
            }
            match prelude.push(&data) {
                Found::Nothing => {}
                Found::Nonsense => {
                    if let Some(answer) = answer.take() {
                        let _ = answer.send(Err(Failure::Function("Runtime.InvalidResponse".to_owned())));
                    }
                    return plain(StatusCode::BAD_REQUEST, "the head is not JSON and eight zero bytes");
                }
                Found::Head(head, rest) => {
                    let (sender, receiver) = mpsc::channel(64);
                    if let Some(answer) = answer.take() {
                        let _ = answer.send(Ok(Answer::Stream(head, receiver)));
                    }
                    if !rest.is_empty() {
                        let _ = sender.send(Piece::Data(rest)).await;
                    }
                    pieces = Some(sender);
                }
            }
        }
        match (answer, pieces) {
            (Some(answer), _) => {
                let _ = answer.send(Err(Failure::Function("Runtime.InvalidResponse".to_owned())));
            }
            (None, Some(pieces)) => {
                let _ = pieces.send(Piece::End).await;
            }
            (None, None) => {}
        }
        plain(StatusCode::ACCEPTED, "")
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}
