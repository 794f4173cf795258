//! Translations from and to OpenAI Chat Completions, and what is lost on the way.

use serde_json::{Value, json};

use super::{context, events_of, lost, write};
use crate::chat::{
    AudioOutput, CacheMark, ChoiceDelta, Content, Definition, Delta, Effort, Message, OutputLimit, Part,
    Prediction, Reasoning, ReasoningDelta, ReasoningRequest, Request, ResponseFormat, Role, Source, Stop,
    Tool, ToolCall, ToolChoice, ToolKind, ToolResult, WebSearch,
};
use crate::dialect::openai_responses::{decode_request, decode_response, encode_request, encode_response};
use crate::dialect::{StreamDecoder as _, Target, Weight, openai_chat};

fn from_chat(request: &Value) -> (Value, Vec<crate::dialect::Loss>) {
    let mut request = openai_chat::decode_request(request.to_string().as_bytes()).expect("a request");
    request.leave_extra();
    let encoded = encode_request(&request, &Target::model("m"));
    decode_request(&encoded.body).expect("a request of this format");
    (serde_json::from_slice(&encoded.body).expect("JSON"), encoded.lost)
}

#[test]
fn a_chat_request_is_told_whole() {
    let (told, losses) = from_chat(&json!({
        "model": "x",
        "messages": [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk="}}, {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}]},
            {"role": "assistant", "content": "I look.", "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
                {"id": "call_2", "type": "custom", "custom": {"name": "g", "input": "free"}},
                {"id": "call_3", "type": "function", "function": {"name": "h", "arguments": ""}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "one"},
            {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "two"}]},
            {"role": "tool", "tool_call_id": "call_3", "content": "three"},
            {"role": "assistant", "content": null, "refusal": "no"}
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
            {"type": "custom", "custom": {"name": "g", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "d"}}}}],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": true}},
        "max_tokens": 19, "temperature": 0.5, "reasoning_effort": "low", "verbosity": "low", "logprobs": true, "top_logprobs": 2,
        "web_search_options": {"search_context_size": "low", "user_location": {"type": "approximate", "approximate": {"city": "Bern"}}},
        "service_tier": "flex", "user": "u", "metadata": {"a": "b"}, "parallel_tool_calls": true, "n": 1,
        "stream": true, "stream_options": {"include_usage": true}
    }));
    assert_eq!(losses, []);
    assert_eq!(
        told,
        json!({
            "model": "m",
            "input": [
                {"type": "message", "role": "system", "content": "be kind"},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"},
                    {"type": "input_file", "file_data": "data:application/pdf;base64,aGk=", "filename": "document.pdf"}, {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}]},
                {"type": "message", "role": "assistant", "content": "I look."},
                {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{\"a\":1}"},
                {"type": "custom_tool_call", "call_id": "call_2", "name": "g", "input": "free"},
                {"type": "function_call", "call_id": "call_3", "name": "h", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "call_1", "output": "one"},
                {"type": "custom_tool_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "two"}]},
                {"type": "function_call_output", "call_id": "call_3", "output": "three"},
                {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}
            ],
            "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": false},
                {"type": "custom", "name": "g", "format": {"type": "grammar", "syntax": "lark", "definition": "d"}},
                {"type": "web_search", "search_context_size": "low", "user_location": {"type": "approximate", "city": "Bern"}}],
            "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": true}, "verbosity": "low"},
            "max_output_tokens": 19, "temperature": 0.5, "reasoning": {"effort": "low"},
            "include": ["reasoning.encrypted_content", "message.output_text.logprobs"], "top_logprobs": 2,
            "service_tier": "flex", "user": "u", "metadata": {"a": "b"}, "parallel_tool_calls": true, "store": false, "stream": true
        })
    );
}

#[test]
fn results_without_ids_find_their_calls() {
    let (told, _) = from_chat(&json!({"model": "x", "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "one"},
        {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "two"}
    ], "functions": [{"name": "f"}]}));
    let ids: Vec<&Value> =
        told["input"].as_array().expect("items").iter().map(|item| &item["call_id"]).collect();
    assert_eq!(ids, [&json!(null), &json!("call_0"), &json!("call_0"), &json!("call_1"), &json!("call_1")]);
    assert_eq!(told["tools"][0]["type"], "function");
}

