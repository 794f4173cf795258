//! Errors, both ways.

use std::time::Duration;

use http::HeaderMap;
use serde_json::{Value, json};

use super::parse;
use crate::dialect::anthropic::{decode_fault_at, decode_request, encode_error, encode_fault, weigh_extra};
use crate::dialect::{ErrorBody, Weight};
use crate::fault::{Fault, FaultKind};

fn read(status: u16, body: &Value) -> Fault {
    decode_fault_at(status, &HeaderMap::new(), body.to_string().as_bytes(), None)
}

fn said(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
}

#[test]
fn each_type_of_error_has_its_class() {
    let cases = [
        (400, "invalid_request_error", "max_tokens: required", FaultKind::InvalidRequest),
        (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", FaultKind::ContextTooLong),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit",
            FaultKind::ContextTooLong,
        ),
        (
            400,
            "invalid_request_error",
            "Output blocked by content filtering policy",
            FaultKind::ContentFilter,
        ),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the API",
            FaultKind::QuotaExceeded,
        ),
        (
            400,
            "invalid_request_error",
            "You have reached your specified API usage limits",
            FaultKind::QuotaExceeded,
        ),
        (401, "authentication_error", "invalid x-api-key", FaultKind::Authentication),
        (402, "billing_error", "pay", FaultKind::QuotaExceeded),
        (403, "permission_error", "no", FaultKind::Permission),
        (404, "not_found_error", "model: x", FaultKind::NotFound),
        (413, "request_too_large", "too large", FaultKind::TooLarge),
        (413, "invalid_request_error", "Prompt is too long", FaultKind::ContextTooLong),
        (429, "rate_limit_error", "slow", FaultKind::RateLimited),
        (500, "api_error", "oh", FaultKind::ServerError),
        (504, "timeout_error", "late", FaultKind::Timeout),
        (529, "overloaded_error", "Overloaded", FaultKind::Overloaded),
        (500, "overloaded_error", "Overloaded", FaultKind::Overloaded),
        (418, "new_error", "hm", FaultKind::InvalidRequest),
    ];
    for (status, word, message, kind) in cases {
        let fault = read(status, &said(word, message));
        assert_eq!((fault.kind, fault.status), (kind, Some(status)), "{word}: {message}");
    }
}

#[test]
fn what_is_about_the_account_stays_inside() {
    let fault = read(401, &said("authentication_error", "invalid x-api-key sk-ant-123456789"));
    assert!(!fault.message.contains("sk-"), "{}", fault.message);
    assert_eq!(fault.error_type, None);
    let fault = read(400, &said("invalid_request_error", "messages: wrong"));
    assert_eq!(
        (fault.message.as_str(), fault.error_type.as_deref()),
        ("messages: wrong", Some("invalid_request_error"))
    );
}

#[test]
fn errors_of_those_in_front_are_understood() {
    let google = json!([{"error": {"code": 404, "message": "no such model", "status": "NOT_FOUND"}}]);
    let fault = read(404, &google);
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::NotFound, "no such model"));
    assert_eq!(read(200, &json!({"error": {"code": 503, "message": "x"}})).kind, FaultKind::Overloaded);
    assert_eq!(read(400, &json!({"message": "bad"})).message, "bad");
    assert_eq!(read(400, &json!({"error": "bad"})).message, "bad");
    let page = decode_fault_at(502, &HeaderMap::new(), b"<html>", None);
    assert_eq!(page.kind, FaultKind::ServerError);
    assert!(!page.message.contains('<'));
}

#[test]
fn the_wait_is_read() {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", "7".parse().expect("a value"));
    let body = said("rate_limit_error", "slow").to_string();
    let fault = decode_fault_at(429, &headers, body.as_bytes(), None);
    assert_eq!(fault.retry_after, Some(Duration::from_secs(7)));
}

#[test]
fn errors_are_told_by_their_status() {
    let told = |status| {
        let error = ErrorBody { status, message: "x", ..ErrorBody::default() };
        parse(&encode_error(&error))["error"]["type"].clone()
    };
    let cases = [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (409, "invalid_request_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ];
    for (status, word) in cases {
        assert_eq!(told(status), word, "{status}");
    }
}

#[test]
fn the_wrong_field_is_named_in_the_message() {
    let error = ErrorBody {
        status: 400,
        message: "expected a number",
        param: Some("temperature"),
        request_id: Some("req-9"),
        ..ErrorBody::default()
    };
    let expected = json!({"type": "error", "request_id": "req-9",
        "error": {"type": "invalid_request_error", "message": "temperature: expected a number"}});
    assert_eq!(parse(&encode_error(&error)), expected);
}

#[test]
fn faults_are_told_and_read_again() {
    for kind in [
        FaultKind::InvalidRequest,
        FaultKind::NotFound,
        FaultKind::TooLarge,
        FaultKind::RateLimited,
        FaultKind::QuotaExceeded,
        FaultKind::Overloaded,
        FaultKind::Timeout,
        FaultKind::ServerError,
    ] {
        let body = parse(&encode_fault(&Fault::new(kind, "so it is")));
        assert_eq!(super::super::error::find_fault(&body).map(|fault| fault.kind), Some(kind));
    }
}

#[test]
fn a_thread_is_refused_in_the_words_that_sdks_go_on_from() {
    let request = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}],
        "thread": {"type": "continue", "previous_message_id": "msg_1"}});
    let request = decode_request(request.to_string().as_bytes()).unwrap();
    let [loss] = weigh_extra(&request).try_into().unwrap();
    assert_eq!((loss.field.as_str(), loss.weight), ("thread", Weight::Meaning));
    let error =
        ErrorBody { status: 400, message: &loss.reason, param: Some(&loss.field), ..ErrorBody::default() };
    let told = parse(&encode_error(&error));
    assert_eq!(told["error"]["details"]["error_code"], "thread_unsupported_request");
}
