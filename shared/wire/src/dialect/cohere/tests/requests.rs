//! Requests: what is read into which field, and what is refused.

use serde_json::{Value, json};

use crate::chat::{
    Content, Definition, OutputLimit, ReasoningRequest, ReasoningRequestSpelling, Request, ResponseFormat,
    Role, Source, Stop, ToolChoice,
};
use crate::dialect::cohere::{decode_request, encode_request};
use crate::dialect::{Dialect, Target, origin};

pub(super) fn read(body: &Value) -> Request {
    decode_request(body.to_string().as_bytes()).expect("readable")
}

/// Everything that the documentation knows, read and written again.
#[test]
fn a_request_with_everything_comes_back_equal() {
    let source =
        json!({"type": "document", "id": "doc:0", "document": {"id": "doc:0", "text": "x", "title": "t"}});
    let body = json!({
        "model": "command-a", "stream": true,
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}, {"type": "new", "x": 1}]},
            {"role": "assistant", "tool_plan": "I will", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hello"}],
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}}],
                "citations": [{"start": 0, "end": 5, "text": "hello", "sources": [source], "content_index": 1, "type": "TEXT_CONTENT"}]},
            {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "r"},
                {"type": "document", "document": {"id": "1", "data": {"text": "x", "title": "t"}}},
                {"type": "document", "document": {"data": {"rows": [1]}}}]},
            {"role": "assistant", "content": "text", "citations": [{"start": 0, "end": 1, "type": "PLAN", "sources": []}], "tool_calls": []},
            {"role": "tool", "tool_call_id": "d", "content": ""},
            {"role": "user", "content": "go on"}],
        "documents": ["bare", {"data": {"text": "x"}}, {"id": "2", "data": {"text": "y", "title": "t"}}],
        "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}],
        "strict_tools": true, "tool_choice": "REQUIRED",
        "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
        "thinking": {"type": "enabled", "token_budget": 100}, "citation_options": {"mode": "FAST"}, "safety_mode": "STRICT",
        "max_tokens": 5, "stop_sequences": ["a"], "temperature": 0.30, "seed": 7, "frequency_penalty": 0, "presence_penalty": 0.5,
        "k": 3, "p": 0.75, "logprobs": true, "priority": 1,
    });
    let request = read(&body);
    let encoded = encode_request(&request, &Target::model("command-a"));
    assert_eq!(serde_json::from_slice::<Value>(&encoded.body).unwrap(), body);
    assert_eq!((encoded.lost, encoded.lowered), (Vec::new(), Vec::new()));
    assert_eq!(decode_request(&encoded.body).unwrap(), request);
}

#[test]
fn documents_that_say_more_than_a_text_stay_as_they_are() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "a"}],
        "documents": ["x", {"data": {"text": "a", "author": "b"}}]});
    let request = read(&body);
    assert_eq!(request.extra["documents"], body["documents"]);
    let encoded = encode_request(&request, &Target::model("m"));
    assert_eq!(serde_json::from_slice::<Value>(&encoded.body).unwrap(), body);
}

#[test]
fn fields_are_read_into_their_places() {
    let request = read(&json!({
        "model": "m", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "tool_plan": "plan"}],
        "documents": [{"id": "1", "data": {"text": "words", "title": "t"}}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}], "strict_tools": true, "tool_choice": "NONE",
        "response_format": {"type": "json_object"}, "thinking": {"type": "enabled", "token_budget": 9}, "max_tokens": 5,
        "stop_sequences": ["a"], "k": 3, "p": 0.5,
    }));
    let Content::File(file) = &request.messages[0].parts[1].content else { panic!("no document") };
    assert_eq!((&file.source, file.name.as_deref()), (&Source::Text("words".into()), Some("t")));
    let Content::Reasoning(plan) = &request.messages[1].parts[0].content else { panic!("no plan") };
    assert_eq!((plan.text.as_str(), &request.messages[1].role), ("plan", &Role::Assistant));
    assert!(
        matches!(&request.tools[0].definition, Definition::Function(function) if function.strict == Some(true))
    );
    assert_eq!(request.tool_choice, Some(ToolChoice::None));
    assert_eq!(request.response_format, Some(ResponseFormat::JsonObject));
    assert_eq!(
        request.reasoning,
        Some(ReasoningRequest {
            effort: None,
            budget: Some(9),
            enabled: Some(true),
            shown: None,
            spelling: ReasoningRequestSpelling::Thinking
        })
    );
    assert_eq!(request.output_limit, Some(OutputLimit { tokens: 5, legacy: false }));
    assert_eq!(request.stop, Some(Stop::Many(vec!["a".into()])));
    assert_eq!(request.sampling.top_k, Some(3.into()));
    assert!(origin::is(&request, Dialect::Cohere));
    assert_eq!(request.extra.len(), 1, "{:?}", request.extra);
}

#[test]
fn what_is_wrong_is_named() {
    let message = |message: Value| json!({"model": "m", "messages": [message]});
    for (body, path) in [
        (json!([]), ""),
        (json!({}), "model"),
        (json!({"model": ""}), "model"),
        (json!({"model": "m"}), "messages"),
        (json!({"model": "m", "messages": []}), "messages"),
        (message(json!("x")), "messages[0]"),
        (message(json!({"content": "a"})), "messages[0].role"),
        (message(json!({"role": "developer", "content": "a"})), "messages[0].role"),
        (message(json!({"role": "user", "content": 5})), "messages[0].content"),
        (message(json!({"role": "user", "content": [{"text": "a"}]})), "messages[0].content[0].type"),
        (
            message(json!({"role": "user", "content": [{"type": "image_url"}]})),
            "messages[0].content[0].image_url",
        ),
        (message(json!({"role": "tool", "content": "a"})), "messages[0].tool_call_id"),
        (message(json!({"role": "assistant", "tool_calls": [{}]})), "messages[0].tool_calls[0].function"),
        (
            message(
                json!({"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}),
            ),
            "messages[0].tool_calls[0].function.arguments",
        ),
    ] {
        let error = decode_request(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.path, path, "{body}: {error}");
    }
    let with = |name: &str, value: Value| {
        let mut body = message(json!({"role": "user", "content": "a"}));
        body[name] = value;
        decode_request(body.to_string().as_bytes()).unwrap_err().path
    };
    assert_eq!(with("max_tokens", json!(0)), "max_tokens");
    assert_eq!(with("stop_sequences", json!("a")), "stop_sequences");
    assert_eq!(with("documents", json!("a")), "documents");
    assert_eq!(with("tools", json!([{"type": "function"}])), "tools[0].function");
    assert_eq!(with("thinking", json!({"token_budget": "x"})), "thinking.token_budget");
    assert_eq!(with("response_format", json!({})), "response_format.type");
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    assert!(decode_request(deep.as_bytes()).is_err());
}
