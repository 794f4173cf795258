//! Anthropic Messages, of its own API and of Vertex.

use bytes::Bytes;
use postern_wire::chat::{Content, Delta, Message, Request, Response, collect};
use postern_wire::dialect::anthropic::{
    EventPeek, StreamDecoder, StreamEncoder, decode_count_request, decode_count_response, decode_fault_at,
    decode_request, decode_response, decode_usage, encode_count_request, encode_request, encode_response,
    peek_count_request, peek_request, peek_response,
};
use postern_wire::dialect::openai_chat::PeekFailure;
use postern_wire::dialect::{AnswerContext, StreamError, Target, openai_chat, read_stream, write_stream};
use postern_wire::{Dialect, FaultKind};
use serde_json::Value;

use crate::anthropic_plain::{accumulate, events};
use crate::cases::{Case, play as play_cases};
use crate::compare::{ensure, same};

fn play(what: &str, check: impl Fn(&Case) -> Result<bool, String>) {
    play_cases(what, |format, _| format == "anthropic", check);
}

fn counts(case: &Case) -> bool {
    case.name.contains("count_tokens")
}

fn request_of(case: &Case) -> Result<Option<(Bytes, Request)>, String> {
    let Some(body) = case.read("request.json") else { return Ok(None) };
    let decode = if counts(case) { decode_count_request } else { decode_request };
    let request = decode(&body).map_err(|error| error.to_string())?;
    Ok(Some((body, request)))
}

/// The recordings are as the providers took them: nothing in them may be said otherwise.
fn target(request: &Request) -> Target<'_> {
    let kind = if request.model.is_empty() { "vertex" } else { "anthropic" };
    Target { model: &request.model, kind, max_output: None }
}

#[test]
fn requests_come_back_equal() {
    play("requests", |case| {
        let Some((body, request)) = request_of(case)? else { return Ok(false) };
        let encode = if counts(case) { encode_count_request } else { encode_request };
        // A model that refused its effort is told a lower one.
        let target = if case.is_error() { Target::model("another model") } else { target(&request) };
        let encoded = encode(&request, &target);
        let mut written: Value = serde_json::from_slice(&encoded.body).expect("JSON");
        if case.is_error() {
            written["model"] = request.model.clone().into();
        }
        same(&body, written.to_string().as_bytes())?;
        ensure("lost", &encoded.lost, &Vec::new())?;
        ensure("lowered", &encoded.lowered, &Vec::new())?;
        // Vertex has the model in the URL.
        if !request.model.is_empty() {
            let peek = if counts(case) { peek_count_request } else { peek_request };
            let head = peek(&body).map_err(|error| error.to_string())?;
            ensure("model", &head.model, &request.model)?;
            ensure("stream", &head.stream, &request.is_streamed())?;
        }
        Ok(true)
    });
}

fn answer_of(case: &Case) -> Result<Option<(Bytes, Response)>, String> {
    let Some(body) = case.read("response.json").filter(|_| !case.is_error() && !counts(case)) else {
        return Ok(None);
    };
    let response = decode_response(&body).map_err(|error| error.to_string())?;
    Ok(Some((body, response)))
}

#[test]
fn answers_come_back_equal() {
    play("answers", |case| {
        let Some((body, response)) = answer_of(case)? else { return Ok(false) };
        let written = encode_response(&response, &AnswerContext::default());
        same(&body, &written)?;
        let again = decode_response(&written).map_err(|error| error.to_string())?;
        ensure("read again", &again, &response)?;
        let raw: Value = serde_json::from_slice(&body).expect("JSON");
        ensure("usage", &response.usage, &Some(decode_usage(&raw["usage"])))?;
        let facts = peek_response(&body).map_err(|error| format!("{error:?}"))?;
        ensure("model", &facts.model, &response.model)?;
        ensure("usage", &facts.usage, &response.usage)?;
        ensure("reason", &facts.finish_reasons.first().map(String::as_str), &raw["stop_reason"].as_str())?;
        // A whole answer told piece by piece is the same answer.
        let deltas = response.clone().into_deltas();
        same(&body, &encode_response(&collect(deltas), &AnswerContext::default()))?;
        Ok(true)
    });
}

#[test]
fn counts_are_read() {
    play("counts", |case| {
        if !counts(case) || case.is_error() {
            return Ok(false);
        }
        let body = case.read("response.json").expect("a body");
        let raw: Value = serde_json::from_slice(&body).expect("JSON");
        let count = decode_count_response(&body).map_err(|error| error.to_string())?;
        ensure("count", &Some(count), &raw["input_tokens"].as_u64())?;
        Ok(true)
    });
}

