//! Requests, read and written.

use serde_json::{Map, Number, Value};

use crate::chat::{
    Content, Extra, Message, OutputLimit, Part, Request, ResponseFormat, Role, Sampling, Shape, Stop,
    ToolChoice,
};
use crate::dialect::fields::{self, Path, merge, put, put_some};
use crate::dialect::loss::Notes;
use crate::dialect::{DecodeError, Encoded, Loss, Target, Weight};
use crate::json;

/// A part that stands for prompts which are not one text; they are in its `extra` under `prompt`.
const PROMPTS: &str = "openai_completions_prompt";

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
    let prompt = decode_prompt(fields::take(&mut map, "prompt"))?;
    let mut request = Request::new(model, vec![prompt]);
    for (name, wanted) in [("suffix", "a string"), ("echo", "a boolean")] {
        let right = |value: &Value| match name {
            "suffix" => value.is_string(),
            _ => value.is_boolean(),
        };
        if map.get(name).is_some_and(|value| !value.is_null() && !right(value)) {
            return Err(path.field_error(name, format!("expected {wanted}")));
        }
    }
    if map.get("seed").and_then(Value::as_number).is_some_and(|seed| !seed.is_i64() && !seed.is_u64()) {
        return Err(path.field_error("seed", "expected a whole number"));
    }
    let mut number = |name| fields::number(&mut map, path, name);
    request.sampling = Sampling {
        temperature: number("temperature")?,
        top_p: number("top_p")?,
        top_k: number("top_k")?,
        frequency_penalty: number("frequency_penalty")?,
        presence_penalty: number("presence_penalty")?,
        seed: number("seed")?,
        logit_bias: fields::object(&mut map, path, "logit_bias")?,
    };
    request.stop = match fields::take(&mut map, "stop") {
        None => None,
        Some(Value::String(one)) => Some(Stop::One(one)),
        Some(Value::Array(many)) => Some(Stop::Many(fields::into_strings(&Path::Field(path, "stop"), many)?)),
        Some(_) => return Err(path.field_error("stop", "expected a string or an array of strings")),
    };
    request.n = fields::positive(&mut map, path, "n")?;
    request.output_limit =
        fields::whole(&mut map, path, "max_tokens")?.map(|tokens| OutputLimit { tokens, legacy: true });
    request.top_logprobs = fields::whole(&mut map, path, "logprobs")?;
    request.logprobs = request.top_logprobs.map(|_| true);
    request.user = fields::string(&mut map, path, "user")?;
    request.stream = fields::boolean(&mut map, path, "stream")?;
    if let Some(mut options) = fields::object(&mut map, path, "stream_options")? {
        request.include_usage =
            fields::boolean(&mut options, &Path::Field(path, "stream_options"), "include_usage")?;
        if request.include_usage.is_none() || !options.is_empty() {
            put(&mut map, "stream_options", options);
        }
    }
    request.extra = map;
    Ok(request)
}

fn decode_prompt(prompt: Option<Value>) -> Result<Message, DecodeError> {
    let at = Path::Field(&Path::Root, "prompt");
    let wrong =
        || at.error("expected a string, an array of strings, an array of tokens or an array of those");
    match prompt {
        Some(Value::String(text)) => {
            let parts = if text.is_empty() { Vec::new() } else { vec![Part::text(text)] };
            Ok(Message { shape: Shape::Text, ..Message::new(Role::User, parts) })
        }
        Some(Value::Array(prompts)) => {
            let is_tokens =
                |value: &Value| value.as_array().is_some_and(|tokens| tokens.iter().all(Value::is_u64));
            let is_one_sort = prompts.iter().all(Value::is_string)
                || prompts.iter().all(Value::is_u64)
                || prompts.iter().all(is_tokens);
            if prompts.is_empty() || !is_one_sort {
                return Err(wrong());
            }
            if let [Value::String(text)] = prompts.as_slice() {
                return Ok(Message { shape: Shape::Parts, ..Message::text(Role::User, text.clone()) });
            }
            let mut extra = Extra::new();
            put(&mut extra, "prompt", prompts);
            let part = Part { extra, ..Part::new(Content::Other(PROMPTS.to_owned())) };
            Ok(Message { shape: Shape::Parts, ..Message::new(Role::User, vec![part]) })
        }
        Some(_) => Err(wrong()),
        None => Err(at.error("required: the text to go on with")),
    }
}

/// What a request read from this format loses at a provider of another: several prompts, prompts as tokens, a text to
/// end with, the prompt in the answer. To be asked before [`Request::leave_extra`].
#[must_use]
pub(in crate::dialect) fn weigh_extra(request: &Request) -> Vec<Loss> {
    let mut lost = Vec::new();
    let mut lose = |field: &str, reason: &'static str, weight| {
        lost.push(Loss { field: field.to_owned(), reason: reason.into(), weight });
    };
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    if parts.into_iter().any(|part| prompts_of(part).is_some()) {
        lose(
            "prompt",
            "a chat model takes one prompt, as text; send each in a request of its own",
            Weight::Meaning,
        );
    }
    let says = |name: &str| match request.extra.get(name) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    };
    if says("suffix") {
        lose("suffix", "a chat model cannot fill in a text between two others", Weight::Meaning);
    }
    if says("echo") {
        lose(
            "echo",
            "a chat model does not repeat the prompt; put it in front of the answer",
            Weight::Meaning,
        );
    }
    if says("best_of") {
        lose("best_of", "a chat model gives each answer that it writes", Weight::Hint);
    }
    lost
}

