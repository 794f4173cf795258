//! Errors: what a provider's error body means, and how a caller of this format is told of one.
//!
//! The types of errors are those of <https://platform.claude.com/docs/en/api/errors>.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::request::THREAD;
use crate::dialect::ErrorBody;
use crate::dialect::fields::put;
use crate::dialect::said::{CONTEXT_PHRASES, is_about_account, plain_text, retry_after, told};
use crate::fault::{Fault, FaultKind};

/// Reads a provider's error: its status, headers and body. `now_unix` is the present time in seconds since 1970, for
/// a `Retry-After` that names a date.
#[must_use]
pub fn decode_fault_at(status: u16, headers: &HeaderMap, body: &[u8], now_unix: Option<u64>) -> Fault {
    let said = serde_json::from_slice::<Value>(body).ok().and_then(|value| Said::find(&value));
    let mut fault = match said {
        Some(said) => said.into_fault(Some(status)),
        None => {
            let kind = FaultKind::from_status(status);
            let message = plain_text(headers, body).unwrap_or_else(|| {
                format!("the provider answered with status {status} and nothing that explains it")
            });
            Fault::new(kind, told(kind, &message))
        }
    };
    fault.status = Some(status);
    fault.retry_after = retry_after(headers, now_unix);
    fault
}

/// The failure in a body or event that is an error although the status was 200; `None` if it is none.
pub(super) fn find_fault(value: &Value) -> Option<Fault> {
    let typed = value.get("type").is_some_and(|kind| kind == "error");
    let named = value.get("error").is_some_and(|error| error.is_object() || error.is_string());
    if typed || (named && value.get("type").is_none()) {
        return Some(Said::find(value).unwrap_or_default().into_fault(None));
    }
    None
}

/// What an error body says.
#[derive(Default)]
struct Said {
    message: Option<String>,
    error_type: Option<String>,
    code: Option<String>,
    /// A status inside the body, as Google's errors have it.
    status: Option<u16>,
}

impl Said {
    /// Anthropic's `{"type": "error", "error": {"type", "message"}}`, Google's `[{"error": {"code", "message"}}]` in
    /// front of Vertex, and the `{"message"}` or `{"detail"}` of proxies.
    fn find(value: &Value) -> Option<Self> {
        match value {
            Value::Array(items) => items.first().filter(|item| item.is_object()).and_then(Self::find),
            Value::Object(map) => Some(match map.get("error") {
                Some(Value::Object(inner)) => Self::read(inner),
                Some(Value::String(message)) => Self { message: Some(message.clone()), ..Self::default() },
                _ => Self::read(map),
            }),
            _ => None,
        }
    }

    fn read(map: &Map<String, Value>) -> Self {
        let word = |name: &str| {
            map.get(name).and_then(Value::as_str).filter(|word| !word.is_empty()).map(str::to_owned)
        };
        let code = map.get("details").and_then(|details| details.get("error_code")).and_then(Value::as_str);
        Self {
            message: word("message").or_else(|| word("detail")),
            error_type: word("type").filter(|word| word != "error"),
            code: code.map(str::to_owned),
            status: map
                .get("code")
                .and_then(Value::as_u64)
                .and_then(|status| u16::try_from(status).ok())
                .filter(|status| (400..600).contains(status)),
        }
    }

    fn into_fault(self, status: Option<u16>) -> Fault {
        let kind = self.classify(status.filter(|status| *status >= 400).or(self.status));
        let message = self.message.as_deref().unwrap_or("the provider reported an error without a message");
        // The words of the gateway's own account stay inside, as its texts do.
        let inside = is_about_account(kind);
        Fault {
            code: self.code.filter(|_| !inside),
            error_type: self.error_type.filter(|_| !inside),
            ..Fault::new(kind, told(kind, message))
        }
    }

    /// The class: Anthropic says the most particular things in texts, under `invalid_request_error`.
    fn classify(&self, status: Option<u16>) -> FaultKind {
        let message = self.message.as_deref().unwrap_or_default().to_ascii_lowercase();
        let phrase = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
        if matches!(status, None | Some(400 | 413 | 422)) {
            if phrase(CONTEXT_PHRASES) || phrase(&["exceed context limit"]) {
                return FaultKind::ContextTooLong;
            }
            if phrase(&["content filtering policy"]) {
                return FaultKind::ContentFilter;
            }
        }
        if phrase(&["credit balance is too low", "api usage limits"]) {
            return FaultKind::QuotaExceeded;
        }
        let by_status = status.map(FaultKind::from_status);
        match self.error_type.as_deref() {
            Some("authentication_error") => FaultKind::Authentication,
            Some("billing_error") => FaultKind::QuotaExceeded,
            Some("permission_error") => FaultKind::Permission,
            Some("not_found_error") => FaultKind::NotFound,
            Some("request_too_large") => FaultKind::TooLarge,
            Some("rate_limit_error") => FaultKind::RateLimited,
            Some("timeout_error") => FaultKind::Timeout,
            Some("overloaded_error") => FaultKind::Overloaded,
            Some("invalid_request_error") => by_status.unwrap_or(FaultKind::InvalidRequest),
            _ => by_status.unwrap_or(FaultKind::ServerError),
        }
    }
}

/// Writes an error body of this format. Its type follows from the status. The format has no field for the parameter
/// that is wrong: it is named in the message.
#[must_use]
pub fn encode_error(error: &ErrorBody<'_>) -> Bytes {
    let word = match error.status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    let message = match error.param {
        Some(param) if !error.message.contains(param) => format!("{param}: {}", error.message),
        _ => error.message.to_owned(),
    };
    let mut map = said(word, &message);
    if error.param == Some(THREAD) {
        // Anthropic's SDKs look for this code, and go on without a thread.
        put(
            &mut map,
            "details",
            json!({"error_code": "thread_unsupported_request", "unsupported": [THREAD]}),
        );
    }
    body(&map, error.request_id)
}

/// Writes a fault as an error of this format, as it stands in a stream.
#[must_use]
pub fn encode_fault(fault: &Fault) -> Bytes {
    body(&said(word(fault.kind), &fault.message), None)
}

fn said(word: &str, message: &str) -> Map<String, Value> {
    let mut map = Map::new();
    put(&mut map, "type", word);
    put(&mut map, "message", message);
    map
}

fn body(error: &Map<String, Value>, request_id: Option<&str>) -> Bytes {
    json!({"type": "error", "error": error, "request_id": request_id}).to_string().into()
}

/// The type of an error for a class of failure. What concerns the gateway's own account is the gateway's failure.
const fn word(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::InvalidRequest | FaultKind::ContextTooLong | FaultKind::ContentFilter => {
            "invalid_request_error"
        }
        FaultKind::NotFound => "not_found_error",
        FaultKind::TooLarge => "request_too_large",
        FaultKind::RateLimited => "rate_limit_error",
        FaultKind::QuotaExceeded => "billing_error",
        FaultKind::Overloaded => "overloaded_error",
        FaultKind::Timeout => "timeout_error",
        FaultKind::Authentication
        | FaultKind::Permission
        | FaultKind::ServerError
        | FaultKind::Unreachable
        | FaultKind::BadAnswer
        | FaultKind::Cut => "api_error",
    }
}
