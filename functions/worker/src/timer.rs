//! Timers. One callback serves all of them, and a timer is set when it is first waited for: most are dropped before.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wasm_bindgen::prelude::*;

use crate::edge;

struct Timers {
    /// Who waits for which timer.
    waiting: HashMap<u32, Option<Waker>>,
    next: u32,
    /// Kept for as long as this instance lives.
    _fire: Closure<dyn Fn(u32)>,
}

thread_local! {
    static TIMERS: RefCell<Timers> = RefCell::new(Timers::new());
}

impl Timers {
    fn new() -> Self {
        let fire = Closure::new(fire);
        edge::on_timer(&fire);
        // Timers of an instance that was given up may still fire; their numbers must not be in use here.
        let mut start = [0; 4];
        crate::random::fill(&mut start);
        Self { waiting: HashMap::new(), next: u32::from_le_bytes(start), _fire: fire }
    }
}

fn fire(number: u32) {
    let waker = TIMERS.with_borrow_mut(|timers| timers.waiting.get_mut(&number).and_then(Option::take));
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// A timer.
pub(crate) struct Sleep {
    time: Duration,
    set: Option<Set>,
}

struct Set {
    number: u32,
    handle: JsValue,
}

impl Sleep {
    pub(crate) const fn new(time: Duration) -> Self {
        Self { time, set: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &self.set {
            None => {
                let number = TIMERS.with_borrow_mut(|timers| {
                    let number = timers.next;
                    timers.next = number.wrapping_add(1);
                    timers.waiting.insert(number, Some(cx.waker().clone()));
                    number
                });
                // A timer must not fire early, and takes whole milliseconds only.
                let milliseconds = (self.time.as_secs_f64() * 1000.0).ceil();
                self.set = Some(Set { number, handle: edge::set_timer(milliseconds, number) });
                Poll::Pending
            }
            Some(set) => TIMERS.with_borrow_mut(|timers| match timers.waiting.get_mut(&set.number) {
                Some(Some(waker)) => {
                    waker.clone_from(cx.waker());
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            }),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let Some(set) = self.set.take() else { return };
        let waiting = TIMERS.with_borrow_mut(|timers| timers.waiting.remove(&set.number));
        if let Some(Some(_)) = waiting {
            edge::clear_timer(&set.handle);
        }
    }
}
