//! Tests of MLflow's and Databricks' forms.

// A JSON literal is handed over as it is written, without a reference in front of each.
#![allow(clippy::needless_pass_by_value)]

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::endpoints::{
    Endpoint, EndpointType, encode_endpoint, encode_endpoints, encode_serving_endpoint,
    encode_serving_endpoints,
};
use super::{chat, completions, decode_fault_at, encode_databricks_error, encode_error};
use crate::Usage;
use crate::chat::{
    ChoiceDelta, Delta, FinishReason, Message, OutputLimit, Request, Response, Role, Stop, collect,
};
use crate::dialect::{
    AnswerContext, ErrorBody, StreamDecoder, StreamEncoder, StreamError, Target, Weight, openai_chat,
    read_stream, write_stream,
};
use crate::fault::{Fault, FaultKind};

fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("JSON")
}

fn context() -> AnswerContext {
    AnswerContext { id: "r1".into(), created: 5, model: "mine".into(), ..AnswerContext::default() }
}

#[test]
fn chat_is_openai_s_without_the_model() {
    let body = json!({"messages": [{"role": "user", "content": "hello"}], "temperature": 0.5, "n": 1, "stop": ["END"],
        "max_tokens": 64, "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "stream": false, "custom": {"a": 1}});
    let request = chat::decode_request("my-chat", body.to_string().as_bytes()).expect("a request");
    assert_eq!(request.model, "my-chat");
    let encoded = chat::encode_request(&request, &Target::model("upstream"));
    assert_eq!(parse(&encoded.body), body);
    assert_eq!(encoded.lost, Vec::new());
}

#[test]
fn the_url_decides_the_model() {
    let body = br#"{"model": "other", "messages": [{"role": "user", "content": "hello"}]}"#;
    assert_eq!(chat::decode_request("mine", body).expect("a request").model, "mine");
    let body = br#"{"model": "other", "prompt": "hello"}"#;
    assert_eq!(completions::decode_request("mine", body).expect("a request").model, "mine");
}

#[test]
fn a_single_stop_sequence_becomes_a_list() {
    let mut request = Request::new("m", vec![Message::text(Role::User, "hello")]);
    request.stop = Some(Stop::One("END".into()));
    assert_eq!(parse(&chat::encode_request(&request, &Target::model("m")).body)["stop"], json!(["END"]));
}

#[test]
fn an_answer_has_all_that_clients_require() {
    let response = Response::text("m", "hello", Usage { input: 3, output: 1, ..Usage::default() });
    let told = parse(&chat::encode_response(&response, &context()));
    assert_eq!(told["id"], "r1");
    assert_eq!(told["created"], 5);
    assert_eq!(told["object"], "chat.completion");
    assert_eq!(told["choices"][0]["message"]["content"], "hello");
    assert_eq!(told["usage"]["total_tokens"], 4);
    let told = parse(&completions::encode_response(&response, &context()));
    assert_eq!(told["object"], "text_completion");
    assert_eq!(told["choices"], json!([{"index": 0, "finish_reason": "stop", "text": "hello"}]));
    assert_eq!((&told["created"], &told["model"]), (&json!(5), &json!("m")));
}

#[test]
fn completions_is_one_text() {
    let body =
        json!({"prompt": "Once", "temperature": 0, "max_tokens": 9, "stop": ["."], "n": 2, "new": [1]});
    let request = completions::decode_request("e", body.to_string().as_bytes()).expect("a request");
    assert_eq!(request.last_user_text().as_deref(), Some("Once"));
    assert_eq!(request.output_limit, Some(OutputLimit { tokens: 9, legacy: true }));
    let encoded = completions::encode_request(&request, &Target::model("m"));
    assert_eq!(parse(&encoded.body), body);
    assert_eq!(encoded.lost, Vec::new());
}

#[test]
fn completions_answers_come_back_as_they_were() {
    let body = json!({"id": "cmpl-1", "object": "text_completion", "created": 5, "model": "m",
        "choices": [{"text": "a", "index": 0, "finish_reason": "length"}, {"text": "", "index": 1, "finish_reason": null}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}});
    let response = completions::decode_response(body.to_string().as_bytes()).expect("an answer");
    assert_eq!(response.choices[0].finish, Some(FinishReason::Length));
    assert_eq!(response.usage.map(|usage| (usage.input, usage.output)), Some((5, 7)));
    assert_eq!(parse(&completions::encode_response(&response, &context())), body);
}

#[test]
fn a_conversation_as_a_text_is_named() {
    let body = json!({"model": "m", "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]});
    let request = openai_chat::decode_request(body.to_string().as_bytes()).expect("a request");
    let encoded = completions::encode_request(&request, &Target::model("m"));
    assert_eq!(parse(&encoded.body), json!({"prompt": "system: be brief\n\nuser: hi\n\nassistant:"}));
    assert_eq!((encoded.lost.len(), encoded.lost[0].weight), (1, Weight::Meaning));
}

#[test]
fn what_completions_cannot_say_is_named() {
    let base = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    for (field, name, value, weight) in [
        ("tools", "tools", json!([{"type": "function", "function": {"name": "f"}}]), Weight::Meaning),
        ("tool_choice", "tool_choice", json!("required"), Weight::Meaning),
        ("modalities", "modalities", json!(["audio"]), Weight::Meaning),
        ("modalities", "audio", json!({"voice": "v", "format": "mp3"}), Weight::Meaning),
        ("web_search", "web_search_options", json!({}), Weight::Meaning),
        ("response_format", "response_format", json!({"type": "grammar"}), Weight::Meaning),
        ("parallel_tool_calls", "parallel_tool_calls", json!(true), Weight::Hint),
        ("logprobs", "logprobs", json!(true), Weight::Hint),
        ("logprobs", "top_logprobs", json!(2), Weight::Hint),
        ("reasoning", "reasoning_effort", json!("low"), Weight::Hint),
        ("prediction", "prediction", json!({"type": "content", "content": "a"}), Weight::Hint),
        ("verbosity", "verbosity", json!("low"), Weight::Hint),
    ] {
        let mut body = base.clone();
        body[name] = value;
        let request = openai_chat::decode_request(body.to_string().as_bytes()).expect("a request");
        let encoded = completions::encode_request(&request, &Target::model("m"));
        let lost: Vec<_> = encoded.lost.iter().map(|loss| (loss.field.as_str(), loss.weight)).collect();
        assert_eq!(lost, [(field, weight)], "{name}");
        assert_eq!(parse(&encoded.body), json!({"prompt": "hi"}), "{name}");
    }
    for part in [
        json!({"type": "image_url", "image_url": {"url": "https://a.com/i.png"}}),
        json!({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}),
    ] {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}, part]}]});
        let request = openai_chat::decode_request(body.to_string().as_bytes()).expect("a request");
        let encoded = completions::encode_request(&request, &Target::model("m"));
        assert_eq!(encoded.lost[0].field, "messages[0].content[1]");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let chat = |body: Value| {
        chat::decode_request("m", body.to_string().as_bytes()).expect_err("refused").to_string()
    };
    assert_eq!(chat(json!({})), "messages: required: an array of at least one message");
    assert_eq!(
        chat(json!({"messages": []})),
        "messages: expected at least one message, found an empty array"
    );
    let text = |body: Value| {
        completions::decode_request("m", body.to_string().as_bytes()).expect_err("refused").to_string()
    };
    assert_eq!(text(json!({})), "prompt: required: a string");
    assert_eq!(text(json!({"prompt": ["a"]})), "prompt: expected a string, found an array");
    assert_eq!(
        text(json!({"prompt": "a", "max_tokens": "x"})),
        "max_tokens: expected a whole number, found a string"
    );
    assert_eq!(
        text(json!({"prompt": "a", "messages": []})),
        "messages: this endpoint takes `prompt`; send `messages` to an endpoint of type llm/v1/chat"
    );
}

