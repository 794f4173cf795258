//! Tools, the choice among them, calls and results.

use serde_json::{Map, Value, json};

use super::OWN;
use super::block::{self, Place, Writer};
use super::names::{Names, call_id};
use crate::chat::{
    Content, Definition, Function, Part, Request, Shape, Text, Tool, ToolCall, ToolChoice, ToolKind,
    ToolResult,
};
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, carried};
use crate::schema::{self, Rules};

/// What runs at the provider: its calls and results are no business of the caller's.
const SERVER_TOOL: &str = "server_tool_use";
/// The field of the arguments that holds what a model wrote when it is no JSON object.
const BROKEN: &str = "arguments";

/// Reads the inside of a call. `None` for one that ran at the provider.
pub(super) fn take_call(
    inner: &mut Map<String, Value>,
    path: &Path<'_>,
    lenient: bool,
) -> Result<Option<(ToolCall, Option<String>)>, DecodeError> {
    if inner.get("type").is_some_and(|kind| kind == SERVER_TOOL) {
        return Ok(None);
    }
    if !lenient && !inner.contains_key("input") {
        return Err(path.field_error("input", "required: an object with the tool's arguments"));
    }
    let name = fields::need_string(inner, path, "name")?;
    let id = fields::need_string(inner, path, "toolUseId")?;
    let (id, signature) = carried::open(&id);
    let arguments = inner.remove("input").map(|input| input.to_string()).unwrap_or_default();
    Ok(Some((ToolCall { id: Some(id), name, arguments, kind: ToolKind::Function }, signature)))
}

/// Writes the inside of a call.
pub(super) fn encode_call(call: &ToolCall, part: &Part, at: &str, writer: &mut Writer<'_>) -> Value {
    let mut inner = Map::new();
    let id = match call.id.as_deref() {
        // Bedrock's limit of 64 letters is for what it takes; the id comes back to the gateway first.
        Some(id) if writer.place == Place::Answer => carried::seal(id, part.signature.as_deref()),
        Some(id) => call_id(id).into_owned(),
        None => {
            let id = writer.names.of_call(&call.name, at);
            if writer.place == Place::Answer { carried::seal(&id, part.signature.as_deref()) } else { id }
        }
    };
    put(&mut inner, "toolUseId", id);
    put(&mut inner, "name", call.name.clone());
    put(&mut inner, "input", input(call, at, writer.notes));
    Value::Object(inner)
}

/// The arguments as the object that Bedrock wants. Text of a free-text tool, and what is no JSON object, becomes its
/// one field.
fn input(call: &ToolCall, at: &str, notes: &mut Notes) -> Value {
    if call.arguments.trim().is_empty() && call.kind != ToolKind::Custom {
        return json!({});
    }
    if call.kind != ToolKind::Custom
        && let Ok(object @ Value::Object(_)) = serde_json::from_str(&call.arguments)
    {
        return object;
    }
    notes.hint(
        format!("{at}.arguments"),
        "the arguments are no JSON object; they are sent as the text of a field `arguments`",
    );
    json!({BROKEN: call.arguments})
}

/// Reads the inside of a result. `None` for one of a tool that ran at the provider.
pub(super) fn take_result(
    inner: &mut Map<String, Value>,
    path: &Path<'_>,
    lenient: bool,
) -> Result<Option<ToolResult>, DecodeError> {
    // Only those of tools at the provider have a type.
    if inner.get("type").is_some_and(Value::is_string) {
        return Ok(None);
    }
    let id = fields::need_string(inner, path, "toolUseId")?;
    let at = Path::Field(path, "content");
    let values = fields::array(inner, path, "content")?
        .ok_or_else(|| at.error("required: an array of text, json, image, document or video"))?;
    let mut parts = Vec::with_capacity(values.len());
    for (index, value) in values.into_iter().enumerate() {
        parts.push(decode_said(value, &Path::Item(&at, index), lenient)?);
    }
    let is_error = fields::take_if(inner, "status", |status| status == "error").is_some();
    Ok(Some(ToolResult {
        call_id: Some(carried::open(&id).0),
        name: None,
        parts,
        shape: Shape::Auto,
        is_error,
    }))
}

/// JSON is text here, with a mark that says nothing to others.
fn decode_said(value: Value, path: &Path<'_>, lenient: bool) -> Result<Part, DecodeError> {
    if let Value::Object(map) = &value
        && map.len() == 1
        && let Some(json) = map.get("json")
    {
        let mut part = Part::text(json.to_string());
        part.extra.insert("json".to_owned(), Value::Null);
        return Ok(part);
    }
    block::decode_block(value, path, lenient)
}

