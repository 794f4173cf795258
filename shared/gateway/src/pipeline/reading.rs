//! How the answer to a conversation is read, and told in the caller's format where that is another.

use bytes::Bytes;
use postern_wire::Dialect;
use postern_wire::dialect::openai_chat::PeekFailure;
use postern_wire::dialect::{AnswerContext, Framing, StreamEncoder};

use super::attempt::WholeFacts;
use super::exchange::Told;
use crate::time::Timestamp;

/// How an answer is to be read.
pub(super) struct Reading {
    /// The format in which the provider answers.
    pub(super) dialect: Dialect,
    /// Turns the answer into the caller's format, if that is another.
    pub(super) translator: Option<Translator>,
    /// Whether a stream was asked for.
    pub(super) stream: bool,
    /// Whether the usage event was asked for by us, not by the caller.
    pub(super) hide_usage: bool,
    /// How many choices were asked for.
    pub(super) choices: u64,
}

/// The times of an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// When the attempt began.
    pub(super) begun: Timestamp,
    /// When the whole call must be over.
    pub(super) deadline: Timestamp,
}

/// What is needed to tell an answer in the caller's format.
#[derive(Clone, Debug)]
pub(super) struct Translator {
    pub(super) to: Dialect,
    pub(super) context: AnswerContext,
    pub(super) framing: Framing,
    /// Whether the provider's format is another than the caller's, so that what only it knows must be left out.
    pub(super) foreign: bool,
}

impl Translator {
    /// Whether signatures of tool calls must be in the calls' ids: OpenAI's SDKs and what is built on them keep nothing
    /// else that has no field of its own.
    pub(super) fn seals(&self) -> bool {
        self.foreign && self.to == Dialect::OpenAiChat
    }

    pub(super) fn stream_encoder(self) -> Box<dyn StreamEncoder> {
        self.to.stream_encoder(self.context, self.framing)
    }
}

impl Reading {
    /// Reads a whole answer.
    pub(super) fn whole(&self, body: &Bytes) -> Result<Told, PeekFailure> {
        match &self.translator {
            None => {
                let facts = self.dialect.peek_response(body)?;
                let facts = WholeFacts::new(facts, || self.dialect.said_in(body));
                Ok(Told { body: body.clone(), facts })
            }
            Some(translator) => self.retell(body, translator),
        }
    }

    /// Tells a whole answer in the caller's format.
    fn retell(&self, body: &[u8], translator: &Translator) -> Result<Told, PeekFailure> {
        let dialect = self.dialect;
        let mut response =
            dialect.decode_response(body).map_err(|error| dialect.fault_instead(body, error))?;
        let facts = WholeFacts::new(response.facts(), || response.said());
        if translator.foreign {
            response.leave_extra();
            // Ids have the mark of their format, and the model is called as the caller called it.
            response.id = None;
            response.model = None;
        }
        if translator.seals() {
            response.seal_signatures();
        }
        Ok(Told { body: translator.to.encode_response(&response, &translator.context), facts })
    }
}
