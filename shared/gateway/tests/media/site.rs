//! A gateway with a few providers, its callers, and bodies that come in as a test says.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use postern_gateway::pipeline::Origin;
use postern_gateway::record::Record;
use postern_gateway::{Gateway, Host as _, config, handle, identity, settle};
use postern_testkit::script::{Conduct, Exchange, Expect, Reply, Script, Vendor};
use postern_testkit::{FakeHost, REFUSING};
use serde_json::{Value, json};

pub(crate) const BOUNDARY: &str = "----form-0";

/// The gateway, and a key for each tenant.
pub(crate) struct Site {
    pub(crate) host: FakeHost,
    gateway: Gateway,
    admin: String,
}

/// What a caller heard.
pub(crate) struct Heard {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether the body broke off.
    pub(crate) broken: bool,
}

impl Heard {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    pub(crate) fn error(&self) -> (u16, String, String) {
        let error = &self.json()["error"];
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), text("code"), text("message"))
    }
}

impl Site {
    pub(crate) fn new(server: Value) -> Self {
        let host = FakeHost::default();
        host.set_secret("KEY", "upstream-secret");
        let document = json!({
            "providers": {
                "openai": { "kind": "openai_compatible", "base_url": "http://upstream.test/v1", "api_key": "${KEY}" },
                "groq": { "kind": "groq", "base_url": "http://groq.test/v1", "api_key": "${KEY}" },
                "images": { "kind": "openai", "api_key": "${KEY}", "base_url": "http://upstream.test/v1" },
                "down": { "kind": "openai_compatible", "base_url": format!("http://{REFUSING}/v1"), "api_key": "${KEY}" },
                "claude": { "kind": "anthropic", "api_key": "${KEY}" },
            },
            "models": {
                "scribe": { "targets": [{ "provider": "openai", "model": "whisper-1" }] },
                "painter": { "targets": [{ "provider": "images", "model": "gpt-image-1" }], "retry": { "attempts": 2 } },
                "voice": { "targets": [{ "provider": "images", "model": "gpt-4o-mini-tts" }], "retry": { "attempts": 1 } },
                "patient": {
                    "targets": [
                        { "provider": "down", "model": "w" }, { "provider": "openai", "model": "whisper-large" },
                    ],
                    "retry": { "attempts": 1 },
                },
                "claude-voice": { "targets": [{ "provider": "claude", "model": "c" }] },
            },
            "server": server,
        });
        let (config, _) = config::parse(&document).unwrap_or_else(|problems| panic!("{problems:?}"));
        let admin = host.run(identity::new_admin(&host)).unwrap();
        Self { gateway: Gateway::new(config, Origin::File), host, admin }
    }

    /// A key of a tenant's that may use these models.
    pub(crate) fn key(&self, tenant: &str, models: &[&str]) -> String {
        let body = json!({"tenant": tenant, "name": "k", "models": models}).to_string();
        let request = Request::post("/admin/v1/keys")
            .header("authorization", format!("Bearer {}", self.admin))
            .header("content-type", "application/json");
        let heard = self.call(request.body(Incoming::whole(body)).unwrap());
        heard.json()["key"].as_str().unwrap().to_owned()
    }

    pub(crate) fn call(&self, request: Request<Incoming>) -> Heard {
        self.host.run(async {
            // Ids are in the order of milliseconds.
            self.host.sleep(Duration::from_millis(2)).await;
            let reply = handle(&self.gateway, &self.host, request).await;
            let (parts, mut body) = reply.response.into_parts();
            let mut all = BytesMut::new();
            let mut broken = false;
            while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                match frame {
                    Ok(frame) => all.extend_from_slice(&frame.into_data().unwrap_or_default()),
                    Err(_) => broken = true,
                }
            }
            drop(body);
            settle(&self.host, reply.after).await;
            self.host.settle_abandoned().await;
            Heard { status: parts.status, headers: parts.headers, body: all.freeze(), broken }
        })
    }

    /// The only record that there is.
    pub(crate) fn record(&self) -> Record {
        let all = self.host.memory_journal().all();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    }

    /// The record of the last call.
    pub(crate) fn last_record(&self) -> Record {
        self.host.memory_journal().all().into_iter().max_by(|a, b| a.id.cmp(&b.id)).unwrap()
    }
}

/// What an upstream must get, and answers.
pub(crate) fn expect(method: &str, path: &str, vendor: Option<Vendor>, reply: Reply) -> Exchange {
    let key = ("authorization".to_owned(), Some("Bearer upstream-secret".to_owned()));
    let expect = Expect {
        method: method.parse().unwrap(),
        path: Some(path.to_owned()),
        headers: vec![key],
        vendor,
        ..Expect::default()
    };
    Exchange { expect, conduct: Conduct::Answer(reply) }
}

/// A JSON answer.
pub(crate) fn answer(body: &Value) -> Reply {
    Reply::whole(200, "application/json", body.to_string())
}

pub(crate) fn play(site: &Site, exchanges: impl IntoIterator<Item = Exchange>) -> Script {
    let script = Script::queue(exchanges);
    site.host.play(&script);
    script
}

pub(crate) fn post(path: &str, key: &str, content_type: &str, body: Incoming) -> Request<Incoming> {
    Request::post(path)
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", content_type)
        .body(body)
        .unwrap()
}

pub(crate) fn bare(method: &str, path: &str, key: &str) -> Request<Incoming> {
    let request = Request::builder().method(method).uri(path);
    request.header("authorization", format!("Bearer {key}")).body(Incoming::whole("")).unwrap()
}

pub(crate) fn form_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

/// A form of texts, and of files, whose names have a dot.
pub(crate) fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let (name, file) = name.split_once('=').map_or((*name, None), |(name, file)| (name, Some(file)));
        let file =
            file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: audio/mpeg")).unwrap_or_default();
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// What a caller does next.
pub(crate) enum Does {
    Sends(Bytes),
    /// Waits until the upstream has so many bytes.
    Awaits(Script, usize),
    BreaksOff,
}

/// A caller's body.
pub(crate) struct Incoming {
    script: VecDeque<Does>,
    length: Option<u64>,
}

impl Incoming {
    /// All at once.
    pub(crate) fn whole(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let length = Some(body.len() as u64);
        Self { script: VecDeque::from([Does::Sends(body)]), length }
    }

    /// In pieces of this size; the length is declared or not.
    pub(crate) fn pieces(body: Vec<u8>, size: usize, declared: bool) -> Self {
        let length = declared.then_some(body.len() as u64);
        Self { script: body.chunks(size).map(|c| Does::Sends(Bytes::copy_from_slice(c))).collect(), length }
    }

    pub(crate) fn script(script: impl IntoIterator<Item = Does>) -> Self {
        Self { script: script.into_iter().collect(), length: None }
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        if let Some(Does::Awaits(script, bytes)) = self.script.front() {
            if script.came() < *bytes {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.script.pop_front();
        }
        Poll::Ready(match self.script.pop_front() {
            None => None,
            Some(Does::Sends(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Does::BreaksOff) => Some(Err("gone")),
            Some(Does::Awaits(..)) => return self.poll_frame(cx),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.script.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
