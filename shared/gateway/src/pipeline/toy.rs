//! What the built-in demo makes of texts: toys that show the wire formats and need no network.
//!
//! `demo/embed` counts words: each word adds to one number of the vector, chosen by the word. Texts that share words get
//! vectors that lie near each other, and the same text always gets the same vector. It knows nothing of meaning.
//! `demo/rerank` tells how many of the question's words a document has.

use std::collections::BTreeSet;

use postern_wire::Usage;
use postern_wire::embed::{Embedding, Input, NumberType, Request, Response, Vector};
use postern_wire::rerank::{self, Document, Ranked};
use serde_json::Number;

use crate::error::{ErrorKind, GatewayError};

/// The demo's model for embeddings.
pub(super) const EMBED: &str = "embed";
/// The demo's model for ranking.
pub(super) const RERANK: &str = "rerank";
/// How long its vectors are unless asked otherwise, and at most.
const DIMENSIONS: u64 = 64;
const MOST_DIMENSIONS: u64 = 4096;

/// Embeds texts.
pub(super) fn embed(request: &Request, model: &str) -> Result<Response, GatewayError> {
    named(model, EMBED, "embeddings")?;
    let refuse = |field: &str, what: &str| {
        let text = format!("{field}: the demo {what}; name a real model");
        Err(GatewayError::new(ErrorKind::InvalidRequest, text).at(field))
    };
    let length = request.dimensions.unwrap_or(DIMENSIONS);
    if length > MOST_DIMENSIONS {
        return refuse("dimensions", "has at most 4096 of them");
    }
    if request.types.iter().any(|kind| *kind != NumberType::Float) {
        return refuse("embedding_types", "gives floats only");
    }
    let mut response = Response { model: Some(model.to_owned()), ..Response::default() };
    let mut words = 0_u64;
    for (index, item) in request.inputs.iter().enumerate() {
        let heard: Vec<u64> = match (&item.input, item.input.as_text()) {
            (_, Some(text)) => words_of(&text).map(|word| hash(word.as_bytes())).collect(),
            (Input::Tokens(tokens), None) => tokens.iter().map(|token| hash(&token.to_le_bytes())).collect(),
            (_, None) => return refuse(&format!("input[{index}]"), "embeds texts only"),
        };
        words = words.saturating_add(heard.len() as u64);
        let vector = Vector::Numbers(vector(&heard, length));
        response.embeddings.push(Embedding::new(index as u64, NumberType::Float, vector));
    }
    response.usage = Some(Usage { input: words, ..Usage::default() });
    Ok(response)
}

/// Ranks documents.
pub(super) fn rerank(request: &rerank::Request, model: &str) -> Result<rerank::Response, GatewayError> {
    named(model, RERANK, "reranking")?;
    let query: BTreeSet<String> = words_of(&request.query).collect();
    let mut read = 0_u64;
    let mut results: Vec<(f64, u64)> = Vec::with_capacity(request.documents.len());
    for (index, document) in request.documents.iter().enumerate() {
        let text = match document {
            Document::Text(text) => text.clone(),
            Document::Fields(_) => document.as_value().to_string(),
        };
        let words: Vec<String> = words_of(&text).collect();
        read = read.saturating_add((words.len() + query.len()) as u64);
        let shared = query.iter().filter(|word| words.contains(word)).count();
        results.push((shared as f64 / query.len().max(1) as f64, index as u64));
    }
    // Equally near ones stay in the caller's order.
    results.sort_by(|a, b| b.0.total_cmp(&a.0));
    let most = request.top_n.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let ranked = |(score, index): (f64, u64)| {
        let score = Number::from_f64(score)?;
        Some(Ranked { index, score, document: None, extra: <_>::default() })
    };
    Ok(rerank::Response {
        model: Some(model.to_owned()),
        results: results.into_iter().take(most).filter_map(ranked).collect(),
        usage: Some(Usage { input: read, ..Usage::default() }),
        ..rerank::Response::default()
    })
}

/// Refuses another model than the demo's.
fn named(model: &str, own: &str, what: &str) -> Result<(), GatewayError> {
    if model == own {
        return Ok(());
    }
    let text = format!("the demo has no model `{model}` for {what}: it has `{own}`");
    Err(GatewayError::new(ErrorKind::UnknownModel, text).at("model"))
}

/// The words of a text, without punctuation; upper and lower case are the same.
fn words_of(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// A vector of the length one (of zeros where there are no words).
fn vector(words: &[u64], length: u64) -> Vec<Number> {
    let mut sums = vec![0_f64; usize::try_from(length).unwrap_or_default()];
    for word in words {
        let sign = if word >> 63 == 0 { 1.0 } else { -1.0 };
        if let Some(sum) = usize::try_from(word % length.max(1)).ok().and_then(|place| sums.get_mut(place)) {
            *sum += sign;
        }
    }
    let norm = sums.iter().map(|sum| sum * sum).sum::<f64>().sqrt();
    let number = |sum: f64| Number::from_f64(if norm > 0.0 { f64::from((sum / norm) as f32) } else { 0.0 });
    sums.into_iter().filter_map(number).collect()
}

/// FNV-1a: the same on every platform and in every version.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(texts: &[&str]) -> Vec<Vec<f64>> {
        let request = Request::new(EMBED, texts.iter().map(|text| (*text).to_owned()));
        let response = embed(&request, EMBED).unwrap();
        let numbers = |one: &Embedding| one.vector.numbers(&one.kind).unwrap();
        response
            .embeddings
            .iter()
            .map(|one| numbers(one).iter().map(|n| n.as_f64().unwrap()).collect())
            .collect()
    }

    #[test]
    fn texts_that_share_words_lie_near_each_other() {
        let vectors = vectors(&["rivers cross borders", "Rivers cross countries.", "woven carpets"]);
        let near =
            |a: usize, b: usize| -> f64 { vectors[a].iter().zip(&vectors[b]).map(|(x, y)| x * y).sum() };
        assert!((near(0, 0) - 1.0).abs() < 1e-6, "a vector has the length one");
        assert!(near(0, 1) > 0.5 && near(0, 1) > near(0, 2));
        assert_eq!(vectors[0].len(), 64);
    }

    #[test]
    fn the_same_text_has_the_same_vector_for_ever() {
        // Worked out once; another value would make stored vectors worthless.
        let request = Request { dimensions: Some(4), ..Request::new(EMBED, ["hello".to_owned()]) };
        let response = embed(&request, EMBED).unwrap();
        let numbers = response.embeddings[0].vector.numbers(&NumberType::Float).unwrap();
        assert_eq!(numbers.iter().map(|n| n.as_f64().unwrap()).collect::<Vec<_>>(), [0.0, 0.0, 0.0, -1.0]);
    }

    #[test]
    fn other_models_are_not_there() {
        let error = embed(&Request::new("m", ["a".to_owned()]), "echo").unwrap_err();
        assert_eq!(error.kind, ErrorKind::UnknownModel);
    }
}
