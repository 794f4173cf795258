//! What Bedrock refuses of a Converse request
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>). AWS ignores members that it
//! does not know; here they are refused, because what is ignored is lost.

use serde_json::{Map, Value};

use super::{Checked, Refusal, object, wrong};

const FIELDS: [&str; 12] = [
    "messages",
    "system",
    "inferenceConfig",
    "toolConfig",
    "guardrailConfig",
    "additionalModelRequestFields",
    "promptVariables",
    "additionalModelResponseFieldPaths",
    "requestMetadata",
    "performanceConfig",
    "serviceTier",
    "outputConfig",
];
const IMAGES: [&str; 4] = ["png", "jpeg", "gif", "webp"];
const DOCUMENTS: [&str; 9] = ["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"];
const AUDIO: [&str; 15] = [
    "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm",
    "webm",
];
const VIDEOS: [&str; 9] = ["mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"];

/// Why the vendor would refuse this body, if it would.
#[must_use]
pub fn refuse(body: &[u8]) -> Option<Refusal> {
    object(body).and_then(|request| check(&request)).err()
}

fn known(map: &Map<String, Value>, fields: &[&str], at: &str) -> Checked {
    match map.keys().find(|name| !fields.contains(&name.as_str())) {
        Some(name) => wrong(format!("{at}{name}"), "there is no such member"),
        None => Ok(()),
    }
}

/// A union: an object with exactly one member.
fn union<'a>(value: &'a Value, at: &str) -> Result<(&'a str, &'a Value), Refusal> {
    match value.as_object().map(|map| (map.len(), map.iter().next())) {
        Some((1, Some((name, inner)))) => Ok((name, inner)),
        _ => wrong(at, "a union has exactly one member"),
    }
}

fn list<'a>(value: Option<&'a Value>, at: &str) -> Result<&'a [Value], Refusal> {
    match value {
        None => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => wrong(at, "expected a list"),
    }
}

fn check(request: &Map<String, Value>) -> Checked {
    known(request, &FIELDS, "")?;
    for (i, block) in list(request.get("system"), "system")?.iter().enumerate() {
        let at = format!("system.{i}");
        match union(block, &at)? {
            ("text", Value::String(text)) if !text.is_empty() => {}
            ("guardContent", Value::Object(_)) => {}
            ("cachePoint", point) => cache_point(point, &at)?,
            _ => return wrong(at, "system content is text that is not empty, guardContent or cachePoint"),
        }
    }
    config(request.get("inferenceConfig"))?;
    let tools = tools(request.get("toolConfig"))?;
    settings(request)?;
    messages(list(request.get("messages"), "messages")?, tools)
}

fn config(config: Option<&Value>) -> Checked {
    let Some(config) = config else { return Ok(()) };
    let Some(map) = config.as_object() else { return wrong("inferenceConfig", "expected a structure") };
    known(map, &["maxTokens", "temperature", "topP", "stopSequences"], "inferenceConfig.")?;
    if map.get("maxTokens").is_some_and(|n| n.as_u64().is_none_or(|n| n == 0)) {
        return wrong("inferenceConfig.maxTokens", "Member must be greater than or equal to 1");
    }
    for name in ["temperature", "topP"] {
        if map.get(name).is_some_and(|n| !n.as_f64().is_some_and(|n| (0.0..=1.0).contains(&n))) {
            return wrong(format!("inferenceConfig.{name}"), "Member must be from 0 to 1");
        }
    }
    let stop = list(map.get("stopSequences"), "inferenceConfig.stopSequences")?;
    if stop.len() > 2_500 || stop.iter().any(|one| one.as_str().is_none_or(str::is_empty)) {
        return wrong("inferenceConfig.stopSequences", "at most 2500 texts that are not empty");
    }
    Ok(())
}

/// Whether tools are defined.
fn tools(config: Option<&Value>) -> Result<bool, Refusal> {
    let Some(config) = config else { return Ok(false) };
    let Some(map) = config.as_object() else { return wrong("toolConfig", "expected a structure") };
    known(map, &["tools", "toolChoice"], "toolConfig.")?;
    let tools = list(map.get("tools"), "toolConfig.tools")?;
    if tools.is_empty() {
        return wrong("toolConfig.tools", "Member must have length greater than or equal to 1");
    }
    for (i, tool) in tools.iter().enumerate() {
        let at = format!("toolConfig.tools.{i}");
        match union(tool, &at)? {
            ("toolSpec", spec) => tool_spec(spec, &format!("{at}.toolSpec"))?,
            ("systemTool", own) if own.get("name").is_some_and(Value::is_string) => {}
            ("cachePoint", point) => cache_point(point, &at)?,
            _ => return wrong(at, "a tool is a toolSpec, a systemTool or a cachePoint"),
        }
    }
    if let Some(choice) = map.get("toolChoice") {
        match union(choice, "toolConfig.toolChoice")? {
            ("auto" | "any", Value::Object(inner)) if inner.is_empty() => {}
            ("tool", inner) if inner.get("name").and_then(Value::as_str).is_some_and(is_name) => {}
            _ => return wrong("toolConfig.toolChoice", "expected auto, any, or tool with a name"),
        }
    }
    Ok(true)
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn is_call_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':');
    (1..=64).contains(&id.len()) && id.bytes().all(plain)
}

