//! Behaviour of the format, by requests, answers, streams and translations.

mod answers;
mod foreign;
mod requests;
mod round_trip;
mod streams;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::{StreamDecoder, StreamEncoder, decode_request};
use crate::chat::{Delta, Request, collect};
use crate::dialect::{AnswerContext, StreamError, Weight, read_stream, write_stream};

fn context() -> AnswerContext {
    AnswerContext { id: "a1".into(), created: 5, model: "m".into(), ..AnswerContext::default() }
}

fn asked(request: &Value) -> AnswerContext {
    AnswerContext { request: Some(Arc::new(request_of(request))), ..context() }
}

fn request_of(request: &Value) -> Request {
    decode_request(request.to_string().as_bytes()).expect("a request")
}

fn read(pieces: &[&[u8]]) -> (Vec<Delta>, Result<(), StreamError>) {
    read_stream(&mut StreamDecoder::new(), pieces.iter().map(|piece| Bytes::copy_from_slice(piece)))
}

fn write(deltas: &[Delta], context: AnswerContext) -> Bytes {
    write_stream(&mut StreamEncoder::new(context), deltas)
}

fn framed(events: &[Value]) -> String {
    events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default()))
        .collect()
}

/// The events of a stream, each with the name that its type says.
fn events_of(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).expect("text");
    let mut events = Vec::new();
    for block in text.split_terminator("\n\n") {
        let (name, data) = block.split_once('\n').expect("a name and data");
        let event: Value = serde_json::from_str(data.strip_prefix("data: ").expect("data")).expect("JSON");
        assert_eq!(name, format!("event: {}", event["type"].as_str().expect("a type")));
        events.push(event);
    }
    events
}

fn types_of(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["type"].as_str().expect("a type").trim_start_matches("response."))
        .collect()
}

fn lost(lost: &[crate::dialect::Loss]) -> Vec<(&str, Weight)> {
    lost.iter().map(|loss| (loss.field.as_str(), loss.weight)).collect()
}
