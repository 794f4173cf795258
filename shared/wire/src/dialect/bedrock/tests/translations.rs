//! From OpenAI Chat Completions and to it; and that nothing is left out in silence.

use serde_json::{Value, json};

use super::requests::{read, written};
use crate::chat::*;
use crate::dialect::bedrock::{decode_response, encode_request, encode_response};
use crate::dialect::loss::Weight;
use crate::dialect::testing::every_option;
use crate::dialect::{AnswerContext, Target, openai_chat};

fn from_openai(body: &Value) -> (Value, Vec<(String, Weight)>) {
    let mut request = openai_chat::decode_request(body.to_string().as_bytes()).expect("readable");
    assert_eq!(request.leave_extra(), Vec::<String>::new());
    let encoded = encode_request(&request, &Target::model("anthropic.claude-sonnet-4-5-v1:0"));
    let lost = encoded.lost.into_iter().map(|loss| (loss.field, loss.weight)).collect();
    (serde_json::from_slice(&encoded.body).expect("JSON"), lost)
}

#[test]
fn a_conversation_with_tools_becomes_turns() {
    let (body, lost) = from_openai(&json!({
        "model": "m", "max_tokens": 100, "temperature": 0.5, "stop": "END", "service_tier": "auto",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "developer", "content": "and kind"},
            {"role": "user", "content": [{"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,aGk="}},
                {"type": "file", "file": {"filename": "my report.v2.pdf", "file_data": "data:application/pdf;base64,aGk="}}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
                {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": ""}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "one"},
            {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "two"}]},
            {"role": "user", "content": "go on"},
            {"role": "user", "content": "please"}],
        "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true}},
            {"type": "function", "function": {"name": "g"}}],
        "tool_choice": "required",
    }));
    assert_eq!(lost, []);
    assert_eq!(
        body,
        json!({
            "messages": [
                {"role": "user", "content": [{"text": "look"}, {"image": {"format": "jpeg", "source": {"bytes": "aGk="}}},
                    {"document": {"format": "pdf", "source": {"bytes": "aGk="}, "name": "my report-v2"}}]},
                {"role": "assistant", "content": [
                    {"toolUse": {"toolUseId": "call_1", "name": "f", "input": {"x": 1}}},
                    {"toolUse": {"toolUseId": "call_2", "name": "g", "input": {}}}]},
                {"role": "user", "content": [
                    {"toolResult": {"toolUseId": "call_1", "content": [{"text": "one"}]}},
                    {"toolResult": {"toolUseId": "call_2", "content": [{"text": "two"}]}},
                    {"text": "go on"}, {"text": "please"}]}],
            "system": [{"text": "be brief"}, {"text": "and kind"}],
            "inferenceConfig": {"maxTokens": 100, "temperature": 0.5, "stopSequences": ["END"]},
            "toolConfig": {"tools": [
                {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object", "additionalProperties": false}}, "strict": true}},
                {"toolSpec": {"name": "g", "inputSchema": {"json": {"type": "object", "properties": {}}}}}],
                "toolChoice": {"any": {}}},
            "serviceTier": {"type": "default"},
        })
    );
}

#[test]
fn schemas_are_lowered_to_what_bedrock_takes_and_named() {
    let schema = json!({"type": "object", "properties": {"day": {"$ref": "#/$defs/day"}},
        "$defs": {"day": {"type": "string", "minLength": 2}}});
    let request = |strict: bool| {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "a"}],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": schema, "strict": strict}}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}});
        let mut request = openai_chat::decode_request(body.to_string().as_bytes()).expect("a request");
        request.leave_extra();
        encode_request(&request, &Target::model("anthropic.claude-sonnet-4-5-v1:0"))
    };
    let encoded = request(false);
    let body: Value = serde_json::from_slice(&encoded.body).expect("JSON");
    assert_eq!(
        body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"],
        json!({"type": "object", "properties": {"day": {"type": "string", "minLength": 2}}})
    );
    let strict = json!({"type": "object", "additionalProperties": false,
        "properties": {"day": {"type": "string", "description": "{minLength: 2}"}}});
    let text = &body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"];
    assert_eq!(serde_json::from_str::<Value>(text.as_str().expect("a text")).expect("JSON"), strict);
    let day = "/properties/day";
    assert_eq!(
        encoded.lowered,
        [
            format!("tools[0].parameters{day}/$ref"),
            format!("response_format.schema{day}/$ref"),
            format!("response_format.schema{day}/minLength"),
            "response_format.schema/additionalProperties".to_owned(),
        ]
    );
    let body: Value = serde_json::from_slice(&request(true).body).expect("JSON");
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"], strict);
}

