//! The route table as data. It feeds the router and the OpenAPI document.

use http::{Method, StatusCode};
use postern_wire::dialect::Framing;
use postern_wire::embed::gemini::Method as EmbedMethod;
use postern_wire::{Dialect, embed};

use super::media_routes::MEDIA;
use super::mlflow_routes::{MLFLOW, in_one_segment};
use super::service_routes::SERVICES;
use crate::error::{ErrorKind, GatewayError};
use crate::pipeline::{Address, Asks, Kind, Resource};

/// What an administrator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AdminOperation {
    CreateKey,
    ListKeys,
    RevokeKey(String),
    Usage,
    Logs,
    ReadConfig,
    WriteConfig,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// A call about a conversation.
    Call(Asks),
    /// A call about what a provider keeps, with its id.
    Resource(Resource, String),
    Models,
    Model(String),
    /// The list of endpoints, and one of them, in the shape of the path.
    Endpoints,
    Endpoint(String),
    Admin(AdminOperation),
    Health,
    Ready,
    OpenApi,
}

/// One method on one path.
pub(crate) struct Entry {
    pub(crate) method: Method,
    /// In matchit's syntax: `{name}` is one segment, `{*name}` the rest.
    pub(crate) path: &'static str,
    pub(crate) tag: Tag,
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    /// The names of the schemas of the request's body, if it has one, and of the answer's.
    pub(crate) body: Option<&'static str>,
    pub(crate) answer: &'static str,
    /// The status of success.
    pub(crate) success: StatusCode,
    /// Whether the answer may be a stream.
    pub(crate) streams: bool,
    /// Parameters of the query, with what they mean.
    pub(crate) query: &'static [(&'static str, &'static str)],
    pub(super) make: fn(String) -> Route,
}

impl Entry {
    /// What most operations are: a GET that answers 200 with JSON.
    pub(super) const GET: Self = Self {
        method: Method::GET,
        path: "",
        tag: Tag::Operations,
        id: "",
        summary: "",
        body: None,
        answer: "",
        success: StatusCode::OK,
        streams: false,
        query: &[],
        make: |_| Route::Health,
    };
}

/// Who a route is for, which also says how its callers authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// Callers of models, with a key.
    OpenAi,
    /// The same, with Anthropic's SDKs.
    Anthropic,
    /// The same, with Gemini's.
    Gemini,
    /// The same, with Cohere's.
    Cohere,
    /// The same, with MLflow's client.
    Mlflow,
    /// The same, with Databricks' clients.
    Databricks,
    /// Administrators, with their token.
    Administration,
    /// Whoever operates the deployment, without credentials.
    Operations,
}

/// Every route there is.
pub(crate) fn table() -> impl Iterator<Item = &'static Entry> {
    TABLE.iter().chain(SERVICES).chain(MLFLOW).chain(MEDIA)
}

