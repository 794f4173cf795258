//! An answer of embeddings.

use serde_json::Value;

use super::{NumberType, Request, Vector};
use crate::chat::Extra;
use crate::dialect::EncodeError;
use crate::usage::Usage;

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// When, in seconds since 1970.
    pub created: Option<u64>,
    /// The vectors: one for each input and type of numbers.
    pub embeddings: Vec<Embedding>,
    /// Tokens that were read, where the provider says so. The vendor's own object stays in `extra`.
    pub usage: Option<Usage>,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Response {
    /// Takes away what only the format of origin understands, before the answer is told in another.
    pub fn leave_extra(&mut self) {
        self.extra.clear();
        self.embeddings.iter_mut().for_each(|embedding| embedding.extra.clear());
    }

    /// How many inputs have vectors.
    #[must_use]
    pub fn inputs(&self) -> usize {
        let places: std::collections::BTreeSet<u64> =
            self.embeddings.iter().map(|embedding| embedding.index).collect();
        places.len()
    }

    /// One answer out of those to the pieces of a request, in order, each with the number of inputs it answers. What was
    /// consumed is known only if every piece says it. `extra` of the pieces is left behind.
    #[must_use]
    pub fn join(pieces: impl IntoIterator<Item = (usize, Self)>) -> Self {
        let mut whole = Self { usage: Some(Usage::default()), ..Self::default() };
        let mut before = 0_u64;
        for (inputs, mut piece) in pieces {
            piece.leave_extra();
            whole.id = whole.id.or(piece.id);
            whole.model = whole.model.or(piece.model);
            whole.created = whole.created.or(piece.created);
            whole.usage = match (whole.usage, piece.usage) {
                (Some(all), Some(more)) => Some(Usage {
                    input: all.input.saturating_add(more.total_input()),
                    output: all.output.saturating_add(more.total_output()),
                    ..Usage::default()
                }),
                _ => None,
            };
            for embedding in piece.embeddings {
                let index = before.saturating_add(embedding.index);
                whole.embeddings.push(Embedding { index, ..embedding });
            }
            before = before.saturating_add(u64::try_from(inputs).unwrap_or(u64::MAX));
        }
        whole
    }
}

/// One vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embedding {
    /// Of which input, from 0.
    pub index: u64,
    /// Of what type its numbers are.
    pub kind: NumberType,
    /// The vector.
    pub vector: Vector,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Embedding {
    /// A vector with nothing else said about it.
    #[must_use]
    pub fn new(index: u64, kind: NumberType, vector: Vector) -> Self {
        Self { index, kind, vector, extra: Extra::new() }
    }

    /// As JSON, in the form that the caller asked for; as it came when that is not known.
    pub(super) fn shaped(&self, context: &AnswerContext<'_>) -> Result<Value, EncodeError> {
        let Some(request) = context.request else { return Ok(self.vector.as_value()) };
        let said = if request.base64 == Some(true) {
            self.vector.base64(&self.kind).map(Value::String)
        } else {
            self.listed()
        };
        said.map_err(|reason| self.unsayable(reason))
    }

    /// As a JSON list.
    pub(super) fn numbers(&self) -> Result<Value, EncodeError> {
        self.listed().map_err(|reason| self.unsayable(reason))
    }

    fn listed(&self) -> Result<Value, &'static str> {
        Ok(self.vector.numbers(&self.kind)?.into_iter().map(Value::Number).collect())
    }

    fn unsayable(&self, reason: &str) -> EncodeError {
        EncodeError { field: format!("embeddings[{}]", self.index), reason: reason.to_owned() }
    }
}

/// What a writer of an answer must know beside the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnswerContext<'a> {
    /// Letters and digits that no other answer has, for formats whose answers have an id.
    pub id: &'a str,
    /// The model's name as the caller knows it.
    pub model: &'a str,
    /// What was asked: decides between base64 and lists; some formats repeat it. Without it vectors stay as they came.
    pub request: Option<&'a Request>,
}
