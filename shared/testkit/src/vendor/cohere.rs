//! What Cohere refuses of a chat request of its API v2 (<https://docs.cohere.com/reference/chat>), fields that it does
//! not know among them.

use serde_json::{Map, Value};

use super::{Checked, Refusal, object, wrong};

const FIELDS: [&str; 22] = [
    "stream",
    "model",
    "messages",
    "tools",
    "strict_tools",
    "documents",
    "citation_options",
    "response_format",
    "safety_mode",
    "max_tokens",
    "stop_sequences",
    "temperature",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "k",
    "p",
    "logprobs",
    "tool_choice",
    "thinking",
    "priority",
    "raw_prompting",
];

/// Why the vendor would refuse this body, if it would.
#[must_use]
pub fn refuse(body: &[u8]) -> Option<Refusal> {
    object(body).and_then(|request| check(&request)).err()
}

fn check(request: &Map<String, Value>) -> Checked {
    if let Some(name) = request.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return wrong(name, format!("unknown field: parameter '{name}' is not a valid field"));
    }
    if request.get("model").and_then(Value::as_str).is_none_or(str::is_empty) {
        return wrong("model", "a model is required");
    }
    numbers(request)?;
    tools(request)?;
    settings(request)?;
    messages(request)
}

fn numbers(request: &Map<String, Value>) -> Checked {
    for (name, least, most) in [
        ("temperature", 0.0, f64::MAX),
        ("frequency_penalty", 0.0, 1.0),
        ("presence_penalty", 0.0, 1.0),
        ("p", 0.01, 0.99),
    ] {
        if request.get(name).is_some_and(|n| !n.as_f64().is_some_and(|n| (least..=most).contains(&n))) {
            return wrong(name, format!("must be from {least} to {most}"));
        }
    }
    for (name, least, most) in
        [("max_tokens", 1, u64::MAX), ("k", 0, 500), ("seed", 0, u64::MAX), ("priority", 0, 999)]
    {
        if request.get(name).is_some_and(|n| !n.as_u64().is_some_and(|n| (least..=most).contains(&n))) {
            return wrong(name, format!("must be a whole number from {least} to {most}"));
        }
    }
    Ok(())
}

fn tools(request: &Map<String, Value>) -> Checked {
    let Some(tools) = request.get("tools") else {
        return match ["tool_choice", "strict_tools"].iter().find(|name| request.contains_key(**name)) {
            Some(name) => wrong(*name, "may only be given with tools"),
            None => Ok(()),
        };
    };
    let Some(tools) = tools.as_array().filter(|tools| !tools.is_empty()) else {
        return wrong("tools", "expected a list of tools");
    };
    for (i, tool) in tools.iter().enumerate() {
        let function = tool.get("function").filter(|_| tool.get("type") == Some(&"function".into()));
        if function.and_then(|f| f.get("name")).and_then(Value::as_str).is_none_or(str::is_empty) {
            return wrong(format!("tools[{i}]"), "a tool is a function with a name");
        }
        if !function.and_then(|f| f.get("parameters")).is_some_and(Value::is_object) {
            return wrong(format!("tools[{i}].function.parameters"), "a JSON schema is required");
        }
    }
    match request.get("tool_choice").map(Value::as_str) {
        None | Some(Some("REQUIRED" | "NONE")) => Ok(()),
        Some(_) => wrong("tool_choice", "expected REQUIRED or NONE"),
    }
}

fn settings(request: &Map<String, Value>) -> Checked {
    for name in ["stream", "logprobs", "strict_tools"] {
        if request.get(name).is_some_and(|on| !on.is_boolean()) {
            return wrong(name, "expected true or false");
        }
    }
    let good = |list: &Value| list.as_array().is_some_and(|l| l.len() <= 5 && l.iter().all(Value::is_string));
    if request.get("stop_sequences").is_some_and(|list| !good(list)) {
        return wrong("stop_sequences", "expected up to 5 strings");
    }
    if let Some(thinking) = request.get("thinking") {
        if !matches!(thinking.get("type").and_then(Value::as_str), Some("enabled" | "disabled")) {
            return wrong("thinking.type", "expected enabled or disabled");
        }
        if thinking.get("token_budget").is_some_and(|n| n.as_u64().is_none_or(|n| n == 0)) {
            return wrong("thinking.token_budget", "must be a positive integer");
        }
    }
    if let Some(format) = request.get("response_format") {
        let kind = format.get("type").and_then(Value::as_str);
        let schema = format.get("json_schema");
        let good = match kind {
            Some("text") => schema.is_none(),
            Some("json_object") => schema.is_none_or(|s| s.get("type") == Some(&"object".into())),
            _ => false,
        };
        if !good {
            return wrong("response_format", "expected text, or json_object with a schema of an object");
        }
        if kind == Some("json_object") && request.contains_key("documents") {
            return wrong("response_format", "not supported together with documents");
        }
    }
    for (i, document) in request.get("documents").and_then(Value::as_array).into_iter().flatten().enumerate()
    {
        if !document.is_string()
            && !document.get("data").is_some_and(|data| data.is_object() || data.is_string())
        {
            return wrong(format!("documents[{i}]"), "a document is a string or has data");
        }
    }
    Ok(())
}