fn tool_spec(spec: &Value, at: &str) -> Checked {
    let Some(map) = spec.as_object() else { return wrong(at, "expected a structure") };
    known(map, &["name", "description", "inputSchema", "strict"], &format!("{at}."))?;
    if !map.get("name").and_then(Value::as_str).is_some_and(is_name) {
        return wrong(format!("{at}.name"), "must match [a-zA-Z0-9_-]+ and have 1 to 64 characters");
    }
    if map.get("description").is_some_and(|text| text.as_str().is_none_or(str::is_empty)) {
        return wrong(format!("{at}.description"), "Member must have length greater than or equal to 1");
    }
    if map.get("strict").is_some_and(|strict| !strict.is_boolean()) {
        return wrong(format!("{at}.strict"), "expected true or false");
    }
    if spec.pointer("/inputSchema/json/type").and_then(Value::as_str) != Some("object") {
        return wrong(format!("{at}.inputSchema.json.type"), "must be one of the following: object.");
    }
    Ok(())
}

fn settings(request: &Map<String, Value>) -> Checked {
    if let Some(tier) = request.get("serviceTier")
        && !matches!(
            tier.get("type").and_then(Value::as_str),
            Some("priority" | "default" | "flex" | "reserved")
        )
    {
        return wrong("serviceTier.type", "must be one of priority, default, flex, reserved");
    }
    if let Some(metadata) = request.get("requestMetadata") {
        let sign =
            |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":_@$#=/+,-.".contains(c);
        let fits = |text: &str| text.chars().count() <= 256 && text.chars().all(sign);
        let good = metadata.as_object().is_some_and(|map| {
            (1..=16).contains(&map.len())
                && map
                    .iter()
                    .all(|(name, value)| !name.is_empty() && fits(name) && value.as_str().is_some_and(fits))
        });
        if !good {
            return wrong("requestMetadata", "1 to 16 short texts by name");
        }
    }
    if let Some(format) = request.get("outputConfig").and_then(|config| config.get("textFormat")) {
        let at = "outputConfig.textFormat";
        if format.get("type").and_then(Value::as_str) != Some("json_schema") {
            return wrong(format!("{at}.type"), "must be json_schema");
        }
        let schema = format.pointer("/structure/jsonSchema/schema").and_then(Value::as_str);
        if schema.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok()).is_none() {
            return wrong(format!("{at}.structure.jsonSchema.schema"), "must be a JSON schema, as text");
        }
    }
    Ok(())
}

fn messages(list: &[Value], tools: bool) -> Checked {
    if list.is_empty() {
        return wrong("messages", "A conversation must start with a user message.");
    }
    // Ids of the calls in the message before.
    let mut open: Vec<&str> = Vec::new();
    let mut last = "assistant";
    for (i, message) in list.iter().enumerate() {
        let at = format!("messages.{i}");
        let Some(role @ ("user" | "assistant")) = message.get("role").and_then(Value::as_str) else {
            return wrong(format!("{at}.role"), "must satisfy enum value set: [user, assistant]");
        };
        if role == last {
            return wrong(
                format!("{at}.role"),
                "roles must alternate between user and assistant, user first",
            );
        }
        last = role;
        let Some(blocks) = message.get("content").and_then(Value::as_array).filter(|b| !b.is_empty()) else {
            return wrong(format!("{at}.content"), "The content field in the Message object is empty.");
        };
        let mut results = Vec::new();
        let mut calls = Vec::new();
        for (j, content) in blocks.iter().enumerate() {
            let at = format!("{at}.content.{j}");
            let (kind, inner) = union(content, &at)?;
            block(role, kind, inner, &at)?;
            let id = inner.get("toolUseId").and_then(Value::as_str);
            match kind {
                "toolUse" => calls.extend(id),
                "toolResult" => results.extend(id),
                "document" if !blocks.iter().any(|b| b.get("text").is_some()) => {
                    return wrong(at, "a message with a document needs a text block beside it");
                }
                _ => {}
            }
        }
        if !(tools || calls.is_empty() && results.is_empty()) {
            return wrong("toolConfig", "must be defined when using toolUse and toolResult content blocks.");
        }
        if open.iter().any(|id| !results.contains(id)) {
            return wrong(at, "Expected toolResult blocks for the toolUse blocks of the previous turn");
        }
        if results.iter().any(|id| !open.contains(id)) {
            return wrong(at, "the number of toolResult blocks exceeds the toolUse blocks of previous turn");
        }
        open = calls;
    }
    if open.is_empty() { Ok(()) } else { wrong("messages", "toolUse blocks without a toolResult at the end") }
}

