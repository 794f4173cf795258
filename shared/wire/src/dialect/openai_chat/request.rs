//! Requests, read and written.

use serde_json::{Map, Number, Value, json};

use super::{effort, foreign, message, tool};
use crate::chat::{
    AudioOutput, Definition, Effort, Extra, Location, OutputLimit, Part, Prediction, ReasoningRequest,
    ReasoningRequestSpelling, Request, ResponseFormat, Role, Sampling, Schema, Stop, Tool, ToolChoice,
    WebSearch,
};
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::schema_name::schema_name;
use crate::dialect::{DecodeError, Dialect, Encoded, Target, origin};
use crate::json;

/// Reads a request.
///
/// # Errors
/// Names the field that is missing or of a wrong type. Fields the format does not know pass into `extra`.
pub fn decode_request(body: &[u8]) -> Result<Request, DecodeError> {
    read(fields::parse_object(body)?)
}

/// Reads a request that is taken apart already, for formats that differ in little.
pub(in crate::dialect) fn read(mut map: Extra) -> Result<Request, DecodeError> {
    let path = &Path::Root;
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
        request.messages.push(message::decode_message(value, &Path::Item(&at, index), false)?);
    }
    take_tools(&mut request, &mut map)?;
    request.parallel_tool_calls = fields::boolean(&mut map, path, "parallel_tool_calls")?;
    request.response_format = fields::take(&mut map, "response_format").map(decode_format).transpose()?;
    request.sampling = take_sampling(&mut map)?;
    request.stop = match fields::take(&mut map, "stop") {
        None => None,
        Some(Value::String(one)) => Some(Stop::One(one)),
        Some(Value::Array(many)) => Some(Stop::Many(fields::into_strings(&Path::Field(path, "stop"), many)?)),
        Some(_) => return Err(path.field_error("stop", "expected a string or an array of strings")),
    };
    request.n = fields::positive(&mut map, path, "n")?;
    request.output_limit = match fields::positive(&mut map, path, "max_completion_tokens")? {
        Some(tokens) => Some(OutputLimit { tokens, legacy: false }),
        None => {
            fields::positive(&mut map, path, "max_tokens")?.map(|tokens| OutputLimit { tokens, legacy: true })
        }
    };
    request.logprobs = fields::boolean(&mut map, path, "logprobs")?;
    request.top_logprobs = fields::whole(&mut map, path, "top_logprobs")?;
    request.reasoning = take_reasoning(&mut map)?;
    request.modalities = fields::strings(&mut map, path, "modalities")?;
    if let Some(mut audio) = fields::object(&mut map, path, "audio")? {
        let voice = fields::take(&mut audio, "voice");
        let format = fields::string(&mut audio, &Path::Field(path, "audio"), "format")?;
        request.audio = Some(AudioOutput { voice, format, extra: audio });
    }
    if let Some(mut prediction) = fields::object(&mut map, path, "prediction")? {
        let (parts, shape) = message::take_content(&mut prediction, &Path::Field(path, "prediction"))?;
        fields::take_if(&mut prediction, "type", |kind| kind == "content");
        request.prediction = Some(Prediction { parts, shape, extra: prediction });
    }
    request.service_tier = fields::string(&mut map, path, "service_tier")?;
    request.user = fields::string(&mut map, path, "user")?;
    request.metadata = fields::object(&mut map, path, "metadata")?;
    request.store = fields::boolean(&mut map, path, "store")?;
    request.prompt_cache_key = fields::string(&mut map, path, "prompt_cache_key")?;
    request.prompt_cache_retention = fields::string(&mut map, path, "prompt_cache_retention")?;
    request.safety_identifier = fields::string(&mut map, path, "safety_identifier")?;
    request.verbosity = fields::string(&mut map, path, "verbosity")?;
    request.web_search =
        fields::object(&mut map, path, "web_search_options")?.map(decode_search).transpose()?;
    request.stream = fields::boolean(&mut map, path, "stream")?;
    if let Some(mut options) = fields::object(&mut map, path, "stream_options")? {
        let at = Path::Field(path, "stream_options");
        request.include_usage = fields::boolean(&mut options, &at, "include_usage")?;
        if request.include_usage.is_none() || !options.is_empty() {
            put(&mut map, "stream_options", options);
        }
    }
    origin::mark(&mut map, Dialect::OpenAiChat);
    request.extra = map;
    Ok(request)
}

