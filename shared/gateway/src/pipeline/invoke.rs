//! Classic models: whatever input goes in, whatever output comes out. The bytes pass both ways as they are, with their media
//! type; a call is counted as one call, since there are no tokens.

use bytes::Bytes;
use http::header;
use postern_wire::Dialect;
use postern_wire::dialect::openai_chat::PeekFailure;
use postern_wire::provider::Operation;

use super::accept::Call;
use super::attempt::WholeFacts;
use super::exchange::{Demo, How, Remarks, Sending, Tell, Told, Written};
use super::resolve::Leg;
use super::rest;
use crate::config::Provider;
use crate::error::{ErrorKind, GatewayError};

/// The input of a classic model.
pub(super) struct Invocation<'a> {
    call: &'a Call,
    pub(super) body: &'a Bytes,
}

impl<'a> Invocation<'a> {
    pub(super) const fn new(call: &'a Call, body: &'a Bytes) -> Self {
        Self { call, body }
    }

    /// The address names it.
    pub(super) fn model(&self) -> &str {
        self.call.endpoint.as_deref().unwrap_or_default()
    }

    /// Headers that pass: the media types of input and output, which the model's server may know more of than JSON.
    fn passed(&self) -> &'static [&'static str] {
        let said = self.call.parts.headers.get(header::CONTENT_TYPE);
        // Some clients call everything a form.
        let unsaid =
            said.is_some_and(|said| said.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        if unsaid { &["accept"] } else { &["accept", "content-type"] }
    }

    /// Writes the request for one target.
    pub(super) fn write<'l>(
        &self,
        leg: &'l Leg,
        provider: &'l Provider,
    ) -> Result<Written<'l>, GatewayError> {
        if let Some(declared) = &provider.rest {
            return rest::invoke(self.body, declared, leg, self.passed());
        }
        let path = provider.kind.invocations();
        let path = path.ok_or_else(|| not_served(leg))?;
        let to = Operation::Post {
            path,
            model: &leg.model,
            // Unless the caller says otherwise.
            content_type: "application/json",
            accept: "application/json",
        };
        Ok(Written {
            sending: Sending { passed: self.passed(), ..Sending::whole(to) },
            body: self.body.clone(),
            more: Vec::new(),
            how: How::Whole(Box::new(Pass { errors: provider.kind.errors() })),
            remarks: Remarks::default(),
        })
    }

    /// The demo has none.
    pub(super) fn demo(&self, _leg: &Leg) -> Result<Demo, GatewayError> {
        let text =
            "the demo has no classic models: send `messages`, `prompt` or `input`, or name a real model";
        Err(GatewayError::new(ErrorKind::InvalidRequest, text))
    }
}

fn not_served(leg: &Leg) -> GatewayError {
    let Leg { provider, model, .. } = leg;
    let text = format!(
        "the body has none of `messages`, `prompt` and `input`, and {provider}/{model} serves no classic models"
    );
    GatewayError::new(ErrorKind::InvalidRequest, text)
}

/// An answer that passes as it is.
struct Pass {
    errors: Dialect,
}

impl Tell for Pass {
    fn errors(&self) -> Dialect {
        self.errors
    }

    fn errors_are_own(&self) -> bool {
        false
    }

    fn read(&mut self, body: &Bytes) -> Result<Option<Told>, PeekFailure> {
        Ok(Some(Told { body: body.clone(), facts: WholeFacts::default() }))
    }
}
