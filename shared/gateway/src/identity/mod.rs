//! Who is calling: virtual keys and administrator tokens.
//!
//! A key is `pk_ID_SECRET`: the id finds the entry, the entry holds only a hash of the whole key. Nothing here ever
//! logs or returns a key after it was made.

mod credential;
mod first_start;
mod known;

pub use credential::{Credential, CredentialKind};
pub use first_start::{FirstStart, first_start, new_admin};
pub(crate) use known::KnownKeys;

use std::sync::Arc;

use http::request::Parts;

use crate::error::{ErrorKind, GatewayError};
use crate::host::Host;
use crate::store::{self, AdminEntry, KeyEntry};
use crate::time::Timestamp;

/// An authenticated caller, by the key it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(Arc<KeyEntry>);

impl Caller {
    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.0.tenant
    }

    /// The key's id.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0.id
    }

    /// Whether the key may use a model of this name.
    #[must_use]
    pub fn may_use(&self, model: &str) -> bool {
        self.0.models.iter().any(|pattern| matches_pattern(pattern, model))
    }
}

/// A key that was recognised but may not call; its tenant and id are known, so the refusal can be recorded.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Why.
    pub error: GatewayError,
    /// Who, if the key is one of ours.
    pub caller: Option<Caller>,
}

impl From<GatewayError> for Refused {
    fn from(error: GatewayError) -> Self {
        Self { error, caller: None }
    }
}

/// Finds the caller by the key in the request.
pub(crate) async fn authenticate<H: Host>(
    known: &KnownKeys,
    host: &H,
    parts: &Parts,
    now: Timestamp,
) -> Result<Caller, Refused> {
    let text = credential::extract(parts).ok_or_else(|| {
        GatewayError::new(
            ErrorKind::MissingKey,
            "no API key: send it as `Authorization: Bearer KEY` (or `x-api-key`, `x-goog-api-key`)",
        )
    })?;
    let invalid = || GatewayError::new(ErrorKind::InvalidKey, "this API key is not known here");
    let presented = Credential::parse(CredentialKind::Key, text);
    let entry = match &presented {
        Some(credential) => known.read(host, credential.id()).await.map_err(GatewayError::from)?,
        None => None,
    };
    // Ids are public. What time must not tell is how much of a secret is right.
    let good = credential::verify(text, entry.as_ref().map_or(credential::NO_HASH, |e| &e.hash));
    let Some(entry) = entry.filter(|_| good) else { return Err(invalid().into()) };
    let caller = Caller(Arc::clone(&entry));
    let refuse = |kind, message: &str| Refused {
        error: GatewayError::new(kind, message),
        caller: Some(caller.clone()),
    };
    if entry.revoked_at.is_some_and(|t| t <= now) {
        return Err(refuse(
            ErrorKind::RevokedKey,
            "this API key was revoked: ask your administrator for a new one",
        ));
    }
    if entry.expires_at.is_some_and(|t| t <= now) {
        return Err(refuse(
            ErrorKind::ExpiredKey,
            "this API key has expired: ask your administrator for a new one",
        ));
    }
    Ok(caller)
}

/// Lets administrators pass.
pub async fn authenticate_admin<H: Host>(host: &H, parts: &Parts) -> Result<(), GatewayError> {
    let text = credential::extract(parts).ok_or_else(|| {
        GatewayError::new(
            ErrorKind::MissingKey,
            "no administrator token: send it as `Authorization: Bearer TOKEN` (the command takes POSTERN_ADMIN_TOKEN)",
        )
    })?;
    let entry: Option<AdminEntry> = match Credential::parse(CredentialKind::Admin, text) {
        Some(credential) => {
            store::read(host.store(), &format!("{}{}", store::ADMINS, credential.id())).await?
        }
        None => None,
    };
    if credential::verify(text, entry.as_ref().map_or(credential::NO_HASH, |e| &e.hash)) && entry.is_some() {
        return Ok(());
    }
    let message = match Credential::parse(CredentialKind::Key, text) {
        Some(_) => "an API key cannot administrate: send the administrator token",
        None => "this administrator token is not known here",
    };
    Err(GatewayError::new(ErrorKind::InvalidKey, message))
}

/// Whether `text` matches `pattern`, in which `*` stands for any characters, also none and also `/`.
#[must_use]
pub fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("*", "anything/at-all", true),
            ("assistant", "assistant", true),
            ("assistant", "assistant2", false),
            ("demo/*", "demo/echo", true),
            ("demo/*", "demo", false),
            ("*/gpt-*", "openai/gpt-4o", true),
            ("*/gpt-*", "openai/o3", false),
            ("a*b*c", "aXbXbc", true),
            ("a*b", "ab", true),
            ("ab*b", "ab", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches_pattern(pattern, text), expected, "{pattern} {text}");
        }
    }
}
