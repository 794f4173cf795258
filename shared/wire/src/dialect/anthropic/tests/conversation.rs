//! Conversations, from and to OpenAI Chat Completions.

use serde_json::{Value, json};

use super::{NEWER, NEWEST, OLDER, fields_lost, from_openai, parse, through};
use crate::chat::Request;
use crate::dialect::anthropic::decode_request;
use crate::dialect::{Target, Weight, carried, openai_chat};

/// The messages of a request to Anthropic, and the system prompt.
fn told(messages: &Value, model: &str) -> (Value, Value) {
    let encoded = from_openai(&json!({"model": "m", "messages": messages}), model);
    assert_eq!(encoded.lost, []);
    let body = parse(&encoded.body);
    (body["system"].clone(), body["messages"].clone())
}

fn to_openai(request: &Value) -> Value {
    let request = decode_request(request.to_string().as_bytes()).expect("a request");
    parse(&openai_chat::encode_request(&request, &Target::model("gpt")).body)
}

#[test]
fn instructions_become_the_system_prompt() {
    let one = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]);
    assert_eq!(told(&one, OLDER), (json!("Be brief."), json!([{"role": "user", "content": "hello"}])));
    let two = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        {"role": "user", "content": "hello"},
    ]);
    let blocks = json!([{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]);
    assert_eq!(told(&two, OLDER).0, blocks);
}

#[test]
fn later_instructions_stay_in_their_place_where_the_model_takes_them() {
    let messages = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hello"},
        {"role": "system", "content": "Now be long."},
    ]);
    let (system, later) = told(&messages, "claude-opus-4-8");
    assert_eq!(system, "Be brief.");
    let expected =
        json!([{"role": "user", "content": "hello"}, {"role": "system", "content": "Now be long."}]);
    assert_eq!(later, expected);
    let encoded = from_openai(&json!({"model": "m", "messages": messages}), OLDER);
    let expected = json!([{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Now be long."}]);
    assert_eq!(parse(&encoded.body)["system"], expected);
    assert_eq!(encoded.lowered, ["output_limit", "messages[2]"]);
}

#[test]
fn results_of_parallel_calls_stand_in_one_message() {
    let messages = json!([
        {"role": "user", "content": "the weather?"},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "functions.weather:0", "type": "function", "function": {"name": "weather", "arguments": "{\"at\": \"Bonn\"}"}},
            {"id": "call_2", "type": "function", "function": {"name": "time", "arguments": ""}},
        ]},
        {"role": "tool", "tool_call_id": "functions.weather:0", "content": "rain"},
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "noon"}]},
        {"role": "user", "content": "and tomorrow?"},
    ]);
    let expected = json!([
        {"role": "user", "content": "the weather?"},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "functions_weather_0", "name": "weather", "input": {"at": "Bonn"}},
            {"type": "tool_use", "id": "call_2", "name": "time", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "functions_weather_0", "content": "rain"},
            {"type": "tool_result", "tool_use_id": "call_2", "content": [{"type": "text", "text": "noon"}]},
            {"type": "text", "text": "and tomorrow?"},
        ]},
    ]);
    assert_eq!(told(&messages, OLDER).1, expected);
}

#[test]
fn functions_of_old_get_ids_from_their_places() {
    let messages = json!([
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "done"},
    ]);
    let (_, messages) = told(&messages, OLDER);
    assert_eq!(messages[1]["content"][0]["id"], "call_1_0");
    assert_eq!(messages[2]["content"][0]["tool_use_id"], "call_1_0");
}

#[test]
fn arguments_that_are_no_object_are_wrapped_and_named() {
    let messages = json!([
        {"role": "user", "content": "hello"},
        {"role": "assistant", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"broken\": "}},
        ]},
    ]);
    let encoded = from_openai(&json!({"model": "m", "max_tokens": 5, "messages": messages}), OLDER);
    let input = parse(&encoded.body)["messages"][1]["content"][0]["input"].clone();
    assert_eq!(input, json!({"INVALID_JSON": "{\"broken\": "}));
    assert_eq!(encoded.lowered, ["messages[1].content[0].arguments"]);
}

#[test]
fn results_go_to_other_formats_with_what_they_hold() {
    let request = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1.50}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "a", "is_error": true, "content": "no such file"},
            {"type": "text", "text": "try again"},
        ]},
    ]});
    let messages = to_openai(&request)["messages"].clone();
    assert_eq!(messages[1]["tool_calls"][0]["function"], json!({"name": "f", "arguments": "{\"x\":1.5}"}));
    assert_eq!(messages[2], json!({"role": "tool", "tool_call_id": "a", "content": "no such file"}));
    assert_eq!(messages[3]["content"], json!([{"type": "text", "text": "try again"}]));
}

