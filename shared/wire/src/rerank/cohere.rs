//! Cohere's rerank, `POST /v2/rerank` (`docs.cohere.com/reference/rerank`; v1 with `return_documents`), Jina's,
//! `POST /v1/rerank` (`jina.ai/reranker`), and those of the vendors who took them over: Together, Mixedbread and others;
//! Cohere's also on Amazon Bedrock, where the URL names the model.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{AnswerContext, Document, Ranked, Request, Response};
use crate::chat::Extra;
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::loss::Notes;
pub use crate::dialect::openai_chat::{decode_fault_at, encode_error};
use crate::dialect::{DecodeError, Encoded, Target};
use crate::embed::cohere::whole;
use crate::usage::Usage;

/// The `kind` of Cohere itself, who takes texts only and gives none back.
const COHERE: &str = "cohere";
/// The `kind` of Amazon Bedrock.
const BEDROCK: &str = "bedrock";
/// The version of Cohere's format that Bedrock must be told.
const BEDROCK_VERSION: u64 = 2;

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
    request.top_n = fields::positive(&mut map, path, "top_n")?;
    request.return_documents = fields::boolean(&mut map, path, "return_documents")?;
    request.max_tokens_per_document = fields::positive(&mut map, path, "max_tokens_per_doc")?;
    request.rank_fields = fields::strings(&mut map, path, "rank_fields")?;
    request.truncate = fields::boolean(&mut map, path, "truncation")?;
    request.extra = map;
    Ok(request)
}

/// Takes `query` and `documents`, which must be there.
pub(super) fn take_texts(map: &mut Extra) -> Result<(String, Vec<Document>), DecodeError> {
    let path = &Path::Root;
    let query = fields::need_string(map, path, "query")?;
    let at = Path::Field(path, "documents");
    let values = fields::array(map, path, "documents")?
        .ok_or_else(|| at.error("required: an array of at least one document"))?;
    if values.is_empty() {
        return Err(at.error("expected at least one document, found an empty array"));
    }
    let document = |(index, value)| match value {
        Value::String(text) => Ok(Document::Text(text)),
        Value::Object(fields) => Ok(Document::Fields(fields)),
        _ => Err(Path::Item(&at, index).error("expected a string or an object")),
    };
    let documents = values.into_iter().enumerate().map(document).collect::<Result<_, _>>()?;
    Ok((query, documents))
}

/// Writes a request. What the format cannot say is left out and named.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let mut notes = Notes::default();
    let mut map = Map::new();
    let (cohere, bedrock) = (target.kind == COHERE, target.kind == BEDROCK);
    if !bedrock {
        put(&mut map, "model", target.model);
    }
    put(&mut map, "query", request.query.clone());
    put_documents(&mut map, request, cohere || bedrock, &mut notes);
    put_some(&mut map, "top_n", request.top_n.as_ref());
    if cohere || bedrock {
        // The newest version gives no documents back; the writer of the answer takes them from the request.
        put_some(&mut map, "max_tokens_per_doc", request.max_tokens_per_document.as_ref());
        if request.rank_fields.is_some() {
            notes.meaning("rank_fields", "this provider ranks whole texts; say what counts as the text");
        }
        if request.truncate == Some(false) {
            notes.hint("truncation", "this provider cuts a document that is too long");
        }
        if bedrock && !request.extra.contains_key("api_version") {
            put(&mut map, "api_version", BEDROCK_VERSION);
        }
    } else {
        put_some(&mut map, "return_documents", request.return_documents.as_ref());
        put_some(&mut map, "max_tokens_per_doc", request.max_tokens_per_document.as_ref());
        put_some(&mut map, "rank_fields", request.rank_fields.as_ref());
        put_some(&mut map, "truncation", request.truncate.as_ref());
    }
    merge(&mut map, &request.extra);
    notes.into_encoded(Value::Object(map).to_string().into())
}

/// Writes the documents, as texts where the vendor takes nothing else: then an object becomes JSON text.
pub(super) fn put_documents(
    map: &mut Map<String, Value>,
    request: &Request,
    texts_only: bool,
    notes: &mut Notes,
) {
    let mut documents = Vec::with_capacity(request.documents.len());
    for (index, document) in request.documents.iter().enumerate() {
        documents.push(match (document, document.as_text()) {
            (_, Some(text)) if texts_only => Value::from(text),
            (Document::Fields(fields), None) if texts_only => {
                // Every place must stay taken, or the answer would point to other documents.
                if fields.get("image").is_some_and(Value::is_string) {
                    notes.meaning(format!("documents[{index}]"), "this provider ranks texts, not images");
                } else {
                    notes.lowered(format!("documents[{index}]"));
                }
                Value::from(Value::Object(fields.clone()).to_string())
            }
            (document, _) => document.as_value(),
        });
    }
    put(map, "documents", documents);
}