fn block(role: &str, kind: &str, inner: &Value, at: &str) -> Checked {
    let format =
        |words: &[&str]| inner.get("format").and_then(Value::as_str).is_some_and(|f| words.contains(&f));
    let good = match kind {
        "text" => inner.as_str().is_some_and(|text| !text.trim().is_empty()),
        "image" => role == "user" && format(&IMAGES) && is_source(inner, &["bytes", "s3Location"]),
        "video" => role == "user" && format(&VIDEOS) && is_source(inner, &["bytes", "s3Location"]),
        "audio" => role == "user" && format(&AUDIO) && is_source(inner, &["bytes", "s3Location"]),
        "document" => {
            role == "user"
                && (inner.get("format").is_none() || format(&DOCUMENTS))
                && inner.get("name").and_then(Value::as_str).is_some_and(is_document_name)
                && is_source(inner, &["bytes", "s3Location", "text", "content"])
        }
        "toolUse" => {
            role == "assistant"
                && inner.get("toolUseId").and_then(Value::as_str).is_some_and(is_call_id)
                && inner.get("name").and_then(Value::as_str).is_some_and(is_name)
                && inner.get("input").is_some_and(Value::is_object)
        }
        "toolResult" => return if role == "user" { result(inner, at) } else { wrong(at, "of a user only") },
        "reasoningContent" => {
            let (kind, said) = union(inner, at)?;
            let text = said.get("text").is_some_and(Value::is_string);
            role == "assistant"
                && (kind == "reasoningText" && text || kind == "redactedContent" && is_bytes(said))
        }
        "cachePoint" => return cache_point(inner, at),
        "guardContent" | "citationsContent" | "searchResult" => inner.is_object(),
        _ => return wrong(at, format!("{kind} is not a content block")),
    };
    if good { Ok(()) } else { wrong(at, format!("the {kind} block is not complete, or has no place here")) }
}

/// Letters, digits, single spaces, hyphens, parentheses and square brackets.
fn is_document_name(name: &str) -> bool {
    (1..=200).contains(&name.chars().count())
        && !name.contains("  ")
        && name.chars().all(|c| c.is_ascii_alphanumeric() || " -()[]".contains(c))
}

fn is_bytes(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        let body = text.trim_end_matches('=');
        !body.is_empty()
            && text.len().is_multiple_of(4)
            && text.len() - body.len() <= 2
            && body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
    })
}

fn is_source(inner: &Value, kinds: &[&str]) -> bool {
    let Some(Ok((kind, value))) = inner.get("source").map(|source| union(source, "source")) else {
        return false;
    };
    kinds.contains(&kind)
        && match kind {
            "bytes" => is_bytes(value),
            "s3Location" => {
                value.get("uri").and_then(Value::as_str).is_some_and(|uri| uri.starts_with("s3://"))
            }
            "text" => value.as_str().is_some_and(|text| !text.is_empty()),
            _ => value.is_array(),
        }
}

fn result(inner: &Value, at: &str) -> Checked {
    if !inner.get("toolUseId").and_then(Value::as_str).is_some_and(is_call_id) {
        return wrong(format!("{at}.toolUseId"), "must match [a-zA-Z0-9_.:-]+ and have 1 to 64 characters");
    }
    if !matches!(inner.get("status").map(Value::as_str), None | Some(Some("success" | "error"))) {
        return wrong(format!("{at}.status"), "must be success or error");
    }
    let Some(Value::Array(blocks)) = inner.get("content") else {
        return wrong(format!("{at}.content"), "a list is required");
    };
    for (i, content) in blocks.iter().enumerate() {
        let at = format!("{at}.content.{i}");
        match union(content, &at)? {
            ("json" | "searchResult", Value::Object(_)) => {}
            ("text", Value::String(_)) => {}
            (kind @ ("image" | "document" | "video"), inner) => block("user", kind, inner, &at)?,
            _ => return wrong(at, "a result has text, json, image, document, video or searchResult"),
        }
    }
    Ok(())
}

