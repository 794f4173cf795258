//! Whether the gateway lives, and whether it can serve.

use http::StatusCode;
use serde_json::json;

use super::error::json_response;
use crate::host::{Host, Store};
use crate::pipeline::{Gateway, Reply};
use crate::store;

/// The process answers.
pub(crate) fn health<H: Host>() -> Reply<H> {
    Reply::plain(json_response(StatusCode::OK, &json!({ "status": "ok" })))
}

/// The store answers and every secret that the configuration names is set; otherwise 503 and what is missing.
pub(crate) async fn ready<H: Host>(gateway: &Gateway, host: &H) -> Reply<H> {
    let mut missing = Vec::new();
    if let Err(error) = host.store().read(store::CONFIG).await {
        tracing::error!(error = %error, "the store does not answer");
        missing.push("the store does not answer".to_owned());
    }
    let config = &gateway.snapshot().config;
    let unset = config.missing_secrets(&|name| host.secret(name).is_some());
    missing.extend(unset.iter().map(|problem| format!("{problem}: {}", host.secret_advice())));
    let (status, word) = if missing.is_empty() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    Reply::plain(json_response(status, &json!({ "status": word, "missing": missing })))
}
