//! Streams: how they end, their two forms, what a caller gets.

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::context;
use crate::Usage;
use crate::chat::{
    ChoiceDelta, Content, Delta, FinishReason, Reasoning, ReasoningDelta, Response, ToolCallDelta, collect,
};
use crate::dialect::gemini::{StreamDecoder, StreamEncoder, decode_response};
use crate::dialect::{
    AnswerContext, StreamEncoder as _, StreamError, openai_chat, read_stream, write_stream,
};
use crate::fault::{Fault, FaultKind};

pub(super) fn read(pieces: &[&[u8]]) -> (Vec<Delta>, Result<(), StreamError>) {
    read_stream(&mut StreamDecoder::new(), pieces.iter().map(|piece| Bytes::copy_from_slice(piece)))
}

pub(super) fn write(deltas: &[Delta], mut encoder: StreamEncoder) -> Bytes {
    write_stream(&mut encoder, deltas)
}

fn framed(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\r\n\r\n")).collect()
}

fn piece(parts: Value, finish: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(word) = finish {
        candidate["finishReason"] = word.into();
    }
    json!({"candidates": [candidate], "modelVersion": "m", "responseId": "r"})
}

fn events_of(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).expect("text");
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
}

#[test]
fn both_forms_of_a_stream_say_the_same_however_they_are_cut() {
    let pieces = [
        piece(json!([{"text": "a \"{[\\\""}]), None),
        piece(
            json!([{"text": "b", "thoughtSignature": "c2ln"}, {"functionCall": {"name": "f", "args": {"x": "}"}}}]),
            None,
        ),
        piece(json!([{"text": ""}]), Some("STOP")),
    ];
    let events = framed(&pieces);
    let array = format!("[{}\n]\n", pieces.iter().map(Value::to_string).collect::<Vec<_>>().join("\n,\r\n"));
    let (whole, ending) = read(&[events.as_bytes()]);
    assert_eq!(ending, Ok(()));
    for form in [&events, &array, &format!("\u{feff}{events}"), &format!("  \r\n{array}")] {
        for size in [1, 2, 7, 4096] {
            let cuts: Vec<&[u8]> = form.as_bytes().chunks(size).collect();
            assert_eq!(read(&cuts), (whole.clone(), Ok(())), "{size}");
        }
    }
    let response = collect(whole);
    assert_eq!(response.choices[0].finish, Some(FinishReason::ToolCalls));
    assert_eq!(response.choices[0].message.joined_text(), "a \"{[\\\"b");
    assert_eq!(response.choices[0].message.parts[1].signature.as_deref(), Some("c2ln"));
}

#[test]
fn a_stream_without_its_end_is_cut() {
    let text = framed(&[piece(json!([{"text": "a"}]), None)]);
    let array = format!("[{}", piece(json!([{"text": "a"}]), None));
    for cut in ["", "[", ": comment\n\n", &text, &text[..20], &array, &array[..array.len() - 3]] {
        let ending = read(&[cut.as_bytes()]).1;
        assert!(
            matches!(&ending, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::Cut),
            "{cut}: {ending:?}"
        );
    }
    let unended = framed(&[piece(json!([{"text": "a"}]), Some("STOP"))]);
    assert_eq!(read(&[unended.trim_end().as_bytes()]).1, Ok(()), "the last blank line may be missing");
}

#[test]
fn errors_inside_a_stream_are_faults_in_every_form() {
    let first = piece(json!([{"text": "a"}]), None);
    let error = json!({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}});
    let pretty = serde_json::to_string_pretty(&error).expect("JSON");
    for stream in [
        framed(&[first.clone(), error.clone()]),
        format!("{}{pretty}", framed(std::slice::from_ref(&first))),
        format!("[{first}\n,\r\n{error}\n]"),
        format!("[{error}]"),
        pretty,
    ] {
        let ending = read(&[stream.as_bytes()]).1;
        assert!(
            matches!(&ending, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::Overloaded),
            "{stream}: {ending:?}"
        );
    }
}

