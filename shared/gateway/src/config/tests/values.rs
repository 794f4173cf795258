//! What sound documents become.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::super::{Config, HIDDEN, Payloads, SecretText, Strategy, json_schema, nearest, parse};
use super::{example, sound, with};
use crate::host::Secret;

#[test]
fn the_example_of_the_product_is_read_whole() {
    let config = sound(&example());
    assert_eq!(config.providers.keys().collect::<Vec<_>>(), ["openai", "anthropic", "local"]);
    let local = config.providers.get("local").unwrap();
    assert_eq!(local.kind.kind, "openai");
    let address = local.base_url.as_ref().unwrap().resolve(&|_| None).unwrap();
    assert_eq!(address.reveal(), "http://127.0.0.1:11434/v1");
    assert!(local.api_key.is_none());
    let assistant = config.models.get("assistant").unwrap();
    assert_eq!(assistant.strategy, Strategy::Weighted);
    let targets: Vec<_> =
        assistant.targets.iter().map(|t| (t.provider.as_str(), t.model.as_str(), t.weight)).collect();
    assert_eq!(targets, [("openai", "gpt-4o-mini", 90), ("anthropic", "claude-haiku-4-5", 10)]);
    assert_eq!(assistant.retry.attempts, 2);
    assert_eq!(assistant.timeout.connect, Duration::from_secs(5));
    assert_eq!(assistant.timeout.total, Duration::from_secs(600));
    assert_eq!(assistant.fallback, ["local-llama"]);
    assert_eq!(assistant.cache.as_ref().unwrap().ttl, Duration::from_secs(3600));
    assert_eq!(config.server.max_body, 32 << 20);
}

#[test]
fn what_is_left_out_has_its_default() {
    let config = sound(&json!({ "providers": { "up": { "kind": "demo" } },
        "models": { "m": { "targets": [{ "provider": "up", "model": "echo" }] } } }));
    let model = config.models.get("m").unwrap();
    assert_eq!(model.strategy, Strategy::First);
    assert_eq!(model.targets[0].weight, 1);
    assert_eq!(model.retry.attempts, 2);
    assert_eq!(model.timeout.connect, Duration::from_secs(5));
    assert_eq!(model.timeout.first_token, Duration::from_secs(120));
    assert_eq!(model.timeout.idle, Duration::from_secs(120));
    assert_eq!(model.timeout.total, Duration::from_secs(600));
    assert!(model.cache.is_none() && model.fallback.is_empty());
    assert_eq!(config.server.max_body, 33_554_432);
    assert_eq!(config.records.payloads, Payloads::None);
    assert!(config.catalog.is_empty());
}

#[test]
fn limits_left_out_give_way_to_those_written() {
    let limits = |written| {
        let t = sound(&with("/models/m/timeout", written)).models.get("m").unwrap().timeout.clone();
        [t.connect, t.first_token, t.idle, t.total].map(|limit| limit.as_millis())
    };
    assert_eq!(limits(json!({ "total": "3s" })), [3000, 3000, 3000, 3000]);
    assert_eq!(limits(json!({ "first_token": "20m" })), [5000, 1_200_000, 120_000, 1_200_000]);
    assert_eq!(limits(json!({ "connect": "3m" })), [180_000, 180_000, 120_000, 600_000]);
    assert_eq!(limits(json!({ "idle": "250ms" })), [5000, 120_000, 250, 600_000]);
}

#[test]
fn durations_and_sizes_in_every_unit() {
    for (text, millis) in
        [("250ms", 250), ("5s", 5000), ("10m", 600_000), ("1h", 3_600_000), ("1d", 86_400_000)]
    {
        let config = sound(&with("/models/m/timeout/total", json!(text)));
        assert_eq!(config.models.get("m").unwrap().timeout.total, Duration::from_millis(millis), "{text}");
    }
    let sizes = [
        (json!("2048B"), 2048),
        (json!("5KB"), 5000),
        (json!("2MB"), 2_000_000),
        (json!("1GB"), 1_000_000_000),
        (json!("512KiB"), 524_288),
        (json!("32MiB"), 33_554_432),
        (json!("1GiB"), 1_073_741_824),
        (json!(4096), 4096),
    ];
    for (written, bytes) in sizes {
        assert_eq!(sound(&with("/server/max_body", written.clone())).server.max_body, bytes, "{written}");
    }
}

