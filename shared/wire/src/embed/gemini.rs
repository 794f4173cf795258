//! Gemini's `embedContent` and `batchEmbedContents` (`ai.google.dev/api/embeddings`), and `predict` of the text models on
//! Vertex AI (`cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api`).
//!
//! The URL names the model and the way. In a batch purpose and size are said for each input; what is the same in all
//! of them is read as said once, what differs stays where it is.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::request::note_unsayable;
use super::{
    AnswerContext, Embedding, Input, Item, NumberType, Purpose, Request, Response, Truncate, Vector, mark,
    marked, merge_extra, no_marks,
};
use crate::chat::Extra;
use crate::dialect::fields::{self, Path, put, put_some};
pub use crate::dialect::gemini::{decode_fault_at, encode_error};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, EncodeError, Encoded, Target};
use crate::usage::Usage;

/// The name of this format where an input is in its words.
const FORMAT: &str = "gemini";

/// Which of the ways to ask is used: the word behind the model in the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `:embedContent`: one input.
    EmbedContent,
    /// `:batchEmbedContents`: any number.
    BatchEmbedContents,
    /// `:predict` of Vertex AI.
    Predict,
}

/// Reads a request for the model that the URL names.
///
/// # Errors
/// Names the field that is missing or of a wrong type.
pub fn decode_request(model: &str, method: Method, body: &[u8]) -> Result<Request, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    no_marks(&mut map);
    let mut request = Request { model: model.to_owned(), listed: true, ..Request::default() };
    match method {
        Method::EmbedContent => {
            request.listed = false;
            let item = take_item(&mut map, model, path)?;
            request.inputs.push(Item { extra: map, ..item });
            lift_purpose(&mut request, "taskType");
            lift_size(&mut request)?;
            request.extra =
                request.inputs.first_mut().map(|item| std::mem::take(&mut item.extra)).unwrap_or_default();
        }
        Method::BatchEmbedContents => {
            for (map, place) in take_list(&mut map, "requests")? {
                let at = Path::Field(path, "requests");
                let place = Path::Item(&at, place);
                let mut inner = fields::into_object(&place, map)?;
                no_marks(&mut inner);
                let item = take_item(&mut inner, model, &place)?;
                request.inputs.push(Item { extra: inner, ..item });
            }
            lift_purpose(&mut request, "taskType");
            lift_size(&mut request)?;
            request.extra = map;
        }
        Method::Predict => {
            for (map, place) in take_list(&mut map, "instances")? {
                let at = Path::Field(path, "instances");
                let place = Path::Item(&at, place);
                let mut inner = fields::into_object(&place, map)?;
                no_marks(&mut inner);
                let text = fields::need_string(&mut inner, &place, "content")?;
                let title = fields::string(&mut inner, &place, "title")?;
                request.inputs.push(Item { input: Input::Text(text), title, extra: inner });
            }
            lift_purpose(&mut request, "task_type");
            if let Some(mut inner) = fields::object(&mut map, path, "parameters")? {
                let at = Path::Field(path, "parameters");
                request.dimensions = fields::positive(&mut inner, &at, "outputDimensionality")?;
                request.truncate = fields::boolean(&mut inner, &at, "autoTruncate")?
                    .map(|cut| if cut { Truncate::End } else { Truncate::Never });
                // What is left, and an object that was empty from the start.
                if !inner.is_empty() || (request.dimensions.is_none() && request.truncate.is_none()) {
                    put(&mut map, "parameters", inner);
                }
            }
            request.extra = map;
        }
    }
    Ok(request)
}

fn take_list(map: &mut Extra, name: &str) -> Result<Vec<(Value, usize)>, DecodeError> {
    let at = Path::Field(&Path::Root, name);
    let list = fields::array(map, &Path::Root, name)?
        .ok_or_else(|| at.error("required: an array of at least one request"))?;
    if list.is_empty() {
        return Err(at.error("expected at least one request, found an empty array"));
    }
    Ok(list.into_iter().enumerate().map(|(index, value)| (value, index)).collect())
}

