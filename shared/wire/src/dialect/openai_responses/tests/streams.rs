//! Streams: the order of events, how they end, what vendors do differently.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::{asked, collect, context, events_of, framed, read, types_of, write};
use crate::Usage;
use crate::chat::{
    Annotation, ChoiceDelta, Content, Delta, FinishReason, Logprobs, Reasoning, ReasoningDelta,
    ReasoningForm, Role, Start, TokenLogprob, ToolCallDelta, ToolKind,
};
use crate::dialect::openai_responses::StreamEncoder;
use crate::dialect::{StreamEncoder as _, StreamError};
use crate::fault::{Fault, FaultKind};

fn finish(reason: FinishReason) -> Delta {
    Delta::of(0, ChoiceDelta::Finish { reason, stop_sequence: None })
}

fn head(call: u32, name: &str, kind: ToolKind) -> Delta {
    let head = ToolCallDelta {
        call,
        id: Some(format!("call_{call}")),
        name: name.to_owned(),
        kind,
        ..ToolCallDelta::default()
    };
    Delta::of(0, ChoiceDelta::ToolCall(Box::new(head)))
}

fn arguments(call: u32, text: &str) -> Delta {
    Delta::of(0, ChoiceDelta::ToolArguments { call, text: text.to_owned() })
}

fn thought(form: ReasoningForm, text: &str) -> Delta {
    let reasoning = Reasoning { text: text.to_owned(), form, ..Reasoning::default() };
    Delta::of(0, ChoiceDelta::Reasoning(Box::new(ReasoningDelta { reasoning, ..ReasoningDelta::default() })))
}

/// Everything that a stream can bring in one answer.
fn everything() -> Vec<Delta> {
    let token = TokenLogprob {
        token: "lo".to_owned(),
        logprob: 0.into(),
        bytes: None,
        top: None,
        extra: Default::default(),
    };
    let annotation =
        Annotation { kind: "url_citation".to_owned(), url: Some("u".to_owned()), ..Annotation::default() };
    vec![
        Delta::Start(Box::new(Start { id: Some("chatcmpl-1".to_owned()), ..Start::default() })),
        Delta::of(0, ChoiceDelta::Role(Role::Assistant)),
        thought(ReasoningForm::Summary, "I th"),
        thought(ReasoningForm::Summary, "ink"),
        Delta::text("Hel"),
        Delta::text("lo"),
        Delta::of(
            0,
            ChoiceDelta::Logprobs(Box::new(Logprobs { content: Some(vec![token]), ..Logprobs::default() })),
        ),
        Delta::of(0, ChoiceDelta::Annotation(Box::new(annotation))),
        head(0, "f", ToolKind::Function),
        arguments(0, "{\"a\":"),
        head(1, "g", ToolKind::Custom),
        arguments(1, "free"),
        arguments(0, "1}"),
        head(2, "h", ToolKind::Function),
        finish(FinishReason::ToolCalls),
        Delta::Usage { usage: Usage { input: 3, output: 2, ..Usage::default() }, vendor: None },
    ]
}

#[test]
fn events_come_in_the_order_of_the_format() {
    let events = events_of(&write(
        &everything(),
        asked(&json!({"model": "x", "input": "a", "tools": [{"type": "function", "name": "f"}]})),
    ));
    assert_eq!(
        types_of(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.delta",
            "output_text.annotation.added",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "output_item.added",
            "custom_tool_call_input.delta",
            "function_call_arguments.delta",
            "output_item.added",
            "function_call_arguments.done",
            "output_item.done",
            "custom_tool_call_input.done",
            "output_item.done",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "completed",
        ]
    );
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    assert_eq!(events[0]["response"]["status"], "in_progress");
    assert_eq!(events[0]["response"]["output"], json!([]));
    assert_eq!(events[0]["response"]["tools"][0]["name"], "f");
    assert_eq!(
        events[9],
        json!({"type": "response.output_item.added", "sequence_number": 9, "output_index": 1, "item":
        {"type": "message", "id": "msg_a1_1", "status": "in_progress", "role": "assistant", "content": []}})
    );
    assert_eq!(
        events[10],
        json!({"type": "response.content_part.added", "sequence_number": 10, "output_index": 1, "item_id": "msg_a1_1",
        "content_index": 0, "part": {"type": "output_text", "text": "", "annotations": [], "logprobs": []}})
    );
    assert_eq!(
        events[11],
        json!({"type": "response.output_text.delta", "sequence_number": 11, "output_index": 1, "item_id": "msg_a1_1",
        "content_index": 0, "delta": "Hel", "logprobs": []})
    );
    assert_eq!(events[13]["logprobs"][0]["token"], "lo");
    let last = &events.last().expect("an end")["response"];
    assert_eq!(last["id"], "resp_a1");
    assert_eq!(last["usage"]["total_tokens"], 5);
    let done: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.done")
        .map(|event| &event["item"])
        .collect();
    assert_eq!(last["output"].as_array().expect("items").iter().collect::<Vec<_>>(), done);
    assert_eq!(
        last["output"][2],
        json!({"type": "function_call", "id": "fc_a1_2", "call_id": "call_0", "name": "f", "arguments": "{\"a\":1}", "status": "completed"})
    );
    assert_eq!(
        last["output"][3],
        json!({"type": "custom_tool_call", "id": "ctc_a1_3", "call_id": "call_1", "name": "g", "input": "free", "status": "completed"})
    );
    assert_eq!(last["output"][4]["arguments"], "{}");
    assert_eq!(last["output"][1]["content"][0]["annotations"][0]["end_index"], 5);
}

