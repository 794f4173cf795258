//! OpenAI Chat Completions, of OpenAI and of those who took it over.

use std::collections::BTreeMap;

use bytes::Bytes;
use postern_wire::chat::{ChoiceDelta, Delta, Message, ReasoningSpelling, collect};
use postern_wire::dialect::openai_chat::{
    PeekFailure, StreamDecoder, StreamEncoder, decode_fault, decode_request, decode_response, encode_request,
    encode_response, find_fault, peek_event, peek_request, peek_response,
};
use postern_wire::dialect::{AnswerContext, StreamError, Target, read_stream, write_stream};
use postern_wire::{Fault, FaultKind};
use serde_json::Value;

use crate::cases::{Case, play as play_cases};
use crate::compare::{ensure, same};
use crate::openai_chat_plain::{Said, accumulate, events, said, usage_of};

/// Names of cases that are not about chat.
const OTHER_OPERATIONS: [&str; 6] =
    ["completions", "embeddings", "models", "rerank", "responses", "transcription"];

/// Whether a case is an exchange of this format. Mistral's own format is this one with a few additions.
fn speaks(format: &str, name: &str) -> bool {
    (["openai_chat", "mistral"].contains(&format) || format.starts_with("openai_compatible_"))
        && !OTHER_OPERATIONS.iter().any(|operation| name.contains(operation))
}

fn play(what: &str, check: impl Fn(&Case) -> Result<bool, String>) {
    play_cases(what, speaks, check);
}

#[test]
fn requests_come_back_equal() {
    play("requests", |case| {
        let Some(body) = case.read("request.json") else { return Ok(false) };
        let request = match decode_request(&body) {
            Ok(request) => request,
            // What the provider refused may be refused here as well, with the name of a field.
            Err(error) if case.is_error() && !error.path.is_empty() => return Ok(true),
            Err(error) => return Err(error.to_string()),
        };
        let encoded = encode_request(&request, &Target::model(&request.model));
        same(&body, &encoded.body)?;
        ensure("lost", &encoded.lost, &Vec::new())?;
        ensure("read again", &decode_request(&encoded.body).map_err(|error| error.to_string())?, &request)?;
        let head = peek_request(&body).map_err(|error| format!("peek: {error}"))?;
        ensure("model", &head.model, &request.model)?;
        ensure("stream", &head.stream, &request.is_streamed())?;
        ensure("include_usage", &head.include_usage, &(request.include_usage == Some(true)))?;
        Ok(true)
    });
}

#[test]
fn answers_come_back_equal() {
    play("answers", |case| {
        let Some(body) = case.read("response.json") else { return Ok(false) };
        if case.is_error() || body.starts_with(b"{\n  \"error\"") {
            return Ok(false);
        }
        let response = decode_response(&body).map_err(|error| error.to_string())?;
        let written = encode_response(&response);
        same(&body, &written)?;
        let again = decode_response(&written).map_err(|error| error.to_string())?;
        ensure("read again", &again, &response)?;
        let facts = peek_response(&body).map_err(|error| format!("peek: {error:?}"))?;
        ensure("model", &facts.model, &response.model)?;
        ensure("usage", &facts.usage, &response.usage)?;
        let raw: Value = serde_json::from_slice(&body).expect("JSON");
        let reasons: Vec<&str> = raw["choices"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|choice| choice["finish_reason"].as_str().filter(|word| !word.is_empty()))
            .collect();
        ensure("finish reasons", &facts.finish_reasons.iter().map(String::as_str).collect(), &reasons)?;
        let decoded = response.choices.iter().filter(|choice| choice.finish.is_some()).count();
        ensure("finished choices", &decoded, &reasons.len())?;
        // A whole answer told piece by piece is the same answer, but for how its fields were spelt.
        let again = collect(response.clone().into_deltas());
        ensure(
            "said",
            &again.choices.iter().map(said).collect(),
            &response.choices.iter().map(said).collect::<Vec<_>>(),
        )?;
        Ok(true)
    });
}

#[test]
fn errors_are_understood() {
    play("errors", |case| {
        if !case.is_error() {
            return Ok(false);
        }
        let body = case.read("response.json").or_else(|| case.read("response.txt")).expect("a body");
        let status = case.status.unwrap_or(400);
        let fault = decode_fault(status, &case.headers, &body);
        let expected = [
            ("context_length", FaultKind::ContextTooLong),
            ("error_401", FaultKind::Authentication),
            ("error_403", FaultKind::Permission),
            ("error_404", FaultKind::NotFound),
            ("error_413", FaultKind::TooLarge),
            ("overloaded", FaultKind::Overloaded),
            ("error_429", FaultKind::RateLimited),
            ("error_500", FaultKind::ServerError),
            ("error_400", FaultKind::InvalidRequest),
            ("error_422", FaultKind::InvalidRequest),
            ("error_body_unsupported_parameter", FaultKind::InvalidRequest),
        ];
        let (_, kind) = expected
            .iter()
            .find(|(part, _)| case.name.contains(part))
            .ok_or("no expectation for this sort of error")?;
        ensure("kind", &fault.kind, kind)?;
        ensure("status", &fault.status, &Some(status))?;
        if fault.message.is_empty()
            || ["org-", "org_", "sk-", "****"].iter().any(|mark| fault.message.contains(mark))
        {
            return Err(format!("the message says nothing or too much: {}", fault.message));
        }
        let waits = case.headers.get("retry-after").is_some();
        ensure("retry_after", &fault.retry_after.is_some(), &waits)?;
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
        if case.name.contains("error_midway") {
            if !matches!(&ending, Err(StreamError::Fault(fault)) if fault.kind != FaultKind::Cut) {
                return Err(format!("the error inside the stream was not told: {ending:?}"));
            }
        } else {
            ensure("ending", &ending, &Ok(()))?;
        }
        let response = collect(deltas);
        let read: BTreeMap<u64, Said> =
            response.choices.iter().map(|choice| (u64::from(choice.index), said(choice))).collect();
        ensure("said", &read, &accumulate(&stream)?)?;
        if ending.is_ok() {
            let last = events(&stream)?.iter().filter_map(usage_of).next_back();
            ensure("usage", &response.usage, &last)?;
        }
        Ok(true)
    });
}

