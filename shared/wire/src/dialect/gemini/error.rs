//! Errors: what a provider's error body means, and how a caller of this format is told of one.
//!
//! Google says `{"error": {"code", "message", "status", "details"}}` (`cloud.google.com/apis/design/errors`), alone, in
//! an array of one, and inside streams. `status` is a word of a fixed list; `details` hold typed objects: why
//! (`ErrorInfo`), when to come back (`RetryInfo`), which quota (`QuotaFailure`), which field (`BadRequest`).

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::dialect::ErrorBody;
use crate::dialect::fields::put;
use crate::dialect::said::{CONTEXT_PHRASES, is_about_account, plain_text, retry_after, told};
use crate::fault::{Fault, FaultKind};

/// Reads a provider's error: its status, headers and body. `now_unix` is the present time in seconds since 1970, for a
/// `Retry-After` that names a date.
#[must_use]
pub fn decode_fault_at(status: u16, headers: &HeaderMap, body: &[u8], now_unix: Option<u64>) -> Fault {
    let value = serde_json::from_slice::<Value>(body).ok();
    let mut fault = match value.as_ref().and_then(error_of) {
        Some(error) => Said { error }.into_fault(Some(status)),
        None => {
            let kind = FaultKind::from_status(status);
            let message = plain_text(headers, body).unwrap_or_else(|| {
                format!("the provider answered with status {status} and nothing that explains it")
            });
            Fault { message: told(kind, &message), ..Fault::new(kind, "") }
        }
    };
    fault.status = Some(status);
    fault.retry_after = retry_after(headers, now_unix).or(fault.retry_after);
    fault
}

/// The failure in a body or event that holds an error although the status was 200; `None` if it holds none.
#[must_use]
pub fn find_fault(value: &Value) -> Option<Fault> {
    error_of(value).map(|error| Said { error }.into_fault(None))
}

fn error_of(value: &Value) -> Option<&Map<String, Value>> {
    let value = value.as_array().map_or(Some(value), |items| items.first())?;
    value.get("error")?.as_object()
}

struct Said<'a> {
    error: &'a Map<String, Value>,
}

impl Said<'_> {
    fn text(&self, name: &str) -> &str {
        self.error.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The details of one type.
    fn details<'b>(&'b self, kind: &'b str) -> impl Iterator<Item = &'b Value> {
        let details = self.error.get("details").and_then(Value::as_array);
        details.into_iter().flatten().filter(move |detail| {
            let name = detail.get("@type").and_then(Value::as_str).unwrap_or_default();
            name.rsplit('.').next() == Some(kind)
        })
    }

    fn reason(&self) -> Option<&str> {
        self.details("ErrorInfo").find_map(|info| info.get("reason")?.as_str())
    }

    fn into_fault(self, status: Option<u16>) -> Fault {
        let code = self.error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        let kind = self.classify(status.filter(|status| *status >= 400).or(code));
        let message = match self.text("message") {
            "" => "the provider reported an error without a message",
            message => message,
        };
        let word = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let param = self
            .details("BadRequest")
            .find_map(|detail| detail.get("fieldViolations")?.as_array()?.first()?.get("field")?.as_str());
        let inside = is_about_account(kind);
        // Google's word for the status is no code: a class of failures has the same code whoever failed. A reason says
        // more than the class of a wrong request, and one in small letters is our own.
        let says_more = |reason: &&str| {
            kind == FaultKind::InvalidRequest || !reason.bytes().any(|byte| byte.is_ascii_uppercase())
        };
        Fault {
            kind,
            status: None,
            message: told(kind, message),
            code: self.reason().filter(says_more).and_then(word).filter(|_| !inside),
            error_type: word(self.text("status")).filter(|_| !inside),
            param: param.and_then(word).filter(|_| !inside),
            retry_after: self.retry_after(),
        }
    }

    /// `retryDelay` is seconds with an `s`: `48s`, `1.5s`.
    fn retry_after(&self) -> Option<Duration> {
        let delay = self.details("RetryInfo").find_map(|info| info.get("retryDelay")?.as_str())?;
        let seconds = delay.strip_suffix('s')?.parse::<f64>().ok()?;
        // A day is the longest wait that makes sense; it also keeps absurd numbers out of the arithmetic.
        (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(86_400.0)))
    }

    fn classify(&self, status: Option<u16>) -> FaultKind {
        let message = self.text("message").to_ascii_lowercase();
        let phrase = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
        let word = self.text("status");
        if word == "INVALID_ARGUMENT" || status == Some(400) {
            if phrase(&["input token count"]) || phrase(CONTEXT_PHRASES) {
                return FaultKind::ContextTooLong;
            }
            // A key that is wrong or has expired is an invalid argument to Google.
            if matches!(self.reason(), Some("API_KEY_INVALID"))
                || phrase(&["api key not valid", "api key expired"])
            {
                return FaultKind::Authentication;
            }
            if phrase(&["user location is not supported", "please enable billing"]) {
                return FaultKind::Permission;
            }
        }
        if word == "RESOURCE_EXHAUSTED" || status == Some(429) {
            return self.exhausted(&message);
        }
        match (word, status) {
            ("UNAUTHENTICATED", _) => FaultKind::Authentication,
            ("PERMISSION_DENIED", _) => FaultKind::Permission,
            ("NOT_FOUND", _) => FaultKind::NotFound,
            ("UNAVAILABLE", _) => FaultKind::Overloaded,
            ("DEADLINE_EXCEEDED", _) => FaultKind::Timeout,
            ("INTERNAL" | "UNKNOWN" | "DATA_LOSS" | "CANCELLED" | "ABORTED", _) => FaultKind::ServerError,
            (_, Some(status)) => FaultKind::from_status(status),
            ("INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE", None) => FaultKind::InvalidRequest,
            (_, None) => FaultKind::ServerError,
        }
    }

    /// Limits of a minute pass by themselves; those of a day, credit and spending caps do not.
    fn exhausted(&self, message: &str) -> FaultKind {
        let spent = self
            .details("QuotaFailure")
            .filter_map(|failure| failure.get("violations")?.as_array())
            .flatten()
            .any(|violation| {
                let text = |name: &str| violation.get(name).and_then(Value::as_str).unwrap_or_default();
                text("quotaId").contains("PerDay") || text("quotaValue") == "0"
            });
        let credit = ["credits are depleted", "spending cap", "spend cap", "billing account"];
        if spent || credit.iter().any(|phrase| message.contains(phrase)) {
            FaultKind::QuotaExceeded
        } else {
            FaultKind::RateLimited
        }
    }
}

