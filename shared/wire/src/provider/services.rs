//! Where vendors take what is no conversation, and in which format.
//!
//! Addresses and limits are those of the vendors' own documentation. A vendor that follows OpenAI in conversations
//! is asked for embeddings at OpenAI's path unless it is known to have none: it then says itself what it lacks.

use super::Preset;
use crate::embed::{self, gemini::Method};
use crate::rerank;

/// One way to ask a vendor for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service<F: 'static> {
    /// The format.
    pub format: F,
    /// Where, below the base URL; `{model}` stands for the model.
    pub path: &'static str,
    /// A part of the names of the models that are asked in this way; empty for all.
    pub models: &'static str,
    /// The most inputs or documents that the vendor takes in one request, where its format's usual number is not.
    pub most: Option<usize>,
    /// Whether the vendor takes the format as its inventor does, so that a caller's bytes fit as they are.
    pub exact: bool,
}

impl<F> Service<F> {
    const fn at(format: F, path: &'static str) -> Self {
        Self { format, path, models: "", most: None, exact: true }
    }
}

type Embeddings = &'static [Service<embed::Format>];
type Reranking = &'static [Service<rerank::Format>];

/// OpenAI takes 2048 inputs; who speaks its format to us knows that.
const OPENAI: Service<embed::Format> = Service::at(embed::Format::OpenAi, "/embeddings");

/// Vendors whose embeddings differ from OpenAI's in more than the models.
const EMBEDDINGS: &[(&str, Embeddings)] = &[
    (
        "bedrock",
        &[
            Service {
                models: "cohere.embed",
                most: Some(96),
                ..Service::at(embed::Format::CohereOnBedrock, "/model/{model}/invoke")
            },
            Service {
                models: "titan-embed",
                most: Some(1),
                ..Service::at(embed::Format::Titan, "/model/{model}/invoke")
            },
        ],
    ),
    ("cohere", &[Service { most: Some(96), ..Service::at(embed::Format::Cohere, "/v2/embed") }]),
    ("dashscope", &[Service { most: Some(10), ..OPENAI }]),
    (
        "gemini",
        &[
            Service {
                most: Some(100),
                ..Service::at(
                    embed::Format::Gemini(Method::BatchEmbedContents),
                    "/v1beta/models/{model}:batchEmbedContents",
                )
            },
            Service {
                most: Some(1),
                ..Service::at(
                    embed::Format::Gemini(Method::EmbedContent),
                    "/v1beta/models/{model}:embedContent",
                )
            },
        ],
    ),
    ("jina", &[OPENAI]),
    ("mistral", &[Service { exact: false, ..OPENAI }]),
    ("mlflow", &[Service::at(embed::Format::Mlflow, "/invocations")]),
    ("nvidia", &[Service { exact: false, ..OPENAI }]),
    ("voyage", &[Service { most: Some(1000), ..Service::at(embed::Format::Voyage, "/embeddings") }]),
];

/// Vendors that follow OpenAI and have no embeddings at all.
const NO_EMBEDDINGS: [&str; 9] =
    ["ai21", "cerebras", "codestral", "deepseek", "groq", "hyperbolic", "inception", "moonshot", "tgi"];

/// Who ranks documents, and where.
const RERANKING: &[(&str, Reranking)] = &[
    (
        "bedrock",
        &[Service {
            models: "cohere.rerank",
            ..Service::at(rerank::Format::CohereOnBedrock, "/model/{model}/invoke")
        }],
    ),
    ("cohere", &[Service { exact: false, ..Service::at(rerank::Format::Cohere, "/v2/rerank") }]),
    ("fireworks", &[RERANK]),
    ("jina", &[RERANK]),
    ("llamacpp", &[RERANK]),
    ("morph", &[RERANK]),
    ("nebius", &[RERANK]),
    ("novita", &[RERANK]),
    ("openai_compatible", &[RERANK]),
    ("openrouter", &[RERANK]),
    ("sglang", &[RERANK]),
    ("together", &[RERANK]),
    ("vllm", &[RERANK]),
    ("voyage", &[Service::at(rerank::Format::Voyage, "/rerank")]),
];

/// Jina's path, in the format that Jina and Cohere share.
const RERANK: Service<rerank::Format> = Service::at(rerank::Format::Cohere, "/rerank");

/// Who moderates, at OpenAI's path in OpenAI's format.
const MODERATION: [&str; 4] = ["mistral", "openai", "openai_compatible", "vllm"];

/// Who serves classic models, and where their input goes.
const INVOCATIONS: [(&str, &str); 3] = [
    ("databricks", "/{model}/invocations"),
    ("mlflow", "/invocations"),
    ("sagemaker", "/endpoints/{model}/invocations"),
];

impl Preset {
    /// Where the input of a classic model goes.
    #[must_use]
    pub fn invocations(&self) -> Option<&'static str> {
        INVOCATIONS.iter().find(|(kind, _)| *kind == self.kind).map(|(_, path)| *path)
    }

    /// How embeddings of a model are asked for: the ways that there are, the one to prefer first.
    pub fn embeddings(&self, model: &str) -> impl Iterator<Item = &'static Service<embed::Format>> {
        let usual: Embeddings = &[OPENAI];
        let ways = match EMBEDDINGS.iter().find(|(kind, _)| *kind == self.kind) {
            Some((_, ways)) => ways,
            None if self.is_openai_like() && !NO_EMBEDDINGS.contains(&self.kind) => usual,
            None => &[],
        };
        ways.iter().filter(move |way| model.contains(way.models))
    }

    /// How documents are ranked with a model.
    pub fn reranking(&self, model: &str) -> impl Iterator<Item = &'static Service<rerank::Format>> {
        let ways = RERANKING.iter().find(|(kind, _)| *kind == self.kind).map_or(&[][..], |(_, ways)| ways);
        ways.iter().filter(move |way| model.contains(way.models))
    }

    /// Where texts are moderated, in OpenAI's format.
    #[must_use]
    pub fn moderations(&self) -> Option<&'static str> {
        MODERATION.contains(&self.kind).then_some("/moderations")
    }
}

/// Every vendor that is named here.
#[cfg(test)]
pub(super) fn named() -> impl Iterator<Item = &'static str> {
    let embeddings = EMBEDDINGS.iter().map(|(kind, _)| *kind);
    let reranking = RERANKING.iter().map(|(kind, _)| *kind);
    embeddings.chain(NO_EMBEDDINGS).chain(reranking).chain(MODERATION)
}
