//! A fast upstream: answers at once, or streams at a given pace, on one thread.
//!
//! What it does stands in the path, so that one process serves every measurement: `/whole/...` gives a whole answer,
//! `/stream/COUNT/RATE/...` gives COUNT tokens at RATE a second, the first at once; RATE 0 means all together. A path that
//! ends in `/messages` is answered in Anthropic's format, any other in OpenAI's. It never looks at the body of a request.

use std::io::{self, Read as _};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::framing::{Head, Length, chunk};
use crate::payload::Format;

/// The runtime's timer ticks once a millisecond: faster paces take a thread of their own.
const FASTEST_BY_TIMER: u32 = 400;

const WHOLE: &str = "/whole/";
const STREAM: &str = "/stream/";
const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";

/// Serves until the standard input ends. Prints its address first.
pub(crate) fn serve() -> Result<(), String> {
    // Whoever started it holds the other end: no upstream is left behind when that process dies.
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("upstream: {error}"))?;
    runtime.block_on(accept()).map_err(|error| format!("upstream: {error}"))
}

async fn accept() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let scripts =
        Arc::new(Scripts { openai: Script::of(Format::OpenAi), anthropic: Script::of(Format::Anthropic) });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let scripts = Arc::clone(&scripts);
        // A connection that breaks is the caller's to notice.
        tokio::spawn(async move { converse(stream, &scripts).await });
    }
}

/// Everything that is ever sent, ready to be written.
struct Scripts {
    openai: Script,
    anthropic: Script,
}

impl Scripts {
    fn of(&self, path: &str) -> &Script {
        if path.ends_with("/messages") { &self.anthropic } else { &self.openai }
    }
}

/// The same in one format.
struct Script {
    whole: Vec<u8>,
    start: Vec<u8>,
    token: Vec<u8>,
    end: Vec<u8>,
}

impl Script {
    fn of(format: Format) -> Self {
        let answer = format.answer();
        let mut whole = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        )
        .into_bytes();
        whole.extend(answer);
        let events = format.events();
        let mut end: Vec<u8> = events.last.iter().flat_map(|event| chunk(event)).collect();
        end.extend(b"0\r\n\r\n");
        Self { whole, start: [STREAM_HEAD, &chunk(&events.start)].concat(), token: chunk(&events.token), end }
    }
}

async fn converse(mut stream: TcpStream, scripts: &Scripts) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    loop {
        let (size, path) = match Head::parse(&buffer) {
            Some(head) => {
                let Length::Exact(length) = head.length else {
                    return Err(io::Error::other("a request with a body of unknown length"));
                };
                (head.size + usize::try_from(length).unwrap_or(usize::MAX), head.second_word().to_owned())
            }
            None => {
                if stream.read_buf(&mut buffer).await? == 0 {
                    return Ok(());
                }
                continue;
            }
        };
        while buffer.len() < size {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        buffer.advance(size);
        let script = scripts.of(&path);
        if let Some(pace) = Pace::parse(&path) {
            pace.play(&mut stream, script).await?;
        } else if path.starts_with(WHOLE) {
            stream.write_all(&script.whole).await?;
        } else {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await?;
        }
    }
}

/// How a stream comes.
#[derive(Clone, Copy)]
struct Pace {
    count: u32,
    rate: u32,
}

impl Pace {
    fn parse(path: &str) -> Option<Self> {
        let mut words = path.strip_prefix(STREAM)?.split('/');
        let mut number = || words.next()?.parse().ok();
        Some(Self { count: number()?, rate: number()? })
    }

    async fn play(self, stream: &mut TcpStream, script: &Script) -> io::Result<()> {
        stream.write_all(&script.start).await?;
        if self.rate == 0 {
            return stream
                .write_all(&[script.token.repeat(self.count as usize), script.end.clone()].concat())
                .await;
        }
        let period = Duration::from_secs(1) / self.rate;
        if self.rate <= FASTEST_BY_TIMER {
            let begun = Instant::now();
            for i in 0..self.count {
                // A time that has come already would still be waited for, up to a tick.
                if i > 0 {
                    tokio::time::sleep_until((begun + period * i).into()).await;
                }
                stream.write_all(&script.token).await?;
            }
        } else {
            let mut ticks = precise_ticks(period, self.count);
            while ticks.recv().await.is_some() {
                stream.write_all(&script.token).await?;
            }
        }
        stream.write_all(&script.end).await
    }
}

/// A tick every `period`, `count` of them.
fn precise_ticks(period: Duration, count: u32) -> mpsc::UnboundedReceiver<()> {
    let (sender, receiver) = mpsc::unbounded_channel();
    thread::spawn(move || {
        let begun = Instant::now();
        for i in 0..count {
            thread::sleep((begun + period * i).saturating_duration_since(Instant::now()));
            if sender.send(()).is_err() {
                return;
            }
        }
    });
    receiver
}
