//! Names of fields, spellings that must come back, and generations of models.

use serde_json::{Map, Value};

use crate::chat::{AS_SAID, Extra};
use crate::dialect::fields::merge;

/// Says every name of this object in camel case, as Google does itself. What is inside is not touched. Names that
/// look like the marks kept here are no fields of Google's, and go: what was kept must have been written here.
pub(super) fn camel(map: &mut Map<String, Value>) {
    map.retain(|name, _| !name.starts_with(AS_SAID));
    if !map.keys().any(|name| name.contains('_')) {
        return;
    }
    for (name, value) in std::mem::take(map) {
        let said = camel_case(&name);
        // Said in both ways: the second stays as it is, and the provider decides.
        if said != name && map.contains_key(&said) {
            map.insert(name, value);
        } else {
            map.insert(said, value);
        }
    }
}

fn camel_case(name: &str) -> String {
    let mut said = String::with_capacity(name.len());
    let mut raise = false;
    for c in name.chars() {
        if c == '_' && !said.is_empty() {
            raise = true;
        } else if raise {
            said.push(c.to_ascii_uppercase());
            raise = false;
        } else {
            said.push(c);
        }
    }
    said
}

/// Keeps how a typed field was spelt.
pub(super) fn mark(extra: &mut Extra, name: &str, value: impl Into<Value>) {
    extra.insert(format!("{AS_SAID}{name}"), value.into());
}

/// How a typed field was spelt, if that was kept.
pub(super) fn marked<'a>(extra: &'a Extra, name: &str) -> Option<&'a Value> {
    extra.iter().find(|(key, _)| key.strip_prefix(AS_SAID) == Some(name)).map(|(_, value)| value)
}

/// Adds what a reader left over, without the spellings.
pub(super) fn merge_extra(written: &mut Map<String, Value>, extra: &Extra) {
    if extra.keys().any(|name| name.starts_with(AS_SAID)) {
        let fields = extra.iter().filter(|(name, _)| !name.starts_with(AS_SAID));
        merge(written, &fields.map(|(name, value)| (name.clone(), value.clone())).collect());
    } else {
        merge(written, extra);
    }
}

/// Puts back what is left of an object, and an object that was empty from the start.
pub(super) fn put_rest(map: &mut Map<String, Value>, name: &str, rest: Map<String, Value>, was_empty: bool) {
    if was_empty || !rest.is_empty() {
        map.insert(name.to_owned(), Value::Object(rest));
    }
}

/// Marks what is in this format's own words, as opposed to another's.
const OWN: &str = "gemini";

pub(super) fn mark_own(extra: &mut Extra) {
    mark(extra, OWN, true);
}

pub(super) fn is_own(extra: &Extra) -> bool {
    marked(extra, OWN).is_some()
}

/// The model's own name, without `models/` or `publishers/google/models/` in front.
fn bare(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// Whether a model is of a generation before the third. Names without a number (`gemini-flash-latest`) are of the
/// newest.
fn is_before_3(model: &str) -> bool {
    bare(model).strip_prefix("gemini-").is_some_and(|rest| rest.starts_with(['1', '2']))
}

/// Whether a model takes a thinking level in place of a budget, wants signatures back, and takes media in the results
/// of tools: Gemini 3 and later.
pub(super) fn is_3_or_later(model: &str) -> bool {
    bare(model).starts_with("gemini-") && !is_before_3(model)
}

/// Whether a model takes schemas in JSON Schema. Those before 2.5 take the part of OpenAPI only.
pub(super) fn takes_json_schema(model: &str) -> bool {
    let rest = bare(model).strip_prefix("gemini-").unwrap_or_default();
    !(rest.starts_with('1') || rest.starts_with("2.0"))
}

/// Whether a model is one of those that cannot stop reasoning altogether.
pub(super) fn always_thinks(model: &str) -> bool {
    bare(model).contains("pro")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_told_by_name() {
        for model in ["gemini-3-pro-preview", "models/gemini-3.5-flash", "gemini-flash-latest"] {
            assert!(is_3_or_later(model), "{model}");
        }
        for model in ["gemini-2.5-pro", "publishers/google/models/gemini-1.5-flash", "gemma-3-27b-it", "123"]
        {
            assert!(!is_3_or_later(model), "{model}");
        }
        assert!(takes_json_schema("gemini-2.5-flash") && !takes_json_schema("gemini-2.0-flash"));
    }

    #[test]
    fn snake_case_is_camel_case_too() {
        let mut map = Map::new();
        for name in ["top_k", "$ref_a", "topP", "_x"] {
            map.insert(name.to_owned(), 1.into());
        }
        camel(&mut map);
        assert_eq!(map.keys().collect::<Vec<_>>(), ["topK", "$refA", "topP", "_x"]);
    }
}