fn take_tools(request: &mut Request, map: &mut Extra) -> Result<(), DecodeError> {
    let path = &Path::Root;
    // An empty list stays as it is: there is nothing to translate, and it comes back.
    let filled = |value: &Value| value.as_array().is_none_or(|tools| !tools.is_empty()) && !value.is_null();
    if map.get("tools").is_some_and(filled) {
        let at = Path::Field(path, "tools");
        for (index, value) in fields::array(map, path, "tools")?.unwrap_or_default().into_iter().enumerate() {
            request.tools.push(tool::decode_tool(value, &Path::Item(&at, index))?);
        }
    } else if map.get("functions").is_some_and(filled) {
        request.legacy_functions = true;
        let at = Path::Field(path, "functions");
        for (index, value) in
            fields::array(map, path, "functions")?.unwrap_or_default().into_iter().enumerate()
        {
            request.tools.push(tool::decode_function(value, &Path::Item(&at, index))?);
        }
    }
    let name = if request.legacy_functions { "function_call" } else { "tool_choice" };
    let is_choice = |value: &Value| value.is_string() || value.is_object();
    if map.get(name).is_some_and(|value| !value.is_null() && !is_choice(value)) {
        return Err(path.field_error(name, "expected a string or an object"));
    }
    request.tool_choice =
        fields::take(map, name).map(|value| tool::decode_choice(value, request.legacy_functions));
    Ok(())
}

fn take_sampling(map: &mut Extra) -> Result<Sampling, DecodeError> {
    let whole = |seed: &Number| seed.is_i64() || seed.is_u64();
    if map.get("seed").and_then(Value::as_number).is_some_and(|seed| !whole(seed)) {
        return Err(Path::Root.field_error("seed", "expected a whole number"));
    }
    let mut number = |name| fields::number(map, &Path::Root, name);
    Ok(Sampling {
        temperature: number("temperature")?,
        top_p: number("top_p")?,
        top_k: number("top_k")?,
        frequency_penalty: number("frequency_penalty")?,
        presence_penalty: number("presence_penalty")?,
        seed: number("seed")?,
        logit_bias: fields::object(map, &Path::Root, "logit_bias")?,
    })
}

fn decode_format(value: Value) -> Result<ResponseFormat, DecodeError> {
    let path = &Path::Field(&Path::Root, "response_format");
    let mut map = fields::into_object(path, value)?;
    let kind = fields::need_string(&mut map, path, "type")?;
    let whole = |mut map: Extra, kind: String| {
        put(&mut map, "type", kind);
        ResponseFormat::Other(Value::Object(map))
    };
    Ok(match kind.as_str() {
        "text" if map.is_empty() => ResponseFormat::Text,
        "json_object" if map.is_empty() => ResponseFormat::JsonObject,
        "json_schema" => {
            let at = Path::Field(path, "json_schema");
            let mut inner = fields::object(&mut map, path, "json_schema")?
                .ok_or_else(|| at.error("required: an object with `name` and `schema`"))?;
            let schema = Schema {
                name: fields::string(&mut inner, &at, "name")?,
                description: fields::string(&mut inner, &at, "description")?,
                schema: fields::take(&mut inner, "schema"),
                strict: fields::boolean(&mut inner, &at, "strict")?,
                extra: Extra::new(),
            };
            fields::put_back(&mut map, "json_schema", inner);
            ResponseFormat::JsonSchema(Schema { extra: map, ..schema })
        }
        _ => whole(map, kind),
    })
}

