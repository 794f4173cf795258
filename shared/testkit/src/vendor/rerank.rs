//! What vendors refuse of requests to rank documents: Cohere (<https://docs.cohere.com/reference/rerank>), Jina
//! (<https://jina.ai/reranker>) and Voyage AI (<https://docs.voyageai.com/reference/reranker-api>).

use serde_json::{Map, Value};

use super::{Checked, Refusal, object, wrong};

/// Cohere, version 2: documents are texts, and none are given back.
#[must_use]
pub fn cohere(body: &[u8]) -> Option<Refusal> {
    let check = |request: &Map<String, Value>| {
        texts(request, false)?;
        only(request, &["model", "query", "documents", "top_n", "max_tokens_per_doc", "priority"])?;
        positive(request, "top_n")
    };
    object(body).and_then(|request| check(&request)).err()
}

/// Cohere on Amazon Bedrock: the address says the model, and the version of the format must be said.
#[must_use]
pub fn cohere_on_bedrock(body: &[u8]) -> Option<Refusal> {
    let check = |request: &Map<String, Value>| {
        if request.get("api_version") != Some(&2.into()) {
            return wrong("api_version", "must be 2");
        }
        only(request, &["query", "documents", "top_n", "max_tokens_per_doc", "api_version"])?;
        documents(request, false)?;
        positive(request, "top_n")
    };
    object(body).and_then(|request| check(&request)).err()
}

/// Jina.
#[must_use]
pub fn jina(body: &[u8]) -> Option<Refusal> {
    let check = |request: &Map<String, Value>| {
        texts(request, true)?;
        positive(request, "top_n")
    };
    object(body).and_then(|request| check(&request)).err()
}

/// Voyage AI.
#[must_use]
pub fn voyage(body: &[u8]) -> Option<Refusal> {
    let check = |request: &Map<String, Value>| {
        texts(request, false)?;
        only(request, &["model", "query", "documents", "top_k", "return_documents", "truncation"])?;
        positive(request, "top_k")
    };
    object(body).and_then(|request| check(&request)).err()
}

fn texts(request: &Map<String, Value>, objects: bool) -> Checked {
    if request.get("model").and_then(Value::as_str).is_none_or(str::is_empty) {
        return wrong("model", "field required");
    }
    documents(request, objects)
}

fn documents(request: &Map<String, Value>, objects: bool) -> Checked {
    if request.get("query").and_then(Value::as_str).is_none_or(str::is_empty) {
        return wrong("query", "field required");
    }
    let list = request.get("documents").and_then(Value::as_array);
    let Some(list) = list.filter(|list| (1..=1000).contains(&list.len())) else {
        return wrong("documents", "from 1 to 1000 documents are required");
    };
    match list.iter().position(|item| !(item.is_string() || (objects && item.is_object()))) {
        Some(i) => wrong(format!("documents[{i}]"), "invalid type"),
        None => Ok(()),
    }
}

fn positive(request: &Map<String, Value>, name: &str) -> Checked {
    match request.get(name) {
        None | Some(Value::Null) => Ok(()),
        Some(number) if number.as_u64().is_some_and(|number| number > 0) => Ok(()),
        Some(_) => wrong(name, "must be a whole number above 0"),
    }
}

fn only(request: &Map<String, Value>, fields: &[&str]) -> Checked {
    match request.keys().find(|name| !fields.contains(&name.as_str())) {
        Some(name) => wrong(name, "unknown field"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_the_vendors_refuse() {
        type Check = fn(&[u8]) -> Option<Refusal>;
        let cases: [(Check, &str, Option<&str>); 10] = [
            (cohere_on_bedrock, r#"{"query":"q","documents":["a"],"api_version":2}"#, None),
            (cohere_on_bedrock, r#"{"query":"q","documents":["a"]}"#, Some("api_version")),
            (cohere, r#"{"model":"m","query":"q","documents":["a"],"top_n":1}"#, None),
            (cohere, r#"{"model":"m","query":"q","documents":[{"text":"a"}]}"#, Some("documents[0]")),
            (
                cohere,
                r#"{"model":"m","query":"q","documents":["a"],"return_documents":true}"#,
                Some("return_documents"),
            ),
            (jina, r#"{"model":"m","query":"q","documents":[{"text":"a"}]}"#, None),
            (jina, r#"{"model":"m","documents":["a"]}"#, Some("query")),
            (jina, r#"{"model":"m","query":"q","documents":[]}"#, Some("documents")),
            (voyage, r#"{"model":"m","query":"q","documents":["a"],"top_n":1}"#, Some("top_n")),
            (voyage, r#"{"model":"m","query":"q","documents":["a"],"top_k":0}"#, Some("top_k")),
        ];
        for (check, body, param) in cases {
            assert_eq!(check(body.as_bytes()).and_then(|r| r.param).as_deref(), param, "{body}");
        }
    }
}
