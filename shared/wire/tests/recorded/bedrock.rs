//! Bedrock's Converse.

use bytes::{Bytes, BytesMut};
use postern_wire::chat::{Content, Response, collect};
use postern_wire::dialect::bedrock::{
    StreamDecoder, StreamEncoder, decode_fault_at, decode_request, decode_response, decode_usage,
    encode_request, encode_response,
};
use postern_wire::dialect::{AnswerContext, StreamEncoder as _, Target, read_stream};
use postern_wire::event_stream::{Decoder, Header, write_message};
use postern_wire::{Dialect, FaultKind};
use serde_json::{Map, Value, json};

use crate::cases::{Case, play as play_cases};
use crate::compare::{ensure, same};
use crate::foreign;

fn play(what: &str, check: impl Fn(&Case) -> Result<bool, String>) {
    play_cases(what, |format, name| format == "bedrock" && !name.starts_with("invoke_"), check);
}

/// The stream as bytes. Where only the events were recorded they get their frames.
fn stream(case: &Case) -> Option<Bytes> {
    case.read("response.bin").or_else(|| {
        let events = case.read("response.chunks.jsonl")?;
        let mut out = BytesMut::new();
        for line in events.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            let event: Map<String, Value> = serde_json::from_slice(line).expect("an object");
            for (name, payload) in event {
                let headers = [Header::text(":event-type", name), Header::text(":message-type", "event")];
                write_message(&mut out, &headers, payload.to_string().as_bytes()).expect("short enough");
            }
        }
        Some(out.freeze())
    })
}

#[test]
fn requests_come_back_equal() {
    play("Bedrock requests", |case| {
        let Some(body) = case.read("request.json") else { return Ok(false) };
        let request = decode_request("m", true, &body).map_err(|error| error.to_string())?;
        let encoded = encode_request(&request, &Target::model("m"));
        same(&body, &encoded.body)?;
        ensure("lost", &encoded.lost, &Vec::new())?;
        ensure("lowered", &encoded.lowered, &Vec::new())?;
        let again = decode_request("m", true, &encoded.body).map_err(|error| error.to_string())?;
        ensure("read again", &again, &request)?;
        foreign::request(Dialect::Bedrock, &request)?;
        Ok(true)
    });
}

#[test]
fn answers_come_back_equal() {
    play("Bedrock answers", |case| {
        let Some(body) = case.read("response.json").filter(|_| !case.is_error()) else { return Ok(false) };
        let response = decode_response(&body).map_err(|error| error.to_string())?;
        let written = encode_response(&response, &AnswerContext::default());
        same(&body, &written)?;
        ensure("read again", &decode_response(&written).map_err(|error| error.to_string())?, &response)?;
        foreign::response(&response)?;
        let deltas = response.clone().into_deltas();
        ensure("said", &plain(&collect(deltas)), &plain(&response))?;
        Ok(true)
    });
}

#[test]
fn errors_are_understood() {
    play("Bedrock errors", |case| {
        if !case.is_error() {
            return Ok(false);
        }
        let body = case.read("response.json").expect("a body");
        let fault = decode_fault_at(case.status.unwrap_or(400), &case.headers, &body, None);
        let expected = [
            ("403_invalid_token", FaultKind::Authentication),
            ("404", FaultKind::NotFound),
            ("unknown_model", FaultKind::NotFound),
            ("429", FaultKind::RateLimited),
            ("500", FaultKind::ServerError),
            ("503", FaultKind::Overloaded),
        ];
        let (_, kind) = expected
            .iter()
            .find(|(part, _)| case.name.contains(part))
            .ok_or("no expectation for this sort of error")?;
        ensure("kind", &fault.kind, kind)?;
        ensure("status", &fault.status, &case.status)?;
        Ok(true)
    });
}

/// What a caller sees of an answer.
type Said = (String, String, Vec<(String, Value)>, usize, Option<String>);

fn plain(response: &Response) -> Said {
    let choice = &response.choices[0];
    let mut said: Said = (String::new(), String::new(), Vec::new(), 0, None);
    for part in &choice.message.parts {
        match &part.content {
            Content::Text(text) => {
                said.0.push_str(&text.text);
                said.3 += text.annotations.len();
            }
            Content::Reasoning(reasoning) => {
                said.1.push_str(&reasoning.text);
                said.1.push_str(part.signature.as_deref().unwrap_or_default());
            }
            Content::ToolCall(call) => {
                let arguments =
                    if call.arguments.is_empty() { "{}".to_owned() } else { call.arguments.clone() };
                said.2.push((call.name.clone(), serde_json::from_str(&arguments).expect("JSON")));
            }
            _ => {}
        }
    }
    said.4 = choice.finish.as_ref().map(|reason| format!("{reason:?}"));
    said
}

