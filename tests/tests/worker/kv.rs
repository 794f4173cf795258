//! A KV that is slow, and one that gives what was there before, as a place does that has read a value already.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use postern_tests::site::{Setting, Site};
use serde_json::json;

use super::door::{administrate, echo, make_key, read, records, send};
use super::with_worker;

const FAULTY: Setting<'_> =
    Setting { config: None, without: &[], variables: &[], without_sql: false, faults: true, elsewhere: true };

#[test]
fn a_slow_kv_slows_first_calls_and_nothing_else() {
    with_worker(async |worker| {
        let site = worker.start_in(&FAULTY).await.expect("a Worker");
        let slow = Duration::from_secs(3);
        let key = make_key(&site.elsewhere(), "slow").await;
        site.fault(&json!({ "kv": { "delay": slow.as_millis() as u64 } })).await.expect("a slow KV");
        // The isolate has neither configuration nor key: both are waited for, by many calls at once.
        let begun = Instant::now();
        let answers = join_all((0..10).map(|_| echo(&site, &key, &[]))).await;
        assert!(answers.iter().all(|answer| answer.status() == 200), "{answers:?}");
        assert!(begun.elapsed() >= slow, "KV was slow");
        assert_eq!(records(&site, "slow", 10).await, 10);
        // From here on KV may as well be stuck.
        site.fault(&json!({ "kv": { "delay": 60_000 } })).await.expect("a stuck KV");
        let begun = Instant::now();
        assert_eq!(echo(&site, &key, &[]).await.status(), 200);
        assert!(begun.elapsed() < Duration::from_secs(30), "the key is in the isolate");
        // The configuration is due for a refresh; who comes meanwhile goes on with the one there is.
        site.pause(Duration::from_secs(26)).await;
        let begun = Instant::now();
        for _ in 0..3 {
            assert_eq!(send(&site, "GET", "/healthz", &[], None).await.status(), 200);
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "nobody waits for the refresh");
        site.fault(&json!({ "kv": { "delay": 0 } })).await.expect("a quick KV");
        assert_eq!(echo(&site, &key, &[]).await.status(), 200);
        assert_eq!(records(&site, "slow", 12).await, 12);
        let usage = administrate(&site, "GET", "/admin/v1/usage?by=tenant&tenant=slow", None).await;
        assert_eq!(usage["data"][0]["calls"], 12, "{usage}");
    });
}

#[test]
fn what_another_place_changes_is_in_force_within_a_minute_also_where_kv_is_stale() {
    with_worker(async |worker| {
        let config = |name: &str| json!({ "providers": { name: { "kind": "demo" } } });
        let before = config("before");
        let site = worker.start_in(&Setting { config: Some(&before), ..FAULTY }).await.expect("a Worker");
        let elsewhere = site.elsewhere();
        site.fault(&json!({ "kv": { "stale": true } })).await.expect("a stale KV");
        let new = json!({ "tenant": "stale", "name": "test", "models": ["*"] });
        let made = administrate(&elsewhere, "POST", "/admin/v1/keys", Some(&new)).await;
        let (id, key) = (made["id"].as_str().expect("an id"), made["key"].as_str().expect("a key"));
        let key = format!("Bearer {key}");
        let other = format!("Bearer {}", make_key(&elsewhere, "other").await);
        let status = async |key: &str, name: &str| {
            let path = format!("/v1/models/{name}/echo");
            send(&site, "GET", &path, &[("authorization", key)], None).await.status()
        };
        assert_eq!((status(&key, "before").await, status(&other, "before").await), (200, 200));
        // Both are in the isolate now, and in this place's KV.
        let path = format!("/admin/v1/keys/{id}");
        let token = format!("Bearer {}", site.admin_token());
        let gone = send(&elsewhere, "DELETE", &path, &[("authorization", &token)], None).await;
        assert_eq!(gone.status(), 200, "{gone:?}");
        administrate(&elsewhere, "PUT", "/admin/v1/config", Some(&config("after"))).await;
        let changed = Instant::now();
        let there = send(&elsewhere, "GET", "/v1/models/after/echo", &[("authorization", &key)], None).await;
        assert_eq!(read(&there)["error"]["code"], "revoked_api_key", "at once where it was revoked");
        let there =
            send(&elsewhere, "GET", "/v1/models/after/echo", &[("authorization", &other)], None).await;
        assert_eq!(there.status(), 200, "at once where it was written");
        while (status(&key, "before").await, status(&other, "after").await) != (401, 200) {
            assert!(changed.elapsed() < Duration::from_secs(61), "a minute has passed");
            site.pause(Duration::from_secs(1)).await;
        }
        assert_eq!(status(&other, "before").await, 404);
    });
}
