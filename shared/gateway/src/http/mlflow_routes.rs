//! The routes of MLflow's gateway and of Databricks' serving endpoints.
//!
//! MLflow: those of the gateway that a file configures (`/gateway/NAME/invocations`, `/endpoints/NAME/invocations`,
//! `/api/2.0/endpoints/`), which MLflow's deployments client calls, and those of the gateway inside its tracking server
//! (`/gateway/NAME/mlflow/invocations`, `/gateway/mlflow/v1/...` and, in vendors' formats, `/gateway/openai/v1/...`, ...).
//! Databricks: <https://docs.databricks.com/api/workspace/servingendpoints>, and its addresses for OpenAI's SDKs.

use std::borrow::Cow;

use http::Method;
use postern_wire::{Dialect, embed};

use super::routes::{Entry, Route, Tag, answer, other};
use crate::pipeline::{Asks, Kind};

const POST: Entry = Entry {
    method: Method::POST,
    body: Some("VendorRequest"),
    answer: "VendorAnswer",
    streams: true,
    make: invocation,
    ..Entry::GET
};

const LIST: Entry = Entry { answer: "VendorAnswer", make: |_| Route::Endpoints, ..Entry::GET };

const ONE: Entry = Entry { answer: "VendorAnswer", make: Route::Endpoint, ..Entry::GET };

pub(super) const MLFLOW: &[Entry] = &[
    Entry {
        path: "/gateway/{id}/invocations",
        tag: Tag::Mlflow,
        id: "invokeGatewayEndpoint",
        summary: "A call of an endpoint: the body's fields say which (messages, prompt, input; MLflow)",
        ..POST
    },
    Entry {
        path: "/gateway/{id}/mlflow/invocations",
        tag: Tag::Mlflow,
        id: "invokeTrackingServerEndpoint",
        summary: "The same, where MLflow's tracking server has it",
        ..POST
    },
    Entry {
        path: "/endpoints/{id}/invocations",
        tag: Tag::Mlflow,
        id: "invokeEndpoint",
        summary: "The same, where MLflow's deployments client calls it",
        ..POST
    },
    Entry {
        path: "/gateway/mlflow/v1/chat/completions",
        tag: Tag::Mlflow,
        id: "createGatewayChatCompletion",
        summary: "A chat completion of the endpoint that `model` names (MLflow)",
        body: Some("ChatRequest"),
        answer: "ChatResponse",
        make: |_| answer(Dialect::OpenAiChat),
        ..POST
    },
    Entry {
        path: "/gateway/mlflow/v1/models",
        tag: Tag::Mlflow,
        id: "listGatewayModels",
        summary: "The models that the key may use, in OpenAI's shape (MLflow)",
        answer: "ModelList",
        make: |_| Route::Models,
        ..Entry::GET
    },
    Entry {
        path: "/gateway/openai/v1/chat/completions",
        tag: Tag::OpenAi,
        id: "createGatewayOpenAiChatCompletion",
        summary: "A chat completion (OpenAI Chat Completions, where MLflow's tracking server has it)",
        make: |_| answer(Dialect::OpenAiChat),
        ..POST
    },
    Entry {
        path: "/gateway/openai/v1/embeddings",
        tag: Tag::OpenAi,
        id: "createGatewayOpenAiEmbedding",
        summary: "Vectors of texts (OpenAI Embeddings, where MLflow's tracking server has it)",
        streams: false,
        make: |_| embeddings(),
        ..POST
    },
    Entry {
        path: "/gateway/openai/v1/responses",
        tag: Tag::OpenAi,
        id: "createGatewayOpenAiResponse",
        summary: "A response (OpenAI Responses, where MLflow's tracking server has it)",
        make: |_| answer(Dialect::OpenAiResponses),
        ..POST
    },
    Entry {
        path: "/gateway/anthropic/v1/messages",
        tag: Tag::Anthropic,
        id: "createGatewayMessage",
        summary: "A message (Anthropic Messages, where MLflow's tracking server has it)",
        make: |_| answer(Dialect::Anthropic),
        ..POST
    },
    Entry {
        path: "/gateway/gemini/v1beta/models/{*id}",
        tag: Tag::Gemini,
        id: "generateGatewayContent",
        summary: "MODEL:generateContent and its kin (Gemini, where MLflow's tracking server has it)",
        query: &[("alt", "sse: a stream as events, not as one JSON array")],
        make: |_| answer(Dialect::Gemini),
        ..POST
    },
    Entry {
        path: "/api/2.0/endpoints",
        tag: Tag::Mlflow,
        id: "listEndpoints",
        summary: "The endpoints that the key may use (MLflow)",
        ..LIST
    },
    Entry {
        path: "/api/2.0/endpoints/",
        tag: Tag::Mlflow,
        id: "listEndpointsOfClient",
        summary: "The same, as MLflow's deployments client asks",
        ..LIST
    },
    Entry {
        path: "/api/2.0/endpoints/{*id}",
        tag: Tag::Mlflow,
        id: "getEndpoint",
        summary: "One endpoint (MLflow)",
        ..ONE
    },
    Entry {
        path: "/serving-endpoints/{id}/invocations",
        tag: Tag::Databricks,
        id: "queryServingEndpoint",
        summary: "A call of an endpoint: the body's fields say which (messages, prompt, input; Databricks)",
        ..POST
    },
    Entry {
        path: "/serving-endpoints/chat/completions",
        tag: Tag::Databricks,
        id: "createServingChatCompletion",
        summary: "A chat completion of the endpoint that `model` names (Databricks, for OpenAI's SDKs)",
        body: Some("ChatRequest"),
        answer: "ChatResponse",
        make: |_| answer(Dialect::OpenAiChat),
        ..POST
    },
    Entry {
        path: "/serving-endpoints/completions",
        tag: Tag::Databricks,
        id: "createServingCompletion",
        summary: "A completion of the endpoint that `model` names (Databricks, for OpenAI's SDKs)",
        make: |_| answer(Dialect::OpenAiCompletions),
        ..POST
    },
    Entry {
        path: "/serving-endpoints/embeddings",
        tag: Tag::Databricks,
        id: "createServingEmbedding",
        summary: "Vectors of texts by the endpoint that `model` names (Databricks, for OpenAI's SDKs)",
        streams: false,
        make: |_| embeddings(),
        ..POST
    },
    Entry {
        path: "/serving-endpoints/responses",
        tag: Tag::Databricks,
        id: "createServingResponse",
        summary: "A response of the endpoint that `model` names (Databricks, for OpenAI's SDKs)",
        make: |_| answer(Dialect::OpenAiResponses),
        ..POST
    },
    Entry {
        path: "/api/2.0/serving-endpoints",
        tag: Tag::Databricks,
        id: "listServingEndpoints",
        summary: "The endpoints that the key may use (Databricks)",
        ..LIST
    },
    Entry {
        path: "/api/2.0/serving-endpoints/",
        tag: Tag::Databricks,
        id: "listServingEndpointsOfClient",
        summary: "The same, as MLflow's client for Databricks asks",
        ..LIST
    },
    Entry {
        path: "/api/2.0/serving-endpoints/{*id}",
        tag: Tag::Databricks,
        id: "getServingEndpoint",
        summary: "One endpoint (Databricks)",
        ..ONE
    },
];

