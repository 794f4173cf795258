//! Whole answers, and errors.

use serde_json::{Value, json};

use super::{asked, context};
use crate::Usage;
use crate::chat::{
    Annotation, Choice, Content, FinishReason, Message, Part, Reasoning, Response, Role, Text, ToolCall,
};
use crate::dialect::ErrorBody;
use crate::dialect::openai_responses::{
    decode_fault_at, decode_response, encode_error, encode_response, find_fault,
};
use crate::fault::FaultKind;

fn decoded(response: &Value) -> Response {
    decode_response(response.to_string().as_bytes()).expect("an answer")
}

fn encoded(response: &Response, context: &crate::dialect::AnswerContext) -> Value {
    serde_json::from_slice(&encode_response(response, context)).expect("JSON")
}

fn answer(output: Value) -> Value {
    let mut answer = json!({
        "id": "resp_1", "object": "response", "created_at": 1_750_000_000, "status": "completed", "error": null,
        "incomplete_details": null, "instructions": null, "model": "m", "tools": [], "store": true,
        "temperature": 1.0, "service_tier": "default",
        "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 14}
    });
    answer["output"] = output;
    answer
}

#[test]
fn every_item_comes_back() {
    let whole = answer(json!([
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}, {"type": "summary_text", "text": "t"}],
            "content": [{"type": "reasoning_text", "text": "c"}], "encrypted_content": "gA", "status": "completed"},
        {"type": "reasoning", "id": "rs_2", "summary": [], "content": [], "encrypted_content": null},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "commentary", "content": [
            {"type": "output_text", "text": "a", "annotations": [{"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}],
                "logprobs": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]},
            {"type": "output_text", "text": "", "annotations": []},
            {"type": "output_smell", "smell": 2}
        ]},
        {"type": "message", "id": "msg_2", "role": "assistant", "status": "completed", "content": [{"type": "refusal", "refusal": "no"}]},
        {"type": "message", "id": "msg_3", "role": "assistant", "status": "completed", "content": []},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{\"a\": 1.0}", "status": "completed", "namespace": "n"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "g", "input": "free", "status": "completed"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "aGk=", "output_format": "webp"},
        {"type": "an_item_to_come", "id": "x_1", "y": [1]}
    ]));
    let response = decoded(&whole);
    assert_eq!(encoded(&response, &context()), whole);
    assert_eq!(decoded(&encoded(&response, &context())), response);
    assert_eq!(response.choices[0].finish, Some(FinishReason::ToolCalls));
    let usage = Usage { input: 5, cache_read: 4, output: 5, reasoning: 2, ..Usage::default() };
    assert_eq!(response.usage, Some(usage));
    let logprobs = response.choices[0].logprobs.as_ref().and_then(|logprobs| logprobs.content.as_ref());
    assert_eq!(logprobs.map(Vec::len), Some(1));
}

#[test]
fn every_status_says_how_it_ended() {
    let text = json!([{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "a", "annotations": []}]}]);
    for (status, details, expected) in [
        ("completed", json!(null), Some(FinishReason::Stop)),
        ("incomplete", json!({"reason": "max_output_tokens"}), Some(FinishReason::Length)),
        ("incomplete", json!({"reason": "content_filter"}), Some(FinishReason::ContentFilter)),
        (
            "incomplete",
            json!({"reason": "a_word_to_come"}),
            Some(FinishReason::Other("a_word_to_come".to_owned())),
        ),
        ("queued", json!(null), None),
        ("in_progress", json!(null), None),
        ("cancelled", json!(null), Some(FinishReason::Other("cancelled".to_owned()))),
    ] {
        let mut whole = answer(text.clone());
        whole["status"] = status.into();
        whole["incomplete_details"] = details;
        let response = decoded(&whole);
        assert_eq!(response.choices[0].finish, expected);
        assert_eq!(encoded(&response, &context()), whole);
    }
}

fn said(finish: FinishReason, parts: Vec<Part>) -> Response {
    let message = Message::new(Role::Assistant, parts);
    let choice = Choice { finish: Some(finish), ..Choice::new(0, message) };
    Response { choices: vec![choice], ..Response::default() }
}

#[test]
fn every_finish_reason_has_a_status() {
    for (finish, status, reason) in [
        (FinishReason::Stop, "completed", json!(null)),
        (FinishReason::StopSequence, "completed", json!(null)),
        (FinishReason::ToolCalls, "completed", json!(null)),
        (FinishReason::FunctionCall, "completed", json!(null)),
        (FinishReason::Other("eos".to_owned()), "completed", json!(null)),
        (FinishReason::Length, "incomplete", json!("max_output_tokens")),
        (FinishReason::ContextLength, "incomplete", json!("max_output_tokens")),
        (FinishReason::ContentFilter, "incomplete", json!("content_filter")),
        (FinishReason::Recitation, "incomplete", json!("content_filter")),
        (FinishReason::Refusal, "incomplete", json!("content_filter")),
        (FinishReason::Pause, "incomplete", json!("pause")),
        (FinishReason::MalformedToolCall, "incomplete", json!("malformed_tool_call")),
    ] {
        let whole = encoded(&said(finish, vec![Part::text("a")]), &context());
        assert_eq!(
            (whole["status"].as_str(), &whole["incomplete_details"]["reason"]),
            (Some(status), &reason)
        );
        assert_eq!(whole["output"][0]["status"], status);
    }
    let refused =
        encoded(&said(FinishReason::Refusal, vec![Part::new(Content::Refusal("no".to_owned()))]), &context());
    assert_eq!(refused["status"], "completed");
}

