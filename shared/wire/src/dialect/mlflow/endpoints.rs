//! What MLflow's clients ask before they predict: which endpoints there are, `GET /api/2.0/endpoints/`, and what one is,
//! `GET /api/2.0/endpoints/NAME`. Databricks' clients ask `GET /api/2.0/serving-endpoints` instead.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::dialect::fields::put;

/// What an endpoint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndpointType {
    /// Conversations.
    Chat,
    /// Texts to go on with.
    Completions,
    /// Vectors.
    Embeddings,
}

impl EndpointType {
    /// MLflow's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "llm/v1/chat",
            Self::Completions => "llm/v1/completions",
            Self::Embeddings => "llm/v1/embeddings",
        }
    }

    /// By MLflow's word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Chat, Self::Completions, Self::Embeddings].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// An endpoint as clients are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is for.
    pub kind: EndpointType,
    /// The model behind it.
    pub model: &'a str,
    /// The vendor of the model.
    pub provider: &'a str,
}

impl Endpoint<'_> {
    /// As MLflow says it. The client puts its own address in front of `endpoint_url`; it requires `limit`.
    fn as_value(&self) -> Value {
        json!({
            "name": self.name,
            "endpoint_type": self.kind.as_str(),
            "model": {"name": self.model, "provider": self.provider},
            "endpoint_url": format!("/gateway/{}/invocations", self.name),
            "limit": null,
        })
    }

    /// As Databricks says it.
    fn as_serving(&self) -> Value {
        let model = json!({"name": self.model, "provider": self.provider, "task": self.kind.as_str()});
        json!({
            "name": self.name,
            "task": self.kind.as_str(),
            "endpoint_type": "EXTERNAL_MODEL",
            "state": {"ready": "READY", "config_update": "NOT_UPDATING"},
            "config": {"served_entities": [{"name": self.name, "external_model": model}]},
        })
    }
}

/// Writes what one endpoint is, for MLflow's client.
#[must_use]
pub fn encode_endpoint(endpoint: &Endpoint<'_>) -> Bytes {
    endpoint.as_value().to_string().into()
}

/// Writes a page of endpoints, for MLflow's client. `next` is what it sends as `page_token` to get the next page; it asks
/// until there is none.
#[must_use]
pub fn encode_endpoints<'a>(endpoints: impl IntoIterator<Item = Endpoint<'a>>, next: Option<&str>) -> Bytes {
    let list: Vec<Value> = endpoints.into_iter().map(|endpoint| endpoint.as_value()).collect();
    let mut map = Map::new();
    put(&mut map, "endpoints", list);
    put(&mut map, "next_page_token", next.map_or(Value::Null, Value::from));
    Value::Object(map).to_string().into()
}

/// Writes what one endpoint is, for Databricks' client.
#[must_use]
pub fn encode_serving_endpoint(endpoint: &Endpoint<'_>) -> Bytes {
    endpoint.as_serving().to_string().into()
}

/// Writes the list of endpoints, for Databricks' client.
#[must_use]
pub fn encode_serving_endpoints<'a>(endpoints: impl IntoIterator<Item = Endpoint<'a>>) -> Bytes {
    let list: Vec<Value> = endpoints.into_iter().map(|endpoint| endpoint.as_serving()).collect();
    json!({"endpoints": list}).to_string().into()
}
