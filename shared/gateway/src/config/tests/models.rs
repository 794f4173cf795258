//! What bad models are told: one test for each kind of mistake, with the whole text.

use serde_json::{Value, json};

use super::{problems, told, with};

#[test]
fn model_names() {
    let model = json!({ "targets": [{ "provider": "up", "model": "one" }] });
    told(
        "/models/a~1b",
        model.clone(),
        &[
            "models.\"a/b\": a model name has no `/`: PROVIDER/UPSTREAM-MODEL names a provider's own model (did you mean \
         \"a-b\"?)",
        ],
    );
    told(
        "/models/ä",
        model,
        &[
            "models.\"ä\": a model name has only letters, digits, `.`, `_`, `:` and `-`, starts with a letter or a digit \
         and is at most 128 long",
        ],
    );
}

#[test]
fn targets() {
    told("/models/m/targets", json!([]), &["models.m.targets: must have at least one entry"]);
    told("/models/n", json!({}), &["models.n.targets: is required"]);
    told(
        "/models/m/targets",
        json!("up"),
        &["models.m.targets: expected a list, found the text \"up\"; write [up]"],
    );
    told(
        "/models/m/targets",
        json!({ "provider": "up" }),
        &["models.m.targets: expected a list, found a map"],
    );
    told(
        "/models/m/targets",
        json!([{ "provider": "zz", "model": "one" }]),
        &["models.m.targets[0].provider: there is no provider \"zz\"; `providers` has up"],
    );
    told(
        "/models/m/targets",
        json!([{ "model": "one" }, { "provider": "up" }]),
        &["models.m.targets[0].provider: is required", "models.m.targets[1].model: is required"],
    );
    told(
        "/models/m/targets",
        json!([{ "provider": "up", "model": "" }]),
        &["models.m.targets[0].model: must not be empty"],
    );
    told(
        "/models/m/targets",
        json!([{ "provider": "up", "model": " one" }]),
        &["models.m.targets[0].model: \" one\" has a space at an end or a control character in it"],
    );
    told(
        "/models/m/targets",
        json!([{ "provider": "up", "model": 4 }]),
        &["models.m.targets[0].model: expected text, found the number 4"],
    );
}

#[test]
fn an_unknown_provider_with_one_near() {
    let mut document = with("/models/m/targets/0/provider", json!("lokal"));
    document["providers"]["local"] = json!({ "kind": "demo" });
    assert_eq!(
        problems(&document),
        ["models.m.targets[0].provider: there is no provider \"lokal\" (did you mean \"local\"?)"]
    );
}

#[test]
fn weights() {
    let targets = |a: Value, b: Value| {
        problems(&with(
            "/models/m",
            json!({ "strategy": "weighted", "targets": [
            { "provider": "up", "model": "one", "weight": a }, { "provider": "up", "model": "two", "weight": b }] }),
        ))
    };
    assert_eq!(
        targets(json!(0), json!(0)),
        ["models.m.targets: all weights are 0: at least one target must have a weight above 0"]
    );
    assert!(targets(json!(0), json!(1)).is_empty());
    assert_eq!(
        targets(json!(-1), json!(1.5)),
        [
            "models.m.targets[0].weight: expected a whole number from 0 to 1000000, found the number -1",
            "models.m.targets[1].weight: expected a whole number from 0 to 1000000, found the number 1.5",
        ]
    );
}

#[test]
fn the_same_target_twice() {
    let one = json!({ "provider": "up", "model": "one" });
    told(
        "/models/m/targets",
        json!([one, { "provider": "up", "model": "two" }, one]),
        &["models.m.targets[2]: up/one is already targets[0]; use weight to send it more calls"],
    );
}

