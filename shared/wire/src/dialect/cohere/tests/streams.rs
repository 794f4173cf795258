//! Streams: how they end, what is in them, what a caller gets.

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use crate::Usage;
use crate::chat::{ChoiceDelta, Content, Delta, FinishReason, ToolCallDelta, collect};
use crate::dialect::cohere::{StreamDecoder, StreamEncoder};
use crate::dialect::{AnswerContext, StreamEncoder as _, StreamError, read_stream, write_stream};
use crate::fault::{Fault, FaultKind};

pub(super) fn read(pieces: &[&[u8]]) -> (Vec<Delta>, Result<(), StreamError>) {
    read_stream(&mut StreamDecoder::new(), pieces.iter().map(|piece| Bytes::copy_from_slice(piece)))
}

pub(super) fn write(deltas: &[Delta]) -> Bytes {
    write_stream(
        &mut StreamEncoder::new(AnswerContext { id: "made".into(), ..AnswerContext::default() }),
        deltas,
    )
}

fn framed(events: &[Value]) -> String {
    let frame =
        |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    events.iter().map(frame).collect()
}

fn events(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).expect("text");
    let payloads =
        text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    payloads.map(|data| serde_json::from_str(data).expect("JSON")).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "written with `json!` in place")]
fn event(kind: &str, index: u64, message: Value) -> Value {
    json!({"type": kind, "index": index, "delta": {"message": message}})
}

