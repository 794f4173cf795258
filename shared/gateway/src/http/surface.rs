//! Whose API a path belongs to, which says how errors are told there, also where nothing is.

use bytes::Bytes;
use postern_wire::Dialect;
use postern_wire::dialect::{ErrorBody, mlflow};

/// Whose API a path belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    /// The vendor's whose format is spoken.
    Vendor(Dialect),
    /// MLflow's gateway: formats of OpenAI, errors of its own.
    Mlflow,
    /// Databricks' serving endpoints: the same.
    Databricks,
}

impl Surface {
    /// Paths that are nobody's speak as OpenAI does.
    pub(crate) const OTHER: Self = Self::Vendor(Dialect::OpenAiChat);

    /// The same for a call that is known to be in this format.
    pub(crate) const fn of_call(self, dialect: Dialect) -> Self {
        match self {
            Self::Vendor(_) => Self::Vendor(dialect),
            other => other,
        }
    }

    /// The name of its format in records, where that is none of a vendor's.
    pub(crate) const fn own_name(self) -> Option<&'static str> {
        match self {
            Self::Vendor(_) => None,
            Self::Mlflow => Some("mlflow"),
            Self::Databricks => Some("databricks"),
        }
    }

    /// Whether errors look as the vendor of the format tells them, so that one may be passed on as it came.
    pub(crate) const fn is_vendors(self) -> bool {
        matches!(self, Self::Vendor(_))
    }

    pub(super) fn encode_error(self, error: &ErrorBody<'_>) -> Bytes {
        match self {
            Self::Vendor(dialect) => dialect.encode_error(error),
            Self::Mlflow => mlflow::encode_error(error),
            Self::Databricks => mlflow::encode_databricks_error(error),
        }
    }
}

/// Whose API a path belongs to.
pub(crate) fn surface_of(path: &str) -> Surface {
    let under =
        |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // What MLflow's gateway passes on to a vendor is that vendor's in all.
    if let Some(rest) = path.strip_prefix("/gateway/") {
        let vendor = ["openai", "anthropic", "gemini"].into_iter().find_map(|name| rest.strip_prefix(name));
        if let Some(rest) = vendor.filter(|rest| rest.starts_with("/v1")) {
            return surface_of(rest);
        }
    }
    if under("/v1/messages") {
        Surface::Vendor(Dialect::Anthropic)
    } else if under("/v1beta") || is_gemini_call(path) {
        Surface::Vendor(Dialect::Gemini)
    } else if under("/v2") {
        Surface::Vendor(Dialect::Cohere)
    } else if under("/gateway") || under("/endpoints") || under("/api/2.0/endpoints") {
        Surface::Mlflow
    } else if under("/serving-endpoints") || under("/api/2.0/serving-endpoints") {
        Surface::Databricks
    } else {
        Surface::OTHER
    }
}

/// What Gemini's models can be asked under `/v1/models`.
const GEMINI_METHODS: [&str; 5] =
    ["generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"];

/// Whether a path under OpenAI's list of models is a call of Gemini's, `/v1/models/MODEL:METHOD`. Models have colons too.
fn is_gemini_call(path: &str) -> bool {
    let method = path.strip_prefix("/v1/models/").and_then(|rest| rest.rsplit_once(':'));
    method.is_some_and(|(_, method)| GEMINI_METHODS.contains(&method))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_in_the_format_of_the_path() {
        let vendor = Surface::Vendor;
        for (path, surface) in [
            ("/v1/messages", vendor(Dialect::Anthropic)),
            ("/v1/messages/batches", vendor(Dialect::Anthropic)),
            ("/v1/messagesx", Surface::OTHER),
            ("/v1beta/models/m", vendor(Dialect::Gemini)),
            ("/v1/models/m:generateContent", vendor(Dialect::Gemini)),
            ("/v1/models/local/llama3.2:3b", Surface::OTHER),
            ("/v2/rerank", vendor(Dialect::Cohere)),
            ("/v1/responses", Surface::OTHER),
            ("/", Surface::OTHER),
            ("/gateway/chat/invocations", Surface::Mlflow),
            ("/gateway/mlflow/v1/chat/completions", Surface::Mlflow),
            ("/gateway/openai/invocations", Surface::Mlflow),
            ("/gateway/openai/v1/chat/completions", Surface::OTHER),
            ("/gateway/anthropic/v1/messages", vendor(Dialect::Anthropic)),
            ("/gateway/gemini/v1beta/models/m:generateContent", vendor(Dialect::Gemini)),
            ("/endpoints/chat/invocations", Surface::Mlflow),
            ("/api/2.0/endpoints/", Surface::Mlflow),
            ("/serving-endpoints/chat/invocations", Surface::Databricks),
            ("/api/2.0/serving-endpoints", Surface::Databricks),
        ] {
            assert_eq!(surface_of(path), surface, "{path}");
        }
    }
}
