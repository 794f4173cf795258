//! What OpenAI refuses of a Responses request (<https://platform.openai.com/docs/api-reference/responses/create>).

use serde_json::{Map, Value};

use super::{Checked, Refusal, object, wrong};

/// Why the vendor would refuse this body, if it would.
#[must_use]
pub fn refuse(body: &[u8]) -> Option<Refusal> {
    object(body).and_then(|request| check(&request)).err()
}

fn check(request: &Map<String, Value>) -> Checked {
    if request.get("model").and_then(Value::as_str).is_none_or(str::is_empty) {
        return wrong("model", "Missing required parameter: 'model'.");
    }
    if let Some(name) =
        ["messages", "max_tokens", "response_format"].iter().find(|n| request.contains_key(**n))
    {
        return wrong(*name, "Unsupported parameter: it belongs to Chat Completions");
    }
    for (i, tool) in request.get("tools").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let function = tool.get("type").and_then(Value::as_str) == Some("function");
        if function && tool.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
            return wrong(format!("tools[{i}].name"), "Missing required parameter");
        }
    }
    match request.get("input") {
        Some(Value::String(_)) => Ok(()),
        Some(Value::Array(items)) => items_of(items),
        _ => wrong("input", "Missing required parameter: 'input'."),
    }
}

fn items_of(items: &[Value]) -> Checked {
    let text = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut calls = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let at = format!("input[{i}]");
        match item.get("type").and_then(Value::as_str) {
            None | Some("message") => {
                if item.get("role").is_none() || item.get("content").is_none() {
                    return wrong(at, "a message needs a role and content");
                }
            }
            Some("function_call") => {
                if text(item, "name").is_none() || text(item, "arguments").is_none() {
                    return wrong(at, "a call needs a name and arguments");
                }
                calls.extend(text(item, "call_id"));
            }
            Some("function_call_output") => {
                if !text(item, "call_id").is_some_and(|id| calls.contains(&id)) {
                    return wrong(at, "No tool call found for function call output");
                }
            }
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_the_vendor_refuses() {
        assert_eq!(refuse(br#"{"model":"m","input":"hi"}"#), None);
        for (body, param) in [
            (r#"{"input":"hi"}"#, "model"),
            (r#"{"model":"m"}"#, "input"),
            (r#"{"model":"m","input":"hi","messages":[]}"#, "messages"),
            (
                r#"{"model":"m","input":[{"type":"function_call_output","call_id":"a","output":"x"}]}"#,
                "input[0]",
            ),
        ] {
            assert_eq!(refuse(body.as_bytes()).and_then(|r| r.param).as_deref(), Some(param), "{body}");
        }
    }
}
