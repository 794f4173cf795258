//! Nothing is silent: each field of a request is in the body, or named as lost.

use serde_json::{Map, json};

use super::written;
use crate::chat::{
    AudioOutput, CacheMark, Content, Definition, Effort, File, Function, Image, Location, Message,
    OutputLimit, Part, Prediction, ReasoningRequest, Request, ResponseFormat, Role, Sampling, Schema, Source,
    Stop, Text, Tool, ToolCall, ToolChoice, ToolKind, ToolResult, WebSearch,
};

fn marked(content: Content) -> Part {
    Part { id: Some("part-id".into()), cache: Some(CacheMark::default()), ..Part::new(content) }
}

fn request() -> Request {
    let annotation = crate::chat::Annotation { kind: "url_citation".into(), ..Default::default() };
    let call = ToolCall {
        id: Some("id-1".into()),
        name: "fn-1".into(),
        arguments: "{\"arg\":1}".into(),
        kind: ToolKind::Function,
    };
    let own = ToolCall { kind: ToolKind::BuiltIn("mcp".into()), ..ToolCall::default() };
    let result = ToolResult {
        call_id: Some("id-1".into()),
        parts: vec![Part::text("result-1")],
        is_error: true,
        ..ToolResult::default()
    };
    let user = Message {
        name: Some("ann".into()),
        ..Message::new(
            Role::User,
            vec![
                marked(Content::Text(Text { text: "text-1".into(), annotations: vec![annotation] })),
                marked(Content::Image(Image {
                    source: Source::Url("https://a/i.png".into()),
                    detail: Some("low".into()),
                })),
                marked(Content::Video(Source::Url("https://a/v.mp4".into()))),
                marked(Content::File(File { source: Source::Text("document-1".into()), name: None })),
                marked(Content::Other("hologram".into())),
                marked(Content::Refusal("refusal-1".into())),
                marked(Content::Reasoning(crate::chat::Reasoning {
                    text: "thought".into(),
                    ..Default::default()
                })),
            ],
        )
    };
    Request {
        model: "said".into(),
        messages: vec![
            Message::text(Role::System, "system-1"),
            Message::text(Role::Developer, "developer-1"),
            user,
            Message::new(
                Role::Assistant,
                vec![Part::new(Content::ToolCall(call)), Part::new(Content::ToolCall(own))],
            ),
            Message::new(Role::Tool, vec![Part::new(Content::ToolResult(result))]),
        ],
        tools: vec![
            Tool {
                definition: Definition::Function(Function {
                    name: "fn-1".into(),
                    description: Some("describes".into()),
                    parameters: Some(json!({"type": "object"})),
                    strict: Some(true),
                }),
                cache: Some(CacheMark::default()),
                extra: Map::new(),
            },
            Tool {
                definition: Definition::Custom { name: "c".into(), description: None, format: None },
                cache: None,
                extra: Map::new(),
            },
            Tool { definition: Definition::BuiltIn("mcp".into()), cache: None, extra: Map::new() },
        ],
        tool_choice: Some(ToolChoice::Custom("c".into())),
        parallel_tool_calls: Some(false),
        legacy_functions: false,
        response_format: Some(ResponseFormat::JsonSchema(Schema {
            name: Some("schema-name".into()),
            description: Some("schema-description".into()),
            schema: Some(json!({"type": "object"})),
            strict: Some(true),
            extra: Map::new(),
        })),
        sampling: Sampling {
            temperature: Some(1.into()),
            top_p: Some(2.into()),
            top_k: Some(3.into()),
            frequency_penalty: Some(4.into()),
            presence_penalty: Some(5.into()),
            seed: Some(6.into()),
            logit_bias: Some(Map::new()),
        },
        stop: Some(Stop::One("stop-1".into())),
        n: Some(2),
        output_limit: Some(OutputLimit { tokens: 9, legacy: true }),
        logprobs: Some(true),
        top_logprobs: Some(4),
        reasoning: Some(ReasoningRequest { effort: Some(Effort::Low), ..ReasoningRequest::default() }),
        modalities: Some(vec!["audio".into()]),
        audio: Some(AudioOutput {
            voice: Some("Kore".into()),
            format: Some("wav".into()),
            extra: Map::new(),
        }),
        prediction: Some(Prediction::default()),
        service_tier: Some("scale".into()),
        user: Some("user-1".into()),
        metadata: Some(Map::new()),
        store: Some(true),
        prompt_cache_key: Some("key-1".into()),
        prompt_cache_retention: Some("24h".to_owned()),
        safety_identifier: Some("person".to_owned()),
        verbosity: Some("low".into()),
        web_search: Some(WebSearch {
            context_size: Some("low".into()),
            location: Some(Location::default()),
            extra: Map::new(),
        }),
        stream: Some(true),
        include_usage: Some(true),
        extra: Map::new(),
    }
}

#[test]
fn each_field_is_said_or_named() {
    let (body, encoded) = written(&request(), "gemini-2.5-flash");
    let text = body.to_string();
    for said in [
        "system-1",
        "developer-1",
        "text-1",
        "https://a/i.png",
        "https://a/v.mp4",
        "document-1",
        "refusal-1",
        "\"id\":\"id-1\"",
        "\"args\":{\"arg\":1}",
        "{\"error\":\"result-1\"}",
        "\"describes\"",
        "\"parametersJsonSchema\"",
        "\"title\":\"schema-name\"",
        "\"description\":\"schema-description\"",
        "\"temperature\":1",
        "\"topP\":2",
        "\"topK\":3",
        "\"frequencyPenalty\":4",
        "\"presencePenalty\":5",
        "\"seed\":6",
        "\"stopSequences\":[\"stop-1\"]",
        "\"candidateCount\":2",
        "\"maxOutputTokens\":9",
        "\"responseLogprobs\":true",
        "\"logprobs\":4",
        "\"thinkingBudget\":1024",
        "\"responseModalities\":[\"AUDIO\"]",
        "\"voiceName\":\"Kore\"",
        "\"googleSearch\":{}",
    ] {
        assert!(text.contains(said), "{said} is not in {text}");
    }
    let lost: Vec<&str> = encoded.lost.iter().map(|loss| loss.field.as_str()).collect();
    for named in [
        "messages[2].name",
        "messages[2].content[0].cache",
        "messages[2].content[0].id",
        "messages[2].content[0].annotations",
        "messages[2].content[1].detail",
        "messages[2].content[4]",
        "messages[2].content[6]",
        "messages[3].content[1]",
        "tools[0].strict",
        "tools[0].cache",
        "tools[1]",
        "tools[2]",
        "tool_choice",
        "parallel_tool_calls",
        "sampling.logit_bias",
        "audio.format",
        "prediction",
        "service_tier",
        "user",
        "metadata",
        "store",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "verbosity",
        "web_search.context_size",
        "web_search.location",
    ] {
        assert!(lost.contains(&named), "{named} went without a word: {lost:?}");
    }
}
