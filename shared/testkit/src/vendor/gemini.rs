//! What Gemini refuses of a `generateContent` request (<https://ai.google.dev/api/generate-content>): fields that it
//! does not know, among others, as its JSON is protocol buffers.

use serde_json::{Map, Value};

use super::{Checked, Refusal, object, wrong};

const FIELDS: [&str; 8] = [
    "contents",
    "systemInstruction",
    "generationConfig",
    "tools",
    "toolConfig",
    "safetySettings",
    "cachedContent",
    "serviceTier",
];
const CONFIG: [&str; 22] = [
    "temperature",
    "topP",
    "topK",
    "candidateCount",
    "maxOutputTokens",
    "stopSequences",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "presencePenalty",
    "frequencyPenalty",
    "seed",
    "responseLogprobs",
    "logprobs",
    "responseModalities",
    "speechConfig",
    "thinkingConfig",
    "mediaResolution",
    "imageConfig",
    "enableEnhancedCivicAnswers",
    "audioTimestamp",
    "routingConfig",
];
/// The fields of a `Schema`, a selection from OpenAPI 3.0.
const SCHEMA: [&str; 22] = [
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "maxItems",
    "minItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "example",
    "anyOf",
    "propertyOrdering",
    "default",
    "items",
    "minimum",
    "maximum",
];

/// Why the vendor would refuse this body, if it would.
#[must_use]
pub fn refuse(body: &[u8]) -> Option<Refusal> {
    object(body).and_then(|request| check(&request)).err()
}

fn known(map: &Map<String, Value>, fields: &[&str], at: &str) -> Checked {
    match map.keys().find(|name| !fields.contains(&name.as_str())) {
        Some(name) => wrong(name, format!("Invalid JSON payload received. Unknown name at '{at}'")),
        None => Ok(()),
    }
}

fn check(request: &Map<String, Value>) -> Checked {
    known(request, &FIELDS, "")?;
    let contents = request.get("contents").and_then(Value::as_array).filter(|list| !list.is_empty());
    let Some(contents) = contents else { return wrong("contents", "contents is not specified") };
    for (i, content) in contents.iter().enumerate() {
        let at = format!("contents[{i}]");
        if !matches!(content.get("role").and_then(Value::as_str), None | Some("user" | "model")) {
            return wrong(format!("{at}.role"), "Please use a valid role: user, model.");
        }
        parts(content, &at)?;
    }
    if let Some(instruction) = request.get("systemInstruction") {
        parts(instruction, "systemInstruction")?;
    }
    if let Some(config) = request.get("generationConfig") {
        let Some(config) = config.as_object() else { return wrong("generationConfig", "expected an object") };
        known(config, &CONFIG, "generation_config")?;
        if let Some(schema) = config.get("responseSchema") {
            check_schema(schema, "generationConfig.responseSchema")?;
        }
    }
    for tool in request.get("tools").and_then(Value::as_array).into_iter().flatten() {
        let functions = tool.get("functionDeclarations").and_then(Value::as_array);
        for function in functions.into_iter().flatten() {
            if function.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
                return wrong("tools", "a function declaration needs a name");
            }
            if let Some(schema) = function.get("parameters") {
                check_schema(schema, "tools.functionDeclarations.parameters")?;
            }
        }
    }
    Ok(())
}

fn parts(content: &Value, at: &str) -> Checked {
    let parts = content.get("parts").and_then(Value::as_array).filter(|parts| !parts.is_empty());
    let Some(parts) = parts else {
        return wrong(format!("{at}.parts"), "must include at least one parts field");
    };
    for (i, part) in parts.iter().enumerate() {
        let data = [
            "text",
            "inlineData",
            "fileData",
            "functionCall",
            "functionResponse",
            "executableCode",
            "codeExecutionResult",
        ];
        if data.iter().filter(|name| part.get(**name).is_some()).count() != 1 {
            return wrong(
                format!("{at}.parts[{i}]"),
                "required oneof field 'data' must have one initialized field",
            );
        }
        if let Some(call) = part.get("functionCall").or_else(|| part.get("functionResponse"))
            && call.get("name").and_then(Value::as_str).is_none_or(str::is_empty)
        {
            return wrong(format!("{at}.parts[{i}]"), "Name cannot be empty");
        }
    }
    Ok(())
}

fn check_schema(schema: &Value, at: &str) -> Checked {
    let Some(map) = schema.as_object() else { return wrong(at, "expected an object") };
    known(map, &SCHEMA, at)?;
    for inner in map.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::values) {
        check_schema(inner, at)?;
    }
    for inner in map.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        check_schema(inner, at)?;
    }
    map.get("items").map_or(Ok(()), |inner| check_schema(inner, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_vendor_takes() {
        let body = r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]},
            {"role":"model","parts":[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"AA=="}]},
            {"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}]}],
            "systemInstruction":{"parts":[{"text":"x"}]},"generationConfig":{"temperature":1},
            "tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{}}}]}]}"#;
        assert_eq!(refuse(body.as_bytes()), None);
    }

    #[test]
    fn refuses_what_the_vendor_refuses() {
        for (body, param) in [
            (r#"{"contents":[]}"#, "contents"),
            (r#"{"model":"m","contents":[{"parts":[{"text":"a"}]}]}"#, "model"),
            (r#"{"contents":[{"role":"assistant","parts":[{"text":"a"}]}]}"#, "contents[0].role"),
            (r#"{"contents":[{"role":"user","parts":[]}]}"#, "contents[0].parts"),
            (r#"{"contents":[{"role":"user","parts":[{}]}]}"#, "contents[0].parts[0]"),
            (
                r#"{"contents":[{"parts":[{"text":"a"}]}],"tools":[{"functionDeclarations":[
                    {"name":"f","parameters":{"type":"OBJECT","additionalProperties":false}}]}]}"#,
                "additionalProperties",
            ),
        ] {
            assert_eq!(refuse(body.as_bytes()).and_then(|r| r.param).as_deref(), Some(param), "{body}");
        }
    }
}
