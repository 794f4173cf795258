//! Token counts in Anthropic's words. They are disjoint there already: `input_tokens` does not hold what was read from
//! or written to the cache.

use serde_json::{Map, Value, json};

use crate::dialect::fields::put;
use crate::usage::Usage;

/// Reads a `usage` object. A count that is missing or no number counts nothing: a strange figure must not cost the
/// caller an answer.
///
/// Of `server_tool_use` the web searches are billed one by one. Of `iterations` only those of kind `compaction` are added: they are
/// not in the totals (<https://platform.claude.com/docs/en/build-with-claude/compaction>). Those of another model
/// (`advisor_message`) have that model's price and are left out.
#[must_use]
pub fn decode_usage(usage: &Value) -> Usage {
    let mut total = counts(usage);
    let iterations = usage.get("iterations").and_then(Value::as_array);
    for iteration in iterations.into_iter().flatten() {
        if iteration.get("type").is_some_and(|kind| kind == "compaction") {
            let more = counts(iteration);
            total.input = total.input.saturating_add(more.input);
            total.cache_read = total.cache_read.saturating_add(more.cache_read);
            total.cache_write = total.cache_write.saturating_add(more.cache_write);
            total.cache_write_1h = total.cache_write_1h.saturating_add(more.cache_write_1h);
            total.output = total.output.saturating_add(more.output);
        }
    }
    total
}

fn counts(usage: &Value) -> Usage {
    let count = |name: &str| count_in(usage, name);
    let by_life = |name: &str| usage.get("cache_creation").map_or(0, |written| count_in(written, name));
    let hour = by_life("ephemeral_1h_input_tokens");
    let by_life = hour.saturating_add(by_life("ephemeral_5m_input_tokens"));
    let written = count("cache_creation_input_tokens").max(by_life);
    let output = count("output_tokens");
    let details = usage.get("output_tokens_details");
    Usage {
        input: count("input_tokens"),
        cache_read: count("cache_read_input_tokens"),
        cache_write: written.saturating_sub(hour),
        cache_write_1h: hour,
        output,
        reasoning: details.map_or(0, |details| count_in(details, "thinking_tokens")).min(output),
        searches: usage.get("server_tool_use").map_or(0, |tools| count_in(tools, "web_search_requests")),
        ..Usage::default()
    }
}

fn count_in(value: &Value, name: &str) -> u64 {
    match value.get(name) {
        Some(Value::Number(number)) => number
            .as_u64()
            // Some servers write whole numbers as `12.0`.
            .or_else(|| number.as_f64().filter(|count| *count >= 0.0).map(|count| count as u64))
            .unwrap_or(0),
        _ => 0,
    }
}

/// The counts, unless all of them are zero: servers fill in zeros where they do not know.
pub(super) fn known_usage(usage: &Value) -> Option<Usage> {
    usage.is_object().then(|| decode_usage(usage)).filter(|usage| *usage != Usage::default())
}

/// Writes token counts. Audio tokens have no name of their own there and are in the totals.
#[must_use]
pub fn encode_usage(usage: &Usage) -> Value {
    let mut map = Map::new();
    put(
        &mut map,
        "input_tokens",
        usage.input.saturating_add(usage.input_audio).saturating_add(usage.input_image),
    );
    put(&mut map, "cache_creation_input_tokens", usage.cache_write.saturating_add(usage.cache_write_1h));
    put(&mut map, "cache_read_input_tokens", usage.cache_read);
    if usage.cache_write > 0 || usage.cache_write_1h > 0 {
        let by_life = json!({
            "ephemeral_5m_input_tokens": usage.cache_write,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        });
        put(&mut map, "cache_creation", by_life);
    }
    put(&mut map, "output_tokens", usage.total_output());
    if usage.reasoning > 0 {
        put(&mut map, "output_tokens_details", json!({"thinking_tokens": usage.reasoning}));
    }
    if usage.searches > 0 {
        put(&mut map, "server_tool_use", json!({"web_search_requests": usage.searches}));
    }
    Value::Object(map)
}
