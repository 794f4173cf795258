//! Gemini's own format, of the Gemini API and of Vertex AI.

use bytes::Bytes;
use postern_wire::chat::{Choice, Content, Delta, FinishReason, Message, Response, collect};
use postern_wire::dialect::gemini::{
    StreamDecoder, StreamEncoder, decode_count_request, decode_count_response, decode_fault_at,
    decode_request, decode_response, decode_usage, encode_count_request, encode_count_response,
    encode_request, encode_response, peek_event, peek_response,
};
use postern_wire::dialect::{AnswerContext, StreamError, Target, openai_chat, read_stream, write_stream};
use postern_wire::{Dialect, FaultKind, Usage};
use serde_json::{Map, Value};

use crate::cases::{Case, play as play_cases};
use crate::compare::{ensure, same};

/// Names of cases that are not about generating.
const OTHER_OPERATIONS: [&str; 3] = ["cached_contents_create", "count_tokens", "embeddings"];

fn play(what: &str, check: impl Fn(&Case) -> Result<bool, String>) {
    let wanted = |format: &str, name: &str| {
        format == "gemini" && !OTHER_OPERATIONS.iter().any(|operation| name.contains(operation))
    };
    play_cases(what, wanted, check);
}

/// Every name in camel case: both spellings are the same to Google. What callers name themselves is left alone.
fn camel(value: Value) -> Value {
    const CALLERS: [&str; 4] = ["args", "response", "properties", "labels"];
    match value {
        Value::Object(map) => {
            let renamed = map.into_iter().map(|(name, value)| {
                let mut said = String::new();
                for piece in name.split('_') {
                    let mut letters = piece.chars();
                    match letters.next() {
                        Some(first) if !said.is_empty() => said.push(first.to_ascii_uppercase()),
                        Some(first) => said.push(first),
                        None => said.push('_'),
                    }
                    said.push_str(letters.as_str());
                }
                let value = if CALLERS.contains(&said.as_str()) { value } else { camel(value) };
                (said, value)
            });
            Value::Object(renamed.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.into_iter().map(camel).collect(),
        other => other,
    }
}

fn same_request(original: &[u8], written: &[u8]) -> Result<(), String> {
    let parse = |bytes| serde_json::from_slice::<Value>(bytes).map_err(|error| error.to_string());
    let (original, written) = (camel(parse(original)?), camel(parse(written)?));
    same(original.to_string().as_bytes(), written.to_string().as_bytes())
}

/// A model of the generation that the request is written for: one that is asked for a level takes levels.
fn model_for(body: &[u8]) -> &'static str {
    if String::from_utf8_lossy(body).contains("thinkingLevel") {
        "gemini-3.1-pro"
    } else {
        "gemini-2.5-flash"
    }
}

#[test]
fn requests_come_back_equal() {
    play("requests", |case| {
        let Some(body) = case.read("request.json") else { return Ok(false) };
        let model = model_for(&body);
        let request =
            decode_request(model, case.stream().is_some(), &body).map_err(|error| error.to_string())?;
        let encoded = encode_request(&request, &Target::model(model));
        ensure("lost", &encoded.lost, &Vec::new())?;
        ensure("lowered", &encoded.lowered, &Vec::new())?;
        same_request(&body, &encoded.body)?;
        let again =
            decode_request(model, case.stream().is_some(), &encoded.body).map_err(|e| e.to_string())?;
        ensure("read again", &again, &request)?;
        Ok(true)
    });
}

#[test]
fn answers_come_back_equal() {
    play("answers", |case| {
        let Some(body) = case.read("response.json") else { return Ok(false) };
        if case.is_error() {
            return Ok(false);
        }
        let response = decode_response(&body).map_err(|error| error.to_string())?;
        let written = encode_response(&response, &AnswerContext::default());
        same(&body, &written)?;
        ensure("read again", &decode_response(&written).map_err(|error| error.to_string())?, &response)?;
        let raw: Value = serde_json::from_slice(&body).expect("JSON");
        ensure("usage", &response.usage, &usage_of(&raw))?;
        let facts = peek_response(&body).map_err(|error| format!("peek: {error:?}"))?;
        ensure("peeked model", &facts.model, &response.model)?;
        ensure("peeked usage", &facts.usage, &response.usage)?;
        ensure("peeked reasons", &facts.finish_reasons.len(), &response.choices.len())?;
        for (choice, raw) in response.choices.iter().zip(raw["candidates"].as_array().into_iter().flatten()) {
            ensure("said", &said(choice), &plain(std::iter::once(raw)))?;
        }
        Ok(true)
    });
}

/// What an answer says: text, thoughts, calls with their arguments, and signatures in order.
type Said = (String, String, Vec<(String, Value)>, Vec<String>);

fn said(choice: &Choice) -> Said {
    let mut out = Said::default();
    for part in &choice.message.parts {
        out.3.extend(part.signature.clone());
        match &part.content {
            Content::Text(text) => out.0.push_str(&text.text),
            Content::Reasoning(reasoning) => out.1.push_str(&reasoning.text),
            Content::ToolCall(call) => {
                out.2.push((call.name.clone(), serde_json::from_str(&call.arguments).expect("JSON")));
            }
            _ => {}
        }
    }
    out
}

/// The same by plain accumulation over candidates.
fn plain<'a>(candidates: impl Iterator<Item = &'a Value>) -> Said {
    let mut out = Said::default();
    for part in
        candidates.flat_map(|candidate| candidate["content"]["parts"].as_array().into_iter().flatten())
    {
        out.3.extend(part["thoughtSignature"].as_str().map(str::to_owned));
        let text = part["text"].as_str().unwrap_or_default();
        if part["thought"] == true {
            out.1.push_str(text);
        } else {
            out.0.push_str(text);
        }
        if let Some(name) = part["functionCall"]["name"].as_str() {
            out.2.push((name.to_owned(), part["functionCall"]["args"].clone()));
        }
    }
    out
}

