//! What OpenAI refuses of a Chat Completions request
//! (<https://platform.openai.com/docs/api-reference/chat/create>). Fields it does not know are let pass here, because
//! compatible vendors have their own.

use serde_json::{Map, Value};

use super::{Checked, Refusal, wrong};

/// Why the vendor would refuse this body, if it would.
#[must_use]
pub fn refuse(body: &[u8]) -> Option<Refusal> {
    let refusal = |error: serde_json::Error| Refusal { param: None, message: format!("not JSON: {error}") };
    let checked = serde_json::from_slice::<Value>(body).map_err(refusal).and_then(|value| match &value {
        Value::Object(request) => check(request),
        _ => wrong("", "the body must be an object"),
    });
    checked.err()
}

fn check(request: &Map<String, Value>) -> Checked {
    if request.get("model").and_then(Value::as_str).is_none_or(str::is_empty) {
        return wrong("model", "you must provide a model parameter");
    }
    let Some(Value::Array(list)) = request.get("messages") else {
        return wrong("messages", "messages are required and must be an array");
    };
    messages(list)?;
    numbers(request)?;
    streaming(request)?;
    tools(request)?;
    output(request, list)
}

fn messages(list: &[Value]) -> Checked {
    if list.is_empty() {
        return wrong("messages", "the array is too short: at least one message is needed");
    }
    // Calls of the last assistant message that have no result yet.
    let mut open: Vec<&str> = Vec::new();
    for (i, message) in list.iter().enumerate() {
        let at = |field: &str| format!("messages[{i}].{field}");
        let Some(role) = message.get("role").and_then(Value::as_str) else {
            return wrong(at("role"), "a role is required");
        };
        if role == "tool" {
            let id = message.get("tool_call_id").and_then(Value::as_str).unwrap_or_default();
            let Some(place) = open.iter().position(|open| *open == id) else {
                return wrong(
                    at("role"),
                    "a message of role tool must answer a preceding message with tool_calls",
                );
            };
            open.remove(place);
        } else if !open.is_empty() {
            return wrong(at("role"), format!("tool_calls without a result: {}", open.join(", ")));
        }
        content(role, message, &at("content"))?;
        if let Some(calls) = message.get("tool_calls").filter(|v| !v.is_null()) {
            if role != "assistant" {
                return wrong(at("tool_calls"), "only the assistant calls tools");
            }
            let Some(calls) = calls.as_array().filter(|c| !c.is_empty()) else {
                return wrong(at("tool_calls"), "must be an array that is not empty");
            };
            for call in calls {
                open.push(tool_call(call, &at("tool_calls"))?);
            }
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        wrong("messages", format!("tool_calls without a result: {}", open.join(", ")))
    }
}

fn tool_call<'a>(call: &'a Value, at: &str) -> Result<&'a str, Refusal> {
    let Some(id) = call.get("id").and_then(Value::as_str) else { return wrong(at, "a call needs an id") };
    let kind = call.get("type").and_then(Value::as_str).unwrap_or_default();
    let argument = match kind {
        "function" => "arguments",
        "custom" => "input",
        _ => return wrong(at, format!("{kind:?} is not a type of call")),
    };
    let inner = call.get(kind);
    let has = |field| inner.and_then(|i| i.get(field)).is_some_and(Value::is_string);
    if has("name") && has(argument) {
        Ok(id)
    } else {
        wrong(at, format!("a call needs a name and {argument} as text"))
    }
}

fn content(role: &str, message: &Value, at: &str) -> Checked {
    let parts: &[&str] = match role {
        "system" | "developer" | "tool" => &["text"],
        "user" => &["text", "image_url", "input_audio", "file"],
        "assistant" => &["text", "refusal"],
        "function" => &[],
        _ => return wrong(at.replace("content", "role"), format!("{role:?} is not a role")),
    };
    match message.get("content") {
        Some(Value::String(_)) => Ok(()),
        None | Some(Value::Null) => {
            let instead = ["tool_calls", "function_call", "audio", "refusal"];
            let has = instead.iter().any(|field| message.get(field).is_some_and(|v| !v.is_null()));
            if role == "assistant" && has {
                Ok(())
            } else {
                wrong(at, "expected text or an array of parts, got null")
            }
        }
        Some(Value::Array(list)) if !list.is_empty() => {
            for part in list {
                let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
                if !parts.contains(&kind) {
                    return wrong(at, format!("{kind:?} is not a part of a {role} message"));
                }
                part_of(kind, part, at)?;
            }
            Ok(())
        }
        Some(_) => wrong(at, "expected text or an array of parts"),
    }
}

