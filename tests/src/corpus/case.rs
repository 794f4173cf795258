//! A case, complete with defaults, its files read.

use std::time::Duration;

use bytes::Bytes;
use postern_testkit::script::{self, Reply};
use serde::Deserialize;
use serde_json::Value;

use super::Format;

/// One exchange, from the caller's request to the record.
#[derive(Clone, Debug)]
pub struct Case {
    /// `AREA/CASE`.
    pub name: String,
    /// The format in which the caller speaks.
    pub format: Format,
    /// What it shows.
    pub about: String,
    /// The defects of `pains.md` that it is about, by number.
    pub pains: Vec<u32>,
    /// The gateway's configuration.
    pub config: Value,
    /// Which key the caller has.
    pub key: Key,
    /// What the key may use.
    pub models: Vec<String>,
    /// The caller's request.
    pub request: Request,
    /// The calls that the upstream gets.
    pub upstream: Vec<Upstream>,
    /// Whether the caller stays.
    pub leaves: Leaves,
    /// The status that the caller gets; of no meaning if it leaves before.
    pub status: u16,
    /// Headers of the answer: the value (`*`: any), or `None` for one that must not be there.
    pub headers: Vec<(String, Option<String>)>,
    /// The body of the answer, byte for byte; with an `error` in a stream, what comes before that.
    pub response: Option<Bytes>,
    /// The error that the caller gets, as a whole answer or as the last event of a stream.
    pub error: Option<ExpectedError>,
    /// Whether the call leaves a record.
    pub record: RecordRule,
    /// What the record must say, among other things.
    pub record_subset: Option<Value>,
    /// Whether payloads are kept in the record, so that prompts may be found there.
    pub payloads: bool,
    /// The only player that can play it, if not all can.
    pub only: Option<String>,
}

/// Which key the caller sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// A good one.
    #[default]
    Good,
    /// None at all.
    None,
    /// One that has the right shape, but that nobody made.
    Unknown,
    /// The right id with a wrong secret.
    WrongSecret,
    /// Something that is no key of ours.
    Malformed,
    /// The administrator's token.
    Admin,
    /// One that was revoked.
    Revoked,
    /// One whose time is over.
    Expired,
}

/// When the caller leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Leaves {
    /// It stays to the end.
    #[default]
    Never,
    /// So many milliseconds after it sent the request.
    AfterMs(u64),
    /// As soon as the body that it got has this in it.
    AfterText(String),
}

/// What the caller sends.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, with a query if there is one.
    pub path: String,
    /// Headers; `None` takes away one that is sent by default.
    pub headers: Vec<(String, Option<String>)>,
    /// The body.
    pub body: Bytes,
    /// The size of the pieces it is sent in, its length not declared; in one piece and declared if `None`.
    pub pieces: Option<usize>,
}

/// One call that the upstream gets.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// What must come in, and what happens then.
    pub exchange: script::Exchange,
    /// Whether the gateway must leave before the answer is complete.
    pub cancelled: bool,
}

impl Upstream {
    /// The answer, if there is one.
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        match &self.exchange.conduct {
            script::Conduct::Answer(reply) => Some(reply),
            _ => None,
        }
    }
}

/// What the upstream does with a call, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conduct {
    /// It answers.
    Answers,
    /// It breaks the connection, after `delay_ms`.
    Breaks,
    /// It says nothing.
    Silent,
}

/// An error in the caller's format. The text may be worded as it likes, as long as it says what must be said.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedError {
    /// `error.type`; Gemini's `error.status`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `error.code`, where the format has such words, and the record's.
    pub code: Option<String>,
    /// `error.param`.
    #[serde(default)]
    pub param: Option<String>,
    /// What `error.message` must have in it.
    #[serde(default)]
    pub says: Vec<String>,
}

/// Whether a call leaves a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "bool")]
pub enum RecordRule {
    /// Exactly one.
    #[default]
    One,
    /// None: nobody knows whose it would be.
    None,
}

impl From<bool> for RecordRule {
    fn from(one: bool) -> Self {
        if one { Self::One } else { Self::None }
    }
}

impl Case {
    /// Whether the answer comes as events.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.upstream.iter().filter_map(Upstream::reply).any(|reply| {
            reply.headers.iter().any(|(name, value)| {
                name == "content-type" && (value.contains("event-stream") || value.contains("eventstream"))
            })
        })
    }

    /// Whether the upstream takes its time between the pieces of an answer, so that how it is cut matters.
    #[must_use]
    pub fn is_paced(&self) -> bool {
        let replies = self.upstream.iter().filter_map(Upstream::reply);
        replies.flat_map(|reply| &reply.chunks).any(|chunk| !chunk.after.is_zero())
    }

    /// The same case, the body of every answer of the upstream cut by `cut`, which takes its length.
    #[must_use]
    pub fn with_cuts(&self, cut: impl Fn(usize) -> Vec<usize>) -> Self {
        let mut case = self.clone();
        for upstream in &mut case.upstream {
            if let script::Conduct::Answer(reply) = &mut upstream.exchange.conduct {
                *reply = reply.split_at(&cut(reply.body().len()), Duration::ZERO);
            }
        }
        case
    }
}
