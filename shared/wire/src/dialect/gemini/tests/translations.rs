//! From and to OpenAI Chat Completions: what each side hears.

use serde_json::{Value, json};

use super::{as_openai, context, from_openai, written};
use crate::chat::{Content, Effort, Part, Reasoning, ReasoningRequest, Request, Response, Role, ToolCall};
use crate::dialect::gemini::{decode_request, decode_response, encode_request, encode_response};
use crate::dialect::{Target, Weight, bedrock, carried, cohere, openai_chat};

const NEW: &str = "gemini-3-flash";
const OLD: &str = "gemini-2.5-flash";

#[test]
fn a_conversation_with_tools_is_told_in_googles_way() {
    let request = from_openai(json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [
                {"type": "text", "text": "Compare"},
                {"type": "image_url", "image_url": {"url": "data:image/webp;base64,AAAA"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png?x=1"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
            ]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_a", "type": "function", "function": {"name": "look", "arguments": "{\"n\": 1.0}"}},
                {"id": "call_b", "type": "function", "function": {"name": "now", "arguments": ""}},
            ]},
            {"role": "tool", "tool_call_id": "call_a", "content": "a cat"},
            {"role": "tool", "tool_call_id": "call_b", "content": "{\"time\":3}"},
            {"role": "user", "content": "So?"},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"n": {"type": "number"}}}}}],
        "tool_choice": "required", "temperature": 0.5, "max_completion_tokens": 9, "stop": "x", "n": 2, "seed": 3,
    }));
    let (body, encoded) = written(&request, OLD);
    assert_eq!((encoded.lost, encoded.lowered), (vec![], vec![]));
    assert_eq!(
        body,
        json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]},
            "contents": [
                {"role": "user", "parts": [
                    {"text": "Compare"},
                    {"inlineData": {"mimeType": "image/webp", "data": "AAAA"}},
                    {"fileData": {"fileUri": "https://example.com/a.png?x=1", "mimeType": "image/png"}},
                    {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}},
                    {"inlineData": {"mimeType": "application/pdf", "data": "AAAA", "displayName": "a.pdf"}},
                ]},
                {"role": "model", "parts": [
                    {"functionCall": {"id": "call_a", "name": "look", "args": {"n": 1.0}}},
                    {"functionCall": {"id": "call_b", "name": "now", "args": {}}},
                ]},
                {"role": "user", "parts": [
                    {"functionResponse": {"id": "call_a", "name": "look", "response": {"output": "a cat"}}},
                    {"functionResponse": {"id": "call_b", "name": "now", "response": {"time": 3}}},
                ]},
                {"role": "user", "parts": [{"text": "So?"}]},
            ],
            "tools": [{"functionDeclarations": [{"name": "look",
                "parametersJsonSchema": {"type": "object", "properties": {"n": {"type": "number"}}}}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
            "generationConfig": {"temperature": 0.5, "candidateCount": 2, "maxOutputTokens": 9,
                "stopSequences": ["x"], "seed": 3},
        })
    );
    assert_eq!(written(&request, OLD).0.to_string(), body.to_string(), "the same bytes each time");
}

