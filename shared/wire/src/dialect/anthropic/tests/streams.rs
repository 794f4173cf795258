//! Streams, read.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{collect, frames, parse, read};
use crate::Usage;
use crate::chat::{Content, Delta, FinishReason, Response};
use crate::dialect::StreamError;
use crate::dialect::anthropic::encode_response;
use crate::fault::FaultKind;

fn start() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "model": "claude", "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 1, "service_tier": "standard",
            "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}}}})
}

fn end(reason: &str) -> [Value; 2] {
    [
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
            "usage": {"output_tokens": 9, "cache_read_input_tokens": null}}),
        json!({"type": "message_stop"}),
    ]
}

fn block(index: u64, block: &Value, deltas: &[Value]) -> Vec<Value> {
    let mut events = vec![json!({"type": "content_block_start", "index": index, "content_block": block})];
    events.extend(
        deltas.iter().map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
    );
    events.push(json!({"type": "content_block_stop", "index": index}));
    events
}

fn whole(blocks: &[Vec<Value>], reason: &str) -> Bytes {
    let mut events = vec![start(), json!({"type": "ping"})];
    events.extend(blocks.iter().flatten().cloned());
    events.extend(end(reason));
    frames(&events)
}

fn answer(blocks: &[Vec<Value>], reason: &str) -> Response {
    let (deltas, ending) = read(std::iter::once(whole(blocks, reason)));
    assert_eq!(ending, Ok(()));
    collect(deltas)
}

fn text(said: &str) -> Value {
    json!({"type": "text_delta", "text": said})
}

#[test]
fn every_kind_of_block_is_put_together() {
    let citation = json!({"type": "page_location", "cited_text": "q", "document_index": 0, "document_title": "t",
        "start_page_number": 1, "end_page_number": 2});
    let blocks = [
        block(
            0,
            &json!({"type": "thinking", "thinking": "", "signature": ""}),
            &[
                json!({"type": "thinking_delta", "thinking": "h"}),
                json!({"type": "thinking_delta", "thinking": "m", "estimated_tokens": 3}),
                json!({"type": "signature_delta", "signature": "sig"}),
            ],
        ),
        block(1, &json!({"type": "redacted_thinking", "data": "sealed"}), &[]),
        block(2, &json!({"type": "text", "text": ""}), &[text("one "), text("two")]),
        block(
            3,
            &json!({"type": "text", "text": "", "citations": []}),
            &[
                json!({"type": "citations_delta", "citation": citation}),
                text("three"),
                json!({"type": "new_delta"}),
            ],
        ),
        block(4, &json!({"type": "text", "text": ""}), &[]),
        block(
            5,
            &json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
            &[
                json!({"type": "input_json_delta", "partial_json": "{\"query\":"}),
                json!({"type": "input_json_delta", "partial_json": " \"q\"}"}),
            ],
        ),
        block(6, &json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": []}), &[]),
        block(
            7,
            &json!({"type": "compaction", "content": null}),
            &[json!({"type": "compaction_delta", "content": "sum", "encrypted_content": "e"})],
        ),
        block(
            8,
            &json!({"type": "tool_use", "id": "a", "name": "f", "input": {}, "caller": {"type": "direct"}}),
            &[
                json!({"type": "input_json_delta", "partial_json": ""}),
                json!({"type": "input_json_delta", "partial_json": "{\"x\":"}),
                json!({"type": "input_json_delta", "partial_json": " 1.50}"}),
            ],
        ),
        block(9, &json!({"type": "tool_use", "id": "b", "name": "g", "input": {}}), &[]),
    ];
    let response = answer(&blocks, "tool_use");
    assert_eq!((response.id.as_deref(), response.model.as_deref()), (Some("msg_1"), Some("claude")));
    let calls: Vec<_> = response.choices[0].message.tool_calls().collect();
    assert_eq!(calls.iter().map(|call| call.arguments.as_str()).collect::<Vec<_>>(), ["{\"x\": 1.50}", "{}"]);
    let expected = json!([
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "sealed"},
        {"type": "text", "text": "one two"},
        {"type": "text", "text": "three", "citations": [citation]},
        {"type": "text", "text": ""},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        {"type": "compaction", "content": "sum", "encrypted_content": "e"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1.5}, "caller": {"type": "direct"}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}},
    ]);
    assert_eq!(parse(&encode_response(&response, &super::context()))["content"], expected);
}

#[test]
fn counts_of_the_start_and_the_end_are_one() {
    let response = answer(&[block(0, &json!({"type": "text", "text": ""}), &[text("x")])], "end_turn");
    let expected =
        Usage { input: 5, cache_read: 7, cache_write: 10, cache_write_1h: 20, output: 9, ..Usage::default() };
    assert_eq!(response.usage, Some(expected));
    assert_eq!(response.service_tier.as_deref(), Some("default"));
    assert_eq!(response.extra["usage"]["service_tier"], "standard");
}

