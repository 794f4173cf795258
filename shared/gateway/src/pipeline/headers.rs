//! What an answer's headers say: of the target, the cost, and what could not be told.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::exchange::Remarks;
use super::resolve::Leg;

/// Headers of a provider's answer that pass to the caller.
static PASSED: [HeaderName; 3] = [
    HeaderName::from_static("openai-processing-ms"),
    HeaderName::from_static("openai-version"),
    header::CONTENT_DISPOSITION,
];

/// Bytes of a list of fields in a header.
const LONGEST_LIST: usize = 2048;

// Made once: a name given as text is parsed at each use.
pub(super) static MODEL: HeaderName = HeaderName::from_static("x-postern-model");
pub(super) static TARGET: HeaderName = HeaderName::from_static("x-postern-target");
pub(super) static COST: HeaderName = HeaderName::from_static("x-postern-cost-usd");
static CACHE: HeaderName = HeaderName::from_static("x-postern-cache");
static DROPPED: HeaderName = HeaderName::from_static("x-postern-dropped");
static LOWERED: HeaderName = HeaderName::from_static("x-postern-lowered");
static UPSTREAM_ID: HeaderName = HeaderName::from_static("x-postern-upstream-request-id");
/// Where providers put the id of a request.
static UPSTREAM_IDS: [HeaderName; 3] = [
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("request-id"),
    HeaderName::from_static("x-amzn-requestid"),
];
pub(super) static BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn pass_headers(
    from: &HeaderMap,
    remarks: &Remarks,
    to: &mut HeaderMap,
    content_type: &'static str,
) {
    let kind = from.get(header::CONTENT_TYPE).filter(|_| !remarks.translated).cloned();
    to.insert(header::CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static(content_type)));
    for name in &PASSED {
        if let Some(value) = from.get(name).filter(|_| !remarks.translated) {
            to.insert(name, value.clone());
        }
    }
    if let Some(id) = UPSTREAM_IDS.iter().find_map(|name| from.get(name)) {
        to.insert(&UPSTREAM_ID, id.clone());
    }
    name_fields(to, &DROPPED, &remarks.dropped);
    name_fields(to, &LOWERED, &remarks.lowered);
}

/// Names fields in a header, each once, as many as fit.
fn name_fields(to: &mut HeaderMap, name: &HeaderName, fields: &[String]) {
    let mut text = String::new();
    for (at, field) in fields.iter().enumerate() {
        if fields.iter().take(at).any(|other| other == field) {
            continue;
        }
        if text.len() + field.len() > LONGEST_LIST {
            text.push_str(", ...");
            break;
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        // Names of unknown fields are the caller's own words.
        text.extend(field.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' }));
    }
    if !text.is_empty() {
        insert(to, name, &text);
    }
}

pub(super) fn name_target(to: &mut HeaderMap, leg: &Leg) {
    insert(to, &MODEL, &leg.logical);
    insert(to, &TARGET, &leg.target());
    to.insert(&CACHE, HeaderValue::from_static("off"));
}

/// Sets a header; a value that cannot be one (a model's name with odd characters) is left out.
pub(super) fn insert(to: &mut HeaderMap, name: &HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        to.insert(name, value);
    }
}