#[test]
fn a_signature_travels_through_another_formats_ids_and_back() {
    let answer = json!({"responseId": "abc", "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
        {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": "Q3c+/w=="},
        {"functionCall": {"name": "look", "args": {}}},
    ]}}]});
    let response = decode_response(answer.to_string().as_bytes()).expect("an answer");
    let parts = &response.choices[0].message.parts;
    let ids: Vec<String> = parts
        .iter()
        .map(|part| match &part.content {
            Content::ToolCall(call) => {
                carried::seal(call.id.as_deref().unwrap_or_default(), part.signature.as_deref())
            }
            _ => panic!("a call"),
        })
        .collect();
    assert_eq!(ids[1], "call_abc_1");
    let call =
        |id: &str| json!({"id": id, "type": "function", "function": {"name": "look", "arguments": "{}"}});
    let request = from_openai(json!({"model": "m", "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": null, "tool_calls": [call(&ids[0]), call(&ids[1])]},
        {"role": "tool", "tool_call_id": ids[0], "content": "x"},
        {"role": "tool", "tool_call_id": ids[1], "content": "y"},
    ]}));
    let (body, _) = written(&request, NEW);
    assert_eq!(
        body["contents"][1]["parts"],
        json!([
            {"functionCall": {"id": "call_abc_0", "name": "look", "args": {}}, "thoughtSignature": "Q3c+/w=="},
            {"functionCall": {"id": "call_abc_1", "name": "look", "args": {}}},
        ])
    );
    assert_eq!(body["contents"][2]["parts"][0]["functionResponse"]["id"], "call_abc_0");
}

#[test]
fn calls_of_other_models_are_marked_for_those_that_check() {
    let request = from_openai(json!({"model": "m", "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "2", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ]},
        {"role": "tool", "tool_call_id": "1", "content": "x"},
        {"role": "tool", "tool_call_id": "2", "content": "x"},
    ]}));
    let signatures = |model: &str| -> Vec<Value> {
        let parts = written(&request, model).0["contents"][1]["parts"].clone();
        parts.as_array().expect("parts").iter().map(|part| part["thoughtSignature"].clone()).collect()
    };
    assert_eq!(signatures(NEW), [json!("skip_thought_signature_validator"), Value::Null]);
    assert_eq!(signatures(OLD), [Value::Null, Value::Null]);
}

#[test]
fn effort_and_budget_are_told_as_each_generation_takes_them() {
    let thinking = |model: &str, asked: ReasoningRequest| {
        let mut request = Request::new("m", vec![crate::chat::Message::text(Role::User, "a")]);
        request.reasoning = Some(asked);
        written(&request, model).0["generationConfig"]["thinkingConfig"].clone()
    };
    let effort = |effort| ReasoningRequest { effort: Some(effort), ..ReasoningRequest::default() };
    let budget = |budget| ReasoningRequest { budget: Some(budget), ..ReasoningRequest::default() };
    let enabled = |enabled| ReasoningRequest { enabled: Some(enabled), ..ReasoningRequest::default() };
    let shown = |mut value: Value| {
        value["includeThoughts"] = json!(true);
        value
    };
    assert_eq!(thinking(OLD, effort(Effort::None)), json!({"thinkingBudget": 0}));
    assert_eq!(thinking("gemini-2.5-pro", effort(Effort::None)), json!({"thinkingBudget": 128}));
    assert_eq!(thinking(OLD, effort(Effort::Low)), shown(json!({"thinkingBudget": 1024})));
    assert_eq!(thinking(OLD, effort(Effort::Medium)), shown(json!({"thinkingBudget": 8192})));
    assert_eq!(thinking(OLD, effort(Effort::Max)), shown(json!({"thinkingBudget": 24576})));
    assert_eq!(thinking(NEW, effort(Effort::None)), json!({"thinkingLevel": "MINIMAL"}));
    assert_eq!(thinking("gemini-3.1-pro", effort(Effort::Minimal)), shown(json!({"thinkingLevel": "LOW"})));
    assert_eq!(thinking(NEW, effort(Effort::ExtraHigh)), shown(json!({"thinkingLevel": "HIGH"})));
    assert_eq!(thinking(NEW, budget(5000)), shown(json!({"thinkingBudget": 5000})));
    assert_eq!(thinking(OLD, budget(5000)), shown(json!({"thinkingBudget": 5000})));
    assert_eq!(thinking(OLD, enabled(true)), shown(json!({"thinkingBudget": -1})));
    assert_eq!(thinking(OLD, enabled(false)), json!({"thinkingBudget": 0}));
    assert_eq!(thinking(NEW, enabled(false)), json!({"thinkingLevel": "MINIMAL"}));
}

