//! Cohere's embeddings, `POST /v2/embed` (`docs.cohere.com/reference/embed`), and the same models on Amazon Bedrock
//! (`docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html`), where the URL names the model.
//!
//! A purpose must be said; a request of another format that says none asks for vectors of documents. Answers come
//! by type of number, or, from Bedrock, as a plain list of vectors of floats.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::openai::need_model;
use super::request::{note_titles, note_unsayable};
use super::{
    AnswerContext, Embedding, Input, Item, NumberType, Purpose, Request, Response, Truncate, Vector, mark,
    marked, merge_extra, no_marks,
};
use crate::chat::Extra;
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::loss::Notes;
pub use crate::dialect::openai_chat::decode_fault_at;
use crate::dialect::{DecodeError, EncodeError, Encoded, ErrorBody, Target};
use crate::usage::Usage;

/// The name of this format where an input is in its words.
const FORMAT: &str = "cohere";

/// Reads a request.
///
/// # Errors
/// Names the field that is missing or of a wrong type.
pub fn decode_request(body: &[u8]) -> Result<Request, DecodeError> {
    let mut map = fields::parse_object(body)?;
    let model = need_model(&mut map)?;
    read(model, map)
}

/// Reads a request to Amazon Bedrock.
///
/// # Errors
/// As [`decode_request`].
pub fn decode_bedrock_request(model: &str, body: &[u8]) -> Result<Request, DecodeError> {
    read(model.to_owned(), fields::parse_object(body)?)
}

fn read(model: String, mut map: Extra) -> Result<Request, DecodeError> {
    let path = &Path::Root;
    no_marks(&mut map);
    let mut request = Request { model, listed: true, ..Request::default() };
    request.inputs = take_inputs(&mut map)?;
    request.purpose = Some(match fields::need_string(&mut map, path, "input_type")?.as_str() {
        "search_query" => Purpose::Query,
        "search_document" => Purpose::Document,
        "classification" => Purpose::Classification,
        "clustering" => Purpose::Clustering,
        "image" => Purpose::Image,
        other => Purpose::Other(other.to_owned()),
    });
    if let Some(words) = fields::strings(&mut map, path, "embedding_types")? {
        match words.as_slice() {
            [word] if word == "base64" => {
                request.base64 = Some(true);
                request.types = vec![NumberType::Float];
            }
            [] => {
                put(&mut map, "embedding_types", Vec::<Value>::new());
                mark(&mut map, "types", "none");
            }
            words => request.types = words.iter().map(|word| NumberType::from_word(word)).collect(),
        }
    } else {
        mark(&mut map, "types", "none");
    }
    request.dimensions = fields::positive(&mut map, path, "output_dimension")?;
    request.max_tokens = fields::positive(&mut map, path, "max_tokens")?;
    request.truncate = match fields::string(&mut map, path, "truncate")?.as_deref() {
        None => None,
        Some("NONE") => Some(Truncate::Never),
        Some("START") => Some(Truncate::Start),
        Some("END") => Some(Truncate::End),
        Some(_) => return Err(path.field_error("truncate", "expected `NONE`, `START` or `END`")),
    };
    request.extra = map;
    Ok(request)
}

/// `texts`, `images` (data URIs) or `inputs` (mixtures of both): one of them.
fn take_inputs(map: &mut Extra) -> Result<Vec<Item>, DecodeError> {
    let path = &Path::Root;
    let texts = fields::strings(map, path, "texts")?;
    let images = fields::strings(map, path, "images")?;
    let mixtures = fields::array(map, path, "inputs")?;
    let (name, items): (_, Vec<Item>) = match (texts, images, mixtures) {
        (Some(texts), None, None) => ("texts", texts.into_iter().map(Item::text).collect()),
        (None, Some(images), None) => {
            let item = |image| Item::new(Input::Other { format: FORMAT, value: Value::String(image) });
            ("images", images.into_iter().map(item).collect())
        }
        (None, None, Some(mixtures)) => {
            let at = Path::Field(path, "inputs");
            let items = mixtures.into_iter().enumerate();
            let items = items.map(|(index, value)| mixture(value, &Path::Item(&at, index)));
            ("inputs", items.collect::<Result<_, _>>()?)
        }
        (None, None, None) => {
            return Err(path.field_error("texts", "required: an array of strings, or `images` or `inputs`"));
        }
        _ => return Err(path.error("expected one of `texts`, `images` and `inputs`, found several")),
    };
    if items.is_empty() {
        return Err(path.field_error(name, "expected at least one input, found an empty array"));
    }
    Ok(items)
}

fn mixture(value: Value, path: &Path<'_>) -> Result<Item, DecodeError> {
    let map = fields::into_object(path, value)?;
    let content = map.get("content").and_then(Value::as_array);
    let content = content.ok_or_else(|| path.field_error("content", "required: an array of parts"))?;
    // A part with anything else said about it stays as it is.
    let text = |part: &Value| {
        let part = part.as_object().filter(|part| part.len() == 2)?;
        (part.get("type")? == "text").then(|| part.get("text")?.as_str().map(str::to_owned)).flatten()
    };
    let pieces = content.iter().map(text).collect::<Option<Vec<_>>>();
    let pieces = pieces.filter(|pieces| !pieces.is_empty() && map.len() == 1);
    Ok(Item::new(match pieces {
        Some(pieces) => Input::Pieces(pieces),
        None => Input::Other { format: FORMAT, value: Value::Object(map) },
    }))
}

