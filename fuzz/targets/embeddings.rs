//! Any bytes as a request for embeddings, a request to rerank or to moderate, or as an answer to one, in every format:
//! reading never panics, what is read survives being written, and every other format takes it or says what it lacks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_wire::dialect::{DecodeError, Encoded, Target};
use postern_wire::embed::gemini::Method;
use postern_wire::embed::{
    AnswerContext, NumberType, Request, cohere, gemini, mlflow, openai, titan, voyage,
};
use postern_wire::{moderation, rerank};

type Read = fn(&[u8]) -> Result<Request, DecodeError>;
type Write = fn(&Request, &Target<'_>) -> Encoded;

const FORMATS: [(Read, Write); 7] = [
    (openai::decode_request, openai::encode_request),
    (cohere::decode_request, cohere::encode_request),
    (voyage::decode_request, voyage::encode_request),
    (|body| titan::decode_request("m", body), titan::encode_request),
    (|body| mlflow::decode_request("m", body), mlflow::encode_request),
    (
        |body| gemini::decode_request("m", Method::BatchEmbedContents, body),
        |request, target| gemini::encode_request(request, Method::BatchEmbedContents, target),
    ),
    (
        |body| gemini::decode_request("m", Method::Predict, body),
        |request, target| gemini::encode_request(request, Method::Predict, target),
    ),
];

fuzz_target!(|data: &[u8]| {
    let target = Target::model("m");
    for (read, write) in FORMATS {
        let Ok(mut request) = read(data) else { continue };
        let encoded = write(&request, &target);
        // A reader shared with OpenAI's format takes tokens, which not every provider of the format takes.
        let is_input = encoded.lost.iter().all(|loss| loss.field.starts_with("input["));
        assert!(is_input, "its own format lost {:?}", encoded.lost);
        if !encoded.lost.is_empty() {
            continue;
        }
        if let Err(error) = read(&encoded.body) {
            panic!("what was written cannot be read: {error}");
        }
        request.leave_extra();
        for (_, write) in FORMATS {
            let _ = write(&request, &target);
        }
    }
    let float = &NumberType::Float;
    for answer in [
        openai::decode_response(data, float),
        cohere::decode_response(data, float),
        titan::decode_response(data, float),
        gemini::decode_response(data, float),
    ] {
        let Ok(response) = answer else { continue };
        for base64 in [false, true] {
            let request = Request { base64: Some(base64), ..Request::default() };
            let context = AnswerContext { id: "r", model: "m", request: Some(&request) };
            let _ = openai::encode_response(&response, &context);
            let _ = cohere::encode_response(&response, &context);
        }
    }
    if let Ok(request) = rerank::cohere::decode_request(data) {
        let encoded = rerank::cohere::encode_request(&request, &Target::model(&request.model));
        assert_eq!(rerank::cohere::decode_request(&encoded.body).as_ref(), Ok(&request));
        let _ = rerank::voyage::encode_request(&request, &target);
    }
    let _ = rerank::voyage::decode_response(data);
    if let Ok(request) = moderation::decode_request(data) {
        let model = request.model.clone().unwrap_or_default();
        let encoded = moderation::encode_request(&request, &Target::model(&model));
        let again = moderation::decode_request(&encoded.body).expect("what was written can be read");
        assert_eq!(again.input, request.input);
    }
    if let Ok(response) = moderation::decode_response(data) {
        let _ = moderation::encode_response(&response, "i", "m");
    }
});
