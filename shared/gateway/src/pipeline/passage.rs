//! An answer that only passes: sound, a file, or a stream of events about images or sound. Bytes flow on as they came;
//! events are looked at for usage, errors and their end.

use std::task::{Context, Poll};

use bytes::Bytes;
use postern_wire::dialect::openai_chat::PeekFailure;
use postern_wire::media::{Made, MediaFacts};
use postern_wire::sse::{Decoder, Event};
use postern_wire::{Fault, FaultKind};

use super::intake::{Intake, Piece};
use super::reading::Span;
use super::stream::{Step, StreamFacts, empty};
use crate::config::Timeouts;
use crate::host::Host;

/// The largest single event, bytes. A generated image inside one is a few million.
const MAX_EVENT: usize = 32 * 1024 * 1024;

/// What passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passing {
    /// Bytes that mean nothing to the gateway; they may be none.
    File,
    /// Bytes of a made thing, of which there must be some.
    Bytes,
    /// Events about a thing.
    Events(Made),
}

/// The answer being read.
pub(super) struct Passage<H: Host> {
    intake: Intake<H>,
    passing: Passing,
    events: Decoder,
    /// Met behind bytes that had to be passed on first, or put back.
    next: Option<Step>,
    pub(super) facts: StreamFacts,
}

impl<H: Host> Passage<H> {
    pub(super) fn new(upstream: H::Body, timeouts: Timeouts, passing: Passing, span: Span) -> Self {
        Self {
            intake: Intake::new(upstream, timeouts, span),
            passing,
            events: Decoder::new(MAX_EVENT),
            next: None,
            facts: StreamFacts::default(),
        }
    }

    /// Whether there is a place for an error in it.
    pub(super) const fn has_events(&self) -> bool {
        matches!(self.passing, Passing::Events(_))
    }

    /// Puts a step back that was taken too early.
    pub(super) fn put_back(&mut self, step: Step) {
        self.next = Some(step);
    }

    /// The next step. After `End` or `Failed` it must not be called again.
    pub(super) fn poll_step(&mut self, host: &H, cx: &mut Context<'_>) -> Poll<Step> {
        if let Some(step) = self.next.take() {
            return Poll::Ready(step);
        }
        loop {
            if let Passing::Events(made) = self.passing {
                match self.events.next() {
                    Ok(None) => {}
                    Ok(Some(event)) => return Poll::Ready(self.pass(event, made)),
                    Err(_) => {
                        let text = format!("an event of the stream is larger than {MAX_EVENT} bytes");
                        return Poll::Ready(Step::Failed(Fault::new(FaultKind::BadAnswer, text)));
                    }
                }
            }
            if let Some(fault) = self.intake.overdue(&self.facts) {
                return Poll::Ready(Step::Failed(fault));
            }
            match self.intake.poll_piece(host, cx) {
                Poll::Ready(Piece::Chunk(chunk)) if chunk.is_empty() => {}
                Poll::Ready(Piece::Chunk(chunk)) if self.has_events() => self.events.push(chunk),
                Poll::Ready(Piece::Chunk(chunk)) => {
                    self.facts.begun = true;
                    return Poll::Ready(Step::Forward(chunk));
                }
                Poll::Ready(Piece::Closed) => return Poll::Ready(self.closing()),
                // After the last event, a broken connection changes nothing.
                Poll::Ready(Piece::Broken) if self.facts.done => return Poll::Ready(Step::End),
                Poll::Ready(Piece::Broken) => {
                    return Poll::Ready(Step::Failed(cut("the connection broke off")));
                }
                Poll::Pending => return self.intake.poll_late(host, &self.facts, cx),
            }
        }
    }

    /// Notes what an event says, and passes it on.
    fn pass(&mut self, event: Event, made: Made) -> Step {
        match self.look_at(&event, made) {
            Ok(()) => Step::Forward(event.raw),
            Err(fault) => Step::Failed(fault),
        }
    }

    fn look_at(&mut self, event: &Event, made: Made) -> Result<(), Fault> {
        let Some(data) = event.data.as_ref().filter(|data| !data.is_empty()) else { return Ok(()) };
        let said = match MediaFacts::of_event(data, made) {
            Ok(said) => said,
            Err(PeekFailure::Fault(fault)) => return Err(fault),
            // What vendors add to their streams passes.
            Err(PeekFailure::Decode(_)) => MediaFacts::default(),
        };
        let facts = &mut self.facts;
        facts.begun = true;
        facts.done |= said.done;
        if said.usage.is_some() {
            facts.usage = said.usage;
        }
        if let Some(model) = said.model.filter(|_| !facts.named) {
            facts.named = true;
            facts.model = Some(model);
        }
        Ok(())
    }

    fn closing(&mut self) -> Step {
        match self.passing {
            Passing::File => Step::End,
            Passing::Bytes if self.facts.begun => Step::End,
            Passing::Bytes => Step::Failed(empty()),
            Passing::Events(made) => {
                // Some servers leave out the blank line after the last event.
                let last = self.events.end().filter(|event| !event.raw.is_empty());
                let last: Option<Bytes> = match last {
                    Some(event) => match self.look_at(&event, made) {
                        Ok(()) => Some(event.raw),
                        Err(fault) => return Step::Failed(fault),
                    },
                    None => None,
                };
                let end = match (self.facts.done, self.facts.begun) {
                    (true, _) => Step::End,
                    (false, true) => Step::Failed(cut("the stream ended before it was complete")),
                    (false, false) => return Step::Failed(empty()),
                };
                match last {
                    Some(raw) if self.facts.done => {
                        self.next = Some(end);
                        Step::Forward(raw)
                    }
                    // Half an event.
                    _ => end,
                }
            }
        }
    }
}

fn cut(text: &str) -> Fault {
    Fault::new(FaultKind::Cut, text)
}