fn prompts_of(part: &Part) -> Option<&Value> {
    matches!(&part.content, Content::Other(kind) if kind == PROMPTS)
        .then(|| part.extra.get("prompt"))
        .flatten()
}

/// Writes a request. What the format cannot say is left out and named.
#[must_use]
pub fn encode_request(request: &Request, target: &Target<'_>) -> Encoded {
    let mut map = Map::new();
    let mut notes = Notes::default();
    put(&mut map, "model", target.model);
    put(&mut map, "prompt", encode_prompt(request, &mut notes));
    let mut number = |name, value: &Option<Number>| {
        if let Some(value) = value {
            put(&mut map, name, Value::Number(value.clone()));
        }
    };
    let sampling = &request.sampling;
    number("temperature", &sampling.temperature);
    number("top_p", &sampling.top_p);
    number("top_k", &sampling.top_k);
    number("frequency_penalty", &sampling.frequency_penalty);
    number("presence_penalty", &sampling.presence_penalty);
    number("seed", &sampling.seed);
    put_some(&mut map, "logit_bias", sampling.logit_bias.as_ref());
    match &request.stop {
        Some(Stop::One(one)) => put(&mut map, "stop", one.clone()),
        Some(Stop::Many(many)) => put(&mut map, "stop", many.clone()),
        None => {}
    }
    put_some(&mut map, "n", request.n.as_ref());
    put_some(&mut map, "max_tokens", request.output_limit.map(|limit| limit.tokens).as_ref());
    if request.logprobs == Some(true) {
        put(&mut map, "logprobs", request.top_logprobs.unwrap_or(0));
    }
    put_some(&mut map, "user", request.user.as_ref());
    put_some(&mut map, "stream", request.stream.as_ref());
    if let Some(include_usage) = request.include_usage {
        let mut options = Map::new();
        put(&mut options, "include_usage", include_usage);
        put(&mut map, "stream_options", options);
    }
    note_unsayable(request, &mut notes);
    merge(&mut map, &request.extra);
    notes.into_encoded(json::to_bytes(&Value::Object(map)))
}

/// One message of the user is the prompt. A conversation is told as its text, turn by turn, and the loss is noted.
fn encode_prompt(request: &Request, notes: &mut Notes) -> Value {
    if let [message] = request.messages.as_slice() {
        if let [part] = message.parts.as_slice()
            && let Some(prompts) = prompts_of(part)
        {
            return prompts.clone();
        }
        if message.role == Role::User {
            let text = text_of(message, 0, notes);
            let listed = message.shape == Shape::Parts && message.parts.len() == 1;
            return if listed { Value::Array(vec![text.into()]) } else { text.into() };
        }
    }
    notes.meaning("messages", "Completions takes one text; a conversation is told as a text of its turns");
    let mut told = String::new();
    for (index, message) in request.messages.iter().enumerate() {
        let text = text_of(message, index, notes);
        told.push_str(message.role.as_str());
        told.push_str(": ");
        told.push_str(&text);
        told.push_str("\n\n");
    }
    told.push_str("assistant:");
    told.into()
}

fn text_of(message: &Message, index: usize, notes: &mut Notes) -> String {
    if message.name.is_some() {
        notes.hint(format!("messages[{index}].name"), "Completions has no participants");
    }
    let mut text = String::new();
    for (place, part) in message.parts.iter().enumerate() {
        let field = format!("messages[{index}].content[{place}]");
        match &part.content {
            Content::Text(said) => text.push_str(&said.text),
            Content::Refusal(said) => text.push_str(said),
            Content::Reasoning(_) => notes.hint(field.clone(), "Completions takes no reasoning back"),
            _ => notes.meaning(field.clone(), "Completions takes text only"),
        }
        if part.cache.is_some() {
            notes.hint(format!("{field}.cache"), "Completions has no cache marks");
        }
        if part.signature.is_some() {
            notes.hint(format!("{field}.signature"), "Completions has no signatures");
        }
    }
    text
}

/// Names what the format has no field for.
fn note_unsayable(request: &Request, notes: &mut Notes) {
    if !request.tools.is_empty() {
        notes.meaning("tools", "Completions has no tools");
    }
    if request
        .tool_choice
        .as_ref()
        .is_some_and(|choice| !matches!(choice, ToolChoice::Auto | ToolChoice::None))
    {
        notes.meaning("tool_choice", "Completions has no tools");
    }
    if request.response_format.as_ref().is_some_and(|format| *format != ResponseFormat::Text) {
        notes.meaning("response_format", "Completions has no forms of answers");
    }
    let words = request.modalities.iter().flatten();
    if request.audio.is_some() || words.into_iter().any(|word| word != "text") {
        notes.meaning("modalities", "Completions answers with text");
    }
    if request.web_search.is_some() {
        notes.meaning("web_search", "Completions does not search the web");
    }
    for (said, field) in [
        (request.parallel_tool_calls.is_some(), "parallel_tool_calls"),
        (request.reasoning.is_some(), "reasoning"),
        (request.prediction.is_some(), "prediction"),
        (request.service_tier.is_some(), "service_tier"),
        (request.metadata.is_some(), "metadata"),
        (request.store == Some(true), "store"),
        (request.prompt_cache_key.is_some(), "prompt_cache_key"),
        (request.prompt_cache_retention.is_some(), "prompt_cache_retention"),
        (request.safety_identifier.is_some(), "safety_identifier"),
        (request.verbosity.is_some(), "verbosity"),
    ] {
        if said {
            notes.hint(field, "Completions has no such field");
        }
    }
}
