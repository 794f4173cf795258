//! Tools, the choice among them, and the heads of tool calls.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::part;
use crate::chat::{
    Definition, Extra, Function, Location, Request, Tool, ToolCall, ToolChoice, ToolKind, WebSearch,
};
use crate::dialect::DecodeError;
use crate::dialect::cache_mark;
use crate::dialect::carried;
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::loss::Notes;
use crate::schema::{self, Rules};

/// The web search that every model with tools takes.
const WEB_SEARCH: &str = "web_search_20250305";

/// Reads one element of `tools`.
pub(super) fn decode_tool(value: Value, path: &Path<'_>) -> Result<Tool, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let kind = match map.get("type") {
        Some(Value::String(kind)) if kind != "custom" => Some(kind.clone()),
        None | Some(Value::Null | Value::String(_)) => None,
        Some(_) => return Err(path.field_error("type", "expected a string such as custom")),
    };
    let definition = match kind {
        Some(kind) => {
            map.remove("type");
            Definition::BuiltIn(kind)
        }
        None => Definition::Function(Function {
            name: fields::need_string(&mut map, path, "name")?,
            description: fields::string(&mut map, path, "description")?,
            parameters: Some(Value::Object(fields::object(&mut map, path, "input_schema")?.ok_or_else(
                || path.field_error("input_schema", "required: a JSON Schema of type object"),
            )?)),
            strict: fields::boolean(&mut map, path, "strict")?,
        }),
    };
    part::set_aside(&mut map, "type", |kind| kind == "custom");
    let cache = cache_mark::take_cache_mark(&mut map);
    Ok(Tool { definition, cache, extra: map })
}

/// Writes `tools`: those of the request that the choice allows, and the search of the web if it is asked for.
pub(super) fn put_tools(map: &mut Map<String, Value>, request: &Request, notes: &mut Notes) {
    let allowed = allowed_names(request.tool_choice.as_ref());
    let mut tools = Vec::with_capacity(request.tools.len());
    for (index, tool) in request.tools.iter().enumerate() {
        let at = format!("tools[{index}]");
        if let (Some(allowed), Definition::Function(function)) = (&allowed, &tool.definition)
            && !allowed.contains(&function.name.as_str())
        {
            continue;
        }
        tools.extend(encode_tool(tool, &at, notes).map(Value::Object));
    }
    if let Some(search) = &request.web_search {
        let known = tools.iter().any(|tool| tool.get("name").is_some_and(|name| name == "web_search"));
        if !known {
            tools.push(encode_search(search, notes));
        }
    }
    if !tools.is_empty() {
        put(map, "tools", tools);
    }
}

fn encode_tool(tool: &Tool, at: &str, notes: &mut Notes) -> Option<Map<String, Value>> {
    let mut map = match &tool.definition {
        Definition::Function(function) => {
            let mut map = Map::new();
            put(&mut map, "name", function.name.clone());
            put_some(&mut map, "description", function.description.as_ref());
            put(&mut map, "input_schema", input_schema(function, at, notes));
            put_some(&mut map, "strict", function.strict.as_ref());
            part::merge_extra(&mut map, &tool.extra);
            map
        }
        Definition::BuiltIn(kind) if is_own_tool(kind) => {
            let mut map = Map::new();
            put(&mut map, "type", kind.clone());
            part::merge_extra(&mut map, &tool.extra);
            map
        }
        Definition::BuiltIn(kind) => {
            let Some(map) = counterpart(kind, &tool.extra, at, notes) else {
                notes.meaning(at, "Anthropic has no tool of its own like this one");
                return None;
            };
            map
        }
        Definition::Custom { .. } => {
            notes.meaning(at, "Anthropic's tools take JSON only: define a function with a schema instead");
            return None;
        }
    };
    cache_mark::put_cache_mark(&mut map, tool.cache);
    Some(map)
}

/// Anthropic requires a schema of type object.
fn input_schema(function: &Function, at: &str, notes: &mut Notes) -> Value {
    let mut schema = match &function.parameters {
        Some(Value::Object(schema)) => schema.clone(),
        _ => Map::new(),
    };
    if !schema.contains_key("type") {
        put(&mut schema, "type", "object");
        if schema.len() == 1 {
            put(&mut schema, "properties", Map::new());
        }
    }
    let schema = Value::Object(schema);
    if function.strict != Some(true) {
        return schema;
    }
    let (lowered, named) = schema::lower(&schema, &Rules::ANTHROPIC_STRICT);
    notes.lowered_at(&format!("{at}.parameters"), &named);
    lowered
}