#[test]
fn what_is_written_is_read_again_however_it_is_cut() {
    let stream = write(&everything(), context());
    let (whole, ending) = read(&[&stream]);
    assert_eq!(ending, Ok(()));
    for size in [1, 2, 7, 64] {
        let cuts: Vec<&[u8]> = stream.chunks(size).collect();
        assert_eq!(read(&cuts), (whole.clone(), Ok(())));
    }
    let response = collect(whole);
    let message = &response.choices[0].message;
    assert_eq!(message.joined_text(), "Hello");
    assert_eq!(
        message.tool_calls().map(|call| call.arguments.as_str()).collect::<Vec<_>>(),
        ["{\"a\":1}", "free", "{}"]
    );
    assert_eq!(response.choices[0].finish, Some(FinishReason::ToolCalls));
    assert_eq!(response.usage, Some(Usage { input: 3, output: 2, ..Usage::default() }));
    let cut = &stream[..stream.len() - 40];
    assert!(matches!(read(&[cut]).1, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::Cut));
}

#[test]
fn a_refusal_and_an_incomplete_answer() {
    let refusal = vec![
        Delta::of(0, ChoiceDelta::Refusal("I'm".to_owned())),
        Delta::of(0, ChoiceDelta::Refusal(" sorry".to_owned())),
        finish(FinishReason::Stop),
    ];
    let events = events_of(&write(&refusal, context()));
    assert_eq!(
        types_of(&events)[2..],
        [
            "output_item.added",
            "content_part.added",
            "refusal.delta",
            "refusal.delta",
            "refusal.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]
    );
    assert_eq!(events[6]["refusal"], "I'm sorry");
    let cut = vec![Delta::text("a"), finish(FinishReason::Length)];
    let events = events_of(&write(&cut, context()));
    let last = events.last().expect("an end");
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["incomplete_details"], json!({"reason": "max_output_tokens"}));
    assert_eq!(last["response"]["output"][0]["status"], "incomplete");
    let (deltas, ending) = read(&[&write(&cut, context())]);
    assert_eq!((ending, collect(deltas).choices[0].finish.clone()), (Ok(()), Some(FinishReason::Length)));
}

#[test]
fn an_answer_without_words_is_complete() {
    let events = events_of(&write(&[], context()));
    assert_eq!(types_of(&events), ["created", "in_progress", "completed"]);
    assert_eq!(events[2]["response"]["output"], json!([]));
}

#[test]
fn reasoning_text_and_signatures_of_another_vendor() {
    let piece = |text: &str, signature: Option<&str>| {
        let reasoning = Reasoning {
            text: text.to_owned(),
            format: Some("anthropic-claude-v1".to_owned()),
            ..Reasoning::default()
        };
        let signature = signature.map(str::to_owned);
        Delta::of(
            0,
            ChoiceDelta::Reasoning(Box::new(ReasoningDelta {
                reasoning,
                signature,
                ..ReasoningDelta::default()
            })),
        )
    };
    let end = || Delta::of(0, ChoiceDelta::PartEnd);
    let deltas = vec![
        piece("a", None),
        piece("b", None),
        piece("", Some("c2ln")),
        end(),
        piece("c", Some("c2ky")),
        end(),
        Delta::text("x"),
        finish(FinishReason::Stop),
    ];
    let events = events_of(&write(&deltas, context()));
    assert_eq!(
        types_of(&events)[2..10],
        [
            "output_item.added",
            "content_part.added",
            "reasoning_text.delta",
            "reasoning_text.delta",
            "reasoning_text.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
        ]
    );
    let output = &events.last().expect("an end")["response"]["output"];
    assert_eq!(output[0]["content"], json!([{"type": "reasoning_text", "text": "ab"}]));
    let sent_back = super::request_of(&json!({"model": "m", "input": [output[0], output[1], output[2]]}));
    let signatures: Vec<Option<&str>> =
        sent_back.messages[0].parts.iter().map(|part| part.signature.as_deref()).collect();
    assert_eq!(signatures, [Some("c2ln"), Some("c2ky"), None]);
}