#[test]
fn prices_become_micro_dollars_without_rounding() {
    let cases = [
        (json!(0.15), 150_000),
        (json!(15), 15_000_000),
        (json!(0.000001), 1),
        (json!(1e-6), 1),
        (json!(0.075), 75_000),
        (json!(1.1), 1_100_000),
        (json!(0), 0),
        (json!(99999.999999), 99_999_999_999_u64),
        (json!(1e5), 100_000_000_000),
    ];
    for (written, micros) in cases {
        let config = sound(&with("/catalog/up~1one/input", written.clone()));
        assert_eq!(config.catalog_entry("up", "one").unwrap().input, Some(micros), "{written}");
    }
}

#[test]
fn catalog_entries_are_found_by_provider_and_model() {
    let entry = json!({ "context_window": 128_000, "max_output_tokens": 4096, "output": 0.6, "cache_read": 0.05,
        "cache_write": 0.2, "cache_write_1h": 0.3, "input_audio": 40, "output_audio": 80, "from": "2026-02-01" });
    let config = sound(&with("/catalog/up~1org~1model", entry));
    let entry = config.catalog_entry("up", "org/model").unwrap();
    assert_eq!((entry.context_window, entry.max_output_tokens), (Some(128_000), Some(4096)));
    assert_eq!((entry.input, entry.output, entry.cache_read), (None, Some(600_000), Some(50_000)));
    assert_eq!((entry.cache_write, entry.cache_write_1h), (Some(200_000), Some(300_000)));
    assert_eq!((entry.input_audio, entry.output_audio), (Some(40_000_000), Some(80_000_000)));
    assert_eq!(entry.from, Some(20_485));
    assert!(config.catalog_entry("up", "other").is_none());
}

#[test]
fn secrets_are_taken_by_name() {
    let secret = |name: &str| (name == "A").then(|| Secret::new("value"));
    let resolve =
        |text: &str| SecretText::parse(text).unwrap().resolve(&secret).map(|s| s.reveal().to_owned());
    assert_eq!(resolve("${A}").unwrap(), "value");
    assert_eq!(resolve("Bearer ${A}-${A}!").unwrap(), "Bearer value-value!");
    assert_eq!(resolve("$${A} costs $5").unwrap(), "${A} costs $5");
    assert_eq!(resolve("plain").unwrap(), "plain");
    assert_eq!(resolve("x${B}").unwrap_err().to_string(), "the secret B is not set");
}

#[test]
fn literal_secrets_are_never_shown() {
    let mut document = with("/providers/up/api_key", json!("sk-literal"));
    document["providers"]["up"]["headers"] =
        json!({ "x-team": "sk-other ${A}", "authorization": "Bearer ${A}" });
    document["providers"]["up"]["base_url"] = json!("https://${HOST}/v1");
    let (config, warnings) = parse(&document).unwrap();
    let shown = config.document();
    assert_eq!(shown["providers"]["up"]["api_key"], HIDDEN);
    assert_eq!(shown["providers"]["up"]["headers"]["x-team"], "(hidden)${A}");
    assert_eq!(shown["providers"]["up"]["headers"]["authorization"], "Bearer ${A}");
    assert_eq!(shown["providers"]["up"]["base_url"], "https://${HOST}/v1");
    assert!(!format!("{config:?} {warnings:?} {shown}").contains("sk-"));
}

#[test]
fn missing_secrets_are_named_with_their_places() {
    let mut document = example();
    document["providers"]["local"]["headers"] = json!({ "x-key": "${LOCAL}" });
    let missing = sound(&document).missing_secrets(&|name| name == "OPENAI_API_KEY");
    let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(
        missing,
        [
            "providers.anthropic.api_key: the secret ANTHROPIC_API_KEY is not set",
            "providers.local.headers.x-key: the secret LOCAL is not set",
        ]
    );
}

