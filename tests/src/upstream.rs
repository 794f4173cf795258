//! The scripted upstream as a server over HTTP, in real time: one server for many calls at once, each with the script
//! of its trace.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use postern_testkit::Script;
use postern_testkit::script::{Chunk, Conduct, End, Fate, Reply};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Sleep, sleep, timeout};

/// What was written needs a moment to leave before a connection breaks.
const FLUSH: Duration = Duration::from_millis(30);

/// A running upstream. It serves until its runtime ends.
#[derive(Clone)]
pub struct Upstream {
    address: SocketAddr,
    scripts: Arc<Mutex<HashMap<String, Script>>>,
    /// For calls of no known trace.
    otherwise: Arc<Mutex<Option<Script>>>,
}

impl Upstream {
    /// Starts it on a port of its own.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let upstream =
            Self { address: listener.local_addr()?, scripts: Arc::default(), otherwise: Arc::default() };
        let serving = upstream.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        Ok(upstream)
    }

    /// Its origin, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets what happens to calls whose `traceparent` names this trace.
    pub fn script(&self, trace: &str, script: &Script) {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner).insert(trace.to_owned(), script.clone());
    }

    /// Sets what happens to calls that name no trace that is known: token services are asked on behalf of no one call.
    pub fn otherwise(&self, script: &Script) {
        *self.otherwise.lock().unwrap_or_else(PoisonError::into_inner) = Some(script.clone());
    }

    async fn serve(self, stream: TcpStream) {
        let service = service_fn(|request| self.answer(request));
        // Broken connections are a part of the play.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Answer>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let trace =
            parts.headers.get("traceparent").and_then(|v| v.to_str().ok()).and_then(|v| v.split('-').nth(1));
        let scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let otherwise = self.otherwise.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let script = trace.and_then(|trace| scripts.get(trace)).or(otherwise.as_ref());
        let Some(script) = script else {
            let text = "a call of no known trace: the gateway must pass the caller's traceparent on";
            return Ok(respond(Reply::whole(418, "text/plain", text), None));
        };
        let (number, conduct) = script.receive(&parts, &body);
        let watch = Watch { script: script.clone(), number };
        match conduct {
            Conduct::Answer(reply) => {
                sleep(reply.delay).await;
                Ok(respond(reply, Some(watch)))
            }
            Conduct::BreakBeforeHead(after) => {
                sleep(after).await;
                watch.script.ended(number, Fate::Given);
                Err(io::Error::other("the script says so"))
            }
            Conduct::NeverAnswer => std::future::pending().await,
            Conduct::RefuseConnection | Conduct::NeverConnect => {
                // A server that has taken a connection cannot refuse it: cases use the address of one that does.
                Err(io::Error::other("cannot be played over HTTP: use REFUSING_URL or SILENT_URL"))
            }
        }
    }
}

fn respond(reply: Reply, watch: Option<Watch>) -> Response<Answer> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let answer = Answer { chunks: reply.chunks.into(), end: reply.end, pause: None, breaking: None, watch };
    response.body(answer).expect("the status and headers of a script are valid")
}

struct Watch {
    script: Script,
    number: usize,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.script.ended(self.number, Fate::Cancelled);
    }
}

/// The body of a scripted answer.
struct Answer {
    chunks: VecDeque<Chunk>,
    end: End,
    pause: Option<Pin<Box<Sleep>>>,
    breaking: Option<Pin<Box<Sleep>>>,
    watch: Option<Watch>,
}

impl Answer {
    fn given(&self) {
        if let Some(watch) = &self.watch {
            watch.script.ended(watch.number, Fate::Given);
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        let Some(next) = this.chunks.front() else {
            return match this.end {
                End::Complete => {
                    this.given();
                    Poll::Ready(None)
                }
                End::Break => {
                    let pause = this.breaking.get_or_insert_with(|| Box::pin(sleep(FLUSH)));
                    if pause.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    this.given();
                    Poll::Ready(Some(Err(io::Error::other("the script says so"))))
                }
                End::Stall => Poll::Pending,
            };
        };
        if !next.after.is_zero() {
            let after = next.after;
            let pause = this.pause.get_or_insert_with(|| Box::pin(sleep(after)));
            if pause.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.pause = None;
        }
        Poll::Ready(this.chunks.pop_front().map(|chunk| Ok(Frame::data(chunk.bytes))))
    }
}

/// An address that takes no connection, for as long as this lives.
pub struct Refusing {
    address: SocketAddr,
    /// Bound, so that nobody else takes the port, and never listening.
    _socket: TcpSocket,
}

impl Refusing {
    /// Takes a port.
    ///
    /// # Errors
    /// When none can be had.
    pub fn start() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self { address: socket.local_addr()?, _socket: socket })
    }

    /// Its origin.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// An address that never answers to a connection, for as long as this lives.
pub struct Silent {
    address: SocketAddr,
    _listener: TcpListener,
    /// They fill the queue of connections that nobody takes; the kernel leaves further ones without an answer.
    _queued: Vec<TcpStream>,
}

impl Silent {
    /// Takes a port and fills its queue.
    ///
    /// # Errors
    /// When no port can be had, or its queue does not fill.
    pub async fn start() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(1)?;
        let address = listener.local_addr()?;
        let mut queued = Vec::new();
        for _ in 0..64 {
            match timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
                Ok(stream) => queued.push(stream?),
                Err(_) => return Ok(Self { address, _listener: listener, _queued: queued }),
            }
        }
        Err(io::Error::other("the queue of a listening socket does not fill"))
    }

    /// Its origin.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}
