//! Whole answers, written, and the object that an answer is in its stream's events.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::output::Output;
use super::request_write::{encode_text, is_instructions};
use super::{mark, reasoning, tool, usage};
use crate::chat::{Extra, FinishReason, Request, Response};
use crate::dialect::AnswerContext;
use crate::dialect::fields::put;
use crate::dialect::loss::Notes;
use crate::json;

/// Writes an answer: the first choice, since the format has no more.
#[must_use]
pub fn encode_response(response: &Response, context: &AnswerContext) -> Bytes {
    let own = is_own(&response.extra);
    let base = if context.id.is_empty() { response.id.as_deref().unwrap_or_default() } else { &context.id };
    let mut output = Output::new(&id_base(base), false);
    let choice = response.choices.first();
    for part in choice.into_iter().flat_map(|choice| &choice.message.parts) {
        output.part(part);
    }
    if let Some(logprobs) = choice.and_then(|choice| choice.logprobs.as_ref()) {
        output.put_logprobs(logprobs);
    }
    let finish = choice.and_then(|choice| choice.finish.as_ref());
    let status = Status::of(finish, output.has_refusal());
    output.finish(status.word == "incomplete");
    let facts = Facts {
        id: response.id.as_deref(),
        model: response.model.as_deref(),
        created: response.created,
        service_tier: response.service_tier.as_deref(),
    };
    let mut map = begin(&facts, context);
    if own {
        // A kind of answer of its own keeps its word.
        map.remove("object");
    }
    status.put(&mut map, &response.extra);
    put(&mut map, "output", output.values());
    if let Some(counts) = &response.usage
        && !response.extra.get("usage").is_some_and(Value::is_object)
    {
        put(&mut map, "usage", usage::encode_usage(counts));
    }
    mark::merge(&mut map, &response.extra);
    if !own {
        complete(&mut map, context.request.as_deref());
    }
    json::to_bytes(&Value::Object(map))
}

/// Whether an answer was read from this format: it has what it had and nothing more.
fn is_own(extra: &Extra) -> bool {
    extra.contains_key("object")
}

/// Letters and digits of an id, for the ids of items.
pub(super) fn id_base(id: &str) -> String {
    id.strip_prefix("resp_").unwrap_or(id).chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The id of an answer, in the form of this format.
pub(super) fn response_id(context: &AnswerContext) -> String {
    if context.id.starts_with("resp_") { context.id.clone() } else { format!("resp_{}", context.id) }
}

/// What is known of an answer beside its items.
#[derive(Default)]
pub(super) struct Facts<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) model: Option<&'a str>,
    pub(super) created: Option<u64>,
    pub(super) service_tier: Option<&'a str>,
}

/// The beginning of the object.
pub(super) fn begin(facts: &Facts<'_>, context: &AnswerContext) -> Map<String, Value> {
    let mut map = Map::new();
    put(&mut map, "id", facts.id.map_or_else(|| response_id(context), str::to_owned));
    put(&mut map, "object", "response");
    put(&mut map, "created_at", facts.created.unwrap_or(context.created));
    put(&mut map, "model", facts.model.unwrap_or(&context.model));
    if let Some(tier) = facts.service_tier {
        put(&mut map, "service_tier", tier);
    }
    map
}

/// How an answer ended, in the words of this format.
pub(super) struct Status<'a> {
    pub(super) word: &'static str,
    /// Why it is incomplete.
    reason: Option<&'a str>,
}

impl<'a> Status<'a> {
    pub(super) const IN_PROGRESS: Self = Self { word: "in_progress", reason: None };
    pub(super) const FAILED: Self = Self { word: "failed", reason: None };

    /// By the reason. A refusal in words is a complete answer; a refusal without any is a filtered one.
    pub(super) fn of(finish: Option<&'a FinishReason>, refused: bool) -> Self {
        let incomplete = |reason| Self { word: "incomplete", reason: Some(reason) };
        match finish {
            Some(FinishReason::Length | FinishReason::ContextLength) => incomplete("max_output_tokens"),
            Some(FinishReason::ContentFilter | FinishReason::Recitation) => incomplete("content_filter"),
            Some(FinishReason::Refusal) if !refused => incomplete("content_filter"),
            Some(FinishReason::Pause) => incomplete("pause"),
            Some(FinishReason::MalformedToolCall) => incomplete("malformed_tool_call"),
            Some(
                FinishReason::Stop
                | FinishReason::StopSequence
                | FinishReason::ToolCalls
                | FinishReason::FunctionCall
                | FinishReason::Refusal
                | FinishReason::Other(_),
            )
            | None => Self { word: "completed", reason: None },
        }
    }

