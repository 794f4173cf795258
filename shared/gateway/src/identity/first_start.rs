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

/// The id of the first administrator's token. Always this one, so that of several first starts at once only one can make
/// it; and where a store cannot compare, the last one's token is the only one that works.
const FIRST_ADMIN: &str = "firstadmin";

/// Makes an administrator's token and a first key when the store has no administrator yet; `None` afterwards, and when
/// another first start was quicker. One that was interrupted is made good by the next.
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
    // The administrator last: if this is interrupted, the next start begins again instead of having none. What is left
    // then is a key that nobody has seen.
    let key_name = format!("{}{}", store::KEYS, entry.id);
    store::write(host.store(), &key_name, &entry).await?;
    let token = Credential::mint_as(host, CredentialKind::Admin, FIRST_ADMIN.to_owned());
    let entry = AdminEntry { id: token.id, hash: token.hash, created_at: host.now() };
    let name = format!("{}{}", store::ADMINS, entry.id);
    let made = match store::create(host.store(), &name, &entry).await {
        Ok(made) => made,
        // It may have been done all the same. A token that nobody has seen must not be the first.
        Err(error) => match store::read::<AdminEntry>(host.store(), &name).await {
            Ok(Some(there)) => there.hash == entry.hash,
            Ok(None) | Err(_) => return Err(error),
        },
    };
    if !made {
        host.store().remove(&key_name).await?;
        return Ok(None);
    }
    Ok(Some(FirstStart { admin_token: token.text, key: key.text }))
}

/// Makes another administrator's token. Shown once.
pub async fn new_admin<H: Host>(host: &H) -> Result<String, StoreError> {
    let token = Credential::mint(host, CredentialKind::Admin);
    let entry = AdminEntry { id: token.id, hash: token.hash, created_at: host.now() };
    store::write(host.store(), &format!("{}{}", store::ADMINS, entry.id), &entry).await?;
    Ok(token.text)
}