fn usage_of(piece: &Value) -> Option<Usage> {
    piece["usageMetadata"].is_object().then(|| decode_usage(&piece["usageMetadata"]))
}

#[test]
fn counts_add_up_to_the_providers_total() {
    play("usage", |case| {
        let Some(body) = case.read("response.json") else { return Ok(false) };
        let raw: Value = serde_json::from_slice(&body).expect("JSON");
        let (Some(usage), Some(total)) = (usage_of(&raw), raw["usageMetadata"]["totalTokenCount"].as_u64())
        else {
            return Ok(false);
        };
        ensure("total", &(usage.total_input() + usage.total_output()), &total)?;
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
        let status = case.status.unwrap_or(400);
        let fault = decode_fault_at(status, &case.headers, &body, None);
        let expected = [
            ("error_400_location", FaultKind::Permission),
            ("error_403", FaultKind::Permission),
            ("error_429", FaultKind::RateLimited),
            ("error_500", FaultKind::ServerError),
            ("error_503", FaultKind::Overloaded),
        ];
        let (_, kind) = expected
            .iter()
            .find(|(part, _)| case.name.contains(part))
            .ok_or("no expectation for this sort of error")?;
        ensure("kind", &fault.kind, kind)?;
        ensure("status", &fault.status, &Some(status))?;
        let waits = String::from_utf8_lossy(&body).contains("retryDelay");
        ensure("retry_after", &fault.retry_after.is_some(), &waits)?;
        Ok(true)
    });
}

type Read = (Vec<Delta>, Result<(), StreamError>);

fn read(pieces: impl Iterator<Item = Bytes>) -> Read {
    read_stream(&mut StreamDecoder::new(), pieces)
}

fn pieces(stream: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(stream);
    let data = text.lines().filter_map(|line| line.strip_prefix("data:").map(str::trim));
    data.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

#[test]
fn streams_say_what_their_pieces_say() {
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
        let pieces = pieces(&stream);
        for piece in &pieces {
            let facts =
                peek_event(piece.to_string().as_bytes()).map_err(|error| format!("peek: {error:?}"))?;
            ensure("peeked usage", &facts.usage, &usage_of(piece))?;
            ensure("peeked model", &facts.model.as_deref(), &piece["modelVersion"].as_str())?;
            let text = &plain(piece["candidates"].as_array().into_iter().flatten());
            if text.2.is_empty() && !piece.to_string().contains("executableCode") {
                ensure("peeked text", &facts.text.len(), &(text.0.len() + text.1.len()))?;
            }
        }
        let candidates = pieces.iter().flat_map(|piece| piece["candidates"].as_array().into_iter().flatten());
        let choice = response.choices.first().ok_or("no choice")?;
        ensure("said", &said(choice), &plain(candidates))?;
        if ending.is_ok() {
            ensure("usage", &response.usage, &pieces.iter().filter_map(usage_of).next_back())?;
            let calls = choice.message.tool_calls().count() > 0;
            ensure("calls", &(choice.finish == Some(FinishReason::ToolCalls)), &calls)?;
            ensure("finish", &choice.finish.is_some(), &true)?;
        }
        Ok(true)
    });
}

#[test]
fn streams_cut_anywhere_are_the_same() {
    play("streams cut at every byte", |case| {
        let Some(stream) = case.stream() else { return Ok(false) };
        let whole = read(std::iter::once(stream.clone()));
        let step = if stream.len() > 50_000 { 97 } else { 1 };
        let cut = |stream: &Bytes, step: usize| {
            let places = (0..stream.len()).step_by(step);
            places.map(|at| stream.slice(at..stream.len().min(at + step))).collect::<Vec<_>>()
        };
        ensure("cut", &read(cut(&stream, step).into_iter()), &whole)?;
        // The same as one JSON array.
        if whole.1.is_ok() {
            let array = format!(
                "[{}\n]\n",
                pieces(&stream).iter().map(Value::to_string).collect::<Vec<_>>().join("\n,\r\n")
            );
            let array = Bytes::from(array);
            ensure("array", &read(cut(&array, step).into_iter()), &whole)?;
        }
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
        let original = collect(deltas.clone());
        for array in [false, true] {
            let context = AnswerContext::default();
            let mut encoder = if array { StreamEncoder::array(context) } else { StreamEncoder::new(context) };
            let (again, ending) = read(std::iter::once(write_stream(&mut encoder, &deltas)));
            ensure("ending", &ending, &Ok(()))?;
            ensure("read again", &collect(again), &original)?;
        }
        Ok(true)
    });
}

