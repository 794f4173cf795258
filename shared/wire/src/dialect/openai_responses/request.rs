//! Requests, read.

use serde_json::{Map, Value};

use super::item::Items;
use super::{mark, tool};
use crate::chat::{
    Content, Effort, Extra, Message, OutputLimit, Part, ReasoningRequest, Request, ResponseFormat, Role,
    Sampling, Schema, Shape,
};
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::{DecodeError, Loss, Weight};

/// The entry of `include` that asks for log-probabilities.
pub(super) const LOGPROBS: &str = "message.output_text.logprobs";
/// The entry of `include` that asks for sealed reasoning.
pub(super) const SEALED_REASONING: &str = "reasoning.encrypted_content";

/// Fields that stand for a conversation kept elsewhere: with one of them the input need not be whole.
const KEPT_ELSEWHERE: [&str; 3] = ["previous_response_id", "conversation", "prompt"];

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
    let said = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    if let Some(Value::String(text)) = fields::take_if(&mut map, "instructions", said) {
        request.messages.push(marked(Role::System, text, mark::INSTRUCTIONS));
    } else if map.get("instructions").is_some_and(|value| !value.is_null() && !value.is_string()) {
        return Err(path.field_error("instructions", "expected a string"));
    }
    take_input(&mut request, &mut map)?;
    take_tools(&mut request, &mut map)?;
    take_text(&mut request, &mut map)?;
    request.parallel_tool_calls = fields::boolean(&mut map, path, "parallel_tool_calls")?;
    let mut number = |name| fields::number(&mut map, path, name);
    request.sampling =
        Sampling { temperature: number("temperature")?, top_p: number("top_p")?, ..Sampling::default() };
    request.output_limit = fields::positive(&mut map, path, "max_output_tokens")?
        .map(|tokens| OutputLimit { tokens, legacy: false });
    request.top_logprobs = fields::whole(&mut map, path, "top_logprobs")?;
    take_include(&mut request, &mut map)?;
    if let Some(mut reasoning) = fields::object(&mut map, path, "reasoning")? {
        let effort = fields::string(&mut reasoning, &Path::Field(path, "reasoning"), "effort")?;
        let summary = fields::take_if(&mut reasoning, "summary", Value::is_string);
        let shown = summary.is_some().then_some(true);
        if (effort.is_none() && shown.is_none()) || !reasoning.is_empty() {
            put(&mut map, "reasoning", reasoning);
        }
        put_some(&mut map, mark::SUMMARY, summary.as_ref());
        if effort.is_some() || shown.is_some() {
            let effort = effort.map(|word| Effort::from(word.as_str()));
            request.reasoning = Some(ReasoningRequest { effort, shown, ..Default::default() });
        }
    }
    request.service_tier = fields::string(&mut map, path, "service_tier")?;
    request.user = fields::string(&mut map, path, "user")?;
    request.metadata = fields::object(&mut map, path, "metadata")?;
    request.store = fields::boolean(&mut map, path, "store")?;
    request.prompt_cache_key = fields::string(&mut map, path, "prompt_cache_key")?;
    request.prompt_cache_retention = fields::string(&mut map, path, "prompt_cache_retention")?;
    request.safety_identifier = fields::string(&mut map, path, "safety_identifier")?;
    request.stream = fields::boolean(&mut map, path, "stream")?;
    put(&mut map, mark::ORIGIN, Value::Null);
    request.extra = map;
    Ok(request)
}

/// A message of one text with a mark that says which field it was.
fn marked(role: Role, text: String, mark: &str) -> Message {
    let mut extra = Extra::new();
    put(&mut extra, mark, Value::Null);
    Message { shape: Shape::Text, extra, ..Message::text(role, text) }
}

fn take_input(request: &mut Request, map: &mut Map<String, Value>) -> Result<(), DecodeError> {
    let at = Path::Field(&Path::Root, "input");
    let elsewhere = KEPT_ELSEWHERE.iter().any(|name| map.get(*name).is_some_and(|value| !value.is_null()));
    match fields::take(map, "input") {
        Some(Value::String(text)) if !text.is_empty() => {
            request.messages.push(marked(Role::User, text, mark::INPUT));
        }
        Some(Value::Array(values)) if !values.is_empty() => {
            let mut items = Items::default();
            for (index, value) in values.into_iter().enumerate() {
                items.push(value, index, &Path::Item(&at, index))?;
            }
            if let Some((index, id)) = items.orphan.filter(|_| !elsewhere && !items.refers) {
                let reason = format!("no tool call with the id {id:?} comes before this result");
                return Err(Path::Item(&at, index).field_error("call_id", reason));
            }
            request.messages.extend(items.messages);
        }
        Some(nothing @ (Value::String(_) | Value::Array(_))) if elsewhere => put(map, "input", nothing),
        None if elsewhere => {}
        Some(Value::Array(_)) => return Err(at.error("expected at least one item, found an empty array")),
        Some(Value::String(_)) => return Err(at.error("expected a text, found an empty string")),
        Some(_) | None => return Err(at.error("required: a string or an array of items")),
    }
    Ok(())
}

