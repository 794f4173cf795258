//! What is said beside the conversation: limits, tools, reasoning, the answer's form.

use serde_json::{Value, json};

use super::{NEWER, NEWEST, OLDER, asked, fields_lost, parse, through};
use crate::chat::{Request, ResponseFormat};
use crate::dialect::anthropic::{
    DEFAULT_MAX_TOKENS, decode_count_request, decode_count_response, decode_request, encode_count_request,
    encode_count_response, encode_request,
};
use crate::dialect::{Target, Weight, openai_chat};

fn function() -> Value {
    json!([{"type": "function", "function": {"name": "f", "description": "does", "parameters": {"type": "object"}}}])
}

#[test]
fn a_limit_is_always_said() {
    let encoded = asked(&json!({"max_completion_tokens": 7}), OLDER);
    assert_eq!(parse(&encoded.body)["max_tokens"], 7);
    assert_eq!(encoded.lowered, Vec::<String>::new());
    let request = Request::new("m", Vec::new());
    let target = Target { model: "m", kind: "", max_output: Some(64_000) };
    assert_eq!(parse(&encode_request(&request, &target).body)["max_tokens"], 64_000);
    let encoded = encode_request(&request, &Target::model("m"));
    assert_eq!(parse(&encoded.body)["max_tokens"], DEFAULT_MAX_TOKENS);
    assert_eq!(encoded.lowered, ["output_limit"]);
}

#[test]
fn vertex_has_the_model_in_the_address() {
    let target = Target { model: "claude-opus-4-6", kind: "vertex", max_output: None };
    let body = parse(&encode_request(&Request::new("m", Vec::new()), &target).body);
    assert_eq!((&body["model"], &body["anthropic_version"]), (&Value::Null, &json!("vertex-2023-10-16")));
    let request = json!({"anthropic_version": "vertex-2023-10-16", "max_tokens": 1,
        "messages": [{"role": "user", "content": "x"}]});
    let read = decode_request(request.to_string().as_bytes()).expect("a request");
    assert_eq!(parse(&encode_request(&read, &target).body), request);
}

#[test]
fn tools_keep_their_schemas() {
    let body = parse(&asked(&json!({"tools": function()}), OLDER).body);
    let expected = json!([{"name": "f", "description": "does", "input_schema": {"type": "object"}}]);
    assert_eq!(body["tools"], expected);
    let bare = json!({"tools": [{"type": "function", "function": {"name": "f"}}]});
    let schema = json!({"type": "object", "properties": {}});
    assert_eq!(parse(&asked(&bare, OLDER).body)["tools"][0]["input_schema"], schema);
}

#[test]
fn a_binding_schema_is_lowered_to_what_is_taken() {
    let schema = json!({"type": "object", "required": ["n"], "properties": {
        "n": {"type": "integer", "minimum": 1, "maximum": 9, "description": "how many"},
        "when": {"oneOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
    }});
    let tool = json!({"tools": [{"type": "function",
        "function": {"name": "f", "strict": true, "parameters": schema}}]});
    let encoded = asked(&tool, OLDER);
    let n = "tools[0].parameters/properties/n";
    assert_eq!(
        encoded.lowered,
        [
            "output_limit".to_owned(),
            format!("{n}/minimum"),
            format!("{n}/maximum"),
            "tools[0].parameters/properties/when/oneOf".to_owned(),
            "tools[0].parameters/additionalProperties".to_owned()
        ]
    );
    let expected = json!({"type": "object", "required": ["n"], "additionalProperties": false, "properties": {
        "n": {"type": "integer", "description": "how many\n\n{minimum: 1, maximum: 9}"},
        "when": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
    }});
    assert_eq!(parse(&encoded.body)["tools"][0]["input_schema"], expected);
    // What does not bind is told as it is.
    let tool = json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]});
    assert_eq!(parse(&asked(&tool, OLDER).body)["tools"][0]["input_schema"], schema);
}

