//! The open database, which can be opened anew when the disk has failed.

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use postern_gateway::StoreError;
use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::directory::{self, DataError};
use super::failure;

/// The database of a data directory.
pub(super) struct DatabaseFile {
    directory: PathBuf,
    /// None for the moment between closing and opening, and for as long as it cannot be opened.
    database: RwLock<Option<Database>>,
    /// Whether reading or writing has failed since it was opened.
    broken: AtomicBool,
}

impl DatabaseFile {
    /// Opens the database in a directory; makes both if they do not exist.
    pub(super) fn open(directory: &Path) -> Result<Self, DataError> {
        let database = directory::open(directory)?;
        let directory = directory.to_owned();
        Ok(Self { directory, database: RwLock::new(Some(database)), broken: AtomicBool::new(false) })
    }

    /// Begins to read, with what has been committed so far.
    pub(super) fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        match &*self.database() {
            Some(database) => database.begin_read().map_err(|error| self.failed(error)),
            None => Err(closed()),
        }
    }

    /// Begins to write.
    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        let begun = match &*self.database() {
            Some(database) => database.begin_write(),
            None => return Err(closed()),
        };
        let mut transaction = begun.map_err(|error| failure(&error))?;
        // After a crash the file can be used at once, however large it is.
        transaction.set_quick_repair(true);
        Ok(transaction)
    }

    /// An error of reading, as the core's. One of the disk breaks the file.
    pub(super) fn failed(&self, error: impl Into<redb::Error>) -> StoreError {
        let error = error.into();
        if matches!(error, redb::Error::Io(_) | redb::Error::PreviousIo) {
            self.mark_broken();
        }
        failure(&error)
    }

    /// Says that the file has to be opened anew.
    pub(super) fn mark_broken(&self) {
        self.broken.store(true, Ordering::Release);
    }

    /// Whether it has to be opened anew.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Opens the file anew. Once the disk has failed, because it was full for example, the database refuses
    /// everything until then, also when there is room again. What is being read meanwhile fails.
    ///
    /// Only for the thread that writes: the old database keeps the file while something is being written.
    pub(super) fn reopen(&self) -> Result<(), DataError> {
        // The file is locked by who has it open: the old one has to go first. Nobody waits for a slow disk here,
        // they are told that there is no database.
        drop(self.replace(None));
        let database = directory::open_existing(&self.directory)?;
        self.replace(Some(database));
        self.broken.store(false, Ordering::Release);
        Ok(())
    }

    fn database(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, database: Option<Database>) -> Option<Database> {
        mem::replace(&mut *self.database.write().unwrap_or_else(PoisonError::into_inner), database)
    }
}

fn closed() -> StoreError {
    StoreError("the file could not be opened again after a failure of the disk".to_owned())
}
