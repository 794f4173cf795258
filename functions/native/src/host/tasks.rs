//! Counts what is under way, so that shutting down can wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Things under way.
#[derive(Clone, Default)]
pub(crate) struct Tasks(Arc<Count>);

#[derive(Default)]
struct Count {
    open: AtomicUsize,
    none: Notify,
}

/// One thing under way, until it is dropped.
pub(crate) struct Task(Arc<Count>);

impl Tasks {
    /// Begins one.
    pub(crate) fn begin(&self) -> Task {
        self.0.open.fetch_add(1, Ordering::AcqRel);
        Task(Arc::clone(&self.0))
    }

    /// How many there are.
    pub(crate) fn open(&self) -> usize {
        self.0.open.load(Ordering::Acquire)
    }

    /// Ready when there are none.
    pub(crate) async fn none_left(&self) {
        loop {
            let mut none = std::pin::pin!(self.0.none.notified());
            // From here on a wake-up is not missed.
            none.as_mut().enable();
            if self.open() == 0 {
                return;
            }
            none.await;
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_until_none_is_left() {
        let tasks = Tasks::default();
        tasks.none_left().await;
        let (one, two) = (tasks.begin(), tasks.begin());
        let waiting = tokio::spawn({
            let tasks = tasks.clone();
            async move { tasks.none_left().await }
        });
        drop(one);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(two);
        waiting.await.unwrap();
    }
}
