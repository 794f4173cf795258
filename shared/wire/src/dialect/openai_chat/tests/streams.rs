//! Streams: how they end, what vendors do differently, what a caller gets.

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use crate::Usage;
use crate::chat::{
    ChoiceDelta, Content, Delta, FinishReason, Response, Role, Start, ToolCallDelta, ToolKind, collect,
};
use crate::dialect::openai_chat::{StreamDecoder, StreamEncoder};
use crate::dialect::{AnswerContext, StreamEncoder as _, StreamError, read_stream, write_stream};
use crate::fault::{Fault, FaultKind};

pub(super) fn read(pieces: &[&[u8]]) -> (Vec<Delta>, Result<(), StreamError>) {
    read_stream(&mut StreamDecoder::new(), pieces.iter().map(|piece| Bytes::copy_from_slice(piece)))
}

pub(super) fn write(deltas: &[Delta], options: AnswerContext) -> Bytes {
    write_stream(&mut StreamEncoder::new(options), deltas)
}

fn framed(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta}]})
}

fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn choice_deltas(events: &[Value]) -> Vec<ChoiceDelta> {
    let (deltas, ending) = read(&[framed(events).as_bytes()]);
    assert_eq!(ending, Ok(()));
    deltas
        .into_iter()
        .filter_map(|delta| match delta {
            Delta::Choice { delta, .. } => Some(delta),
            _ => None,
        })
        .collect()
}

fn events_of(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).expect("text");
    let payloads =
        text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    payloads.map(|data| serde_json::from_str(data).expect("JSON")).collect()
}

#[test]
fn a_stream_is_complete_with_done_or_with_every_finish_reason() {
    let text = framed(&[delta(json!({"content": "a"}))]);
    assert_eq!(read(&[format!("{text}data: [DONE]\n\n").as_bytes()]).1, Ok(()));
    assert_eq!(
        read(&[format!("{text}data: [DONE]").as_bytes()]).1,
        Ok(()),
        "the last blank line may be missing"
    );
    assert_eq!(read(&[framed(&[delta(json!({"content": "a"})), finish("stop")]).as_bytes()]).1, Ok(()));
    for cut in [text.as_str(), "", ": comment\n\n", &text[..text.len() - 9], &format!("{text}data: {{\"cho")]
    {
        let ending = read(&[cut.as_bytes()]).1;
        assert!(
            matches!(&ending, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::Cut),
            "{cut:?}: {ending:?}"
        );
    }
    let two = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}, {"index": 1, "delta": {"content": "b"}}]});
    assert!(read(&[framed(&[two]).as_bytes()]).1.is_err(), "the second choice has not ended");
}

#[test]
fn a_last_event_without_its_blank_line_is_read() {
    let text = framed(&[delta(json!({"content": "a"})), finish("stop")]);
    let (deltas, ending) = read(&[text.trim_end().as_bytes()]);
    assert_eq!(ending, Ok(()));
    assert_eq!(collect(deltas).choices[0].finish, Some(FinishReason::Stop));
}

#[test]
fn an_error_inside_the_stream_is_a_fault() {
    let events =
        [delta(json!({"content": "a"})), json!({"error": {"message": "oh", "type": "server_error"}})];
    let (deltas, ending) = read(&[framed(&events).as_bytes()]);
    assert!(
        matches!(ending, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::ServerError && fault.message == "oh")
    );
    assert_eq!(collect(deltas).choices[0].message.joined_text(), "a");
}

#[test]
fn nonsense_in_a_stream_is_an_error() {
    for data in [
        "nonsense",
        "[]",
        "{\"choices\": 3}",
        "{\"choices\": [3]}",
        "{\"choices\": [{\"delta\": {\"tool_calls\": [3]}}]}",
        "{\"choices\": [{\"delta\": {\"content\": [3]}}]}",
    ] {
        let (_, ending) = read(&[format!("data: {data}\n\ndata: [DONE]\n\n").as_bytes()]);
        assert!(matches!(ending, Err(StreamError::Decode(_))), "{data}");
    }
}

