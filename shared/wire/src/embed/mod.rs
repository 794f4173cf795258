//! Embeddings: texts in, vectors out, in every format that asks for them.
//!
//! A format is a module with the same functions in each: `decode_request`, `encode_request`, `decode_response`,
//! `encode_response`, and the reader of its errors. As with conversations, what the typed fields do not hold stays in
//! `extra` in the vendor's own nesting; before a request or an answer goes into another format it is taken away with
//! [`Request::leave_extra`] and [`Response::leave_extra`].
//!
//! Vectors come as lists of numbers or as base64 of their bytes. Either is kept as it came, and made into the other only
//! when the caller wants it so: see [`Vector`].

pub mod cohere;
mod format;
pub mod gemini;
mod listed;
pub mod mlflow;
pub mod openai;
mod request;
mod response;
mod spelling;
#[cfg(test)]
mod tests;
pub mod titan;
mod vector;
pub mod voyage;

pub use format::{Format, Seen};
pub use request::{Input, Item, NumberType, Purpose, Request, Truncate};
pub use response::{AnswerContext, Embedding, Response};
pub(crate) use spelling::{mark, marked, merge_extra, no_marks};
pub use vector::Vector;
