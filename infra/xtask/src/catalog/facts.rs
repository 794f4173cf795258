//! Windows, limits, prices and abilities out of LiteLLM's file of model prices.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::Rows;
use super::amount::per_one;
use super::row::{Period, Prices, Row};

/// What the file says of a model, each value as it is written.
type Fields = BTreeMap<String, Box<RawValue>>;

/// Their provider, our kind. Vertex AI's many families are all `vertex`; see [`kind_of`].
const KINDS: [(&str, &str); 51] = [
    ("ai21", "ai21"),
    ("anthropic", "anthropic"),
    ("azure", "azure"),
    ("azure_ai", "azure"),
    ("azure_text", "azure"),
    ("baseten", "baseten"),
    ("bedrock", "bedrock"),
    ("bedrock_converse", "bedrock"),
    ("cerebras", "cerebras"),
    ("cloudflare", "cloudflare"),
    ("codestral", "codestral"),
    ("cohere", "cohere"),
    ("cohere_chat", "cohere"),
    ("crusoe", "crusoe"),
    ("dashscope", "dashscope"),
    ("databricks", "databricks"),
    ("deepinfra", "deepinfra"),
    ("deepseek", "deepseek"),
    ("featherless_ai", "featherless"),
    ("fireworks_ai", "fireworks"),
    ("fireworks_ai-embedding-models", "fireworks"),
    ("friendliai", "friendli"),
    ("gemini", "gemini"),
    ("gmi", "gmi"),
    ("groq", "groq"),
    ("heroku", "heroku"),
    ("hyperbolic", "hyperbolic"),
    ("inception", "inception"),
    ("meta", "meta"),
    ("minimax", "minimax"),
    ("mistral", "mistral"),
    ("moonshot", "moonshot"),
    ("morph", "morph"),
    ("nebius", "nebius"),
    ("novita", "novita"),
    ("nscale", "nscale"),
    ("nvidia_nim", "nvidia"),
    ("ollama", "ollama"),
    ("openai", "openai"),
    ("ovhcloud", "ovhcloud"),
    ("perplexity", "perplexity"),
    ("sambanova", "sambanova"),
    ("scaleway", "scaleway"),
    ("snowflake", "snowflake"),
    ("text-completion-openai", "openai"),
    ("together_ai", "together"),
    ("vercel_ai_gateway", "vercel"),
    ("volcengine", "volcengine"),
    ("watsonx", "watsonx"),
    ("xai", "xai"),
    ("zai", "zai"),
];

/// Their mode, our task. Modes that are missing here (video, search, OCR, ...) are no calls this gateway makes.
const TASKS: [(&str, &str); 11] = [
    ("audio_speech", "speech"),
    ("audio_transcription", "transcription"),
    ("chat", "chat"),
    ("completion", "completion"),
    ("embedding", "embedding"),
    ("image_edit", "image"),
    ("image_generation", "image"),
    ("moderation", "moderation"),
    ("realtime", "realtime"),
    ("rerank", "rerank"),
    ("responses", "responses"),
];

/// Their prices by the token, our letters.
const PRICES: [(&str, char); 9] = [
    ("input_cost_per_token", 'i'),
    ("cache_read_input_token_cost", 'r'),
    ("cache_creation_input_token_cost", 'w'),
    ("cache_creation_input_token_cost_above_1hr", 'W'),
    ("input_cost_per_audio_token", 'a'),
    ("output_cost_per_token", 'o'),
    ("output_cost_per_audio_token", 'A'),
    ("input_cost_per_image_token", 'm'),
    ("output_cost_per_image_token", 'M'),
];

/// Their abilities, our letters.
const ABILITIES: [(&str, char); 9] = [
    ("supports_function_calling", 't'),
    ("supports_parallel_function_calling", 'p'),
    ("supports_response_schema", 'j'),
    ("supports_native_structured_output", 'j'),
    ("supports_reasoning", 'r'),
    ("supports_prompt_caching", 'c'),
    ("supports_web_search", 'w'),
    ("supports_computer_use", 'u'),
    ("supports_assistant_prefill", 'f'),
];

/// What says that a model reads a medium.
const READS: [(&str, char); 6] = [
    ("supports_vision", 'i'),
    ("supports_image_input", 'i'),
    ("supports_embedding_image_input", 'i'),
    ("supports_audio_input", 'a'),
    ("supports_video_input", 'v'),
    ("supports_pdf_input", 'p'),
];