#[test]
fn each_choice_of_tools_has_its_word() {
    let choice = |more: Value| {
        let mut more = more;
        more["tools"] = function();
        let encoded = asked(&more, OLDER);
        assert_eq!(encoded.lost, []);
        parse(&encoded.body)["tool_choice"].clone()
    };
    assert_eq!(choice(json!({"tool_choice": "auto"})), json!({"type": "auto"}));
    assert_eq!(choice(json!({"tool_choice": "required"})), json!({"type": "any"}));
    assert_eq!(choice(json!({"tool_choice": "none"})), json!({"type": "none"}));
    let named = json!({"tool_choice": {"type": "function", "function": {"name": "f"}}});
    assert_eq!(choice(named), json!({"type": "tool", "name": "f"}));
    let single = json!({"type": "auto", "disable_parallel_tool_use": true});
    assert_eq!(choice(json!({"parallel_tool_calls": false})), single);
    assert_eq!(choice(json!({"parallel_tool_calls": true})), Value::Null);
    let some = json!({"tool_choice": "required", "parallel_tool_calls": true});
    assert_eq!(choice(some), json!({"type": "any", "disable_parallel_tool_use": false}));
}

#[test]
fn a_choice_of_some_tools_leaves_the_others_out() {
    let tools = json!([
        {"type": "function", "function": {"name": "a"}},
        {"type": "function", "function": {"name": "b"}},
    ]);
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "required",
        "tools": [{"type": "function", "function": {"name": "b"}}]}});
    let body = parse(&asked(&json!({"tools": tools, "tool_choice": allowed}), OLDER).body);
    assert_eq!(body["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!((&body["tools"][0]["name"], &body["tool_choice"]["type"]), (&json!("b"), &json!("any")));
}

#[test]
fn tools_of_other_vendors_become_their_counterparts_or_are_refused() {
    let built_in = |kind: &str, more: Value| {
        let mut tool = more;
        tool["type"] = kind.into();
        let request = json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": [tool]});
        let read = openai_chat::decode_request(request.to_string().as_bytes()).expect("a request");
        let encoded = encode_request(&read, &Target::model(OLDER));
        (parse(&encoded.body)["tools"].clone(), encoded.lost)
    };
    let place = json!({"type": "approximate", "city": "Bonn"});
    let (tools, lost) =
        built_in("web_search_preview", json!({"user_location": place, "search_context_size": "low"}));
    let expected = json!([{"type": "web_search_20250305", "name": "web_search", "user_location": place}]);
    assert_eq!((tools, lost[0].weight), (expected, Weight::Hint));
    let (tools, lost) = built_in("file_search", json!({}));
    assert_eq!((tools, lost[0].weight), (Value::Null, Weight::Meaning));
}

#[test]
fn a_search_of_the_web_is_a_tool() {
    let options = json!({"web_search_options": {"search_context_size": "high", "user_location":
        {"type": "approximate", "approximate": {"city": "Bonn", "country": "DE"}}}});
    let encoded = asked(&options, OLDER);
    let expected = json!([{"type": "web_search_20250305", "name": "web_search",
        "user_location": {"type": "approximate", "city": "Bonn", "country": "DE"}}]);
    assert_eq!(parse(&encoded.body)["tools"], expected);
    assert_eq!(fields_lost(&encoded), ["web_search.context_size"]);
}

fn thinking(more: &Value, model: &str) -> (Value, Value, Vec<String>) {
    let mut more = more.clone();
    if more.get("max_tokens").is_none() {
        more["max_tokens"] = 32_000.into();
    }
    let encoded = asked(&more, model);
    let body = parse(&encoded.body);
    let lost = encoded.lost.into_iter().map(|loss| loss.field).collect();
    (body["thinking"].clone(), body["output_config"]["effort"].clone(), lost)
}

#[test]
fn an_effort_is_told_as_the_model_takes_it() {
    let high = json!({"reasoning_effort": "high"});
    let none = Vec::<String>::new();
    let budget = json!({"type": "enabled", "budget_tokens": 24_576});
    assert_eq!(thinking(&high, OLDER), (budget, Value::Null, none.clone()));
    let adaptive = json!({"type": "adaptive"});
    assert_eq!(thinking(&high, NEWER), (adaptive.clone(), json!("high"), none.clone()));
    assert_eq!(thinking(&json!({"reasoning_effort": "xhigh"}), NEWER).1, "high");
    assert_eq!(thinking(&json!({"reasoning_effort": "xhigh"}), NEWEST).1, "xhigh");
    assert_eq!(thinking(&json!({"reasoning_effort": "minimal"}), NEWEST).1, "low");
    let off = json!({"reasoning_effort": "none"});
    assert_eq!(thinking(&off, OLDER).0, Value::Null);
    assert_eq!(thinking(&off, NEWEST).0, json!({"type": "disabled"}));
    // A model of another vendor that speaks the format.
    assert_eq!(thinking(&high, "glm-5").0["type"], "enabled");
}

#[test]
fn a_budget_is_told_as_the_model_takes_it() {
    let budget = json!({"reasoning": {"max_tokens": 9_000}});
    assert_eq!(thinking(&budget, OLDER).0, json!({"type": "enabled", "budget_tokens": 9_000}));
    assert_eq!(thinking(&budget, NEWEST).1, "medium");
    let own = json!({"model": NEWEST, "max_tokens": 32_000, "messages": [{"role": "user", "content": "x"}],
        "thinking": {"type": "enabled", "budget_tokens": 20_000}});
    let encoded = through(&own);
    let body = parse(&encoded.body);
    assert_eq!(
        (&body["thinking"], &body["output_config"]),
        (&json!({"type": "adaptive"}), &json!({"effort": "high"}))
    );
    assert_eq!(encoded.lowered, ["reasoning.budget"]);
}

#[test]
fn a_budget_leaves_room_for_the_answer() {
    let budget = |limit: u64| thinking(&json!({"reasoning_effort": "high", "max_tokens": limit}), OLDER);
    assert_eq!(budget(3_000).0["budget_tokens"], 1_976);
    assert_eq!(budget(2_048).0["budget_tokens"], 1_024);
    assert_eq!(budget(2_047), (Value::Null, Value::Null, vec!["reasoning".to_owned()]));
}

#[test]
fn thinking_gives_way_where_it_would_be_refused() {
    let forced = json!({"reasoning_effort": "low", "tools": function(), "tool_choice": "required"});
    assert_eq!(thinking(&forced, NEWER), (Value::Null, Value::Null, vec!["reasoning".to_owned()]));
    let called = json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "done"},
    ]);
    let resumed = json!({"reasoning_effort": "low", "messages": called});
    assert_eq!(thinking(&resumed, OLDER), (Value::Null, Value::Null, vec!["reasoning".to_owned()]));
    assert_eq!(thinking(&resumed, NEWER).0, json!({"type": "adaptive"}));
    let cool = json!({"reasoning_effort": "low", "temperature": 0.2, "top_k": 4});
    let (_, _, lost) = thinking(&cool, NEWER);
    assert_eq!(lost, ["sampling.temperature", "sampling.top_k"]);
}

