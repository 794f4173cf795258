//! The rewriting itself: one walk over the schema, top down.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::merge::{self, escaped};
use super::openapi::allow_null;
use super::values::{alone, implied, optional, put, shallow, type_of, weight};
use super::{Closed, References, Rules, Types};

/// How often a schema may stand inside itself before it is cut.
const UNROLLED: usize = 2;
/// The deepest nesting of what is written. JSON readers stop at 128.
const DEPTH: usize = 48;
/// The most values that references may add to a schema, for those that multiply.
const ADDED: usize = 20_000;
/// Keywords that say nothing about values.
const SILENT: [&str; 7] = ["$schema", "$id", "$comment", "$anchor", "$vocabulary", "$dynamicAnchor", "$defs"];

pub(super) fn lower(schema: &Value, rules: &Rules) -> (Value, Vec<String>) {
    let mut walk = Walk {
        root: schema,
        rules,
        at: String::new(),
        open: Vec::new(),
        left: ADDED,
        named: Vec::new(),
        seen: HashSet::new(),
    };
    let mut lowered = walk.schema(schema.clone(), 0);
    if rules.root_is_object
        && let Value::Object(map) = &mut lowered
    {
        walk.make_object(map);
    }
    (lowered, walk.named)
}

struct Walk<'a> {
    root: &'a Value,
    rules: &'a Rules,
    /// Where the walk is, as a JSON pointer.
    at: String,
    /// The references that are being followed.
    open: Vec<String>,
    /// How many more values references may add.
    left: usize,
    named: Vec<String>,
    /// The same, to find them.
    seen: HashSet<String>,
}

impl<'a> Walk<'a> {
    fn name(&mut self, keyword: &str) {
        let place = format!("{}/{keyword}", self.at);
        if self.seen.insert(place.clone()) {
            self.named.push(place);
        }
    }

    /// Walks on at a step further inside.
    fn inside<T>(&mut self, step: &str, walk: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.at.len();
        self.at.push('/');
        self.at.push_str(step);
        let result = walk(self);
        self.at.truncate(length);
        result
    }

    fn schema(&mut self, schema: Value, depth: usize) -> Value {
        let mut map = match schema {
            Value::Object(map) => map,
            // Anything is good.
            Value::Bool(true) => Map::new(),
            // That nothing is good cannot be said everywhere.
            _ => {
                self.named.push(self.at.clone());
                Map::new()
            }
        };
        if depth >= DEPTH {
            self.name("properties");
            return Value::Object(self.object(shallow(&map), depth));
        }
        let opened = self.open.len();
        let resolved = self.resolve(&mut map);
        let written = if resolved { self.object(map, depth) } else { map };
        self.open.truncate(opened);
        Value::Object(written)
    }

    /// Puts what is referred to, or demanded together, in its place. `false` when nothing more is to be done.
    fn resolve(&mut self, map: &mut Map<String, Value>) -> bool {
        let mut followed = 0;
        loop {
            if let Some(Value::String(reference)) = map.get("$ref") {
                let reference = reference.replacen("#/definitions/", "#/$defs/", 1);
                let bare = map.len() == 1;
                if self.rules.references == References::Kept && bare && reference.starts_with("#/$defs/") {
                    *map = Map::from_iter([("$ref".to_owned(), reference.into())]);
                    return false;
                }
                self.name("$ref");
                map.remove("$ref");
                let again = self.open.iter().filter(|open| **open == reference).count();
                followed += 1;
                match self.target(&reference) {
                    Some((target, weight)) if again < UNROLLED && followed < DEPTH && weight <= self.left => {
                        self.left -= weight;
                        self.open.push(reference);
                        let mine = std::mem::replace(map, target.clone());
                        // What stands beside a reference is closer to the place than what is referred to.
                        for (keyword, value) in mine {
                            map.insert(keyword, value);
                        }
                        continue;
                    }
                    Some((target, _)) => map.extend(shallow(target)),
                    None => {}
                }
            }
            if self.rules.merges_all_of
                && let Some(Value::Array(all)) = map.remove("allOf")
            {
                // One schema alone is only wrapped.
                if all.len() > 1 {
                    self.name("allOf");
                }
                for (index, each) in all.into_iter().enumerate() {
                    let Value::Object(mut each) = each else { continue };
                    if !self.inside(&format!("allOf/{index}"), |walk| walk.resolve_part(&mut each)) {
                        continue;
                    }
                    for keyword in merge::all_of(map, each) {
                        self.name(&keyword);
                    }
                }
                continue;
            }
            return true;
        }
    }

