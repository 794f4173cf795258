//! Tests of the codec. The recorded traffic is played by a suite of its own.

// A JSON literal is handed over as it is written, without a reference in front of each.
#![allow(clippy::needless_pass_by_value)]

mod answers;
mod every_field;
mod faults;
mod peek;
mod requests;
mod round_trip;
mod schemas;
mod streams;
mod translations;

use serde_json::Value;

use super::{decode_request, encode_request};
use crate::chat::{Request, Response};
use crate::dialect::{AnswerContext, Encoded, Target, openai_chat};

/// Writes a request for a model of the second generation, and gives the body as a value.
fn written(request: &Request, model: &str) -> (Value, Encoded) {
    let encoded = encode_request(request, &Target::model(model));
    (serde_json::from_slice(&encoded.body).expect("JSON"), encoded)
}

/// Reads a body and checks that it is written as it was.
fn same(model: &str, body: Value) -> Request {
    let request = decode_request(model, false, body.to_string().as_bytes()).expect("a request");
    let (again, encoded) = written(&request, model);
    assert_eq!(again, body, "written as it was read");
    assert_eq!((encoded.lost, encoded.lowered), (Vec::new(), Vec::new()));
    request
}

fn refusal_of(body: Value) -> String {
    decode_request("gemini-2.5-flash", false, body.to_string().as_bytes()).expect_err("refused").to_string()
}

/// What a caller of OpenAI Chat Completions says.
fn from_openai(body: Value) -> Request {
    let mut request = openai_chat::decode_request(body.to_string().as_bytes()).expect("a request");
    assert_eq!(request.leave_extra(), Vec::<String>::new());
    request
}

fn context() -> AnswerContext {
    AnswerContext { id: "r1".into(), created: 5, model: "mine".into(), ..AnswerContext::default() }
}

/// What a caller of OpenAI Chat Completions is told.
fn as_openai(mut response: Response) -> Value {
    response.leave_extra();
    serde_json::from_slice(&openai_chat::encode_response(&response)).expect("JSON")
}
