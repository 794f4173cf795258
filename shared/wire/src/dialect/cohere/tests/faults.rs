//! What errors are taken for, and what callers are told.

use std::time::Duration;

use http::HeaderMap;
use serde_json::{Value, json};

use crate::dialect::ErrorBody;
use crate::dialect::cohere::{decode_fault_at, encode_error};
use crate::fault::FaultKind;

#[test]
fn classes_come_from_the_status_and_the_text() {
    for (status, message, kind) in [
        (400, "invalid request: temperature must be less than 1", FaultKind::InvalidRequest),
        (
            400,
            "too many tokens: total number of tokens in the prompt cannot exceed 4081",
            FaultKind::ContextTooLong,
        ),
        (401, "invalid api token", FaultKind::Authentication),
        (402, "please add a payment method", FaultKind::QuotaExceeded),
        (403, "x", FaultKind::Permission),
        (404, "model 'nonexistent' not found", FaultKind::NotFound),
        (422, "x", FaultKind::InvalidRequest),
        (429, "rate limit", FaultKind::RateLimited),
        (
            429,
            "You are using a Trial key, which is limited to 1000 API calls / month.",
            FaultKind::QuotaExceeded,
        ),
        (498, "x", FaultKind::ContentFilter),
        (500, "x", FaultKind::ServerError),
        (503, "x", FaultKind::Overloaded),
        (504, "x", FaultKind::Timeout),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "3".parse().unwrap());
        let body = json!({"id": "1", "message": message}).to_string();
        let fault = decode_fault_at(status, &headers, body.as_bytes(), None);
        assert_eq!((fault.kind, fault.status), (kind, Some(status)), "{message}");
        assert_eq!(fault.retry_after, Some(Duration::from_secs(3)));
    }
    for body in ["", "<html>", "[]", "5", "{}"] {
        let fault = decode_fault_at(502, &HeaderMap::new(), body.as_bytes(), None);
        assert_eq!(fault.kind, FaultKind::ServerError);
        assert!(!fault.message.is_empty());
    }
    let fault = decode_fault_at(401, &HeaderMap::new(), br#"{"message": "invalid api token abc"}"#, None);
    assert!(!fault.message.contains("abc"), "{}", fault.message);
}

#[test]
fn errors_are_written_as_cohere_writes_them() {
    let error = ErrorBody { status: 400, message: "m", request_id: Some("r"), ..ErrorBody::default() };
    assert_eq!(
        serde_json::from_slice::<Value>(&encode_error(&error)).unwrap(),
        json!({"id": "r", "message": "m"})
    );
    let error = ErrorBody { request_id: None, ..error };
    assert_eq!(serde_json::from_slice::<Value>(&encode_error(&error)).unwrap(), json!({"message": "m"}));
}