    /// A part of `allOf` must be merged, so its reference is followed even where references are kept.
    fn resolve_part(&mut self, map: &mut Map<String, Value>) -> bool {
        if self.open.len() >= DEPTH {
            self.name("allOf");
            return false;
        }
        if map.contains_key("$ref") {
            // Not bare any more, so that it is followed.
            map.insert("$comment".to_owned(), Value::Null);
        }
        self.resolve(map)
    }

    /// What a reference inside the document leads to, and how many values that is.
    fn target(&self, reference: &str) -> Option<(&'a Map<String, Value>, usize)> {
        let pointer = reference.strip_prefix('#')?;
        let root = self.root;
        let found = root
            .pointer(pointer)
            .or_else(|| root.pointer(&pointer.replacen("/$defs/", "/definitions/", 1)))?
            .as_object()?;
        Some((found, found.values().map(weight).sum::<usize>() + 1))
    }

    fn object(&mut self, mut map: Map<String, Value>, depth: usize) -> Map<String, Value> {
        let rules = self.rules;
        if rules.references == References::Kept
            && let Some(definitions) = map.remove("definitions")
        {
            map.entry("$defs").or_insert(definitions);
        }
        if rules.const_as_enum
            && let Some(value) = map.remove("const")
        {
            self.name("const");
            map.insert("enum".to_owned(), Value::Array(vec![value]));
        }
        if rules.one_of_as_any_of
            && let Some(choices) = map.remove("oneOf")
        {
            self.name("oneOf");
            map.entry("anyOf").or_insert(choices);
        }
        if rules.types == Types::Listed && map.get("nullable").is_some_and(Value::is_boolean) {
            // OpenAPI's word, which JSON Schema does not know.
            if map.remove("nullable") == Some(Value::Bool(true)) {
                allow_null(&mut map);
            }
        }
        let mut out = Map::new();
        let mut told = Vec::new();
        for (keyword, value) in map {
            if !rules.takes(&keyword) {
                let inlined = keyword == "definitions" && rules.references == References::Inlined;
                if !SILENT.contains(&keyword.as_str()) && !inlined {
                    self.name(&keyword);
                    // That there is nothing else is what such a target promises anyway.
                    let closed = keyword == "additionalProperties" && value == Value::Bool(false);
                    if rules.told && !closed {
                        told.push(format!("{keyword}: {value}"));
                    }
                }
                continue;
            }
            if rules.references == References::Inlined && (keyword == "$defs" || keyword == "definitions") {
                continue;
            }
            let said = (rules.told && !value.is_object() && !value.is_array())
                .then(|| format!("{keyword}: {value}"));
            match self.keyword(&keyword, value, depth) {
                Some(value) => {
                    out.insert(keyword, value);
                }
                None => told.extend(said),
            }
        }
        if !told.is_empty() {
            tell(&mut out, &told);
        }
        if rules.types == Types::Nullable {
            self.one_type(&mut out);
        }
        if rules.string_enums {
            self.string_enum(&mut out);
        }
        if rules.closed != Closed::No {
            self.close(&mut out);
        }
        if rules.some_required {
            self.require_some(&mut out);
        }
        if rules.any_of_alone {
            alone(&mut out);
        }
        out
    }