fn part_of(kind: &str, part: &Value, at: &str) -> Checked {
    let text = |pointer: &str| part.pointer(pointer).and_then(Value::as_str);
    let good = match kind {
        "text" => text("/text").is_some(),
        "refusal" => text("/refusal").is_some(),
        "image_url" => text("/image_url/url").is_some_and(|url| {
            url.starts_with("https://") || url.starts_with("http://") || url.starts_with("data:image/")
        }),
        "input_audio" => {
            text("/input_audio/data").is_some() && matches!(text("/input_audio/format"), Some("wav" | "mp3"))
        }
        _ => part.get(kind).is_some_and(Value::is_object),
    };
    if good { Ok(()) } else { wrong(at, format!("the {kind} part is not complete")) }
}

fn numbers(request: &Map<String, Value>) -> Checked {
    let given = |name: &str| request.get(name).filter(|v| !v.is_null());
    for (name, least, most) in [
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("presence_penalty", -2.0, 2.0),
        ("frequency_penalty", -2.0, 2.0),
    ] {
        if let Some(value) = given(name)
            && !value.as_f64().is_some_and(|n| (least..=most).contains(&n))
        {
            return wrong(name, format!("expected a number from {least} to {most}, got {value}"));
        }
    }
    for (name, least, most) in [
        ("n", 1, 128),
        ("max_tokens", 1, u64::MAX),
        ("max_completion_tokens", 1, u64::MAX),
        ("top_logprobs", 0, 20),
    ] {
        if let Some(value) = given(name)
            && !value.as_u64().is_some_and(|n| (least..=most).contains(&n))
        {
            return wrong(name, format!("expected a whole number from {least} to {most}, got {value}"));
        }
    }
    if given("top_logprobs").is_some() && given("logprobs") != Some(&Value::Bool(true)) {
        return wrong("top_logprobs", "only allowed when logprobs is true");
    }
    match given("stop") {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(list)) if (1..=4).contains(&list.len()) && list.iter().all(Value::is_string) => {
            Ok(())
        }
        Some(_) => wrong("stop", "expected text, or one to four of them"),
    }
}

fn streaming(request: &Map<String, Value>) -> Checked {
    let streams = match request.get("stream") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(on)) => *on,
        Some(_) => return wrong("stream", "expected true or false"),
    };
    if request.get("stream_options").is_some_and(|o| !o.is_null()) && !streams {
        return wrong("stream_options", "only allowed when stream is true");
    }
    Ok(())
}

fn tools(request: &Map<String, Value>) -> Checked {
    let list = match request.get("tools") {
        None | Some(Value::Null) => {
            return match ["tool_choice", "parallel_tool_calls"].iter().find(|f| request.contains_key(**f)) {
                Some(field) => wrong(*field, "only allowed when tools are given"),
                None => Ok(()),
            };
        }
        Some(Value::Array(list)) if (1..=128).contains(&list.len()) => list,
        Some(_) => return wrong("tools", "expected 1 to 128 tools"),
    };
    for (i, tool) in list.iter().enumerate() {
        let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
        if !matches!(kind, "function" | "custom") {
            return wrong(format!("tools[{i}].type"), format!("{kind:?} is not a type of tool"));
        }
        let at = format!("tools[{i}].{kind}");
        let inner = tool.get(kind);
        let name = inner.and_then(|t| t.get("name")).and_then(Value::as_str).unwrap_or_default();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return wrong(format!("{at}.name"), "expected 1 to 64 of a-z, A-Z, 0-9, _ and -");
        }
        let strict = inner.and_then(|t| t.get("strict")) == Some(&Value::Bool(true));
        if let (true, Some(schema)) = (strict, inner.and_then(|t| t.get("parameters"))) {
            closed(schema, &format!("{at}.parameters"))?;
        }
    }
    Ok(())
}

