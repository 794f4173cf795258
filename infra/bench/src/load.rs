//! The load generator: connections that call one after another, or at a constant rate. One thread, little work a call,
//! so that it takes as little as possible from what it measures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::framing::{Body, Head};
use crate::sample::Sample;

/// What one call may take: everything runs on this machine, so longer is a fault.
const CALL_LIMIT: Duration = Duration::from_secs(120);

/// A request, ready to be written.
#[derive(Clone)]
pub(crate) struct Request(Arc<[u8]>);

impl Request {
    /// A chat call.
    pub(crate) fn chat(path: &str, key: &str, body: &[u8]) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self([head.as_bytes(), body].concat().into())
    }
}

/// What a call gave.
pub(crate) struct Answer {
    /// From sending to the first byte of the answer's body.
    pub(crate) first: Duration,
    /// From sending to the end of the answer.
    pub(crate) total: Duration,
}

/// Many calls.
#[derive(Default)]
pub(crate) struct Calls {
    /// From sending to the first byte of each answer's body.
    pub(crate) first: Sample,
    /// From sending to the end of each answer.
    pub(crate) total: Sample,
    /// From the first call's start to the last one's end.
    pub(crate) wall: Duration,
}

impl Calls {
    fn add(&mut self, answer: &Answer) {
        self.first.add(answer.first);
        self.total.add(answer.total);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.first.extend(other.first);
        self.total.extend(other.total);
        self.wall += other.wall;
    }

    /// Calls a second.
    pub(crate) fn rate(&self) -> f64 {
        self.total.len() as f64 / self.wall.as_secs_f64().max(1e-9)
    }
}

/// When to stop.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    /// No call begins after this time.
    Time(Duration),
    /// So many calls in all.
    Count(u64),
}

/// `connections` connections, each of which calls again as soon as its answer is complete.
pub(crate) async fn closed(
    to: SocketAddr,
    request: &Request,
    connections: usize,
    until: Until,
) -> Result<Calls, String> {
    let begun = Instant::now();
    let left = Arc::new(AtomicU64::new(match until {
        Until::Time(_) => u64::MAX,
        Until::Count(count) => count,
    }));
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (request, left) = (request.clone(), Arc::clone(&left));
        tasks.spawn(async move {
            let mut calls = Calls::default();
            let mut connection = Connection::open(to).await?;
            let more = || match until {
                Until::Time(time) => begun.elapsed() < time,
                Until::Count(_) => {
                    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok()
                }
            };
            while more() {
                calls.add(&connection.call(&request).await?);
            }
            Ok(calls)
        });
    }
    join(tasks, begun).await
}

/// Calls that begin at a constant `rate` a second, for `time`, spread evenly over `connections`. A call is measured
/// from when it was sent.
pub(crate) async fn constant(
    to: SocketAddr,
    request: &Request,
    connections: u32,
    rate: u32,
    time: Duration,
) -> Result<Calls, String> {
    let begun = Instant::now();
    let each = Duration::from_secs(1) * connections / rate;
    let mut tasks = JoinSet::new();
    for i in 0..connections {
        let request = request.clone();
        tasks.spawn(async move {
            let mut calls = Calls::default();
            let mut connection = Connection::open(to).await?;
            let mut due = begun + each * i / connections;
            while due < begun + time {
                tokio::time::sleep_until(due.into()).await;
                calls.add(&connection.call(&request).await?);
                due += each;
            }
            Ok(calls)
        });
    }
    join(tasks, begun).await
}

/// `connections` calls, one on each connection, begun evenly over `spread`; `begun` counts those whose answer began.
pub(crate) async fn once_each(
    to: SocketAddr,
    request: &Request,
    connections: u32,
    spread: Duration,
    answering: &Arc<AtomicU64>,
) -> Result<Calls, String> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for i in 0..connections {
        let (request, answering) = (request.clone(), Arc::clone(answering));
        tasks.spawn(async move {
            tokio::time::sleep_until((begun + spread * i / connections).into()).await;
            let mut connection = Connection::open(to).await?;
            connection.counter = Some(answering);
            let mut calls = Calls::default();
            calls.add(&connection.call(&request).await?);
            Ok(calls)
        });
    }
    join(tasks, begun).await
}

async fn join(mut tasks: JoinSet<Result<Calls, String>>, begun: Instant) -> Result<Calls, String> {
    let mut all = Calls::default();
    while let Some(ended) = tasks.join_next().await {
        all.extend(ended.map_err(|error| format!("a connection's task failed: {error}"))??);
    }
    all.wall = begun.elapsed();
    Ok(all)
}

/// A connection that is used for one call after another.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Counts answers that have begun.
    counter: Option<Arc<AtomicU64>>,
}

impl Connection {
    async fn open(to: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(to).await.map_err(|error| format!("connecting to {to}: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { stream, buffer: vec![0; 16 * 1024], counter: None })
    }

    async fn call(&mut self, request: &Request) -> Result<Answer, String> {
        match tokio::time::timeout(CALL_LIMIT, self.exchange(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(format!("a call failed: {error}")),
            Err(_) => Err(format!("a call took more than {} s", CALL_LIMIT.as_secs())),
        }
    }

    async fn exchange(&mut self, request: &Request) -> std::io::Result<Answer> {
        let broken = |text: String| std::io::Error::other(text);
        let begun = Instant::now();
        self.stream.write_all(&request.0).await?;
        let mut filled = 0;
        let (size, length) = loop {
            let room = self.buffer.get_mut(filled..).unwrap_or_default();
            let count = self.stream.read(room).await?;
            if count == 0 {
                return Err(broken("the answer's head did not come".to_owned()));
            }
            filled += count;
            let so_far = self.buffer.get(..filled).unwrap_or_default();
            if let Some(head) = Head::parse(so_far) {
                if head.second_word() != "200" {
                    let shown: String = String::from_utf8_lossy(so_far).chars().take(600).collect();
                    return Err(broken(format!("an answer was not 200:\n{shown}")));
                }
                break (head.size, head.length);
            }
        };
        let mut body = Body::new(length);
        body.push(self.buffer.get(size..filled).unwrap_or_default());
        let mut first = None;
        loop {
            if first.is_none() && body.bytes > 0 {
                first = Some(begun.elapsed());
                if let Some(counter) = &self.counter {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
            if body.is_done() {
                let total = begun.elapsed();
                return Ok(Answer { first: first.unwrap_or(total), total });
            }
            let count = self.stream.read(&mut self.buffer).await?;
            if count == 0 {
                return Err(broken("the answer ended too early".to_owned()));
            }
            body.push(self.buffer.get(..count).unwrap_or_default());
        }
    }
}
