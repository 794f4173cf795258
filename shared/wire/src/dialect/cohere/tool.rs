//! Tools, the choice among them, and tool calls.

use serde_json::{Map, Value, json};

use super::OWN;
use crate::chat::{Content, Definition, Function, Part, Request, Tool, ToolCall, ToolChoice, ToolKind};
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, carried};
use crate::schema::{self, Rules};

/// Reads one element of `tools`.
pub(super) fn decode_tool(value: Value, path: &Path<'_>) -> Result<Tool, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let kind = fields::need_string(&mut map, path, "type")?;
    if kind != "function" {
        return Ok(Tool { definition: Definition::BuiltIn(format!("{OWN}{kind}")), cache: None, extra: map });
    }
    let mut inner = fields::object(&mut map, path, "function")?
        .ok_or_else(|| path.field_error("function", "required: an object with `name` and `parameters`"))?;
    let at = Path::Field(path, "function");
    let function = Function {
        name: fields::need_string(&mut inner, &at, "name")?,
        description: fields::string(&mut inner, &at, "description")?,
        parameters: fields::take(&mut inner, "parameters"),
        strict: None,
    };
    fields::put_back(&mut map, "function", inner);
    Ok(Tool { definition: Definition::Function(function), cache: None, extra: map })
}

/// The schema of a tool, as Cohere is told it: it must have one (<https://docs.cohere.com/reference/chat>). Only one that
/// binds the model must keep to what Cohere can promise.
fn schema(function: &Function, at: &str, binds: bool, notes: &mut Notes) -> Value {
    let Some(schema) = &function.parameters else { return json!({"type": "object", "properties": {}}) };
    if !binds {
        return schema.clone();
    }
    let (lowered, named) = schema::lower(schema, &Rules::COHERE_STRICT);
    notes.lowered_at(&format!("{at}.parameters"), &named);
    lowered
}

/// Writes `tools`, `strict_tools` and `tool_choice`.
pub(super) fn put_tools(map: &mut Map<String, Value>, request: &Request, own: bool, notes: &mut Notes) {
    let only = match &request.tool_choice {
        Some(ToolChoice::Function(name)) => Some(vec![name.as_str()]),
        Some(ToolChoice::Allowed { tools, .. }) => Some(tools.iter().filter_map(named).collect()),
        _ => None,
    };
    // Strictness is one switch for all of them there.
    let is_strict = |tool: &Tool| matches!(&tool.definition, Definition::Function(function) if function.strict == Some(true));
    let binds = !own && request.tools.iter().any(is_strict);
    let mut tools = Vec::new();
    let mut strict = Vec::new();
    for (index, tool) in request.tools.iter().enumerate() {
        let mut written = Map::new();
        match &tool.definition {
            Definition::Function(function) => {
                // Cohere can demand some tool, not a certain one: the others are not offered.
                if only.as_ref().is_some_and(|only| !only.contains(&function.name.as_str())) {
                    continue;
                }
                strict.push(function.strict);
                let mut inner = Map::new();
                put(&mut inner, "name", function.name.clone());
                put_some(&mut inner, "description", function.description.as_ref());
                let schema = schema(function, &format!("tools[{index}]"), binds, notes);
                put(&mut inner, "parameters", schema);
                put(&mut written, "type", "function");
                put(&mut written, "function", inner);
            }
            Definition::BuiltIn(kind) if kind.starts_with(OWN) => {
                put(&mut written, "type", kind.trim_start_matches(OWN));
            }
            Definition::BuiltIn(_) => {
                notes.meaning(
                    format!("tools[{index}]"),
                    "a built-in tool of another vendor does not run at Cohere",
                );
                continue;
            }
            Definition::Custom { .. } => {
                let reason = "Cohere has no tools that take free text; define a function with one text field";
                notes.meaning(format!("tools[{index}]"), reason);
                continue;
            }
        }
        if tool.cache.is_some() {
            notes.hint(format!("tools[{index}].cache"), "Cohere caches by itself");
        }
        merge(&mut written, &tool.extra);
        tools.push(Value::Object(written));
    }
    if !tools.is_empty() {
        put(map, "tools", tools);
    }
    let wanted = strict.contains(&Some(true));
    if wanted && strict.iter().any(|each| *each != Some(true)) {
        notes.lowered.push("tools.strict".to_owned());
    }
    if wanted || strict.contains(&Some(false)) {
        put(map, "strict_tools", wanted);
    }
    match &request.tool_choice {
        // Without a word the model decides.
        None | Some(ToolChoice::Auto | ToolChoice::Allowed { required: false, .. }) => {}
        Some(ToolChoice::None) => put(map, "tool_choice", "NONE"),
        Some(ToolChoice::Required | ToolChoice::Function(_) | ToolChoice::Allowed { required: true, .. }) => {
            put(map, "tool_choice", "REQUIRED");
        }
        Some(ToolChoice::Custom(_)) => {
            notes.meaning("tool_choice", "Cohere has no tools that take free text");
        }
        Some(ToolChoice::Other(Value::String(word))) => put(map, "tool_choice", word.clone()),
        Some(ToolChoice::Other(_)) => {
            notes.meaning(
                "tool_choice",
                "this choice is another vendor's; say auto, none, required or a function",
            );
        }
    }
}

/// The name in a reference to a tool, in any format's form.
fn named(reference: &Value) -> Option<&str> {
    reference.get("function").unwrap_or(reference).get("name")?.as_str()
}

/// Reads `tool_choice`.
pub(super) fn decode_choice(word: String) -> ToolChoice {
    match word.as_str() {
        "REQUIRED" => ToolChoice::Required,
        "NONE" => ToolChoice::None,
        _ => ToolChoice::Other(Value::String(word)),
    }
}

/// Reads one element of `tool_calls`.
pub(super) fn decode_call(value: Value, path: &Path<'_>, lenient: bool) -> Result<Part, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    let mut inner = fields::object(&mut map, path, "function")?
        .ok_or_else(|| path.field_error("function", "required: an object with `name` and `arguments`"))?;
    let at = Path::Field(path, "function");
    let name = fields::need_string(&mut inner, &at, "name")?;
    let arguments = match fields::try_object(&mut inner, "arguments") {
        Some(object) if lenient => Value::Object(object).to_string(),
        Some(_) => return Err(at.field_error("arguments", "expected a string of JSON, found an object")),
        None => fields::string(&mut inner, &at, "arguments")?.unwrap_or_default(),
    };
    fields::put_back(&mut map, "function", inner);
    fields::take_if(&mut map, "type", |kind| kind == "function");
    let id = fields::string(&mut map, path, "id")?;
    let (id, signature) = match id.map(|id| carried::open(&id)) {
        Some((id, signature)) => (Some(id), signature),
        None => (None, None),
    };
    let call = ToolCall { id, name, arguments, kind: ToolKind::Function };
    Ok(Part { content: Content::ToolCall(call), id: None, cache: None, signature, extra: map })
}

/// Writes one element of `tool_calls` under an id.
pub(super) fn encode_call(call: &ToolCall, id: &str, part: &Part) -> Value {
    let arguments = match call.kind {
        // Text of a free-text tool, as the one field of an object.
        ToolKind::Custom => json!({"input": call.arguments}).to_string(),
        _ if call.arguments.trim().is_empty() => "{}".to_owned(),
        _ => call.arguments.clone(),
    };
    let mut map = Map::new();
    put(&mut map, "id", id);
    put(&mut map, "type", "function");
    put(&mut map, "function", json!({"name": call.name, "arguments": arguments}));
    merge(&mut map, &part.extra);
    Value::Object(map)
}
