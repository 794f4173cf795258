//! Requests, written.

use serde_json::{Map, Number, Value};

use super::item_write::Items;
use super::request::{LOGPROBS, SEALED_REASONING};
use super::{mark, reasoning, tool};
use crate::chat::{Content, Effort, Message, Request, ResponseFormat, Role, Sampling, Shape};
use crate::dialect::fields::{merge, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::schema_name::schema_name;
use crate::dialect::{Encoded, Target};
use crate::json;

/// The least `max_output_tokens`.
const LEAST_OUTPUT: u64 = 16;

/// Writes a request. What the format cannot say is left out and named.
///
/// A request from another format says how that one works where this one works otherwise by default: nothing is kept at
/// the provider, and a tool's arguments need not follow its schema exactly.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let own = request.extra.contains_key(mark::ORIGIN);
    let mut map = Map::new();
    let mut notes = Notes::default();
    put(&mut map, "model", target.model);
    put_messages(&mut map, request, own, &mut notes);
    put_tools(&mut map, request, own, &mut notes);
    put_some(&mut map, "parallel_tool_calls", request.parallel_tool_calls.as_ref());
    let text = encode_text(request, &mut notes);
    if !text.is_empty() {
        put(&mut map, "text", text);
    }
    put_sampling(&mut map, &request.sampling, &mut notes);
    put_limit(&mut map, request, own, &mut notes);
    put_some(&mut map, "top_logprobs", request.top_logprobs.as_ref());
    put_include(&mut map, request, own);
    if let Some(asked) = &request.reasoning {
        let mut inner = Map::new();
        let effort = reasoning::effort(asked);
        put_some(&mut inner, "effort", effort.as_ref().map(|effort| effort.as_str().to_owned()).as_ref());
        match request.extra.get(mark::SUMMARY) {
            Some(word) => put(&mut inner, "summary", word.clone()),
            None if asked.shown == Some(true) => put(&mut inner, "summary", "auto"),
            None => {}
        }
        if !inner.is_empty() {
            put(&mut map, "reasoning", inner);
        }
        if asked.budget.is_some() {
            notes.lowered("reasoning.budget");
        }
    }
    put_some(&mut map, "service_tier", request.service_tier.as_ref());
    put_some(&mut map, "user", request.user.as_ref());
    put_some(&mut map, "metadata", request.metadata.as_ref());
    match request.store {
        Some(store) => put(&mut map, "store", store),
        // Kept by default here, and by no other format.
        None if !own => put(&mut map, "store", false),
        None => {}
    }
    put_some(&mut map, "prompt_cache_key", request.prompt_cache_key.as_ref());
    put_some(&mut map, "prompt_cache_retention", request.prompt_cache_retention.as_ref());
    put_some(&mut map, "safety_identifier", request.safety_identifier.as_ref());
    put_some(&mut map, "stream", request.stream.as_ref());
    note_unsayable(request, &mut notes);
    mark::merge(&mut map, &request.extra);
    notes.into_encoded(json::to_bytes(&Value::Object(map)))
}

/// Writes `instructions` and `input`.
fn put_messages(map: &mut Map<String, Value>, request: &Request, own: bool, notes: &mut Notes) {
    let mut items = Items::new(own, notes);
    let mut input = None;
    let rest = request.messages.iter().filter(|message| !is_instructions(message)).count();
    for (index, message) in request.messages.iter().enumerate() {
        if is_instructions(message) {
            put(map, "instructions", message.joined_text().into_owned());
        } else if rest == 1
            && message.role == Role::User
            && message.extra.contains_key(mark::INPUT)
            && is_text(message)
        {
            input = Some(Value::String(message.joined_text().into_owned()));
        } else {
            items.push(message, index);
        }
    }
    // Without any message the field is as the caller had it: absent, or empty.
    if input.is_some() || rest > 0 {
        put(map, "input", input.unwrap_or(Value::Array(items.written)));
    }
}

/// Whether a message was, and still is, the field `instructions`.
pub(super) fn is_instructions(message: &Message) -> bool {
    message.extra.contains_key(mark::INSTRUCTIONS) && is_text(message)
}

fn is_text(message: &Message) -> bool {
    message.shape == Shape::Text
        && message.parts.iter().all(|part| part.is_plain() && matches!(part.content, Content::Text(_)))
}

fn put_tools(map: &mut Map<String, Value>, request: &Request, own: bool, notes: &mut Notes) {
    let mut tools = Vec::new();
    for (index, each) in request.tools.iter().enumerate() {
        tools.extend(tool::encode_tool(each, index, own, notes));
    }
    if let Some(search) = &request.web_search {
        tools.push(tool::encode_search(search));
    }
    if request.modalities.as_ref().is_some_and(|words| words.iter().any(|word| word == "image")) {
        let mut image = Map::new();
        put(&mut image, "type", "image_generation");
        tools.push(Value::Object(image));
    }
    if !tools.is_empty() {
        put(map, "tools", tools);
    }
    if let Some(choice) = &request.tool_choice
        && let Some(choice) = tool::encode_choice(choice, own, notes)
    {
        put(map, "tool_choice", choice);
    }
}

