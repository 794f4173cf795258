//! Processes that are frozen between calls: what happened meanwhile is known when they go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use postern_tests::site::{LambdaSetting, Site as _};
use postern_tests::talk::{administrate, calls_in_the_sums, echo, make_key, records, send};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::with_lambda;

#[test]
fn what_changed_while_a_process_was_frozen_is_in_force_when_it_goes_on() {
    with_lambda(async |lambda| {
        let config = |name: &str| json!({ "providers": { name: { "kind": "demo" } } });
        let before = config("before");
        let one = LambdaSetting { processes: Some(1), ..LambdaSetting::default() };
        let frozen = LambdaSetting { config: Some(&before), ..one };
        let frozen = lambda.start_with(&frozen).await.expect("a function");
        let other = LambdaSetting { table: Some(frozen.table()), ..one };
        let other = lambda.start_with(&other).await.expect("another process on the same table");
        let new = json!({ "tenant": "frozen", "name": "test", "models": ["*"] });
        let made = administrate(&other, "POST", "/admin/v1/keys", Some(&new)).await;
        let key = format!("Bearer {}", made["key"].as_str().expect("a key"));
        let kept = format!("Bearer {}", make_key(&other, "kept").await);
        let model = async |key: &str, name: &str| {
            let path = format!("/v1/models/{name}/echo");
            send(&frozen, "GET", &path, &[("authorization", key)], None).await.status()
        };
        assert_eq!((model(&key, "before").await, model(&kept, "before").await), (200, 200));
        let id = made["id"].as_str().expect("an id");
        administrate(&other, "DELETE", &format!("/admin/v1/keys/{id}"), None).await;
        administrate(&other, "PUT", "/admin/v1/config", Some(&config("after"))).await;
        frozen.pause(Duration::from_secs(61)).await;
        assert_eq!(model(&key, "after").await, 401, "revoked meanwhile");
        assert_eq!((model(&kept, "after").await, model(&kept, "before").await), (200, 404));
        assert_eq!(frozen.function().starts(), 1, "it is the process of before");
    });
}

/// An upstream that lets connections go soon after an answer, without saying so in it. Counts its calls.
async fn hasty_upstream(calls: Arc<AtomicUsize>) -> String {
    let body = json!({
        "id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "hi" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
    })
    .to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let origin = format!("http://{}/v1", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, calls) = (answer.clone(), Arc::clone(&calls));
            tokio::spawn(async move {
                let mut heard = Vec::new();
                while !heard.ends_with(b"}") {
                    if stream.read_buf(&mut heard).await.unwrap_or_default() == 0 {
                        return;
                    }
                }
                calls.fetch_add(1, Ordering::Relaxed);
                let _ = stream.write_all(answer.as_bytes()).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            });
        }
    });
    origin
}

#[test]
fn connections_that_ended_while_a_process_was_frozen_fail_no_call() {
    with_lambda(async |lambda| {
        let calls = Arc::<AtomicUsize>::default();
        let origin = hasty_upstream(Arc::clone(&calls)).await;
        let config = json!({
            "providers": { "hasty": { "kind": "openai", "base_url": origin } },
            "models": { "once": { "targets": [{ "provider": "hasty", "model": "m" }], "retry": { "attempts": 1 } } },
        });
        let setting = LambdaSetting { config: Some(&config), processes: Some(1), ..LambdaSetting::default() };
        let site = lambda.start_with(&setting).await.expect("a function");
        let key = format!("Bearer {}", make_key(&site, "thawed").await);
        let body = json!({ "model": "once", "messages": [{ "role": "user", "content": "hi" }] });
        for _ in 0..6 {
            let headers = [("authorization", key.as_str())];
            let answer = send(&site, "POST", "/v1/chat/completions", &headers, Some(&body)).await;
            assert_eq!(answer.status(), 200, "{answer:?}");
            site.pause(Duration::from_millis(400)).await;
        }
        assert_eq!(calls.load(Ordering::Relaxed), 6, "each once");
        assert_eq!(records(&site, "thawed", 6).await, 6);
        assert_eq!(calls_in_the_sums(&site, "thawed").await, 6);
        assert_eq!(site.function().starts(), 1);
    });
}

#[test]
fn a_process_that_is_frozen_and_never_goes_on_has_left_nothing_behind() {
    with_lambda(async |lambda| {
        let site = lambda.start_with(&LambdaSetting::default()).await.expect("a function");
        let key = make_key(&site, "gone").await;
        for round in 1..=5 {
            assert_eq!(echo(&site, &key, &[]).await.status(), 200);
            // Whatever was put off until the process goes on is lost now.
            while site.function().idle_processes().is_empty() {
                site.pause(Duration::from_millis(10)).await;
            }
            site.function().end_idle().await;
            assert_eq!(records(&site, "gone", round).await, round);
            assert_eq!(calls_in_the_sums(&site, "gone").await, round as u64);
        }
    });
}
