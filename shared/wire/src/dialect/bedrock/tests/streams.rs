//! Streams: how they end, what is in them, what a caller gets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use crate::Usage;
use crate::chat::{
    Annotation, ChoiceDelta, Content, Delta, FinishReason, Reasoning, ReasoningDelta, ReasoningForm,
    ToolCallDelta, collect,
};
use crate::dialect::bedrock::{ChunkDecoder, StreamDecoder, StreamEncoder};
use crate::dialect::{AnswerContext, StreamEncoder as _, StreamError, read_stream, write_stream};
use crate::event_stream::{Decoder, Header, write_message};
use crate::fault::{Fault, FaultKind};

pub(super) fn read(pieces: &[&[u8]]) -> (Vec<Delta>, Result<(), StreamError>) {
    read_stream(&mut StreamDecoder::new(), pieces.iter().map(|piece| Bytes::copy_from_slice(piece)))
}

pub(super) fn write(deltas: &[Delta]) -> Bytes {
    write_stream(
        &mut StreamEncoder::new(AnswerContext { id: "1".into(), ..AnswerContext::default() }),
        deltas,
    )
}

fn frame(kind: &str, of: &str, name: &str, payload: &Value) -> Vec<u8> {
    let mut out = BytesMut::new();
    let headers = [Header::text(of, name), Header::text(":message-type", kind)];
    write_message(&mut out, &headers, payload.to_string().as_bytes()).unwrap();
    out.to_vec()
}

fn framed(events: &[(&str, Value)]) -> Vec<u8> {
    events.iter().flat_map(|(name, payload)| frame("event", ":event-type", name, payload)).collect()
}

/// The events of a stream that was written, by name.
fn events(stream: &[u8]) -> Vec<(String, Value)> {
    let mut frames = Decoder::new(1 << 20);
    frames.push(stream);
    let mut events = Vec::new();
    while let Some(message) = frames.next().unwrap() {
        let name = message.text(":event-type").or(message.text(":exception-type")).unwrap().to_owned();
        assert_eq!(message.text(":content-type"), Some("application/json"));
        events.push((name, serde_json::from_slice(&message.payload).unwrap()));
    }
    events
}

#[expect(clippy::needless_pass_by_value, reason = "written with `json!` in place")]
fn block(index: u64, delta: Value) -> (&'static str, Value) {
    ("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta, "p": "abc"}))
}

fn example() -> Vec<(&'static str, Value)> {
    vec![
        ("messageStart", json!({"role": "assistant"})),
        block(0, json!({"reasoningContent": {"text": "h"}})),
        block(0, json!({"reasoningContent": {"text": "m"}})),
        block(0, json!({"reasoningContent": {"signature": "c2ln"}})),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        block(1, json!({"reasoningContent": {"redactedContent": "RXU4"}})),
        block(1, json!({"reasoningContent": {"redactedContent": "RUNr"}})),
        ("contentBlockStop", json!({"contentBlockIndex": 1})),
        block(
            2,
            json!({"citation": {"title": "t", "location": {"documentChar": {"documentIndex": 0, "start": 1}}}}),
        ),
        block(2, json!({"text": "hel"})),
        block(2, json!({"text": "lo"})),
        ("contentBlockStop", json!({"contentBlockIndex": 2})),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 3, "start": {"toolUse": {"toolUseId": "a", "name": "f"}}}),
        ),
        block(3, json!({"toolUse": {"input": "{\"x\""}})),
        block(3, json!({"toolUse": {"input": ":1}"}})),
        ("contentBlockStop", json!({"contentBlockIndex": 3})),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 4, "start": {"toolUse": {"toolUseId": "s", "name": "code", "type": "server_tool_use"}}}),
        ),
        block(4, json!({"toolUse": {"input": "{\"y\":"}})),
        block(4, json!({"toolUse": {"input": "2}"}})),
        ("contentBlockStop", json!({"contentBlockIndex": 4})),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 5, "start": {"toolResult": {"toolUseId": "s", "type": "code_result"}}}),
        ),
        block(5, json!({"toolResult": [{"json": {"out": 4}}]})),
        ("contentBlockStop", json!({"contentBlockIndex": 5})),
        ("contentBlockStart", json!({"contentBlockIndex": 6, "start": {"image": {"format": "png"}}})),
        block(6, json!({"image": {"source": {"bytes": "aA=="}}})),
        block(6, json!({"image": {"source": {"bytes": "aQ=="}}})),
        ("contentBlockStop", json!({"contentBlockIndex": 6})),
        ("somethingNew", json!({"x": 1})),
        (
            "messageStop",
            json!({"stopReason": "guardrail_intervened", "additionalModelResponseFields": {"x": 1}}),
        ),
        (
            "metadata",
            json!({"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 5},
            "serviceTier": {"type": "flex"}}),
        ),
    ]
}

