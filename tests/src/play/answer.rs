//! Whether the caller got what it must.

use postern_testkit::script::differing_bytes;
use serde_json::Value;

use crate::corpus::{Case, ExpectedError, Format, Leaves};
use crate::site::Heard;

pub(super) fn check(case: &Case, heard: &Heard) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some((status, headers)) = &heard.head else {
        if case.leaves == Leaves::Never {
            wrong.push("there was no answer".to_owned());
        }
        return wrong;
    };
    if status.as_u16() != case.status {
        let body = String::from_utf8_lossy(&heard.body);
        wrong.push(format!("the status is {status}, not {}: {}", case.status, shortened(&body)));
        return wrong;
    }
    if heard.header("x-request-id").is_none_or(|id| !is_uuid_v7(id)) {
        wrong.push(format!("x-request-id is {:?}, not a UUID of version 7", heard.header("x-request-id")));
    }
    for (name, expected) in &case.headers {
        let found = headers.get(name).map(|v| String::from_utf8_lossy(v.as_bytes()));
        let good = match expected.as_deref() {
            Some("*") => found.is_some(),
            expected => found.as_deref() == expected,
        };
        if !good {
            wrong.push(format!("the header {name} is {found:?}, not {expected:?}"));
        }
    }
    if status.is_success() && !case.upstream.is_empty() {
        for name in ["x-postern-model", "x-postern-target", "x-postern-cache"] {
            if heard.header(name).is_none() {
                wrong.push(format!("the header {name} is missing"));
            }
        }
    }
    wrong.extend(check_body(case, heard));
    wrong
}

fn check_body(case: &Case, heard: &Heard) -> Option<String> {
    let body = &heard.body[..];
    let expected = filled_in(case.response.as_deref().unwrap_or_default(), heard);
    let expected = &expected[..];
    match (&case.error, &case.leaves) {
        (None, Leaves::Never) => (body != expected).then(|| differing_bytes(body, expected)),
        // It left before the end: what it got must be what it would have got.
        (None, _) => (!expected.starts_with(body)).then(|| differing_bytes(body, expected)),
        (Some(error), _) if case.status == 200 => {
            let Some(rest) = body.strip_prefix(expected) else {
                return Some(differing_bytes(body, expected));
            };
            check_error_event(case.format, error, rest)
        }
        (Some(error), _) => {
            let kind = heard.header("content-type").unwrap_or_default();
            if !kind.starts_with("application/json") {
                return Some(format!("an error must be JSON, and its content-type is {kind:?}"));
            }
            check_error(case.format.kin(), error, body)
        }
    }
}

/// An expected body with what differs from call to call: `${ID}` is the request's id without hyphens; `${CREATED}` the
/// number that stands there, `${TIME}` the time that stands there, the same everywhere; `${COUNT}` a number from 1 on.
fn filled_in(expected: &[u8], heard: &Heard) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(expected) else { return expected.to_vec() };
    let id = heard.header("x-request-id").unwrap_or_default().replace('-', "");
    let mut text = text.replace("${ID}", &id);
    while let Some((at, name)) =
        ["${CREATED}", "${TIME}", "${COUNT}"].iter().filter_map(|n| Some((text.find(n)?, *n))).min()
    {
        let is_part = |byte: &u8| match name {
            "${TIME}" => byte.is_ascii_digit() || b"-:TZ".contains(byte),
            _ => byte.is_ascii_digit(),
        };
        let found = heard.body.get(at..).unwrap_or_default().iter().copied().take_while(is_part);
        let mut found: String = found.map(char::from).collect();
        // A count of nothing is no count, a time says at least the day.
        if (name == "${COUNT}" && found.starts_with('0')) || (name == "${TIME}" && found.len() < 10) {
            found = "none".to_owned();
        }
        text = if name == "${COUNT}" { text.replacen(name, &found, 1) } else { text.replace(name, &found) };
    }
    text.into_bytes()
}

/// The last event of a stream: an error and nothing behind it.
fn check_error_event(format: Format, error: &ExpectedError, rest: &[u8]) -> Option<String> {
    let shown = String::from_utf8_lossy(rest);
    // Some formats name their events.
    let named = matches!(format, Format::Anthropic | Format::OpenAiResponses);
    let event = if named { shown.strip_prefix("event: error\n") } else { Some(&*shown) };
    // Responses says once more, in full, what has failed.
    let event = match event {
        Some(event) if format == Format::OpenAiResponses => {
            event.split_once("event: response.failed\n").map(|(error, _)| error)
        }
        event => event,
    };
    let data =
        event.and_then(|event| event.strip_prefix("data: ")).and_then(|rest| rest.strip_suffix("\n\n"));
    match data.filter(|data| !data.contains('\n')) {
        Some(data) if format == Format::OpenAiResponses => check_flat_error(error, data.as_bytes()),
        Some(data) => check_error(format.usual_upstream(), error, data.as_bytes()),
        None => Some(format!("the stream must end with one event that is an error, and ends with {shown:?}")),
    }
}

