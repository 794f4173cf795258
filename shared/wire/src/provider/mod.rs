//! Vendors: where to send a request, how to authenticate it, and what is odd about it.
//!
//! A vendor that speaks OpenAI Chat Completions is one row of [`table`], not a module. This module never reads a body
//! and never keeps a key: both are lent to [`Endpoint::request`] for one request.

mod base_url;
mod endpoint;
mod media;
mod services;
mod table;
#[cfg(test)]
mod tests;
pub mod vertex;
pub mod watsonx;

use crate::Dialect;

pub use base_url::BaseUrlError;
pub use endpoint::{Endpoint, Operation};
pub use media::Offer;
pub use services::Service;

/// The kind of the built-in echo provider: it has no URL and is answered inside the gateway.
pub const DEMO: &str = "demo";

/// The kind of a service whose formats the configuration declares.
pub const REST: &str = "rest";

/// What this gateway knows of one vendor.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    /// The name used in the configuration, `kind: groq`, and in the catalog.
    pub kind: &'static str,
    /// The vendor's name, for people.
    pub title: &'static str,
    /// What the vendor's own SDK takes as its base URL, without a slash at the end. Empty when every account has its
    /// own, which must then be configured.
    pub base_url: &'static str,
    /// The form of the base URL where [`base_url`](Self::base_url) is empty, for error messages and documentation.
    pub base_url_form: &'static str,
    /// The environment variable in which the vendor's own tools expect the key. Empty when no key is needed, as with
    /// servers that people run themselves; a key that is configured is still sent.
    pub key_variable: &'static str,
    /// The formats that the vendor speaks and where, the one to prefer first. Empty for the built-in provider.
    pub ways: &'static [Way],
    /// The path of the model list, appended to the base URL.
    pub models_path: &'static str,
    /// How the key is sent.
    pub auth: Auth,
    /// What else than a key proves an account.
    pub account: Account,
    /// Whether `stream_options.include_usage` may be sent. Vendors that refuse unknown fields answer a 4xx to it, and
    /// report the usage of a stream without being asked.
    pub stream_options: bool,
    /// Headers that the vendor requires of every request, unless the caller or the operator sets them.
    pub headers: &'static [(&'static str, &'static str)],
}

/// A format that a vendor speaks, and where. Paths are appended to the base URL; `{model}` stands for the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The format.
    pub dialect: Dialect,
    /// Where whole answers are asked for.
    pub path: &'static str,
    /// Where streams are asked for, with a query if there is one; empty if nowhere.
    pub stream_path: &'static str,
    /// Where tokens are counted; empty if nowhere.
    pub count_path: &'static str,
    /// Which of the vendor's models speak it.
    pub models: Models,
    /// What the vendor wants of a body beside the format.
    pub dress: Dress,
}

/// Which models of a vendor speak a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Models {
    /// All of them.
    All,
    /// Claude, by its name or that of its maker.
    Claude,
    /// Those that are named with their maker, `meta/llama-...`, but for Claude and Google's own.
    Made,
    /// All that are neither.
    Google,
}

impl Models {
    /// Whether a model is among them.
    #[must_use]
    pub fn has(self, model: &str) -> bool {
        let claude = model.starts_with("claude") || model.starts_with("anthropic/");
        let made = model.contains('/') && !model.starts_with("google/");
        match self {
            Self::All => true,
            Self::Claude => claude,
            Self::Made => made && !claude,
            Self::Google => !made && !claude,
        }
    }

    /// The model's name without that of its maker, where the address has that in another place.
    fn bare(self, model: &str) -> &str {
        let maker = match self {
            Self::Claude => "anthropic/",
            Self::Google => "google/",
            Self::All | Self::Made => return model,
        };
        model.strip_prefix(maker).unwrap_or(model)
    }
}

/// What a vendor wants of a body beside its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dress {
    /// Nothing.
    Plain,
    /// As Claude on Vertex AI: [`vertex::dress`]. Answers are as everywhere.
    Vertex,
    /// No name of the model: servers of one model, which the address names, may refuse a field that they do not expect.
    Unnamed,
    /// As watsonx: [`watsonx::dress`]. Answers have fewer fields than the format says, so they are told anew.
    Watsonx,
}