#[test]
fn everything_in_a_stream_is_read() {
    let (deltas, ending) = read(&[&framed(&example())]);
    assert_eq!(ending, Ok(()));
    let response = collect(deltas);
    let parts = &response.choices[0].message.parts;
    let Content::Reasoning(thought) = &parts[0].content else { panic!("{parts:?}") };
    assert_eq!((thought.text.as_str(), parts[0].signature.as_deref()), ("hm", Some("c2ln")));
    let Content::Reasoning(sealed) = &parts[1].content else { panic!("{parts:?}") };
    assert_eq!(sealed.data.as_deref(), Some("Eu8ECk"), "pieces join as bytes");
    let Content::Text(text) = &parts[2].content else { panic!("{parts:?}") };
    assert_eq!((text.text.as_str(), text.annotations.len()), ("hello", 1));
    assert_eq!(text.annotations[0].document, Some(0));
    let Content::ToolCall(call) = &parts[3].content else { panic!("{parts:?}") };
    assert_eq!((call.id.as_deref(), call.arguments.as_str()), (Some("a"), "{\"x\":1}"));
    assert_eq!(parts[4].extra["toolUse"]["input"], json!({"y": 2}));
    assert_eq!(parts[5].extra["toolResult"]["content"], json!([{"json": {"out": 4}}]));
    let Content::Image(image) = &parts[6].content else { panic!("{parts:?}") };
    assert!(format!("{image:?}").contains("aGk="), "{image:?}");
    assert_eq!(response.choices[0].finish, Some(FinishReason::ContentFilter));
    assert_eq!(response.service_tier.as_deref(), Some("flex"));
    assert_eq!(response.usage, Some(Usage { input: 1, output: 2, ..Usage::default() }));
    assert_eq!(response.extra["metrics"], json!({"latencyMs": 5}));
}

#[test]
fn a_stream_cut_anywhere_is_the_same_or_is_noticed() {
    let stream = framed(&example());
    let (whole, _) = read(&[&stream]);
    for at in 0..stream.len() {
        let (first, second) = stream.split_at(at);
        assert_eq!(read(&[first, second]), (whole.clone(), Ok(())), "{at}");
    }
    let until_stop = framed(&example()[..28]).len();
    for at in (0..until_stop).step_by(7) {
        let ending = read(&[&stream[..at]]).1;
        assert!(
            matches!(&ending, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::Cut),
            "{at}: {ending:?}"
        );
    }
}

#[test]
fn what_was_read_is_written_and_read_again() {
    let (deltas, _) = read(&[&framed(&example())]);
    let again = read(&[&write(&deltas)]);
    assert_eq!(again.1, Ok(()));
    assert_eq!(collect(again.0), collect(deltas));
}

#[test]
fn exceptions_and_errors_inside_a_stream_are_faults() {
    let text = framed(&example()[..10]);
    for (name, payload, kind) in [
        ("throttlingException", json!({"message": "slow"}), FaultKind::RateLimited),
        ("validationException", json!({"message": "Input is too long"}), FaultKind::ContextTooLong),
        ("validationException", json!({"message": "bad"}), FaultKind::InvalidRequest),
        ("internalServerException", json!({"message": "oh"}), FaultKind::ServerError),
        ("serviceUnavailableException", json!({"message": "oh"}), FaultKind::Overloaded),
        ("modelTimeoutException", json!({"message": "oh"}), FaultKind::Timeout),
        (
            "modelStreamErrorException",
            json!({"originalStatusCode": 429, "originalMessage": "oh"}),
            FaultKind::RateLimited,
        ),
        ("modelStreamErrorException", json!({"message": "oh"}), FaultKind::ServerError),
    ] {
        let stream = [text.clone(), frame("exception", ":exception-type", name, &payload)].concat();
        let (deltas, ending) = read(&[&stream]);
        assert!(
            matches!(&ending, Err(StreamError::Fault(fault)) if fault.kind == kind),
            "{name}: {ending:?}"
        );
        assert_eq!(collect(deltas).choices[0].message.joined_text(), "hel");
    }
    let mut out = BytesMut::new();
    let headers = [
        Header::text(":message-type", "error"),
        Header::text(":error-code", "ThrottlingException"),
        Header::text(":error-message", "slow"),
    ];
    write_message(&mut out, &headers, b"").unwrap();
    assert!(
        matches!(read(&[&out]).1, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::RateLimited && fault.message == "slow")
    );
}

#[test]
fn nonsense_in_a_stream_is_an_error() {
    for payload in [json!([]), json!({"delta": {"text": "a"}})] {
        let stream = framed(&[("contentBlockDelta", payload)]);
        assert!(matches!(read(&[&stream]).1, Err(StreamError::Decode(_))));
    }
    assert!(matches!(read(&[b"data: {\"a\": 1}\n\n"]).1, Err(StreamError::Decode(_))), "no event stream");
}

#[test]
fn a_failure_ends_the_stream_with_an_exception() {
    for (kind, name) in [
        (FaultKind::RateLimited, "throttlingException"),
        (FaultKind::ContextTooLong, "validationException"),
        (FaultKind::Overloaded, "serviceUnavailableException"),
        (FaultKind::Cut, "modelStreamErrorException"),
        (FaultKind::ServerError, "internalServerException"),
    ] {
        let mut out = BytesMut::new();
        StreamEncoder::new(AnswerContext::default()).fail(&Fault::new(kind, "why"), &mut out);
        assert_eq!(events(&out), [(name.to_owned(), json!({"message": "why"}))]);
    }
}

