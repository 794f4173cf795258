//! The shapes of the model list that SDKs expect, with their ways to ask for pages: OpenAI's, which has none,
//! Anthropic's (<https://docs.anthropic.com/en/api/models-list>) and Gemini's (<https://ai.google.dev/api/models>).

use http::request::Parts;
use percent_encoding::percent_decode_str;
use postern_wire::Dialect;
use serde_json::{Map, Value, json};

use crate::error::{ErrorKind, GatewayError};

/// The most models of a page, with Anthropic and Gemini alike, and how many there are unless asked otherwise.
const MOST: usize = 1000;
const ANTHROPIC_PAGE: usize = 20;
const GEMINI_PAGE: usize = 50;
/// Models have no birthday here; Anthropic's SDKs want one.
const EPOCH: &str = "1970-01-01T00:00:00Z";

/// What is known of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) id: String,
    pub(super) owner: String,
    /// Tokens that fit into its window, as far as known.
    pub(super) context_window: Option<u64>,
    /// The most tokens of one answer, as far as known.
    pub(super) max_output: Option<u64>,
    /// Whether it makes vectors, and no conversation.
    pub(super) embeds: bool,
}

/// Whose SDK asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    OpenAi,
    Anthropic,
    Gemini,
}

impl Shape {
    /// By the path, and, where OpenAI and Anthropic have the same one, by what only Anthropic's SDKs send.
    pub(super) fn of(parts: &Parts) -> Self {
        let says = |name: &str| parts.headers.contains_key(name);
        if parts.uri.path().starts_with("/v1beta/") {
            Self::Gemini
        } else if says("anthropic-version") || says("x-api-key") {
            Self::Anthropic
        } else {
            Self::OpenAi
        }
    }

    /// The format in whose words errors are told.
    pub(super) const fn errors(self) -> Dialect {
        match self {
            Self::OpenAi => Dialect::OpenAiChat,
            Self::Anthropic => Dialect::Anthropic,
            Self::Gemini => Dialect::Gemini,
        }
    }

    /// One model.
    pub(super) fn one(self, model: &Described) -> Value {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        let id = model.id.as_str();
        match self {
            Self::OpenAi => {
                put("id", id.into());
                put("object", "model".into());
                put("created", 0.into());
                put("owned_by", model.owner.as_str().into());
                model.context_window.map(|tokens| put("context_window", tokens.into()));
                model.max_output.map(|tokens| put("max_output_tokens", tokens.into()));
            }
            Self::Anthropic => {
                put("type", "model".into());
                put("id", id.into());
                put("display_name", id.into());
                put("created_at", EPOCH.into());
                model.context_window.map(|tokens| put("max_input_tokens", tokens.into()));
                model.max_output.map(|tokens| put("max_tokens", tokens.into()));
            }
            Self::Gemini => {
                let methods = if model.embeds {
                    json!(["embedContent", "batchEmbedContents"])
                } else {
                    json!(["generateContent", "streamGenerateContent", "countTokens"])
                };
                put("name", format!("models/{id}").into());
                put("displayName", id.into());
                model.context_window.map(|tokens| put("inputTokenLimit", tokens.into()));
                model.max_output.map(|tokens| put("outputTokenLimit", tokens.into()));
                put("supportedGenerationMethods", methods);
            }
        }
        Value::Object(fields)
    }

    /// A page of the list that the query asks for.
    ///
    /// # Errors
    /// Names the parameter that is wrong.
    pub(super) fn page(self, models: &[Described], query: &str) -> Result<Value, GatewayError> {
        let told = |page: &[Described]| page.iter().map(|model| self.one(model)).collect::<Vec<_>>();
        match self {
            Self::OpenAi => Ok(json!({ "object": "list", "data": told(models) })),
            Self::Anthropic => {
                let most = size(query, "limit", 1, ANTHROPIC_PAGE)?;
                let place = |name: &str| parameter(query, name).map(|id| place_of(models, name, &id));
                let (from, to) = match (place("after_id").transpose()?, place("before_id").transpose()?) {
                    (Some(_), Some(_)) => {
                        let text = "after_id: give after_id or before_id, not both";
                        return Err(GatewayError::new(ErrorKind::InvalidRequest, text).at("after_id"));
                    }
                    (Some(after), None) => (after + 1, (after + 1).saturating_add(most)),
                    (None, Some(before)) => (before.saturating_sub(most), before),
                    (None, None) => (0, most),
                };
                let to = to.min(models.len());
                let page = models.get(from..to).unwrap_or_default();
                let backwards = parameter(query, "before_id").is_some();
                let id = |model: Option<&Described>| model.map(|model| model.id.clone());
                Ok(json!({
                    "data": told(page),
                    "first_id": id(page.first()),
                    "has_more": if backwards { from > 0 } else { to < models.len() },
                    "last_id": id(page.last()),
                }))
            }
            Self::Gemini => {
                // Zero is a number that says nothing, as left out.
                let most = size(query, "pageSize", 0, GEMINI_PAGE)?;
                let from = match parameter(query, "pageToken").filter(|token| !token.is_empty()) {
                    Some(token) => place_of(models, "pageToken", &token)? + 1,
                    None => 0,
                };
                let to = from.saturating_add(most).min(models.len());
                let page = models.get(from..to).unwrap_or_default();
                let mut answer = json!({ "models": told(page) });
                let next = page.last().filter(|_| to < models.len());
                if let (Some(last), Some(fields)) = (next, answer.as_object_mut()) {
                    fields.insert("nextPageToken".to_owned(), last.id.as_str().into());
                }
                Ok(answer)
            }
        }
    }
}

