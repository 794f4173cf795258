//! Tests of the document: what good ones become, what bad ones are told.

mod credentials;
mod models;
mod problems;
mod rest;
mod values;
mod warnings;

use serde_json::{Value, json};

use super::{Config, parse};

/// The document of the product's description, as YAML reads it.
fn example() -> Value {
    json!({
        "providers": {
            "openai": { "kind": "openai", "api_key": "${OPENAI_API_KEY}" },
            "anthropic": { "kind": "anthropic", "api_key": "${ANTHROPIC_API_KEY}" },
            "local": { "kind": "openai", "base_url": "http://127.0.0.1:11434/v1" }
        },
        "models": {
            "assistant": {
                "strategy": "weighted",
                "targets": [
                    { "provider": "openai", "model": "gpt-4o-mini", "weight": 90 },
                    { "provider": "anthropic", "model": "claude-haiku-4-5", "weight": 10 }
                ],
                "retry": { "attempts": 2 },
                "timeout": { "connect": "5s", "first_token": "30s", "idle": "60s", "total": "10m" },
                "fallback": ["local-llama"],
                "cache": { "ttl": "1h" }
            },
            "local-llama": { "targets": [{ "provider": "local", "model": "llama3.2" }] }
        },
        "server": { "max_body": "32MiB" }
    })
}

/// The smallest document, with `value` at `pointer` (a JSON pointer; missing maps on the way are made).
fn with(pointer: &str, value: Value) -> Value {
    let mut document = json!({
        "providers": { "up": { "kind": "openai", "api_key": "${KEY}" } },
        "models": { "m": { "targets": [{ "provider": "up", "model": "one" }] } }
    });
    let (outer, key) = pointer.rsplit_once('/').expect("a pointer");
    let mut place = &mut document;
    for part in outer.split('/').skip(1) {
        let part = part.replace("~1", "/");
        place = match place {
            Value::Array(items) => &mut items[part.parse::<usize>().expect("an index")],
            Value::Object(entries) => entries.entry(part).or_insert_with(|| json!({})),
            other => panic!("cannot go into {other}"),
        };
    }
    place.as_object_mut().expect("a map").insert(key.replace("~1", "/"), value);
    document
}

fn sound(document: &Value) -> Config {
    match parse(document) {
        Ok((config, _)) => config,
        Err(problems) => panic!("{problems:?}"),
    }
}

fn problems(document: &Value) -> Vec<String> {
    match parse(document) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

fn warnings(document: &Value) -> Vec<String> {
    match parse(document) {
        Ok((_, warnings)) => warnings.iter().map(ToString::to_string).collect(),
        Err(problems) => panic!("{problems:?}"),
    }
}

/// With `value` at `pointer`, exactly these problems are told.
#[track_caller]
fn told(pointer: &str, value: Value, expected: &[&str]) {
    assert_eq!(problems(&with(pointer, value)), expected);
}
