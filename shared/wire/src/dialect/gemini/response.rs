//! Whole answers, read and written.

use bytes::Bytes;
use serde_json::{Map, Number, Value, json};

use super::names::{camel, mark, marked, merge_extra};
use super::part::{self, decode_part};
use super::request::{read_tier, write_tier};
use super::usage::{encode_usage, known_usage};
use super::{citation, signature};
use crate::chat::{
    Annotation, Choice, Content, Extra, FinishReason, Logprobs, Message, Part, Response, Role, Shape,
    TokenLogprob,
};
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::{AnswerContext, DecodeError};
use crate::json;

/// Reads an answer. Tolerant of what is left out: a candidate that was blocked has no content.
///
/// # Errors
/// Names what makes it no answer of this format: not JSON, neither `candidates` nor `promptFeedback`.
pub fn decode_response(body: &[u8]) -> Result<Response, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    camel(&mut map);
    let candidates = fields::array(&mut map, path, "candidates")?;
    let mut response = Response::default();
    take_facts(&mut map, &mut response);
    let at = Path::Field(path, "candidates");
    let id = response.id.clone().unwrap_or_default();
    for (index, value) in candidates.into_iter().flatten().enumerate() {
        response.choices.push(decode_candidate(value, index, &id, &Path::Item(&at, index))?);
    }
    if response.choices.is_empty() {
        if !map.get("promptFeedback").is_some_and(Value::is_object) {
            return Err(at.error("required: an array, or `promptFeedback` that says why there is none"));
        }
        response.choices.push(blocked());
    }
    response.extra.extend(map);
    Ok(response)
}

/// A prompt that was blocked has no candidates; other formats have a choice that says so.
fn blocked() -> Choice {
    let mut message = Message::new(Role::Assistant, Vec::new());
    message.shape = Shape::Absent;
    let mut choice = Choice { finish: Some(FinishReason::ContentFilter), ..Choice::new(0, message) };
    mark_blocked(&mut choice.extra);
    choice
}

pub(super) fn mark_blocked(extra: &mut Extra) {
    mark(extra, "blocked", true);
}

pub(super) fn is_blocked(extra: &Extra) -> bool {
    marked(extra, "blocked").is_some()
}

/// Takes what is said of the whole answer. The vendor's counts stay beside ours, under the name that
/// [`Response::count`] knows.
pub(super) fn take_facts(map: &mut Extra, response: &mut Response) {
    response.id = fields::try_string(map, "responseId");
    response.model = fields::try_string(map, "modelVersion");
    response.created = map.get("createTime").and_then(Value::as_str).and_then(seconds);
    if let Some(usage) = fields::take_if(map, "usageMetadata", Value::is_object) {
        response.usage = known_usage(&usage);
        response.service_tier = usage.get("serviceTier").and_then(Value::as_str).map(read_tier);
        response.extra.insert("usage".to_owned(), usage);
    }
}

fn decode_candidate(value: Value, position: usize, id: &str, path: &Path<'_>) -> Result<Choice, DecodeError> {
    let mut map = fields::into_object(path, value)?;
    camel(&mut map);
    let index = match fields::try_whole(&mut map, "index").and_then(|index| u32::try_from(index).ok()) {
        Some(index) => index,
        None => {
            mark(&mut map, "index", Value::Null);
            u32::try_from(position).unwrap_or(u32::MAX)
        }
    };
    let mut message = Message::new(Role::Assistant, Vec::new());
    match fields::object(&mut map, path, "content")? {
        Some(content) => read_content(content, &mut message, &Path::Field(path, "content"))?,
        None => message.shape = Shape::Absent,
    }
    let mut calls = 0;
    for part in &mut message.parts {
        if name_call(part, id, calls) {
            calls += 1;
        }
    }
    annotate(&map, &mut message);
    let word = fields::try_string(&mut map, "finishReason");
    let finish = word.map(|word| decode_finish(&word, calls > 0, &mut map));
    let logprobs = take_logprobs(&mut map);
    let filters = fields::take(&mut map, "safetyRatings");
    Ok(Choice { index, message, finish, stop_sequence: None, logprobs, filters, extra: map })
}

