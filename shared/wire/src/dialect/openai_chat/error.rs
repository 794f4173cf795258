//! Errors: what a provider's error body means, and how a caller of this format is told of one.
//!
//! A provider's text is passed on when it is about the request. What it says about the gateway's own account (keys,
//! permissions, credit) is replaced by a text of ours; in what remains, ids and keys are masked.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::dialect::DecodeError;
use crate::dialect::said::{CONTEXT_PHRASES, is_about_account, plain_text, retry_after, told};
use crate::fault::{Fault, FaultKind};

/// Reads a provider's error: its status, headers and body, in any of the forms vendors of this format use. A
/// `Retry-After` that names a date is passed over; [`decode_fault_at`] reads it too.
#[must_use]
pub fn decode_fault(status: u16, headers: &HeaderMap, body: &[u8]) -> Fault {
    decode_fault_at(status, headers, body, None)
}

/// As [`decode_fault`]; `now_unix` is the present time in seconds since 1970, for a `Retry-After` that names a date.
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
            Fault { message: told(kind, &message), ..Fault::new(kind, "") }
        }
    };
    fault.status = Some(status);
    fault.retry_after = retry_after(headers, now_unix);
    fault
}

/// The failure in a body or event that holds an error object although the status was 200; `None` if it holds none.
#[must_use]
pub fn find_fault(value: &Value) -> Option<Fault> {
    let error = value.get("error").filter(|error| !error.is_null())?;
    if !error.is_object() && error.as_str().is_none_or(str::is_empty) {
        return None;
    }
    Said::find(value).map(|said| said.into_fault(None))
}

/// What an error body says.
#[derive(Default)]
struct Said {
    message: Option<String>,
    code: Option<String>,
    error_type: Option<String>,
    param: Option<String>,
    /// A status inside the body, where the HTTP status is 200.
    status: Option<u16>,
}

impl Said {
    /// `{"error": {...}}`, `{"error": "..."}`, `{"message": ...}`, `{"detail": ...}`, or a list of one of them.
    fn find(value: &Value) -> Option<Self> {
        match value {
            Value::Array(items) => items.first().filter(|item| !item.is_array()).and_then(Self::find),
            Value::String(message) => Some(Self { message: Some(message.clone()), ..Self::default() }),
            Value::Object(map) => Some(match map.get("error") {
                Some(Value::Object(inner)) => Self::read(inner),
                Some(Value::String(message)) => Self { message: Some(message.clone()), ..Self::read(map) },
                _ => Self::read(map),
            }),
            _ => None,
        }
    }

