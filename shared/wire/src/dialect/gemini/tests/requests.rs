//! What is read from particular requests, and that it is written as it was.

use serde_json::json;

use super::{refusal_of, same, written};
use crate::chat::{
    Content, Definition, Effort, ReasoningForm, ResponseFormat, Role, Source, Stop, ToolChoice,
};
use crate::dialect::gemini::{REASONING_FORMAT, decode_count_request, decode_request, encode_count_request};
use crate::dialect::{Target, Weight};

const MODEL: &str = "gemini-2.5-flash";

#[test]
fn everything_the_documentation_knows_comes_back() {
    let request = same(
        MODEL,
        json!({
            "systemInstruction": {"role": "user", "parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [
                    {"text": "What is this?", "thought": false},
                    {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}},
                    {"inlineData": {"mimeType": "audio/mpeg", "data": "AAAA"}},
                    {"inlineData": {"mimeType": "application/pdf", "data": "AAAA", "displayName": "a.pdf"}},
                    {"fileData": {"fileUri": "https://youtu.be/x", "mimeType": "video/mp4"},
                     "videoMetadata": {"startOffset": "3s", "fps": 0.5}},
                    {"fileData": {"fileUri": "gs://bucket/a.png"}},
                    {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc", "mimeType": "text/plain"}},
                ]},
                {"role": "model", "parts": [
                    {"text": "Hm.", "thought": true, "thoughtSignature": "c2ln"},
                    {"functionCall": {"name": "look", "args": {"n": 1.0}}, "thoughtSignature": "c2ln"},
                    {"functionCall": {"name": "now"}},
                    {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "c2ln"},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
                    {},
                ]},
                {"role": "function", "parts": [
                    {"functionResponse": {"name": "look", "response": {"output": "a cat"}, "scheduling": "SILENT"}},
                    {"functionResponse": {"name": "now", "response": {"error": "no clock"}}},
                ]},
                {"parts": [{"text": "And now?"}]},
            ],
            "tools": [
                {"functionDeclarations": [
                    {"name": "look", "description": "Looks", "parameters": {"type": "OBJECT", "properties": {"n": {"type": "NUMBER", "nullable": true}}}},
                    {"name": "now", "parametersJsonSchema": {"type": "object", "properties": {"zone": {"const": "utc"}}}, "behavior": "BLOCKING"},
                ]},
                {"googleSearch": {"excludeDomains": ["a.com"]}},
                {"urlContext": {}},
            ],
            "toolConfig": {
                "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look", "now"]},
                "retrievalConfig": {"languageCode": "en"},
            },
            "generationConfig": {
                "temperature": 1, "topP": 0.5, "topK": 40.0, "candidateCount": 2, "maxOutputTokens": 100,
                "stopSequences": ["x"], "seed": 7, "presencePenalty": 0.1, "frequencyPenalty": 0.2,
                "responseMimeType": "application/json",
                "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "propertyOrdering": ["a"]},
                "responseLogprobs": true, "logprobs": 3, "responseModalities": ["Text", "IMAGE"],
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}, "languageCode": "en-US"},
                "thinkingConfig": {"thinkingBudget": 512, "includeThoughts": true},
                "mediaResolution": "MEDIA_RESOLUTION_LOW", "imageConfig": {"aspectRatio": "1:1"},
            },
            "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
            "cachedContent": "cachedContents/1", "labels": {"team": "a"}, "serviceTier": "flex",
        }),
    );
    assert_eq!(request.messages.len(), 5);
    assert_eq!(request.messages[0].role, Role::System);
    let parts: Vec<&Content> = request.messages[1].parts.iter().map(|part| &part.content).collect();
    assert!(matches!(parts[1], Content::Image(_)));
    assert!(matches!(parts[2], Content::Audio(audio) if audio.format.as_deref() == Some("mp3")));
    assert!(matches!(parts[3], Content::File(file) if file.name.as_deref() == Some("a.pdf")));
    assert!(matches!(parts[4], Content::Video(Source::Url(_))));
    assert!(
        matches!(parts[5], Content::Image(image) if image.source == Source::Url("gs://bucket/a.png".into()))
    );
    assert!(matches!(parts[6], Content::File(file) if matches!(&file.source, Source::FileId(_))));
    let model = &request.messages[2];
    let Content::Reasoning(thought) = &model.parts[0].content else { panic!("a thought") };
    assert_eq!((thought.form, thought.format.as_deref()), (ReasoningForm::Summary, Some(REASONING_FORMAT)));
    assert_eq!(model.parts[1].signature.as_deref(), Some("c2ln"));
    let calls: Vec<_> =
        model.tool_calls().map(|call| (call.id.as_deref(), call.arguments.as_str())).collect();
    assert_eq!(calls, [(Some("call_0"), "{\"n\":1.0}"), (Some("call_1"), "{}")]);
    assert_eq!(model.parts[3].content, Content::Other("executableCode".into()));
    let results: Vec<_> = request.messages[3]
        .parts
        .iter()
        .map(|part| match &part.content {
            Content::ToolResult(result) => (result.call_id.as_deref(), result.is_error),
            _ => panic!("a result"),
        })
        .collect();
    assert_eq!(results, [(Some("call_0"), false), (Some("call_1"), true)]);
    assert!(matches!(&request.tools[2].definition, Definition::BuiltIn(word) if word == "googleSearch"));
    assert!(
        matches!(&request.tool_choice, Some(ToolChoice::Allowed { required: true, tools }) if tools.len() == 2)
    );
    assert!(matches!(&request.response_format, Some(ResponseFormat::JsonSchema(_))));
    assert_eq!(request.stop, Some(Stop::Many(vec!["x".into()])));
    assert_eq!(request.modalities, Some(vec!["text".into(), "image".into()]));
    assert_eq!(request.service_tier.as_deref(), Some("flex"));
    let reasoning = request.reasoning.expect("asked for");
    assert_eq!((reasoning.budget, reasoning.shown), (Some(512), Some(true)));
}

