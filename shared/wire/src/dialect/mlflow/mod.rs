//! MLflow's AI Gateway and Databricks' serving endpoints (`mlflow.org/docs/latest/genai/governance/ai-gateway`,
//! `docs.databricks.com/machine-learning/foundation-model-apis/api-reference`).
//!
//! What is asked goes to an endpoint that the URL names, `.../NAME/invocations`, and has the form of the endpoint's type:
//! `llm/v1/chat` and `llm/v1/completions` are near OpenAI's formats, without the model; `llm/v1/embeddings` is
//! [`crate::embed::mlflow`]. [`endpoints`] tells MLflow's clients which endpoints there are.

pub mod chat;
pub mod completions;
pub mod endpoints;
mod error;
mod shape;
#[cfg(test)]
mod tests;

pub use error::{decode_fault_at, encode_databricks_error, encode_error};
pub use shape::{Shape, address, leave_model};

use crate::chat::Response;
use crate::dialect::AnswerContext;

/// An answer with all that these formats require: MLflow's client and servers refuse one without `created` and `model`.
fn complete(response: &Response, context: &AnswerContext) -> Response {
    let mut response = response.clone();
    response.id = response.id.or_else(|| (!context.id.is_empty()).then(|| context.id.clone()));
    response.created = response.created.or(Some(context.created));
    response.model = response.model.or_else(|| Some(context.model.clone()));
    response
}
