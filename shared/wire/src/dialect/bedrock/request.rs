//! Requests, read and written.

use std::borrow::Cow;

use serde::Serialize as _;
use serde_json::{Map, Number, Value, json};

use super::{block, message, model, tool};
use crate::chat::{
    Effort, Extra, Message, OutputLimit, ReasoningRequest, ReasoningRequestSpelling, Request, ResponseFormat,
    Role, Sampling, Schema, Stop,
};
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, Dialect, Encoded, Target, origin};
use crate::json;
use crate::schema::{self, Rules};

const MODEL_EXAMPLE: &str = "expected the id of a model in the path, found none";
/// A mark in the `extra` of a schema: its text had a space behind each colon and comma, as Python writes.
const SPACED: &str = "spaced";
/// Longest key or value of `requestMetadata`, in characters.
const MAX_METADATA: usize = 256;

/// Reads the body of a request; the model and whether the answer is streamed come from the path.
///
/// # Errors
/// Names the field that is missing or of a wrong type. Fields the format does not know pass into `extra`.
pub fn decode_request(model: &str, stream: bool, body: &[u8]) -> Result<Request, DecodeError> {
    let path = &Path::Root;
    if model.is_empty() {
        return Err(path.field_error("modelId", MODEL_EXAMPLE));
    }
    decode_body(model, stream, body)
}

/// As [`decode_request`], where the path is read elsewhere.
pub(in crate::dialect) fn decode_body(
    model: &str,
    stream: bool,
    body: &[u8],
) -> Result<Request, DecodeError> {
    let path = &Path::Root;
    let mut map = fields::parse_object(body)?;
    let mut request = Request::new(model, Vec::new());
    request.stream = Some(stream);
    if map.get("system").is_some_and(|system| system.as_array().is_none_or(|blocks| !blocks.is_empty()))
        && let Some(blocks) = fields::array(&mut map, path, "system")?
    {
        let parts = block::decode_blocks(blocks, &Path::Field(path, "system"), false)?;
        request.messages.push(Message::new(Role::System, parts));
    }
    let at = Path::Field(path, "messages");
    let messages = fields::array(&mut map, path, "messages")?
        .ok_or_else(|| at.error("required: an array of at least one message"))?;
    if messages.is_empty() {
        return Err(at.error("expected at least one message, found an empty array"));
    }
    let mut before = None;
    for (index, value) in messages.into_iter().enumerate() {
        let message = message::decode_message(value, &Path::Item(&at, index), before.as_ref(), false)?;
        before = Some(message.role.clone());
        request.messages.push(message);
    }
    within(&mut map, "inferenceConfig", |config, at| {
        request.output_limit =
            fields::positive(config, at, "maxTokens")?.map(|tokens| OutputLimit { tokens, legacy: false });
        request.sampling.temperature = fields::number(config, at, "temperature")?;
        request.sampling.top_p = fields::number(config, at, "topP")?;
        request.stop = fields::strings(config, at, "stopSequences")?.map(Stop::Many);
        Ok(())
    })?;
    within(&mut map, "toolConfig", |config, at| {
        (request.tools, request.tool_choice) = tool::take_config(config, at)?;
        Ok(())
    })?;
    let mut effort = None;
    within(&mut map, "outputConfig", |config, at| {
        effort = fields::string(config, at, "effort")?.map(|word| Effort::from(word.as_str()));
        request.response_format = take_format(config, at)?;
        Ok(())
    })?;
    let mut marks = Extra::new();
    within(&mut map, model::ADDITIONAL, |additional, _| {
        request.sampling.top_k = model::take_top_k(additional);
        request.reasoning = model::take_reasoning(additional, effort.take(), &mut marks);
        Ok(())
    })?;
    if request.reasoning.is_none() {
        request.reasoning = model::take_reasoning(&mut Map::new(), effort, &mut marks);
    }
    take_tier(&mut request, &mut map)?;
    request.metadata = fields::object(&mut map, path, "requestMetadata")?;
    for (key, value) in request.metadata.iter().flatten() {
        if !is_metadata(key, value) {
            let at = Path::Field(path, "requestMetadata");
            return Err(
                at.field_error(key, "expected a text of at most 256 letters, digits and _:@$#=/+,-. signs")
            );
        }
    }
    map.append(&mut marks);
    origin::mark(&mut map, Dialect::Bedrock);
    request.extra = map;
    Ok(request)
}

