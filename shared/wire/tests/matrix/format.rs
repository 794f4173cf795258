//! The formats of conversations: the dialects, and MLflow's two, which are asked for by the name of an endpoint.

use bytes::Bytes;
use postern_wire::Dialect;
use postern_wire::chat::{Request, Response};
use postern_wire::dialect::mlflow::{chat, completions};
use postern_wire::dialect::{
    AnswerContext, DecodeError, Encoded, Framing, Loss, StreamDecoder, StreamEncoder, Target, bedrock, gemini,
};

/// A format of conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Dialect(Dialect),
    MlflowChat,
    MlflowCompletions,
}

impl Format {
    pub(crate) const ALL: [Self; 9] = [
        Self::Dialect(Dialect::OpenAiChat),
        Self::Dialect(Dialect::OpenAiResponses),
        Self::Dialect(Dialect::OpenAiCompletions),
        Self::Dialect(Dialect::Anthropic),
        Self::Dialect(Dialect::Gemini),
        Self::Dialect(Dialect::Bedrock),
        Self::Dialect(Dialect::Cohere),
        Self::MlflowChat,
        Self::MlflowCompletions,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dialect(dialect) => dialect.name(),
            Self::MlflowChat => "mlflow_chat",
            Self::MlflowCompletions => "mlflow_completions",
        }
    }

    /// A model that speaks it, of a vendor that has it.
    pub(crate) const fn target(self) -> Target<'static> {
        let (kind, model) = match self {
            Self::Dialect(Dialect::OpenAiChat | Dialect::OpenAiResponses) => ("openai", "gpt-5.1"),
            Self::Dialect(Dialect::OpenAiCompletions) => ("openai", "gpt-3.5-turbo-instruct"),
            Self::Dialect(Dialect::Anthropic) => ("anthropic", "claude-sonnet-4-5"),
            Self::Dialect(Dialect::Gemini) => ("gemini", "gemini-2.5-flash"),
            Self::Dialect(Dialect::Bedrock) => ("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
            Self::Dialect(Dialect::Cohere) => ("cohere", "command-a-03-2025"),
            Self::MlflowChat | Self::MlflowCompletions => ("databricks", "endpoint"),
        };
        Target { model, kind, max_output: Some(64_000) }
    }

    /// Reads a request. Where the address says the model, it is that of the format's target.
    pub(crate) fn decode_request(self, body: &[u8]) -> Result<Request, DecodeError> {
        self.decode_request_for(self.target().model, body)
    }

    /// Reads a request whose address, if it says the model, says this one.
    pub(crate) fn decode_request_for(self, model: &str, body: &[u8]) -> Result<Request, DecodeError> {
        match self {
            Self::Dialect(Dialect::Gemini) => gemini::decode_request(model, false, body),
            Self::Dialect(Dialect::Bedrock) => bedrock::decode_request(model, false, body),
            Self::Dialect(dialect) => dialect.decode_request(body),
            Self::MlflowChat => chat::decode_request("endpoint", body),
            Self::MlflowCompletions => completions::decode_request("endpoint", body),
        }
    }

    pub(crate) fn encode_request(self, request: &Request, target: &Target<'_>) -> Encoded {
        match self {
            Self::Dialect(dialect) => dialect.encode_request(request, target),
            Self::MlflowChat => chat::encode_request(request, target),
            Self::MlflowCompletions => completions::encode_request(request, target),
        }
    }

    /// Takes away what only this format knows, as the gateway does before another format is written.
    pub(crate) fn leave(self, request: &mut Request) -> Vec<Loss> {
        match self {
            Self::Dialect(dialect) => dialect.leave_extra(request),
            // Theirs are OpenAI Chat's without the model.
            Self::MlflowChat | Self::MlflowCompletions => Dialect::OpenAiChat.leave_extra(request),
        }
    }

    pub(crate) fn decode_response(self, body: &[u8]) -> Result<Response, DecodeError> {
        match self {
            Self::Dialect(dialect) => dialect.decode_response(body),
            Self::MlflowChat => chat::decode_response(body),
            Self::MlflowCompletions => completions::decode_response(body),
        }
    }

    pub(crate) fn encode_response(self, response: &Response, context: &AnswerContext) -> Bytes {
        match self {
            Self::Dialect(dialect) => dialect.encode_response(response, context),
            Self::MlflowChat => chat::encode_response(response, context),
            Self::MlflowCompletions => completions::encode_response(response, context),
        }
    }

    pub(crate) fn stream_decoder(self) -> Box<dyn StreamDecoder> {
        match self {
            Self::Dialect(dialect) => dialect.stream_decoder(),
            Self::MlflowChat => Box::new(chat::StreamDecoder::new()),
            Self::MlflowCompletions => Box::new(completions::StreamDecoder::new()),
        }
    }

    pub(crate) fn stream_encoder(self, context: AnswerContext) -> Box<dyn StreamEncoder> {
        match self {
            Self::Dialect(dialect) => dialect.stream_encoder(context, Framing::Events),
            Self::MlflowChat => Box::new(chat::StreamEncoder::new(context)),
            Self::MlflowCompletions => Box::new(completions::StreamEncoder::new(context)),
        }
    }

    /// Whether signatures of calls travel inside the calls' ids.
    pub(crate) const fn seals(self) -> bool {
        matches!(self, Self::Dialect(Dialect::OpenAiChat))
    }
}

/// The answer's surroundings.
pub(crate) fn context() -> AnswerContext {
    AnswerContext {
        id: "0123456789abcdef".to_owned(),
        created: 1_750_000_000,
        model: "caller-model".to_owned(),
        include_usage: true,
        input_tokens: None,
        request: Some(std::sync::Arc::new(Request::new("caller-model", Vec::new()))),
    }
}
