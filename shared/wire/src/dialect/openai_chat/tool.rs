//! Tools, the choice among them, and tool calls.

use serde_json::{Map, Value, json};

use crate::chat::{Content, Definition, Extra, Function, Part, Tool, ToolCall, ToolChoice, ToolKind};
use crate::dialect::DecodeError;
use crate::dialect::cache_mark;
use crate::dialect::fields::{self, Path, merge, put, put_some};

/// Reads one element of `tools`.
pub(super) fn decode_tool(value: Value, path: &Path<'_>) -> Result<Tool, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let kind = match fields::string(&mut map, path, "type")? {
        Some(kind) => kind,
        // Mistral's callers may leave it out.
        None if map.get("function").is_some_and(Value::is_object) => "function".to_owned(),
        None => return Err(path.field_error("type", "required: a string, such as function")),
    };
    let definition = match kind.as_str() {
        "function" => {
            let mut inner = fields::object(&mut map, path, "function")?
                .ok_or_else(|| path.field_error("function", "required: an object with `name`"))?;
            let function = take_function(&mut inner, &Path::Field(path, "function"))?;
            fields::put_back(&mut map, "function", inner);
            Definition::Function(function)
        }
        "custom" if map.get("custom").is_some_and(Value::is_object) => {
            let mut inner = fields::object(&mut map, path, "custom")?.unwrap_or_default();
            let at = Path::Field(path, "custom");
            let custom = Definition::Custom {
                name: fields::need_string(&mut inner, &at, "name")?,
                description: fields::string(&mut inner, &at, "description")?,
                format: fields::take(&mut inner, "format"),
            };
            fields::put_back(&mut map, "custom", inner);
            custom
        }
        _ => Definition::BuiltIn(kind),
    };
    let cache = cache_mark::take_cache_mark(&mut map);
    Ok(Tool { definition, cache, extra: map })
}

/// Reads one element of the older `functions`.
pub(super) fn decode_function(value: Value, path: &Path<'_>) -> Result<Tool, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let definition = Definition::Function(take_function(&mut map, path)?);
    Ok(Tool { definition, cache: None, extra: map })
}

fn take_function(map: &mut Map<String, Value>, path: &Path<'_>) -> Result<Function, DecodeError> {
    Ok(Function {
        name: fields::need_string(map, path, "name")?,
        description: fields::string(map, path, "description")?,
        parameters: fields::take(map, "parameters"),
        strict: fields::boolean(map, path, "strict")?,
    })
}

fn write_function(function: &Function) -> Map<String, Value> {
    let mut map = Map::new();
    put(&mut map, "name", function.name.clone());
    put_some(&mut map, "description", function.description.as_ref());
    put_some(&mut map, "parameters", function.parameters.as_ref());
    put_some(&mut map, "strict", function.strict.as_ref());
    map
}

/// Writes one element of `tools`, or of the older `functions`.
pub(super) fn encode_tool(tool: &Tool, legacy: bool) -> Value {
    let mut map = Map::new();
    match &tool.definition {
        Definition::Function(function) if legacy => map = write_function(function),
        Definition::Function(function) => {
            put(&mut map, "type", "function");
            put(&mut map, "function", write_function(function));
        }
        Definition::Custom { name, description, format } => {
            let mut inner = Map::new();
            put(&mut inner, "name", name.clone());
            put_some(&mut inner, "description", description.as_ref());
            put_some(&mut inner, "format", format.as_ref());
            put(&mut map, "type", "custom");
            put(&mut map, "custom", inner);
        }
        Definition::BuiltIn(kind) => put(&mut map, "type", kind.clone()),
    }
    cache_mark::put_cache_mark(&mut map, tool.cache);
    merge(&mut map, &tool.extra);
    Value::Object(map)
}

/// Reads `tool_choice`, or the older `function_call`. What is not known is kept whole.
pub(super) fn decode_choice(value: Value, legacy: bool) -> ToolChoice {
    let known = match &value {
        Value::String(word) => match word.as_str() {
            "auto" => Some(ToolChoice::Auto),
            "none" => Some(ToolChoice::None),
            "required" => Some(ToolChoice::Required),
            _ => None,
        },
        Value::Object(map) if legacy => {
            map.get("name").and_then(Value::as_str).map(|name| ToolChoice::Function(name.to_owned()))
        }
        Value::Object(map) => match map.get("type").and_then(Value::as_str) {
            Some("function") => named(map, "function").map(ToolChoice::Function),
            Some("custom") => named(map, "custom").map(ToolChoice::Custom),
            Some("allowed_tools") => allowed(map),
            _ => None,
        },
        _ => None,
    };
    // A choice with fields beyond the known ones would lose them: it is kept whole.
    match known {
        Some(choice) if encode_choice(&choice, legacy) == value => choice,
        _ => ToolChoice::Other(value),
    }
}

fn named(map: &Map<String, Value>, name: &str) -> Option<String> {
    map.get(name)?.get("name")?.as_str().map(str::to_owned)
}

fn allowed(map: &Map<String, Value>) -> Option<ToolChoice> {
    let inner = map.get("allowed_tools")?;
    let required = match inner.get("mode")?.as_str()? {
        "auto" => false,
        "required" => true,
        _ => return None,
    };
    Some(ToolChoice::Allowed { required, tools: inner.get("tools")?.as_array()?.clone() })
}

