//! Two schemas as one that demands both, as far as that can be said.

use serde_json::{Map, Value};

/// Adds what `other` demands to `into`; gives the keywords on which they disagree, where `into` stands.
pub(super) fn all_of(into: &mut Map<String, Value>, other: Map<String, Value>) -> Vec<String> {
    let mut disagree = Vec::new();
    for (keyword, theirs) in other {
        let Some(mine) = into.get_mut(&keyword) else {
            into.insert(keyword, theirs);
            continue;
        };
        match (keyword.as_str(), mine, theirs) {
            (_, mine, theirs) if *mine == theirs => {}
            ("properties" | "$defs" | "definitions", Value::Object(mine), Value::Object(theirs)) => {
                for (name, schema) in theirs {
                    match mine.get_mut(&name) {
                        None => {
                            mine.insert(name, schema);
                        }
                        Some(Value::Object(mine)) => {
                            if let Value::Object(schema) = schema {
                                disagree.extend(
                                    shallow(mine, schema)
                                        .into_iter()
                                        .map(|word| format!("properties/{}/{word}", escaped(&name))),
                                );
                            }
                        }
                        Some(_) => {}
                    }
                }
            }
            ("required", Value::Array(mine), Value::Array(theirs)) => {
                for name in theirs {
                    if !mine.contains(&name) {
                        mine.push(name);
                    }
                }
            }
            ("enum", Value::Array(mine), Value::Array(theirs)) => mine.retain(|value| theirs.contains(value)),
            ("minimum" | "minLength" | "minItems" | "minProperties", mine, theirs) => {
                bound(mine, theirs, f64::gt);
            }
            ("maximum" | "maxLength" | "maxItems" | "maxProperties", mine, theirs) => {
                bound(mine, theirs, f64::lt);
            }
            ("additionalProperties", mine, Value::Bool(false)) => *mine = Value::Bool(false),
            // Texts for the model: one is enough.
            ("title" | "description" | "default", _, _) => {}
            _ => disagree.push(keyword),
        }
    }
    disagree
}

/// As [`all_of`] for one property, without looking into its own properties.
fn shallow(into: &mut Map<String, Value>, other: Map<String, Value>) -> Vec<String> {
    let mut disagree = Vec::new();
    for (keyword, theirs) in other {
        match into.get(&keyword) {
            None => {
                into.insert(keyword, theirs);
            }
            Some(mine) if *mine == theirs || ["title", "description"].contains(&keyword.as_str()) => {}
            Some(_) => disagree.push(keyword),
        }
    }
    disagree
}

/// The tighter of two bounds.
fn bound(mine: &mut Value, theirs: Value, tighter: fn(&f64, &f64) -> bool) {
    if let (Some(my), Some(their)) = (mine.as_f64(), theirs.as_f64())
        && tighter(&their, &my)
    {
        *mine = theirs;
    }
}

/// A name as a step of a JSON pointer (RFC 6901).
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
