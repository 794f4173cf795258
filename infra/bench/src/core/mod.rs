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
use serde_json::json;

use crate::payload::{self, Format};
use host::{BenchHost, Upstream};

/// Rounds of a timing; the fastest counts, as the others were disturbed more.
const ROUNDS: usize = 9;
/// How long a round takes at least.
const ROUND: Duration = Duration::from_millis(150);

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// A call with a prompt of so many bytes, answered whole by an upstream of this format.
    Whole(Format, usize),
    /// A call whose answer streams so many tokens, each in a piece of its own.
    Stream(Format, u32),
    /// The same with all tokens in one piece.
    Burst(Format, u32),
}

impl Case {
    /// As on the command line: `openai:whole:1024`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let unknown = || {
            format!(
                "there is no case {text:?}: FORMAT:whole:BYTES, FORMAT:stream:TOKENS, FORMAT:burst:TOKENS with openai or anthropic"
            )
        };
        let mut words = text.split(':');
        let (format, name, number) = (words.next(), words.next(), words.next());
        let format =
            [Format::OpenAi, Format::Anthropic].into_iter().find(|known| Some(known.kind()) == format);
        let format = format.ok_or_else(unknown)?;
        let number: u32 = number.and_then(|number| number.parse().ok()).ok_or_else(unknown)?;
        match name {
            Some("whole") => Ok(Self::Whole(format, number as usize)),
            Some("stream") => Ok(Self::Stream(format, number)),
            Some("burst") => Ok(Self::Burst(format, number)),
            _ => Err(unknown()),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Whole(format, bytes) => format!("{}:whole:{bytes}", format.kind()),
            Self::Stream(format, tokens) => format!("{}:stream:{tokens}", format.kind()),
            Self::Burst(format, tokens) => format!("{}:burst:{tokens}", format.kind()),
        }
    }

    const fn format(self) -> Format {
        match self {
            Self::Whole(format, _) | Self::Stream(format, _) | Self::Burst(format, _) => format,
        }
    }

    /// Everything ready for the first run.
    pub(crate) fn prepare(self) -> Result<Call, String> {
        let format = self.format();
        let (upstream, bytes, is_stream) = match self {
            Self::Whole(_, bytes) => {
                (Upstream { kind: "application/json", pieces: vec![format.answer().into()] }, bytes, false)
            }
            Self::Stream(_, tokens) => (stream(format, tokens, false), 1024, true),
            Self::Burst(_, tokens) => (stream(format, tokens, true), 1024, true),
        };
        let document = json!({
            "providers": {"local": {
                "kind": format.kind(),
                "base_url": format!("http://127.0.0.1:1{}", format.base()),
                "api_key": "${BENCH_KEY}",
            }},
            "models": {"bench": {"targets": [{"provider": "local", "model": format.model()}]}},
        });
        let (config, _) =
            config::parse(&document).map_err(|problems| format!("the configuration: {problems:?}"))?;
        let host = BenchHost::new(upstream);
        let first = complete(identity::first_start(&host))?.map_err(|error| error.to_string())?;
        let key = first.ok_or("a new store that had an administrator already")?.key;
        Ok(Call {
            gateway: Gateway::new(config, Origin::File),
            host,
            key: format!("Bearer {key}"),
            body: payload::request("bench", bytes, is_stream).into(),
        })
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

fn stream(format: Format, tokens: u32, in_one: bool) -> Upstream {
    let events = format.events();
    let mut pieces = vec![Bytes::from(events.start)];
    let token = Bytes::from(events.token);
    pieces.extend((0..tokens).map(|_| token.clone()));
    pieces.extend(events.last.into_iter().map(Bytes::from));
    if in_one {
        pieces = vec![pieces.concat().into()];
    }
    Upstream { kind: "text/event-stream; charset=utf-8", pieces }
}

/// A call to the core that can be made again and again.
pub(crate) struct Call {
    gateway: Gateway,
    host: BenchHost,
    key: String,
    body: Bytes,
}

impl Call {
    /// Makes it `count` times.
    pub(crate) fn repeat(&self, count: u64) -> Result<(), String> {
        (0..count).try_for_each(|_| self.once())?;
        self.check()
    }

    fn time(&self, count: u64) -> Result<Duration, String> {
        let begun = Instant::now();
        self.repeat(count)?;
        Ok(begun.elapsed())
    }

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
        for format in ["openai", "anthropic"] {
            for case in ["whole:1024", "whole:16384", "stream:1", "stream:20", "burst:20"] {
                let text = format!("{format}:{case}");
                let case = Case::parse(&text).unwrap();
                assert_eq!(case.name(), text);
                case.prepare().unwrap().repeat(3).unwrap();
            }
        }
        for unknown in ["whole:1", "openai:whole", "openai:other:1", "gemini:whole:1"] {
            assert!(Case::parse(unknown).is_err(), "{unknown}");
        }
    }
}