    /// One keyword that the target takes, `None` if not with this value.
    fn keyword(&mut self, keyword: &str, value: Value, depth: usize) -> Option<Value> {
        Some(match (keyword, value) {
            ("properties" | "$defs" | "patternProperties" | "dependentSchemas", Value::Object(schemas)) => {
                let mut lowered = Map::new();
                for (name, schema) in schemas {
                    let step = format!("{keyword}/{}", escaped(&name));
                    let schema = self.inside(&step, |walk| walk.schema(schema, depth + 1));
                    lowered.insert(name, schema);
                }
                Value::Object(lowered)
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(schemas)) => {
                let mut lowered = Vec::with_capacity(schemas.len());
                for (index, schema) in schemas.into_iter().enumerate() {
                    let step = format!("{keyword}/{index}");
                    lowered.push(self.inside(&step, |walk| walk.schema(schema, depth + 1)));
                }
                Value::Array(lowered)
            }
            ("items", Value::Array(schemas)) => {
                // Before 2020-12 a list here meant what `prefixItems` means now.
                self.name("items");
                let mut any = Vec::with_capacity(schemas.len());
                for (index, schema) in schemas.into_iter().enumerate() {
                    any.push(self.inside(&format!("items/{index}"), |walk| walk.schema(schema, depth + 1)));
                }
                json!({"anyOf": any})
            }
            ("additionalProperties", Value::Bool(open)) => Value::Bool(open),
            (
                "items"
                | "additionalProperties"
                | "not"
                | "if"
                | "then"
                | "else"
                | "contains"
                | "propertyNames"
                | "unevaluatedProperties"
                | "unevaluatedItems",
                schema @ Value::Object(_),
            ) => self.inside(keyword, |walk| walk.schema(schema, depth + 1)),
            ("format", Value::String(format)) => {
                if self.rules.formats.is_some_and(|formats| !formats.contains(&format.as_str())) {
                    self.name("format");
                    return None;
                }
                Value::String(format)
            }
            ("pattern", Value::String(pattern)) if self.rules.plain_patterns => {
                let bare = pattern.strip_prefix('^').unwrap_or(&pattern);
                let bare = bare.strip_suffix('$').unwrap_or(bare);
                if ["^", "$", "?=", "?!"].iter().any(|mark| bare.contains(mark)) {
                    self.name("pattern");
                    return None;
                }
                Value::from(bare)
            }
            ("minItems", count) if self.rules.small_min_items && count.as_u64().is_none_or(|n| n > 1) => {
                self.name("minItems");
                return None;
            }
            (_, value) => value,
        })
    }

    /// One type in capitals, and `nullable`.
    fn one_type(&mut self, map: &mut Map<String, Value>) {
        let mut nullable = map.get("nullable") == Some(&Value::Bool(true));
        let types: Vec<String> = match map.remove("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => {
                self.name("type");
                many.into_iter().filter_map(|kind| kind.as_str().map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        };
        let named: Vec<String> = types
            .iter()
            .filter(|kind| !kind.eq_ignore_ascii_case("null"))
            .map(|kind| kind.to_ascii_uppercase())
            .collect();
        match named.as_slice() {
            [] if !types.is_empty() => put(map, "type", "NULL"),
            [] => {
                if let Some(kind) = implied(map) {
                    put(map, "type", kind);
                }
            }
            [one] => put(map, "type", one.as_str()),
            several => {
                let choices: Vec<Value> = several.iter().map(|kind| json!({"type": kind})).collect();
                put(map, "anyOf", choices);
            }
        }
        nullable |= !named.is_empty() && named.len() < types.len();
        if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
            let before = choices.len();
            choices.retain(|choice| choice.get("type").and_then(Value::as_str) != Some("NULL"));
            nullable |= !choices.is_empty() && choices.len() < before;
            if let [Value::Object(one)] = choices.as_mut_slice() {
                let one = std::mem::take(one);
                self.name("anyOf");
                map.remove("anyOf");
                for (keyword, value) in one {
                    map.entry(keyword).or_insert(value);
                }
            }
        }
        if nullable {
            put(map, "nullable", true);
        }
        // Google demands the schema of a list's items.
        if map.get("type") == Some(&Value::from("ARRAY")) && !map.contains_key("items") {
            put(map, "items", json!({}));
        }
    }

