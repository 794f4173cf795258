//! Token counts as OpenAI and the vendors of its format spell them, and what they mean as disjoint counts.
//!
//! Reading never fails: a count that is missing, null or not a number counts nothing, because a strange figure must
//! not cost the caller an answer.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::usage::Usage;

/// The `usage` object of an answer or a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct WireUsage {
    /// Everything read, cached or not.
    #[serde(deserialize_with = "count")]
    pub prompt_tokens: Option<u64>,
    /// Everything written; reasoning included, except where a vendor leaves it out.
    #[serde(deserialize_with = "count")]
    pub completion_tokens: Option<u64>,
    /// The sum. Where it is more than the two, it tells what a vendor left out of them.
    #[serde(deserialize_with = "count")]
    pub total_tokens: Option<u64>,
    /// Parts of `prompt_tokens`.
    #[serde(deserialize_with = "lenient")]
    pub prompt_tokens_details: PromptTokensDetails,
    /// Parts of `completion_tokens`.
    #[serde(deserialize_with = "lenient")]
    pub completion_tokens_details: CompletionTokensDetails,
    /// `prompt_tokens` in the words of Anthropic and of OpenAI's Responses, which some servers use here too.
    #[serde(deserialize_with = "count")]
    pub input_tokens: Option<u64>,
    /// `completion_tokens` in the same words.
    #[serde(deserialize_with = "count")]
    pub output_tokens: Option<u64>,
    /// Cache reads as Moonshot and Together give them.
    #[serde(deserialize_with = "count")]
    pub cached_tokens: Option<u64>,
    /// Cache reads as DeepSeek gives them.
    #[serde(deserialize_with = "count")]
    pub prompt_cache_hit_tokens: Option<u64>,
    /// Cache reads where a server passes Anthropic's names on.
    #[serde(deserialize_with = "count")]
    pub cache_read_input_tokens: Option<u64>,
    /// Cache writes where a server passes Anthropic's names on.
    #[serde(deserialize_with = "count")]
    pub cache_creation_input_tokens: Option<u64>,
    /// Cache writes by life time, in Anthropic's names.
    #[serde(deserialize_with = "lenient")]
    pub cache_creation: CacheCreation,
    /// Reasoning beside the counts, as Perplexity and GitHub Copilot give it.
    #[serde(deserialize_with = "count")]
    pub reasoning_tokens: Option<u64>,
    /// Sources that were searched, which xAI bills one by one.
    #[serde(deserialize_with = "count")]
    pub num_sources_used: Option<u64>,
}

/// What `prompt_tokens` consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PromptTokensDetails {
    /// Read from the provider's cache.
    #[serde(deserialize_with = "count")]
    pub cached_tokens: Option<u64>,
    /// Audio.
    #[serde(deserialize_with = "count")]
    pub audio_tokens: Option<u64>,
    /// Images (xAI, OpenRouter).
    #[serde(deserialize_with = "count")]
    pub image_tokens: Option<u64>,
    /// Written to the provider's cache (OpenAI, OpenRouter).
    #[serde(deserialize_with = "count")]
    pub cache_write_tokens: Option<u64>,
    /// The same in other words.
    #[serde(deserialize_with = "count")]
    pub cache_creation_tokens: Option<u64>,
    /// The same, as Alibaba says it.
    #[serde(deserialize_with = "count")]
    pub cache_creation_input_tokens: Option<u64>,
}

/// What `completion_tokens` consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CompletionTokensDetails {
    /// Reasoning.
    #[serde(deserialize_with = "count")]
    pub reasoning_tokens: Option<u64>,
    /// Audio.
    #[serde(deserialize_with = "count")]
    pub audio_tokens: Option<u64>,
    /// Images (OpenRouter).
    #[serde(deserialize_with = "count")]
    pub image_tokens: Option<u64>,
    /// Predicted by the caller and used.
    #[serde(deserialize_with = "count")]
    pub accepted_prediction_tokens: Option<u64>,
    /// Predicted by the caller and not used; billed all the same.
    #[serde(deserialize_with = "count")]
    pub rejected_prediction_tokens: Option<u64>,
}

/// Cache writes by how long they live.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CacheCreation {
    /// For five minutes.
    #[serde(deserialize_with = "count")]
    pub ephemeral_5m_input_tokens: Option<u64>,
    /// For an hour.
    #[serde(deserialize_with = "count")]
    pub ephemeral_1h_input_tokens: Option<u64>,
}

impl WireUsage {
    fn cache_read(&self) -> u64 {
        most([
            self.prompt_tokens_details.cached_tokens,
            self.cached_tokens,
            self.prompt_cache_hit_tokens,
            self.cache_read_input_tokens,
        ])
    }

