//! Operations beside conversations: embeddings, rerank and moderation.

use postern_wire::dialect::{DecodeError, EncodeError, Encoded, Target};
use postern_wire::embed::gemini::Method;
use postern_wire::embed::{self, NumberType};
use postern_wire::{moderation, rerank};

use crate::cases::{Case, play};
use crate::compare::{ensure, same};

fn said<T>(read: Result<T, DecodeError>) -> Result<T, String> {
    read.map_err(|error| error.to_string())
}

fn told(written: Result<bytes::Bytes, EncodeError>) -> Result<bytes::Bytes, String> {
    written.map_err(|error| error.to_string())
}

/// The vendor whose format a case is in.
fn vendor(case: &Case) -> &str {
    case.name.split('/').next().unwrap_or_default()
}

fn is_gemini(case: &Case) -> bool {
    vendor(case) == "gemini"
}

fn read_embeddings(case: &Case, body: &[u8]) -> Result<embed::Request, String> {
    said(match vendor(case) {
        "cohere" => embed::cohere::decode_request(body),
        "voyage" => embed::voyage::decode_request(body),
        "gemini" => embed::gemini::decode_request("gemini-embedding-001", Method::BatchEmbedContents, body),
        _ => embed::openai::decode_request(body),
    })
}

fn write_embeddings(case: &Case, request: &embed::Request) -> Encoded {
    let target = Target::model(&request.model);
    match vendor(case) {
        "cohere" => embed::cohere::encode_request(request, &target),
        "voyage" => embed::voyage::encode_request(request, &target),
        "gemini" => embed::gemini::encode_request(request, Method::BatchEmbedContents, &target),
        _ => embed::openai::encode_request(request, &target),
    }
}

fn read_vectors(case: &Case, body: &[u8]) -> Result<embed::Response, String> {
    let kind = &NumberType::Float;
    said(match vendor(case) {
        "cohere" => embed::cohere::decode_response(body, kind),
        "voyage" => embed::voyage::decode_response(body, kind),
        "gemini" => embed::gemini::decode_response(body, kind),
        _ => embed::openai::decode_response(body, kind),
    })
}

fn write_vectors(case: &Case, response: &embed::Response) -> Result<bytes::Bytes, String> {
    let context = &embed::AnswerContext::default();
    told(match vendor(case) {
        "cohere" => embed::cohere::encode_response(response, context),
        "voyage" => embed::voyage::encode_response(response, context),
        "gemini" => embed::gemini::encode_response(response, Method::BatchEmbedContents, context),
        _ => embed::openai::encode_response(response, context),
    })
}

fn about(operation: &'static str) -> impl Fn(&str, &str) -> bool {
    move |_, name| name.starts_with(operation)
}

#[test]
fn embeddings_come_back_equal() {
    play("embeddings", about("embeddings"), |case| {
        let Some(body) = case.read("request.json") else { return Ok(false) };
        let request = read_embeddings(case, &body)?;
        let encoded = write_embeddings(case, &request);
        same(&body, &encoded.body)?;
        ensure("lost", &encoded.lost, &Vec::new())?;
        Ok(true)
    });
    play("vectors", about("embeddings"), |case| {
        let Some(body) = case.read("response.json").filter(|_| !case.is_error()) else { return Ok(false) };
        let response = read_vectors(case, &body)?;
        same(&body, &write_vectors(case, &response)?)?;
        ensure("vectors", &response.embeddings.is_empty(), &false)?;
        ensure("counted", &response.usage.is_some(), &!is_gemini(case))?;
        Ok(true)
    });
}

