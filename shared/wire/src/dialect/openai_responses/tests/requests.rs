//! Requests: what comes back as it was, what is refused.

use serde_json::{Value, json};

use super::{lost, request_of};
use crate::chat::{Content, Definition, Effort, ReasoningForm, ResponseFormat, Role, ToolChoice, ToolKind};
use crate::dialect::openai_responses::{decode_request, encode_request, weigh_extra};
use crate::dialect::{Target, Weight};

/// Reads and writes a request, which must come back equal.
fn comes_back(request: &Value) {
    let encoded = encode_request(&request_of(request), &Target::model("m"));
    assert_eq!(encoded.lost, []);
    assert_eq!(serde_json::from_slice::<Value>(&encoded.body).expect("JSON"), *request);
}

fn with_input(input: Value) -> Value {
    let mut request = json!({"model": "m"});
    request["input"] = input;
    request
}

#[test]
fn every_item_comes_back() {
    comes_back(&with_input(json!("hello")));
    comes_back(&with_input(json!([
        {"type": "message", "role": "developer", "content": "be brief"},
        {"type": "message", "role": "user", "status": "completed", "content": [
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "high", "file_id": null},
            {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"},
            {"type": "input_image", "file_id": "file-1"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"},
            {"type": "input_file", "file_data": "aGk=", "filename": "b.pdf"},
            {"type": "input_file", "file_url": "https://example.com/a.pdf"},
            {"type": "input_file", "file_id": "file-2"},
            {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
            {"type": "input_smell", "smell": 1}
        ]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}, {"type": "summary_text", "text": "t"}],
            "content": [{"type": "reasoning_text", "text": "c"}], "encrypted_content": "gA", "status": "completed"},
        {"type": "reasoning", "summary": [], "encrypted_content": "gB"},
        {"type": "reasoning", "summary": [], "encrypted_content": "gC"},
        {"type": "reasoning", "id": "rs_2", "summary": [], "content": []},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "commentary", "content": [
            {"type": "output_text", "text": "b", "logprobs": [], "annotations": [
                {"type": "url_citation", "url": "https://example.com", "title": "t", "start_index": 0, "end_index": 1},
                {"type": "file_citation", "file_id": "f", "filename": "n", "index": 0},
                {"type": "container_file_citation", "container_id": "c", "file_id": "f", "filename": "n", "start_index": 0, "end_index": 1},
                {"type": "file_path", "file_id": "f", "index": 0}
            ]},
            {"type": "refusal", "refusal": "no"}
        ]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{\"a\": 1.0}", "status": "completed"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "g", "input": "free text"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"type": "message", "role": "assistant", "content": "again"},
        {"type": "function_call_output", "call_id": "call_1", "output": "one"},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": [
            {"type": "input_text", "text": "two"}, {"type": "input_image", "image_url": "https://example.com/b.png"},
            {"type": "input_file", "file_id": "file-3"}
        ]},
        {"type": "computer_call_output", "call_id": "call_3", "output": {"type": "computer_screenshot", "image_url": "data:,"}},
        {"type": "mcp_approval_response", "approval_request_id": "a", "approve": true},
        {"type": "item_reference", "id": "msg_2"},
        {"type": "message", "role": "assistant", "content": []},
        {"type": "compaction", "encrypted_content": "gD"}
    ])));
}

