//! What is special about one kind of call. Everything else of a call is the same for all kinds, and is elsewhere.
//!
//! A kind says how a request is read, how it is written for a target, how the whole answer is read and told, and what
//! the demo answers. It has a file of its own and a variant here.

use std::time::Duration;

use bytes::Bytes;
use postern_wire::Dialect;
use postern_wire::chat::Delta;
use postern_wire::dialect::openai_chat::PeekFailure;
use postern_wire::dialect::{Loss, StreamEncoder, Weight};
use postern_wire::provider::Operation;

use super::accept::{Call, Kind};
use super::attempt::WholeFacts;
use super::chat::Conversation;
use super::draft::Draft;
use super::embed::Embeddings;
use super::invoke::Invocation;
use super::moderate::Moderation;
use super::reading::Reading;
use super::rerank::Reranking;
use super::resolve::{Leg, Plan};
use super::stream::StreamFacts;
use crate::config::{Provider, Unsupported};
use crate::error::{ErrorKind, GatewayError};
use crate::host::Host;

/// Why a field that only one format knows is not sent in another.
pub(super) const UNKNOWN: &str = "the provider's format has no such field";

/// A call's request, read.
pub(super) enum Exchange<'a> {
    /// A conversation to be answered, or its tokens to be counted.
    Conversation(Box<Conversation<'a>>),
    /// Texts to be embedded.
    Embeddings(Box<Embeddings<'a>>),
    /// Documents to be ranked.
    Reranking(Box<Reranking<'a>>),
    /// Texts and images to be looked at.
    Moderation(Box<Moderation<'a>>),
    /// The input of a classic model.
    Invocation(Box<Invocation<'a>>),
}

impl<'a> Exchange<'a> {
    /// Reads what the body and the address say.
    ///
    /// # Errors
    /// Names the field that is missing or wrong.
    pub(super) fn read(call: &'a Call, body: &'a Bytes) -> Result<Self, GatewayError> {
        Ok(match call.kind {
            Kind::Answer | Kind::Count => Self::Conversation(Box::new(Conversation::read(call, body)?)),
            Kind::Embed(format) => Self::Embeddings(Box::new(Embeddings::read(call, format, body)?)),
            Kind::Rerank(format) => Self::Reranking(Box::new(Reranking::read(call, format, body)?)),
            Kind::Moderate => Self::Moderation(Box::new(Moderation::read(call, body)?)),
            Kind::Invoke => Self::Invocation(Box::new(Invocation::new(call, body))),
            // These pass and are not read: see `media`.
            Kind::Media(_) | Kind::Resource(_) => {
                let text = "this is no request that is read";
                return Err(GatewayError::new(ErrorKind::UnknownRoute, text));
            }
        })
    }

    /// The model, as the caller names it.
    pub(super) fn model(&self) -> &str {
        match self {
            Self::Conversation(conversation) => &conversation.head.model,
            Self::Embeddings(embeddings) => embeddings.model(),
            Self::Reranking(reranking) => reranking.model(),
            Self::Moderation(moderation) => moderation.model(),
            Self::Invocation(invocation) => invocation.model(),
        }
    }

    /// Whether a stream is asked for.
    pub(super) fn stream(&self) -> bool {
        match self {
            Self::Conversation(conversation) => conversation.head.stream,
            Self::Embeddings(_) | Self::Reranking(_) | Self::Moderation(_) | Self::Invocation(_) => false,
        }
    }

    /// Notes the request in the call's record.
    pub(super) fn note<H: Host>(&self, draft: &mut Draft<H>) {
        match self {
            Self::Conversation(conversation) => {
                draft.request_body(conversation.body);
                draft.counts(conversation.call.dialect, conversation.body);
            }
            Self::Embeddings(embeddings) => draft.request_body(embeddings.body),
            Self::Reranking(reranking) => draft.request_body(reranking.body),
            Self::Moderation(moderation) => draft.request_body(moderation.body),
            Self::Invocation(invocation) => {
                // What has no tokens has a price of its own, which nothing here knows.
                draft.expects_usage();
                draft.request_body(invocation.body);
            }
        }
    }

    /// Writes the request for one target.
    ///
    /// # Errors
    /// Names the field that the target cannot take, or says that it cannot take such calls at all.
    pub(super) fn write<'l>(
        &self,
        plan: &Plan,
        leg: &'l Leg,
        provider: &'l Provider,
    ) -> Result<Written<'l>, GatewayError> {
        match self {
            Self::Conversation(conversation) => conversation.write(plan, leg, provider),
            Self::Embeddings(embeddings) => embeddings.write(leg, provider),
            Self::Reranking(reranking) => reranking.write(leg, provider),
            Self::Moderation(moderation) => moderation.write(leg, provider),
            Self::Invocation(invocation) => invocation.write(leg, provider),
        }
    }

    /// What the built-in demo answers.
    ///
    /// # Errors
    /// Says what it cannot do.
    pub(super) fn demo(&self, leg: &Leg) -> Result<Demo, GatewayError> {
        match self {
            Self::Conversation(conversation) => super::demo::answer(conversation, leg),
            Self::Embeddings(embeddings) => embeddings.demo(leg),
            Self::Reranking(reranking) => reranking.demo(leg),
            Self::Moderation(moderation) => moderation.demo(leg),
            Self::Invocation(invocation) => invocation.demo(leg),
        }
    }
}

/// A request that can be sent, and how its answer is to be read.
pub(super) struct Written<'l> {
    pub(super) sending: Sending<'l>,
    pub(super) body: Bytes,
    /// Sent one after the other behind the first, where a provider takes less in one request than the caller gave.
    pub(super) more: Vec<Bytes>,
    pub(super) how: How,
    pub(super) remarks: Remarks,
}

/// Where a body goes, and what goes with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending<'l> {
    pub(super) to: Operation<'l>,
    /// Whether a stream is asked for.
    pub(super) stream: bool,
    /// Headers of the caller's that pass.
    pub(super) passed: &'static [&'static str],
    /// Whether the answer may flow to the caller by the host's own means.
    pub(super) may_flow: bool,
}

