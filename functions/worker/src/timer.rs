//! Timers. A call has one timer of the platform, whatever it waits for: most of its waits are over before, and a timer set
//! and cleared costs more than the wait's bookkeeping here. It is left to fire for a wait that is over, and set anew then
//! for those that are not.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wasm_bindgen::prelude::*;

use crate::edge;

struct Timers {
    /// The timers of the platform that are set, each with the call that it is for.
    set: HashMap<u32, Weak<RefCell<Waits>>>,
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
        Self { set: HashMap::new(), next: u32::from_le_bytes(start), _fire: fire }
    }
}

fn fire(number: u32) {
    let call = TIMERS.with_borrow_mut(|timers| timers.set.remove(&number));
    let Some(call) = call.and_then(|call| call.upgrade()) else { return };
    let due = call.borrow_mut().take_due();
    set(&call);
    for waker in due {
        waker.wake();
    }
}

/// Sets a timer for the wait that ends first, unless one is set that fires before.
fn set(call: &Rc<RefCell<Waits>>) {
    let mut waits = call.borrow_mut();
    let Some(first) = waits.open.iter().map(|wait| wait.until).reduce(f64::min) else { return };
    if waits.timer.as_ref().is_some_and(|timer| timer.at <= first) {
        return;
    }
    waits.clear();
    let number = TIMERS.with_borrow_mut(|timers| {
        let number = timers.next;
        timers.next = number.wrapping_add(1);
        timers.set.insert(number, Rc::downgrade(call));
        number
    });
    // A timer must not fire early, and takes whole milliseconds only.
    let handle = edge::set_timer((first - now()).ceil().max(0.0), number);
    waits.timer = Some(Timer { at: first, number, handle });
}

/// Milliseconds.
fn now() -> f64 {
    js_sys::Date::now()
}

/// What a call waits for.
#[derive(Default)]
struct Waits {
    open: Vec<Wait>,
    next: u32,
    timer: Option<Timer>,
}

struct Wait {
    number: u32,
    until: f64,
    waker: Waker,
}

struct Timer {
    at: f64,
    number: u32,
    handle: JsValue,
}

impl Waits {
    /// The timer has fired: takes out what waits no longer.
    fn take_due(&mut self) -> Vec<Waker> {
        self.timer = None;
        let now = now();
        let (due, open) = std::mem::take(&mut self.open).into_iter().partition(|wait| wait.until <= now);
        self.open = open;
        due.into_iter().map(|wait: Wait| wait.waker).collect()
    }

    fn clear(&mut self) {
        if let Some(timer) = self.timer.take() {
            TIMERS.with_borrow_mut(|timers| timers.set.remove(&timer.number));
            edge::clear_timer(&timer.handle);
        }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The clock of one call.
#[derive(Clone, Default)]
pub(crate) struct Clock(Rc<RefCell<Waits>>);

impl Clock {
    /// A wait of this length, from when it is first polled.
    pub(crate) fn sleep(&self, time: Duration) -> Sleep {
        Sleep { call: Rc::clone(&self.0), time, number: None }
    }
}

/// A wait.
pub(crate) struct Sleep {
    call: Rc<RefCell<Waits>>,
    time: Duration,
    /// Of the wait, once it has begun.
    number: Option<u32>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(number) = self.number else {
            let until = now() + self.time.as_secs_f64() * 1000.0;
            let number = {
                let mut waits = self.call.borrow_mut();
                let number = waits.next;
                waits.next = number.wrapping_add(1);
                waits.open.push(Wait { number, until, waker: cx.waker().clone() });
                number
            };
            self.number = Some(number);
            set(&self.call);
            return Poll::Pending;
        };
        match self.call.borrow_mut().open.iter_mut().find(|wait| wait.number == number) {
            Some(wait) => {
                wait.waker.clone_from(cx.waker());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.call.borrow_mut().open.retain(|wait| wait.number != number);
        }
    }
}
