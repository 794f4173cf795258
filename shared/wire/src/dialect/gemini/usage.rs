//! Token counts (`usageMetadata`), and what they mean as disjoint counts.
//!
//! `promptTokenCount` includes what was read from the cache; what tools put into the prompt
//! (`toolUsePromptTokenCount`) and what was thought (`thoughtsTokenCount`) stand beside the other counts. Counts by
//! sort of media tell the audio and the images. Reading never fails: a figure that is missing or strange counts nothing.

use serde_json::{Map, Value, json};

use crate::dialect::fields::put;
use crate::usage::Usage;

/// The counts of a `usageMetadata` object.
#[must_use]
pub fn decode_usage(usage: &Value) -> Usage {
    let count = |camel: &str, snake: &str| count(usage, camel, snake);
    let prompt = count("promptTokenCount", "prompt_token_count").unwrap_or(0);
    let tools = count("toolUsePromptTokenCount", "tool_use_prompt_token_count").unwrap_or(0);
    let thoughts = count("thoughtsTokenCount", "thoughts_token_count").unwrap_or(0);
    let read = prompt.saturating_add(tools);
    let said = count("candidatesTokenCount", "candidates_token_count");
    // Sometimes the total alone tells what was written.
    let rest = || {
        let total = count("totalTokenCount", "total_token_count")?;
        Some(total.saturating_sub(read).saturating_sub(thoughts))
    };
    let said = said.or_else(rest).unwrap_or(0);

    let cache_read = count("cachedContentTokenCount", "cached_content_token_count").unwrap_or(0).min(read);
    let taken = |modality: &str| {
        let of = |camel: &str, snake: &str| of_modality(usage, camel, snake, modality);
        of("promptTokensDetails", "prompt_tokens_details")
            .saturating_add(of("toolUsePromptTokensDetails", "tool_use_prompt_tokens_details"))
            .saturating_sub(of("cacheTokensDetails", "cache_tokens_details"))
    };
    let made =
        |modality: &str| of_modality(usage, "candidatesTokensDetails", "candidates_tokens_details", modality);
    let fresh = read - cache_read;
    let input_audio = taken("AUDIO").min(fresh);
    let input_image = taken("IMAGE").min(fresh - input_audio);
    let output_audio = made("AUDIO").min(said);
    let output_image = made("IMAGE").min(said - output_audio);
    Usage {
        input: fresh - input_audio - input_image,
        cache_read,
        input_audio,
        input_image,
        output: (said - output_audio - output_image).saturating_add(thoughts),
        output_audio,
        output_image,
        reasoning: thoughts,
        ..Usage::default()
    }
}

fn count(usage: &Value, camel: &str, snake: &str) -> Option<u64> {
    let value = usage.get(camel).or_else(|| usage.get(snake))?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn of_modality(usage: &Value, camel: &str, snake: &str, modality: &str) -> u64 {
    let details = usage.get(camel).or_else(|| usage.get(snake)).and_then(Value::as_array);
    let of = |detail: &&Value| detail.get("modality").and_then(Value::as_str) == Some(modality);
    let tokens = |detail| count(detail, "tokenCount", "token_count");
    details.into_iter().flatten().filter(of).filter_map(tokens).fold(0, u64::saturating_add)
}

/// The counts, unless all of them are zero: those say that nothing is known.
pub(super) fn known_usage(usage: &Value) -> Option<Usage> {
    usage.is_object().then(|| decode_usage(usage)).filter(|usage| *usage != Usage::default())
}

/// Writes token counts as Google does.
#[must_use]
pub fn encode_usage(usage: &Usage) -> Value {
    let (input, output) = (usage.total_input(), usage.total_output());
    let reasoning = usage.reasoning.min(usage.output);
    let mut map = Map::new();
    put(&mut map, "promptTokenCount", input);
    put(&mut map, "candidatesTokenCount", output - reasoning);
    put(&mut map, "totalTokenCount", input.saturating_add(output));
    if usage.cache_read > 0 {
        put(&mut map, "cachedContentTokenCount", usage.cache_read);
    }
    if reasoning > 0 {
        put(&mut map, "thoughtsTokenCount", reasoning);
    }
    for (name, audio, image, all) in [
        ("promptTokensDetails", usage.input_audio, usage.input_image, input),
        ("candidatesTokensDetails", usage.output_audio, usage.output_image, output - reasoning),
    ] {
        if audio > 0 || image > 0 {
            let text = all.saturating_sub(audio).saturating_sub(image);
            let counts = [("TEXT", text), ("AUDIO", audio), ("IMAGE", image)];
            let told = counts.into_iter().filter(|(modality, count)| *modality == "TEXT" || *count > 0);
            let told = told.map(|(modality, count)| json!({"modality": modality, "tokenCount": count}));
            put(&mut map, name, told.collect::<Vec<_>>());
        }
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_are_disjoint() {
        let usage = decode_usage(&json!({
            "promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 30,
            "thoughtsTokenCount": 12, "toolUsePromptTokenCount": 7, "totalTokenCount": 149,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 80}, {"modality": "AUDIO", "tokenCount": 20}],
            "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 15}],
            "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
        }));
        let expected = Usage {
            input: 42,
            cache_read: 60,
            input_audio: 5,
            output: 32,
            output_audio: 10,
            reasoning: 12,
            ..Usage::default()
        };
        assert_eq!(usage, expected);
        assert_eq!((usage.total_input(), usage.total_output()), (107, 42));
    }

    #[test]
    fn what_was_written_follows_from_the_total_if_need_be() {
        let usage =
            decode_usage(&json!({"promptTokenCount": 9, "thoughtsTokenCount": 80, "totalTokenCount": 92}));
        assert_eq!(usage, Usage { input: 9, output: 83, reasoning: 80, ..Usage::default() });
        let snake = decode_usage(&json!({"prompt_token_count": 9, "candidates_token_count": "4"}));
        assert_eq!(snake, Usage { input: 9, output: 4, ..Usage::default() });
    }

    #[test]
    fn a_strange_figure_counts_nothing() {
        for odd in [json!(null), json!([]), json!({"promptTokenCount": -3, "promptTokensDetails": {"a": 1}})]
        {
            assert_eq!(decode_usage(&odd), Usage::default(), "{odd}");
            assert_eq!(known_usage(&odd), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            input in 0_u64..9_999, cache_read in 0_u64..9_999, input_audio in 0_u64..9_999,
            output in 0_u64..9_999, output_audio in 0_u64..9_999, part in 0_u64..9_999,
            input_image in 0_u64..9_999, output_image in 0_u64..9_999,
        ) {
            let usage = Usage {
                input, cache_read, input_audio, input_image, output, output_audio, output_image,
                reasoning: part.min(output),
                ..Usage::default()
            };
            prop_assert_eq!(decode_usage(&encode_usage(&usage)), usage);
        }
    }
}
