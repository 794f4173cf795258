//! What a schema's values are: small questions and changes that know no rules of a vendor.

use serde_json::{Map, Value, json};

use super::merge;
use super::openapi::allow_null;

pub(super) fn put(map: &mut Map<String, Value>, keyword: &str, value: impl Into<Value>) {
    map.insert(keyword.to_owned(), value.into());
}

/// A property that need not be there, where all must: it may be null instead.
pub(super) fn optional(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    let wrapped = map.contains_key("$ref") || map.contains_key("const");
    if wrapped || !(map.contains_key("type") || map.contains_key("anyOf") || map.contains_key("enum")) {
        if !map.is_empty() {
            let inner = std::mem::take(map);
            put(map, "anyOf", vec![Value::Object(inner), json!({"type": "null"})]);
        }
        return;
    }
    allow_null(map);
}

/// What can be said of a schema without what is inside it.
pub(super) fn shallow(map: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for keyword in ["type", "title", "description"] {
        if let Some(value) = map.get(keyword) {
            put(&mut out, keyword, value.clone());
        }
    }
    if !out.contains_key("type") && map.contains_key("properties") {
        put(&mut out, "type", "object");
    }
    out
}

/// How many values a value consists of. Its depth is bounded by its reader.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + 1,
        Value::Object(map) => map.values().map(weight).sum::<usize>() + 1,
        _ => 1,
    }
}

/// The type of a value that is no list and no object, in OpenAPI's words.
pub(super) fn type_of(value: &Value) -> Option<&'static str> {
    match value {
        Value::Bool(_) => Some("BOOLEAN"),
        Value::Number(number) if number.is_f64() => Some("NUMBER"),
        Value::Number(_) => Some("INTEGER"),
        Value::String(_) => Some("STRING"),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The type that other keywords tell.
pub(super) fn implied(map: &Map<String, Value>) -> Option<&'static str> {
    if map.contains_key("properties") {
        Some("OBJECT")
    } else if map.contains_key("items") {
        Some("ARRAY")
    } else {
        None
    }
}

/// Moves what stands beside `anyOf` into each of its choices.
pub(super) fn alone(map: &mut Map<String, Value>) {
    if !map.contains_key("anyOf") || map.len() == 1 {
        return;
    }
    let beside = std::mem::take(map);
    let mut choices = Vec::new();
    let mut rest = Map::new();
    for (keyword, value) in beside {
        match value {
            Value::Array(values) if keyword == "anyOf" => choices = values,
            value => {
                rest.insert(keyword, value);
            }
        }
    }
    for choice in choices.iter_mut().filter_map(Value::as_object_mut) {
        let _all_agree = merge::all_of(choice, rest.clone());
    }
    put(map, "anyOf", choices);
}
