//! Plays traffic that providers really exchanged with their callers through the codecs: each request and answer must
//! come back equal after reading and writing, each stream must give what a plain reading of its events gives, and
//! the scanner of the same-format path must agree with the full reading.
//!
//! The recordings are no part of this repository. They are looked for beside it, or where `POSTERN_RECORDED` says;
//! without them each test says so and claims nothing.

mod anthropic;
mod anthropic_plain;
mod bedrock;
mod cases;
mod cohere;
mod compare;
mod foreign;
mod gemini;
mod openai_chat;
mod openai_chat_plain;
mod openai_completions;
mod openai_responses;
mod operations;
