//! The facts of answers that are passed on as they are.

use serde_json::{Value, json};

use crate::Usage;
use crate::dialect::gemini::{peek_event, peek_response};
use crate::dialect::openai_chat::{EventKind, PeekFailure};
use crate::fault::FaultKind;

fn event(value: Value) -> crate::dialect::openai_chat::EventFacts {
    peek_event(value.to_string().as_bytes()).expect("an event")
}

#[test]
fn facts_are_found_in_answers_and_events() {
    let body = json!({
        "candidates": [
            {"content": {"parts": [{"text": "h\u{e9}"}, {"functionCall": {"name": "f", "args": {"a":1}}}], "role": "model"}, "finishReason": "STOP"},
            {"finishReason": "SAFETY"},
        ],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 1, "totalTokenCount": 6},
        "modelVersion": "gemini-x",
    });
    let facts = peek_response(body.to_string().as_bytes()).expect("an answer");
    assert_eq!(facts.model.as_deref(), Some("gemini-x"));
    assert_eq!(facts.usage, Some(Usage { input: 3, output: 3, reasoning: 1, ..Usage::default() }));
    assert_eq!(facts.finish_reasons, ["STOP", "SAFETY"]);
    assert_eq!(facts.text_bytes, 3 + 1 + 7);
    assert_eq!(event(body).kind, EventKind::Content);
}

#[test]
fn events_are_told_apart() {
    let parts = |parts: Value| json!({"candidates": [{"content": {"parts": parts}}], "usageMetadata": {"promptTokenCount": 1}});
    for (body, kind) in [
        (parts(json!([{"text": "a"}])), EventKind::Content),
        (parts(json!([{"inlineData": {"data": "AAAA"}}])), EventKind::Content),
        (parts(json!([{"text": "", "thoughtSignature": "AAAA"}])), EventKind::Role),
        (json!({"candidates": [{"finishReason": "STOP"}]}), EventKind::Role),
        (json!({"usageMetadata": {"promptTokenCount": 1}}), EventKind::Usage),
        (json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}}), EventKind::Other),
        (json!({}), EventKind::Other),
    ] {
        assert_eq!(event(body.clone()).kind, kind, "{body}");
    }
}

#[test]
fn a_blocked_prompt_is_an_answer_and_silence_is_none() {
    let blocked = peek_response(b"{\"promptFeedback\": {\"blockReason\": \"SAFETY\"}}").expect("an answer");
    assert_eq!(blocked.finish_reasons, ["SAFETY"]);
    for body in ["", "{}", "[]", "3", "{\"candidates\": []", "{\"usageMetadata\": {}}"] {
        let failure = peek_response(body.as_bytes());
        assert!(matches!(failure, Err(PeekFailure::Decode(_))), "{body}: {failure:?}");
    }
}

#[test]
fn errors_are_found_although_the_status_was_good() {
    let error = json!({"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}});
    for body in [error.clone(), json!([error])] {
        let failure = peek_event(body.to_string().as_bytes());
        assert!(
            matches!(&failure, Err(PeekFailure::Fault(fault)) if fault.kind == FaultKind::RateLimited),
            "{failure:?}"
        );
    }
}
