//! Which provider keeps a file or a batch. Neither names a model, so the caller names the provider where it is not clear.

use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;
use postern_wire::provider::Offer;

use super::text_of;
use crate::admin::Query;
use crate::config::{Retry, Timeouts};
use crate::error::{ErrorKind, GatewayError};
use crate::identity::Caller;
use crate::pipeline::gateway::Snapshot;
use crate::pipeline::resolve::{Leg, Plan};

static PROVIDER: HeaderName = HeaderName::from_static("x-postern-provider");

/// The providers that may be meant, by their names in the configuration.
#[derive(Debug)]
pub(super) struct Selection {
    names: Vec<String>,
    /// Whether the caller has named it.
    named: bool,
}

impl Selection {
    /// The provider that the caller names in the header or the query, or all that it may use and that have `offer`.
    ///
    /// # Errors
    /// When there is none, or the one that is named is not one of them.
    pub(super) fn of(
        snapshot: &Snapshot,
        caller: &Caller,
        parts: &Parts,
        query: &Query,
        offer: Offer,
    ) -> Result<Self, GatewayError> {
        let providers = &snapshot.config.providers;
        let named = text_of(&parts.headers, &PROVIDER).map(str::to_owned).or_else(|| query.text("provider"));
        if let Some(name) = named {
            let refuse = |kind, text: String| Err(GatewayError::new(kind, text).at("provider"));
            // Of providers that a key may not use, it is not told whether there are any.
            if !may_use(caller, &name) {
                return refuse(ErrorKind::ModelNotAllowed, not_allowed(&name, offer));
            }
            let Some(provider) = providers.get(&name) else {
                return refuse(ErrorKind::InvalidRequest, format!("there is no provider `{name}` here"));
            };
            if !provider.kind.offers(offer) {
                let title = provider.kind.title;
                let what = offer.described();
                let text = format!(
                    "the provider `{name}` cannot be asked for {what}: {title} is not known to have them in OpenAI's format"
                );
                return refuse(ErrorKind::InvalidRequest, text);
            }
            return Ok(Self { names: vec![name], named: true });
        }
        let able = providers.iter().filter(|(_, provider)| provider.kind.offers(offer));
        let names: Vec<String> =
            able.map(|(name, _)| name.clone()).filter(|name| may_use(caller, name)).collect();
        if names.is_empty() {
            let what = offer.described();
            let text = format!(
                "this API key may use no provider that has {what}: it must be allowed all of a provider, as PROVIDER/*"
            );
            return Err(GatewayError::new(ErrorKind::ModelNotAllowed, text));
        }
        Ok(Self { names, named: false })
    }

    /// Every provider that may be meant.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The one provider that is meant.
    ///
    /// # Errors
    /// When there are several.
    pub(super) fn only(&self) -> Result<&str, GatewayError> {
        match self.names.as_slice() {
            [only] => Ok(only),
            several => {
                let text = format!(
                    "several providers have this: name one in the header x-postern-provider, or as ?provider=NAME ({})",
                    several.join(", ")
                );
                Err(GatewayError::new(ErrorKind::InvalidRequest, text).at("provider"))
            }
        }
    }

    /// Whether the caller has named the provider.
    pub(super) const fn is_named(&self) -> bool {
        self.named
    }
}

/// Files and batches name models where nobody looks, so who uses them must be allowed all models of the provider.
fn may_use(caller: &Caller, provider: &str) -> bool {
    caller.may_use(&format!("{provider}/*"))
}

fn not_allowed(provider: &str, offer: Offer) -> String {
    let what = offer.described();
    format!(
        "this API key may not use {what} of the provider `{provider}`: it must be allowed {provider}/*; ask your administrator"
    )
}

/// The plan to ask one provider, so often.
pub(super) fn plan(snapshot: &Arc<Snapshot>, provider: &str, attempts: u32) -> Plan {
    let leg = Leg {
        logical: String::new(),
        provider: provider.to_owned(),
        model: String::new(),
        attempts: attempts.min(Retry::default().attempts),
        timeouts: Timeouts::default(),
        on_unsupported: None,
    };
    Plan { snapshot: Arc::clone(snapshot), legs: vec![leg] }
}
