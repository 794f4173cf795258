//! The core without sockets: requests go into [`handle`], its answer's body is read to the end and the call is settled,
//! all on one thread and without a runtime.

mod host;

use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::process::Command;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::Full;
use postern_gateway::pipeline::Origin;
use postern_gateway::{Gateway, config, handle, identity, settle};
use postern_wire::dialect::{Target, openai_chat};
use serde_json::json;

use crate::payload::{self, Events, MODEL};
use host::{BenchHost, Upstream};

/// Rounds of a timing; the fastest counts, as the others were disturbed more.
const ROUNDS: usize = 9;
/// How long a round takes at least.
const ROUND: Duration = Duration::from_millis(150);

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// A call with a prompt of so many bytes, answered whole, in one format on both sides.
    Whole(usize),
    /// A call whose answer streams so many tokens, each in a piece of its own, in one format on both sides.
    Stream(u32),
    /// The same with all tokens in one piece.
    Burst(u32),
    /// A request with a prompt of so many bytes, read into the canonical conversation and written from it; then the
    /// same with an answer of about a kilobyte.
    Translate(usize),
}

impl Case {
    /// As on the command line: `whole:1024`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let unknown = || {
            format!("there is no case {text:?}: whole:BYTES, stream:TOKENS, burst:TOKENS, translate:BYTES")
        };
        let (name, number) = text.split_once(':').ok_or_else(unknown)?;
        let number: u32 = number.parse().map_err(|_| unknown())?;
        match name {
            "whole" => Ok(Self::Whole(number as usize)),
            "stream" => Ok(Self::Stream(number)),
            "burst" => Ok(Self::Burst(number)),
            "translate" => Ok(Self::Translate(number as usize)),
            _ => Err(unknown()),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Whole(bytes) => format!("whole:{bytes}"),
            Self::Stream(tokens) => format!("stream:{tokens}"),
            Self::Burst(tokens) => format!("burst:{tokens}"),
            Self::Translate(bytes) => format!("translate:{bytes}"),
        }
    }

    /// Everything ready for the first run.
    pub(crate) fn prepare(self) -> Result<Prepared, String> {
        let upstream = match self {
            Self::Whole(_) => Upstream { kind: "application/json", pieces: vec![payload::answer().into()] },
            Self::Stream(tokens) | Self::Burst(tokens) => stream(tokens, matches!(self, Self::Burst(_))),
            Self::Translate(bytes) => {
                return Ok(Prepared::Translate {
                    request: payload::request("bench", bytes, false),
                    answer: payload::answer(),
                });
            }
        };
        let (bytes, is_stream) = match self {
            Self::Whole(bytes) => (bytes, false),
            _ => (1024, true),
        };
        let document = json!({
            "providers": {"local": {"kind": "openai", "base_url": "http://127.0.0.1:1/v1", "api_key": "${BENCH_KEY}"}},
            "models": {"bench": {"targets": [{"provider": "local", "model": MODEL}]}},
        });
        let (config, _) =
            config::parse(&document).map_err(|problems| format!("the configuration: {problems:?}"))?;
        let host = BenchHost::new(upstream);
        let first = complete(identity::first_start(&host))?.map_err(|error| error.to_string())?;
        let key = first.ok_or("a new store that had an administrator already")?.key;
        Ok(Prepared::Call(Box::new(Call {
            gateway: Gateway::new(config, Origin::File),
            host,
            key: format!("Bearer {key}"),
            body: payload::request("bench", bytes, is_stream).into(),
        })))
    }

    /// The time of one run, in nanoseconds, on this thread.
    pub(crate) fn nanos(self) -> Result<f64, String> {
        let prepared = self.prepare()?;
        let mut count = 1;
        // Until a round is long enough; this also warms everything up.
        loop {
            let time = prepared.time(count)?;
            if time >= ROUND {
                break;
            }
            let factor = ROUND.as_secs_f64() / time.as_secs_f64().max(1e-6) * 1.1;
            count = (count as f64 * factor.clamp(1.1, 100.0)).ceil() as u64;
        }
        let mut fastest = f64::INFINITY;
        for _ in 0..ROUNDS {
            fastest = fastest.min(prepared.time(count)?.as_secs_f64() * 1e9 / count as f64);
        }
        Ok(fastest)
    }

    /// Instructions of one run in user space: by the processor's counter where there is one, otherwise under valgrind;
    /// `None` where there is neither. The difference of two counts of runs, so that starting is not in it.
    pub(crate) fn instructions(self, few: u64, many: u64) -> Option<f64> {
        let counted = |count| by_perf(&self.name(), count).or_else(|| by_valgrind(&self.name(), count));
        let (low, high) = (counted(few)?, counted(many)?);
        Some((high as f64 - low as f64) / (many - few) as f64)
    }
}