/// Reasoning is asked for in one of three fields; the first is taken, others stay.
fn take_reasoning(map: &mut Extra) -> Result<Option<ReasoningRequest>, DecodeError> {
    let path = &Path::Root;
    if let Some(effort) = fields::string(map, path, "reasoning_effort")? {
        return Ok(Some(ReasoningRequest {
            effort: Some(Effort::from(effort.as_str())),
            ..Default::default()
        }));
    }
    if let Some(mut reasoning) = fields::try_object(map, "reasoning") {
        let request = ReasoningRequest {
            effort: fields::try_string(&mut reasoning, "effort").map(|word| Effort::from(word.as_str())),
            budget: fields::try_whole(&mut reasoning, "max_tokens"),
            enabled: fields::try_boolean(&mut reasoning, "enabled"),
            shown: fields::try_boolean(&mut reasoning, "exclude").map(|hidden| !hidden),
            spelling: ReasoningRequestSpelling::Reasoning,
        };
        fields::put_back(map, "reasoning", reasoning);
        return Ok(Some(request));
    }
    if let Some(mut thinking) = fields::try_object(map, "thinking") {
        let word = |value: &Value| matches!(value.as_str(), Some("enabled" | "disabled"));
        let request = ReasoningRequest {
            effort: None,
            budget: fields::try_whole(&mut thinking, "budget_tokens"),
            enabled: fields::take_if(&mut thinking, "type", word).map(|value| value == "enabled"),
            shown: None,
            spelling: ReasoningRequestSpelling::Thinking,
        };
        fields::put_back(map, "thinking", thinking);
        return Ok(Some(request));
    }
    Ok(None)
}

fn decode_search(mut map: Extra) -> Result<WebSearch, DecodeError> {
    let path = &Path::Field(&Path::Root, "web_search_options");
    let context_size = fields::string(&mut map, path, "search_context_size")?;
    let mut location = None;
    let approximate = |value: &Value| {
        value.get("type").is_some_and(|kind| kind == "approximate")
            && value.get("approximate").is_some_and(Value::is_object)
    };
    if let Some(Value::Object(mut outer)) = fields::take_if(&mut map, "user_location", approximate) {
        outer.remove("type");
        let mut inner = fields::try_object(&mut outer, "approximate").unwrap_or_default();
        location = Some(Location {
            city: fields::try_string(&mut inner, "city"),
            country: fields::try_string(&mut inner, "country"),
            region: fields::try_string(&mut inner, "region"),
            timezone: fields::try_string(&mut inner, "timezone"),
        });
        fields::put_back(&mut outer, "approximate", inner);
        fields::put_back(&mut map, "user_location", outer);
    }
    Ok(WebSearch { context_size, location, extra: map })
}

