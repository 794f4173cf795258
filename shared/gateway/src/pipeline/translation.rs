//! An upstream's stream in another format than the caller's: read, and told again piece by piece.
//!
//! Nothing is collected: each piece is written as soon as it is read, and no more is read than the caller takes.

use std::task::{Context, Poll};

use bytes::BytesMut;
use postern_wire::dialect::openai_chat::EventFacts;
use postern_wire::dialect::{StreamDecoder, StreamEncoder};
use postern_wire::{Fault, FaultKind};

use super::intake::{Intake, Piece};
use super::reading::{Reading, Span, Translator};
use super::stream::{BURST, Step, StreamFacts, empty};
use crate::config::Timeouts;
use crate::host::Host;

/// The stream being told.
pub(super) struct Translation<H: Host> {
    intake: Intake<H>,
    decoder: Box<dyn StreamDecoder>,
    encoder: Box<dyn StreamEncoder>,
    /// Whether what only the provider's format knows must be left out.
    foreign: bool,
    /// Whether signatures of tool calls go into the calls' ids.
    seals: bool,
    /// Whether the end was written.
    ended: bool,
    /// Met behind bytes that had to be passed on first: the next step.
    next: Option<Step>,
    pub(super) facts: StreamFacts,
}

impl<H: Host> Translation<H> {
    /// Reads the answer of an attempt and tells it by `translator`.
    pub(super) fn new(
        upstream: H::Body,
        timeouts: Timeouts,
        how: &Reading,
        span: Span,
        translator: Translator,
    ) -> Self {
        Self {
            intake: Intake::new(upstream, timeouts, span),
            decoder: how.dialect.stream_decoder(),
            foreign: translator.foreign,
            seals: translator.seals(),
            encoder: translator.stream_encoder(),
            ended: false,
            next: None,
            facts: StreamFacts::default(),
        }
    }

    /// The next step. After `End` or `Failed` it must not be called again.
    pub(super) fn poll_step(&mut self, host: &H, cx: &mut Context<'_>) -> Poll<Step> {
        if let Some(step) = self.next.take() {
            return Poll::Ready(step);
        }
        let mut out = BytesMut::new();
        loop {
            if let Err(fault) = self.tell(BURST, &mut out) {
                return Poll::Ready(self.after(out, Step::Failed(fault)));
            }
            if let Some(fault) = self.intake.overdue(&self.facts) {
                return Poll::Ready(self.after(out, Step::Failed(fault)));
            }
            if out.len() >= BURST {
                return Poll::Ready(Step::Forward(out.freeze()));
            }
            if self.intake.is_closed() {
                let last = self.close(&mut out);
                return Poll::Ready(self.after(out, last));
            }
            match self.intake.poll_piece(host, cx) {
                Poll::Ready(Piece::Chunk(chunk)) => self.decoder.push(chunk),
                Poll::Ready(Piece::Closed) => {}
                // After the end mark, a broken connection changes nothing.
                Poll::Ready(Piece::Broken) if self.ended => {
                    return Poll::Ready(self.after(out, Step::End));
                }
                Poll::Ready(Piece::Broken) => {
                    let fault = Fault::new(FaultKind::Cut, "the connection broke off");
                    return Poll::Ready(self.after(out, Step::Failed(fault)));
                }
                Poll::Pending if out.is_empty() => return self.intake.poll_late(host, &self.facts, cx),
                Poll::Pending => return Poll::Ready(Step::Forward(out.freeze())),
            }
        }
    }

    /// Puts a step back that was taken too early.
    pub(super) fn put_back(&mut self, step: Step) {
        self.next = Some(step);
    }

    /// Writes the error event of the caller's format.
    pub(super) fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        if self.foreign {
            // A vendor's word for the type means nothing in another format: its own goes by the class.
            let fault = Fault { error_type: None, ..fault.clone() };
            self.encoder.fail(&fault, out);
        } else {
            self.encoder.fail(fault, out);
        }
    }

    /// Tells what has been read, up to about `limit` bytes.
    fn tell(&mut self, limit: usize, out: &mut BytesMut) -> Result<(), Fault> {
        while out.len() < limit && !self.ended {
            let Some(delta) = self.decoder.next().map_err(Fault::from)? else {
                if !self.decoder.is_done() {
                    return Ok(());
                }
                return self.end(out);
            };
            let mut facts = EventFacts::none();
            facts.note(&delta);
            self.facts.add(facts, usize::MAX);
            let delta = if self.foreign { delta.without_extra() } else { Some(delta) };
            if let Some(mut delta) = delta {
                if self.seals {
                    delta.seal_signature();
                }
                self.encoder.delta(&delta, out);
            }
        }
        Ok(())
    }

    /// Everything was said.
    fn end(&mut self, out: &mut BytesMut) -> Result<(), Fault> {
        // An end mark with nothing before it is an empty answer, not a complete one.
        if self.facts.is_empty() {
            return Err(empty());
        }
        self.encoder.end(out);
        self.ended = true;
        self.facts.done = true;
        Ok(())
    }

    /// The upstream has closed the stream.
    fn close(&mut self, out: &mut BytesMut) -> Step {
        if self.ended {
            return Step::End;
        }
        let complete = self.decoder.end();
        // What a last event without its blank line said can be taken only now.
        let told = self.tell(usize::MAX, out).and_then(|()| match complete {
            Ok(()) if self.ended => Ok(()),
            Ok(()) => self.end(out),
            Err(_) if self.facts.is_empty() => Err(empty()),
            Err(error) => Err(error.into()),
        });
        match told {
            Ok(()) => Step::End,
            Err(fault) => Step::Failed(fault),
        }
    }

    /// A step that comes once what is to be passed on has been.
    fn after(&mut self, out: BytesMut, step: Step) -> Step {
        if out.is_empty() {
            return step;
        }
        self.next = Some(step);
        Step::Forward(out.freeze())
    }
}
