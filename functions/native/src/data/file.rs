//! The open database, which can be opened anew when the disk has failed.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use postern_gateway::StoreError;
use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::directory::{self, DataError};
use super::failure;

/// The database of a data directory.
pub(super) struct DatabaseFile {
    directory: PathBuf,
    /// None for the moment between closing and opening, and for as long as it cannot be opened.
    database: RwLock<Option<Database>>,
}

impl DatabaseFile {
    /// Opens the database in a directory; makes both if they do not exist.
    pub(super) fn open(directory: &Path) -> Result<Self, DataError> {
        let database = directory::open(directory)?;
        Ok(Self { directory: directory.to_owned(), database: RwLock::new(Some(database)) })
    }

    /// Begins to read, with what has been committed so far.
    pub(super) fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => database.begin_read().map_err(|error| failure(&error)),
            None => Err(closed()),
        }
    }

    /// Begins to write.
    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        let begun = match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => database.begin_write(),
            None => return Err(closed()),
        };
        let mut transaction = begun.map_err(|error| failure(&error))?;
        // After a crash the file can be used at once, however large it is.
        transaction.set_quick_repair(true);
        Ok(transaction)
    }

    /// Opens the file anew. Once writing has failed, because the disk was full for example, the database refuses
    /// everything until then, also when there is room again.
    pub(super) fn reopen(&self) -> Result<(), DataError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // The file is locked by who has it open: the old one has to go first.
        *database = None;
        *database = Some(directory::open(&self.directory)?);
        Ok(())
    }
}

fn closed() -> StoreError {
    StoreError("the file could not be opened again after a failure of the disk".to_owned())
}
