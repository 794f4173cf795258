//! The routes of what is no conversation: embeddings, reranking, moderation, counts, and Gemini's model list.

use http::Method;
use postern_wire::{Dialect, embed, rerank};

use super::routes::{Entry, Route, Tag, other};
use crate::pipeline::Kind;

/// A part of the route table.
pub(super) const SERVICES: &[Entry] = &[
    Entry {
        method: Method::POST,
        path: "/v1/embeddings",
        tag: Tag::OpenAi,
        id: "createEmbedding",
        summary: "Vectors of texts (OpenAI Embeddings)",
        body: Some("VendorRequest"),
        answer: "VendorAnswer",
        make: |_| other(Dialect::OpenAiChat, Kind::Embed(embed::Format::OpenAi)),
        ..Entry::GET
    },
    Entry {
        method: Method::POST,
        path: "/v1/rerank",
        tag: Tag::OpenAi,
        id: "rerank",
        summary: "Documents by their relevance to a question (Cohere's and Jina's format)",
        body: Some("VendorRequest"),
        answer: "VendorAnswer",
        make: |_| other(Dialect::OpenAiChat, Kind::Rerank(rerank::Format::Cohere)),
        ..Entry::GET
    },
    Entry {
        method: Method::POST,
        path: "/v1/moderations",
        tag: Tag::OpenAi,
        id: "createModeration",
        summary: "Whether texts and images are harmful (OpenAI Moderations)",
        body: Some("VendorRequest"),
        answer: "VendorAnswer",
        make: |_| other(Dialect::OpenAiChat, Kind::Moderate),
        ..Entry::GET
    },
    Entry {
        method: Method::POST,
        path: "/v2/embed",
        tag: Tag::Cohere,
        id: "cohereEmbed",
        summary: "Vectors of texts (Cohere)",
        body: Some("VendorRequest"),
        answer: "VendorAnswer",
        make: |_| other(Dialect::Cohere, Kind::Embed(embed::Format::Cohere)),
        ..Entry::GET
    },
    Entry {
        method: Method::POST,
        path: "/v2/rerank",
        tag: Tag::Cohere,
        id: "cohereRerank",
        summary: "Documents by their relevance to a question (Cohere)",
        body: Some("VendorRequest"),
        answer: "VendorAnswer",
        make: |_| other(Dialect::Cohere, Kind::Rerank(rerank::Format::Cohere)),
        ..Entry::GET
    },
    Entry {
        path: "/v1beta/models",
        tag: Tag::Gemini,
        id: "listGeminiModels",
        summary: "The models that the key may use (Gemini)",
        answer: "VendorAnswer",
        query: &[("pageSize", "at most 1000"), ("pageToken", "nextPageToken of the page before")],
        make: |_| Route::Models,
        ..Entry::GET
    },
    Entry {
        path: "/v1beta/models/{*id}",
        tag: Tag::Gemini,
        id: "retrieveGeminiModel",
        summary: "One model, also of the form PROVIDER/MODEL (Gemini)",
        answer: "VendorAnswer",
        make: Route::Model,
        ..Entry::GET
    },
    Entry {
        method: Method::POST,
        path: "/v1/responses/input_tokens",
        tag: Tag::OpenAi,
        id: "countResponseTokens",
        summary: "How many tokens a prompt has (OpenAI Responses)",
        body: Some("VendorRequest"),
        answer: "VendorAnswer",
        make: |_| other(Dialect::OpenAiResponses, Kind::Count),
        ..Entry::GET
    },
];