    fn read(map: &Map<String, Value>) -> Self {
        let word = |name: &str| match map.get(name) {
            Some(Value::String(word)) if !word.is_empty() => Some(word.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let status = ["status_code", "code", "status"]
            .iter()
            .find_map(|name| map.get(*name)?.as_u64())
            .and_then(|status| u16::try_from(status).ok())
            .filter(|status| (400..600).contains(status));
        let mut said = Self {
            message: word("message").or_else(|| map.get("detail").or(map.get("message")).and_then(detail)),
            // A number is the HTTP status over again, not a code.
            code: map.get("code").filter(|code| code.is_string()).and_then(|_| word("code")),
            error_type: word("type"),
            param: word("param"),
            status,
        };
        // Gateways such as OpenRouter put what the provider behind them said under `metadata.raw`.
        if let Some(raw) =
            map.get("metadata").and_then(|metadata| metadata.get("raw")).and_then(Value::as_str)
        {
            let inner = serde_json::from_str::<Value>(raw).ok().and_then(|value| Self::find(&value));
            match inner {
                Some(inner) => {
                    said.message = inner.message.or(said.message);
                    said.code = inner.code.or(said.code);
                    said.error_type = inner.error_type.or(said.error_type);
                    said.param = inner.param.or(said.param);
                }
                None if !raw.is_empty() => said.message = Some(raw.to_owned()),
                None => {}
            }
        }
        said
    }

    fn into_fault(self, status: Option<u16>) -> Fault {
        let kind = self.classify(status.filter(|status| *status >= 400).or(self.status));
        let message = self.message.as_deref().unwrap_or("the provider reported an error without a message");
        // The words of the gateway's own account stay inside, as its texts do.
        let inside = is_about_account(kind);
        Fault {
            kind,
            status: None,
            message: told(kind, message),
            code: self.code.filter(|_| !inside),
            error_type: self.error_type.filter(|_| !inside),
            param: self.param.filter(|_| !inside),
            retry_after: None,
        }
    }

    /// The class: words first, since vendors share statuses among very different failures.
    fn classify(&self, status: Option<u16>) -> FaultKind {
        let lower = |text: &Option<String>| text.as_deref().unwrap_or_default().to_ascii_lowercase();
        let (code, error_type, message) = (lower(&self.code), lower(&self.error_type), lower(&self.message));
        let word = |words: &[&str]| words.iter().any(|word| code == *word || error_type == *word);
        let phrase = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
        if word(&["context_length_exceeded", "too_many_prompt_tokens", "model_max_prompt_tokens_exceeded"])
            || (matches!(status, None | Some(400 | 413 | 422)) && phrase(CONTEXT_PHRASES))
        {
            return FaultKind::ContextTooLong;
        }
        if word(&[
            "content_filter",
            "content_policy_violation",
            "responsibleaipolicyviolation",
            "data_inspection_failed",
        ]) {
            return FaultKind::ContentFilter;
        }
        if word(&[
            "insufficient_quota",
            "billing_hard_limit_reached",
            "billing_not_active",
            "insufficient_balance",
        ]) || phrase(&["insufficient balance", "insufficient credits", "exceeded your current quota"])
        {
            return FaultKind::QuotaExceeded;
        }
        if word(&["invalid_api_key", "wrong_api_key", "authentication_error", "invalid_authentication"]) {
            return FaultKind::Authentication;
        }
        if word(&["permission_error", "permission_denied", "unsupported_country_region_territory"]) {
            return FaultKind::Permission;
        }
        if word(&["model_not_found", "not_found_error"]) && matches!(status, None | Some(400 | 404)) {
            return FaultKind::NotFound;
        }
        if matches!(status, None | Some(429 | 500..=599)) {
            if word(&["overloaded_error", "overloaded", "engine_overloaded_error"])
                || phrase(&["overloaded", "is at capacity", "over capacity"])
            {
                return FaultKind::Overloaded;
            }
            if word(&["rate_limit_exceeded", "rate_limit_error", "ratelimitreached", "too_many_requests"]) {
                return FaultKind::RateLimited;
            }
        }
        match status {
            Some(status) => FaultKind::from_status(status),
            None if word(&["invalid_request_error", "bad_request"]) => FaultKind::InvalidRequest,
            None => FaultKind::ServerError,
        }
    }
}

/// FastAPI's `detail`: a text, or a list of `{loc, msg}`.
fn detail(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(map) => map.get("message").or(map.get("detail")).and_then(detail),
        Value::Array(items) => {
            let one = |item: &Value| {
                let place = item.get("loc").and_then(Value::as_array).map(|steps| {
                    let word = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
                    steps.iter().map(word).collect::<Vec<_>>().join(".")
                });
                let text = item.get("msg")?.as_str()?;
                Some(place.map_or_else(|| text.to_owned(), |place| format!("{place}: {text}")))
            };
            let texts: Vec<String> = items.iter().filter_map(one).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        _ => None,
    }
}

/// Writes an error body of this format.
#[must_use]
pub fn encode_error(message: &str, error_type: &str, param: Option<&str>, code: Option<&str>) -> Bytes {
    let error = json!({"error": {"message": message, "type": error_type, "param": param, "code": code}});
    error.to_string().into()
}

/// Writes a fault as an error body of this format, as it stands in a stream.
#[must_use]
pub fn encode_fault(fault: &Fault) -> Bytes {
    let (error_type, code) = words(fault.kind);
    let error_type = fault.error_type.as_deref().unwrap_or(error_type);
    let code = fault.code.as_deref().unwrap_or(code);
    encode_error(&fault.message, error_type, fault.param.as_deref(), Some(code))
}

/// `type` and `code` for a class of failure, for when the provider gave none.
const fn words(kind: FaultKind) -> (&'static str, &'static str) {
    match kind {
        FaultKind::InvalidRequest => ("invalid_request_error", "invalid_request"),
        FaultKind::ContextTooLong => ("invalid_request_error", "context_length_exceeded"),
        FaultKind::ContentFilter => ("invalid_request_error", "content_filter"),
        FaultKind::NotFound => ("invalid_request_error", "model_not_found"),
        FaultKind::TooLarge => ("invalid_request_error", "request_too_large"),
        FaultKind::RateLimited => ("rate_limit_error", "rate_limit_exceeded"),
        FaultKind::QuotaExceeded => ("insufficient_quota", "insufficient_quota"),
        FaultKind::Authentication => ("server_error", "upstream_authentication"),
        FaultKind::Permission => ("server_error", "upstream_permission"),
        FaultKind::Overloaded => ("server_error", "upstream_overloaded"),
        FaultKind::ServerError => ("server_error", "upstream_error"),
        FaultKind::Unreachable => ("server_error", "upstream_unreachable"),
        FaultKind::Timeout => ("server_error", "upstream_timeout"),
        FaultKind::BadAnswer => ("server_error", "upstream_bad_answer"),
        FaultKind::Cut => ("server_error", "upstream_cut"),
    }
}

/// An answer that is not what the format says, as a failure of the attempt.
impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::new(FaultKind::BadAnswer, format!("the provider's answer is not valid: {error}"))
    }
}
