//! Tests of the codec. The recorded traffic is played by a suite of its own.

mod faults;
mod round_trip;
mod shapes;
mod streams;
mod strategies;
