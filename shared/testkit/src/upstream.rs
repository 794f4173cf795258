//! Plays a script in virtual time.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
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
        Outgoing::Stream(upload) => match read(script, upload).await {
            Ok(body) => body,
            Err(so_far) => {
                script.receive_half(&parts, so_far);
                return Err(FetchError::Broken("the request broke off".to_owned()));
            }
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

/// Reads a body to its end, or gives what there was of it when it broke off.
async fn read(script: &Script, mut upload: Upload) -> Result<Bytes, Bytes> {
    let mut body = BytesMut::new();
    while let Some(piece) = poll_fn(|cx| Pin::new(&mut upload).poll_next(cx)).await {
        match piece {
            Ok(piece) => body.extend_from_slice(&piece),
            Err(_) => return Err(body.freeze()),
        }
        script.coming(body.len());
    }
    Ok(body.freeze())
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
