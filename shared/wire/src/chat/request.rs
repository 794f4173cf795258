//! A request for an answer in a conversation.

use std::borrow::Cow;

use serde_json::{Number, Value};

use super::{Effort, Extra, Message, Part, Role, Shape, Tool, ToolChoice};

/// A request. Numbers of sampling keep their spelling (`1` or `1.0`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The model's name, as said.
    pub model: String,
    /// The conversation so far, system instructions included.
    pub messages: Vec<Message>,
    /// Tools the model may call.
    pub tools: Vec<Tool>,
    /// Whether and which tool to call.
    pub tool_choice: Option<ToolChoice>,
    /// Whether several tools may be called at once.
    pub parallel_tool_calls: Option<bool>,
    /// Tools were given in the way that came before them (OpenAI `functions`, `function_call`).
    pub legacy_functions: bool,
    /// What form the answer must have.
    pub response_format: Option<ResponseFormat>,
    /// How tokens are picked.
    pub sampling: Sampling,
    /// Ends the answer when it comes up.
    pub stop: Option<Stop>,
    /// How many answers to give.
    pub n: Option<u64>,
    /// How much the answer may hold.
    pub output_limit: Option<OutputLimit>,
    /// Whether to tell the probability of each token.
    pub logprobs: Option<bool>,
    /// How many likely tokens to tell at each place.
    pub top_logprobs: Option<u64>,
    /// How much to reason.
    pub reasoning: Option<ReasoningRequest>,
    /// What to answer with: `text`, `audio`, `image`.
    pub modalities: Option<Vec<String>>,
    /// How spoken answers should sound.
    pub audio: Option<AudioOutput>,
    /// What the answer will probably be, to make it faster.
    pub prediction: Option<Prediction>,
    /// Which class of service to use.
    pub service_tier: Option<String>,
    /// The caller's own id of the person.
    pub user: Option<String>,
    /// The caller's notes.
    pub metadata: Option<Extra>,
    /// Whether the provider may keep the exchange.
    pub store: Option<bool>,
    /// Groups requests that share a prompt, for the provider's cache.
    pub prompt_cache_key: Option<String>,
    /// How long the provider's cache keeps the prompt: `in_memory`, `24h`.
    pub prompt_cache_retention: Option<String>,
    /// A stable id of the person, for the provider's watch over abuse.
    pub safety_identifier: Option<String>,
    /// How wordy to be: `low`, `medium`, `high`.
    pub verbosity: Option<String>,
    /// Lets the model search the web.
    pub web_search: Option<WebSearch>,
    /// Whether to answer piece by piece, if said.
    pub stream: Option<bool>,
    /// Whether a stream ends with an event of its own for usage, if said.
    pub include_usage: Option<bool>,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Request {
    /// A request of some messages for a model.
    #[must_use]
    pub fn new(model: impl Into<String>, messages: Vec<Message>) -> Self {
        Self { model: model.into(), messages, ..Self::default() }
    }

    /// Whether the answer should come piece by piece.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        self.stream == Some(true)
    }

    /// The text of the last message of the user, if there is one.
    #[must_use]
    pub fn last_user_text(&self) -> Option<Cow<'_, str>> {
        self.messages.iter().rev().find(|message| message.role == Role::User).map(Message::joined_text)
    }

    /// Messages that instruct rather than talk: system and developer.
    pub fn instructions(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| matches!(message.role, Role::System | Role::Developer))
    }
}

/// How tokens are picked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sampling {
    /// Randomness.
    pub temperature: Option<Number>,
    /// Nucleus sampling.
    pub top_p: Option<Number>,
    /// Only the likeliest so many (not OpenAI itself; compatible vendors, Anthropic, Gemini).
    pub top_k: Option<Number>,
    /// Against repeating often-used words.
    pub frequency_penalty: Option<Number>,
    /// Against repeating any word.
    pub presence_penalty: Option<Number>,
    /// For answers that can be repeated.
    pub seed: Option<Number>,
    /// Makes tokens more or less likely, by token id.
    pub logit_bias: Option<Extra>,
}

/// Stop sequences, as one or as a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// One, said as a string.
    One(String),
    /// Any number, said as a list.
    Many(Vec<String>),
}

impl Stop {
    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// How much the answer may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimit {
    /// Tokens.
    pub tokens: u64,
    /// Said by OpenAI's older name `max_tokens`, the only one that many compatible vendors know, instead of
    /// `max_completion_tokens`, the only one that OpenAI's reasoning models take.
    pub legacy: bool,
}

/// What form the answer must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseFormat {
    /// Any text.
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema(Schema),
    /// A form not known here, in the vendor's words.
    Other(Value),
}

/// A schema for structured output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// Its name.
    pub name: Option<String>,
    /// What it is for, told to the model.
    pub description: Option<String>,
    /// JSON Schema.
    pub schema: Option<Value>,
    /// Whether the answer must follow it exactly.
    pub strict: Option<bool>,
    /// What the format said beyond this.
    pub extra: Extra,
}

/// In which of the fields that vendors of one format use reasoning was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReasoningRequestSpelling {
    /// Whatever is usual for the format.
    #[default]
    Auto,
    /// `reasoning: {effort, max_tokens, enabled}` (OpenRouter and its kin).
    Reasoning,
    /// `thinking: {type, budget_tokens}` (DeepSeek, Z.ai, and others after Anthropic).
    Thinking,
    /// `thinking: {type, budget_tokens}` and, apart from it, `output_config: {effort}` (Anthropic): an effort alone
    /// does not ask for reasoning, and reasoning that is enabled without a budget is adaptive.
    OutputConfig,
}

/// How much to reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReasoningRequest {
    /// In a word.
    pub effort: Option<Effort>,
    /// In tokens.
    pub budget: Option<u64>,
    /// Whether at all.
    pub enabled: Option<bool>,
    /// Whether the answer shows it, in full or as a summary (Gemini `includeThoughts`, Anthropic `display`, Responses
    /// `summary`, OpenRouter `exclude`). Shown or not as is usual for the model when `None`.
    pub shown: Option<bool>,
    /// Which field it was in.
    pub spelling: ReasoningRequestSpelling,
}

impl ReasoningRequest {
    /// Whether it says how much to reason, rather than only whether that is shown.
    #[must_use]
    pub const fn says_how_much(&self) -> bool {
        self.effort.is_some() || self.budget.is_some() || self.enabled.is_some()
    }
}

/// How spoken answers should sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioOutput {
    /// A name, or a vendor's object that names a voice.
    pub voice: Option<Value>,
    /// `wav`, `mp3`, `pcm16`, ...
    pub format: Option<String>,
    /// What the format said beyond this.
    pub extra: Extra,
}

/// What the answer will probably be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prediction {
    /// The text.
    pub parts: Vec<Part>,
    /// How it was spelt.
    pub shape: Shape,
    /// What the format said beyond this.
    pub extra: Extra,
}

/// How to search the web.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebSearch {
    /// How much of what is found to read: `low`, `medium`, `high`.
    pub context_size: Option<String>,
    /// Where the person roughly is.
    pub location: Option<Location>,
    /// What the format said beyond this.
    pub extra: Extra,
}

/// Roughly where a person is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The town.
    pub city: Option<String>,
    /// Two letters.
    pub country: Option<String>,
    /// A state or province.
    pub region: Option<String>,
    /// An IANA name.
    pub timezone: Option<String>,
}