fn output(request: &Map<String, Value>, messages: &[Value]) -> Checked {
    let format = request.get("response_format").filter(|f| !f.is_null());
    match format.map(|f| f.get("type").and_then(Value::as_str).unwrap_or_default()) {
        None | Some("text") => {}
        Some("json_object") => {
            let said = messages.iter().any(|m| m.to_string().to_lowercase().contains("json"));
            if !said {
                return wrong(
                    "messages",
                    "must contain the word json to use response_format of type json_object",
                );
            }
        }
        Some("json_schema") => {
            let wanted = format.and_then(|f| f.get("json_schema"));
            if wanted.and_then(|w| w.get("name")).is_none_or(|n| !n.is_string()) {
                return wrong("response_format.json_schema.name", "a name is required");
            }
            let strict = wanted.and_then(|w| w.get("strict")) == Some(&Value::Bool(true));
            if let (true, Some(schema)) = (strict, wanted.and_then(|w| w.get("schema"))) {
                closed(schema, "response_format.json_schema.schema")?;
            }
        }
        Some(other) => return wrong("response_format.type", format!("{other:?} is not a format")),
    }
    let speaks =
        request.get("modalities").and_then(Value::as_array).is_some_and(|m| m.iter().any(|m| m == "audio"));
    if speaks && !request.get("audio").is_some_and(|a| a.get("voice").is_some() && a.get("format").is_some())
    {
        return wrong("audio", "voice and format are required when audio is among the modalities");
    }
    Ok(())
}

/// A strict schema closes every object and requires all of its properties.
fn closed(schema: &Value, at: &str) -> Checked {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
            return wrong(at, "additionalProperties must be false in a strict schema");
        }
        let required = schema.get("required").and_then(Value::as_array);
        let all = |name: &String| required.is_some_and(|r| r.iter().any(|n| n == name));
        if let Some(name) = properties.keys().find(|name| !all(name)) {
            return wrong(at, format!("{name:?} must be required in a strict schema"));
        }
    }
    match schema {
        Value::Object(members) => members.values().try_for_each(|inner| closed(inner, at)),
        Value::Array(items) => items.iter().try_for_each(|inner| closed(inner, at)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_vendor_takes() {
        for body in [
            r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#,
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"new_field":1,
                "messages":[{"role":"developer","content":[{"type":"text","text":"x"}]},{"role":"user","content":"y"}]}"#,
            r#"{"model":"m","messages":[{"role":"user","content":"a"},
                {"role":"assistant","content":null,"tool_calls":[
                    {"id":"1","type":"function","function":{"name":"f","arguments":"{}"}},
                    {"id":"2","type":"function","function":{"name":"f","arguments":""}}]},
                {"role":"tool","tool_call_id":"2","content":"b"},{"role":"tool","tool_call_id":"1","content":"c"}],
                "tools":[{"type":"function","function":{"name":"f"}}]}"#,
        ] {
            assert_eq!(refuse(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn refuses_what_the_vendor_refuses() {
        let hello = r#""messages":[{"role":"user","content":"hi"}]"#;
        for (members, param) in [
            (r#""model":"m","messages":[]"#.to_owned(), "messages"),
            (r#""model":"m""#.to_owned(), "messages"),
            (hello.to_owned(), "model"),
            (r#""model":"m","messages":[{"role":"robot","content":"hi"}]"#.to_owned(), "messages[0].role"),
            (r#""model":"m","messages":[{"role":"user","content":null}]"#.to_owned(), "messages[0].content"),
            (
                r#""model":"m","messages":[{"role":"tool","tool_call_id":"1","content":"x"}]"#.to_owned(),
                "messages[0].role",
            ),
            (format!(r#""model":"m",{hello},"n":0"#), "n"),
            (format!(r#""model":"m",{hello},"temperature":2.5"#), "temperature"),
            (format!(r#""model":"m",{hello},"stream_options":{{"include_usage":true}}"#), "stream_options"),
            (format!(r#""model":"m",{hello},"top_logprobs":3"#), "top_logprobs"),
            (format!(r#""model":"m",{hello},"tool_choice":"auto""#), "tool_choice"),
            (
                format!(r#""model":"m",{hello},"tools":[{{"type":"function","function":{{}}}}]"#),
                "tools[0].function.name",
            ),
            (format!(r#""model":"m",{hello},"response_format":{{"type":"json_object"}}"#), "messages"),
            (format!(r#""model":"m",{hello},"modalities":["text","audio"]"#), "audio"),
            (
                format!(
                    r#""model":"m",{hello},"response_format":{{"type":"json_schema","json_schema":{{"name":"n",
                    "strict":true,"schema":{{"type":"object","properties":{{"a":{{}}}}}}}}}}"#
                ),
                "response_format.json_schema.schema",
            ),
        ] {
            let refusal = refuse(format!("{{{members}}}").as_bytes());
            assert_eq!(refusal.and_then(|r| r.param).as_deref(), Some(param), "{members}");
        }
        assert!(refuse(b"{").is_some());
        assert!(refuse(b"[]").is_some());
    }
}