/// The `error` event of OpenAI Responses, whose members stand in the event itself.
fn check_flat_error(expected: &ExpectedError, body: &[u8]) -> Option<String> {
    let shown = || shortened(&String::from_utf8_lossy(body));
    let Ok(Value::Object(event)) = serde_json::from_slice(body) else {
        return Some(format!("the error is not a JSON object: {}", shown()));
    };
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let message = text("message").unwrap_or_default();
    let good = text("type") == Some("error")
        && event.get("sequence_number").is_some_and(Value::is_u64)
        && text("code") == expected.code.as_deref()
        && !message.is_empty()
        && expected.says.iter().all(|words| message.contains(words.as_str()));
    (!good).then(|| format!("the error event is wrong: {}", shown()))
}

fn check_error(format: Format, expected: &ExpectedError, body: &[u8]) -> Option<String> {
    let shown = || shortened(&String::from_utf8_lossy(body));
    let Ok(Value::Object(outer)) = serde_json::from_slice(body) else {
        return Some(format!("the error is not a JSON object: {}", shown()));
    };
    if format == Format::Cohere {
        return check_cohere_error(expected, &outer);
    }
    if matches!(format, Format::Mlflow | Format::Databricks) {
        return check_bare_error(format, expected, &outer);
    }
    let Some(Value::Object(error)) = outer.get("error") else {
        return Some(format!("there is no object `error`: {}", shown()));
    };
    // The members that SDKs of the format read, and nothing else belongs there.
    let mut members: Vec<&str> = error.keys().map(String::as_str).collect();
    members.sort_unstable();
    let (of_outer, wanted): (bool, &[&str]) = match format {
        Format::Anthropic => (outer.get("type") == Some(&"error".into()), &["message", "type"]),
        Format::Gemini => {
            // What is beside them is in `details`, where Google's own errors have it.
            members.retain(|name| *name != "details");
            (outer.len() == 1, &["code", "message", "status"])
        }
        _ => (outer.len() == 1, &["code", "message", "param", "type"]),
    };
    if !of_outer || members != wanted {
        return Some(format!("the error has other members than {}: {}", wanted.join(", "), shown()));
    }
    let mut wrong = Vec::new();
    let mut must = |name: &str, expected: Option<&str>| {
        let found = error.get(name).and_then(Value::as_str);
        if found != expected {
            wrong.push(format!("its {name} is {found:?}, not {expected:?}"));
        }
    };
    match format {
        Format::Anthropic => must("type", Some(&expected.kind)),
        Format::Gemini => must("status", Some(&expected.kind)),
        _ => {
            must("type", Some(&expected.kind));
            must("code", expected.code.as_deref());
            must("param", expected.param.as_deref());
        }
    }
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    if message.is_empty() {
        wrong.push("it has no message".to_owned());
    }
    for words in expected.says.iter().filter(|words| !message.contains(words.as_str())) {
        wrong.push(format!("its message does not say {words:?}"));
    }
    (!wrong.is_empty()).then(|| format!("the error is wrong: {}: {}", wrong.join(", "), shown()))
}

/// Cohere's errors: a message and the id of the request.
fn check_cohere_error(expected: &ExpectedError, error: &serde_json::Map<String, Value>) -> Option<String> {
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let members = error.keys().all(|name| name == "message" || name == "id");
    let good = members && !message.is_empty() && expected.says.iter().all(|words| message.contains(words));
    let shown = || shortened(&Value::Object(error.clone()).to_string());
    (!good).then(|| format!("the error is wrong, {:?} must be in its message: {}", expected.says, shown()))
}

/// The errors of MLflow's gateway, one text, and of Databricks, a word and a text.
fn check_bare_error(
    format: Format,
    expected: &ExpectedError,
    error: &serde_json::Map<String, Value>,
) -> Option<String> {
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let (message, good) = match format {
        Format::Databricks => {
            let word = text("error_code") == Some(expected.kind.as_str());
            (text("message").unwrap_or_default(), word && error.len() == 2)
        }
        _ => (text("detail").unwrap_or_default(), error.len() == 1),
    };
    let good =
        good && !message.is_empty() && expected.says.iter().all(|words| message.contains(words.as_str()));
    (!good).then(|| format!("the error is wrong: {}", shortened(&format!("{error:?}"))))
}

fn is_uuid_v7(id: &str) -> bool {
    let groups: Vec<&str> = id.split('-').collect();
    groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12])
        && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'))
        && groups[2].starts_with('7')
        && groups[3].starts_with(['8', '9', 'a', 'b'])
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(600).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}
