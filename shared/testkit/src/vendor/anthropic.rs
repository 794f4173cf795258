//! What Anthropic refuses of a Messages request (<https://platform.claude.com/docs/en/api/messages>). Unlike others it
//! takes no field that it does not know.

use serde_json::{Map, Value};

use super::{Checked, Refusal, object, wrong};

const FIELDS: [&str; 20] = [
    "model",
    "messages",
    "max_tokens",
    "system",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "tools",
    "tool_choice",
    "thinking",
    "metadata",
    "service_tier",
    "container",
    "context_management",
    "mcp_servers",
    "output_config",
    "output_format",
    "cache_control",
];

/// Why the vendor would refuse this body, if it would.
#[must_use]
pub fn refuse(body: &[u8]) -> Option<Refusal> {
    object(body).and_then(|request| check(&request)).err()
}

fn check(request: &Map<String, Value>) -> Checked {
    if let Some(name) = request.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return wrong(name, "Extra inputs are not permitted");
    }
    if request.get("model").and_then(Value::as_str).is_none_or(str::is_empty) {
        return wrong("model", "Field required");
    }
    if request.get("max_tokens").and_then(Value::as_u64).is_none_or(|n| n == 0) {
        return wrong("max_tokens", "Input should be greater than or equal to 1");
    }
    match request.get("system") {
        None | Some(Value::String(_)) => {}
        Some(Value::Array(blocks)) => {
            for (i, block) in blocks.iter().enumerate() {
                if block.get("text").and_then(Value::as_str).is_none_or(str::is_empty) {
                    return wrong(format!("system.{i}.text"), "text content blocks must be non-empty");
                }
            }
        }
        Some(_) => return wrong("system", "Input should be a valid string or list"),
    }
    for (name, most) in [("temperature", 1.0), ("top_p", 1.0)] {
        if let Some(value) = request.get(name)
            && !value.as_f64().is_some_and(|n| (0.0..=most).contains(&n))
        {
            return wrong(name, format!("range: 0..{most}"));
        }
    }
    tools(request)?;
    thinking(request)?;
    messages(request)
}

fn tools(request: &Map<String, Value>) -> Checked {
    let Some(tools) = request.get("tools") else {
        return match request.get("tool_choice") {
            Some(_) => wrong("tool_choice", "tool_choice may only be specified while providing tools"),
            None => Ok(()),
        };
    };
    let Some(tools) = tools.as_array() else { return wrong("tools", "Input should be a valid list") };
    for (i, tool) in tools.iter().enumerate() {
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if name.is_empty() || name.len() > 128 || !name.bytes().all(plain) {
            return wrong(format!("tools.{i}.name"), "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'");
        }
        let own = matches!(tool.get("type").and_then(Value::as_str), None | Some("custom"));
        if own && tool.pointer("/input_schema/type").and_then(Value::as_str) != Some("object") {
            return wrong(format!("tools.{i}.input_schema.type"), "Field required: 'object'");
        }
    }
    match request.get("tool_choice") {
        None => Ok(()),
        Some(choice) => match choice.get("type").and_then(Value::as_str) {
            Some("auto" | "any" | "none") => Ok(()),
            Some("tool") if choice.get("name").is_some_and(Value::is_string) => Ok(()),
            _ => wrong("tool_choice", "expected one of auto, any, none, or tool with a name"),
        },
    }
}

fn thinking(request: &Map<String, Value>) -> Checked {
    let Some(thinking) = request.get("thinking") else { return Ok(()) };
    match thinking.get("type").and_then(Value::as_str) {
        Some("enabled") => {
            let budget = thinking.get("budget_tokens").and_then(Value::as_u64).unwrap_or_default();
            let limit = request.get("max_tokens").and_then(Value::as_u64).unwrap_or_default();
            if budget < 1024 || budget >= limit {
                return wrong("thinking.budget_tokens", "must be at least 1024 and less than max_tokens");
            }
            Ok(())
        }
        Some("disabled" | "adaptive") => Ok(()),
        _ => wrong("thinking.type", "expected enabled, disabled or adaptive"),
    }
}

