//! Whole answers: finish reasons and token counts.

use serde_json::{Value, json};

use crate::Usage;
use crate::chat::{FinishReason, Message, Response, Role};
use crate::dialect::AnswerContext;
use crate::dialect::bedrock::{decode_response, decode_usage, encode_response, encode_usage};

fn answer(reason: &str) -> Value {
    json!({"output": {"message": {"role": "assistant", "content": [{"text": "a"}]}}, "stopReason": reason})
}

fn written(response: &Response) -> Value {
    serde_json::from_slice(&encode_response(response, &AnswerContext::default())).expect("JSON")
}

#[test]
fn every_finish_reason_has_its_word_and_comes_back() {
    for (word, reason) in [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::StopSequence),
        ("max_tokens", FinishReason::Length),
        ("model_context_window_exceeded", FinishReason::ContextLength),
        ("tool_use", FinishReason::ToolCalls),
        ("content_filtered", FinishReason::ContentFilter),
        ("guardrail_intervened", FinishReason::ContentFilter),
        ("refusal", FinishReason::Refusal),
        ("pause_turn", FinishReason::Pause),
        ("malformed_tool_use", FinishReason::MalformedToolCall),
        ("malformed_model_output", FinishReason::Other("malformed_model_output".into())),
    ] {
        let body = answer(word);
        let response = decode_response(body.to_string().as_bytes()).unwrap();
        assert_eq!(response.choices[0].finish, Some(reason), "{word}");
        assert_eq!(written(&response), body);
    }
    let mut response = decode_response(answer("x").to_string().as_bytes()).unwrap();
    for (reason, word) in [
        (FinishReason::FunctionCall, "tool_use"),
        (FinishReason::Recitation, "content_filtered"),
        (FinishReason::Refusal, "content_filtered"),
        (FinishReason::Pause, "end_turn"),
    ] {
        response.choices[0].finish = Some(reason);
        assert_eq!(written(&response)["stopReason"], word);
    }
}

#[test]
fn counts_are_disjoint_and_come_back() {
    let usage = json!({"inputTokens": 10, "outputTokens": 5, "totalTokens": 135, "cacheReadInputTokens": 100,
        "cacheWriteInputTokens": 20, "cacheDetails": [{"ttl": "5m", "inputTokens": 8}, {"ttl": "1h", "inputTokens": 12}]});
    let counted = decode_usage(&usage);
    assert_eq!(
        counted,
        Usage {
            input: 10,
            cache_read: 100,
            cache_write: 8,
            cache_write_1h: 12,
            output: 5,
            ..Usage::default()
        }
    );
    assert_eq!(counted.total_input(), 130);
    let again = encode_usage(&counted);
    assert_eq!(again["totalTokens"], 135);
    assert_eq!(decode_usage(&again), counted);
    assert_eq!(decode_usage(&json!({"cacheDetails": [{"ttl": "1h", "inputTokens": 7}]})).cache_write_1h, 7);
    assert_eq!(decode_usage(&json!({"inputTokens": "x", "outputTokens": null})), Usage::default());
    assert_eq!(decode_usage(&json!("x")), Usage::default());
}

#[test]
fn a_stop_sequence_is_where_claude_says_it() {
    let mut body = answer("stop_sequence");
    body["additionalModelResponseFields"] = json!({"stop_sequence": "END", "x": 1});
    let response = decode_response(body.to_string().as_bytes()).unwrap();
    assert_eq!(response.choices[0].stop_sequence.as_deref(), Some("END"));
    assert_eq!(written(&response), body);
}

#[test]
fn what_is_no_answer_is_an_error_that_names_it() {
    for (body, path) in [
        ("", ""),
        ("[]", ""),
        ("{}", "output"),
        (r#"{"output": {}}"#, "output.message"),
        (r#"{"output": {"message": []}}"#, "output.message"),
        (r#"{"output": {"message": {"content": [5]}}}"#, "output.message.content[0]"),
    ] {
        assert_eq!(decode_response(body.as_bytes()).unwrap_err().path, path, "{body}");
    }
}

#[test]
fn an_answer_of_our_own_has_no_invented_fields() {
    let response = Response::text("m", "hello", Usage { input: 1, output: 2, ..Usage::default() });
    let body = written(&response);
    assert_eq!(body["output"]["message"], json!({"role": "assistant", "content": [{"text": "hello"}]}));
    assert_eq!(body["stopReason"], "end_turn");
    assert_eq!(body.get("metrics"), None);
    let empty = Response {
        choices: vec![crate::chat::Choice::new(0, Message::new(Role::Assistant, vec![]))],
        ..Response::default()
    };
    assert_eq!(written(&empty).get("usage"), None);
}
