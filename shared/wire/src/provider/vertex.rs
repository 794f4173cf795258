//! Vertex AI of Google Cloud: one address for models of three formats, told apart by their names, and Claude's requests in
//! a dress of their own.
//!
//! Google documents the addresses in its Vertex AI REST reference ("Method: models.generateContent", "rawPredict") and the
//! dress in "Request predictions with Claude models".

use bytes::Bytes;

use crate::json::{self, Splice};

/// What Claude's requests say in place of the model.
const CLAUDE_VERSION: &str = r#""anthropic_version":"vertex-2023-10-16""#;

/// Where a location's models are: `global` and the multi-regions have addresses of other forms than a region.
#[must_use]
pub fn address(location: &str) -> String {
    match location {
        "global" => "https://aiplatform.googleapis.com".to_owned(),
        "us" | "eu" => format!("https://aiplatform.{location}.rep.googleapis.com"),
        region => format!("https://{region}-aiplatform.googleapis.com"),
    }
}

/// The part of an address that names project and location.
#[must_use]
pub fn place(project: &str, location: &str) -> String {
    format!("/v1/projects/{project}/locations/{location}")
}

/// A body for Claude: the version in the place of the model, every other byte as it was. A count names the model in its
/// body, since its address does not, and gets the version beside it. A version that is there already stays.
#[must_use]
pub fn dress(body: &Bytes, counts: bool) -> Bytes {
    let Ok(object) = json::scan(body, json::MAX_DEPTH) else { return body.clone() };
    let versioned = object.find("anthropic_version").is_some();
    let at = object.members().iter().position(|member| member.name == "model");
    let member = |at: usize| object.members().get(at);
    let mut splice = Splice::new();
    match (at.and_then(|at| Some((at, member(at)?))), versioned) {
        (Some((_, model)), false) if counts => {
            splice.insert(model.name_span.start, format!("{CLAUDE_VERSION},"));
        }
        (Some((_, model)), false) => {
            splice.replace(model.name_span.start..model.value_span.end, CLAUDE_VERSION);
        }
        (Some((at, model)), true) if !counts => {
            // With the comma behind it, or the one before it.
            let before = at.checked_sub(1).and_then(member).map(|before| before.value_span.end);
            let behind = member(at + 1).map(|behind| behind.name_span.start);
            let range = match (behind, before) {
                (Some(behind), _) => model.name_span.start..behind,
                (None, Some(before)) => before..model.value_span.end,
                (None, None) => model.name_span.start..model.value_span.end,
            };
            splice.replace(range, "");
        }
        _ => {}
    }
    splice.apply(body)
}
