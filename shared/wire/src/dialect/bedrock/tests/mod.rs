//! By behaviour: what is read and written, what is said otherwise or named, streams, errors.

mod answers;
mod faults;
mod requests;
mod round_trip;
mod strategies;
mod streams;
mod translations;