#[test]
fn nonsense_in_a_stream_is_an_error() {
    for stream in [
        "data: nonsense\n\n",
        "data: 3\n\n",
        "data: {\"candidates\": 3}\n\n",
        "data: {\"candidates\": [{\"content\": {\"parts\": [3]}}]}\n\n",
        "[nonsense]",
        "[{\"candidates\": [3]}]",
    ] {
        let ending = read(&[stream.as_bytes(), b"\n\n"]).1;
        assert!(matches!(ending, Err(StreamError::Decode(_))), "{stream}: {ending:?}");
    }
}

#[test]
fn a_blocked_prompt_ends_the_stream() {
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "modelVersion": "m"});
    let (deltas, ending) = read(&[framed(std::slice::from_ref(&blocked)).as_bytes()]);
    assert_eq!(ending, Ok(()));
    let again = events_of(&write(&deltas, StreamEncoder::new(AnswerContext::default())));
    assert_eq!(again, [blocked], "and is written as it was");
    assert_eq!(collect(deltas).choices[0].finish, Some(FinishReason::ContentFilter));
}

#[test]
fn parallel_calls_get_ids_of_their_own_and_reach_openai_whole() {
    let calls = json!([
        {"functionCall": {"name": "f", "args": {"x": 1.0}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "f", "args": {}}},
    ]);
    let (deltas, ending) = read(&[framed(&[piece(calls, None), piece(json!([]), Some("STOP"))]).as_bytes()]);
    assert_eq!(ending, Ok(()));
    let mut encoder = openai_chat::StreamEncoder::new(AnswerContext::default());
    let deltas: Vec<Delta> = deltas.into_iter().filter_map(Delta::without_extra).collect();
    let (heard, ending) =
        read_stream(&mut openai_chat::StreamDecoder::new(), [write_stream(&mut encoder, &deltas)]);
    assert_eq!(ending, Ok(()));
    let heard = collect(heard);
    let calls: Vec<(&str, &str)> = heard.choices[0]
        .message
        .tool_calls()
        .map(|call| (call.id.as_deref().unwrap_or_default(), call.arguments.as_str()))
        .collect();
    assert_eq!(calls.len(), 2);
    assert!(calls[0].0.starts_with("call_r_0") && calls[0].1 == "{\"x\":1.0}", "{calls:?}");
    assert_eq!(calls[1], ("call_r_1", "{}"));
    assert_eq!(heard.choices[0].finish, Some(FinishReason::ToolCalls));
}

