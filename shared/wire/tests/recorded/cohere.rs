//! Cohere's chat, version 2.

use bytes::{Bytes, BytesMut};
use postern_wire::Dialect;
use postern_wire::chat::{Content, Response, collect};
use postern_wire::dialect::cohere::{
    StreamDecoder, StreamEncoder, decode_request, decode_response, decode_usage, encode_request,
    encode_response,
};
use postern_wire::dialect::{AnswerContext, StreamEncoder as _, Target, read_stream};
use serde_json::Value;

use crate::cases::{Case, play as play_cases};
use crate::compare::{ensure, same};
use crate::foreign;

/// Names of cases that are not about chat.
const OTHER_OPERATIONS: [&str; 2] = ["embeddings", "rerank"];

fn play(what: &str, check: impl Fn(&Case) -> Result<bool, String>) {
    let speaks = |format: &str, name: &str| {
        format == "cohere" && !OTHER_OPERATIONS.iter().any(|other| name.contains(other))
    };
    play_cases(what, speaks, check);
}

#[test]
fn requests_come_back_equal() {
    play("Cohere requests", |case| {
        let Some(body) = case.read("request.json") else { return Ok(false) };
        let request = decode_request(&body).map_err(|error| error.to_string())?;
        let encoded = encode_request(&request, &Target::model(&request.model));
        same(&body, &encoded.body)?;
        ensure("lost", &encoded.lost, &Vec::new())?;
        ensure("read again", &decode_request(&encoded.body).map_err(|error| error.to_string())?, &request)?;
        foreign::request(Dialect::Cohere, &request)?;
        Ok(true)
    });
}

#[test]
fn answers_come_back_equal() {
    play("Cohere answers", |case| {
        let Some(body) = case.read("response.json") else { return Ok(false) };
        let response = decode_response(&body).map_err(|error| error.to_string())?;
        let written = encode_response(&response, &AnswerContext::default());
        same(&body, &written)?;
        ensure("read again", &decode_response(&written).map_err(|error| error.to_string())?, &response)?;
        foreign::response(&response)?;
        Ok(true)
    });
}

/// What a caller sees of an answer: text, reasoning, calls, citations.
type Said = (String, String, Vec<(String, String)>, usize);

fn plain(response: &Response) -> Said {
    let mut said = Said::default();
    for part in &response.choices[0].message.parts {
        match &part.content {
            Content::Text(text) => {
                said.0.push_str(&text.text);
                said.3 += text.annotations.len();
            }
            Content::Reasoning(reasoning) => said.1.push_str(&reasoning.text),
            Content::ToolCall(call) => said.2.push((call.name.clone(), call.arguments.clone())),
            _ => {}
        }
    }
    said
}

/// The same by a plain reading of the events, with the word for the end and the usage.
fn accumulate(stream: &[u8]) -> (Said, String, Value) {
    let (mut said, mut word, mut usage) = (Said::default(), String::new(), Value::Null);
    let stream = std::str::from_utf8(stream).expect("text");
    for data in stream.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]")
    {
        let event: Value = serde_json::from_str(data).expect("JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let message = &event["delta"]["message"];
        said.0.push_str(&text(&message["content"]["text"]));
        said.1.push_str(&text(&message["content"]["thinking"]));
        if event["type"] == "tool-plan-delta" {
            said.1.push_str(&text(&message["tool_plan"]));
        }
        let function = &message["tool_calls"]["function"];
        if event["type"] == "tool-call-start" {
            said.2.push((text(&function["name"]), String::new()));
        }
        if let (Some(arguments), Some(last)) = (function["arguments"].as_str(), said.2.last_mut()) {
            last.1.push_str(arguments);
        }
        said.3 += usize::from(event["type"] == "citation-start");
        if event["type"] == "message-end" {
            word = text(&event["delta"]["finish_reason"]);
            usage = event["delta"]["usage"].clone();
        }
    }
    (said, word, usage)
}

#[test]
fn streams_say_what_their_events_say() {
    play("Cohere streams", |case| {
        let Some(stream) = case.stream() else { return Ok(false) };
        let (deltas, ending) = read_stream(&mut StreamDecoder::new(), [stream.clone()]);
        ensure("ending", &ending, &Ok(()))?;
        foreign::stream(&deltas)?;
        let mut encoder = StreamEncoder::new(AnswerContext::default());
        let mut out = BytesMut::new();
        deltas.iter().for_each(|delta| encoder.delta(delta, &mut out));
        encoder.end(&mut out);
        let response = collect(deltas);
        let (said, word, usage) = accumulate(&stream);
        ensure("said", &plain(&response), &said)?;
        ensure("usage", &response.usage, &Some(decode_usage(&usage)))?;
        let known = [("COMPLETE", "Stop"), ("MAX_TOKENS", "Length"), ("TOOL_CALL", "ToolCalls")];
        let reason = response.choices[0].finish.as_ref().map(|reason| format!("{reason:?}"));
        ensure(
            "finish",
            &reason.as_deref(),
            &known.iter().find(|(known, _)| *known == word).map(|(_, reason)| *reason),
        )?;
        let written = out.freeze();
        let (written_said, ..) = accumulate(&written);
        ensure("written", &written_said, &said)?;
        let (again, ending) = read_stream(&mut StreamDecoder::new(), std::iter::once(written));
        ensure("written", &ending, &Ok(()))?;
        ensure("read again", &collect(again), &response)?;
        Ok(true)
    });
}

#[test]
fn streams_cut_anywhere_are_the_same() {
    play("Cohere streams cut at every byte", |case| {
        let Some(stream) = case.stream() else { return Ok(false) };
        let (whole, _) = read_stream(&mut StreamDecoder::new(), [stream.clone()]);
        for size in [1, 2, 3, 7, 100] {
            let (cut, ending) =
                read_stream(&mut StreamDecoder::new(), stream.chunks(size).map(Bytes::copy_from_slice));
            ensure("ending", &ending, &Ok(()))?;
            ensure("cut", &cut, &whole)?;
        }
        let end = stream.windows(11).rposition(|window| window == b"message-end").expect("an end");
        let most = stream.slice(..end);
        if read_stream(&mut StreamDecoder::new(), std::iter::once(most)).1.is_ok() {
            return Err("a cut stream was taken for a whole one".to_owned());
        }
        Ok(true)
    });
}
