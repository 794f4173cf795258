//! What each target is given, and what is named.

// A JSON literal is handed over as it is written, without a reference in front of each.
#![allow(clippy::needless_pass_by_value)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn check(rules: &Rules, schema: Value, expected: Value, named: &[&str]) {
    let (lowered, names) = lower(&schema, rules);
    assert_eq!(lowered, expected);
    assert_eq!(names, named);
}

#[test]
fn what_a_target_takes_stays_and_is_not_named() {
    let schema = json!({
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Where"}, "days": {"type": "integer", "minimum": 1}},
        "required": ["city"],
        "additionalProperties": false,
    });
    for rules in [&Rules::GEMINI_JSON, &Rules::BEDROCK] {
        check(rules, schema.clone(), schema.clone(), &[]);
    }
}

#[test]
fn gemini_openapi_has_types_in_capitals_and_nullable() {
    check(
        &Rules::GEMINI_OPENAPI,
        json!({"$schema": "x", "type": "object", "properties": {
            "name": {"type": ["string", "null"]},
            "either": {"type": ["string", "integer"], "description": "one"},
            "maybe": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "list": {"type": "array"},
        }}),
        json!({"type": "OBJECT", "properties": {
            "name": {"type": "STRING", "nullable": true},
            "either": {"anyOf": [
                {"type": "STRING", "description": "one"}, {"type": "INTEGER", "description": "one"},
            ]},
            "maybe": {"type": "NUMBER", "nullable": true},
            "list": {"type": "ARRAY", "items": {}},
        }}),
        &["/properties/name/type", "/properties/either/type", "/properties/maybe/anyOf"],
    );
}

#[test]
fn constants_choices_and_formats_are_said_as_far_as_they_can_be() {
    check(
        &Rules::GEMINI_OPENAPI,
        json!({"type": "object", "properties": {
            "kind": {"const": "circle"},
            "size": {"enum": [1, 2]},
            "when": {"type": "string", "format": "date-time"},
            "mail": {"type": "string", "format": "email"},
            "shape": {"oneOf": [{"type": "string"}, {"type": "boolean"}]},
            "more": {"type": "object", "additionalProperties": {"type": "string"}},
            "above": {"type": "number", "exclusiveMinimum": 0},
        }}),
        json!({"type": "OBJECT", "properties": {
            "kind": {"type": "STRING", "enum": ["circle"]},
            "size": {"type": "INTEGER"},
            "when": {"type": "STRING", "format": "date-time"},
            "mail": {"type": "STRING"},
            "shape": {"anyOf": [{"type": "STRING"}, {"type": "BOOLEAN"}]},
            "more": {"type": "OBJECT"},
            "above": {"type": "NUMBER"},
        }}),
        &[
            "/properties/kind/const",
            "/properties/size/enum",
            "/properties/mail/format",
            "/properties/shape/oneOf",
            "/properties/more/additionalProperties",
            "/properties/above/exclusiveMinimum",
        ],
    );
}

