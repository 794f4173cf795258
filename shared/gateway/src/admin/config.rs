//! The configuration: shown with its secrets hidden, replaced as a whole or not at all.

use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::config;
use crate::error::{ErrorKind, GatewayError};
use crate::host::{Host, Store, StoreError};
use crate::http::error::json_response;
use crate::pipeline::{Body, Gateway, Origin};
use crate::store;

pub(super) fn read(gateway: &Gateway) -> Value {
    let snapshot = gateway.snapshot();
    json!({ "config": snapshot.config.document(), "origin": snapshot.origin.name() })
}

pub(super) async fn write<H: Host>(
    gateway: &Gateway,
    host: &H,
    document: &Value,
) -> Result<Response<Body<H>>, GatewayError> {
    if gateway.snapshot().origin == Origin::File {
        let text =
            "this gateway reads its configuration from a file: change the file, it is read again by itself";
        return Err(GatewayError::new(ErrorKind::Conflict, text));
    }
    let (config, mut warnings) = match config::parse(document) {
        Ok(parsed) => parsed,
        Err(problems) => {
            let message = match problems.as_slice() {
                [one] => one.to_string(),
                many => format!("the configuration has {} problems", many.len()),
            };
            let kind = ErrorKind::InvalidRequest;
            let body = json!({
                "error": {
                    "message": message, "type": kind.error_type(), "param": null, "code": "invalid_config",
                },
                "problems": problems,
            });
            return Ok(json_response(kind.status(), &body));
        }
    };
    warnings.extend(config.missing_secrets(&|name| host.secret(name).is_some()));
    let _changing = gateway.changing.lock().await;
    let bytes = serde_json::to_vec(document).map_err(|e| StoreError(e.to_string()))?;
    host.store().write(store::CONFIG, bytes.into()).await?;
    gateway.replace(config, Origin::Store);
    tracing::info!("another configuration is in force");
    Ok(json_response(StatusCode::OK, &json!({ "warnings": warnings })))
}

/// The document that administrators stored, if there is one.
///
/// # Errors
/// When the store does not answer, or holds what is no document.
pub async fn stored<H: Host>(host: &H) -> Result<Option<Value>, StoreError> {
    let Some(bytes) = host.store().read(store::CONFIG).await? else { return Ok(None) };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|e| StoreError(format!("the stored config is not JSON: {e}")))
}
