//! Wire formats and vendors of AI providers.
//!
//! A *dialect* is a format: one module that reads and writes its requests, its answers and its stream, to and from
//! the one canonical conversation of [`chat`]. A *provider* is a vendor: where to send a request, how to authenticate
//! it and what is odd about it. The two words are never mixed.
//!
//! This crate performs no I/O and knows neither a clock nor a source of randomness: bytes and times come in as
//! arguments. It never panics on what a caller or an upstream sends.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

pub mod catalog;
pub mod chat;
pub mod dialect;
pub mod embed;
pub mod event_stream;
pub mod fault;
pub mod grant;
pub mod json;
pub mod media;
pub mod moderation;
pub mod money;
pub mod multipart;
pub mod provider;
pub mod rerank;
pub mod schema;
pub mod sigv4;
pub mod sse;
pub mod usage;

pub use dialect::Dialect;
pub use fault::{Fault, FaultKind};
pub use money::MicroUsd;
pub use usage::Usage;
