//! Probabilities in the older form: lists side by side instead of one list of tokens.

use serde_json::{Map, Number, Value, json};

use crate::chat::{Extra, Logprobs, TokenLogprob};
use crate::dialect::fields::{merge, put};

/// Takes the probabilities of a choice; a form that is not understood stays. Such is that of an echoed prompt, whose
/// first token has none.
pub(super) fn take(map: &mut Extra) -> Option<Logprobs> {
    let logprobs = decode(map.get("logprobs")?)?;
    map.remove("logprobs");
    Some(logprobs)
}

fn decode(value: &Value) -> Option<Logprobs> {
    let mut map = value.as_object()?.clone();
    let words = map.remove("tokens")?;
    let probabilities = map.remove("token_logprobs")?;
    let (words, probabilities) = (words.as_array()?, probabilities.as_array()?);
    let offsets = map.remove("text_offset");
    let offsets = offsets.as_ref().and_then(Value::as_array);
    let top = map.remove("top_logprobs");
    let top = match &top {
        Some(Value::Array(top)) => Some(top),
        None | Some(Value::Null) => None,
        Some(_) => return None,
    };
    let lengths = [Some(probabilities.len()), offsets.map(Vec::len), top.map(Vec::len)];
    if lengths.into_iter().flatten().any(|length| length != words.len()) {
        return None;
    }
    let mut content = Vec::with_capacity(words.len());
    for (index, (word, probability)) in words.iter().zip(probabilities).enumerate() {
        let mut extra = Extra::new();
        if let Some(offset) = offsets.and_then(|offsets| offsets.get(index)) {
            put(&mut extra, "text_offset", offset.clone());
        }
        let top = match top.and_then(|top| top.get(index)) {
            Some(Value::Object(top)) => Some(top.iter().map(likely).collect::<Option<Vec<_>>>()?),
            Some(_) => return None,
            None => None,
        };
        content.push(TokenLogprob {
            token: word.as_str()?.to_owned(),
            logprob: probability.as_number()?.clone(),
            bytes: None,
            top,
            extra,
        });
    }
    Some(Logprobs { content: Some(content), refusal: None, extra: map })
}

fn likely((token, logprob): (&String, &Value)) -> Option<TokenLogprob> {
    let logprob: Number = logprob.as_number()?.clone();
    Some(TokenLogprob { token: token.clone(), logprob, bytes: None, top: None, extra: Extra::new() })
}

/// Writes the probabilities of a text that begins `offset` characters into the answer.
pub(super) fn encode(logprobs: &Logprobs, mut offset: u64) -> Value {
    let content = logprobs.content.as_deref().unwrap_or_default();
    let mut offsets = Vec::with_capacity(content.len());
    for token in content {
        offsets.push(token.extra.get("text_offset").cloned().unwrap_or_else(|| offset.into()));
        offset = offset.saturating_add(token.token.chars().count() as u64);
    }
    let top = |token: &TokenLogprob| -> Map<String, Value> {
        let each = |likely: &TokenLogprob| (likely.token.clone(), Value::Number(likely.logprob.clone()));
        token.top.iter().flatten().map(each).collect()
    };
    let told = content.iter().any(|token| token.top.is_some());
    let mut map = Map::new();
    put(&mut map, "tokens", content.iter().map(|token| token.token.clone()).collect::<Vec<_>>());
    let probabilities = content.iter().map(|token| Value::Number(token.logprob.clone()));
    put(&mut map, "token_logprobs", probabilities.collect::<Vec<_>>());
    put(
        &mut map,
        "top_logprobs",
        if told { json!(content.iter().map(top).collect::<Vec<_>>()) } else { Value::Null },
    );
    put(&mut map, "text_offset", offsets);
    merge(&mut map, &logprobs.extra);
    Value::Object(map)
}
