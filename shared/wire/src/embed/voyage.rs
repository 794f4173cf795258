//! Voyage AI's embeddings, `POST /v1/embeddings` (`docs.voyageai.com/reference/embeddings-api`): near OpenAI's, with
//! names of their own for size and type, and a purpose.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::openai::{need_model, take_input};
use super::request::{note_titles, note_unsayable};
use super::{AnswerContext, NumberType, Purpose, Request, Response, Truncate, listed, merge_extra, no_marks};
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::loss::Notes;
pub use crate::dialect::openai_chat::decode_fault_at;
use crate::dialect::{DecodeError, EncodeError, Encoded, ErrorBody, Target};
use crate::usage::Usage;

/// Reads a request.
///
/// # Errors
/// Names the field that is missing or of a wrong type.
pub fn decode_request(body: &[u8]) -> Result<Request, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    no_marks(&mut map);
    let model = need_model(&mut map)?;
    let mut request = Request { model, ..Request::default() };
    (request.inputs, request.listed) = take_input(&mut map)?;
    request.dimensions = fields::positive(&mut map, path, "output_dimension")?;
    if let Some(word) = fields::string(&mut map, path, "output_dtype")? {
        request.types = vec![NumberType::from_word(&word)];
    }
    request.base64 = match fields::string(&mut map, path, "encoding_format")?.as_deref() {
        None => None,
        Some("base64") => Some(true),
        Some(_) => return Err(path.field_error("encoding_format", "expected `base64` or null")),
    };
    request.purpose = match fields::string(&mut map, path, "input_type")?.as_deref() {
        None => None,
        Some("query") => Some(Purpose::Query),
        Some("document") => Some(Purpose::Document),
        Some(_) => return Err(path.field_error("input_type", "expected `query`, `document` or null")),
    };
    request.truncate = fields::boolean(&mut map, path, "truncation")?
        .map(|cut| if cut { Truncate::End } else { Truncate::Never });
    request.extra = map;
    Ok(request)
}

/// Writes a request. What the format cannot say is left out and named.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let mut notes = Notes::default();
    let mut map = Map::new();
    put(&mut map, "model", target.model);
    let texts = request.inputs.iter().enumerate();
    let mut texts: Vec<Value> =
        texts.filter_map(|(index, item)| item.input.told(index, &mut notes)).map(Value::String).collect();
    match texts.pop() {
        Some(only) if texts.is_empty() && !request.listed => put(&mut map, "input", only),
        last => {
            texts.extend(last);
            put(&mut map, "input", texts);
        }
    }
    put_some(&mut map, "output_dimension", request.dimensions.as_ref());
    let mut says = vec!["dimensions"];
    if let [kind] = request.types.as_slice()
        && *kind != NumberType::Bits
    {
        put(&mut map, "output_dtype", kind.as_str());
        says.push("types");
    }
    if request.base64 == Some(true) {
        put(&mut map, "encoding_format", "base64");
    }
    match &request.purpose {
        None => {}
        Some(purpose) if purpose.asks() => {
            if *purpose != Purpose::Query {
                notes.lowered("input_type");
            }
            put(&mut map, "input_type", "query");
            says.push("input_type");
        }
        Some(Purpose::Document) => {
            put(&mut map, "input_type", "document");
            says.push("input_type");
        }
        // Vectors to compare, group or classify are made without a purpose here.
        Some(_) => {}
    }
    match request.truncate {
        None => {}
        Some(Truncate::Never) => put(&mut map, "truncation", false),
        Some(Truncate::End) => {
            put(&mut map, "truncation", true);
            says.push("truncate");
        }
        Some(Truncate::Start) => {
            notes.hint("truncate", "this provider leaves out the end of an input, never its beginning");
            says.push("truncate");
        }
    }
    note_unsayable(request, &says, &mut notes);
    note_titles(request, &mut notes);
    merge_extra(&mut map, &request.extra);
    notes.into_encoded(Value::Object(map).to_string().into())
}

/// Reads an answer; `kind` is the type of numbers that was asked for, which the format does not say.
///
/// # Errors
/// Says what makes it no answer of this format.
pub fn decode_response(body: &[u8], kind: &NumberType) -> Result<Response, DecodeError> {
    let mut response = listed::read(body, kind)?;
    response.usage = response.extra.get("usage").and_then(usage_of);
    Ok(response)
}

/// The count of a usage object; none when it is zero.
pub(super) fn usage_of(usage: &Value) -> Option<Usage> {
    let total = usage.get("total_tokens").and_then(Value::as_u64).filter(|total| *total > 0);
    total.map(|input| Usage { input, ..Usage::default() })
}

/// Writes an answer. Without counts it has no `usage`: none are invented.
///
/// # Errors
/// If a vector cannot be said in the form that the caller asked for.
pub fn encode_response(response: &Response, context: &AnswerContext<'_>) -> Result<Bytes, EncodeError> {
    let usage = response.usage.map(|usage| json!({"total_tokens": usage.total_input()}));
    Ok(Value::Object(listed::write(response, context, usage)?).to_string().into())
}

/// Writes an error body of this format.
#[must_use]
pub fn encode_error(error: &ErrorBody<'_>) -> Bytes {
    json!({"detail": error.message}).to_string().into()
}
