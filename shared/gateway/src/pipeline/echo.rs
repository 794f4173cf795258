//! The stream of the built-in demo: words, at once or one after the other.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use postern_wire::chat::{ChoiceDelta, Delta};
use postern_wire::dialect::StreamEncoder;
use postern_wire::{Fault, FaultKind};

use super::stream::{Step, StreamFacts};
use super::timer::Timer;
use super::toy;
use crate::host::Host;
use crate::time::Timestamp;

/// The models there are, and the pause before each word.
pub(super) const MODELS: [(&str, Duration); 2] =
    [("echo", Duration::ZERO), ("slow", Duration::from_millis(50))];

/// How fast the demo speaks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The pause before each word.
    pub(super) every: Duration,
    /// When it begins.
    pub(super) now: Timestamp,
    /// When the whole call must be over.
    pub(super) deadline: Timestamp,
}

/// An answer to be streamed.
pub(super) struct Echo<H: Host> {
    deltas: VecDeque<Delta>,
    encoder: Box<dyn StreamEncoder>,
    pace: Duration,
    due: Timestamp,
    deadline: Timestamp,
    timer: Timer<H>,
    ended: bool,
    pub(super) facts: StreamFacts,
}

impl<H: Host> Echo<H> {
    /// Streams `deltas` at a pace.
    pub(super) fn new(
        deltas: Vec<Delta>,
        encoder: Box<dyn StreamEncoder>,
        pace: Pace,
        facts: StreamFacts,
    ) -> Self {
        let Pace { every, now, deadline } = pace;
        let timer = Timer::new();
        Self { deltas: deltas.into(), encoder, pace: every, due: now, deadline, timer, ended: false, facts }
    }

    pub(super) fn poll_step(&mut self, host: &H, cx: &mut Context<'_>) -> Poll<Step> {
        if self.ended {
            return Poll::Ready(Step::End);
        }
        if !self.pace.is_zero() && host.now() >= self.deadline {
            let text = "the end of the answer did not come in time";
            return Poll::Ready(Step::Failed(Fault::new(FaultKind::Timeout, text)));
        }
        if !self.pace.is_zero() && self.timer.poll_due(host, self.due, cx).is_pending() {
            return Poll::Pending;
        }
        self.due = self.due.plus(self.pace);
        let mut out = BytesMut::new();
        // One delta a step when paced, else everything in one piece.
        while let Some(delta) = self.deltas.pop_front() {
            match &delta {
                Delta::Choice { delta: ChoiceDelta::Text(text), .. } => self.facts.said.push_str(text),
                Delta::Usage { usage, .. } => self.facts.usage = Some(*usage),
                _ => {}
            }
            self.encoder.delta(&delta, &mut out);
            if !self.pace.is_zero() && !out.is_empty() {
                break;
            }
        }
        if self.deltas.is_empty() {
            self.encoder.end(&mut out);
            self.ended = true;
        }
        Poll::Ready(Step::Forward(out.freeze()))
    }
}

impl<H: Host> Echo<H> {
    /// Writes the error event that ends a failed stream.
    pub(super) fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        self.encoder.fail(fault, out);
    }
}

/// The names of the models there are, those of other kinds of calls included.
pub(crate) fn models() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|(name, _)| *name).chain([toy::EMBED, toy::RERANK])
}
