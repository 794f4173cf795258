//! A provider of AWS whose configuration names no keys is called with those of the function's role.

use std::time::SystemTime;

use http::Request;
use postern_testkit::Authority;
use postern_testkit::authority::REGION;
use postern_testkit::script::Reply;
use postern_tests::corpus::Leaves;
use postern_tests::site::{LambdaSetting, LambdaSite, Payload, Site};
use postern_tests::talk::make_key;
use serde_json::json;

use super::with_lambda;

/// What Bedrock answers.
const CONVERSE: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hello."}]}},"stopReason":"end_turn",
    "usage":{"inputTokens":9,"outputTokens":2,"totalTokens":11},"metrics":{"latencyMs":5}}"#;

async fn ask(site: &LambdaSite, key: &str) -> (u16, String) {
    let body = json!({ "model": "bedrock/amazon.nova-lite-v1:0", "messages": [{ "role": "user", "content": "Hi" }] });
    let request = Request::post("/v1/chat/completions")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Payload::whole(body.to_string()))
        .expect("a request");
    let heard = site.call(request, &Leaves::Never).await.expect("an answer");
    (heard.status(), String::from_utf8_lossy(&heard.body).into_owned())
}

#[test]
fn the_functions_own_role_signs() {
    with_lambda(async |lambda| {
        let now =
            || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let authority = Authority::new(now);
        authority.answer("/converse", Reply::whole(200, "application/json", CONVERSE));
        lambda.upstream().otherwise(&authority.script());
        let config = json!({
            "providers": {
                "bedrock": { "kind": "bedrock", "base_url": "${UPSTREAM_URL}", "aws": { "region": REGION } }
            }
        });
        let setting = LambdaSetting { config: Some(&config), ..LambdaSetting::default() };
        let site = lambda.start_with(&setting).await.expect("a function");
        let key = make_key(&site, "role").await;
        assert_eq!(ask(&site, &key).await.0, 502, "these keys are nobody's yet");
        assert_eq!(authority.refusals(), ["keys that were not given or were withdrawn"]);
        // Those that the emulator gives each process, as Lambda gives the role's.
        authority.knows("emulator", "emulator", "emulator");
        let (status, body) = ask(&site, &key).await;
        assert_eq!(status, 200, "{body} {:?}", authority.refusals());
        assert!(body.contains("Hello."), "{body}");
    });
}