    /// All cache writes, and those of them for an hour.
    fn cache_writes(&self) -> (u64, u64) {
        let hour = self.cache_creation.ephemeral_1h_input_tokens.unwrap_or(0);
        let minutes = self.cache_creation.ephemeral_5m_input_tokens.unwrap_or(0);
        let details = &self.prompt_tokens_details;
        let all = most([
            details.cache_write_tokens,
            details.cache_creation_tokens,
            details.cache_creation_input_tokens,
            self.cache_creation_input_tokens,
            Some(hour.saturating_add(minutes)),
        ]);
        (all, hour)
    }
}

/// Parts never count for more than what they are parts of, so the sums stay the vendor's own.
impl From<&WireUsage> for Usage {
    fn from(wire: &WireUsage) -> Self {
        let total = wire.total_tokens;
        let prompt = wire.prompt_tokens.or(wire.input_tokens);
        let completion = wire.completion_tokens.or(wire.output_tokens);
        let rest_of_total = |part: Option<u64>| total.map(|t| t.saturating_sub(part.unwrap_or(0)));
        let mut read = prompt.or_else(|| rest_of_total(completion)).unwrap_or(0);
        let mut written = completion.or_else(|| rest_of_total(prompt)).unwrap_or(0);

        let cache_read = wire.cache_read();
        let (cache_writes, hour) = wire.cache_writes();
        let details = &wire.completion_tokens_details;
        let mut reasoning = most([details.reasoning_tokens, wire.reasoning_tokens]);

        let cached = cache_read.saturating_add(cache_writes);
        let left_out = total.unwrap_or(0).saturating_sub(read.saturating_add(written));
        if left_out > 0 && left_out == cached {
            // Anthropic's way of counting under OpenAI's names: the cache is beside the prompt, not in it.
            read = read.saturating_add(cached);
        } else if left_out > 0 && (reasoning == 0 || left_out == reasoning) {
            // xAI gives reasoning beside `completion_tokens`; Gemini gives it in `total_tokens` alone.
            written = written.saturating_add(left_out);
            reasoning = left_out;
        } else if reasoning > written {
            // More than the whole it is said to be a part of (Perplexity, Gemini by way of Vercel): beside it.
            written = written.saturating_add(reasoning);
        }

        let mut fresh = read;
        let mut part_of_input = |part: u64| {
            let part = part.min(fresh);
            fresh -= part;
            part
        };
        let cache_read = part_of_input(cache_read);
        let cache_write_1h = part_of_input(hour);
        let cache_write = part_of_input(cache_writes.saturating_sub(hour));
        let input_audio = part_of_input(wire.prompt_tokens_details.audio_tokens.unwrap_or(0));
        let input_image = part_of_input(wire.prompt_tokens_details.image_tokens.unwrap_or(0));
        let output_audio = details.audio_tokens.unwrap_or(0).min(written);
        let output_image = details.image_tokens.unwrap_or(0).min(written - output_audio);
        let output = written - output_audio - output_image;
        Self {
            input: fresh,
            cache_read,
            cache_write,
            cache_write_1h,
            input_audio,
            input_image,
            output,
            output_audio,
            output_image,
            reasoning: reasoning.min(output),
            accepted_prediction: details.accepted_prediction_tokens.unwrap_or(0).min(output),
            rejected_prediction: details.rejected_prediction_tokens.unwrap_or(0).min(output),
            searches: wire.num_sources_used.unwrap_or(0),
            ..Self::default()
        }
    }
}

/// The counts of a `usage` object that is already a value.
#[must_use]
pub fn decode_usage(usage: &serde_json::Value) -> Usage {
    WireUsage::deserialize(usage).as_ref().map(Usage::from).unwrap_or_default()
}

/// The counts of a `usage` object as it came. `None` when it counts nothing at all: some servers send zeros where
/// they know no figures, also after an error.
pub(super) fn decode_usage_text(usage: &str) -> Option<Usage> {
    let usage = Usage::from(&serde_json::from_str::<WireUsage>(usage).ok()?);
    (usage.total_input() > 0 || usage.total_output() > 0).then_some(usage)
}

fn most<const N: usize>(counts: [Option<u64>; N]) -> u64 {
    counts.into_iter().flatten().max().unwrap_or(0)
}

/// A count: a number that is whole or nearly so, or one in quotes. Anything else is no count.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    deserializer.deserialize_any(Count)
}

struct Count;

impl<'de> Visitor<'de> for Count {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count")
    }

    fn visit_u64<E>(self, n: u64) -> Result<Self::Value, E> {
        Ok(Some(n))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(n).ok())
    }

    fn visit_f64<E>(self, n: f64) -> Result<Self::Value, E> {
        // The conversion stops at the largest count; a negative number is no count.
        Ok((n >= 0.0).then(|| n.round() as u64))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.parse().ok())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// An object, or the default where something else stands in its place.
fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Lenient(PhantomData))
}

