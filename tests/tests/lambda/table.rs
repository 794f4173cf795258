//! A table that makes trouble. Nothing recorded is lost or doubled.

use futures_util::future::join_all;
use postern_tests::site::{LambdaSetting, LambdaSite};
use postern_tests::talk::{administrate, calls_in_the_sums, echo, make_key, records};
use serde_json::json;

use super::troubled::{Trouble, Troubled};
use super::with_lambda;

fn writes(operation: &str) -> bool {
    !matches!(operation, "GetItem" | "Query" | "BatchGetItem" | "DescribeTable")
}

/// The calls in the sums, once there are `expected` or a while has passed: the last records may wait for a next call.
async fn settled(site: &LambdaSite, tenant: &str, expected: usize) -> (usize, u64) {
    let kept = records(site, tenant, expected).await;
    (kept, calls_in_the_sums(site, tenant).await)
}

#[test]
fn throttling_conflicts_and_lost_answers_lose_and_double_nothing() {
    with_lambda(async |lambda| {
        let troubled = Troubled::start(&lambda.endpoint(), |_| None).await;
        let setting = LambdaSetting { endpoint: Some(troubled.endpoint()), ..LambdaSetting::default() };
        let site = lambda.start_with(&setting).await.expect("a function");
        let key = make_key(&site, "stormy").await;
        let mut number = 0_usize;
        troubled.plan(move |operation| {
            if !writes(operation) {
                return None;
            }
            number += 1;
            match number % 7 {
                1 => Some(Trouble::Throttled),
                3 => Some(Trouble::Lost),
                5 => Some(Trouble::Conflict),
                _ => None,
            }
        });
        for round in 1..=4 {
            let answers = join_all((0..15).map(|_| echo(&site, &key, &[]))).await;
            assert!(answers.iter().all(|answer| answer.status() == 200), "{answers:?}");
            // Processes are frozen in between, and some are gone.
            if round == 2 {
                site.function().end_idle().await;
            }
        }
        let given = troubled.given();
        for trouble in [Trouble::Throttled, Trouble::Lost] {
            assert!(given.iter().filter(|(_, given)| *given == trouble).count() >= 5, "{given:?}");
        }
        troubled.plan(|_| None);
        assert_eq!(settled(&site, "stormy", 60).await, (60, 60));
    });
}

#[test]
fn a_table_that_refuses_for_a_while_gets_the_records_later() {
    with_lambda(async |lambda| {
        let troubled = Troubled::start(&lambda.endpoint(), |_| None).await;
        // One process, so that whoever kept a record is the one who is called again.
        let setting = LambdaSetting {
            endpoint: Some(troubled.endpoint()),
            processes: Some(1),
            ..LambdaSetting::default()
        };
        let site = lambda.start_with(&setting).await.expect("a function");
        let key = make_key(&site, "refused").await;
        assert_eq!(echo(&site, &key, &[]).await.status(), 200);
        troubled.plan(|operation| writes(operation).then_some(Trouble::Refused));
        for _ in 0..3 {
            assert_eq!(echo(&site, &key, &[]).await.status(), 200, "a call does not fail for its record");
        }
        assert!(!troubled.given().is_empty());
        assert_eq!(records(&site, "refused", 1).await, 1);
        troubled.plan(|_| None);
        assert_eq!(echo(&site, &key, &[]).await.status(), 200);
        assert_eq!(settled(&site, "refused", 5).await, (5, 5));
    });
}

#[test]
fn a_table_that_throttles_reads_stops_only_what_needs_it() {
    with_lambda(async |lambda| {
        let troubled = Troubled::start(&lambda.endpoint(), |_| None).await;
        let setting = LambdaSetting {
            endpoint: Some(troubled.endpoint()),
            processes: Some(1),
            ..LambdaSetting::default()
        };
        let site = lambda.start_with(&setting).await.expect("a function");
        let key = make_key(&site, "reads").await;
        assert_eq!(echo(&site, &key, &[]).await.status(), 200);
        troubled.plan(|operation| (!writes(operation)).then_some(Trouble::Throttled));
        assert_eq!(echo(&site, &key, &[]).await.status(), 200, "key and configuration are in the process");
        let unknown = format!("pk_{}_{}", "0".repeat(10), "A".repeat(40));
        let refused = echo(&site, &unknown, &[]).await;
        assert_eq!(refused.status(), 503, "a key that cannot be looked up is not called unknown");
        assert!(String::from_utf8_lossy(&refused.body).contains("store_unavailable"), "{refused:?}");
        troubled.plan(|_| None);
        assert_eq!(echo(&site, &unknown, &[]).await.status(), 401);
        assert_eq!(settled(&site, "reads", 2).await, (2, 2));
    });
}

#[test]
fn a_call_says_where_it_was_taken() {
    with_lambda(async |lambda| {
        let site = lambda.start_with(&LambdaSetting::default()).await.expect("a function");
        let key = make_key(&site, "place").await;
        assert_eq!(echo(&site, &key, &[]).await.status(), 200);
        assert_eq!(records(&site, "place", 1).await, 1);
        let page = administrate(&site, "GET", "/admin/v1/logs?tenant=place", None).await;
        let record = &page["data"][0];
        assert_eq!(record["colo"], "eu-west-1", "the emulator's region: {record}");
        assert_eq!(record.get("country"), None, "Lambda does not tell: {record}");
        assert_eq!(
            site.command(&json!({ "postern": "status" })).await.expect("a status")["region"],
            "eu-west-1"
        );
    });
}
