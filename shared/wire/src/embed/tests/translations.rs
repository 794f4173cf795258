//! From one format to another and back: every pair, and what is particular to some.

use serde_json::json;

use super::{FORMATS, format};
use crate::Usage;
use crate::dialect::Weight;
use crate::embed::{Embedding, NumberType, Request, Response, Vector};

fn answer(vectors: &[&[f64]]) -> Response {
    let vector = |numbers: &[f64]| {
        let numbers = numbers.iter().map(|number| serde_json::Number::from_f64(*number).expect("finite"));
        Vector::Numbers(numbers.collect())
    };
    Response {
        embeddings: vectors
            .iter()
            .zip(0..)
            .map(|(numbers, index)| Embedding::new(index, NumberType::Float, vector(numbers)))
            .collect(),
        usage: Some(Usage { input: 7, ..Usage::default() }),
        ..Response::default()
    }
}

#[test]
fn one_text_goes_from_every_format_to_every_other() {
    for from in &FORMATS {
        let mut request = Request::new("m", ["a text".to_owned()]);
        request.dimensions = Some(256);
        let mut asked = {
            let (body, _) = from.write(&request);
            from.read(body)
        };
        let left = asked.leave_extra();
        assert_eq!(left, Vec::<String>::new(), "{}", from.name);
        for to in &FORMATS {
            let (body, encoded) = to.write(&asked);
            let meant = encoded.lost.iter().filter(|loss| loss.weight == Weight::Meaning).count();
            assert_eq!(meant, 0, "{} to {}: {:?}", from.name, to.name, encoded.lost);
            let heard = to.read(body);
            assert_eq!(
                heard.inputs[0].input.as_text().as_deref(),
                Some("a text"),
                "{} to {}",
                from.name,
                to.name
            );
            assert_eq!(heard.dimensions, Some(256), "{} to {}", from.name, to.name);
        }
    }
}

#[test]
fn every_answer_goes_to_every_caller() {
    for provider in &FORMATS {
        let request = Request::new("m", ["a".to_owned()]);
        let body = provider.tell(&answer(&[&[0.5, -1.25]]), &request);
        let mut heard = provider.hear(body);
        heard.leave_extra();
        for caller in &FORMATS {
            let told = caller.tell(&heard, &request);
            let again = caller.hear(told);
            assert_eq!(
                again.embeddings[0].vector.as_value(),
                json!([0.5, -1.25]),
                "{} to {}",
                provider.name,
                caller.name
            );
            // Vertex AI says no counts for the whole answer.
            let counted = ![provider.name, caller.name].contains(&"vertex");
            assert_eq!(again.usage.is_some(), counted, "{} to {}", provider.name, caller.name);
        }
    }
}

#[test]
fn base64_is_made_for_callers_who_want_it() {
    let request = format("openai").read(json!({"model": "m", "input": "a", "encoding_format": "base64"}));
    let (asked, encoded) = format("gemini_batch").write(&request);
    assert_eq!(encoded.lost, Vec::new(), "the gateway makes it itself");
    assert_eq!(asked, json!({"requests": [{"model": "models/m", "content": {"parts": [{"text": "a"}]}}]}));
    let heard = format("gemini_batch").hear(json!({"embeddings": [{"values": [1, -2]}]}));
    let told = format("openai").tell(&heard, &request);
    assert_eq!(told["data"][0]["embedding"], "AACAPwAAAMA=");
}

#[test]
fn base64_is_taken_apart_for_callers_who_do_not() {
    let heard = format("cohere").hear(json!({"id": "i", "embeddings": {"base64": ["AACAPwAAAMA="]}}));
    let told = format("openai").tell(&heard, &Request::new("m", ["a".to_owned()]));
    assert_eq!(told["data"][0]["embedding"], json!([1.0, -2.0]));
}

