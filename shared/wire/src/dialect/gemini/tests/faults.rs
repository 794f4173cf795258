//! What errors of providers are taken for, and what callers are told.

use std::time::Duration;

use http::HeaderMap;
use serde_json::{Value, json};

use crate::dialect::ErrorBody;
use crate::dialect::gemini::{decode_fault_at, encode_error, encode_fault, find_fault};
use crate::fault::{Fault, FaultKind};

fn fault(status: u16, word: &str, message: &str, details: Value) -> Fault {
    let body = json!({"error": {"code": status, "message": message, "status": word, "details": details}});
    decode_fault_at(status, &HeaderMap::new(), body.to_string().as_bytes(), None)
}

#[test]
fn classes_come_from_words_and_details() {
    let kind = |status, word: &str, message: &str| fault(status, word, message, json!([])).kind;
    assert_eq!(kind(400, "INVALID_ARGUMENT", "Bad field"), FaultKind::InvalidRequest);
    assert_eq!(
        kind(
            400,
            "INVALID_ARGUMENT",
            "The input token count (9) exceeds the maximum number of tokens allowed (5)."
        ),
        FaultKind::ContextTooLong
    );
    assert_eq!(
        kind(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
        FaultKind::Authentication
    );
    assert_eq!(
        kind(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
        FaultKind::Permission
    );
    assert_eq!(kind(401, "UNAUTHENTICATED", "x"), FaultKind::Authentication);
    assert_eq!(kind(403, "PERMISSION_DENIED", "x"), FaultKind::Permission);
    assert_eq!(kind(404, "NOT_FOUND", "models/x is not found"), FaultKind::NotFound);
    assert_eq!(kind(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted"), FaultKind::RateLimited);
    assert_eq!(
        kind(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted"),
        FaultKind::QuotaExceeded
    );
    assert_eq!(kind(499, "CANCELLED", "x"), FaultKind::ServerError);
    assert_eq!(kind(500, "INTERNAL", "x"), FaultKind::ServerError);
    assert_eq!(kind(503, "UNAVAILABLE", "The model is overloaded."), FaultKind::Overloaded);
    assert_eq!(kind(504, "DEADLINE_EXCEEDED", "x"), FaultKind::Timeout);
    let quota = |id: &str, value: &str| {
        let details = json!([{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": id, "quotaValue": value}]}]);
        fault(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", details).kind
    };
    assert_eq!(quota("RequestsPerMinutePerProjectPerModel", "10"), FaultKind::RateLimited);
    assert_eq!(quota("RequestsPerDayPerProjectPerModel", "10"), FaultKind::QuotaExceeded);
    assert_eq!(quota("RequestsPerMinutePerProjectPerModel", "0"), FaultKind::QuotaExceeded);
}

#[test]
fn details_tell_when_where_and_why() {
    let told = fault(
        400,
        "INVALID_ARGUMENT",
        "Bad",
        json!([
            {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "contents[0]"}]},
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "BAD_FIELD"},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"},
        ]),
    );
    assert_eq!(told.param.as_deref(), Some("contents[0]"));
    assert_eq!(
        (told.code.as_deref(), told.error_type.as_deref()),
        (Some("BAD_FIELD"), Some("INVALID_ARGUMENT"))
    );
    assert_eq!(told.retry_after, Some(Duration::from_millis(1_500)));
    for delay in ["soon", "-1s", "5", "infs"] {
        let details = json!([{"@type": "x.RetryInfo", "retryDelay": delay}]);
        assert_eq!(fault(429, "RESOURCE_EXHAUSTED", "x", details).retry_after, None, "{delay}");
    }
}

#[test]
fn nothing_of_the_gateways_account_is_told() {
    for (status, word) in [(401, "UNAUTHENTICATED"), (403, "PERMISSION_DENIED")] {
        let told = fault(status, word, "project my-secret-project of AIzaSySecret", json!([]));
        assert!(!format!("{told:?}").contains("secret") && !format!("{told:?}").contains("AIza"), "{told:?}");
    }
}

#[test]
fn errors_come_alone_in_arrays_and_inside_answers() {
    let error = json!({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}});
    for value in [error.clone(), json!([error])] {
        let told = find_fault(&value).expect("a fault");
        assert_eq!((told.kind, told.message.as_str()), (FaultKind::Overloaded, "busy"));
        assert_eq!(
            decode_fault_at(503, &HeaderMap::new(), value.to_string().as_bytes(), None).kind,
            FaultKind::Overloaded
        );
    }
    for value in [json!({"candidates": []}), json!([]), json!([{"candidates": []}]), json!({"error": null})] {
        assert_eq!(find_fault(&value), None, "{value}");
    }
    let html = decode_fault_at(502, &HeaderMap::new(), b"<html>proxy at 10.0.0.1</html>", None);
    assert!(html.kind == FaultKind::ServerError && !html.message.contains("10.0"));
}

#[test]
fn callers_are_told_in_googles_form() {
    let body = encode_error(&ErrorBody {
        status: 429,
        message: "slow down",
        error_type: "rate_limit_error",
        param: Some("contents"),
        code: Some("limit"),
        request_id: Some("req_1"),
    });
    assert_eq!(
        serde_json::from_slice::<Value>(&body).expect("JSON"),
        json!({"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED", "details": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "limit", "domain": "postern"},
            {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "contents", "description": "slow down"}]},
            {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "req_1"},
        ]}})
    );
    for (status, word) in [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (413, "INVALID_ARGUMENT"),
        (500, "INTERNAL"),
        (502, "UNAVAILABLE"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
    ] {
        let body = encode_error(&ErrorBody { status, message: "m", ..ErrorBody::default() });
        assert_eq!(
            serde_json::from_slice::<Value>(&body).expect("JSON"),
            json!({"error": {"code": status, "message": "m", "status": word}})
        );
    }
}

#[test]
fn a_fault_that_is_written_is_read_as_the_same_class() {
    for kind in [
        FaultKind::InvalidRequest,
        FaultKind::NotFound,
        FaultKind::RateLimited,
        FaultKind::Overloaded,
        FaultKind::Timeout,
        FaultKind::ServerError,
    ] {
        let mut fault = Fault::new(kind, "m");
        fault.retry_after = Some(Duration::from_secs(3));
        let value: Value = serde_json::from_slice(&encode_fault(&fault)).expect("JSON");
        let again = find_fault(&value).expect("a fault");
        assert_eq!((again.kind, again.retry_after), (kind, fault.retry_after));
    }
}
