//! One module a wire format, each written and read both ways: whole requests, whole answers, streams, errors.

pub mod anthropic;
pub mod bedrock;
mod cache_mark;
pub mod carried;
mod check;
pub mod cohere;
pub(crate) mod effort;
mod events;
pub(crate) mod fields;
pub(crate) mod file_id;
pub mod gemini;
mod http_date;
pub(crate) mod loss;
pub mod mlflow;
mod observe;
pub mod openai_chat;
pub mod openai_completions;
pub mod openai_responses;
mod origin;
pub(crate) mod peek;
pub mod plain;
pub(crate) mod said;
pub(crate) mod schema_name;
mod spelt;
mod streams;
mod target;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod unnamed_calls;

use bytes::{Bytes, BytesMut};
pub use loss::{Encoded, Loss, Weight};
pub use observe::Observer;
use openai_chat::RequestHead;
pub use streams::{read_stream, write_stream};
pub use target::{AnswerContext, ErrorBody, Target};

use crate::chat;
use crate::fault::{Fault, FaultKind};

/// A wire format that callers speak to us and in which we speak to providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI Chat Completions, `POST /v1/chat/completions`.
    OpenAiChat,
    /// OpenAI Responses, `POST /v1/responses`.
    OpenAiResponses,
    /// Anthropic Messages, `POST /v1/messages`.
    Anthropic,
    /// Gemini `generateContent`, `POST /v1beta/models/MODEL:generateContent`.
    Gemini,
    /// OpenAI's older Completions, `POST /v1/completions`.
    OpenAiCompletions,
    /// Converse of Amazon Bedrock, `POST /model/MODEL/converse`.
    Bedrock,
    /// Cohere's chat, `POST /v2/chat`.
    Cohere,
}