#[test]
fn images_and_documents_are_said_in_either_way() {
    let pictures = json!([{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,/9j/AA=="}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "auto"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_data": "JVBERi0="}},
        {"type": "file", "file": {"file_data": "data:text/csv;base64,YSxi", "filename": "t.csv"}},
        {"type": "file", "file": {"file_data": "data:image/png;base64,iVBORw0KGgo="}},
        {"type": "file", "file": {"file_id": "file_1"}},
    ]}]);
    let pdf = json!({"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="});
    let expected = json!([
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/AA=="}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "document", "source": pdf, "title": "a.pdf"},
        {"type": "document", "source": pdf},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a,b"}, "title": "t.csv"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
    ]);
    assert_eq!(told(&pictures, OLDER).1[0]["content"], expected);
    let back = to_openai(&json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
        {"type": "document", "title": "a", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
    ]}]}));
    let expected = json!([
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "file", "file": {"file_data": "https://example.com/a.pdf", "filename": "a"}},
    ]);
    assert_eq!(back["messages"][0]["content"], expected);
}

#[test]
fn what_cannot_be_shown_is_refused() {
    let content = json!([
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
        {"type": "image_url", "image_url": {"url": "data:,AA", "detail": "high"}},
        {"type": "file", "file": {"file_data": "AA=="}},
        {"type": "file", "file": {"file_data": "data:text/plain;base64,!!"}},
        {"type": "text", "text": "hello"},
    ]);
    let encoded = from_openai(
        &json!({"model": "m", "messages": [{"role": "user", "name": "Ann", "content": content}]}),
        OLDER,
    );
    let at = |place: usize| format!("messages[0].content[{place}]");
    let expected = [
        ("messages[0].name".to_owned(), Weight::Hint),
        (at(0), Weight::Meaning),
        (at(1), Weight::Meaning),
        (format!("{}.detail", at(2)), Weight::Hint),
        (at(2), Weight::Meaning),
        (at(3), Weight::Meaning),
        (at(4), Weight::Meaning),
    ];
    let lost: Vec<_> = encoded.lost.iter().map(|loss| (loss.field.clone(), loss.weight)).collect();
    assert_eq!(lost, expected);
    let said = &parse(&encoded.body)["messages"][0]["content"];
    assert_eq!(*said, json!([{"type": "text", "text": "hello"}]));
}

#[test]
fn reasoning_goes_back_to_its_own_vendor_only() {
    let details = |format: &str| {
        json!([{"role": "user", "content": "hello"}, {"role": "assistant", "content": "so",
        "reasoning_details": [
            {"type": "reasoning.text", "text": "hm", "signature": "sig", "format": format},
            {"type": "reasoning.encrypted", "data": "sealed", "format": format},
        ]}])
    };
    let (_, messages) = told(&details("anthropic-claude-v1"), OLDER);
    let expected = json!([
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "sealed"},
        {"type": "text", "text": "so"},
    ]);
    assert_eq!(messages[1]["content"], expected);
    let encoded = from_openai(&json!({"model": "m", "messages": details("openai-responses-v1")}), OLDER);
    assert_eq!(fields_lost(&encoded), ["messages[1].content[0]", "messages[1].content[1]"]);
    assert!(encoded.lost.iter().all(|loss| loss.weight == Weight::Hint));
}

#[test]
fn a_signature_that_was_told_apart_from_its_text_finds_it_again() {
    let messages = json!([{"role": "user", "content": "hello"}, {"role": "assistant", "content": "so",
        "reasoning_content": "hm",
        "reasoning_details": [{"type": "reasoning.text", "signature": "sig", "format": "anthropic-claude-v1"}]}]);
    let (_, messages) = told(&messages, OLDER);
    let thinking = json!({"type": "thinking", "thinking": "hm", "signature": "sig"});
    assert_eq!(messages[1]["content"], json!([thinking, {"type": "text", "text": "so"}]));
}

#[test]
fn signatures_of_others_are_carried_in_ids_and_opened() {
    let id = carried::seal("call_1", Some("c2ln"));
    let request = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "done"}]},
    ]});
    let read = decode_request(request.to_string().as_bytes()).expect("a request");
    assert_eq!(read.messages[1].parts[0].signature.as_deref(), Some("c2ln"));
    let encoded = through(&request);
    let body = parse(&encoded.body);
    assert_eq!(body["messages"][1]["content"][0]["id"], "call_1");
    assert_eq!(body["messages"][2]["content"][0]["tool_use_id"], "call_1");
    assert_eq!(fields_lost(&encoded), ["messages[1].content[0].signature"]);
}

