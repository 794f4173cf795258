//! Checks of what is refused, what passes, and what is found.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::Usage;
use crate::dialect::anthropic::{decode_request, decode_response};
use crate::dialect::openai_chat::{EventKind, PeekFailure};
use crate::fault::FaultKind;

fn with(member: &str) -> String {
    format!(r#"{{"model":"m","max_tokens":5,"messages":[{{"role":"user","content":"x"}}],{member}}}"#)
}

#[test]
fn finds_what_the_gateway_needs_and_changes_the_model_only() {
    let body = with(r#" "stream" : true, "x":[1.0]"#);
    let head = peek_request(body.as_bytes()).unwrap();
    assert_eq!((head.model.as_str(), head.stream, head.choices), ("m", true, 1));
    let bytes = Bytes::from(body.clone());
    assert_eq!(head.rewrite(&bytes, "m", true), bytes);
    let changed = head.rewrite(&bytes, "\"n\"", true);
    assert_eq!(changed, body.replacen(r#""m""#, r#""\"n\"""#, 1));
    assert!(peek_request(changed.as_ref()).is_ok());
}

#[test]
fn refuses_by_path() {
    let cases = [
        ("", "", "the body is empty"),
        ("[]", "", "got an array"),
        ("{", "", "not valid JSON"),
        ("{}", "model", "missing"),
        (r#"{"model":""}"#, "model", "empty"),
        (r#"{"model":"m"}"#, "messages", "missing"),
        (r#"{"model":"m","messages":[]}"#, "messages", "empty"),
        (r#"{"model":"m","messages":[7]}"#, "messages[0]", "got a number"),
        (r#"{"model":"m","messages":[{"content":"x"}]}"#, "messages[0].role", "missing"),
        (r#"{"model":"m","messages":[{"role":"user"}]}"#, "messages[0].content", "missing"),
        (r#"{"model":"m","messages":[{"role":"user","content":null}]}"#, "messages[0].content", "got null"),
        (r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#, "max_tokens", "missing"),
        (r#"{"model":"m","max_tokens":1,"max_tokens":2}"#, "max_tokens", "twice"),
    ];
    for (body, path, reason) in cases {
        let error = peek_request(body.as_bytes()).unwrap_err();
        assert_eq!(error.path, path, "{body}: {error}");
        assert!(error.reason.contains(reason), "{body}: {error}");
    }
    for (member, path) in [
        (r#""stream":1"#, "stream"),
        (r#""temperature":"x""#, "temperature"),
        (r#""tools":{}"#, "tools"),
        (r#""system":7"#, "system"),
        (r#""tool_choice":"auto""#, "tool_choice"),
    ] {
        assert_eq!(peek_request(with(member).as_bytes()).unwrap_err().path, path);
    }
    let negative = r#"{"model":"m","max_tokens":-1,"messages":[{"role":"user","content":"x"}]}"#;
    assert_eq!(peek_request(negative.as_bytes()).unwrap_err().path, "max_tokens");
}

#[test]
fn a_count_needs_no_limit() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#;
    assert!(peek_count_request(body.as_bytes()).is_ok());
    assert!(peek_request(body.as_bytes()).is_err());
}

#[test]
fn whole_answers_give_their_facts() {
    let answer = json!({"id": "x", "type": "message", "model": "claude", "content": [
        {"type": "thinking", "thinking": "hm", "signature": "sssss"},
        {"type": "text", "text": "gr\u{fc}n"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
    ], "stop_reason": "tool_use", "usage": {"input_tokens": 3, "output_tokens": 4}});
    let facts = peek_response(answer.to_string().as_bytes()).unwrap();
    assert_eq!((facts.model.as_deref(), facts.finish_reasons), (Some("claude"), vec!["tool_use".to_owned()]));
    assert_eq!(facts.usage, Some(Usage { input: 3, output: 4, ..Usage::default() }));
    assert_eq!(facts.text_bytes, 2 + 5 + 1 + 7);
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "x"}});
    let failure = peek_response(error.to_string().as_bytes()).unwrap_err();
    assert!(matches!(failure, PeekFailure::Fault(fault) if fault.kind == FaultKind::Overloaded));
    for bad in ["", "[]", "{}", "{\"content\": 7}", "<html>"] {
        assert!(matches!(peek_response(bad.as_bytes()), Err(PeekFailure::Decode(_))), "{bad}");
    }
}

#[test]
fn events_give_their_facts_and_counts_add_up() {
    let mut peek = EventPeek::new();
    let mut facts = |event: Value| peek.event(event.to_string().as_bytes()).unwrap();
    let start = facts(json!({"message": {"model": "claude", "content": [],
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 1}}, "type": "message_start"}));
    assert_eq!((start.kind, start.model.as_deref()), (EventKind::Role, Some("claude")));
    assert_eq!(start.usage.map(|usage| usage.total_input()), Some(5));
    let kind = |event: &Value| EventPeek::new().event(event.to_string().as_bytes()).unwrap().kind;
    let block = |block: Value| json!({"type": "content_block_start", "index": 0, "content_block": block});
    assert_eq!(kind(&block(json!({"type": "text", "text": ""}))), EventKind::Other);
    assert_eq!(
        kind(&block(json!({"type": "tool_use", "id": "a", "name": "f", "input": {}}))),
        EventKind::Content
    );
    assert_eq!(kind(&block(json!({"type": "redacted_thinking", "data": "x"}))), EventKind::Content);
    assert_eq!(kind(&json!({"type": "ping"})), EventKind::Other);
    assert_eq!(kind(&json!({"type": "content_block_stop", "index": 0})), EventKind::Other);
    assert_eq!(kind(&json!({"type": "message_stop"})), EventKind::Done);
    let delta = |delta: Value| json!({"type": "content_block_delta", "index": 0, "delta": delta});
    let text = facts(delta(json!({"type": "text_delta", "text": "abc"})));
    assert_eq!((text.kind, text.text.len()), (EventKind::Content, 3));
    assert_eq!(facts(delta(json!({"type": "input_json_delta", "partial_json": "{\"a"}))).text.len(), 3);
    let end = facts(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 9, "input_tokens": null}}));
    assert_eq!((end.kind, end.finish_reasons), (EventKind::Role, vec!["end_turn".to_owned()]));
    let expected = Usage { input: 3, cache_read: 2, output: 9, ..Usage::default() };
    assert_eq!(end.usage, Some(expected));
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "x"}});
    assert!(matches!(peek.event(error.to_string().as_bytes()), Err(PeekFailure::Fault(_))));
}

proptest! {
    #[test]
    fn any_bytes_can_be_looked_at(body in ".{0,40}") {
        let _head = peek_request(body.as_bytes());
        let _facts = peek_response(body.as_bytes());
        let _event = EventPeek::new().event(body.as_bytes());
    }

    #[test]
    fn what_the_reader_takes_passes(limit in 0_u64..9, text in "\\PC{0,9}", stream in any::<bool>()) {
        let body = json!({"model": "m", "max_tokens": limit, "stream": stream,
            "messages": [{"role": "user", "content": text}]}).to_string();
        let head = peek_request(body.as_bytes()).unwrap();
        let request = decode_request(body.as_bytes()).unwrap();
        prop_assert_eq!((head.model, head.stream), (request.model.clone(), request.is_streamed()));
        let answer = json!({"content": [{"type": "text", "text": text}], "usage": {"input_tokens": limit}});
        let facts = peek_response(answer.to_string().as_bytes()).unwrap();
        prop_assert_eq!(facts.usage, decode_response(answer.to_string().as_bytes()).unwrap().usage);
        prop_assert_eq!(facts.text_bytes, text.len());
    }
}