#[test]
fn without_a_document_the_usual_keys_decide() {
    let kinds = |secrets: &[&str]| {
        let config = Config::demo(&|name| secrets.contains(&name));
        let provider = |(name, provider): &(String, super::super::Provider)| {
            assert_eq!(name, provider.kind.kind);
            format!("{name} {}", provider.api_key.as_ref().map(ToString::to_string).unwrap_or_default())
        };
        assert_eq!(config.server.max_body, 32 << 20);
        config.providers.iter().map(provider).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&[]), ["demo "]);
    assert_eq!(
        kinds(&["GOOGLE_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"]),
        ["demo ", "openai ${OPENAI_API_KEY}", "anthropic ${ANTHROPIC_API_KEY}", "gemini ${GOOGLE_API_KEY}"]
    );
    assert_eq!(kinds(&["GOOGLE_API_KEY", "GEMINI_API_KEY"]), ["demo ", "gemini ${GEMINI_API_KEY}"]);
    // It is a document like any other.
    sound(&Config::demo(&|_| true).document());
}

#[test]
fn a_configuration_written_out_is_read_back_the_same() {
    let mut document = example();
    document["catalog"] =
        json!({ "openai/gpt-x": { "input": 0.15, "from": "2026-01-31", "context_window": 9 } });
    let written = sound(&document).document();
    assert_eq!(written["models"]["assistant"]["timeout"]["idle"], "1m");
    assert_eq!(written["catalog"], document["catalog"]);
    assert_eq!(sound(&written).document(), written);
}

#[test]
fn the_schema_tells_types_defaults_and_choices() {
    let schema = json_schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["required"], json!(["providers"]));
    assert_eq!(schema["additionalProperties"], json!(false));
    let provider = &schema["properties"]["providers"]["additionalProperties"];
    assert_eq!(provider["required"], json!(["kind"]));
    assert!(provider["properties"]["kind"]["enum"].as_array().unwrap().contains(&json!("groq")));
    let model = &schema["properties"]["models"]["additionalProperties"]["properties"];
    assert_eq!(model["targets"]["minItems"], 1);
    assert_eq!(model["strategy"]["default"], "first");
    assert_eq!(model["timeout"]["properties"]["connect"]["default"], "5s");
    assert_eq!(model["retry"]["properties"]["attempts"]["maximum"], 10);
    assert_eq!(schema["properties"]["server"]["properties"]["max_body"]["default"], "32MiB");
    assert_eq!(
        schema["properties"]["records"]["properties"]["payloads"]["description"],
        "Whether the text of requests and answers is kept."
    );
}

#[test]
fn nearest_forgives_typing_not_meaning() {
    let keys = ["kind", "base_url", "api_key", "headers"];
    assert_eq!(nearest("knid", keys), Some("kind"));
    assert_eq!(nearest("API_KEY", keys), Some("api_key"));
    assert_eq!(nearest("url", keys), Some("base_url"));
    assert_eq!(nearest("timeout", keys), None);
    assert_eq!(nearest("", keys), None);
    assert_eq!(nearest("gpt4o", ["gpt-4o-mini", "gpt-4o"]), Some("gpt-4o"));
}

proptest! {
    /// Whatever is sent as a document is answered, never with a panic.
    #[test]
    fn any_value_is_answered(text in "\\PC{0,40}", number in any::<f64>(), place in 0..8_usize) {
        let places = ["/providers/up/api_key", "/providers/up/base_url", "/models/m/targets", "/models/m/timeout/total",
            "/catalog/up~1one/input", "/server/max_body", "/models/m", "/providers/up/kind"];
        for value in [json!(text), json!(number), json!([text]), json!({ (text.as_str()): number })] {
            let _ = parse(&with(places[place], value));
        }
    }

    #[test]
    fn every_price_with_six_decimals_is_exact(micros in 0..100_000_000_000_u64) {
        let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        let written: serde_json::Value = serde_json::from_str(&text).unwrap();
        let config = sound(&with("/catalog/up~1one/output", written));
        prop_assert_eq!(config.catalog_entry("up", "one").unwrap().output, Some(micros));
        prop_assert_eq!(sound(&config.document()).catalog_entry("up", "one").unwrap().output, Some(micros));
    }
}
