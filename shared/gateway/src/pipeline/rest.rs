//! A REST service whose formats the configuration declares: a conversation is told by its templates, and what the service
//! answers is read by its expressions. Such a service gives whole answers only; a stream is written from one.

use bytes::{Bytes, BytesMut};
use postern_wire::chat::{Choice, ChoiceDelta, Delta, FinishReason, Message, Request, Response, Role};
use postern_wire::dialect::openai_chat::PeekFailure;
use postern_wire::dialect::plain::{Plain, plain};
use postern_wire::dialect::{DecodeError, Loss, Target, Weight};
use postern_wire::provider::Operation;
use postern_wire::{Dialect, Fault, FaultKind, Usage};
use serde_json::{Map, Value, json};

use super::attempt::WholeFacts;
use super::chat::Conversation;
use super::exchange::{How, Remarks, Sending, Tell, Told, Written, judge};
use super::reading::Translator;
use super::resolve::Leg;
use crate::config::{Provider, REST_CHAT, Rest, RestChat, RestInvocation};
use crate::error::{ErrorKind, GatewayError};
use crate::template::{self, Unfilled};

/// The format's name in messages and remarks.
const NAME: &str = "rest";

/// Writes the request of a conversation.
pub(super) fn converse<'l>(
    conversation: &Conversation<'_>,
    rest: &'l Rest,
    leg: &'l Leg,
    provider: &Provider,
) -> Result<Written<'l>, GatewayError> {
    let Some(chat) = &rest.chat else {
        let text = format!(
            "model: {}/{} is declared without `rest.chat`, so it cannot converse",
            leg.provider, leg.model
        );
        return Err(GatewayError::new(ErrorKind::InvalidRequest, text).at("model"));
    };
    let original = conversation.request()?;
    let mut request = Request::clone(original);
    let caller = conversation.call.dialect;
    caller.check(&request)?;
    let mut lost = caller.leave_extra(&mut request);
    let told = plain(&request, &Target::model(&leg.model));
    lost.extend(told.lost.iter().cloned());
    lost.extend(unused(chat, &told));
    // The caller finds in its request what is named as it wrote it.
    for loss in &mut lost {
        loss.field = caller.field_name(original, &loss.field);
    }
    judge(&lost, |_| false, leg, provider, NAME)?;
    let body = fill(&chat.request, &context(told, leg), leg, "rest.chat.request")?;
    let translator = Translator {
        to: caller,
        context: conversation.context(original, None),
        framing: conversation.framing(),
        foreign: true,
    };
    let reader = Reader {
        mapping: chat.clone(),
        model: leg.model.clone(),
        translator,
        stream: conversation.head.stream,
    };
    Ok(Written {
        sending: Sending::whole(to(rest, leg)),
        body,
        more: Vec::new(),
        how: How::Whole(Box::new(reader)),
        remarks: Remarks {
            translated: true,
            dropped: lost.into_iter().map(|loss| loss.field).collect(),
            lowered: Vec::new(),
        },
    })
}

/// Writes the request of a classic model.
pub(super) fn invoke<'l>(
    body: &Bytes,
    rest: &'l Rest,
    leg: &'l Leg,
    passed: &'static [&'static str],
) -> Result<Written<'l>, GatewayError> {
    let Some(mapping) = &rest.invocation else {
        let text = format!(
            "{}/{} is declared without `rest.invocation`, so it takes no such input",
            leg.provider, leg.model
        );
        return Err(GatewayError::new(ErrorKind::InvalidRequest, text));
    };
    let RestInvocation { request, response } = mapping;
    let (body, passed) = match request {
        None => (body.clone(), passed),
        Some(request) => {
            let given: Value = serde_json::from_slice(body).map_err(|error| {
                GatewayError::new(ErrorKind::InvalidRequest, format!("the body is not valid JSON: {error}"))
            })?;
            let context = json!({ "body": given, "model": leg.model });
            (fill(request, &context, leg, "rest.invocation.request")?, &[][..])
        }
    };
    let reader = Mapped { response: response.clone(), model: leg.model.clone() };
    Ok(Written {
        sending: Sending { passed, ..Sending::whole(to(rest, leg)) },
        body,
        more: Vec::new(),
        how: How::Whole(Box::new(reader)),
        remarks: Remarks { translated: response.is_some(), ..Remarks::default() },
    })
}