/// The routes of vendors and of our own.
const TABLE: &[Entry] = &[
    Entry {
        method: Method::POST,
        path: "/v1/chat/completions",
        tag: Tag::OpenAi,
        id: "createChatCompletion",
        summary: "A chat completion, whole or streamed (OpenAI Chat Completions)",
        body: Some("ChatRequest"),
        answer: "ChatResponse",
        streams: true,
        make: |_| answer(Dialect::OpenAiChat),
        ..Entry::GET
    },
    Entry {
        method: Method::POST,
        path: "/v1/responses",
        tag: Tag::OpenAi,
        id: "createResponse",
        summary: "A response, whole or streamed (OpenAI Responses)",
        body: Some("VendorRequest"),
        answer: "VendorAnswer",
        streams: true,
        make: |_| answer(Dialect::OpenAiResponses),
        ..Entry::GET
    },
    Entry {
        method: Method::POST,
        path: "/v1/completions",
        tag: Tag::OpenAi,
        id: "createCompletion",
        summary: "A completion, whole or streamed (OpenAI's older Completions)",
        body: Some("VendorRequest"),
        answer: "VendorAnswer",
        streams: true,
        make: |_| answer(Dialect::OpenAiCompletions),
        ..Entry::GET
    },
    Entry {
        method: Method::POST,
        path: "/v1/messages",
        tag: Tag::Anthropic,
        id: "createMessage",
        summary: "A message, whole or streamed (Anthropic Messages)",
        body: Some("VendorRequest"),
        answer: "VendorAnswer",
        streams: true,
        make: |_| answer(Dialect::Anthropic),
        ..Entry::GET
    },
    Entry {
        method: Method::POST,
        path: "/v1/messages/count_tokens",
        tag: Tag::Anthropic,
        id: "countMessageTokens",
        summary: "How many tokens a prompt has (Anthropic Messages)",
        body: Some("VendorRequest"),
        answer: "VendorAnswer",
        make: |_| {
            let (kind, dialect) = (Kind::Count, Dialect::Anthropic);
            Route::Call(Asks { dialect, kind, address: None, endpoint: None })
        },
        ..Entry::GET
    },
    Entry {
        method: Method::POST,
        path: "/v1beta/models/{*id}",
        tag: Tag::Gemini,
        id: "generateContent",
        summary: "MODEL:generateContent, :streamGenerateContent, :countTokens, :embedContent, :batchEmbedContents (Gemini)",
        body: Some("VendorRequest"),
        answer: "VendorAnswer",
        streams: true,
        query: &[("alt", "sse: a stream as events, not as one JSON array")],
        make: |_| answer(Dialect::Gemini),
        ..Entry::GET
    },
    Entry {
        path: "/v1/models",
        tag: Tag::OpenAi,
        id: "listModels",
        summary: "The models that the key may use; in Anthropic's shape and pages for a caller with anthropic-version or x-api-key",
        answer: "ModelList",
        query: &[
            ("limit", "Anthropic: at most 1000"),
            ("after_id", "Anthropic: the last id of the page before"),
            ("before_id", "Anthropic: the first id of the page behind"),
        ],
        make: |_| Route::Models,
        ..Entry::GET
    },
    Entry {
        path: "/v1/models/{*id}",
        tag: Tag::OpenAi,
        id: "retrieveModel",
        summary: "One model, also of the form PROVIDER/MODEL",
        answer: "Model",
        make: Route::Model,
        ..Entry::GET
    },
    Entry {
        method: Method::POST,
        path: "/admin/v1/keys",
        tag: Tag::Administration,
        id: "createKey",
        summary: "Makes a virtual key; its text is in this answer and never again",
        body: Some("NewKey"),
        answer: "CreatedKey",
        success: StatusCode::CREATED,
        make: |_| Route::Admin(AdminOperation::CreateKey),
        ..Entry::GET
    },
    Entry {
        path: "/admin/v1/keys",
        tag: Tag::Administration,
        id: "listKeys",
        summary: "Keys, without their secrets",
        answer: "KeyList",
        query: &[
            ("tenant", "only this tenant's"),
            ("after", "the last id of the page before"),
            ("limit", "at most 1000"),
        ],
        make: |_| Route::Admin(AdminOperation::ListKeys),
        ..Entry::GET
    },
    Entry {
        method: Method::DELETE,
        path: "/admin/v1/keys/{id}",
        tag: Tag::Administration,
        id: "revokeKey",
        summary: "Revokes a key",
        answer: "Key",
        make: |id| Route::Admin(AdminOperation::RevokeKey(id)),
        ..Entry::GET
    },
    Entry {
        path: "/admin/v1/usage",
        tag: Tag::Administration,
        id: "readUsage",
        summary: "Calls, tokens and cost, summed by tenant, key, model, provider, day",
        answer: "Usage",
        query: &[
            ("by", "columns, divided by commas: tenant, key, model, provider, day"),
            ("tenant", "only this tenant's"),
            ("since", "from this day on: 30d, 2026-01-31, or a time by RFC 3339"),
            ("until", "before this day, in the same forms"),
        ],
        make: |_| Route::Admin(AdminOperation::Usage),
        ..Entry::GET
    },
    Entry {
        path: "/admin/v1/logs",
        tag: Tag::Administration,
        id: "readLogs",
        summary: "The records of calls",
        answer: "Logs",
        query: &[
            ("tenant", "only this tenant's"),
            ("key", "only this key's, by its id"),
            ("model", "only calls of this model"),
            ("after", "the last id of the page before"),
            ("limit", "at most 1000"),
            ("order", "desc, newest first, or asc"),
        ],
        make: |_| Route::Admin(AdminOperation::Logs),
        ..Entry::GET
    },
    Entry {
        path: "/admin/v1/config",
        tag: Tag::Administration,
        id: "readConfig",
        summary: "The configuration in force, secrets hidden",
        answer: "Config",
        make: |_| Route::Admin(AdminOperation::ReadConfig),
        ..Entry::GET
    },
    Entry {
        method: Method::PUT,
        path: "/admin/v1/config",
        tag: Tag::Administration,
        id: "writeConfig",
        summary: "Checks a configuration and puts it in force, or refuses it with every problem",
        body: Some("ConfigDocument"),
        answer: "ConfigWritten",
        make: |_| Route::Admin(AdminOperation::WriteConfig),
        ..Entry::GET
    },
    Entry {
        path: "/healthz",
        tag: Tag::Operations,
        id: "health",
        summary: "The process lives",
        answer: "Health",
        make: |_| Route::Health,
        ..Entry::GET
    },
    Entry {
        path: "/readyz",
        tag: Tag::Operations,
        id: "ready",
        summary: "The gateway can serve calls, or what it lacks",
        answer: "Health",
        make: |_| Route::Ready,
        ..Entry::GET
    },
    Entry {
        path: "/openapi.json",
        tag: Tag::Operations,
        id: "openapi",
        summary: "This document",
        answer: "OpenApi",
        make: |_| Route::OpenApi,
        ..Entry::GET
    },
];

