//! A deployment that lacks something: the first call says what and how to create it, `/readyz` lists all of it.

use postern_tests::site::Running as _;
use serde_json::json;

use super::door::{echo, make_key, missing, records, refused, send};
use super::with_worker;

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
            let (code, said) = refused(&echo(&site, "any", &[]).await);
            assert_eq!(code, "not_configured");
            assert!(said.contains(name) && said.contains(how) && said.contains("wrangler.toml"), "{said}");
            let listed = missing(&site).await;
            assert!(listed.len() == 1 && listed[0].contains(name) && listed[0].contains(how), "{listed:?}");
            assert_eq!(send(&site, "GET", "/healthz", &[], None).await.status(), 200);
            site.stop().await.expect("an end");
        }
        let site = worker.start_without(None, &["POSTERN", "TENANTS", "DIRECTORY"]).await.expect("a Worker");
        let ((_, said), listed) = (refused(&echo(&site, "any", &[]).await), missing(&site).await);
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
        for name in ["TENANTS", "DIRECTORY", "NOT_SET_HERE", "wrangler secret put"] {
            assert!(listed.contains(name), "{name} is not in {listed}");
        }
        site.stop().await.expect("an end");

        let site = worker.start_without(Some(&config), &[]).await.expect("a Worker");
        let key = format!("Bearer {}", make_key(&site, "secret").await);
        let body =
            json!({ "model": "vendor/gpt-4o-mini", "messages": [{ "role": "user", "content": "hi" }] });
        let headers = [("authorization", key.as_str())];
        let call = send(&site, "POST", "/v1/chat/completions", &headers, Some(&body)).await;
        let (code, said) = refused(&call);
        assert_eq!(code, "not_configured");
        assert!(said.contains("NOT_SET_HERE") && said.contains("wrangler secret put"), "{said}");
        let listed = missing(&site).await;
        assert!(listed.len() == 1 && listed[0].contains("NOT_SET_HERE"), "{listed:?}");
        assert!(listed[0].contains("wrangler secret put"), "{listed:?}");
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