fn to<'l>(rest: &'l Rest, leg: &'l Leg) -> Operation<'l> {
    Operation::json(rest.path.as_deref().unwrap_or_default(), &leg.model)
}

/// What the caller asked and the service is not told, because its template does not use it.
fn unused(chat: &RestChat, told: &Plain) -> Vec<Loss> {
    let used = template::names(&chat.request);
    let mut lost = Vec::new();
    let mut lose = |field: String, weight| {
        lost.push(Loss { field, reason: "the service is declared without it".into(), weight });
    };
    if !used.contains("messages") {
        let instructs = |role: &Role| matches!(role, Role::System | Role::Developer);
        let last = told.turns.iter().rposition(|(role, _)| *role == Role::User);
        for (index, (role, _)) in told.turns.iter().enumerate() {
            let known = if instructs(role) {
                used.contains("system")
            } else {
                Some(index) == last && used.contains("prompt")
            };
            if !known {
                lose(format!("messages[{index}]"), Weight::Meaning);
            }
        }
    }
    for (name, value) in &told.fields {
        let one = name == "n" && *value == 1;
        if !one && !used.contains(name.as_str()) {
            let vital = matches!(name.as_str(), "n" | "response_format");
            lose(name.clone(), if vital { Weight::Meaning } else { Weight::Hint });
        }
    }
    lost
}

/// What a template may use. What was not asked is null.
fn context(told: Plain, leg: &Leg) -> Value {
    let Plain { turns, mut fields, .. } = told;
    let mut context: Map<String, Value> =
        REST_CHAT.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    let instructs = |role: &Role| matches!(role, Role::System | Role::Developer);
    let texts: Vec<&str> =
        turns.iter().filter(|(role, _)| instructs(role)).map(|(_, text)| text.as_str()).collect();
    if !texts.is_empty() {
        context.insert("system".to_owned(), texts.join("\n\n").into());
    }
    if let Some((_, text)) = turns.iter().rev().find(|(role, _)| *role == Role::User) {
        context.insert("prompt".to_owned(), text.as_str().into());
    }
    let messages = turns.iter().map(|(role, text)| json!({ "role": role.as_str(), "content": text }));
    let messages: Vec<Value> = messages.collect();
    context.insert("messages".to_owned(), messages.into());
    context.insert("model".to_owned(), leg.model.as_str().into());
    context.append(&mut fields);
    Value::Object(context)
}

fn fill(template: &Value, context: &Value, leg: &Leg, place: &str) -> Result<Bytes, GatewayError> {
    match template::fill(template, context) {
        Ok(filled) => Ok(filled.to_string().into()),
        Err(Unfilled { path, reason }) => {
            let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
            let text = format!(
                "the request has nothing for what {}/{} needs: {place}{dot}{path}: {reason}",
                leg.provider, leg.model
            );
            Err(GatewayError::new(ErrorKind::InvalidRequest, text))
        }
    }
}

/// An answer that cannot be read as the configuration declares.
fn misread(place: &str, error: &Unfilled) -> PeekFailure {
    let text = format!("the answer is not as declared: {place}: {error}");
    PeekFailure::Fault(Fault::new(FaultKind::BadAnswer, text))
}

fn parse(body: &[u8], model: &str) -> Result<Value, PeekFailure> {
    match serde_json::from_slice::<Value>(body) {
        Ok(given) => Ok(json!({ "body": given, "model": model })),
        Err(_) => Err(PeekFailure::Decode(DecodeError::at("", "expected JSON"))),
    }
}

/// Reads the answer of a conversation and tells it in the caller's format.
struct Reader {
    mapping: RestChat,
    model: String,
    translator: Translator,
    stream: bool,
}

impl Reader {
    /// A number of tokens, where one is declared.
    fn tokens(template: Option<&Value>, place: &str, given: &Value) -> Result<Option<u64>, PeekFailure> {
        let Some(template) = template else { return Ok(None) };
        let value = template::fill(template, given).map_err(|error| misread(place, &error))?;
        let whole = value.as_u64().or_else(|| {
            value
                .as_f64()
                .filter(|number| number.fract() == 0.0 && *number >= 0.0)
                .map(|number| number as u64)
        });
        if whole.is_none() && !value.is_null() {
            let reason = "expected a whole number of tokens".to_owned();
            return Err(misread(place, &Unfilled { path: String::new(), reason }));
        }
        Ok(whole)
    }