#[test]
fn errors_are_understood() {
    play("errors", |case| {
        if !case.is_error() {
            return Ok(false);
        }
        let body = case.read("response.json").expect("a body");
        let fault = decode_fault_at(case.status.expect("a status"), &case.headers, &body, None);
        let expected = [
            ("error_400", FaultKind::InvalidRequest),
            ("error_401", FaultKind::Authentication),
            ("error_404", FaultKind::NotFound),
            ("error_429", FaultKind::RateLimited),
            ("error_500", FaultKind::ServerError),
            ("error_529", FaultKind::Overloaded),
        ];
        let (_, kind) = expected.iter().find(|(part, _)| case.name.contains(part)).ok_or("not expected")?;
        ensure("kind", &fault.kind, kind)?;
        if fault.message.is_empty() || fault.message.contains("00000000-0000") {
            return Err(format!("the message says nothing or too much: {}", fault.message));
        }
        ensure("wait", &fault.retry_after.is_some(), &case.headers.contains_key("retry-after"))?;
        Ok(true)
    });
}

type Read = (Vec<Delta>, Result<(), StreamError>);

fn read(pieces: impl Iterator<Item = Bytes>) -> Read {
    read_stream(&mut StreamDecoder::new(), pieces)
}

#[test]
fn streams_say_what_their_events_say() {
    play("streams", |case| {
        let Some(stream) = case.stream() else { return Ok(false) };
        let (deltas, ending) = read(std::iter::once(stream.clone()));
        let Some(whole) = accumulate(&events(&stream)?) else {
            if !matches!(&ending, Err(StreamError::Fault(fault)) if fault.kind == FaultKind::Overloaded) {
                return Err(format!("the error inside the stream was not told: {ending:?}"));
            }
            return Ok(true);
        };
        ensure("ending", &ending, &Ok(()))?;
        let response = collect(deltas);
        ensure("usage", &response.usage, &Some(decode_usage(&whole["usage"])))?;
        same(whole.to_string().as_bytes(), &encode_response(&response, &AnswerContext::default()))?;
        Ok(true)
    });
}

#[test]
fn streams_cut_anywhere_are_the_same() {
    play("streams cut at every byte", |case| {
        let Some(stream) = case.stream() else { return Ok(false) };
        let whole = read(std::iter::once(stream.clone()));
        ensure("bytes", &read((0..stream.len()).map(|at| stream.slice(at..=at))), &whole)?;
        let text = String::from_utf8(stream.to_vec()).map_err(|error| error.to_string())?;
        let crlf = Bytes::from(text.replace("\r\n", "\n").replace('\n', "\r\n"));
        let sevens = (0..crlf.len()).step_by(7).map(|at| crlf.slice(at..crlf.len().min(at + 7)));
        ensure("CRLF", &read(sevens), &whole)?;
        Ok(true)
    });
}

#[test]
fn the_scanner_agrees_with_the_full_reading_of_streams() {
    play("streams scanned", |case| {
        let Some(stream) = case.stream() else { return Ok(false) };
        let response = collect(read(std::iter::once(stream.clone())).0);
        let mut peek = EventPeek::new();
        let (mut usage, mut reasons, mut model) = (None, Vec::new(), None);
        for event in events(&stream)? {
            match peek.event(event.to_string().as_bytes()) {
                Ok(facts) => {
                    usage = facts.usage.or(usage);
                    model = facts.model.or(model);
                    reasons.extend(facts.finish_reasons);
                }
                Err(failure) if event["type"] == "error" => {
                    if !matches!(failure, PeekFailure::Fault(_)) {
                        return Err(format!("{failure:?}"));
                    }
                }
                Err(failure) => return Err(format!("{failure:?}")),
            }
        }
        ensure("usage", &usage, &response.usage)?;
        ensure("model", &model, &response.model)?;
        let finished = response.choices.iter().filter(|choice| choice.finish.is_some()).count();
        ensure("reasons", &reasons.len(), &finished)?;
        Ok(true)
    });
}

fn write(deltas: &[Delta]) -> Bytes {
    let context = AnswerContext { id: "1".to_owned(), model: "m".to_owned(), ..AnswerContext::default() };
    write_stream(&mut StreamEncoder::new(context), deltas)
}