#[test]
fn an_answer_of_another_format_has_every_required_field() {
    let request = json!({
        "model": "x", "instructions": "be kind", "input": "a", "temperature": 0.5, "metadata": {"a": "b"}, "user": "u",
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}], "tool_choice": "required",
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low"},
        "reasoning": {"effort": "low", "summary": "auto"}, "truncation": "auto", "previous_response_id": "resp_0",
        "parallel_tool_calls": false, "max_output_tokens": 9, "prompt_cache_key": "k", "safety_identifier": "s", "store": true
    });
    let usage = Usage { input: 3, output: 2, ..Usage::default() };
    let whole = encoded(
        &Response { usage: Some(usage), ..said(FinishReason::Stop, vec![Part::text("hi")]) },
        &asked(&request),
    );
    assert_eq!(
        whole,
        json!({
            "id": "resp_a1", "object": "response", "created_at": 5, "model": "m", "status": "completed", "background": false,
            "error": null, "incomplete_details": null, "instructions": "be kind", "max_output_tokens": 9, "max_tool_calls": null,
            "metadata": {"a": "b"}, "parallel_tool_calls": false, "previous_response_id": "resp_0", "prompt_cache_key": "k",
            "reasoning": {"effort": "low", "summary": "auto"}, "safety_identifier": "s", "service_tier": "default", "store": false,
            "temperature": 0.5, "top_p": null, "top_logprobs": 0, "truncation": "auto", "user": "u",
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low"}, "tool_choice": "required",
            "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": true}],
            "output": [{"type": "message", "id": "msg_a1_0", "status": "completed", "role": "assistant",
                "content": [{"type": "output_text", "text": "hi", "annotations": [], "logprobs": []}]}],
            "usage": {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}, "output_tokens": 2,
                "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 5}
        })
    );
}

#[test]
fn parts_of_other_vendors_become_items() {
    let thinking = Reasoning {
        text: "hm".to_owned(),
        format: Some("anthropic-claude-v1".to_owned()),
        ..Reasoning::default()
    };
    let call = |name: &str, arguments: &str| {
        Part::new(Content::ToolCall(ToolCall {
            id: Some(format!("id_{name}")),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            ..ToolCall::default()
        }))
    };
    let cited = Text {
        text: "see".to_owned(),
        annotations: vec![Annotation {
            kind: "web".to_owned(),
            url: Some("u".to_owned()),
            ..Annotation::default()
        }],
    };
    let whole = encoded(
        &said(
            FinishReason::ToolCalls,
            vec![
                Part { signature: Some("c2ln".to_owned()), ..Part::new(Content::Reasoning(thinking)) },
                Part::new(Content::Text(cited)),
                call("f", "{\"a\":1}"),
                Part { signature: Some("Z2Vt".to_owned()), ..call("g", "") },
            ],
        ),
        &context(),
    );
    let output = &whole["output"];
    assert_eq!(output[0]["content"], json!([{"type": "reasoning_text", "text": "hm"}]));
    assert_eq!(output[0]["summary"], json!([]));
    assert_eq!(
        output[1]["content"][0]["annotations"],
        json!([{"type": "url_citation", "url": "u", "title": "", "start_index": 0, "end_index": 3}])
    );
    assert_eq!((&output[2]["call_id"], &output[2]["arguments"]), (&json!("id_f"), &json!("{\"a\":1}")));
    assert_eq!(output[3]["arguments"], "{}", "callers read arguments as JSON");
    let sent_back = json!({"model": "m", "input": [{"role": "user", "content": "a"}, output[0], output[3],
        {"type": "function_call_output", "call_id": output[3]["call_id"], "output": "x"}]});
    let turn = &super::request_of(&sent_back).messages[1];
    assert_eq!(turn.parts[0].signature.as_deref(), Some("c2ln"), "the signature is carried");
    assert!(
        matches!(&turn.parts[0].content, Content::Reasoning(it) if it.text == "hm" && it.format.as_deref() == Some("anthropic-claude-v1"))
    );
    assert_eq!(turn.parts[1].signature.as_deref(), Some("Z2Vt"));
}

#[test]
fn what_is_no_answer_is_refused() {
    for body in ["", "[]", "{}", "{\"output\": 1}", "<html>"] {
        assert!(decode_response(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn failures_are_found_and_told() {
    let failed = json!({"object": "response", "status": "failed", "output": [], "error": {"code": "rate_limit_exceeded", "message": "slow"}});
    assert_eq!(
        find_fault(&failed).map(|fault| (fault.kind, fault.message)),
        Some((FaultKind::RateLimited, "slow".to_owned()))
    );
    assert_eq!(
        find_fault(&json!({"status": "failed", "output": []})).map(|fault| fault.kind),
        Some(FaultKind::ServerError)
    );
    assert_eq!(find_fault(&answer(json!([]))), None);
    let body = json!({"error": {"code": "invalid_prompt", "message": "against the policy", "type": "invalid_request_error", "param": null}});
    let headers = http::HeaderMap::new();
    assert_eq!(
        decode_fault_at(400, &headers, body.to_string().as_bytes(), None).kind,
        FaultKind::ContentFilter
    );
    let long = json!({"error": {"code": "context_length_exceeded", "message": "too long", "type": "invalid_request_error", "param": "input"}});
    assert_eq!(
        decode_fault_at(400, &headers, long.to_string().as_bytes(), None).kind,
        FaultKind::ContextTooLong
    );
    let error = ErrorBody { status: 400, message: "bad", param: Some("input"), ..ErrorBody::default() };
    let told: Value = serde_json::from_slice(&encode_error(&error)).expect("JSON");
    assert_eq!(
        told,
        json!({"error": {"message": "bad", "type": "invalid_request_error", "param": "input", "code": null}})
    );
}