/// The same by a plain reading of the events.
fn accumulate(stream: &[u8]) -> (Said, Value) {
    let mut frames = Decoder::new(stream.len() + 1);
    frames.push(stream);
    let mut said: Said = (String::new(), String::new(), Vec::new(), 0, None);
    let mut calls: Vec<(u64, String, String)> = Vec::new();
    let mut usage = Value::Null;
    while let Some(message) = frames.next().expect("valid checksums") {
        let value: Value = serde_json::from_slice(&message.payload).expect("JSON");
        let delta = &value["delta"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        said.0.push_str(&text(&delta["text"]));
        said.1.push_str(&text(&delta["reasoningContent"]["text"]));
        said.1.push_str(&text(&delta["reasoningContent"]["signature"]));
        said.3 += usize::from(delta["citation"].is_object());
        let tool = &value["start"]["toolUse"];
        if tool.is_object() && tool["type"] != "server_tool_use" {
            let index = value["contentBlockIndex"].as_u64().expect("a number");
            calls.push((index, text(&tool["name"]), String::new()));
        }
        if let Some(input) = delta["toolUse"]["input"].as_str()
            && let Some(call) =
                calls.iter_mut().find(|call| Some(call.0) == value["contentBlockIndex"].as_u64())
        {
            call.2.push_str(input);
        }
        if let Some(word) = value["stopReason"].as_str() {
            said.4 = Some(word.to_owned());
        }
        if value["usage"].is_object() {
            usage = value["usage"].clone();
        }
    }
    said.2 = calls
        .into_iter()
        .map(|(_, name, input)| (name, serde_json::from_str(&input).unwrap_or(json!({}))))
        .collect();
    (said, usage)
}

#[test]
fn streams_say_what_their_events_say() {
    play("Bedrock streams", |case| {
        let Some(stream) = stream(case) else { return Ok(false) };
        let (deltas, ending) = read_stream(&mut StreamDecoder::new(), [stream.clone()]);
        ensure("ending", &ending, &Ok(()))?;
        foreign::stream(&deltas)?;
        let mut encoder = StreamEncoder::new(AnswerContext::default());
        let mut out = BytesMut::new();
        deltas.iter().for_each(|delta| encoder.delta(delta, &mut out));
        encoder.end(&mut out);
        let response = collect(deltas);
        let (mut expected, usage) = accumulate(&stream);
        let word = expected.4.take();
        let mut said = plain(&response);
        let reason = said.4.take().ok_or("no finish reason")?;
        let known = [
            ("end_turn", "Stop"),
            ("tool_use", "ToolCalls"),
            ("max_tokens", "Length"),
            ("guardrail_intervened", "ContentFilter"),
        ];
        ensure(
            "finish",
            &known.iter().find(|(_, known)| *known == reason).map(|(word, _)| *word),
            &word.as_deref(),
        )?;
        ensure("said", &said, &expected)?;
        let counted = Some(decode_usage(&usage)).filter(|_| usage.is_object());
        ensure("usage", &response.usage, &counted)?;
        // Written again and read again it is the same answer.
        let (again, ending) = read_stream(&mut StreamDecoder::new(), std::iter::once(out.freeze()));
        ensure("written", &ending, &Ok(()))?;
        ensure("read again", &collect(again), &response)?;
        Ok(true)
    });
}

#[test]
fn streams_cut_anywhere_are_the_same() {
    play("Bedrock streams cut at every byte", |case| {
        let Some(stream) = stream(case) else { return Ok(false) };
        let (whole, _) = read_stream(&mut StreamDecoder::new(), [stream.clone()]);
        for size in [1, 2, 3, 7, 100] {
            let pieces = stream.chunks(size).map(Bytes::copy_from_slice);
            let (cut, ending) = read_stream(&mut StreamDecoder::new(), pieces);
            ensure("ending", &ending, &Ok(()))?;
            ensure("cut", &cut, &whole)?;
        }
        let most = stream.slice(..stream.len() - 1);
        if read_stream(&mut StreamDecoder::new(), std::iter::once(most)).1.is_ok() {
            return Err("a cut stream was taken for a whole one".to_owned());
        }
        Ok(true)
    });
}
