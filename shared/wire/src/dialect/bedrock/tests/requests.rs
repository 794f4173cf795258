//! Requests: what is read into which field, what is refused, how models are asked to reason.

use serde_json::{Value, json};

use crate::chat::{
    CacheLife, Content, Definition, Effort, Message, OutputLimit, ReasoningRequest, ReasoningRequestSpelling,
    Request, ResponseFormat, Role, Source, Stop, ToolChoice,
};
use crate::dialect::bedrock::{decode_request, encode_request};
use crate::dialect::loss::Weight;
use crate::dialect::{Dialect, Target, origin};

pub(super) fn read(body: &Value) -> Request {
    decode_request("anthropic.claude-sonnet-4-5-v1:0", false, body.to_string().as_bytes()).expect("readable")
}

pub(super) fn written(request: &Request, model: &str) -> Value {
    serde_json::from_slice(&encode_request(request, &Target::model(model)).body).expect("JSON")
}

/// Everything that the documentation knows, read and written again.
#[test]
fn a_request_with_everything_comes_back_equal() {
    let body = json!({
        "system": [{"text": "be brief"}, {"cachePoint": {"type": "default"}},
            {"guardContent": {"text": {"text": "rules", "qualifiers": ["query"]}}}],
        "messages": [
            {"role": "user", "content": [
                {"text": "hello"}, {"cachePoint": {"type": "default", "ttl": "1h"}}, {"cachePoint": {"type": "default"}},
                {"image": {"format": "png", "source": {"bytes": "aGk="}}},
                {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://b/i.jpg", "bucketOwner": "1"}}}},
                {"image": {"format": "heic", "source": {"bytes": "aGk="}}},
                {"document": {"format": "pdf", "name": "a (1)", "source": {"bytes": "aGk="}, "citations": {"enabled": true}}},
                {"document": {"format": "txt", "name": "b", "source": {"text": "words"}, "context": "c"}},
                {"document": {"name": "c", "source": {"text": "words"}}},
                {"document": {"format": "md", "name": "d", "source": {"content": [{"text": "x"}]}}},
                {"video": {"format": "three_gp", "source": {"s3Location": {"uri": "s3://b/v.3gp"}}}},
                {"audio": {"format": "wav", "source": {"bytes": "aGk="}}},
                {"guardContent": {"text": {"text": "look at this"}}},
                {"guardContent": {"image": {"format": "png", "source": {"bytes": "aGk="}}}},
                {"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}},
                {"somethingNew": {"x": 1}}]},
            {"role": "user", "content": [{"text": "apart"}]},
            {"role": "system", "content": [{"toolAddition": {"tool": {"name": "f"}}}]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
                {"reasoningContent": {"reasoningText": {"text": "unsigned"}}},
                {"reasoningContent": {"redactedContent": "RXU4RUNr"}},
                {"reasoningContent": {"redactedContent": "/////w=="}},
                {"citationsContent": {"content": [{"text": "said"}], "citations": [
                    {"title": "t", "source": "s", "sourceContent": [{"text": "quote"}],
                     "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}},
                    {"location": {"web": {"url": "https://a", "domain": "a"}}},
                    {"sourceContent": [{"text": "a"}, {"text": "b"}], "location": {"searchResultLocation": {"searchResultIndex": 1}}}]}},
                {"citationsContent": {"content": [{"text": "two"}, {"text": "texts"}], "citations": []}},
                {"citationsContent": {"citations": [{"location": {"web": {"url": "https://a"}}}]}},
                {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"x": 1.0, "y": [null]}}},
                {"toolUse": {"toolUseId": "t2", "name": "code", "input": {}, "type": "server_tool_use"}},
                {"toolResult": {"toolUseId": "t2", "content": [{"json": {}}], "type": "code_result", "status": "success"}}]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "t1", "status": "success", "content": [
                    {"text": "t"}, {"json": {"a": [1, 2.5]}}, {"json": null}, {"image": {"format": "gif", "source": {"bytes": "aGk="}}},
                    {"document": {"format": "csv", "name": "e", "source": {"bytes": "aGk="}}}]}},
                {"toolResult": {"toolUseId": "t3", "status": "error", "content": []}}]},
        ],
        "inferenceConfig": {"maxTokens": 5000, "temperature": 0.50, "topP": 1, "stopSequences": ["a"], "new": 1},
        "toolConfig": {"tools": [
            {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object"}}, "strict": true}},
            {"cachePoint": {"type": "default", "ttl": "5m"}}, {"systemTool": {"name": "code"}}],
            "toolChoice": {"tool": {"name": "f"}}},
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}, "top_k": 5, "anthropic_beta": ["x"]},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled"},
        "performanceConfig": {"latency": "optimized"}, "serviceTier": {"type": "flex"},
        "requestMetadata": {"team": "a b"}, "promptVariables": {"x": {"text": "y"}},
        "outputConfig": {"effort": "high", "textFormat": {"type": "json_schema", "structure": {"jsonSchema":
            {"schema": "{\"type\": \"object\"}", "name": "n", "description": "d"}}}},
    });
    let request = read(&body);
    assert_eq!(written(&request, "m"), body);
    let encoded = encode_request(&request, &Target::model("m"));
    assert_eq!((encoded.lost, encoded.lowered), (Vec::new(), Vec::new()));
    assert_eq!(read(&serde_json::from_slice(&encoded.body).unwrap()), request);
}

