//! Token counts: `input_tokens` and `output_tokens` are totals, their details are parts of them.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::Usage;
use crate::dialect::openai_chat;

/// The counts of a `usage` object. What vendors do differently is the same as in OpenAI Chat Completions, so the
/// fields are read under their names there.
#[must_use]
pub fn decode_usage(usage: &Value) -> Usage {
    let Some(fields) = usage.as_object() else { return Usage::default() };
    let rename = |(name, value): (&String, &Value)| {
        let name = match name.as_str() {
            "input_tokens_details" => "prompt_tokens_details",
            "output_tokens_details" => "completion_tokens_details",
            other => other,
        };
        (name.to_owned(), value.clone())
    };
    openai_chat::decode_usage(&Value::Object(fields.iter().map(rename).collect::<Map<_, _>>()))
}

/// Writes the answer to a question of how many tokens a prompt has.
#[must_use]
pub fn encode_count_response(tokens: u64) -> Bytes {
    json!({"object": "response.input_tokens", "input_tokens": tokens}).to_string().into()
}

/// Writes token counts.
#[must_use]
pub fn encode_usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.total_input(),
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write.saturating_add(usage.cache_write_1h),
        },
        "output_tokens": usage.total_output(),
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total_input().saturating_add(usage.total_output()),
    })
}

/// The counts, unless all of them are zero: vendors fill in zeros where they do not know.
pub(super) fn known(usage: &Value) -> Option<Usage> {
    usage.is_object().then(|| decode_usage(usage)).filter(|usage| *usage != Usage::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_disjoint_and_come_back() {
        let wire = json!({
            "input_tokens": 100, "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 20},
            "output_tokens": 50, "output_tokens_details": {"reasoning_tokens": 30}, "total_tokens": 150
        });
        let usage = decode_usage(&wire);
        let expected = Usage {
            input: 20,
            cache_read: 60,
            cache_write: 20,
            output: 50,
            reasoning: 30,
            ..Usage::default()
        };
        assert_eq!(usage, expected);
        assert_eq!(encode_usage(&usage), wire);
        assert_eq!(decode_usage(&json!(null)), Usage::default());
        assert_eq!(known(&json!({"input_tokens": 0, "output_tokens": 0})), None);
    }
}
