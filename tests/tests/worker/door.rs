//! The ways in that a test build of the Worker has, and plain requests.

use bytes::Bytes;
use http::{HeaderMap, Request};
use postern_gateway::record::{Record, RecordPage, RecordQuery, UsageQuery, UsageRow};
use postern_gateway::{Journal, Store, StoreError};
use postern_tests::corpus::Leaves;
use postern_tests::site::{Heard, Payload, Site, WorkerSite};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Sends a request with a JSON body, if there is one, and reads the whole answer.
pub(crate) async fn send(
    site: &impl Site,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Heard {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = request.body(Payload::whole(body)).expect("a request");
    site.call(request, &Leaves::Never).await.expect("an answer")
}

/// The same as an administrator; the answer must be JSON.
pub(crate) async fn administrate(site: &impl Site, method: &str, path: &str, body: Option<&Value>) -> Value {
    let token = format!("Bearer {}", site.admin_token());
    read(&send(site, method, path, &[("authorization", &token)], body).await)
}

/// An answer's body as JSON.
pub(crate) fn read(heard: &Heard) -> Value {
    serde_json::from_slice(&heard.body)
        .unwrap_or_else(|e| panic!("{e}: {} {:?}", heard.status(), String::from_utf8_lossy(&heard.body)))
}

/// A new key of this tenant.
pub(crate) async fn make_key(site: &impl Site, tenant: &str) -> String {
    let new = json!({ "tenant": tenant, "name": "test", "models": ["*"] });
    let made = administrate(site, "POST", "/admin/v1/keys", Some(&new)).await;
    made["key"].as_str().unwrap_or_else(|| panic!("no key: {made}")).to_owned()
}

/// A call to the built-in echo.
pub(crate) async fn echo(site: &impl Site, key: &str, more: &[(&str, &str)]) -> Heard {
    let key = format!("Bearer {key}");
    let mut headers = vec![("authorization", key.as_str())];
    headers.extend(more);
    let body = json!({ "model": "demo/echo", "messages": [{ "role": "user", "content": "Hello!" }] });
    send(site, "POST", "/v1/chat/completions", &headers, Some(&body)).await
}

/// The number of records of a tenant, once there are `expected` or a while has passed.
pub(crate) async fn records(site: &impl Site, tenant: &str, expected: usize) -> usize {
    let mut found = 0;
    for _ in 0..100 {
        let page =
            administrate(site, "GET", &format!("/admin/v1/logs?limit=1000&tenant={tenant}"), None).await;
        found = page["data"].as_array().map_or(0, Vec::len);
        if found >= expected {
            break;
        }
        site.pause(std::time::Duration::from_millis(100)).await;
    }
    found
}

/// Asks at a way in.
pub(crate) async fn ask<T: DeserializeOwned>(site: &WorkerSite, asked: &Value) -> Result<T, StoreError> {
    let answer = read(&send(site, "POST", "/test", &[], Some(asked)).await);
    match answer.get("error").and_then(Value::as_str) {
        Some(error) => Err(StoreError(error.to_owned())),
        None => Ok(serde_json::from_value(answer["ok"].clone()).expect("the answer that was asked for")),
    }
}

/// The Worker's own store and journal.
pub(crate) struct Door<'a>(pub(crate) &'a WorkerSite);

impl Store for Door<'_> {
    async fn read(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        let value: Option<Vec<u8>> = ask(self.0, &json!({ "ask": "read", "name": name })).await?;
        Ok(value.map(Bytes::from))
    }

    async fn write(&self, name: &str, value: Bytes) -> Result<(), StoreError> {
        ask(self.0, &json!({ "ask": "write", "name": name, "value": value.to_vec() })).await
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        ask(self.0, &json!({ "ask": "remove", "name": name })).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        let asked = json!({ "ask": "list", "prefix": prefix, "after": after, "limit": limit });
        let listed: Vec<(String, Vec<u8>)> = ask(self.0, &asked).await?;
        Ok(listed.into_iter().map(|(name, value)| (name, value.into())).collect())
    }
}

impl Journal for Door<'_> {
    async fn append(&self, record: Record) -> Result<(), StoreError> {
        ask(self.0, &json!({ "ask": "append", "record": record })).await
    }

    async fn records(&self, query: &RecordQuery) -> Result<RecordPage, StoreError> {
        let RecordQuery { tenant, key, model, after, limit, ascending } = query;
        let asked = json!({
            "ask": "records", "tenant": tenant, "key": key, "model": model,
            "after": after, "limit": limit, "ascending": ascending,
        });
        ask(self.0, &asked).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        let UsageQuery { by, tenant, since, until } = query;
        let asked = json!({ "ask": "usage", "by": by, "tenant": tenant, "since": since, "until": until });
        ask(self.0, &asked).await
    }
}

/// Whether an answer has a header.
pub(crate) fn headers(heard: &Heard) -> HeaderMap {
    heard.head.as_ref().map(|(_, headers)| headers.clone()).unwrap_or_default()
}