#[test]
fn streams_cut_anywhere_are_the_same() {
    play("streams cut at every byte", |case| {
        let Some(stream) = case.stream() else { return Ok(false) };
        let whole = read(std::iter::once(stream.clone()));
        let bytes = read((0..stream.len()).map(|at| stream.slice(at..=at)));
        ensure("byte by byte", &bytes, &whole)?;
        // Other line ends say the same.
        let text =
            String::from_utf8(stream.to_vec()).map_err(|error| error.to_string())?.replace("\r\n", "\n");
        let crlf = Bytes::from(text.replace('\n', "\r\n"));
        ensure(
            "CRLF",
            &read((0..crlf.len()).step_by(7).map(|at| crlf.slice(at..crlf.len().min(at + 7)))),
            &whole,
        )?;
        Ok(true)
    });
}

#[test]
fn streams_survive_being_written() {
    play("streams written again", |case| {
        let Some(stream) = case.stream() else { return Ok(false) };
        let (deltas, ending) = read(std::iter::once(stream));
        if ending.is_err() {
            return Ok(false);
        }
        let deltas: Vec<Delta> = deltas.into_iter().map(usual_spelling).collect();
        let mut original = collect(deltas.clone());
        let mut encoder = StreamEncoder::new(AnswerContext {
            id: original.id.clone().unwrap_or_default(),
            created: original.created.unwrap_or_default(),
            model: original.model.clone().unwrap_or_default(),
            include_usage: true,
            ..AnswerContext::default()
        });
        let (again, ending) = read(std::iter::once(write_stream(&mut encoder, &deltas)));
        ensure("ending", &ending, &Ok(()))?;
        original.created = original.created.or(Some(0));
        // Other vendors' ids get OpenAI's mark.
        original.id = original.id.map(|id| format!("chatcmpl-{}", id.trim_start_matches("chatcmpl-")));
        ensure("read again", &collect(again), &original)?;
        Ok(true)
    });
}

/// Mistral's thinking parts are streamed to callers in the field that callers of this format look at.
fn usual_spelling(mut delta: Delta) -> Delta {
    if let Delta::Choice { delta: ChoiceDelta::Reasoning(piece), .. } = &mut delta
        && piece.reasoning.spelling == ReasoningSpelling::Thinking
    {
        piece.reasoning.spelling = ReasoningSpelling::ReasoningContent;
        piece.extra.clear();
    }
    delta
}

#[test]
fn the_scanner_agrees_with_the_full_reading_of_streams() {
    play("streams scanned", |case| {
        let Some(stream) = case.stream() else { return Ok(false) };
        for event in events(&stream)? {
            let text = event.to_string();
            let fault = find_fault(&event);
            let facts = match peek_event(text.as_bytes()) {
                Ok(facts) => facts,
                Err(PeekFailure::Fault(told)) => {
                    let kind = |fault: &Fault| fault.kind;
                    ensure("fault", &Some(kind(&told)), &fault.as_ref().map(kind))?;
                    break;
                }
                Err(other) => return Err(format!("{other:?}")),
            };
            ensure("no fault", &fault, &None)?;
            ensure("usage", &facts.usage, &usage_of(&event))?;
            let reasons: Vec<&str> = event["choices"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|choice| choice["finish_reason"].as_str().filter(|word| !word.is_empty()))
                .collect();
            ensure("finish reasons", &facts.finish_reasons.iter().map(String::as_str).collect(), &reasons)?;
            ensure("model", &facts.model.as_deref(), &event["model"].as_str())?;
        }
        Ok(true)
    });
}

#[test]
fn the_last_user_text_is_found() {
    play("requests with a user", |case| {
        let Some(request) = case.read("request.json").and_then(|body| decode_request(&body).ok()) else {
            return Ok(false);
        };
        let text = request.last_user_text();
        let mut users = request.messages.iter().filter(|message| message.role.as_str() == "user");
        ensure("text", &text.as_deref(), &users.next_back().map(Message::joined_text).as_deref())?;
        Ok(text.is_some())
    });
}