#[test]
fn every_field_comes_back() {
    comes_back(&json!({
        "model": "m", "instructions": "be kind", "input": [{"type": "message", "role": "user", "content": "a"}],
        "tools": [
            {"type": "function", "name": "f", "description": "d", "strict": false, "parameters": {"type": "object"}},
            {"type": "function", "name": "g", "parameters": {"type": "object", "properties": {}, "additionalProperties": false}},
            {"type": "function", "name": "h", "strict": null, "parameters": null, "defer_loading": true},
            {"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}},
            {"type": "custom", "name": "d", "format": {"type": "text"}},
            {"type": "web_search", "search_context_size": "low"},
            {"type": "file_search", "vector_store_ids": ["vs_1"]},
            {"type": "mcp", "server_label": "l", "server_url": "https://example.com/mcp"},
            {"type": "a_tool_to_come"}
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}, {"type": "mcp", "server_label": "l"}]},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": true, "description": null}, "verbosity": "low"},
        "reasoning": {"effort": "high", "summary": "auto"},
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "max_output_tokens": 100, "max_tool_calls": 2, "parallel_tool_calls": false, "temperature": 1.0, "top_p": 1,
        "top_logprobs": 2, "truncation": "auto", "service_tier": "flex", "metadata": {"a": "b"}, "user": "u",
        "safety_identifier": "s", "prompt_cache_key": "k", "prompt_cache_retention": "24h", "store": true,
        "previous_response_id": "resp_0", "background": false, "conversation": null,
        "prompt": {"id": "pmpt_1", "variables": {"a": "b"}}, "stream": true, "stream_options": {"include_obfuscation": false}
    }));
    comes_back(
        &json!({"model": "m", "input": [], "previous_response_id": "resp_0", "tools": [], "text": {}, "reasoning": {}, "include": []}),
    );
    comes_back(
        &json!({"model": "m", "prompt": {"id": "pmpt_1"}, "instructions": null, "text": {"format": {"type": "text"}}}),
    );
    comes_back(
        &json!({"model": "m", "input": "a", "text": {"format": {"type": "a_form_to_come", "x": 1}}, "include": ["message.output_text.logprobs", "x"]}),
    );
    for choice in [
        json!("auto"),
        json!("none"),
        json!("required"),
        json!({"type": "function", "name": "f"}),
        json!({"type": "custom", "name": "c"}),
        json!({"type": "file_search"}),
        json!({"type": "mcp", "server_label": "l"}),
        json!({"type": "allowed_tools", "mode": "auto", "tools": []}),
    ] {
        comes_back(&json!({"model": "m", "input": "a", "tool_choice": choice}));
    }
}

#[test]
fn items_of_one_turn_are_one_message() {
    let request = request_of(&with_input(json!([
        {"role": "user", "content": "weather?"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "think"}], "encrypted_content": "gA"},
        {"role": "assistant", "content": "I look."},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "call_2", "name": "f", "arguments": ""},
        {"type": "function_call_output", "call_id": "call_1", "output": "sun"},
        {"type": "function_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "rain"}]}
    ])));
    let roles: Vec<&Role> = request.messages.iter().map(|message| &message.role).collect();
    assert_eq!(roles, [&Role::User, &Role::Assistant, &Role::Tool, &Role::Tool]);
    let turn = &request.messages[1];
    assert_eq!(turn.joined_text(), "I look.");
    assert_eq!(
        turn.tool_calls().map(|call| call.id.as_deref().unwrap_or_default()).collect::<Vec<_>>(),
        ["call_1", "call_2"]
    );
    let forms: Vec<ReasoningForm> = turn
        .parts
        .iter()
        .filter_map(|part| match &part.content {
            Content::Reasoning(reasoning) => {
                assert_eq!(reasoning.format.as_deref(), Some("openai-responses-v1"));
                assert_eq!(part.id.as_deref(), Some("rs_1"));
                Some(reasoning.form)
            }
            _ => None,
        })
        .collect();
    assert_eq!(forms, [ReasoningForm::Summary, ReasoningForm::Opaque]);
}