/// Reads an object of settings and puts back what is left of it. An empty one stays.
fn within(
    map: &mut Map<String, Value>,
    name: &str,
    read: impl FnOnce(&mut Map<String, Value>, &Path<'_>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let Some(mut inner) = fields::object(map, &Path::Root, name)? else { return Ok(()) };
    let was_empty = inner.is_empty();
    read(&mut inner, &Path::Field(&Path::Root, name))?;
    if was_empty || !inner.is_empty() {
        put(map, name, inner);
    }
    Ok(())
}

/// The classes of service of Bedrock.
const TIERS: [&str; 4] = ["default", "flex", "priority", "reserved"];

fn take_tier(request: &mut Request, map: &mut Map<String, Value>) -> Result<(), DecodeError> {
    within(map, "serviceTier", |tier, _| {
        let known = |word: &Value| word.as_str().is_some_and(|word| TIERS.contains(&word));
        let word = fields::take_if(tier, "type", known);
        request.service_tier = word.as_ref().and_then(Value::as_str).map(str::to_owned);
        Ok(())
    })
}

/// A schema is a text here.
fn take_format(
    config: &mut Map<String, Value>,
    path: &Path<'_>,
) -> Result<Option<ResponseFormat>, DecodeError> {
    let Some(mut format) = fields::object(config, path, "textFormat")? else { return Ok(None) };
    let at = Path::Field(path, "textFormat");
    let kind = fields::need_string(&mut format, &at, "type")?;
    let inner_at = Path::Field(&at, "structure");
    let schema_at = Path::Field(&inner_at, "jsonSchema");
    let own = |kind: String, mut format: Extra| {
        put(&mut format, "type", kind);
        Ok(Some(ResponseFormat::Other(json!({"textFormat": format}))))
    };
    let Some(Value::Object(structure)) = format.get_mut("structure") else { return own(kind, format) };
    let Some(Value::Object(definition)) = structure.get_mut("jsonSchema") else { return own(kind, format) };
    let text = fields::need_string(definition, &schema_at, "schema")?;
    let parsed = serde_json::from_str::<Value>(&text)
        .map_err(|_| schema_at.field_error("schema", "expected a JSON schema, as text"))?;
    let mut schema = Schema {
        name: fields::string(definition, &schema_at, "name")?,
        description: fields::string(definition, &schema_at, "description")?,
        ..Schema::default()
    };
    let compact = parsed.to_string();
    if spaced(&parsed) == text && compact != text {
        schema.extra.insert(SPACED.to_owned(), Value::Null);
    } else if compact != text {
        definition.insert("schema".to_owned(), Value::String(text));
    }
    schema.schema = Some(parsed);
    if definition.is_empty() {
        structure.remove("jsonSchema");
    }
    if structure.is_empty() {
        format.remove("structure");
    }
    if kind != "json_schema" {
        put(&mut format, "type", kind);
    }
    fields::put_back(&mut schema.extra, "textFormat", format);
    Ok(Some(ResponseFormat::JsonSchema(schema)))
}

/// JSON with a space behind each colon and comma.
fn spaced(value: &Value) -> String {
    struct Spaced;
    impl serde_json::ser::Formatter for Spaced {
        fn begin_array_value<W: std::io::Write + ?Sized>(
            &mut self,
            out: &mut W,
            first: bool,
        ) -> std::io::Result<()> {
            if first { Ok(()) } else { out.write_all(b", ") }
        }
        fn begin_object_key<W: std::io::Write + ?Sized>(
            &mut self,
            out: &mut W,
            first: bool,
        ) -> std::io::Result<()> {
            if first { Ok(()) } else { out.write_all(b", ") }
        }
        fn begin_object_value<W: std::io::Write + ?Sized>(&mut self, out: &mut W) -> std::io::Result<()> {
            out.write_all(b": ")
        }
    }
    let mut out = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut out, Spaced);
    // Writing a value to memory does not fail.
    let _ = value.serialize(&mut writer);
    String::from_utf8(out).unwrap_or_default()
}

fn is_metadata(key: &str, value: &Value) -> bool {
    let fits = |text: &str| {
        text.chars().count() <= MAX_METADATA
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c.is_whitespace() || "_:@$#=/+,-.".contains(c))
    };
    !key.is_empty() && fits(key) && value.as_str().is_some_and(fits)
}

