//! What other formats know and this one does not: never written as if it were its own, always named.

use serde_json::{Value, json};

use crate::Usage;
use crate::chat::{Content, Delta, Part, Response};
use crate::dialect::openai_chat::{encode_request, encode_response};
use crate::dialect::{Dialect, Target, Weight};

/// A request of another format, told to a model: the body, the losses with their weights, and what was lowered.
fn told(from: Dialect, model: &str, request: &Value) -> (Value, Vec<(String, Weight)>, Vec<String>) {
    let mut request = from.decode_request(request.to_string().as_bytes()).expect("a request");
    let mut lost = from.leave_extra(&mut request);
    let encoded = encode_request(&request, &Target { model, kind: "openai", max_output: None });
    lost.extend(encoded.lost);
    let lost = lost.into_iter().map(|loss| (loss.field, loss.weight)).collect();
    (serde_json::from_slice(&encoded.body).expect("JSON"), lost, encoded.lowered)
}

fn meaning(field: &str) -> (String, Weight) {
    (field.to_owned(), Weight::Meaning)
}

#[test]
fn tools_of_other_vendors_are_refused() {
    let anthropic = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}],
        "tools": [{"type": "web_search_20250305", "name": "web_search"}, {"name": "f", "input_schema": {"type": "object"}}]});
    let (body, lost, _) = told(Dialect::Anthropic, "gpt-5", &anthropic);
    assert_eq!(lost, [meaning("tools[0]")]);
    assert_eq!(body["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(body["tools"][0]["function"]["name"], "f");

    let gemini =
        json!({"contents": [{"role": "user", "parts": [{"text": "a"}]}], "tools": [{"googleSearch": {}}]});
    let (body, lost, _) = told(Dialect::Gemini, "gpt-5", &gemini);
    assert_eq!((body.get("tools"), lost), (None, vec![meaning("tools[0]")]));

    let responses = json!({"model": "m", "input": "a", "tools": [{"type": "file_search", "vector_store_ids": ["v"]}],
        "tool_choice": {"type": "file_search"}});
    let (body, lost, _) = told(Dialect::OpenAiResponses, "gpt-5", &responses);
    assert_eq!(lost, [meaning("tools[0]"), meaning("tool_choice")]);
    assert_eq!((body.get("tools"), body.get("tool_choice")), (None, None));
}

#[test]
fn kinds_of_content_of_other_vendors_are_refused() {
    let anthropic = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "look it up"},
        {"role": "assistant", "content": [
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
            {"type": "text", "text": "found"}]},
        {"role": "user", "content": "go on"}]});
    let (body, lost, _) = told(Dialect::Anthropic, "gpt-5", &anthropic);
    assert_eq!(lost, [meaning("messages[1].content[0]")]);
    assert!(!body.to_string().contains("server_tool_use"), "{body}");
    assert!(body.to_string().contains("found"), "{body}");

    let completions = json!({"model": "m", "prompt": ["a", "b"]});
    let (body, lost, _) = told(Dialect::OpenAiCompletions, "gpt-5", &completions);
    assert!(lost.iter().any(|(_, weight)| *weight == Weight::Meaning), "{lost:?}");
    assert!(!body.to_string().contains("openai_completions_prompt"), "{body}");
}

#[test]
fn forms_of_answers_and_choices_of_other_vendors_are_refused() {
    let responses =
        json!({"model": "m", "input": "a", "text": {"format": {"type": "grammar", "syntax": "lark"}}});
    let (body, lost, _) = told(Dialect::OpenAiResponses, "gpt-5", &responses);
    assert_eq!((body.get("response_format"), lost), (None, vec![meaning("response_format")]));
}

#[test]
fn what_vendors_of_this_format_add_passes_between_them() {
    let own = json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "hologram", "at": 1}]}],
        "tools": [{"type": "builtin_function", "function": {"name": "$web_search"}}], "tool_choice": "any",
        "response_format": {"type": "regex", "pattern": "a+"}});
    let request = Dialect::OpenAiChat.decode_request(own.to_string().as_bytes()).expect("a request");
    let encoded = encode_request(&request, &Target::model("m"));
    assert_eq!(encoded.lost, []);
    assert_eq!(serde_json::from_slice::<Value>(&encoded.body).expect("JSON"), own);
}

#[test]
fn a_schema_always_has_a_name() {
    let schema = json!({"type": "object", "title": "Weather report"});
    for (from, request) in [
        (
            Dialect::Gemini,
            json!({"contents": [{"role": "user", "parts": [{"text": "a"}]}],
                "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": schema}}),
        ),
        (
            Dialect::Cohere,
            json!({"model": "m", "messages": [{"role": "user", "content": "a"}],
                "response_format": {"type": "json_object", "json_schema": schema}}),
        ),
        (
            Dialect::Anthropic,
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}],
                "output_config": {"format": {"type": "json_schema", "schema": schema}}}),
        ),
        (
            Dialect::Bedrock,
            json!({"messages": [{"role": "user", "content": [{"text": "a"}]}], "outputConfig": {"textFormat":
                {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema.to_string()}}}}}),
        ),
    ] {
        let (body, _, _) = told(from, "gpt-5", &request);
        assert_eq!(body["response_format"]["type"], "json_schema", "{from:?}: {body}");
        assert_eq!(body["response_format"]["json_schema"]["name"], "Weather_report", "{from:?}: {body}");
    }
}

#[test]
fn how_much_to_reason_is_told_in_a_word() {
    let claude = |thinking: Value| json!({"model": "m", "max_tokens": 9_999, "messages": [{"role": "user", "content": "a"}], "thinking": thinking});
    let (body, lost, lowered) =
        told(Dialect::Anthropic, "gpt-5", &claude(json!({"type": "enabled", "budget_tokens": 4_096})));
    assert_eq!((&body["reasoning_effort"], body.get("thinking")), (&json!("low"), None));
    assert_eq!((lost, lowered), (vec![], vec!["reasoning.budget".to_owned()]));
    let (body, lost, _) = told(Dialect::Anthropic, "gpt-5.1", &claude(json!({"type": "disabled"})));
    assert_eq!((&body["reasoning_effort"], lost), (&json!("none"), vec![]));
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "a"}]}],
        "generationConfig": {"thinkingConfig": {"includeThoughts": true}}});
    let (body, lost, _) = told(Dialect::Gemini, "gpt-5.1", &gemini);
    assert_eq!(body.get("reasoning_effort"), None);
    assert_eq!(lost, [("reasoning.shown".to_owned(), Weight::Hint)]);
}

/// A caller of this format would not know what to make of it.
#[test]
fn an_answer_is_told_without_what_only_its_vendor_knows() {
    let mut response = Response::text("m", "found", Usage::default());
    let search = Part::new(Content::Other("server_tool_use".to_owned()));
    response.choices[0].message.parts.insert(0, search.clone());
    response.leave_extra();
    let body: Value = serde_json::from_slice(&encode_response(&response)).expect("JSON");
    assert_eq!(body["choices"][0]["message"]["content"], "found");
    let delta = Delta::of(0, crate::chat::ChoiceDelta::Part(Box::new(search)));
    assert_eq!(delta.without_extra(), None);
}
