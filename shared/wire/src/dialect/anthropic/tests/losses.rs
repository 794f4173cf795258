//! Nothing is left out without being named.

use serde_json::{Number, Value, json};

use super::{NEWER, parse};
use crate::chat::{
    Annotation, Audio, AudioOutput, CacheLife, CacheMark, Content, Definition, Effort, Extra, File, Function,
    Image, Location, Message, OutputLimit, Part, Prediction, Reasoning, ReasoningForm, ReasoningRequest,
    Request, ResponseFormat, Role, Sampling, Schema, Source, Stop, Text, Tool, ToolCall, ToolChoice,
    ToolKind, ToolResult, WebSearch,
};
use crate::dialect::anthropic::encode_request;
use crate::dialect::{Encoded, Target, Weight};

fn number(value: f64) -> Option<Number> {
    Number::from_f64(value)
}

/// A request in which every field says something.
fn full() -> Request {
    Request {
        model: "said-by-the-caller".to_owned(),
        messages: vec![Message::text(Role::User, "hello")],
        tools: vec![Tool {
            definition: Definition::Function(Function {
                name: "tool-name".to_owned(),
                description: Some("tool-description".to_owned()),
                parameters: Some(json!({"type": "object", "title": "tool-schema"})),
                strict: Some(false),
            }),
            cache: Some(CacheMark { life: CacheLife::OneHour }),
            extra: Extra::new(),
        }],
        tool_choice: Some(ToolChoice::Auto),
        parallel_tool_calls: Some(false),
        legacy_functions: false,
        response_format: Some(ResponseFormat::JsonSchema(Schema {
            name: Some("schema-name".to_owned()),
            description: Some("schema-description".to_owned()),
            schema: Some(json!({"type": "object", "additionalProperties": false})),
            strict: Some(true),
            extra: Extra::new(),
        })),
        sampling: Sampling {
            temperature: number(0.5),
            top_p: number(0.6),
            top_k: Some(7.into()),
            frequency_penalty: number(0.8),
            presence_penalty: number(0.9),
            seed: Some(10.into()),
            logit_bias: Some(Extra::from_iter([("1".to_owned(), json!(2))])),
        },
        stop: Some(Stop::One("stop-here".to_owned())),
        n: Some(2),
        output_limit: Some(OutputLimit { tokens: 11_111, legacy: true }),
        logprobs: Some(true),
        top_logprobs: Some(3),
        reasoning: Some(ReasoningRequest {
            effort: Some(Effort::Medium),
            budget: Some(2_222),
            enabled: Some(true),
            ..ReasoningRequest::default()
        }),
        modalities: Some(vec!["audio".to_owned()]),
        audio: Some(AudioOutput { format: Some("wav".to_owned()), ..AudioOutput::default() }),
        prediction: Some(Prediction { parts: vec![Part::text("x")], ..Prediction::default() }),
        service_tier: Some("flex".to_owned()),
        user: Some("user-id".to_owned()),
        metadata: Some(Extra::from_iter([("k".to_owned(), json!("v"))])),
        store: Some(true),
        prompt_cache_key: Some("key".to_owned()),
        prompt_cache_retention: Some("24h".to_owned()),
        safety_identifier: Some("person".to_owned()),
        verbosity: Some("low".to_owned()),
        web_search: Some(WebSearch {
            context_size: Some("low".to_owned()),
            location: Some(Location { city: Some("search-city".to_owned()), ..Location::default() }),
            extra: Extra::new(),
        }),
        stream: Some(true),
        include_usage: Some(true),
        extra: Extra::new(),
    }
}

fn named(encoded: &Encoded, field: &str) -> bool {
    encoded.lost.iter().any(|loss| loss.field == field) || encoded.lowered.iter().any(|name| name == field)
}