impl Dress {
    /// Whether answers are as the format says, so that their bytes may pass.
    #[must_use]
    pub const fn keeps_answers(self) -> bool {
        !matches!(self, Self::Watsonx)
    }
}

impl Way {
    /// A format with one path for all answers.
    const fn at(dialect: Dialect, path: &'static str) -> Self {
        Self { dialect, path, stream_path: path, count_path: "", models: Models::All, dress: Dress::Plain }
    }
}

/// How a vendor takes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// The bare key in a header of this name (lower case).
    Header(&'static str),
    /// No key is ever sent.
    None,
}

/// What else than a key proves an account with a vendor, and so which section of the configuration a kind takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// A token of some service by OAuth 2.0, which may stand in front of any server.
    OAuth {
        /// Where the vendor's own is, below the host of its base URL; empty where there is none.
        token_path: &'static str,
    },
    /// A token of Microsoft Entra ID.
    Entra,
    /// A token of Google Cloud, for a service account.
    Google,
    /// A token of IBM Cloud, in place of the API key.
    Ibm,
    /// A signature of AWS.
    Aws {
        /// The name that requests are signed for.
        service: &'static str,
    },
}

impl Preset {
    /// Whether the vendor takes a key at all.
    #[must_use]
    pub fn takes_key(&self) -> bool {
        self.auth != Auth::None && self.account != Account::Google
    }

    /// The address in a region or location, where the vendor's has that in it.
    #[must_use]
    pub fn address_in(&self, region: &str) -> Option<String> {
        match self.account {
            Account::Google => Some(vertex::address(region)),
            Account::Aws { .. } => {
                let china = if region.starts_with("cn-") { ".cn" } else { "" };
                self.base_url_form
                    .contains("REGION")
                    .then(|| format!("{}{china}", self.base_url_form.replace("REGION", region)))
            }
            Account::OAuth { .. } | Account::Entra | Account::Ibm => None,
        }
    }

    /// Whether the configuration must give a base URL.
    #[must_use]
    pub fn needs_base_url(&self) -> bool {
        self.base_url.is_empty() && !self.is_demo()
    }

    /// Whether the vendor refuses calls without a key.
    #[must_use]
    pub fn needs_key(&self) -> bool {
        !self.key_variable.is_empty()
    }

    /// Every format that the vendor speaks or, where it follows OpenAI, may speak beside Chat Completions.
    pub fn every_way(&self) -> impl Iterator<Item = &'static Way> {
        let kin = if self.is_openai_like() { table::OPENAI } else { &[] };
        let more = kin.iter().filter(|way| !self.ways.contains(way));
        self.ways.iter().chain(more)
    }

    /// The way to speak a format, among [`every_way`](Self::every_way).
    #[must_use]
    pub fn way_in(&self, dialect: Dialect) -> Option<&'static Way> {
        self.every_way().find(|way| way.dialect == dialect)
    }

    /// Whether the vendor follows OpenAI, so that its other formats would be beside Chat Completions.
    #[must_use]
    pub fn is_openai_like(&self) -> bool {
        self.ways.first().is_some_and(|way| *way == table::CHAT)
    }

    /// The format in whose words the vendor tells of errors.
    #[must_use]
    pub fn errors(&self) -> Dialect {
        self.ways.first().map_or(Dialect::OpenAiChat, |way| way.dialect)
    }

    /// Whether the configuration declares what the service takes and gives.
    #[must_use]
    pub fn is_declared(&self) -> bool {
        self.kind == REST
    }

    /// Whether this is the built-in echo provider.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.kind == DEMO
    }
}

/// The vendor of a `kind`, exactly as written in the table (lower case).
#[must_use]
pub fn preset(kind: &str) -> Option<&'static Preset> {
    let index = table::PRESETS.binary_search_by(|preset| preset.kind.cmp(kind)).ok()?;
    table::PRESETS.get(index)
}

/// Every vendor, in alphabetical order of `kind`.
#[must_use]
pub fn presets() -> &'static [Preset] {
    table::PRESETS
}

/// Every `kind`, in alphabetical order.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    table::PRESETS.iter().map(|preset| preset.kind)
}
