//! Requests of each format: what they mean, that they come back as they were, and what is refused.

use serde_json::json;

use super::format;
use crate::embed::{Input, NumberType, Purpose, Truncate};

#[test]
fn openai_takes_texts_and_tokens_alone_and_in_lists() {
    let openai = format("openai");
    let one = openai.same(json!({"model": "m", "input": "a"}));
    assert!(!one.listed);
    assert_eq!(one.inputs[0].input, Input::Text("a".into()));
    let many = openai.same(json!({"model": "m", "input": ["a", "b"]}));
    assert!(many.listed);
    let tokens = openai.same(json!({"model": "m", "input": [1, 2]}));
    assert_eq!(tokens.inputs[0].input, Input::Tokens(vec![1, 2]));
    let lists = openai.same(json!({"model": "m", "input": [[1, 2], [3]]}));
    assert_eq!(lists.inputs.len(), 2);
    openai.same(json!({"model": "m", "input": ["a", [1, 2]]}));
    openai.same(json!({"model": "m", "input": ["a"]}));
}

#[test]
fn openai_says_size_form_and_person() {
    let request = format("openai").same(json!({
        "model": "m", "input": "a", "dimensions": 256, "encoding_format": "base64", "user": "u", "new": {"a": null}
    }));
    assert_eq!((request.dimensions, request.base64), (Some(256), Some(true)));
    assert_eq!(request.user.as_deref(), Some("u"));
    format("openai")
        .same(json!({"model": "m", "input": "a", "encoding_format": "float", "dimensions": null}));
}

#[test]
fn names_of_mistral_and_nvidia_are_read_and_come_back() {
    let mistral = format("openai")
        .same(json!({"model": "m", "input": "a", "output_dimension": 8, "output_dtype": "int8"}));
    assert_eq!((mistral.dimensions, mistral.types), (Some(8), vec![NumberType::Int8]));
    let nvidia = format("openai").same(json!({"model": "m", "input": "a", "input_type": "passage"}));
    assert_eq!(nvidia.purpose, Some(Purpose::Document));
}

#[test]
fn voyage_says_purpose_size_type_and_cut() {
    let request = format("voyage").same(json!({
        "model": "m", "input": ["a"], "output_dimension": 8, "output_dtype": "ubinary", "encoding_format": "base64",
        "input_type": "query", "truncation": false
    }));
    assert_eq!(request.purpose, Some(Purpose::Query));
    assert_eq!(request.truncate, Some(Truncate::Never));
    assert_eq!(request.types, [NumberType::Ubinary]);
    format("voyage").same(json!({"model": "m", "input": "a", "input_type": null, "truncation": true}));
}

#[test]
fn cohere_takes_texts_images_or_mixtures() {
    let cohere = format("cohere");
    let request = cohere.same(json!({
        "model": "m", "texts": ["a", "b"], "input_type": "search_query", "embedding_types": ["float", "int8"],
        "output_dimension": 256, "max_tokens": 9, "truncate": "START", "priority": 3
    }));
    assert_eq!(request.types, [NumberType::Float, NumberType::Int8]);
    assert_eq!((request.max_tokens, request.truncate), (Some(9), Some(Truncate::Start)));
    let base64 = cohere.same(
        json!({"model": "m", "texts": ["a"], "input_type": "clustering", "embedding_types": ["base64"]}),
    );
    assert_eq!(base64.base64, Some(true));
    for body in [
        json!({"model": "m", "texts": ["a"], "input_type": "classification"}),
        json!({"model": "m", "texts": ["a"], "input_type": "new", "embedding_types": []}),
        json!({"model": "m", "texts": ["a"], "input_type": "image", "embedding_types": ["float", "base64"]}),
        json!({"model": "m", "images": ["data:image/png;base64,AA=="], "input_type": "image"}),
        json!({"model": "m", "input_type": "search_document", "inputs": [
            {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}]}),
    ] {
        cohere.same(body);
    }
    format("bedrock_cohere")
        .same(json!({"texts": ["a"], "input_type": "search_document", "truncate": "NONE"}));
}

