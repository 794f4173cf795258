//! `llm/v1/chat`: OpenAI Chat Completions without the model, which the URL names. Streams are those of OpenAI, ended by
//! `[DONE]`.

use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value};

use super::complete;
use crate::chat::{Delta, Request, Response, Stop};
use crate::dialect::fields::{self, put};
use crate::dialect::openai_chat;
pub use crate::dialect::openai_chat::{StreamDecoder, decode_response, decode_usage, encode_usage};
use crate::dialect::{AnswerContext, DecodeError, Encoded, Target};
use crate::fault::Fault;

/// Reads a request to the endpoint `name`. A model in the body is passed over, as MLflow does: the URL decides.
///
/// # Errors
/// Names the field that is missing or of a wrong type. Fields the format does not know pass into `extra`.
pub fn decode_request(name: &str, body: &[u8]) -> Result<Request, DecodeError> {
    let mut map = fields::parse_object(body)?;
    put(&mut map, "model", name);
    openai_chat::request::read(map)
}

/// Writes a request; the URL says the model. Stop sequences are a list here, also a single one.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let single = matches!(&request.stop, Some(Stop::One(_)));
    let listed = single.then(|| {
        let stop = request.stop.as_ref().map(|stop| Stop::Many(stop.as_slice().to_vec()));
        Request { stop, ..request.clone() }
    });
    let mut encoded = openai_chat::encode_request(listed.as_ref().unwrap_or(request), target);
    encoded.body = without(&encoded.body, &["model"]);
    encoded
}

/// A body without some of its fields, the others in order.
pub(super) fn without(body: &Bytes, names: &[&str]) -> Bytes {
    let Ok(mut map) = serde_json::from_slice::<Map<String, Value>>(body) else { return body.clone() };
    map.retain(|name, _| !names.contains(&name.as_str()));
    Value::Object(map).to_string().into()
}

/// Writes an answer.
#[must_use]
pub fn encode_response(response: &Response, context: &AnswerContext) -> Bytes {
    openai_chat::encode_response(&complete(response, context))
}

/// Writes a stream.
pub struct StreamEncoder(openai_chat::StreamEncoder);

impl StreamEncoder {
    /// An encoder at the beginning of a stream.
    #[must_use]
    pub fn new(context: AnswerContext) -> Self {
        Self(openai_chat::StreamEncoder::unmarked(context))
    }
}

impl crate::dialect::StreamEncoder for StreamEncoder {
    fn delta(&mut self, delta: &Delta, out: &mut BytesMut) {
        self.0.delta(delta, out);
    }

    fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        self.0.fail(fault, out);
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.0.end(out);
    }
}
