//! What is read from particular bodies, and that it is written as it was.

use serde_json::{Value, json};

use crate::chat::{
    CacheLife, Content, Definition, Effort, FinishReason, Message, Part, ReasoningForm, ReasoningSpelling,
    Request, Response, Role, Shape, Source, Stop, ToolChoice, ToolKind, ToolResult,
};
use crate::dialect::openai_chat::{decode_request, decode_response, encode_request, encode_response};
use crate::dialect::{Target, Weight};
use crate::{Dialect, Usage};

fn request(body: Value) -> Request {
    let request = decode_request(body.to_string().as_bytes()).expect("a request");
    let encoded = encode_request(&request, &Target::model(&request.model));
    assert_eq!(serde_json::from_slice::<Value>(&encoded.body).expect("JSON"), body, "written as it was read");
    assert_eq!(encoded.lost, Vec::new());
    request
}

fn of_messages(messages: Value) -> Vec<Message> {
    request(json!({"model": "m", "messages": messages})).messages
}

fn response(body: Value) -> Response {
    let response = decode_response(body.to_string().as_bytes()).expect("an answer");
    assert_eq!(serde_json::from_slice::<Value>(&encode_response(&response)).expect("JSON"), body);
    response
}

fn of_answer(message: Value) -> Message {
    let body = json!({"object": "chat.completion", "choices": [{"index": 0, "message": message}]});
    response(body).choices.remove(0).message
}

fn refusal_of(body: Value) -> String {
    decode_request(body.to_string().as_bytes()).expect_err("refused").to_string()
}

#[test]
fn content_keeps_its_shape() {
    let messages = of_messages(json!([
        {"role": "user", "content": "hi"},
        {"role": "user", "content": ""},
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": null},
        {"role": "assistant"},
        {"role": "assistant", "content": []},
    ]));
    let shapes: Vec<Shape> = messages.iter().map(|message| message.shape).collect();
    assert_eq!(shapes, [Shape::Text, Shape::Text, Shape::Parts, Shape::Null, Shape::Absent, Shape::Parts]);
    assert_eq!(messages[0].joined_text(), "hi");
    assert!(messages[1].parts.is_empty());
}

#[test]
fn media_are_told_apart() {
    let messages = of_messages(json!([{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "hologram", "depth": 3},
    ]}]));
    let content: Vec<&Content> = messages[0].parts.iter().map(|part| &part.content).collect();
    let base64 =
        |media_type: &str| Source::Base64 { media_type: Some(media_type.into()), data: "AAAA".into() };
    assert!(
        matches!(content[0], Content::Image(image) if image.source == Source::Url("https://example.com/a.png".into()))
    );
    assert!(matches!(content[1], Content::Image(image) if image.source == base64("image/png")));
    assert!(matches!(content[2], Content::Audio(audio) if audio.format.as_deref() == Some("wav")));
    assert!(matches!(content[3], Content::File(file) if file.source == base64("application/pdf")));
    assert!(matches!(content[4], Content::File(file) if file.source == Source::FileId("file-1".into())));
    assert_eq!(content[5], &Content::Other("hologram".into()));
}

#[test]
fn tool_calls_keep_their_arguments_byte_for_byte() {
    let broken = "{\"a\": 1.0,\n \"b\":";
    let messages = of_messages(json!([
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": broken}},
            {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": ""}},
            {"id": "call_3", "type": "custom", "custom": {"name": "h", "input": "free text"}},
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": "42"},
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "43"}]},
    ]));
    let calls: Vec<_> = messages[0].tool_calls().collect();
    assert_eq!(
        calls.iter().map(|call| call.arguments.as_str()).collect::<Vec<_>>(),
        [broken, "", "free text"]
    );
    assert_eq!(calls[2].kind, ToolKind::Custom);
    assert!(matches!(&messages[2].parts[0].content, Content::ToolResult(result)
        if result.call_id.as_deref() == Some("call_2") && result.shape == Shape::Parts));
}

