//! The formats of what is no conversation, as far as the player must know them.

use postern_testkit::script::Vendor;
use postern_testkit::vendor::{embed, moderation, rerank};
use serde::Deserialize;

use super::Format;

/// A format of embeddings, reranking or moderation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// OpenAI's embeddings.
    #[serde(rename = "openai_embeddings")]
    OpenAiEmbeddings,
    /// Mistral's, with names of its own.
    MistralEmbeddings,
    /// Voyage AI's.
    VoyageEmbeddings,
    /// Cohere's.
    CohereEmbed,
    /// Cohere's on Amazon Bedrock.
    BedrockCohereEmbed,
    /// Amazon Titan's.
    BedrockTitanEmbed,
    /// Gemini's for one input.
    GeminiEmbedContent,
    /// Gemini's for many.
    GeminiBatchEmbedContents,
    /// Jina's reranking, at the path that is nobody's.
    JinaRerank,
    /// Cohere's.
    CohereRerank,
    /// Cohere's on Amazon Bedrock.
    BedrockCohereRerank,
    /// Voyage AI's.
    VoyageRerank,
    /// OpenAI's moderation.
    #[serde(rename = "openai_moderations")]
    OpenAiModerations,
}

impl Service {
    /// The format whose path this is.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        Some(match path {
            "/v1/embeddings" => Self::OpenAiEmbeddings,
            "/v2/embed" => Self::CohereEmbed,
            "/v1/rerank" => Self::JinaRerank,
            "/v2/rerank" => Self::CohereRerank,
            "/v1/moderations" => Self::OpenAiModerations,
            path if path.ends_with(":embedContent") => Self::GeminiEmbedContent,
            path if path.ends_with(":batchEmbedContents") => Self::GeminiBatchEmbedContents,
            _ => return None,
        })
    }

    /// The format's name and the operation's in records.
    pub(super) const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::OpenAiEmbeddings | Self::MistralEmbeddings => ("openai_embeddings", "embeddings"),
            Self::VoyageEmbeddings => ("voyage_embeddings", "embeddings"),
            Self::CohereEmbed => ("cohere_embed", "embeddings"),
            Self::BedrockCohereEmbed => ("bedrock_cohere_embed", "embeddings"),
            Self::BedrockTitanEmbed => ("bedrock_titan_embed", "embeddings"),
            Self::GeminiEmbedContent => ("gemini_embed_content", "embeddings"),
            Self::GeminiBatchEmbedContents => ("gemini_batch_embed_contents", "embeddings"),
            Self::JinaRerank | Self::CohereRerank => ("cohere_rerank", "rerank"),
            Self::BedrockCohereRerank => ("bedrock_cohere_rerank", "rerank"),
            Self::VoyageRerank => ("voyage_rerank", "rerank"),
            Self::OpenAiModerations => ("openai_moderations", "moderations"),
        }
    }

    /// Where a model is asked.
    pub(super) fn path(self, model: &str) -> String {
        match self {
            Self::OpenAiEmbeddings | Self::MistralEmbeddings | Self::VoyageEmbeddings => {
                "/v1/embeddings".to_owned()
            }
            Self::CohereEmbed => "/v2/embed".to_owned(),
            Self::BedrockCohereEmbed | Self::BedrockTitanEmbed | Self::BedrockCohereRerank => {
                format!("/model/{}/invoke", model.replace(':', "%3A"))
            }
            Self::GeminiEmbedContent => format!("/v1beta/models/{model}:embedContent"),
            Self::GeminiBatchEmbedContents => format!("/v1beta/models/{model}:batchEmbedContents"),
            Self::JinaRerank | Self::VoyageRerank => "/v1/rerank".to_owned(),
            Self::CohereRerank => "/v2/rerank".to_owned(),
            Self::OpenAiModerations => "/v1/moderations".to_owned(),
        }
    }

    /// Whether the address says the model.
    pub(super) const fn is_addressed(self) -> bool {
        matches!(
            self,
            Self::BedrockCohereEmbed
                | Self::BedrockTitanEmbed
                | Self::BedrockCohereRerank
                | Self::GeminiEmbedContent
                | Self::GeminiBatchEmbedContents
        )
    }

    /// The format of conversations that has the same errors, and takes the key at the same place.
    #[must_use]
    pub const fn kin(self) -> Format {
        match self {
            Self::CohereEmbed | Self::CohereRerank => Format::Cohere,
            Self::GeminiEmbedContent | Self::GeminiBatchEmbedContents => Format::Gemini,
            Self::BedrockCohereEmbed | Self::BedrockTitanEmbed | Self::BedrockCohereRerank => Format::Bedrock,
            _ => Format::OpenAiChat,
        }
    }

    /// What a vendor of the format refuses.
    pub(super) fn vendor(self) -> Vendor {
        match self {
            Self::OpenAiEmbeddings => embed::openai,
            Self::MistralEmbeddings => embed::mistral,
            Self::VoyageEmbeddings => embed::voyage,
            Self::CohereEmbed => embed::cohere,
            Self::BedrockCohereEmbed => embed::cohere_on_bedrock,
            Self::BedrockTitanEmbed => embed::titan,
            Self::GeminiEmbedContent => embed::gemini,
            Self::GeminiBatchEmbedContents => embed::gemini_batch,
            Self::JinaRerank => rerank::jina,
            Self::CohereRerank => rerank::cohere,
            Self::BedrockCohereRerank => rerank::cohere_on_bedrock,
            Self::VoyageRerank => rerank::voyage,
            Self::OpenAiModerations => moderation::openai,
        }
    }
}
