//! What tests of the core stand on: a [`FakeHost`] with a virtual clock, a scripted upstream, and the contracts that
//! every store and journal keeps.
//!
//! Nothing here sleeps, opens a socket or looks at a real clock, so a test of a ten-minute timeout takes no time. It
//! panics where a test has failed, and must never be a dependency of anything but tests.

#![allow(async_fn_in_trait)]

pub mod authority;
mod clock;
pub mod contract;
mod executor;
mod fault;
mod host;
mod journal;
mod random;
pub mod script;
mod store;
mod upstream;
pub mod vendor;

pub use authority::Authority;
pub use clock::{Clock, Sleep};
pub use executor::run;
pub use fault::{Fault, Times};
pub use host::{FakeHost, REFUSING, SILENT};
pub use journal::{JournalCall, MemoryJournal};
pub use random::Random;
pub use script::Script;
pub use store::{MemoryStore, StoreCall};
pub use upstream::FakeBody;
