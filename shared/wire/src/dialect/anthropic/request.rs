//! Requests, read and written.

use serde_json::{Map, Number, Value, json};

use super::model::{self, Abilities, DEFAULT_MAX_TOKENS};
use super::{message, reasoning, tool};
use crate::chat::{Extra, OutputLimit, Request, ResponseFormat, Sampling, Schema, Stop};
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::loss::{Loss, Notes, Weight};
use crate::dialect::{DecodeError, Encoded, Target};
use crate::json;
use crate::schema::{self, Rules};

/// The value of `anthropic_version` in a body for Vertex, which has the model in the URL.
const VERTEX_VERSION: &str = "vertex-2023-10-16";

/// The field of a conversation that Anthropic keeps (beta `message-threads-2026-08-12`).
pub(super) const THREAD: &str = "thread";

/// Reads a request.
///
/// # Errors
/// Names the field that is missing or of a wrong type. Fields the format does not know pass into `extra`.
pub fn decode_request(body: &[u8]) -> Result<Request, DecodeError> {
    let mut map = fields::parse_object(body)?;
    let tokens = fields::whole(&mut map, &Path::Root, "max_tokens")?;
    let tokens = tokens.ok_or_else(|| {
        Path::Root.field_error("max_tokens", "required: the most tokens that the answer may have")
    })?;
    let mut request = decode_prompt(map)?;
    request.output_limit = Some(OutputLimit { tokens, legacy: false });
    Ok(request)
}

/// Reads everything but `max_tokens`, which `count_tokens` does not have.
pub(super) fn decode_prompt(mut map: Extra) -> Result<Request, DecodeError> {
    let path = &Path::Root;
    let map_ref = &mut map;
    let model = match fields::string(map_ref, path, "model")? {
        Some(model) if model.is_empty() => {
            return Err(path.field_error("model", "expected the name of a model, found an empty string"));
        }
        Some(model) => model,
        // Vertex and Bedrock have it in the URL.
        None if map_ref.contains_key("anthropic_version") => String::new(),
        None => return Err(path.field_error("model", "required: a string")),
    };
    let mut request = Request::new(model, Vec::new());
    request.messages.extend(message::take_system(map_ref)?);
    let at = Path::Field(path, "messages");
    let messages = fields::array(map_ref, path, "messages")?
        .ok_or_else(|| at.error("required: an array of at least one message"))?;
    if messages.is_empty() {
        return Err(at.error("expected at least one message, found an empty array"));
    }
    for (index, value) in messages.into_iter().enumerate() {
        request.messages.push(message::decode_message(value, &Path::Item(&at, index))?);
    }
    // An empty list stays as it is: there is nothing to translate, and it comes back.
    let filled = |value: &Value| value.as_array().is_none_or(|tools| !tools.is_empty());
    if map_ref.get("tools").is_some_and(filled) {
        let at = Path::Field(path, "tools");
        let tools = fields::array(map_ref, path, "tools")?.unwrap_or_default();
        for (index, value) in tools.into_iter().enumerate() {
            request.tools.push(tool::decode_tool(value, &Path::Item(&at, index))?);
        }
    }
    if let Some(choice) = fields::take(map_ref, "tool_choice") {
        let (choice, parallel) = tool::decode_choice(choice, &Path::Field(path, "tool_choice"))?;
        request.tool_choice = Some(choice);
        request.parallel_tool_calls = parallel;
    }
    request.reasoning = reasoning::take_request(map_ref)?;
    request.response_format = take_format(map_ref)?;
    let mut number = |name| fields::number(map_ref, path, name);
    request.sampling = Sampling {
        temperature: number("temperature")?,
        top_p: number("top_p")?,
        top_k: number("top_k")?,
        ..Sampling::default()
    };
    request.stop = fields::strings(map_ref, path, "stop_sequences")?.map(Stop::Many);
    request.service_tier = fields::string(map_ref, path, "service_tier")?
        .map(|word| if word == "standard_only" { "default".to_owned() } else { word });
    if let Some(mut metadata) = fields::object(map_ref, path, "metadata")? {
        request.user = fields::string(&mut metadata, &Path::Field(path, "metadata"), "user_id")?;
        if request.user.is_none() || !metadata.is_empty() {
            put(map_ref, "metadata", metadata);
        }
    }
    request.stream = fields::boolean(map_ref, path, "stream")?;
    request.extra = map;
    Ok(request)
}

