//! The body of a reply. A stream of events never fails: it ends with an error event in the caller's format. Bytes that
//! have no place for such an event, sound or a file, break off, so that nobody takes a part for all.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use postern_wire::{Dialect, Fault};

use super::draft::Draft;
use super::stream::{Source, Step};
use crate::host::Host;
use crate::record::Outcome;
use crate::time::Timestamp;
use crate::upload::BrokenOff;

/// The body of a reply: whole, or a stream that is still coming in.
pub struct Body<H: Host>(Content<H>);

enum Content<H: Host> {
    Whole(Bytes),
    Stream(Box<Streaming<H>>),
    Done,
}

/// What a stream gives next.
enum Next {
    Bytes(Bytes),
    /// The last bytes, if there are any more.
    Last(Option<Bytes>),
    /// It failed, and has no place to say so.
    Broken,
}

/// A stream on its way to the caller, with the call's record.
pub(super) struct Streaming<H: Host> {
    pub(super) host: H,
    pub(super) dialect: Dialect,
    pub(super) source: Source<H>,
    /// Came before the first token and waits to be sent.
    pub(super) held: VecDeque<Bytes>,
    pub(super) draft: Draft<H>,
    /// Since when the upstream is waited for.
    pub(super) waiting: Option<Timestamp>,
    /// Whether the upstream's bytes go to the caller by the host's own means.
    pub(super) released: bool,
}

impl<H: Host> Body<H> {
    /// A body that is there.
    #[must_use]
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(Content::Whole(bytes.into()))
    }

    /// Lets a host pass a stream on by its own means, where the core has nothing to withhold or to change in it.
    ///
    /// `Some` means: the host sends the upstream's answer to the caller as it is, from its first byte, and lets this body
    /// read a copy. The body goes on watching over time, usage and failures, and settles the call as ever. What it
    /// gives from now on is only what must follow the upstream's bytes: an error event, if the stream has failed. Its
    /// end is the end of the reply.
    ///
    /// A host that cannot add anything to a stream that broke must not do this unasked: its callers would not be told.
    ///
    /// Must be called before the first frame is taken; later it is `None`. Only an answer to a request with
    /// [`MayFlow`](crate::MayFlow) can be released.
    pub fn release(&mut self) -> Option<&mut H::Body> {
        match &mut self.0 {
            Content::Stream(stream) => stream.release(),
            Content::Whole(_) | Content::Done => None,
        }
    }

    /// Ends a stream that the host cannot let go on, with the error event of the caller's format, which is given: nothing
    /// else comes. The call is settled as one whose stream failed. `None` where there is no stream, or no place for an
    /// error in it.
    pub fn interrupt(&mut self, fault: &Fault) -> Option<Bytes> {
        let event = match &mut self.0 {
            Content::Stream(stream) => stream.interrupt(fault),
            Content::Whole(_) | Content::Done => None,
        };
        self.0 = Content::Done;
        event
    }

    /// The format that a stream is told in; `None` where there is no stream.
    #[must_use]
    pub const fn dialect(&self) -> Option<Dialect> {
        match &self.0 {
            Content::Stream(stream) => Some(stream.dialect),
            Content::Whole(_) | Content::Done => None,
        }
    }

    pub(super) fn stream(streaming: Streaming<H>) -> Self {
        Self(Content::Stream(Box::new(streaming)))
    }
}

impl<H: Host> http_body::Body for Body<H>
where
    H::Body: Unpin,
{
    type Data = Bytes;
    /// The host must break the connection off, or whatever its platform has for that.
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let next = match &mut self.0 {
            Content::Stream(stream) => match stream.poll_bytes(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Next::Bytes(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Poll::Ready(Next::Last(bytes)) => bytes,
                Poll::Ready(Next::Broken) => {
                    self.0 = Content::Done;
                    return Poll::Ready(Some(Err(BrokenOff)));
                }
            },
            Content::Whole(bytes) => Some(std::mem::take(bytes)).filter(|b| !b.is_empty()),
            Content::Done => None,
        };
        self.0 = Content::Done;
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Stream(_) => false,
            Content::Done => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Stream(_) => SizeHint::default(),
            Content::Done => SizeHint::with_exact(0),
        }
    }
}