#[test]
fn what_a_gemini_caller_asks_is_told_to_openai() {
    let body = json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"x": 1}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"y": 2}}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {"x": {"type": "INTEGER", "nullable": true}}}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {"maxOutputTokens": 5, "topK": 3, "responseMimeType": "application/json",
            "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}},
        "safetySettings": [{"category": "a"}],
    });
    let mut request = decode_request("gemini-x", true, body.to_string().as_bytes()).expect("a request");
    assert_eq!(request.leave_extra(), ["safetySettings"], "only what OpenAI cannot say is named");
    let encoded = openai_chat::encode_request(&request, &Target::model("gpt"));
    assert_eq!(encoded.lost, vec![]);
    assert_eq!(
        serde_json::from_slice::<Value>(&encoded.body).expect("JSON"),
        json!({
            "model": "gpt",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "a"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}}]},
                {"role": "tool", "tool_call_id": "call_0", "name": "f", "content": "{\"y\":2}"},
            ],
            "tools": [{"type": "function", "function": {"name": "f",
                "parameters": {"type": "object", "properties": {"x": {"type": ["integer", "null"]}}}}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "response_format": {"type": "json_schema", "json_schema": {
                "name": "answer", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}},
            "max_completion_tokens": 5, "top_k": 3, "stream": true,
        })
    );
}

#[test]
fn images_in_results_stand_where_the_model_takes_them() {
    let mut request = from_openai(json!({"model": "m", "messages": [
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "see"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
    ]}));
    if let Content::ToolResult(result) = &mut request.messages[1].parts[0].content {
        result.is_error = true;
    }
    let image = json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}});
    let response = json!({"error": "see"});
    assert_eq!(
        written(&request, NEW).0["contents"][1]["parts"],
        json!([{"functionResponse": {"id": "1", "name": "f", "response": response, "parts": [image]}}])
    );
    assert_eq!(
        written(&request, OLD).0["contents"][1]["parts"],
        json!([{"functionResponse": {"id": "1", "name": "f", "response": response}}, image])
    );
}

#[test]
fn another_vendors_tools_and_contents_are_refused_or_said_in_googles_words() {
    let request = from_openai(json!({"model": "m", "messages": [{"role": "user", "content": [
            {"type": "file", "file": {"file_id": "file-1"}}, {"type": "text", "text": "a"}]}],
        "tools": [{"type": "web_search_preview"}, {"type": "computer_use"}, {"type": "custom", "custom": {"name": "c"}}],
        "tool_choice": "auto",
        "web_search_options": {"search_context_size": "low"}, "logit_bias": {"1": 2}, "user": "u"}));
    let (body, encoded) = written(&request, OLD);
    assert_eq!(body["tools"], json!([{"googleSearch": {}}]));
    assert_eq!(body["toolConfig"], Value::Null, "Google refuses a choice without functions");
    let lost: Vec<(&str, Weight)> =
        encoded.lost.iter().map(|loss| (loss.field.as_str(), loss.weight)).collect();
    assert_eq!(
        lost,
        [
            ("messages[0].content[0]", Weight::Meaning),
            ("tools[1]", Weight::Meaning),
            ("tools[2]", Weight::Meaning),
            ("web_search.context_size", Weight::Hint),
            ("sampling.logit_bias", Weight::Meaning),
            ("user", Weight::Hint),
        ]
    );
}

#[test]
fn instructions_alone_are_asked_by_the_user() {
    let request = from_openai(json!({"model": "m", "messages": [{"role": "system", "content": "Say hi"}]}));
    assert_eq!(
        written(&request, OLD).0,
        json!({"contents": [{"parts": [{"text": "Say hi"}], "role": "user"}]})
    );
    let late = from_openai(json!({"model": "m", "messages": [
        {"role": "user", "content": "a"}, {"role": "system", "content": "b"}]}));
    let (body, encoded) = written(&late, OLD);
    assert_eq!(body["systemInstruction"], json!({"parts": [{"text": "b"}]}));
    assert_eq!(encoded.lost[0].field, "messages[1].role");
}

