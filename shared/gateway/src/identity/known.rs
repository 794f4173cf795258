//! Keys that were read before, so that a key is taken apart once and not at every call.
//!
//! The store is asked at every call all the same: what it gives decides, so a revoked key is never taken from here.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

use crate::host::{Host, Store, StoreError};
use crate::store::{self, KEYS, KeyEntry};

/// Keys kept. Only keys that exist get here; when there are more, all are forgotten and read again.
const MOST: usize = 4096;

/// Keys by their id, each with the bytes that it was read from.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys(RwLock<HashMap<String, (Bytes, Arc<KeyEntry>)>>);

impl KnownKeys {
    /// The key of this id, if there is one.
    pub(super) async fn read<H: Host>(
        &self,
        host: &H,
        id: &str,
    ) -> Result<Option<Arc<KeyEntry>>, StoreError> {
        let name = format!("{KEYS}{id}");
        let Some(bytes) = host.store().read(&name).await? else { return Ok(None) };
        if let Some((read_from, entry)) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(id)
            && *read_from == bytes
        {
            return Ok(Some(Arc::clone(entry)));
        }
        let entry: Arc<KeyEntry> = Arc::new(store::decode(&name, &bytes)?);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(id.to_owned(), (bytes, Arc::clone(&entry)));
        Ok(Some(entry))
    }
}