#[test]
fn fields_are_read_into_their_places() {
    let request = read(&json!({
        "system": [{"text": "be brief"}],
        "messages": [{"role": "user", "content": [
            {"image": {"format": "png", "source": {"bytes": "aGk="}}}, {"cachePoint": {"type": "default"}}]}],
        "inferenceConfig": {"maxTokens": 5, "stopSequences": ["a"]},
        "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}}}], "toolChoice": {"any": {}}},
        "additionalModelRequestFields": {"thinking": {"type": "adaptive"}, "top_k": 5},
        "serviceTier": {"type": "priority"}, "requestMetadata": {"a": "b"}, "outputConfig": {"effort": "low"},
    }));
    assert_eq!(request.messages[0], Message::text(Role::System, "be brief"));
    let image = &request.messages[1].parts[0];
    assert_eq!(image.cache.map(|mark| mark.life), Some(CacheLife::Default));
    let Content::Image(image) = &image.content else { panic!("{image:?}") };
    assert_eq!(image.source, Source::Base64 { media_type: Some("image/png".into()), data: "aGk=".into() });
    assert_eq!(request.output_limit, Some(OutputLimit { tokens: 5, legacy: false }));
    assert_eq!(request.stop, Some(Stop::Many(vec!["a".into()])));
    assert_eq!(request.tool_choice, Some(ToolChoice::Required));
    assert!(matches!(&request.tools[0].definition, Definition::Function(function) if function.name == "f"));
    assert_eq!(request.sampling.top_k, Some(5.into()));
    assert_eq!(
        request.reasoning,
        Some(ReasoningRequest {
            shown: None,
            effort: Some(Effort::Low),
            budget: None,
            enabled: Some(true),
            spelling: ReasoningRequestSpelling::Thinking
        })
    );
    assert_eq!(request.service_tier.as_deref(), Some("priority"));
    assert_eq!(request.metadata.as_ref().and_then(|metadata| metadata["a"].as_str()), Some("b"));
    assert_eq!(request.stream, Some(false));
    assert!(origin::is(&request, Dialect::Bedrock));
    assert_eq!(request.extra.len(), 1, "{:?}", request.extra);
}

