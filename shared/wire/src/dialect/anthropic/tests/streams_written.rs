//! Streams, written: what callers' libraries rely on.

use bytes::BytesMut;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{collect, context, events, parse, read, write};
use crate::Usage;
use crate::chat::{
    Annotation, ChoiceDelta, Delta, FinishReason, Reasoning, ReasoningDelta, ReasoningSpelling, Role,
    ToolCallDelta, ToolKind,
};
use crate::dialect::anthropic::StreamEncoder;
use crate::dialect::{AnswerContext, StreamEncoder as _};
use crate::fault::{Fault, FaultKind};

fn of(delta: ChoiceDelta) -> Delta {
    Delta::of(0, delta)
}

fn head(call: u32, name: &str) -> Delta {
    let head = ToolCallDelta {
        call,
        id: Some(format!("call_{call}")),
        name: name.to_owned(),
        ..ToolCallDelta::default()
    };
    of(ChoiceDelta::ToolCall(Box::new(head)))
}

fn arguments(call: u32, text: &str) -> Delta {
    of(ChoiceDelta::ToolArguments { call, text: text.to_owned() })
}

fn think(text: &str, signature: Option<&str>, format: Option<&str>) -> Delta {
    let format = format.map(str::to_owned);
    let reasoning = Reasoning { format, ..Reasoning::piece(text.to_owned(), ReasoningSpelling::Auto) };
    let piece =
        ReasoningDelta { reasoning, signature: signature.map(str::to_owned), ..ReasoningDelta::default() };
    of(ChoiceDelta::Reasoning(Box::new(piece)))
}

fn finish(reason: FinishReason) -> Delta {
    of(ChoiceDelta::Finish { reason, stop_sequence: None })
}

/// The types of the events in order, with the index where there is one.
fn order(events: &[Value]) -> Vec<String> {
    let name = |event: &Value| {
        let kind = event["type"].as_str().expect("a type");
        event["index"].as_u64().map_or_else(|| kind.to_owned(), |index| format!("{kind} {index}"))
    };
    events.iter().map(name).collect()
}

/// Blocks follow one another, each begun once, ended once, with everything of it in between.
fn check_order(events: &[Value]) {
    assert_eq!(events.first().expect("events")["type"], "message_start");
    let [.., delta, stop] = events else { panic!("no end") };
    assert_eq!((&delta["type"], &stop["type"]), (&json!("message_delta"), &json!("message_stop")));
    let (mut open, mut next) = (None, 0);
    for event in events {
        let index = event["index"].as_u64();
        match event["type"].as_str() {
            Some("content_block_start") => {
                assert_eq!((open, index), (None, Some(next)));
                open = index;
                next += 1;
            }
            Some("content_block_delta") => assert_eq!(open, index),
            Some("content_block_stop") => {
                assert_eq!(open, index);
                open = None;
            }
            _ => assert_eq!(open, None, "{event}"),
        }
    }
}

#[test]
fn an_answer_is_told_in_full_order() {
    let usage = Usage { input: 3, cache_read: 4, output: 5, ..Usage::default() };
    let deltas = [
        of(ChoiceDelta::Role(Role::Assistant)),
        Delta::text("Hel"),
        Delta::text("lo"),
        head(0, "f"),
        arguments(0, "{\"x\": "),
        arguments(0, "1}"),
        finish(FinishReason::ToolCalls),
        Delta::Usage { usage, vendor: None },
    ];
    let context = AnswerContext { input_tokens: Some(12), ..context() };
    let events = events(&write(&deltas, context));
    let expected = [
        "message_start",
        "ping",
        "content_block_start 0",
        "content_block_delta 0",
        "content_block_delta 0",
        "content_block_stop 0",
        "content_block_start 1",
        "content_block_delta 1",
        "content_block_delta 1",
        "content_block_stop 1",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(order(&events), expected);
    let message = json!({"id": "msg_abc", "type": "message", "role": "assistant", "model": "house-model",
        "content": [], "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 12,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0}});
    assert_eq!(events[0]["message"], message);
    assert_eq!(events[2]["content_block"], json!({"type": "text", "text": ""}));
    assert_eq!(
        events[6]["content_block"],
        json!({"type": "tool_use", "id": "call_0", "name": "f", "input": {}})
    );
    assert_eq!(events[7]["delta"], json!({"type": "input_json_delta", "partial_json": "{\"x\": "}));
    let last = json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null},
        "usage": {"input_tokens": 3, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 4, "output_tokens": 5}});
    assert_eq!(events[10], last);
}