fn take_tools(request: &mut Request, map: &mut Map<String, Value>) -> Result<(), DecodeError> {
    let path = &Path::Root;
    let at = Path::Field(path, "tools");
    // An empty list stays as it is: there is nothing to translate, and it comes back.
    if !map.get("tools").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        for (index, value) in fields::array(map, path, "tools")?.unwrap_or_default().into_iter().enumerate() {
            request.tools.push(tool::decode_tool(value, &Path::Item(&at, index))?);
        }
    }
    request.tool_choice = match fields::take(map, "tool_choice") {
        Some(value) if value.is_string() || value.is_object() => Some(tool::decode_choice(value)),
        Some(_) => return Err(path.field_error("tool_choice", "expected a string or an object")),
        None => None,
    };
    Ok(())
}

/// `text` holds the form of the answer and how wordy it is.
fn take_text(request: &mut Request, map: &mut Map<String, Value>) -> Result<(), DecodeError> {
    let path = &Path::Root;
    let Some(mut text) = fields::object(map, path, "text")? else { return Ok(()) };
    let at = Path::Field(path, "text");
    request.verbosity = fields::string(&mut text, &at, "verbosity")?;
    if let Some(format) = fields::object(&mut text, &at, "format")? {
        request.response_format = Some(decode_format(format, &Path::Field(&at, "format"))?);
    }
    let taken = request.verbosity.is_some() || request.response_format.is_some();
    if !taken || !text.is_empty() {
        put(map, "text", text);
    }
    Ok(())
}

fn decode_format(mut map: Extra, path: &Path<'_>) -> Result<ResponseFormat, DecodeError> {
    let kind = fields::need_string(&mut map, path, "type")?;
    Ok(match kind.as_str() {
        "text" if map.is_empty() => ResponseFormat::Text,
        "json_object" if map.is_empty() => ResponseFormat::JsonObject,
        "json_schema" => ResponseFormat::JsonSchema(Schema {
            name: Some(fields::need_string(&mut map, path, "name")?),
            description: fields::string(&mut map, path, "description")?,
            schema: fields::object(&mut map, path, "schema")?.map(Value::Object),
            strict: fields::boolean(&mut map, path, "strict")?,
            extra: map,
        }),
        _ => {
            put(&mut map, "type", kind);
            let mut outer = Map::new();
            put(&mut outer, "format", map);
            let mut whole = Map::new();
            put(&mut whole, "text", outer);
            ResponseFormat::Other(Value::Object(whole))
        }
    })
}

/// Log-probabilities are asked for in `include`. The entry is taken out where it comes back in the same place: at the
/// end of the list.
fn take_include(request: &mut Request, map: &mut Map<String, Value>) -> Result<(), DecodeError> {
    let path = &Path::Root;
    let Some(mut include) = fields::array(map, path, "include")? else { return Ok(()) };
    if include.iter().any(|entry| entry == LOGPROBS) {
        request.logprobs = Some(true);
        if include.iter().position(|entry| entry == LOGPROBS) == Some(include.len().saturating_sub(1)) {
            include.pop();
        }
    }
    if request.logprobs.is_none() || !include.is_empty() {
        put(map, "include", include);
    }
    Ok(())
}

/// What a request read from this format asks of OpenAI's own state and services, and loses at a provider of another
/// format. Fields that only say a default are passed over. To be asked before [`Request::leave_extra`], which names
/// the same fields without their weight.
#[must_use]
pub(in crate::dialect) fn weigh_extra(request: &Request) -> Vec<Loss> {
    let known = |name: &str, value: &Value| {
        let meaning = |reason| Some((Weight::Meaning, reason));
        let hint = |reason| Some((Weight::Hint, reason));
        match (name, value) {
            (_, Value::Null | Value::Bool(false)) => None,
            ("previous_response_id" | "conversation", _) => meaning(
                "the gateway keeps no conversations for other providers; send the whole conversation in `input`",
            ),
            ("prompt", _) => {
                meaning("prompts kept at OpenAI cannot be read for other providers; send the text in `input`")
            }
            ("background", _) => meaning("other providers answer at once; leave `background` out"),
            ("max_tool_calls", _) => hint("only tools that run at OpenAI are counted"),
            // Sealed reasoning is always in the answer.
            ("include", Value::Array(entries)) if entries.iter().all(|entry| entry == SEALED_REASONING) => {
                None
            }
            ("include", _) => hint("what else to include is particular to OpenAI"),
            ("truncation", Value::String(word)) if word == "disabled" => None,
            ("truncation", _) => hint("other providers do not shorten a conversation that is too long"),
            ("prompt_cache_options", _) => hint("how OpenAI caches the prompt"),
            ("reasoning", Value::Object(fields)) if fields.values().all(Value::is_null) => None,
            ("reasoning", _) => hint("how reasoning is summarized and kept is particular to OpenAI"),
            ("stream_options", _) => hint("padding of events is particular to OpenAI"),
            _ => None,
        }
    };
    let each = |(name, value): (&String, &Value)| {
        let (weight, reason) = known(name, value)?;
        Some(Loss { field: name.clone(), reason: reason.into(), weight })
    };
    // What some SDKs send of earlier answers unless they are told that nothing is stored.
    let refers = |part: &Part| {
        matches!(&part.content, Content::Other(kind) if kind == "item_reference")
            && mark::is_other(part, mark::ITEM)
    };
    let reference = request.messages.iter().flat_map(|message| &message.parts).find(|part| refers(part));
    let kept = reference.map(|_| Loss {
        field: "input".to_owned(),
        reason: "an item_reference names an item that only OpenAI keeps; set `store` to false, and send the items \
            themselves"
            .into(),
        weight: Weight::Meaning,
    });
    kept.into_iter().chain(request.extra.iter().filter_map(each)).collect()
}
