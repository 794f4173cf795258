//! What must never be seen: credentials anywhere, prompts and answers in errors and records.

use postern_testkit::script::Reply;
use serde_json::Value;

use crate::corpus::Case;
use crate::site::{Heard, OTHER_UPSTREAM_KEY, UPSTREAM_KEY};

/// Marks of what the upstream says about the operator's account, in headers of every scripted answer.
const UPSTREAM_MARKS: [&str; 3] = ["cookie-of-the-upstream", "org-of-the-operator", "scripted-upstream"];
/// A shorter text may be anywhere by chance.
const SHORTEST: usize = 12;

/// Which secrets of the upstream stand in a text.
pub fn secrets_in(text: &str) -> Vec<&'static str> {
    [UPSTREAM_KEY, OTHER_UPSTREAM_KEY].into_iter().filter(|secret| text.contains(secret)).collect()
}

/// The texts of a case that are the caller's or the model's alone.
#[must_use]
pub fn prompts(case: &Case) -> Vec<String> {
    let mut texts = Vec::new();
    if let Ok(request) = serde_json::from_slice::<Value>(&case.request.body) {
        for name in [
            "messages",
            "contents",
            "input",
            "instructions",
            "system",
            "systemInstruction",
            "texts",
            "query",
            "documents",
            "content",
            "requests",
        ] {
            collect_in(&request, name, &mut texts);
        }
    }
    for upstream in &case.upstream {
        let body = upstream.reply().filter(|r| r.status == 200).map(Reply::body).unwrap_or_default();
        if let Ok(response) = serde_json::from_slice::<Value>(&body) {
            for name in ["choices", "content", "candidates", "output"] {
                collect_in(&response, name, &mut texts);
            }
        }
    }
    texts.retain(|text| text.len() >= SHORTEST);
    texts.sort();
    texts.dedup();
    texts
}

/// The texts of one member, which may be text itself.
fn collect_in(body: &Value, name: &str, texts: &mut Vec<String>) {
    match body.get(name) {
        Some(Value::String(text)) => texts.push(text.clone()),
        Some(Value::Array(items)) => {
            texts.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
            items.iter().for_each(|item| collect(Some(item), texts));
        }
        value => collect(value, texts),
    }
}

/// The texts that stand where content stands.
fn collect(value: Option<&Value>, texts: &mut Vec<String>) {
    const CONTENT: [&str; 8] =
        ["content", "text", "refusal", "arguments", "url", "data", "reasoning_content", "reasoning"];
    match value {
        Some(Value::Object(members)) => {
            for (name, inner) in members {
                match inner {
                    Value::String(text) if CONTENT.contains(&name.as_str()) => texts.push(text.clone()),
                    _ => collect(Some(inner), texts),
                }
            }
        }
        Some(Value::Array(items)) => items.iter().for_each(|item| collect(Some(item), texts)),
        _ => {}
    }
}

pub(super) fn check(case: &Case, heard: &Heard, record: Option<&Value>, secrets: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    let headers = heard.head.as_ref().map_or_else(String::new, |(_, headers)| {
        let line = |(name, value): (_, &http::HeaderValue)| {
            format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()))
        };
        headers.iter().map(line).collect()
    });
    let body = String::from_utf8_lossy(&heard.body);
    let record = record.map(ToString::to_string).unwrap_or_default();
    let places = [("headers", headers.as_str()), ("body", &body), ("record", &record)];
    let always = secrets.iter().copied().chain([UPSTREAM_KEY, OTHER_UPSTREAM_KEY]).chain(UPSTREAM_MARKS);
    for secret in always {
        for (place, _) in places.iter().filter(|(_, text)| text.contains(secret)) {
            wrong.push(format!("a secret ({}...) is in the {place}", secret.get(..6).unwrap_or_default()));
        }
    }
    let is_error = heard.status() >= 400;
    for prompt in prompts(case) {
        if headers.contains(&prompt) {
            wrong.push(format!("a prompt is in the headers: {prompt:?}"));
        }
        if is_error && body.contains(&prompt) {
            wrong.push(format!("a prompt is in an error: {prompt:?}"));
        }
        if !case.payloads && record.contains(&prompt) {
            wrong.push(format!("a prompt or answer is in the record: {prompt:?}"));
        }
    }
    wrong
}