fn messages(request: &Map<String, Value>) -> Checked {
    let Some(list) = request.get("messages").and_then(Value::as_array).filter(|list| !list.is_empty()) else {
        return wrong("messages", "at least one message is required");
    };
    // Ids of the calls in the message before.
    let mut open: Vec<&str> = Vec::new();
    for (i, message) in list.iter().enumerate() {
        let at = format!("messages.{i}");
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        if !matches!(role, "user" | "assistant") {
            return wrong(format!("{at}.role"), "Input should be 'user' or 'assistant'");
        }
        let blocks = match message.get("content") {
            Some(Value::String(text)) if !text.is_empty() => &[][..],
            Some(Value::Array(blocks)) if !blocks.is_empty() => blocks,
            _ => return wrong(format!("{at}.content"), "all messages must have non-empty content"),
        };
        let answered = blocks.iter().filter(|b| b.get("type") == Some(&"tool_result".into()));
        let answered: Vec<&str> =
            answered.filter_map(|b| b.get("tool_use_id").and_then(Value::as_str)).collect();
        if let Some(id) = open.iter().find(|id| !answered.contains(id)) {
            return wrong(at, format!("tool_use ids were found without tool_result blocks: {id}"));
        }
        if let Some(id) = answered.iter().find(|id| !open.contains(id)) {
            return wrong(at, format!("unexpected tool_use_id found in tool_result blocks: {id}"));
        }
        open.clear();
        for (j, block) in blocks.iter().enumerate() {
            check_block(role, block, &format!("{at}.content.{j}"))?;
            if block.get("type") == Some(&"tool_use".into()) {
                open.extend(block.get("id").and_then(Value::as_str));
            }
        }
    }
    if open.is_empty() { Ok(()) } else { wrong("messages", "tool_use ids without tool_result at the end") }
}

fn check_block(role: &str, block: &Value, at: &str) -> Checked {
    let text = |name: &str| block.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let good = match block.get("type").and_then(Value::as_str).unwrap_or_default() {
        "text" => text("text"),
        "image" | "document" => {
            let source = block.get("source");
            match source.and_then(|s| s.get("type")).and_then(Value::as_str) {
                Some("base64" | "text") => source.and_then(|s| s.get("data")).is_some_and(Value::is_string),
                Some("url") => source.and_then(|s| s.get("url")).is_some_and(Value::is_string),
                Some("file") => source.and_then(|s| s.get("file_id")).is_some_and(Value::is_string),
                Some("content") => true,
                _ => false,
            }
        }
        "tool_use" => {
            role == "assistant"
                && text("id")
                && text("name")
                && block.get("input").is_some_and(Value::is_object)
        }
        "tool_result" => role == "user" && text("tool_use_id"),
        "thinking" => role == "assistant" && text("signature"),
        "redacted_thinking" => role == "assistant" && text("data"),
        other => other.ends_with("_tool_use") || other.ends_with("_tool_result") || other == "search_result",
    };
    if good { Ok(()) } else { wrong(at, "the block is not complete, or has no place in this message") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_vendor_takes() {
        for body in [
            r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#,
            r#"{"model":"m","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},
                "system":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}],
                "tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"auto"},
                "messages":[{"role":"user","content":"hi"},
                {"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},
                {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}]}"#,
        ] {
            assert_eq!(refuse(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn refuses_what_the_vendor_refuses() {
        let hi = r#""messages":[{"role":"user","content":"hi"}]"#;
        for (members, param) in [
            (format!(r#""model":"m",{hi}"#), "max_tokens"),
            (format!(r#""model":"m","max_tokens":1,"seed":1,{hi}"#), "seed"),
            (format!(r#""model":"m","max_tokens":1,"temperature":1.5,{hi}"#), "temperature"),
            (format!(r#""model":"m","max_tokens":1,"tool_choice":{{"type":"auto"}},{hi}"#), "tool_choice"),
            (
                r#""model":"m","max_tokens":1,"messages":[{"role":"system","content":"x"}]"#.into(),
                "messages.0.role",
            ),
            (
                r#""model":"m","max_tokens":1,"messages":[{"role":"user","content":""}]"#.into(),
                "messages.0.content",
            ),
            (
                r#""model":"m","max_tokens":1,"messages":[{"role":"user","content":[
                    {"type":"tool_result","tool_use_id":"a","content":"x"}]}]"#
                    .into(),
                "messages.0",
            ),
        ] {
            let refusal = refuse(format!("{{{members}}}").as_bytes());
            assert_eq!(refusal.and_then(|r| r.param).as_deref(), Some(param), "{members}");
        }
    }
}
