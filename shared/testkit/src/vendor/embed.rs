//! What vendors refuse of requests for embeddings: OpenAI (<https://platform.openai.com/docs/api-reference/embeddings>),
//! Mistral (<https://docs.mistral.ai/api/>), Voyage AI (<https://docs.voyageai.com/reference/embeddings-api>), Cohere
//! (<https://docs.cohere.com/reference/embed>), Gemini (<https://ai.google.dev/api/embeddings>) and Amazon Titan.

use serde_json::{Map, Value};

use super::{Checked, Refusal, object, wrong};

/// OpenAI.
#[must_use]
pub fn openai(body: &[u8]) -> Option<Refusal> {
    let check = |request: &Map<String, Value>| {
        model(request)?;
        input(request, true, 2048)?;
        only(request, &["model", "input", "dimensions", "encoding_format", "user"])?;
        one_of(request, "encoding_format", &["float", "base64"])
    };
    object(body).and_then(|request| check(&request)).err()
}

/// Mistral: other fields than its own are an error there.
#[must_use]
pub fn mistral(body: &[u8]) -> Option<Refusal> {
    let fields = ["model", "input", "output_dimension", "output_dtype", "encoding_format", "metadata"];
    let check = |request: &Map<String, Value>| {
        model(request)?;
        input(request, false, usize::MAX)?;
        only(request, &fields)?;
        one_of(request, "output_dtype", &["float", "int8", "uint8", "binary", "ubinary"])
    };
    object(body).and_then(|request| check(&request)).err()
}

/// Voyage AI.
#[must_use]
pub fn voyage(body: &[u8]) -> Option<Refusal> {
    let fields =
        ["model", "input", "input_type", "truncation", "output_dimension", "output_dtype", "encoding_format"];
    let check = |request: &Map<String, Value>| {
        model(request)?;
        input(request, false, 1000)?;
        only(request, &fields)?;
        one_of(request, "encoding_format", &["base64"])?;
        one_of(request, "input_type", &["query", "document"])
    };
    object(body).and_then(|request| check(&request)).err()
}

/// Cohere.
#[must_use]
pub fn cohere(body: &[u8]) -> Option<Refusal> {
    object(body)
        .and_then(|request| {
            model(&request)?;
            cohere_fields(&request)
        })
        .err()
}

/// Cohere on Amazon Bedrock: the address says the model.
#[must_use]
pub fn cohere_on_bedrock(body: &[u8]) -> Option<Refusal> {
    object(body)
        .and_then(|request| {
            if request.contains_key("model") {
                return wrong("model", "extraneous key [model] is not permitted");
            }
            cohere_fields(&request)
        })
        .err()
}

fn cohere_fields(request: &Map<String, Value>) -> Checked {
    const PURPOSES: [&str; 5] = ["search_document", "search_query", "classification", "clustering", "image"];
    const TYPES: [&str; 6] = ["float", "int8", "uint8", "binary", "ubinary", "base64"];
    let lists = ["texts", "images", "inputs"];
    let given: Vec<&Value> = lists.iter().filter_map(|name| request.get(*name)).collect();
    let [Value::Array(list)] = given.as_slice() else {
        return wrong("texts", "one of texts, images and inputs is required");
    };
    if list.is_empty() || list.len() > 96 {
        return wrong("texts", "the number of inputs must be from 1 to 96");
    }
    if request.get("input_type").is_none() {
        return wrong("input_type", "input_type is required");
    }
    one_of(request, "input_type", &PURPOSES)?;
    for kind in request.get("embedding_types").and_then(Value::as_array).into_iter().flatten() {
        if !kind.as_str().is_some_and(|kind| TYPES.contains(&kind)) {
            return wrong("embedding_types", "this type is not known");
        }
    }
    one_of(request, "truncate", &["NONE", "START", "END"])
}

/// Amazon Titan, version 2.
#[must_use]
pub fn titan(body: &[u8]) -> Option<Refusal> {
    object(body)
        .and_then(|request| {
            only(&request, &["inputText", "dimensions", "normalize", "embeddingTypes"])?;
            match request.get("inputText").and_then(Value::as_str) {
                Some(text) if !text.is_empty() => {}
                _ => return wrong("inputText", "required key [inputText] not found"),
            }
            match request.get("dimensions").map(Value::as_u64) {
                None | Some(Some(256 | 512 | 1024)) => Ok(()),
                _ => wrong("dimensions", "256, 512 or 1024"),
            }
        })
        .err()
}

/// Gemini, one input.
#[must_use]
pub fn gemini(body: &[u8]) -> Option<Refusal> {
    object(body).and_then(|request| gemini_item(&request, "")).err()
}

