//! Answers of each format: what they mean, and that they come back as they were.

use serde_json::json;

use super::format;
use crate::Usage;
use crate::embed::{AnswerContext, Embedding, NumberType, Request, Response, Vector};

fn read(tokens: u64) -> Option<Usage> {
    Some(Usage { input: tokens, ..Usage::default() })
}

#[test]
fn every_format_gives_vectors_and_tokens() {
    let cases = [
        (
            "openai",
            json!({"object": "list", "data": [{"object": "embedding", "embedding": [0.5, -1], "index": 0}],
            "model": "m", "usage": {"prompt_tokens": 3, "total_tokens": 3}}),
        ),
        (
            "voyage",
            json!({"object": "list", "data": [{"object": "embedding", "embedding": [0.5, -1], "index": 0}],
            "model": "m", "usage": {"total_tokens": 3}}),
        ),
        (
            "cohere",
            json!({"id": "i", "embeddings": {"float": [[0.5, -1]], "int8": null}, "texts": ["a"],
            "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 2, "image_tokens": 1}},
            "response_type": "embeddings_by_type"}),
        ),
        (
            "titan",
            json!({"embedding": [0.5, -1], "inputTextTokenCount": 3, "embeddingsByType": {"float": [0.5, -1]}}),
        ),
        ("titan", json!({"embedding": [0.5, -1], "inputTextTokenCount": 3})),
        ("gemini_one", json!({"embedding": {"values": [0.5, -1]}, "usageMetadata": {"promptTokenCount": 3}})),
        (
            "gemini_batch",
            json!({"embeddings": [{"values": [0.5, -1]}], "usageMetadata": {"promptTokenCount": 3}}),
        ),
        (
            "vertex",
            json!({"predictions": [{"embeddings": {"values": [0.5, -1],
            "statistics": {"token_count": 3.0, "truncated": false}}}], "metadata": {"billableCharacterCount": 9}}),
        ),
    ];
    for (name, body) in cases {
        let response = format(name).same_answer(body);
        assert_eq!(response.usage, read(3), "{name}");
        let [embedding] = response.embeddings.as_slice() else { panic!("{name}: one vector") };
        assert_eq!(embedding.vector.as_value(), json!([0.5, -1]), "{name}");
    }
}

#[test]
fn counts_that_are_not_said_are_not_invented() {
    let cases = [
        (
            "openai",
            json!({"object": "list", "data": [{"object": "embedding", "embedding": [1], "index": 0}]}),
        ),
        ("bedrock_cohere", json!({"id": "i", "embeddings": [[1.5]], "response_type": "embeddings_floats"})),
        ("gemini_batch", json!({"embeddings": [{"values": [1]}]})),
    ];
    for (name, body) in cases {
        let response = format(name).same_answer(body);
        assert_eq!(response.usage, None, "{name}");
        let told = format("openai").tell(&response, &Request::new("m", ["a".to_owned()]));
        assert_eq!(told.get("usage"), None, "{name}");
    }
}

#[test]
fn types_of_numbers_come_by_name() {
    let response = format("cohere").same_answer(json!({"id": "i", "embeddings": {
        "int8": [[1, -1], [2, -2]], "ubinary": [[255], [0]], "base64": ["AACAPw==", "AAAAwA=="]}}));
    let kinds: Vec<_> = response.embeddings.iter().map(|each| (each.index, each.kind.as_str())).collect();
    assert_eq!(kinds, [(0, "int8"), (1, "int8"), (0, "ubinary"), (1, "ubinary"), (0, "float"), (1, "float")]);
    let response = format("titan").same_answer(json!({"embedding": [0.5], "inputTextTokenCount": 1,
        "embeddingsByType": {"binary": [1], "float": [0.5]}}));
    assert_eq!(response.embeddings[0].kind, NumberType::Bits);
}

#[test]
fn what_is_no_answer_is_said() {
    let cases = [
        ("openai", json!({"object": "list"}), "data: required: an array"),
        (
            "openai",
            json!({"data": [{"index": 0}]}),
            "data[0].embedding: required: an array of numbers or a text of base64",
        ),
        ("cohere", json!({"embeddings": {"float": [["a"]]}}), "embeddings.float[0]: expected a vector"),
        ("cohere", json!({"embeddings": {"base64": [[1]]}}), "embeddings.base64[0]: expected a vector"),
        ("cohere", json!({}), "embeddings: required: an object of lists of vectors"),
        ("titan", json!({"embedding": "a"}), "embedding: required: an array of numbers"),
        ("gemini_batch", json!({"embeddings": [{}]}), "embeddings[0].values: required: an array of numbers"),
        ("gemini_batch", json!({}), "embeddings: required: an array of objects with `values`"),
    ];
    for (name, body, wanted) in cases {
        let read = (format(name).decode_response)(body.to_string().as_bytes(), &NumberType::Float);
        assert_eq!(read.expect_err("refused").to_string(), wanted, "{name}");
    }
}

#[test]
fn a_vector_that_cannot_be_said_is_an_error() {
    let embedding = Embedding::new(2, NumberType::Float, Vector::Base64("?".into()));
    let response = Response { embeddings: vec![embedding], ..Response::default() };
    let request = Request::new("m", ["a".to_owned()]);
    let context = AnswerContext { request: Some(&request), ..AnswerContext::default() };
    let error = (format("openai").encode_response)(&response, &context).expect_err("refused");
    assert_eq!(error.to_string(), "embeddings[2]: the vector is not valid base64");
}

#[test]
fn pieces_of_a_request_are_answered_as_one() {
    let request = Request::new("m", ["a", "b", "c"].map(str::to_owned));
    let pieces = request.chunks(2);
    assert_eq!(pieces.iter().map(|piece| piece.inputs.len()).collect::<Vec<_>>(), [2, 1]);
    let answer = |numbers: &[i64], tokens| Response {
        embeddings: numbers
            .iter()
            .zip(0..)
            .map(|(number, index)| {
                Embedding::new(index, NumberType::Float, Vector::Numbers(vec![(*number).into()]))
            })
            .collect(),
        usage: tokens,
        model: Some("m".into()),
        ..Response::default()
    };
    let whole = Response::join([(2, answer(&[1, 2], read(5))), (1, answer(&[3], read(1)))]);
    let told = format("openai").tell(&whole, &request);
    assert_eq!(told["data"][2], json!({"object": "embedding", "embedding": [3], "index": 2}));
    assert_eq!(told["usage"], json!({"prompt_tokens": 6, "total_tokens": 6}));
    let unknown = Response::join([(2, answer(&[1, 2], read(5))), (1, answer(&[3], None))]);
    assert_eq!(unknown.usage, None);
}
