//! Requests, read and written.

use serde_json::{Map, Number, Value, json};

use super::message::{Conversation, decode_message};
use super::{document, tool};
use crate::chat::{
    Definition, Effort, Extra, OutputLimit, Part, ReasoningRequest, ReasoningRequestSpelling, Request,
    ResponseFormat, Role, Sampling, Schema, Stop,
};
use crate::dialect::effort::budget_of;
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, Dialect, Encoded, Target, origin};
use crate::json;
use crate::schema::{self, Rules};

/// Reads a request.
///
/// # Errors
/// Names the field that is missing or of a wrong type. Fields the format does not know pass into `extra`.
pub fn decode_request(body: &[u8]) -> Result<Request, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    let model = fields::need_string(&mut map, path, "model")?;
    if model.is_empty() {
        return Err(path.field_error("model", "expected the name of a model, found an empty string"));
    }
    let mut request = Request::new(model, Vec::new());
    let at = Path::Field(path, "messages");
    let messages = fields::array(&mut map, path, "messages")?
        .ok_or_else(|| at.error("required: an array of at least one message"))?;
    if messages.is_empty() {
        return Err(at.error("expected at least one message, found an empty array"));
    }
    for (index, value) in messages.into_iter().enumerate() {
        request.messages.push(decode_message(value, &Path::Item(&at, index), false)?);
    }
    take_documents(&mut request, &mut map)?;
    take_tools(&mut request, &mut map)?;
    request.response_format = take_format(&mut map)?;
    let mut number = |name| fields::number(&mut map, path, name);
    request.sampling = Sampling {
        temperature: number("temperature")?,
        top_p: number("p")?,
        top_k: number("k")?,
        frequency_penalty: number("frequency_penalty")?,
        presence_penalty: number("presence_penalty")?,
        seed: number("seed")?,
        logit_bias: None,
    };
    request.stop = fields::strings(&mut map, path, "stop_sequences")?.map(Stop::Many);
    request.output_limit =
        fields::positive(&mut map, path, "max_tokens")?.map(|tokens| OutputLimit { tokens, legacy: false });
    request.logprobs = fields::boolean(&mut map, path, "logprobs")?;
    request.reasoning = take_thinking(&mut map)?;
    request.stream = fields::boolean(&mut map, path, "stream")?;
    origin::mark(&mut map, Dialect::Cohere);
    request.extra = map;
    Ok(request)
}

/// Documents are files of the last user message elsewhere. A list with one that says more than a text and a title
/// stays as it is.
fn take_documents(request: &mut Request, map: &mut Extra) -> Result<(), DecodeError> {
    let is_list = |value: &Value| value.is_array() || value.is_null();
    if map.get("documents").is_some_and(|value| !is_list(value)) {
        return Err(Path::Root.field_error("documents", "expected an array of strings and objects"));
    }
    let Some(Value::Array(values)) = map.get("documents") else { return Ok(()) };
    let parts: Option<Vec<Part>> = values.iter().map(document::decode).collect();
    let last = request.messages.iter_mut().rev().find(|message| message.role == Role::User);
    let (Some(parts), Some(last)) = (parts.filter(|parts| !parts.is_empty()), last) else { return Ok(()) };
    last.parts.extend(parts);
    map.remove("documents");
    Ok(())
}

fn take_tools(request: &mut Request, map: &mut Extra) -> Result<(), DecodeError> {
    let path = &Path::Root;
    let filled = |value: &Value| value.as_array().is_none_or(|tools| !tools.is_empty());
    if map.get("tools").is_some_and(filled)
        && let Some(tools) = fields::array(map, path, "tools")?
    {
        let at = Path::Field(path, "tools");
        for (index, value) in tools.into_iter().enumerate() {
            request.tools.push(tool::decode_tool(value, &Path::Item(&at, index))?);
        }
    }
    request.tool_choice = fields::string(map, path, "tool_choice")?.map(tool::decode_choice);
    let mut functions = request.tools.iter_mut().filter_map(|tool| match &mut tool.definition {
        Definition::Function(function) => Some(function),
        _ => None,
    });
    if let Some(first) = functions.next() {
        let strict = fields::boolean(map, path, "strict_tools")?;
        first.strict = strict;
        functions.for_each(|function| function.strict = strict);
    }
    Ok(())
}

