//! Errors: a message, and the id of the request.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value};

use crate::dialect::ErrorBody;
use crate::dialect::fields::{put, put_some};
use crate::dialect::said::{CONTEXT_PHRASES, plain_text, retry_after, told};
use crate::fault::{Fault, FaultKind};

/// How Cohere says that the prompt is too long, beside what all vendors say.
const TOO_LONG: [&str; 2] = ["too many tokens", "total number of tokens"];
/// A trial key's month is over, or the account has no payment.
const QUOTA: [&str; 3] = ["api calls / month", "monthly", "billing"];

/// Reads a provider's error: its status, headers and body; `now_unix` is the present time in seconds since 1970, for a
/// `Retry-After` that names a date.
#[must_use]
pub fn decode_fault_at(status: u16, headers: &HeaderMap, body: &[u8], now_unix: Option<u64>) -> Fault {
    let value = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let said =
        value.get("message").or(value.get("error")).and_then(Value::as_str).filter(|text| !text.is_empty());
    let message = said.map(str::to_owned).or_else(|| plain_text(headers, body));
    let message = message.unwrap_or_else(|| {
        format!("the provider answered with status {status} and nothing that explains it")
    });
    let kind = classify(status, &message.to_ascii_lowercase());
    Fault {
        status: Some(status),
        retry_after: retry_after(headers, now_unix),
        ..Fault::new(kind, told(kind, &message))
    }
}

fn classify(status: u16, message: &str) -> FaultKind {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    match status {
        400 | 413 | 422 if says(CONTEXT_PHRASES) || says(&TOO_LONG) => FaultKind::ContextTooLong,
        429 if says(&QUOTA) => FaultKind::QuotaExceeded,
        // "The request or response contains a deny-listed token."
        498 => FaultKind::ContentFilter,
        status => FaultKind::from_status(status),
    }
}

/// What an error inside a stream means.
pub(super) fn stream_fault(message: &str) -> Fault {
    Fault::new(FaultKind::ServerError, told(FaultKind::ServerError, message))
}

/// Writes an error body.
#[must_use]
pub fn encode_error(error: &ErrorBody<'_>) -> Bytes {
    let mut map = Map::new();
    put_some(&mut map, "id", error.request_id.map(str::to_owned).as_ref());
    put(&mut map, "message", error.message);
    Value::Object(map).to_string().into()
}