/// Writes a request. What the format cannot say is left out and named.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let mut map = Map::new();
    put(&mut map, "model", target.model);
    write(map, request)
}

/// Writes a request to Amazon Bedrock.
#[must_use]
pub fn encode_bedrock_request(request: &Request, _target: &Target<'_>) -> Encoded {
    write(Map::new(), request)
}

fn write(mut map: Map<String, Value>, request: &Request) -> Encoded {
    let mut notes = Notes::default();
    put_inputs(&mut map, request, &mut notes);
    put(&mut map, "input_type", encode_purpose(request.purpose.as_ref(), &mut notes));
    let own_base64 = request.base64 == Some(true) && request.types == [NumberType::Float];
    if own_base64 {
        put(&mut map, "embedding_types", vec!["base64"]);
    } else {
        let usual = [NumberType::Float];
        let types = if request.types.is_empty() { usual.as_slice() } else { &request.types };
        let mut words = Vec::with_capacity(types.len());
        for kind in types {
            if *kind == NumberType::Bits {
                notes.meaning("embedding_types", "this provider packs eight bits into each number: `binary`");
            } else {
                words.push(kind.as_str());
            }
        }
        // An own request that said none says none; one of another format asks for floats by name, which old models of
        // Bedrock and new ones understand alike.
        let silent = request.types.is_empty() && marked(&request.extra, "types").is_some();
        if !silent && !words.is_empty() {
            put(&mut map, "embedding_types", words);
        }
    }
    put_some(&mut map, "output_dimension", request.dimensions.as_ref());
    put_some(&mut map, "max_tokens", request.max_tokens.as_ref());
    if let Some(truncate) = request.truncate {
        put(
            &mut map,
            "truncate",
            match truncate {
                Truncate::Never => "NONE",
                Truncate::Start => "START",
                Truncate::End => "END",
            },
        );
    }
    let says = ["dimensions", "types", "input_type", "truncate", "max_tokens"];
    note_unsayable(request, &says, &mut notes);
    note_titles(request, &mut notes);
    merge_extra(&mut map, &request.extra);
    notes.into_encoded(Value::Object(map).to_string().into())
}

fn put_inputs(map: &mut Map<String, Value>, request: &Request, notes: &mut Notes) {
    let is_image = |input: &Input| matches!(input, Input::Other { format: FORMAT, value: Value::String(_) });
    let is_mixture = |input: &Input| match input {
        Input::Pieces(_) => true,
        Input::Other { format, .. } => *format == FORMAT,
        Input::Text(_) | Input::Tokens(_) => false,
    };
    let items = request.inputs.iter().map(|item| &item.input);
    let mut values = Vec::with_capacity(request.inputs.len());
    let name = if !request.inputs.is_empty() && items.clone().all(is_image) {
        "images"
    } else if items.clone().any(is_mixture) {
        "inputs"
    } else {
        "texts"
    };
    for (index, input) in items.enumerate() {
        let text = |text: &str| json!({"type": "text", "text": text});
        match (input, name) {
            (Input::Other { format: FORMAT, value: Value::String(image) }, "inputs") => {
                values.push(json!({"content": [{"type": "image_url", "image_url": {"url": image}}]}));
            }
            (Input::Other { format: FORMAT, value }, _) => values.push(value.clone()),
            (Input::Text(said), "inputs") => values.push(json!({"content": [text(said)]})),
            (Input::Pieces(pieces), "inputs") => {
                let parts: Vec<Value> = pieces.iter().map(|piece| text(piece)).collect();
                values.push(json!({"content": parts}));
            }
            (other, _) => values.extend(other.told(index, notes).map(Value::String)),
        }
    }
    put(map, name, values);
}

fn encode_purpose<'a>(purpose: Option<&'a Purpose>, notes: &mut Notes) -> &'a str {
    match purpose {
        None | Some(Purpose::Document) => "search_document",
        Some(Purpose::Query) => "search_query",
        Some(Purpose::Classification) => "classification",
        Some(Purpose::Clustering) => "clustering",
        Some(Purpose::Image) => "image",
        Some(Purpose::Question | Purpose::FactCheck | Purpose::CodeQuery) => {
            notes.lowered("input_type");
            "search_query"
        }
        // Near texts lie near each other in what is made for groups.
        Some(Purpose::Similarity) => {
            notes.lowered("input_type");
            "clustering"
        }
        Some(Purpose::Other(word)) => word,
    }
}