#[test]
fn a_stream_that_was_cut_short_has_told_what_was_read() {
    let (deltas, ending) = read(std::iter::once(frames(&[start()])));
    assert!(matches!(ending, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::Cut));
    let usage = deltas.iter().find_map(|delta| match delta {
        Delta::Usage { usage, .. } => Some(usage.total_input()),
        _ => None,
    });
    assert_eq!(usage, Some(42));
}

#[test]
fn the_end_is_where_the_reason_is() {
    let all = whole(&[], "end_turn");
    let stop = b"event: message_stop";
    let at = all.windows(stop.len()).position(|window| window == stop).expect("the last event");
    assert_eq!(read(std::iter::once(all.slice(..at))).1, Ok(()));
    // Half of the event with the reason.
    assert!(read(std::iter::once(all.slice(..at - 20))).1.is_err());
}

#[test]
fn each_reason_is_told_with_its_sequence_and_details() {
    let details = json!({"type": "refusal", "category": "bio", "explanation": null});
    let events = [
        start(),
        json!({"type": "message_delta", "usage": {"output_tokens": 2}, "context_management": {"applied_edits": []},
            "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END", "stop_details": details,
                "container": {"id": "c"}}}),
        json!({"type": "message_stop"}),
    ];
    let (deltas, _) = read(std::iter::once(frames(&events)));
    let response = collect(deltas);
    let choice = &response.choices[0];
    assert_eq!(
        (choice.finish.as_ref(), choice.stop_sequence.as_deref()),
        (Some(&FinishReason::StopSequence), Some("END"))
    );
    assert_eq!(response.extra["stop_details"], details);
    assert_eq!(response.extra["container"]["id"], "c");
    assert_eq!(response.extra["context_management"], json!({"applied_edits": []}));
}

#[test]
fn errors_inside_are_told() {
    let error = json!({"type": "error", "error": {"details": null, "type": "overloaded_error", "message": "Overloaded"}});
    let (deltas, ending) = read(std::iter::once(frames(&[start(), error])));
    assert!(!deltas.is_empty());
    let Err(StreamError::Fault(fault)) = ending else { panic!("{ending:?}") };
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Overloaded, "Overloaded"));
}

#[test]
fn what_is_not_known_is_passed_over() {
    let mut events = vec![start(), json!({"type": "new_event", "index": 0}), json!({"type": "ping"})];
    events.push(json!({"type": "content_block_delta", "index": 4, "delta": {"type": "new_delta"}}));
    events.extend(block(
        0,
        &json!({"type": "new_block", "x": "a"}),
        &[json!({"type": "new_delta", "x": "b", "y": 1})],
    ));
    events.extend(end("end_turn"));
    let (deltas, ending) = read(std::iter::once(frames(&events)));
    assert_eq!(ending, Ok(()));
    let parts = collect(deltas).choices.remove(0).message.parts;
    assert_eq!(parts[0].content, Content::Other("new_block".to_owned()));
    assert_eq!(Value::Object(parts[0].extra.clone()), json!({"x": "ab", "y": 1}));
}

#[test]
fn servers_that_begin_no_blocks_are_understood() {
    let events = [
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
    ];
    let (deltas, ending) = read(std::iter::once(frames(&events)));
    assert_eq!((ending, collect(deltas).choices[0].message.joined_text().as_ref()), (Ok(()), "hi"));
}

#[test]
fn a_cut_anywhere_makes_no_difference() {
    let blocks = [
        block(0, &json!({"type": "text", "text": ""}), &[text("grüße \u{1f600}"), text("\n\"x\"")]),
        block(
            1,
            &json!({"type": "tool_use", "id": "a", "name": "f", "input": {}}),
            &[json!({"type": "input_json_delta", "partial_json": "{\"q\": \"ü\"}"})],
        ),
    ];
    let stream = whole(&blocks, "tool_use");
    let expected = read(std::iter::once(stream.clone()));
    for at in 0..stream.len() {
        assert_eq!(read([stream.slice(..at), stream.slice(at..)].into_iter()), expected);
    }
    let marked = [b"\xef\xbb\xbf: comment\r\n\r\n", &stream[..]].concat();
    let crlf = String::from_utf8(marked).expect("text").replace("\r\n", "\n").replace('\n', "\r\n");
    assert_eq!(read(std::iter::once(Bytes::from(crlf))), expected);
}

#[test]
fn what_is_no_stream_is_refused() {
    for bad in ["data: {\n\n", "data: 7\n\n", "event: content_block_start\ndata: {}\n\n"] {
        let (_, ending) = read(std::iter::once(Bytes::from(bad)));
        assert!(matches!(ending, Err(StreamError::Decode(_))), "{bad}");
    }
    let (_, ending) = read(std::iter::empty());
    assert!(matches!(ending, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::Cut));
}