#[test]
fn figures_that_come_first_are_in_the_first_event() {
    let usage = Usage { input: 3, output: 1, ..Usage::default() };
    let deltas =
        [of(ChoiceDelta::Role(Role::Assistant)), Delta::Usage { usage, vendor: None }, Delta::text("x")];
    let events = events(&write(&deltas, AnswerContext { input_tokens: Some(99), ..context() }));
    assert_eq!(events[0]["message"]["usage"]["input_tokens"], 3);
}

#[test]
fn an_answer_of_nothing_is_complete() {
    let events = events(&write(&[], context()));
    assert_eq!(order(&events), ["message_start", "ping", "message_delta", "message_stop"]);
    assert_eq!(events[2]["delta"]["stop_reason"], "end_turn");
}

#[test]
fn interleaved_calls_become_blocks_one_after_the_other() {
    let deltas = [
        head(0, "f"),
        head(1, "g"),
        arguments(0, "{\"a\": \"}"),
        arguments(1, "{\"b\""),
        arguments(0, "\", \"c\": {}}"),
        arguments(1, ": 2}"),
        Delta::text("done"),
        head(2, "h"),
        finish(FinishReason::Stop),
    ];
    let written = write(&deltas, context());
    let events = events(&written);
    check_order(&events);
    let response = collect(read(std::iter::once(written)).0);
    let calls: Vec<_> = response.choices[0].message.tool_calls().map(|call| call.arguments.clone()).collect();
    assert_eq!(calls, ["{\"a\": \"}\", \"c\": {}}", "{\"b\": 2}", "{}"]);
    assert_eq!(response.choices[0].finish, Some(FinishReason::ToolCalls));
    assert_eq!(response.choices[0].message.joined_text(), "done");
}

#[test]
fn arguments_flow_while_the_first_call_is_not_complete() {
    let mut encoder = StreamEncoder::new(context());
    let mut out = BytesMut::new();
    for delta in [head(0, "f"), arguments(0, "{\"a\": 1"), head(1, "g"), arguments(1, "{}")] {
        encoder.delta(&delta, &mut out);
    }
    assert_eq!(events(&out).len(), 4, "the second call waits");
    encoder.delta(&arguments(0, "}"), &mut out);
    let all = events(&out);
    assert_eq!(
        order(&all)[4..],
        ["content_block_delta 0", "content_block_stop 0", "content_block_start 1", "content_block_delta 1"]
    );
}

#[test]
fn a_call_that_never_completes_holds_nothing_back_in_the_end() {
    let deltas = [
        head(0, "f"),
        arguments(0, "{\"a"),
        head(1, "g"),
        arguments(1, "{\"b"),
        Delta::text("x"),
        finish(FinishReason::Length),
    ];
    let written = write(&deltas, context());
    check_order(&events(&written));
    let response = collect(read(std::iter::once(written)).0);
    let calls: Vec<_> = response.choices[0].message.tool_calls().map(|call| call.arguments.clone()).collect();
    assert_eq!(calls, ["{\"a", "{\"b"]);
    assert_eq!(response.choices[0].message.joined_text(), "x");
    assert_eq!(response.choices[0].finish, Some(FinishReason::Length));
}

#[test]
fn a_call_begins_when_its_name_is_known() {
    let unnamed = ToolCallDelta { call: 0, ..ToolCallDelta::default() };
    let deltas = [
        of(ChoiceDelta::ToolCall(Box::new(unnamed))),
        arguments(0, "{\"x\""),
        head(0, "f"),
        arguments(0, ":1}"),
    ];
    let events = events(&write(&deltas, context()));
    check_order(&events);
    assert_eq!(events[2]["content_block"]["name"], "f");
    assert_eq!(events[3]["delta"]["partial_json"], "{\"x\"");
}

#[test]
fn calls_that_ran_at_the_provider_are_not_the_callers_to_run() {
    let head = ToolCallDelta {
        name: "s".to_owned(),
        kind: ToolKind::BuiltIn("x".to_owned()),
        ..ToolCallDelta::default()
    };
    let deltas = [of(ChoiceDelta::ToolCall(Box::new(head))), arguments(0, "{}"), Delta::text("x")];
    let events = events(&write(&deltas, context()));
    assert_eq!(events[2]["content_block"]["type"], "text");
    assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "end_turn");
}

