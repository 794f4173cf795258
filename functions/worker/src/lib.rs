//! The gateway as a Cloudflare Worker: converts types and implements [`Host`](postern_gateway::Host); what decides lives
//! in `postern-gateway`.
//!
//! Built for wasm32 only; elsewhere this crate is empty, so that the workspace builds as a whole. Nothing here may
//! panic: a panic ends the instance that all calls of an isolate share.

#![cfg(target_arch = "wasm32")]
#![allow(async_fn_in_trait)]

#[cfg(feature = "doors")]
mod doors;
mod edge;
mod entry;
mod host;
mod isolate;
mod journal;
mod logging;
mod random;
mod reply;
mod request;
mod setup;
mod store;
mod timer;
mod upstream;