fn read_content(
    mut content: Map<String, Value>,
    message: &mut Message,
    path: &Path<'_>,
) -> Result<(), DecodeError> {
    camel(&mut content);
    match fields::try_string(&mut content, "role").as_deref() {
        Some("model") => {}
        Some(other) => mark(&mut content, "role", other),
        None => mark(&mut content, "role", Value::Null),
    }
    let at = Path::Field(path, "parts");
    match fields::array(&mut content, path, "parts")? {
        Some(parts) => {
            message.shape = Shape::Parts;
            for (index, part) in parts.into_iter().enumerate() {
                message.parts.push(decode_part(part, &Path::Item(&at, index))?);
            }
        }
        None => message.shape = Shape::Null,
    }
    message.extra = content;
    Ok(())
}

/// Gives a call without an id one that no other call has, from the answer's id and its place. `false` if it is no call.
pub(super) fn name_call(part: &mut Part, answer: &str, place: usize) -> bool {
    let Content::ToolCall(call) = &mut part.content else { return false };
    if call.id.as_ref().is_none_or(String::is_empty) {
        mark(&mut part.extra, "id", call.id.take());
        let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let answer: String = answer.chars().filter(allowed).take(32).collect();
        let between = if answer.is_empty() { "" } else { "_" };
        call.id = Some(format!("call_{answer}{between}{place}"));
    }
    true
}

/// Adds the sources of a candidate to the texts they are about.
fn annotate(candidate: &Map<String, Value>, message: &mut Message) {
    let found = citation::annotations(candidate, &message.joined_text());
    if found.is_empty() {
        return;
    }
    let mut texts: Vec<(u64, &mut Vec<Annotation>)> = Vec::new();
    let mut offset = 0;
    for part in &mut message.parts {
        if let Content::Text(text) = &mut part.content {
            texts.push((offset, &mut text.annotations));
            offset += text.text.chars().count() as u64;
        }
    }
    for mut annotation in found {
        let start = annotation.start.unwrap_or(0);
        let Some((offset, list)) = texts.iter_mut().rev().find(|(offset, _)| *offset <= start) else {
            continue;
        };
        for place in [&mut annotation.start, &mut annotation.end] {
            *place = place.map(|place| place.saturating_sub(*offset));
        }
        list.push(annotation);
    }
}

/// A finish reason by Google's word. `STOP` is also said when tools are called. A word that is not the usual one for
/// what it means is kept.
pub(super) fn decode_finish(word: &str, calls: bool, extra: &mut Extra) -> FinishReason {
    let reason = match word {
        "STOP" if calls => FinishReason::ToolCalls,
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "MODEL_ARMOR" => FinishReason::ContentFilter,
        "RECITATION" | "IMAGE_RECITATION" => FinishReason::Recitation,
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "TOO_MANY_TOOL_CALLS" => {
            FinishReason::MalformedToolCall
        }
        other => FinishReason::Other(other.to_owned()),
    };
    if encode_finish(&reason) != word {
        mark(extra, "finishReason", word);
    }
    reason
}

/// Google's word for a finish reason, the nearest for those it has none for.
pub(super) fn encode_finish(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop
        | FinishReason::StopSequence
        | FinishReason::ToolCalls
        | FinishReason::FunctionCall
        | FinishReason::Pause => "STOP",
        FinishReason::Length | FinishReason::ContextLength => "MAX_TOKENS",
        FinishReason::ContentFilter | FinishReason::Refusal => "SAFETY",
        FinishReason::Recitation => "RECITATION",
        FinishReason::MalformedToolCall => "MALFORMED_FUNCTION_CALL",
        // Clients know a fixed list of words, all in capitals.
        FinishReason::Other(word) if word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') => word,
        FinishReason::Other(_) => "OTHER",
    }
}

