//! What a provider says in an error, made fit for a caller: the same for every format.
//!
//! A provider's text is passed on when it is about the request. What it says about the gateway's own account (keys,
//! permissions, credit) is replaced by a text of ours; in what remains, ids and keys are masked.

use std::time::Duration;

use http::HeaderMap;

use super::http_date;
use crate::fault::FaultKind;

/// Longest text of a provider that is passed on, in bytes.
const MAX_MESSAGE: usize = 2_000;

/// How vendors without a code say that the prompt is too long.
pub(crate) const CONTEXT_PHRASES: &[&str] = &[
    "maximum context length",
    "maximum prompt length",
    "context length exceeded",
    "context window",
    "exceeds the context",
    "exceeds the available context",
    "prompt is too long",
    "input is too long",
    "total length of all messages is too long",
    "too many input tokens",
];

/// Whether a failure is about the gateway's own account with the provider, and none of the caller's business.
pub(crate) const fn is_about_account(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Authentication | FaultKind::Permission | FaultKind::QuotaExceeded)
}

/// What the caller is told.
pub(crate) fn told(kind: FaultKind, message: &str) -> String {
    match kind {
        FaultKind::Authentication => "the provider did not accept the gateway's credentials".to_owned(),
        FaultKind::Permission => "the provider does not allow the gateway to do this".to_owned(),
        FaultKind::QuotaExceeded => {
            "the gateway's account at the provider has no quota or credit left".to_owned()
        }
        _ => mask(message),
    }
}

/// Masks keys and ids of accounts, and bounds the length. Provider texts quote them in passing.
fn mask(message: &str) -> String {
    const MARKS: [&str; 9] = ["sk-", "sk_", "org-", "org_", "proj_", "gsk_", "xai-", "key-", "user_"];
    let mut out = String::with_capacity(message.len().min(MAX_MESSAGE));
    let word_end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*'));
    for piece in message.split_inclusive(word_end) {
        if out.len() + piece.len() > MAX_MESSAGE {
            out.push_str("...");
            break;
        }
        let body = piece.trim_end_matches(word_end);
        let marked = MARKS.iter().any(|mark| body.strip_prefix(mark).is_some_and(|rest| rest.len() >= 6));
        if marked || is_uuid(body) {
            out.push_str("[hidden]");
            out.push_str(piece.get(body.len()..).unwrap_or_default());
        } else {
            out.push_str(piece);
        }
    }
    out
}

/// Anthropic names the account so in its rate limits.
fn is_uuid(word: &str) -> bool {
    let lengths = word.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && word.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// A body of plain text, if that is what it is. A page of HTML says nothing to a caller and may hold anything.
pub(crate) fn plain_text(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let content_type = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_none_or(|kind| !kind.starts_with("text/plain")) {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?.trim();
    (!text.is_empty() && !text.starts_with('<')).then(|| text.to_owned())
}

/// How long the provider asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date.
pub(crate) fn retry_after(headers: &HeaderMap, now_unix: Option<u64>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |name: &str| text(name)?.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    // A day is the longest wait that makes sense; it also keeps absurd numbers out of the arithmetic.
    let bounded = |seconds: f64| Duration::from_secs_f64(seconds.min(86_400.0));
    let precise = number("retry-after-ms").filter(|ms| *ms > 0.0).map(|ms| bounded(ms / 1_000.0));
    precise.or_else(|| number("retry-after").map(bounded)).or_else(|| {
        let at = http_date::parse(text("retry-after")?)?;
        Some(Duration::from_secs(at.saturating_sub(now_unix?).min(86_400)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_accounts_are_hidden_and_nothing_else() {
        let said = "limit of organization (123e4567-e89b-12d3-a456-426614174000), key sk-abcdef123, 4-4 left";
        let told = told(FaultKind::RateLimited, said);
        assert_eq!(told, "limit of organization ([hidden]), key [hidden], 4-4 left");
    }
}
