//! The body of a request to an upstream: whole, or a stream that is still coming in from the caller.
//!
//! A streamed body crosses from the call to the host's client through a channel that holds one piece, so no host needs
//! to know what kind of body its callers send, and a slow upstream slows its caller down. An end must be said: a call
//! that is dropped in the middle leaves a body that is broken, never one that only looks complete.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_channel::mpsc;
use futures_core::Stream;

/// The body of a request to an upstream.
#[derive(Debug)]
pub enum Outgoing {
    /// All of it.
    Whole(Bytes),
    /// Comes in while it is sent.
    Stream(Upload),
}

impl From<Bytes> for Outgoing {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

impl From<Upload> for Outgoing {
    fn from(upload: Upload) -> Self {
        Self::Stream(upload)
    }
}

/// A body was not sent to its end: its caller left, or what came is not to be sent. The request must be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request's body broke off")]
pub struct BrokenOff;

/// A body that comes in piece by piece. After an error nothing follows.
#[derive(Debug)]
pub struct Upload {
    /// `None` says that the body is complete.
    pieces: mpsc::Receiver<Option<Bytes>>,
    length: Option<u64>,
    done: bool,
}

impl Upload {
    /// A body, and where its pieces are put in. `length` is that of all of it in bytes, if it is known.
    #[must_use]
    pub fn new(length: Option<u64>) -> (Feed, Self) {
        // Each sender has a place of its own beside the buffer: one piece waits.
        let (sender, pieces) = mpsc::channel(0);
        (Feed(sender), Self { pieces, length, done: false })
    }

    /// The length of the whole body in bytes, if it is known.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        self.length
    }
}

impl Stream for Upload {
    type Item = Result<Bytes, BrokenOff>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.done {
            return Poll::Ready(None);
        }
        match ready!(Pin::new(&mut self.pieces).poll_next(cx)) {
            Some(Some(piece)) => Poll::Ready(Some(Ok(piece))),
            Some(None) => {
                self.done = true;
                Poll::Ready(None)
            }
            None => {
                self.done = true;
                Poll::Ready(Some(Err(BrokenOff)))
            }
        }
    }
}

/// Where the pieces of an [`Upload`] are put in. Dropped without [`Feed::end`] it breaks the body off.
#[derive(Debug)]
pub struct Feed(mpsc::Sender<Option<Bytes>>);

/// Nobody reads the body any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread;

impl Feed {
    /// Ready when another piece can be taken.
    ///
    /// # Errors
    /// When nobody reads the body any more.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Unread>> {
        self.0.poll_ready(cx).map_err(|_| Unread)
    }

    /// Adds a piece. Only after [`Feed::poll_ready`].
    ///
    /// # Errors
    /// When nobody reads the body any more.
    pub fn push(&mut self, piece: Bytes) -> Result<(), Unread> {
        self.0.start_send(Some(piece)).map_err(|_| Unread)
    }

    /// Says that the body is complete. Only after [`Feed::poll_ready`].
    ///
    /// # Errors
    /// When nobody reads the body any more.
    pub fn end(mut self) -> Result<(), Unread> {
        self.0.start_send(None).map_err(|_| Unread)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn poll(upload: &mut Upload) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        Pin::new(upload).poll_next(&mut Context::from_waker(Waker::noop()))
    }

    fn is_ready(feed: &mut Feed) -> bool {
        feed.poll_ready(&mut Context::from_waker(Waker::noop())) == Poll::Ready(Ok(()))
    }

    #[test]
    fn one_piece_waits_and_the_end_is_said() {
        let (mut feed, mut upload) = Upload::new(Some(3));
        assert_eq!(upload.length(), Some(3));
        assert!(is_ready(&mut feed));
        feed.push(Bytes::from_static(b"abc")).unwrap();
        assert!(!is_ready(&mut feed), "the first was not taken yet");
        assert_eq!(poll(&mut upload), Poll::Ready(Some(Ok(Bytes::from_static(b"abc")))));
        assert_eq!(poll(&mut upload), Poll::Pending);
        assert!(is_ready(&mut feed));
        feed.end().unwrap();
        assert_eq!(poll(&mut upload), Poll::Ready(None));
        assert_eq!(poll(&mut upload), Poll::Ready(None));
    }

    #[test]
    fn what_is_dropped_in_the_middle_is_broken_and_not_complete() {
        let (mut feed, mut upload) = Upload::new(None);
        assert!(is_ready(&mut feed));
        feed.push(Bytes::from_static(b"half")).unwrap();
        drop(feed);
        assert_eq!(poll(&mut upload), Poll::Ready(Some(Ok(Bytes::from_static(b"half")))));
        assert_eq!(poll(&mut upload), Poll::Ready(Some(Err(BrokenOff))));
        assert_eq!(poll(&mut upload), Poll::Ready(None));
    }

    #[test]
    fn a_body_that_nobody_reads_takes_nothing() {
        let (mut feed, upload) = Upload::new(None);
        drop(upload);
        assert_eq!(feed.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(Err(Unread)));
        assert_eq!(feed.push(Bytes::new()), Err(Unread));
    }
}
