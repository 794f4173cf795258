//! What errors are taken for, and what callers are told.

use std::time::Duration;

use http::HeaderMap;
use serde_json::{Value, json};

use crate::dialect::ErrorBody;
use crate::dialect::bedrock::{decode_fault_at, encode_error, exception};
use crate::fault::{Fault, FaultKind};

fn fault(status: u16, name: &str, message: &str) -> Fault {
    let mut headers = HeaderMap::new();
    if !name.is_empty() {
        headers.insert("x-amzn-errortype", format!("{name}:http://internal.amazon.com/").parse().unwrap());
    }
    headers.insert("retry-after", "7".parse().unwrap());
    decode_fault_at(status, &headers, json!({"message": message}).to_string().as_bytes(), None)
}

#[test]
fn classes_come_from_the_exception_the_status_and_the_text() {
    for (status, name, message, kind) in [
        (429, "ThrottlingException", "Too many tokens, please wait", FaultKind::RateLimited),
        (429, "", "x", FaultKind::RateLimited),
        (429, "ModelNotReadyException", "x", FaultKind::Overloaded),
        (400, "ServiceQuotaExceededException", "x", FaultKind::QuotaExceeded),
        (503, "ServiceUnavailableException", "x", FaultKind::Overloaded),
        (503, "", "x", FaultKind::Overloaded),
        (408, "ModelTimeoutException", "x", FaultKind::Timeout),
        (500, "InternalServerException", "x", FaultKind::ServerError),
        (424, "ModelErrorException", "x", FaultKind::ServerError),
        (403, "AccessDeniedException", "x", FaultKind::Permission),
        (403, "UnrecognizedClientException", "x", FaultKind::Authentication),
        (403, "", "The security token included in the request is expired", FaultKind::Authentication),
        (404, "ResourceNotFoundException", "x", FaultKind::NotFound),
        (400, "ValidationException", "The provided model identifier is invalid.", FaultKind::NotFound),
        (400, "ValidationException", "Input is too long for requested model.", FaultKind::ContextTooLong),
        (
            400,
            "ValidationException",
            "input length and `max_tokens` exceed context limit: 9",
            FaultKind::ContextTooLong,
        ),
        (400, "ValidationException", "Output blocked by content filtering policy", FaultKind::ContentFilter),
        (400, "ValidationException", "1 validation error detected", FaultKind::InvalidRequest),
    ] {
        let fault = fault(status, name, message);
        assert_eq!(fault.kind, kind, "{status} {name} {message}");
        assert_eq!((fault.status, fault.retry_after), (Some(status), Some(Duration::from_secs(7))));
    }
}

#[test]
fn what_is_about_the_account_is_not_told() {
    let fault =
        fault(403, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/x is not authorized");
    assert!(!fault.message.contains("arn:"), "{}", fault.message);
    assert_eq!(fault.error_type, None);
    let fault = self::fault(400, "ValidationException", "bad temperature");
    assert_eq!(
        (fault.message.as_str(), fault.error_type.as_deref()),
        ("bad temperature", Some("ValidationException"))
    );
}

#[test]
fn the_name_may_be_in_the_body_and_the_body_may_be_nothing() {
    let body = json!({"__type": "com.amazonaws.bedrock#ThrottlingException", "Message": "slow down"});
    let fault = decode_fault_at(400, &HeaderMap::new(), body.to_string().as_bytes(), None);
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::RateLimited, "slow down"));
    for body in ["", "<html>", "[]", "5", "{}"] {
        let fault = decode_fault_at(502, &HeaderMap::new(), body.as_bytes(), None);
        assert_eq!(fault.kind, FaultKind::ServerError);
        assert!(!fault.message.is_empty());
    }
}

#[test]
fn errors_are_written_as_aws_writes_them() {
    for (status, name) in [
        (400, "ValidationException"),
        (401, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (413, "ValidationException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
        (504, "ModelTimeoutException"),
    ] {
        assert_eq!(exception(status), name);
        let error = ErrorBody { status, message: "m", ..ErrorBody::default() };
        let body: Value = serde_json::from_slice(&encode_error(&error)).unwrap();
        assert_eq!(body, json!({"__type": name, "message": "m"}));
    }
}