/// Takes `logprobsResult`; a form that is not understood stays.
pub(super) fn take_logprobs(map: &mut Extra) -> Option<Logprobs> {
    let inner = map.get("logprobsResult")?.as_object()?;
    let list = |name: &str| inner.get(name).and_then(Value::as_array);
    let chosen = list("chosenCandidates")?;
    let top = list("topCandidates");
    let mut content = Vec::with_capacity(chosen.len());
    for (place, token) in chosen.iter().enumerate() {
        let mut token = decode_token(token)?;
        if let Some(top) = top {
            let likely = top.get(place)?.get("candidates").and_then(Value::as_array);
            token.top =
                Some(likely.map_or(&[][..], Vec::as_slice).iter().map(decode_token).collect::<Option<_>>()?);
        }
        content.push(token);
    }
    if top.is_some_and(|top| top.len() != chosen.len()) {
        return None;
    }
    let mut extra = fields::try_object(map, "logprobsResult")?;
    extra.remove("chosenCandidates");
    extra.remove("topCandidates");
    Some(Logprobs { content: Some(content), refusal: None, extra })
}

fn decode_token(value: &Value) -> Option<TokenLogprob> {
    let mut map = value.as_object()?.clone();
    let token = fields::try_string(&mut map, "token")?;
    let logprob = match fields::try_number(&mut map, "logProbability") {
        Some(number) => number,
        None => {
            // Google leaves a zero out: the token was certain.
            mark(&mut map, "logProbability", Value::Null);
            Number::from(0)
        }
    };
    Some(TokenLogprob { token, logprob, bytes: None, top: None, extra: map })
}

pub(super) fn encode_logprobs(logprobs: &Logprobs) -> Value {
    let mut map = Map::new();
    let content = logprobs.content.as_deref().unwrap_or_default();
    put(&mut map, "chosenCandidates", content.iter().map(encode_token).collect::<Vec<_>>());
    if content.iter().any(|token| token.top.is_some()) {
        let top = |token: &TokenLogprob| {
            let likely = token.top.as_deref().unwrap_or_default();
            json!({"candidates": likely.iter().map(encode_token).collect::<Vec<_>>()})
        };
        put(&mut map, "topCandidates", content.iter().map(top).collect::<Vec<_>>());
    }
    merge_extra(&mut map, &logprobs.extra);
    Value::Object(map)
}

fn encode_token(token: &TokenLogprob) -> Value {
    let mut map = Map::new();
    put(&mut map, "token", token.token.clone());
    if marked(&token.extra, "logProbability").is_none() {
        put(&mut map, "logProbability", Value::Number(token.logprob.clone()));
    }
    merge_extra(&mut map, &token.extra);
    Value::Object(map)
}

/// Writes an answer.
#[must_use]
pub fn encode_response(response: &Response, context: &AnswerContext) -> Bytes {
    let mut map = Map::new();
    let choices = response.choices.iter().filter(|choice| !is_blocked(&choice.extra));
    let candidates: Vec<Value> = choices.map(encode_candidate).collect();
    if !candidates.is_empty() {
        put(&mut map, "candidates", candidates);
    }
    let mut extra = response.extra.clone();
    let vendor = extra.remove("usage").filter(Value::is_object);
    let usage = vendor.or_else(|| response.usage.as_ref().map(encode_usage));
    if let Some(Value::Object(mut usage)) = usage {
        let tier = response.service_tier.as_deref().and_then(write_tier);
        if let Some(tier) = tier
            && !usage.contains_key("serviceTier")
        {
            put(&mut usage, "serviceTier", tier);
        }
        put(&mut map, "usageMetadata", usage);
    }
    put_names(&mut map, response.id.as_deref(), response.model.as_deref(), context);
    if let Some(created) = response.created
        && !extra.contains_key("createTime")
    {
        put(&mut map, "createTime", timestamp(created));
    }
    merge_extra(&mut map, &extra);
    json::to_bytes(&Value::Object(map))
}

/// Writes which answer of which model it is; what is not known of the answer is taken from its surroundings.
pub(super) fn put_names(
    map: &mut Map<String, Value>,
    id: Option<&str>,
    model: Option<&str>,
    context: &AnswerContext,
) {
    for (name, said, else_said) in [("modelVersion", model, &context.model), ("responseId", id, &context.id)]
    {
        let said = said.or(Some(else_said.as_str()).filter(|text| !text.is_empty()));
        if let Some(said) = said {
            put(map, name, said);
        }
    }
}