fn take_format(map: &mut Extra) -> Result<Option<ResponseFormat>, DecodeError> {
    let path = &Path::Root;
    let Some(mut format) = fields::object(map, path, "response_format")? else { return Ok(None) };
    let kind = fields::need_string(&mut format, &Path::Field(path, "response_format"), "type")?;
    let schema = fields::try_object(&mut format, "json_schema");
    Ok(Some(match (kind.as_str(), schema) {
        ("text", None) if format.is_empty() => ResponseFormat::Text,
        ("json_object", None) if format.is_empty() => ResponseFormat::JsonObject,
        ("json_object", Some(schema)) => {
            let schema = Some(Value::Object(schema));
            ResponseFormat::JsonSchema(Schema { schema, extra: format, ..Schema::default() })
        }
        (_, schema) => {
            put_some(&mut format, "json_schema", schema.map(Value::Object).as_ref());
            put(&mut format, "type", kind);
            ResponseFormat::Other(json!({"response_format": format}))
        }
    }))
}

fn take_thinking(map: &mut Extra) -> Result<Option<ReasoningRequest>, DecodeError> {
    let path = &Path::Root;
    let Some(mut thinking) = fields::object(map, path, "thinking")? else { return Ok(None) };
    let at = Path::Field(path, "thinking");
    let budget = fields::positive(&mut thinking, &at, "token_budget")?;
    let word = |value: &Value| matches!(value.as_str(), Some("enabled" | "disabled"));
    let enabled = fields::take_if(&mut thinking, "type", word).map(|value| value == "enabled");
    let request = ReasoningRequest {
        effort: None,
        budget,
        enabled,
        shown: None,
        spelling: ReasoningRequestSpelling::Thinking,
    };
    fields::put_back(map, "thinking", thinking);
    Ok((budget.is_some() || enabled.is_some()).then_some(request))
}

/// Writes a request. What the format cannot say is left out and named.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let own = origin::is(request, Dialect::Cohere);
    let mut map = Map::new();
    let mut notes = Notes::default();
    put(&mut map, "model", target.model);
    let mut conversation = Conversation::default();
    for (index, message) in request.messages.iter().enumerate() {
        conversation.push(message, index, &mut notes);
    }
    put(&mut map, "messages", conversation.messages);
    if !conversation.documents.is_empty() {
        put(&mut map, "documents", conversation.documents);
    }
    tool::put_tools(&mut map, request, own, &mut notes);
    if let Some(format) = &request.response_format {
        put_format(&mut map, format, own, &mut notes);
    }
    put_sampling(&mut map, &request.sampling, &mut notes);
    if let Some(stop) = &request.stop {
        put(&mut map, "stop_sequences", stop.as_slice().to_vec());
    }
    put_some(&mut map, "max_tokens", request.output_limit.map(|limit| limit.tokens).as_ref());
    put_some(&mut map, "logprobs", request.logprobs.as_ref());
    if let Some(reasoning) = &request.reasoning {
        put_thinking(&mut map, reasoning, &mut notes);
    }
    put_some(&mut map, "stream", request.stream.as_ref());
    note_unsaid(request, &mut notes);
    merge(&mut map, &request.extra);
    origin::unmark(&mut map, Dialect::Cohere);
    notes.into_encoded(json::to_bytes(&Value::Object(map)))
}

fn put_sampling(map: &mut Map<String, Value>, sampling: &Sampling, notes: &mut Notes) {
    let mut number = |name, value: &Option<Number>| {
        put_some(map, name, value.clone().map(Value::Number).as_ref());
    };
    number("temperature", &sampling.temperature);
    number("p", &sampling.top_p);
    number("k", &sampling.top_k);
    number("frequency_penalty", &sampling.frequency_penalty);
    number("presence_penalty", &sampling.presence_penalty);
    number("seed", &sampling.seed);
    if sampling.logit_bias.is_some() {
        notes.meaning("sampling.logit_bias", "Cohere cannot make tokens more or less likely");
    }
}

