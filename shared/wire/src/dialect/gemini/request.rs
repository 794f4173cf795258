//! Requests, read and written.

use serde_json::{Map, Value};

use super::content::{assign_ids, decode_content, encode_messages};
use super::names::{camel, mark, marked, merge_extra};
use super::{config, tool};
use crate::chat::{Extra, Request};
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, Encoded, Target};
use crate::json;

/// Reads a request. Which model is asked and whether the answer is streamed is said in the URL.
///
/// # Errors
/// Names the field that is missing or of a wrong type. Fields the format does not know pass into `extra`.
pub fn decode_request(model: &str, stream: bool, body: &[u8]) -> Result<Request, DecodeError> {
    let mut request = read(model, fields::parse_object(body)?)?;
    if request.messages.iter().all(|message| message.role == crate::chat::Role::System) {
        let at = Path::Field(&Path::Root, "contents");
        return Err(at.error("required: an array of at least one content with `role` and `parts`"));
    }
    request.stream = Some(stream);
    Ok(request)
}

/// Reads the fields of a request, with or without contents.
pub(super) fn read(model: &str, mut map: Extra) -> Result<Request, DecodeError> {
    let path = &Path::Root;
    camel(&mut map);
    let mut request = Request::new(model, Vec::new());
    if let Some(system) = fields::take(&mut map, "systemInstruction") {
        let at = Path::Field(path, "systemInstruction");
        request.messages.push(decode_content(system, &at, true)?);
    }
    let at = Path::Field(path, "contents");
    for (index, value) in
        fields::array(&mut map, path, "contents")?.unwrap_or_default().into_iter().enumerate()
    {
        request.messages.push(decode_content(value, &Path::Item(&at, index), false)?);
    }
    assign_ids(&mut request.messages);
    tool::take_tools(&mut map, &mut request)?;
    tool::take_choice(&mut map, &mut request)?;
    config::take(&mut map, &mut request)?;
    if let Some(tier) = fields::string(&mut map, path, "serviceTier")? {
        request.service_tier = Some(read_tier(&tier));
        if write_tier(&read_tier(&tier)) != Some(tier.as_str()) {
            mark(&mut map, "serviceTier", tier);
        }
    }
    request.metadata = fields::object(&mut map, path, "labels")?;
    if request.metadata.is_some() {
        mark(&mut map, "labels", true);
    }
    // The URL says it; some callers say it here too.
    if let Some(said) = fields::take(&mut map, "model") {
        mark(&mut map, "model", said);
    }
    request.extra = map;
    Ok(request)
}

/// A class of service in OpenAI's word.
pub(super) fn read_tier(word: &str) -> String {
    match word.to_ascii_lowercase().as_str() {
        "standard" => "default".to_owned(),
        "unspecified" => "auto".to_owned(),
        other => other.to_owned(),
    }
}

/// A class of service in Google's word.
pub(super) fn write_tier(word: &str) -> Option<&'static str> {
    match word {
        "default" | "standard" => Some("standard"),
        "flex" => Some("flex"),
        "priority" => Some("priority"),
        "auto" => Some("unspecified"),
        _ => None,
    }
}

/// Writes a request. What the format cannot say is left out and named.
///
/// Tool calls without a signature, from another model or another format's history, get the one that Google documents
/// for them, since Gemini 3 refuses calls without.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let mut notes = Notes::default();
    let mut map = write_prompt(request, target, &mut notes);
    config::put_config(&mut map, request, target, &mut notes);
    put_service(&mut map, request, target, &mut notes);
    merge_extra(&mut map, &request.extra);
    notes.into_encoded(json::to_bytes(&Value::Object(map)))
}

/// Writes what counts as the prompt: contents, instructions, tools.
pub(super) fn write_prompt(request: &Request, target: &Target<'_>, notes: &mut Notes) -> Map<String, Value> {
    let mut map = Map::new();
    if let Some(said) = marked(&request.extra, "model") {
        put(&mut map, "model", said.clone());
    }
    let written = encode_messages(request, target, notes);
    put_some(&mut map, "systemInstruction", written.system.as_ref());
    put(&mut map, "contents", written.contents);
    tool::put_tools(&mut map, request, target, notes);
    tool::put_choice(&mut map, request, notes);
    map
}

fn put_service(map: &mut Map<String, Value>, request: &Request, target: &Target<'_>, notes: &mut Notes) {
    if let Some(tier) = &request.service_tier {
        match (marked(&request.extra, "serviceTier"), write_tier(tier)) {
            (Some(said), _) => put(map, "serviceTier", said.clone()),
            (None, Some(word)) => put(map, "serviceTier", word),
            (None, None) => notes.hint("service_tier", "Gemini knows standard, flex and priority"),
        }
    }
    if let Some(metadata) = &request.metadata {
        // Vertex AI alone takes labels.
        let own = marked(&request.extra, "labels").is_some();
        if own || (target.kind == "vertex" && metadata.iter().all(|(key, value)| is_label(key, value))) {
            put(map, "labels", metadata.clone());
        } else {
            notes.hint(
                "metadata",
                "Gemini keeps no notes of the caller's, Vertex AI only labels in small letters",
            );
        }
    }
    for (field, said) in [
        ("user", request.user.is_some()),
        ("store", request.store.is_some()),
        ("prompt_cache_key", request.prompt_cache_key.is_some()),
        ("prompt_cache_retention", request.prompt_cache_retention.is_some()),
        ("safety_identifier", request.safety_identifier.is_some()),
        ("verbosity", request.verbosity.is_some()),
        ("prediction", request.prediction.is_some()),
    ] {
        if said {
            notes.hint(field, "Gemini has no such field");
        }
    }
}

/// What Google takes as a label (`cloud.google.com/resource-manager/docs/labels-overview`).
fn is_label(key: &str, value: &Value) -> bool {
    let fits = |text: &str| {
        text.chars().count() <= 63
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
    };
    key.starts_with(|c: char| c.is_ascii_lowercase()) && fits(key) && value.as_str().is_some_and(fits)
}