#[test]
fn a_failure_is_told_and_nothing_follows() {
    let mut encoder = StreamEncoder::new(context());
    let mut out = BytesMut::new();
    encoder.delta(&Delta::text("half"), &mut out);
    encoder.fail(&Fault::new(FaultKind::Overloaded, "too busy"), &mut out);
    let events = events_of(&out);
    assert_eq!(
        types_of(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "error",
            "failed"
        ]
    );
    let error = &events[5];
    assert_eq!((&error["message"], &error["error"]["message"]), (&json!("too busy"), &json!("too busy")));
    assert_eq!((&error["code"], &error["param"]), (&json!("upstream_overloaded"), &json!(null)));
    assert_eq!(events[6]["response"]["status"], "failed");
    assert_eq!(events[6]["response"]["error"], json!({"code": "server_error", "message": "too busy"}));
    let (deltas, ending) = read(&[&out]);
    assert!(matches!(ending, Err(StreamError::Fault(fault)) if fault.message == "too busy"));
    assert_eq!(collect(deltas).choices[0].message.joined_text(), "half");
}

fn created() -> Value {
    json!({"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1", "model": "m", "created_at": 5, "output": []}})
}

fn completed(output: Value) -> Value {
    let mut event = json!({"type": "response.completed", "response": {"id": "resp_1", "object": "response", "status": "completed", "service_tier": "flex",
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}}});
    event["response"]["output"] = output;
    event
}

#[test]
fn errors_inside_a_stream_are_faults() {
    for error in [
        json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": null}),
        json!({"type": "error", "error": {"type": "tokens", "code": "rate_limit_exceeded", "message": "slow down"}}),
        json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow down"}}}),
        json!({"error": {"code": "rate_limit_exceeded", "message": "slow down"}}),
    ] {
        let ending = read(&[framed(&[created(), error.clone()]).as_bytes()]).1;
        assert!(
            matches!(&ending, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::RateLimited && fault.message == "slow down"),
            "{error}: {ending:?}"
        );
    }
    let silent = json!({"type": "response.failed", "response": {"status": "failed"}});
    assert!(matches!(read(&[framed(&[silent]).as_bytes()]).1, Err(StreamError::Fault(_))));
}

#[test]
fn what_no_event_told_is_taken_from_the_end() {
    let output = json!([
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": "gA"},
        {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hello", "annotations": [{"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 5}]}]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"}
    ]);
    let only_the_end = framed(&[created(), completed(output.clone())]);
    let mut items = vec![created()];
    for (index, item) in output.as_array().expect("items").iter().enumerate() {
        items.push(json!({"type": "response.output_item.done", "output_index": index, "item": item}));
    }
    items.push(completed(json!([])));
    let half = framed(&[
        created(),
        json!({"type": "response.output_item.done", "output_index": 0, "item": output[0]}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "id": "msg_other"}}),
        json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "item_id": "msg_another", "delta": "Hel"}),
        json!({"type": "response.an_event_to_come", "x": 1}),
        json!({"type": "response.output_item.added", "output_index": 2, "item": {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": ""}}),
        completed(output.clone()),
    ]);
    for stream in [only_the_end, framed(&items), half] {
        let (deltas, ending) = read(&[stream.as_bytes()]);
        assert_eq!(ending, Ok(()));
        let response = collect(deltas);
        let message = &response.choices[0].message;
        assert_eq!(message.joined_text(), "Hello");
        assert_eq!(message.tool_calls().map(|call| call.arguments.as_str()).collect::<Vec<_>>(), ["{}"]);
        let sealed = message.parts.iter().any(|part| {
            matches!(&part.content, Content::Reasoning(it) if it.data.as_deref() == Some("gA"))
                && part.id.as_deref() == Some("rs_1")
        });
        assert!(sealed);
        let cited = message
            .parts
            .iter()
            .filter_map(|part| match &part.content {
                Content::Text(text) => Some(text.annotations.len()),
                _ => None,
            })
            .sum::<usize>();
        assert_eq!(cited, 1);
        assert_eq!(response.service_tier.as_deref(), Some("flex"));
        assert_eq!(response.usage.map(|usage| usage.output), Some(2));
    }
}

#[test]
fn built_in_tools_are_told_as_items_with_their_events() {
    let item = json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}});
    let stream = framed(&[
        created(),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        completed(json!([])),
    ]);
    let (deltas, ending) = read(&[stream.as_bytes()]);
    assert_eq!(ending, Ok(()));
    let events = events_of(&write(&deltas, context()));
    assert_eq!(
        types_of(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "web_search_call.in_progress",
            "web_search_call.completed",
            "output_item.done",
            "completed"
        ]
    );
    assert_eq!(events[2]["item"]["status"], "in_progress");
    assert_eq!(events[6]["response"]["output"], json!([item]));
    assert_eq!(events[6]["response"]["id"], "resp_1", "an answer that OpenAI keeps has its own id");
}

#[test]
fn a_call_whose_name_comes_late_begins_when_it_is_known() {
    let deltas = vec![
        head(0, "", ToolKind::Function),
        arguments(0, "{\"a\""),
        head(0, "f", ToolKind::Function),
        arguments(0, ":1}"),
        finish(FinishReason::ToolCalls),
    ];
    let events = events_of(&write(&deltas, context()));
    assert_eq!(events[2]["item"]["name"], "f");
    assert_eq!(events.last().expect("an end")["response"]["output"][0]["arguments"], "{\"a\":1}");
}
