//! An upstream's stream as it comes in, within its time limits.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use postern_wire::{Fault, FaultKind};

use super::reading::Span;
use super::stream::{Step, StreamFacts};
use super::timer::Timer;
use crate::config::Timeouts;
use crate::host::Host;
use crate::time::Timestamp;

/// How long a finished stream may take to close its connection, which then can be used again.
const CLOSING: Duration = Duration::from_millis(200);

/// What came in.
pub(super) enum Piece {
    Chunk(Bytes),
    /// The upstream has ended the stream.
    Closed,
    /// The connection broke.
    Broken,
}

/// The body of an answer, and the clocks that run while it is read.
pub(super) struct Intake<H: Host> {
    upstream: H::Body,
    timeouts: Timeouts,
    timer: Timer<H>,
    /// When the attempt began.
    begun: Timestamp,
    /// When the whole call must be over.
    deadline: Timestamp,
    /// When the upstream last gave bytes.
    active: Timestamp,
    closed: bool,
}

impl<H: Host> Intake<H> {
    pub(super) fn new(upstream: H::Body, timeouts: Timeouts, span: Span) -> Self {
        Self {
            upstream,
            timeouts,
            timer: Timer::new(),
            begun: span.begun,
            deadline: span.deadline,
            active: span.begun,
            closed: false,
        }
    }

    /// What is there; pending says that nothing is, and the clock is then to be looked at.
    pub(super) fn poll_piece(&mut self, host: &H, cx: &mut Context<'_>) -> Poll<Piece> {
        Pin::new(&mut self.upstream).poll_next(cx).map(|next| match next {
            Some(Ok(chunk)) => {
                self.active = host.now();
                Piece::Chunk(chunk)
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "a stream broke off");
                Piece::Broken
            }
            None => {
                self.closed = true;
                Piece::Closed
            }
        })
    }

    /// Whether the upstream has ended the stream.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// The upstream itself.
    pub(super) const fn upstream(&mut self) -> &mut H::Body {
        &mut self.upstream
    }

    /// The failure of a stream that runs beyond the time of the whole call, also while data flows without a pause.
    pub(super) fn overdue(&self, facts: &StreamFacts) -> Option<Fault> {
        (self.active >= self.deadline && !facts.done).then(|| too_late("end of the answer"))
    }

    /// Waits for the time at which a silent stream has failed, or a finished one is closed.
    pub(super) fn poll_late(&mut self, host: &H, facts: &StreamFacts, cx: &mut Context<'_>) -> Poll<Step> {
        let (due, what) = if facts.done {
            (self.active.plus(CLOSING), "close")
        } else if facts.begun {
            (self.active.plus(self.timeouts.idle), "next token")
        } else {
            (self.begun.plus(self.timeouts.first_token), "first token")
        };
        if self.timer.poll_due(host, due.min(self.deadline), cx).is_pending() {
            return Poll::Pending;
        }
        if facts.done {
            return Poll::Ready(Step::End);
        }
        let what = if host.now() >= self.deadline { "end of the answer" } else { what };
        Poll::Ready(Step::Failed(too_late(what)))
    }
}

fn too_late(what: &str) -> Fault {
    Fault::new(FaultKind::Timeout, format!("the {what} did not come in time"))
}
