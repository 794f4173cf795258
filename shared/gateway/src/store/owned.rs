//! Whose the things are that a provider keeps: files, batches, uploads.
//!
//! Tenants share the provider's account, and the provider tells nobody apart. So what a tenant makes is noted here, and
//! nobody else can name it. Two entries stand for a thing: one by its id, which decides, and one in the order of time
//! with what the provider said of it, from which lists are made.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{create, decode, read, write};
use crate::hex;
use crate::host::{Store, StoreError};

/// The longest id of a provider's that is taken, bytes.
const LONGEST_ID: usize = 200;
/// How often a list asks the store for one page, where a filter leaves things out.
const MOST_LOOKS: usize = 20;

/// What kind of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A file.
    File,
    /// A batch of requests.
    Batch,
    /// A file that is uploaded in parts.
    Upload,
}

impl Kind {
    /// The name in records and in the names of entries.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Batch => "batch",
            Self::Upload => "upload",
        }
    }
}

/// Whose a thing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedEntry {
    /// The tenant, in full.
    pub tenant: String,
    /// The key that made it, by its id.
    pub key: String,
    /// What it is.
    pub kind: Kind,
    /// When the provider made it, seconds since 1970.
    pub created: u64,
}

/// A thing in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Listed {
    /// The provider's own words.
    object: Value,
}

/// The place of one tenant's things with one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    tenant: String,
    /// A hash of the tenant's name, which may hold anything and be long.
    hash: String,
    provider: String,
}

/// A page of a list.
#[derive(Debug, Default, PartialEq)]
pub struct Page {
    /// The provider's words for each thing, the newest first.
    pub objects: Vec<Value>,
    /// Whether there are more.
    pub more: bool,
}

impl Place {
    /// The place of a tenant's things with a provider of this name in the configuration.
    #[must_use]
    pub fn new(tenant: &str, provider: &str) -> Self {
        let mut hash = hex::of(&Sha256::digest(tenant.as_bytes()));
        hash.truncate(32);
        Self { tenant: tenant.to_owned(), hash, provider: provider.to_owned() }
    }

    fn own(&self, id: &str) -> String {
        format!("own/{}/{}/{id}", self.hash, self.provider)
    }

    fn list(&self, kind: Kind) -> String {
        format!("item/{}/{}/{}/", self.hash, self.provider, kind.name())
    }

    /// Newer things come first, because names come in the order of their bytes.
    fn item(&self, kind: Kind, created: u64, id: &str) -> String {
        format!("{}{:016x}/{id}", self.list(kind), u64::MAX - created)
    }

    /// Notes a thing. `object` is what the provider said of it; without, it stands in no list.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note(
        &self,
        store: &impl Store,
        id: &str,
        entry: &OwnedEntry,
        object: Option<&Value>,
    ) -> Result<(), StoreError> {
        // The one that decides comes last: until then the thing is nobody's.
        if let Some(object) = object {
            self.describe(store, id, entry, object).await?;
        }
        write(store, &self.own(id), entry).await
    }

    /// Notes what the provider says of a thing now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn describe(
        &self,
        store: &impl Store,
        id: &str,
        entry: &OwnedEntry,
        object: &Value,
    ) -> Result<(), StoreError> {
        write(store, &self.item(entry.kind, entry.created, id), &Listed { object: object.clone() }).await
    }

    /// The entry of a thing, if it is this tenant's and of this kind.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn find(
        &self,
        store: &impl Store,
        kind: Kind,
        id: &str,
    ) -> Result<Option<OwnedEntry>, StoreError> {
        if !is_id(id) {
            return Ok(None);
        }
        let entry: Option<OwnedEntry> = read(store, &self.own(id)).await?;
        Ok(entry.filter(|entry| entry.tenant == self.tenant && entry.kind == kind))
    }

    /// Forgets a thing.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget(&self, store: &impl Store, id: &str, entry: &OwnedEntry) -> Result<(), StoreError> {
        store.remove(&self.item(entry.kind, entry.created, id)).await?;
        store.remove(&self.own(id)).await
    }

    /// Things that `wanted` takes, the newest first, after the thing of the id `after`. `None` when there is no such
    /// thing.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn page(
        &self,
        store: &impl Store,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Option<Page>, StoreError> {
        let mut last = match after {
            None => None,
            Some(id) => match self.find(store, kind, id).await? {
                None => return Ok(None),
                Some(entry) => Some(self.item(kind, entry.created, id)),
            },
        };
        let prefix = self.list(kind);
        let mut page = Page::default();
        for _ in 0..MOST_LOOKS {
            // One more than fits says whether there are more.
            let found = store.list(&prefix, last.as_deref(), limit + 1).await?;
            let ended = found.len() <= limit;
            for (name, bytes) in found {
                let Listed { object } = decode(&name, &bytes)?;
                if wanted(&object) {
                    if page.objects.len() == limit {
                        page.more = true;
                        return Ok(Some(page));
                    }
                    page.objects.push(object);
                }
                last = Some(name);
            }
            if ended {
                return Ok(Some(page));
            }
        }
        page.more = true;
        Ok(Some(page))
    }

    /// Whether the call `by` is the first to meter a batch. Of several at once exactly one hears `true`, where the store
    /// can tell ([`Store::create`], which takes the same value for the same write done again: hence the call's id).
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn meter_once(&self, store: &impl Store, id: &str, by: &str) -> Result<bool, StoreError> {
        #[derive(Serialize)]
        struct Metered<'a> {
            by: &'a str,
        }
        create(store, &format!("metered/{}/{}/{id}", self.hash, self.provider), &Metered { by }).await
    }
}

/// Whether a text can be the id of a thing: it becomes a part of addresses and of names in the store.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('.')
}