/// Anthropic's own tools have a date in their type: `bash_20250124`, `web_search_20260209`.
fn is_own_tool(kind: &str) -> bool {
    let dated = |(_, date): (&str, &str)| date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
    kind == "mcp_toolset" || kind.rsplit_once('_').is_some_and(dated)
}

/// The tool of Anthropic's that does what another vendor's own tool does.
fn counterpart(kind: &str, extra: &Extra, at: &str, notes: &mut Notes) -> Option<Map<String, Value>> {
    let (own, name) = match kind {
        "google_search" | "googleSearch" | "google_search_retrieval" | "googleSearchRetrieval" => {
            (WEB_SEARCH, "web_search")
        }
        _ if kind == "web_search" || kind.starts_with("web_search_") => (WEB_SEARCH, "web_search"),
        "code_interpreter" | "code_execution" | "codeExecution" => {
            ("code_execution_20250825", "code_execution")
        }
        "url_context" | "urlContext" => ("web_fetch_20250910", "web_fetch"),
        _ => return None,
    };
    let mut map = Map::new();
    put(&mut map, "type", own);
    put(&mut map, "name", name);
    for (field, value) in extra {
        match (field.as_str(), value) {
            ("user_location", Value::Object(_)) if own == WEB_SEARCH => {
                put(&mut map, "user_location", value.clone());
            }
            ("filters", Value::Object(filters))
                if own == WEB_SEARCH && filters.keys().all(|key| key == "allowed_domains") =>
            {
                put_some(&mut map, "allowed_domains", filters.get("allowed_domains"));
            }
            (_, Value::Null) => {}
            ("name", _) => {}
            (_, Value::Object(empty)) if empty.is_empty() => {}
            _ => notes.hint(format!("{at}.{field}"), "Anthropic's tool of this kind has no such setting"),
        }
    }
    Some(map)
}

fn encode_search(search: &WebSearch, notes: &mut Notes) -> Value {
    if search.context_size.is_some() {
        notes.hint("web_search.context_size", "Anthropic's web search has no such setting");
    }
    let mut map = Map::new();
    put(&mut map, "type", WEB_SEARCH);
    put(&mut map, "name", "web_search");
    if let Some(location) = &search.location {
        put(&mut map, "user_location", encode_location(location));
    }
    Value::Object(map)
}

fn encode_location(location: &Location) -> Map<String, Value> {
    let mut map = Map::new();
    put(&mut map, "type", "approximate");
    put_some(&mut map, "city", location.city.as_ref());
    put_some(&mut map, "country", location.country.as_ref());
    put_some(&mut map, "region", location.region.as_ref());
    put_some(&mut map, "timezone", location.timezone.as_ref());
    map
}

/// The names of the tools that a choice allows; `None` for all.
fn allowed_names(choice: Option<&ToolChoice>) -> Option<Vec<&str>> {
    let Some(ToolChoice::Allowed { tools, .. }) = choice else { return None };
    let name = |tool| {
        let tool: &Value = tool;
        tool.get("name").or_else(|| tool.get("function")?.get("name"))?.as_str()
    };
    Some(tools.iter().filter_map(name).collect())
}

/// Reads `tool_choice`: which tool, and whether several may be called at once. What is not known is kept whole.
pub(super) fn decode_choice(
    value: Value,
    path: &Path<'_>,
) -> Result<(ToolChoice, Option<bool>), DecodeError> {
    let whole = value.clone();
    let mut map = fields::into_object(path, value)?;
    let kind = fields::need_string(&mut map, path, "type")?;
    let choice = match kind.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Function(fields::need_string(&mut map, path, "name")?),
        _ => return Err(path.field_error("type", "expected auto, any, tool or none")),
    };
    let single = fields::boolean(&mut map, path, "disable_parallel_tool_use")?;
    // With fields beyond the known ones it is kept whole.
    Ok(if map.is_empty() { (choice, single.map(|single| !single)) } else { (ToolChoice::Other(whole), None) })
}