pub(super) const fn answer(dialect: Dialect) -> Route {
    Route::Call(Asks { dialect, kind: Kind::Answer, address: None, endpoint: None })
}

pub(super) const fn other(errors: Dialect, kind: Kind) -> Route {
    Route::Call(Asks { dialect: errors, kind, address: None, endpoint: None })
}

/// Takes `MODEL:METHOD` apart.
fn gemini(address: &str, query: &str) -> Result<Route, GatewayError> {
    let (model, method) = address.rsplit_once(':').unwrap_or((address, ""));
    let (kind, stream) = match method {
        "generateContent" => (Kind::Answer, false),
        "streamGenerateContent" => (Kind::Answer, true),
        "countTokens" => (Kind::Count, false),
        "embedContent" => (Kind::Embed(embed::Format::Gemini(EmbedMethod::EmbedContent)), false),
        "batchEmbedContents" => (Kind::Embed(embed::Format::Gemini(EmbedMethod::BatchEmbedContents)), false),
        _ => {
            let text = format!(
                "there is no method `{method}` of models here: generateContent, streamGenerateContent, countTokens, embedContent and batchEmbedContents are"
            );
            return Err(GatewayError::new(ErrorKind::UnknownRoute, text));
        }
    };
    if model.is_empty() {
        return Err(
            GatewayError::new(ErrorKind::InvalidRequest, "name the model before the colon").at("model")
        );
    }
    let events = query.split('&').any(|pair| pair == "alt=sse");
    let framing = if stream && !events { Framing::Array } else { Framing::Events };
    let address = Some(Address { model: model.to_owned(), stream, framing });
    Ok(Route::Call(Asks { dialect: Dialect::Gemini, kind, address, endpoint: None }))
}

/// Finds routes.
pub(crate) struct Router {
    /// Each path leads to the [`entries`] that have it, one a method.
    paths: matchit::Router<Vec<&'static Entry>>,
}

