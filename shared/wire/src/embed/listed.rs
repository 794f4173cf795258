//! The list of vectors that OpenAI's format has, and with it those of Voyage, Mistral and MLflow.

use serde_json::{Map, Value};

use super::{AnswerContext, Embedding, NumberType, Response, Vector, merge_extra, no_marks};
use crate::chat::Extra;
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::{DecodeError, EncodeError};

/// Reads the whole answer but for its usage.
pub(super) fn read(body: &[u8], kind: &NumberType) -> Result<Response, DecodeError> {
    let mut map = fields::parse_object(body)?;
    no_marks(&mut map);
    let path = &Path::Root;
    let at = Path::Field(path, "data");
    let data = fields::array(&mut map, path, "data")?.ok_or_else(|| at.error("required: an array"))?;
    let mut embeddings = Vec::with_capacity(data.len());
    for (position, value) in data.into_iter().enumerate() {
        let place = Path::Item(&at, position);
        let mut item = fields::into_object(&place, value)?;
        no_marks(&mut item);
        let vector = fields::take(&mut item, "embedding").and_then(Vector::read).ok_or_else(|| {
            place.field_error("embedding", "required: an array of numbers or a text of base64")
        })?;
        let counted = u64::try_from(position).unwrap_or(u64::MAX);
        let index = fields::try_whole(&mut item, "index").unwrap_or(counted);
        fields::take_if(&mut item, "object", |object| object == "embedding");
        embeddings.push(Embedding { index, kind: kind.clone(), vector, extra: item });
    }
    fields::take_if(&mut map, "object", |object| object == "list");
    Ok(Response {
        id: fields::try_string(&mut map, "id"),
        model: fields::try_string(&mut map, "model"),
        created: fields::try_whole(&mut map, "created"),
        embeddings,
        usage: None,
        extra: map,
    })
}

/// Writes the whole answer, with a usage object unless the vendor's own is there.
pub(super) fn write(
    response: &Response,
    context: &AnswerContext<'_>,
    usage: Option<Value>,
) -> Result<Map<String, Value>, EncodeError> {
    let mut map = Map::new();
    put_some(&mut map, "id", response.id.as_ref());
    put_unless(&mut map, &response.extra, "object", "list");
    let mut data = Vec::with_capacity(response.embeddings.len());
    for embedding in &response.embeddings {
        let mut item = Map::new();
        put_unless(&mut item, &embedding.extra, "object", "embedding");
        put(&mut item, "embedding", embedding.shaped(context)?);
        put(&mut item, "index", embedding.index);
        merge_extra(&mut item, &embedding.extra);
        data.push(Value::Object(item));
    }
    put(&mut map, "data", data);
    put_some(&mut map, "created", response.created.as_ref());
    let model = response.model.as_deref().unwrap_or(context.model);
    if !model.is_empty() {
        put(&mut map, "model", model);
    }
    if !response.extra.contains_key("usage")
        && let Some(usage) = usage
    {
        put(&mut map, "usage", usage);
    }
    merge_extra(&mut map, &response.extra);
    Ok(map)
}

fn put_unless(map: &mut Map<String, Value>, extra: &Extra, name: &str, word: &str) {
    if !extra.contains_key(name) {
        put(map, name, word);
    }
}
