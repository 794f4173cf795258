//! One module a wire format, each written and read both ways: whole requests, whole answers, streams, errors.

pub mod carried;
pub(crate) mod fields;
pub mod gemini;
mod http_date;
pub(crate) mod loss;
pub mod mlflow;
pub mod openai_chat;
pub(crate) mod said;
mod target;

use bytes::{Bytes, BytesMut};
pub use loss::{Encoded, Loss, Weight};
pub use target::{AnswerContext, ErrorBody, Target};

use crate::chat;
use crate::fault::Fault;

/// A wire format that callers speak to us and in which we speak to providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI Chat Completions, `POST /v1/chat/completions`.
    OpenAiChat,
}

impl Dialect {
    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai_chat",
        }
    }

    /// Looks at a caller's request without taking it apart: for passing it on in the same format.
    ///
    /// # Errors
    /// Names the field that is missing or wrong.
    pub fn peek_request(self, body: &[u8]) -> Result<openai_chat::RequestHead, DecodeError> {
        match self {
            Self::OpenAiChat => openai_chat::peek_request(body),
        }
    }

    /// Reads a caller's request.
    ///
    /// # Errors
    /// Names the field that is missing or wrong.
    pub fn decode_request(self, body: &[u8]) -> Result<chat::Request, DecodeError> {
        match self {
            Self::OpenAiChat => openai_chat::decode_request(body),
        }
    }

    /// Writes a request to a provider. What the format cannot say is left out and named.
    #[must_use]
    pub fn encode_request(self, request: &chat::Request, target: &Target<'_>) -> Encoded {
        match self {
            Self::OpenAiChat => openai_chat::encode_request(request, target),
        }
    }

    /// Reads a provider's whole answer.
    ///
    /// # Errors
    /// Says what makes it no answer of this format.
    pub fn decode_response(self, body: &[u8]) -> Result<chat::Response, DecodeError> {
        match self {
            Self::OpenAiChat => openai_chat::decode_response(body),
        }
    }

    /// Writes a whole answer to a caller.
    #[must_use]
    pub fn encode_response(self, response: &chat::Response) -> Bytes {
        match self {
            Self::OpenAiChat => openai_chat::encode_response(response),
        }
    }

    /// A reader for one stream of a provider.
    #[must_use]
    pub fn stream_decoder(self) -> Box<dyn StreamDecoder> {
        match self {
            Self::OpenAiChat => Box::new(openai_chat::StreamDecoder::new()),
        }
    }

    /// A writer for one stream to a caller.
    #[must_use]
    pub fn stream_encoder(self, options: openai_chat::EncoderOptions) -> Box<dyn StreamEncoder> {
        match self {
            Self::OpenAiChat => Box::new(openai_chat::StreamEncoder::new(options)),
        }
    }

    /// Reads what a provider's error answer means.
    #[must_use]
    pub fn decode_fault(
        self,
        status: u16,
        headers: &http::HeaderMap,
        body: &[u8],
        now_unix: Option<u64>,
    ) -> Fault {
        match self {
            Self::OpenAiChat => openai_chat::decode_fault_at(status, headers, body, now_unix),
        }
    }

    /// Writes an error body to a caller.
    #[must_use]
    pub fn encode_error(
        self,
        message: &str,
        error_type: &str,
        param: Option<&str>,
        code: Option<&str>,
    ) -> Bytes {
        match self {
            Self::OpenAiChat => openai_chat::encode_error(message, error_type, param, code),
        }
    }
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

/// Why a stream cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// The provider said so inside the stream, or the stream was cut.
    Fault(Fault),
    /// The bytes are not what the format says.
    Decode(DecodeError),
}

impl From<DecodeError> for StreamError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<StreamError> for Fault {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Fault(fault) => fault,
            StreamError::Decode(error) => error.into(),
        }
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

/// Reads a stream of one format. Push bytes as they come, cut anywhere; then take deltas until there are none.
pub trait StreamDecoder: Send {
    /// Takes the next bytes.
    fn push(&mut self, chunk: Bytes);
    /// The next delta, `None` when more bytes are needed.
    fn next(&mut self) -> Result<Option<chat::Delta>, StreamError>;
    /// The upstream has ended: an error if the stream was not complete. A last event may be read only now; its deltas
    /// come from `next` after this.
    fn end(&mut self) -> Result<(), StreamError>;
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