#[test]
fn what_cannot_be_said_is_named_with_its_place() {
    let (_, lost) = from_openai(&json!({
        "model": "m", "n": 2, "seed": 5, "user": "u", "logprobs": true, "parallel_tool_calls": false,
        "messages": [{"role": "user", "name": "ann", "content": [
            {"type": "image_url", "image_url": {"url": "https://a/b.png"}},
            {"type": "file", "file": {"file_id": "f"}}, {"type": "new_part"}]}],
        "tools": [{"type": "custom", "custom": {"name": "c"}}, {"type": "web_search"}],
    }));
    for (field, weight) in [
        ("messages[0].name", Weight::Hint),
        ("messages[0].content[0]", Weight::Meaning),
        ("messages[0].content[1]", Weight::Meaning),
        ("messages[0].content[2]", Weight::Meaning),
        ("tools[0]", Weight::Meaning),
        ("tools[1]", Weight::Meaning),
        ("n", Weight::Meaning),
        ("logprobs", Weight::Meaning),
        ("sampling.seed", Weight::Hint),
        ("user", Weight::Hint),
        ("parallel_tool_calls", Weight::Hint),
    ] {
        assert!(lost.contains(&(field.to_owned(), weight)), "{field} is not in {lost:?}");
    }
}

#[test]
fn a_forbidden_tool_is_left_out_and_allowed_ones_stay() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "g"}}]);
    let of = |choice: Value| {
        from_openai(
            &json!({"model": "m", "messages": [{"role": "user", "content": "a"}], "tools": tools, "tool_choice": choice}),
        )
    };
    let (body, lost) = of(json!("none"));
    assert_eq!((body.get("toolConfig"), lost), (None, vec![]));
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
        {"type": "function", "function": {"name": "g"}}]}});
    let (body, lost) = of(allowed);
    assert_eq!(lost, []);
    assert_eq!(body["toolConfig"]["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["name"], "g");
    assert_eq!(body["toolConfig"]["toolChoice"], json!({"any": {}}));
}

#[test]
fn ids_that_bedrock_refuses_are_replaced_in_call_and_result_alike() {
    let long = "x".repeat(65);
    let call = |id: Option<&str>, name: &str| {
        Part::new(Content::ToolCall(ToolCall {
            id: id.map(str::to_owned),
            name: name.into(),
            ..ToolCall::default()
        }))
    };
    let result = |id: Option<&str>, name: &str| {
        let result =
            ToolResult { call_id: id.map(str::to_owned), name: Some(name.into()), ..ToolResult::default() };
        Part::new(Content::ToolResult(result))
    };
    let request = Request::new(
        "m",
        vec![
            Message::text(Role::User, "go"),
            Message::new(
                Role::Assistant,
                vec![call(Some(&long), "f"), call(None, "g"), call(None, "h"), call(Some("a b"), "f")],
            ),
            Message::new(
                Role::Tool,
                vec![
                    result(Some(&long), "f"),
                    result(None, "h"),
                    result(None, "g"),
                    result(Some("a b"), "f"),
                ],
            ),
        ],
    );
    let body = written(&request, "m");
    let id = |message: usize, kind: &str, place: usize| {
        body["messages"][message]["content"][place][kind]["toolUseId"].clone()
    };
    assert_eq!(id(1, "toolUse", 0), id(2, "toolResult", 0));
    assert_eq!(id(1, "toolUse", 1), id(2, "toolResult", 2));
    assert_eq!(id(1, "toolUse", 2), id(2, "toolResult", 1));
    assert_eq!(id(1, "toolUse", 3), id(2, "toolResult", 3));
    for place in 0..4 {
        let id = id(1, "toolUse", place).as_str().unwrap().to_owned();
        assert!(id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{id}");
    }
}

#[test]
fn arguments_that_are_no_object_become_a_field_and_are_named() {
    let (body, lost) = from_openai(&json!({"model": "m", "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":"}}]}]}));
    assert_eq!(body["messages"][1]["content"][0]["toolUse"]["input"], json!({"arguments": "{\"x\":"}));
    assert_eq!(lost, [("messages[1].content[0].arguments".to_owned(), Weight::Hint)]);
}

#[test]
fn reasoning_goes_back_only_to_whom_it_came_from() {
    let thought = |format: Option<&str>, spelling, signature: Option<&str>| Part {
        signature: signature.map(str::to_owned),
        ..Part::new(Content::Reasoning(Reasoning {
            format: format.map(str::to_owned),
            ..Reasoning::piece("hm".into(), spelling)
        }))
    };
    let sealed = |format: &str| {
        Part::new(Content::Reasoning(Reasoning {
            form: ReasoningForm::Opaque,
            data: Some("c2VhbA==".into()),
            format: Some(format.into()),
            ..Reasoning::default()
        }))
    };
    let request = Request::new(
        "m",
        vec![
            Message::text(Role::User, "a"),
            Message::new(
                Role::Assistant,
                vec![
                    thought(Some("anthropic-claude-v1"), ReasoningSpelling::Details, Some("s")),
                    thought(Some("google-gemini-v1"), ReasoningSpelling::Details, Some("s")),
                    thought(None, ReasoningSpelling::ReasoningContent, None),
                    sealed("anthropic-claude-v1"),
                    sealed("openai-responses-v1"),
                ],
            ),
        ],
    );
    let encoded = encode_request(&request, &Target::model("m"));
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    assert_eq!(
        body["messages"][1]["content"],
        json!([
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "YzJWaGJBPT0="}}])
    );
    let lost: Vec<&str> = encoded.lost.iter().map(|loss| loss.field.as_str()).collect();
    assert_eq!(lost, ["messages[1].content[1]", "messages[1].content[2]", "messages[1].content[4]"]);
}

#[test]
fn an_answer_becomes_one_of_openai_and_back() {
    let body = json!({"output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}, {"text": "hello"},
            {"toolUse": {"toolUseId": "t", "name": "f", "input": {"x": 1}}}]}},
        "stopReason": "tool_use", "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}});
    let mut response = decode_response(body.to_string().as_bytes()).unwrap();
    response.leave_extra();
    let chat: Value = serde_json::from_slice(&openai_chat::encode_response(&response)).unwrap();
    let message = &chat["choices"][0]["message"];
    assert_eq!(message["content"], "hello");
    assert_eq!(message["reasoning_content"], "hm");
    assert_eq!(message["tool_calls"][0]["function"], json!({"name": "f", "arguments": "{\"x\":1}"}));
    assert_eq!(chat["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(chat["usage"]["prompt_tokens"], 3);
    let mut back = openai_chat::decode_response(chat.to_string().as_bytes()).unwrap();
    back.leave_extra();
    let again: Value = serde_json::from_slice(&encode_response(&back, &AnswerContext::default())).unwrap();
    assert_eq!(again["output"], body["output"]);
    assert_eq!(again["stopReason"], "tool_use");
}

#[test]
fn signatures_of_tool_calls_travel_in_their_ids() {
    let mut response = Response::text("m", "", crate::Usage::default());
    let call = ToolCall { id: Some("c".into()), name: "f".into(), ..ToolCall::default() };
    response.choices[0].message.parts =
        vec![Part { signature: Some("c2ln".into()), ..Part::new(Content::ToolCall(call)) }];
    let answer: Value =
        serde_json::from_slice(&encode_response(&response, &AnswerContext::default())).unwrap();
    let block = answer["output"]["message"]["content"][0].clone();
    let id = block["toolUse"]["toolUseId"].clone();
    let request = read(&json!({"messages": [{"role": "assistant", "content": [block]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": id, "content": []}}]}]}));
    let part = &request.messages[0].parts[0];
    assert_eq!(part.signature.as_deref(), Some("c2ln"));
    assert!(matches!(&part.content, Content::ToolCall(call) if call.id.as_deref() == Some("c")));
    let Content::ToolResult(result) = &request.messages[1].parts[0].content else { panic!("no result") };
    assert_eq!(result.call_id.as_deref(), Some("c"));
}

/// Every field of the conversation, each with the word by which the body says it or the loss names it.
#[test]
fn no_field_is_left_out_in_silence() {
    let mut text = Part::text("PART-TEXT");
    text.cache = Some(CacheMark::default());
    text.id = Some("i".into());
    text.signature = Some("s".into());
    if let Content::Text(text) = &mut text.content {
        text.annotations.push(Annotation {
            kind: "url_citation".into(),
            url: Some("u".into()),
            ..Annotation::default()
        });
    }
    let image = Image {
        source: Source::Base64 { media_type: Some("image/png".into()), data: "SU1BR0U=".into() },
        detail: Some("low".into()),
    };
    let audio = Audio {
        id: Some("a".into()),
        data: Some("QVVESU8=".into()),
        format: Some("wav".into()),
        transcript: Some("t".into()),
        expires_at: Some(1),
    };
    let file = File { source: Source::Text("DOC-TEXT".into()), name: Some("doc".into()) };
    let result = ToolResult {
        call_id: Some("RESULT-ID".into()),
        name: None,
        parts: vec![Part::text("RESULT")],
        shape: Shape::Auto,
        is_error: true,
    };
    let user = Message {
        name: Some("ann".into()),
        ..Message::new(
            Role::User,
            vec![
                text,
                Part::new(Content::Image(image)),
                Part::new(Content::Audio(audio)),
                Part::new(Content::Video(Source::Url("s3://VIDEO.mp4".into()))),
                Part::new(Content::File(file)),
                Part::new(Content::ToolResult(result)),
                Part::new(Content::Refusal("REFUSAL".into())),
                Part::new(Content::Other("x".into())),
            ],
        )
    };
    let function = Function {
        name: "FUNCTION".into(),
        description: Some("TELLS".into()),
        parameters: Some(json!({"type": "object", "title": "PARAMETERS"})),
        strict: Some(true),
    };
    let request = Request {
        messages: vec![user],
        tools: vec![Tool {
            definition: Definition::Function(function),
            cache: Some(CacheMark { life: CacheLife::OneHour }),
            extra: Extra::new(),
        }],
        tool_choice: Some(ToolChoice::Function("CHOSEN".into())),
        ..every_option()
    };
    let encoded = encode_request(&request, &Target::model("anthropic.claude-sonnet-4-5-v1:0"));
    let body = String::from_utf8(encoded.body.to_vec()).unwrap();
    for said in [
        "PART-TEXT",
        "cachePoint",
        "SU1BR0U=",
        "QVVESU8=",
        "wav",
        "s3://VIDEO.mp4",
        "DOC-TEXT",
        "\"doc\"",
        "RESULT-ID",
        "\"RESULT\"",
        "\"status\":\"error\"",
        "REFUSAL",
        "SCHEMA-NAME",
        "SCHEMA-TELLS",
        "SCHEMA",
        "FUNCTION",
        "TELLS",
        "PARAMETERS",
        "\"strict\":true",
        "\"1h\"",
        "CHOSEN",
        "STOP",
        "54321",
        "2345",
        "flex",
        "METADATA",
    ] {
        assert!(body.contains(said), "{said} is not in {body}");
    }
    // Claude takes no sampling parameters while it thinks; others do.
    let other = encode_request(&request, &Target::model("mistral.mistral-large-2407-v1:0"));
    let other = String::from_utf8(other.body.to_vec()).unwrap();
    for said in ["0.125", "0.25", "77"] {
        assert!(other.contains(said), "{said} is not in {other}");
    }
    let at = "messages[0]";
    let lost: Vec<String> = encoded.lost.into_iter().map(|loss| loss.field).collect();
    for named in [
        "name",
        "content[0].id",
        "content[0].signature",
        "content[0].annotations",
        "content[1].detail",
        "content[2].audio",
        "content[7]",
    ] {
        assert!(lost.contains(&format!("{at}.{named}")), "{named} is not in {lost:?}");
    }
    for named in [
        "parallel_tool_calls",
        "sampling.temperature",
        "sampling.top_p",
        "sampling.top_k",
        "sampling.frequency_penalty",
        "sampling.presence_penalty",
        "sampling.seed",
        "sampling.logit_bias",
        "n",
        "logprobs",
        "top_logprobs",
        "modalities",
        "audio",
        "prediction",
        "user",
        "metadata.bad",
        "store",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "verbosity",
        "web_search",
    ] {
        assert!(lost.contains(&named.to_owned()), "{named} is not in {lost:?}");
    }
}

#[test]
fn claude_does_not_think_in_a_loop_whose_thoughts_were_not_sent_back() {
    let told = |signature: Option<&str>| {
        let reasoning = Reasoning {
            format: signature.map(|_| "anthropic-claude-v1".to_owned()),
            ..Reasoning::piece("hm".into(), ReasoningSpelling::Auto)
        };
        let thought =
            Part { signature: signature.map(str::to_owned), ..Part::new(Content::Reasoning(reasoning)) };
        let call = ToolCall { id: Some("c".into()), name: "f".into(), ..ToolCall::default() };
        let result = ToolResult { call_id: Some("c".into()), ..ToolResult::default() };
        let mut request = Request::new("x", vec![Message::text(Role::User, "a")]);
        request
            .messages
            .push(Message::new(Role::Assistant, vec![thought, Part::new(Content::ToolCall(call))]));
        request.messages.push(Message::new(Role::Tool, vec![Part::new(Content::ToolResult(result))]));
        request.reasoning = Some(ReasoningRequest { effort: Some(Effort::Low), ..Default::default() });
        let encoded = encode_request(&request, &Target::model("anthropic.claude-sonnet-4-5-v1:0"));
        let body: Value = serde_json::from_slice(&encoded.body).unwrap();
        (body.pointer("/additionalModelRequestFields/thinking").is_some(), encoded.lost)
    };
    assert_eq!(told(Some("s1")), (true, Vec::new()));
    let (thinks, lost) = told(None);
    assert!(!thinks);
    assert!(lost.iter().any(|loss| loss.field == "reasoning"), "{lost:?}");
}