    /// Only words in `enum`: a list of other values goes, and leaves their type.
    fn string_enum(&mut self, map: &mut Map<String, Value>) {
        let Some(Value::Array(values)) = map.get_mut("enum") else { return };
        let before = values.len();
        values.retain(|value| !value.is_null());
        let null = values.len() < before;
        let kind = values.first().and_then(type_of);
        let words = !values.is_empty() && values.iter().all(Value::is_string);
        if null {
            put(map, "nullable", true);
        }
        if !words {
            self.name("enum");
            map.remove("enum");
        }
        if let Some(kind) = kind
            && !map.contains_key("type")
            && !map.contains_key("anyOf")
        {
            put(map, "type", kind);
        }
    }

    fn close(&mut self, map: &mut Map<String, Value>) {
        let object = Value::from("object");
        let is_object = match map.get("type") {
            Some(Value::Array(types)) => types.contains(&object),
            Some(kind) => *kind == object,
            None => map.contains_key("properties"),
        };
        if !is_object {
            return;
        }
        let open = match map.get("additionalProperties") {
            Some(said) => *said != Value::Bool(false),
            // In strict mode everybody knows that objects are closed; elsewhere the caller may not.
            None => self.rules.closed == Closed::Named,
        };
        if open {
            self.name("additionalProperties");
        }
        put(map, "additionalProperties", false);
        if self.rules.closed != Closed::Required {
            return;
        }
        let required = map.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut all = Vec::new();
        let mut added = false;
        let properties = map.entry("properties").or_insert_with(|| json!({}));
        for (name, schema) in properties.as_object_mut().into_iter().flatten() {
            let name = Value::from(name.as_str());
            if !required.contains(&name) {
                added = true;
                optional(schema);
            }
            all.push(name);
        }
        put(map, "required", all);
        if added {
            self.name("required");
        }
    }

    /// The outermost schema as one object: of a choice, everything that one of its members may have.
    fn make_object(&mut self, map: &mut Map<String, Value>) {
        let keyword = ["anyOf", "oneOf"].into_iter().find(|keyword| map.contains_key(*keyword));
        if let Some(keyword) = keyword
            && let Some(Value::Array(choices)) = map.remove(keyword)
        {
            self.name(keyword);
            let mut required: Option<Vec<Value>> = None;
            let choices = choices.into_iter().filter_map(|choice| match choice {
                Value::Object(choice) => Some(choice),
                _ => None,
            });
            for mut choice in choices {
                let theirs = match choice.remove("required") {
                    Some(Value::Array(theirs)) => theirs,
                    _ => Vec::new(),
                };
                match &mut required {
                    Some(mine) => mine.retain(|name| theirs.contains(name)),
                    None => required = Some(theirs),
                }
                let Some(Value::Object(properties)) = choice.remove("properties") else { continue };
                let mine = map.entry("properties").or_insert_with(|| json!({}));
                if let Value::Object(mine) = mine {
                    for (name, schema) in properties {
                        mine.entry(name).or_insert(schema);
                    }
                }
            }
            let mine = map.entry("required").or_insert_with(|| json!([]));
            if let Value::Array(mine) = mine {
                for name in required.unwrap_or_default() {
                    if !mine.contains(&name) {
                        mine.push(name);
                    }
                }
            }
            if map.get("required").is_some_and(|names| *names == json!([])) {
                map.remove("required");
            }
        }
        if !map.contains_key("type") && !map.contains_key("$ref") {
            put(map, "type", "object");
        }
        if self.rules.closed != Closed::No {
            self.close(map);
        }
    }

    /// Requires the first property where none is required.
    fn require_some(&mut self, map: &mut Map<String, Value>) {
        let none = map.get("required").and_then(Value::as_array).is_none_or(Vec::is_empty);
        let first =
            map.get("properties").and_then(Value::as_object).and_then(|all| all.keys().next().cloned());
        if let Some(first) = first
            && none
        {
            self.name("required");
            put(map, "required", vec![first]);
        }
    }
}

/// Tells the model what the schema cannot say.
fn tell(map: &mut Map<String, Value>, said: &[String]) {
    let said = format!("{{{}}}", said.join(", "));
    let text = match map.get("description") {
        Some(Value::String(text)) if !text.is_empty() => format!("{text}\n\n{said}"),
        _ => said,
    };
    put(map, "description", text);
}
