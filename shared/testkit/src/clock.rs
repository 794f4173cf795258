//! A clock that stands still until it is told to move.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use postern_gateway::Timestamp;

/// The time at which every fake host starts: 2026-01-02T03:04:05Z.
const START: Timestamp = Timestamp(1_767_323_045_000_000);

/// Virtual time, and the timers that wait for it. Clones share it.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Timestamp,
    last_timer: u64,
    /// By due time, then in the order in which they were set.
    timers: BTreeMap<(Timestamp, u64), Waker>,
}

impl Default for Clock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State { now: START, last_timer: 0, timers: BTreeMap::new() })))
    }
}

impl Clock {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.state().now
    }

    /// Moves time on; timers that become due wake whoever waits for them.
    pub fn advance(&self, time: Duration) {
        let to = self.now().plus(time);
        self.advance_to(to);
    }

    /// Moves time on to the timer that is due next. `false` if nobody waits for one.
    pub fn advance_to_next(&self) -> bool {
        let next = self.state().timers.keys().next().map(|(due, _)| *due);
        if let Some(due) = next {
            let now = self.now();
            self.advance_to(due.max(now));
        }
        next.is_some()
    }

    fn advance_to(&self, to: Timestamp) {
        let mut state = self.state();
        state.now = to;
        let later = state.timers.split_off(&(Timestamp(to.0.saturating_add(1)), 0));
        let due = std::mem::replace(&mut state.timers, later);
        drop(state);
        due.into_values().for_each(Waker::wake);
    }

    /// A timer that is ready after `time`.
    #[must_use]
    pub fn sleep(&self, time: Duration) -> Sleep {
        let mut state = self.state();
        state.last_timer += 1;
        let key = (state.now.plus(time), state.last_timer);
        drop(state);
        Sleep { clock: self.clone(), key }
    }
}

/// A timer on a [`Clock`].
#[derive(Debug)]
pub struct Sleep {
    clock: Clock,
    key: (Timestamp, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state();
        if state.now >= self.key.0 {
            state.timers.remove(&self.key);
            return Poll::Ready(());
        }
        state.timers.insert(self.key, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.state().timers.remove(&self.key);
    }
}
