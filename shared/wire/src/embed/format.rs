//! The formats of embeddings by name, for whoever has to choose among them.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::gemini::Method;
use super::{AnswerContext, NumberType, Request, Response, cohere, gemini, mlflow, openai, titan, voyage};
use crate::dialect::{DecodeError, EncodeError, Encoded, Target};
use crate::usage::Usage;

/// A format in which embeddings are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// OpenAI's, and that of its kin.
    OpenAi,
    /// Voyage AI's.
    Voyage,
    /// Cohere's.
    Cohere,
    /// Cohere's on Amazon Bedrock: the address names the model.
    CohereOnBedrock,
    /// Amazon Titan's.
    Titan,
    /// Gemini's, in one of its ways.
    Gemini(Method),
    /// MLflow's: the address names the endpoint.
    Mlflow,
}

/// What was seen of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// Tokens that were read, where the provider says so.
    pub usage: Option<Usage>,
    /// How many inputs have vectors.
    pub inputs: usize,
}

/// A list of vectors, unread.
#[derive(Deserialize)]
struct List {
    model: Option<String>,
    data: Vec<Unread>,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct Unread {
    #[serde(rename = "embedding")]
    _vector: IgnoredAny,
}

impl Format {
    /// The name in records and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai_embeddings",
            Self::Voyage => "voyage_embeddings",
            Self::Cohere => "cohere_embed",
            Self::CohereOnBedrock => "bedrock_cohere_embed",
            Self::Titan => "bedrock_titan_embed",
            Self::Gemini(Method::EmbedContent) => "gemini_embed_content",
            Self::Gemini(Method::BatchEmbedContents) => "gemini_batch_embed_contents",
            Self::Gemini(Method::Predict) => "vertex_predict",
            Self::Mlflow => "mlflow_embeddings",
        }
    }

    /// A canonical name of a field in the words of this format: who is told what is wrong must find it in the request.
    #[must_use]
    pub fn spelt(self, field: &str) -> String {
        let input = field.strip_prefix("input").filter(|rest| rest.is_empty() || rest.starts_with('['));
        let word = match (self, field) {
            (Self::Cohere | Self::CohereOnBedrock, _) if input.is_some() => {
                return format!("texts{}", input.unwrap_or_default());
            }
            (Self::Gemini(Method::EmbedContent), _) if input.is_some() => {
                if field.ends_with(".title") {
                    "title"
                } else {
                    "content"
                }
            }
            (Self::Gemini(Method::BatchEmbedContents), _) if input.is_some() => {
                return format!("requests{}", input.unwrap_or_default());
            }
            (Self::Gemini(Method::Predict), _) if input.is_some() => {
                return format!("instances{}", input.unwrap_or_default());
            }
            (Self::Gemini(Method::Predict), "input_type") => "task_type",
            (Self::Gemini(_), "input_type") => "taskType",
            (Self::Gemini(_), "dimensions") => "outputDimensionality",
            (Self::Cohere | Self::CohereOnBedrock | Self::Voyage, "dimensions") => "output_dimension",
            (Self::OpenAi | Self::Voyage | Self::Mlflow, "embedding_types") => "output_dtype",
            (Self::Voyage, "truncate") => "truncation",
            (Self::Titan, "embedding_types") => "embeddingTypes",
            (_, other) => other,
        };
        word.to_owned()
    }

    /// Whether the model is in the address of a request, not, or not only, in its body.
    #[must_use]
    pub const fn is_addressed(self) -> bool {
        !matches!(self, Self::OpenAi | Self::Voyage | Self::Cohere)
    }

    /// Reads a request; `model` is what the address names, of no meaning where it names none.
    ///
    /// # Errors
    /// Names the field that is missing or of a wrong type.
    pub fn decode_request(self, model: &str, body: &[u8]) -> Result<Request, DecodeError> {
        match self {
            Self::OpenAi => openai::decode_request(body),
            Self::Voyage => voyage::decode_request(body),
            Self::Cohere => cohere::decode_request(body),
            Self::CohereOnBedrock => cohere::decode_bedrock_request(model, body),
            Self::Titan => titan::decode_request(model, body),
            Self::Gemini(method) => gemini::decode_request(model, method, body),
            Self::Mlflow => mlflow::decode_request(model, body),
        }
    }

    /// Writes a request. What the format cannot say is left out and named.
    #[must_use]
    pub fn encode_request(self, request: &Request, target: &Target<'_>) -> Encoded {
        match self {
            Self::OpenAi => openai::encode_request(request, target),
            Self::Voyage => voyage::encode_request(request, target),
            Self::Cohere => cohere::encode_request(request, target),
            Self::CohereOnBedrock => cohere::encode_bedrock_request(request, target),
            Self::Titan => titan::encode_request(request, target),
            Self::Gemini(method) => gemini::encode_request(request, method, target),
            Self::Mlflow => mlflow::encode_request(request, target),
        }
    }

    /// Reads an answer; `kind` is the type of numbers that was asked for, where the format does not say it.
    ///
    /// # Errors
    /// Says what makes it no answer of this format.
    pub fn decode_response(self, body: &[u8], kind: &NumberType) -> Result<Response, DecodeError> {
        match self {
            Self::OpenAi => openai::decode_response(body, kind),
            Self::Voyage => voyage::decode_response(body, kind),
            Self::Cohere | Self::CohereOnBedrock => cohere::decode_response(body, kind),
            Self::Titan => titan::decode_response(body, kind),
            Self::Gemini(_) => gemini::decode_response(body, kind),
            Self::Mlflow => mlflow::decode_response(body, kind),
        }
    }

    /// Looks at an answer that is passed on as it is, without keeping its vectors.
    ///
    /// # Errors
    /// Says what makes it no answer of this format.
    pub fn peek_response(self, body: &[u8]) -> Result<Seen, DecodeError> {
        let listed = matches!(self, Self::OpenAi | Self::Voyage | Self::Mlflow);
        // What is odd is read in full, which says what is wrong with it.
        if let Some(list) = listed.then(|| serde_json::from_slice::<List>(body).ok()).flatten() {
            let usage = match self {
                Self::Voyage => voyage::usage_of(&list.usage),
                _ => openai::usage_of(&list.usage),
            };
            return Ok(Seen { model: list.model, usage, inputs: list.data.len() });
        }
        let response = self.decode_response(body, &NumberType::Float)?;
        let inputs = response.inputs();
        Ok(Seen { model: response.model, usage: response.usage, inputs })
    }

    /// Writes an answer.
    ///
    /// # Errors
    /// If a vector cannot be said in the form that the caller asked for.
    pub fn encode_response(
        self,
        response: &Response,
        context: &AnswerContext<'_>,
    ) -> Result<Bytes, EncodeError> {
        match self {
            Self::OpenAi => openai::encode_response(response, context),
            Self::Voyage => voyage::encode_response(response, context),
            Self::Cohere | Self::CohereOnBedrock => cohere::encode_response(response, context),
            Self::Titan => titan::encode_response(response, context),
            Self::Gemini(method) => gemini::encode_response(response, method, context),
            Self::Mlflow => mlflow::encode_response(response, context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_at_an_answer_says_what_its_reader_says() {
        let openai = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]},{"object":"embedding",
            "index":1,"embedding":"AAAAPw=="}],"model":"m","usage":{"prompt_tokens":7,"total_tokens":7}}"#;
        let voyage = r#"{"data":[{"index":0,"embedding":[1]}],"model":"v","usage":{"total_tokens":3}}"#;
        let cohere = r#"{"embeddings":{"float":[[1],[2]],"int8":[[1],[2]]},"meta":{"billed_units":{"input_tokens":4}}}"#;
        let gemini = r#"{"embeddings":[{"values":[1]},{"values":[2]},{"values":[3]}]}"#;
        let batch = Format::Gemini(Method::BatchEmbedContents);
        for (format, body, inputs, tokens) in [
            (Format::OpenAi, openai, 2, Some(7)),
            (Format::Voyage, voyage, 1, Some(3)),
            (Format::Cohere, cohere, 2, Some(4)),
            (batch, gemini, 3, None),
        ] {
            let seen = format.peek_response(body.as_bytes()).unwrap();
            let read = format.decode_response(body.as_bytes(), &NumberType::Float).unwrap();
            assert_eq!((seen.inputs, seen.usage.map(|usage| usage.input)), (inputs, tokens), "{format:?}");
            assert_eq!(
                (seen.inputs, seen.usage, seen.model),
                (read.inputs(), read.usage, read.model),
                "{format:?}"
            );
        }
        for bad in ["", "[]", r#"{"data":[{"index":0}]}"#, r#"{"data":[5]}"#, r#"{"object":"list"}"#] {
            let seen = Format::OpenAi.peek_response(bad.as_bytes());
            let read = Format::OpenAi.decode_response(bad.as_bytes(), &NumberType::Float);
            assert_eq!(seen.unwrap_err(), read.unwrap_err(), "{bad}");
        }
    }

    #[test]
    fn fields_are_named_in_the_callers_words() {
        let batch = Format::Gemini(Method::BatchEmbedContents);
        for (format, field, word) in [
            (Format::OpenAi, "input[2]", "input[2]"),
            (Format::OpenAi, "input_type", "input_type"),
            (Format::Cohere, "input[2]", "texts[2]"),
            (Format::Cohere, "input_type", "input_type"),
            (Format::Cohere, "dimensions", "output_dimension"),
            (batch, "input[2].title", "requests[2].title"),
            (batch, "input_type", "taskType"),
            (Format::Gemini(Method::EmbedContent), "input[0]", "content"),
            (Format::Voyage, "truncate", "truncation"),
        ] {
            assert_eq!(format.spelt(field), word, "{format:?}");
        }
    }
}