#[test]
fn nothing_counts_after_done() {
    let (deltas, ending) = read(&[b"data: [DONE]\n\ndata: nonsense\n\n"]);
    assert_eq!((deltas, ending), (Vec::new(), Ok(())));
}

#[test]
fn repeated_roles_ids_and_finish_reasons_come_once() {
    let event = |text: &str, finish: Value| {
        json!({"id": "1", "model": "m", "created": 5, "choices": [{"index": 0, "finish_reason": finish,
            "delta": {"role": "assistant", "content": text}}]})
    };
    let events = [
        event("a", Value::Null),
        event("b", Value::Null),
        event("", "stop".into()),
        event("", "stop".into()),
    ];
    let (deltas, _) = read(&[framed(&events).as_bytes()]);
    let start = Start { id: Some("1".into()), model: Some("m".into()), created: Some(5), ..Start::default() };
    assert_eq!(
        deltas,
        [
            Delta::Start(Box::new(start)),
            Delta::of(0, ChoiceDelta::Role(Role::Assistant)),
            Delta::text("a"),
            Delta::text("b"),
            Delta::of(0, ChoiceDelta::Finish { reason: FinishReason::Stop, stop_sequence: None }),
        ]
    );
}

#[test]
fn tool_calls_are_told_apart_by_number_by_id_and_by_name() {
    let call = |call: Value| delta(json!({"tool_calls": [call]}));
    let arguments = |events: &[Value]| -> Vec<(String, String)> {
        let mut events = events.to_vec();
        events.push(finish("tool_calls"));
        let (deltas, ending) = read(&[framed(&events).as_bytes()]);
        assert_eq!(ending, Ok(()));
        let response = collect(deltas);
        response.choices[0]
            .message
            .tool_calls()
            .map(|call| (call.name.clone(), call.arguments.clone()))
            .collect()
    };
    let expected = [("f".to_owned(), "{\"a\":1}".to_owned()), ("g".to_owned(), "{}".to_owned())];
    // As OpenAI does, interleaved.
    assert_eq!(
        arguments(&[
            call(
                json!({"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": ""}})
            ),
            call(
                json!({"index": 1, "id": "2", "type": "function", "function": {"name": "g", "arguments": "{"}})
            ),
            call(json!({"index": 0, "function": {"arguments": "{\"a\""}})),
            call(json!({"index": 1, "function": {"arguments": "}"}})),
            call(json!({"index": 0, "function": {"arguments": ":1}"}})),
        ]),
        expected
    );
    // All of one number.
    assert_eq!(
        arguments(&[
            call(
                json!({"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}})
            ),
            call(
                json!({"index": 0, "id": "2", "type": "function", "function": {"name": "g", "arguments": "{}"}})
            ),
        ]),
        expected
    );
    // No numbers, no ids.
    assert_eq!(
        arguments(&[
            call(json!({"function": {"name": "f", "arguments": "{\"a\""}})),
            call(json!({"function": {"arguments": ":1}"}})),
            call(json!({"function": {"name": "g", "arguments": "{}"}})),
        ]),
        expected
    );
    // Name and id repeated in each event.
    assert_eq!(
        arguments(&[
            call(json!({"index": 0, "id": "1", "function": {"name": "f", "arguments": "{\"a\""}})),
            call(json!({"index": 0, "id": "1", "function": {"name": "f", "arguments": ":1}"}})),
            call(json!({"index": 1, "id": "2", "function": {"name": "g", "arguments": "{}"}})),
        ]),
        expected
    );
}

#[test]
fn the_same_reasoning_in_two_fields_is_read_once() {
    let detail = json!([{"type": "reasoning.text", "text": "hm", "index": 0}]);
    let deltas = choice_deltas(&[
        delta(json!({"reasoning": "hm", "reasoning_details": detail})),
        delta(json!({"reasoning": "ha", "reasoning_content": "ha"})),
        finish("stop"),
    ]);
    let texts: Vec<&str> = deltas
        .iter()
        .filter_map(|delta| match delta {
            ChoiceDelta::Reasoning(piece) => Some(piece.reasoning.text.as_str()),
            ChoiceDelta::MessageExtra(extra) => panic!("left over: {extra:?}"),
            _ => None,
        })
        .collect();
    assert_eq!(texts, ["hm", "ha"]);
}

#[test]
fn the_last_usage_stands_and_zeros_say_nothing() {
    let usage =
        |prompt: u64| json!({"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": prompt}});
    let (deltas, _) = read(&[framed(&[usage(1), usage(7), usage(0), finish("stop")]).as_bytes()]);
    assert_eq!(collect(deltas).usage, Some(Usage { input: 7, output: 7, ..Usage::default() }));
}