/// Writes an error body of this format. The word in `status` follows from the HTTP status.
#[must_use]
pub fn encode_error(error: &ErrorBody<'_>) -> Bytes {
    let mut details = Vec::new();
    if let Some(code) = error.code {
        let domain = "postern";
        details.push(
            json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code, "domain": domain}),
        );
    }
    if let Some(param) = error.param {
        let violation = json!({"field": param, "description": error.message});
        details.push(
            json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}),
        );
    }
    if let Some(id) = error.request_id {
        details.push(json!({"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": id}));
    }
    body(error.status, error.message, word_of(error.status), details)
}

fn body(status: u16, message: &str, word: &str, details: Vec<Value>) -> Bytes {
    let mut inner = Map::new();
    put(&mut inner, "code", status);
    put(&mut inner, "message", message);
    put(&mut inner, "status", word);
    if !details.is_empty() {
        put(&mut inner, "details", details);
    }
    json!({"error": inner}).to_string().into()
}

/// Writes a fault as an error body of this format, as it stands in a stream.
#[must_use]
pub fn encode_fault(fault: &Fault) -> Bytes {
    let status = match fault.kind {
        FaultKind::InvalidRequest | FaultKind::ContextTooLong | FaultKind::ContentFilter => 400,
        FaultKind::NotFound => 404,
        FaultKind::TooLarge => 413,
        FaultKind::RateLimited | FaultKind::QuotaExceeded => 429,
        FaultKind::Overloaded => 503,
        FaultKind::Timeout => 504,
        // The gateway's own trouble with the provider is not the caller's.
        FaultKind::Authentication
        | FaultKind::Permission
        | FaultKind::ServerError
        | FaultKind::Unreachable
        | FaultKind::BadAnswer
        | FaultKind::Cut => 500,
    };
    let details = match fault.retry_after {
        Some(wait) => {
            let delay = format!("{}s", wait.as_secs_f64());
            vec![json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})]
        }
        None => Vec::new(),
    };
    body(status, &fault.message, word_of(status), details)
}

/// Google's word for an HTTP status.
const fn word_of(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        402 | 429 => "RESOURCE_EXHAUSTED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        499 => "CANCELLED",
        501 => "UNIMPLEMENTED",
        502 | 503 | 529 => "UNAVAILABLE",
        408 | 504 => "DEADLINE_EXCEEDED",
        400..=498 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}