#[test]
fn every_field_that_cannot_be_said_is_named() {
    let some_number = || Some(serde_json::Number::from(1));
    let mut request =
        Request::new("x", vec![Message { name: Some("ann".to_owned()), ..Message::text(Role::User, "a") }]);
    request.sampling.top_k = some_number();
    request.sampling.frequency_penalty = some_number();
    request.sampling.presence_penalty = some_number();
    request.sampling.seed = some_number();
    request.sampling.logit_bias = Some(Default::default());
    request.stop = Some(Stop::One("x".to_owned()));
    request.n = Some(2);
    request.audio = Some(AudioOutput::default());
    request.modalities = Some(vec!["smell".to_owned()]);
    request.prediction = Some(Prediction::default());
    request.response_format = Some(ResponseFormat::Other(json!({"type": "grammar"})));
    request.tool_choice = Some(ToolChoice::Other(json!({"type": "tool", "name": "x"})));
    request.reasoning = Some(ReasoningRequest { budget: Some(2_000), ..Default::default() });
    request.output_limit = Some(OutputLimit { tokens: 5, legacy: true });
    request.web_search = Some(WebSearch::default());
    let part = |content| Part {
        signature: Some("s".to_owned()),
        cache: Some(CacheMark::default()),
        ..Part::new(content)
    };
    let result =
        ToolResult { call_id: None, name: Some("t".to_owned()), is_error: true, ..ToolResult::default() };
    let reasoning = Reasoning { text: "hm".to_owned(), ..Default::default() };
    let built_in = ToolCall { kind: ToolKind::BuiltIn("x".to_owned()), ..ToolCall::default() };
    request.messages.push(Message::new(
        Role::User,
        vec![
            part(Content::Text(Default::default())),
            part(Content::Video(Source::Url("u".to_owned()))),
            part(Content::Other("x".to_owned())),
        ],
    ));
    request.messages.push(Message::new(
        Role::Assistant,
        vec![
            part(Content::Reasoning(reasoning)),
            part(Content::ToolCall(built_in)),
            part(Content::ToolCall(ToolCall::default())),
        ],
    ));
    request.messages.push(Message::new(Role::Tool, vec![part(Content::ToolResult(result))]));
    request.tools = vec![
        Tool {
            definition: Definition::Function(Default::default()),
            cache: Some(CacheMark::default()),
            extra: Default::default(),
        },
        Tool {
            definition: Definition::BuiltIn("bash_20250124".to_owned()),
            cache: None,
            extra: Default::default(),
        },
    ];
    let encoded = encode_request(&request, &Target::model("m"));
    let body: Value = serde_json::from_slice(&encoded.body).expect("JSON");
    for (field, weight) in [
        ("messages[0].name", Weight::Hint),
        ("sampling.top_k", Weight::Hint),
        ("sampling.frequency_penalty", Weight::Hint),
        ("sampling.presence_penalty", Weight::Hint),
        ("sampling.seed", Weight::Hint),
        ("sampling.logit_bias", Weight::Meaning),
        ("stop", Weight::Meaning),
        ("n", Weight::Meaning),
        ("audio", Weight::Meaning),
        ("modalities", Weight::Meaning),
        ("prediction", Weight::Hint),
        ("response_format", Weight::Meaning),
        ("tool_choice", Weight::Meaning),
        ("messages[1].content[0].signature", Weight::Hint),
        ("messages[1].content[0].cache", Weight::Hint),
        ("messages[1].content[1]", Weight::Meaning),
        ("messages[1].content[2]", Weight::Meaning),
        ("messages[2].reasoning", Weight::Hint),
        ("messages[2].content[1]", Weight::Meaning),
        ("messages[2].content[2].signature", Weight::Hint),
        ("messages[2].content[2].cache", Weight::Hint),
        ("messages[3].content[0].is_error", Weight::Hint),
        ("messages[3].content[0].cache", Weight::Hint),
        ("tools[0].cache", Weight::Hint),
        ("tools[1]", Weight::Meaning),
    ] {
        assert!(lost(&encoded.lost).contains(&(field, weight)), "{field} in {:?}", lost(&encoded.lost));
    }
    // OpenAI takes no limit under 16.
    assert_eq!(encoded.lowered, ["output_limit", "reasoning.budget"]);
    assert_eq!(body["max_output_tokens"], 16);
    assert_eq!(body["reasoning"]["effort"], Effort::Low.as_str());
    assert_eq!(body["tools"].as_array().map(Vec::len), Some(2), "the function and the search");
}

#[test]
fn tools_of_other_vendors_are_told_where_openai_has_them() {
    let tool = |kind: &str, extra: Value| Tool {
        definition: Definition::BuiltIn(kind.to_owned()),
        cache: None,
        extra: extra.as_object().cloned().unwrap_or_default(),
    };
    let request = Request {
        tools: vec![
            tool(
                "web_search_20250305",
                json!({"name": "web_search", "max_uses": 3, "allowed_domains": ["a"]}),
            ),
            tool("google_search", json!({})),
            tool("code_execution_20250522", json!({"name": "code_execution"})),
        ],
        ..Request::new("x", vec![Message::text(Role::User, "a")])
    };
    let encoded = encode_request(&request, &Target::model("m"));
    let body: Value = serde_json::from_slice(&encoded.body).expect("JSON");
    assert_eq!(
        body["tools"],
        json!([
            {"type": "web_search", "filters": {"allowed_domains": ["a"]}}, {"type": "web_search"},
            {"type": "code_interpreter", "container": {"type": "auto"}}
        ])
    );
    assert_eq!(lost(&encoded.lost), [("tools[0].max_uses", Weight::Hint)]);
}

