//! A deadline that moves, on a timer that is not set anew each time it moves.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::host::Host;
use crate::time::Timestamp;

/// At most one pending host timer.
pub(super) struct Timer<H: Host> {
    armed: Option<(Timestamp, H::Sleep)>,
}

impl<H: Host> Timer<H> {
    pub(super) const fn new() -> Self {
        Self { armed: None }
    }

    /// Ready once it is `due`. `due` may differ from call to call: a timer that was set for an earlier time is left
    /// to fire and is then set again, which costs nothing for each chunk of a stream.
    pub(super) fn poll_due(&mut self, host: &H, due: Timestamp, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some((at, sleep)) = &mut self.armed
                && *at <= due
            {
                if Pin::new(sleep).poll(cx).is_pending() {
                    return Poll::Pending;
                }
                self.armed = None;
                // The clock of the timer and the wall clock may differ by a little.
                if host.now().0.saturating_add(1000) >= due.0 {
                    return Poll::Ready(());
                }
            } else {
                let now = host.now();
                if now >= due {
                    return Poll::Ready(());
                }
                self.armed = Some((due, host.sleep(due.since(now))));
            }
        }
    }
}