#[test]
fn sampling_is_told_as_the_model_takes_it() {
    let both = json!({"temperature": 1.5, "top_p": 0.9, "top_k": 3});
    let encoded = asked(&both, "claude-3-5-haiku-20241022");
    let body = parse(&encoded.body);
    assert_eq!((&body["temperature"], &body["top_p"], &body["top_k"]), (&json!(1), &json!(0.9), &json!(3)));
    assert_eq!(encoded.lowered, ["output_limit", "sampling.temperature"]);
    assert_eq!(fields_lost(&asked(&both, OLDER)), ["sampling.top_p"]);
    let expected = ["sampling.temperature", "sampling.top_p", "sampling.top_k"];
    assert_eq!(fields_lost(&asked(&both, NEWEST)), expected);
}

#[test]
fn a_schema_for_the_answer_is_told_in_its_present_form() {
    let format = |schema: Value| json!({"response_format": {"type": "json_schema", "json_schema": schema}});
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let encoded = asked(
        &format(json!({"name": "thing", "description": "a thing", "strict": true, "schema": schema})),
        OLDER,
    );
    let expected = json!({"format": {"type": "json_schema", "schema": {"type": "object", "properties": {},
        "additionalProperties": false, "title": "thing", "description": "a thing"}}});
    assert_eq!(parse(&encoded.body)["output_config"], expected);
    assert_eq!((encoded.lost.len(), encoded.lowered), (0, vec!["output_limit".to_owned()]));
    let wish = asked(&format(json!({"name": "thing", "schema": {"type": "object"}})), OLDER);
    assert_eq!(wish.lowered, ["output_limit", "response_format.schema/additionalProperties"]);
    let any = asked(&json!({"response_format": {"type": "json_object"}}), OLDER);
    assert_eq!((fields_lost(&any), any.lost[0].weight), (vec!["response_format"], Weight::Meaning));
    assert_eq!(asked(&json!({"response_format": {"type": "text"}}), OLDER).lost, []);
}

