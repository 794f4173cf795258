//! The formats that callers and upstreams speak in the corpus, as far as the player must know them.

use postern_testkit::script::Vendor;
use postern_testkit::vendor;
use serde::Deserialize;

use super::Service;

/// A wire format. The name of an area is the format of its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// OpenAI Chat Completions.
    #[serde(rename = "openai_chat")]
    OpenAiChat,
    /// OpenAI Responses.
    #[serde(rename = "openai_responses")]
    OpenAiResponses,
    /// OpenAI's older Completions.
    #[serde(rename = "openai_completions")]
    OpenAiCompletions,
    /// Anthropic Messages.
    Anthropic,
    /// Gemini.
    Gemini,
    /// Bedrock's Converse.
    Bedrock,
    /// Cohere's chat.
    Cohere,
    /// MLflow's gateway: formats of OpenAI, the model in the address.
    Mlflow,
    /// Databricks' serving endpoints: the same.
    Databricks,
    /// What is no conversation.
    #[serde(untagged)]
    Service(Service),
}

impl Format {
    /// The format whose path this is; OpenAI's for paths that are nobody's.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        // What MLflow's tracking server passes on to a vendor is that vendor's.
        let vendors = ["/gateway/openai", "/gateway/anthropic", "/gateway/gemini"];
        let passed = vendors.iter().find_map(|vendor| path.strip_prefix(vendor));
        let path = passed.filter(|rest| rest.starts_with("/v1")).unwrap_or(path);
        if let Some(service) = Service::of_path(path) {
            return Self::Service(service);
        }
        if path.starts_with("/v1/messages") {
            Self::Anthropic
        } else if path.starts_with("/v1beta/") {
            Self::Gemini
        } else if path.starts_with("/v2/") {
            Self::Cohere
        } else if ["/gateway/", "/endpoints/", "/api/2.0/endpoints"]
            .iter()
            .any(|under| path.starts_with(under))
        {
            Self::Mlflow
        } else if path.starts_with("/serving-endpoints/") || path.starts_with("/api/2.0/serving-endpoints") {
            Self::Databricks
        } else {
            match path {
                "/v1/responses" | "/v1/responses/input_tokens" => Self::OpenAiResponses,
                "/v1/completions" => Self::OpenAiCompletions,
                _ => Self::OpenAiChat,
            }
        }
    }

    /// The format that an area is named after; OpenAI's for others.
    #[must_use]
    pub fn of_area(area: &str) -> Self {
        serde_json::from_value(area.into()).unwrap_or(Self::OpenAiChat)
    }

    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai_chat",
            Self::OpenAiResponses => "openai_responses",
            Self::OpenAiCompletions => "openai_completions",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
            Self::Cohere => "cohere",
            Self::Mlflow => "mlflow",
            Self::Databricks => "databricks",
            Self::Service(service) => service.names().0,
        }
    }

    /// Where a model is asked.
    #[must_use]
    pub fn path(self, model: &str, stream: bool) -> String {
        match self {
            Self::OpenAiChat => "/v1/chat/completions".to_owned(),
            Self::OpenAiResponses => "/v1/responses".to_owned(),
            Self::OpenAiCompletions => "/v1/completions".to_owned(),
            Self::Anthropic => "/v1/messages".to_owned(),
            Self::Gemini if stream => format!("/v1beta/models/{model}:streamGenerateContent"),
            Self::Gemini => format!("/v1beta/models/{model}:generateContent"),
            Self::Bedrock if stream => format!("/model/{model}/converse-stream"),
            Self::Bedrock => format!("/model/{model}/converse"),
            Self::Cohere => "/v2/chat".to_owned(),
            Self::Mlflow => format!("/gateway/{model}/invocations"),
            Self::Databricks => format!("/serving-endpoints/{model}/invocations"),
            Self::Service(service) => service.path(model),
        }
    }

    /// The operation's name in records.
    #[must_use]
    pub const fn operation(self) -> &'static str {
        match self {
            Self::Service(service) => service.names().1,
            _ => "chat",
        }
    }

    /// The format of conversations whose errors go with it.
    #[must_use]
    pub const fn kin(self) -> Self {
        match self {
            Self::Service(service) => service.kin(),
            other => other,
        }
    }

    /// Whether the address says the model.
    #[must_use]
    pub const fn is_addressed(self) -> bool {
        match self {
            Self::Gemini => true,
            Self::Service(service) => service.is_addressed(),
            _ => false,
        }
    }

    /// The format of an upstream that gets a caller's bytes but for the model.
    #[must_use]
    pub const fn usual_upstream(self) -> Self {
        match self {
            Self::Mlflow | Self::Databricks => Self::OpenAiChat,
            other => other,
        }
    }

    /// Where a vendor of the format takes its key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self.kin() {
            Self::Anthropic => "x-api-key",
            Self::Gemini => "x-goog-api-key",
            _ => "authorization",
        }
    }

    /// What a vendor of the format refuses.
    #[must_use]
    pub fn vendor(self) -> Vendor {
        match self {
            Self::OpenAiChat => vendor::openai_chat::refuse,
            Self::OpenAiResponses => vendor::openai_responses::refuse,
            Self::Anthropic => vendor::anthropic::refuse,
            Self::Gemini => vendor::gemini::refuse,
            Self::OpenAiCompletions => vendor::openai_completions::refuse,
            Self::Bedrock => vendor::bedrock::refuse,
            Self::Cohere => vendor::cohere::refuse,
            Self::Service(service) => service.vendor(),
            // Nobody is asked in these.
            Self::Mlflow | Self::Databricks => vendor::openai_chat::refuse,
        }
    }
}
