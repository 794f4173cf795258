//! Plays traffic that providers really exchanged with their callers through the codecs: each request and answer must
//! come back equal after reading and writing, each stream must give what a plain reading of its events gives, and
//! the scanner of the same-format path must agree with the full reading.
//!
//! The recordings are no part of this repository. They are looked for beside it, or where `POSTERN_RECORDED` says;
//! without them each test says so and claims nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use postern_wire::chat::{ChoiceDelta, Collector, Content, Delta, Message, ReasoningSpelling, Response};
use postern_wire::dialect::openai_chat::{
    EncoderOptions, PeekFailure, StreamDecoder, StreamEncoder, decode_fault, decode_request, decode_response,
    decode_usage, encode_request, encode_response, find_fault, peek_event, peek_request, peek_response,
};
use postern_wire::dialect::{StreamDecoder as _, StreamEncoder as _, StreamError};
use postern_wire::{Fault, FaultKind, Usage};
use serde_json::Value;

/// Names of cases that are not about chat.
const OTHER_OPERATIONS: [&str; 6] =
    ["completions", "embeddings", "models", "rerank", "responses", "transcription"];

struct Case {
    name: String,
    folder: PathBuf,
    status: Option<u16>,
    headers: http::HeaderMap,
}

impl Case {
    fn open(folder: &Path, name: String) -> Self {
        let meta: Value =
            serde_json::from_slice(&fs::read(folder.join("meta.json")).expect("meta.json")).expect("JSON");
        let mut headers = http::HeaderMap::new();
        for (name, value) in meta["headers"].as_object().into_iter().flatten() {
            let name: http::HeaderName = name.parse().expect("a header name");
            headers.insert(name, value.as_str().expect("text").parse().expect("a header value"));
        }
        let status = meta["status"].as_u64().map(|status| status.try_into().expect("a status"));
        Self { name, folder: folder.to_owned(), status, headers }
    }

    fn read(&self, file: &str) -> Option<Bytes> {
        fs::read(self.folder.join(file)).ok().map(Bytes::from)
    }

    fn is_error(&self) -> bool {
        self.status.map_or(self.name.contains("/error_"), |status| status >= 400)
    }

    /// The stream as bytes, if there is one. Where only the events were recorded they get the usual frame.
    fn stream(&self) -> Option<Bytes> {
        self.read("response.sse").or_else(|| {
            let events = self.read("response.chunks.jsonl")?;
            let mut framed = Vec::new();
            for line in events.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
                framed.extend_from_slice(b"data: ");
                framed.extend_from_slice(line);
                framed.extend_from_slice(b"\n\n");
            }
            framed.extend_from_slice(b"data: [DONE]\n\n");
            Some(framed.into())
        })
    }
}

struct Recorded {
    chat: Vec<Case>,
    /// How many cases of each format have no decoder yet.
    later: BTreeMap<String, usize>,
}

fn recorded() -> Option<Recorded> {
    let folder = std::env::var_os("POSTERN_RECORDED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/recorded"), PathBuf::from);
    let Ok(formats) = fs::read_dir(&folder) else {
        println!("NOT CHECKED: no recordings found; set POSTERN_RECORDED to their folder");
        return None;
    };
    let mut found = Recorded { chat: Vec::new(), later: BTreeMap::new() };
    for format in formats.map(|entry| entry.expect("readable").path()).filter(|path| path.is_dir()) {
        let format_name = format.file_name().expect("a name").to_string_lossy().into_owned();
        for folder in fs::read_dir(&format).expect("readable").map(|entry| entry.expect("readable").path()) {
            let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
            // Mistral's own format is this one with a few additions.
            let speaks = ["openai_chat", "mistral"].contains(&format_name.as_str())
                || format_name.starts_with("openai_compatible_");
            if speaks && !OTHER_OPERATIONS.iter().any(|operation| name.contains(operation)) {
                found.chat.push(Case::open(&folder, format!("{format_name}/{name}")));
            } else {
                *found.later.entry(format_name.clone()).or_default() += 1;
            }
        }
    }
    found.chat.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!found.chat.is_empty(), "the folder of recordings holds no chat case");
    Some(found)
}

