//! `generationConfig`: sampling, limits, the form of the answer.

use serde_json::{Map, Number, Value, json};

use super::names::{camel, mark, marked, merge_extra, put_rest, takes_json_schema};
use super::thinking;
use crate::chat::{AudioOutput, Extra, OutputLimit, Request, ResponseFormat, Sampling, Schema, Stop};
use crate::dialect::fields::{self, Path, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, Target};
use crate::schema::{self, Rules};

const JSON: &str = "application/json";

/// Takes `generationConfig` apart.
pub(super) fn take(map: &mut Extra, request: &mut Request) -> Result<(), DecodeError> {
    let path = &Path::Field(&Path::Root, "generationConfig");
    let Some(mut config) = fields::object(map, &Path::Root, "generationConfig")? else { return Ok(()) };
    let was_empty = config.is_empty();
    camel(&mut config);
    if config.get("seed").and_then(Value::as_number).is_some_and(|seed| !seed.is_i64() && !seed.is_u64()) {
        return Err(path.field_error("seed", "expected a whole number"));
    }
    let mut number = |name| fields::number(&mut config, path, name);
    request.sampling = Sampling {
        temperature: number("temperature")?,
        top_p: number("topP")?,
        top_k: number("topK")?,
        frequency_penalty: number("frequencyPenalty")?,
        presence_penalty: number("presencePenalty")?,
        seed: number("seed")?,
        logit_bias: None,
    };
    request.n = fields::positive(&mut config, path, "candidateCount")?;
    request.output_limit = fields::positive(&mut config, path, "maxOutputTokens")?
        .map(|tokens| OutputLimit { tokens, legacy: false });
    request.stop = fields::strings(&mut config, path, "stopSequences")?.map(Stop::Many);
    request.logprobs = fields::boolean(&mut config, path, "responseLogprobs")?;
    request.top_logprobs = fields::whole(&mut config, path, "logprobs")?;
    if let Some(modalities) = fields::strings(&mut config, path, "responseModalities")? {
        if modalities.iter().any(|word| *word != word.to_ascii_uppercase()) {
            mark(map, "responseModalities", modalities.clone());
        }
        request.modalities = Some(modalities.iter().map(|word| word.to_ascii_lowercase()).collect());
    }
    request.response_format = take_format(&mut config, path)?;
    request.audio = take_speech(&mut config, path)?;
    request.reasoning = thinking::take(&mut config, path, map)?;
    put_rest(map, "generationConfig", config, was_empty);
    Ok(())
}

fn take_format(config: &mut Extra, path: &Path<'_>) -> Result<Option<ResponseFormat>, DecodeError> {
    let Some(kind) = fields::string(config, path, "responseMimeType")? else { return Ok(None) };
    match kind.as_str() {
        "text/plain" => return Ok(Some(ResponseFormat::Text)),
        JSON => {}
        _ => {
            // A single word out of a list (`text/x.enum`), or what comes next.
            let mut other = Map::new();
            put(&mut other, "responseMimeType", kind);
            for name in ["responseSchema", "responseJsonSchema"] {
                put_some(&mut other, name, fields::take(config, name).as_ref());
            }
            return Ok(Some(ResponseFormat::Other(Value::Object(other))));
        }
    }
    let mut extra = Extra::new();
    let schema = if let Some(schema) = fields::take(config, "responseJsonSchema") {
        mark(&mut extra, "responseJsonSchema", true);
        schema
    } else if let Some(schema) = fields::take(config, "responseSchema") {
        let read = schema::from_openapi(&schema);
        mark(&mut extra, "responseSchema", schema);
        read
    } else {
        return Ok(Some(ResponseFormat::JsonObject));
    };
    Ok(Some(ResponseFormat::JsonSchema(Schema { schema: Some(schema), extra, ..Schema::default() })))
}

fn take_speech(config: &mut Extra, path: &Path<'_>) -> Result<Option<AudioOutput>, DecodeError> {
    let Some(mut speech) = fields::object(config, path, "speechConfig")? else { return Ok(None) };
    camel(&mut speech);
    let mut output = AudioOutput::default();
    if let Some(Value::Object(mut voice)) = fields::take_if(&mut speech, "voiceConfig", Value::is_object) {
        camel(&mut voice);
        if let Some(Value::Object(mut prebuilt)) =
            fields::take_if(&mut voice, "prebuiltVoiceConfig", Value::is_object)
        {
            camel(&mut prebuilt);
            output.voice = fields::try_string(&mut prebuilt, "voiceName").map(Value::from);
            put_rest(&mut voice, "prebuiltVoiceConfig", prebuilt, output.voice.is_none());
        }
        put_rest(&mut speech, "voiceConfig", voice, output.voice.is_none());
    }
    output.extra = speech;
    Ok(Some(output))
}

