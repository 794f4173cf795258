//! Tests by behaviour. Fixtures are written after the vendor's documentation.

mod answers;
mod conversation;
mod faults;
mod losses;
mod options;
mod round_trip;
mod strategies;
mod streams;
mod streams_written;

use bytes::{Bytes, BytesMut};
use serde_json::Value;

use super::{StreamDecoder, StreamEncoder, decode_request, encode_request};
use crate::chat::{Delta, collect};
use crate::dialect::{AnswerContext, Encoded, StreamError, Target, openai_chat, read_stream, write_stream};

/// A model that takes a thinking budget and sampling parameters.
const OLDER: &str = "claude-sonnet-4-5";
/// A model that thinks adaptively and still takes sampling parameters.
const NEWER: &str = "claude-opus-4-6";
/// A model that takes neither budgets nor sampling parameters.
const NEWEST: &str = "claude-opus-5";

fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("JSON")
}

/// A request in this format, read and written again for its own model.
fn through(request: &Value) -> Encoded {
    let request = decode_request(request.to_string().as_bytes()).expect("a request");
    encode_request(&request, &Target::model(&request.model))
}

/// A request of OpenAI Chat Completions, told to a model of Anthropic's.
fn from_openai(request: &Value, model: &str) -> Encoded {
    let mut request = openai_chat::decode_request(request.to_string().as_bytes()).expect("a request");
    assert_eq!(request.leave_extra(), Vec::<String>::new());
    encode_request(&request, &Target::model(model))
}

/// The same with one message of the user and some more fields.
fn asked(more: &Value, model: &str) -> Encoded {
    let mut request = serde_json::json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
    for (name, value) in more.as_object().expect("an object") {
        request[name] = value.clone();
    }
    from_openai(&request, model)
}

fn fields_lost(encoded: &Encoded) -> Vec<&str> {
    encoded.lost.iter().map(|loss| loss.field.as_str()).collect()
}

fn context() -> AnswerContext {
    AnswerContext { id: "abc".to_owned(), model: "house-model".to_owned(), ..AnswerContext::default() }
}

fn frames(events: &[Value]) -> Bytes {
    let mut out = BytesMut::new();
    for event in events {
        let name = event["type"].as_str().expect("a type");
        crate::sse::write_event(&mut out, Some(name), event.to_string().as_bytes());
    }
    out.freeze()
}

type Read = (Vec<Delta>, Result<(), StreamError>);

fn read(pieces: impl Iterator<Item = Bytes>) -> Read {
    read_stream(&mut StreamDecoder::new(), pieces)
}

fn write(deltas: &[Delta], context: AnswerContext) -> Bytes {
    write_stream(&mut StreamEncoder::new(context), deltas)
}

/// The data of the events of a stream, each under its own name.
fn events(stream: &[u8]) -> Vec<Value> {
    let mut decoder = crate::sse::Decoder::new(1 << 20);
    decoder.push(Bytes::copy_from_slice(stream));
    let mut events = Vec::new();
    while let Some(event) = decoder.next().expect("an event") {
        let data = parse(&event.data.expect("data"));
        assert_eq!(event.name.as_deref(), data["type"].as_str().map(str::as_bytes));
        events.push(data);
    }
    events
}
