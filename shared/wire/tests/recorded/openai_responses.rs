//! OpenAI Responses, of OpenAI and of those who took it over.

use std::sync::Arc;

use bytes::Bytes;
use postern_wire::chat::{Content, Delta, Response, collect};
use postern_wire::dialect::openai_responses::{
    StreamDecoder, StreamEncoder, decode_fault_at, decode_request, decode_response, decode_usage,
    encode_request, encode_response, find_fault,
};
use postern_wire::dialect::{AnswerContext, StreamError, Target, openai_chat, read_stream, write_stream};
use postern_wire::{Dialect, FaultKind};
use serde_json::Value;

use crate::cases::{Case, play as play_cases};
use crate::compare::{ensure, same};
use crate::openai_chat_plain::events;

fn speaks(format: &str, name: &str) -> bool {
    // Compaction is an operation of its own.
    (format == "openai_responses" && name != "compact")
        || (format.starts_with("openai_compatible_") && name.contains("responses"))
}

fn play(what: &str, check: impl Fn(&Case) -> Result<bool, String>) {
    play_cases(what, speaks, check);
}

fn context() -> AnswerContext {
    AnswerContext { id: "0a1b".into(), created: 5, model: "m".into(), ..AnswerContext::default() }
}

/// The whole answer of a case, if it is one.
fn answer(case: &Case) -> Option<Bytes> {
    let body = case.read("response.json")?;
    let value: Value = serde_json::from_slice(&body).ok()?;
    (!case.is_error() && value["output"].is_array()).then_some(body)
}

#[test]
fn requests_come_back_equal() {
    play("requests", |case| {
        let Some(body) = case.read("request.json") else { return Ok(false) };
        let request = match decode_request(&body) {
            Ok(request) => request,
            Err(error) if case.is_error() && !error.path.is_empty() => return Ok(true),
            Err(error) => return Err(error.to_string()),
        };
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
        let Some(body) = answer(case) else { return Ok(false) };
        let response = decode_response(&body).map_err(|error| error.to_string())?;
        let written = encode_response(&response, &context());
        same(&body, &written)?;
        let again = decode_response(&written).map_err(|error| error.to_string())?;
        ensure("read again", &again, &response)?;
        ensure("said", &said(&response), &plain(&serde_json::from_slice(&body).expect("JSON")))?;
        Ok(true)
    });
}

/// What an answer says, however it was told.
#[derive(Debug, Default, PartialEq)]
struct Said {
    text: String,
    refusal: String,
    reasoning: String,
    sealed: Vec<String>,
    calls: Vec<[String; 3]>,
    annotations: usize,
    others: Vec<String>,
    usage: Option<postern_wire::Usage>,
}

fn said(response: &Response) -> Said {
    let mut said = Said { usage: response.usage, ..Said::default() };
    for part in response.choices.iter().flat_map(|choice| &choice.message.parts) {
        match &part.content {
            Content::Text(text) => {
                said.text.push_str(&text.text);
                said.annotations += text.annotations.len();
            }
            Content::Refusal(text) => said.refusal.push_str(text),
            Content::Reasoning(reasoning) => {
                said.reasoning.push_str(&reasoning.text);
                said.sealed.extend(reasoning.data.clone());
            }
            Content::ToolCall(call) => {
                said.calls.push([
                    call.id.clone().unwrap_or_default(),
                    call.name.clone(),
                    call.arguments.clone(),
                ]);
            }
            Content::Image(_) => said.others.push("image_generation_call".to_owned()),
            Content::Other(kind) => said.others.push(kind.clone()),
            other => panic!("{other:?}"),
        }
    }
    said
}

