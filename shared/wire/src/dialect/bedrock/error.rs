//! Errors: an exception's name, in a header or in the body, and a message.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::dialect::ErrorBody;
use crate::dialect::said::{CONTEXT_PHRASES, is_about_account, plain_text, retry_after, told};
use crate::fault::{Fault, FaultKind};

/// The header that names the exception.
const ERROR_TYPE: &str = "x-amzn-errortype";
/// How Bedrock and the models behind it say that the prompt is too long, beside what all vendors say.
const TOO_LONG: [&str; 4] =
    ["input length and", "too many tokens in", "exceeds the maximum allowed input", "exceed context limit"];
const FILTERED: [&str; 3] = ["content filter", "blocked by", "responsible ai"];
const UNKNOWN_MODEL: [&str; 2] = ["model identifier is invalid", "model id is not"];

/// Reads a provider's error: its status, headers and body; `now_unix` is the present time in seconds since 1970, for a
/// `Retry-After` that names a date.
#[must_use]
pub fn decode_fault_at(status: u16, headers: &HeaderMap, body: &[u8], now_unix: Option<u64>) -> Fault {
    let body_value = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let named = headers.get(ERROR_TYPE).and_then(|value| value.to_str().ok());
    let named = named.or_else(|| body_value.get("__type").or(body_value.get("code"))?.as_str());
    let message = message_of(&body_value).map(str::to_owned).or_else(|| plain_text(headers, body));
    let message = message.unwrap_or_else(|| {
        format!("the provider answered with status {status} and nothing that explains it")
    });
    let mut fault = fault(named.map(short), Some(status), &message);
    fault.status = Some(status);
    fault.retry_after = retry_after(headers, now_unix);
    fault
}

/// `com.amazonaws#Name:http://...` is `Name`.
fn short(name: &str) -> &str {
    let name = name.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default()
}

/// A model that another vendor wrote may be behind Bedrock: its own message is beside AWS's.
fn message_of(body: &Value) -> Option<&str> {
    ["message", "Message", "originalMessage"]
        .iter()
        .find_map(|name| body.get(*name)?.as_str().filter(|text| !text.is_empty()))
}

/// The failure that an exception inside a stream means.
pub(super) fn stream_fault(name: &str, payload: &[u8]) -> Fault {
    let body = serde_json::from_slice::<Value>(payload).unwrap_or_default();
    let status = body.get("originalStatusCode").and_then(Value::as_u64);
    let status = status.and_then(|status| u16::try_from(status).ok()).filter(|status| *status >= 400);
    let message = message_of(&body).unwrap_or("the provider reported an error without a message");
    let mut letters = name.chars();
    // In a stream the names begin with a small letter.
    let name: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    fault(Some(short(&name)), status, message)
}

fn fault(name: Option<&str>, status: Option<u16>, message: &str) -> Fault {
    let kind = classify(name.unwrap_or_default(), status, &message.to_ascii_lowercase());
    let inside = is_about_account(kind);
    Fault {
        error_type: name.filter(|name| !inside && !name.is_empty()).map(str::to_owned),
        ..Fault::new(kind, told(kind, message))
    }
}

/// The class: by the exception, then by the status, then by what is said.
fn classify(name: &str, status: Option<u16>, message: &str) -> FaultKind {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    match name {
        "ThrottlingException" | "TooManyRequestsException" => FaultKind::RateLimited,
        "ServiceQuotaExceededException" => FaultKind::QuotaExceeded,
        "ModelNotReadyException" | "ServiceUnavailableException" => FaultKind::Overloaded,
        "ModelTimeoutException" => FaultKind::Timeout,
        "InternalServerException" | "InternalFailure" | "ModelErrorException" => FaultKind::ServerError,
        "ModelStreamErrorException" => match status.map(FaultKind::from_status) {
            Some(kind @ (FaultKind::RateLimited | FaultKind::Overloaded | FaultKind::Timeout)) => kind,
            _ => FaultKind::ServerError,
        },
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignatureException"
        | "IncompleteSignature"
        | "InvalidClientTokenId"
        | "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken"
        | "ExpiredTokenException"
        | "ExpiredToken" => FaultKind::Authentication,
        "AccessDeniedException" => FaultKind::Permission,
        "ResourceNotFoundException" => FaultKind::NotFound,
        _ => match status.map_or(FaultKind::InvalidRequest, FaultKind::from_status) {
            FaultKind::InvalidRequest if says(CONTEXT_PHRASES) || says(&TOO_LONG) => {
                FaultKind::ContextTooLong
            }
            FaultKind::InvalidRequest if says(&FILTERED) => FaultKind::ContentFilter,
            FaultKind::InvalidRequest if says(&UNKNOWN_MODEL) => FaultKind::NotFound,
            // AWS refuses credentials with 403 as well.
            FaultKind::Permission if says(&["security token", "signature"]) => FaultKind::Authentication,
            kind => kind,
        },
    }
}

/// The name of the exception for a status: for the header `x-amzn-errortype`, by which AWS's SDKs know an error.
#[must_use]
pub const fn exception(status: u16) -> &'static str {
    match status {
        401 | 403 => "AccessDeniedException",
        402 => "ServiceQuotaExceededException",
        404 => "ResourceNotFoundException",
        408 | 504 => "ModelTimeoutException",
        424 => "ModelErrorException",
        429 => "ThrottlingException",
        503 | 529 => "ServiceUnavailableException",
        400..=499 => "ValidationException",
        _ => "InternalServerException",
    }
}

/// Writes an error body. The exception's name is in it too (`__type`), for SDKs that see no header.
#[must_use]
pub fn encode_error(error: &ErrorBody<'_>) -> Bytes {
    json!({"__type": exception(error.status), "message": error.message}).to_string().into()
}

/// The exception that ends a stream: its name there, and its payload.
pub(super) fn encode_fault(fault: &Fault) -> (&'static str, Value) {
    let name = match fault.kind {
        FaultKind::InvalidRequest
        | FaultKind::ContextTooLong
        | FaultKind::ContentFilter
        | FaultKind::NotFound
        | FaultKind::TooLarge => "validationException",
        FaultKind::RateLimited | FaultKind::QuotaExceeded => "throttlingException",
        FaultKind::Overloaded | FaultKind::Unreachable => "serviceUnavailableException",
        FaultKind::Timeout | FaultKind::BadAnswer | FaultKind::Cut => "modelStreamErrorException",
        FaultKind::Authentication | FaultKind::Permission | FaultKind::ServerError => {
            "internalServerException"
        }
    };
    (name, json!({"message": fault.message}))
}