/// Writes `tool_choice`, or the older `function_call`.
pub(super) fn encode_choice(choice: &ToolChoice, legacy: bool) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Function(name) if legacy => json!({"name": name}),
        ToolChoice::Function(name) => json!({"type": "function", "function": {"name": name}}),
        ToolChoice::Custom(name) => json!({"type": "custom", "custom": {"name": name}}),
        ToolChoice::Allowed { required, tools } => {
            let mode = if *required { "required" } else { "auto" };
            json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}})
        }
        ToolChoice::Other(value) => value.clone(),
    }
}

/// Reads one element of `tool_calls`. A provider (`lenient`) may give arguments as an object; a caller may not.
pub(super) fn decode_call(value: Value, path: &Path<'_>, lenient: bool) -> Result<Part, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let id = fields::string(&mut map, path, "id")?;
    let kind = fields::string(&mut map, path, "type")?;
    let mut call = ToolCall { id, ..ToolCall::default() };
    match kind.as_deref() {
        None | Some("function") => {
            let mut inner = fields::object(&mut map, path, "function")?.ok_or_else(|| {
                path.field_error("function", "required: an object with `name` and `arguments`")
            })?;
            let at = Path::Field(path, "function");
            call.name = fields::need_string(&mut inner, &at, "name")?;
            call.arguments = take_arguments(&mut inner, &at, lenient)?;
            fields::put_back(&mut map, "function", inner);
        }
        Some("custom") => {
            let mut inner = fields::object(&mut map, path, "custom")?
                .ok_or_else(|| path.field_error("custom", "required: an object with `name` and `input`"))?;
            let at = Path::Field(path, "custom");
            call.name = fields::need_string(&mut inner, &at, "name")?;
            call.arguments = fields::string(&mut inner, &at, "input")?.unwrap_or_default();
            call.kind = ToolKind::Custom;
            fields::put_back(&mut map, "custom", inner);
        }
        Some(other) => call.kind = ToolKind::BuiltIn(other.to_owned()),
    }
    let signature = take_signature(&mut map);
    Ok(Part { content: Content::ToolCall(call), id: None, cache: None, signature, extra: map })
}

fn take_arguments(
    map: &mut Map<String, Value>,
    path: &Path<'_>,
    lenient: bool,
) -> Result<String, DecodeError> {
    if lenient && let Some(object) = fields::try_object(map, "arguments") {
        return Ok(Value::Object(object).to_string());
    }
    Ok(fields::string(map, path, "arguments")?.unwrap_or_default())
}

/// Reads the older `function_call` of a message; an empty placeholder stays where it is.
pub(super) fn take_legacy_call(map: &mut Extra) -> Option<Part> {
    let named =
        |value: &Value| value.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    let Some(Value::Object(mut inner)) = fields::take_if(map, "function_call", named) else { return None };
    let call = ToolCall {
        id: None,
        name: fields::try_string(&mut inner, "name").unwrap_or_default(),
        arguments: fields::try_string(&mut inner, "arguments").unwrap_or_default(),
        kind: ToolKind::LegacyFunction,
    };
    Some(Part { extra: inner, ..Part::new(Content::ToolCall(call)) })
}

/// Google's own place for thought signatures in its OpenAI-compatible format; a caller sends it back unchanged.
pub(super) fn take_signature(map: &mut Extra) -> Option<String> {
    let outer = map.get_mut("extra_content")?.as_object_mut()?;
    let google = outer.get_mut("google")?.as_object_mut()?;
    let signature = fields::try_string(google, "thought_signature")?;
    if google.is_empty() {
        outer.remove("google");
    }
    if outer.is_empty() {
        map.remove("extra_content");
    }
    Some(signature)
}

pub(super) fn put_signature(map: &mut Map<String, Value>, signature: Option<&String>) {
    if let Some(signature) = signature {
        put(map, "extra_content", json!({"google": {"thought_signature": signature}}));
    }
}

/// Writes a call into a message: an element of `tool_calls`, or `function_call`.
pub(super) fn put_call(message: &mut Map<String, Value>, call: &ToolCall, part: &Part) {
    let mut map = Map::new();
    let mut inner = Map::new();
    put(&mut inner, "name", call.name.clone());
    match &call.kind {
        ToolKind::LegacyFunction => {
            put(&mut inner, "arguments", call.arguments.clone());
            merge(&mut inner, &part.extra);
            put(message, "function_call", inner);
            return;
        }
        ToolKind::Function => {
            put_some(&mut map, "id", call.id.as_ref());
            put(&mut inner, "arguments", call.arguments.clone());
            put(&mut map, "type", "function");
            put(&mut map, "function", inner);
        }
        ToolKind::Custom => {
            put_some(&mut map, "id", call.id.as_ref());
            put(&mut inner, "input", call.arguments.clone());
            put(&mut map, "type", "custom");
            put(&mut map, "custom", inner);
        }
        ToolKind::BuiltIn(kind) => {
            put_some(&mut map, "id", call.id.as_ref());
            put(&mut map, "type", kind.clone());
        }
    }
    put_signature(&mut map, part.signature.as_ref());
    merge(&mut map, &part.extra);
    match message.get_mut("tool_calls") {
        Some(Value::Array(calls)) => calls.push(Value::Object(map)),
        _ => put(message, "tool_calls", vec![Value::Object(map)]),
    }
}
