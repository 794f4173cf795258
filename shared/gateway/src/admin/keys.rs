//! Virtual keys: made, listed, revoked.

use serde::{Deserialize, Serialize};

use super::query::{Query, bad, format_time, parse_time};
use crate::error::{ErrorKind, GatewayError};
use crate::host::{Host, Store};
use crate::identity::{Credential, CredentialKind};
use crate::store::{self, KEYS, KeyEntry};

/// A tenant's or key's name is not longer, bytes.
const LONGEST_NAME: usize = 128;

/// What a new key shall be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    tenant: String,
    name: String,
    models: Vec<String>,
    #[serde(default)]
    expires_at: Option<String>,
}

/// A key as administrators see it.
#[derive(Serialize)]
pub(super) struct KeyView {
    id: String,
    tenant: String,
    name: String,
    models: Vec<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    /// The key itself, in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl From<KeyEntry> for KeyView {
    fn from(entry: KeyEntry) -> Self {
        Self {
            id: entry.id,
            tenant: entry.tenant,
            name: entry.name,
            models: entry.models,
            created_at: format_time(entry.created_at),
            expires_at: entry.expires_at.map(format_time),
            revoked_at: entry.revoked_at.map(format_time),
            key: None,
        }
    }
}

#[derive(Serialize)]
pub(super) struct KeyPage {
    data: Vec<KeyView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

pub(super) async fn create<H: Host>(host: &H, new: &NewKey) -> Result<KeyView, GatewayError> {
    check_name("tenant", &new.tenant)?;
    check_name("name", &new.name)?;
    if new.models.is_empty() || new.models.iter().any(String::is_empty) {
        return Err(bad("models", "must name at least one model; `*` stands for any characters"));
    }
    let now = host.now();
    let expires_at = match &new.expires_at {
        None => None,
        Some(text) => {
            let time = parse_time(text);
            let form = || bad("expires_at", "must be a time like 2026-01-31T12:00:00Z");
            let time = time.ok_or_else(form)?;
            if time <= now {
                return Err(bad("expires_at", "is in the past: the key would never work"));
            }
            Some(time)
        }
    };
    let minted = Credential::mint(host, CredentialKind::Key);
    let entry = KeyEntry {
        id: minted.id,
        hash: minted.hash,
        tenant: new.tenant.clone(),
        name: new.name.clone(),
        models: new.models.clone(),
        created_at: now,
        expires_at,
        revoked_at: None,
    };
    store::write(host.store(), &format!("{KEYS}{}", entry.id), &entry).await?;
    Ok(KeyView { key: Some(minted.text), ..entry.into() })
}

pub(super) async fn list<H: Host>(host: &H, query: &Query) -> Result<KeyPage, GatewayError> {
    query.only(&["tenant", "after", "limit"])?;
    let (tenant, limit) = (query.text("tenant"), query.limit()?);
    let mut after = query.text("after").map(|id| format!("{KEYS}{id}"));
    let mut data: Vec<KeyView> = Vec::new();
    loop {
        let page = host.store().list(KEYS, after.as_deref(), limit).await?;
        let is_last = page.len() < limit;
        for (name, value) in page {
            let entry: KeyEntry = store::decode(&name, &value)?;
            if tenant.as_ref().is_none_or(|t| *t == entry.tenant) {
                if data.len() == limit {
                    let next = data.last().map(|key| key.id.clone());
                    return Ok(KeyPage { data, next });
                }
                data.push(entry.into());
            }
            after = Some(name);
        }
        if is_last {
            return Ok(KeyPage { data, next: None });
        }
    }
}

/// Revokes a key. Doing it again changes nothing.
pub(super) async fn revoke<H: Host>(host: &H, id: &str) -> Result<KeyView, GatewayError> {
    let name = format!("{KEYS}{id}");
    let Some(mut entry) = store::read::<KeyEntry>(host.store(), &name).await? else {
        let text = format!("there is no key with the id `{id}`: GET /admin/v1/keys lists them");
        return Err(GatewayError::new(ErrorKind::UnknownResource, text));
    };
    if entry.revoked_at.is_none() {
        entry.revoked_at = Some(host.now());
        store::write(host.store(), &name, &entry).await?;
    }
    Ok(entry.into())
}

fn check_name(field: &str, name: &str) -> Result<(), GatewayError> {
    let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | ' ' | '/');
    if name.trim().is_empty() || name.len() > LONGEST_NAME || !name.chars().all(good) {
        let reason = format!("must have 1 to {LONGEST_NAME} letters, digits or any of `-_.@/` and spaces");
        return Err(bad(field, &reason));
    }
    Ok(())
}
