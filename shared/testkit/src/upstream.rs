//! Plays a script in virtual time.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http::request::Parts;
use postern_gateway::{FetchError, Outgoing, Upload};

use crate::clock::{Clock, Sleep};
use crate::script::{Chunk, Conduct, End, Fate, Script};

/// Notes that an answer was given, or, when it is dropped before, that the gateway left.
#[derive(Debug)]
struct Watch {
    script: Script,
    number: usize,
}

impl Watch {
    fn given(&self) {
        self.script.ended(self.number, Fate::Given);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.script.ended(self.number, Fate::Cancelled);
    }
}

/// The body of a scripted answer.
#[derive(Debug)]
pub struct FakeBody {
    clock: Clock,
    chunks: VecDeque<Chunk>,
    end: End,
    /// Until the first of `chunks`.
    pause: Option<Sleep>,
    watch: Watch,
}

/// Answers a request as the script says.
pub(crate) async fn fetch(
    script: &Script,
    clock: &Clock,
    request: http::Request<Outgoing>,
    connect: Duration,
) -> Result<http::Response<FakeBody>, FetchError> {
    let (parts, body) = request.into_parts();
    let body = match body {
        Outgoing::Whole(body) => body,
        // A script may refuse before it has read anything, as servers do with what they know to be too large.
        Outgoing::Stream(_) if script.next_is_early() => Bytes::new(),
        Outgoing::Stream(upload) => match read(script, &parts, upload).await {
            Some(body) => body,
            None => return Err(FetchError::Broken("the request broke off".to_owned())),
        },
    };
    let (number, conduct) = script.receive(&parts, &body);
    let watch = Watch { script: script.clone(), number };
    let reply = match conduct {
        Conduct::Answer(reply) => reply,
        Conduct::RefuseConnection => {
            watch.given();
            return Err(FetchError::Connect("connection refused".to_owned()));
        }
        Conduct::NeverConnect => {
            clock.sleep(connect).await;
            watch.given();
            return Err(FetchError::ConnectTimeout);
        }
        Conduct::BreakBeforeHead(after) => {
            clock.sleep(after).await;
            watch.given();
            return Err(FetchError::Broken("connection reset".to_owned()));
        }
        Conduct::NeverAnswer => std::future::pending().await,
    };
    if !reply.delay.is_zero() {
        clock.sleep(reply.delay).await;
    }
    let body =
        FakeBody { clock: clock.clone(), chunks: reply.chunks.into(), end: reply.end, pause: None, watch };
    let mut response = http::Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    Ok(response.body(body).expect("the status and headers of a script are valid"))
}

/// A body that comes in. When it is dropped before its end, the upstream has seen half of it.
struct Coming<'s> {
    script: &'s Script,
    parts: &'s Parts,
    body: BytesMut,
    complete: bool,
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        if !self.complete {
            self.script.receive_half(self.parts, std::mem::take(&mut self.body).freeze());
        }
    }
}

/// Reads a body to its end; `None` when it broke off.
async fn read(script: &Script, parts: &Parts, mut upload: Upload) -> Option<Bytes> {
    let mut coming = Coming { script, parts, body: BytesMut::new(), complete: false };
    while let Some(piece) = poll_fn(|cx| Pin::new(&mut upload).poll_next(cx)).await {
        coming.body.extend_from_slice(&piece.ok()?);
        script.coming(coming.body.len());
    }
    coming.complete = true;
    Some(std::mem::take(&mut coming.body).freeze())
}

impl Stream for FakeBody {
    type Item = Result<Bytes, FetchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(next) = this.chunks.front() else {
            return match this.end {
                End::Complete => {
                    this.watch.given();
                    Poll::Ready(None)
                }
                End::Break => {
                    this.watch.given();
                    Poll::Ready(Some(Err(FetchError::Broken("connection reset".to_owned()))))
                }
                End::Stall => Poll::Pending,
            };
        };
        if !next.after.is_zero() {
            let pause = this.pause.get_or_insert_with(|| this.clock.sleep(next.after));
            if Pin::new(pause).poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.pause = None;
        }
        Poll::Ready(this.chunks.pop_front().map(|chunk| Ok(chunk.bytes)))
    }
}
