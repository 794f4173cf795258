//! Durable Objects that are ended while they are needed, and workerd that is: what was recorded stays, once.

use std::time::Duration;

use futures_util::future::{join, join_all};
use postern_tests::corpus::Leaves;
use postern_tests::site::{Heard, Payload, Setting, Site};
use serde_json::json;

use super::door::{calls_in_the_sums, echo, make_key, records, send};
use super::with_worker;

const FAULTY: Setting<'_> = Setting {
    config: None,
    without: &[],
    variables: &[],
    without_sql: false,
    faults: true,
    elsewhere: false,
};

#[test]
fn an_object_that_is_evicted_mid_call_loses_and_doubles_nothing() {
    with_worker(async |worker| {
        let site = worker.start_in(&FAULTY).await.expect("a Worker");
        let key = make_key(&site, "evicted").await;
        let mut expected = 0;
        for when in ["before", "after", "before", "after"] {
            // The first record of all also has to reach the directory.
            site.fault(&json!({ "evict": "evicted", "when": when })).await.expect("an eviction");
            assert_eq!(echo(&site, &key, &[]).await.status(), 200, "the caller does not hear of it");
            expected += 1;
            assert_eq!(records(&site, "evicted", expected).await, expected, "evicted {when} it was handled");
        }
        assert_eq!(calls_in_the_sums(&site, "evicted").await, expected as u64);
        let objects = site.fault(&json!({})).await.expect("counts");
        assert_eq!(objects, json!({ "made": 5, "ended": 4 }), "each eviction made a new object");
    });
}

#[test]
fn evictions_under_load_lose_and_double_nothing() {
    with_worker(async |worker| {
        let site = worker.start_in(&FAULTY).await.expect("a Worker");
        let key = make_key(&site, "busy").await;
        let calls = async {
            let mut good = 0;
            for _ in 0..6 {
                let answers = join_all((0..20).map(|_| echo(&site, &key, &[]))).await;
                good += answers.iter().filter(|answer| answer.status() == 200).count();
            }
            good
        };
        let evictions = async {
            for number in 0..12 {
                let when = if number % 2 == 0 { "before" } else { "after" };
                // An object that is just ending does not take it: others do.
                let _taken = site.fault(&json!({ "evict": "busy", "when": when })).await;
                site.pause(Duration::from_millis(40)).await;
            }
        };
        let (good, ()) = join(calls, evictions).await;
        assert_eq!(good, 120);
        assert_eq!(records(&site, "busy", 120).await, 120);
        assert_eq!(calls_in_the_sums(&site, "busy").await, 120);
        let objects = site.fault(&json!({})).await.expect("counts");
        assert!(objects["ended"].as_u64() > Some(3), "{objects}");
        assert!(objects["made"].as_u64() > objects["ended"].as_u64(), "{objects}");
    });
}

#[test]
fn a_restart_of_everything_mid_call_keeps_what_was_recorded_once() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        let key = make_key(&site, "restarted").await;
        for _ in 0..5 {
            assert_eq!(echo(&site, &key, &[]).await.status(), 200);
        }
        assert_eq!(records(&site, "restarted", 5).await, 5);
        // Streams of some hundred milliseconds are under way when workerd is killed.
        let authorization = format!("Bearer {key}");
        let body = json!({
            "model": "demo/slow", "stream": true,
            "messages": [{ "role": "user", "content": "one two three four five six seven eight nine ten" }],
        });
        let stream = async || {
            let request = http::Request::post("/v1/chat/completions")
                .header("authorization", &authorization)
                .header("content-type", "application/json")
                .body(Payload::whole(body.to_string()))
                .expect("a request");
            site.call(request, &Leaves::Never).await
        };
        let killing = async {
            site.pause(Duration::from_millis(250)).await;
            site.restart().await
        };
        let (broken, restarted) = join(join_all((0..5).map(|_| stream())), killing).await;
        restarted.expect("workerd starts again");
        let whole = |heard: &Result<Heard, String>| {
            heard.as_ref().is_ok_and(|heard| heard.body.ends_with(b"data: [DONE]\n\n"))
        };
        assert!(broken.iter().any(|heard| !whole(heard)), "some were under way: {broken:?}");
        // The key is still known, and every record is there once, with its sums.
        assert_eq!(echo(&site, &key, &[]).await.status(), 200);
        let kept = records(&site, "restarted", 6).await;
        assert!((6..=11).contains(&kept), "{kept} records");
        assert_eq!(calls_in_the_sums(&site, "restarted").await, kept as u64);
        assert_eq!(send(&site, "GET", "/readyz", &[], None).await.status(), 200);
    });
}
