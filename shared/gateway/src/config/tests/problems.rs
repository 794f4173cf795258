//! What bad documents are told, models apart: one test for each kind of mistake, with the whole text.

use serde_json::{Value, json};

use super::{problems, told, with};

#[test]
fn a_document_that_is_no_map() {
    assert_eq!(problems(&json!([1])), ["expected a map, found a list"]);
    assert_eq!(problems(&Value::Null), ["expected a map, found nothing (null)"]);
}

#[test]
fn no_providers() {
    assert_eq!(problems(&json!({})), ["providers: is required"]);
    assert_eq!(problems(&json!({ "providers": {} })), ["providers: must have at least one entry"]);
    assert_eq!(
        problems(&json!({ "providers": ["openai"] })),
        ["providers: expected a map by provider name, found a list"]
    );
}

#[test]
fn unknown_keys() {
    told("/server/max_bdoy", json!(1), &["server.max_bdoy: unknown key (did you mean \"max_body\"?)"]);
    told(
        "/extra",
        json!({}),
        &["extra: unknown key; the keys here are providers, models, server, records, catalog"],
    );
    told("/providers/up/url", json!("x"), &["providers.up.url: unknown key (did you mean \"base_url\"?)"]);
    told(
        "/a.b \"c",
        json!(1),
        &["\"a.b \\\"c\": unknown key; the keys here are providers, models, server, records, catalog"],
    );
}

#[test]
fn a_section_of_another_type() {
    told("/server", json!("32MiB"), &["server: expected a map, found text"]);
    told("/models/m/retry", json!(3), &["models.m.retry: expected a map, found a number"]);
    told("/models/m/timeout", Value::Null, &["models.m.timeout: expected a map, found nothing (null)"]);
}

#[test]
fn a_key_in_the_place_of_a_provider_is_not_shown() {
    told("/providers/other", json!("sk-secret"), &["providers.other: expected a map, found text"]);
}

#[test]
fn provider_names() {
    let bad = "a provider name has only a-z, 0-9, `_` and `-`, starts with a letter or a digit and is at most 64 long";
    let demo = json!({ "kind": "demo" });
    told(
        "/providers/Open AI",
        demo.clone(),
        &[&format!("providers.\"Open AI\": {bad} (did you mean \"open-ai\"?)")],
    );
    told("/providers/-x", demo.clone(), &[&format!("providers.-x: {bad}")]);
    told("/providers/a~1b", demo.clone(), &[&format!("providers.\"a/b\": {bad}")]);
    told(&format!("/providers/{}", "a".repeat(65)), demo, &[&format!("providers.{}: {bad}", "a".repeat(65))]);
}

#[test]
fn kinds() {
    told(
        "/providers/up/kind",
        json!("opnai"),
        &["providers.up.kind: unknown kind \"opnai\" (did you mean \"openai\"?)"],
    );
    told(
        "/providers/up/kind",
        json!("zzzzzz"),
        &[
            "providers.up.kind: unknown kind \"zzzzzz\"; for a service that is not in the list write openai_compatible \
         with its base_url",
        ],
    );
    told(
        "/providers/up/kind",
        json!(1),
        &["providers.up.kind: expected a kind of provider such as openai, found the number 1"],
    );
    told("/providers/other", json!({}), &["providers.other.kind: is required"]);
}

