//! JSON Schemas that bind the model: Anthropic takes a part of the language there and refuses a request with the rest
//! (<https://platform.claude.com/docs/en/build-with-claude/structured-outputs>).

use serde_json::{Map, Value};

/// The deepest nesting that is looked at; JSON that was read is no deeper.
const MAX_DEPTH: usize = 128;

/// Keywords that are refused. What they said is told to the model in the description.
const REFUSED: [&str; 20] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "not",
    "if",
    "then",
    "else",
];

/// Formats of strings that are taken.
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// Lowers a schema to what Anthropic takes, and says whether it had to be changed: refused keywords go into the
/// description, `oneOf` becomes `anyOf`, objects are closed (`additionalProperties: false`).
pub(super) fn lower(schema: &mut Value) -> bool {
    lower_at(schema, MAX_DEPTH)
}

fn lower_at(schema: &mut Value, depth: usize) -> bool {
    let (Value::Object(map), Some(depth)) = (schema, depth.checked_sub(1)) else { return false };
    let mut told = Vec::new();
    let refused: Vec<String> = map.keys().filter(|key| is_refused(key, map)).cloned().collect();
    for key in refused {
        if let Some(value) = map.shift_remove(&key) {
            told.push(format!("{key}: {value}"));
        }
    }
    let mut changed = !told.is_empty();
    if !told.is_empty() {
        let rules = format!("{{{}}}", told.join(", "));
        let description = match map.get("description") {
            Some(Value::String(text)) if !text.is_empty() => format!("{text}\n\n{rules}"),
            _ => rules,
        };
        map.insert("description".to_owned(), description.into());
    }
    if !map.contains_key("anyOf")
        && let Some(variants) = map.shift_remove("oneOf")
    {
        map.insert("anyOf".to_owned(), variants);
        changed = true;
    }
    let is_object = match map.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => map.contains_key("properties"),
    };
    if is_object && map.get("additionalProperties") != Some(&Value::Bool(false)) {
        map.insert("additionalProperties".to_owned(), false.into());
        changed = true;
    }
    for (key, value) in map.iter_mut() {
        changed |= match (key.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(schemas)) => {
                schemas.values_mut().fold(false, |changed, each| lower_at(each, depth) | changed)
            }
            ("anyOf" | "allOf" | "prefixItems", Value::Array(schemas)) => {
                schemas.iter_mut().fold(false, |changed, each| lower_at(each, depth) | changed)
            }
            ("items", items) => lower_at(items, depth),
            _ => false,
        };
    }
    changed
}

fn is_refused(key: &str, map: &Map<String, Value>) -> bool {
    match (key, map.get(key)) {
        ("minItems", Some(least)) => least.as_u64().is_none_or(|least| least > 1),
        ("format", Some(Value::String(format))) => !FORMATS.contains(&format.as_str()),
        _ => REFUSED.contains(&key),
    }
}