/// Takes the schema for structured output: `output_config.format`, or `output_format`, as it was called in its beta. An
/// object of that name in the schema's `extra` says where it was.
fn take_format(map: &mut Extra) -> Result<Option<ResponseFormat>, DecodeError> {
    let path = &Path::Root;
    let mut found = None;
    if let Some(mut config) = fields::object(map, path, "output_config")? {
        let at = Path::Field(path, "output_config");
        if let Some(format) = fields::object(&mut config, &at, "format")? {
            let at = Path::Field(&at, "format");
            let (schema, rest) = take_schema(format, &at)?;
            let extra = if rest.is_empty() {
                Extra::new()
            } else {
                Extra::from_iter([("output_config".to_owned(), json!({"format": rest}))])
            };
            found = Some(Schema { extra, ..schema });
        }
        if found.is_none() || !config.is_empty() {
            put(map, "output_config", config);
        }
    }
    if found.is_none()
        && let Some(format) = fields::object(map, path, "output_format")?
    {
        let (schema, rest) = take_schema(format, &Path::Field(path, "output_format"))?;
        let extra = Extra::from_iter([("output_format".to_owned(), Value::Object(rest))]);
        found = Some(Schema { extra, ..schema });
    }
    Ok(found.map(ResponseFormat::JsonSchema))
}

fn take_schema(mut format: Extra, path: &Path<'_>) -> Result<(Schema, Extra), DecodeError> {
    if fields::need_string(&mut format, path, "type")? != "json_schema" {
        return Err(path.field_error("type", "expected json_schema"));
    }
    let schema = fields::object(&mut format, path, "schema")?
        .ok_or_else(|| path.field_error("schema", "required: a JSON Schema"))?;
    // Anthropic always holds the model to the schema.
    let schema = Schema { schema: Some(Value::Object(schema)), strict: Some(true), ..Schema::default() };
    Ok((schema, format))
}

/// What a request asks of Anthropic's own services and loses with any other provider: a thread, whose earlier messages
/// only Anthropic has.
#[must_use]
pub fn weigh_extra(request: &Request) -> Vec<Loss> {
    let thread = request.extra.get(THREAD).filter(|thread| !thread.is_null());
    let reason =
        "the gateway keeps no threads for other providers; send the whole conversation in `messages`";
    let lost = |_: &Value| Loss { field: THREAD.to_owned(), reason: reason.into(), weight: Weight::Meaning };
    thread.map(lost).into_iter().collect()
}

/// Writes a request. What the format cannot say is left out and named.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let mut map = Map::new();
    let mut notes = Notes::default();
    let abilities = model::abilities(target.model);
    put_model(&mut map, request, target);
    let max_tokens = match (request.output_limit, target.max_output) {
        (Some(limit), _) => limit.tokens,
        (None, Some(most)) => most,
        (None, None) => {
            notes.lowered("output_limit");
            DEFAULT_MAX_TOKENS
        }
    };
    put(&mut map, "max_tokens", max_tokens);
    let thinks = put_prompt(&mut map, request, &abilities, max_tokens, &mut notes);
    put_sampling(&mut map, &request.sampling, &abilities, thinks, &mut notes);
    put_stop(&mut map, request.stop.as_ref(), &mut notes);
    put_tier(&mut map, request.service_tier.as_deref(), &mut notes);
    if let Some(user) = &request.user {
        put(&mut map, "metadata", json!({"user_id": user}));
    }
    put_some(&mut map, "stream", request.stream.as_ref());
    note_unsaid(request, &mut notes);
    merge(&mut map, &request.extra);
    notes.into_encoded(json::to_bytes(&Value::Object(map)))
}