#[test]
fn every_field_of_a_request_is_said_or_named() {
    let encoded = encode_request(&full(), &Target::model(NEWER));
    let body = parse(&encoded.body);
    let said = [
        ("/model", json!(NEWER)),
        ("/messages/0/content", json!("hello")),
        ("/tools/0/name", json!("tool-name")),
        ("/tools/0/description", json!("tool-description")),
        ("/tools/0/input_schema/title", json!("tool-schema")),
        ("/tools/0/strict", json!(false)),
        ("/tools/0/cache_control", json!({"type": "ephemeral", "ttl": "1h"})),
        ("/tools/1/user_location/city", json!("search-city")),
        ("/tool_choice", json!({"type": "auto", "disable_parallel_tool_use": true})),
        ("/output_config/format/schema/title", json!("schema-name")),
        ("/output_config/format/schema/description", json!("schema-description")),
        ("/output_config/effort", json!("medium")),
        ("/thinking/type", json!("adaptive")),
        ("/stop_sequences", json!(["stop-here"])),
        ("/max_tokens", json!(11_111)),
        ("/metadata/user_id", json!("user-id")),
        ("/stream", json!(true)),
    ];
    for (pointer, value) in said {
        assert_eq!(body.pointer(pointer), Some(&value), "{pointer}");
    }
    let left_out = [
        ("sampling.temperature", Weight::Hint),
        ("sampling.top_p", Weight::Hint),
        ("sampling.top_k", Weight::Hint),
        ("sampling.frequency_penalty", Weight::Hint),
        ("sampling.presence_penalty", Weight::Hint),
        ("sampling.seed", Weight::Hint),
        ("sampling.logit_bias", Weight::Meaning),
        ("n", Weight::Meaning),
        ("logprobs", Weight::Meaning),
        ("top_logprobs", Weight::Meaning),
        ("modalities", Weight::Meaning),
        ("audio", Weight::Meaning),
        ("prediction", Weight::Hint),
        ("service_tier", Weight::Hint),
        ("metadata", Weight::Hint),
        ("store", Weight::Hint),
        ("prompt_cache_key", Weight::Hint),
        ("prompt_cache_retention", Weight::Hint),
        ("safety_identifier", Weight::Hint),
        ("verbosity", Weight::Hint),
        ("web_search.context_size", Weight::Hint),
    ];
    for (field, weight) in left_out {
        let loss = encoded.lost.iter().find(|loss| loss.field == field);
        assert_eq!(loss.map(|loss| loss.weight), Some(weight), "{field}");
    }
    assert_eq!(encoded.lost.len(), left_out.len());
    assert_eq!(encoded.lowered, ["reasoning.budget"]);
}

#[test]
fn what_asks_for_nothing_is_not_named() {
    let request = Request {
        n: Some(1),
        logprobs: Some(false),
        top_logprobs: Some(0),
        modalities: Some(vec!["text".to_owned()]),
        store: Some(false),
        metadata: Some(Extra::new()),
        output_limit: Some(OutputLimit { tokens: 1, legacy: false }),
        sampling: Sampling {
            frequency_penalty: Some(0.into()),
            presence_penalty: number(0.0),
            ..Sampling::default()
        },
        ..Request::new("m", vec![Message::text(Role::User, "hello")])
    };
    let encoded = encode_request(&request, &Target::model("m"));
    assert_eq!((encoded.lost, encoded.lowered), (Vec::new(), Vec::new()));
}

fn marked(content: Content) -> Part {
    Part {
        id: Some("part-id".to_owned()),
        cache: Some(CacheMark { life: CacheLife::FiveMinutes }),
        signature: Some("of-another".to_owned()),
        ..Part::new(content)
    }
}