/// Gemini, many inputs: each names the model.
#[must_use]
pub fn gemini_batch(body: &[u8]) -> Option<Refusal> {
    let check = |request: &Map<String, Value>| {
        only(request, &["requests"])?;
        let list = request.get("requests").and_then(Value::as_array);
        let Some(list) = list.filter(|list| (1..=100).contains(&list.len())) else {
            return wrong("requests", "from 1 to 100 requests can be in one batch");
        };
        for (i, item) in list.iter().enumerate() {
            let at = format!("requests[{i}]");
            let Value::Object(item) = item else { return wrong(at, "expected an object") };
            if !item.get("model").and_then(Value::as_str).is_some_and(|name| name.starts_with("models/")) {
                return wrong(format!("{at}.model"), "unexpected model name format");
            }
            gemini_item(item, &at)?;
        }
        Ok(())
    };
    object(body).and_then(|request| check(&request)).err()
}

fn gemini_item(item: &Map<String, Value>, at: &str) -> Checked {
    only(item, &["model", "content", "taskType", "title", "outputDimensionality"])?;
    let parts = item.get("content").and_then(|content| content.get("parts")?.as_array());
    if parts.is_none_or(Vec::is_empty) {
        return wrong(format!("{at}.content.parts"), "content is required");
    }
    Ok(())
}

fn model(request: &Map<String, Value>) -> Checked {
    match request.get("model").and_then(Value::as_str) {
        Some(name) if !name.is_empty() => Ok(()),
        _ => wrong("model", "you must provide a model parameter"),
    }
}

/// A text, or a list of at most so many texts; with `tokens`, also lists of numbers.
fn input(request: &Map<String, Value>, tokens: bool, most: usize) -> Checked {
    let number = |item: &Value| tokens && item.is_u64();
    let good = |item: &Value| match item {
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty() && list.iter().all(number),
        _ => false,
    };
    match request.get("input") {
        Some(Value::Array(list)) if !list.is_empty() && list.len() <= most => {
            if list.iter().all(number) || list.iter().all(good) {
                return Ok(());
            }
            wrong("input", "'$.input' is invalid")
        }
        Some(item @ Value::String(_)) if good(item) => Ok(()),
        _ => wrong("input", "'$.input' is invalid"),
    }
}

fn only(request: &Map<String, Value>, fields: &[&str]) -> Checked {
    match request.keys().find(|name| !fields.contains(&name.as_str())) {
        Some(name) => wrong(name, "unknown field"),
        None => Ok(()),
    }
}

fn one_of(request: &Map<String, Value>, name: &str, words: &[&str]) -> Checked {
    match request.get(name) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(word)) if words.contains(&word.as_str()) => Ok(()),
        Some(_) => wrong(name, format!("must be one of {}", words.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_the_vendors_refuse() {
        type Check = fn(&[u8]) -> Option<Refusal>;
        let cases: [(Check, &str, Option<&str>); 17] = [
            (openai, r#"{"model":"m","input":["a",[1,2]],"encoding_format":"base64"}"#, None),
            (openai, r#"{"model":"m","input":[1,2]}"#, None),
            (openai, r#"{"input":"a"}"#, Some("model")),
            (openai, r#"{"model":"m","input":""}"#, Some("input")),
            (openai, r#"{"model":"m","input":[]}"#, Some("input")),
            (openai, r#"{"model":"m","input":"a","input_type":"query"}"#, Some("input_type")),
            (mistral, r#"{"model":"m","input":["a"],"dimensions":3}"#, Some("dimensions")),
            (mistral, r#"{"model":"m","input":[1]}"#, Some("input")),
            (voyage, r#"{"model":"m","input":["a"],"encoding_format":"float"}"#, Some("encoding_format")),
            (cohere, r#"{"model":"m","texts":["a"]}"#, Some("input_type")),
            (cohere, r#"{"model":"m","input_type":"image"}"#, Some("texts")),
            (cohere_on_bedrock, r#"{"model":"m","texts":["a"],"input_type":"clustering"}"#, Some("model")),
            (cohere_on_bedrock, r#"{"texts":["a"],"input_type":"clustering"}"#, None),
            (titan, r#"{"inputText":"a","dimensions":100}"#, Some("dimensions")),
            (titan, r#"{"inputText":"a","dimensions":256}"#, None),
            (gemini, r#"{"content":{"parts":[]}}"#, Some(".content.parts")),
            (
                gemini_batch,
                r#"{"requests":[{"content":{"parts":[{"text":"a"}]}}]}"#,
                Some("requests[0].model"),
            ),
        ];
        for (check, body, param) in cases {
            assert_eq!(check(body.as_bytes()).and_then(|r| r.param).as_deref(), param, "{body}");
        }
        let many = serde_json::json!({"model": "m", "input_type": "clustering", "texts": vec!["a"; 97]});
        assert_eq!(cohere(many.to_string().as_bytes()).and_then(|r| r.param).as_deref(), Some("texts"));
    }
}
