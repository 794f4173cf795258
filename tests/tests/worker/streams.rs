//! Streams whose caller asked for the usage event: with `POSTERN_STREAMS=native` they flow from the upstream to the caller
//! without passing through wasm. Whatever happens to one, the caller is told, and the record says so. One that flows and
//! stops in its middle ends without an error event: that is workerd's, and the reason why nobody gets it unasked.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use postern_testkit::Script;
use postern_testkit::script::{Chunk, Conduct, End, Exchange, Expect, Fate, Reply};
use postern_tests::corpus::Leaves;
use postern_tests::site::{Ending, Heard, Payload, Site, Worker, WorkerSite};
use serde_json::{Value, json};

use super::door::{administrate, make_key};
use super::with_worker;

const TOKEN: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\
                     \"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"},\"finish_reason\":null}]}\n\n";
const LAST: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\
                    \"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
                    data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\
                    \"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":9,\"total_tokens\":16}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// As it is, and with streams that flow.
async fn sites(worker: &Worker) -> [(WorkerSite, bool); 2] {
    [(site(worker, &[]).await, false), (site(worker, &[("POSTERN_STREAMS", "native")]).await, true)]
}

async fn site(worker: &Worker, variables: &[(&str, &str)]) -> WorkerSite {
    let config = json!({
        "providers": {
            "vendor": { "kind": "openai", "base_url": "${UPSTREAM_URL}/v1", "api_key": "${UPSTREAM_KEY}" }
        },
        "models": {
            "assistant": { "targets": [{ "provider": "vendor", "model": "m" }], "retry": { "attempts": 1 } },
            "hurried": {
                "targets": [{ "provider": "vendor", "model": "m" }],
                "retry": { "attempts": 1 },
                "timeout": { "idle": "700ms" }
            }
        }
    });
    worker.start_with(Some(&config), &[], variables).await.expect("a Worker")
}

struct Played {
    heard: Heard,
    record: Value,
    script: Script,
}

/// Plays a stream of pieces, each so many milliseconds after the one before.
async fn play(site: &WorkerSite, model: &str, pieces: &[(u64, &str)], end: End, leaves: &Leaves) -> Played {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let trace = format!("c0ffee00000000000000{number:012x}");
    let tenant = format!("flow-{number}");
    let chunk = |(after, text): &(u64, &str)| Chunk {
        after: Duration::from_millis(*after),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    };
    let reply = Reply {
        headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
        chunks: pieces.iter().map(chunk).collect(),
        end,
        ..Reply::default()
    };
    let script = Script::queue([Exchange { expect: Expect::default(), conduct: Conduct::Answer(reply) }]);
    site.script(&trace, &script);
    let key = make_key(site, &tenant).await;
    let body = json!({
        "model": model, "stream": true, "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": "words" }]
    });
    let request = Request::post("/v1/chat/completions")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .body(Payload::whole(body.to_string()))
        .expect("a request");
    let heard = site.call(request, leaves).await.expect("an answer");
    let mut record = Value::Null;
    for _ in 0..100 {
        let page = administrate(site, "GET", &format!("/admin/v1/logs?tenant={tenant}"), None).await;
        record = page["data"][0].clone();
        if !record.is_null() {
            break;
        }
        site.pause(Duration::from_millis(50)).await;
    }
    Played { heard, record, script }
}

fn text(heard: &Heard) -> String {
    String::from_utf8_lossy(&heard.body).into_owned()
}

#[test]
fn every_byte_arrives_and_is_counted() {
    with_worker(async |worker| {
        for (site, _) in sites(&worker).await {
            let many: Vec<(u64, &str)> = (0..400).map(|n| (u64::from(n % 20 == 1) * 20, TOKEN)).collect();
            for pieces in [&many[..5], &many] {
                let pieces = [pieces, &[(0, LAST), (0, DONE)]].concat();
                let played = play(&site, "assistant", &pieces, End::Complete, &Leaves::Never).await;
                let sent: String = pieces.iter().map(|(_, text)| *text).collect();
                assert_eq!(text(&played.heard), sent);
                assert!(matches!(played.heard.ending, Ending::Complete), "{:?}", played.heard.ending);
                let record = played.record;
                assert_eq!(
                    (&record["outcome"], &record["usage_source"]),
                    (&json!("ok"), &json!("provider")),
                    "{record}"
                );
                assert_eq!((&record["usage"]["input"], &record["usage"]["output"]), (&json!(7), &json!(9)));
                assert_eq!(record["finish_reasons"], json!(["stop"]));
            }
        }
    });
}

