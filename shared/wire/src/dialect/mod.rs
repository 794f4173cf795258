//! One module a wire format, each written and read both ways: whole requests, whole answers, streams, errors.

pub mod openai_chat;

use bytes::{Bytes, BytesMut};

use crate::chat;
use crate::fault::Fault;

/// A wire format that callers speak to us and in which we speak to providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI Chat Completions, `POST /v1/chat/completions`.
    OpenAiChat,
}

/// Bytes that are not what the format says. Becomes a 400 for a caller's request and a 502 for an upstream's answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct DecodeError {
    /// Where, as the vendors write it: `messages[0].content`; empty for the body as a whole.
    pub path: String,
    /// What was expected and what to do, for a person. Never quotes prompt text.
    pub reason: String,
}

impl DecodeError {
    /// An error at a path.
    #[must_use]
    pub fn at(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into() }
    }
}

/// Something the canonical conversation holds that the target format cannot say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct EncodeError {
    /// The field, by its canonical name.
    pub field: String,
    /// Why it cannot be said, for a person.
    pub reason: String,
}

/// A request in a target's format, and what had to change on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The body.
    pub body: Bytes,
    /// Fields that the target has no notion of and that were left out.
    pub dropped: Vec<String>,
    /// Fields that were said in a weaker form.
    pub lowered: Vec<String>,
}

/// Reads a stream of one format. Push bytes as they come, cut anywhere; then take deltas until there are none.
pub trait StreamDecoder: Send {
    /// Takes the next bytes.
    fn push(&mut self, chunk: Bytes);
    /// The next delta, `None` when more bytes are needed.
    fn next(&mut self) -> Result<Option<chat::Delta>, DecodeError>;
    /// The upstream has ended: an error if the stream was not complete.
    fn end(&mut self) -> Result<(), DecodeError>;
}

/// Writes a stream of one format. Order of calls: any number of `delta`, then either `end` or `fail`, once.
pub trait StreamEncoder: Send {
    /// Writes one delta; it may write nothing.
    fn delta(&mut self, delta: &chat::Delta, out: &mut BytesMut);
    /// Writes the typed error event of this format; nothing follows it.
    fn fail(&mut self, fault: &Fault, out: &mut BytesMut);
    /// Writes what the format ends a complete stream with.
    fn end(&mut self, out: &mut BytesMut);
}
