//! Suites that run against every entry point.
//!
//! A library for the tests beside it: the corpus and its player, running gateways, and the scripted upstream over
//! HTTP.

#![allow(async_fn_in_trait)]

pub mod corpus;
pub mod play;
pub mod site;
pub mod stage;
pub mod talk;
pub mod upstream;