impl<'l> Sending<'l> {
    /// For an operation that is answered as a whole.
    pub(super) const fn whole(to: Operation<'l>) -> Self {
        Self { to, stream: false, passed: &[], may_flow: false }
    }
}

/// What the caller is told of the way its request went.
#[derive(Clone, Debug, Default)]
pub(super) struct Remarks {
    /// Whether the answer was told in another format.
    pub(super) translated: bool,
    /// Fields that the provider was not told.
    pub(super) dropped: Vec<String>,
    /// Fields that the provider was told in a weaker form.
    pub(super) lowered: Vec<String>,
}

/// How an answer is to be read.
pub(super) enum How {
    /// As that to a conversation, whole or streamed.
    Conversation(Box<Reading>),
    /// As a whole, or as several, one for each body that was sent.
    Whole(Box<dyn Tell>),
}

impl How {
    /// The format in whose words the provider tells of errors.
    pub(super) fn errors(&self) -> Dialect {
        match self {
            Self::Conversation(reading) => reading.dialect,
            Self::Whole(tell) => tell.errors(),
        }
    }

    /// Whether an error of the provider is one in the caller's format.
    pub(super) fn errors_are_own(&self) -> bool {
        match self {
            Self::Conversation(reading) => reading.translator.is_none(),
            Self::Whole(tell) => tell.errors_are_own(),
        }
    }

    /// Whether a stream was asked for.
    pub(super) fn stream(&self) -> bool {
        match self {
            Self::Conversation(reading) => reading.stream,
            Self::Whole(_) => false,
        }
    }
}

/// Reads whole answers and tells them in the caller's format. Pure: bytes in, bytes out.
pub(super) trait Tell: Send + Sync {
    /// The format in whose words the provider tells of errors.
    fn errors(&self) -> Dialect;
    /// Whether an error of the provider is one in the caller's format, so that its bytes may pass.
    fn errors_are_own(&self) -> bool;
    /// Reads the answer to the next body, with success as its status. `None` while others are to come; the last gives
    /// what all of them say together. An answer that is refused here may be read again, from another attempt.
    fn read(&mut self, body: &Bytes) -> Result<Option<Told>, PeekFailure>;
}

/// A whole answer in the caller's format.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) body: Bytes,
    pub(super) facts: WholeFacts,
}

/// What the demo answers.
pub(super) enum Demo {
    /// At once.
    Whole(Told),
    /// Piece by piece, with a pause before each.
    Stream { deltas: Vec<Delta>, encoder: Box<dyn StreamEncoder>, every: Duration, facts: StreamFacts },
}

/// The refusal of a provider that has no such operation.
pub(super) fn not_spoken(leg: &Leg, provider: &Provider, what: &str) -> GatewayError {
    let Leg { provider: name, model, .. } = leg;
    let title = provider.kind.title;
    let text = format!(
        "model: `{name}/{model}` cannot be asked for {what}: {title} is not known to have that; name a model of a provider that has"
    );
    GatewayError::new(ErrorKind::InvalidRequest, text).at("model")
}

/// Refuses what must not be left out. `vital` names losses that no setting makes good.
pub(super) fn judge(
    lost: &[Loss],
    vital: impl Fn(&Loss) -> bool,
    leg: &Leg,
    provider: &Provider,
    format: &str,
) -> Result<(), GatewayError> {
    let setting = leg.on_unsupported.or(provider.on_unsupported);
    let refused = lost.iter().find_map(|loss| {
        if vital(loss) {
            return Some((loss, "leave it out"));
        }
        let refused = match setting {
            Some(Unsupported::Error) => true,
            Some(Unsupported::Drop) => false,
            None => loss.weight == Weight::Meaning,
        };
        refused.then_some((loss, "leave the field out, or set on_unsupported: drop"))
    });
    let Some((loss, advice)) = refused else { return Ok(()) };
    let text = format!(
        "{}: {} ({}/{} is asked in the format {format}; {advice})",
        loss.field, loss.reason, leg.provider, leg.model,
    );
    Err(GatewayError::new(ErrorKind::InvalidRequest, text).at(loss.field.clone()))
}
