//! What an upstream does, call by call, and what it saw. The same script is played by the fake host in virtual time
//! and by a server over HTTP in real time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use serde_json::Value;

use crate::vendor::Refusal;

/// The checks of a vendor: why it would refuse a body, if it would.
pub type Vendor = fn(&[u8]) -> Option<Refusal>;

/// One call: what must come in, and what happens then.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What must come in.
    pub expect: Expect,
    /// What happens then.
    pub conduct: Conduct,
}

/// What a call must look like. What is not said here is free.
#[derive(Clone, Debug)]
pub struct Expect {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: Option<String>,
    /// Headers by name: the value, its beginning and `...`, or `None` for one that must not be there.
    pub headers: Vec<(String, Option<String>)>,
    /// The body.
    pub body: ExpectBody,
    /// Whose checks a body must pass. What does not pass is answered with the vendor's refusal.
    pub vendor: Option<Vendor>,
    /// Whether a refusal by `vendor` is what the test is about.
    pub refused: bool,
    /// Whether it answers a body that comes in pieces before it has read any of it. Only the fake host plays this.
    pub early: bool,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            method: Method::POST,
            path: None,
            headers: Vec::new(),
            body: ExpectBody::Any,
            vendor: None,
            refused: false,
            early: false,
        }
    }
}

/// What a body must be.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ExpectBody {
    /// Anything.
    #[default]
    Any,
    /// These bytes.
    Bytes(Bytes),
    /// JSON that means the same.
    Json(Value),
}

/// What an upstream does with a call.
#[derive(Clone, Debug)]
pub enum Conduct {
    /// It answers.
    Answer(Reply),
    /// It does not take the connection.
    RefuseConnection,
    /// The connection is never there.
    NeverConnect,
    /// It breaks the connection after this time, without an answer.
    BreakBeforeHead(Duration),
    /// It takes the request and stays silent.
    NeverAnswer,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers, in order.
    pub headers: Vec<(String, String)>,
    /// How long the head takes.
    pub delay: Duration,
    /// The body, piece by piece.
    pub chunks: Vec<Chunk>,
    /// How the body ends.
    pub end: End,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            delay: Duration::ZERO,
            chunks: Vec::new(),
            end: End::Complete,
        }
    }
}

impl Reply {
    /// An answer in one piece.
    #[must_use]
    pub fn whole(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let chunk = Chunk { after: Duration::ZERO, bytes: body.into() };
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, chunks: vec![chunk], ..Self::default() }
    }

    /// The same answer, its body cut at these offsets, each piece `pause` after the one before.
    #[must_use]
    pub fn split_at(&self, offsets: &[usize], pause: Duration) -> Self {
        let body = self.body();
        let mut chunks = Vec::with_capacity(offsets.len() + 1);
        let mut from = 0;
        for to in offsets.iter().copied().chain([body.len()]) {
            let to = to.clamp(from, body.len());
            if to > from {
                let after = if chunks.is_empty() { Duration::ZERO } else { pause };
                chunks.push(Chunk { after, bytes: body.slice(from..to) });
            }
            from = to;
        }
        Self { chunks, ..self.clone() }
    }

    /// The whole body.
    #[must_use]
    pub fn body(&self) -> Bytes {
        match self.chunks.as_slice() {
            [one] => one.bytes.clone(),
            many => many.iter().flat_map(|c| c.bytes.iter().copied()).collect(),
        }
    }
}

/// A piece of a body.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// How long after the head or the piece before it comes.
    pub after: Duration,
    /// Its bytes.
    pub bytes: Bytes,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// As it should.
    #[default]
    Complete,
    /// The connection breaks.
    Break,
    /// Nothing more comes, and the connection stays.
    Stall,
}

/// A call that an upstream saw.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// Where to.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How far the answer came.
    pub fate: Fate,
}

/// How far an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is still being given.
    Open,
    /// It was given as the script says.
    Given,
    /// The gateway left before that.
    Cancelled,
}

/// What an upstream does and saw. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Script(Arc<Mutex<State>>);

/// Makes of a call whatever it likes.
type Decide = dyn Fn(&Parts, &Bytes) -> Conduct + Send + Sync;

/// Decides by what comes in.
#[derive(Clone)]
struct By(Arc<Decide>);

impl std::fmt::Debug for By {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("By")
    }
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Exchange>,
    always: Option<Exchange>,
    by: Option<By>,
    received: Vec<Received>,
    complaints: Vec<String>,
    coming: usize,
}