#[test]
fn streams_survive_being_written() {
    play("streams written again", |case| {
        let Some(stream) = case.stream() else { return Ok(false) };
        let (deltas, ending) = read(std::iter::once(stream));
        if ending.is_err() {
            return Ok(false);
        }
        let written = write(&deltas);
        let (again, ending) = read(std::iter::once(written.clone()));
        ensure("ending", &ending, &Ok(()))?;
        let mut original = collect(deltas);
        (original.id, original.model) = (Some("msg_1".to_owned()), Some("m".to_owned()));
        ensure("read again", &collect(again), &original)?;
        // A reader that knows nothing but the events finds the same.
        let plain = accumulate(&events(&written)?).ok_or("no answer")?;
        same(plain.to_string().as_bytes(), &encode_response(&original, &AnswerContext::default()))?;
        Ok(true)
    });
}

/// What is said that every format can say.
fn words(messages: &[Message]) -> Vec<String> {
    let mut words = Vec::new();
    for part in messages.iter().flat_map(|message| &message.parts) {
        match &part.content {
            Content::Text(text) if !text.text.is_empty() => words.push(text.text.clone()),
            Content::ToolCall(call) => words.push(format!("{}({})", call.name, call.arguments)),
            Content::ToolResult(result) => {
                for part in &result.parts {
                    if let Content::Text(text) = &part.content {
                        words.push(text.text.clone());
                    }
                }
            }
            _ => {}
        }
    }
    words.sort();
    words
}

#[test]
fn requests_go_through_another_format_and_back() {
    play("requests translated", |case| {
        let Some((_, mut request)) = request_of(case)? else { return Ok(false) };
        Dialect::Anthropic.leave_extra(&mut request);
        let model =
            if request.model.is_empty() { "claude-3-7-sonnet".to_owned() } else { request.model.clone() };
        let other = openai_chat::encode_request(&request, &Target::model(&model));
        let read = openai_chat::decode_request(&other.body).map_err(|error| error.to_string())?;
        let back = encode_request(&read, &Target::model(&model));
        let again = decode_request(&back.body).map_err(|error| error.to_string())?;
        let lost = other.lost.len() + back.lost.len() > 0;
        if !lost {
            ensure("words", &words(&again.messages), &words(&request.messages))?;
            ensure("tools", &again.tools.len(), &request.tools.len())?;
        }
        Ok(true)
    });
}

#[test]
fn answers_go_through_another_format_and_back() {
    play("answers translated", |case| {
        let Some((_, mut response)) = answer_of(case)? else { return Ok(false) };
        response.leave_extra();
        let other = openai_chat::encode_response(&response);
        let mut read = openai_chat::decode_response(&other).map_err(|error| error.to_string())?;
        read.leave_extra();
        let back = encode_response(&read, &AnswerContext::default());
        let again = decode_response(&back).map_err(|error| error.to_string())?;
        let said = |response: &Response| -> String {
            response.choices.iter().map(|choice| choice.message.joined_text().into_owned()).collect()
        };
        ensure("text", &said(&again), &said(&response))?;
        let calls = |response: &Response| -> Vec<String> {
            let calls = response.choices.iter().flat_map(|choice| choice.message.tool_calls());
            calls.map(|call| format!("{}({})", call.name, call.arguments)).collect()
        };
        ensure("calls", &calls(&again), &calls(&response))?;
        ensure("input", &again.usage.map(|u| u.total_input()), &response.usage.map(|u| u.total_input()))?;
        Ok(true)
    });
}

#[test]
fn streams_go_through_another_format_and_back() {
    play("streams translated", |case| {
        let Some(stream) = case.stream() else { return Ok(false) };
        let (deltas, ending) = read(std::iter::once(stream));
        if ending.is_err() {
            return Ok(false);
        }
        let mut writer = openai_chat::StreamEncoder::new(AnswerContext::default());
        let kept: Vec<Delta> = deltas.iter().cloned().filter_map(Delta::without_extra).collect();
        let written = write_stream(&mut writer, &kept);
        let (theirs, ending) = read_stream(&mut openai_chat::StreamDecoder::new(), [written]);
        ensure("ending of the other", &ending, &Ok(()))?;
        let theirs: Vec<Delta> = theirs.into_iter().filter_map(Delta::without_extra).collect();
        let (back, ending) = read(std::iter::once(write(&theirs)));
        ensure("ending", &ending, &Ok(()))?;
        let (back, original) = (collect(back), collect(deltas));
        let text = |response: &Response| response.choices[0].message.joined_text().into_owned();
        ensure("text", &text(&back), &text(&original))?;
        let calls = |response: &Response| -> Vec<String> {
            let calls = response.choices[0].message.tool_calls();
            calls.map(|call| format!("{}({})", call.name, call.arguments)).collect()
        };
        ensure("calls", &calls(&back), &calls(&original))?;
        Ok(true)
    });
}
