//! Tests of reranking.

// A JSON literal is handed over as it is written, without a reference in front of each.
#![allow(clippy::needless_pass_by_value)]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Number, Value, json};

use super::{AnswerContext, Document, Ranked, Request, Response, cohere, voyage};
use crate::dialect::{Target, Weight};

fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("JSON")
}

fn read(body: Value) -> Request {
    cohere::decode_request(body.to_string().as_bytes()).expect("a request")
}

#[test]
fn requests_come_back_as_they_were() {
    let jina = json!({"model": "m", "query": "q", "documents": ["a", {"text": "b"}, {"image": "https://a.com/i.png"}],
        "top_n": 2, "return_documents": false, "new": 1});
    let request = read(jina.clone());
    assert_eq!((request.top_n, request.return_documents), (Some(2), Some(false)));
    assert_eq!(parse(&cohere::encode_request(&request, &Target::model("m")).body), jina);
    let cohere_v2 = json!({"model": "m", "query": "q", "documents": ["a"], "top_n": 1, "max_tokens_per_doc": 9,
        "rank_fields": ["title"], "truncation": true});
    assert_eq!(parse(&cohere::encode_request(&read(cohere_v2.clone()), &Target::model("m")).body), cohere_v2);
    let of_voyage = json!({"query": "q", "documents": ["a"], "model": "m", "top_k": 1, "return_documents": true, "truncation": false});
    let request = voyage::decode_request(of_voyage.to_string().as_bytes()).expect("a request");
    assert_eq!(parse(&voyage::encode_request(&request, &Target::model("m")).body), of_voyage);
}

