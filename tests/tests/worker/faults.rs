//! What a Worker meets in its life. Nothing recorded is lost or doubled.

use std::time::Duration;

use futures_util::future::join_all;
use postern_tests::site::Site as _;
use serde_json::{Value, json};

use super::door::{administrate, ask, echo, headers, make_key, read, records, send};
use super::with_worker;

#[test]
fn a_trap_in_one_call_does_not_take_the_next_one_down() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        let key = make_key(&site, "traps").await;
        for _ in 0..3 {
            let trapped = echo(&site, &key, &[("x-postern-test-trap", "handle")]).await;
            assert_eq!(trapped.status(), 500, "{trapped:?}");
            let next = echo(&site, &key, &[]).await;
            assert_eq!(next.status(), 200, "{next:?}");
        }
        assert_eq!(records(&site, "traps", 3).await, 3, "the calls that were answered, once each");
    });
}

#[test]
fn cold_starts_in_parallel_answer_and_record_each_call_once() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        let key = make_key(&site, "cold").await;
        let config = json!({ "providers": { "demo": { "kind": "demo" } } });
        let fresh = worker.start_without(Some(&config), &[]).await.expect("another Worker");
        let fresh_key = make_key(&fresh, "cold").await;
        for (site, key) in [(&site, &key), (&fresh, &fresh_key)] {
            let answers = join_all((0..40).map(|_| echo(site, key, &[]))).await;
            assert!(answers.iter().all(|answer| answer.status() == 200));
            site.pause(Duration::from_millis(300)).await;
            assert_eq!(records(site, "cold", 40).await, 40);
            let usage = administrate(site, "GET", "/admin/v1/usage?by=tenant&tenant=cold", None).await;
            assert_eq!(usage["data"][0]["calls"], 40);
        }
    });
}

#[test]
fn an_object_that_fails_after_writing_does_not_double_a_record() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        let key = make_key(&site, "broken").await;
        assert_eq!(echo(&site, &key, &[]).await.status(), 200);
        assert_eq!(records(&site, "broken", 1).await, 1);
        ask::<()>(&site, &json!({ "ask": "break", "tenant": "broken" })).await.expect("it can be broken");
        assert_eq!(echo(&site, &key, &[]).await.status(), 200);
        site.pause(Duration::from_secs(1)).await;
        assert_eq!(records(&site, "broken", 2).await, 2);
        let usage = administrate(&site, "GET", "/admin/v1/usage?by=tenant&tenant=broken", None).await;
        assert_eq!(usage["data"][0]["calls"], 2, "{usage}");
    });
}

#[test]
fn a_kv_that_is_down_stops_only_what_needs_it() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        let key = make_key(&site, "kv").await;
        assert_eq!(echo(&site, &key, &[]).await.status(), 200);
        let down = |down: bool| json!({ "ask": "kv_is_down", "down": down });
        ask::<()>(&site, &down(true)).await.expect("a switch");
        assert_eq!(
            echo(&site, &key, &[]).await.status(),
            200,
            "the key and the configuration are in the isolate"
        );
        let unknown = format!("pk_{}_{}", "0".repeat(10), "A".repeat(40));
        let refused = echo(&site, &unknown, &[]).await;
        assert_eq!(refused.status(), 503, "a key that cannot be looked up is not called unknown");
        assert_eq!(read(&refused)["error"]["code"], "store_unavailable");
        assert_eq!(send(&site, "GET", "/readyz", &[], None).await.status(), 503);
        ask::<()>(&site, &down(false)).await.expect("a switch");
        assert_eq!(echo(&site, &unknown, &[]).await.status(), 401);
    });
}

#[test]
fn a_configuration_written_elsewhere_is_in_force_within_a_minute() {
    with_worker(async |worker| {
        let config = |name: &str| json!({ "providers": { name: { "kind": "demo" } } });
        let site = worker.start_without(Some(&config("before")), &[]).await.expect("a Worker");
        let key = format!("Bearer {}", make_key(&site, "config").await);
        let model = async |name: &str| {
            let path = format!("/v1/models/{name}/echo");
            send(&site, "GET", &path, &[("authorization", &key)], None).await.status()
        };
        assert_eq!((model("before").await, model("after").await), (200, 404));
        site.put("config", &config("after").to_string()).await.expect("an entry");
        let mut waited = 0;
        while model("after").await != 200 {
            assert!(waited < 60, "a minute has passed");
            waited += 1;
            site.pause(Duration::from_secs(1)).await;
        }
        assert_eq!(model("before").await, 404);
        // What this isolate writes itself is in force at once.
        let written = administrate(&site, "PUT", "/admin/v1/config", Some(&config("own"))).await;
        assert_eq!(written, json!({ "warnings": [] }));
        assert_eq!((model("own").await, model("after").await), (200, 404));
    });
}

#[test]
fn a_call_says_where_it_comes_from() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        let key = make_key(&site, "place").await;
        let place = json!({ "country": "NL", "colo": "AMS", "region": "North Holland" }).to_string();
        let answer = echo(&site, &key, &[("mf-cf-blob", &place)]).await;
        assert_eq!(answer.status(), 200);
        assert!(!headers(&answer).contains_key("mf-cf-blob"));
        assert_eq!(records(&site, "place", 1).await, 1);
        let page: Value = administrate(&site, "GET", "/admin/v1/logs?tenant=place", None).await;
        let record = &page["data"][0];
        assert_eq!((&record["country"], &record["colo"]), (&json!("NL"), &json!("AMS")), "{record}");
        assert_eq!(record["region"], "North Holland");
    });
}