#[test]
fn arguments_that_are_no_object_are_passed_on_as_text() {
    let request = from_openai(json!({"model": "m", "messages": [{"role": "user", "content": "a"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":"}}]}]}));
    let (body, encoded) = written(&request, OLD);
    assert_eq!(body["contents"][1]["parts"][0]["functionCall"]["args"], json!({"arguments": "{\"a\":"}));
    assert_eq!(encoded.lowered, ["messages[1].content[0].arguments"]);
}

#[test]
fn answers_are_told_to_openai() {
    let answer = json!({
        "responseId": "abc", "modelVersion": "gemini-x", "createTime": "1970-01-01T00:00:09.5Z",
        "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
            {"text": "Hm.", "thought": true},
            {"text": "It is "},
            {"functionCall": {"name": "f", "args": {"a": 1}}},
        ]}}],
        "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 2, "thoughtsTokenCount": 3, "totalTokenCount": 9},
    });
    let told = as_openai(decode_response(answer.to_string().as_bytes()).expect("an answer"));
    assert_eq!(told["choices"][0]["finish_reason"], "tool_calls");
    let message = &told["choices"][0]["message"];
    assert_eq!(message["reasoning_content"], "Hm.");
    assert_eq!(message["tool_calls"][0]["id"], "call_abc_0");
    assert_eq!(message["tool_calls"][0]["function"], json!({"name": "f", "arguments": "{\"a\":1}"}));
    assert_eq!((told["created"].as_u64(), told["id"].as_str()), (Some(9), Some("abc")));
    assert_eq!(told["usage"]["completion_tokens"], 5);
    assert_eq!(told["usage"]["completion_tokens_details"]["reasoning_tokens"], 3);
}

#[test]
fn openais_answers_are_told_to_gemini_callers() {
    let answer = json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 9, "model": "gpt", "service_tier": "flex", "choices": [
        {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": "é, see",
            "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.com", "title": "A", "start_index": 0, "end_index": 1}}],
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}}]},
         "logprobs": {"content": [{"token": "é", "logprob": -0.5, "top_logprobs": [{"token": "e", "logprob": -1}]}]}},
    ], "usage": {"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 1}, "completion_tokens_details": {"reasoning_tokens": 5}}});
    let mut response = openai_chat::decode_response(answer.to_string().as_bytes()).expect("an answer");
    response.leave_extra();
    let told: Value = serde_json::from_slice(&encode_response(&response, &context())).expect("JSON");
    assert_eq!(
        told,
        json!({
            "candidates": [{
                "content": {"parts": [{"text": "é, see"}, {"functionCall": {"id": "1", "name": "f", "args": {"a": 1}}}], "role": "model"},
                "finishReason": "STOP", "index": 0,
                "logprobsResult": {
                    "chosenCandidates": [{"token": "é", "logProbability": -0.5}],
                    "topCandidates": [{"candidates": [{"token": "e", "logProbability": -1}]}],
                },
                "groundingMetadata": {
                    "groundingChunks": [{"web": {"uri": "https://a.com", "title": "A"}}],
                    "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 2, "text": "é"}, "groundingChunkIndices": [0]}],
                },
            }],
            "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 1, "totalTokenCount": 10,
                "cachedContentTokenCount": 1, "thoughtsTokenCount": 5, "serviceTier": "flex"},
            "modelVersion": "gpt", "responseId": "chatcmpl-1", "createTime": "1970-01-01T00:00:09Z",
        })
    );
}