#[test]
fn what_is_so_anyway_is_no_loss_in_another_format() {
    let request = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "of another vendor", "signature": ""},
            {"type": "tool_use", "id": "a", "name": "f", "input": {}, "caller": {"type": "direct"}},
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "x", "is_error": false}]},
    ], "tools": [{"type": "custom", "name": "f", "input_schema": {"type": "object"}}]});
    let mut read = decode_request(request.to_string().as_bytes()).expect("a request");
    assert_eq!(parse(&through(&request).body), request);
    assert_eq!(read.leave_extra(), Vec::<String>::new());
    let told = parse(&openai_chat::encode_request(&read, &Target::model("gpt")).body);
    assert_eq!(told["messages"][1]["reasoning_content"], "of another vendor");
}

#[test]
fn turns_in_which_nothing_is_said_are_left_out() {
    let messages = json!([
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": null},
        {"role": "user", "content": "still there?"},
    ]);
    assert_eq!(told(&messages, NEWER).1.as_array().map(Vec::len), Some(2));
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    let request = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "b": 1, "a": 2}}}]});
    assert_eq!(from_openai(&request, NEWEST).body, from_openai(&request, NEWEST).body);
}

#[test]
fn bad_requests_are_refused_by_the_name_of_the_field() {
    let cases = [
        (json!([]), ""),
        (json!({"model": "m", "messages": [{"role": "user", "content": "x"}]}), "max_tokens"),
        (json!({"max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}), "model"),
        (json!({"model": "", "max_tokens": 1, "messages": []}), "model"),
        (json!({"model": "m", "max_tokens": 1, "messages": []}), "messages"),
        (json!({"model": "m", "max_tokens": -1, "messages": []}), "max_tokens"),
        (
            json!({"model": "m", "max_tokens": 1, "messages": [{"role": "tool", "content": "x"}]}),
            "messages[0].role",
        ),
        (json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user"}]}), "messages[0].content"),
        (
            json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": 7}]}),
            "messages[0].content",
        ),
        (block(&json!({"text": "x"})), "messages[0].content[0].type"),
        (block(&json!({"type": "text"})), "messages[0].content[0].text"),
        (block(&json!({"type": "image"})), "messages[0].content[0].source"),
        (
            block(&json!({"type": "image", "source": {"type": "base64", "data": "x"}})),
            "messages[0].content[0].source.media_type",
        ),
        (block(&json!({"type": "tool_use", "id": "a", "name": "f"})), "messages[0].content[0].input"),
        (block(&json!({"type": "tool_result"})), "messages[0].content[0].tool_use_id"),
        (with("tools", &json!([{"name": "f"}])), "tools[0].input_schema"),
        (with("tools", &json!({})), "tools"),
        (with("tool_choice", &json!({"type": "some"})), "tool_choice.type"),
        (with("tool_choice", &json!({"type": "tool"})), "tool_choice.name"),
        (with("thinking", &json!({"type": "enabled"})), "thinking.budget_tokens"),
        (with("thinking", &json!({"type": "perhaps"})), "thinking.type"),
        (with("output_config", &json!({"format": {"type": "json_schema"}})), "output_config.format.schema"),
        (with("temperature", &json!("hot")), "temperature"),
        (with("stop_sequences", &json!("stop")), "stop_sequences"),
        (with("system", &json!(7)), "system"),
        (with("stream", &json!("yes")), "stream"),
        (with("metadata", &json!({"user_id": 7})), "metadata.user_id"),
    ];
    for (request, path) in cases {
        let error = decode_request(request.to_string().as_bytes()).expect_err(&request.to_string());
        assert_eq!(error.path, path, "{request}");
    }
}

fn block(block: &Value) -> Value {
    json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [block]}]})
}

fn with(name: &str, value: &Value) -> Value {
    json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}], name: value})
}

#[test]
fn a_deeply_nested_body_is_refused() {
    let deep = format!("{{\"model\":\"m\",\"max_tokens\":1,\"messages\":{}", "[".repeat(5_000));
    assert!(decode_request(deep.as_bytes()).is_err());
}

#[test]
fn an_empty_request_says_what_it_needs() {
    let request = Request::new("m", Vec::new());
    let encoded = crate::dialect::anthropic::encode_request(&request, &Target::model("m"));
    assert_eq!(parse(&encoded.body)["messages"], json!([]));
}
