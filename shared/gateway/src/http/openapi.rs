//! The OpenAPI 3.1 document. It is made from the route table by `cargo xtask schema` and served as the text that this
//! wrote, because making it is more code than the rest of the surface.

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use serde_json::{Map, Value, json};

use super::routes::{Entry, Tag, table};
use crate::host::Host;
use crate::pipeline::{Body, Reply};

/// What [`document`] gave when it was written.
const WRITTEN: &str = include_str!("openapi.json");

pub(crate) fn reply<H: Host>() -> Reply<H> {
    let mut response = Response::new(Body::whole(Bytes::from_static(WRITTEN.as_bytes())));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Reply::plain(response)
}

/// The OpenAPI document of the whole gateway, made anew. `openapi.json` beside this file is what it gives.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for entry in table() {
        let path = entry.path.replace("{*", "{");
        let methods = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(methods) = methods.as_object_mut() {
            methods.insert(entry.method.as_str().to_lowercase(), operation(entry));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Postern",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "An LLM and AI gateway: callers keep their own SDK, with one URL and one key.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "A virtual key (`pk_...`)." },
                "x-api-key": { "type": "apiKey", "in": "header", "name": "x-api-key" },
                "x-goog-api-key": { "type": "apiKey", "in": "header", "name": "x-goog-api-key" },
                "administrator": {
                    "type": "http", "scheme": "bearer", "description": "An administrator's token (`pa_...`).",
                },
            },
            "schemas": schemas(),
        },
    })
}

fn operation(entry: &Entry) -> Value {
    let (tag, security) = match entry.tag {
        Tag::OpenAi => ("OpenAI", json!([{ "key": [] }])),
        Tag::Anthropic => ("Anthropic", json!([{ "x-api-key": [] }, { "key": [] }])),
        Tag::Gemini => ("Gemini", json!([{ "x-goog-api-key": [] }, { "key": [] }])),
        Tag::Cohere => ("Cohere", json!([{ "key": [] }])),
        Tag::Mlflow => ("MLflow", json!([{ "key": [] }])),
        Tag::Databricks => ("Databricks", json!([{ "key": [] }])),
        Tag::Administration => ("Administration", json!([{ "administrator": [] }])),
        Tag::Operations => ("Operations", json!([])),
    };
    let error = match entry.tag {
        Tag::Anthropic | Tag::Gemini | Tag::Cohere | Tag::Mlflow | Tag::Databricks => "VendorAnswer",
        Tag::OpenAi | Tag::Administration | Tag::Operations => "Error",
    };
    let mut operation = json!({
        "operationId": entry.id,
        "summary": entry.summary,
        "tags": [tag],
        "security": security,
        "responses": {
            entry.success.as_str(): { "description": "Success", "content": content(entry) },
            "default": { "description": "What went wrong", "content": schema_content(error) },
        },
    });
    let Some(fields) = operation.as_object_mut() else { return operation };
    if let Some(schema) = entry.body {
        fields
            .insert("requestBody".to_owned(), json!({ "required": true, "content": schema_content(schema) }));
    }
    let mut parameters: Vec<Value> = entry
        .query
        .iter()
        .map(|(name, meaning)| {
            json!({ "name": name, "in": "query", "description": meaning, "schema": { "type": "string" } })
        })
        .collect();
    if entry.path.contains('{') {
        parameters.insert(
            0,
            json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }),
        );
    }
    if !parameters.is_empty() {
        fields.insert("parameters".to_owned(), parameters.into());
    }
    operation
}

fn content(entry: &Entry) -> Value {
    let mut content = schema_content(entry.answer);
    if entry.streams
        && let Some(content) = content.as_object_mut()
    {
        content.insert("text/event-stream".to_owned(), json!({ "schema": { "type": "string" } }));
    }
    content
}

fn schema_content(name: &str) -> Value {
    let kind = match name {
        "Form" => "multipart/form-data",
        "Bytes" => "application/octet-stream",
        _ => "application/json",
    };
    json!({ kind: { "schema": { "$ref": format!("#/components/schemas/{name}") } } })
}