fn read(decoder: &mut dyn StreamDecoder, pieces: &[&[u8]]) -> (Vec<Delta>, Result<(), StreamError>) {
    read_stream(decoder, pieces.iter().map(|piece| Bytes::copy_from_slice(piece)))
}

const EVENTS: &str = concat!(
    "data: {\"id\":\"c\",\"object\":\"text_completion_chunk\",\"created\":5,\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":\"Once \",\"finish_reason\":null}]}\n\n",
    ": ping\n\n",
    "data: {\"id\":\"c\",\"object\":\"text_completion_chunk\",\"created\":5,\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":\"more\",\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3,\"total_tokens\":5}}\n\n",
    "data: [DONE]\n\n",
);

#[test]
fn a_stream_of_completions_is_read_however_it_is_cut() {
    let (whole, ending) = read(&mut completions::StreamDecoder::new(), &[EVENTS.as_bytes()]);
    assert_eq!(ending, Ok(()));
    let response = collect(whole.clone());
    assert_eq!(response.choices[0].message.joined_text(), "Once more");
    assert_eq!(response.choices[0].finish, Some(FinishReason::Stop));
    assert_eq!(response.usage.map(|usage| (usage.input, usage.output)), Some((2, 3)));
    for at in 0..EVENTS.len() {
        let (head, tail) = EVENTS.as_bytes().split_at(at);
        let cut = read(&mut completions::StreamDecoder::new(), &[head, tail]);
        assert_eq!(cut, (whole.clone(), Ok(())), "cut at {at}");
    }
}

