//! A whole answer.

use serde_json::{Number, Value};

use super::{Extra, FinishReason, Message, Role};
use crate::Usage;

/// An answer, with one or more choices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// When, in seconds since 1970.
    pub created: Option<u64>,
    /// The answers, in order of their index as a rule.
    pub choices: Vec<Choice>,
    /// What it consumed. The vendor's own object, if there was one, is in `extra` under its own name, and is what the
    /// same format writes again; see [`Response::count`] to replace both.
    pub usage: Option<Usage>,
    /// The class of service it was given.
    pub service_tier: Option<String>,
    /// The provider's configuration.
    pub system_fingerprint: Option<String>,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Response {
    /// An answer of one finished text, as the built-in provider gives.
    #[must_use]
    pub fn text(model: impl Into<String>, text: impl Into<String>, usage: Usage) -> Self {
        Self {
            model: Some(model.into()),
            choices: vec![Choice {
                finish: Some(FinishReason::Stop),
                ..Choice::new(0, Message::text(Role::Assistant, text))
            }],
            usage: Some(usage),
            ..Self::default()
        }
    }

    /// Sets the usage, in place of what the vendor said.
    pub fn count(&mut self, usage: Usage) {
        self.usage = Some(usage);
        self.extra.remove("usage");
    }
}

/// One of the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its number.
    pub index: u32,
    /// What the model says.
    pub message: Message,
    /// Why it stopped.
    pub finish: Option<FinishReason>,
    /// Which stop sequence came up, where the format says so.
    pub stop_sequence: Option<String>,
    /// Probabilities of its tokens.
    pub logprobs: Option<Logprobs>,
    /// What the provider's content filters found, in its own form.
    pub filters: Option<Value>,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Choice {
    /// A choice that says a message.
    #[must_use]
    pub fn new(index: u32, message: Message) -> Self {
        Self {
            index,
            message,
            finish: None,
            stop_sequence: None,
            logprobs: None,
            filters: None,
            extra: Extra::new(),
        }
    }
}

/// Probabilities of the tokens of a choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logprobs {
    /// Of the text.
    pub content: Option<Vec<TokenLogprob>>,
    /// Of the refusal.
    pub refusal: Option<Vec<TokenLogprob>>,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Logprobs {
    /// Appends those of a later piece of a stream.
    pub fn append(&mut self, later: Self) {
        for (mine, theirs) in [(&mut self.content, later.content), (&mut self.refusal, later.refusal)] {
            if let Some(theirs) = theirs {
                mine.get_or_insert_default().extend(theirs);
            }
        }
        for (name, value) in later.extra {
            match (self.extra.get_mut(&name), value) {
                (Some(Value::Array(mine)), Value::Array(theirs)) => mine.extend(theirs),
                (None | Some(Value::Null), value) => {
                    self.extra.insert(name, value);
                }
                (Some(_), _) => {}
            }
        }
    }
}

/// The probability of one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenLogprob {
    /// The token.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: Number,
    /// Its bytes, when it is part of a character.
    pub bytes: Option<Vec<u8>>,
    /// The likeliest tokens at this place.
    pub top: Option<Vec<Self>>,
    /// What the format said beyond this.
    pub extra: Extra,
}