#[test]
fn both_spellings_are_read_and_camel_case_is_written() {
    let body = json!({
        "system_instruction": {"parts": [{"text": "s"}]},
        "contents": [
            {"role": "model", "parts": [{"function_call": {"name": "f", "args": {"snake_case": 1}}, "thought_signature": "AAAA"}]},
            {"role": "user", "parts": [{"function_response": {"name": "f", "response": {"my_key": 2}}},
                {"inline_data": {"mime_type": "image/png", "data": "AAAA"}}]},
        ],
        "generation_config": {"max_output_tokens": 5, "thinking_config": {"thinking_budget": 0}},
        "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": {"x_y": 1}}]}],
        "tool_config": {"function_calling_config": {"allowed_function_names": ["f"], "mode": "ANY"}},
    });
    let request = decode_request(MODEL, false, body.to_string().as_bytes()).expect("a request");
    let (again, _) = written(&request, MODEL);
    assert_eq!(
        again,
        json!({
            "systemInstruction": {"parts": [{"text": "s"}]},
            "contents": [
                {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"snake_case": 1}}, "thoughtSignature": "AAAA"}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"my_key": 2}}},
                    {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
            ],
            "generationConfig": {"maxOutputTokens": 5, "thinkingConfig": {"thinkingBudget": 0}},
            "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"x_y": 1}}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        })
    );
}