/// Every kind of content, each with every mark, and whether the format can say it.
fn contents() -> Vec<(Content, Role, bool)> {
    let url = || Source::Url("https://example.com/x".to_owned());
    let call =
        |kind| ToolCall { id: Some("a".to_owned()), name: "f".to_owned(), arguments: "{}".to_owned(), kind };
    let annotation = Annotation { kind: "url_citation".to_owned(), ..Annotation::default() };
    vec![
        (Content::Text(Text { text: "x".to_owned(), annotations: vec![annotation] }), Role::Assistant, true),
        (Content::Image(Image { source: url(), detail: Some("high".to_owned()) }), Role::User, true),
        (Content::File(File { source: url(), name: Some("n".to_owned()) }), Role::User, true),
        (Content::Refusal("no".to_owned()), Role::Assistant, true),
        (Content::ToolCall(call(ToolKind::Function)), Role::Assistant, true),
        (Content::ToolCall(call(ToolKind::Custom)), Role::Assistant, true),
        (Content::ToolCall(call(ToolKind::BuiltIn("web_search_call".to_owned()))), Role::Assistant, false),
        (
            Content::ToolResult(ToolResult {
                call_id: Some("a".to_owned()),
                parts: vec![Part::text("x")],
                is_error: true,
                ..ToolResult::default()
            }),
            Role::Tool,
            true,
        ),
        (Content::Audio(Audio { data: Some("AA==".to_owned()), ..Audio::default() }), Role::User, false),
        (Content::Video(url()), Role::User, false),
        (Content::Other("web_search_call".to_owned()), Role::Assistant, false),
        (
            Content::Reasoning(Reasoning {
                form: ReasoningForm::Opaque,
                data: Some("sealed".to_owned()),
                format: Some("openai-responses-v1".to_owned()),
                ..Reasoning::default()
            }),
            Role::Assistant,
            false,
        ),
        (Content::Image(Image { source: url(), detail: None }), Role::System, false),
    ]
}

#[test]
fn every_kind_of_content_is_said_or_named_with_its_marks() {
    for (content, role, sayable) in contents() {
        let system = role == Role::System;
        let request = Request::new("m", vec![Message::new(role, vec![marked(content.clone())])]);
        let encoded = encode_request(&request, &Target::model("m"));
        let at = "messages[0].content[0]";
        if !sayable {
            assert!(named(&encoded, at), "{content:?}: {encoded:?}");
            continue;
        }
        assert!(!system);
        assert!(!named(&encoded, at), "{content:?}: {:?}", encoded.lost);
        for mark in ["signature", "id"] {
            assert!(named(&encoded, &format!("{at}.{mark}")), "{content:?}: {mark} of {:?}", encoded.lost);
        }
        let block = parse(&encoded.body)["messages"][0]["content"][0].clone();
        assert_eq!(block["cache_control"], json!({"type": "ephemeral", "ttl": "5m"}), "{content:?}");
        match &content {
            Content::Text(_) => assert!(named(&encoded, &format!("{at}.annotations"))),
            Content::Image(_) => assert!(named(&encoded, &format!("{at}.detail"))),
            Content::ToolCall(ToolCall { kind: ToolKind::Custom, .. }) => {
                assert!(named(&encoded, &format!("{at}.arguments")));
            }
            Content::ToolResult(_) => assert_eq!(block["is_error"], true),
            _ => {}
        }
    }
}

#[test]
fn words_of_others_do_not_go_out() {
    let mut request = Request::new("m", vec![Message::text(Role::Other("narrator".to_owned()), "x")]);
    request.tools.push(Tool {
        definition: Definition::Custom { name: "free".to_owned(), description: None, format: None },
        cache: None,
        extra: Extra::new(),
    });
    request.tool_choice = Some(ToolChoice::Custom("free".to_owned()));
    request.response_format = Some(ResponseFormat::Other(json!({"type": "grammar"})));
    let encoded = encode_request(&request, &Target::model("m"));
    for field in ["messages[0].role", "tools[0]", "tool_choice", "response_format"] {
        let loss = encoded.lost.iter().find(|loss| loss.field == field);
        assert_eq!(loss.map(|loss| loss.weight), Some(Weight::Meaning), "{field}");
    }
    assert_eq!(parse(&encoded.body)["tools"], Value::Null);
}