#[test]
fn reasoning_of_another_vendor_survives_a_gemini_caller_and_is_not_told_to_google() {
    let thought =
        Reasoning { text: "Hm.".into(), format: Some("anthropic-claude-v1".into()), ..Reasoning::default() };
    let part = Part { signature: Some("sig".into()), ..Part::new(Content::Reasoning(thought)) };
    let mut response = Response::text("m", "x", crate::Usage::default());
    response.choices[0].message.parts.insert(0, part.clone());
    let told: Value = serde_json::from_slice(&encode_response(&response, &context())).expect("JSON");
    let content = told["candidates"][0]["content"].clone();
    assert_ne!(content["parts"][0]["thoughtSignature"], "sig", "official clients decode it as base64");
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "a"}]}, content]});
    let request = decode_request("m", false, body.to_string().as_bytes()).expect("a request");
    assert_eq!(request.messages[1].parts[0], part);
    let encoded = encode_request(&request, &Target::model(OLD));
    assert_eq!(encoded.lost[0].field, "messages[1].content[0]");
    assert!(!String::from_utf8_lossy(&encoded.body).contains("Hm."));
}

#[test]
fn a_call_without_a_name_in_its_result_is_looked_up() {
    let mut request = Request::new("m", vec![]);
    let call =
        ToolCall { id: Some("1".into()), name: "f".into(), arguments: "{}".into(), ..ToolCall::default() };
    request
        .messages
        .push(crate::chat::Message::new(Role::Assistant, vec![Part::new(Content::ToolCall(call))]));
    for id in ["1", "2"] {
        let result = crate::chat::ToolResult { call_id: Some(id.into()), ..Default::default() };
        request
            .messages
            .push(crate::chat::Message::new(Role::Tool, vec![Part::new(Content::ToolResult(result))]));
    }
    let (body, encoded) = written(&request, OLD);
    let name = |place: usize| body["contents"][1]["parts"][place]["functionResponse"]["name"].clone();
    assert_eq!((name(0), name(1)), (json!("f"), json!("2")));
    assert_eq!(encoded.lost[0].field, "messages[2].content[0].name");
}

#[test]
fn base64_with_the_letters_for_addresses_becomes_the_usual_one() {
    let body = |data: &str| json!({"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": data}}]}]});
    let request = decode_request(NEW, false, body("-_Y=").to_string().as_bytes()).unwrap();
    let (again, _) = written(&request, NEW);
    assert_eq!(again["contents"], body("-_Y=")["contents"], "Google gets what was said");
    let mut foreign = request;
    assert_eq!(foreign.leave_extra(), Vec::<String>::new());
    let told: Value =
        serde_json::from_slice(&openai_chat::encode_request(&foreign, &Target::model("m")).body).unwrap();
    assert_eq!(
        told.pointer("/messages/0/content/0/image_url/url").and_then(Value::as_str),
        Some("data:image/png;base64,+/Y=")
    );
}

#[test]
fn ends_of_streams_that_come_back_as_empty_texts_are_left_out() {
    let body = json!({"contents": [
        {"role": "user", "parts": [{"text": "x"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}, {"text": ""}]},
        {"role": "model", "parts": [{"text": ""}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "y"}}}]},
        {"role": "model", "parts": [{"text": ""}]},
        {"role": "user", "parts": [{"text": "z"}]},
    ]});
    let mut request = decode_request(NEW, false, body.to_string().as_bytes()).unwrap();
    assert_eq!(request.leave_extra(), Vec::<String>::new());
    let target = Target::model("anthropic.claude-sonnet-4-5");
    assert_eq!(request.messages.len(), 4, "no turn between the call and its result");
    for encoded in [bedrock::encode_request(&request, &target), cohere::encode_request(&request, &target)] {
        let told: Value = serde_json::from_slice(&encoded.body).unwrap();
        assert_eq!(encoded.lost, []);
        assert!(!told.to_string().contains("\"text\":\"\""), "{told}");
        for message in told["messages"].as_array().unwrap() {
            assert!(message.as_object().unwrap().len() > 1, "a turn that says nothing: {told}");
        }
    }
}