#[test]
fn answers_come_back_as_they_were() {
    for body in [
        json!({"id": "i", "results": [{"index": 1, "relevance_score": 0.5}],
            "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}}),
        json!({"model": "m", "object": "list", "results": [{"index": 0, "relevance_score": 1, "document": {"text": "a"}},
            {"index": 1, "relevance_score": 0.1, "document": {}}], "usage": {"total_tokens": 5}}),
        json!({"results": [{"index": 1, "relevance_score": -3.5, "document": "a", "span": [1, 2]}]}),
    ] {
        let response = cohere::decode_response(body.to_string().as_bytes()).expect("an answer");
        assert_eq!(parse(&cohere::encode_response(&response, &AnswerContext::default())), body);
    }
    let body = json!({"object": "list", "data": [{"relevance_score": 0.5, "index": 1, "document": "b"}],
        "model": "m", "usage": {"total_tokens": 43}});
    let response = voyage::decode_response(body.to_string().as_bytes()).expect("an answer");
    assert_eq!(response.usage.map(|usage| usage.input), Some(43));
    assert_eq!(parse(&voyage::encode_response(&response, &AnswerContext::default())), body);
}

#[test]
fn what_is_billed_is_read() {
    let of = |body: Value| cohere::decode_response(body.to_string().as_bytes()).expect("an answer");
    let cohere = of(json!({"results": [], "meta": {"billed_units": {"search_units": 2.0}}}));
    assert_eq!((cohere.search_units, cohere.usage), (Some(2), None));
    let jina = of(json!({"results": [], "usage": {"total_tokens": 9}}));
    assert_eq!((jina.search_units, jina.usage.map(|usage| usage.input)), (None, Some(9)));
}

#[test]
fn a_caller_of_the_common_form_reaches_voyage_and_gets_its_documents() {
    let request = read(json!({"model": "x", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1,
        "return_documents": true}));
    let encoded = voyage::encode_request(&request, &Target::model("m"));
    assert_eq!(
        parse(&encoded.body),
        json!({"query": "q", "documents": ["a", "b"], "model": "m", "top_k": 1,
        "return_documents": true})
    );
    assert_eq!((encoded.lost, encoded.lowered), (Vec::new(), Vec::new()));
    let answer = json!({"object": "list", "data": [{"relevance_score": 0.5, "index": 1}], "model": "m",
        "usage": {"total_tokens": 4}});
    let mut response = voyage::decode_response(answer.to_string().as_bytes()).expect("an answer");
    response.leave_extra();
    let context = AnswerContext { id: "r1", model: "mine", request: Some(&request) };
    assert_eq!(
        parse(&cohere::encode_response(&response, &context)),
        json!({"id": "r1", "model": "m",
        "results": [{"index": 1, "relevance_score": 0.5, "document": {"text": "b"}}],
        "usage": {"prompt_tokens": 4, "total_tokens": 4}})
    );
}

#[test]
fn an_answer_of_cohere_reaches_a_caller_of_voyage() {
    let request = Request { documents: vec![Document::Text("a".into())], ..Request::default() };
    let answer = json!({"id": "i", "results": [{"index": 0, "relevance_score": 0.5}],
        "meta": {"billed_units": {"search_units": 1}}});
    let mut response = cohere::decode_response(answer.to_string().as_bytes()).expect("an answer");
    response.leave_extra();
    let context = AnswerContext { id: "r1", model: "mine", request: Some(&request) };
    let told = parse(&voyage::encode_response(&response, &context));
    assert_eq!(
        told,
        json!({"object": "list", "id": "i", "data": [{"relevance_score": 0.5, "index": 0}], "model": "mine"})
    );
}

#[test]
fn every_field_is_said_or_named() {
    let bare = || read(json!({"model": "m", "query": "q", "documents": ["a"]}));
    let cases = [
        ("top_n", Request { top_n: Some(1), ..bare() }),
        ("max_tokens_per_doc", Request { max_tokens_per_document: Some(9), ..bare() }),
        ("truncation", Request { truncate: Some(false), ..bare() }),
        ("rank_fields", Request { rank_fields: Some(vec!["text".into()]), ..bare() }),
        (
            "documents[0]",
            read(json!({"model": "m", "query": "q", "documents": [{"title": "t", "text": "a"}]})),
        ),
        (
            "documents[0]",
            read(json!({"model": "m", "query": "q", "documents": [{"image": "https://a.com"}]})),
        ),
    ];
    for kind in ["cohere", "bedrock", "jina", "voyage"] {
        let write = |request: &Request| {
            let target = Target { kind, ..Target::model("m") };
            if kind == "voyage" {
                voyage::encode_request(request, &target)
            } else {
                cohere::encode_request(request, &target)
            }
        };
        let plain = write(&bare());
        assert_eq!(plain.lost, Vec::new());
        for (field, request) in &cases {
            let encoded = write(request);
            let named = encoded.lost.iter().any(|loss| loss.field == *field)
                || encoded.lowered.iter().any(|lowered| lowered == field);
            assert!(named || encoded.body != plain.body, "{kind}: {field}");
            let documents = parse(&encoded.body)["documents"].as_array().map(Vec::len);
            assert_eq!(documents, Some(1), "{kind}: places stay taken");
        }
    }
}

#[test]
fn cohere_and_bedrock_get_texts() {
    let request =
        read(json!({"model": "m", "query": "q", "documents": [{"text": "a"}, {"title": "t", "n": 1}]}));
    let encoded = cohere::encode_request(&request, &Target { kind: "bedrock", ..Target::model("m") });
    assert_eq!(
        parse(&encoded.body),
        json!({"query": "q", "documents": ["a", "{\"title\":\"t\",\"n\":1}"], "api_version": 2})
    );
    assert_eq!(encoded.lowered, ["documents[1]"]);
    let image = read(json!({"model": "m", "query": "q", "documents": [{"image": "https://a.com"}]}));
    let encoded = cohere::encode_request(&image, &Target { kind: "cohere", ..Target::model("m") });
    assert_eq!(encoded.lost.first().map(|loss| loss.weight), Some(Weight::Meaning));
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (json!({"query": "q", "documents": ["a"]}), "model: required: a string"),
        (json!({"model": "", "query": "q"}), "model: expected the name of a model, found an empty string"),
        (json!({"model": "m", "documents": ["a"]}), "query: required: a string"),
        (json!({"model": "m", "query": "q"}), "documents: required: an array of at least one document"),
        (
            json!({"model": "m", "query": "q", "documents": []}),
            "documents: expected at least one document, found an empty array",
        ),
        (
            json!({"model": "m", "query": "q", "documents": ["a", 1]}),
            "documents[1]: expected a string or an object",
        ),
        (json!({"model": "m", "query": "q", "documents": ["a"], "top_n": 0}), "top_n: expected at least 1"),
    ];
    for (body, wanted) in cases {
        let error = cohere::decode_request(body.to_string().as_bytes()).expect_err("refused");
        assert_eq!(error.to_string(), wanted);
    }
    let answer =
        |body: Value| cohere::decode_response(body.to_string().as_bytes()).expect_err("refused").to_string();
    assert_eq!(answer(json!({})), "results: required: an array");
    assert_eq!(answer(json!({"results": [{"index": 0}]})), "results[0].relevance_score: required: a number");
    assert_eq!(
        answer(json!({"results": [{"relevance_score": 0}]})),
        "results[0].index: required: a whole number"
    );
}

fn request() -> impl Strategy<Value = Request> {
    let document = prop_oneof![
        "\\PC{0,8}".prop_map(Document::Text),
        "[a-z]{1,8}".prop_map(|text| {
            let fields = json!({"title": "t", "text": text});
            Document::Fields(fields.as_object().cloned().unwrap_or_default())
        }),
    ];
    (
        vec(document, 1..4),
        "\\PC{0,8}",
        option::of(1..9_u64),
        option::of(any::<bool>()),
        option::of(any::<bool>()),
    )
        .prop_map(|(documents, query, top_n, return_documents, truncate)| Request {
            model: "m".into(),
            query,
            documents,
            top_n,
            return_documents,
            truncate,
            ..Request::default()
        })
}

proptest! {
    #[test]
    fn requests(request in request()) {
        let encoded = cohere::encode_request(&request, &Target::model("m"));
        prop_assert_eq!(encoded.lost, Vec::new());
        prop_assert_eq!(cohere::decode_request(&encoded.body), Ok(request.clone()));
        let encoded = voyage::encode_request(&request, &Target::model("m"));
        let heard = voyage::decode_request(&encoded.body).expect("a request");
        prop_assert_eq!(heard.documents.len(), request.documents.len());
        let again = voyage::encode_request(&heard, &Target::model("m"));
        prop_assert_eq!(again.body, encoded.body);
    }

    #[test]
    fn answers(scores in vec((any::<u32>(), -1.0..1.0_f64), 0..5)) {
        let ranked = |(index, score): (u32, f64)| Ranked {
            index: index.into(),
            score: Number::from_f64(score).expect("finite"),
            document: None,
            extra: crate::chat::Extra::new(),
        };
        let response = Response { results: scores.into_iter().map(ranked).collect(), ..Response::default() };
        let body = cohere::encode_response(&response, &AnswerContext::default());
        prop_assert_eq!(cohere::decode_response(&body), Ok(response.clone()));
        let body = voyage::encode_response(&response, &AnswerContext::default());
        prop_assert_eq!(voyage::decode_response(&body), Ok(response));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = cohere::decode_request(&bytes);
        let _ = cohere::decode_response(&bytes);
        let _ = voyage::decode_request(&bytes);
        let _ = voyage::decode_response(&bytes);
    }
}
