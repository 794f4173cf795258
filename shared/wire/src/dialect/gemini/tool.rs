//! Tools and the choice among them.

use serde_json::{Map, Value, json};

use super::names::{camel, is_own, mark, mark_own, marked, merge_extra, put_rest, takes_json_schema};
use crate::chat::{Definition, Extra, Function, Request, Tool, ToolChoice};
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, Target};
use crate::schema::{self, Rules};

/// Tools that other vendors run, and Google's tool for the same.
const SAME: [(&str, &str); 6] = [
    ("web_search", "googleSearch"),
    ("google_search", "googleSearch"),
    ("web_fetch", "urlContext"),
    ("url_context", "urlContext"),
    ("code_interpreter", "codeExecution"),
    ("code_execution", "codeExecution"),
];

/// Takes `tools`.
pub(super) fn take_tools(map: &mut Extra, request: &mut Request) -> Result<(), DecodeError> {
    // An empty list stays as it is: there is nothing to translate, and it comes back.
    if map.get("tools").is_none_or(|tools| tools.as_array().is_some_and(Vec::is_empty)) {
        return Ok(());
    }
    let at = Path::Field(&Path::Root, "tools");
    for (index, value) in
        fields::array(map, &Path::Root, "tools")?.unwrap_or_default().into_iter().enumerate()
    {
        let at = Path::Item(&at, index);
        let mut map = fields::into_object(&at, value)?;
        camel(&mut map);
        let listed =
            map.get("functionDeclarations").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        if listed {
            let at = Path::Field(&at, "functionDeclarations");
            let declared = fields::try_array(&mut map, "functionDeclarations").unwrap_or_default();
            for (index, value) in declared.into_iter().enumerate() {
                request.tools.push(decode_function(value, &Path::Item(&at, index))?);
            }
        } else if map.get("functionDeclarations").is_some_and(|list| !list.is_array() && !list.is_null()) {
            return Err(at.field_error("functionDeclarations", "expected an array of declarations"));
        }
        if !map.is_empty() || !listed {
            let word = map.keys().next().cloned().unwrap_or_default();
            mark_own(&mut map);
            request.tools.push(Tool { definition: Definition::BuiltIn(word), cache: None, extra: map });
        }
    }
    Ok(())
}

fn decode_function(value: Value, path: &Path<'_>) -> Result<Tool, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    camel(&mut map);
    let name = fields::need_string(&mut map, path, "name")?;
    let description = fields::string(&mut map, path, "description")?;
    let parameters = if let Some(schema) = fields::take(&mut map, "parametersJsonSchema") {
        mark(&mut map, "parametersJsonSchema", true);
        Some(schema)
    } else if let Some(schema) = fields::take(&mut map, "parameters") {
        let read = schema::from_openapi(&schema);
        mark(&mut map, "parameters", schema);
        Some(read)
    } else {
        None
    };
    let function = Function { name, description, parameters, strict: None };
    Ok(Tool { definition: Definition::Function(function), cache: None, extra: map })
}

/// Writes `tools`.
pub(super) fn put_tools(
    map: &mut Map<String, Value>,
    request: &Request,
    target: &Target<'_>,
    notes: &mut Notes,
) {
    let mut tools: Vec<Value> = Vec::new();
    let mut functions: Option<usize> = None;
    for (index, tool) in request.tools.iter().enumerate() {
        let at = format!("tools[{index}]");
        if tool.cache.is_some() {
            notes.hint(format!("{at}.cache"), "Gemini caches prompts by itself, or by `cachedContent`");
        }
        match &tool.definition {
            Definition::Function(function) => {
                let declaration = encode_function(function, &tool.extra, target, &at, notes);
                let place = *functions.get_or_insert_with(|| {
                    tools.push(json!({"functionDeclarations": []}));
                    tools.len() - 1
                });
                if let Some(list) = tools
                    .get_mut(place)
                    .and_then(|holder| holder.get_mut("functionDeclarations"))
                    .and_then(Value::as_array_mut)
                {
                    list.push(Value::Object(declaration));
                }
            }
            Definition::BuiltIn(_) if is_own(&tool.extra) => {
                let mut own = Map::new();
                merge_extra(&mut own, &tool.extra);
                tools.push(Value::Object(own));
            }
            Definition::BuiltIn(word) => match same_tool(word) {
                Some(own) => {
                    push_built_in(&mut tools, own);
                    if !tool.extra.is_empty() {
                        notes.hint(
                            at,
                            "Google's own tool is used, without the settings of the other vendor's",
                        );
                    }
                }
                None => notes.meaning(at, "a tool that another vendor runs"),
            },
            Definition::Custom { .. } => {
                notes.meaning(at, "Gemini has no tools that take free text: declare a function");
            }
        }
    }
    if let Some(search) = &request.web_search {
        push_built_in(&mut tools, "googleSearch");
        if search.context_size.is_some() {
            notes.hint("web_search.context_size", "Google Search has no such setting");
        }
        if search.location.is_some() {
            notes.hint("web_search.location", "Google Search takes coordinates, not the name of a place");
        }
    }
    if !tools.is_empty() {
        put(map, "tools", tools);
    }
}

fn push_built_in(tools: &mut Vec<Value>, word: &str) {
    let tool = json!({word: {}});
    if !tools.contains(&tool) {
        tools.push(tool);
    }
}

/// Other vendors put the date of a version behind the word.
fn same_tool(word: &str) -> Option<&'static str> {
    let bare = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let bare = bare.strip_suffix("_preview").unwrap_or(bare);
    SAME.iter().find(|(theirs, own)| *theirs == bare || *own == word).map(|(_, own)| *own)
}