/// The same by a plain look at the object.
fn plain(response: &Value) -> Said {
    let mut said = Said {
        usage: response.get("usage").filter(|usage| usage.is_object()).map(decode_usage),
        ..Said::default()
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for item in list(&response["output"]) {
        match item["type"].as_str().expect("a type") {
            "message" => {
                for part in list(&item["content"]) {
                    said.text.push_str(&text(&part["text"]));
                    said.refusal.push_str(&text(&part["refusal"]));
                    said.annotations += list(&part["annotations"]).len();
                }
            }
            "reasoning" => {
                for part in list(&item["summary"]).iter().chain(&list(&item["content"])) {
                    said.reasoning.push_str(&text(&part["text"]));
                }
                said.sealed.extend(item["encrypted_content"].as_str().map(str::to_owned));
            }
            "function_call" => {
                said.calls.push([text(&item["call_id"]), text(&item["name"]), text(&item["arguments"])]);
            }
            "custom_tool_call" => {
                said.calls.push([text(&item["call_id"]), text(&item["name"]), text(&item["input"])]);
            }
            other => said.others.push(other.to_owned()),
        }
    }
    said
}

#[test]
fn errors_are_understood() {
    play("errors", |case| {
        if !case.is_error() {
            return Ok(false);
        }
        let body = case.read("response.json").or_else(|| case.read("response.txt")).expect("a body");
        let status = case.status.unwrap_or(400);
        let fault = decode_fault_at(status, &case.headers, &body, None);
        let expected = [
            ("error_401", FaultKind::Authentication),
            ("error_404", FaultKind::NotFound),
            ("error_429_quota", FaultKind::QuotaExceeded),
            ("error_500", FaultKind::ServerError),
            ("error_400_unknown_model", FaultKind::NotFound),
            ("error_400", FaultKind::InvalidRequest),
            ("error_body_unsupported_parameter", FaultKind::InvalidRequest),
        ];
        let (_, kind) = expected
            .iter()
            .find(|(part, _)| case.name.contains(part))
            .ok_or("no expectation for this sort of error")?;
        ensure("kind", &fault.kind, kind)?;
        Ok(true)
    });
}

type Read = (Vec<Delta>, Result<(), StreamError>);

fn read(pieces: impl Iterator<Item = Bytes>) -> Read {
    read_stream(&mut StreamDecoder::new(), pieces)
}

/// The last event of a stream: the answer as a whole, with the items that were told before where it leaves them out.
fn last(stream: &[u8]) -> Result<Value, String> {
    let events = events(stream)?;
    let mut last = events.last().ok_or("no events")?["response"].clone();
    if last["output"].as_array().is_none_or(Vec::is_empty) {
        let done = events.iter().filter(|event| event["type"] == "response.output_item.done");
        last["output"] = done.map(|event| event["item"].clone()).collect();
    }
    Ok(last)
}

#[test]
fn streams_say_what_their_last_event_says() {
    play("streams", |case| {
        let Some(stream) = case.stream() else { return Ok(false) };
        let whole = read(std::iter::once(stream.clone()));
        let cut = read((0..stream.len()).map(|at| stream.slice(at..=at)));
        ensure("cut at every byte", &cut, &whole)?;
        let (deltas, ending) = whole;
        if case.name.contains("error_midway") {
            let told =
                matches!(&ending, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::RateLimited);
            return if told { Ok(true) } else { Err(format!("the error was not told: {ending:?}")) };
        }
        ensure("ending", &ending, &Ok(()))?;
        let mut expected = plain(&last(&stream)?);
        let told = said(&collect(deltas.clone()));
        // Sealed text is sealed anew in each event; what matters is that there is as much.
        ensure("sealed", &told.sealed.len(), &expected.sealed.len())?;
        expected.sealed.clone_from(&told.sealed);
        ensure("said", &told, &expected)?;
        // Written again it says the same.
        let written = write_stream(&mut StreamEncoder::new(context()), &deltas);
        let (again, ending) = read(std::iter::once(written.clone()));
        ensure("ending of what was written", &ending, &Ok(()))?;
        ensure("written", &said(&collect(again)), &expected)?;
        ensure("last event", &plain(&last(&written)?), &expected)?;
        let numbers: Vec<u64> =
            events(&written)?.iter().filter_map(|event| event["sequence_number"].as_u64()).collect();
        ensure("numbers", &numbers, &(0..numbers.len() as u64).collect())?;
        Ok(true)
    });
}

#[test]
fn requests_are_told_in_chat_completions() {
    play("requests translated", |case| {
        let Some(mut request) = case.read("request.json").and_then(|body| decode_request(&body).ok()) else {
            return Ok(false);
        };
        Dialect::OpenAiResponses.leave_extra(&mut request);
        let told = openai_chat::encode_request(&request, &Target::model("m"));
        let mut back = openai_chat::decode_request(&told.body).map_err(|error| error.to_string())?;
        Dialect::OpenAiChat.leave_extra(&mut back);
        let again = encode_request(&back, &Target::model("m"));
        decode_request(&again.body).map_err(|error| error.to_string())?;
        let calls = |request: &postern_wire::chat::Request| -> Vec<String> {
            let calls = request.messages.iter().flat_map(postern_wire::chat::Message::tool_calls);
            calls.map(|call| call.arguments.clone()).collect()
        };
        ensure("calls", &calls(&back), &calls(&request))?;
        ensure("the user's words", &back.last_user_text(), &request.last_user_text())?;
        Ok(true)
    });
}

#[test]
fn answers_are_told_in_chat_completions_and_back() {
    play("answers translated", |case| {
        let Some(body) = answer(case) else { return Ok(false) };
        let value: Value = serde_json::from_slice(&body).expect("JSON");
        ensure("no fault", &find_fault(&value), &None)?;
        let mut response = decode_response(&body).map_err(|error| error.to_string())?;
        let expected = said(&response);
        response.leave_extra();
        let told = openai_chat::encode_response(&response);
        let mut back = openai_chat::decode_response(&told).map_err(|error| error.to_string())?;
        back.leave_extra();
        let request = case.read("request.json").and_then(|body| decode_request(&body).ok()).map(Arc::new);
        let context = AnswerContext { request, ..context() };
        let again = decode_response(&encode_response(&back, &context)).map_err(|error| error.to_string())?;
        let again = said(&again);
        ensure("text", &again.text, &expected.text)?;
        ensure("calls", &again.calls, &expected.calls)?;
        ensure("sealed", &again.sealed, &expected.sealed)?;
        ensure("usage", &again.usage, &expected.usage)?;
        Ok(true)
    });
}
