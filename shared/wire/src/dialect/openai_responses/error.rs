//! Errors: the bodies are those of OpenAI Chat Completions; a failed answer and a stream have forms of their own.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::dialect::ErrorBody;
use crate::dialect::openai_chat;
use crate::fault::{Fault, FaultKind};

/// Reads a provider's error: its status, headers and body. `now_unix` is the present time in seconds since 1970, for
/// a `Retry-After` that names a date.
#[must_use]
pub fn decode_fault_at(status: u16, headers: &HeaderMap, body: &[u8], now_unix: Option<u64>) -> Fault {
    refine(openai_chat::decode_fault_at(status, headers, body, now_unix))
}

/// The failure in an answer with status 200 or in an event: an error object, or a response that failed. `None` if it
/// holds none.
#[must_use]
pub fn find_fault(value: &Value) -> Option<Fault> {
    // An event has the fields of the error beside its type, or in an object of their own.
    if value.get("type").is_some_and(|kind| kind == "error") && value.get("error").is_none_or(Value::is_null)
    {
        let mut error = value.clone();
        if let Some(error) = error.as_object_mut() {
            error.remove("type");
        }
        return openai_chat::find_fault(&json!({"error": error})).map(refine);
    }
    let response = value.get("response").filter(|response| response.is_object()).unwrap_or(value);
    let failed = response.get("status").is_some_and(|status| status == "failed");
    match openai_chat::find_fault(response).map(refine) {
        None if failed => {
            Some(Fault::new(FaultKind::ServerError, "the provider reported an error without a message"))
        }
        found => found,
    }
}

/// Codes that only this format has: what OpenAI's safety checks refuse.
fn refine(mut fault: Fault) -> Fault {
    let refused = ["invalid_prompt", "bio_policy", "cyber_policy", "image_content_policy_violation"];
    if fault.code.as_deref().is_some_and(|code| refused.contains(&code)) {
        fault.kind = FaultKind::ContentFilter;
    }
    fault
}

/// Writes an error body of this format.
#[must_use]
pub fn encode_error(error: &ErrorBody<'_>) -> Bytes {
    let by_status = match error.status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    };
    let error_type = if error.error_type.is_empty() { by_status } else { error.error_type };
    openai_chat::encode_error(error.message, error_type, error.param, error.code)
}

/// Writes a fault as an error body of this format.
#[must_use]
pub fn encode_fault(fault: &Fault) -> Bytes {
    openai_chat::encode_fault(fault)
}

/// The fields of a fault: `type`, `code`, `message`, `param`.
pub(super) fn fields(fault: &Fault) -> Value {
    let body: Value = serde_json::from_slice(&encode_fault(fault)).unwrap_or_default();
    body.get("error").cloned().unwrap_or_default()
}