#[test]
fn reasoning_is_told_with_its_own_signature_only() {
    let own = Some("anthropic-claude-v1");
    let deltas = [
        think("h", None, None),
        think("m", None, None),
        think("", Some("sig"), own),
        of(ChoiceDelta::PartEnd),
        think("another", None, None),
        think("", Some("theirs"), Some("google-gemini-v1")),
        Delta::text("so"),
        of(ChoiceDelta::Refusal("no".to_owned())),
    ];
    let events = events(&write(&deltas, context()));
    check_order(&events);
    let deltas: Vec<&Value> =
        events.iter().map(|event| &event["delta"]).filter(|delta| delta["type"].is_string()).collect();
    let expected = [
        json!({"type": "thinking_delta", "thinking": "h"}),
        json!({"type": "thinking_delta", "thinking": "m"}),
        json!({"type": "signature_delta", "signature": "sig"}),
        json!({"type": "thinking_delta", "thinking": "another"}),
        json!({"type": "text_delta", "text": "so"}),
        json!({"type": "text_delta", "text": "no"}),
    ];
    assert_eq!(deltas, expected.iter().collect::<Vec<_>>());
    assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "refusal");
}

#[test]
fn addresses_are_cited_in_the_text() {
    let annotation = Annotation {
        kind: "url_citation".to_owned(),
        url: Some("https://example.com".to_owned()),
        ..Annotation::default()
    };
    let events =
        events(&write(&[Delta::text("x"), of(ChoiceDelta::Annotation(Box::new(annotation)))], context()));
    check_order(&events);
    assert_eq!(events[4]["delta"]["citation"]["url"], "https://example.com");
}

#[test]
fn a_failure_is_an_event_of_its_own() {
    let mut encoder = StreamEncoder::new(context());
    let mut out = BytesMut::new();
    encoder.delta(&Delta::text("x"), &mut out);
    out.clear();
    encoder.fail(&Fault::new(FaultKind::Overloaded, "busy"), &mut out);
    let text = String::from_utf8(out.to_vec()).expect("text");
    assert!(text.starts_with("event: error\ndata: "));
    let body = parse(text.trim().rsplit_once("data: ").expect("data").1.as_bytes());
    assert_eq!(body["error"], json!({"type": "overloaded_error", "message": "busy"}));
}

/// Pieces of several calls and of text in any order.
fn pieces() -> impl Strategy<Value = (Vec<String>, Vec<Delta>)> {
    let call = prop_oneof![
        Just("{}".to_owned()),
        Just("{\"a\": [1, {\"b\": \"}{\\\"\"}]}".to_owned()),
        Just("{\"broken\": ".to_owned()),
    ];
    (prop::collection::vec(call, 1..4), prop::collection::vec((0..4_usize, 1..6_usize), 0..24)).prop_map(
        |(calls, order)| {
            let mut sent = vec![0; calls.len()];
            let mut deltas = Vec::new();
            let mut begun = vec![false; calls.len()];
            let mut send = |at: usize, size: usize, deltas: &mut Vec<Delta>| {
                let number = u32::try_from(at).expect("small");
                if !std::mem::replace(&mut begun[at], true) {
                    deltas.push(head(number, "f"));
                }
                let end = calls[at].len().min(sent[at] + size);
                let text = calls[at][sent[at]..end].to_owned();
                sent[at] = end;
                deltas.push(arguments(number, &text));
            };
            for (at, size) in order {
                match calls.get(at) {
                    Some(_) => send(at, size, &mut deltas),
                    None => deltas.push(Delta::text("t")),
                }
            }
            for at in 0..calls.len() {
                send(at, 99, &mut deltas);
            }
            (calls, deltas)
        },
    )
}

proptest! {
    #[test]
    fn no_order_of_pieces_loses_any((calls, deltas) in pieces()) {
        let texts = deltas.iter().filter(|delta| **delta == Delta::text("t")).count();
        // Calls are told apart by their ids: another order of blocks numbers them anew.
        let written = write(&deltas, context());
        check_order(&events(&written));
        let response = collect(read(std::iter::once(written)).0);
        let message = &response.choices[0].message;
        let mut told: Vec<(String, String)> =
            message.tool_calls().map(|call| (call.id.clone().unwrap_or_default(), call.arguments.clone())).collect();
        told.sort();
        let expected: Vec<(String, String)> =
            calls.into_iter().enumerate().map(|(at, text)| (format!("call_{at}"), text)).collect();
        prop_assert_eq!(told, expected);
        prop_assert_eq!(message.joined_text().len(), texts);
    }
}