impl Router {
    pub(crate) fn new() -> Self {
        let mut by_path = std::collections::BTreeMap::<&str, Vec<&'static Entry>>::new();
        for entry in table() {
            by_path.entry(entry.path).or_default().push(entry);
        }
        let mut paths = matchit::Router::new();
        for (path, entries) in by_path {
            let inserted = paths.insert(path, entries);
            debug_assert!(inserted.is_ok(), "a path of the table is malformed or ambiguous: {path}");
        }
        Self { paths }
    }

    pub(crate) fn find(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
    ) -> Result<Route, GatewayError> {
        let Ok(found) = self.paths.at(&in_one_segment(path)).map(|found| {
            let parameter = found.params.iter().next().map_or("", |(_, value)| value);
            (found.value, percent_encoding::percent_decode_str(parameter).decode_utf8_lossy().into_owned())
        }) else {
            let text = format!("there is nothing at {path}: /openapi.json lists what there is");
            return Err(GatewayError::new(ErrorKind::UnknownRoute, text));
        };
        // A HEAD is a GET whose body the HTTP server leaves out.
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        let (entries, parameter) = found;
        let Some(entry) = entries.iter().find(|entry| entry.method == *wanted) else {
            let takes: Vec<&str> = entries.iter().map(|entry| entry.method.as_str()).collect();
            let text = format!("{path} takes {}, not {method}", takes.join(" and "));
            let allow = Some(takes.join(", "));
            return Err(GatewayError { allow, ..GatewayError::new(ErrorKind::MethodNotAllowed, text) });
        };
        if entry.tag == Tag::Gemini && entry.method == Method::POST {
            return gemini(&parameter, query.unwrap_or_default());
        }
        Ok((entry.make)(parameter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_by_its_own_path() {
        let router = Router::new();
        for entry in table() {
            let model = if entry.tag == Tag::Gemini { "m:countTokens" } else { "openai%2Fgpt-4o" };
            let path = entry.path.replace("{*id}", model).replace("{id}", "k1");
            assert!(router.find(&entry.method, &path, None).is_ok(), "{} {path}", entry.method);
        }
        let model = router.find(&Method::GET, "/v1/models/demo/echo", None).unwrap();
        assert_eq!(model, Route::Model("demo/echo".to_owned()));
        let encoded = router.find(&Method::GET, "/v1/models/openai%2Fgpt-4o", None).unwrap();
        assert_eq!(encoded, Route::Model("openai/gpt-4o".to_owned()));
    }

    #[test]
    fn gemini_says_model_and_stream_in_the_address() {
        let router = Router::new();
        let find = |path: &str, query| match router.find(&Method::POST, path, query) {
            Ok(Route::Call(asks)) => asks.address.unwrap(),
            other => panic!("{path}: {other:?}"),
        };
        let whole = find("/v1beta/models/demo/echo:generateContent", Some("key=k"));
        assert_eq!(whole, Address { model: "demo/echo".into(), stream: false, framing: Framing::Events });
        let array = find("/v1beta/models/m:streamGenerateContent", None);
        assert_eq!((array.stream, array.framing), (true, Framing::Array));
        let events = find("/v1beta/models/m:streamGenerateContent", Some("key=k&alt=sse"));
        assert_eq!((events.stream, events.framing), (true, Framing::Events));
        let other = router.find(&Method::POST, "/v1beta/models/m:predict", None).unwrap_err();
        assert_eq!(other.kind, ErrorKind::UnknownRoute);
    }

    #[test]
    fn what_there_is_not_is_told_apart() {
        let router = Router::new();
        let wrong_method = router.find(&Method::GET, "/v1/chat/completions", None).unwrap_err();
        assert_eq!(wrong_method.kind, ErrorKind::MethodNotAllowed);
        assert!(wrong_method.message.contains("POST"));
        assert_eq!(router.find(&Method::GET, "/v9", None).unwrap_err().kind, ErrorKind::UnknownRoute);
    }
}