/// Reads the whole file.
pub(super) fn read(json: &str) -> Result<Rows, String> {
    let models: BTreeMap<String, Fields> =
        serde_json::from_str(json).map_err(|error| format!("the file of model prices: {error}"))?;
    let mut rows = Rows::new();
    for (key, fields) in &models {
        let Some(provider) = text(fields, "litellm_provider") else { continue };
        let (Some(kind), Some(task)) = (kind_of(&provider), task_of(fields)) else { continue };
        let Some(name) = name_of(key, &provider, kind) else { continue };
        let mut row = row(fields, task);
        if !is_plausible(kind, &row) {
            row.periods.clear();
        }
        let place = rows.entry((kind.to_owned(), name.to_owned())).or_default();
        // Some models are there with and without the provider in front; the fuller row wins.
        if place.task.is_empty() || row.weight() > place.weight() {
            *place = row;
        }
    }
    drop_short_names(&mut rows);
    Ok(rows)
}

fn kind_of(provider: &str) -> Option<&'static str> {
    if provider == "vertex_ai" || provider.starts_with("vertex_ai-") {
        return Some("vertex");
    }
    KINDS.iter().find(|(theirs, _)| *theirs == provider).map(|(_, ours)| *ours)
}

fn task_of(fields: &Fields) -> Option<&'static str> {
    let mode = text(fields, "mode")?;
    TASKS.iter().find(|(theirs, _)| *theirs == mode).map(|(_, ours)| *ours)
}

/// The name that the provider takes, without their prefix; `None` for rows that are no model.
fn name_of<'a>(key: &'a str, provider: &str, kind: &str) -> Option<&'a str> {
    let family = provider.split('-').next().unwrap_or(provider);
    let name = [provider, family, "bedrock"]
        .iter()
        .find_map(|prefix| key.strip_prefix(*prefix)?.strip_prefix('/'))
        .unwrap_or(key);
    // Regions, commitments, sizes and qualities in front of a name are prices of a variant, not names.
    let variant =
        matches!(kind, "azure" | "bedrock" | "openai" | "anthropic" | "gemini") && name.contains('/');
    // Prices by the size of a model, for models that have no row.
    let bucket = name.starts_with("together-ai-") || name.starts_with("fireworks-ai-");
    // What sandboxes of the code interpreter cost.
    let sandbox = name == "container";
    let plain = name.bytes().all(|byte| byte.is_ascii_graphic());
    (!variant && !bucket && !sandbox && plain && !name.is_empty() && !name.contains('*')).then_some(name)
}

/// Fireworks' models are there by their short name as well, which a look-up finds by the long one.
fn drop_short_names(rows: &mut Rows) {
    let long: Vec<(String, String)> = rows.keys().filter(|(kind, _)| kind == "fireworks").cloned().collect();
    for (kind, name) in long {
        let Some(short) = name.strip_prefix("accounts/fireworks/models/") else { continue };
        let short = (kind.clone(), short.to_owned());
        let same = matches!((rows.get(&short), rows.get(&(kind, name))), (Some(one), Some(other)) if one.periods == other.periods);
        if same {
            rows.remove(&short);
        }
    }
}

/// Whether prices can be believed. A wrong price is worse than none, which records say.
///
/// Zero for everything stands for a price that is not by the token, or in another currency, more often than for a
/// model that is free. Above 1,000 dollars a million, somebody took thousands for millions.
fn is_plausible(kind: &str, row: &Row) -> bool {
    let free = kind == "ollama" || row.task == "moderation";
    row.periods.iter().all(|period| {
        (free || !period.base.is_zero())
            && ['i', 'o'].iter().all(|letter| period.base.of(*letter) <= Some(1_000_000_000))
    })
}

fn row(fields: &Fields, task: &'static str) -> Row {
    Row {
        task,
        window: whole(fields, "max_input_tokens"),
        most: whole(fields, "max_output_tokens"),
        media: media(fields, task),
        abilities: letters(fields, &ABILITIES),
        periods: periods(fields, task),
    }
}

fn periods(fields: &Fields, task: &str) -> Vec<Period> {
    let mut period = Period::default();
    for (key, letter) in PRICES {
        if let Some(price) = fields.get(key).and_then(|raw| per_one(raw.get())) {
            period.base.set(letter, price);
        }
    }
    // By the image; whether it is called input or output depends on who added the row.
    let image = ["output_cost_per_image", "input_cost_per_image"].iter().find_map(|key| fields.get(*key));
    if let Some(raw) = image.filter(|_| task == "image")
        && let Some(price) = per_one(raw.get())
    {
        period.base.set('g', price / 1_000_000);
    }
    period.above = thresholds(fields);
    add_ranges(fields, &mut period);
    if period.base.is_empty() { Vec::new() } else { vec![period] }
}