/// Takes `content` and `title`; `model` goes if it is the one that the URL names.
fn take_item(map: &mut Extra, model: &str, path: &Path<'_>) -> Result<Item, DecodeError> {
    let content = fields::object(map, path, "content")?
        .ok_or_else(|| path.field_error("content", "required: an object with `parts`"))?;
    let parts = content.get("parts").and_then(Value::as_array).filter(|parts| !parts.is_empty());
    let parts = parts.ok_or_else(|| {
        Path::Field(path, "content").field_error("parts", "required: an array of at least one part")
    })?;
    let text = |part: &Value| {
        let part = part.as_object().filter(|part| part.len() == 1)?;
        part.get("text")?.as_str().map(str::to_owned)
    };
    let texts = parts.iter().map(text).collect::<Option<Vec<_>>>();
    let role = content.get("role").cloned();
    let known = content.len() == 1 || (content.len() == 2 && role.is_some());
    let input = match texts {
        Some(mut texts) if known => match texts.pop() {
            Some(only) if texts.is_empty() => Input::Text(only),
            last => {
                texts.extend(last);
                Input::Pieces(texts)
            }
        },
        _ => Input::Other { format: FORMAT, value: Value::Object(content) },
    };
    if let (Some(role), false) = (role, matches!(input, Input::Other { .. })) {
        // Vectors are the same whoever speaks.
        mark(map, "role", role);
    }
    let title = fields::string(map, path, "title")?;
    if fields::take_if(map, "model", |said| said.as_str().is_some_and(|said| same_model(said, model)))
        .is_some()
    {
        mark(map, "model", true);
    }
    Ok(Item { input, title, extra: Extra::new() })
}

fn same_model(said: &str, model: &str) -> bool {
    said == full_name(model)
}

fn full_name(model: &str) -> String {
    if model.contains('/') { model.to_owned() } else { format!("models/{model}") }
}

/// Takes the purpose out of the inputs where all of them say the same.
fn lift_purpose(request: &mut Request, name: &str) {
    let word = common(&request.inputs, name).and_then(|value| value.as_str().map(str::to_owned));
    let Some(word) = word else { return };
    request.purpose = Some(match word.as_str() {
        "RETRIEVAL_QUERY" => Purpose::Query,
        "RETRIEVAL_DOCUMENT" => Purpose::Document,
        "SEMANTIC_SIMILARITY" => Purpose::Similarity,
        "CLASSIFICATION" => Purpose::Classification,
        "CLUSTERING" => Purpose::Clustering,
        "QUESTION_ANSWERING" => Purpose::Question,
        "FACT_VERIFICATION" => Purpose::FactCheck,
        "CODE_RETRIEVAL_QUERY" => Purpose::CodeQuery,
        _ => Purpose::Other(word),
    });
    request.inputs.iter_mut().for_each(|item| drop(item.extra.shift_remove(name)));
}

/// Takes the size out of the inputs where all of them say the same.
fn lift_size(request: &mut Request) -> Result<(), DecodeError> {
    let name = "outputDimensionality";
    let Some(value) = common(&request.inputs, name) else { return Ok(()) };
    let wanted = value.as_u64().filter(|size| *size > 0);
    let wanted =
        wanted.ok_or_else(|| Path::Root.field_error(name, "expected a whole number of at least 1"))?;
    request.dimensions = Some(wanted);
    request.inputs.iter_mut().for_each(|item| drop(item.extra.shift_remove(name)));
    Ok(())
}

/// What all inputs say under a name.
fn common<'a>(items: &'a [Item], name: &str) -> Option<&'a Value> {
    let first = items.first()?.extra.get(name).filter(|value| !value.is_null())?;
    items.iter().all(|item| item.extra.get(name) == Some(first)).then_some(first)
}

