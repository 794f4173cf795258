//! Requests, answers and streams of the older Completions, and translations from and to chat.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    StreamDecoder, StreamEncoder, decode_request, decode_response, encode_request, encode_response,
    weigh_extra,
};
use crate::Usage;
use crate::chat::{
    CacheMark, ChoiceDelta, Content, Delta, FinishReason, Message, Part, Reasoning, Request, Response,
    ResponseFormat, Role, Source, ToolChoice, collect,
};
use crate::dialect::{
    AnswerContext, StreamEncoder as _, StreamError, Target, Weight, openai_chat, read_stream, write_stream,
};
use crate::fault::{Fault, FaultKind};

fn request_of(request: &Value) -> Request {
    decode_request(request.to_string().as_bytes()).expect("a request")
}

fn comes_back(request: &Value) {
    let encoded = encode_request(&request_of(request), &Target::model("m"));
    assert_eq!(encoded.lost, []);
    assert_eq!(serde_json::from_slice::<Value>(&encoded.body).expect("JSON"), *request);
}

fn context() -> AnswerContext {
    AnswerContext {
        id: "a1".into(),
        created: 5,
        model: "m".into(),
        include_usage: true,
        ..AnswerContext::default()
    }
}

fn read(pieces: &[&[u8]]) -> (Vec<Delta>, Result<(), StreamError>) {
    read_stream(&mut StreamDecoder::new(), pieces.iter().map(|piece| Bytes::copy_from_slice(piece)))
}

fn write(deltas: &[Delta]) -> Bytes {
    write_stream(&mut StreamEncoder::new(context()), deltas)
}

#[test]
fn every_prompt_and_field_comes_back() {
    for prompt in
        [json!("a"), json!(""), json!(["a"]), json!(["a", "b"]), json!([1, 2]), json!([[1], [2, 3]])]
    {
        comes_back(&json!({"model": "m", "prompt": prompt}));
    }
    comes_back(&json!({
        "model": "m", "prompt": "a", "suffix": "b", "echo": true, "best_of": 3, "logprobs": 2, "n": 2, "stream": true,
        "stream_options": {"include_usage": true}, "max_tokens": 0, "temperature": 1.0, "top_p": 1, "top_k": 4, "seed": 7,
        "frequency_penalty": 0.5, "presence_penalty": 0, "logit_bias": {"1": 2}, "stop": ["x"], "user": "u", "min_p": 0.1
    }));
    comes_back(
        &json!({"model": "m", "prompt": "a", "stop": null, "suffix": null, "stream_options": {}, "logprobs": 0}),
    );
}

#[test]
fn bad_requests_name_the_field() {
    for (body, path) in [
        (json!({"prompt": "a"}), "model"),
        (json!({"model": "", "prompt": "a"}), "model"),
        (json!({"model": "m"}), "prompt"),
        (json!({"model": "m", "prompt": []}), "prompt"),
        (json!({"model": "m", "prompt": ["a", 1]}), "prompt"),
        (json!({"model": "m", "prompt": {"text": "a"}}), "prompt"),
        (json!({"model": "m", "prompt": "a", "suffix": 1}), "suffix"),
        (json!({"model": "m", "prompt": "a", "echo": "yes"}), "echo"),
        (json!({"model": "m", "prompt": "a", "seed": 1.5}), "seed"),
        (json!({"model": "m", "prompt": "a", "stop": 1}), "stop"),
        (json!({"model": "m", "prompt": "a", "n": 0}), "n"),
        (json!({"model": "m", "prompt": "a", "logprobs": true}), "logprobs"),
        (json!({"model": "m", "prompt": "a", "max_tokens": -1}), "max_tokens"),
    ] {
        assert_eq!(decode_request(body.to_string().as_bytes()).expect_err("refused").path, path, "{body}");
    }
}