/// The field `text`: the form of the answer, and how wordy it is.
pub(super) fn encode_text(request: &Request, notes: &mut Notes) -> Map<String, Value> {
    let mut map = Map::new();
    let mut format = Map::new();
    match &request.response_format {
        Some(ResponseFormat::Text) => put(&mut format, "type", "text"),
        Some(ResponseFormat::JsonObject) => put(&mut format, "type", "json_object"),
        Some(ResponseFormat::JsonSchema(schema)) => {
            put(&mut format, "type", "json_schema");
            put(&mut format, "name", schema_name(schema).into_owned());
            put_some(&mut format, "description", schema.description.as_ref());
            put_some(&mut format, "schema", schema.schema.as_ref());
            put_some(&mut format, "strict", schema.strict.as_ref());
            merge(&mut format, &schema.extra);
        }
        Some(ResponseFormat::Other(value)) => match value.get("text") {
            Some(Value::Object(own)) => map.clone_from(own),
            _ => notes.meaning("response_format", "expected text, json_object or json_schema"),
        },
        None => {}
    }
    if !format.is_empty() {
        put(&mut map, "format", format);
    }
    put_some(&mut map, "verbosity", request.verbosity.as_ref());
    map
}

/// OpenAI refuses a limit under 16. A caller of another format need not know that.
fn put_limit(map: &mut Map<String, Value>, request: &Request, own: bool, notes: &mut Notes) {
    let Some(limit) = request.output_limit else { return };
    let raised = !own && limit.tokens < LEAST_OUTPUT;
    if raised {
        notes.lowered("output_limit");
    }
    put(map, "max_output_tokens", if raised { LEAST_OUTPUT } else { limit.tokens });
}

fn put_sampling(map: &mut Map<String, Value>, sampling: &Sampling, notes: &mut Notes) {
    let mut number = |name, value: &Option<Number>| {
        if let Some(value) = value {
            put(map, name, Value::Number(value.clone()));
        }
    };
    number("temperature", &sampling.temperature);
    number("top_p", &sampling.top_p);
    for (name, value) in [
        ("top_k", &sampling.top_k),
        ("frequency_penalty", &sampling.frequency_penalty),
        ("presence_penalty", &sampling.presence_penalty),
        ("seed", &sampling.seed),
    ] {
        if value.is_some() {
            notes.hint(format!("sampling.{name}"), "OpenAI Responses has no such parameter");
        }
    }
    if sampling.logit_bias.is_some() {
        notes.meaning("sampling.logit_bias", "OpenAI Responses cannot make tokens more or less likely");
    }
}

/// Writes `include` if something has to be added to what the caller asked for.
fn put_include(map: &mut Map<String, Value>, request: &Request, own: bool) {
    let asked = request.extra.get("include").and_then(Value::as_array).cloned();
    let mut include = asked.unwrap_or_default();
    let known = include.len();
    let mut add = |entry: &str| {
        if !include.iter().any(|each| each == entry) {
            include.push(entry.into());
        }
    };
    // A caller of another format sends its history whole; reasoning in it must be sealed to be read again.
    let reasons =
        |asked: &crate::chat::ReasoningRequest| reasoning::effort(asked).is_some_and(|it| it != Effort::None);
    if !own && request.reasoning.as_ref().is_some_and(reasons) {
        add(SEALED_REASONING);
    }
    if request.logprobs == Some(true) {
        add(LOGPROBS);
    }
    if include.len() > known {
        put(map, "include", include);
    }
}

/// Names what the format has no field for.
fn note_unsayable(request: &Request, notes: &mut Notes) {
    if request.stop.as_ref().is_some_and(|stop| !stop.as_slice().is_empty()) {
        notes.meaning("stop", "OpenAI Responses has no stop sequences");
    }
    if request.n.is_some_and(|n| n > 1) {
        notes.meaning("n", "OpenAI Responses gives one answer; ask several times");
    }
    let spoken = request.modalities.as_ref().is_some_and(|words| words.iter().any(|word| word == "audio"));
    if spoken || request.audio.is_some() {
        notes.meaning("audio", "OpenAI Responses does not answer with sound");
    }
    let known = |word: &String| matches!(word.as_str(), "text" | "image" | "audio");
    if request.modalities.as_ref().is_some_and(|words| !words.iter().all(known)) {
        notes.meaning("modalities", "expected text or image");
    }
    if request.prediction.is_some() {
        notes.hint("prediction", "OpenAI Responses takes no predicted output");
    }
}