#[test]
fn deprecated_functions_are_tools() {
    let request = request(json!({
        "model": "m",
        "messages": [
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
        ],
        "functions": [{"name": "f", "parameters": {"type": "object"}}],
        "function_call": {"name": "f"},
    }));
    assert!(request.legacy_functions);
    assert!(matches!(&request.tools[0].definition, Definition::Function(function) if function.name == "f"));
    assert_eq!(request.tool_choice, Some(ToolChoice::Function("f".into())));
    assert_eq!(
        request.messages[0].tool_calls().next().map(|call| call.kind.clone()),
        Some(ToolKind::LegacyFunction)
    );
    assert_eq!(request.messages[1].role, Role::Function);
}

#[test]
fn parameters_are_read() {
    let request = request(json!({
        "model": "m",
        "messages": [{"role": "developer", "content": "be brief"}, {"role": "user", "name": "Ada", "content": "hi"}],
        "tools": [
            {"type": "function", "function": {"name": "f", "strict": true}, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}},
            {"type": "web_search", "max_uses": 3},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": false,
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": true}},
        "temperature": 1, "top_p": 0.1, "top_k": 5, "frequency_penalty": -0.5, "presence_penalty": 2, "seed": -7,
        "logit_bias": {"50256": -100}, "stop": ["a", "b"], "n": 2, "max_completion_tokens": 10, "max_tokens": 9,
        "logprobs": true, "top_logprobs": 3, "reasoning_effort": "xhigh", "modalities": ["text", "audio"],
        "audio": {"voice": {"id": "v"}, "format": "wav"}, "prediction": {"type": "content", "content": "abc"},
        "service_tier": "flex", "user": "u", "metadata": {"k": "v"}, "store": true, "prompt_cache_key": "p",
        "verbosity": "low", "stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false},
        "web_search_options": {"search_context_size": "low", "user_location":
            {"type": "approximate", "approximate": {"city": "Bern", "country": "CH"}}},
        "safety_identifier": null, "provider": {"only": ["x"]},
    }));
    assert_eq!(request.instructions().count(), 1);
    assert_eq!(request.last_user_text().as_deref(), Some("hi"));
    assert!(request.is_streamed());
    assert_eq!(request.include_usage, Some(true));
    assert_eq!(request.stop.as_ref().map(|stop| stop.as_slice().len()), Some(2));
    assert_eq!(request.output_limit.map(|limit| (limit.tokens, limit.legacy)), Some((10, false)));
    assert_eq!(request.reasoning.and_then(|reasoning| reasoning.effort), Some(Effort::ExtraHigh));
    assert_eq!(request.tools[0].cache.map(|mark| mark.life), Some(CacheLife::OneHour));
    assert_eq!(request.tools[2].definition, Definition::BuiltIn("web_search".into()));
    assert_eq!(
        request.web_search.and_then(|search| search.location).and_then(|place| place.city).as_deref(),
        Some("Bern")
    );
    assert_eq!(request.sampling.seed, Some((-7).into()));
    assert_eq!(request.extra.get("provider"), Some(&json!({"only": ["x"]})));
    assert_eq!(request.extra.get("safety_identifier"), Some(&Value::Null));
}

#[test]
fn one_stop_sequence_stays_a_string() {
    let request =
        request(json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "stop": "END"}));
    assert_eq!(request.stop, Some(Stop::One("END".into())));
}