/// Writes the inside of a result.
pub(super) fn encode_result(result: &ToolResult, at: &str, notes: &mut Notes, names: &mut Names) -> Value {
    let mut content = Vec::with_capacity(result.parts.len());
    for (index, part) in result.parts.iter().enumerate() {
        if let Content::Text(Text { text, .. }) = &part.content
            && part.extra.contains_key("json")
            && let Ok(json) = serde_json::from_str::<Value>(text)
        {
            content.push(json!({"json": json}));
            continue;
        }
        let mut writer = Writer { notes, names, place: Place::Result };
        writer.part(part, &format!("{at}.content[{index}]"), &mut content);
    }
    let mut inner = Map::new();
    let id = match &result.call_id {
        Some(id) => call_id(id).into_owned(),
        None => names.of_result(result.name.as_deref(), at),
    };
    put(&mut inner, "toolUseId", id);
    put(&mut inner, "content", content);
    if result.is_error {
        put(&mut inner, "status", "error");
    }
    Value::Object(inner)
}

/// Reads `toolConfig`. What is not taken stays.
pub(super) fn take_config(
    config: &mut Map<String, Value>,
    path: &Path<'_>,
) -> Result<(Vec<Tool>, Option<ToolChoice>), DecodeError> {
    let mut tools: Vec<Tool> = Vec::new();
    // An empty list stays as it is: there is nothing to translate.
    if config.get("tools").is_some_and(|tools| tools.as_array().is_none_or(|tools| !tools.is_empty())) {
        let at = Path::Field(path, "tools");
        for (index, value) in
            fields::array(config, path, "tools")?.unwrap_or_default().into_iter().enumerate()
        {
            if let Some(mark) = block::cache_mark(&value)
                && let Some(last) = tools.last_mut()
                && last.cache.is_none()
            {
                last.cache = Some(mark);
                continue;
            }
            tools.push(decode_tool(value, &Path::Item(&at, index))?);
        }
    }
    Ok((tools, fields::object(config, path, "toolChoice")?.map(decode_choice)))
}

fn decode_tool(value: Value, path: &Path<'_>) -> Result<Tool, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    if let Some(mut spec) = fields::object(&mut map, path, "toolSpec")? {
        let at = Path::Field(path, "toolSpec");
        let mut function = Function {
            name: fields::need_string(&mut spec, &at, "name")?,
            description: fields::string(&mut spec, &at, "description")?,
            parameters: None,
            strict: fields::boolean(&mut spec, &at, "strict")?,
        };
        if let Some(mut schema) = fields::object(&mut spec, &at, "inputSchema")? {
            function.parameters = schema.remove("json");
            fields::put_back(&mut spec, "inputSchema", schema);
        } else {
            return Err(at.field_error("inputSchema", "required: an object with `json`"));
        }
        fields::put_back(&mut map, "toolSpec", spec);
        return Ok(Tool { definition: Definition::Function(function), cache: None, extra: map });
    }
    let Some(kind) = map.keys().next() else {
        return Err(path.error("expected an object with one field: toolSpec, systemTool or cachePoint"));
    };
    Ok(Tool { definition: Definition::BuiltIn(format!("{OWN}{kind}")), cache: None, extra: map })
}

