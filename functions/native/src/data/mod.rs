//! The data directory: one embedded transactional file with the store's values, the call records and their sums.
//!
//! One process owns it at a time. All writing goes through one thread ([`writer`]), which commits in groups; reading
//! never waits for it. Nothing here knows what the values mean.

mod cache;
mod directory;
mod file;
mod journal;
mod retention;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use postern_gateway::StoreError;

pub(crate) use directory::DataError;
pub(crate) use journal::RedbJournal;
pub(crate) use store::RedbStore;

use cache::Cache;
use file::DatabaseFile;
use writer::Writer;

/// The open data directory. Dropping it writes what is still buffered.
pub(crate) struct Data {
    /// Whole values.
    pub(crate) store: RedbStore,
    /// Call records.
    pub(crate) journal: RedbJournal,
    writer: Arc<Writer>,
}

impl Data {
    /// Opens the data directory at `path` and makes it if there is none. Records older than `keep` are removed as
    /// time goes on; their sums stay.
    ///
    /// # Errors
    /// When it is in use by another process, cannot be made, read or written, or was written by a newer version.
    pub(crate) fn open(path: &Path, keep: Duration) -> Result<Self, DataError> {
        let file = Arc::new(DatabaseFile::open(path)?);
        let cache = Arc::new(Cache::default());
        let writer = Writer::start(Arc::clone(&file), Arc::clone(&cache), keep)
            .map_err(|error| DataError::new(path, format!("its writer cannot start: {error}")))?;
        let writer = Arc::new(writer);
        Ok(Self {
            store: RedbStore::new(Arc::clone(&file), cache, Arc::clone(&writer)),
            journal: RedbJournal::new(file, Arc::clone(&writer)),
            writer,
        })
    }

    /// Whether a gateway has ever kept its data in the directory at `path`.
    pub(crate) fn exists(path: &Path) -> bool {
        directory::has_database(path)
    }

    /// Writes what is buffered and stops writing. Blocks until that is done; what comes later is refused.
    pub(crate) fn close(&self) {
        self.writer.close();
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        self.close();
    }
}

/// The database's error as the core's. Its text names no values.
fn failure(error: &dyn std::error::Error) -> StoreError {
    StoreError(error.to_string())
}
