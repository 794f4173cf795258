//! Schemas of tools and answers, as each generation takes them.

use serde_json::json;

use super::{from_openai, written};

#[test]
fn schemas_are_lowered_and_named() {
    let request = from_openai(json!({"model": "m", "messages": [{"role": "user", "content": "a"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {
            "$schema": "x", "type": "object", "properties": {
                "a": {"$ref": "#/$defs/a"}, "b": {"const": 1}, "c": {"type": ["string", "null"], "pattern": "x"}},
            "$defs": {"a": {"type": "string"}}}}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "person", "strict": true,
            "schema": {"type": "object", "properties": {"n": {"type": "string", "minLength": 2}}}}}}));
    let (body, encoded) = written(&request, "gemini-2.5-flash");
    assert_eq!(
        body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"],
        json!({"type": "object", "properties": {
            "a": {"$ref": "#/$defs/a"}, "b": {"enum": [1]}, "c": {"type": ["string", "null"]}},
            "$defs": {"a": {"type": "string"}}})
    );
    assert_eq!(
        body["generationConfig"],
        json!({"responseMimeType": "application/json", "responseJsonSchema":
            {"type": "object", "properties": {"n": {"type": "string"}}, "title": "person"}})
    );
    assert_eq!(
        encoded.lowered,
        [
            "tools[0].parameters/properties/b/const",
            "tools[0].parameters/properties/c/pattern",
            "response_format.schema/properties/n/minLength",
        ]
    );
    let (body, _) = written(&request, "gemini-2.0-flash");
    assert_eq!(
        body["tools"][0]["functionDeclarations"][0]["parameters"],
        json!({"type": "OBJECT", "properties": {
            "a": {"type": "STRING"}, "b": {"type": "INTEGER"}, "c": {"type": "STRING", "nullable": true, "pattern": "x"}}})
    );
    assert_eq!(body["generationConfig"]["responseSchema"]["type"], "OBJECT");
}