impl Script {
    /// These calls, in this order, and no others.
    #[must_use]
    pub fn queue(exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        let state = State { queue: exchanges.into_iter().collect(), ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// The same for every call.
    #[must_use]
    pub fn always(exchange: Exchange) -> Self {
        Self(Arc::new(Mutex::new(State { always: Some(exchange), ..State::default() })))
    }

    /// Whatever `decide` makes of a call.
    #[must_use]
    pub fn by(decide: impl Fn(&Parts, &Bytes) -> Conduct + Send + Sync + 'static) -> Self {
        Self(Arc::new(Mutex::new(State { by: Some(By(Arc::new(decide))), ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another call to come after those that are there.
    pub fn push(&self, exchange: Exchange) {
        self.state().queue.push_back(exchange);
    }

    /// Takes a call: its number, for [`Script::ended`], and what to do with it. What is not as expected is noted among
    /// the complaints and answered with status 418, which no test expects.
    pub fn receive(&self, parts: &Parts, body: &Bytes) -> (usize, Conduct) {
        let mut state = self.state();
        let number = state.received.len();
        state.received.push(Received {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            body: body.clone(),
            fate: Fate::Open,
        });
        if let Some(By(decide)) = &state.by {
            return (number, decide(parts, body));
        }
        let Some(exchange) = state.queue.pop_front().or_else(|| state.always.clone()) else {
            let complaint = format!("call {} to the upstream was not expected", number + 1);
            state.complaints.push(complaint.clone());
            return (number, refuse_to_play(&complaint));
        };
        let mut complaints = exchange.expect.check(parts, body);
        let refusal = exchange.expect.vendor.and_then(|vendor| vendor(body));
        let conduct = match (refusal, exchange.expect.refused) {
            (Some(refusal), true) => Conduct::Answer(refusal.reply()),
            (Some(refusal), false) => {
                complaints.push(format!("the vendor would refuse it: {refusal}"));
                Conduct::Answer(refusal.reply())
            }
            (None, true) => {
                complaints.push("the vendor was expected to refuse it and would not".to_owned());
                exchange.conduct
            }
            (None, false) => exchange.conduct,
        };
        if complaints.is_empty() {
            return (number, conduct);
        }
        let complaint = format!("call {} to the upstream: {}", number + 1, complaints.join("; "));
        state.complaints.push(complaint.clone());
        (number, refuse_to_play(&complaint))
    }

    /// Whether the next call is to be answered before its body was read.
    pub(crate) fn next_is_early(&self) -> bool {
        let state = self.state();
        state.queue.front().or(state.always.as_ref()).is_some_and(|exchange| exchange.expect.early)
    }

    /// Notes how many bytes of a body that comes in pieces are there.
    pub(crate) fn coming(&self, bytes: usize) {
        self.state().coming = bytes;
    }

    /// How many bytes there are of the body that came in pieces last, also while it comes.
    #[must_use]
    pub fn came(&self) -> usize {
        self.state().coming
    }

    /// Takes a call whose body broke off: an upstream sees it and can do nothing with it. It uses up no expected call.
    pub(crate) fn receive_half(&self, parts: &Parts, so_far: Bytes) {
        self.state().received.push(Received {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            body: so_far,
            fate: Fate::Cancelled,
        });
    }

    /// Notes how far the answer to a call came; only the first note counts.
    pub fn ended(&self, number: usize, fate: Fate) {
        if let Some(received) = self.state().received.get_mut(number)
            && received.fate == Fate::Open
        {
            received.fate = fate;
        }
    }

    /// The calls so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// What was not as expected, calls that have not come included.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let state = self.state();
        let mut complaints = state.complaints.clone();
        if !state.queue.is_empty() {
            complaints.push(format!("{} more call(s) to the upstream were expected", state.queue.len()));
        }
        complaints
    }
}

fn refuse_to_play(complaint: &str) -> Conduct {
    Conduct::Answer(Reply::whole(418, "text/plain", complaint.to_owned()))
}

impl Expect {
    fn check(&self, parts: &Parts, body: &Bytes) -> Vec<String> {
        let mut complaints = Vec::new();
        if parts.method != self.method {
            complaints.push(format!("the method is {}, not {}", parts.method, self.method));
        }
        if let Some(path) = &self.path
            && parts.uri.path() != path
        {
            complaints.push(format!("the path is {}, not {path}", parts.uri.path()));
        }
        for (name, expected) in &self.headers {
            let found = parts.headers.get(name).map(|v| String::from_utf8_lossy(v.as_bytes()));
            let good = match expected.as_deref().map(|value| (value, value.strip_suffix("..."))) {
                Some((_, Some(start))) => found.as_deref().is_some_and(|found| found.starts_with(start)),
                expected => found.as_deref() == expected.map(|(value, _)| value),
            };
            if !good {
                complaints.push(format!("the header {name} is {found:?}, not {expected:?}"));
            }
        }
        match &self.body {
            ExpectBody::Any => {}
            ExpectBody::Bytes(expected) if body == expected => {}
            ExpectBody::Bytes(expected) => complaints.push(differing_bytes(body, expected)),
            ExpectBody::Json(expected) => match serde_json::from_slice::<Value>(body) {
                Ok(found) if found == *expected => {}
                Ok(found) => complaints.push(format!("the body is {found}, not {expected}")),
                Err(error) => complaints.push(format!("the body is not JSON: {error}")),
            },
        }
        complaints
    }
}

/// Where two bodies part, with what stands around that place.
#[must_use]
pub fn differing_bytes(found: &[u8], expected: &[u8]) -> String {
    let at = found.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let around = |bytes: &[u8]| {
        let piece = &bytes[at.saturating_sub(60).min(bytes.len())..(at + 100).min(bytes.len())];
        String::from_utf8_lossy(piece).into_owned()
    };
    format!(
        "the body differs at byte {at} ({} bytes instead of {}):\n    found    {:?}\n    expected {:?}",
        found.len(),
        expected.len(),
        around(found),
        around(expected)
    )
}