/// Writes a request. What the format cannot say is left out and named, and so is what only another vendor's format
/// knows: its own tools, kinds of content, and forms of answers.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let own = origin::is(request, Dialect::OpenAiChat);
    let mut map = Map::new();
    let mut notes = Notes::default();
    put(&mut map, "model", target.model);
    let mut messages = Vec::with_capacity(request.messages.len());
    if own {
        for (index, each) in request.messages.iter().enumerate() {
            message::encode_messages(each, index, own, &mut messages, &mut notes);
        }
    } else {
        for (index, each) in foreign::messages(request, target, &mut notes) {
            message::encode_messages(&each, index, own, &mut messages, &mut notes);
        }
    }
    put(&mut map, "messages", messages);
    let strict = !own && foreign::is_strict(target);
    put_tools(&mut map, request, own, strict, &mut notes);
    put_some(&mut map, "parallel_tool_calls", request.parallel_tool_calls.as_ref());
    if let Some(format) = &request.response_format {
        put_format(&mut map, format, own, &mut notes);
    }
    put_sampling(&mut map, &request.sampling);
    if strict && map.shift_remove("top_k").is_some() {
        notes.hint("sampling.top_k", "OpenAI has no such parameter");
    }
    match &request.stop {
        Some(Stop::One(one)) => put(&mut map, "stop", one.clone()),
        Some(Stop::Many(many)) => put(&mut map, "stop", many.clone()),
        None => {}
    }
    put_some(&mut map, "n", request.n.as_ref());
    if let Some(limit) = request.output_limit {
        // The older name is the only one that many vendors know, and OpenAI's own models of today do not.
        let older = if own || target.kind.is_empty() { limit.legacy } else { limit.legacy || !strict };
        put(&mut map, if older { "max_tokens" } else { "max_completion_tokens" }, limit.tokens);
    }
    put_some(&mut map, "logprobs", request.logprobs.as_ref());
    put_some(&mut map, "top_logprobs", request.top_logprobs.as_ref());
    if let Some(reasoning) = &request.reasoning {
        if own {
            put_reasoning(&mut map, reasoning, &mut notes);
        } else {
            effort::put_effort(&mut map, reasoning, target, &mut notes);
        }
    }
    put_some(&mut map, "modalities", request.modalities.as_ref());
    put_output(&mut map, request, own, &mut notes);
    put_some(&mut map, "service_tier", request.service_tier.as_ref());
    put_some(&mut map, "user", request.user.as_ref());
    put_some(&mut map, "metadata", request.metadata.as_ref());
    put_some(&mut map, "store", request.store.as_ref());
    put_some(&mut map, "prompt_cache_key", request.prompt_cache_key.as_ref());
    put_some(&mut map, "prompt_cache_retention", request.prompt_cache_retention.as_ref());
    put_some(&mut map, "safety_identifier", request.safety_identifier.as_ref());
    put_some(&mut map, "verbosity", request.verbosity.as_ref());
    if let Some(search) = &request.web_search {
        put(&mut map, "web_search_options", encode_search(search));
    }
    put_some(&mut map, "stream", request.stream.as_ref());
    if let Some(include_usage) = request.include_usage {
        put(&mut map, "stream_options", json!({"include_usage": include_usage}));
    }
    merge(&mut map, &request.extra);
    origin::unmark(&mut map, Dialect::OpenAiChat);
    notes.into_encoded(json::to_bytes(&Value::Object(map)))
}

fn put_tools(map: &mut Map<String, Value>, request: &Request, own: bool, strict: bool, notes: &mut Notes) {
    let legacy = request.legacy_functions;
    let mut tools = Vec::with_capacity(request.tools.len());
    for (index, tool) in request.tools.iter().enumerate() {
        if !own && matches!(tool.definition, Definition::BuiltIn(_)) {
            let reason =
                "a tool that another vendor runs; declare a function, or use a model that has the tool";
            notes.meaning(format!("tools[{index}]"), reason);
        } else if strict && tool.cache.is_some() {
            notes.hint(format!("tools[{index}].cache"), "OpenAI caches prompts without being asked");
            tools.push(tool::encode_tool(&Tool { cache: None, ..tool.clone() }, legacy));
        } else {
            tools.push(tool::encode_tool(tool, legacy));
        }
    }
    if !tools.is_empty() {
        put(map, if legacy { "functions" } else { "tools" }, tools);
    }
    match &request.tool_choice {
        Some(ToolChoice::Other(_)) if !own => {
            notes.meaning("tool_choice", "expected auto, none, required, or one of the request's tools");
        }
        Some(choice) => {
            let name = if legacy { "function_call" } else { "tool_choice" };
            put(map, name, tool::encode_choice(choice, legacy));
        }
        None => {}
    }
}

fn put_sampling(map: &mut Map<String, Value>, sampling: &Sampling) {
    let mut number = |name, value: &Option<Number>| {
        if let Some(value) = value {
            put(map, name, Value::Number(value.clone()));
        }
    };
    number("temperature", &sampling.temperature);
    number("top_p", &sampling.top_p);
    number("top_k", &sampling.top_k);
    number("frequency_penalty", &sampling.frequency_penalty);
    number("presence_penalty", &sampling.presence_penalty);
    number("seed", &sampling.seed);
    put_some(map, "logit_bias", sampling.logit_bias.as_ref());
}