/// Prices such as `input_cost_per_token_above_200k_tokens`.
fn thresholds(fields: &Fields) -> Vec<(u64, Prices)> {
    let mut above: BTreeMap<u64, Prices> = BTreeMap::new();
    for (key, raw) in fields {
        let Some((base, count)) = key.strip_suffix("k_tokens").and_then(|key| key.rsplit_once("_above_"))
        else {
            continue;
        };
        let letter = PRICES.iter().find(|(theirs, _)| *theirs == base).map(|(_, letter)| *letter);
        if let (Some(letter), Ok(count), Some(price)) = (letter, count.parse::<u64>(), per_one(raw.get())) {
            above.entry(count * 1000).or_default().set(letter, price);
        }
    }
    above.into_iter().collect()
}

/// Prices by ranges of the tokens read: the first range is the base, each further one a threshold.
fn add_ranges(fields: &Fields, period: &mut Period) {
    let Some(ranges) = fields.get("tiered_pricing") else { return };
    let Ok(ranges) = serde_json::from_str::<Vec<Fields>>(ranges.get()) else { return };
    for range in ranges {
        let Some(from) = range.get("range").and_then(|raw| serde_json::from_str::<Vec<f64>>(raw.get()).ok())
        else {
            continue;
        };
        let mut prices = Prices::default();
        for (key, letter) in PRICES {
            if let Some(price) = range.get(key).and_then(|raw| per_one(raw.get())) {
                prices.set(letter, price);
            }
        }
        // Whole numbers of tokens, far below the end of what a float holds exactly.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
        let from = from.first().map_or(0, |from| *from as u64);
        if from == 0 && period.base.is_empty() {
            period.base = prices;
        } else if from > 0 && !period.above.iter().any(|(known, _)| *known == from) {
            period.above.push((from, prices));
        }
    }
    period.above.sort_by_key(|(from, _)| *from);
}

fn media(fields: &Fields, task: &str) -> String {
    let listed = |key: &str| -> String {
        let list = fields.get(key).and_then(|raw| serde_json::from_str::<Vec<String>>(raw.get()).ok());
        list.unwrap_or_default().iter().filter_map(|medium| letter_of(medium)).collect()
    };
    let mut reads = listed("supported_modalities") + &letters(fields, &READS);
    reads.push(if task == "transcription" { 'a' } else { 't' });
    let mut writes = listed("supported_output_modalities");
    match task {
        "image" => writes.push('i'),
        "speech" => writes.push('a'),
        "embedding" | "rerank" | "moderation" => {}
        _ => writes.push('t'),
    }
    if flag(fields, "supports_audio_output") || task == "realtime" {
        writes.push('a');
    }
    if task == "realtime" {
        reads.push('a');
    }
    let ordered =
        |letters: &str| -> String { "tiavp".chars().filter(|letter| letters.contains(*letter)).collect() };
    format!("{}>{}", ordered(&reads), ordered(&writes))
}

fn letter_of(medium: &str) -> Option<char> {
    match medium {
        "text" => Some('t'),
        "image" => Some('i'),
        "audio" => Some('a'),
        "video" => Some('v'),
        "pdf" | "file" => Some('p'),
        _ => None,
    }
}

/// The letters of all flags that are set, each once.
fn letters(fields: &Fields, flags: &[(&str, char)]) -> String {
    let mut letters = String::new();
    for (key, letter) in flags {
        if flag(fields, key) && !letters.contains(*letter) {
            letters.push(*letter);
        }
    }
    letters
}

fn flag(fields: &Fields, key: &str) -> bool {
    fields.get(key).is_some_and(|raw| raw.get() == "true")
}

fn text(fields: &Fields, key: &str) -> Option<String> {
    serde_json::from_str(fields.get(key)?.get()).ok()
}