#[test]
fn what_is_wrong_is_named() {
    let user = |block: Value| json!({"messages": [{"role": "user", "content": [block]}]});
    for (body, path) in [
        (json!([]), ""),
        (json!({}), "messages"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": ["x"]}), "messages[0]"),
        (json!({"messages": [{"content": []}]}), "messages[0].role"),
        (json!({"messages": [{"role": "tool", "content": []}]}), "messages[0].role"),
        (json!({"messages": [{"role": "user"}]}), "messages[0].content"),
        (json!({"messages": [{"role": "user", "content": "hello"}]}), "messages[0].content"),
        (user(json!({})), "messages[0].content[0]"),
        (user(json!("text")), "messages[0].content[0]"),
        (user(json!({"text": 5})), "messages[0].content[0].text"),
        (user(json!({"image": "x"})), "messages[0].content[0].image"),
        (user(json!({"image": {"format": "png"}})), "messages[0].content[0].image.source"),
        (
            user(json!({"image": {"source": {"bytes": "not base64"}}})),
            "messages[0].content[0].image.source.bytes",
        ),
        (user(json!({"toolUse": {"name": "f", "toolUseId": "1"}})), "messages[0].content[0].toolUse.input"),
        (user(json!({"toolResult": {"content": []}})), "messages[0].content[0].toolResult.toolUseId"),
        (
            user(json!({"toolResult": {"toolUseId": "1", "content": [5]}})),
            "messages[0].content[0].toolResult.content[0]",
        ),
    ] {
        let error = decode_request("m", false, body.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.path, path, "{body}: {error}");
    }
    let with = |name: &str, value: Value| {
        let mut body = json!({"messages": [{"role": "user", "content": [{"text": "a"}]}]});
        body[name] = value;
        decode_request("m", false, body.to_string().as_bytes()).unwrap_err().path
    };
    assert_eq!(with("inferenceConfig", json!({"maxTokens": 0})), "inferenceConfig.maxTokens");
    assert_eq!(with("inferenceConfig", json!({"stopSequences": "x"})), "inferenceConfig.stopSequences");
    assert_eq!(
        with("toolConfig", json!({"tools": [{"toolSpec": {"name": "f"}}]})),
        "toolConfig.tools[0].toolSpec.inputSchema"
    );
    assert_eq!(with("requestMetadata", json!({"a": 5})), "requestMetadata.a");
    let format =
        json!({"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "nonsense"}}}});
    assert_eq!(with("outputConfig", format), "outputConfig.textFormat.structure.jsonSchema.schema");
    assert_eq!(decode_request("", false, b"{}").unwrap_err().path, "modelId");
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    assert!(decode_request("m", false, deep.as_bytes()).is_err());
}

fn asked(reasoning: ReasoningRequest, limit: Option<u64>, model: &str) -> (Value, Vec<String>) {
    let mut request = Request::new("m", vec![Message::text(Role::User, "hello")]);
    request.reasoning = Some(reasoning);
    request.output_limit = limit.map(|tokens| OutputLimit { tokens, legacy: false });
    let encoded = encode_request(&request, &Target::model(model));
    let body: Value = serde_json::from_slice(&encoded.body).unwrap();
    let said = json!([body.get("additionalModelRequestFields"), body.get("outputConfig")]);
    let mut told: Vec<String> = encoded.lost.into_iter().map(|loss| loss.field).collect();
    told.extend(encoded.lowered);
    (said, told)
}

#[test]
fn models_are_asked_to_reason_in_the_words_of_their_makers() {
    let effort = |effort| ReasoningRequest { effort: Some(effort), ..ReasoningRequest::default() };
    let budget = |budget| ReasoningRequest { budget: Some(budget), ..ReasoningRequest::default() };
    let off = ReasoningRequest { enabled: Some(false), ..ReasoningRequest::default() };
    let older = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    let newer = "anthropic.claude-opus-4-6-v1";
    let enabled = |budget: u64| json!([{"thinking": {"type": "enabled", "budget_tokens": budget}}, null]);
    assert_eq!(asked(effort(Effort::High), None, older), (enabled(24_576), vec![]));
    assert_eq!(
        asked(effort(Effort::High), Some(2_000), older),
        (enabled(1_999), vec!["reasoning.budget".into()])
    );
    assert_eq!(
        asked(effort(Effort::High), Some(100), older),
        (json!([null, null]), vec!["reasoning".into()])
    );
    assert_eq!(asked(budget(3_000), None, older), (enabled(3_000), vec![]));
    assert_eq!(asked(budget(3_000), None, newer), (enabled(3_000), vec![]));
    let adaptive = json!([{"thinking": {"type": "adaptive"}}, {"effort": "high"}]);
    assert_eq!(asked(effort(Effort::High), None, newer), (adaptive, vec![]));
    let disabled = json!([{"thinking": {"type": "disabled"}}, null]);
    assert_eq!(asked(off.clone(), None, newer), (disabled.clone(), vec![]));
    assert_eq!(asked(effort(Effort::None), None, older), (disabled, vec![]));
    let nova = json!([{"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}, null]);
    assert_eq!(asked(effort(Effort::Minimal), None, "us.amazon.nova-2-lite-v1:0"), (nova.clone(), vec![]));
    assert_eq!(asked(budget(3_000), None, "us.amazon.nova-2-lite-v1:0"), (nova, vec![]));
    let open = json!([{"reasoning_effort": "high"}, null]);
    assert_eq!(asked(effort(Effort::High), None, "openai.gpt-oss-120b-1:0"), (open, vec![]));
    let none = (json!([null, null]), vec!["reasoning".to_owned()]);
    assert_eq!(asked(effort(Effort::High), None, "meta.llama3-70b-instruct-v1:0"), none);
    assert_eq!(asked(off, None, "meta.llama3-70b-instruct-v1:0"), (json!([null, null]), vec![]));
}

#[test]
fn top_k_has_the_name_that_the_model_knows() {
    let mut request = Request::new("m", vec![Message::text(Role::User, "hello")]);
    request.sampling.top_k = Some(7.into());
    let additional = |model| written(&request, model)["additionalModelRequestFields"].clone();
    assert_eq!(additional("anthropic.claude-opus-4-6-v1"), json!({"top_k": 7}));
    assert_eq!(additional("amazon.nova-pro-v1:0"), json!({"inferenceConfig": {"topK": 7}}));
    assert_eq!(additional("cohere.command-r-v1:0"), json!({"k": 7}));
    assert_eq!(additional("meta.llama3-70b-instruct-v1:0"), Value::Null);
}

#[test]
fn a_schema_is_sent_as_text_and_json_without_one_is_refused() {
    let mut request = Request::new("m", vec![Message::text(Role::User, "hello")]);
    request.response_format = Some(ResponseFormat::JsonObject);
    let lost = encode_request(&request, &Target::model("m")).lost;
    assert_eq!((lost[0].field.as_str(), lost[0].weight), ("response_format", Weight::Meaning));
    let text = "{\n \"type\": \"object\"}";
    for text in [text, "{\"type\": \"object\"}", "{\"type\":\"object\"}"] {
        let body = json!({"messages": [{"role": "user", "content": [{"text": "a"}]}],
            "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": text}}}}});
        let request = read(&body);
        let Some(ResponseFormat::JsonSchema(schema)) = &request.response_format else {
            panic!("{request:?}")
        };
        assert_eq!(schema.schema, Some(json!({"type": "object"})));
        assert_eq!(written(&request, "m"), body);
    }
}