#[test]
fn other_formats_are_told_the_same_and_tell_it_back() {
    play("exchanges translated", |case| {
        let mut any = false;
        if let Some(body) = case.read("request.json") {
            any = true;
            let mut request =
                decode_request("gemini-3-flash", false, &body).map_err(|error| error.to_string())?;
            let left = Dialect::Gemini.leave_extra(&mut request);
            let to = openai_chat::encode_request(&request, &Target::model("gpt"));
            let mut back = openai_chat::decode_request(&to.body).map_err(|error| error.to_string())?;
            Dialect::OpenAiChat.leave_extra(&mut back);
            let home = encode_request(&back, &Target::model("gemini-3-flash"));
            let text = |request: &postern_wire::chat::Request| -> String {
                request.messages.iter().map(|message| message.joined_text().into_owned()).collect()
            };
            ensure("text", &text(&back), &text(&request))?;
            let calls = |request: &postern_wire::chat::Request| -> Vec<String> {
                let calls = request.messages.iter().flat_map(Message::tool_calls);
                calls.map(|call| format!("{:?} {} {}", call.id, call.name, call.arguments)).collect()
            };
            ensure("calls", &calls(&back), &calls(&request))?;
            let said = |name: &str| left.iter().any(|loss| loss.field.contains(name));
            let dropped = to.lost.iter().chain(&home.lost).count();
            if String::from_utf8_lossy(&body).contains("\"safetySettings\":[{") && !said("safetySettings") {
                return Err(format!("safetySettings went without a word ({dropped} others named)"));
            }
        }
        if let Some(body) = case.read("response.json").filter(|_| !case.is_error()) {
            any = true;
            let mut response = decode_response(&body).map_err(|error| error.to_string())?;
            response.leave_extra();
            let to = openai_chat::encode_response(&response);
            let back = openai_chat::decode_response(&to).map_err(|error| error.to_string())?;
            ensure("usage", &back.usage, &response.usage)?;
            for (there, here) in back.choices.iter().zip(&response.choices) {
                ensure("text", &there.message.joined_text(), &here.message.joined_text())?;
                ensure("calls", &there.message.tool_calls().count(), &here.message.tool_calls().count())?;
                if !matches!(here.finish, Some(FinishReason::Recitation | FinishReason::MalformedToolCall)) {
                    ensure("finish", &there.finish, &here.finish)?;
                }
            }
        }
        if let Some(stream) = case.stream() {
            any = true;
            let (deltas, ending) = read(std::iter::once(stream));
            let deltas: Vec<Delta> = deltas.into_iter().filter_map(Delta::without_extra).collect();
            let mut encoder = openai_chat::StreamEncoder::new(AnswerContext {
                include_usage: true,
                ..AnswerContext::default()
            });
            let written = write_stream(&mut encoder, &deltas);
            let (back, told) = read_stream(&mut openai_chat::StreamDecoder::new(), [written]);
            ensure("ending of the other", &told, &Ok(()))?;
            let (back, here) = (collect(back), collect(deltas));
            let text = |response: &Response| -> String {
                response.choices.iter().map(|choice| choice.message.joined_text().into_owned()).collect()
            };
            ensure("text", &text(&back), &text(&here))?;
            let calls = |response: &Response| -> Vec<String> {
                let calls = response.choices.iter().flat_map(|choice| choice.message.tool_calls());
                calls.map(|call| call.arguments.clone()).collect()
            };
            ensure("arguments", &calls(&back), &calls(&here))?;
            if ending.is_ok() {
                ensure("usage", &back.usage, &here.usage)?;
            }
        }
        Ok(any)
    });
}

#[test]
fn token_counts_come_back_equal() {
    play_cases(
        "token counts",
        |format, name| format == "gemini" && name == "count_tokens",
        |case| {
            let body = case.read("request.json").expect("a request");
            let request =
                decode_count_request("gemini-2.5-flash", &body).map_err(|error| error.to_string())?;
            same(&body, &encode_count_request(&request, &Target::model("gemini-2.5-flash")).body)?;
            let body = case.read("response.json").expect("an answer");
            let count = decode_count_response(&body).map_err(|error| error.to_string())?;
            same(&body, &encode_count_response(&count))?;
            Ok(true)
        },
    );
}