#[test]
fn typed_fields_hold_what_every_format_knows() {
    let request = request_of(&json!({
        "model": "m", "instructions": "be kind", "input": "hello",
        "tools": [
            {"type": "function", "name": "open", "parameters": {"type": "object", "properties": {"a": {}}, "required": []}},
            {"type": "function", "name": "closed", "parameters": {"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": false}},
            {"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "regex", "definition": "a"}}
        ],
        "tool_choice": {"type": "function", "name": "open"}, "text": {"format": {"type": "json_object"}, "verbosity": "high"},
        "reasoning": {"effort": "xhigh"}, "include": ["message.output_text.logprobs"], "max_output_tokens": 7
    }));
    assert_eq!(request.messages[0].role, Role::System);
    assert_eq!(request.messages[0].joined_text(), "be kind");
    assert_eq!(request.last_user_text().as_deref(), Some("hello"));
    let strict: Vec<Option<bool>> = request
        .tools
        .iter()
        .filter_map(|tool| match &tool.definition {
            Definition::Function(function) => Some(function.strict),
            _ => None,
        })
        .collect();
    assert_eq!(strict, [None, Some(true)], "true by default, said where the schema allows it");
    assert!(matches!(&request.tools[2].definition, Definition::Custom { format: Some(format), .. }
        if *format == json!({"type": "grammar", "grammar": {"syntax": "regex", "definition": "a"}})));
    assert_eq!(request.tool_choice, Some(ToolChoice::Function("open".to_owned())));
    assert_eq!(request.response_format, Some(ResponseFormat::JsonObject));
    assert_eq!(request.verbosity.as_deref(), Some("high"));
    assert_eq!(request.reasoning.and_then(|asked| asked.effort), Some(Effort::ExtraHigh));
    assert_eq!((request.logprobs, request.output_limit.map(|limit| limit.tokens)), (Some(true), Some(7)));
}

#[test]
fn signatures_in_ids_are_taken_out() {
    let id = crate::dialect::carried::seal("call_1", Some("c2ln"));
    let request = request_of(&with_input(json!([
        {"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": id, "output": "a"}
    ])));
    let call = &request.messages[0].parts[0];
    assert_eq!(call.signature.as_deref(), Some("c2ln"));
    assert!(
        matches!(&call.content, Content::ToolCall(call) if call.id.as_deref() == Some("call_1") && call.kind == ToolKind::Function)
    );
    assert!(
        matches!(&request.messages[1].parts[0].content, Content::ToolResult(result) if result.call_id.as_deref() == Some("call_1"))
    );
}

#[test]
fn bad_requests_name_the_field() {
    for (body, path) in [
        (json!({"input": "a"}), "model"),
        (json!({"model": "", "input": "a"}), "model"),
        (json!({"model": "m"}), "input"),
        (json!({"model": "m", "input": []}), "input"),
        (json!({"model": "m", "input": ""}), "input"),
        (json!({"model": "m", "input": 5}), "input"),
        (json!({"model": "m", "input": "a", "instructions": 5}), "instructions"),
        (json!({"model": "m", "input": ["a"]}), "input[0]"),
        (json!({"model": "m", "input": [{"content": "a"}]}), "input[0].type"),
        (json!({"model": "m", "input": [{"role": "robot", "content": "a"}]}), "input[0].role"),
        (json!({"model": "m", "input": [{"role": "user"}]}), "input[0].content"),
        (
            json!({"model": "m", "input": [{"role": "user", "content": [{"type": "input_text"}]}]}),
            "input[0].content[0].text",
        ),
        (
            json!({"model": "m", "input": [{"role": "user", "content": [{"type": "input_image"}]}]}),
            "input[0].content[0].image_url",
        ),
        (
            json!({"model": "m", "input": [{"role": "user", "content": [{"type": "input_file"}]}]}),
            "input[0].content[0].file_data",
        ),
        (
            json!({"model": "m", "input": [{"type": "function_call", "name": "f", "arguments": "{}"}]}),
            "input[0].call_id",
        ),
        (
            json!({"model": "m", "input": [{"type": "function_call", "name": "f", "arguments": {}, "call_id": "c"}]}),
            "input[0].arguments",
        ),
        (
            json!({"model": "m", "input": [{"type": "function_call_output", "call_id": "c", "output": "a"}]}),
            "input[0].call_id",
        ),
        (
            json!({"model": "m", "input": [{"type": "function_call_output", "call_id": "c"}]}),
            "input[0].output",
        ),
        (json!({"model": "m", "input": [{"type": "reasoning", "summary": "a"}]}), "input[0].summary"),
        (json!({"model": "m", "input": "a", "tools": [{}]}), "tools[0].type"),
        (json!({"model": "m", "input": "a", "tools": [{"type": "function"}]}), "tools[0].name"),
        (json!({"model": "m", "input": "a", "tools": {}}), "tools"),
        (json!({"model": "m", "input": "a", "tool_choice": 1}), "tool_choice"),
        (json!({"model": "m", "input": "a", "text": {"format": {}}}), "text.format.type"),
        (
            json!({"model": "m", "input": "a", "text": {"format": {"type": "json_schema"}}}),
            "text.format.name",
        ),
        (json!({"model": "m", "input": "a", "max_output_tokens": 0}), "max_output_tokens"),
        (json!({"model": "m", "input": "a", "temperature": "hot"}), "temperature"),
        (json!({"model": "m", "input": "a", "reasoning": {"effort": 1}}), "reasoning.effort"),
        (json!({"model": "m", "input": "a", "stream": "yes"}), "stream"),
    ] {
        let error = decode_request(body.to_string().as_bytes()).expect_err("refused");
        assert_eq!(error.path, path, "{body}: {error}");
    }
    for body in ["", "{", "[]", "null"] {
        assert_eq!(decode_request(body.as_bytes()).expect_err("refused").path, "");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(decode_request(format!(r#"{{"model":"m","input":{deep}}}"#).as_bytes()).is_err());
}

#[test]
fn a_result_may_answer_a_call_that_is_kept_elsewhere() {
    let result = json!([{"type": "custom_tool_call_output", "call_id": "c", "output": "a"}]);
    for (field, value) in [("previous_response_id", json!("resp_1")), ("conversation", json!("conv_1"))] {
        let mut request = with_input(result.clone());
        request[field] = value;
        comes_back(&request);
    }
}

#[test]
fn state_at_openai_is_lost_elsewhere_with_its_weight() {
    let request = request_of(&json!({
        "model": "m", "input": "a", "previous_response_id": "resp_1", "background": true, "prompt": {"id": "p"},
        "conversation": {"id": "c"}, "include": ["file_search_call.results"], "truncation": "auto",
        "max_tool_calls": 1, "safety_identifier": "s", "reasoning": {"context": "all_turns"}
    }));
    let state = weigh_extra(&request);
    for name in ["previous_response_id", "background", "prompt", "conversation"] {
        assert!(lost(&state).contains(&(name, Weight::Meaning)), "{name}");
    }
    for name in ["include", "truncation", "max_tool_calls", "reasoning"] {
        assert!(lost(&state).contains(&(name, Weight::Hint)), "{name}");
    }
    let refers = request_of(&with_input(json!([
        {"role": "user", "content": "a"}, {"type": "item_reference", "id": "rs_1"}
    ])));
    assert_eq!(lost(&weigh_extra(&refers)), [("input", Weight::Meaning)]);
    assert!(weigh_extra(&refers)[0].reason.contains("`store`"), "it says what to do");
    let plain = request_of(&json!({
        "model": "m", "input": "a", "previous_response_id": null, "background": false, "truncation": "disabled", "include": ["reasoning.encrypted_content"],
        "reasoning": {"summary": "auto", "effort": null}
    }));
    assert_eq!(weigh_extra(&plain), []);
}

#[test]
fn only_what_says_something_is_named_when_the_format_is_left() {
    let mut request = request_of(&json!({
        "model": "m", "instructions": "a", "input": [
            {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [{"type": "output_text", "text": "b", "annotations": [], "logprobs": []}]},
            {"type": "reasoning", "id": "rs_1", "status": "completed", "summary": []},
            {"type": "function_call", "id": "fc_1", "status": "completed", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "id": "fco_1", "call_id": "c", "output": "x"},
            {"role": "user", "content": "c"}
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object", "additionalProperties": false}}]
    }));
    assert_eq!(request.leave_extra(), Vec::<String>::new());
}
