//! What works but is doubtful.

use serde_json::json;

use super::{example, warnings, with};

const IN_THE_OPEN: &str = "stands in the document itself, where everybody who can read the document sees it; keep it as \
                           a secret of the platform and write its name";

#[test]
fn the_example_warns_of_its_cache_only() {
    assert_eq!(
        warnings(&example()),
        [
            "models.assistant.cache: this version of Postern does not cache answers yet: the setting has no effect"
        ]
    );
}

#[test]
fn a_key_in_the_open() {
    assert_eq!(
        warnings(&with("/providers/up/api_key", json!("sk-secret"))),
        [format!("providers.up.api_key: the key {IN_THE_OPEN} (did you mean \"${{OPENAI_API_KEY}}\"?)")]
    );
    assert_eq!(
        warnings(&with("/providers/up/headers/Authorization", json!("Bearer sk-secret"))),
        [format!("providers.up.headers.Authorization: the credential {IN_THE_OPEN}")]
    );
    assert!(warnings(&with("/providers/up/headers/x-team", json!("red"))).is_empty());
}

#[test]
fn no_key_where_the_vendor_wants_one() {
    assert_eq!(
        warnings(&with("/providers/other", json!({ "kind": "openai" }))),
        ["providers.other.api_key: is not set, and OpenAI refuses calls without a key (did you mean \
          \"${OPENAI_API_KEY}\"?)"]
    );
    let own = json!({ "kind": "openai", "base_url": "http://127.0.0.1:1/v1" });
    assert!(warnings(&with("/providers/other", own)).is_empty());
    let header = json!({ "kind": "openai", "headers": { "authorization": "Bearer ${T}" } });
    assert!(warnings(&with("/providers/other", header)).is_empty());
}

#[test]
fn a_key_for_the_demo() {
    assert_eq!(
        warnings(&with("/providers/other", json!({ "kind": "demo", "api_key": "${K}" }))),
        ["providers.other.api_key: the built-in demo provider needs no key: leave it out"]
    );
}

#[test]
fn weights_without_the_strategy() {
    let targets = json!([{ "provider": "up", "model": "one", "weight": 3 }]);
    assert_eq!(
        warnings(&with("/models/m/targets", targets)),
        ["models.m.targets: weights count only with `strategy: weighted`; this model uses `first`"]
    );
}

#[test]
fn a_catalog_entry_without_figures() {
    assert_eq!(
        warnings(&with("/catalog/up~1one", json!({}))),
        ["catalog.\"up/one\": has no figures, so it changes nothing"]
    );
}
