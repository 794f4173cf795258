//! Pieces of an answer, as a stream brings them.
//!
//! One event of a format may give several deltas or none. Order within a choice is the order of what is said.

use serde_json::Value;

use super::{
    Annotation, Audio, Choice, Content, Extra, FinishReason, Logprobs, Part, Reasoning, ReasoningForm,
    ReasoningSpelling, Response, Role, ToolKind,
};
use crate::Usage;

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// What is known of the whole answer at its start; comes first, and again when more becomes known.
    Start(Box<Start>),
    /// A piece of one of the choices.
    Choice {
        /// Which.
        index: u32,
        /// What.
        delta: ChoiceDelta,
    },
    /// What was consumed so far; the last one stands.
    Usage {
        /// The counts.
        usage: Usage,
        /// The vendor's own object, where there was one.
        vendor: Option<Box<Value>>,
    },
    /// Fields of the answer that the format does not know; the last value of each stands.
    Extra(Extra),
}

impl Delta {
    /// A piece of the text of the first choice.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(0, ChoiceDelta::Text(text.into()))
    }

    /// A piece of a choice.
    #[must_use]
    pub const fn of(index: u32, delta: ChoiceDelta) -> Self {
        Self::Choice { index, delta }
    }

    /// Whether it holds something that was generated, as opposed to facts about the answer.
    #[must_use]
    pub const fn is_content(&self) -> bool {
        matches!(
            self,
            Self::Choice {
                delta: ChoiceDelta::Text(_)
                    | ChoiceDelta::Refusal(_)
                    | ChoiceDelta::Reasoning(_)
                    | ChoiceDelta::ToolCall(_)
                    | ChoiceDelta::ToolArguments { .. }
                    | ChoiceDelta::Audio(_)
                    | ChoiceDelta::Part(_),
                ..
            }
        )
    }
}

/// What is known of an answer at its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// The model that answers.
    pub model: Option<String>,
    /// When, in seconds since 1970.
    pub created: Option<u64>,
    /// The class of service.
    pub service_tier: Option<String>,
    /// The provider's configuration.
    pub system_fingerprint: Option<String>,
}

/// A piece of one choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChoiceDelta {
    /// The choice begins; who speaks.
    Role(Role),
    /// Text to append.
    Text(String),
    /// Refusal to append.
    Refusal(String),
    /// Reasoning to append.
    Reasoning(Box<ReasoningDelta>),
    /// A tool call begins, or more of its head becomes known.
    ToolCall(Box<ToolCallDelta>),
    /// Arguments to append.
    ToolArguments {
        /// Which of the choice's tool calls, from 0 in order of appearance.
        call: u32,
        /// The next piece, cut anywhere.
        text: String,
    },
    /// Sound to append.
    Audio(Box<AudioDelta>),
    /// A source for the text.
    Annotation(Box<Annotation>),
    /// A part that comes whole.
    Part(Box<Part>),
    /// Probabilities to append.
    Logprobs(Box<Logprobs>),
    /// What the content filters found so far; the last one stands.
    Filters(Box<Value>),
    /// The part is complete: what follows is a new one even if it is of the same kind.
    PartEnd,
    /// The choice is complete.
    Finish {
        /// Why.
        reason: FinishReason,
        /// Which stop sequence came up, where the format says so.
        stop_sequence: Option<String>,
    },
    /// Fields of the message that the format does not know; the last value of each stands.
    MessageExtra(Extra),
    /// Fields of the choice that the format does not know; the last value of each stands.
    Extra(Extra),
}

/// Reasoning to append. Pieces with one `index` and form belong to one part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReasoningDelta {
    /// Which of the vendor's reasoning parts, where it says so.
    pub index: Option<u64>,
    /// Text, opaque data, form and spelling; text and data are appended.
    pub reasoning: Reasoning,
    /// The part's id, once known.
    pub id: Option<String>,
    /// The signature or a piece of it, to append.
    pub signature: Option<String>,
    /// What the format said beyond this.
    pub extra: Extra,
}

/// The head of a tool call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCallDelta {
    /// Which of the choice's tool calls, from 0 in order of appearance.
    pub call: u32,
    /// Its id.
    pub id: Option<String>,
    /// Its tool, empty while not known.
    pub name: String,
    /// What sort of tool.
    pub kind: ToolKind,
    /// The proof to send back with it.
    pub signature: Option<String>,
    /// What the format said beyond this.
    pub extra: Extra,
}