impl Dialect {
    /// The name in records and in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai_chat",
            Self::OpenAiResponses => "openai_responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::OpenAiCompletions => "openai_completions",
            Self::Bedrock => "bedrock",
            Self::Cohere => "cohere",
        }
    }

    /// Whether the model and the stream are in the address of a request, not in its body.
    #[must_use]
    pub const fn is_addressed(self) -> bool {
        matches!(self, Self::Gemini | Self::Bedrock)
    }

    /// Whether usage in a stream comes as an event of its own that has to be asked for.
    #[must_use]
    pub const fn asks_for_usage(self) -> bool {
        matches!(self, Self::OpenAiChat | Self::OpenAiCompletions)
    }

    /// Looks at a caller's request without taking it apart: for passing it on in the same format.
    ///
    /// # Errors
    /// Names the field that is missing or wrong.
    pub fn peek_request(self, body: &[u8]) -> Result<RequestHead, DecodeError> {
        match self {
            Self::OpenAiChat => openai_chat::peek_request(body),
            Self::OpenAiCompletions => openai_chat::peek::peek_completions_request(body),
            Self::Anthropic => anthropic::peek_request(body),
            Self::OpenAiResponses | Self::Cohere => openai_chat::peek::peek_steering(body),
            Self::Gemini | Self::Bedrock => openai_chat::peek::peek_shape(body),
        }
    }

    /// The body of a request for one target of the same format; every byte that need not change stays.
    #[must_use]
    pub fn rewrite(self, head: &RequestHead, body: &Bytes, model: &str, ask_usage: bool) -> Bytes {
        if self.is_addressed() { body.clone() } else { head.rewrite(body, model, ask_usage) }
    }

    /// Reads a caller's request. What the address says, where it does ([`is_addressed`](Self::is_addressed)), is for
    /// the caller of this to add.
    ///
    /// # Errors
    /// Names the field that is missing or wrong.
    pub fn decode_request(self, body: &[u8]) -> Result<chat::Request, DecodeError> {
        match self {
            Self::OpenAiChat => openai_chat::decode_request(body),
            Self::OpenAiResponses => openai_responses::decode_request(body),
            Self::Anthropic => anthropic::decode_request(body),
            Self::Gemini => gemini::decode_request("", false, body),
            Self::OpenAiCompletions => openai_completions::decode_request(body),
            Self::Bedrock => bedrock::decode_body("", false, body),
            Self::Cohere => cohere::decode_request(body),
        }
    }

    /// Takes away from a request that was read from this format what only this format understands, before it is
    /// written in another: fields that are not typed, and how typed ones were spelt. Says what is lost with them.
    pub fn leave_extra(self, request: &mut chat::Request) -> Vec<Loss> {
        let mut lost = match self {
            Self::OpenAiResponses => openai_responses::weigh_extra(request),
            Self::OpenAiCompletions => openai_completions::weigh_extra(request),
            Self::Anthropic => anthropic::weigh_extra(request),
            _ => Vec::new(),
        };
        for field in request.leave_extra() {
            if !lost.iter().any(|loss| loss.field == field) {
                let reason = "the provider's format has no such field".into();
                lost.push(Loss { field, reason, weight: Weight::Hint });
            }
        }
        lost
    }

    /// Whether a request that was read from this format is possible in it: numbers within their ranges, bytes in base64,
    /// results of tools behind their calls. To be asked before it is told in another format.
    ///
    /// # Errors
    /// Names the field as the caller wrote it.
    pub fn check(self, request: &chat::Request) -> Result<(), DecodeError> {
        check::check(self, request)
    }

    /// A field by its canonical name ([`Loss::field`]), as a caller of this format writes it.
    #[must_use]
    pub fn field_name(self, request: &chat::Request, field: &str) -> String {
        spelt::name(self, request, field)
    }

    /// Writes a request to a provider. What the format cannot say is left out and named.
    #[must_use]
    pub fn encode_request(self, request: &chat::Request, target: &Target<'_>) -> Encoded {
        match self {
            Self::OpenAiChat => openai_chat::encode_request(request, target),
            Self::OpenAiResponses => openai_responses::encode_request(request, target),
            Self::Anthropic => anthropic::encode_request(request, target),
            Self::Gemini => gemini::encode_request(request, target),
            Self::OpenAiCompletions => openai_completions::encode_request(request, target),
            Self::Bedrock => bedrock::encode_request(request, target),
            Self::Cohere => cohere::encode_request(request, target),
        }
    }

    /// Reads a provider's whole answer.
    ///
    /// # Errors
    /// Says what makes it no answer of this format.
    pub fn decode_response(self, body: &[u8]) -> Result<chat::Response, DecodeError> {
        match self {
            Self::OpenAiChat => openai_chat::decode_response(body),
            Self::OpenAiResponses => openai_responses::decode_response(body),
            Self::Anthropic => anthropic::decode_response(body),
            Self::Gemini => gemini::decode_response(body),
            Self::OpenAiCompletions => openai_completions::decode_response(body),
            Self::Bedrock => bedrock::decode_response(body),
            Self::Cohere => cohere::decode_response(body),
        }
    }

    /// Writes a whole answer to a caller. What the answer does not say of itself, its id, model and time, is taken
    /// from `context`.
    #[must_use]
    pub fn encode_response(self, response: &chat::Response, context: &AnswerContext) -> Bytes {
        match self {
            Self::OpenAiChat => openai_chat::encode_response_as(response, context),
            Self::OpenAiResponses => openai_responses::encode_response(response, context),
            Self::Anthropic => anthropic::encode_response(response, context),
            Self::Gemini => gemini::encode_response(response, context),
            Self::OpenAiCompletions => openai_completions::encode_response(response, context),
            Self::Bedrock => bedrock::encode_response(response, context),
            Self::Cohere => cohere::encode_response(response, context),
        }
    }

    /// A reader for one stream of a provider.
    #[must_use]
    pub fn stream_decoder(self) -> Box<dyn StreamDecoder> {
        match self {
            Self::OpenAiChat => Box::new(openai_chat::StreamDecoder::new()),
            Self::OpenAiResponses => Box::new(openai_responses::StreamDecoder::new()),
            Self::Anthropic => Box::new(anthropic::StreamDecoder::new()),
            Self::Gemini => Box::new(gemini::StreamDecoder::new()),
            Self::OpenAiCompletions => Box::new(openai_completions::StreamDecoder::new()),
            Self::Bedrock => Box::new(bedrock::StreamDecoder::new()),
            Self::Cohere => Box::new(cohere::StreamDecoder::new()),
        }
    }

    /// A writer for one stream to a caller. `framing` is of no meaning where a format has one only.
    #[must_use]
    pub fn stream_encoder(self, context: AnswerContext, framing: Framing) -> Box<dyn StreamEncoder> {
        match self {
            Self::OpenAiChat => Box::new(openai_chat::StreamEncoder::new(context)),
            Self::OpenAiResponses => Box::new(openai_responses::StreamEncoder::new(context)),
            Self::Anthropic => Box::new(anthropic::StreamEncoder::new(context)),
            Self::Gemini if framing == Framing::Array => Box::new(gemini::StreamEncoder::array(context)),
            Self::Gemini => Box::new(gemini::StreamEncoder::new(context)),
            Self::OpenAiCompletions => Box::new(openai_completions::StreamEncoder::new(context)),
            Self::Bedrock => Box::new(bedrock::StreamEncoder::new(context)),
            Self::Cohere => Box::new(cohere::StreamEncoder::new(context)),
        }
    }

    /// Whether a caller is told before an answer how many tokens were read.
    #[must_use]
    pub const fn begins_with_usage(self) -> bool {
        matches!(self, Self::Anthropic)
    }

    /// Whether an answer repeats what was asked.
    #[must_use]
    pub const fn repeats_request(self) -> bool {
        matches!(self, Self::OpenAiResponses)
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
            Self::OpenAiResponses => openai_responses::decode_fault_at(status, headers, body, now_unix),
            Self::Anthropic => anthropic::decode_fault_at(status, headers, body, now_unix),
            Self::Gemini => gemini::decode_fault_at(status, headers, body, now_unix),
            Self::OpenAiCompletions => openai_completions::decode_fault_at(status, headers, body, now_unix),
            Self::Bedrock => bedrock::decode_fault_at(status, headers, body, now_unix),
            Self::Cohere => cohere::decode_fault_at(status, headers, body, now_unix),
        }
    }

    /// Writes an error body to a caller.
    #[must_use]
    pub fn encode_error(self, error: &ErrorBody<'_>) -> Bytes {
        match self {
            Self::OpenAiChat => {
                openai_chat::encode_error(error.message, error.error_type, error.param, error.code)
            }
            Self::OpenAiResponses => openai_responses::encode_error(error),
            Self::Anthropic => anthropic::encode_error(error),
            Self::Gemini => gemini::encode_error(error),
            Self::OpenAiCompletions => openai_completions::encode_error(error),
            Self::Bedrock => bedrock::encode_error(error),
            Self::Cohere => cohere::encode_error(error),
        }
    }

    /// Reads a caller's question of how many tokens a prompt has, where the format has one.
    ///
    /// # Errors
    /// Names the field that is missing or wrong.
    pub fn decode_count_request(self, body: &[u8]) -> Result<chat::Request, DecodeError> {
        match self {
            Self::Anthropic => anthropic::decode_count_request(body),
            Self::Gemini => gemini::decode_count_request("", body),
            other => other.decode_request(body),
        }
    }

    /// Looks at such a question without taking it apart.
    ///
    /// # Errors
    /// Names the field that is missing or wrong.
    pub fn peek_count_request(self, body: &[u8]) -> Result<RequestHead, DecodeError> {
        match self {
            Self::Anthropic => anthropic::peek_count_request(body),
            other => other.peek_request(body),
        }
    }

    /// Writes the same question to a provider.
    #[must_use]
    pub fn encode_count_request(self, request: &chat::Request, target: &Target<'_>) -> Encoded {
        match self {
            Self::Anthropic => anthropic::encode_count_request(request, target),
            Self::Gemini => gemini::encode_count_request(request, target),
            other => other.encode_request(request, target),
        }
    }

    /// Writes the answer to that question.
    #[must_use]
    pub fn encode_count_response(self, tokens: u64) -> Bytes {
        match self {
            Self::Gemini => {
                gemini::encode_count_response(&gemini::TokenCount { total: tokens, ..<_>::default() })
            }
            Self::OpenAiResponses => openai_responses::encode_count_response(tokens),
            _ => anthropic::encode_count_response(tokens),
        }
    }
}

/// How the pieces of a stream are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// As events.
    #[default]
    Events,
    /// As the items of one JSON array (Gemini, unless `alt=sse` is asked for).
    Array,
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

impl StreamError {
    /// The stream ended before the answer was complete.
    pub(crate) fn cut() -> Self {
        Self::Fault(Fault::new(FaultKind::Cut, "the provider's stream ended before the answer was complete"))
    }
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
    /// Whether the mark at the end of a stream was read, behind which nothing comes. Always false for formats whose
    /// streams just end.
    fn is_done(&self) -> bool {
        false
    }
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
