//! Tests of embeddings. The recorded traffic is played by a suite of its own.

// A JSON literal is handed over as it is written, without a reference in front of each.
#![allow(clippy::needless_pass_by_value)]

mod answers;
mod every_field;
mod requests;
mod round_trip;
mod translations;
mod vectors;

use bytes::Bytes;
use serde_json::Value;

use super::gemini::Method;
use super::{AnswerContext, NumberType, Request, Response, cohere, gemini, mlflow, openai, titan, voyage};
use crate::dialect::{DecodeError, EncodeError, Encoded, Target};

/// A format's four functions.
struct Format {
    name: &'static str,
    decode_request: fn(&[u8]) -> Result<Request, DecodeError>,
    encode_request: fn(&Request, &Target<'_>) -> Encoded,
    decode_response: fn(&[u8], &NumberType) -> Result<Response, DecodeError>,
    encode_response: fn(&Response, &AnswerContext<'_>) -> Result<Bytes, EncodeError>,
}

const FORMATS: [Format; 9] = [
    Format {
        name: "openai",
        decode_request: openai::decode_request,
        encode_request: openai::encode_request,
        decode_response: openai::decode_response,
        encode_response: openai::encode_response,
    },
    Format {
        name: "voyage",
        decode_request: voyage::decode_request,
        encode_request: voyage::encode_request,
        decode_response: voyage::decode_response,
        encode_response: voyage::encode_response,
    },
    Format {
        name: "cohere",
        decode_request: cohere::decode_request,
        encode_request: cohere::encode_request,
        decode_response: cohere::decode_response,
        encode_response: cohere::encode_response,
    },
    Format {
        name: "bedrock_cohere",
        decode_request: |body| cohere::decode_bedrock_request("m", body),
        encode_request: cohere::encode_bedrock_request,
        decode_response: cohere::decode_response,
        encode_response: cohere::encode_response,
    },
    Format {
        name: "titan",
        decode_request: |body| titan::decode_request("m", body),
        encode_request: titan::encode_request,
        decode_response: titan::decode_response,
        encode_response: titan::encode_response,
    },
    Format {
        name: "gemini_one",
        decode_request: |body| gemini::decode_request("m", Method::EmbedContent, body),
        encode_request: |request, target| gemini::encode_request(request, Method::EmbedContent, target),
        decode_response: gemini::decode_response,
        encode_response: |response, context| gemini::encode_response(response, Method::EmbedContent, context),
    },
    Format {
        name: "gemini_batch",
        decode_request: |body| gemini::decode_request("m", Method::BatchEmbedContents, body),
        encode_request: |request, target| gemini::encode_request(request, Method::BatchEmbedContents, target),
        decode_response: gemini::decode_response,
        encode_response: |response, context| {
            gemini::encode_response(response, Method::BatchEmbedContents, context)
        },
    },
    Format {
        name: "vertex",
        decode_request: |body| gemini::decode_request("m", Method::Predict, body),
        encode_request: |request, target| gemini::encode_request(request, Method::Predict, target),
        decode_response: gemini::decode_response,
        encode_response: |response, context| gemini::encode_response(response, Method::Predict, context),
    },
    Format {
        name: "mlflow",
        decode_request: |body| mlflow::decode_request("m", body),
        encode_request: mlflow::encode_request,
        decode_response: mlflow::decode_response,
        encode_response: mlflow::encode_response,
    },
];

fn format(name: &str) -> &'static Format {
    FORMATS.iter().find(|format| format.name == name).expect("a format")
}

impl Format {
    fn read(&self, body: Value) -> Request {
        match (self.decode_request)(body.to_string().as_bytes()) {
            Ok(request) => request,
            Err(error) => panic!("{}: {error}", self.name),
        }
    }

    fn refusal(&self, body: Value) -> String {
        (self.decode_request)(body.to_string().as_bytes()).expect_err("refused").to_string()
    }

    fn write(&self, request: &Request) -> (Value, Encoded) {
        self.write_for(request, "")
    }

    fn write_for(&self, request: &Request, kind: &str) -> (Value, Encoded) {
        let target = Target { kind, ..Target::model("m") };
        let encoded = (self.encode_request)(request, &target);
        (serde_json::from_slice(&encoded.body).expect("JSON"), encoded)
    }

    /// Reads a body and checks that it is written as it was, in the same order.
    fn same(&self, body: Value) -> Request {
        let request = self.read(body.clone());
        let (again, encoded) = self.write(&request);
        assert_eq!(again, body, "{}: written as it was read", self.name);
        assert_eq!((encoded.lost, encoded.lowered), (Vec::new(), Vec::new()), "{}", self.name);
        request
    }

    fn hear(&self, body: Value) -> Response {
        match (self.decode_response)(body.to_string().as_bytes(), &NumberType::Float) {
            Ok(response) => response,
            Err(error) => panic!("{}: {error}", self.name),
        }
    }

    /// Tells a caller who asked something.
    fn tell(&self, response: &Response, request: &Request) -> Value {
        let context = AnswerContext { id: "r1", model: "mine", request: Some(request) };
        let body = (self.encode_response)(response, &context).expect("it can be said");
        serde_json::from_slice(&body).expect("JSON")
    }

    fn same_answer(&self, body: Value) -> Response {
        let response = self.hear(body.clone());
        let again = (self.encode_response)(&response, &AnswerContext::default()).expect("it can be said");
        let again: Value = serde_json::from_slice(&again).expect("JSON");
        assert_eq!(again, body, "{}: written as it was read", self.name);
        response
    }
}