fn messages(request: &Map<String, Value>) -> Checked {
    let Some(list) = request.get("messages").and_then(Value::as_array).filter(|list| !list.is_empty()) else {
        return wrong("messages", "must be at least one message");
    };
    // Ids of the calls that have no result yet.
    let mut open: Vec<&str> = Vec::new();
    for (i, message) in list.iter().enumerate() {
        let at = format!("messages[{i}]");
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        if role == "tool" {
            let id = message.get("tool_call_id").and_then(Value::as_str).unwrap_or_default();
            let Some(place) = open.iter().position(|open| *open == id) else {
                return wrong(at, "a tool message must answer a call of the message before");
            };
            open.remove(place);
        } else if !open.is_empty() {
            return wrong(at, format!("tool calls without a result: {}", open.join(", ")));
        }
        let kinds: &[&str] = match role {
            "system" => &["text"],
            "user" => &["text", "image_url"],
            "assistant" => &["text", "thinking"],
            "tool" => &["text", "document"],
            _ => return wrong(format!("{at}.role"), "expected user, assistant, system or tool"),
        };
        let calls = message.get("tool_calls").and_then(Value::as_array);
        for call in calls.into_iter().flatten() {
            open.push(tool_call(role, call, &at)?);
        }
        content(message, kinds, calls.is_some(), &at)?;
    }
    if open.is_empty() { Ok(()) } else { wrong("messages", "tool calls without a result at the end") }
}

fn tool_call<'a>(role: &str, call: &'a Value, at: &str) -> Result<&'a str, Refusal> {
    let text = |pointer: &str| call.pointer(pointer).and_then(Value::as_str);
    let arguments = text("/function/arguments").and_then(|a| serde_json::from_str::<Value>(a).ok());
    match text("/id").filter(|id| !id.is_empty()) {
        Some(id)
            if role == "assistant"
                && text("/type") == Some("function")
                && text("/function/name").is_some()
                && arguments.is_some_and(|a| a.is_object()) =>
        {
            Ok(id)
        }
        _ => wrong(format!("{at}.tool_calls"), "a call needs an id, a name, and an object as text"),
    }
}

fn content(message: &Value, kinds: &[&str], has_calls: bool, at: &str) -> Checked {
    let at = format!("{at}.content");
    let blocks = match message.get("content") {
        Some(Value::String(text)) if !text.is_empty() => return Ok(()),
        Some(Value::Array(blocks)) if !blocks.is_empty() => blocks,
        None if has_calls => return Ok(()),
        _ => return wrong(at, "content is required: text, or a list of blocks"),
    };
    for block in blocks {
        let kind = block.get("type").and_then(Value::as_str).unwrap_or_default();
        let text = |pointer: &str| block.pointer(pointer).and_then(Value::as_str);
        let good = kinds.contains(&kind)
            && match kind {
                "text" => text("/text").is_some(),
                "thinking" => text("/thinking").is_some(),
                "image_url" => text("/image_url/url")
                    .is_some_and(|url| url.starts_with("http") || url.starts_with("data:image/")),
                _ => block.pointer("/document/data").is_some(),
            };
        if !good {
            return wrong(at, format!("the block {kind:?} is not complete, or has no place here"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_vendor_takes() {
        for body in [
            r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}"#,
            r#"{"model":"m","temperature":1.5,"p":0.5,"k":0,"stop_sequences":["a"],"seed":1,
                "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],
                "tool_choice":"REQUIRED","strict_tools":true,"thinking":{"type":"enabled","token_budget":5},
                "documents":["x",{"data":{"text":"y"}}],"messages":[
                {"role":"system","content":"x"},
                {"role":"user","content":[{"type":"text","text":"a"},
                    {"type":"image_url","image_url":{"url":"https://a.test/b.png"}}]},
                {"role":"assistant","tool_plan":"I look","tool_calls":[{"id":"a","type":"function",
                    "function":{"name":"f","arguments":"{}"}}]},
                {"role":"tool","tool_call_id":"a","content":[{"type":"document","document":{"data":{"x":"1"}}}]}]}"#,
        ] {
            assert_eq!(refuse(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn refuses_what_the_vendor_refuses() {
        let hi = r#""model":"m","messages":[{"role":"user","content":"hi"}]"#;
        let talk = |messages: &str| format!(r#""model":"m","messages":[{messages}]"#);
        for (members, param) in [
            (r#""messages":[{"role":"user","content":"hi"}]"#.to_owned(), "model"),
            (r#""model":"m","messages":[]"#.to_owned(), "messages"),
            (format!(r#""n":2,{hi}"#), "n"),
            (format!(r#""p":1,{hi}"#), "p"),
            (format!(r#""frequency_penalty":-1,{hi}"#), "frequency_penalty"),
            (format!(r#""k":501,{hi}"#), "k"),
            (format!(r#""max_tokens":0,{hi}"#), "max_tokens"),
            (format!(r#""stop_sequences":["1","2","3","4","5","6"],{hi}"#), "stop_sequences"),
            (format!(r#""tool_choice":"NONE",{hi}"#), "tool_choice"),
            (
                format!(r#""tools":[{{"type":"function","function":{{"name":"f"}}}}],{hi}"#),
                "tools[0].function.parameters",
            ),
            (format!(r#""thinking":{{"token_budget":5}},{hi}"#), "thinking.type"),
            (format!(r#""response_format":{{"type":"json_schema"}},{hi}"#), "response_format"),
            (talk(r#"{"role":"developer","content":"x"}"#), "messages[0].role"),
            (talk(r#"{"role":"user","content":""}"#), "messages[0].content"),
            (talk(r#"{"role":"user","content":[{"type":"file"}]}"#), "messages[0].content"),
            (talk(r#"{"role":"tool","tool_call_id":"a","content":"x"}"#), "messages[0]"),
            (
                talk(
                    r#"{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":""}}]}"#,
                ),
                "messages[0].tool_calls",
            ),
        ] {
            let body = format!("{{{members}}}");
            assert_eq!(refuse(body.as_bytes()).and_then(|r| r.param).as_deref(), Some(param), "{body}");
        }
    }
}
