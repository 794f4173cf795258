//! A gateway with one provider behind token services that look at what they get, in virtual time.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body::Body as _;
use postern_gateway::pipeline::Origin;
use postern_gateway::{Gateway, Host as _, Record, config, handle, identity, settle};
use postern_testkit::authority::{
    API_KEY, BASE_KEYS, CLIENT_ID, CLIENT_SECRET, EXTERNAL_ID, TENANT, key_file,
};
use postern_testkit::script::{Received, Reply};
use postern_testkit::{Authority, FakeHost, Script};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span;

const ORIGIN: &str = "https://login.test";

pub(crate) struct Stage {
    pub(crate) gateway: Gateway,
    pub(crate) host: FakeHost,
    pub(crate) authority: Authority,
    script: Script,
    key: String,
    log: Log,
}

/// What a caller got.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn message(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        body["error"]["message"].as_str().unwrap().to_owned()
    }

    pub(crate) fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        body["error"]["code"].as_str().unwrap().to_owned()
    }
}

/// The secrets that configurations here name.
fn secrets() -> [(&'static str, String); 8] {
    [
        ("CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ("API_KEY", API_KEY.to_owned()),
        ("KEY_FILE", key_file(ORIGIN)),
        ("AWS_ACCESS_KEY_ID", BASE_KEYS.0.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", BASE_KEYS.1.to_owned()),
        ("MY_ID", BASE_KEYS.0.to_owned()),
        ("MY_SECRET", BASE_KEYS.1.to_owned()),
        ("WRONG", "an0ther-s3cret".to_owned()),
    ]
}

/// A provider by a client of Entra.
pub(crate) fn azure() -> Value {
    json!({
        "kind": "azure",
        "base_url": "https://acme.openai.azure.com/openai/v1",
        "entra": {
            "tenant_id": TENANT,
            "client_id": CLIENT_ID,
            "client_secret": "${CLIENT_SECRET}",
            "authority": ORIGIN,
        },
    })
}

/// A provider by a client of Databricks, whose token service is at the workspace.
pub(crate) fn databricks() -> Value {
    json!({
        "kind": "databricks",
        "base_url": "https://acme.cloud.databricks.com/serving-endpoints",
        "oauth": { "client_id": CLIENT_ID, "client_secret": "${CLIENT_SECRET}" },
    })
}

/// A provider by a service account.
pub(crate) fn vertex() -> Value {
    json!({
        "kind": "vertex",
        "google": { "location": "europe-west1", "service_account": "${KEY_FILE}" },
    })
}

/// A provider by an API key of IBM.
pub(crate) fn watsonx() -> Value {
    json!({
        "kind": "watsonx",
        "base_url": "https://eu-de.ml.cloud.ibm.com",
        "api_key": "${API_KEY}",
        "watsonx": { "project_id": "project-1", "iam_url": "https://login.test/identity/token" },
    })
}

/// A provider by the platform's own keys of AWS.
pub(crate) fn bedrock() -> Value {
    json!({ "kind": "bedrock", "aws": { "region": "eu-central-1" } })
}

/// The same by a role.
pub(crate) fn bedrock_by_role() -> Value {
    json!({
        "kind": "bedrock",
        "aws": {
            "region": "eu-central-1",
            "role_arn": postern_testkit::authority::ROLE_ARN,
            "external_id": EXTERNAL_ID,
            "sts_url": "https://login.test/sts/",
        },
    })
}

impl Stage {
    /// A gateway whose provider `p` is configured so.
    pub(crate) fn new(provider: &Value) -> Self {
        Self::with(&json!({ "providers": { "p": provider } }))
    }

    pub(crate) fn with(document: &Value) -> Self {
        let (config, warnings) = config::parse(document).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let clock = FakeHost::default();
        let host = clock.clone();
        let authority = Authority::new(move || clock.now().seconds());
        answers(&authority);
        let script = authority.script();
        host.play(&script);
        for (name, value) in secrets() {
            host.set_secret(name, &value);
        }
        let missing = config.missing_secrets(&|name| host.secret(name).is_some());
        assert!(missing.is_empty(), "{missing:?}");
        let key = host.run(identity::first_start(&host)).unwrap().unwrap().key;
        let gateway = Gateway::new(config, Origin::File);
        Self { gateway, host, authority, script, key, log: Log::default() }
    }

    /// Asks a model of `p` in OpenAI's format.
    pub(crate) async fn ask(&self, model: &str) -> Got {
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": "Hi" }] });
        self.call("/v1/chat/completions", &body.to_string()).await
    }

    pub(crate) async fn call(&self, path: &str, body: &str) -> Got {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .body(postern_gateway::Body::<FakeHost>::whole(body.to_owned()))
            .unwrap();
        let reply = handle(&self.gateway, &self.host, request).await;
        let (parts, mut body) = reply.response.into_parts();
        let mut all = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            if let Ok(data) = frame.unwrap().into_data() {
                all.extend_from_slice(&data);
            }
        }
        drop(body);
        settle(&self.host, reply.after).await;
        Got { status: parts.status, headers: parts.headers, body: String::from_utf8(all).unwrap() }
    }

    /// Asks `p/m` now.
    pub(crate) fn asks(&self) -> Got {
        self.during(self.ask("p/m"))
    }

    /// Runs a future with the log read.
    pub(crate) fn during<F: Future>(&self, future: F) -> F::Output {
        tracing::subscriber::with_default(self.log.clone(), || self.host.run(future))
    }

    pub(crate) fn passes(&self, seconds: u64) {
        self.host.clock().advance(Duration::from_secs(seconds));
    }

    /// What came to providers, token services apart.
    pub(crate) fn provided(&self) -> Vec<Received> {
        let of_services = ["/token", "/sts/"];
        let all = self.script.received().into_iter();
        all.filter(|call| !of_services.iter().any(|end| call.uri.path().ends_with(end))).collect()
    }

    /// How often token services were asked.
    pub(crate) fn exchanges(&self) -> usize {
        self.script.received().len() - self.provided().len()
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        self.host.memory_journal().all()
    }

    pub(crate) fn logged(&self) -> String {
        self.log.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// No secret of the configuration or of the token services may be in the log, a record, or what a caller got.
    pub(crate) fn holds_its_tongue(&self, got: &[Got]) {
        let mut said = self.logged();
        for record in self.records() {
            said.push_str(&format!("{record:?}"));
        }
        for got in got {
            said.push_str(&got.body);
            said.push_str(&format!("{:?}", got.headers));
        }
        let file = key_file(ORIGIN);
        let in_file: Value = serde_json::from_str(&file).unwrap();
        let pem = in_file["private_key"].as_str().unwrap().lines().nth(1).unwrap().to_owned();
        let configured = secrets().into_iter().map(|(_, secret)| secret).filter(|it| *it != BASE_KEYS.0);
        for secret in configured.chain(self.authority.secrets()).chain([pem]) {
            assert!(!said.contains(&secret), "{secret} is in {said}");
            let encoded = Value::from(secret.as_str()).to_string();
            assert!(!said.contains(encoded.trim_matches('"')), "{secret} is in {said}");
        }
    }
}

fn answers(authority: &Authority) {
    let json = |body: &Value| Reply::whole(200, "application/json", body.to_string());
    let gemini = json!({
        "candidates": [{ "content": { "role": "model", "parts": [{ "text": "Hello." }] }, "finishReason": "STOP" }],
        "usageMetadata": { "promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11 },
        "modelVersion": "gemini-2.5-flash",
    });
    let claude = json!({
        "id": "msg_vrtx_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [{ "type": "text", "text": "Hello." }], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": { "input_tokens": 9, "output_tokens": 2 },
    });
    let converse = json!({
        "output": { "message": { "role": "assistant", "content": [{ "text": "Hello." }] } },
        "stopReason": "end_turn",
        "usage": { "inputTokens": 9, "outputTokens": 2, "totalTokens": 11 },
        "metrics": { "latencyMs": 5 },
    });
    let watsonx = json!({
        "id": "chat-1", "model_id": "ibm/granite-4-h-small", "model_version": "1.0.0", "created": 1_767_323_045,
        "created_at": "2026-01-02T03:04:05.123Z",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hello." }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11 },
    });
    authority.answer(":generateContent", json(&gemini));
    authority.answer(":rawPredict", json(&claude));
    authority.answer("/converse", json(&converse));
    authority.answer("/ml/v1/text/chat", json(&watsonx));
}

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut Lines(&self.0));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Lines(&self.0));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Lines(&self.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Lines<'l>(&'l Mutex<String>);

impl Visit for Lines<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_str(&format!("{field}={value:?}\n"));
    }
}

/// The body of a call as text.
pub(crate) fn text(body: &Bytes) -> &str {
    std::str::from_utf8(body).unwrap()
}