fn example() -> Vec<Value> {
    let citation = json!({"start": 0, "end": 5, "text": "hello", "type": "TEXT_CONTENT", "content_index": 1, "sources": []});
    vec![
        json!({"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant", "content": []}}}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I "}}}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "will"}}}),
        event("content-start", 0, json!({"content": {"type": "thinking", "thinking": ""}})),
        event("content-delta", 0, json!({"content": {"thinking": "hm"}})),
        json!({"type": "content-end", "index": 0}),
        event("content-start", 1, json!({"content": {"type": "text", "text": ""}})),
        event("content-delta", 1, json!({"content": {"text": "hel"}})),
        json!({"type": "content-delta", "index": 1, "delta": {"message": {"content": {"text": "lo"}}},
            "logprobs": {"text": "lo", "token_ids": [5], "logprobs": [-0.5]}}),
        event("citation-start", 0, json!({"citations": citation})),
        json!({"type": "citation-end", "index": 0}),
        json!({"type": "content-end", "index": 1}),
        event(
            "tool-call-start",
            0,
            json!({"tool_calls": {"id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}}),
        ),
        event("tool-call-delta", 0, json!({"tool_calls": {"function": {"arguments": "{\"x\""}}})),
        event("tool-call-delta", 0, json!({"tool_calls": {"function": {"arguments": ":1}"}}})),
        json!({"type": "tool-call-end", "index": 0}),
        event(
            "tool-call-start",
            1,
            json!({"tool_calls": {"id": "b", "type": "function", "function": {"name": "g", "arguments": ""}}}),
        ),
        json!({"type": "tool-call-end", "index": 1}),
        json!({"type": "debug", "prompt": "x"}),
        json!({"type": "message-end", "delta": {"finish_reason": "TOOL_CALL",
            "usage": {"billed_units": {"input_tokens": 1, "output_tokens": 2}, "cached_tokens": 5}}}),
    ]
}

#[test]
fn everything_in_a_stream_is_read() {
    let (deltas, ending) = read(&[framed(&example()).as_bytes()]);
    assert_eq!(ending, Ok(()));
    let response = collect(deltas);
    let choice = &response.choices[0];
    let said: Vec<String> = choice
        .message
        .parts
        .iter()
        .map(|part| match &part.content {
            Content::Reasoning(reasoning) => reasoning.text.clone(),
            Content::Text(text) => format!("{} {}", text.text, text.annotations.len()),
            Content::ToolCall(call) => format!("{} {}", call.name, call.arguments),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(said, ["I will", "hm", "hello 1", "f {\"x\":1}", "g "]);
    assert_eq!(choice.finish, Some(FinishReason::ToolCalls));
    assert_eq!(
        choice.logprobs.as_ref().and_then(|logprobs| logprobs.content.as_ref()).map(Vec::len),
        Some(1)
    );
    assert_eq!(response.id.as_deref(), Some("1"));
    assert_eq!(response.usage, Some(Usage { input: 1, output: 2, ..Usage::default() }));
}

#[test]
fn a_stream_cut_anywhere_is_the_same_or_is_noticed() {
    let stream = framed(&example());
    let (whole, _) = read(&[stream.as_bytes()]);
    for at in 0..stream.len() {
        let (first, second) = stream.as_bytes().split_at(at);
        assert_eq!(read(&[first, second]), (whole.clone(), Ok(())), "{at}");
    }
    let most = framed(&example()[..19]);
    for at in (0..=most.len()).step_by(7) {
        let ending = read(&[&most.as_bytes()[..at]]).1;
        assert!(
            matches!(&ending, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::Cut),
            "{at}: {ending:?}"
        );
    }
    assert_eq!(read(&[stream.trim_end().as_bytes()]).1, Ok(()), "the last blank line may be missing");
}

#[test]
fn what_was_read_is_written_and_read_again() {
    let (deltas, _) = read(&[framed(&example()).as_bytes()]);
    let again = read(&[&write(&deltas)]);
    assert_eq!(again.1, Ok(()));
    assert_eq!(collect(again.0), collect(deltas));
}

#[test]
fn errors_inside_a_stream_are_faults() {
    for end in [
        json!({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "oh"}}),
        json!({"id": "1", "message": "oh"}),
    ] {
        let stream = framed(&[&example()[..8], &[end]].concat());
        let (deltas, ending) = read(&[stream.as_bytes()]);
        assert!(
            matches!(&ending, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::ServerError && fault.message == "oh"),
            "{ending:?}"
        );
        assert_eq!(collect(deltas).choices[0].message.joined_text(), "hel");
    }
    for data in ["nonsense", "[]", "5"] {
        let stream = format!("data: {data}\n\n{}", framed(&example()));
        assert!(matches!(read(&[stream.as_bytes()]).1, Err(StreamError::Decode(_))), "{data}");
    }
}

#[test]
fn a_failure_ends_the_message_with_its_error() {
    let mut encoder = StreamEncoder::new(AnswerContext::default());
    let mut out = BytesMut::new();
    encoder.delta(&Delta::text("a"), &mut out);
    encoder.fail(&Fault::new(FaultKind::Overloaded, "why"), &mut out);
    assert_eq!(
        events(&out).last(),
        Some(&json!({"type": "message-end", "delta": {"error": "why", "finish_reason": "ERROR"}}))
    );
    assert!(matches!(read(&[&out]).1, Err(StreamError::Fault(fault)) if fault.message == "why"));
}

fn head(call: u32, id: &str, name: &str) -> Delta {
    let head = ToolCallDelta { call, id: Some(id.into()), name: name.into(), ..ToolCallDelta::default() };
    Delta::of(0, ChoiceDelta::ToolCall(Box::new(head)))
}

fn arguments(call: u32, text: &str) -> Delta {
    Delta::of(0, ChoiceDelta::ToolArguments { call, text: text.into() })
}

/// Each part begins, grows and ends before the next.
#[test]
fn interleaved_calls_are_written_one_after_the_other() {
    let deltas = [
        Delta::text("a"),
        head(0, "x", "f"),
        arguments(0, "{"),
        head(1, "y", "g"),
        arguments(1, "[1"),
        arguments(0, "}"),
        arguments(1, "]"),
        Delta::of(0, ChoiceDelta::Finish { reason: FinishReason::ToolCalls, stop_sequence: None }),
    ];
    let stream = write(&deltas);
    let names: Vec<String> =
        events(&stream).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        names,
        [
            "message-start",
            "content-start",
            "content-delta",
            "content-end",
            "tool-call-start",
            "tool-call-delta",
            "tool-call-delta",
            "tool-call-end",
            "tool-call-start",
            "tool-call-delta",
            "tool-call-end",
            "message-end"
        ]
    );
    assert!(stream.ends_with(b"data: [DONE]\n\n"));
    assert_eq!(events(&stream)[0]["id"], "made");
    let response = collect(read(&[&stream]).0);
    let calls: Vec<&str> =
        response.choices[0].message.tool_calls().map(|call| call.arguments.as_str()).collect();
    assert_eq!(calls, ["{}", "[1]"]);
}