#[test]
fn vectors_reach_callers_of_openai_bit_for_bit() {
    play("vectors as lists and base64", about("embeddings"), |case| {
        let Some(body) = case.read("response.json").filter(|_| !case.is_error()) else { return Ok(false) };
        let mut response = read_vectors(case, &body)?;
        response.leave_extra();
        let mut forms = Vec::new();
        for base64 in [false, true] {
            let request = embed::Request { base64: Some(base64), ..embed::Request::default() };
            let context = embed::AnswerContext { id: "r", model: "m", request: Some(&request) };
            let written = told(embed::openai::encode_response(&response, &context))?;
            let heard = said(embed::openai::decode_response(&written, &NumberType::Float))?;
            let form = |each: &embed::Embedding| each.vector.base64(&each.kind);
            forms.push(heard.embeddings.iter().map(form).collect::<Result<Vec<_>, _>>()?);
        }
        ensure("both forms", &forms.first(), &forms.last())?;
        Ok(true)
    });
}

#[test]
fn embeddings_go_to_every_other_format() {
    play("translations of embeddings", about("embeddings"), |case| {
        let Some(body) = case.read("request.json") else { return Ok(false) };
        let mut request = read_embeddings(case, &body)?;
        ensure("left behind", &request.leave_extra(), &Vec::new())?;
        let target = Target::model("m");
        for encoded in [
            embed::openai::encode_request(&request, &target),
            embed::cohere::encode_request(&request, &target),
            embed::voyage::encode_request(&request, &target),
            embed::titan::encode_request(&request, &target),
            embed::gemini::encode_request(&request, Method::BatchEmbedContents, &target),
            embed::mlflow::encode_request(&request, &target),
        ] {
            let text = request.inputs.first().and_then(|item| item.input.as_text()).unwrap_or_default();
            let written = String::from_utf8_lossy(&encoded.body);
            ensure("the text", &written.contains(text.as_ref()), &true)?;
        }
        Ok(true)
    });
}

#[test]
fn rerank_comes_back_equal() {
    play("rerank", about("rerank"), |case| {
        let of_voyage = vendor(case) == "voyage";
        if let Some(body) = case.read("request.json") {
            let read =
                if of_voyage { rerank::voyage::decode_request } else { rerank::cohere::decode_request };
            let request = said(read(&body))?;
            let target = Target::model(&request.model);
            let write =
                if of_voyage { rerank::voyage::encode_request } else { rerank::cohere::encode_request };
            let encoded = write(&request, &target);
            same(&body, &encoded.body)?;
            ensure("lost", &encoded.lost, &Vec::new())?;
        }
        let Some(body) = case.read("response.json").filter(|_| !case.is_error()) else { return Ok(false) };
        let context = &rerank::AnswerContext::default();
        let response = if of_voyage {
            let response = said(rerank::voyage::decode_response(&body))?;
            same(&body, &rerank::voyage::encode_response(&response, context))?;
            response
        } else {
            let response = said(rerank::cohere::decode_response(&body))?;
            same(&body, &rerank::cohere::encode_response(&response, context))?;
            response
        };
        ensure("billed", &(response.usage.is_some() || response.search_units.is_some()), &true)?;
        Ok(true)
    });
}

#[test]
fn moderation_comes_back_equal() {
    play("moderation", about("moderation"), |case| {
        let Some(body) = case.read("request.json") else { return Ok(false) };
        let request = said(moderation::decode_request(&body))?;
        let encoded =
            moderation::encode_request(&request, &Target::model(request.model.as_deref().unwrap_or("")));
        same(&body, &encoded.body)?;
        if let Some(body) = case.read("response.json").filter(|_| !case.is_error()) {
            let response = said(moderation::decode_response(&body))?;
            same(&body, &moderation::encode_response(&response, "", ""))?;
            ensure("results", &response.results.is_empty(), &false)?;
        }
        Ok(true)
    });
}

#[test]
fn errors_are_classified() {
    play(
        "errors",
        |_, name| ["embeddings_error", "moderation_error"].iter().any(|op| name.starts_with(op)),
        |case| {
            let Some(body) = case.read("response.json") else { return Ok(false) };
            let status = case.status.unwrap_or(400);
            let fault = embed::openai::decode_fault_at(status, &case.headers, &body, None);
            ensure("class", &fault.kind, &postern_wire::FaultKind::from_status(status))?;
            ensure("message", &fault.message.is_empty(), &false)?;
            Ok(true)
        },
    );
}