#[test]
fn a_stream_without_its_end_is_cut_and_an_error_in_it_is_told() {
    let half = &EVENTS[..EVENTS.find(": ping").expect("a comment")];
    let (_, ending) = read(&mut completions::StreamDecoder::new(), &[half.as_bytes()]);
    let Err(StreamError::Fault(fault)) = ending else { panic!("a stream without its end: {ending:?}") };
    assert_eq!(fault.kind, FaultKind::Cut);
    // The last blank line may be missing; half an event is a cut.
    let (deltas, ending) = read(&mut completions::StreamDecoder::new(), &[EVENTS.trim_end().as_bytes()]);
    assert_eq!((collect(deltas).choices[0].message.joined_text().as_ref(), ending), ("Once more", Ok(())));
    let broken = &EVENTS[..half.len() + 40];
    let (_, ending) = read(&mut completions::StreamDecoder::new(), &[broken.as_bytes()]);
    assert!(matches!(ending, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::Cut));
    let failed = format!("{half}data: {{\"error\":{{\"message\":\"overloaded\",\"code\":503}}}}\n\n");
    let (_, ending) = read(&mut completions::StreamDecoder::new(), &[failed.as_bytes()]);
    let Err(StreamError::Fault(fault)) = ending else { panic!("an error in the stream: {ending:?}") };
    assert_eq!(fault.kind, FaultKind::Overloaded);
}

#[test]
fn streams_are_written_to_their_end() {
    let usage = Usage { input: 2, output: 3, ..Usage::default() };
    let deltas = [
        Delta::text("Once "),
        Delta::text("more"),
        Delta::of(0, ChoiceDelta::Finish { reason: FinishReason::ToolCalls, stop_sequence: None }),
        Delta::Usage { usage, vendor: None },
    ];
    let context = AnswerContext { include_usage: true, ..context() };
    let out = write_stream(&mut completions::StreamEncoder::new(context.clone()), &deltas);
    assert!(out.ends_with(b"data: [DONE]\n\n"));
    let first = out.as_ref().split(|byte: &u8| *byte == b'\n').next().expect("a line");
    assert_eq!(
        parse(&first["data: ".len()..]),
        json!({"id": "r1", "object": "text_completion_chunk", "created": 5,
        "model": "mine", "choices": [{"index": 0, "text": "Once ", "finish_reason": null}]})
    );
    let (heard, ending) = read(&mut completions::StreamDecoder::new(), &[&out]);
    assert_eq!(ending, Ok(()));
    let response = collect(heard);
    assert_eq!(response.choices[0].finish, Some(FinishReason::Stop));
    assert_eq!(response.usage, Some(usage));

    let out = write_stream(&mut chat::StreamEncoder::new(context), &deltas);
    let (heard, ending) = read(&mut chat::StreamDecoder::new(), &[&out]);
    assert_eq!(ending, Ok(()));
    assert_eq!(collect(heard).choices[0].message.joined_text(), "Once more");
    let mut out = BytesMut::new();
    completions::StreamEncoder::new(self::context()).fail(&Fault::new(FaultKind::Timeout, "late"), &mut out);
    assert!(out.starts_with(b"data: {\"error\""));
}

