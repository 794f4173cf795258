//! Errors. MLflow's gateway says `{"detail": ...}`, Databricks `{"error_code", "message"}`.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::dialect::{ErrorBody, openai_chat};
use crate::fault::{Fault, FaultKind};

/// Reads a provider's error. `now_unix` is the present time in seconds since 1970, for a `Retry-After` that names a date.
///
/// Databricks' word for the failure stands above the status, which is 400 for much.
#[must_use]
pub fn decode_fault_at(status: u16, headers: &HeaderMap, body: &[u8], now_unix: Option<u64>) -> Fault {
    let mut fault = openai_chat::decode_fault_at(status, headers, body, now_unix);
    let value = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let Some(word) = value.get("error_code").and_then(Value::as_str) else { return fault };
    let kind = match word {
        "REQUEST_LIMIT_EXCEEDED" | "RATE_LIMIT_EXCEEDED" => FaultKind::RateLimited,
        "RESOURCE_EXHAUSTED" => FaultKind::QuotaExceeded,
        "UNAUTHENTICATED" => FaultKind::Authentication,
        "PERMISSION_DENIED" => FaultKind::Permission,
        "RESOURCE_DOES_NOT_EXIST" | "ENDPOINT_NOT_FOUND" | "NOT_FOUND" => FaultKind::NotFound,
        "TEMPORARILY_UNAVAILABLE" => FaultKind::Overloaded,
        "DEADLINE_EXCEEDED" => FaultKind::Timeout,
        _ => fault.kind,
    };
    if kind != fault.kind {
        let message = value.get("message").and_then(Value::as_str).unwrap_or_default();
        fault.kind = kind;
        fault.message = crate::dialect::said::told(kind, message);
    }
    if !crate::dialect::said::is_about_account(fault.kind) {
        fault.code = Some(word.to_owned());
    }
    fault
}

/// Writes an error body of MLflow's gateway.
#[must_use]
pub fn encode_error(error: &ErrorBody<'_>) -> Bytes {
    json!({"detail": error.message}).to_string().into()
}

/// Writes an error body of Databricks' serving endpoints. Its word follows from the status.
#[must_use]
pub fn encode_databricks_error(error: &ErrorBody<'_>) -> Bytes {
    let word = match error.status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "RESOURCE_DOES_NOT_EXIST",
        429 => "REQUEST_LIMIT_EXCEEDED",
        501 => "NOT_IMPLEMENTED",
        502 | 503 | 529 => "TEMPORARILY_UNAVAILABLE",
        408 | 504 => "DEADLINE_EXCEEDED",
        400..=499 => "BAD_REQUEST",
        _ => "INTERNAL_ERROR",
    };
    json!({"error_code": word, "message": error.message}).to_string().into()
}