fn decode_choice(map: Map<String, Value>) -> ToolChoice {
    let known = match map.iter().next() {
        Some((word, inner)) if word == "auto" && is_empty(inner) => Some(ToolChoice::Auto),
        Some((word, inner)) if word == "any" && is_empty(inner) => Some(ToolChoice::Required),
        Some((word, Value::Object(inner))) if word == "tool" && inner.len() == 1 => {
            inner.get("name").and_then(Value::as_str).map(|name| ToolChoice::Function(name.to_owned()))
        }
        _ => None,
    };
    match known {
        Some(choice) if map.len() == 1 => choice,
        _ => ToolChoice::Other(Value::Object(map)),
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}

/// The schema of a tool, as Bedrock is told it.
fn schema(function: &Function, at: &str, own: bool, notes: &mut Notes) -> Value {
    match &function.parameters {
        Some(schema) if own => schema.clone(),
        Some(schema) => {
            let strict = function.strict == Some(true);
            let rules = if strict { &Rules::BEDROCK_STRICT } else { &Rules::BEDROCK };
            let (lowered, named) = schema::lower(schema, rules);
            notes.lowered_at(&format!("{at}.parameters"), &named);
            lowered
        }
        // Bedrock requires one, for a tool without arguments as well.
        None => json!({"type": "object", "properties": {}}),
    }
}

/// Writes `toolConfig`, `None` if there is nothing to say.
pub(super) fn encode_config(request: &Request, own: bool, notes: &mut Notes) -> Option<Value> {
    let mut tools = Vec::new();
    let has_calls = request
        .messages
        .iter()
        .flat_map(|message| &message.parts)
        .any(|part| matches!(part.content, Content::ToolCall(_) | Content::ToolResult(_)));
    let forbidden = request.tool_choice == Some(ToolChoice::None);
    if forbidden && has_calls && !request.tools.is_empty() {
        notes.meaning(
            "tool_choice",
            "Bedrock cannot forbid tools once the conversation has calls; leave the choice out",
        );
    }
    // Without tools none can be called. Once there are calls, Bedrock requires the tools.
    if !forbidden || has_calls {
        let allowed = match &request.tool_choice {
            Some(ToolChoice::Allowed { tools, .. }) => Some(tools.as_slice()),
            _ => None,
        };
        for (index, tool) in request.tools.iter().enumerate() {
            encode_tool(tool, index, allowed, own, &mut tools, notes);
        }
    }
    let mut config = Map::new();
    if !tools.is_empty() {
        put(&mut config, "tools", tools);
    }
    let choice = match &request.tool_choice {
        None | Some(ToolChoice::None) => None,
        Some(ToolChoice::Auto | ToolChoice::Allowed { required: false, .. }) => Some(json!({"auto": {}})),
        Some(ToolChoice::Required | ToolChoice::Allowed { required: true, .. }) => Some(json!({"any": {}})),
        Some(ToolChoice::Function(name)) => Some(json!({"tool": {"name": name}})),
        Some(ToolChoice::Custom(_)) => {
            notes.meaning("tool_choice", "Bedrock has no tools that take free text");
            None
        }
        Some(ToolChoice::Other(own)) if is_own_choice(own) => Some(own.clone()),
        Some(ToolChoice::Other(_)) => {
            notes.meaning("tool_choice", "this choice is another vendor's; say auto, required or a function");
            None
        }
    };
    put_some(&mut config, "toolChoice", choice.as_ref());
    (!config.is_empty()).then_some(Value::Object(config))
}

/// Whether a choice that is not known is in Bedrock's words: an object of objects without `type`.
fn is_own_choice(choice: &Value) -> bool {
    choice.as_object().is_some_and(|map| !map.contains_key("type") && map.values().all(Value::is_object))
}

fn encode_tool(
    tool: &Tool,
    index: usize,
    allowed: Option<&[Value]>,
    own: bool,
    out: &mut Vec<Value>,
    notes: &mut Notes,
) {
    let mut map = Map::new();
    match &tool.definition {
        Definition::Function(function) => {
            if allowed.is_some_and(|allowed| !allowed.iter().any(|each| names(each, &function.name))) {
                return;
            }
            let mut spec = Map::new();
            put(&mut spec, "name", function.name.clone());
            // An empty description is refused.
            put_some(&mut spec, "description", function.description.as_ref().filter(|text| !text.is_empty()));
            put(
                &mut spec,
                "inputSchema",
                json!({"json": schema(function, &format!("tools[{index}]"), own, notes)}),
            );
            put_some(&mut spec, "strict", function.strict.as_ref());
            put(&mut map, "toolSpec", spec);
        }
        Definition::BuiltIn(kind) if kind.starts_with(OWN) => {}
        Definition::BuiltIn(_) => {
            notes.meaning(
                format!("tools[{index}]"),
                "a built-in tool of another vendor does not run at Bedrock",
            );
            return;
        }
        Definition::Custom { .. } => {
            notes.meaning(
                format!("tools[{index}]"),
                "Bedrock has no tools that take free text; define a function with one text field",
            );
            return;
        }
    }
    merge(&mut map, &tool.extra);
    out.push(Value::Object(map));
    if let Some(mark) = tool.cache {
        out.push(block::encode_mark(mark));
    }
}

/// Whether a reference of another format names a tool.
fn names(reference: &Value, name: &str) -> bool {
    let inner = reference.get("function").unwrap_or(reference);
    inner.get("name").is_some_and(|said| said == name)
}
