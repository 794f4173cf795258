//! The formats of reranking by name, for whoever has to choose among them.

use bytes::Bytes;

use super::{AnswerContext, Request, Response, cohere, voyage};
use crate::dialect::{DecodeError, Encoded, Target};

/// A format in which reranking is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Cohere's and Jina's, and that of their kin.
    Cohere,
    /// Cohere's on Amazon Bedrock: the address names the model.
    CohereOnBedrock,
    /// Voyage AI's.
    Voyage,
}

impl Format {
    /// The name in records and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cohere => "cohere_rerank",
            Self::CohereOnBedrock => "bedrock_cohere_rerank",
            Self::Voyage => "voyage_rerank",
        }
    }

    /// Reads a caller's request.
    ///
    /// # Errors
    /// Names the field that is missing or of a wrong type.
    pub fn decode_request(self, body: &[u8]) -> Result<Request, DecodeError> {
        match self {
            Self::Cohere | Self::CohereOnBedrock => cohere::decode_request(body),
            Self::Voyage => voyage::decode_request(body),
        }
    }

    /// Writes a request. What the format cannot say is left out and named.
    #[must_use]
    pub fn encode_request(self, request: &Request, target: &Target<'_>) -> Encoded {
        match self {
            Self::Cohere | Self::CohereOnBedrock => cohere::encode_request(request, target),
            Self::Voyage => voyage::encode_request(request, target),
        }
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// Says what makes it no answer of this format.
    pub fn decode_response(self, body: &[u8]) -> Result<Response, DecodeError> {
        match self {
            Self::Cohere | Self::CohereOnBedrock => cohere::decode_response(body),
            Self::Voyage => voyage::decode_response(body),
        }
    }

    /// Writes an answer.
    #[must_use]
    pub fn encode_response(self, response: &Response, context: &AnswerContext<'_>) -> Bytes {
        match self {
            Self::Cohere | Self::CohereOnBedrock => cohere::encode_response(response, context),
            Self::Voyage => voyage::encode_response(response, context),
        }
    }
}
