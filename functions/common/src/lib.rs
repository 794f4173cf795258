//! What entry points with sockets share: the client towards upstreams and randomness of the operating system.
//!
//! It is not in `shared/`, because the core must never reach a socket. Nothing here decides anything.

mod client;
mod connect;
mod random;

pub use client::{Client, UpstreamBody};
pub use connect::Roots;
pub use random::fill as fill_random;
