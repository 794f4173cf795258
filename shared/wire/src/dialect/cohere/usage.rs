//! Token counts. Cohere says what it bills, and what the model read and wrote with the tokens of its own prompt around
//! it. Counted is what is billed. `cached_tokens` are of the longer prompt and have no price of their own: they are in
//! the vendor's object only.

use serde_json::{Value, json};

use crate::Usage;

/// The counts of a `usage` object. Reading never fails: what is missing or no number counts nothing.
#[must_use]
pub fn decode_usage(usage: &Value) -> Usage {
    let count = |group: &str, name: &str| usage.get(group)?.get(name).and_then(whole);
    let billed = |name: &str| count("billed_units", name).or_else(|| count("tokens", name)).unwrap_or(0);
    let output = billed("output_tokens");
    Usage {
        input: billed("input_tokens"),
        output,
        reasoning: count("tokens", "reasoning_tokens").unwrap_or(0).min(output),
        ..Usage::default()
    }
}

/// Cohere's counts are floating-point numbers by its documentation.
fn whole(number: &Value) -> Option<u64> {
    let float = || number.as_f64().filter(|n| *n >= 0.0 && *n < 1e15);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    number.as_u64().or_else(|| float().map(|n| n as u64))
}

/// The counts of an answer, `None` if all of them are zero.
pub(super) fn known_usage(usage: &Value) -> Option<Usage> {
    usage.is_object().then(|| decode_usage(usage)).filter(|usage| *usage != Usage::default())
}

/// Writes token counts.
#[must_use]
pub fn encode_usage(usage: &Usage) -> Value {
    let (input, output) = (usage.total_input(), usage.total_output());
    let mut tokens = json!({"input_tokens": input, "output_tokens": output});
    if usage.reasoning > 0
        && let Some(tokens) = tokens.as_object_mut()
    {
        tokens.insert("reasoning_tokens".to_owned(), usage.reasoning.into());
    }
    json!({
        "billed_units": {"input_tokens": input, "output_tokens": output},
        "tokens": tokens,
        "cached_tokens": usage.cache_read,
    })
}
