//! A deployment that lacks something: the first call says what and how to create it, `/readyz` lists all of it.

use postern_tests::site::{Heard, Running as _, WorkerSite};
use serde_json::json;

use super::door::{echo, make_key, read, records, send};
use super::with_worker;

/// The text of a 503 for a call, which must be of this code.
async fn refused(heard: &Heard, code: &str) -> String {
    assert_eq!(heard.status(), 503, "{heard:?}");
    let error = &read(heard)["error"];
    assert_eq!((&error["code"], &error["type"]), (&json!(code), &json!("server_error")), "{error}");
    error["message"].as_str().unwrap_or_default().to_owned()
}

/// What `/readyz` lists.
async fn missing(site: &WorkerSite) -> Vec<String> {
    let ready = send(site, "GET", "/readyz", &[], None).await;
    assert_eq!(ready.status(), 503, "{ready:?}");
    serde_json::from_value(read(&ready)["missing"].clone()).expect("a list of texts")
}

#[test]
fn each_missing_binding_is_named_with_how_to_create_it() {
    with_worker(async |worker| {
        let advice = [
            ("POSTERN", "wrangler kv namespace create"),
            ("TENANTS", "new_sqlite_classes"),
            ("DIRECTORY", "new_sqlite_classes"),
        ];
        for (name, how) in advice {
            let site = worker.start_without(None, &[name]).await.expect("a Worker");
            let said = refused(&echo(&site, "any", &[]).await, "not_configured").await;
            assert!(said.contains(name) && said.contains(how) && said.contains("wrangler.toml"), "{said}");
            let listed = missing(&site).await;
            assert!(listed.len() == 1 && listed[0].contains(name) && listed[0].contains(how), "{listed:?}");
            assert_eq!(send(&site, "GET", "/healthz", &[], None).await.status(), 200);
            site.stop().await.expect("an end");
        }
        let site = worker.start_without(None, &["POSTERN", "TENANTS", "DIRECTORY"]).await.expect("a Worker");
        let (said, listed) =
            (refused(&echo(&site, "any", &[]).await, "not_configured").await, missing(&site).await);
        assert_eq!(listed.len(), 3, "{listed:?}");
        for name in ["POSTERN", "TENANTS", "DIRECTORY"] {
            assert!(said.contains(name), "{name} is not in {said}");
            assert!(listed.iter().any(|line| line.contains(name)), "{name} is not in {listed:?}");
        }
    });
}

#[test]
fn a_missing_secret_is_named_beside_missing_bindings() {
    with_worker(async |worker| {
        let config = json!({
            "providers": { "vendor": { "kind": "openai", "api_key": "${NOT_SET_HERE}" } },
        });
        let site = worker.start_without(Some(&config), &["TENANTS", "DIRECTORY"]).await.expect("a Worker");
        let listed = missing(&site).await.join("\n");
        for name in ["TENANTS", "DIRECTORY", "NOT_SET_HERE"] {
            assert!(listed.contains(name), "{name} is not in {listed}");
        }
        site.stop().await.expect("an end");

        let site = worker.start_without(Some(&config), &[]).await.expect("a Worker");
        let key = format!("Bearer {}", make_key(&site, "secret").await);
        let body =
            json!({ "model": "vendor/gpt-4o-mini", "messages": [{ "role": "user", "content": "hi" }] });
        let headers = [("authorization", key.as_str())];
        let call = send(&site, "POST", "/v1/chat/completions", &headers, Some(&body)).await;
        let said = refused(&call, "not_configured").await;
        assert!(said.contains("NOT_SET_HERE"), "{said}");
        let listed = missing(&site).await;
        assert!(listed.len() == 1 && listed[0].contains("NOT_SET_HERE"), "{listed:?}");
    });
}

#[test]
fn analytics_may_be_left_out() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &["CALLS"]).await.expect("a Worker");
        let key = make_key(&site, "uncounted").await;
        assert_eq!(echo(&site, &key, &[]).await.status(), 200);
        assert_eq!(records(&site, "uncounted", 1).await, 1);
        assert_eq!(send(&site, "GET", "/readyz", &[], None).await.status(), 200);
    });
}
