//! Whole answers, from and to OpenAI Chat Completions, and their counts.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{context, parse};
use crate::Usage;
use crate::chat::{Content, FinishReason};
use crate::dialect::anthropic::{decode_response, decode_usage, encode_response, encode_usage};
use crate::dialect::{AnswerContext, carried, openai_chat};

fn from_openai(answer: &Value) -> Value {
    let mut response = openai_chat::decode_response(answer.to_string().as_bytes()).expect("an answer");
    response.leave_extra();
    (response.id, response.model) = (None, None);
    parse(&encode_response(&response, &context()))
}

fn to_openai(answer: &Value) -> Value {
    let mut response = decode_response(answer.to_string().as_bytes()).expect("an answer");
    response.leave_extra();
    parse(&openai_chat::encode_response(&response))
}

fn said(message: &Value, reason: &str) -> Value {
    from_openai(&json!({"choices": [{"index": 0, "message": message, "finish_reason": reason}]}))
}

#[test]
fn an_answer_has_all_that_callers_types_require() {
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 3}});
    let answer = json!({"id": "x", "model": "gpt", "usage": usage, "service_tier": "default", "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}]});
    let expected = json!({"id": "msg_abc", "type": "message", "role": "assistant", "model": "house-model",
        "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 7, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 3,
            "output_tokens": 4, "service_tier": "standard"}});
    assert_eq!(from_openai(&answer), expected);
}

#[test]
fn counts_that_are_not_known_are_not_made_up() {
    let response = crate::chat::Response::default();
    let context = AnswerContext { input_tokens: Some(12), ..context() };
    let usage = parse(&encode_response(&response, &context))["usage"].clone();
    assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(12), &json!(0)));
}

#[test]
fn calls_become_blocks_and_the_reason_says_so() {
    let call = |id: Value, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}});
    let message = json!({"role": "assistant", "content": "Let me see.",
        "tool_calls": [call(json!("a:1"), "{\"x\": 1}"), call(json!(""), ""), call(json!("c"), "nonsense")]});
    // Some vendors call it a plain stop.
    let answer = said(&message, "stop");
    let expected = json!([
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "a_1", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "toolu_abc_1", "name": "f", "input": {}},
        {"type": "tool_use", "id": "c", "name": "f", "input": {"INVALID_JSON": "nonsense"}},
    ]);
    assert_eq!((&answer["content"], &answer["stop_reason"]), (&expected, &json!("tool_use")));
}

#[test]
fn signatures_of_others_travel_in_ids() {
    let call = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "c2ln"}}});
    let answer = said(&json!({"role": "assistant", "content": null, "tool_calls": [call]}), "tool_calls");
    assert_eq!(answer["content"][0]["id"], carried::seal("a", Some("c2ln")));
}

#[test]
fn reasoning_and_refusals_are_shown() {
    let message = json!({"role": "assistant", "content": "so", "reasoning_content": "hm"});
    let expected =
        json!([{"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "text", "text": "so"}]);
    assert_eq!(said(&message, "stop")["content"], expected);
    let answer = said(&json!({"role": "assistant", "content": null, "refusal": "No."}), "stop");
    assert_eq!(answer["content"], json!([{"type": "text", "text": "No."}]));
    assert_eq!(answer["stop_reason"], "refusal");
}

#[test]
fn addresses_are_cited() {
    let message = json!({"role": "assistant", "content": "so it is", "annotations": [{"type": "url_citation",
        "url_citation": {"url": "https://example.com", "title": "E", "start_index": 0, "end_index": 2}}]});
    let expected = json!([{"type": "web_search_result_location", "cited_text": "", "url": "https://example.com",
        "title": "E", "encrypted_index": ""}]);
    assert_eq!(said(&message, "stop")["content"][0]["citations"], expected);
    let citation = json!({"type": "web_search_result_location", "cited_text": "quote", "url": "https://example.com",
        "title": "E", "encrypted_index": "xyz"});
    let page = json!({"type": "page_location", "cited_text": "p", "document_index": 0, "document_title": null,
        "start_page_number": 1, "end_page_number": 2});
    let answer = json!({"content": [{"type": "text", "text": "so it is", "citations": [citation, page]}],
        "stop_reason": "end_turn"});
    let annotations = to_openai(&answer)["choices"][0]["message"]["annotations"].clone();
    let expected = json!({"url": "https://example.com", "title": "E", "content": "quote", "start_index": 0,
        "end_index": 8});
    assert_eq!(annotations[0]["url_citation"], expected);
}

#[test]
fn an_answer_for_openai_is_one_text_beside_its_calls() {
    let answer = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "text", "text": "Let me "}, {"type": "text", "text": "see."},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
    ], "stop_reason": "tool_use", "stop_sequence": null, "usage": {"input_tokens": 3, "output_tokens": 4}});
    let choice = to_openai(&answer)["choices"][0].clone();
    assert_eq!(choice["finish_reason"], "tool_calls");
    let message = &choice["message"];
    assert_eq!((&message["content"], &message["reasoning_content"]), (&json!("Let me see."), &json!("hm")));
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], "{}");
    let detail =
        json!({"type": "reasoning.text", "text": "hm", "signature": "sig", "format": "anthropic-claude-v1"});
    assert_eq!(message["reasoning_details"][0], detail);
}