#[test]
fn sealed_reasoning_goes_through_a_chat_caller_and_back() {
    let answer = json!({"id": "resp_1", "object": "response", "model": "m", "status": "completed", "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "think"}], "encrypted_content": "gA"},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}", "status": "completed"}
    ]});
    let mut response = decode_response(answer.to_string().as_bytes()).expect("an answer");
    response.leave_extra();
    let told: Value = serde_json::from_slice(&openai_chat::encode_response(&response)).expect("JSON");
    assert_eq!(told["choices"][0]["finish_reason"], "tool_calls");
    let (again, losses) = from_chat(&json!({"model": "x", "messages": [
        {"role": "user", "content": "a"}, told["choices"][0]["message"], {"role": "tool", "tool_call_id": "call_1", "content": "b"}
    ]}));
    assert_eq!(losses, []);
    assert_eq!(
        again["input"][1],
        json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "think"}], "encrypted_content": "gA"})
    );
    assert_eq!(
        again["input"][2],
        json!({"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"})
    );
}

#[test]
fn a_chat_answer_is_the_same_whole_and_streamed() {
    let whole = json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "gpt", "choices": [{"index": 0, "finish_reason": "tool_calls",
        "message": {"role": "assistant", "reasoning_content": "hm", "content": "Hello", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1.0}"}},
            {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": ""}}]}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}});
    let response = openai_chat::decode_response(whole.to_string().as_bytes()).expect("an answer");
    let mut left = response.clone();
    left.leave_extra();
    let told: Value = serde_json::from_slice(&encode_response(&left, &context())).expect("JSON");
    let chunk = |delta: Value, finish: Value| {
        format!(
            "data: {}\n\n",
            json!({"id": "chatcmpl-1", "created": 7, "model": "gpt", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        )
    };
    let stream = [
        chunk(json!({"role": "assistant", "content": ""}), json!(null)),
        chunk(json!({"reasoning_content": "h"}), json!(null)),
        chunk(json!({"reasoning_content": "m"}), json!(null)),
        chunk(json!({"content": "Hel"}), json!(null)),
        chunk(json!({"content": "lo"}), json!(null)),
        chunk(json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}]}), json!(null)),
        chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"a\": "}}]}), json!(null)),
        chunk(json!({"tool_calls": [{"index": 1, "id": "call_2", "type": "function", "function": {"name": "g", "arguments": ""}}]}), json!(null)),
        chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": "1.0}"}}]}), json!(null)),
        chunk(json!({}), json!("tool_calls")),
        format!("data: {}\n\ndata: [DONE]\n\n", json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}})),
    ]
    .concat();
    let mut decoder = openai_chat::StreamDecoder::new();
    decoder.push(stream.into_bytes().into());
    let mut deltas = Vec::new();
    while let Some(delta) = decoder.next().expect("a stream") {
        deltas.extend(Delta::without_extra(delta));
    }
    let events = events_of(&write(&deltas, context()));
    let last = &events.last().expect("an end")["response"];
    for field in ["output", "usage", "status", "incomplete_details"] {
        assert_eq!(last[field], told[field], "{field}");
    }
    assert_eq!(told["output"][2]["arguments"], "{\"a\": 1.0}");
    assert_eq!(told["output"][0]["content"], json!([{"type": "reasoning_text", "text": "hm"}]));
}

#[test]
fn a_request_is_told_to_a_chat_provider() {
    let mut request = super::request_of(&json!({
        "model": "x", "instructions": "be kind", "input": [
            {"role": "user", "content": "weather?"},
            {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "call_2", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "sun"},
            {"type": "function_call_output", "call_id": "call_2", "output": "rain"}
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}], "max_output_tokens": 5,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": true}}, "reasoning": {"effort": "low"}
    }));
    request.leave_extra();
    let encoded = openai_chat::encode_request(&request, &Target::model("m"));
    assert_eq!(encoded.lost, []);
    let told: Value = serde_json::from_slice(&encoded.body).expect("JSON");
    assert_eq!(
        told,
        json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "be kind"}, {"role": "user", "content": "weather?"},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                    {"id": "call_2", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "call_1", "content": "sun"}, {"role": "tool", "tool_call_id": "call_2", "content": "rain"}
            ],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}], "max_completion_tokens": 5,
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": true}}, "reasoning_effort": "low"
        })
    );
}

#[test]
fn a_signature_behind_its_text_belongs_to_the_same_item() {
    let piece = |text: &str, signature: Option<&str>| {
        let format = signature.map(|_| "anthropic-claude-v1".to_owned());
        let reasoning = Reasoning { text: text.to_owned(), format, ..Reasoning::default() };
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
    let deltas = [piece("so ", None), piece("be it", None), piece("", Some("c2ln"))];
    let events = events_of(&write(&deltas, context()));
    let last = events.last().expect("an end");
    let [item] = last["response"]["output"].as_array().expect("items").as_slice() else {
        panic!("one item: {last}")
    };
    let request =
        super::request_of(&json!({"model": "m", "input": [{"role": "user", "content": "x"}, item]}));
    let part = &request.messages[1].parts[0];
    assert_eq!(part.signature.as_deref(), Some("c2ln"));
    assert!(matches!(&part.content, Content::Reasoning(said) if said.text == "so be it"));
}