impl<H: Host> Streaming<H> {
    fn release(&mut self) -> Option<&mut H::Body> {
        // What was held back is there as long as nothing was given.
        if self.held.is_empty() {
            return None;
        }
        // Its caller may have it before this is asked again.
        self.note_progress();
        let upstream = self.source.release()?;
        self.held.clear();
        self.released = true;
        Some(upstream)
    }

    /// The next bytes for the caller.
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        loop {
            match self.poll_next(cx) {
                // The caller gets it from elsewhere.
                Poll::Ready(Next::Bytes(_)) if self.released => {}
                next => return next,
            }
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if let Some(bytes) = self.held.pop_front() {
            return Poll::Ready(Next::Bytes(bytes));
        }
        let begun = self.host.now();
        if let Some(since) = self.waiting.take() {
            self.draft.record().upstream_us += begun.since(since).as_micros() as u64;
        }
        let step = self.source.poll_step(&self.host, cx);
        self.note_progress();
        let next = match step {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Step::Forward(bytes)) => {
                self.draft.response_body(&bytes);
                Poll::Ready(Next::Bytes(bytes))
            }
            Poll::Ready(Step::End) => {
                self.close(Outcome::Ok);
                return Poll::Ready(Next::Last(None));
            }
            Poll::Ready(Step::Failed(fault)) => {
                let event = self.fail(&fault);
                return Poll::Ready(event.map_or(Next::Broken, |event| Next::Last(Some(event))));
            }
        };
        let ended = self.host.now();
        self.draft.record().gateway_us += ended.since(begun).as_micros() as u64;
        if next.is_pending() {
            self.waiting = Some(ended);
        }
        next
    }

    /// Brings what the source has seen into the record, so that it is there whenever the caller leaves.
    fn note_progress(&mut self) {
        let facts = self.source.facts();
        if !facts.said.is_empty() || facts.beyond_text {
            self.draft.said(&facts.said, facts.beyond_text);
            facts.said.clear();
        }
        if let Some(model) = facts.model.take() {
            self.draft.record().response_model = model;
        }
        if let Some(usage) = facts.usage.take() {
            self.draft.provider_usage(usage);
        }
    }

    /// Closes the stream with an error event, if it has a place for one.
    fn fail(&mut self, fault: &Fault) -> Option<Bytes> {
        let record = self.draft.record();
        let told = Fault {
            message: format!(
                "{}/{} failed after the answer had begun: {}",
                record.provider, record.upstream_model, fault.message
            ),
            ..fault.clone()
        };
        let breaks = self.source.breaks();
        let mut out = BytesMut::new();
        if self.released {
            // The host may have passed on half an event: the error must not become a part of it.
            out.extend_from_slice(b"\n\n");
        }
        self.source.fail(&told, &mut out);
        self.draft.attempt_failed(fault);
        self.close(Outcome::StreamFailed);
        (!breaks).then(|| out.freeze())
    }

    /// The provider has no part in it.
    fn interrupt(&mut self, fault: &Fault) -> Option<Bytes> {
        let breaks = self.source.breaks();
        let mut out = BytesMut::new();
        self.source.fail(fault, &mut out);
        self.close(Outcome::StreamFailed);
        (!breaks).then(|| out.freeze())
    }

    fn close(&mut self, outcome: Outcome) {
        let facts = self.source.facts();
        self.draft.record().finish_reasons = std::mem::take(&mut facts.finish_reasons);
        self.draft.count_missing_usage();
        let _sent_to_settle = self.draft.finish(outcome);
    }
}

impl<H: Host> Drop for Streaming<H> {
    /// The caller has closed the stream. One that closes it at the end mark, as SDKs do, has had the whole answer.
    fn drop(&mut self) {
        if self.draft.is_open() && !std::thread::panicking() {
            let whole = self.held.is_empty() && self.source.facts().done;
            self.close(if whole { Outcome::Ok } else { Outcome::ClientClosed });
        }
    }
}