#[test]
fn addresses() {
    let address = |kind: &str, address: Value| {
        problems(&with("/providers/other", json!({ "kind": kind, "base_url": address, "api_key": "${K}" })))
    };
    let at = "providers.other.base_url:";
    assert_eq!(
        address("openai", json!("api.example.com/v1")),
        [format!(
            "{at} the URL must begin with https:// or http:// (did you mean \"https://api.example.com/v1\"?)"
        )]
    );
    assert_eq!(
        address("openai", json!("localhost:8000/v1")),
        [format!(
            "{at} the URL must begin with https:// or http:// (did you mean \"http://localhost:8000/v1\"?)"
        )]
    );
    for other in ["ftp://x.example/v1", "sk-secret", ""] {
        assert_eq!(
            address("openai", json!(other)),
            [format!("{at} the URL must begin with https:// or http://")],
            "{other}"
        );
    }
    assert_eq!(
        address("openai", json!(1)),
        [format!("{at} expected a URL such as https://api.example.com/v1, found a number")]
    );
    assert_eq!(
        address("openai", json!("https://user:sk-secret@x.example/v1")),
        [format!("{at} the URL holds a user name or password: put credentials into api_key or headers")]
    );
    assert_eq!(
        address("openai", json!("https://x.example/v1?key=sk-secret")),
        [format!("{at} the URL has a query or a fragment: give only scheme, host and path")]
    );
    assert_eq!(
        address("openai", json!("https://x.example/v1/chat/completions")),
        [format!(
            "{at} the URL ends in /chat/completions, which is added by itself: leave that part out (did you mean \
         \"https://x.example/v1\"?)"
        )]
    );
    assert_eq!(
        address("openai", json!("https://${HOST/v1")),
        [format!("{at} a `${{` has no closing `}}`; write `$${{` for the two characters themselves")]
    );
    assert!(address("openai", json!("https://${HOST}/v1")).is_empty());
    assert!(address("openai", json!("${URL}")).is_empty());
    assert_eq!(
        address("demo", json!("https://x.example")),
        [format!("{at} the built-in demo provider takes no base_url: remove it, or name another kind")]
    );
}

#[test]
fn an_address_with_a_version_where_the_vendor_adds_it() {
    let address = |kind: &str, address: &str| {
        problems(&with("/providers/other", json!({ "kind": kind, "base_url": address, "api_key": "${K}" })))
    };
    assert_eq!(
        address("anthropic", "https://api.anthropic.com/v1/"),
        [
            "providers.other.base_url: anthropic takes its base_url without a version: leave out /v1 at the end (did you \
         mean \"https://api.anthropic.com\"?)",
        ]
    );
    assert_eq!(
        address("gemini", "https://generativelanguage.googleapis.com/v1beta"),
        [
            "providers.other.base_url: gemini takes its base_url without a version: leave out /v1beta at the end (did you \
         mean \"https://generativelanguage.googleapis.com\"?)",
        ]
    );
}

#[test]
fn a_vendor_without_a_common_address() {
    told(
        "/providers/other",
        json!({ "kind": "azure", "api_key": "${K}" }),
        &["providers.other.base_url: is required: azure has no common address; it looks like \
         https://RESOURCE.openai.azure.com/openai/v1"],
    );
}

#[test]
fn credentials() {
    let key = |value: Value, expected: &str| {
        told("/providers/up/api_key", value, &[&format!("providers.up.api_key: {expected}")]);
    };
    key(json!(12_345), "expected text such as ${NAME}, found a number");
    key(Value::Null, "expected text such as ${NAME}, found nothing (null)");
    key(json!(""), "must not be empty");
    key(
        json!("${MY-KEY}"),
        "\"MY-KEY\" is not the name of a secret: letters, digits and `_`, not starting with a digit",
    );
    key(
        json!("${1A}"),
        "\"1A\" is not the name of a secret: letters, digits and `_`, not starting with a digit",
    );
    key(json!("${A"), "a `${` has no closing `}`; write `$${` for the two characters themselves");
    key(json!("sk-a\nb"), "has a character that a header cannot carry, or a space at an end");
    key(
        json!("(hidden)"),
        "(hidden) stands for a secret that was not shown; write ${NAME} or the secret itself",
    );
}

#[test]
fn headers() {
    told(
        "/providers/up/headers/a b",
        json!("x"),
        &["providers.up.headers.\"a b\": not a name that an HTTP header can have"],
    );
    told(
        "/providers/up/headers/Content-Length",
        json!("1"),
        &["providers.up.headers.Content-Length: Postern sets this header itself: leave it out"],
    );
    told(
        "/providers/up/headers/x-a",
        json!(["sk-secret"]),
        &["providers.up.headers.x-a: expected text such as ${NAME}, found a list"],
    );
    told(
        "/providers/up/headers",
        json!("x-a: sk-secret"),
        &["providers.up.headers: expected a map by header name, found text"],
    );
}

