//! OpenAI's older Completions.

use bytes::Bytes;
use postern_wire::FaultKind;
use postern_wire::chat::{Delta, Response, collect};
use postern_wire::dialect::openai_completions::{
    StreamDecoder, StreamEncoder, decode_fault_at, decode_request, decode_response, encode_request,
    encode_response,
};
use postern_wire::dialect::{AnswerContext, Target, read_stream, write_stream};
use serde_json::Value;

use crate::cases::{Case, play as play_cases};
use crate::compare::{ensure, same};
use crate::openai_chat_plain::events;

fn speaks(format: &str, name: &str) -> bool {
    (format == "openai_other" || format.starts_with("openai_compatible_")) && name.contains("completions_")
}

fn play(what: &str, check: impl Fn(&Case) -> Result<bool, String>) {
    play_cases(what, speaks, check);
}

#[test]
fn requests_come_back_equal() {
    play("requests", |case| {
        let Some(body) = case.read("request.json") else { return Ok(false) };
        let request = decode_request(&body).map_err(|error| error.to_string())?;
        let encoded = encode_request(&request, &Target::model(&request.model));
        same(&body, &encoded.body)?;
        ensure("lost", &encoded.lost, &Vec::new())?;
        ensure("read again", &decode_request(&encoded.body).map_err(|error| error.to_string())?, &request)?;
        Ok(true)
    });
}

#[test]
fn answers_come_back_equal() {
    play("answers", |case| {
        let Some(body) = case.read("response.json").filter(|_| !case.is_error()) else { return Ok(false) };
        let response = decode_response(&body).map_err(|error| error.to_string())?;
        let written = encode_response(&response, &AnswerContext::default());
        same(&body, &without_placeholders(&body, &written))?;
        Ok(true)
    });
}

/// What was written, without the fields that the format requires and the vendor left out.
fn without_placeholders(body: &[u8], written: &[u8]) -> Vec<u8> {
    let original: Value = serde_json::from_slice(body).expect("JSON");
    let mut written: Value = serde_json::from_slice(written).expect("JSON");
    for (choice, original) in written["choices"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .zip(original["choices"].as_array().into_iter().flatten())
    {
        if let (Some(choice), Some(original)) = (choice.as_object_mut(), original.as_object()) {
            choice.retain(|name, value| !value.is_null() || original.contains_key(name));
        }
    }
    written.to_string().into_bytes()
}

#[test]
fn errors_are_understood() {
    play("errors", |case| {
        let Some(body) = case.read("response.json").filter(|_| case.is_error()) else { return Ok(false) };
        let fault = decode_fault_at(case.status.unwrap_or(400), &case.headers, &body, None);
        ensure("kind", &fault.kind, &FaultKind::NotFound)?;
        Ok(true)
    });
}

fn read(pieces: impl Iterator<Item = Bytes>) -> Result<Vec<Delta>, String> {
    let (deltas, ending) = read_stream(&mut StreamDecoder::new(), pieces);
    ending.map_err(|error| format!("{error:?}"))?;
    Ok(deltas)
}

fn text(response: &Response) -> String {
    response.choices.iter().map(|choice| choice.message.joined_text().into_owned()).collect()
}

#[test]
fn streams_say_what_their_events_say() {
    play("streams", |case| {
        let Some(stream) = case.stream() else { return Ok(false) };
        let deltas = read(std::iter::once(stream.clone()))?;
        let cut = read((0..stream.len()).map(|at| stream.slice(at..=at)))?;
        ensure("cut at every byte", &cut, &deltas)?;
        let events = events(&stream)?;
        let said: String = events.iter().filter_map(|event| event["choices"][0]["text"].as_str()).collect();
        let response = collect(deltas.iter().cloned());
        ensure("said", &text(&response), &said)?;
        ensure("usage", &response.usage.is_some(), &events.iter().any(|event| event["usage"].is_object()))?;
        let mut encoder =
            StreamEncoder::new(AnswerContext { include_usage: true, ..AnswerContext::default() });
        let again = collect(read(std::iter::once(write_stream(&mut encoder, &deltas)))?);
        ensure("written", &text(&again), &said)?;
        ensure("usage written", &again.usage, &response.usage)?;
        Ok(true)
    });
}