/// Writes the body of a request. What the format cannot say is left out and named. The model and the stream are said
/// in the path.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let own = origin::is(request, Dialect::Bedrock);
    let mut map = Map::new();
    let mut notes = Notes::default();
    let conversation = message::encode_messages(request, &mut notes);
    put(&mut map, "messages", conversation.messages);
    if !conversation.system.is_empty() {
        put(&mut map, "system", conversation.system);
    }
    let (mut additional, mut effort) = (Map::new(), None);
    if let Some(reasoning) = &request.reasoning {
        effort = model::put_reasoning(reasoning, request, target.model, &mut additional, &mut notes);
    }
    let told = |asked: &ReasoningRequest| asked.spelling == ReasoningRequestSpelling::Thinking;
    let thinks = model::is_thinking(&additional) && !request.reasoning.as_ref().is_some_and(told);
    if let Some(top_k) = &request.sampling.top_k {
        match model::refused_sampling(target.model, thinks, false) {
            Some(why) => notes.hint("sampling.top_k", why),
            None => model::put_top_k(top_k, target.model, &mut additional, &mut notes),
        }
    }
    let mut config = Map::new();
    put_some(&mut config, "maxTokens", request.output_limit.map(|limit| limit.tokens).as_ref());
    put_sampling(&mut config, &request.sampling, (target.model, thinks), &mut notes);
    if let Some(stop) = &request.stop {
        put(&mut config, "stopSequences", stop.as_slice().to_vec());
    }
    if !config.is_empty() {
        put(&mut map, "inferenceConfig", config);
    }
    put_some(&mut map, "toolConfig", tool::encode_config(request, own, &mut notes).as_ref());
    let mut output = Map::new();
    if let Some(format) = &request.response_format {
        put_format(&mut output, format, own, &mut notes);
    }
    put_some(&mut output, "effort", effort.as_ref());
    if !output.is_empty() {
        put(&mut map, "outputConfig", output);
    }
    if !additional.is_empty() {
        put(&mut map, model::ADDITIONAL, additional);
    }
    put_metadata(&mut map, request, &mut notes);
    note_unsaid(request, &mut notes);
    merge(&mut map, &request.extra);
    map.remove(model::EFFORT_ONLY);
    origin::unmark(&mut map, Dialect::Bedrock);
    notes.into_encoded(json::to_bytes(&Value::Object(map)))
}

fn put_sampling(
    config: &mut Map<String, Value>,
    sampling: &Sampling,
    (model, thinks): (&str, bool),
    notes: &mut Notes,
) {
    let refused = model::refused_sampling(model, thinks, false);
    let refused_beside = model::refused_sampling(model, thinks, sampling.temperature.is_some());
    for (name, said, why) in [
        ("sampling.temperature", &sampling.temperature, refused),
        ("sampling.top_p", &sampling.top_p, refused_beside),
    ] {
        if let (Some(_), Some(why)) = (said, why) {
            notes.hint(name, why);
        }
    }
    if let Some(temperature) = sampling.temperature.as_ref().filter(|_| refused.is_none()) {
        let most = Number::from(1);
        let too_much = temperature.as_f64().is_some_and(|temperature| temperature > 1.0);
        if too_much {
            notes.lowered.push("sampling.temperature".to_owned());
        }
        put(config, "temperature", Value::Number(if too_much { most } else { temperature.clone() }));
    }
    let top_p = sampling.top_p.clone().filter(|_| refused_beside.is_none());
    put_some(config, "topP", top_p.map(Value::Number).as_ref());
    for (name, said) in [
        ("sampling.frequency_penalty", sampling.frequency_penalty.is_some()),
        ("sampling.presence_penalty", sampling.presence_penalty.is_some()),
        ("sampling.seed", sampling.seed.is_some()),
    ] {
        if said {
            notes.hint(name, "Bedrock's Converse has no such parameter");
        }
    }
    if sampling.logit_bias.is_some() {
        notes.meaning("sampling.logit_bias", "Bedrock's Converse cannot make tokens more or less likely");
    }
}

