//! Tests of moderation.

// A JSON literal is handed over as it is written, without a reference in front of each.
#![allow(clippy::needless_pass_by_value)]

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Part, Request, Subject, decode_request, decode_response, encode_request, encode_response};
use crate::dialect::Target;

fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("JSON")
}

#[test]
fn requests_come_back_as_they_were() {
    for body in [
        json!({"model": "m", "input": "a"}),
        json!({"model": "m", "input": ["a", "b"], "new": null}),
        json!({"model": "m", "input": [{"type": "text", "text": "a"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}),
    ] {
        let request = decode_request(body.to_string().as_bytes()).expect("a request");
        let encoded = encode_request(&request, &Target::model("m"));
        assert_eq!(parse(&encoded.body), body);
        assert_eq!(encoded.lost, Vec::new());
    }
    let silent = decode_request(br#"{"input": "a"}"#).expect("a request");
    assert_eq!(silent.model, None);
    assert_eq!(parse(&encode_request(&silent, &Target::model("")).body), json!({"input": "a"}));
}

#[test]
fn answers_come_back_as_they_were() {
    let body = json!({"id": "modr-1", "model": "m", "results": [{"flagged": true,
        "categories": {"hate": true, "self-harm/intent": false}, "category_scores": {"hate": 0.5, "self-harm/intent": 3e-7},
        "category_applied_input_types": {"hate": ["text"], "self-harm/intent": ["text", "image"]}}]});
    let response = decode_response(body.to_string().as_bytes()).expect("an answer");
    assert_eq!(parse(&encode_response(&response, "x", "y")), body);
    assert!(response.is_flagged());
    let hate = &response.results[0].categories[0];
    assert_eq!((hate.name.as_str(), hate.flagged), ("hate", Some(true)));
    assert_eq!(hate.applied_to.as_deref(), Some(["text".to_owned()].as_slice()));
    // What is not of the usual form stays as it is.
    let odd = json!({"id": "i", "model": "m", "results": [{"flagged": false, "categories": {"hate": "low"},
        "category_scores": {}}]});
    let response = decode_response(odd.to_string().as_bytes()).expect("an answer");
    assert_eq!(parse(&encode_response(&response, "x", "y")), odd);
}

#[test]
fn a_vendor_without_a_verdict_is_flagged_by_category() {
    let of = |flag: bool| {
        let body = json!({"results": [{"categories": {"pii": flag}, "category_scores": {"pii": 0.9}}],
            "usage": {"prompt_tokens": 4, "total_tokens": 4}});
        decode_response(body.to_string().as_bytes()).expect("an answer")
    };
    assert!(of(true).is_flagged());
    assert!(!of(false).is_flagged());
    assert_eq!(of(true).usage.map(|usage| usage.input), Some(4));
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (json!({}), "input: required: a string, an array of strings or an array of parts"),
        (json!({"input": 1}), "input: expected a string, an array of strings or an array of parts"),
        (json!({"input": []}), "input: expected at least one input, found an empty array"),
        (json!({"input": ["a", 1]}), "input[1]: expected a string, found a number"),
        (
            json!({"input": [{"type": "text", "text": "a"}, "b"]}),
            "input[1]: expected an object, found a string",
        ),
        (json!({"input": [{"text": "a"}]}), "input[0].type: required: a string"),
        (json!({"input": [{"type": "audio"}]}), "input[0].type: expected `text` or `image_url`"),
        (
            json!({"input": [{"type": "image_url", "image_url": {}}]}),
            "input[0].image_url.url: required: a string",
        ),
        (
            json!({"input": [{"type": "text", "text": "a", "new": 1}]}),
            "input[0].new: this field is not known here",
        ),
        (json!({"input": "a", "model": 1}), "model: expected a string, found a number"),
    ];
    for (body, wanted) in cases {
        let error = decode_request(body.to_string().as_bytes()).expect_err("refused");
        assert_eq!(error.to_string(), wanted);
    }
    assert_eq!(decode_response(b"{}").expect_err("refused").to_string(), "results: required: an array");
}

proptest! {
    #[test]
    fn requests(texts in vec("\\PC{0,8}", 1..4), sort in 0..3_u8) {
        let input = match sort {
            0 => Subject::Text(texts.concat()),
            1 => Subject::Texts(texts),
            _ => Subject::Parts(texts.into_iter().flat_map(|text| [Part::Image(text.clone()), Part::Text(text)]).collect()),
        };
        let request = Request { model: Some("m".into()), input, ..Request::default() };
        let encoded = encode_request(&request, &Target::model("m"));
        prop_assert_eq!(decode_request(&encoded.body), Ok(request));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode_request(&bytes);
        let _ = decode_response(&bytes);
    }
}