#[test]
fn purposes_find_their_words() {
    let request = format("voyage").read(json!({"model": "m", "input": ["q"], "input_type": "query"}));
    let word = |name: &str, pointer: &str| {
        let (body, encoded) = format(name).write(&request);
        assert_eq!(encoded.lost, Vec::new());
        body.pointer(pointer).cloned().unwrap_or_default()
    };
    assert_eq!(word("cohere", "/input_type"), "search_query");
    assert_eq!(word("gemini_batch", "/requests/0/taskType"), "RETRIEVAL_QUERY");
    assert_eq!(word("vertex", "/instances/0/task_type"), "RETRIEVAL_QUERY");
    let (body, encoded) = format("openai").write_for(&request, "openai");
    assert_eq!(body.get("input_type"), None);
    assert_eq!((encoded.lost.len(), encoded.lost[0].weight), (1, Weight::Hint));
    assert_eq!(format("openai").write_for(&request, "nvidia").0["input_type"], "query");
    // A purpose with no word of its own is said by the nearest.
    let claim = format("gemini_one")
        .read(json!({"content": {"parts": [{"text": "a"}]}, "taskType": "FACT_VERIFICATION"}));
    let (body, encoded) = format("cohere").write(&claim);
    assert_eq!(
        (&body["input_type"], encoded.lowered),
        (&json!("search_query"), vec!["input_type".to_owned()])
    );
}

#[test]
fn cohere_is_told_a_purpose_and_asked_for_floats_when_the_caller_says_nothing() {
    let request = format("openai").read(json!({"model": "x", "input": "a"}));
    let (body, encoded) = format("cohere").write(&request);
    let wanted =
        json!({"model": "m", "texts": ["a"], "input_type": "search_document", "embedding_types": ["float"]});
    assert_eq!(body, wanted);
    assert_eq!(encoded.lost, Vec::new());
    let told = format("cohere").tell(&answer(&[&[0.5]]), &request);
    assert_eq!(
        told,
        json!({"id": "r1", "texts": ["a"], "embeddings": {"float": [[0.5]]},
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 7}},
        "response_type": "embeddings_by_type"})
    );
}

#[test]
fn tokens_go_only_to_those_who_take_them() {
    let request = format("openai").read(json!({"model": "m", "input": [[1, 2], [3]]}));
    for to in &FORMATS {
        let (_, encoded) = to.write(&request);
        let takes = ["openai", "mlflow"].contains(&to.name);
        let meant: Vec<&str> = encoded.lost.iter().map(|loss| loss.field.as_str()).collect();
        assert_eq!(meant.contains(&"input[0]"), !takes, "{}: {meant:?}", to.name);
        assert_eq!(meant.contains(&"input[1]"), !takes, "{}: {meant:?}", to.name);
    }
}

#[test]
fn images_stay_with_their_vendor() {
    let request = format("cohere")
        .read(json!({"model": "m", "images": ["data:image/png;base64,AA=="], "input_type": "image"}));
    for to in FORMATS.iter().filter(|to| !to.name.contains("cohere")) {
        let (body, encoded) = to.write(&request);
        assert!(!body.to_string().contains("AA=="), "{}: {body}", to.name);
        let named = |field: &str| {
            encoded.lost.iter().any(|loss| loss.field == field && loss.weight == Weight::Meaning)
        };
        assert!(named("input[0]"), "{}: {:?}", to.name, encoded.lost);
    }
}

#[test]
fn several_pieces_become_one_text() {
    let request = format("gemini_one").read(json!({"content": {"parts": [{"text": "a"}, {"text": "b"}]}}));
    let (body, encoded) = format("openai").write(&request);
    assert_eq!(body["input"], "a\nb");
    assert_eq!(encoded.lowered, ["input[0]"]);
    let (body, encoded) = format("cohere").write(&request);
    assert_eq!(body["inputs"][0]["content"][1], json!({"type": "text", "text": "b"}));
    assert_eq!(encoded.lowered, Vec::<String>::new());
}

#[test]
fn types_that_a_vendor_lacks_are_named() {
    let request = format("cohere").read(
        json!({"model": "m", "texts": ["a"], "input_type": "search_query", "embedding_types": ["int8"]}),
    );
    for (name, kind, takes) in [
        ("openai", "openai", false),
        ("openai", "mistral", true),
        ("voyage", "voyage", true),
        ("gemini_batch", "gemini", false),
        ("titan", "bedrock", false),
    ] {
        let (_, encoded) = format(name).write_for(&request, kind);
        let lost =
            encoded.lost.iter().any(|loss| loss.field == "embedding_types" && loss.weight == Weight::Meaning);
        assert_eq!(lost, !takes, "{name} {kind}: {:?}", encoded.lost);
    }
    let bits = format("titan").read(json!({"inputText": "a", "embeddingTypes": ["binary"]}));
    assert!(format("cohere").write(&bits).1.lost.iter().any(|loss| loss.field == "embedding_types"));
}
