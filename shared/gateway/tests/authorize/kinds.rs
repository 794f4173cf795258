//! What each kind of provider is sent.

use serde_json::{Value, json};

use crate::stage::{Stage, azure, bedrock, databricks, text, vertex, watsonx};

fn sent(stage: &Stage, at: usize) -> (String, Value) {
    let call = &stage.provided()[at];
    (call.uri.to_string(), serde_json::from_slice(&call.body).unwrap())
}

#[test]
fn bedrock_takes_signatures_for_every_name_of_a_model() {
    let stage = Stage::new(&bedrock());
    let models = [
        ("amazon.nova-lite-v1:0", "amazon.nova-lite-v1%3A0"),
        (
            "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0",
            "arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Ainference-profile%2Feu.amazon.nova-lite-v1%3A0",
        ),
    ];
    for (at, (model, in_path)) in models.iter().enumerate() {
        let got = stage.during(stage.ask(&format!("p/{model}")));
        assert_eq!(got.status, 200, "{:?}", stage.authority.refusals());
        let (url, _) = sent(&stage, at);
        assert_eq!(
            url,
            format!("https://bedrock-runtime.eu-central-1.amazonaws.com/model/{in_path}/converse")
        );
    }
    assert!(stage.authority.refusals().is_empty());
    stage.host.set_secret("AWS_SECRET_ACCESS_KEY", "another");
    let got = stage.asks();
    assert_eq!((got.status.as_u16(), got.code().as_str()), (502, "upstream_authentication"));
    assert_eq!(stage.authority.refusals(), ["the signature is wrong"]);
}

#[test]
fn keys_that_are_written_come_before_the_platforms() {
    let stage = Stage::new(&json!({
        "kind": "bedrock",
        "aws": { "region": "eu-central-1", "access_key_id": "${MY_ID}", "secret_access_key": "${MY_SECRET}" },
    }));
    assert_eq!(stage.asks().status, 200);
}

#[test]
fn azure_in_its_older_api_names_the_deployment_in_the_address() {
    for (base_url, url) in [
        (
            "https://acme.openai.azure.com",
            "https://acme.openai.azure.com/openai/deployments/my-gpt.4_o/chat/completions",
        ),
        (
            "https://acme.openai.azure.com/openai/",
            "https://acme.openai.azure.com/openai/deployments/my-gpt.4_o/chat/completions",
        ),
        (
            "https://acme.openai.azure.com/openai/deployments/one",
            "https://acme.openai.azure.com/openai/deployments/one/chat/completions",
        ),
        (
            "https://acme.openai.azure.com/openai/v1",
            "https://acme.openai.azure.com/openai/v1/chat/completions",
        ),
    ] {
        let mut provider = azure();
        provider["base_url"] = json!(base_url);
        provider["api_version"] = json!("2024-10-21");
        let stage = Stage::new(&provider);
        let got = stage.during(stage.ask("p/my-gpt.4_o"));
        assert_eq!(got.status, 200, "{}", got.body);
        assert_eq!(sent(&stage, 0).0, format!("{url}?api-version=2024-10-21"));
    }
}

#[test]
fn tokens_that_something_else_keeps_fresh_are_sent_as_they_are() {
    let mut azure = azure();
    azure["entra"] = json!({ "token": "${API_KEY}" });
    let mut vertex = vertex();
    vertex["google"] = json!({ "project": "acme", "location": "global", "token": "${API_KEY}" });
    for provider in [azure, vertex] {
        let stage = Stage::new(&provider);
        stage.host.set_secret("API_KEY", "fresh");
        stage.asks();
        let call = &stage.provided()[0];
        assert_eq!(call.headers["authorization"], "Bearer fresh");
        assert!(call.headers["authorization"].is_sensitive());
        assert_eq!(stage.exchanges(), 0);
    }
}

#[test]
fn vertex_is_asked_in_the_format_of_the_model() {
    let stage = Stage::new(&vertex());
    let start = "https://europe-west1-aiplatform.googleapis.com/v1/projects/acme-prod/locations/europe-west1";
    for (at, (model, path)) in [
        ("gemini-2.5-flash", "/publishers/google/models/gemini-2.5-flash:generateContent"),
        ("claude-sonnet-4-5@20250929", "/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict"),
        ("meta/llama-4-maverick", "/endpoints/openapi/chat/completions"),
    ]
    .iter()
    .enumerate()
    {
        let got = stage.during(stage.ask(&format!("p/{model}")));
        assert_eq!(got.status, 200, "{}", got.body);
        let answer: Value = serde_json::from_str(&got.body).unwrap();
        assert_eq!(answer["choices"][0]["message"]["content"], "Hello.");
        let (url, body) = sent(&stage, at);
        assert_eq!(url, format!("{start}{path}"));
        match at {
            0 => assert_eq!(body["contents"][0]["parts"][0]["text"], "Hi"),
            1 => {
                assert_eq!(body["anthropic_version"], "vertex-2023-10-16");
                assert!(body.get("model").is_none(), "{body}");
            }
            _ => assert_eq!(body["model"], *model),
        }
    }
    assert_eq!(stage.authority.given(), 1, "one token for all of them");
}

#[test]
fn claude_on_vertex_gets_a_callers_bytes_but_for_the_model() {
    let stage = Stage::new(&vertex());
    let body = r#"{"max_tokens":16, "model":"p/claude-sonnet-4-5@20250929","x_new": [1.0e0],
        "messages":[{"role":"user","content":"\u0048i"}]}"#;
    let got = stage.during(stage.call("/v1/messages", body));
    assert_eq!(got.status, 200, "{}", got.body);
    assert!(got.body.contains("msg_vrtx_1"), "the answer's bytes pass");
    let call = &stage.provided()[0];
    let expected = body
        .replace(r#""model":"p/claude-sonnet-4-5@20250929""#, r#""anthropic_version":"vertex-2023-10-16""#);
    assert_eq!(text(&call.body), expected);
}

#[test]
fn watsonx_is_asked_in_its_own_words_and_answers_in_the_callers() {
    let stage = Stage::new(&watsonx());
    let body = json!({
        "model": "p/ibm/granite-4-h-small",
        "messages": [{ "role": "user", "content": "Hi" }],
        "tools": [{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }],
        "tool_choice": "auto",
        "max_completion_tokens": 9,
    });
    let got = stage.during(stage.call("/v1/chat/completions", &body.to_string()));
    assert_eq!(got.status, 200, "{}", got.body);
    let answer: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], "p/ibm/granite-4-h-small");
    assert_eq!(answer["usage"]["total_tokens"], 11);
    let (url, sent) = sent(&stage, 0);
    assert_eq!(url, "https://eu-de.ml.cloud.ibm.com/ml/v1/text/chat?version=2025-02-11");
    assert_eq!(
        (&sent["model_id"], &sent["project_id"]),
        (&json!("ibm/granite-4-h-small"), &json!("project-1"))
    );
    assert_eq!((&sent["tool_choice_option"], &sent["max_completion_tokens"]), (&json!("auto"), &json!(9)));
    for name in ["model", "tool_choice", "stream", "stream_options"] {
        assert!(sent.get(name).is_none(), "{sent}");
    }
}

#[test]
fn a_clients_token_service_may_be_anywhere() {
    let mut provider = databricks();
    provider["kind"] = json!("openai_compatible");
    provider["oauth"]["token_url"] = json!("https://login.test/oidc/v1/token");
    provider["oauth"]["scope"] = json!("all-apis");
    let stage = Stage::new(&provider);
    assert_eq!(stage.asks().status, 200);
    assert_eq!(stage.authority.given(), 1);
}
