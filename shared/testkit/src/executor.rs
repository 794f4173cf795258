//! Runs a future to its end in virtual time.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::clock::Clock;

/// Timers that one run may wait for; more means that something waits in circles.
const MOST_TIMERS: u32 = 1_000_000;

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs `future` on this thread. Whenever nothing can go on, time moves to the next timer.
///
/// # Panics
/// When nothing can go on and no timer is set: then the future would wait for ever.
pub fn run<F: Future>(clock: &Clock, future: F) -> F::Output {
    let woken = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    for _ in 0..MOST_TIMERS {
        while woken.0.swap(false, Ordering::SeqCst) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
        }
        assert!(
            clock.advance_to_next(),
            "deadlock: the future waits, nothing has woken it and no timer is set (virtual time {:?})",
            clock.now()
        );
    }
    panic!("the future has waited for {MOST_TIMERS} timers and is not done (virtual time {:?})", clock.now());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_hour_passes_at_once_and_timers_fire_in_order() {
        let clock = Clock::default();
        let begun = clock.now();
        let order = run(&clock, async {
            let late = clock.sleep(Duration::from_secs(3600));
            let early = clock.sleep(Duration::from_secs(1));
            early.await;
            let first = clock.now().since(begun);
            late.await;
            (first, clock.now().since(begun))
        });
        assert_eq!(order, (Duration::from_secs(1), Duration::from_secs(3600)));
    }

    #[test]
    fn a_dropped_timer_is_forgotten() {
        let clock = Clock::default();
        let begun = clock.now();
        run(&clock, async {
            let mut never = Box::pin(clock.sleep(Duration::from_secs(60)));
            std::future::poll_fn(|cx| {
                assert!(never.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            drop(never);
            clock.sleep(Duration::from_secs(5)).await;
        });
        assert_eq!(clock.now().since(begun), Duration::from_secs(5));
        assert!(!clock.advance_to_next());
    }

    #[test]
    #[should_panic(expected = "deadlock")]
    fn waiting_for_nothing_is_said_loudly() {
        run(&Clock::default(), std::future::pending::<()>());
    }
}