#[test]
fn wrong_requests_are_refused_by_the_name_of_the_field() {
    let message = |message: Value| refusal_of(json!({"model": "m", "messages": [message]}));
    let with = |name: &str, value: Value| {
        refusal_of(json!({"model": "m", "messages": [{"role": "user", "content": "x"}], name: value}))
    };
    assert_eq!(refusal_of(json!({"messages": []})), "model: required: a string");
    assert_eq!(refusal_of(json!({"model": "m"})), "messages: required: an array of at least one message");
    assert_eq!(
        refusal_of(json!({"model": "m", "messages": []})),
        "messages: expected at least one message, found an empty array"
    );
    assert!(message(json!({"content": "x"})).starts_with("messages[0].role: required"));
    assert!(
        message(json!({"role": "user", "content": {"a": 1}})).starts_with("messages[0].content: expected")
    );
    assert!(
        message(json!({"role": "user", "content": [{"text": "x"}]}))
            .starts_with("messages[0].content[0].type")
    );
    assert!(
        message(json!({"role": "user", "content": [{"type": "image_url"}]}))
            .starts_with("messages[0].content[0].image_url")
    );
    assert!(
        message(json!({"role": "tool", "content": "x"})).starts_with("messages[0].tool_call_id: required")
    );
    let call = json!({"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"arguments": "{}"}}]});
    assert_eq!(message(call), "messages[0].tool_calls[0].function.name: required: a string");
    let call = json!({"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}]});
    assert_eq!(
        message(call),
        "messages[0].tool_calls[0].function.arguments: expected a string, found an object"
    );
    assert_eq!(with("temperature", json!("hot")), "temperature: expected a number, found a string");
    assert_eq!(with("n", json!(0)), "n: expected at least 1");
    assert_eq!(with("max_tokens", json!(1.5)), "max_tokens: expected a whole number, not negative");
    assert_eq!(with("stop", json!(["a", 1])), "stop[1]: expected a string, found a number");
    assert_eq!(
        with("tools", json!([{"type": "function"}])),
        "tools[0].function: required: an object with `name`"
    );
    assert!(with("tool_choice", json!(1)).starts_with("tool_choice: expected"));
}

#[test]
fn bodies_that_are_no_object_are_refused() {
    for body in ["", "[]", "nonsense", "{\"model\":", "\"text\""] {
        assert!(decode_request(body.as_bytes()).is_err(), "{body}");
        assert!(decode_response(body.as_bytes()).is_err(), "{body}");
    }
    let deep = format!("{{\"model\":\"m\",\"messages\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(decode_request(deep.as_bytes()).is_err());
}

#[test]
fn reasoning_is_found_in_the_fields_that_vendors_use() {
    let plain = of_answer(json!({"role": "assistant", "content": "4", "reasoning_content": "2+2"}));
    assert!(matches!(&plain.parts[0].content, Content::Reasoning(said)
        if said.text == "2+2" && said.spelling == ReasoningSpelling::ReasoningContent));
    let detailed =
        of_answer(json!({"role": "assistant", "content": "4", "reasoning": "2+2", "reasoning_details": [
            {"type": "reasoning.text", "text": "2+2", "signature": "sig", "format": "f", "index": 0},
            {"type": "reasoning.encrypted", "data": "opaque", "id": "rs_1", "index": 1},
        ]}));
    assert_eq!(detailed.parts[0].signature.as_deref(), Some("sig"));
    assert!(matches!(&detailed.parts[1].content, Content::Reasoning(said)
        if said.form == ReasoningForm::Opaque && said.data.as_deref() == Some("opaque")));
    assert_eq!(detailed.parts.len(), 3, "the plain text is not taken twice");
    let listed = of_answer(json!({"role": "assistant", "content": [
        {"type": "thinking", "thinking": [{"type": "text", "text": "2+2"}]}, {"type": "text", "text": "4"},
    ]}));
    assert!(
        matches!(&listed.parts[0].content, Content::Reasoning(said) if said.spelling == ReasoningSpelling::Thinking)
    );
    let tagged = of_answer(json!({"role": "assistant", "content": "<think>2+2</think>4"}));
    assert_eq!(tagged.joined_text(), "<think>2+2</think>4");
}

#[test]
fn answers_are_read() {
    let response = response(json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_750_000_000, "model": "gpt",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "See it.", "refusal": null,
                "annotations": [{"type": "url_citation", "url_citation": {"url": "https://e.com", "title": "E", "start_index": 0, "end_index": 3}}]},
                "logprobs": {"content": [{"token": "S", "logprob": -0.5, "bytes": [83], "top_logprobs": []}], "refusal": null},
                "content_filter_results": {"hate": {"filtered": false}}},
            {"index": 1, "finish_reason": "eos", "message": {"role": "assistant", "content": null, "refusal": "No.",
                "audio": {"id": "audio_1", "data": "AA", "transcript": "hm", "expires_at": 5}}},
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13, "cost": 0.5,
            "prompt_tokens_details": {"cached_tokens": 4}},
        "service_tier": "default", "system_fingerprint": "fp", "citations": ["https://e.com"],
    }));
    assert_eq!(response.usage, Some(Usage { input: 6, cache_read: 4, output: 3, ..Usage::default() }));
    let [first, second] = response.choices.as_slice() else { panic!("two choices") };
    assert_eq!(first.finish, Some(FinishReason::Stop));
    assert!(matches!(&first.message.parts[0].content, Content::Text(text)
        if text.annotations[0].url.as_deref() == Some("https://e.com") && text.annotations[0].end == Some(3)));
    assert_eq!(second.finish, Some(FinishReason::Other("eos".into())));
    assert!(matches!(&second.message.parts[0].content, Content::Refusal(text) if text == "No."));
    assert!(
        matches!(&second.message.parts[1].content, Content::Audio(audio) if audio.id.as_deref() == Some("audio_1"))
    );
}

