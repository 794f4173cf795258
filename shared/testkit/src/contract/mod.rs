//! What every implementation of a host's parts must do, whatever it is built on. Each function panics where the
//! contract is broken, and leaves nothing behind that would disturb a second run.

mod journal;
mod store;

pub use journal::journal;
pub use store::store;
