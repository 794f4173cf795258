//! The JSON Schema (draft 2020-12) of the document, for editors.
//!
//! It tells what can be told of one place alone; references and what fits together are checked by reading only.

use serde_json::{Map, Value, json};

use super::shape::{Description, Field, Presence};

/// The schema of the document.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("Postern configuration"));
    if let Value::Object(rest) = of(&super::describe()) {
        schema.extend(rest);
    }
    Value::Object(schema)
}

fn of(description: &Description) -> Value {
    match description {
        Description::Scalar { schema, .. } => schema.clone(),
        Description::List { item, least } => {
            let mut schema = json!({"type": "array", "items": of(item)});
            insert_least(&mut schema, "minItems", *least);
            schema
        }
        Description::Map { pattern, entry, least, .. } => {
            let mut schema = json!({
                "type": "object",
                "propertyNames": {"pattern": pattern},
                "additionalProperties": of(entry),
            });
            insert_least(&mut schema, "minProperties", *least);
            schema
        }
        Description::Section { about, fields } => {
            let properties: Map<String, Value> =
                fields.iter().map(|field| (field.name.to_owned(), property(field))).collect();
            let required: Vec<&str> = fields
                .iter()
                .filter(|field| field.presence == Presence::Required)
                .map(|field| field.name)
                .collect();
            let mut schema = json!({
                "description": about,
                "type": "object",
                "properties": properties,
                "additionalProperties": false,
            });
            if let (Some(object), false) = (schema.as_object_mut(), required.is_empty()) {
                object.insert("required".to_owned(), json!(required));
            }
            schema
        }
    }
}

/// The schema of a field: what the field is about goes before what its shape is about.
fn property(field: &Field) -> Value {
    let mut schema = Map::new();
    schema.insert("description".to_owned(), json!(field.about));
    if let Value::Object(shape) = of(&field.shape) {
        schema.extend(shape.into_iter().filter(|(key, _)| key != "description"));
    }
    if let Presence::Default(default) = &field.presence {
        schema.insert("default".to_owned(), default.clone());
    }
    Value::Object(schema)
}

fn insert_least(schema: &mut Value, key: &str, least: usize) {
    if let (Some(object), true) = (schema.as_object_mut(), least > 0) {
        object.insert(key.to_owned(), json!(least));
    }
}
