//! What remains when a reply has been sent: the record is written.

use futures_channel::oneshot;

use crate::host::{Host, Journal};
use crate::record::Record;

/// What is left to do after a reply. Plain data: the entry point decides where and when [`settle`] runs on it.
pub struct After(Left);

enum Left {
    Nothing,
    Record(Box<Record>),
    /// The record comes when the body is done or dropped.
    Body(oneshot::Receiver<Box<Record>>),
}

impl After {
    pub(crate) const fn nothing() -> Self {
        Self(Left::Nothing)
    }

    pub(super) fn ready(record: Record) -> Self {
        Self(Left::Record(Box::new(record)))
    }

    pub(super) const fn pending(receiver: oneshot::Receiver<Box<Record>>) -> Self {
        Self(Left::Body(receiver))
    }

    /// Whether there is nothing to settle at all.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        matches!(self.0, Left::Nothing)
    }

    /// Whether [`settle`] has to wait for the body to end.
    #[must_use]
    pub const fn waits_for_body(&self) -> bool {
        matches!(self.0, Left::Body(_))
    }
}

/// Writes the call's record. Waits for the reply's body to be sent or dropped, where the reply is a stream.
pub async fn settle<H: Host>(host: &H, after: After) {
    let record = match after.0 {
        Left::Nothing => return,
        Left::Record(record) => record,
        Left::Body(receiver) => match receiver.await {
            Ok(record) => record,
            // The body gives its record when it is dropped, so this means that it never lived.
            Err(oneshot::Canceled) => return,
        },
    };
    let id = record.id.clone();
    if let Err(error) = host.journal().append(*record).await {
        tracing::error!(request_id = id, error = %error, "the record of a call could not be written");
    }
}