fn encode_candidate(choice: &Choice) -> Value {
    let mut map = Map::new();
    if choice.message.shape != Shape::Absent || !choice.message.parts.is_empty() {
        put(&mut map, "content", encode_content(&choice.message));
    }
    if let Some(reason) = &choice.finish {
        let said = marked(&choice.extra, "finishReason").and_then(Value::as_str);
        put(&mut map, "finishReason", said.unwrap_or_else(|| encode_finish(reason)));
    }
    if marked(&choice.extra, "index").is_none() {
        put(&mut map, "index", choice.index);
    }
    put_some(&mut map, "safetyRatings", choice.filters.as_ref());
    if let Some(logprobs) = &choice.logprobs {
        put(&mut map, "logprobsResult", encode_logprobs(logprobs));
    }
    if !["groundingMetadata", "citationMetadata"].iter().any(|name| choice.extra.contains_key(*name)) {
        let mut annotations = Vec::new();
        let mut offset = 0;
        for part in &choice.message.parts {
            if let Content::Text(text) = &part.content {
                annotations.extend(text.annotations.iter().map(|annotation| (offset, annotation)));
                offset += text.text.chars().count() as u64;
            }
        }
        let grounding = citation::grounding(&annotations, &choice.message.joined_text());
        put_some(&mut map, "groundingMetadata", grounding.as_ref());
    }
    merge_extra(&mut map, &choice.extra);
    Value::Object(map)
}

fn encode_content(message: &Message) -> Map<String, Value> {
    let mut map = Map::new();
    let parts: Vec<Value> = message.parts.iter().filter_map(encode_answer_part).map(Value::Object).collect();
    if message.shape != Shape::Null || !parts.is_empty() {
        put(&mut map, "parts", parts);
    }
    match marked(&message.extra, "role") {
        Some(Value::String(said)) => put(&mut map, "role", said.clone()),
        Some(_) => {}
        None => put(&mut map, "role", "model"),
    }
    merge_extra(&mut map, &message.extra);
    map
}

/// Writes a part of an answer. An answer is told as far as the format goes: what it has no word for cannot be refused
/// any more.
pub(super) fn encode_answer_part(each: &Part) -> Option<Map<String, Value>> {
    match &each.content {
        Content::ToolCall(call) => {
            let id = match marked(&each.extra, "id") {
                Some(said) => said.as_str(),
                None => call.id.as_deref(),
            };
            Some(part::encode_call(call, id, each.signature.as_ref(), &each.extra))
        }
        Content::Reasoning(reasoning) => {
            let sealed = signature::seal(reasoning, each.signature.as_ref());
            Some(part::encode_thought(&reasoning.text, sealed.as_ref(), &each.extra))
        }
        Content::Audio(audio) if audio.data.is_none() => {
            let text = audio.transcript.as_ref()?;
            Some(Map::from_iter([("text".to_owned(), Value::from(text.as_str()))]))
        }
        _ => part::encode_plain(each).ok(),
    }
}

/// Seconds since 1970 of `2026-02-17T11:12:40.135001Z`, the form of Google's times.
fn seconds(text: &str) -> Option<u64> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let number = |text: Option<&str>| text?.parse::<u64>().ok();
    let mut date = date.split('-');
    let (year, month, day) = (number(date.next())?, number(date.next())?, number(date.next())?);
    let mut clock = clock.split('.').next()?.split(':');
    let (hours, minutes, seconds) = (number(clock.next())?, number(clock.next())?, number(clock.next())?);
    let dates = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !dates || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    // Years counted from March put the leap day last, so that the months before it have a fixed length.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    Some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

/// The same the other way round.
fn timestamp(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (year_of_era * 365 + year_of_era / 4 - year_of_era / 100);
    let month = (day_of_year * 5 + 2) / 153;
    let day = day_of_year - (month * 153 + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year_of_era + next;
    let clock = seconds % 86_400;
    let (hours, minutes, seconds) = (clock / 3_600, clock % 3_600 / 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        assert_eq!(seconds("2026-02-17T11:12:40.135001Z"), Some(1_771_326_760));
        for time in [0, 951_782_400, 951_868_800, 1_771_326_760, 4_102_444_799] {
            assert_eq!(seconds(&timestamp(time)), Some(time));
        }
        for text in ["", "soon", "2026-02-17", "2026-02-17T11:12:40+01:00", "2026-99-17T11:12:40Z"] {
            assert_eq!(seconds(text), None);
        }
    }
}
