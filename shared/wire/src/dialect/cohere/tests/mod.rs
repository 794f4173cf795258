//! By behaviour: what is read and written, what is said otherwise or named, streams, errors.

mod answers;
mod faults;
mod requests;
mod round_trip;
mod streams;
mod translations;
