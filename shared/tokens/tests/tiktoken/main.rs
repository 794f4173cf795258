//! The tokens are those of tiktoken-rs: for every character, for random text, for real text, whole and in pieces.
//!
//! `POSTERN_TOKENS_ROUNDS=N` compares N times as much random text as usual.

mod alike;
mod api;
mod characters;
mod long;
mod random;
mod real;
mod samples;
mod streams;
mod vocabulary;
