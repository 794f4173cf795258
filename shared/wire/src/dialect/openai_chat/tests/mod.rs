//! Tests of the codec. The recorded traffic is played by a suite of its own.

// A JSON literal is handed over as it is written, without a reference in front of each.
#![allow(clippy::needless_pass_by_value)]

mod faults;
mod foreign;
mod round_trip;
mod shapes;
mod strategies;
mod streams;