struct Lenient<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Lenient<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_are_disjoint() {
        let usage = decode_usage(&json!({
            "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 20, "audio_tokens": 5},
            "completion_tokens_details": {
                "reasoning_tokens": 30, "audio_tokens": 8,
                "accepted_prediction_tokens": 4, "rejected_prediction_tokens": 3
            }
        }));
        let expected = Usage {
            input: 15,
            cache_read: 60,
            cache_write: 20,
            input_audio: 5,
            output: 42,
            output_audio: 8,
            reasoning: 30,
            accepted_prediction: 4,
            rejected_prediction: 3,
            ..Usage::default()
        };
        assert_eq!(usage, expected);
        assert_eq!((usage.total_input(), usage.total_output()), (100, 50));
    }

    #[test]
    fn reads_the_vendors_own_ways() {
        let deepseek = json!({"prompt_tokens": 496, "completion_tokens": 31, "total_tokens": 527,
            "prompt_cache_hit_tokens": 384, "prompt_cache_miss_tokens": 112});
        assert_eq!(
            decode_usage(&deepseek),
            Usage { input: 112, cache_read: 384, output: 31, ..Usage::default() }
        );
        // Reasoning beside the completion.
        let xai = json!({"prompt_tokens": 432, "completion_tokens": 68, "total_tokens": 636,
            "prompt_tokens_details": {"cached_tokens": 153}, "completion_tokens_details": {"reasoning_tokens": 136}});
        let expected = Usage { input: 279, cache_read: 153, output: 204, reasoning: 136, ..Usage::default() };
        assert_eq!(decode_usage(&xai), expected);
        // Reasoning in the total alone.
        let gemini = json!({"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109});
        assert_eq!(decode_usage(&gemini), Usage { input: 35, output: 74, reasoning: 62, ..Usage::default() });
        // Reasoning larger than the completion, and not in the total.
        let vercel = json!({"prompt_tokens": 40, "completion_tokens": 14, "total_tokens": 54,
            "completion_tokens_details": {"reasoning_tokens": 43}});
        assert_eq!(decode_usage(&vercel), Usage { input: 40, output: 57, reasoning: 43, ..Usage::default() });
        // The cache beside the prompt.
        let beside = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115,
            "cache_read_input_tokens": 80, "cache_creation_input_tokens": 20,
            "cache_creation": {"ephemeral_1h_input_tokens": 15, "ephemeral_5m_input_tokens": 5}});
        let expected = Usage {
            input: 10,
            cache_read: 80,
            cache_write: 5,
            cache_write_1h: 15,
            output: 5,
            ..Usage::default()
        };
        assert_eq!(decode_usage(&beside), expected);
    }

    #[test]
    fn a_strange_figure_counts_nothing() {
        let odd = json!({"prompt_tokens": 12.0, "completion_tokens": "7", "total_tokens": null,
            "prompt_tokens_details": null, "completion_tokens_details": [1], "cached_tokens": {"a": [1]},
            "input_tokens": true, "reasoning_tokens": -3, "cache_creation": 7, "cost": {"x": 1}});
        assert_eq!(decode_usage(&odd), Usage { input: 12, output: 7, ..Usage::default() });
        for nothing in [json!(null), json!([]), json!("x"), json!({}), json!({"prompt_tokens": "many"})] {
            assert_eq!(decode_usage(&nothing), Usage::default());
        }
    }

    #[test]
    fn missing_counts_follow_from_the_total() {
        let no_completion = json!({"prompt_tokens": 30, "total_tokens": 42});
        assert_eq!(decode_usage(&no_completion), Usage { input: 30, output: 12, ..Usage::default() });
        let no_prompt = json!({"completion_tokens": 12, "total_tokens": 42});
        assert_eq!(decode_usage(&no_prompt), Usage { input: 30, output: 12, ..Usage::default() });
    }

    #[test]
    fn parts_never_exceed_their_whole() {
        // Seen from a vendor: more cached than read.
        let usage = decode_usage(&json!({"prompt_tokens": 347, "completion_tokens": 18, "total_tokens": 365,
            "prompt_tokens_details": {"cached_tokens": 403, "audio_tokens": 9}}));
        assert_eq!(usage, Usage { cache_read: 347, output: 18, ..Usage::default() });
        let huge = json!({"prompt_tokens": u64::MAX, "completion_tokens": u64::MAX, "total_tokens": u64::MAX,
            "completion_tokens_details": {"reasoning_tokens": u64::MAX}});
        assert_eq!(decode_usage(&huge).output, u64::MAX);
    }

    #[test]
    fn zeros_are_no_figures() {
        assert_eq!(decode_usage_text(r#"{"prompt_tokens":0,"completion_tokens":0}"#), None);
        assert_eq!(decode_usage_text(r#"{"prompt_tokens":3}"#).map(|u| u.input), Some(3));
    }
}
