//! Tools and the choice among them.
//!
//! In the canonical conversation grammars of free-text tools and references among allowed tools stand in the words of
//! OpenAI Chat Completions, which nest what this format has flat.

use serde_json::{Map, Value, json};

use super::mark;
use crate::chat::{Definition, Function, Location, Tool, ToolChoice, WebSearch};
use crate::dialect::DecodeError;
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::loss::Notes;

/// Tools that run at OpenAI, and those of the caller that are neither a function nor free text.
const BUILT_IN: [&str; 18] = [
    "file_search",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "computer",
    "computer_use",
    "computer_use_preview",
    "code_interpreter",
    "image_generation",
    "mcp",
    "local_shell",
    "shell",
    "apply_patch",
    "namespace",
    "tool_search",
    "programmatic_tool_calling",
    // xAI's Responses.
    "x_search",
];

/// Reads one element of `tools`.
pub(super) fn decode_tool(value: Value, path: &Path<'_>) -> Result<Tool, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let kind = fields::need_string(&mut map, path, "type")?;
    let definition = match kind.as_str() {
        "function" => {
            let name = fields::need_string(&mut map, path, "name")?;
            let description = fields::string(&mut map, path, "description")?;
            let parameters = fields::object(&mut map, path, "parameters")?.map(Value::Object);
            let mut strict = fields::boolean(&mut map, path, "strict")?;
            if strict.is_none() && !map.contains_key("strict") && parameters.as_ref().is_some_and(is_strict) {
                // OpenAI makes a schema strict where it can. Others take only one that is so already.
                strict = Some(true);
                put(&mut map, mark::STRICT_BY_DEFAULT, Value::Null);
            }
            Definition::Function(Function { name, description, parameters, strict })
        }
        "custom" => Definition::Custom {
            name: fields::need_string(&mut map, path, "name")?,
            description: fields::string(&mut map, path, "description")?,
            format: fields::take(&mut map, "format").map(nest_grammar),
        },
        _ => Definition::BuiltIn(kind),
    };
    Ok(Tool { definition, cache: None, extra: map })
}

/// Whether a schema says itself what strict mode demands: every object closed, every property required.
fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            let closed = map.get("type").is_none_or(|kind| kind != "object")
                || map.get("additionalProperties") == Some(&Value::Bool(false))
                    && map.get("properties").and_then(Value::as_object).is_none_or(|properties| {
                        let required = map.get("required").and_then(Value::as_array);
                        properties
                            .keys()
                            .all(|name| required.is_some_and(|names| names.iter().any(|each| each == name)))
                    });
            closed && map.values().all(is_strict)
        }
        Value::Array(items) => items.iter().all(is_strict),
        _ => true,
    }
}

/// `{type: grammar, syntax, definition}` as `{type: grammar, grammar: {syntax, definition}}`.
fn nest_grammar(value: Value) -> Value {
    match value {
        Value::Object(mut map)
            if map.get("type").is_some_and(|kind| kind == "grammar") && !map.contains_key("grammar") =>
        {
            map.remove("type");
            json!({"type": "grammar", "grammar": map})
        }
        other => other,
    }
}

fn flatten_grammar(value: &Value) -> Value {
    match value.get("grammar") {
        Some(Value::Object(inner)) => {
            let mut map = inner.clone();
            put(&mut map, "type", "grammar");
            Value::Object(map)
        }
        _ => value.clone(),
    }
}

/// Writes one element of `tools`, `None` if the format has no such tool; then the loss is noted.
pub(super) fn encode_tool(tool: &Tool, index: usize, own: bool, notes: &mut Notes) -> Option<Value> {
    let mut map = Map::new();
    match &tool.definition {
        Definition::Function(function) => {
            put(&mut map, "type", "function");
            put(&mut map, "name", function.name.clone());
            put_some(&mut map, "description", function.description.as_ref());
            match &function.parameters {
                Some(parameters) => put(&mut map, "parameters", parameters.clone()),
                // The format requires the field.
                None if !own => put(&mut map, "parameters", json!({"type": "object", "properties": {}})),
                None => {}
            }
            let by_default = tool.extra.contains_key(mark::STRICT_BY_DEFAULT);
            match function.strict {
                Some(strict) if !by_default => put(&mut map, "strict", strict),
                // Here a tool is strict unless it says otherwise; in other formats it is not.
                None if !own => put(&mut map, "strict", false),
                _ => {}
            }
        }
        Definition::Custom { name, description, format } => {
            put(&mut map, "type", "custom");
            put(&mut map, "name", name.clone());
            put_some(&mut map, "description", description.as_ref());
            put_some(&mut map, "format", format.as_ref().map(flatten_grammar).as_ref());
        }
        Definition::BuiltIn(kind) => {
            if !own && !BUILT_IN.contains(&kind.as_str()) {
                return foreign_built_in(tool, kind, index, notes);
            }
            put(&mut map, "type", kind.clone());
        }
    }
    if tool.cache.is_some() {
        notes.hint(format!("tools[{index}].cache"), "OpenAI caches prompts without being asked");
    }
    mark::merge(&mut map, &tool.extra);
    Some(Value::Object(map))
}

