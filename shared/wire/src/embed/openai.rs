//! OpenAI's embeddings, `POST /v1/embeddings` (`platform.openai.com/docs/api-reference/embeddings`), and those of the
//! vendors that took them over: Mistral with `output_dimension` and `output_dtype`, NVIDIA with `input_type`.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::request::{note_titles, note_unsayable};
use super::{
    AnswerContext, Input, Item, NumberType, Purpose, Request, Response, listed, mark, marked, merge_extra,
    no_marks,
};
use crate::chat::Extra;
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::openai_chat::decode_usage;
pub use crate::dialect::openai_chat::{decode_fault_at, encode_error};
use crate::dialect::{DecodeError, EncodeError, Encoded, Target};
use crate::usage::Usage;

/// The `kind` of NVIDIA, whose models ask for the purpose in `input_type`.
const NVIDIA: &str = "nvidia";
/// The `kind` of Mistral, who has names of its own for size and type.
const MISTRAL: &str = "mistral";

/// Reads a request.
///
/// # Errors
/// Names the field that is missing or of a wrong type.
pub fn decode_request(body: &[u8]) -> Result<Request, DecodeError> {
    let mut map = fields::parse_object(body)?;
    let model = need_model(&mut map)?;
    read(model, map)
}

/// Takes the model's name, which must be there.
pub(super) fn need_model(map: &mut Extra) -> Result<String, DecodeError> {
    let model = fields::need_string(map, &Path::Root, "model")?;
    if model.is_empty() {
        return Err(Path::Root.field_error("model", "expected the name of a model, found an empty string"));
    }
    Ok(model)
}

/// Reads everything but the model.
pub(super) fn read(model: String, mut map: Extra) -> Result<Request, DecodeError> {
    let path = &Path::Root;
    no_marks(&mut map);
    let mut request = Request { model, ..Request::default() };
    (request.inputs, request.listed) = take_input(&mut map)?;
    request.dimensions = fields::positive(&mut map, path, "dimensions")?;
    if request.dimensions.is_none() {
        request.dimensions = fields::positive(&mut map, path, "output_dimension")?;
        if request.dimensions.is_some() {
            mark(&mut map, "dimensions", "output_dimension");
        }
    }
    if let Some(word) = fields::string(&mut map, path, "output_dtype")? {
        request.types = vec![NumberType::from_word(&word)];
        mark(&mut map, "output_dtype", word);
    }
    request.base64 = match fields::string(&mut map, path, "encoding_format")?.as_deref() {
        None => None,
        Some("float") => Some(false),
        Some("base64") => Some(true),
        Some(_) => return Err(path.field_error("encoding_format", "expected `float` or `base64`")),
    };
    if let Some(word) = fields::string(&mut map, path, "input_type")? {
        request.purpose = Some(match word.as_str() {
            "query" | "search_query" => Purpose::Query,
            "passage" | "document" | "search_document" => Purpose::Document,
            "classification" => Purpose::Classification,
            "clustering" => Purpose::Clustering,
            _ => Purpose::Other(word.clone()),
        });
        mark(&mut map, "input_type", word);
    }
    request.user = fields::string(&mut map, path, "user")?;
    request.extra = map;
    Ok(request)
}

/// `input`: a text, a list of texts, a list of tokens, or a list of such lists.
pub(super) fn take_input(map: &mut Extra) -> Result<(Vec<Item>, bool), DecodeError> {
    let at = Path::Field(&Path::Root, "input");
    let items = match fields::take(map, "input") {
        None => return Err(at.error("required: a string, an array of strings, or tokens")),
        Some(Value::String(text)) => return Ok((vec![Item::text(text)], false)),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(at.error("expected a string, an array of strings, or tokens")),
    };
    if items.is_empty() {
        return Err(at.error("expected at least one input, found an empty array"));
    }
    if items.iter().all(Value::is_number) {
        return Ok((vec![Item::new(Input::Tokens(tokens(&items, &at)?))], false));
    }
    let mut inputs = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let place = Path::Item(&at, index);
        inputs.push(Item::new(match item {
            Value::String(text) => Input::Text(text),
            Value::Array(numbers) if !numbers.is_empty() => Input::Tokens(tokens(&numbers, &place)?),
            Value::Array(_) => return Err(place.error("expected at least one token, found an empty array")),
            _ => return Err(place.error("expected a string or an array of tokens")),
        }));
    }
    Ok((inputs, true))
}