#[test]
fn a_caller_gets_the_documented_events() {
    let options = AnswerContext {
        id: "1".into(),
        created: 5,
        model: "mine".into(),
        include_usage: true,
        ..AnswerContext::default()
    };
    let mut response = Response::text("theirs", "hi", Usage { input: 3, output: 1, ..Usage::default() });
    response.service_tier = Some("default".into());
    let stream = write(&response.into_deltas(), options);
    assert!(stream.ends_with(b"data: [DONE]\n\n"));
    let event = |choices: Value, usage: Value| {
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 5, "model": "mine",
            "service_tier": "default", "choices": choices, "usage": usage})
    };
    let choice = |delta: Value, finish: Value| json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
    let events = events_of(&stream);
    assert_eq!(
        events[0],
        event(choice(json!({"role": "assistant", "content": ""}), Value::Null), Value::Null)
    );
    assert_eq!(events[1], event(choice(json!({"content": "hi"}), Value::Null), Value::Null));
    assert_eq!(events[2], event(choice(json!({}), "stop".into()), Value::Null));
    assert_eq!(events[3]["choices"], json!([]));
    assert_eq!(events[3]["usage"]["total_tokens"], 4);
    assert_eq!(events.len(), 4);
}

#[test]
fn usage_is_hidden_from_who_did_not_ask() {
    let usage = Usage { input: 3, output: 1, ..Usage::default() };
    let stream = write(&Response::text("m", "hi", usage).into_deltas(), AnswerContext::default());
    assert!(!String::from_utf8_lossy(&stream).contains("usage"));
}

#[test]
fn a_failure_is_the_last_event_and_no_done_follows() {
    let mut encoder = StreamEncoder::new(AnswerContext::default());
    let mut out = BytesMut::new();
    encoder.delta(&Delta::text("a"), &mut out);
    encoder.fail(&Fault::new(FaultKind::Cut, "cut"), &mut out);
    assert!(!out.windows(6).any(|window| window == b"[DONE]"));
    let last = events_of(&out).pop().expect("an event");
    assert_eq!(
        last,
        json!({"error": {"message": "cut", "type": "server_error", "param": null, "code": "upstream_cut"}})
    );
    assert!(matches!(read(&[&out]).1, Err(StreamError::Fault(_))), "and is read as a failure again");
}

#[test]
fn custom_and_deprecated_calls_are_streamed_in_their_own_words() {
    for (kind, holder) in [(ToolKind::Custom, "custom"), (ToolKind::LegacyFunction, "function_call")] {
        let head = ToolCallDelta { name: "f".into(), kind: kind.clone(), ..ToolCallDelta::default() };
        let deltas = [
            Delta::of(0, ChoiceDelta::ToolCall(Box::new(head))),
            Delta::of(0, ChoiceDelta::ToolArguments { call: 0, text: "a".into() }),
            Delta::of(0, ChoiceDelta::ToolArguments { call: 0, text: "b".into() }),
        ];
        let stream = write(&deltas, AnswerContext::default());
        assert!(String::from_utf8_lossy(&stream).contains(holder));
        let response = collect(read(&[&stream]).0);
        let Content::ToolCall(call) = &response.choices[0].message.parts[0].content else { panic!("a call") };
        assert_eq!((call.name.as_str(), call.arguments.as_str(), &call.kind), ("f", "ab", &kind));
    }
}