/// Bodies of our own in full; of a vendor's format only what the gateway itself relies on.
fn schemas() -> Value {
    let text = || json!({ "type": "string" });
    let time = || json!({ "type": "string", "format": "date-time" });
    let key = json!({
        "type": "object",
        "required": ["id", "tenant", "name", "models", "created_at"],
        "properties": {
            "id": text(), "tenant": text(), "name": text(),
            "models": { "type": "array", "items": text() },
            "created_at": time(), "expires_at": time(), "revoked_at": time(),
        },
    });
    json!({
        "ChatRequest": {
            "type": "object",
            "description": "OpenAI's chat completion request; fields that are not named here pass unchanged.",
            "required": ["model", "messages"],
            "properties": {
                "model": text(),
                "messages": { "type": "array", "minItems": 1, "items": { "type": "object" } },
                "stream": { "type": ["boolean", "null"] },
            },
        },
        "ChatResponse": { "type": "object", "description": "OpenAI's chat completion, as the provider gave it." },
        "VendorRequest": { "type": "object", "description": "The request, in the vendor's own format." },
        "VendorAnswer": { "type": "object", "description": "The answer, in the vendor's own format." },
        "Form": { "type": "object", "description": "The form, in the vendor's own format; `model` before the files." },
        "Bytes": { "type": "string", "format": "binary" },
        "Model": {
            "type": "object",
            "required": ["id", "object", "created", "owned_by"],
            "properties": {
                "id": text(), "object": { "const": "model" }, "created": { "type": "integer" }, "owned_by": text(),
                "context_window": { "type": "integer" }, "max_output_tokens": { "type": "integer" },
            },
        },
        "ModelList": list_of("Model"),
        "NewKey": {
            "type": "object",
            "additionalProperties": false,
            "required": ["tenant", "name", "models"],
            "properties": {
                "tenant": text(), "name": text(),
                "models": { "type": "array", "minItems": 1, "items": text() },
                "expires_at": time(),
            },
        },
        "Key": key,
        "CreatedKey": {
            "allOf": [
                { "$ref": "#/components/schemas/Key" },
                { "type": "object", "required": ["key"], "properties": { "key": text() } },
            ],
        },
        "KeyList": list_of("Key"),
        "Usage": { "type": "object", "properties": { "data": { "type": "array", "items": { "type": "object" } } } },
        "Logs": {
            "type": "object",
            "properties": { "data": { "type": "array", "items": { "type": "object" } }, "next": text() },
        },
        "Config": { "type": "object", "properties": { "config": { "type": "object" }, "origin": text() } },
        "ConfigDocument": { "type": "object", "description": "The document of docs/configuration.md, as JSON." },
        "ConfigWritten": {
            "type": "object",
            "properties": { "warnings": { "type": "array", "items": { "type": "object" } } },
        },
        "Health": {
            "type": "object",
            "required": ["status"],
            "properties": { "status": text(), "missing": { "type": "array", "items": text() } },
        },
        "OpenApi": { "type": "object" },
        "Error": {
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": {
                    "type": "object",
                    "required": ["message", "type", "param", "code"],
                    "properties": {
                        "message": text(), "type": text(),
                        "param": { "type": ["string", "null"] }, "code": { "type": ["string", "null"] },
                    },
                },
            },
        },
    })
}

fn list_of(name: &str) -> Value {
    json!({
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": { "type": "array", "items": { "$ref": format!("#/components/schemas/{name}") } },
            "next": { "type": "string" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_is_what_the_route_table_gives() {
        let written: Value = serde_json::from_str(WRITTEN).unwrap();
        assert!(written == document(), "openapi.json is out of date: run `cargo xtask schema`");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        }
        assert_eq!(document["paths"]["/v1/models/{id}"]["get"]["operationId"], "retrieveModel");
    }
}
