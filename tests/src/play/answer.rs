//! Whether the caller got what it must.

use postern_testkit::script::differing_bytes;
use serde_json::Value;

use crate::corpus::{Case, ExpectedError, Leaves};
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
    let expected = case.response.as_deref().unwrap_or_default();
    match (&case.error, &case.leaves) {
        (None, Leaves::Never) => (body != expected).then(|| differing_bytes(body, expected)),
        // It left before the end: what it got must be what it would have got.
        (None, _) => (!expected.starts_with(body)).then(|| differing_bytes(body, expected)),
        (Some(error), _) if case.status == 200 => {
            let Some(rest) = body.strip_prefix(expected) else {
                return Some(differing_bytes(body, expected));
            };
            check_error_event(error, rest)
        }
        (Some(error), _) => {
            let kind = heard.header("content-type").unwrap_or_default();
            if !kind.starts_with("application/json") {
                return Some(format!("an error must be JSON, and its content-type is {kind:?}"));
            }
            check_error(error, body)
        }
    }
}

/// The last event of a stream: an error and nothing behind it.
fn check_error_event(error: &ExpectedError, rest: &[u8]) -> Option<String> {
    let shown = String::from_utf8_lossy(rest);
    let data = shown.strip_prefix("data: ").and_then(|rest| rest.strip_suffix("\n\n"));
    match data.filter(|data| !data.contains('\n')) {
        Some(data) => check_error(error, data.as_bytes()),
        None => Some(format!("the stream must end with one event that is an error, and ends with {shown:?}")),
    }
}

fn check_error(expected: &ExpectedError, body: &[u8]) -> Option<String> {
    let shown = || shortened(&String::from_utf8_lossy(body));
    let Ok(Value::Object(outer)) = serde_json::from_slice(body) else {
        return Some(format!("the error is not a JSON object: {}", shown()));
    };
    let Some(Value::Object(error)) = outer.get("error") else {
        return Some(format!("there is no object `error`: {}", shown()));
    };
    // OpenAI's SDKs read these four, and nothing else belongs there.
    let mut members: Vec<&str> = error.keys().map(String::as_str).collect();
    members.sort_unstable();
    if outer.len() != 1 || members != ["code", "message", "param", "type"] {
        return Some(format!("the error has other members than message, type, param, code: {}", shown()));
    }
    let mut wrong = Vec::new();
    let mut must = |name: &str, expected: Option<&str>| {
        let found = error.get(name).and_then(Value::as_str);
        if found != expected {
            wrong.push(format!("its {name} is {found:?}, not {expected:?}"));
        }
    };
    must("type", Some(&expected.kind));
    must("code", expected.code.as_deref());
    must("param", expected.param.as_deref());
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    if message.is_empty() {
        wrong.push("it has no message".to_owned());
    }
    for words in expected.says.iter().filter(|words| !message.contains(words.as_str())) {
        wrong.push(format!("its message does not say {words:?}"));
    }
    (!wrong.is_empty()).then(|| format!("the error is wrong: {}: {}", wrong.join(", "), shown()))
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
