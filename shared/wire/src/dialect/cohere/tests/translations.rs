//! From OpenAI Chat Completions and to it; and that nothing is left out in silence.

use serde_json::{Value, json};

use super::requests::read;
use crate::chat::*;
use crate::dialect::cohere::{decode_response, encode_request, encode_response};
use crate::dialect::loss::Weight;
use crate::dialect::testing::every_option;
use crate::dialect::{AnswerContext, Target, openai_chat};

fn from_openai(body: &Value) -> (Value, Vec<(String, Weight)>) {
    let mut request = openai_chat::decode_request(body.to_string().as_bytes()).expect("readable");
    assert_eq!(request.leave_extra(), Vec::<String>::new());
    let encoded = encode_request(&request, &Target::model("command-a"));
    let lost = encoded.lost.into_iter().map(|loss| (loss.field, loss.weight)).collect();
    (serde_json::from_slice(&encoded.body).expect("JSON"), lost)
}

#[test]
fn a_conversation_with_tools_is_said_in_cohere_s_words() {
    let (body, lost) = from_openai(&json!({
        "model": "m", "max_tokens": 100, "temperature": 0.5, "top_p": 0.9, "stop": "END", "reasoning_effort": "low",
        "messages": [
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,aGk="}},
                {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,d29yZHM="}}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]},
            {"role": "tool", "tool_call_id": "c", "content": "one"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": true}},
            {"type": "function", "function": {"name": "g", "parameters": {"type": "object"}, "strict": true}}],
        "tool_choice": {"type": "function", "function": {"name": "g"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
    }));
    assert_eq!(lost, [("response_format.name".to_owned(), Weight::Hint)]);
    assert_eq!(
        body,
        json!({
            "model": "command-a",
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": [{"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,aGk="}}]},
                {"role": "assistant", "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "c", "content": "one"}],
            "documents": [{"data": {"text": "words", "title": "a.txt"}}],
            "tools": [{"type": "function", "function": {"name": "g", "parameters": {"type": "object"}}}],
            "strict_tools": true, "tool_choice": "REQUIRED",
            "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
            "temperature": 0.5, "p": 0.9, "stop_sequences": ["END"], "max_tokens": 100,
            "thinking": {"type": "enabled", "token_budget": 4096},
        })
    );
}

/// What Cohere promises to keep to is less than JSON Schema; what does not bind the model is told as it is.
#[test]
fn a_binding_schema_is_lowered_to_what_cohere_takes() {
    let schema = json!({"type": "object", "additionalProperties": false, "properties": {
        "city": {"type": "string", "minLength": 2, "pattern": "^[a-z]+$"}, "when": {"$ref": "#/$defs/day"}},
        "$defs": {"day": {"type": "string", "format": "date"}}});
    let lowered = json!({"type": "object", "required": ["city"], "properties": {
        "city": {"type": "string", "pattern": "[a-z]+", "description": "{minLength: 2}"},
        "when": {"type": "string", "format": "date"}}});
    let asked = |strict: bool| {
        json!({"model": "m", "messages": [{"role": "user", "content": "a"}],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": schema, "strict": strict}}],
            "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}})
    };
    let (body, lost) = from_openai(&asked(true));
    assert_eq!(lost, []);
    assert_eq!(body["tools"][0]["function"]["parameters"], lowered);
    assert_eq!(body["response_format"]["json_schema"], lowered);
    assert_eq!(from_openai(&asked(false)).0["tools"][0]["function"]["parameters"], schema);
    // A caller of Cohere's own format is taken at its word.
    let own = json!({"model": "command-a", "messages": [{"role": "user", "content": "a"}], "strict_tools": true,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]});
    let encoded = encode_request(&read(&own), &Target::model("command-a"));
    assert_eq!(serde_json::from_slice::<Value>(&encoded.body).expect("JSON")["tools"], own["tools"]);
    assert_eq!(encoded.lowered, Vec::<String>::new());
}

#[test]
fn an_answer_becomes_one_of_openai_and_back() {
    let body = json!({"id": "1", "message": {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hello"}],
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}}]},
        "finish_reason": "TOOL_CALL", "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 4}}});
    let mut response = decode_response(body.to_string().as_bytes()).unwrap();
    response.leave_extra();
    let chat: Value = serde_json::from_slice(&openai_chat::encode_response(&response)).unwrap();
    let message = &chat["choices"][0]["message"];
    assert_eq!((&message["content"], &message["reasoning_content"]), (&json!("hello"), &json!("hm")));
    assert_eq!(message["tool_calls"][0]["function"], json!({"name": "f", "arguments": "{\"x\": 1}"}));
    assert_eq!(chat["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(chat["usage"]["prompt_tokens"], 3);
    let mut back = openai_chat::decode_response(chat.to_string().as_bytes()).unwrap();
    back.leave_extra();
    let again: Value = serde_json::from_slice(&encode_response(&back, &AnswerContext::default())).unwrap();
    assert_eq!(again["message"], body["message"]);
    assert_eq!(again["finish_reason"], "TOOL_CALL");
}

#[test]
fn signatures_of_tool_calls_travel_in_their_ids() {
    let mut response = Response::text("m", "", crate::Usage::default());
    let call = ToolCall { id: Some("c".into()), name: "f".into(), ..ToolCall::default() };
    response.choices[0].message.parts =
        vec![Part { signature: Some("c2ln".into()), ..Part::new(Content::ToolCall(call)) }];
    let answer: Value =
        serde_json::from_slice(&encode_response(&response, &AnswerContext::default())).unwrap();
    let calls = &answer["message"]["tool_calls"];
    let request = read(&json!({"model": "m", "messages": [{"role": "assistant", "tool_calls": calls},
        {"role": "tool", "tool_call_id": calls[0]["id"], "content": "x"}]}));
    let part = &request.messages[0].parts[0];
    assert_eq!(part.signature.as_deref(), Some("c2ln"));
    let Content::ToolResult(result) = &request.messages[1].parts[0].content else { panic!("no result") };
    assert_eq!(result.call_id.as_deref(), Some("c"));
}

/// Every field of the conversation, each with the word by which the body says it or the loss names it.
#[test]
fn no_field_is_left_out_in_silence() {
    let mut text = Part {
        cache: Some(CacheMark::default()),
        id: Some("i".into()),
        signature: Some("s".into()),
        ..Part::text("PART-TEXT")
    };
    if let Content::Text(text) = &mut text.content {
        text.annotations.push(Annotation { url: Some("u".into()), ..Annotation::default() });
    }
    let image = Image { source: Source::Url("https://IMAGE".into()), detail: Some("DETAIL".into()) };
    let file = File { source: Source::Text("DOC-TEXT".into()), name: Some("DOC-NAME".into()) };
    let image_part = Part::new(Content::Image(image.clone()));
    let result = ToolResult {
        call_id: Some("RESULT-ID".into()),
        name: None,
        parts: vec![Part::text("RESULT"), image_part],
        shape: Shape::Auto,
        is_error: true,
    };
    let thought = Reasoning {
        format: Some("anthropic-claude-v1".into()),
        ..Reasoning::piece("x".into(), ReasoningSpelling::Auto)
    };
    let user = Message {
        name: Some("ann".into()),
        ..Message::new(
            Role::User,
            vec![
                text,
                Part::new(Content::Image(image)),
                Part::new(Content::Audio(Audio::default())),
                Part::new(Content::Video(Source::Url("v".into()))),
                Part::new(Content::File(file)),
                Part::new(Content::File(File { source: Source::FileId("f".into()), name: None })),
                Part::new(Content::Refusal("REFUSAL".into())),
                Part::new(Content::Reasoning(thought)),
                Part::new(Content::Other("x".into())),
                Part::new(Content::ToolResult(result)),
            ],
        )
    };
    let call = |name: &str, kind| {
        Part::new(Content::ToolCall(ToolCall {
            id: None,
            name: name.into(),
            arguments: "ARGUMENTS".into(),
            kind,
        }))
    };
    let answer = Message::new(
        Role::Assistant,
        vec![
            call("CALLED", ToolKind::Function),
            call("CUSTOM", ToolKind::Custom),
            call("x", ToolKind::BuiltIn("x".into())),
        ],
    );
    let function = |name: &str, strict| Function {
        name: name.into(),
        description: Some("TELLS".into()),
        parameters: Some(json!({"type": "object", "title": "PARAMETERS"})),
        strict,
    };
    let tool = |definition| Tool { definition, cache: Some(CacheMark::default()), extra: Extra::new() };
    let request = Request {
        messages: vec![user, answer],
        tools: vec![
            tool(Definition::Function(function("FUNCTION", Some(true)))),
            tool(Definition::Function(function("OTHER", None))),
            tool(Definition::Custom { name: "c".into(), description: None, format: None }),
            tool(Definition::BuiltIn("web_search".into())),
        ],
        tool_choice: Some(ToolChoice::Custom("c".into())),
        ..every_option()
    };
    let encoded = encode_request(&request, &Target::model("m"));
    let body = String::from_utf8(encoded.body.to_vec()).unwrap();
    for said in [
        "PART-TEXT",
        "https://IMAGE",
        "DETAIL",
        "DOC-TEXT",
        "DOC-NAME",
        "REFUSAL",
        "RESULT-ID",
        "\"RESULT\"",
        "CALLED",
        "ARGUMENTS",
        "CUSTOM",
        "FUNCTION",
        "TELLS",
        "PARAMETERS",
        "\"strict_tools\":true",
        "SCHEMA",
        "0.125",
        "0.25",
        "77",
        "0.375",
        "0.625",
        "98765",
        "STOP",
        "54321",
        "\"logprobs\":true",
        "2345",
        "\"stream\":true",
    ] {
        assert!(body.contains(said), "{said} is not in {body}");
    }
    let lost: Vec<String> = encoded.lost.into_iter().map(|loss| loss.field).collect();
    for named in [
        "messages[0].name",
        "messages[0].content[0].cache",
        "messages[0].content[0].id",
        "messages[0].content[0].signature",
        "messages[0].content[0].annotations",
        "messages[0].content[2]",
        "messages[0].content[3]",
        "messages[0].content[5]",
        "messages[0].content[7]",
        "messages[0].content[8]",
        "messages[0].content[9].is_error",
        "messages[0].content[9].content[1]",
        "messages[1].content[2]",
        "tools[0].cache",
        "tools[2]",
        "tools[3]",
        "tool_choice",
        "parallel_tool_calls",
        "response_format.name",
        "response_format.description",
        "sampling.logit_bias",
        "n",
        "top_logprobs",
        "modalities",
        "audio",
        "prediction",
        "service_tier",
        "user",
        "metadata",
        "store",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "verbosity",
        "web_search",
    ] {
        assert!(lost.contains(&named.to_owned()), "{named} is not in {lost:?}");
    }
    assert_eq!(encoded.lowered, ["tools.strict"]);
}