#[test]
fn results_of_any_form_come_back() {
    for response in [
        json!({"output": "text"}),
        json!({"output": ""}),
        json!({"output": "{\"a\": 1}"}),
        json!({"output": {"a": 1}}),
        json!({"error": "text"}),
        json!({"error": {"code": 1}}),
        json!({"error": "{\"a\":1}"}),
        json!({"error": 3}),
        json!({"result": [1, 2.0]}),
        json!({}),
    ] {
        same(
            MODEL,
            json!({"contents": [{"role": "user", "parts": [
                {"functionResponse": {"id": "1", "name": "f", "response": response}},
            ]}]}),
        );
    }
    // Media inside a result, wherever the caller found that the model takes them.
    for model in ["gemini-3-flash", MODEL] {
        same(
            model,
            json!({"contents": [{"role": "user", "parts": [{"functionResponse": {"id": "1", "name": "f",
            "response": {"output": "see"}, "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}}]}]}),
        );
    }
}

#[test]
fn choices_among_tools_are_read() {
    let choice = |config: serde_json::Value| {
        let body = json!({"contents": [{"role": "user", "parts": [{"text": "a"}]}],
            "toolConfig": {"functionCallingConfig": config}});
        same(MODEL, body).tool_choice
    };
    assert_eq!(choice(json!({"mode": "AUTO"})), Some(ToolChoice::Auto));
    assert_eq!(choice(json!({"mode": "auto"})), Some(ToolChoice::Auto));
    assert_eq!(choice(json!({"mode": "VALIDATED"})), Some(ToolChoice::Auto));
    assert_eq!(choice(json!({"mode": "NONE"})), Some(ToolChoice::None));
    assert_eq!(choice(json!({"mode": "ANY"})), Some(ToolChoice::Required));
    assert_eq!(
        choice(json!({"mode": "ANY", "allowedFunctionNames": ["f"]})),
        Some(ToolChoice::Function("f".into()))
    );
    assert!(matches!(
        choice(json!({"mode": "VALIDATED", "allowedFunctionNames": ["f", "g"]})),
        Some(ToolChoice::Allowed { required: false, .. })
    ));
    assert_eq!(choice(json!({"mode": "SOMETIMES"})), None);
    assert_eq!(choice(json!({})), None);
}

#[test]
fn thinking_is_read_in_tokens_and_in_words() {
    let thinking = |model: &str, config: serde_json::Value| {
        let body = json!({"contents": [{"role": "user", "parts": [{"text": "a"}]}],
            "generationConfig": {"thinkingConfig": config}});
        same(model, body).reasoning
    };
    let dynamic = thinking(MODEL, json!({"thinkingBudget": -1})).expect("asked for");
    assert_eq!((dynamic.budget, dynamic.enabled), (None, Some(true)));
    let off = thinking(MODEL, json!({"thinkingBudget": 0})).expect("asked for");
    assert_eq!((off.budget, off.enabled), (Some(0), Some(false)));
    let word = thinking("gemini-3-pro", json!({"thinkingLevel": "low", "includeThoughts": false}))
        .expect("asked for");
    assert_eq!((word.effort, word.shown), (Some(Effort::Low), Some(false)));
    assert_eq!(thinking(MODEL, json!({})), None);
}

#[test]
fn wrong_requests_are_refused_by_field() {
    let contents = json!([{"role": "user", "parts": [{"text": "a"}]}]);
    for (body, told) in [
        (json!({}), "contents: required"),
        (json!({"contents": []}), "contents: required"),
        (json!({"contents": "a"}), "contents: expected an array, found a string"),
        (json!({"contents": [{"role": "boss", "parts": []}]}), "contents[0].role: expected user or model"),
        (
            json!({"contents": [{"role": "user", "parts": [{"text": 3}]}]}),
            "contents[0].parts[0].text: expected a string",
        ),
        (
            json!({"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png"}}]}]}),
            "contents[0].parts[0].inlineData.data: required",
        ),
        (
            json!({"contents": [{"role": "user", "parts": [{"functionResponse": {"response": {}}}]}]}),
            "contents[0].parts[0].functionResponse.name: required",
        ),
        (
            json!({"contents": contents, "generationConfig": {"maxOutputTokens": 0}}),
            "generationConfig.maxOutputTokens",
        ),
        (
            json!({"contents": contents, "generationConfig": {"seed": 1.5}}),
            "generationConfig.seed: expected a whole",
        ),
        (
            json!({"contents": contents, "generationConfig": {"thinkingConfig": {"thinkingBudget": -2}}}),
            "generationConfig.thinkingConfig.thinkingBudget",
        ),
        (json!({"contents": contents, "tools": {}}), "tools: expected an array"),
        (
            json!({"contents": contents, "tools": [{"functionDeclarations": [{"description": "a"}]}]}),
            "tools[0].functionDeclarations[0].name: required",
        ),
    ] {
        assert!(refusal_of(body.clone()).starts_with(told), "{body}: {}", refusal_of(body.clone()));
    }
}

#[test]
fn tokens_are_counted_of_contents_or_of_a_whole_request() {
    let contents = json!([{"role": "user", "parts": [{"text": "a"}]}]);
    let whole = json!({"model": "models/gemini-2.5-flash", "contents": contents,
        "systemInstruction": {"parts": [{"text": "s"}]}});
    for body in [json!({"contents": contents}), json!({"generateContentRequest": whole})] {
        let request = decode_count_request(MODEL, body.to_string().as_bytes()).expect("a question");
        let encoded = encode_count_request(&request, &Target::model(MODEL));
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&encoded.body).expect("JSON"), body);
    }
    // Vertex AI takes the fields themselves.
    let body = json!({"generateContentRequest": whole});
    let mut request = decode_count_request(MODEL, body.to_string().as_bytes()).expect("a question");
    request.leave_extra();
    let vertex = Target { kind: "vertex", ..Target::model(MODEL) };
    let encoded = encode_count_request(&request, &vertex);
    let body: serde_json::Value = serde_json::from_slice(&encoded.body).expect("JSON");
    assert_eq!(body, json!({"contents": contents, "systemInstruction": {"parts": [{"text": "s"}]}}));
    assert!(encoded.lost.iter().all(|loss| loss.weight == Weight::Hint));
}