fn head(call: u32, id: &str, name: &str) -> Delta {
    let head = ToolCallDelta { call, id: Some(id.into()), name: name.into(), ..ToolCallDelta::default() };
    Delta::of(0, ChoiceDelta::ToolCall(Box::new(head)))
}

fn arguments(call: u32, text: &str) -> Delta {
    Delta::of(0, ChoiceDelta::ToolArguments { call, text: text.into() })
}

/// Each block begins, grows and stops before the next; numbers have no gaps.
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
    let events = events(&write(&deltas));
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    let (start, delta, stop) = ("contentBlockStart", "contentBlockDelta", "contentBlockStop");
    assert_eq!(
        names,
        [
            "messageStart",
            delta,
            stop,
            start,
            delta,
            delta,
            stop,
            start,
            delta,
            stop,
            "messageStop",
            "metadata"
        ]
    );
    let indices: Vec<u64> =
        events.iter().filter_map(|(_, value)| value["contentBlockIndex"].as_u64()).collect();
    assert_eq!(indices, [0, 0, 1, 1, 1, 1, 2, 2, 2]);
    let (again, _) = read(&[&write(&deltas)]);
    let response = collect(again);
    let calls: Vec<&str> =
        response.choices[0].message.tool_calls().map(|call| call.arguments.as_str()).collect();
    assert_eq!(calls, ["{}", "[1]"]);
}

#[test]
fn reasoning_of_others_is_shown_but_not_its_proof() {
    let piece = |form, data: Option<&str>, signature: Option<&str>, format: &str| {
        let reasoning = Reasoning {
            text: "hm".into(),
            form,
            data: data.map(str::to_owned),
            format: Some(format.into()),
            ..Reasoning::default()
        };
        let delta = ReasoningDelta {
            reasoning,
            signature: signature.map(str::to_owned),
            ..ReasoningDelta::default()
        };
        Delta::of(0, ChoiceDelta::Reasoning(Box::new(delta)))
    };
    let said = |delta| -> Vec<Value> {
        let events = events(&write(&[delta]));
        events.into_iter().filter_map(|(_, value)| value["delta"].get("reasoningContent").cloned()).collect()
    };
    assert_eq!(
        said(piece(ReasoningForm::Full, None, Some("s"), "anthropic-claude-v1")),
        [json!({"text": "hm"}), json!({"signature": "s"})]
    );
    assert_eq!(
        said(piece(ReasoningForm::Full, None, Some("s"), "google-gemini-v1")),
        [json!({"text": "hm"})]
    );
    assert_eq!(
        said(piece(ReasoningForm::Opaque, Some("x"), None, "openai-responses-v1")),
        Vec::<Value>::new()
    );
    assert_eq!(
        said(piece(ReasoningForm::Opaque, Some("Eu8"), None, "anthropic-claude-v1")),
        [json!({"redactedContent": "RXU4"})]
    );
}

#[test]
fn annotations_of_others_are_citations() {
    let annotation = Annotation {
        kind: "url_citation".into(),
        url: Some("https://a".into()),
        title: Some("t".into()),
        ..Annotation::default()
    };
    let events =
        events(&write(&[Delta::text("a"), Delta::of(0, ChoiceDelta::Annotation(Box::new(annotation)))]));
    assert_eq!(
        events[2].1["delta"],
        json!({"citation": {"title": "t", "location": {"web": {"url": "https://a"}}}})
    );
}

#[test]
fn chunks_hold_events_of_other_formats() {
    let chunk = |text: &str| {
        frame("event", ":event-type", "chunk", &json!({"bytes": STANDARD.encode(text), "p": "ab"}))
    };
    let stream = [chunk("{\"a\":1}"), chunk("{\"b\":2}")].concat();
    let mut decoder = ChunkDecoder::new();
    let mut events = Vec::new();
    for piece in stream.chunks(5) {
        decoder.push(piece);
        while let Some(event) = decoder.next().unwrap() {
            events.push(event);
        }
    }
    assert_eq!(events, ["{\"a\":1}", "{\"b\":2}"]);
    assert_eq!(decoder.end(), Ok(()));
    decoder.push(&stream[..9]);
    assert_eq!(decoder.next(), Ok(None));
    assert!(decoder.end().is_err());
    let mut decoder = ChunkDecoder::new();
    decoder.push(&frame("event", ":event-type", "chunk", &json!({"bytes": "?"})));
    assert!(matches!(decoder.next(), Err(StreamError::Decode(_))));
    let mut decoder = ChunkDecoder::new();
    decoder.push(&frame("exception", ":exception-type", "throttlingException", &json!({"message": "x"})));
    assert!(matches!(decoder.next(), Err(StreamError::Fault(fault)) if fault.kind == FaultKind::RateLimited));
}
