//! An upstream's stream in the caller's own format: bytes flow on as they came, while every event is looked at for
//! usage, finish reasons, errors and signs of life.
//!
//! Only whole events are passed on, so that a cut in the middle of one never reaches the caller.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use postern_wire::dialect::openai_chat::peek::{EventKind, PeekFailure, peek_event};
use postern_wire::sse::{Decoder, Event};
use postern_wire::{Fault, FaultKind, Usage};

use super::attempt::Reading;
use super::timer::Timer;
use crate::config::Timeouts;
use crate::host::Host;
use crate::time::Timestamp;

/// The largest single event, bytes. A generated image inside one is a few million.
const MAX_EVENT: usize = 16 * 1024 * 1024;
/// What is there at once goes on in pieces of about this many bytes.
const BURST: usize = 16 * 1024;
/// How long a finished stream may take to close its connection, which then can be used again.
const CLOSING: Duration = Duration::from_millis(200);

/// What a stream did next.
#[derive(Debug)]
pub(super) enum Step {
    /// Bytes for the caller.
    Forward(Bytes),
    /// Complete.
    End,
    /// It failed; nothing follows.
    Failed(Fault),
}

/// What was seen of a stream so far.
#[derive(Debug, Default)]
pub(super) struct StreamFacts {
    /// The model that the upstream says answers, for whoever takes it first.
    pub(super) model: Option<String>,
    /// Whether the model is known, taken or not.
    pub(super) named: bool,
    /// The provider's figures, once they came.
    pub(super) usage: Option<Usage>,
    /// Why each choice ended.
    pub(super) finish_reasons: Vec<String>,
    /// Generated text, reasoning and tool arguments, for whoever takes it first.
    pub(super) said: String,
    /// Whether there was more than text of one choice.
    pub(super) beyond_text: bool,
    /// Whether a first token, tool call or the like has come.
    pub(super) begun: bool,
    /// Whether the stream said that it is complete.
    pub(super) done: bool,
}

/// The stream being read.
pub(super) struct Relay<H: Host> {
    upstream: H::Body,
    events: Decoder,
    hide_usage: bool,
    /// How many choices were asked for.
    choices: usize,
    timeouts: Timeouts,
    timer: Timer<H>,
    /// When the attempt began.
    begun: Timestamp,
    /// When the whole call must be over.
    deadline: Timestamp,
    /// When the upstream last gave bytes.
    active: Timestamp,
    closed: bool,
    /// Whether the last event was kept from the caller.
    hidden: bool,
    /// Met behind bytes that had to be passed on first: the next step.
    next: Option<Step>,
    pub(super) facts: StreamFacts,
}

impl<H: Host> Relay<H> {
    /// Reads the answer of an attempt.
    pub(super) fn new(upstream: H::Body, timeouts: Timeouts, how: &Reading) -> Self {
        Self {
            upstream,
            events: Decoder::new(MAX_EVENT),
            hide_usage: how.hide_usage,
            choices: usize::try_from(how.choices).unwrap_or(usize::MAX),
            timeouts,
            timer: Timer::new(),
            begun: how.begun,
            deadline: how.deadline,
            active: how.begun,
            closed: false,
            hidden: false,
            next: None,
            facts: StreamFacts::default(),
        }
    }

    /// The next step. After `End` or `Failed` it must not be called again.
    pub(super) fn poll_step(&mut self, host: &H, cx: &mut Context<'_>) -> Poll<Step> {
        if let Some(step) = self.next.take() {
            return Poll::Ready(step);
        }
        let mut forward = Forward::default();
        loop {
            if let Err(fault) = self.read_events(&mut forward) {
                return Poll::Ready(self.after(forward, Step::Failed(fault)));
            }
            // Also while data flows without a pause.
            if self.active >= self.deadline && !self.facts.done {
                return Poll::Ready(self.after(forward, Step::Failed(too_late("end of the answer"))));
            }
            if self.closed || forward.len() >= BURST {
                let step = forward.take().map(Step::Forward);
                return Poll::Ready(step.unwrap_or_else(|| self.closing()));
            }
            match Pin::new(&mut self.upstream).poll_next(cx) {
                // What is there already goes on in one piece.
                Poll::Ready(Some(Ok(chunk))) => {
                    self.active = host.now();
                    self.events.push(chunk);
                }
                // After the end mark, a broken connection changes nothing.
                Poll::Ready(Some(Err(_))) if self.facts.done => {
                    return Poll::Ready(self.after(forward, Step::End));
                }
                Poll::Ready(Some(Err(error))) => {
                    tracing::warn!(%error, "a stream broke off");
                    let fault = Fault::new(FaultKind::Cut, "the connection broke off");
                    return Poll::Ready(self.after(forward, Step::Failed(fault)));
                }
                Poll::Ready(None) => self.closed = true,
                Poll::Pending => {
                    return match forward.take() {
                        Some(bytes) => Poll::Ready(Step::Forward(bytes)),
                        None => self.poll_timer(host, cx),
                    };
                }
            }
        }
    }

    /// A step that comes once what is to be passed on has been.
    fn after(&mut self, forward: Forward, step: Step) -> Step {
        match forward.take() {
            None => step,
            Some(bytes) => {
                self.next = Some(step);
                Step::Forward(bytes)
            }
        }
    }

    /// The upstream, when from here on nothing of its answer has to be withheld or changed: the usage event is for the
    /// caller, a first token has come, and nothing is known yet of the end.
    pub(super) const fn release(&mut self) -> Option<&mut H::Body> {
        let flows = self.facts.begun && !self.facts.done && self.next.is_none() && !self.closed;
        if flows && !self.hide_usage { Some(&mut self.upstream) } else { None }
    }