#[test]
fn durations() {
    let limit = |value: Value, expected: &str| {
        told("/models/m/timeout/idle", value, &[&format!("models.m.timeout.idle: {expected}")]);
    };
    let duration = "expected a duration such as 250ms, 30s, 10m or 1h, found";
    limit(json!(5), &format!("{duration} the number 5 (did you mean \"5s\"?)"));
    limit(json!("5 s"), &format!("{duration} the text \"5 s\""));
    limit(json!("5"), &format!("{duration} the text \"5\""));
    limit(json!("-5s"), &format!("{duration} the text \"-5s\""));
    limit(json!("99999999999999999999s"), &format!("{duration} the text \"99999999999999999999s\""));
    limit(json!("0s"), "0s is out of range: it must be from 1ms to 1d");
    limit(json!("25h"), "25h is out of range: it must be from 1ms to 1d");
}

#[test]
fn sizes() {
    let size =
        "server.max_body: expected a size such as 512KiB, 32MiB or 1GB, or a whole number of bytes, found";
    told("/server/max_body", json!("32 MiB"), &[&format!("{size} the text \"32 MiB\"")]);
    told("/server/max_body", json!("32mb"), &[&format!("{size} the text \"32mb\"")]);
    told("/server/max_body", json!(-1), &[&format!("{size} the number -1")]);
    told(
        "/server/max_body",
        json!("2GiB"),
        &["server.max_body: 2GiB is out of range: it must be from 1KiB to 1GiB"],
    );
}

#[test]
fn catalog_names() {
    told(
        "/catalog/gpt-4o",
        json!({ "input": 1 }),
        &["catalog.gpt-4o: expected a provider and its model, as in openai/gpt-4o-mini"],
    );
    told(
        "/catalog/upp~1x",
        json!({ "input": 1 }),
        &["catalog.\"upp/x\": there is no provider \"upp\" (did you mean \"up\"?)"],
    );
}

#[test]
fn catalog_figures() {
    let price = "expected a price in US dollars for a million tokens, such as 0.15";
    let told = |key: &str, value: Value, expected: &str| {
        told(&format!("/catalog/up~1x/{key}"), value, &[&format!("catalog.\"up/x\".{key}: {expected}")]);
    };
    told("input", json!("0.15"), &format!("{price}, found the text \"0.15\""));
    told("input", json!(-1), &format!("{price}, not below zero, found the number -1"));
    told("output", json!(0.1234567), "0.1234567 has more than six decimals");
    told(
        "output",
        json!(100_001),
        "100001 US dollars for a million tokens is too much; the unit may be wrong",
    );
    told("from", json!("2026-02-30"), "expected a day such as 2026-01-31, found the text \"2026-02-30\"");
    told("from", json!("26-2-3"), "expected a day such as 2026-01-31, found the text \"26-2-3\"");
    told("context_window", json!(0), "expected a whole number from 1 to 1000000000, found the number 0");
}

#[test]
fn an_output_larger_than_the_window() {
    told(
        "/catalog/up~1x",
        json!({ "context_window": 10, "max_output_tokens": 11 }),
        &["catalog.\"up/x\".max_output_tokens: 11 is more than context_window (10)"],
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let document = json!({
        "providers": { "up": { "kind": "opnai" } },
        "models": {
            "a": { "targets": [{ "provider": "nope", "model": "x" }], "retry": { "attempts": 99 }, "fallback": ["a"] },
        },
        "server": { "max_body": "big" },
        "recrods": {},
    });
    assert_eq!(
        problems(&document),
        [
            "recrods: unknown key (did you mean \"records\"?)",
            "providers.up.kind: unknown kind \"opnai\" (did you mean \"openai\"?)",
            "models.a.retry.attempts: expected a whole number from 1 to 10, found the number 99",
            "server.max_body: expected a size such as 512KiB, 32MiB or 1GB, or a whole number of bytes, found the text \
             \"big\"",
            "models.a.targets[0].provider: there is no provider \"nope\"; `providers` has up",
            "models.a.fallback[0]: a model cannot fall back to itself",
        ]
    );
}