/// Writes a request, in the way that the URL will name. What the format cannot say is left out and named.
#[must_use]
pub fn encode_request(request: &Request, method: Method, target: &Target<'_>) -> Encoded {
    let mut notes = Notes::default();
    let mut map = Map::new();
    let mut says = vec!["dimensions", "input_type"];
    let purpose = encode_purpose(request.purpose.as_ref(), &mut notes);
    let mut items = Vec::with_capacity(request.inputs.len());
    for (index, item) in request.inputs.iter().enumerate() {
        if method == Method::Predict {
            let mut inner = Map::new();
            put_some(&mut inner, "content", item.input.told(index, &mut notes).as_ref());
            put_some(&mut inner, "task_type", purpose.map(str::to_owned).as_ref());
            put_some(&mut inner, "title", item.title.as_ref());
            merge_extra(&mut inner, &item.extra);
            items.push(inner);
            continue;
        }
        let own = if method == Method::EmbedContent { &request.extra } else { &item.extra };
        let Some(content) = encode_content(item, own, index, &mut notes) else { continue };
        let mut inner = Map::new();
        if method == Method::BatchEmbedContents || marked(own, "model").is_some() {
            put(&mut inner, "model", full_name(target.model));
        }
        put(&mut inner, "content", content);
        put_some(&mut inner, "taskType", purpose.map(str::to_owned).as_ref());
        put_some(&mut inner, "title", item.title.as_ref());
        put_some(&mut inner, "outputDimensionality", request.dimensions.as_ref());
        merge_extra(&mut inner, &item.extra);
        items.push(inner);
    }
    match method {
        Method::BatchEmbedContents => put(&mut map, "requests", objects(items)),
        Method::EmbedContent => {
            let mut items = items.into_iter();
            map.extend(items.next().unwrap_or_default());
            for (index, _) in items.enumerate() {
                let field = format!("input[{}]", index.saturating_add(1));
                notes.meaning(field, "`embedContent` embeds one input; use `batchEmbedContents`");
            }
        }
        Method::Predict => {
            put(&mut map, "instances", objects(items));
            let mut parameters = Map::new();
            put_some(&mut parameters, "outputDimensionality", request.dimensions.as_ref());
            match request.truncate {
                None => {}
                Some(Truncate::Start) => {
                    notes.hint(
                        "truncate",
                        "this provider leaves out the end of an input, never its beginning",
                    );
                }
                Some(cut) => put(&mut parameters, "autoTruncate", cut == Truncate::End),
            }
            says.push("truncate");
            fields::put_back(&mut map, "parameters", parameters);
        }
    }
    note_unsayable(request, &says, &mut notes);
    merge_extra(&mut map, &request.extra);
    notes.into_encoded(Value::Object(map).to_string().into())
}

fn objects(items: Vec<Map<String, Value>>) -> Vec<Value> {
    items.into_iter().map(Value::Object).collect()
}

fn encode_content(item: &Item, own: &Extra, index: usize, notes: &mut Notes) -> Option<Value> {
    let mut content = Map::new();
    let parts: Vec<Value> = match &item.input {
        Input::Other { format: FORMAT, value } => return Some(value.clone()),
        Input::Pieces(pieces) => pieces.iter().map(|piece| json!({"text": piece})).collect(),
        other => vec![json!({"text": other.told(index, notes)?})],
    };
    if let Some(role) = marked(own, "role") {
        put(&mut content, "role", role.clone());
    }
    put(&mut content, "parts", parts);
    Some(Value::Object(content))
}

fn encode_purpose<'a>(purpose: Option<&'a Purpose>, notes: &mut Notes) -> Option<&'a str> {
    Some(match purpose? {
        Purpose::Query => "RETRIEVAL_QUERY",
        Purpose::Document => "RETRIEVAL_DOCUMENT",
        Purpose::Similarity => "SEMANTIC_SIMILARITY",
        Purpose::Classification => "CLASSIFICATION",
        Purpose::Clustering => "CLUSTERING",
        Purpose::Question => "QUESTION_ANSWERING",
        Purpose::FactCheck => "FACT_VERIFICATION",
        Purpose::CodeQuery => "CODE_RETRIEVAL_QUERY",
        Purpose::Image => {
            notes.hint("input_type", "this provider has no such purpose");
            return None;
        }
        Purpose::Other(word) => word,
    })
}