#[test]
fn a_stream_that_breaks_ends_with_an_error_event_of_its_own() {
    with_worker(async |worker| {
        for (site, flows) in sites(&worker).await {
            let half = TOKEN.split_at(70).0;
            for (end, kind) in
                [(End::Break, "assistant"), (End::Complete, "assistant"), (End::Stall, "hurried")]
            {
                let pieces = [(0, TOKEN), (200, TOKEN), (0, half)];
                let played = play(&site, kind, &pieces, end, &Leaves::Never).await;
                assert_eq!(played.record["outcome"], "stream_failed", "{end:?}: {}", played.record);
                let heard = text(&played.heard);
                if flows && end != End::Complete {
                    // Whatever stops such a stream in its middle, workerd lets nothing follow it.
                    assert!(heard.starts_with(&TOKEN.repeat(2)) && !heard.contains("[DONE]"), "{heard}");
                    continue;
                }
                let (begun, rest) = heard.split_at(TOKEN.len() * 2);
                assert_eq!(begun, TOKEN.repeat(2), "{end:?}");
                assert!(
                    matches!(played.heard.ending, Ending::Complete),
                    "{end:?}: {:?}",
                    played.heard.ending
                );
                // What was cut is held back, or else is an event by itself; so is the error.
                let rest = if flows { rest.strip_prefix(half).unwrap_or(rest) } else { rest };
                let event = rest
                    .strip_prefix(if flows { "\n\ndata: " } else { "data: " })
                    .unwrap_or_else(|| panic!("{end:?}: {rest}"));
                let error: Value =
                    serde_json::from_str(event.trim_end()).unwrap_or_else(|e| panic!("{e}: {event}"));
                assert!(
                    error["error"]["message"].as_str().is_some_and(|m| m.contains("vendor/m")),
                    "{error}"
                );
                assert!(!heard.contains("[DONE]"));
            }
        }
    });
}

#[test]
fn a_caller_who_leaves_cancels_the_upstream() {
    with_worker(async |worker| {
        for (site, _) in sites(&worker).await {
            let pieces: Vec<(u64, &str)> = (0..200).map(|n| (u64::from(n > 0) * 100, TOKEN)).collect();
            let leaves = Leaves::AfterMs(1000);
            let played = play(&site, "assistant", &pieces, End::Complete, &leaves).await;
            assert_eq!(played.record["outcome"], "client_closed", "{}", played.record);
            assert!(played.record["usage"]["output"].as_u64().is_some_and(|n| n > 0), "{}", played.record);
            let mut fate = None;
            for _ in 0..100 {
                fate = played.script.received().first().map(|received| received.fate);
                if fate == Some(Fate::Cancelled) {
                    break;
                }
                site.pause(Duration::from_millis(30)).await;
            }
            assert_eq!(fate, Some(Fate::Cancelled));
        }
    });
}

/// SDKs close the connection at the end mark, whether or not the provider has closed its own.
#[test]
fn a_caller_who_leaves_at_the_end_mark_has_had_the_whole_answer() {
    with_worker(async |worker| {
        for (site, _) in sites(&worker).await {
            let pieces = [(0, TOKEN), (150, TOKEN), (0, LAST), (0, DONE)];
            let leaves = Leaves::AfterText("[DONE]".to_owned());
            let played = play(&site, "assistant", &pieces, End::Stall, &leaves).await;
            assert!(text(&played.heard).ends_with(DONE));
            assert_eq!(played.record["outcome"], "ok", "{}", played.record);
            assert_eq!(played.record["usage"]["output"], 9, "{}", played.record);
            // One who stays gets the end soon, not after the idle time.
            let played = play(&site, "assistant", &pieces, End::Stall, &Leaves::Never).await;
            assert!(matches!(played.heard.ending, Ending::Complete), "{:?}", played.heard.ending);
            assert!(text(&played.heard).ends_with(DONE));
            assert_eq!(played.record["outcome"], "ok", "{}", played.record);
        }
    });
}
