//! Voyage AI's rerank, `POST /v1/rerank` (`docs.voyageai.com/reference/reranker-api`): `top_k` in place of `top_n`, and
//! the results in `data`. Documents are texts, also those that are given back.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::cohere::{put_documents, read_response, take_texts};
use super::{AnswerContext, Document, Ranked, Request, Response};
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, Encoded, Target};
pub use crate::embed::voyage::{decode_fault_at, encode_error};

/// Reads a request.
///
/// # Errors
/// Names the field that is missing or of a wrong type.
pub fn decode_request(body: &[u8]) -> Result<Request, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    let model = fields::need_string(&mut map, path, "model")?;
    if model.is_empty() {
        return Err(path.field_error("model", "expected the name of a model, found an empty string"));
    }
    let mut request = Request { model, ..Request::default() };
    (request.query, request.documents) = take_texts(&mut map)?;
    request.top_n = fields::positive(&mut map, path, "top_k")?;
    request.return_documents = fields::boolean(&mut map, path, "return_documents")?;
    request.truncate = fields::boolean(&mut map, path, "truncation")?;
    request.extra = map;
    Ok(request)
}

/// Writes a request. What the format cannot say is left out and named.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let mut notes = Notes::default();
    let mut map = Map::new();
    put(&mut map, "query", request.query.clone());
    put_documents(&mut map, request, true, &mut notes);
    put(&mut map, "model", target.model);
    put_some(&mut map, "top_k", request.top_n.as_ref());
    put_some(&mut map, "return_documents", request.return_documents.as_ref());
    put_some(&mut map, "truncation", request.truncate.as_ref());
    if request.max_tokens_per_document.is_some() {
        notes.hint("max_tokens_per_doc", "this provider reads documents as far as the model can");
    }
    if request.rank_fields.is_some() {
        notes.meaning("rank_fields", "this provider ranks whole texts; say what counts as the text");
    }
    merge(&mut map, &request.extra);
    notes.into_encoded(Value::Object(map).to_string().into())
}

/// Reads an answer.
///
/// # Errors
/// Says what makes it no answer of this format.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let mut response = read_response(body, "data")?;
    fields::take_if(&mut response.extra, "object", |object| object == "list");
    Ok(response)
}

/// Writes an answer. Without counts it has no `usage`: none are invented.
#[must_use]
pub fn encode_response(response: &Response, context: &AnswerContext<'_>) -> Bytes {
    let mut map = Map::new();
    if !response.extra.contains_key("object") {
        put(&mut map, "object", "list");
    }
    put_some(&mut map, "id", response.id.as_ref());
    let result = |ranked: &Ranked| {
        let mut item = Map::new();
        put(&mut item, "relevance_score", Value::Number(ranked.score.clone()));
        put(&mut item, "index", ranked.index);
        if let Some(document) = ranked.told(context) {
            let text = document.as_text().map(Value::from);
            put(&mut item, "document", text.unwrap_or_else(|| Document::as_value(document)));
        }
        merge(&mut item, &ranked.extra);
        Value::Object(item)
    };
    put(&mut map, "data", response.results.iter().map(result).collect::<Vec<_>>());
    let model = response.model.as_deref().unwrap_or(context.model);
    if !model.is_empty() {
        put(&mut map, "model", model);
    }
    if let Some(usage) = &response.usage
        && !response.extra.contains_key("usage")
    {
        put(&mut map, "usage", json!({"total_tokens": usage.total_input()}));
    }
    merge(&mut map, &response.extra);
    Value::Object(map).to_string().into()
}