fn put_format(output: &mut Map<String, Value>, format: &ResponseFormat, own: bool, notes: &mut Notes) {
    match format {
        ResponseFormat::Text => {}
        ResponseFormat::JsonSchema(Schema { name, description, schema: Some(schema), extra, .. }) => {
            let schema = if own {
                Cow::Borrowed(schema)
            } else {
                let (lowered, named) = schema::lower(schema, &Rules::BEDROCK_STRICT);
                notes.lowered_at("response_format.schema", &named);
                Cow::Owned(lowered)
            };
            let text = if extra.contains_key(SPACED) { spaced(&schema) } else { schema.to_string() };
            let own = extra.get("textFormat").and_then(Value::as_object);
            let said = own.and_then(|own| own.get("structure")?.get("jsonSchema")?.get("schema"));
            let mut definition = Map::new();
            if said.is_none() {
                put(&mut definition, "schema", text);
            }
            put_some(&mut definition, "name", name.as_ref());
            put_some(&mut definition, "description", description.as_ref());
            let mut format = Map::new();
            if own.is_none_or(|own| !own.contains_key("type")) {
                put(&mut format, "type", "json_schema");
            }
            put(&mut format, "structure", json!({"jsonSchema": definition}));
            if let Some(own) = own {
                merge(&mut format, own);
            }
            put(output, "textFormat", format);
        }
        ResponseFormat::JsonSchema(_) => {
            notes.meaning("response_format", "Bedrock needs the schema itself to give structured output");
        }
        ResponseFormat::JsonObject => notes.meaning(
            "response_format",
            "Bedrock gives JSON only by a schema; use a response format with a schema",
        ),
        ResponseFormat::Other(own) => match own.get("textFormat") {
            Some(format) => put(output, "textFormat", format.clone()),
            None => notes.meaning("response_format", "this form is another vendor's; use a JSON schema"),
        },
    }
}

fn put_metadata(map: &mut Map<String, Value>, request: &Request, notes: &mut Notes) {
    if let Some(tier) = &request.service_tier {
        match tier.as_str() {
            word if TIERS.contains(&word) => put(map, "serviceTier", json!({"type": word})),
            "auto" => put(map, "serviceTier", json!({"type": "default"})),
            _ => notes.hint(
                "service_tier",
                "Bedrock's classes of service are default, flex, priority and reserved",
            ),
        }
    }
    let Some(metadata) = &request.metadata else { return };
    let mut fitting = Map::new();
    for (key, value) in metadata {
        if is_metadata(key, value) {
            put(&mut fitting, key, value.clone());
        } else {
            notes.hint(
                format!("metadata.{key}"),
                "Bedrock takes texts of at most 256 letters, digits and a few signs",
            );
        }
    }
    if !fitting.is_empty() || metadata.is_empty() {
        put(map, "requestMetadata", fitting);
    }
}

/// Names what Bedrock has no field for at all.
fn note_unsaid(request: &Request, notes: &mut Notes) {
    let hints = [
        ("parallel_tool_calls", request.parallel_tool_calls == Some(false)),
        ("prediction", request.prediction.is_some()),
        ("user", request.user.is_some()),
        ("store", request.store.is_some()),
        ("prompt_cache_key", request.prompt_cache_key.is_some()),
        ("prompt_cache_retention", request.prompt_cache_retention.is_some()),
        ("safety_identifier", request.safety_identifier.is_some()),
        ("verbosity", request.verbosity.is_some()),
    ];
    for (name, _) in hints.iter().filter(|(_, said)| *said) {
        notes.hint(*name, "Bedrock's Converse has no such field");
    }
    let other_than_text = |modalities: &Vec<String>| modalities.iter().any(|each| each != "text");
    let meanings = [
        ("n", request.n.is_some_and(|n| n > 1), "Bedrock gives one answer; send several requests"),
        ("logprobs", request.logprobs == Some(true), "Bedrock tells no probabilities"),
        ("top_logprobs", request.top_logprobs.is_some_and(|n| n > 0), "Bedrock tells no probabilities"),
        (
            "modalities",
            request.modalities.as_ref().is_some_and(other_than_text),
            "Converse answers with text",
        ),
        ("audio", request.audio.is_some(), "Converse answers with text"),
        ("web_search", request.web_search.is_some(), "Converse does not search the web"),
    ];
    for (name, said, reason) in meanings {
        if said {
            notes.meaning(name, reason);
        }
    }
}
