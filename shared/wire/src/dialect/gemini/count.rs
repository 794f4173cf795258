//! `countTokens`, asked and answered.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::names::{camel, merge_extra};
use super::request::{read, write_prompt};
use crate::chat::{Extra, Request};
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, Encoded, Target};

/// How many tokens a prompt has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenCount {
    /// All of it.
    pub total: u64,
    /// Those of them that are in the cached content.
    pub cached: Option<u64>,
    /// What the format said beyond this.
    pub extra: Extra,
}

/// Reads the question: contents alone, a whole `generateContentRequest`, or its fields as Vertex AI takes them.
///
/// # Errors
/// Names the field that is missing or of a wrong type.
pub fn decode_count_request(model: &str, body: &[u8]) -> Result<Request, DecodeError> {
    let mut map = fields::parse_object(body)?;
    camel(&mut map);
    let inner = fields::object(&mut map, &Path::Root, "generateContentRequest")?;
    let request = read(model, inner.unwrap_or(map))?;
    if request.messages.is_empty() {
        return Err(Path::Root.field_error("contents", "required: an array of at least one content"));
    }
    Ok(request)
}

/// Writes the question. The Gemini API counts instructions and tools only as parts of a whole request.
#[must_use]
pub fn encode_count_request(request: &Request, target: &Target<'_>) -> Encoded {
    let mut notes = Notes::default();
    let mut prompt = write_prompt(request, target, &mut notes);
    let mut extra = request.extra.clone();
    // What shapes the answer is not counted.
    for name in ["generationConfig", "safetySettings"] {
        extra.remove(name);
    }
    merge_extra(&mut prompt, &extra);
    if target.kind != "vertex" && prompt.keys().any(|name| name != "contents") {
        let bare = target.model.trim_start_matches("models/");
        put(&mut prompt, "model", format!("models/{bare}"));
        prompt = Map::from_iter([("generateContentRequest".to_owned(), Value::Object(prompt))]);
    }
    notes.into_encoded(Value::Object(prompt).to_string().into())
}

/// Reads the answer.
///
/// # Errors
/// If it has no `totalTokens`.
pub fn decode_count_response(body: &[u8]) -> Result<TokenCount, DecodeError> {
    let mut map = fields::parse_object(body)?;
    camel(&mut map);
    // Google leaves a count of zero out.
    let total = fields::try_whole(&mut map, "totalTokens");
    let cached = fields::try_whole(&mut map, "cachedContentTokenCount");
    if total.is_none() && map.contains_key("totalTokens") {
        return Err(Path::Root.field_error("totalTokens", "expected a whole number"));
    }
    Ok(TokenCount { total: total.unwrap_or(0), cached, extra: map })
}

/// Writes the answer.
#[must_use]
pub fn encode_count_response(count: &TokenCount) -> Bytes {
    let mut map = Map::new();
    put(&mut map, "totalTokens", json!(count.total));
    put_some(&mut map, "cachedContentTokenCount", count.cached.as_ref());
    merge_extra(&mut map, &count.extra);
    Value::Object(map).to_string().into()
}