const fn embeddings() -> Route {
    other(Dialect::OpenAiChat, Kind::Embed(embed::Format::OpenAi))
}

/// A call of the endpoint `name`; what it is, its body says.
const fn invocation(name: String) -> Route {
    Route::Call(Asks {
        dialect: Dialect::OpenAiChat,
        kind: Kind::Answer,
        address: None,
        endpoint: Some(name),
    })
}

/// A path of a call in which an endpoint's name is one segment: names of the form `PROVIDER/MODEL` have slashes, which
/// MLflow's client sends as they are.
pub(super) fn in_one_segment(path: &str) -> Cow<'_, str> {
    for prefix in ["/gateway/", "/endpoints/", "/serving-endpoints/"] {
        let Some(rest) = path.strip_prefix(prefix) else { continue };
        for suffix in ["/mlflow/invocations", "/invocations"] {
            if let Some(name) = rest.strip_suffix(suffix)
                && (prefix == "/gateway/" || suffix == "/invocations")
            {
                if !name.contains('/') {
                    return path.into();
                }
                return format!("{prefix}{}{suffix}", name.replace('/', "%2F")).into();
            }
        }
    }
    path.into()
}

#[cfg(test)]
mod tests {
    use super::super::routes::Router;
    use super::*;

    #[test]
    fn endpoints_are_named_by_the_address() {
        let router = Router::new();
        for (path, name) in [
            ("/gateway/chat/invocations", "chat"),
            ("/gateway/chat/mlflow/invocations", "chat"),
            ("/gateway/mlflow/invocations", "mlflow"),
            ("/gateway/openai/invocations", "openai"),
            ("/endpoints/openai/gpt-4o/invocations", "openai/gpt-4o"),
            ("/endpoints/together%2Fmeta-llama%2FLlama-3/invocations", "together/meta-llama/Llama-3"),
            ("/gateway/openai/gpt-4o/mlflow/invocations", "openai/gpt-4o"),
            ("/serving-endpoints/chat/invocations", "chat"),
            ("/serving-endpoints/completions/invocations", "completions"),
        ] {
            match router.find(&Method::POST, path, None) {
                Ok(Route::Call(asks)) => assert_eq!(asks.endpoint.as_deref(), Some(name), "{path}"),
                other => panic!("{path}: {other:?}"),
            }
        }
    }

    #[test]
    fn endpoints_are_listed() {
        let router = Router::new();
        let find = |path| router.find(&Method::GET, path, None).unwrap();
        for path in ["/api/2.0/endpoints/", "/api/2.0/endpoints", "/api/2.0/serving-endpoints"] {
            assert_eq!(find(path), Route::Endpoints, "{path}");
        }
        for path in ["/api/2.0/endpoints/demo/echo", "/api/2.0/serving-endpoints/demo%2Fecho"] {
            assert_eq!(find(path), Route::Endpoint("demo/echo".to_owned()), "{path}");
        }
    }
}