/// Runs a check over all chat cases; the check says whether the case has what it looks at.
fn play(what: &str, check: impl Fn(&Case) -> Result<bool, String>) {
    let Some(recorded) = recorded() else { return };
    let mut played = 0;
    let mut failures = Vec::new();
    for case in &recorded.chat {
        match check(case) {
            Ok(true) => played += 1,
            Ok(false) => {}
            Err(reason) => failures.push(format!("{}: {reason}", case.name)),
        }
    }
    println!("{what}: {played} cases played");
    assert!(failures.is_empty(), "{} cases failed:\n{}", failures.len(), failures.join("\n"));
    assert!(played > 0, "no case has anything to check");
}

/// The first place where two values differ.
fn difference(path: &str, left: &Value, right: &Value) -> Option<String> {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => a.keys().chain(b.keys()).find_map(|key| {
            let path = format!("{path}.{key}");
            match (a.get(key), b.get(key)) {
                (Some(a), Some(b)) => difference(&path, a, b),
                (None, Some(b)) => Some(format!("{path} was added: {b}")),
                (Some(a), None) => Some(format!("{path} was lost: {a}")),
                (None, None) => None,
            }
        }),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(i, (a, b))| difference(&format!("{path}[{i}]"), a, b))
        }
        (a, b) if a == b => None,
        (a, b) => Some(format!("{path}: {a} became {b}")),
    }
}

fn same(original: &[u8], written: &[u8]) -> Result<(), String> {
    let parse = |bytes| serde_json::from_slice::<Value>(bytes).map_err(|error| error.to_string());
    difference("", &parse(original)?, &parse(written)?).map_or(Ok(()), Err)
}

fn ensure<T: PartialEq + std::fmt::Debug>(what: &str, left: &T, right: &T) -> Result<(), String> {
    if left == right { Ok(()) } else { Err(format!("{what}: {left:?} is not {right:?}")) }
}

#[test]
fn counts_what_is_played_and_what_is_left() {
    let Some(recorded) = recorded() else { return };
    println!("chat completions: {} cases", recorded.chat.len());
    for (format, count) in &recorded.later {
        println!("left for later formats: {count} of {format}");
    }
}

