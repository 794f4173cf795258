//! The configuration document: read with every problem at once, checked, described.
//!
//! This module takes a document as a [`serde_json::Value`] and never reads a file, the environment or a store. It never
//! shows the value of a secret.

mod check;
mod collection;
#[macro_use]
mod declare;
pub(crate) mod credential;
mod demo;
mod document;
mod name;
mod path;
mod problem;
mod reader;
mod rest;
mod scalar;
mod schema;
mod secret;
mod shape;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use collection::Map;
pub use credential::{Aws, ClientMethod, Entra, Google, OAuth, Watsonx};
pub use document::{
    Cache, CatalogEntry, Config, Format, Model, Payloads, Provider, Records, Retry, Server, Strategy, Target,
    Timeouts, Unsupported,
};
pub use path::Path;
pub use problem::{Problem, nearest};
pub(crate) use rest::CHAT as REST_CHAT;
pub use rest::{Rest, RestChat, RestInvocation};
pub use schema::json_schema;
pub use secret::{HIDDEN, MissingSecret, SecretText, SecretTextError};
pub use shape::{Description, Field, Presence};

use reader::Reader;
use shape::Shape;

/// Reads and checks a document.
///
/// # Errors
/// Every problem of the document, in its order as far as possible.
pub fn parse(document: &Value) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
    let mut reader = Reader::default();
    let config = Config::read(document, &mut reader);
    reader.resolve(|what| check::defined(document, what));
    if let Some(config) = &config {
        check::fallback_loops(config, &mut reader);
    }
    match config {
        Some(config) if reader.problems.is_empty() => Ok((config, reader.warnings)),
        _ => Err(reader.problems),
    }
}

/// The shape of the whole document, for documentation.
#[must_use]
pub fn describe() -> Description {
    Config::describe()
}

impl Config {
    /// The configuration as a document, complete with defaults. Literal secrets are [`HIDDEN`].
    #[must_use]
    pub fn document(&self) -> Value {
        Self::write(self)
    }

    /// References to secrets for which `has_secret` says no, with the places that need them.
    #[must_use]
    pub fn missing_secrets(&self, has_secret: &dyn Fn(&str) -> bool) -> Vec<Problem> {
        let mut missing = Vec::new();
        let mut look = |path: Path, text: &SecretText| {
            for name in text.names().filter(|name| !has_secret(name)) {
                let message = format!("the secret {name} is not set");
                missing.push(Problem { path: path.to_string(), message, suggestion: None });
            }
        };
        for (name, provider) in &self.providers {
            let here = Path::default().key("providers").key(name);
            if let Some(text) = &provider.base_url {
                look(here.key("base_url"), text);
            }
            if let Some(text) = &provider.api_key {
                look(here.key("api_key"), text);
            }
            for (at, text) in credential::texts(provider, &here) {
                look(at, text);
            }
            if provider.aws.as_ref().is_some_and(|aws| aws.access_key_id.is_none()) {
                let here = here.key("aws");
                look(here.key("access_key_id"), &SecretText::reference(credential::AWS_KEY_ID));
                look(here.key("secret_access_key"), &SecretText::reference(credential::AWS_SECRET));
            }
            for (header, text) in &provider.headers {
                look(here.key("headers").key(header), text);
            }
        }
        missing
    }

    /// Catalog figures of this document for a provider's model, if there are any.
    #[must_use]
    pub fn catalog_entry(&self, provider: &str, upstream: &str) -> Option<&CatalogEntry> {
        // Most documents have none: no text is put together for them on the way of a call.
        if self.catalog.is_empty() {
            return None;
        }
        self.catalog.get(&format!("{provider}/{upstream}"))
    }
}