#[test]
fn references_are_inlined_where_they_are_not_known() {
    let schema = json!({
        "type": "object",
        "properties": {"home": {"$ref": "#/$defs/place", "description": "of the person"}},
        "$defs": {"place": {"type": "object", "properties": {"city": {"type": "string"}}, "description": "a place"}},
    });
    check(
        &Rules::BEDROCK,
        schema.clone(),
        json!({"type": "object", "properties": {"home": {
            "type": "object", "properties": {"city": {"type": "string"}}, "description": "of the person",
        }}}),
        &["/properties/home/$ref"],
    );
    // Older schemas keep their definitions elsewhere.
    let older =
        json!({"properties": {"a": {"$ref": "#/definitions/b"}}, "definitions": {"b": {"type": "string"}}});
    check(
        &Rules::BEDROCK,
        older.clone(),
        json!({"type": "object", "properties": {"a": {"type": "string"}}}),
        &["/properties/a/$ref"],
    );
    check(
        &Rules::GEMINI_JSON,
        older,
        json!({"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"type": "string"}}}),
        &[],
    );
}

#[test]
fn a_reference_that_leads_nowhere_is_named() {
    for reference in ["#/$defs/none", "https://example.com/schema.json", "other.json#/a"] {
        check(
            &Rules::GEMINI_OPENAPI,
            json!({"type": "object", "properties": {"a": {"$ref": reference}}}),
            json!({"type": "OBJECT", "properties": {"a": {}}}),
            &["/properties/a/$ref"],
        );
    }
}

#[test]
fn a_schema_inside_itself_is_unrolled_and_cut() {
    let tree = json!({
        "$ref": "#/$defs/node",
        "$defs": {"node": {"type": "object", "properties": {
            "value": {"type": "string"}, "next": {"$ref": "#/$defs/node"},
        }}},
    });
    let (lowered, named) = lower(&tree, &Rules::ANTHROPIC_STRICT);
    let next = "/properties/next";
    assert_eq!(
        named,
        [
            "/$ref".to_owned(),
            format!("{next}/$ref"),
            format!("{next}{next}/$ref"),
            format!("{next}{next}/additionalProperties"),
            format!("{next}/additionalProperties"),
            "/additionalProperties".to_owned(),
        ]
    );
    assert_eq!(
        lowered.pointer("/properties/next/properties/next"),
        Some(&json!({"type": "object", "additionalProperties": false}))
    );
    // Where references are known it stays a reference.
    let (kept, _) = lower(&tree, &Rules::GEMINI_JSON);
    assert_eq!(kept.pointer("/properties/next"), Some(&json!({"$ref": "#/$defs/node"})));
    assert!(kept.pointer("/$defs/node/properties/next").is_some());
}

#[test]
fn references_that_multiply_are_bounded() {
    let mut definitions = serde_json::Map::new();
    for level in 0..40 {
        let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
        definitions.insert(
            format!("d{level}"),
            json!({"allOf": [next.clone(), next.clone()], "properties": {"a": next.clone(), "b": next}}),
        );
    }
    definitions.insert("d40".to_owned(), json!({"type": "object"}));
    let schema = json!({"$ref": "#/$defs/d0", "$defs": definitions});
    let (lowered, named) = lower(&schema, &Rules::GEMINI_OPENAPI);
    assert!(!named.is_empty());
    assert!(lowered.to_string().len() < 2_000_000);
}

#[test]
fn all_of_becomes_one_schema() {
    check(
        &Rules::GEMINI_JSON,
        json!({
            "allOf": [
                {"$ref": "#/$defs/base"},
                {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
            ],
            "$defs": {"base": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}},
        }),
        json!({
            "$defs": {"base": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}},
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        }),
        &["/allOf", "/allOf/0/$ref"],
    );
    // Demands that cannot both be said.
    let (lowered, named) =
        lower(&json!({"type": "string", "allOf": [{"pattern": "a"}, {"pattern": "b"}]}), &Rules::BEDROCK);
    assert_eq!((lowered["pattern"].as_str(), named), (Some("a"), vec!["/allOf".into(), "/pattern".into()]));
}

#[test]
fn strict_objects_are_closed_and_their_optional_properties_nullable() {
    check(
        &Rules::OPENAI_STRICT,
        json!({"type": "object", "properties": {
            "a": {"type": "string", "minLength": 2},
            "b": {"type": "integer"},
            "c": {"enum": ["x", "y"]},
            "d": {"$ref": "#/$defs/d"},
            "e": {"type": "object", "additionalProperties": {"type": "string"}},
        }, "required": ["a", "e"], "$defs": {"d": {"type": "boolean"}}}),
        json!({"type": "object", "properties": {
            "a": {"type": "string"},
            "b": {"type": ["integer", "null"]},
            "c": {"enum": ["x", "y", null]},
            "d": {"anyOf": [{"$ref": "#/$defs/d"}, {"type": "null"}]},
            "e": {"type": "object", "additionalProperties": false, "properties": {}, "required": []},
        }, "required": ["a", "b", "c", "d", "e"], "additionalProperties": false, "$defs": {"d": {"type": "boolean"}}}),
        &["/properties/a/minLength", "/properties/e/additionalProperties", "/required"],
    );
    check(
        &Rules::ANTHROPIC_STRICT,
        json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}, "minItems": 3}}}),
        json!({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"},
            "description": "{minItems: 3}"}}, "additionalProperties": false}),
        &["/properties/a/minItems", "/additionalProperties"],
    );
}

