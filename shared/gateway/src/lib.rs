//! Postern's core: policy and pipeline, generic over [`Host`].
//!
//! Everything that decides lives here and performs no I/O of its own: no socket, clock, random source, thread or
//! runtime. An entry point implements [`Host`] once, calls [`handle`] for each request, sends the reply, and runs
//! [`settle`] on what is left to do. Routes, extraction and error bodies live here, once.

// Whether a future is `Send` is inferred at each entry point's concrete types: native and Lambda need it, a Worker
// cannot have it. Bounds here would force one of the two to lie.
#![allow(async_fn_in_trait)]
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

pub mod admin;
pub mod config;
mod error;
mod hex;
pub mod host;
mod http;
pub mod identity;
pub mod pipeline;
pub mod policy;
pub mod record;
pub mod store;
mod template;
pub mod time;
pub mod upload;

pub use crate::http::openapi::document as openapi_document;
pub use error::{ErrorKind, GatewayError};
pub use host::{FetchError, Host, Journal, MayFlow, Secret, Store, StoreError};
pub use pipeline::{After, Body, Deadline, Gateway, Reply, handle, settle};
pub use record::Record;
pub use time::Timestamp;
pub use upload::{Outgoing, Upload};
