//! What a gateway without a document does.

use postern_wire::provider;

use super::collection::Map;
use super::document::{Config, MAX_BODY, MAX_UPLOAD, Payloads, Provider, Records, Server};
use super::secret::SecretText;

/// Vendors that are set up on their own when one of their usual variables is set; the first that is set is used.
const USUAL: [(&str, &[&str]); 3] = [
    ("openai", &["OPENAI_API_KEY"]),
    ("anthropic", &["ANTHROPIC_API_KEY"]),
    ("gemini", &["GEMINI_API_KEY", "GOOGLE_API_KEY"]),
];

impl Config {
    /// The configuration of a gateway that was given none: the built-in `demo/echo`, and each of OpenAI, Anthropic and
    /// Gemini whose usual key `has_secret` knows. Their models are called as `PROVIDER/UPSTREAM-MODEL`.
    #[must_use]
    pub fn demo(has_secret: &dyn Fn(&str) -> bool) -> Self {
        let demo = std::iter::once((provider::DEMO, None));
        let usual = USUAL.iter().filter_map(|(kind, variables)| {
            variables.iter().find(|variable| has_secret(variable)).map(|variable| (*kind, Some(*variable)))
        });
        let providers = demo.chain(usual).filter_map(|(kind, variable)| {
            let provider = Provider {
                rest: None,
                kind: provider::preset(kind)?,
                base_url: None,
                api_key: variable.map(SecretText::reference),
                headers: Map::default(),
                formats: Vec::new(),
                on_unsupported: None,
                aws: None,
                entra: None,
                google: None,
                watsonx: None,
                oauth: None,
                api_version: None,
            };
            Some((kind.to_owned(), provider))
        });
        Self {
            providers: providers.collect(),
            models: Map::default(),
            server: Server { max_body: MAX_BODY, max_upload: MAX_UPLOAD },
            records: Records { payloads: Payloads::None },
            catalog: Map::default(),
        }
    }
}