#[test]
fn what_only_this_format_has_is_weighed() {
    let weights = |request: Value| -> Vec<(String, Weight)> {
        weigh_extra(&request_of(&request)).into_iter().map(|loss| (loss.field, loss.weight)).collect()
    };
    let meaning = |field: &str| (field.to_owned(), Weight::Meaning);
    assert_eq!(weights(json!({"model": "m", "prompt": ["a", "b"]})), [meaning("prompt")]);
    assert_eq!(weights(json!({"model": "m", "prompt": [1]})), [meaning("prompt")]);
    assert_eq!(
        weights(json!({"model": "m", "prompt": "a", "suffix": "b", "echo": true, "best_of": 2})),
        [meaning("suffix"), meaning("echo"), ("best_of".to_owned(), Weight::Hint)]
    );
    assert_eq!(
        weights(json!({"model": "m", "prompt": ["a"], "suffix": "", "echo": false, "best_of": null})),
        []
    );
}

#[test]
fn a_prompt_is_told_to_a_chat_model_and_its_answer_back() {
    let mut request = request_of(
        &json!({"model": "x", "prompt": "Once", "max_tokens": 5, "logprobs": 2, "n": 2, "stop": "."}),
    );
    assert_eq!(request.leave_extra(), Vec::<String>::new());
    let told: Value =
        serde_json::from_slice(&openai_chat::encode_request(&request, &Target::model("m")).body)
            .expect("JSON");
    assert_eq!(
        told,
        json!({"model": "m", "messages": [{"role": "user", "content": "Once"}], "max_tokens": 5,
        "logprobs": true, "top_logprobs": 2, "n": 2, "stop": "."})
    );
    let answer = json!({"id": "chatcmpl-1", "created": 7, "model": "gpt", "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "reasoning_content": "hm", "content": " upon"},
            "logprobs": {"content": [{"token": " up", "logprob": -0.5, "bytes": null, "top_logprobs": [{"token": " up", "logprob": -0.5}, {"token": "!", "logprob": -2.0}]},
                {"token": "on", "logprob": 0, "top_logprobs": []}]}},
        {"index": 1, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": null, "refusal": "no"}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}});
    let mut response = openai_chat::decode_response(answer.to_string().as_bytes()).expect("an answer");
    response.leave_extra();
    let told: Value = serde_json::from_slice(&encode_response(&response, &context())).expect("JSON");
    assert_eq!(told["object"], "text_completion");
    assert_eq!(
        told["choices"],
        json!([
            {"index": 0, "text": " upon", "finish_reason": "stop", "logprobs": {"tokens": [" up", "on"], "token_logprobs": [-0.5, 0],
                "top_logprobs": [{" up": -0.5, "!": -2.0}, {}], "text_offset": [0, 3]}},
            {"index": 1, "text": "no", "finish_reason": "stop", "logprobs": null}
        ])
    );
    assert_eq!(told["usage"]["total_tokens"], 5);
    let without = Response { id: None, model: None, created: None, ..response };
    let told: Value = serde_json::from_slice(&encode_response(&without, &context())).expect("JSON");
    assert_eq!((&told["id"], &told["model"], &told["created"]), (&json!("cmpl-a1"), &json!("m"), &json!(5)));
}

#[test]
fn a_conversation_is_told_as_a_text_and_the_loss_is_named() {
    let part = |content| Part {
        signature: Some("s".to_owned()),
        cache: Some(CacheMark::default()),
        ..Part::new(content)
    };
    let mut request = Request::new(
        "x",
        vec![
            Message::text(Role::System, "be kind"),
            Message {
                name: Some("ann".to_owned()),
                ..Message::new(
                    Role::User,
                    vec![
                        part(Content::Text(Default::default())),
                        Part::new(Content::Video(Source::Url("u".to_owned()))),
                        Part::text("a"),
                    ],
                )
            },
            Message::new(
                Role::Assistant,
                vec![Part::new(Content::Reasoning(Reasoning::default())), Part::text("b")],
            ),
        ],
    );
    request.tools = openai_chat::decode_request(json!({"model": "m", "messages": [{"role": "user", "content": "a"}], "tools": [{"type": "function", "function": {"name": "f"}}]}).to_string().as_bytes()).expect("a request").tools;
    request.tool_choice = Some(ToolChoice::Required);
    request.response_format = Some(ResponseFormat::JsonObject);
    request.modalities = Some(vec!["audio".to_owned()]);
    request.web_search = Some(Default::default());
    request.parallel_tool_calls = Some(true);
    request.reasoning = Some(Default::default());
    request.prediction = Some(Default::default());
    request.service_tier = Some("flex".to_owned());
    request.metadata = Some(Default::default());
    request.store = Some(true);
    request.prompt_cache_key = Some("k".to_owned());
    request.verbosity = Some("low".to_owned());
    let encoded = encode_request(&request, &Target::model("m"));
    let body: Value = serde_json::from_slice(&encoded.body).expect("JSON");
    assert_eq!(
        body,
        json!({"model": "m", "prompt": "system: be kind\n\nuser: a\n\nassistant: b\n\nassistant:"})
    );
    let lost = |weight: Weight| -> Vec<&str> {
        encoded.lost.iter().filter(|loss| loss.weight == weight).map(|loss| loss.field.as_str()).collect()
    };
    assert_eq!(
        lost(Weight::Meaning),
        [
            "messages",
            "messages[1].content[1]",
            "tools",
            "tool_choice",
            "response_format",
            "modalities",
            "web_search"
        ]
    );
    assert_eq!(
        lost(Weight::Hint),
        [
            "messages[1].name",
            "messages[1].content[0].cache",
            "messages[1].content[0].signature",
            "messages[2].content[0]",
            "parallel_tool_calls",
            "reasoning",
            "prediction",
            "service_tier",
            "metadata",
            "store",
            "prompt_cache_key",
            "verbosity"
        ]
    );
}

#[test]
fn answers_come_back() {
    let whole = json!({"id": "cmpl-1", "object": "text_completion", "created": 7, "model": "m", "system_fingerprint": "fp", "choices": [
        {"index": 0, "text": "a b", "finish_reason": "length", "logprobs": {"tokens": ["a", " b"], "token_logprobs": [-0.5, -1],
            "top_logprobs": [{"a": -0.5, "c": -3}, {" b": -1}], "text_offset": [11, 12]}},
        {"index": 1, "text": "", "finish_reason": "content_filter", "logprobs": null, "stop_reason": null},
        {"index": 2, "text": "x", "finish_reason": "eos", "logprobs": {"tokens": ["x"], "token_logprobs": [null], "top_logprobs": null, "text_offset": [0]}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}});
    let response = decode_response(whole.to_string().as_bytes()).expect("an answer");
    assert_eq!(
        serde_json::from_slice::<Value>(&encode_response(&response, &context())).expect("JSON"),
        whole
    );
    let reasons: Vec<_> = response.choices.iter().filter_map(|choice| choice.finish.clone()).collect();
    assert_eq!(
        reasons,
        [FinishReason::Length, FinishReason::ContentFilter, FinishReason::Other("eos".to_owned())]
    );
    let tokens =
        response.choices[0].logprobs.as_ref().and_then(|logprobs| logprobs.content.as_ref()).expect("tokens");
    assert_eq!((tokens[0].token.as_str(), tokens[0].top.as_ref().map(Vec::len)), ("a", Some(2)));
    assert_eq!(response.usage, Some(Usage { input: 3, output: 2, ..Usage::default() }));
    for body in ["", "{}", "[]", r#"{"choices":[{"text":1}]}"#] {
        assert!(decode_response(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn every_finish_reason_has_a_word() {
    for (reason, word) in [
        (FinishReason::Stop, "stop"),
        (FinishReason::StopSequence, "stop"),
        (FinishReason::ToolCalls, "stop"),
        (FinishReason::FunctionCall, "stop"),
        (FinishReason::Pause, "stop"),
        (FinishReason::MalformedToolCall, "stop"),
        (FinishReason::Length, "length"),
        (FinishReason::ContextLength, "length"),
        (FinishReason::ContentFilter, "content_filter"),
        (FinishReason::Refusal, "content_filter"),
        (FinishReason::Recitation, "content_filter"),
        (FinishReason::Other("eos".to_owned()), "eos"),
    ] {
        assert_eq!(super::response::encode_finish(&reason), word);
    }
}

#[test]
fn streams_end_with_all_that_was_promised() {
    let chunk = |index: u32, text: &str, finish: Value| {
        let choice = json!({"index": index, "text": text, "logprobs": null, "finish_reason": finish});
        format!(
            "data: {}\n\n",
            json!({"id": "cmpl-1", "object": "text_completion", "created": 7, "model": "m", "choices": [choice]})
        )
    };
    let both = [
        chunk(0, "a", json!(null)),
        chunk(1, "b", json!(null)),
        chunk(0, "c", json!("length")),
        chunk(1, "", json!("stop")),
    ]
    .concat();
    let (deltas, ending) = read(&[both.as_bytes()]);
    assert_eq!(ending, Ok(()));
    let response = collect(deltas);
    let texts: Vec<_> = response.choices.iter().map(|choice| choice.message.joined_text()).collect();
    assert_eq!(texts, ["ac", "b"]);
    assert_eq!(response.choices[0].finish, Some(FinishReason::Length));
    assert_eq!((response.id.as_deref(), response.created), (Some("cmpl-1"), Some(7)));
    let cut = [chunk(0, "a", json!(null)), chunk(1, "b", json!("stop"))].concat();
    assert!(
        matches!(read(&[cut.as_bytes()]).1, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::Cut)
    );
    assert_eq!(read(&[format!("{cut}data: [DONE]").as_bytes()]).1, Ok(()));
    let error = format!("{cut}data: {}\n\n", json!({"error": {"message": "oh", "type": "server_error"}}));
    assert!(matches!(read(&[error.as_bytes()]).1, Err(StreamError::Fault(fault)) if fault.message == "oh"));
    assert!(
        matches!(read(&[b"data: {\"choi"]).1, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::Cut)
    );
}

#[test]
fn a_failure_is_told_in_the_stream() {
    let mut encoder = StreamEncoder::new(context());
    let mut out = BytesMut::new();
    encoder.delta(&Delta::text("half"), &mut out);
    encoder.fail(&Fault::new(FaultKind::Overloaded, "too busy"), &mut out);
    let (deltas, ending) = read(&[&out]);
    assert_eq!(collect(deltas).choices[0].message.joined_text(), "half");
    assert!(matches!(ending, Err(StreamError::Fault(fault)) if fault.message == "too busy"));
}

proptest! {
    #[test]
    fn streams_come_back_however_they_are_cut(texts in proptest::collection::vec("\\PC{1,6}|[\r\n\"]{1,3}", 1..5), cut in 1_usize..40) {
        let mut deltas: Vec<Delta> = texts.iter().map(Delta::text).collect();
        deltas.push(Delta::of(0, ChoiceDelta::Finish { reason: FinishReason::Stop, stop_sequence: None }));
        let usage = Usage { input: 3, output: 2, ..Usage::default() };
        deltas.push(Delta::Usage { usage, vendor: None });
        let stream = write(&deltas);
        let (whole, ending) = read(&[&stream]);
        prop_assert_eq!(ending, Ok(()));
        let response = collect(whole.clone());
        prop_assert_eq!(response.choices[0].message.joined_text(), texts.concat());
        prop_assert_eq!(response.usage, Some(usage));
        let cuts: Vec<&[u8]> = stream.chunks(cut).collect();
        prop_assert_eq!(read(&cuts), (whole, Ok(())));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_request(&bytes);
        let _ = decode_response(&bytes);
        let _ = read(&[&bytes]);
    }
}