fn stream(tokens: u32, in_one: bool) -> Upstream {
    let events = Events::new();
    let mut pieces = vec![Bytes::from(events.role)];
    let token = Bytes::from(events.token);
    pieces.extend((0..tokens).map(|_| token.clone()));
    pieces.extend(events.last.map(Bytes::from));
    if in_one {
        pieces = vec![pieces.concat().into()];
    }
    Upstream { kind: "text/event-stream; charset=utf-8", pieces }
}

/// A case that can be run again and again.
pub(crate) enum Prepared {
    Call(Box<Call>),
    Translate { request: Vec<u8>, answer: Vec<u8> },
}

/// A call to the core.
pub(crate) struct Call {
    gateway: Gateway,
    host: BenchHost,
    key: String,
    body: Bytes,
}

impl Prepared {
    /// Runs it `count` times.
    pub(crate) fn repeat(&self, count: u64) -> Result<(), String> {
        for _ in 0..count {
            match self {
                Self::Call(call) => call.once()?,
                Self::Translate { request, answer } => translate(request, answer)?,
            }
        }
        match self {
            Self::Call(call) => call.check(),
            Self::Translate { .. } => Ok(()),
        }
    }

    fn time(&self, count: u64) -> Result<Duration, String> {
        let begun = Instant::now();
        self.repeat(count)?;
        Ok(begun.elapsed())
    }
}

impl Call {
    fn once(&self) -> Result<(), String> {
        let request = http::Request::post("/v1/chat/completions")
            .header("host", "localhost")
            .header("authorization", &self.key)
            .header("content-type", "application/json")
            .header("content-length", self.body.len())
            .header("user-agent", "bench")
            .body(Full::new(self.body.clone()))
            .map_err(|error| error.to_string())?;
        let reply = complete(handle(&self.gateway, &self.host, request))?;
        if !reply.response.status().is_success() {
            return Err(format!("the core answered {}", reply.response.status()));
        }
        let mut body = reply.response.into_body();
        complete(std::future::poll_fn(|cx| {
            loop {
                match Pin::new(&mut body).poll_frame(cx) {
                    Poll::Ready(Some(frame)) => {
                        let _frame = black_box(frame);
                    }
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        }))?;
        complete(settle(&self.host, reply.after))
    }

    /// That calls did what they should: none was dropped, each left a record with the provider's figures.
    fn check(&self) -> Result<(), String> {
        match self.host.bad_records() {
            0 => Ok(()),
            bad => Err(format!("{bad} records are not those of good calls")),
        }
    }
}

fn translate(request: &[u8], answer: &[u8]) -> Result<(), String> {
    let read = openai_chat::decode_request(request).map_err(|error| error.to_string())?;
    let written = openai_chat::encode_request(&read, &Target::model(&read.model));
    black_box(written);
    let read = openai_chat::decode_response(answer).map_err(|error| error.to_string())?;
    black_box(openai_chat::encode_response(&read));
    Ok(())
}

/// Runs a future to its end. Nothing here waits for anything outside, so it is simply asked again.
fn complete<F: Future>(future: F) -> Result<F::Output, String> {
    const MOST: u32 = 10_000_000;
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..MOST {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Ok(output);
        }
    }
    Err("the core waits for something that does not come".to_owned())
}

fn core_command(tool: &mut Command, case: &str, count: u64) -> Option<String> {
    let program = std::env::current_exe().ok()?;
    let output = tool.arg(program).args(["core", case, &count.to_string()]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

fn by_perf(case: &str, count: u64) -> Option<u64> {
    let text = core_command(Command::new("perf").args(["stat", "-x,", "-e", "instructions:u"]), case, count)?;
    text.lines().find(|line| line.contains("instructions"))?.split(',').next()?.parse().ok()
}

fn by_valgrind(case: &str, count: u64) -> Option<u64> {
    let mut tool = Command::new("valgrind");
    tool.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let text = core_command(&mut tool, case, count)?;
    let line = text.lines().find(|line| line.contains("Collected"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_runs() {
        for text in ["whole:1024", "whole:16384", "stream:0", "stream:20", "burst:20", "translate:1024"] {
            let case = Case::parse(text).unwrap();
            assert_eq!(case.name(), text);
            case.prepare().unwrap().repeat(3).unwrap();
        }
        assert!(Case::parse("whole").is_err());
        assert!(Case::parse("other:1").is_err());
    }
}
