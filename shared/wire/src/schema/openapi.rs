//! OpenAPI 3.0 schemas, as Gemini's `parameters` and `responseSchema` are, read as JSON Schema.

use serde_json::{Map, Number, Value};

/// Keywords whose numbers Google's JSON may give as strings (64-bit integers).
const COUNTS: [&str; 6] =
    ["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"];

/// The schema in JSON Schema: types in small letters, `nullable` as a type `null`, keywords by their usual names.
///
/// Depth is that of the value, which its reader bounds.
#[must_use]
pub fn from_openapi(schema: &Value) -> Value {
    let Value::Object(map) = schema else { return schema.clone() };
    let mut out = Map::new();
    let mut nullable = false;
    for (keyword, value) in map {
        match (camel(keyword), value) {
            ("type", Value::String(kind)) => {
                out.insert("type".to_owned(), kind.to_ascii_lowercase().into());
            }
            ("nullable", Value::Bool(yes)) => nullable = *yes,
            ("properties", Value::Object(properties)) => {
                let properties =
                    properties.iter().map(|(name, schema)| (name.clone(), from_openapi(schema))).collect();
                out.insert("properties".to_owned(), Value::Object(properties));
            }
            (word @ ("items" | "additionalProperties"), value) => {
                out.insert(word.to_owned(), from_openapi(value));
            }
            ("anyOf", Value::Array(choices)) => {
                out.insert("anyOf".to_owned(), choices.iter().map(from_openapi).collect());
            }
            // It says that `enum` lists words, which `enum` says itself; the order is Google's alone.
            ("format", Value::String(format)) if format == "enum" => {}
            ("propertyOrdering", _) => {}
            ("example", value) => {
                out.insert("examples".to_owned(), Value::Array(vec![value.clone()]));
            }
            (word, Value::String(text)) if COUNTS.contains(&word) => {
                let count =
                    text.parse::<u64>().map_or_else(|_| value.clone(), |n| Value::from(Number::from(n)));
                out.insert(word.to_owned(), count);
            }
            (word, value) => {
                out.insert(word.to_owned(), value.clone());
            }
        }
    }
    if nullable {
        allow_null(&mut out);
    }
    Value::Object(out)
}

/// Lets a schema be null as well.
pub(super) fn allow_null(map: &mut Map<String, Value>) {
    let null = Value::from("null");
    match map.get_mut("type") {
        Some(Value::Array(types)) => {
            if !types.contains(&null) {
                types.push(null);
            }
        }
        Some(kind) => {
            if *kind != null {
                *kind = Value::Array(vec![kind.take(), null]);
            }
        }
        None => {
            if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
                let null = Value::Object(Map::from_iter([("type".to_owned(), null)]));
                if !choices.contains(&null) {
                    choices.push(null);
                }
            }
        }
    }
    if let Some(Value::Array(values)) = map.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}

/// Google takes both spellings of its fields.
fn camel(keyword: &str) -> &str {
    match keyword {
        "any_of" => "anyOf",
        "max_items" => "maxItems",
        "min_items" => "minItems",
        "max_length" => "maxLength",
        "min_length" => "minLength",
        "max_properties" => "maxProperties",
        "min_properties" => "minProperties",
        "property_ordering" => "propertyOrdering",
        "additional_properties" => "additionalProperties",
        other => other,
    }
}