#[test]
fn requests_come_back_equal() {
    play("requests", |case| {
        let Some(body) = case.read("request.json") else { return Ok(false) };
        let request = match decode_request(&body) {
            Ok(request) => request,
            // What the provider refused may be refused here as well, with the name of a field.
            Err(error) if case.is_error() && error.path.starts_with("messages") => return Ok(true),
            Err(error) => return Err(error.to_string()),
        };
        let encoded = encode_request(&request).map_err(|error| error.to_string())?;
        same(&body, &encoded.body)?;
        ensure("dropped", &encoded.dropped, &Vec::new())?;
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
            .filter_map(|c| c["finish_reason"].as_str())
            .collect();
        ensure("finish reasons", &facts.finish_reasons.iter().map(String::as_str).collect(), &reasons)?;
        let decoded = response.choices.iter().filter(|choice| choice.finish.is_some()).count();
        ensure("finished choices", &decoded, &reasons.len())?;
        // A whole answer told piece by piece is the same answer, but for how its fields were spelt.
        let mut collector = Collector::new();
        response.clone().into_deltas().into_iter().for_each(|delta| collector.push(delta));
        ensure(
            "said",
            &collector.finish().choices.iter().map(said).collect(),
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
    let mut decoder = StreamDecoder::new();
    let mut deltas = Vec::new();
    let mut drain = |decoder: &mut StreamDecoder| loop {
        match decoder.next() {
            Ok(Some(delta)) => deltas.push(delta),
            Ok(None) => return Ok(()),
            Err(error) => return Err(error),
        }
    };
    for piece in pieces {
        decoder.push(piece);
        if let Err(error) = drain(&mut decoder) {
            return (deltas, Err(error));
        }
    }
    let ending = decoder.end().and_then(|()| drain(&mut decoder));
    (deltas, ending)
}

fn collect(deltas: impl IntoIterator<Item = Delta>) -> Response {
    let mut collector = Collector::new();
    deltas.into_iter().for_each(|delta| collector.push(delta));
    collector.finish()
}

/// What one choice says, however it was spelt.
#[derive(Debug, Default, PartialEq)]
struct Said {
    text: String,
    refusal: String,
    reasoning: String,
    /// Id, name and arguments.
    calls: Vec<(String, String, String)>,
    finish: bool,
}

fn said(choice: &postern_wire::chat::Choice) -> Said {
    let mut said = Said { finish: choice.finish.is_some(), ..Said::default() };
    for part in &choice.message.parts {
        match &part.content {
            Content::Text(text) => said.text.push_str(&text.text),
            Content::Refusal(text) => said.refusal.push_str(text),
            Content::Reasoning(reasoning) => said.reasoning.push_str(&reasoning.text),
            Content::ToolCall(call) => {
                said.calls.push((
                    call.id.clone().unwrap_or_default(),
                    call.name.clone(),
                    call.arguments.clone(),
                ));
            }
            _ => {}
        }
    }
    said
}

/// The same by plain accumulation over the JSON of the events, up to an error event.
fn accumulate(stream: &[u8]) -> Result<BTreeMap<u64, Said>, String> {
    let mut choices = BTreeMap::<u64, Said>::new();
    let mut calls = BTreeMap::<(u64, u64), usize>::new();
    for value in events(stream)? {
        if !value["error"].is_null() {
            break;
        }
        for choice in value["choices"].as_array().into_iter().flatten() {
            let index = choice["index"].as_u64().unwrap_or_default();
            let said = choices.entry(index).or_default();
            said.finish |= choice["finish_reason"].as_str().is_some_and(|reason| !reason.is_empty());
            let delta = &choice["delta"];
            said.text.push_str(delta["content"].as_str().unwrap_or_default());
            for part in delta["content"].as_array().into_iter().flatten() {
                said.text.push_str(part["text"].as_str().unwrap_or_default());
                said.reasoning.push_str(part["thinking"][0]["text"].as_str().unwrap_or_default());
            }
            said.refusal.push_str(delta["refusal"].as_str().unwrap_or_default());
            said.reasoning.push_str(
                delta["reasoning_content"].as_str().or(delta["reasoning"].as_str()).unwrap_or_default(),
            );
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                let number = call["index"].as_u64().ok_or("a call without a number")?;
                let place = *calls.entry((index, number)).or_insert_with(|| {
                    said.calls.push(Default::default());
                    said.calls.len() - 1
                });
                let (id, name, arguments) = &mut said.calls[place];
                if let Some(new) = call["id"].as_str().filter(|new| !new.is_empty()) {
                    *id = new.to_owned();
                }
                if let Some(new) = call["function"]["name"].as_str().filter(|new| !new.is_empty()) {
                    *name = new.to_owned();
                }
                arguments.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
            }
        }
    }
    Ok(choices)
}

/// The JSON of the events, by lines: none of the recorded streams breaks one event over several.
fn events(stream: &[u8]) -> Result<Vec<Value>, String> {
    let text = std::str::from_utf8(stream).map_err(|error| error.to_string())?;
    text.lines()
        .filter_map(|line| line.strip_prefix("data:").map(str::trim))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).map_err(|error| error.to_string()))
        .collect()
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
            let last = events(&stream)?.iter().filter_map(|event| usage_of(event)).next_back();
            ensure("usage", &response.usage, &last)?;
        }
        Ok(true)
    });
}

fn usage_of(event: &Value) -> Option<Usage> {
    let raw = [&event["usage"], &event["x_groq"]["usage"]].into_iter().find(|raw| raw.is_object())?;
    Some(decode_usage(raw)).filter(|usage| *usage != Usage::default())
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
        let mut encoder = StreamEncoder::new(EncoderOptions {
            id: original.id.clone().unwrap_or_default(),
            created: original.created.unwrap_or_default(),
            model: original.model.clone().unwrap_or_default(),
            include_usage: true,
        });
        let mut out = BytesMut::new();
        for delta in &deltas {
            encoder.delta(delta, &mut out);
        }
        encoder.end(&mut out);
        let (again, ending) = read(std::iter::once(out.freeze()));
        ensure("ending", &ending, &Ok(()))?;
        original.created = original.created.or(Some(0));
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
        let users = request.messages.iter().filter(|message| message.role.as_str() == "user");
        ensure("text", &text.as_deref(), &users.last().map(Message::joined_text).as_deref())?;
        Ok(text.is_some())
    });
}