fn put_format(map: &mut Map<String, Value>, format: &ResponseFormat, own: bool, notes: &mut Notes) {
    let format = match format {
        ResponseFormat::Text => json!({"type": "text"}),
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema(schema) => {
            let mut inner = Map::new();
            if own {
                put_some(&mut inner, "name", schema.name.as_ref());
            } else {
                put(&mut inner, "name", schema_name(schema).into_owned());
            }
            put_some(&mut inner, "description", schema.description.as_ref());
            put_some(&mut inner, "schema", schema.schema.as_ref());
            put_some(&mut inner, "strict", schema.strict.as_ref());
            let mut map = Map::new();
            put(&mut map, "type", "json_schema");
            put(&mut map, "json_schema", inner);
            merge(&mut map, &schema.extra);
            Value::Object(map)
        }
        ResponseFormat::Other(value) if own => value.clone(),
        ResponseFormat::Other(_) => {
            notes.meaning("response_format", "this form is another vendor's; use a JSON schema");
            return;
        }
    };
    put(map, "response_format", format);
}

/// Writes how much to reason in the field that it was read from.
fn put_reasoning(map: &mut Map<String, Value>, reasoning: &ReasoningRequest, notes: &mut Notes) {
    let mut inner = Map::new();
    let effort = reasoning.effort.as_ref().map(|effort| effort.as_str().to_owned());
    match reasoning.spelling {
        ReasoningRequestSpelling::Auto | ReasoningRequestSpelling::OutputConfig => {
            put_some(map, "reasoning_effort", effort.as_ref());
            if reasoning.budget.is_some() {
                notes.hint("reasoning.budget", "OpenAI Chat Completions takes an effort in a word");
            }
        }
        ReasoningRequestSpelling::Reasoning => {
            put_some(&mut inner, "effort", effort.as_ref());
            put_some(&mut inner, "max_tokens", reasoning.budget.as_ref());
            put_some(&mut inner, "enabled", reasoning.enabled.as_ref());
            put_some(&mut inner, "exclude", reasoning.shown.map(|shown| !shown).as_ref());
            put(map, "reasoning", inner);
        }
        ReasoningRequestSpelling::Thinking => {
            if let Some(enabled) = reasoning.enabled {
                put(&mut inner, "type", if enabled { "enabled" } else { "disabled" });
            }
            put_some(&mut inner, "budget_tokens", reasoning.budget.as_ref());
            put(map, "thinking", inner);
        }
    }
}

/// Writes what is said about the answer besides its text.
fn put_output(map: &mut Map<String, Value>, request: &Request, own: bool, notes: &mut Notes) {
    if let Some(audio) = &request.audio {
        let mut inner = Map::new();
        put_some(&mut inner, "voice", audio.voice.as_ref());
        put_some(&mut inner, "format", audio.format.as_ref());
        merge(&mut inner, &audio.extra);
        put(map, "audio", inner);
    }
    if let Some(prediction) = &request.prediction {
        let mut inner = Map::new();
        if !prediction.extra.contains_key("type") {
            put(&mut inner, "type", "content");
        }
        let values: Vec<&Part> = prediction.parts.iter().collect();
        message::put_content(&mut inner, &values, prediction.shape, &Role::User, "prediction", own, notes);
        merge(&mut inner, &prediction.extra);
        put(map, "prediction", inner);
    }
}

fn encode_search(search: &WebSearch) -> Map<String, Value> {
    let mut map = Map::new();
    put_some(&mut map, "search_context_size", search.context_size.as_ref());
    if let Some(location) = &search.location {
        let mut inner = Map::new();
        put_some(&mut inner, "city", location.city.as_ref());
        put_some(&mut inner, "country", location.country.as_ref());
        put_some(&mut inner, "region", location.region.as_ref());
        put_some(&mut inner, "timezone", location.timezone.as_ref());
        put(&mut map, "user_location", json!({"type": "approximate", "approximate": inner}));
    }
    merge(&mut map, &search.extra);
    map
}
