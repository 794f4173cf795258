//! What all streams have in common, wherever they come from.

use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use postern_wire::dialect::Framing;
use postern_wire::dialect::openai_chat::{EventFacts, EventKind};
use postern_wire::{Dialect, Fault, FaultKind, Usage};

use super::echo::Echo;
use super::passage::Passage;
use super::relay::Relay;
use super::translation::Translation;
use crate::host::Host;

/// What is there at once goes on in pieces of about this many bytes.
pub(super) const BURST: usize = 16 * 1024;

/// What a stream did next.
#[derive(Debug)]
pub(super) enum Step {
    /// Bytes for the caller.
    Forward(Bytes),
    /// Complete.
    End,
    /// It failed; nothing follows.
    Failed(Fault),
}

/// What was seen of a stream so far.
#[derive(Debug, Default)]
pub(super) struct StreamFacts {
    /// The model that the upstream says answers, for whoever takes it first.
    pub(super) model: Option<String>,
    /// Whether the model is known, taken or not.
    pub(super) named: bool,
    /// The provider's figures, once they came.
    pub(super) usage: Option<Usage>,
    /// Why each choice ended.
    pub(super) finish_reasons: Vec<String>,
    /// Generated text, reasoning and tool arguments, for whoever takes it first.
    pub(super) said: String,
    /// Whether there was more than text of one choice.
    pub(super) beyond_text: bool,
    /// Whether a first token, tool call or the like has come.
    pub(super) begun: bool,
    /// Whether the stream said that it is complete.
    pub(super) done: bool,
}

impl StreamFacts {
    /// Adds what one event says, of at most so many choices, and tells its kind.
    pub(super) fn add(&mut self, facts: EventFacts, choices: usize) -> EventKind {
        self.said.push_str(&facts.text);
        self.beyond_text |= facts.beyond_text;
        // One a choice: some servers repeat theirs in every event.
        let missing = choices.saturating_sub(self.finish_reasons.len());
        self.finish_reasons.extend(facts.finish_reasons.into_iter().take(missing));
        if facts.usage.is_some() {
            self.usage = facts.usage;
        }
        if let Some(model) = facts.model.filter(|_| !self.named) {
            self.named = true;
            self.model = Some(model);
        }
        self.begun |= facts.kind == EventKind::Content;
        facts.kind
    }

    /// Whether anything was answered at all.
    pub(super) const fn is_empty(&self) -> bool {
        !self.begun && self.finish_reasons.is_empty()
    }
}

/// The failure of a stream with nothing in it.
pub(super) fn empty() -> Fault {
    Fault::new(FaultKind::BadAnswer, "the stream ended without an answer in it")
}

/// Where a stream comes from.
pub(super) enum Source<H: Host> {
    /// A provider that speaks the caller's format.
    Relay(Box<Relay<H>>),
    /// A provider that speaks another.
    Translation(Box<Translation<H>>),
    /// The built-in demo.
    Echo(Box<Echo<H>>),
    /// An answer that is no conversation and only passes.
    Passage(Box<Passage<H>>),
}

impl<H: Host> Source<H> {
    pub(super) fn facts(&mut self) -> &mut StreamFacts {
        match self {
            Self::Relay(relay) => &mut relay.facts,
            Self::Translation(translation) => &mut translation.facts,
            Self::Echo(echo) => &mut echo.facts,
            Self::Passage(passage) => &mut passage.facts,
        }
    }

    /// The next step. After `End` or `Failed` it must not be called again.
    pub(super) fn poll_step(&mut self, host: &H, cx: &mut Context<'_>) -> Poll<Step> {
        match self {
            Self::Relay(relay) => relay.poll_step(host, cx),
            Self::Translation(translation) => translation.poll_step(host, cx),
            Self::Echo(echo) => echo.poll_step(host, cx),
            Self::Passage(passage) => passage.poll_step(host, cx),
        }
    }

    /// Puts a step back that was taken too early.
    pub(super) fn put_back(&mut self, step: Step) {
        match self {
            Self::Relay(relay) => relay.put_back(step),
            Self::Translation(translation) => translation.put_back(step),
            Self::Passage(passage) => passage.put_back(step),
            Self::Echo(_) => {}
        }
    }

    /// Writes the error event that ends a failed stream.
    pub(super) fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        match self {
            Self::Relay(relay) => relay.fail(fault, out),
            Self::Passage(_) => {
                // Such streams are OpenAI's.
                Dialect::OpenAiChat.stream_encoder(<_>::default(), Framing::Events).fail(fault, out);
            }
            Self::Translation(translation) => translation.fail(fault, out),
            Self::Echo(echo) => echo.fail(fault, out),
        }
    }

    /// The upstream, when its bytes can reach the caller untouched from here on.
    pub(super) fn release(&mut self) -> Option<&mut H::Body> {
        match self {
            Self::Relay(relay) => relay.release(),
            Self::Translation(_) | Self::Echo(_) | Self::Passage(_) => None,
        }
    }

    /// Whether the stream has no place for an error, so that it must break off where it fails.
    pub(super) const fn breaks(&self) -> bool {
        match self {
            Self::Passage(passage) => !passage.has_events(),
            Self::Relay(_) | Self::Translation(_) | Self::Echo(_) => false,
        }
    }
}
