//! Amazon Titan's text embeddings on Amazon Bedrock
//! (`docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html`): one text a call; the URL names
//! the model. `binary` here is one bit a number, unlike with other vendors.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::request::{note_titles, note_unsayable};
use super::{
    AnswerContext, Embedding, Input, Item, NumberType, Request, Response, Vector, mark, marked, merge_extra,
    no_marks,
};
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::loss::Notes;
pub use crate::dialect::openai_chat::decode_fault_at;
use crate::dialect::{DecodeError, EncodeError, Encoded, ErrorBody, Target};
use crate::usage::Usage;

/// The name of this format where an input is in its words.
const FORMAT: &str = "titan";

/// Reads a request.
///
/// # Errors
/// Names the field that is missing or of a wrong type.
pub fn decode_request(model: &str, body: &[u8]) -> Result<Request, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    no_marks(&mut map);
    let text = fields::string(&mut map, path, "inputText")?;
    let image = fields::string(&mut map, path, "inputImage")?;
    let input = match (text, image) {
        (Some(text), None) => Input::Text(text),
        (text, Some(image)) => {
            let mut value = Map::new();
            put_some(&mut value, "inputText", text.as_ref());
            put(&mut value, "inputImage", image);
            Input::Other { format: FORMAT, value: Value::Object(value) }
        }
        (None, None) => return Err(path.field_error("inputText", "required: a string")),
    };
    let mut request = Request {
        model: model.to_owned(),
        inputs: vec![Item::new(input)],
        dimensions: fields::positive(&mut map, path, "dimensions")?,
        normalize: fields::boolean(&mut map, path, "normalize")?,
        ..Request::default()
    };
    if let Some(words) = fields::strings(&mut map, path, "embeddingTypes")? {
        if words.is_empty() {
            put(&mut map, "embeddingTypes", Vec::<Value>::new());
        }
        request.types = words.iter().map(|word| type_of(word)).collect();
    }
    request.extra = map;
    Ok(request)
}

fn type_of(word: &str) -> NumberType {
    match word {
        "float" => NumberType::Float,
        "binary" => NumberType::Bits,
        other => NumberType::Other(other.to_owned()),
    }
}

fn word_of(kind: &NumberType) -> &str {
    if *kind == NumberType::Bits { "binary" } else { kind.as_str() }
}

/// Writes a request. What the format cannot say is left out and named: several inputs are, see [`Request::chunks`].
#[must_use]
pub fn encode_request(request: &Request, _target: &Target<'_>) -> Encoded {
    let mut notes = Notes::default();
    let mut map = Map::new();
    for (index, item) in request.inputs.iter().enumerate() {
        match &item.input {
            _ if index > 0 => {
                notes.meaning(format!("input[{index}]"), "this provider embeds one text in each call");
            }
            Input::Other { format: FORMAT, value: Value::Object(value) } => map.extend(value.clone()),
            other => put_some(&mut map, "inputText", other.told(index, &mut notes).as_ref()),
        }
    }
    put_some(&mut map, "dimensions", request.dimensions.as_ref());
    put_some(&mut map, "normalize", request.normalize.as_ref());
    let mut words = Vec::with_capacity(request.types.len());
    for kind in &request.types {
        match kind {
            NumberType::Float | NumberType::Bits | NumberType::Other(_) => words.push(word_of(kind)),
            _ => notes.meaning("embedding_types", "this provider gives floats and single bits only"),
        }
    }
    if !words.is_empty() {
        put(&mut map, "embeddingTypes", words);
    }
    note_unsayable(request, &["dimensions", "normalize", "types"], &mut notes);
    note_titles(request, &mut notes);
    merge_extra(&mut map, &request.extra);
    notes.into_encoded(Value::Object(map).to_string().into())
}

/// Reads an answer. `kind` is not needed: the format says it.
///
/// # Errors
/// Says what makes it no answer of this format.
pub fn decode_response(body: &[u8], _kind: &NumberType) -> Result<Response, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    no_marks(&mut map);
    let mut response = Response::default();
    match fields::try_object(&mut map, "embeddingsByType") {
        Some(by_type) => {
            let at = Path::Field(path, "embeddingsByType");
            for (word, value) in by_type {
                let vector = numbers(value).ok_or_else(|| at.field_error(&word, "expected a vector"))?;
                response.embeddings.push(Embedding::new(0, type_of(&word), vector));
            }
        }
        None => mark(&mut map, "embeddingsByType", false),
    }
    if response.embeddings.is_empty() {
        let value = fields::take(&mut map, "embedding");
        let vector = value.and_then(numbers);
        let vector = vector.ok_or_else(|| path.field_error("embedding", "required: an array of numbers"))?;
        response.embeddings.push(Embedding::new(0, NumberType::Float, vector));
    }
    let tokens = map.get("inputTextTokenCount").and_then(Value::as_u64).filter(|tokens| *tokens > 0);
    response.usage = tokens.map(|input| Usage { input, ..Usage::default() });
    response.extra = map;
    Ok(response)
}

/// Vectors are lists here, never base64.
fn numbers(value: Value) -> Option<Vector> {
    Vector::read(value).filter(|vector| matches!(vector, Vector::Numbers(_)))
}

/// Writes an answer: the vectors of the first input.
///
/// # Errors
/// If a vector cannot be said as a list of numbers.
pub fn encode_response(response: &Response, _context: &AnswerContext<'_>) -> Result<Bytes, EncodeError> {
    let mut map = Map::new();
    let mut by_type = Map::new();
    let plain = marked(&response.extra, "embeddingsByType").is_some();
    for embedding in response.embeddings.iter().filter(|embedding| embedding.index == 0) {
        let numbers = embedding.numbers()?;
        if embedding.kind == NumberType::Float && !response.extra.contains_key("embedding") {
            put(&mut map, "embedding", numbers.clone());
        }
        put(&mut by_type, word_of(&embedding.kind), numbers);
    }
    if !response.extra.contains_key("inputTextTokenCount") {
        let tokens = response.usage.map(|usage| usage.total_input());
        put_some(&mut map, "inputTextTokenCount", tokens.as_ref());
    }
    if !plain {
        put(&mut map, "embeddingsByType", by_type);
    }
    merge_extra(&mut map, &response.extra);
    Ok(Value::Object(map).to_string().into())
}

/// Writes an error body of this format.
#[must_use]
pub fn encode_error(error: &ErrorBody<'_>) -> Bytes {
    serde_json::json!({"message": error.message}).to_string().into()
}