/// Tools that run at other providers, where OpenAI has one that does the same.
fn foreign_built_in(tool: &Tool, kind: &str, index: usize, notes: &mut Notes) -> Option<Value> {
    let word = match kind {
        "google_search" | "googleSearch" | "google_search_retrieval" | "googleSearchRetrieval" => {
            "web_search"
        }
        "code_execution" | "codeExecution" => "code_interpreter",
        kind if kind.starts_with("web_search_") => "web_search",
        kind if kind.starts_with("code_execution_") => "code_interpreter",
        _ => {
            notes.meaning(
                format!("tools[{index}]"),
                "OpenAI Responses has no such tool; give it as a function, or use a model that has it",
            );
            return None;
        }
    };
    let mut map = Map::new();
    put(&mut map, "type", word);
    if word == "code_interpreter" {
        put(&mut map, "container", json!({"type": "auto"}));
    }
    for (name, value) in tool.extra.iter().filter(|(_, value)| !value.is_null()) {
        match (name.as_str(), word) {
            ("name", _) => {}
            ("allowed_domains", "web_search") => {
                put(&mut map, "filters", json!({"allowed_domains": value}));
            }
            ("user_location", "web_search") => put(&mut map, "user_location", value.clone()),
            _ => {
                notes.hint(format!("tools[{index}].{name}"), "OpenAI's tool of the kind has no such setting");
            }
        }
    }
    Some(Value::Object(map))
}

/// The tool for a request's wish to search the web.
pub(super) fn encode_search(search: &WebSearch) -> Value {
    let mut map = Map::new();
    put(&mut map, "type", "web_search");
    put_some(&mut map, "search_context_size", search.context_size.as_ref());
    if let Some(Location { city, country, region, timezone }) = &search.location {
        let mut inner = Map::new();
        put(&mut inner, "type", "approximate");
        put_some(&mut inner, "city", city.as_ref());
        put_some(&mut inner, "country", country.as_ref());
        put_some(&mut inner, "region", region.as_ref());
        put_some(&mut inner, "timezone", timezone.as_ref());
        put(&mut map, "user_location", inner);
    }
    fields::merge(&mut map, &search.extra);
    Value::Object(map)
}

/// Reads `tool_choice`. What is not known is kept whole.
pub(super) fn decode_choice(value: Value) -> ToolChoice {
    let known = match &value {
        Value::String(word) => match word.as_str() {
            "auto" => Some(ToolChoice::Auto),
            "none" => Some(ToolChoice::None),
            "required" => Some(ToolChoice::Required),
            _ => None,
        },
        Value::Object(map) => {
            let name = || map.get("name")?.as_str().map(str::to_owned);
            match map.get("type").and_then(Value::as_str) {
                Some("function") => name().map(ToolChoice::Function),
                Some("custom") => name().map(ToolChoice::Custom),
                Some("allowed_tools") => allowed(map),
                _ => None,
            }
        }
        _ => None,
    };
    // A choice with fields beyond the known ones would lose them: it is kept whole.
    match known {
        Some(choice) if encode_known(&choice).as_ref() == Some(&value) => choice,
        _ => ToolChoice::Other(value),
    }
}

fn allowed(map: &Map<String, Value>) -> Option<ToolChoice> {
    let required = match map.get("mode")?.as_str()? {
        "auto" => false,
        "required" => true,
        _ => return None,
    };
    Some(ToolChoice::Allowed {
        required,
        tools: map.get("tools")?.as_array()?.iter().map(nest_reference).collect(),
    })
}

/// `{type: function, name}` as `{type: function, function: {name}}`; anything else as it is.
fn nest_reference(value: &Value) -> Value {
    let Some(map) = value.as_object().filter(|map| map.len() == 2) else { return value.clone() };
    match (map.get("type").and_then(Value::as_str), map.get("name")) {
        (Some(kind @ ("function" | "custom")), Some(name)) => {
            let mut nested = Map::new();
            put(&mut nested, "type", kind);
            put(&mut nested, kind, json!({"name": name}));
            Value::Object(nested)
        }
        _ => value.clone(),
    }
}

fn flatten_reference(value: &Value) -> Value {
    let kind =
        value.get("type").and_then(Value::as_str).filter(|kind| matches!(*kind, "function" | "custom"));
    match kind.and_then(|kind| Some((kind, value.get(kind)?.get("name")?))) {
        Some((kind, name)) => json!({"type": kind, "name": name}),
        None => value.clone(),
    }
}

fn encode_known(choice: &ToolChoice) -> Option<Value> {
    Some(match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Function(name) => json!({"type": "function", "name": name}),
        ToolChoice::Custom(name) => json!({"type": "custom", "name": name}),
        ToolChoice::Allowed { required, tools } => {
            let mode = if *required { "required" } else { "auto" };
            let tools: Vec<Value> = tools.iter().map(flatten_reference).collect();
            json!({"type": "allowed_tools", "mode": mode, "tools": tools})
        }
        ToolChoice::Other(_) => return None,
    })
}

/// Writes `tool_choice`, `None` if the format has no such choice; then the loss is noted.
pub(super) fn encode_choice(choice: &ToolChoice, own: bool, notes: &mut Notes) -> Option<Value> {
    let known = match choice {
        ToolChoice::Other(value) => {
            let kind = value.get("type").and_then(Value::as_str);
            (own || kind.is_some_and(|kind| BUILT_IN.contains(&kind))).then(|| value.clone())
        }
        choice => encode_known(choice),
    };
    if known.is_none() {
        notes.meaning("tool_choice", "expected auto, none, required, or one of the request's tools");
    }
    known
}