/// Reads an answer.
///
/// # Errors
/// Says what makes it no answer of this format.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    read_response(body, "results")
}

/// Reads an answer whose list has the given name.
pub(super) fn read_response(body: &[u8], list: &str) -> Result<Response, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    let at = Path::Field(path, list);
    let values = fields::array(&mut map, path, list)?.ok_or_else(|| at.error("required: an array"))?;
    let mut response = Response::default();
    for (position, value) in values.into_iter().enumerate() {
        let place = Path::Item(&at, position);
        let mut item = fields::into_object(&place, value)?;
        let index = fields::try_whole(&mut item, "index")
            .ok_or_else(|| place.field_error("index", "required: a whole number"))?;
        let score = fields::try_number(&mut item, "relevance_score")
            .ok_or_else(|| place.field_error("relevance_score", "required: a number"))?;
        // An empty object stands for a document that was not asked for.
        let filled =
            |value: &Value| value.is_string() || value.as_object().is_some_and(|map| !map.is_empty());
        let document = match fields::take_if(&mut item, "document", filled) {
            Some(Value::String(text)) => Some(Document::Text(text)),
            Some(Value::Object(fields)) => Some(Document::Fields(fields)),
            _ => None,
        };
        response.results.push(Ranked { index, score, document, extra: item });
    }
    response.id = fields::try_string(&mut map, "id");
    response.model = fields::try_string(&mut map, "model");
    let billed = map.get("meta").and_then(|meta| meta.get("billed_units"));
    response.search_units = billed.and_then(|billed| whole(billed.get("search_units")?));
    let usage = map.get("usage");
    let total = usage.and_then(|usage| usage.get("total_tokens").or(usage.get("prompt_tokens"))?.as_u64());
    let billed = billed.and_then(|billed| whole(billed.get("input_tokens")?));
    let input = total.or(billed).filter(|tokens| *tokens > 0);
    response.usage = input.map(|input| Usage { input, ..Usage::default() });
    response.extra = map;
    Ok(response)
}

/// Writes an answer: with Cohere's `id` and `meta` and Jina's `model` and `usage`, as far as they are known.
#[must_use]
pub fn encode_response(response: &Response, context: &AnswerContext<'_>) -> Bytes {
    let mut map = Map::new();
    let own = |said: &Option<String>, ours: &str| {
        said.clone().or_else(|| (!ours.is_empty()).then(|| ours.to_owned()))
    };
    put_some(&mut map, "id", own(&response.id, context.id).as_ref());
    put_some(&mut map, "model", own(&response.model, context.model).as_ref());
    put(&mut map, "results", encode_results(response, context));
    if let Some(units) = response.search_units
        && !response.extra.contains_key("meta")
    {
        let version = json!({"version": "2"});
        put(&mut map, "meta", json!({"api_version": version, "billed_units": {"search_units": units}}));
    }
    if let Some(usage) = &response.usage
        && !["usage", "meta"].iter().any(|name| response.extra.contains_key(*name))
    {
        let tokens = usage.total_input();
        put(&mut map, "usage", json!({"prompt_tokens": tokens, "total_tokens": tokens}));
    }
    merge(&mut map, &response.extra);
    Value::Object(map).to_string().into()
}

/// Writes the list of results. A document that is a text is told as an object with it, as all vendors but Voyage do.
fn encode_results(response: &Response, context: &AnswerContext<'_>) -> Vec<Value> {
    let result = |ranked: &Ranked| {
        let mut item = Map::new();
        put(&mut item, "index", ranked.index);
        put(&mut item, "relevance_score", Value::Number(ranked.score.clone()));
        match (&ranked.document, ranked.told(context)) {
            (Some(own), _) if context.request.is_none() => put(&mut item, "document", own.as_value()),
            (_, Some(Document::Text(text))) => put(&mut item, "document", json!({"text": text})),
            (_, Some(document)) => put(&mut item, "document", document.as_value()),
            (_, None) => {}
        }
        merge(&mut item, &ranked.extra);
        Value::Object(item)
    };
    response.results.iter().map(result).collect()
}