#[test]
fn each_reason_to_stop_has_its_word() {
    let words = [
        ("end_turn", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("stop_sequence", FinishReason::StopSequence),
        ("tool_use", FinishReason::ToolCalls),
        ("pause_turn", FinishReason::Pause),
        ("refusal", FinishReason::Refusal),
        ("model_context_window_exceeded", FinishReason::ContextLength),
        ("compaction", FinishReason::Other("compaction".to_owned())),
    ];
    for (word, reason) in words {
        let answer = json!({"content": [], "stop_reason": word, "stop_sequence": null});
        let read = decode_response(answer.to_string().as_bytes()).expect("an answer");
        assert_eq!(read.choices[0].finish, Some(reason));
        assert_eq!(parse(&encode_response(&read, &context()))["stop_reason"], word);
    }
    let openai = [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("function_call", "tool_use"),
        ("content_filter", "refusal"),
    ];
    for (theirs, ours) in openai {
        assert_eq!(said(&json!({"role": "assistant", "content": "x"}), theirs)["stop_reason"], ours);
    }
}

#[test]
fn tools_that_ran_at_the_provider_are_kept_whole() {
    let used =
        json!({"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "q"}});
    let found = json!({"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []});
    let mcp = json!({"type": "mcp_tool_use", "id": "m_1", "name": "n", "server_name": "s", "input": {}});
    let answer = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "c",
        "content": [used, found, mcp], "stop_reason": "pause_turn", "stop_sequence": null,
        "usage": {"input_tokens": 1, "output_tokens": 1, "server_tool_use": {"web_search_requests": 1}}});
    let read = decode_response(answer.to_string().as_bytes()).expect("an answer");
    assert!(read.choices[0].message.parts.iter().all(|part| matches!(part.content, Content::Other(_))));
    assert_eq!(parse(&encode_response(&read, &context())), answer);
}

#[test]
fn what_is_no_answer_is_refused() {
    for body in
        [&b""[..], b"[]", b"{}", br#"{"content": "x"}"#, br#"{"content": [{}]}"#, br#"{"content": [7]}"#]
    {
        assert!(decode_response(body).is_err(), "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn counts_are_disjoint() {
    let usage = json!({"input_tokens": 10, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 40,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "output_tokens": 50, "output_tokens_details": {"thinking_tokens": 30}, "server_tool_use": {"web_search_requests": 2}});
    let expected = Usage {
        input: 10,
        cache_read: 40,
        cache_write: 10,
        cache_write_1h: 20,
        output: 50,
        reasoning: 30,
        searches: 2,
        ..Usage::default()
    };
    assert_eq!(decode_usage(&usage), expected);
    // Without the details all writes live for the default time.
    let plain = decode_usage(&json!({"cache_creation_input_tokens": 30}));
    assert_eq!((plain.cache_write, plain.cache_write_1h), (30, 0));
}

#[test]
fn what_compaction_read_is_counted_too() {
    let usage = json!({"input_tokens": 10, "output_tokens": 5, "iterations": [
        {"type": "compaction", "input_tokens": 100, "output_tokens": 7},
        {"type": "message", "input_tokens": 10, "output_tokens": 5},
        {"type": "advisor_message", "input_tokens": 900, "output_tokens": 9},
    ]});
    assert_eq!(decode_usage(&usage), Usage { input: 110, output: 12, ..Usage::default() });
}

#[test]
fn strange_counts_count_nothing() {
    let usage = json!({"input_tokens": "7", "output_tokens": -3, "cache_read_input_tokens": null, "cache_creation": 4});
    assert_eq!(decode_usage(&usage), Usage::default());
    assert_eq!(decode_usage(&json!(null)), Usage::default());
    assert_eq!(decode_usage(&json!({"input_tokens": 7.0})).input, 7);
}

proptest! {
    #[test]
    fn counts_come_back_equal(
        (input, cache_read, cache_write, cache_write_1h, output) in (0..1_u64 << 50, 0..1_u64 << 50, 0..1_u64 << 50, 0..1_u64 << 50, 0..1_u64 << 50),
        thought in 0..100_u64,
    ) {
        let usage = Usage { input, cache_read, cache_write, cache_write_1h, output, reasoning: thought.min(output), ..Usage::default() };
        prop_assert_eq!(decode_usage(&encode_usage(&usage)), usage);
    }
}