/// The size of a page. More than there may be is taken for the most, as the vendors do.
fn size(query: &str, name: &str, least: usize, usual: usize) -> Result<usize, GatewayError> {
    let Some(said) = parameter(query, name) else { return Ok(usual) };
    match said.parse::<usize>() {
        Ok(0) if least == 0 => Ok(usual),
        Ok(number) if number >= least => Ok(number.min(MOST)),
        _ => {
            let text = format!("{name}: expected a whole number from {least} to {MOST}");
            Err(GatewayError::new(ErrorKind::InvalidRequest, text).at(name))
        }
    }
}

fn place_of(models: &[Described], name: &str, id: &str) -> Result<usize, GatewayError> {
    models.iter().position(|model| model.id == id).ok_or_else(|| {
        let text = format!("{name}: this names no model of the list: begin with the first page again");
        GatewayError::new(ErrorKind::InvalidRequest, text).at(name)
    })
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(percent_decode_str(&pair.replace('+', " ")).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models(number: usize) -> Vec<Described> {
        (0..number).map(|n| Described { id: format!("openai/m {n}"), ..Described::default() }).collect()
    }

    fn ids(answer: &Value, list: &str, name: &str) -> Vec<String> {
        let all = answer[list].as_array().unwrap().iter();
        all.map(|model| model[name].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn anthropics_pages_lead_through_the_whole_list_both_ways() {
        let models = models(5);
        let page = |query: &str| Shape::Anthropic.page(&models, query).unwrap();
        let first = page("limit=2");
        assert_eq!(ids(&first, "data", "id"), ["openai/m 0", "openai/m 1"]);
        assert_eq!((&first["has_more"], &first["last_id"]), (&json!(true), &json!("openai/m 1")));
        let last = page("limit=2&after_id=openai%2Fm+3");
        assert_eq!((ids(&last, "data", "id"), &last["has_more"]), (vec!["openai/m 4".into()], &json!(false)));
        let before = page("limit=2&before_id=openai/m%203");
        assert_eq!(ids(&before, "data", "id"), ["openai/m 1", "openai/m 2"]);
        assert_eq!(before["has_more"], json!(true));
        assert_eq!(page("limit=2&before_id=openai/m%201")["has_more"], json!(false));
        let nothing = Shape::Anthropic.page(&[], "").unwrap();
        assert_eq!(nothing, json!({"data": [], "has_more": false, "first_id": null, "last_id": null}));
    }

    #[test]
    fn geminis_pages_end_without_a_token() {
        let models = models(3);
        let page = |query: &str| Shape::Gemini.page(&models, query).unwrap();
        let first = page("pageSize=2");
        assert_eq!(ids(&first, "models", "name"), ["models/openai/m 0", "models/openai/m 1"]);
        assert_eq!(first["nextPageToken"], json!("openai/m 1"));
        let last = page("pageSize=2&pageToken=openai%2Fm%201");
        assert_eq!(ids(&last, "models", "name"), ["models/openai/m 2"]);
        assert_eq!(last.get("nextPageToken"), None);
        assert_eq!(ids(&page("pageSize=0&pageToken="), "models", "name").len(), 3);
    }

    #[test]
    fn wrong_parameters_are_named() {
        let models = models(3);
        for (shape, query, field) in [
            (Shape::Anthropic, "limit=0", "limit"),
            (Shape::Anthropic, "limit=many", "limit"),
            (Shape::Anthropic, "after_id=gone", "after_id"),
            (Shape::Anthropic, "after_id=openai/m%201&before_id=openai/m%202", "after_id"),
            (Shape::Gemini, "pageSize=-1", "pageSize"),
            (Shape::Gemini, "pageToken=gone", "pageToken"),
        ] {
            let error = shape.page(&models, query).unwrap_err();
            assert_eq!(
                (error.kind, error.param.as_deref()),
                (ErrorKind::InvalidRequest, Some(field)),
                "{query}"
            );
        }
        // As the vendors do, a page is never larger than their largest.
        assert_eq!(ids(&Shape::Anthropic.page(&models, "limit=100000").unwrap(), "data", "id").len(), 3);
    }
}
