//! What errors of providers are taken for, and what callers are told.

use std::time::Duration;

use http::HeaderMap;
use serde_json::{Value, json};

use crate::dialect::openai_chat::{decode_fault, decode_fault_at, encode_error, encode_fault, find_fault};
use crate::fault::{Fault, FaultKind};

fn fault(status: u16, body: Value) -> Fault {
    decode_fault(status, &HeaderMap::new(), body.to_string().as_bytes())
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
        .collect()
}

#[test]
fn classes_come_from_code_type_text_and_status() {
    let of = |status, code: &str, message: &str| {
        fault(status, json!({"error": {"message": message, "code": code}})).kind
    };
    assert_eq!(of(400, "context_length_exceeded", "x"), FaultKind::ContextTooLong);
    assert_eq!(of(400, "", "This model's maximum context length is 5 tokens."), FaultKind::ContextTooLong);
    assert_eq!(of(400, "content_filter", "x"), FaultKind::ContentFilter);
    assert_eq!(of(429, "insufficient_quota", "x"), FaultKind::QuotaExceeded);
    assert_eq!(of(402, "invalid_request_error", "Insufficient Balance"), FaultKind::QuotaExceeded);
    assert_eq!(of(429, "rate_limit_exceeded", "x"), FaultKind::RateLimited);
    assert_eq!(of(429, "1305", "The service may be temporarily overloaded"), FaultKind::Overloaded);
    assert_eq!(of(401, "invalid_api_key", "x"), FaultKind::Authentication);
    assert_eq!(of(400, "invalid_api_key", "x"), FaultKind::Authentication);
    assert_eq!(of(403, "", "x"), FaultKind::Permission);
    assert_eq!(of(404, "model_not_found", "x"), FaultKind::NotFound);
    assert_eq!(of(500, "", "x"), FaultKind::ServerError);
    assert_eq!(of(503, "", "x"), FaultKind::Overloaded);
    assert_eq!(of(422, "", "x"), FaultKind::InvalidRequest);
}

#[test]
fn every_form_of_error_body_gives_its_message() {
    for body in [
        json!({"error": {"message": "no such voice"}}),
        json!({"error": "no such voice"}),
        json!({"message": "no such voice"}),
        json!({"detail": "no such voice"}),
        json!({"detail": [{"msg": "no such voice"}]}),
        json!([{"error": {"message": "no such voice", "code": 400}}]),
        json!("no such voice"),
    ] {
        let fault = fault(400, body.clone());
        assert_eq!(
            (fault.kind, fault.message.as_str()),
            (FaultKind::InvalidRequest, "no such voice"),
            "{body}"
        );
    }
    let placed = fault(
        422,
        json!({"detail": [{"loc": ["body", "n"], "msg": "too small"}, {"loc": ["body", 0], "msg": "bad"}]}),
    );
    assert_eq!(placed.message, "body.n: too small; body.0: bad");
}

#[test]
fn code_type_and_param_are_kept_when_they_are_about_the_request() {
    let fault = fault(
        400,
        json!({"error": {"message": "m", "type": "invalid_request_error", "param": "n", "code": "c"}}),
    );
    assert_eq!(fault.code.as_deref(), Some("c"));
    assert_eq!(fault.error_type.as_deref(), Some("invalid_request_error"));
    assert_eq!(fault.param.as_deref(), Some("n"));
    assert_eq!(fault.status, Some(400));
}

#[test]
fn nothing_of_the_gateways_account_is_told() {
    let secret = json!({"error": {"message": "Incorrect API key provided: sk-abcdefgh1234", "code": "invalid_api_key", "param": "sk-abcdefgh1234"}});
    for status in [401, 403] {
        let fault = fault(status, secret.clone());
        assert!(!format!("{fault:?}").contains("sk-abc"), "{fault:?}");
        assert!(fault.message.starts_with("the provider"));
    }
    let limited = fault(
        429,
        json!({"error": {"message": "Limit for org-AbCdEf123456, key (sk-proj-1234567): try in 3s"}}),
    );
    assert_eq!(limited.message, "Limit for [hidden], key ([hidden]): try in 3s");
}

#[test]
fn pages_and_silence_get_a_text_of_ours() {
    let html =
        decode_fault(502, &headers(&[("content-type", "text/html")]), b"<html>nginx at 10.0.0.1</html>");
    assert_eq!(html.kind, FaultKind::ServerError);
    assert!(!html.message.contains("nginx") && html.message.contains("502"));
    assert!(decode_fault(500, &HeaderMap::new(), b"").message.contains("500"));
    let plain = decode_fault(413, &headers(&[("content-type", "text/plain")]), b"length limit exceeded\n");
    assert_eq!((plain.kind, plain.message.as_str()), (FaultKind::TooLarge, "length limit exceeded"));
    let long = fault(400, json!({"error": {"message": "x ".repeat(100_000)}}));
    assert!(long.message.len() < 3_000);
}

#[test]
fn waits_are_read_in_every_form() {
    let wait = |pairs: &[(&'static str, &'static str)]| {
        decode_fault_at(429, &headers(pairs), b"", Some(784_111_770)).retry_after
    };
    assert_eq!(wait(&[]), None);
    assert_eq!(wait(&[("retry-after", "5")]), Some(Duration::from_secs(5)));
    assert_eq!(wait(&[("retry-after", "1.5")]), Some(Duration::from_millis(1_500)));
    assert_eq!(wait(&[("retry-after", "60"), ("retry-after-ms", "250")]), Some(Duration::from_millis(250)));
    assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(Duration::from_secs(7)));
    assert_eq!(wait(&[("retry-after", "1e300")]), Some(Duration::from_secs(86_400)));
    assert_eq!(wait(&[("retry-after", "-1")]), None);
    assert_eq!(
        decode_fault(429, &headers(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), b"").retry_after,
        None
    );
}

#[test]
fn an_error_behind_another_gateway_is_looked_into() {
    let raw =
        json!({"error": {"message": "prompt is too long", "code": "context_length_exceeded"}}).to_string();
    let fault = fault(
        400,
        json!({"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}}),
    );
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::ContextTooLong, "prompt is too long"));
}

#[test]
fn only_an_error_object_is_an_error() {
    for value in
        [json!({"error": null, "choices": []}), json!({"error": ""}), json!({"choices": []}), json!([])]
    {
        assert_eq!(find_fault(&value), None, "{value}");
    }
    assert!(
        find_fault(&json!({"error": {"message": "x", "code": 429}}))
            .is_some_and(|fault| fault.kind == FaultKind::RateLimited)
    );
    assert!(find_fault(&json!({"error": "x"})).is_some_and(|fault| fault.kind == FaultKind::ServerError));
}

#[test]
fn errors_are_written_with_all_four_fields() {
    let body: Value = serde_json::from_slice(&encode_error("m", "t", None, Some("c"))).expect("JSON");
    assert_eq!(body, json!({"error": {"message": "m", "type": "t", "param": null, "code": "c"}}));
    let body: Value =
        serde_json::from_slice(&encode_fault(&Fault::new(FaultKind::Timeout, "late"))).expect("JSON");
    assert_eq!(body["error"]["code"], "upstream_timeout");
}
