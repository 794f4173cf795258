//! Token counts. Bedrock counts what is read from and written to the cache beside `inputTokens`, and says the writes
//! once more by how long they live.

use serde_json::{Map, Value, json};

use crate::Usage;
use crate::dialect::fields::put;

/// The counts of a `usage` object. Reading never fails: what is missing or no number counts nothing.
#[must_use]
pub fn decode_usage(usage: &Value) -> Usage {
    let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
    let by_life = |hour: bool| {
        let details = usage.get("cacheDetails").and_then(Value::as_array).into_iter().flatten();
        let tokens = details.filter(|detail| (detail.get("ttl").is_some_and(|ttl| ttl == "1h")) == hour);
        tokens.filter_map(|detail| detail.get("inputTokens")?.as_u64()).fold(0, u64::saturating_add)
    };
    let (hour, minutes) = (by_life(true), by_life(false));
    let written = count("cacheWriteInputTokens").max(hour.saturating_add(minutes));
    Usage {
        input: count("inputTokens"),
        cache_read: count("cacheReadInputTokens"),
        cache_write: written - hour,
        cache_write_1h: hour,
        output: count("outputTokens"),
        ..Usage::default()
    }
}

/// The counts of an answer, `None` if all of them are zero.
pub(super) fn known_usage(usage: &Value) -> Option<Usage> {
    usage.is_object().then(|| decode_usage(usage)).filter(|usage| *usage != Usage::default())
}

/// Writes token counts.
#[must_use]
pub fn encode_usage(usage: &Usage) -> Value {
    let mut map = Map::new();
    put(
        &mut map,
        "inputTokens",
        usage.input.saturating_add(usage.input_audio).saturating_add(usage.input_image),
    );
    put(&mut map, "outputTokens", usage.total_output());
    put(&mut map, "totalTokens", usage.total_input().saturating_add(usage.total_output()));
    put(&mut map, "cacheReadInputTokens", usage.cache_read);
    put(&mut map, "cacheWriteInputTokens", usage.cache_write.saturating_add(usage.cache_write_1h));
    if usage.cache_write_1h > 0 {
        let mut details = vec![json!({"ttl": "1h", "inputTokens": usage.cache_write_1h})];
        if usage.cache_write > 0 {
            details.push(json!({"ttl": "5m", "inputTokens": usage.cache_write}));
        }
        put(&mut map, "cacheDetails", details);
    }
    Value::Object(map)
}
