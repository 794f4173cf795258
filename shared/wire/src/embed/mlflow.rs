//! Embeddings as MLflow's gateway and Databricks' serving endpoints take them (`llm/v1/embeddings`): OpenAI's format,
//! but the model is the endpoint that the URL names, and is not said in the request.

use serde_json::Map;

pub use super::openai::{decode_response, encode_response};
use super::{Request, mark, marked, openai};
use crate::dialect::fields;
pub use crate::dialect::mlflow::{decode_fault_at, encode_error};
use crate::dialect::{DecodeError, Encoded, Target};

/// Reads a request to the endpoint `name`. A model that is said all the same is kept for the provider of this format.
///
/// # Errors
/// Names the field that is missing or of a wrong type.
pub fn decode_request(name: &str, body: &[u8]) -> Result<Request, DecodeError> {
    let mut map = fields::parse_object(body)?;
    let model = fields::string(&mut map, &fields::Path::Root, "model")?;
    let mut request = openai::read(name.to_owned(), map)?;
    if let Some(model) = model {
        mark(&mut request.extra, "model", model);
    }
    Ok(request)
}

/// Writes a request; the URL says the model.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let mut map = Map::new();
    if let Some(model) = marked(&request.extra, "model") {
        map.insert("model".to_owned(), model.clone());
    }
    openai::write(map, request, target)
}