/// Writes `generationConfig`.
pub(super) fn put_config(
    map: &mut Map<String, Value>,
    request: &Request,
    target: &Target<'_>,
    notes: &mut Notes,
) {
    let mut config = Map::new();
    let mut number =
        |name, value: &Option<Number>| put_some(&mut config, name, value.clone().map(Value::Number).as_ref());
    let sampling = &request.sampling;
    number("temperature", &sampling.temperature);
    number("topP", &sampling.top_p);
    number("topK", &sampling.top_k);
    number("frequencyPenalty", &sampling.frequency_penalty);
    number("presencePenalty", &sampling.presence_penalty);
    number("seed", &sampling.seed);
    if sampling.logit_bias.is_some() {
        notes.meaning("sampling.logit_bias", "Gemini cannot make single tokens likelier");
    }
    put_some(&mut config, "candidateCount", request.n.as_ref());
    put_some(&mut config, "maxOutputTokens", request.output_limit.map(|limit| limit.tokens).as_ref());
    if let Some(stop) = &request.stop {
        put(&mut config, "stopSequences", stop.as_slice().to_vec());
    }
    put_some(&mut config, "responseLogprobs", request.logprobs.as_ref());
    put_some(&mut config, "logprobs", request.top_logprobs.as_ref());
    if let Some(modalities) = &request.modalities {
        let said = marked(&request.extra, "responseModalities").cloned();
        let words = || modalities.iter().map(|word| Value::from(word.to_ascii_uppercase())).collect();
        put(&mut config, "responseModalities", said.unwrap_or_else(words));
    }
    put_format(&mut config, request.response_format.as_ref(), target, notes);
    if let Some(audio) = &request.audio {
        put_speech(&mut config, audio, notes);
    }
    thinking::put_thinking(&mut config, request, target, notes);
    if !config.is_empty() {
        put(map, "generationConfig", config);
    }
}

fn put_format(
    config: &mut Map<String, Value>,
    format: Option<&ResponseFormat>,
    target: &Target<'_>,
    notes: &mut Notes,
) {
    match format {
        None => {}
        Some(ResponseFormat::Text) => put(config, "responseMimeType", "text/plain"),
        Some(ResponseFormat::JsonObject) => put(config, "responseMimeType", JSON),
        Some(ResponseFormat::JsonSchema(schema)) => put_schema(config, schema, target, notes),
        Some(ResponseFormat::Other(Value::Object(own))) if own.contains_key("responseMimeType") => {
            config.extend(own.clone());
        }
        Some(ResponseFormat::Other(_)) => {
            notes.meaning("response_format", "Gemini answers in text, JSON, or JSON that follows a schema");
        }
    }
}

/// Google always holds the model to the schema, so `strict` is granted. The name goes into the schema as its title.
fn put_schema(config: &mut Map<String, Value>, schema: &Schema, target: &Target<'_>, notes: &mut Notes) {
    put(config, "responseMimeType", JSON);
    if let Some(said) = marked(&schema.extra, "responseSchema") {
        put(config, "responseSchema", said.clone());
        return;
    }
    let Some(said) = &schema.schema else { return };
    if marked(&schema.extra, "responseJsonSchema").is_some() {
        put(config, "responseJsonSchema", said.clone());
        return;
    }
    let (name, rules) = if takes_json_schema(target.model) {
        ("responseJsonSchema", &Rules::GEMINI_JSON)
    } else {
        ("responseSchema", &Rules::GEMINI_OPENAPI)
    };
    let (mut lowered, named) = schema::lower(said, rules);
    notes.lowered_at("response_format.schema", &named);
    if let Value::Object(map) = &mut lowered
        && !map.contains_key("$ref")
        && !(map.contains_key("anyOf") && name == "responseSchema")
    {
        for (keyword, text) in [("title", &schema.name), ("description", &schema.description)] {
            if let Some(text) = text {
                map.entry(keyword).or_insert_with(|| text.clone().into());
            }
        }
    }
    put(config, name, lowered);
}

fn put_speech(config: &mut Map<String, Value>, audio: &AudioOutput, notes: &mut Notes) {
    let mut speech = Map::new();
    match &audio.voice {
        Some(Value::String(voice)) => {
            put(&mut speech, "voiceConfig", json!({"prebuiltVoiceConfig": {"voiceName": voice}}));
        }
        Some(_) => notes.meaning("audio.voice", "Gemini takes the name of one of its own voices"),
        None => {}
    }
    if audio.format.as_deref().is_some_and(|format| format != "pcm16") {
        notes.meaning("audio.format", "Gemini speaks raw sound only: ask for pcm16 (24 kHz, one channel)");
    }
    merge_extra(&mut speech, &audio.extra);
    put(config, "speechConfig", speech);
}