fn cache_point(point: &Value, at: &str) -> Checked {
    let good = point.get("type").and_then(Value::as_str) == Some("default")
        && matches!(point.get("ttl").map(Value::as_str), None | Some(Some("5m" | "1h")));
    if good { Ok(()) } else { wrong(format!("{at}.cachePoint"), "type is default, ttl is 5m or 1h") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_vendor_takes() {
        for body in [
            r#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#,
            r#"{"system":[{"text":"x"},{"cachePoint":{"type":"default","ttl":"1h"}}],
                "inferenceConfig":{"maxTokens":9,"temperature":0.5,"topP":1,"stopSequences":["END"]},
                "toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object"}}}}],
                    "toolChoice":{"any":{}}},
                "requestMetadata":{"a":"b"},"serviceTier":{"type":"flex"},
                "additionalModelRequestFields":{"top_k":5},
                "outputConfig":{"textFormat":{"type":"json_schema",
                    "structure":{"jsonSchema":{"schema":"{\"type\":\"object\"}","name":"n"}}}},
                "messages":[
                {"role":"user","content":[{"text":"hi"},{"image":{"format":"png","source":{"bytes":"AAAA"}}},
                    {"document":{"format":"pdf","name":"a [1]","source":{"bytes":"AAAA"}}}]},
                {"role":"assistant","content":[
                    {"reasoningContent":{"reasoningText":{"text":"t","signature":"s"}}},
                    {"toolUse":{"toolUseId":"a","name":"f","input":{}}}]},
                {"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"json":{}},{"text":""}],
                    "status":"error"}}]}]}"#,
        ] {
            assert_eq!(refuse(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn refuses_what_the_vendor_refuses() {
        let hi = r#""messages":[{"role":"user","content":[{"text":"hi"}]}]"#;
        let tool =
            r#""toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object"}}}}]}"#;
        let talk = |messages: &str| format!(r#""messages":[{messages}]"#);
        for (members, param) in [
            (r#""messages":[]"#.to_owned(), "messages"),
            (format!(r#""model":"m",{hi}"#), "model"),
            (format!(r#""inferenceConfig":{{"temperature":1.5}},{hi}"#), "inferenceConfig.temperature"),
            (format!(r#""inferenceConfig":{{"seed":1}},{hi}"#), "inferenceConfig.seed"),
            (format!(r#""toolConfig":{{"tools":[]}},{hi}"#), "toolConfig.tools"),
            (
                format!(
                    r#""toolConfig":{{"tools":[{{"toolSpec":{{"name":"f","description":"","inputSchema":{{"json":{{"type":"object"}}}}}}}}]}},{hi}"#
                ),
                "toolConfig.tools.0.toolSpec.description",
            ),
            (
                format!(
                    r#""toolConfig":{{"tools":[{{"toolSpec":{{"name":"f","inputSchema":{{"json":{{}}}}}}}}]}},{hi}"#
                ),
                "toolConfig.tools.0.toolSpec.inputSchema.json.type",
            ),
            (format!(r#""serviceTier":{{"type":"auto"}},{hi}"#), "serviceTier.type"),
            (format!(r#""requestMetadata":{{}},{hi}"#), "requestMetadata"),
            (
                format!(
                    r#""outputConfig":{{"textFormat":{{"type":"json_schema","structure":{{"jsonSchema":{{"schema":{{}}}}}}}}}},{hi}"#
                ),
                "outputConfig.textFormat.structure.jsonSchema.schema",
            ),
            (talk(r#"{"role":"assistant","content":[{"text":"a"}]}"#), "messages.0.role"),
            (
                talk(r#"{"role":"user","content":[{"text":"a"}]},{"role":"user","content":[{"text":"b"}]}"#),
                "messages.1.role",
            ),
            (talk(r#"{"role":"user","content":"a"}"#), "messages.0.content"),
            (talk(r#"{"role":"user","content":[{"text":" "}]}"#), "messages.0.content.0"),
            (
                talk(
                    r#"{"role":"user","content":[{"document":{"format":"pdf","name":"a","source":{"bytes":"AAAA"}}}]}"#,
                ),
                "messages.0.content.0",
            ),
            (
                talk(
                    r#"{"role":"user","content":[{"text":"a"},{"document":{"format":"pdf","name":"a.pdf","source":{"bytes":"AAAA"}}}]}"#,
                ),
                "messages.0.content.1",
            ),
            (
                talk(r#"{"role":"user","content":[{"image":{"format":"png","source":{"bytes":"%"}}}]}"#),
                "messages.0.content.0",
            ),
            (
                talk(r#"{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[]}}]}"#),
                "toolConfig",
            ),
            (
                format!(
                    r#"{tool},"messages":[{{"role":"user","content":[{{"toolResult":{{"toolUseId":"a","content":[]}}}}]}}]"#
                ),
                "messages.0",
            ),
        ] {
            let body = format!("{{{members}}}");
            assert_eq!(refuse(body.as_bytes()).and_then(|r| r.param).as_deref(), Some(param), "{body}");
        }
    }
}