/// Sound to append: `data` and `transcript` are pieces, the rest facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioDelta {
    /// The piece.
    pub audio: Audio,
    /// What the format said beyond this.
    pub extra: Extra,
}

impl Response {
    /// The answer as a stream would bring it, each part in one piece.
    #[must_use]
    pub fn into_deltas(self) -> Vec<Delta> {
        let mut deltas = vec![Delta::Start(Box::new(Start {
            id: self.id,
            model: self.model,
            created: self.created,
            service_tier: self.service_tier,
            system_fingerprint: self.system_fingerprint,
        }))];
        let mut extra = self.extra;
        let vendor = extra.remove("usage").filter(Value::is_object).map(Box::new);
        for choice in self.choices {
            split_choice(choice, &mut deltas);
        }
        if !extra.is_empty() {
            deltas.push(Delta::Extra(extra));
        }
        if let Some(usage) = self.usage {
            deltas.push(Delta::Usage { usage, vendor });
        }
        deltas
    }
}

fn split_choice(choice: Choice, deltas: &mut Vec<Delta>) {
    let index = choice.index;
    let mut push = |delta| deltas.push(Delta::of(index, delta));
    push(ChoiceDelta::Role(choice.message.role));
    let mut calls = 0;
    for (position, part) in choice.message.parts.into_iter().enumerate() {
        if position > 0 {
            push(ChoiceDelta::PartEnd);
        }
        split_part(part, &mut calls, &mut push);
    }
    if let Some(logprobs) = choice.logprobs {
        push(ChoiceDelta::Logprobs(Box::new(logprobs)));
    }
    if let Some(filters) = choice.filters {
        push(ChoiceDelta::Filters(Box::new(filters)));
    }
    if !choice.message.extra.is_empty() {
        push(ChoiceDelta::MessageExtra(choice.message.extra));
    }
    if !choice.extra.is_empty() {
        push(ChoiceDelta::Extra(choice.extra));
    }
    if let Some(reason) = choice.finish {
        push(ChoiceDelta::Finish { reason, stop_sequence: choice.stop_sequence });
    }
}

fn split_part(part: Part, calls: &mut u32, push: &mut impl FnMut(ChoiceDelta)) {
    let Part { content, id, cache, signature, extra } = part;
    match content {
        Content::Text(text) if cache.is_none() && id.is_none() && signature.is_none() && extra.is_empty() => {
            push(ChoiceDelta::Text(text.text));
            for annotation in text.annotations {
                push(ChoiceDelta::Annotation(Box::new(annotation)));
            }
        }
        Content::Refusal(text) => push(ChoiceDelta::Refusal(text)),
        Content::Reasoning(reasoning) => push(ChoiceDelta::Reasoning(Box::new(ReasoningDelta {
            index: None,
            reasoning,
            id,
            signature,
            extra,
        }))),
        Content::ToolCall(call) => {
            let number = *calls;
            *calls = calls.saturating_add(1);
            push(ChoiceDelta::ToolCall(Box::new(ToolCallDelta {
                call: number,
                id: call.id,
                name: call.name,
                kind: call.kind,
                signature,
                extra,
            })));
            if !call.arguments.is_empty() {
                push(ChoiceDelta::ToolArguments { call: number, text: call.arguments });
            }
        }
        Content::Audio(audio) => push(ChoiceDelta::Audio(Box::new(AudioDelta { audio, extra }))),
        content => push(ChoiceDelta::Part(Box::new(Part { content, id, cache, signature, extra }))),
    }
}

impl Reasoning {
    /// Whether a later piece continues this part.
    pub(super) fn is_continued_by(&self, later: &Self) -> bool {
        self.form == later.form
            && self.spelling == later.spelling
            && (later.format.is_none() || self.format.is_none() || self.format == later.format)
    }

    /// A piece of plain text.
    #[must_use]
    pub const fn piece(text: String, spelling: ReasoningSpelling) -> Self {
        Self { text, form: ReasoningForm::Full, data: None, format: None, spelling }
    }
}
