//! The built-in provider of the demo: it answers with the caller's own last words, whole or streamed, and needs no
//! network. `demo/echo` answers at once, `demo/slow` takes its time between words. What it cannot do, it refuses.

use std::time::Duration;

use postern_wire::Usage;
use postern_wire::chat::{
    Choice, ChoiceDelta, Delta, FinishReason, Message, Request, Response, ResponseFormat, Role, ToolChoice,
};
use postern_wire::dialect::AnswerContext;

use super::attempt::WholeFacts;
use super::chat::Conversation;
use super::echo::MODELS;
use super::exchange::{Demo, Told};
use super::resolve::Leg;
use super::stream::StreamFacts;
use crate::error::{ErrorKind, GatewayError};

/// The most choices the demo gives.
const MOST_CHOICES: u64 = 16;
/// The demo repeats no more than this many words and bytes: an event for each takes many times their room.
const MOST_WORDS: u64 = 4096;
const MOST_BYTES: usize = 64 * 1024;

/// What the demo says.
struct Said {
    words: Vec<String>,
    /// Whether the caller's limit cut it short.
    cut: bool,
    choices: u32,
    usage: Usage,
}

impl Said {
    const fn finish(&self) -> FinishReason {
        if self.cut { FinishReason::Length } else { FinishReason::Stop }
    }

    fn finish_reasons(&self) -> Vec<String> {
        let word = if self.cut { "length" } else { "stop" };
        vec![word.to_owned(); self.choices as usize]
    }
}

/// Answers a call.
pub(super) fn answer(asked: &Conversation<'_>, leg: &Leg) -> Result<Demo, GatewayError> {
    let pace = pace(&leg.model)?;
    let request = asked.request()?;
    let said = say(request)?;
    let context =
        AnswerContext { model: leg.model.clone(), ..asked.context(request, Some(said.usage.input)) };
    if !asked.head.stream {
        return Ok(Demo::Whole(whole(asked, leg, &said, &context)));
    }
    let encoder = asked.call.dialect.stream_encoder(context, asked.framing());
    let facts = StreamFacts {
        model: Some(leg.model.clone()),
        finish_reasons: said.finish_reasons(),
        ..StreamFacts::default()
    };
    Ok(Demo::Stream { deltas: deltas(&said), encoder, every: pace, facts })
}

/// How many tokens a request has: for the demo, a word is one.
pub(super) fn input_tokens(request: &Request) -> u64 {
    let words: usize = request.messages.iter().map(|m| m.joined_text().split_whitespace().count()).sum();
    words as u64
}

fn whole(asked: &Conversation<'_>, leg: &Leg, said: &Said, context: &AnswerContext) -> Told {
    let text = said.words.concat();
    let choice = |index| Choice {
        finish: Some(said.finish()),
        ..Choice::new(index, Message::text(Role::Assistant, text.clone()))
    };
    let response = Response {
        model: Some(leg.model.clone()),
        created: Some(context.created),
        choices: (0..said.choices).map(choice).collect(),
        usage: Some(said.usage),
        ..Response::default()
    };
    let facts = WholeFacts {
        model: response.model.clone(),
        usage: response.usage,
        finish_reasons: said.finish_reasons(),
        ..WholeFacts::default()
    };
    Told { body: asked.call.dialect.encode_response(&response, context), facts }
}

fn deltas(said: &Said) -> Vec<Delta> {
    let mut deltas = vec![Delta::Start(Box::default())];
    for index in 0..said.choices {
        deltas.push(Delta::of(index, ChoiceDelta::Role(Role::Assistant)));
        deltas.extend(said.words.iter().map(|word| Delta::of(index, ChoiceDelta::Text(word.clone()))));
        let finish = ChoiceDelta::Finish { reason: said.finish(), stop_sequence: None };
        deltas.push(Delta::of(index, finish));
    }
    deltas.push(Delta::Usage { usage: said.usage, vendor: None });
    deltas
}

/// What to say to a request; for the demo, a word is a token.
fn say(request: &Request) -> Result<Said, GatewayError> {
    let refuse = |field: &str, reason: &str| {
        let text = format!("{field}: the demo only repeats words and cannot {reason}; name a real model");
        Err(GatewayError::new(ErrorKind::InvalidRequest, text).at(field))
    };
    if matches!(request.response_format, Some(ResponseFormat::JsonSchema(_))) {
        return refuse("response_format", "follow a schema");
    }
    let must_call = match &request.tool_choice {
        Some(ToolChoice::Required | ToolChoice::Function(_) | ToolChoice::Custom(_)) => true,
        Some(ToolChoice::Allowed { required, .. }) => *required,
        _ => false,
    };
    if must_call {
        return refuse("tool_choice", "call tools");
    }
    if request.logprobs == Some(true) {
        return refuse("logprobs", "give log-probabilities");
    }
    let heard = request.last_user_text().unwrap_or_default();
    let most = heard.floor_char_boundary(MOST_BYTES);
    let too_long = most < heard.len();
    let heard = heard.get(..most).unwrap_or_default();
    let text = match (&request.response_format, heard.is_empty()) {
        (Some(ResponseFormat::JsonObject), _) => serde_json::json!({ "echo": heard }).to_string(),
        (_, true) => "You sent no text.".to_owned(),
        (_, false) => heard.to_owned(),
    };
    let mut words: Vec<String> = text.split_inclusive(char::is_whitespace).map(str::to_owned).collect();
    let limit = request.output_limit.map_or(MOST_WORDS, |limit| limit.tokens.min(MOST_WORDS));
    let cut = too_long || words.len() as u64 > limit;
    words.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let input = input_tokens(request);
    let choices = request.n.unwrap_or(1).clamp(1, MOST_CHOICES) as u32;
    let output = words.len() as u64 * u64::from(choices);
    Ok(Said { cut, usage: Usage { input, output, ..Usage::default() }, words, choices })
}

/// The pause before each word of a model, if there is a model of this name.
fn pace(model: &str) -> Result<Duration, GatewayError> {
    MODELS.iter().find(|(name, _)| *name == model).map(|(_, pace)| *pace).ok_or_else(|| {
        let names = MODELS.map(|(name, _)| format!("`{name}`")).join(" and ");
        let text = format!("the demo has no model `{model}`: it has {names}");
        GatewayError::new(ErrorKind::UnknownModel, text).at("model")
    })
}