#[test]
fn a_thought_signature_of_gemini_is_found_and_comes_back() {
    let message = of_answer(json!({"role": "assistant", "tool_calls": [{"id": "", "type": "function",
        "function": {"name": "f", "arguments": "{}"}, "extra_content": {"google": {"thought_signature": "sig"}}}]}));
    assert_eq!(message.parts[0].signature.as_deref(), Some("sig"));
    assert_eq!(message.tool_calls().next().and_then(|call| call.id.as_deref()), Some(""));
}

#[test]
fn usage_of_another_format_is_written_in_full() {
    let usage = Usage {
        input: 1,
        cache_read: 2,
        cache_write: 3,
        cache_write_1h: 4,
        input_audio: 5,
        output: 6,
        output_audio: 7,
        reasoning: 2,
        ..Usage::default()
    };
    let body = encode_response(&Response::text("m", "hi", usage));
    let value: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(value["usage"]["prompt_tokens"], 15);
    assert_eq!(value["usage"]["completion_tokens"], 13);
    assert_eq!(value["usage"]["total_tokens"], 28);
    assert_eq!(value["choices"][0]["message"], json!({"role": "assistant", "content": "hi"}));
    let mut again = decode_response(&body).expect("an answer");
    again.count(Usage::default());
    assert!(!again.extra.contains_key("usage"));
}

#[test]
fn tool_results_inside_a_user_message_become_messages_before_it() {
    let result = |id: &str, is_error| {
        Part::new(Content::ToolResult(ToolResult {
            call_id: Some(id.into()),
            parts: vec![Part::text("1")],
            is_error,
            ..ToolResult::default()
        }))
    };
    let parts = vec![result("a", false), Part::text("and now?"), result("b", true)];
    let request = Request::new("m", vec![Message::new(Role::User, parts)]);
    let encoded = Dialect::OpenAiChat.encode_request(&request, &Target::model(&request.model));
    let value: Value = serde_json::from_slice(&encoded.body).expect("JSON");
    assert_eq!(
        value["messages"],
        json!([
            {"role": "tool", "tool_call_id": "a", "content": "1"},
            {"role": "tool", "tool_call_id": "b", "content": "1"},
            {"role": "user", "content": "and now?"},
        ])
    );
    let lost: Vec<_> = encoded.lost.iter().map(|loss| (loss.field.as_str(), loss.weight)).collect();
    assert_eq!(lost, [("messages[0].tool_result.is_error", Weight::Hint)]);
}

#[test]
fn what_the_format_cannot_say_is_named() {
    let image = crate::chat::Image { source: Source::FileId("file-1".into()), detail: None };
    let request = Request::new("m", vec![Message::new(Role::User, vec![Part::new(Content::Image(image))])]);
    let lost = encode_request(&request, &Target::model("m")).lost;
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].field.as_str(), lost[0].weight), ("messages[0].content[0]", Weight::Meaning));
}
