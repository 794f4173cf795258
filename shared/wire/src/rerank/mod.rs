//! Reranking: documents in, their relevance to a question out.
//!
//! There are two families: Cohere's format and Jina's, which differ in little and are read as one ([`cohere`]), and
//! Voyage's ([`voyage`]). A caller of `POST /v1/rerank` speaks the first; which answer it gets follows from what it
//! knows: all of `id`, `results`, `meta`, `model` and `usage` are said, and each client takes what it knows.

pub mod cohere;
mod format;
#[cfg(test)]
mod tests;
pub mod voyage;

use serde_json::{Number, Value};

pub use format::Format;

use crate::chat::{Extra, foreign};
use crate::usage::Usage;

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The model's name, as said.
    pub model: String,
    /// The question.
    pub query: String,
    /// What to rank.
    pub documents: Vec<Document>,
    /// How many of the best to give; all when not said.
    pub top_n: Option<u64>,
    /// Whether to give the documents back with their ranks.
    pub return_documents: Option<bool>,
    /// The most tokens of each document to read (Cohere).
    pub max_tokens_per_document: Option<u64>,
    /// Whether to cut what is too long, instead of refusing it (Voyage).
    pub truncate: Option<bool>,
    /// Which fields of documents that are objects to read (Cohere v1, Together).
    pub rank_fields: Option<Vec<String>>,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Request {
    /// Takes away what only the format of origin understands. Returns the names of the fields that said something.
    pub fn leave_extra(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        foreign::take(&mut self.extra, "", &mut left);
        left
    }
}

/// What is ranked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// A text.
    Text(String),
    /// An object of fields; `text` is its text, if there is one.
    Fields(Extra),
}

impl Document {
    /// As JSON.
    #[must_use]
    pub fn as_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.clone()),
            Self::Fields(fields) => Value::Object(fields.clone()),
        }
    }

    /// The text, if it is one or says nothing but a text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Fields(fields) if fields.len() == 1 => fields.get("text")?.as_str(),
            Self::Fields(_) => None,
        }
    }
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// The best documents, best first as a rule.
    pub results: Vec<Ranked>,
    /// Tokens that were read, where the provider says so. The vendor's own object stays in `extra`.
    pub usage: Option<Usage>,
    /// Searches that are billed (Cohere bills those, not tokens).
    pub search_units: Option<u64>,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Response {
    /// Takes away what only the format of origin understands, before the answer is told in another.
    pub fn leave_extra(&mut self) {
        self.extra.clear();
        self.results.iter_mut().for_each(|ranked| ranked.extra.clear());
    }
}

/// A document's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// Which of the request's documents, from 0.
    pub index: u64,
    /// How relevant it is, usually from 0 to 1.
    pub score: Number,
    /// The document, where it is given back.
    pub document: Option<Document>,
    /// What the format said beyond this.
    pub extra: Extra,
}

/// What a writer of an answer must know beside the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnswerContext<'a> {
    /// Letters and digits that no other answer has.
    pub id: &'a str,
    /// The model's name as the caller knows it.
    pub model: &'a str,
    /// What was asked: documents that the caller wants back and the provider does not give are taken from it.
    pub request: Option<&'a Request>,
}

impl Ranked {
    /// The document to tell: the provider's, or the caller's own if it asked for it.
    fn told<'a>(&'a self, context: &AnswerContext<'a>) -> Option<&'a Document> {
        let asked = context.request.filter(|request| request.return_documents == Some(true));
        self.document.as_ref().or_else(|| asked?.documents.get(usize::try_from(self.index).ok()?))
    }
}
