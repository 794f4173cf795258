//! What entry points with sockets share: the client towards upstreams, randomness of the operating system, the
//! environment, signatures, and signed requests to AWS.
//!
//! It is not in `shared/`, because the core must never reach a socket. Nothing here decides anything.

mod aws;
mod client;
mod connect;
mod environment;
mod random;
mod sign;
pub mod table;

pub use aws::{Aws, Credentials, Failure};
pub use client::{Client, UpstreamBody};
pub use connect::Roots;
pub use environment::Environment;
pub use random::fill as fill_random;
pub use sign::sign_rs256;
