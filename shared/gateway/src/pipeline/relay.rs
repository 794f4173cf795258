//! An upstream's stream in the caller's own format: bytes flow on as they came, while every event is looked at for
//! usage, finish reasons, errors and signs of life.
//!
//! Only whole events are passed on, so that a cut in the middle of one never reaches the caller.

use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use postern_wire::dialect::Observer;
use postern_wire::dialect::openai_chat::peek::{EventKind, PeekFailure};
use postern_wire::sse::{Decoder, Event};
use postern_wire::{Fault, FaultKind};

use super::intake::{Intake, Piece};
use super::reading::{Reading, Span};
use super::stream::{BURST, Step, StreamFacts, empty};
use crate::config::Timeouts;
use crate::host::Host;

/// The largest single event, bytes. A generated image inside one is a few million.
const MAX_EVENT: usize = 16 * 1024 * 1024;

/// The stream being read.
pub(super) struct Relay<H: Host> {
    intake: Intake<H>,
    events: Decoder,
    observer: Observer,
    hide_usage: bool,
    /// How many choices were asked for.
    choices: usize,
    /// Whether the last event was kept from the caller.
    hidden: bool,
    /// Met behind bytes that had to be passed on first: the next step.
    next: Option<Step>,
    pub(super) facts: StreamFacts,
}

impl<H: Host> Relay<H> {
    /// Reads the answer of an attempt.
    pub(super) fn new(upstream: H::Body, timeouts: Timeouts, how: &Reading, span: Span) -> Self {
        Self {
            intake: Intake::new(upstream, timeouts, span),
            events: Decoder::new(MAX_EVENT),
            observer: how.dialect.observer(),
            hide_usage: how.hide_usage,
            choices: usize::try_from(how.choices).unwrap_or(usize::MAX),
            hidden: false,
            next: None,
            facts: StreamFacts::default(),
        }
    }

    /// Writes the error event that ends the stream.
    pub(super) fn fail(&self, fault: &Fault, out: &mut BytesMut) {
        self.observer.fail(fault, out);
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
            if let Some(fault) = self.intake.overdue(&self.facts) {
                return Poll::Ready(self.after(forward, Step::Failed(fault)));
            }
            if self.intake.is_closed() || forward.len() >= BURST {
                let step = forward.take().map(Step::Forward);
                return Poll::Ready(step.unwrap_or_else(|| self.closing()));
            }
            match self.intake.poll_piece(host, cx) {
                // What is there already goes on in one piece.
                Poll::Ready(Piece::Chunk(chunk)) => self.events.push(chunk),
                // After the end mark, a broken connection changes nothing.
                Poll::Ready(Piece::Broken) if self.facts.done => {
                    return Poll::Ready(self.after(forward, Step::End));
                }
                Poll::Ready(Piece::Broken) => {
                    let fault = Fault::new(FaultKind::Cut, "the connection broke off");
                    return Poll::Ready(self.after(forward, Step::Failed(fault)));
                }
                Poll::Ready(Piece::Closed) => {}
                Poll::Pending => {
                    return match forward.take() {
                        Some(bytes) => Poll::Ready(Step::Forward(bytes)),
                        None => self.intake.poll_late(host, &self.facts, cx),
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
        let flows = self.facts.begun && !self.facts.done && self.next.is_none() && !self.intake.is_closed();
        if flows && !self.hide_usage { Some(self.intake.upstream()) } else { None }
    }

    /// Puts a step back that was taken too early.
    pub(super) fn put_back(&mut self, step: Step) {
        self.next = Some(step);
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
        let facts = self.observer.event(event).map_err(|failure| match failure {
            PeekFailure::Fault(fault) => fault,
            PeekFailure::Decode(error) => {
                Fault::new(FaultKind::BadAnswer, format!("an event of the stream cannot be read: {error}"))
            }
        })?;
        let seen = &mut self.facts;
        if seen.done {
            return Ok(false);
        }
        seen.beyond_text |= self.choices > 1;
        match seen.add(facts, self.choices) {
            EventKind::Done => {
                // An end mark with nothing before it is an empty answer, not a complete one.
                if seen.is_empty() {
                    return Err(empty());
                }
                seen.done = true;
            }
            EventKind::Usage => return Ok(!self.hide_usage),
            EventKind::Content | EventKind::Role | EventKind::Other => {}
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
        let finished = self.facts.finish_reasons.len() >= self.choices;
        self.facts.done || (finished && !self.observer.needs_end_mark())
    }
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