#[test]
fn strategies() {
    told(
        "/models/m/strategy",
        json!("wieghted"),
        &[
            "models.m.strategy: expected first or weighted, found the text \"wieghted\" (did you mean \"weighted\"?)",
        ],
    );
    told("/models/m/strategy", json!(true), &["models.m.strategy: expected first or weighted, found `true`"]);
    told(
        "/records/payloads",
        json!("some"),
        &["records.payloads: expected none or all, found the text \"some\""],
    );
}

#[test]
fn attempts() {
    for (value, found) in
        [(json!(0), "the number 0"), (json!(11), "the number 11"), (json!("2"), "the text \"2\"")]
    {
        told(
            "/models/m/retry/attempts",
            value,
            &[&format!("models.m.retry.attempts: expected a whole number from 1 to 10, found {found}")],
        );
    }
}

#[test]
fn limits_that_do_not_fit() {
    told(
        "/models/m/timeout",
        json!({ "connect": "31s", "first_token": "30s" }),
        &["models.m.timeout.connect: 31s is longer than first_token (30s)"],
    );
    told(
        "/models/m/timeout",
        json!({ "first_token": "2m", "idle": "90s", "total": "1m" }),
        &[
            "models.m.timeout.first_token: 2m is longer than total (1m)",
            "models.m.timeout.idle: 90s is longer than total (1m)",
        ],
    );
}

#[test]
fn fallbacks() {
    told(
        "/models/m/fallback",
        json!(["n"]),
        &["models.m.fallback[0]: there is no model \"n\"; `models` has m"],
    );
    told(
        "/models/m/fallback",
        json!("m"),
        &["models.m.fallback: expected a list, found the text \"m\"; write [m]"],
    );
    told(
        "/models/m/fallback",
        json!(["upp/x"]),
        &["models.m.fallback[0]: there is no provider \"upp\" (did you mean \"up\"?)"],
    );
    told(
        "/models/m/fallback",
        json!(["up/"]),
        &["models.m.fallback[0]: expected a provider and its model, as in openai/gpt-4o-mini"],
    );
    told(
        "/models/m/fallback",
        json!(["up/x", "up/x"]),
        &["models.m.fallback[1]: up/x is already fallback[0]"],
    );
    told("/models/m/fallback", json!(["m"]), &["models.m.fallback[0]: a model cannot fall back to itself"]);
    assert!(problems(&with("/models/m/fallback", json!(["up/x"]))).is_empty());
}

#[test]
fn an_unknown_model_with_one_near() {
    let mut document = with("/models/m/fallback", json!(["asistant"]));
    document["models"]["assistant"] = json!({ "targets": [{ "provider": "up", "model": "one" }] });
    assert_eq!(
        problems(&document),
        ["models.m.fallback[0]: there is no model \"asistant\" (did you mean \"assistant\"?)"]
    );
}

#[test]
fn fallbacks_in_a_loop_are_told_once_each() {
    let model = |fallback: &[&str]| json!({ "targets": [{ "provider": "up", "model": "one" }], "fallback": fallback });
    let mut document = with("/models", json!({}));
    document["models"] = json!({
        "a": model(&["b"]), "b": model(&["c", "d"]), "c": model(&["a"]), "d": model(&["e"]), "e": model(&["d"]),
        "f": model(&["a"]),
    });
    assert_eq!(
        problems(&document),
        [
            "models.c.fallback[0]: the fallbacks go round in a loop: a -> b -> c -> a",
            "models.e.fallback[0]: the fallbacks go round in a loop: d -> e -> d",
        ]
    );
    document["models"] =
        json!({ "a": model(&["b", "c"]), "b": model(&["d"]), "c": model(&["d"]), "d": model(&[]) });
    assert!(problems(&document).is_empty(), "two ways to one model are no loop");
}

#[test]
fn caches() {
    told("/models/m/cache", json!({}), &["models.m.cache.ttl: is required"]);
    told(
        "/models/m/cache/ttl",
        json!("10ms"),
        &["models.m.cache.ttl: 10ms is out of range: it must be from 1s to 365d"],
    );
}