fn put_format(map: &mut Map<String, Value>, format: &ResponseFormat, own: bool, notes: &mut Notes) {
    match format {
        ResponseFormat::Text => put(map, "response_format", json!({"type": "text"})),
        ResponseFormat::JsonObject => put(map, "response_format", json!({"type": "json_object"})),
        ResponseFormat::JsonSchema(Schema { schema: Some(schema), name, description, extra, .. }) => {
            if name.is_some() {
                notes.hint("response_format.name", "schemas have no names at Cohere");
            }
            if description.is_some() {
                notes.hint("response_format.description", "schemas are not described at Cohere");
            }
            let mut format = Map::new();
            put(&mut format, "type", "json_object");
            if own {
                put(&mut format, "json_schema", schema.clone());
            } else {
                let (lowered, named) = schema::lower(schema, &Rules::COHERE_STRICT);
                notes.lowered_at("response_format.schema", &named);
                put(&mut format, "json_schema", lowered);
            }
            merge(&mut format, extra);
            put(map, "response_format", format);
        }
        ResponseFormat::JsonSchema(_) => {
            notes.meaning("response_format", "Cohere needs the schema itself to give structured output");
        }
        ResponseFormat::Other(own) => match own.get("response_format") {
            Some(format) => put(map, "response_format", format.clone()),
            None => notes.meaning("response_format", "this form is another vendor's; use a JSON schema"),
        },
    }
}

fn put_thinking(map: &mut Map<String, Value>, reasoning: &ReasoningRequest, notes: &mut Notes) {
    let mut thinking = Map::new();
    let off = reasoning.enabled == Some(false) || reasoning.effort == Some(Effort::None);
    if reasoning.shown == Some(false) && !off {
        notes.hint("reasoning.shown", "Cohere's models show their reasoning");
    }
    if !reasoning.says_how_much() {
        return;
    }
    if off {
        put(&mut thinking, "type", "disabled");
    } else if reasoning.enabled.is_some() || reasoning.spelling != ReasoningRequestSpelling::Thinking {
        put(&mut thinking, "type", "enabled");
    }
    let budget = reasoning.budget.or_else(|| reasoning.effort.as_ref().and_then(budget_of));
    put_some(&mut thinking, "token_budget", budget.filter(|budget| !off && *budget > 0).as_ref());
    put(map, "thinking", thinking);
}

/// Names what Cohere has no field for at all.
fn note_unsaid(request: &Request, notes: &mut Notes) {
    let hints = [
        ("parallel_tool_calls", request.parallel_tool_calls == Some(false)),
        ("prediction", request.prediction.is_some()),
        (
            "service_tier",
            request.service_tier.as_deref().is_some_and(|tier| !["auto", "default"].contains(&tier)),
        ),
        ("user", request.user.is_some()),
        ("metadata", request.metadata.is_some()),
        ("store", request.store.is_some()),
        ("prompt_cache_key", request.prompt_cache_key.is_some()),
        ("prompt_cache_retention", request.prompt_cache_retention.is_some()),
        ("safety_identifier", request.safety_identifier.is_some()),
        ("verbosity", request.verbosity.is_some()),
    ];
    for (name, _) in hints.iter().filter(|(_, said)| *said) {
        notes.hint(*name, "Cohere has no such field");
    }
    let other_than_text = |modalities: &Vec<String>| modalities.iter().any(|each| each != "text");
    let meanings = [
        ("n", request.n.is_some_and(|n| n > 1), "Cohere gives one answer; send several requests"),
        (
            "top_logprobs",
            request.top_logprobs.is_some_and(|n| n > 0),
            "Cohere tells only the tokens it chose",
        ),
        ("modalities", request.modalities.as_ref().is_some_and(other_than_text), "Cohere answers with text"),
        ("audio", request.audio.is_some(), "Cohere answers with text"),
        ("web_search", request.web_search.is_some(), "Cohere does not search the web"),
    ];
    for (name, said, reason) in meanings {
        if said {
            notes.meaning(name, reason);
        }
    }
}