#[test]
fn both_names_of_the_answers_form_are_read() {
    for more in [
        json!({"output_config": {"format": {"type": "json_schema", "schema": {}}, "effort": "low", "task_budget": 1}}),
        json!({"output_format": {"type": "json_schema", "schema": {"type": "string"}}}),
    ] {
        let mut request =
            json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]});
        request.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let read = decode_request(request.to_string().as_bytes()).expect("a request");
        assert!(matches!(read.response_format, Some(ResponseFormat::JsonSchema(_))));
        assert_eq!(parse(&encode_request(&read, &Target::model("m")).body), request);
    }
}

#[test]
fn stop_sequences_of_white_space_are_refused() {
    let encoded = asked(&json!({"stop": ["\n", "END"]}), OLDER);
    assert_eq!(parse(&encoded.body)["stop_sequences"], json!(["END"]));
    assert_eq!((fields_lost(&encoded), encoded.lost[0].weight), (vec!["stop"], Weight::Meaning));
    assert_eq!(parse(&asked(&json!({"stop": "END"}), OLDER).body)["stop_sequences"], json!(["END"]));
}

#[test]
fn classes_of_service_and_users_are_told() {
    let tier = |word: &str| parse(&asked(&json!({"service_tier": word}), OLDER).body)["service_tier"].clone();
    assert_eq!((tier("auto"), tier("priority")), (json!("auto"), json!("auto")));
    assert_eq!((tier("default"), tier("flex")), (json!("standard_only"), Value::Null));
    let body = parse(&asked(&json!({"user": "u-1"}), OLDER).body);
    assert_eq!(body["metadata"], json!({"user_id": "u-1"}));
}

#[test]
fn counting_needs_no_limit_and_says_none() {
    let body = json!({"model": NEWER, "messages": [{"role": "user", "content": "x"}], "system": "s",
        "tools": [{"name": "f", "input_schema": {"type": "object"}}], "thinking": {"type": "adaptive"}});
    let request = decode_count_request(body.to_string().as_bytes()).expect("a request");
    let encoded = encode_count_request(&request, &Target::model(NEWER));
    assert_eq!(parse(&encoded.body), body);
    let mut whole = body.clone();
    whole["max_tokens"] = 9.into();
    whole["stream"] = true.into();
    whole["temperature"] = 1.into();
    let request = decode_count_request(whole.to_string().as_bytes()).expect("a request");
    assert_eq!(parse(&encode_count_request(&request, &Target::model(NEWER)).body), body);
    assert_eq!(&encode_count_response(17)[..], br#"{"input_tokens":17}"#);
    assert_eq!(decode_count_response(br#"{"input_tokens":17,"more":1}"#), Ok(17));
    assert_eq!(decode_count_response(b"{}").expect_err("no count").path, "input_tokens");
}