#[test]
fn cohere_is_told_in_words_what_it_does_not_promise() {
    check(
        &Rules::COHERE_STRICT,
        json!({"$schema": "x", "type": "object", "additionalProperties": false, "properties": {
            "n": {"type": "integer", "minimum": 1, "description": "how many"},
            "day": {"type": "string", "format": "date", "pattern": "^[0-9-]+$"},
            "mail": {"type": "string", "format": "email", "pattern": "(?=a)b"},
            "one": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "open": {"type": "object", "additionalProperties": true},
        }}),
        json!({"type": "object", "required": ["n"], "properties": {
            "n": {"type": "integer", "description": "how many\n\n{minimum: 1}"},
            "day": {"type": "string", "format": "date", "pattern": "[0-9-]+"},
            "mail": {"type": "string", "description": "{format: \"email\", pattern: \"(?=a)b\"}"},
            "one": {"description": "{anyOf: [{\"type\":\"string\"},{\"type\":\"null\"}]}"},
            "open": {"type": "object", "description": "{additionalProperties: true}"},
        }}),
        &[
            "/additionalProperties",
            "/properties/n/minimum",
            "/properties/mail/format",
            "/properties/mail/pattern",
            "/properties/one/anyOf",
            "/properties/open/additionalProperties",
            "/required",
        ],
    );
}

#[test]
fn a_choice_at_the_top_becomes_one_object() {
    check(
        &Rules::BEDROCK,
        json!({"oneOf": [
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]},
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        ]}),
        json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a"]}),
        &["/oneOf"],
    );
}

#[test]
fn openapi_is_read_as_json_schema() {
    let read = from_openapi(&json!({
        "type": "OBJECT", "nullable": true, "propertyOrdering": ["a"],
        "properties": {
            "a": {"type": "STRING", "format": "enum", "enum": ["x"], "nullable": true},
            "b": {"type": "ARRAY", "minItems": "2", "items": {"any_of": [{"type": "NUMBER"}]}},
            // A property may have any name.
            "nullable": {"type": "BOOLEAN"},
        },
    }));
    assert_eq!(
        read,
        json!({
            "type": ["object", "null"],
            "properties": {
                "a": {"type": ["string", "null"], "enum": ["x", null]},
                "b": {"type": "array", "minItems": 2, "items": {"anyOf": [{"type": "number"}]}},
                "nullable": {"type": "boolean"},
            },
        })
    );
}

fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "string", "format": "uri"})),
        Just(json!({"type": ["integer", "null"], "minimum": 0})),
        Just(json!({"const": true})),
        Just(json!({"enum": ["a", 1, null]})),
        Just(json!({"$ref": "#/$defs/d"})),
        Just(json!({"$ref": "#", "title": "all of it"})),
        Just(json!(true)),
        Just(json!(3)),
        Just(json!({"type": 7, "properties": [], "required": {}, "anyOf": {}, "enum": "x", "allOf": 1})),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let list = proptest::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            proptest::collection::btree_map("[a-c/~]{1,2}", inner.clone(), 0..3).prop_map(
                |properties| json!({"type": "object", "properties": properties, "required": ["a"]})
            ),
            list.clone().prop_map(|any| json!({"anyOf": any, "description": "any"})),
            list.clone().prop_map(|one| json!({"oneOf": one})),
            list.clone().prop_map(|all| json!({"allOf": all})),
            list.prop_map(|items| json!({"items": items})),
            inner.prop_map(|items| json!({"type": "array", "items": items, "minItems": 4})),
        ]
    })
}

/// Every keyword of every schema in a value.
fn keywords(schema: &Value, found: &mut Vec<String>) {
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        found.push(keyword.clone());
        match (keyword.as_str(), value) {
            ("properties" | "$defs", Value::Object(schemas)) => {
                schemas.values().for_each(|schema| keywords(schema, found));
            }
            ("anyOf" | "oneOf", Value::Array(schemas)) => {
                schemas.iter().for_each(|schema| keywords(schema, found));
            }
            ("items" | "additionalProperties", schema) => keywords(schema, found),
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn only_what_the_target_takes_is_written(schema in any_schema(), definition in any_schema()) {
        let schema = json!({"type": "object", "properties": {"p": schema}, "$defs": {"d": definition}});
        for rules in [
            &Rules::GEMINI_OPENAPI, &Rules::GEMINI_JSON, &Rules::BEDROCK, &Rules::OPENAI_STRICT,
            &Rules::ANTHROPIC_STRICT,
        ] {
            let (lowered, named) = lower(&schema, rules);
            let mut found = Vec::new();
            keywords(&lowered, &mut found);
            for keyword in found {
                prop_assert!(rules.takes(&keyword), "{keyword} in {lowered}");
                prop_assert!(rules.references == References::Kept || keyword != "$ref");
            }
            prop_assert!(named.iter().all(|place| place.starts_with('/')));
            prop_assert_eq!(lower(&schema, rules), (lowered, named), "the same every time");
        }
    }
}