/// A positive whole number, which some rows write with a fraction of zero.
fn whole(fields: &Fields, key: &str) -> Option<u64> {
    let text = fields.get(key)?.get();
    text.strip_suffix(".0").unwrap_or(text).parse().ok().filter(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(json: &str) -> Vec<(String, String, String)> {
        read(json)
            .unwrap()
            .into_iter()
            .map(|((kind, name), row)| {
                let mut line = String::new();
                row.write("", "", &mut line);
                (kind, name, line.trim().to_owned())
            })
            .collect()
    }

    #[test]
    fn takes_the_figures_of_a_model() {
        let json = r#"{"gemini/g": {"litellm_provider": "gemini", "mode": "chat", "max_input_tokens": 1048576,
            "max_output_tokens": 65536.0, "input_cost_per_token": 1.25e-06, "output_cost_per_token": 1e-05,
            "input_cost_per_token_above_200k_tokens": 2.5e-06, "input_cost_per_token_above_200k_tokens_batches": 1,
            "cache_read_input_token_cost": 1.25e-07, "input_cost_per_token_batches": 9e-06,
            "supported_modalities": ["text", "image", "video"], "supported_output_modalities": ["text"],
            "supports_audio_input": true, "supports_pdf_input": true, "supports_function_calling": true,
            "supports_response_schema": true, "supports_native_structured_output": true, "supports_reasoning": false}}"#;
        let expected = "chat\t1048576\t65536\ttiavp>t\ttj\ti1.25 r0.125 o10; >200000 i2.5";
        assert_eq!(one(json), [("gemini".to_owned(), "g".to_owned(), expected.to_owned())]);
    }

    #[test]
    fn leaves_out_what_is_no_model() {
        let json = r#"{"sample_spec": {"litellm_provider": "one of", "mode": "one of"},
            "azure/eu/gpt-4o": {"litellm_provider": "azure", "mode": "chat"},
            "bedrock/*/1-month-commitment/x": {"litellm_provider": "bedrock", "mode": "chat"},
            "openai/container": {"litellm_provider": "openai", "mode": "chat"},
            "together-ai-4.1b-8b": {"litellm_provider": "together_ai", "mode": "chat"},
            "somebody/x": {"litellm_provider": "somebody", "mode": "chat"},
            "gemini/veo": {"litellm_provider": "gemini", "mode": "video_generation"}}"#;
        assert_eq!(one(json), []);
    }

    #[test]
    fn takes_off_prefixes() {
        for (key, provider, kind, name) in [
            ("vertex_ai/claude-x@20250101", "vertex_ai-anthropic_models", "vertex", "claude-x@20250101"),
            ("us.anthropic.claude-x-v1:0", "bedrock_converse", "bedrock", "us.anthropic.claude-x-v1:0"),
            ("together_ai/Qwen/Q", "together_ai", "together", "Qwen/Q"),
            ("groq/openai/gpt-oss-20b", "groq", "groq", "openai/gpt-oss-20b"),
            ("cloudflare/@cf/meta/l", "cloudflare", "cloudflare", "@cf/meta/l"),
            ("gpt-4o", "openai", "openai", "gpt-4o"),
        ] {
            assert_eq!(kind_of(provider), Some(kind));
            assert_eq!(name_of(key, provider, kind), Some(name));
        }
    }

    #[test]
    fn ranges_become_thresholds() {
        let json = r#"{"dashscope/q": {"litellm_provider": "dashscope", "mode": "chat", "tiered_pricing": [
            {"input_cost_per_token": 5e-08, "output_cost_per_token": 4e-07, "range": [0, 256000.0]},
            {"input_cost_per_token": 2.5e-07, "output_cost_per_token": 2e-06, "range": [256000.0, 1000000.0]}]}}"#;
        assert_eq!(one(json)[0].2, "chat\t\t\tt>t\t\ti0.05 o0.4; >256000 i0.25 o2");
    }

    #[test]
    fn leaves_out_prices_that_cannot_be() {
        let json = r#"{"groq/a": {"litellm_provider": "groq", "mode": "chat", "input_cost_per_token": 0.0032},
            "groq/b": {"litellm_provider": "groq", "mode": "rerank", "input_cost_per_token": 0.0, "input_cost_per_query": 1},
            "groq/c": {"litellm_provider": "groq", "mode": "embedding", "input_cost_per_token": 1e-08, "output_cost_per_token": 0},
            "ollama/d": {"litellm_provider": "ollama", "mode": "chat", "input_cost_per_token": 0.0}}"#;
        let prices: Vec<_> = read(json).unwrap().into_values().map(|row| row.periods.len()).collect();
        assert_eq!(prices, [0, 0, 1, 1]);
    }

    #[test]
    fn images_are_priced_by_the_piece() {
        let json = r#"{"dall-e-3": {"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_image": 0.04}}"#;
        assert_eq!(one(json)[0].2, "image\t\t\tt>i\t\tg0.04");
    }
}