/// Writes `model`, where it is in the body.
pub(super) fn put_model(map: &mut Map<String, Value>, request: &Request, target: &Target<'_>) {
    if target.kind == "vertex" {
        if !request.extra.contains_key("anthropic_version") {
            put(map, "anthropic_version", VERTEX_VERSION);
        }
    } else if !target.model.is_empty() {
        put(map, "model", target.model);
    }
}

/// Writes what the model reads: conversation, tools, how to think and what form the answer has. Returns whether the
/// model was asked to think on behalf of another format.
pub(super) fn put_prompt(
    map: &mut Map<String, Value>,
    request: &Request,
    abilities: &Abilities,
    max_tokens: u64,
    notes: &mut Notes,
) -> bool {
    message::put_conversation(map, request, abilities, notes);
    tool::put_tools(map, request, notes);
    tool::put_choice(map, request, notes);
    let thinks = reasoning::put_request(map, request, abilities, max_tokens, notes);
    put_format(map, request.response_format.as_ref(), notes);
    thinks
}

fn put_format(map: &mut Map<String, Value>, format: Option<&ResponseFormat>, notes: &mut Notes) {
    let schema = match format {
        None | Some(ResponseFormat::Text) => return,
        Some(ResponseFormat::JsonSchema(schema)) => schema,
        Some(ResponseFormat::JsonObject | ResponseFormat::Other(_)) => {
            notes.meaning("response_format", "Anthropic writes JSON by a schema only: send a json_schema");
            return;
        }
    };
    let said = schema.schema.clone().unwrap_or_else(|| json!({"type": "object"}));
    let (mut lowered, named) = schema::lower(&said, &Rules::ANTHROPIC_STRICT);
    notes.lowered_at("response_format.schema", &named);
    let mut changed = false;
    if let Value::Object(top) = &mut lowered {
        // The schema says itself what other formats say beside it.
        for (name, said) in [("title", &schema.name), ("description", &schema.description)] {
            match said {
                Some(said) if !top.contains_key(name) => put(top, name, said.clone()),
                Some(said) if top.get(name).is_none_or(|mine| mine != said) => changed = true,
                _ => {}
            }
        }
    }
    // A schema that was only a wish binds the model here.
    if changed || schema.strict == Some(false) {
        notes.lowered("response_format");
    }
    let format = json!({"type": "json_schema", "schema": lowered});
    if schema.extra.contains_key("output_format") {
        put(map, "output_format", format);
    } else if let Some(Value::Object(config)) = map.get_mut("output_config") {
        put(config, "format", format);
    } else {
        put(map, "output_config", json!({"format": format}));
    }
    merge(map, &schema.extra);
}