#[test]
fn endpoints_are_told_as_clients_require() {
    let endpoint =
        Endpoint { name: "chat", kind: EndpointType::Chat, model: "gpt-4o-mini", provider: "openai" };
    let wanted = json!({"name": "chat", "endpoint_type": "llm/v1/chat",
        "model": {"name": "gpt-4o-mini", "provider": "openai"}, "endpoint_url": "/gateway/chat/invocations", "limit": null});
    assert_eq!(parse(&encode_endpoint(&endpoint)), wanted);
    assert_eq!(
        parse(&encode_endpoints([endpoint], None)),
        json!({"endpoints": [wanted.clone()], "next_page_token": null})
    );
    assert_eq!(parse(&encode_endpoints([], Some("2"))), json!({"endpoints": [], "next_page_token": "2"}));
    let serving = parse(&encode_serving_endpoint(&endpoint));
    assert_eq!(
        (&serving["name"], &serving["task"], &serving["state"]["ready"]),
        (&json!("chat"), &json!("llm/v1/chat"), &json!("READY"))
    );
    assert_eq!(parse(&encode_serving_endpoints([endpoint])), json!({"endpoints": [serving]}));
    for kind in [EndpointType::Chat, EndpointType::Completions, EndpointType::Embeddings] {
        assert_eq!(EndpointType::from_word(kind.as_str()), Some(kind));
    }
    assert_eq!(EndpointType::from_word("llm/v2/tasks"), None);
}

#[test]
fn errors_of_both_are_read_and_written() {
    let of =
        |status, body: Value| decode_fault_at(status, &HeaderMap::new(), body.to_string().as_bytes(), None);
    let fault = of(422, json!({"detail": [{"loc": ["body", "messages"], "msg": "field required"}]}));
    assert_eq!(
        (fault.kind, fault.message.as_str()),
        (FaultKind::InvalidRequest, "body.messages: field required")
    );
    assert_eq!(of(404, json!({"detail": "no such endpoint"})).kind, FaultKind::NotFound);
    for (status, word, kind) in [
        (429, "REQUEST_LIMIT_EXCEEDED", FaultKind::RateLimited),
        (400, "RESOURCE_DOES_NOT_EXIST", FaultKind::NotFound),
        (400, "BAD_REQUEST", FaultKind::InvalidRequest),
        (403, "PERMISSION_DENIED", FaultKind::Permission),
        (400, "UNAUTHENTICATED", FaultKind::Authentication),
        (500, "TEMPORARILY_UNAVAILABLE", FaultKind::Overloaded),
        (500, "INTERNAL_ERROR", FaultKind::ServerError),
    ] {
        let fault = of(status, json!({"error_code": word, "message": "about my-secret-workspace"}));
        assert_eq!(fault.kind, kind, "{word}");
        let about_account = matches!(kind, FaultKind::Permission | FaultKind::Authentication);
        assert_eq!(fault.message.contains("my-secret-workspace"), !about_account, "{word}");
        assert_eq!(fault.code.is_some(), !about_account, "{word}");
    }
    assert_eq!(
        of(400, json!({"error_code": "BAD_REQUEST", "message": "prompt is too long"})).kind,
        FaultKind::ContextTooLong
    );
    let error = ErrorBody { status: 404, message: "no such endpoint", ..ErrorBody::default() };
    assert_eq!(parse(&encode_error(&error)), json!({"detail": "no such endpoint"}));
    let told = parse(&encode_databricks_error(&error));
    assert_eq!(told, json!({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such endpoint"}));
}

proptest! {
    #[test]
    fn completions_requests_come_back(prompt in "\\PC{1,12}", n in 1..4_u64, stop in proptest::option::of("[a-z]{1,3}")) {
        let mut request = Request::new("m", vec![Message { shape: crate::chat::Shape::Text, ..Message::text(Role::User, prompt) }]);
        request.n = Some(n);
        request.stop = stop.map(|stop| Stop::Many(vec![stop]));
        let encoded = completions::encode_request(&request, &Target::model("m"));
        let mut again = completions::decode_request("m", &encoded.body).expect("what was written can be read");
        prop_assert_eq!(again.leave_extra(), Vec::<String>::new());
        request.leave_extra();
        prop_assert_eq!(again, request);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = chat::decode_request("m", &bytes);
        let _ = completions::decode_request("m", &bytes);
        let _ = completions::decode_response(&bytes);
        let _ = read(&mut completions::StreamDecoder::new(), &[&bytes]);
        let _ = decode_fault_at(400, &HeaderMap::new(), &bytes, None);
    }
}