    /// Puts a step back that was taken too early.
    pub(super) fn put_back(&mut self, step: Step) {
        self.next = Some(step);
    }

    fn poll_timer(&mut self, host: &H, cx: &mut Context<'_>) -> Poll<Step> {
        let (due, what) = if self.facts.done {
            (self.active.plus(CLOSING), "close")
        } else if self.facts.begun {
            (self.active.plus(self.timeouts.idle), "next token")
        } else {
            (self.begun.plus(self.timeouts.first_token), "first token")
        };
        if self.timer.poll_due(host, due.min(self.deadline), cx).is_pending() {
            return Poll::Pending;
        }
        if self.facts.done {
            return Poll::Ready(Step::End);
        }
        let what = if host.now() >= self.deadline { "end of the answer" } else { what };
        Poll::Ready(Step::Failed(too_late(what)))
    }

    /// Reads every event that is there, and adds what may flow on to `forward`.
    fn read_events(&mut self, forward: &mut Forward) -> Result<(), Fault> {
        loop {
            let event = self.events.next().map_err(|_| {
                let text = format!("an event of the stream is larger than {MAX_EVENT} bytes");
                Fault::new(FaultKind::BadAnswer, text)
            })?;
            let Some(mut event) = event else { return Ok(()) };
            let wanted = self.look_at(&event)?;
            // The second half of a CRLF that was cut belongs to the event before.
            if event.raw.first() == Some(&b'\n') {
                let half = event.raw.split_to(1);
                if !self.hidden {
                    forward.add(half);
                }
            }
            if wanted {
                forward.add(event.raw);
            }
            self.hidden = !wanted;
        }
    }

    /// Notes what an event says. Whether it is for the caller.
    fn look_at(&mut self, event: &Event) -> Result<bool, Fault> {
        let Some(data) = &event.data else { return Ok(!self.facts.done) };
        if data.is_empty() {
            return Ok(!self.facts.done);
        }
        let facts = peek_event(data).map_err(|failure| match failure {
            PeekFailure::Fault(fault) => fault,
            PeekFailure::Decode(error) => {
                Fault::new(FaultKind::BadAnswer, format!("an event of the stream cannot be read: {error}"))
            }
        })?;
        let seen = &mut self.facts;
        if seen.done {
            return Ok(false);
        }
        seen.said.push_str(&facts.text);
        seen.beyond_text |= facts.beyond_text || self.choices > 1;
        // One a choice: some servers repeat theirs in every event.
        let missing = self.choices.saturating_sub(seen.finish_reasons.len());
        seen.finish_reasons.extend(facts.finish_reasons.into_iter().take(missing));
        if facts.usage.is_some() {
            seen.usage = facts.usage;
        }
        if let Some(model) = facts.model.filter(|_| !seen.named) {
            seen.named = true;
            seen.model = Some(model);
        }
        match facts.kind {
            EventKind::Content => seen.begun = true,
            EventKind::Done => {
                // An end mark with nothing before it is an empty answer, not a complete one.
                if !seen.begun && seen.finish_reasons.is_empty() {
                    return Err(empty());
                }
                seen.done = true;
            }
            EventKind::Usage => return Ok(!self.hide_usage),
            EventKind::Role | EventKind::Other => {}
        }
        Ok(true)
    }

    /// The upstream has closed the stream.
    fn closing(&mut self) -> Step {
        let last = self.events.end();
        // As above, at the very end.
        if let Some(event) = &last
            && event.raw.as_ref() == b"\n"
            && !self.hidden
            && self.is_complete()
        {
            self.next = Some(Step::End);
            return Step::Forward(event.raw.clone());
        }
        if self.facts.done {
            return Step::End;
        }
        // Some servers leave out the blank line after the last event.
        if let Some(event) = last
            && event.data.as_ref().is_some_and(|d| !d.is_empty())
        {
            match self.look_at(&event) {
                Ok(forward) if self.is_complete() => {
                    self.facts.done = true;
                    if forward {
                        return Step::Forward(event.raw);
                    }
                }
                // Half an event.
                Ok(_) => {}
                Err(fault) if fault.kind == FaultKind::BadAnswer => {}
                Err(fault) => return Step::Failed(fault),
            }
        }
        if self.is_complete() {
            return Step::End;
        }
        Step::Failed(if !self.facts.begun {
            empty()
        } else {
            Fault::new(FaultKind::Cut, "the stream ended before it was complete")
        })
    }

    /// Not every server sends `[DONE]`; one that said of every choice why it finished has finished.
    const fn is_complete(&self) -> bool {
        self.facts.done || self.facts.finish_reasons.len() >= self.choices
    }
}

fn too_late(what: &str) -> Fault {
    Fault::new(FaultKind::Timeout, format!("the {what} did not come in time"))
}

fn empty() -> Fault {
    Fault::new(FaultKind::BadAnswer, "the stream ended without an answer in it")
}

/// Bytes to pass on: the first event as it is, more of them copied together.
#[derive(Default)]
struct Forward {
    one: Option<Bytes>,
    many: BytesMut,
}

impl Forward {
    fn add(&mut self, raw: Bytes) {
        if raw.is_empty() {
            return;
        }
        if self.many.is_empty() {
            match self.one.take() {
                None => self.one = Some(raw),
                Some(first) => {
                    self.many.extend_from_slice(&first);
                    self.many.extend_from_slice(&raw);
                }
            }
        } else {
            self.many.extend_from_slice(&raw);
        }
    }

    fn len(&self) -> usize {
        self.one.as_ref().map_or(0, Bytes::len) + self.many.len()
    }

    fn take(self) -> Option<Bytes> {
        self.one.or_else(|| (!self.many.is_empty()).then(|| self.many.freeze()))
    }
}
