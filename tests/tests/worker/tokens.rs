//! Providers that want a token or a signature, at token services that look at what they get: the key of a service account
//! signs by WebCrypto, and no call waits for a token that another has begun to fetch.

use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use http::Request;
use postern_testkit::Authority;
use postern_testkit::authority::{
    BASE_KEYS, CLIENT_ID, CLIENT_SECRET, EXTERNAL_ID, REGION, ROLE_ARN, TENANT, key_file,
};
use postern_testkit::script::Reply;
use postern_tests::corpus::Leaves;
use postern_tests::site::{Payload, Running as _, Site, Worker, WorkerSite};
use serde_json::json;

use super::door::make_key;
use super::with_worker;

/// What Bedrock answers.
const CONVERSE: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hello."}]}},"stopReason":"end_turn",
    "usage":{"inputTokens":9,"outputTokens":2,"totalTokens":11},"metrics":{"latencyMs":5}}"#;

async fn start(worker: &Worker) -> (WorkerSite, Authority) {
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let authority = Authority::new(now);
    authority.answer("/converse", Reply::whole(200, "application/json", CONVERSE));
    worker.upstream().otherwise(&authority.script());
    let config = json!({
        "providers": {
            "vertex": {
                "kind": "vertex", "base_url": "${UPSTREAM_URL}",
                "google": { "location": "europe-west1", "service_account": "${KEY_FILE}" }
            },
            "azure": {
                "kind": "azure", "base_url": "${UPSTREAM_URL}/openai/v1",
                "entra": {
                    "tenant_id": TENANT, "client_id": CLIENT_ID, "client_secret": "${CLIENT_SECRET}",
                    "authority": "${UPSTREAM_URL}"
                }
            },
            "bedrock": {
                "kind": "bedrock", "base_url": "${UPSTREAM_URL}",
                "aws": {
                    "region": REGION, "role_arn": ROLE_ARN, "external_id": EXTERNAL_ID,
                    "sts_url": "${UPSTREAM_URL}/sts/"
                }
            }
        }
    });
    let variables = [
        ("KEY_FILE", key_file(&worker.upstream().origin())),
        ("CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ("AWS_ACCESS_KEY_ID", BASE_KEYS.0.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", BASE_KEYS.1.to_owned()),
    ];
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let site = worker.start_with(Some(&config), &[], &variables).await.expect("a Worker");
    (site, authority)
}

async fn ask(site: &WorkerSite, key: &str, model: &str) -> (u16, String) {
    let body = json!({ "model": model, "messages": [{ "role": "user", "content": "Hi" }] });
    let request = Request::post("/v1/chat/completions")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Payload::whole(body.to_string()))
        .expect("a request");
    let heard = site.call(request, &Leaves::Never).await.expect("an answer");
    (heard.status(), String::from_utf8_lossy(&heard.body).into_owned())
}

#[test]
fn tokens_are_signed_for_fetched_and_shared() {
    with_worker(|worker| async move {
        let (site, authority) = start(&worker).await;
        let key = make_key(&site, "tokens").await;
        authority.exchanges_take(Duration::from_millis(200));
        for model in ["vertex/meta/llama", "azure/gpt", "bedrock/amazon.nova-lite-v1:0"] {
            let before = authority.given();
            // None of them may wait for what another has begun, so each may fetch a token of its own.
            for (status, body) in join_all((0..6).map(|_| ask(&site, &key, model))).await {
                assert_eq!(status, 200, "{model}: {body} {:?}", authority.refusals());
                assert!(body.contains("Hello."), "{body}");
            }
            let fetched = authority.given();
            assert!((1..=6).contains(&(fetched - before)), "{model}");
            for _ in 0..3 {
                assert_eq!(ask(&site, &key, model).await.0, 200);
            }
            assert_eq!(authority.given(), fetched, "{model}: kept in the isolate");
            authority.withdraw();
            assert_eq!(ask(&site, &key, model).await.0, 200);
            assert_eq!(authority.given(), fetched + 1, "{model}: fetched anew once");
        }
        let secrets = authority.secrets();
        let log = site.stop().await.expect("a Worker that ends");
        assert!(secrets.iter().all(|secret| !log.contains(secret.as_str())), "{log}");
    });
}
