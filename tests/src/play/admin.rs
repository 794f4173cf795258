//! What a test does as an administrator.

use std::time::{Duration, SystemTime};

use http::Request;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::corpus::Leaves;
use crate::site::{Payload, Site};

/// A key that was made for a test.
pub(super) struct MadeKey {
    pub(super) id: String,
    pub(super) text: String,
}

pub(super) async fn make_key<S: Site>(
    site: &S,
    tenant: &str,
    models: &[String],
    expires_at: Option<SystemTime>,
) -> Result<MadeKey, String> {
    let mut new = json!({ "tenant": tenant, "name": "corpus", "models": models });
    if let Some(time) = expires_at {
        let text = OffsetDateTime::from(time).format(&Rfc3339).map_err(|e| e.to_string())?;
        new["expires_at"] = text.into();
    }
    let made = ask(site, "POST", "/admin/v1/keys", Some(&new)).await?;
    let text = |name: &str| {
        let value = made.get(name).and_then(Value::as_str).map(str::to_owned);
        value.ok_or(format!("a new key has no {name}"))
    };
    Ok(MadeKey { id: text("id")?, text: text("key")? })
}

pub(super) async fn revoke_key<S: Site>(site: &S, id: &str) -> Result<(), String> {
    ask(site, "DELETE", &format!("/admin/v1/keys/{id}"), None).await.map(|_| ())
}

/// The newest records that `matches`, waited for within reason when there must be some.
pub(super) async fn records<S: Site>(
    site: &S,
    query: &str,
    expected: usize,
    matches: impl Fn(&Value) -> bool,
) -> Result<Vec<Value>, String> {
    let tries = if expected == 0 { 2 } else { 100 };
    let mut found = Vec::new();
    for _ in 0..tries {
        let page = ask(site, "GET", &format!("/admin/v1/logs?limit=5{query}"), None).await?;
        let Some(Value::Array(data)) = page.get("data") else {
            return Err("the logs have no data".to_owned());
        };
        found = data.iter().filter(|record| matches(record)).cloned().collect();
        if expected > 0 && found.len() >= expected {
            break;
        }
        site.pause(Duration::from_millis(50)).await;
    }
    Ok(found)
}

async fn ask<S: Site>(site: &S, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
    let payload = body.map_or_else(Payload::default, |body| Payload::whole(body.to_string()));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {}", site.admin_token()))
        .header("content-type", "application/json")
        .body(payload)
        .map_err(|e| e.to_string())?;
    let heard = site.call(request, &Leaves::Never).await?;
    if !(200..300).contains(&heard.status()) {
        let text = String::from_utf8_lossy(&heard.body).into_owned();
        return Err(format!("{method} {path} answers {}: {text}", heard.status()));
    }
    serde_json::from_slice(&heard.body).map_err(|e| format!("{method} {path}: {e}"))
}