    /// Writes it, unless the answer's own `extra` says it.
    pub(super) fn put(&self, map: &mut Map<String, Value>, extra: &Extra) {
        if extra.contains_key("status") {
            return;
        }
        // A word of this format that is not known here came with its details.
        let told = extra.get("incomplete_details").is_some_and(Value::is_object);
        put(map, "status", if told { "incomplete" } else { self.word });
        if let Some(reason) = self.reason.filter(|_| !told) {
            put(map, "incomplete_details", json!({"reason": reason}));
        }
    }
}

/// Adds the fields that the format requires and that are not there yet. Most repeat the request.
pub(super) fn complete(map: &mut Map<String, Value>, request: Option<&Request>) {
    let nothing = Request::default();
    let request = request.unwrap_or(&nothing);
    let notes = &mut Notes::default();
    let mut add = |name: &str, value: Value| {
        map.entry(name).or_insert(value);
    };
    let asked = |name: &str| request.extra.get(name).cloned().unwrap_or_default();
    let or = |value: Value, default: Value| if value.is_null() { default } else { value };
    add("status", "completed".into());
    add("background", false.into());
    add("error", Value::Null);
    add("incomplete_details", Value::Null);
    let instructions = request.messages.iter().find(|message| is_instructions(message));
    add("instructions", instructions.map(|message| message.joined_text().into_owned()).into());
    add("max_output_tokens", request.output_limit.map(|limit| limit.tokens).into());
    add("max_tool_calls", asked("max_tool_calls"));
    add("metadata", request.metadata.clone().unwrap_or_default().into());
    add("output", json!([]));
    add("parallel_tool_calls", request.parallel_tool_calls.unwrap_or(true).into());
    add("previous_response_id", asked("previous_response_id"));
    add("prompt_cache_key", request.prompt_cache_key.clone().into());
    let effort = request.reasoning.as_ref().and_then(reasoning::effort);
    let summary = request.extra.get(mark::SUMMARY);
    add("reasoning", json!({"effort": effort.map(|effort| effort.as_str().to_owned()), "summary": summary}));
    add("safety_identifier", request.safety_identifier.clone().into());
    add("service_tier", request.service_tier.clone().unwrap_or_else(|| "default".to_owned()).into());
    // The gateway keeps no answers, whatever was asked for.
    add("store", false.into());
    add("temperature", request.sampling.temperature.clone().map_or(Value::Null, Value::Number));
    let mut text = encode_text(request, notes);
    text.entry("format").or_insert_with(|| json!({"type": "text"}));
    add("text", text.into());
    let choice = request.tool_choice.as_ref().and_then(|choice| tool::encode_choice(choice, true, notes));
    add("tool_choice", choice.unwrap_or_else(|| "auto".into()));
    add("tools", echo_tools(request, notes));
    add("top_logprobs", request.top_logprobs.unwrap_or(0).into());
    add("top_p", request.sampling.top_p.clone().map_or(Value::Null, Value::Number));
    add("truncation", or(asked("truncation"), "disabled".into()));
    add("usage", Value::Null);
    add("user", request.user.clone().into());
}

/// The tools as they were asked for, with what is so by default.
fn echo_tools(request: &Request, notes: &mut Notes) -> Value {
    let mut tools = Vec::new();
    for (index, each) in request.tools.iter().enumerate() {
        let Some(Value::Object(mut tool)) = tool::encode_tool(each, index, true, notes) else { continue };
        if tool.get("type").is_some_and(|kind| kind == "function") {
            tool.entry("strict").or_insert(Value::Bool(true));
            tool.entry("parameters").or_insert(Value::Null);
        }
        tools.push(Value::Object(tool));
    }
    tools.into()
}
