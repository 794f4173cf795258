//! What is asked of the targets: the caller's bytes, what was seen of them, and, once a target needs it, what they mean.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use postern_wire::chat::Request;
use postern_wire::dialect::openai_chat::RequestHead;
use postern_wire::dialect::{AnswerContext, DecodeError, Framing};

use super::accept::{Call, Kind};
use super::resolve::Plan;
use crate::error::GatewayError;

/// What is asked of the targets.
pub(super) struct Asked<'a> {
    pub(super) call: &'a Call,
    pub(super) plan: &'a Plan,
    pub(super) head: &'a RequestHead,
    pub(super) body: &'a Bytes,
    /// Read for the first target of another format; the same for all.
    meaning: OnceLock<Result<Arc<Request>, DecodeError>>,
}

impl<'a> Asked<'a> {
    pub(super) const fn new(call: &'a Call, plan: &'a Plan, head: &'a RequestHead, body: &'a Bytes) -> Self {
        Self { call, plan, head, body, meaning: OnceLock::new() }
    }

    /// The request, taken apart.
    ///
    /// # Errors
    /// Names the field that is missing or wrong, in the caller's words.
    pub(super) fn request(&self) -> Result<&Arc<Request>, GatewayError> {
        let meaning = self.meaning.get_or_init(|| {
            let dialect = self.call.dialect;
            let mut request = match self.call.kind {
                Kind::Answer => dialect.decode_request(self.body)?,
                Kind::Count => dialect.decode_count_request(self.body)?,
            };
            if dialect.is_addressed() {
                request.model.clone_from(&self.head.model);
                request.stream = Some(self.head.stream);
            }
            Ok(Arc::new(request))
        });
        meaning.as_ref().map_err(|error| error.clone().into())
    }

    /// What a writer of the answer must know. `input_tokens` were counted before the answer.
    pub(super) fn context(&self, request: &Arc<Request>, input_tokens: Option<u64>) -> AnswerContext {
        AnswerContext {
            id: self.call.id.as_str().replace('-', ""),
            created: self.call.arrived.seconds(),
            model: self.head.model.clone(),
            include_usage: self.head.include_usage,
            input_tokens,
            request: self.call.dialect.repeats_request().then(|| Arc::clone(request)),
        }
    }

    /// How the caller tells the pieces of a stream apart.
    pub(super) fn framing(&self) -> Framing {
        self.call.address.as_ref().map_or(Framing::Events, |address| address.framing)
    }
}