fn encode_function(
    function: &Function,
    extra: &Extra,
    target: &Target<'_>,
    at: &str,
    notes: &mut Notes,
) -> Map<String, Value> {
    let mut map = Map::new();
    put(&mut map, "name", function.name.clone());
    put_some(&mut map, "description", function.description.as_ref());
    if function.strict == Some(true) {
        notes.hint(format!("{at}.strict"), "Gemini does not promise arguments that follow the schema");
    }
    if let Some(said) = marked(extra, "parameters") {
        put(&mut map, "parameters", said.clone());
    } else if let Some(parameters) = &function.parameters {
        if marked(extra, "parametersJsonSchema").is_some() {
            put(&mut map, "parametersJsonSchema", parameters.clone());
        } else {
            let (name, rules) = if takes_json_schema(target.model) {
                ("parametersJsonSchema", &Rules::GEMINI_JSON)
            } else {
                ("parameters", &Rules::GEMINI_OPENAPI)
            };
            let (lowered, named) = schema::lower(parameters, rules);
            notes.lowered_at(&format!("{at}.parameters"), &named);
            put(&mut map, name, lowered);
        }
    }
    merge_extra(&mut map, extra);
    map
}

/// Takes the choice out of `toolConfig`.
pub(super) fn take_choice(map: &mut Extra, request: &mut Request) -> Result<(), DecodeError> {
    let Some(mut config) = fields::object(map, &Path::Root, "toolConfig")? else { return Ok(()) };
    let config_empty = config.is_empty();
    camel(&mut config);
    let at = Path::Field(&Path::Root, "toolConfig");
    if let Some(mut calling) = fields::object(&mut config, &at, "functionCallingConfig")? {
        let calling_empty = calling.is_empty();
        camel(&mut calling);
        let at = Path::Field(&at, "functionCallingConfig");
        let mode = fields::string(&mut calling, &at, "mode")?;
        let names = fields::strings(&mut calling, &at, "allowedFunctionNames")?;
        let choice = decode_choice(mode.as_deref(), names.as_deref());
        match choice {
            Some(choice) => {
                mark(map, "choice", Value::Object(choice_map(mode.as_deref(), names.as_deref())));
                request.tool_choice = Some(choice);
            }
            None => calling.extend(choice_map(mode.as_deref(), names.as_deref())),
        }
        put_rest(&mut config, "functionCallingConfig", calling, calling_empty);
    }
    put_rest(map, "toolConfig", config, config_empty);
    Ok(())
}

fn choice_map(mode: Option<&str>, names: Option<&[String]>) -> Map<String, Value> {
    let mut map = Map::new();
    if let Some(mode) = mode {
        put(&mut map, "mode", mode);
    }
    if let Some(names) = names {
        put(&mut map, "allowedFunctionNames", names.to_vec());
    }
    map
}

fn decode_choice(mode: Option<&str>, names: Option<&[String]>) -> Option<ToolChoice> {
    let allowed = |required| {
        let named = |name: &String| json!({"type": "function", "function": {"name": name}});
        ToolChoice::Allowed { required, tools: names.unwrap_or_default().iter().map(named).collect() }
    };
    Some(match (mode?.to_ascii_uppercase().as_str(), names.unwrap_or_default()) {
        ("NONE", _) => ToolChoice::None,
        ("ANY", []) => ToolChoice::Required,
        ("ANY", [one]) => ToolChoice::Function(one.clone()),
        ("ANY", _) => allowed(true),
        ("AUTO" | "VALIDATED" | "MODE_UNSPECIFIED", []) => ToolChoice::Auto,
        ("AUTO" | "VALIDATED", _) => allowed(false),
        _ => return None,
    })
}

/// A choice in Google's words, empty if it has none for it.
fn encode_choice(choice: &ToolChoice) -> Map<String, Value> {
    let names = |names: Vec<String>, mode| choice_map(Some(mode), Some(&names));
    match choice {
        ToolChoice::Auto => choice_map(Some("AUTO"), None),
        ToolChoice::None => choice_map(Some("NONE"), None),
        ToolChoice::Required => choice_map(Some("ANY"), None),
        ToolChoice::Function(name) => names(vec![name.clone()], "ANY"),
        ToolChoice::Allowed { required, tools } => {
            let named: Option<Vec<String>> = tools.iter().map(function_name).collect();
            match named {
                // `AUTO` takes no list; `VALIDATED` is the same with one.
                Some(named) => names(named, if *required { "ANY" } else { "VALIDATED" }),
                None => Map::new(),
            }
        }
        ToolChoice::Custom(_) | ToolChoice::Other(_) => Map::new(),
    }
}

/// The function that a reference of another format names, in any of their forms.
fn function_name(reference: &Value) -> Option<String> {
    let name = reference.get("function").unwrap_or(reference).get("name")?;
    Some(name.as_str()?.to_owned())
}

/// Writes the choice into `toolConfig`.
pub(super) fn put_choice(map: &mut Map<String, Value>, request: &Request, notes: &mut Notes) {
    if request.parallel_tool_calls == Some(false) {
        notes.hint("parallel_tool_calls", "Gemini decides how many tools it calls at once");
    }
    let Some(choice) = &request.tool_choice else { return };
    let functions = request.tools.iter().any(|tool| matches!(tool.definition, Definition::Function(_)));
    let own = marked(&request.extra, "choice").is_some();
    // Google refuses a choice where there is nothing to choose from; what is usual need not be said.
    if !functions && !own && *choice == ToolChoice::Auto {
        return;
    }
    let calling = match marked(&request.extra, "choice") {
        Some(Value::Object(said)) => said.clone(),
        _ => encode_choice(choice),
    };
    if calling.is_empty() {
        notes.meaning("tool_choice", "Gemini takes auto, none, required, one function, or some functions");
        return;
    }
    put(map, "toolConfig", json!({"functionCallingConfig": calling}));
}