/// Reads an answer, also one of Bedrock. `kind` is not needed: the format says it.
///
/// # Errors
/// Says what makes it no answer of this format.
pub fn decode_response(body: &[u8], _kind: &NumberType) -> Result<Response, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    no_marks(&mut map);
    let at = Path::Field(path, "embeddings");
    let mut response = Response::default();
    match fields::take(&mut map, "embeddings") {
        Some(Value::Array(vectors)) => {
            take_vectors(&mut response, "float", vectors, &at)?;
            mark(&mut map, "embeddings", "list");
        }
        Some(Value::Object(by_type)) => {
            let mut rest = Map::new();
            for (word, vectors) in by_type {
                match vectors {
                    Value::Array(vectors) => {
                        take_vectors(&mut response, &word, vectors, &Path::Field(&at, &word))?;
                    }
                    other => put(&mut rest, &word, other),
                }
            }
            fields::put_back(&mut map, "embeddings", rest);
        }
        _ => return Err(at.error("required: an object of lists of vectors")),
    }
    response.id = fields::try_string(&mut map, "id");
    response.usage = map.get("meta").and_then(decode_usage);
    response.extra = map;
    Ok(response)
}

fn take_vectors(
    response: &mut Response,
    word: &str,
    vectors: Vec<Value>,
    path: &Path<'_>,
) -> Result<(), DecodeError> {
    let kind = if word == "base64" { NumberType::Float } else { NumberType::from_word(word) };
    for (index, value) in vectors.into_iter().enumerate() {
        let vector = Vector::read(value)
            .filter(|vector| matches!(vector, Vector::Base64(_)) == (word == "base64"))
            .ok_or_else(|| Path::Item(path, index).error("expected a vector"))?;
        let index = u64::try_from(index).unwrap_or(u64::MAX);
        response.embeddings.push(Embedding::new(index, kind.clone(), vector));
    }
    Ok(())
}

/// The counts of `meta`: what is billed, texts and images together.
fn decode_usage(meta: &Value) -> Option<Usage> {
    let count = |group: &str, name: &str| whole(meta.get(group)?.get(name)?);
    let text = count("billed_units", "input_tokens").or_else(|| count("tokens", "input_tokens"));
    let images = count("billed_units", "image_tokens");
    let input = text.unwrap_or(0).saturating_add(images.unwrap_or(0));
    (input > 0).then(|| Usage { input, ..Usage::default() })
}

/// Cohere's counts are floating-point numbers by its documentation.
pub(crate) fn whole(number: &Value) -> Option<u64> {
    let float = || number.as_f64().filter(|n| *n >= 0.0 && *n < 1e15);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    number.as_u64().or_else(|| float().map(|n| n as u64))
}

/// Writes an answer.
///
/// # Errors
/// If a vector cannot be said in the form that the caller asked for.
pub fn encode_response(response: &Response, context: &AnswerContext<'_>) -> Result<Bytes, EncodeError> {
    let mut map = Map::new();
    let id = response.id.as_deref().unwrap_or(context.id);
    if !id.is_empty() {
        put(&mut map, "id", id);
    }
    if let Some(request) = context.request
        && !response.extra.contains_key("texts")
    {
        let texts: Option<Vec<&str>> = request
            .inputs
            .iter()
            .map(|item| if let Input::Text(text) = &item.input { Some(text.as_str()) } else { None })
            .collect();
        put_some(&mut map, "texts", texts.as_ref());
    }
    let is_list = marked(&response.extra, "embeddings").is_some_and(|form| form == "list");
    if is_list {
        let vectors = response.embeddings.iter().map(Embedding::numbers).collect::<Result<Vec<_>, _>>()?;
        put(&mut map, "embeddings", vectors);
    } else {
        put(&mut map, "embeddings", by_type(response, context)?);
    }
    if !response.extra.contains_key("meta")
        && let Some(usage) = &response.usage
    {
        let billed = json!({"input_tokens": usage.total_input()});
        put(&mut map, "meta", json!({"api_version": {"version": "2"}, "billed_units": billed}));
    }
    if context.request.is_some() && !response.extra.contains_key("response_type") {
        put(&mut map, "response_type", if is_list { "embeddings_floats" } else { "embeddings_by_type" });
    }
    merge_extra(&mut map, &response.extra);
    Ok(Value::Object(map).to_string().into())
}

fn by_type(response: &Response, context: &AnswerContext<'_>) -> Result<Map<String, Value>, EncodeError> {
    let mut lists: Map<String, Value> = Map::new();
    let mut order: Vec<&Embedding> = response.embeddings.iter().collect();
    order.sort_by_key(|embedding| embedding.index);
    for embedding in order {
        let value = embedding.shaped(context)?;
        let word = if value.is_string() && embedding.kind == NumberType::Float {
            "base64"
        } else {
            embedding.kind.as_str()
        };
        match lists.get_mut(word) {
            Some(Value::Array(list)) => list.push(value),
            _ => put(&mut lists, word, vec![value]),
        }
    }
    Ok(lists)
}

/// Writes an error body of this format.
#[must_use]
pub fn encode_error(error: &ErrorBody<'_>) -> Bytes {
    let mut map = Map::new();
    put_some(&mut map, "id", error.request_id.map(str::to_owned).as_ref());
    put(&mut map, "message", error.message);
    Value::Object(map).to_string().into()
}