/// Reads an answer of any of the ways. `kind` is not needed: there are floats only.
///
/// # Errors
/// Says what makes it no answer of this format.
pub fn decode_response(body: &[u8], _kind: &NumberType) -> Result<Response, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    no_marks(&mut map);
    let mut response = Response::default();
    let mut counted = Some(0_u64);
    if let Some(one) = fields::object(&mut map, path, "embedding")? {
        response.embeddings.push(take_vector(one, 0, &Path::Field(path, "embedding"))?.0);
        counted = None;
    } else if let Some(list) = fields::array(&mut map, path, "embeddings")? {
        let at = Path::Field(path, "embeddings");
        for (index, value) in list.into_iter().enumerate() {
            let place = Path::Item(&at, index);
            let inner = fields::into_object(&place, value)?;
            response.embeddings.push(take_vector(inner, index, &place)?.0);
        }
        counted = None;
    } else if let Some(list) = fields::array(&mut map, path, "predictions")? {
        let at = Path::Field(path, "predictions");
        for (index, value) in list.into_iter().enumerate() {
            let place = Path::Item(&at, index);
            let mut outer = fields::into_object(&place, value)?;
            let inner = fields::object(&mut outer, &place, "embeddings")?
                .ok_or_else(|| place.field_error("embeddings", "required: an object with `values`"))?;
            let (mut embedding, tokens) = take_vector(inner, index, &Path::Field(&place, "embeddings"))?;
            counted = counted.and_then(|all| all.checked_add(tokens?));
            fields::put_back(&mut outer, "embeddings", std::mem::take(&mut embedding.extra));
            embedding.extra = outer;
            response.embeddings.push(embedding);
        }
    } else {
        return Err(path.field_error("embeddings", "required: an array of objects with `values`"));
    }
    let stated = map.get("usageMetadata").and_then(|usage| usage.get("promptTokenCount")?.as_u64());
    let input = stated.or(counted).filter(|tokens| *tokens > 0);
    response.usage = input.map(|input| Usage { input, ..Usage::default() });
    response.extra = map;
    Ok(response)
}

/// The vector, and how many tokens its text has where Vertex AI says so.
fn take_vector(
    mut map: Extra,
    index: usize,
    path: &Path<'_>,
) -> Result<(Embedding, Option<u64>), DecodeError> {
    let vector = fields::take(&mut map, "values").and_then(Vector::read);
    let vector = vector
        .filter(|vector| matches!(vector, Vector::Numbers(_)))
        .ok_or_else(|| path.field_error("values", "required: an array of numbers"))?;
    let tokens = map.get("statistics").and_then(|said| super::cohere::whole(said.get("token_count")?));
    let index = u64::try_from(index).unwrap_or(u64::MAX);
    Ok((Embedding { extra: map, ..Embedding::new(index, NumberType::Float, vector) }, tokens))
}

/// Writes an answer, in the way that was asked.
///
/// # Errors
/// If a vector is not valid base64 of floats.
pub fn encode_response(
    response: &Response,
    method: Method,
    _context: &AnswerContext<'_>,
) -> Result<Bytes, EncodeError> {
    let mut map = Map::new();
    let mut items = Vec::with_capacity(response.embeddings.len());
    for embedding in &response.embeddings {
        let mut item = Map::new();
        put(&mut item, "values", embedding.numbers()?);
        if method == Method::Predict {
            item = Map::from_iter([("embeddings".to_owned(), Value::Object(item))]);
        }
        merge_extra(&mut item, &embedding.extra);
        items.push(Value::Object(item));
    }
    match method {
        Method::EmbedContent => put(&mut map, "embedding", items.into_iter().next().unwrap_or_default()),
        Method::BatchEmbedContents => put(&mut map, "embeddings", items),
        Method::Predict => put(&mut map, "predictions", items),
    }
    if !response.extra.contains_key("usageMetadata")
        && method != Method::Predict
        && let Some(usage) = &response.usage
    {
        put(&mut map, "usageMetadata", json!({"promptTokenCount": usage.total_input()}));
    }
    merge_extra(&mut map, &response.extra);
    Ok(Value::Object(map).to_string().into())
}