fn tokens(numbers: &[Value], path: &Path<'_>) -> Result<Vec<u64>, DecodeError> {
    let token = |(index, value): (usize, &Value)| {
        value
            .as_u64()
            .ok_or_else(|| Path::Item(path, index).error("expected a token: a whole number, not negative"))
    };
    numbers.iter().enumerate().map(token).collect()
}

/// Writes a request. What the format cannot say is left out and named.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let mut map = Map::new();
    put(&mut map, "model", target.model);
    write(map, request, target)
}

/// Writes everything but the model.
pub(super) fn write(mut map: Map<String, Value>, request: &Request, target: &Target<'_>) -> Encoded {
    let mut notes = Notes::default();
    put(&mut map, "input", encode_input(request, &mut notes));
    let own_size = target.kind == MISTRAL
        || marked(&request.extra, "dimensions").is_some_and(|name| name == "output_dimension");
    let size = if own_size { "output_dimension" } else { "dimensions" };
    put_some(&mut map, size, request.dimensions.as_ref());
    let mut says = vec!["user", "dimensions"];
    if let [kind] = request.types.as_slice()
        && (target.kind == MISTRAL || marked(&request.extra, "output_dtype").is_some())
        && *kind != NumberType::Bits
    {
        put(&mut map, "output_dtype", kind.as_str());
        says.push("types");
    }
    if let Some(base64) = request.base64 {
        put(&mut map, "encoding_format", if base64 { "base64" } else { "float" });
    }
    if let Some(word) = marked(&request.extra, "input_type") {
        put(&mut map, "input_type", word.clone());
        says.push("input_type");
    } else if target.kind == NVIDIA {
        // Its models refuse a request without.
        let asks = request.purpose.as_ref().is_some_and(Purpose::asks);
        put(&mut map, "input_type", if asks { "query" } else { "passage" });
        says.push("input_type");
    }
    put_some(&mut map, "user", request.user.as_ref());
    note_unsayable(request, &says, &mut notes);
    note_titles(request, &mut notes);
    merge_extra(&mut map, &request.extra);
    notes.into_encoded(Value::Object(map).to_string().into())
}

fn encode_input(request: &Request, notes: &mut Notes) -> Value {
    let said = |(index, item): (usize, &Item)| match &item.input {
        Input::Tokens(tokens) => Some(Value::from(tokens.clone())),
        other => other.told(index, notes).map(Value::String),
    };
    let mut values: Vec<Value> = request.inputs.iter().enumerate().filter_map(said).collect();
    match values.pop() {
        Some(only) if values.is_empty() && !request.listed => only,
        last => {
            values.extend(last);
            Value::Array(values)
        }
    }
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

/// The counts of a usage object; none when there are none, or all are zero.
pub(super) fn usage_of(usage: &Value) -> Option<Usage> {
    Some(usage).filter(|usage| usage.is_object()).map(decode_usage).filter(|usage| *usage != Usage::default())
}

/// Writes an answer. Without counts it has no `usage`: none are invented.
///
/// # Errors
/// If a vector cannot be said in the form that the caller asked for.
pub fn encode_response(response: &Response, context: &AnswerContext<'_>) -> Result<Bytes, EncodeError> {
    let usage = response.usage.map(|usage| {
        let tokens = usage.total_input();
        json!({"prompt_tokens": tokens, "total_tokens": tokens.saturating_add(usage.total_output())})
    });
    Ok(Value::Object(listed::write(response, context, usage)?).to_string().into())
}
