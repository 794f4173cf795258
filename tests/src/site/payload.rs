//! A caller's request body.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Bytes to send, at once with their length declared, or piece by piece without.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    left: Bytes,
    piece: Option<usize>,
}

impl Payload {
    /// All at once.
    #[must_use]
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { left: bytes.into(), piece: None }
    }

    /// In pieces of this many bytes.
    #[must_use]
    pub fn in_pieces(bytes: impl Into<Bytes>, piece: usize) -> Self {
        Self { left: bytes.into(), piece: Some(piece.max(1)) }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let size = self.piece.unwrap_or(usize::MAX).min(self.left.len());
        let piece = self.left.split_to(size);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.piece {
            None => SizeHint::with_exact(self.left.len() as u64),
            Some(_) => SizeHint::default(),
        }
    }
}