#[test]
fn a_caller_gets_calls_whole_and_usage_last() {
    let head = |call, name: &str| ToolCallDelta {
        call,
        id: Some(format!("id{call}")),
        name: name.into(),
        ..Default::default()
    };
    let deltas = [
        Delta::text("hi"),
        Delta::of(0, ChoiceDelta::ToolCall(Box::new(head(0, "f")))),
        Delta::of(0, ChoiceDelta::ToolArguments { call: 0, text: "{\"a\"".into() }),
        Delta::of(0, ChoiceDelta::ToolCall(Box::new(head(1, "g")))),
        Delta::of(0, ChoiceDelta::ToolArguments { call: 0, text: ":1}".into() }),
        Delta::of(0, ChoiceDelta::Finish { reason: FinishReason::ToolCalls, stop_sequence: None }),
        Delta::Usage { usage: Usage { input: 3, output: 2, ..Usage::default() }, vendor: None },
    ];
    let events = events_of(&write(&deltas, StreamEncoder::new(context())));
    let candidate = |parts: Value| json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    let named = |mut event: Value| {
        event["modelVersion"] = "mine".into();
        event["responseId"] = "r1".into();
        event
    };
    let mut last = candidate(json!([{"text": ""}]));
    last["finishReason"] = "STOP".into();
    assert_eq!(
        events,
        [
            named(json!({"candidates": [candidate(json!([{"text": "hi"}]))]})),
            named(json!({"candidates": [candidate(json!([
                {"functionCall": {"id": "id0", "name": "f", "args": {"a": 1}}},
                {"functionCall": {"id": "id1", "name": "g", "args": {}}},
            ]))]})),
            named(json!({"candidates": [last],
                "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}})),
        ]
    );
    let array = write(&deltas, StreamEncoder::array(context()));
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&array).expect("a JSON array"), events);
    assert_eq!(write(&[], StreamEncoder::array(context())), "[]");
}

#[test]
fn a_failure_is_the_last_thing_said() {
    for array in [false, true] {
        let mut encoder = if array { StreamEncoder::array(context()) } else { StreamEncoder::new(context()) };
        let mut out = BytesMut::new();
        encoder.delta(&Delta::text("a"), &mut out);
        encoder.fail(&Fault::new(FaultKind::Cut, "cut"), &mut out);
        let ending = read(&[&out]).1;
        assert!(matches!(&ending, Err(StreamError::Fault(fault)) if fault.message == "cut"), "{ending:?}");
        if array {
            assert!(serde_json::from_slice::<Vec<Value>>(&out).is_ok());
        } else {
            // Official clients look for the error at the beginning of the data.
            assert!(String::from_utf8_lossy(&out).contains("data: {\"error\":{"));
        }
    }
}

#[test]
fn streamed_reasoning_of_another_vendor_comes_back_as_one_part() {
    let reasoning = |text: &str, format: Option<&str>| Reasoning {
        text: text.into(),
        format: format.map(str::to_owned),
        ..Reasoning::default()
    };
    let piece = |reasoning, signature: Option<&str>| {
        let piece =
            ReasoningDelta { reasoning, signature: signature.map(str::to_owned), ..Default::default() };
        Delta::of(0, ChoiceDelta::Reasoning(Box::new(piece)))
    };
    let deltas = [
        piece(reasoning("H", Some("anthropic-claude-v1")), None),
        piece(reasoning("m", None), None),
        piece(reasoning("", None), Some("sig")),
        Delta::text("x"),
    ];
    let events = events_of(&write(&deltas, StreamEncoder::new(context())));
    let parts: Vec<Value> = events
        .iter()
        .flat_map(|event| event["candidates"][0]["content"]["parts"].as_array().expect("parts").clone())
        .collect();
    let body =
        json!({"contents": [{"role": "model", "parts": parts}, {"role": "user", "parts": [{"text": "a"}]}]});
    let request =
        crate::dialect::gemini::decode_request("m", false, body.to_string().as_bytes()).expect("a request");
    let part = &request.messages[0].parts[0];
    let Content::Reasoning(thought) = &part.content else { panic!("a thought") };
    assert_eq!((thought.text.as_str(), thought.format.as_deref()), ("Hm", Some("anthropic-claude-v1")));
    assert_eq!(part.signature.as_deref(), Some("sig"));
}

#[test]
fn sources_come_with_the_end_and_are_counted_in_the_whole_text() {
    let mut last = piece(json!([{"text": "c"}]), Some("STOP"));
    last["candidates"][0]["groundingMetadata"] = json!({
        "groundingChunks": [{"web": {"uri": "https://a.com", "title": "A"}}],
        "groundingSupports": [{"segment": {"startIndex": 2, "endIndex": 4, "text": "bc"}, "groundingChunkIndices": [0]}],
    });
    let (deltas, _) = read(&[framed(&[piece(json!([{"text": "éb"}]), None), last]).as_bytes()]);
    let places: Vec<_> = deltas
        .iter()
        .filter_map(|delta| match delta {
            Delta::Choice { delta: ChoiceDelta::Annotation(each), .. } => Some((each.start, each.end)),
            _ => None,
        })
        .collect();
    assert_eq!(places, [(Some(1), Some(3))]);
    let bare: Vec<Delta> = deltas.into_iter().filter_map(Delta::without_extra).collect();
    let events = events_of(&write(&bare, StreamEncoder::new(context())));
    let support =
        &events.last().expect("an event")["candidates"][0]["groundingMetadata"]["groundingSupports"][0];
    assert_eq!(support["segment"], json!({"startIndex": 2, "endIndex": 4, "text": "bc"}));
}

#[test]
fn whole_and_streamed_arguments_are_the_same_bytes() {
    let parts =
        json!([{"functionCall": {"id": "1", "name": "f", "args": {"b": 1.50, "a": [1e3, "\u{e9}"]}}}]);
    let body = piece(parts, Some("STOP"));
    let whole = decode_response(body.to_string().as_bytes()).expect("an answer");
    let streamed = collect(read(&[framed(&[body]).as_bytes()]).0);
    let arguments = |response: &Response| -> Vec<String> {
        response.choices[0].message.tool_calls().map(|call| call.arguments.clone()).collect()
    };
    assert_eq!(arguments(&whole), arguments(&streamed));
}
