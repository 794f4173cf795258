//! Plain requests to a running gateway, for suites that look at one entry point. They panic where a gateway must answer
//! and does not: that fails the test.

use std::time::Duration;

use http::{HeaderMap, Request};
use serde_json::{Value, json};

use crate::corpus::Leaves;
use crate::site::{Heard, Payload, Site};

/// Sends a request with a JSON body, if there is one, and reads the whole answer.
pub async fn send(
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
pub async fn administrate(site: &impl Site, method: &str, path: &str, body: Option<&Value>) -> Value {
    let token = format!("Bearer {}", site.admin_token());
    read(&send(site, method, path, &[("authorization", &token)], body).await)
}

/// An answer's body as JSON.
pub fn read(heard: &Heard) -> Value {
    serde_json::from_slice(&heard.body)
        .unwrap_or_else(|e| panic!("{e}: {} {:?}", heard.status(), String::from_utf8_lossy(&heard.body)))
}

/// A new key of this tenant.
pub async fn make_key(site: &impl Site, tenant: &str) -> String {
    let new = json!({ "tenant": tenant, "name": "test", "models": ["*"] });
    let made = administrate(site, "POST", "/admin/v1/keys", Some(&new)).await;
    made["key"].as_str().unwrap_or_else(|| panic!("no key: {made}")).to_owned()
}

/// A call to the built-in echo.
pub async fn echo(site: &impl Site, key: &str, more: &[(&str, &str)]) -> Heard {
    let key = format!("Bearer {key}");
    let mut headers = vec![("authorization", key.as_str())];
    headers.extend(more);
    let body = json!({ "model": "demo/echo", "messages": [{ "role": "user", "content": "Hello!" }] });
    send(site, "POST", "/v1/chat/completions", &headers, Some(&body)).await
}

/// The number of records of a tenant, once there are `expected` or a while has passed.
pub async fn records(site: &impl Site, tenant: &str, expected: usize) -> usize {
    let mut found = 0;
    for _ in 0..100 {
        let page =
            administrate(site, "GET", &format!("/admin/v1/logs?limit=1000&tenant={tenant}"), None).await;
        found = page["data"].as_array().map_or(0, Vec::len);
        if found >= expected {
            break;
        }
        site.pause(Duration::from_millis(100)).await;
    }
    found
}

/// The calls in the sums of a tenant.
pub async fn calls_in_the_sums(site: &impl Site, tenant: &str) -> u64 {
    let path = format!("/admin/v1/usage?by=tenant&tenant={tenant}");
    let usage = administrate(site, "GET", &path, None).await;
    usage["data"][0]["calls"].as_u64().unwrap_or_default()
}

/// The code, type and message of a 503.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn refused(heard: &Heard) -> (String, String) {
    assert_eq!(heard.status(), 503, "{heard:?}");
    let error = &read(heard)["error"];
    assert_eq!(error["type"], "server_error", "{error}");
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (text("code"), text("message"))
}

/// What `/readyz` lists, which must be something.
///
/// # Panics
/// When the gateway says that it is ready.
pub async fn missing(site: &impl Site) -> Vec<String> {
    let ready = send(site, "GET", "/readyz", &[], None).await;
    assert_eq!(ready.status(), 503, "{ready:?}");
    serde_json::from_value(read(&ready)["missing"].clone()).expect("a list of texts")
}

/// The headers of an answer.
#[must_use]
pub fn headers(heard: &Heard) -> HeaderMap {
    heard.head.as_ref().map(|(_, headers)| headers.clone()).unwrap_or_default()
}