    fn response(&self, given: &Value) -> Result<Response, PeekFailure> {
        let RestChat { text, finish_reason, input_tokens, output_tokens, .. } = &self.mapping;
        let place = "rest.chat.text";
        let text = match template::fill(text, given).map_err(|error| misread(place, &error))? {
            Value::String(text) => text,
            number @ (Value::Number(_) | Value::Bool(_)) => number.to_string(),
            _ => {
                let reason = "expected a text".to_owned();
                return Err(misread(place, &Unfilled { path: String::new(), reason }));
            }
        };
        let finish = match finish_reason {
            None => FinishReason::Stop,
            Some(template) => {
                let place = "rest.chat.finish_reason";
                match template::fill(template, given).map_err(|error| misread(place, &error))?.as_str() {
                    None | Some("stop") => FinishReason::Stop,
                    Some("length") => FinishReason::Length,
                    Some("content_filter") => FinishReason::ContentFilter,
                    Some(other) => FinishReason::Other(other.to_owned()),
                }
            }
        };
        let input = Self::tokens(input_tokens.as_ref(), "rest.chat.input_tokens", given)?;
        let output = Self::tokens(output_tokens.as_ref(), "rest.chat.output_tokens", given)?;
        let usage = match (input, output) {
            (None, None) => None,
            (input, output) => Some(Usage {
                input: input.unwrap_or_default(),
                output: output.unwrap_or_default(),
                ..Usage::default()
            }),
        };
        let choice = Choice { finish: Some(finish), ..Choice::new(0, Message::text(Role::Assistant, text)) };
        Ok(Response { choices: vec![choice], usage, ..Response::default() })
    }

    /// The whole answer as the events of a stream.
    fn told_as_stream(&self, response: &Response) -> Bytes {
        let mut encoder = self.translator.clone().stream_encoder();
        let mut out = BytesMut::new();
        let mut tell = |delta: &Delta| encoder.delta(delta, &mut out);
        tell(&Delta::Start(Box::default()));
        for choice in &response.choices {
            tell(&Delta::of(choice.index, ChoiceDelta::Role(Role::Assistant)));
            tell(&Delta::of(choice.index, ChoiceDelta::Text(choice.message.joined_text().into_owned())));
            if let Some(reason) = choice.finish.clone() {
                tell(&Delta::of(choice.index, ChoiceDelta::Finish { reason, stop_sequence: None }));
            }
        }
        if let Some(usage) = response.usage {
            tell(&Delta::Usage { usage, vendor: None });
        }
        encoder.end(&mut out);
        out.freeze()
    }
}

impl Tell for Reader {
    fn errors(&self) -> Dialect {
        Dialect::OpenAiChat
    }

    fn errors_are_own(&self) -> bool {
        false
    }

    fn read(&mut self, body: &Bytes) -> Result<Option<Told>, PeekFailure> {
        let response = self.response(&parse(body, &self.model)?)?;
        let facts = WholeFacts::new(response.facts(), || response.said());
        let body = if self.stream {
            self.told_as_stream(&response)
        } else {
            self.translator.to.encode_response(&response, &self.translator.context)
        };
        Ok(Some(Told { body, facts }))
    }
}

/// The answer of a classic model, as it is or as the template tells it.
struct Mapped {
    response: Option<Value>,
    model: String,
}

impl Tell for Mapped {
    fn errors(&self) -> Dialect {
        Dialect::OpenAiChat
    }

    fn errors_are_own(&self) -> bool {
        false
    }

    fn read(&mut self, body: &Bytes) -> Result<Option<Told>, PeekFailure> {
        let body = match &self.response {
            None => body.clone(),
            Some(template) => {
                let given = parse(body, &self.model)?;
                let filled = template::fill(template, &given);
                let filled = filled.map_err(|error| misread("rest.invocation.response", &error))?;
                filled.to_string().into()
            }
        };
        Ok(Some(Told { body, facts: WholeFacts::default() }))
    }
}