fn put_sampling(
    map: &mut Map<String, Value>,
    sampling: &Sampling,
    abilities: &Abilities,
    thinks: bool,
    notes: &mut Notes,
) {
    let mut number = |name: &str, value: &Option<Number>, why: Option<&'static str>, notes: &mut Notes| {
        let Some(value) = value else { return };
        match why {
            Some(why) => notes.hint(format!("sampling.{name}"), why),
            None => put(map, name, Value::Number(value.clone())),
        }
    };
    let refused = (!abilities.sampling).then_some("this model takes no sampling parameters");
    let while_thinking = thinks.then_some("Anthropic's models take it only when they do not think");
    let two = sampling.temperature.is_some() && !abilities.both_temperature_and_top_p;
    let beside = two.then_some("this model takes either temperature or top_p");
    let mut temperature = sampling.temperature.clone();
    if refused.or(while_thinking).is_none()
        && temperature.as_ref().and_then(Number::as_f64).is_some_and(|value| value > 1.0)
    {
        // Other vendors go to 2, Anthropic to 1.
        temperature = Some(1.into());
        notes.lowered("sampling.temperature");
    }
    number("temperature", &temperature, refused.or(while_thinking), notes);
    number("top_p", &sampling.top_p, refused.or(while_thinking).or(beside), notes);
    number("top_k", &sampling.top_k, refused.or(while_thinking), notes);
    let zero = |value: &Number| value.as_f64() == Some(0.0);
    for (name, value) in
        [("frequency_penalty", &sampling.frequency_penalty), ("presence_penalty", &sampling.presence_penalty)]
    {
        if value.as_ref().is_some_and(|value| !zero(value)) {
            notes.hint(format!("sampling.{name}"), "Anthropic's models take no penalties");
        }
    }
    if sampling.seed.is_some() {
        notes.hint("sampling.seed", "Anthropic's answers cannot be made repeatable");
    }
    if sampling.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty()) {
        notes.meaning("sampling.logit_bias", "Anthropic's models take no bias on tokens");
    }
}

fn put_stop(map: &mut Map<String, Value>, stop: Option<&Stop>, notes: &mut Notes) {
    let Some(stop) = stop else { return };
    let all = stop.as_slice();
    let kept: Vec<&String> = all.iter().filter(|each| !each.trim().is_empty()).collect();
    if kept.len() < all.len() {
        notes.meaning("stop", "Anthropic takes no stop sequences of white space alone");
    }
    if !kept.is_empty() || all.is_empty() {
        put(map, "stop_sequences", kept.into_iter().cloned().collect::<Vec<_>>());
    }
}

fn put_tier(map: &mut Map<String, Value>, tier: Option<&str>, notes: &mut Notes) {
    let word = match tier {
        None => return,
        // `auto` takes the priority capacity that was bought, if there is any left.
        Some("auto" | "priority") => "auto",
        Some("default" | "standard" | "standard_only") => "standard_only",
        Some(_) => {
            notes.hint("service_tier", "Anthropic knows auto and standard_only");
            return;
        }
    };
    put(map, "service_tier", word);
}

/// Names what the format has no field for.
fn note_unsaid(request: &Request, notes: &mut Notes) {
    if request.n.is_some_and(|n| n > 1) {
        notes.meaning("n", "Anthropic gives one answer: send the request again for more");
    }
    if request.logprobs == Some(true) {
        notes.meaning("logprobs", "Anthropic does not tell probabilities");
    }
    if request.top_logprobs.is_some_and(|count| count > 0) {
        notes.meaning("top_logprobs", "Anthropic does not tell probabilities");
    }
    let other = |modality: &String| modality != "text";
    if request.modalities.as_ref().is_some_and(|modalities| modalities.iter().any(other)) {
        notes.meaning("modalities", "Anthropic's models answer with text only");
    }
    if request.audio.is_some() {
        notes.meaning("audio", "Anthropic's models answer with text only");
    }
    if request.prediction.is_some() {
        notes.hint("prediction", "Anthropic takes no predicted output");
    }
    if request.metadata.as_ref().is_some_and(|metadata| !metadata.is_empty()) {
        notes.hint("metadata", "Anthropic keeps no notes beside the user's id");
    }
    if request.store == Some(true) {
        notes.hint("store", "Anthropic keeps no answers to fetch later");
    }
    if request.prompt_cache_key.is_some() {
        notes.hint("prompt_cache_key", "Anthropic caches by marks in the prompt");
    }
    if request.prompt_cache_retention.is_some() {
        notes.hint("prompt_cache_retention", "Anthropic's marks in the prompt say how long it is kept");
    }
    if request.safety_identifier.is_some() {
        notes.hint("safety_identifier", "Anthropic takes one id of the person, `user`");
    }
    if request.verbosity.is_some() {
        notes.hint("verbosity", "Anthropic has no such setting");
    }
}