#[test]
fn gemini_says_purpose_and_size_for_each_input() {
    let batch = format("gemini_batch");
    let request = batch.same(json!({"requests": [
        {"model": "models/m", "content": {"parts": [{"text": "a"}]}, "taskType": "CODE_RETRIEVAL_QUERY",
         "title": "t", "outputDimensionality": 8},
        {"model": "models/m", "content": {"role": "user", "parts": [{"text": "b"}, {"text": "c"}]},
         "taskType": "CODE_RETRIEVAL_QUERY", "outputDimensionality": 8},
    ]}));
    assert_eq!((request.dimensions, request.purpose), (Some(8), Some(Purpose::CodeQuery)));
    assert_eq!(request.inputs[0].title.as_deref(), Some("t"));
    assert_eq!(request.inputs[1].input, Input::Pieces(vec!["b".into(), "c".into()]));
    // What differs stays where it was said.
    let mixed = batch.same(json!({"requests": [
        {"model": "models/m", "content": {"parts": [{"text": "a"}]}, "taskType": "CLUSTERING"},
        {"model": "models/m", "content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}]}},
    ]}));
    assert_eq!(mixed.purpose, None);
    assert_eq!(mixed.clone().leave_extra(), ["input[0].taskType"]);
    for body in [
        json!({"content": {"parts": [{"text": "a"}]}}),
        json!({"model": "models/m", "content": {"parts": [{"text": "a"}], "role": "user"}, "title": "t",
            "taskType": "NEW_ONE", "outputDimensionality": 8}),
    ] {
        format("gemini_one").same(body);
    }
    let vertex = format("vertex").same(json!({
        "instances": [{"content": "a", "task_type": "RETRIEVAL_DOCUMENT", "title": "t"}],
        "parameters": {"outputDimensionality": 8, "autoTruncate": false}
    }));
    assert_eq!((vertex.dimensions, vertex.truncate), (Some(8), Some(Truncate::Never)));
}

#[test]
fn titan_takes_one_text() {
    let request = format("titan")
        .same(json!({"inputText": "a", "dimensions": 256, "normalize": false, "embeddingTypes": ["binary"]}));
    assert_eq!((request.normalize, request.types), (Some(false), vec![NumberType::Bits]));
    format("titan").same(
        json!({"inputText": "a", "inputImage": "AA==", "embeddingConfig": {"outputEmbeddingLength": 8}}),
    );
}

#[test]
fn mlflow_takes_openai_s_without_the_model() {
    let request = format("mlflow").same(json!({"input": ["a", "b"]}));
    assert_eq!(request.model, "m");
    format("mlflow").same(json!({"model": "other", "input": "a", "instruction": "rank"}));
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        ("openai", json!({"input": "a"}), "model: required: a string"),
        (
            "openai",
            json!({"model": "", "input": "a"}),
            "model: expected the name of a model, found an empty string",
        ),
        ("openai", json!({"model": "m"}), "input: required: a string, an array of strings, or tokens"),
        (
            "openai",
            json!({"model": "m", "input": {}}),
            "input: expected a string, an array of strings, or tokens",
        ),
        (
            "openai",
            json!({"model": "m", "input": []}),
            "input: expected at least one input, found an empty array",
        ),
        (
            "openai",
            json!({"model": "m", "input": [1, -2]}),
            "input[1]: expected a token: a whole number, not negative",
        ),
        (
            "openai",
            json!({"model": "m", "input": [[1], [2.5]]}),
            "input[1][0]: expected a token: a whole number, not negative",
        ),
        (
            "openai",
            json!({"model": "m", "input": ["a", true]}),
            "input[1]: expected a string or an array of tokens",
        ),
        ("openai", json!({"model": "m", "input": "a", "dimensions": 0}), "dimensions: expected at least 1"),
        (
            "openai",
            json!({"model": "m", "input": "a", "encoding_format": "x"}),
            "encoding_format: expected `float` or `base64`",
        ),
        (
            "voyage",
            json!({"model": "m", "input": "a", "input_type": "x"}),
            "input_type: expected `query`, `document` or null",
        ),
        (
            "voyage",
            json!({"model": "m", "input": "a", "truncation": "x"}),
            "truncation: expected a boolean, found a string",
        ),
        ("cohere", json!({"model": "m", "texts": ["a"]}), "input_type: required: a string"),
        (
            "cohere",
            json!({"model": "m", "input_type": "image"}),
            "texts: required: an array of strings, or `images` or `inputs`",
        ),
        (
            "cohere",
            json!({"model": "m", "texts": ["a"], "images": ["b"]}),
            "expected one of `texts`, `images` and `inputs`, found several",
        ),
        (
            "cohere",
            json!({"model": "m", "texts": [1], "input_type": "image"}),
            "texts[0]: expected a string, found a number",
        ),
        (
            "cohere",
            json!({"model": "m", "inputs": [{}], "input_type": "image"}),
            "inputs[0].content: required: an array of parts",
        ),
        (
            "cohere",
            json!({"model": "m", "texts": ["a"], "input_type": "x", "truncate": "x"}),
            "truncate: expected `NONE`, `START` or `END`",
        ),
        ("titan", json!({}), "inputText: required: a string"),
        (
            "gemini_batch",
            json!({"requests": []}),
            "requests: expected at least one request, found an empty array",
        ),
        ("gemini_batch", json!({"requests": [{}]}), "requests[0].content: required: an object with `parts`"),
        (
            "gemini_one",
            json!({"content": {"parts": []}}),
            "content.parts: required: an array of at least one part",
        ),
        (
            "gemini_one",
            json!({"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 0}),
            "outputDimensionality: expected a whole number of at least 1",
        ),
        (
            "vertex",
            json!({"instances": [{"content": 1}]}),
            "instances[0].content: expected a string, found a number",
        ),
        ("mlflow", json!({"text": "a"}), "input: required: a string, an array of strings, or tokens"),
    ];
    for (name, body, wanted) in cases {
        assert_eq!(format(name).refusal(body), wanted);
    }
}
