//! What tests of several formats share.

use serde_json::json;

use crate::chat::{
    AudioOutput, Extra, OutputLimit, Prediction, ReasoningRequest, Request, ResponseFormat, Sampling, Schema,
    Stop, WebSearch,
};

/// A request with every option but tools, and without messages: each has a value that stands nowhere else.
pub(crate) fn every_option() -> Request {
    let number = |n: f64| serde_json::Number::from_f64(n);
    let schema = Schema {
        name: Some("SCHEMA-NAME".into()),
        description: Some("SCHEMA-TELLS".into()),
        schema: Some(json!({"type": "object", "title": "SCHEMA"})),
        strict: Some(true),
        extra: Extra::new(),
    };
    // Each field is named, so that one that is added is not forgotten here.
    Request {
        model: "m".into(),
        messages: Vec::new(),
        tools: Vec::new(),
        tool_choice: None,
        legacy_functions: false,
        parallel_tool_calls: Some(false),
        response_format: Some(ResponseFormat::JsonSchema(schema)),
        sampling: Sampling {
            temperature: number(0.125),
            top_p: number(0.25),
            top_k: Some(77.into()),
            frequency_penalty: number(0.375),
            presence_penalty: number(0.625),
            seed: Some(98_765.into()),
            logit_bias: Some(Extra::new()),
        },
        stop: Some(Stop::One("STOP".into())),
        n: Some(2),
        output_limit: Some(OutputLimit { tokens: 54_321, legacy: true }),
        logprobs: Some(true),
        top_logprobs: Some(3),
        reasoning: Some(ReasoningRequest { budget: Some(2_345), ..ReasoningRequest::default() }),
        modalities: Some(vec!["audio".into()]),
        audio: Some(AudioOutput::default()),
        prediction: Some(Prediction::default()),
        service_tier: Some("flex".into()),
        user: Some("u".into()),
        metadata: Some(Extra::from_iter([("METADATA".to_owned(), json!("x")), ("bad".to_owned(), json!(5))])),
        store: Some(true),
        prompt_cache_key: Some("k".into()),
        prompt_cache_retention: Some("24h".into()),
        safety_identifier: Some("s".into()),
        verbosity: Some("low".into()),
        web_search: Some(WebSearch::default()),
        stream: Some(true),
        include_usage: Some(true),
        extra: Extra::new(),
    }
}
