//! The first start of a store: an administrator and a key, so that the first call needs no set-up.

use super::credential::{Credential, CredentialKind};
use crate::host::{Host, Store, StoreError};
use crate::store::{self, AdminEntry, KeyEntry};

/// What a first start made. Shown once.
pub struct FirstStart {
    /// The administrator's token.
    pub admin_token: String,
    /// A key of the tenant `default` that may use every model.
    pub key: String,
}

/// Makes an administrator's token and a first key when the store has no administrator yet; `None` afterwards.
pub async fn first_start<H: Host>(host: &H) -> Result<Option<FirstStart>, StoreError> {
    if !host.store().list(store::ADMINS, None, 1).await?.is_empty() {
        return Ok(None);
    }
    let key = Credential::mint(host, CredentialKind::Key);
    let entry = KeyEntry {
        id: key.id,
        hash: key.hash,
        tenant: "default".to_owned(),
        name: "first".to_owned(),
        models: vec!["*".to_owned()],
        created_at: host.now(),
        expires_at: None,
        revoked_at: None,
    };
    // The administrator last: if this is interrupted, the next start begins again instead of having none.
    store::write(host.store(), &format!("{}{}", store::KEYS, entry.id), &entry).await?;
    let admin_token = new_admin(host).await?;
    Ok(Some(FirstStart { admin_token, key: key.text }))
}

/// Makes another administrator's token. Shown once.
pub async fn new_admin<H: Host>(host: &H) -> Result<String, StoreError> {
    let token = Credential::mint(host, CredentialKind::Admin);
    let entry = AdminEntry { id: token.id, hash: token.hash, created_at: host.now() };
    store::write(host.store(), &format!("{}{}", store::ADMINS, entry.id), &entry).await?;
    Ok(token.text)
}
