//! Records go to their object several at a time. None is lost or doubled on the way, whoever leaves or fails.

use std::time::Duration;

use futures_util::future::join_all;
use postern_gateway::record::{Record, RecordQuery, UsageGroup, UsageQuery};
use postern_gateway::{Journal as _, Timestamp};
use postern_tests::corpus::Leaves;
use postern_tests::site::{Payload, Site, WorkerSite};
use serde_json::{Value, json};

use super::door::{Door, administrate, ask, echo, make_key, records};
use super::with_worker;

async fn calls_counted(site: &WorkerSite, tenant: &str) -> Value {
    let usage = administrate(site, "GET", &format!("/admin/v1/usage?by=tenant&tenant={tenant}"), None).await;
    usage["data"][0]["calls"].clone()
}

/// Commits of a tenant's object, records in them, rows written for them.
async fn written(site: &WorkerSite, tenant: &str) -> [u64; 3] {
    ask(site, &json!({ "ask": "written", "tenant": tenant })).await.expect("what was written")
}

#[test]
fn several_records_are_one_request_and_one_row() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        let key = make_key(&site, "many").await;
        for _ in 0..4 {
            let answers = join_all((0..32).map(|_| echo(&site, &key, &[]))).await;
            assert!(answers.iter().all(|answer| answer.status() == 200));
        }
        assert_eq!(records(&site, "many", 128).await, 128);
        assert_eq!(calls_counted(&site, "many").await, 128);
        let [commits, taken, rows] = written(&site, "many").await;
        assert_eq!(taken, 128);
        // Beside a row for each commit: the day's table, and what the longest call took, each time it doubled.
        assert!(rows <= commits + 20, "{rows} rows for {commits} commits");
        assert!(commits < 128, "no two records came together");
    });
}

#[test]
fn the_call_that_sends_a_batch_may_lose_its_caller() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        let key = make_key(&site, "left").await;
        // Its record begins the batch, and by then it is alone.
        let body = json!({ "model": "demo/slow", "stream": true, "messages": [{ "role": "user", "content": "one two three" }] });
        let request = http::Request::post("/v1/chat/completions")
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json")
            .body(Payload::whole(body.to_string()))
            .expect("a request");
        site.call(request, &Leaves::AfterText("content".to_owned())).await.expect("an answer");
        let others = join_all((0..8).map(|_| echo(&site, &key, &[]))).await;
        assert!(others.iter().all(|answer| answer.status() == 200));
        // Nobody asks for a while, so the batch is sent by whoever began it.
        site.pause(Duration::from_millis(2500)).await;
        assert_eq!(records(&site, "left", 9).await, 9);
        assert_eq!(calls_counted(&site, "left").await, 9);
        assert_eq!(written(&site, "left").await[1], 9);
    });
}

#[test]
fn an_object_that_starts_anew_before_it_answers_does_not_double_a_batch() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        let key = make_key(&site, "anew").await;
        for restart in [false, true] {
            let asked = json!({ "ask": "break", "tenant": "anew", "restart": restart });
            ask::<()>(&site, &asked).await.expect("it can be broken");
            let answers = join_all((0..5).map(|_| echo(&site, &key, &[]))).await;
            assert!(answers.iter().all(|answer| answer.status() == 200));
            let expected = if restart { 10 } else { 5 };
            assert_eq!(records(&site, "anew", expected).await, expected);
            // Also after everything that might offer the batch again has done so.
            site.pause(Duration::from_secs(3)).await;
            assert_eq!(records(&site, "anew", expected).await, expected);
            assert_eq!(calls_counted(&site, "anew").await, expected);
        }
        // What the object knows of its batches now, it has read: the second half was written before it started.
        assert!(written(&site, "anew").await[1] < 10, "the object did not start anew");
    });
}

#[test]
fn a_trap_does_not_lose_what_waits() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        let key = make_key(&site, "trapped").await;
        assert_eq!(echo(&site, &key, &[]).await.status(), 200);
        assert_eq!(echo(&site, &key, &[("x-postern-test-trap", "handle")]).await.status(), 500);
        site.pause(Duration::from_millis(2500)).await;
        assert_eq!(
            written(&site, "trapped").await[1],
            1,
            "the record that waited was sent without being asked for"
        );
        assert_eq!(records(&site, "trapped", 1).await, 1);
    });
}

/// Sums wait in batches until there are many, then in rows, some of each here.
#[test]
fn sums_are_the_same_before_and_after_they_are_folded() {
    with_worker(async |worker| {
        let site = worker.start_without(None, &[]).await.expect("a Worker");
        let journal = Door(&site);
        let at = Timestamp::from_millis(1_780_000_000_000);
        let count = 150_u64;
        let query = RecordQuery { tenant: Some("sums".to_owned()), limit: 1000, ..RecordQuery::default() };
        for n in 0..count {
            let record = Record {
                id: format!("019e6ee2-{n:04x}-7000-8000-{n:012x}"),
                at,
                tenant: "sums".to_owned(),
                key: format!("key-{}", n % 2),
                ..Record::default()
            };
            journal.append(record).await.expect("append");
            // A question sends what waits: each record is a batch of its own.
            if n % 50 == 49 || n > 60 {
                assert_eq!(journal.records(&query).await.expect("records").data.len() as u64, n + 1);
            }
        }
        let usage = UsageQuery {
            by: vec![UsageGroup::Key],
            tenant: Some("sums".to_owned()),
            ..UsageQuery::default()
        };
        let rows = journal.usage(&usage).await.expect("usage");
        assert_eq!(rows.iter().map(|row| row.sums.calls).collect::<Vec<_>>(), [75, 75]);
        let [commits, taken, rows] = written(&site, "sums").await;
        assert_eq!(taken, count);
        assert!(commits >= 64, "{commits} commits are too few to fold sums");
        assert!(rows > commits, "no sums were folded");
        ask::<()>(&site, &json!({ "ask": "break", "tenant": "sums", "restart": true }))
            .await
            .expect("it breaks");
        let last = Record {
            id: format!("019e6ee2-ffff-7000-8000-{count:012x}"),
            tenant: "sums".to_owned(),
            at,
            ..Record::default()
        };
        journal.append(last).await.expect("append");
        assert_eq!(journal.records(&query).await.expect("records").data.len() as u64, count + 1);
        let rows = journal.usage(&UsageQuery { by: vec![], ..usage }).await.expect("usage");
        assert_eq!(rows[0].sums.calls, count + 1, "the object reads its sums again when it starts");
    });
}
