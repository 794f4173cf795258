//! The store of whole values.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use postern_gateway::store::CONFIG;
use postern_gateway::{Store, StoreError};

use super::cache::{Cache, Found};
use super::file::DatabaseFile;
use super::tables::VALUES;
use super::writer::{Change, Writer};

/// Values in the embedded file.
pub(crate) struct RedbStore {
    file: Arc<DatabaseFile>,
    cache: Arc<Cache>,
    writer: Arc<Writer>,
}

impl RedbStore {
    pub(super) const fn new(file: Arc<DatabaseFile>, cache: Arc<Cache>, writer: Arc<Writer>) -> Self {
        Self { file, cache, writer }
    }

    fn read_file(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        let table = self.file.begin_read()?.open_table(VALUES).map_err(|error| self.file.failed(error))?;
        let value = table.get(name).map_err(|error| self.file.failed(error))?;
        Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
    }
}

/// Whether a value may stay in memory. The configuration is read to learn whether the store answers, so an answer
/// has to come from it.
fn is_kept(name: &str) -> bool {
    name != CONFIG
}

impl Store for RedbStore {
    async fn read(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        let moment = match self.cache.find(name) {
            Found::Value(value) => return Ok(Some(value)),
            Found::Unknown(moment) => moment,
        };
        // A look-up touches a few pages that are nearly always in memory: handing it to another thread would cost
        // more than it takes.
        let value = self.read_file(name)?;
        if let Some(value) = &value
            && is_kept(name)
            // What a broken file says may be older than what it says once it is opened anew.
            && !self.file.is_broken()
        {
            self.cache.keep(&moment, name, value.clone());
        }
        Ok(value)
    }

    async fn write(&self, name: &str, value: Bytes) -> Result<(), StoreError> {
        self.writer.change(Change { name: name.to_owned(), value: Some(value) }).await
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.writer.change(Change { name: name.to_owned(), value: None }).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        let table = self.file.begin_read()?.open_table(VALUES).map_err(|error| self.file.failed(error))?;
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let rows = table.range::<&str>((start, Bound::Unbounded)).map_err(|error| self.file.failed(error))?;
        let mut found = Vec::new();
        for row in rows.take(limit) {
            let (name, value) = row.map_err(|error| self.file.failed(error))?;
            if !name.value().starts_with(prefix) {
                break;
            }
            found.push((name.value().to_owned(), Bytes::copy_from_slice(value.value())));
        }
        Ok(found)
    }
}