/// Writes `tool_choice`.
pub(super) fn put_choice(map: &mut Map<String, Value>, request: &Request, notes: &mut Notes) {
    let mut choice = Map::new();
    match &request.tool_choice {
        // Several calls are the rule: only their absence must be said.
        None if request.parallel_tool_calls == Some(false) && map.contains_key("tools") => {
            put(&mut choice, "type", "auto");
        }
        None => {
            if request.parallel_tool_calls == Some(false) {
                notes.hint("parallel_tool_calls", "there are no tools that it would hold for");
            }
            return;
        }
        Some(ToolChoice::Auto | ToolChoice::Allowed { required: false, .. }) => {
            put(&mut choice, "type", "auto");
        }
        Some(ToolChoice::Required | ToolChoice::Allowed { required: true, .. }) => {
            put(&mut choice, "type", "any");
        }
        Some(ToolChoice::None) => put(&mut choice, "type", "none"),
        Some(ToolChoice::Function(name)) => {
            put(&mut choice, "type", "tool");
            put(&mut choice, "name", name.clone());
        }
        Some(ToolChoice::Other(value)) if is_own_choice(value) => {
            put(map, "tool_choice", value.clone());
            return;
        }
        Some(ToolChoice::Custom(_) | ToolChoice::Other(_)) => {
            notes
                .meaning("tool_choice", "Anthropic chooses among functions: auto, any, one by name, or none");
            return;
        }
    }
    if let Some(parallel) = request.parallel_tool_calls
        && request.tool_choice != Some(ToolChoice::None)
    {
        put(&mut choice, "disable_parallel_tool_use", !parallel);
    }
    put(map, "tool_choice", choice);
}

fn is_own_choice(value: &Value) -> bool {
    let kind = value.get("type").and_then(Value::as_str);
    matches!(kind, Some("auto" | "any" | "tool" | "none"))
}

/// Whether the request makes the model call a tool: it does not think then.
pub(super) const fn is_forced(choice: Option<&ToolChoice>) -> bool {
    matches!(
        choice,
        Some(ToolChoice::Required | ToolChoice::Function(_) | ToolChoice::Allowed { required: true, .. })
    )
}

/// Takes the fields of a `tool_use` block, and the signature that another vendor's call carried in its id. A provider
/// (`lenient`) may leave out `input` or spell it as text.
pub(super) fn take_call(
    map: &mut Map<String, Value>,
    path: &Path<'_>,
    lenient: bool,
) -> Result<(ToolCall, Option<String>), DecodeError> {
    let (id, signature) = carried::open(&fields::need_string(map, path, "id")?);
    let name = fields::need_string(map, path, "name")?;
    let arguments = match fields::try_object(map, "input") {
        Some(input) => Value::Object(input).to_string(),
        None if lenient => fields::try_string(map, "input").unwrap_or_else(|| "{}".to_owned()),
        None => return Err(path.field_error("input", "required: an object, {} for a call without arguments")),
    };
    Ok((ToolCall { id: Some(id), name, arguments, kind: ToolKind::Function }, signature))
}

/// The arguments of a call as the object that the format needs, and whether they are as they were. Text that is no JSON
/// object goes into one, under the name that Anthropic's documentation of fine-grained tool streaming gives for it.
pub(super) fn input_of(call: &ToolCall) -> (Value, bool) {
    if call.kind == ToolKind::Custom {
        return (json!({"input": call.arguments}), false);
    }
    if call.arguments.trim().is_empty() {
        return (Value::Object(Map::new()), true);
    }
    match serde_json::from_str::<Value>(&call.arguments) {
        Ok(input @ Value::Object(_)) => (input, true),
        _ => (json!({"INVALID_JSON": call.arguments}), false),
    }
}

/// The fields of a `tool_use` block but for its marks.
pub(super) fn call_block(id: &str, name: &str, input: Value) -> Map<String, Value> {
    let mut map = Map::new();
    put(&mut map, "type", "tool_use");
    put(&mut map, "id", safe_id(id));
    put(&mut map, "name", name);
    put(&mut map, "input", input);
    map
}

/// Anthropic takes letters, digits, `_` and `-` in ids; other vendors use more (`functions.search:0`).
pub(super) fn safe_id(id: &str) -> Cow<'_, str> {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if id.chars().all(safe) {
        Cow::Borrowed(id)
    } else {
        Cow::Owned(id.chars().map(|c| if safe(c) { c } else { '_' }).collect())
    }
}
