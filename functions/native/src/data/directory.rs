//! Making and opening the data directory, and saying what to do when that does not work.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use redb::{Builder, Database, DatabaseError};

use super::tables;

/// The file inside the directory.
const FILE: &str = "postern.redb";
/// Bytes of the file kept in memory. The default of the database, 1 GiB, is for machines that do nothing else.
const CACHE: usize = 8 << 20;

/// Why the data directory cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DataError(String);

impl DataError {
    /// An error of the directory at `path`.
    pub(super) fn new(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self(format!("cannot use the data directory {}: {reason}", path.display()))
    }

    fn in_use(path: &Path) -> Self {
        Self(format!(
            "the data directory {} is in use by another postern (stop it, or give --data another directory)",
            path.display()
        ))
    }
}

/// Opens the database in the directory at `path`; makes both if they do not exist.
pub(super) fn open(path: &Path) -> Result<Database, DataError> {
    make_directory(path).map_err(|error| refused(path, &error))?;
    let file = open_file(&path.join(FILE)).map_err(|error| refused(path, &error))?;
    let opened = Builder::new().set_cache_size(CACHE).create_file(file);
    let database = opened.map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => DataError::in_use(path),
        DatabaseError::UpgradeRequired(_) => {
            DataError::new(path, "it was written by an older version that this one cannot read")
        }
        other => DataError::new(path, format!("{FILE} cannot be opened: {other}")),
    })?;
    tables::prepare(&database).map_err(|reason| DataError::new(path, reason))?;
    Ok(database)
}

/// Whether there is a database in the directory at `path`.
pub(super) fn has_database(path: &Path) -> bool {
    path.join(FILE).is_file()
}

/// Opens a database that was there before. Where its disk is not mounted any more, no empty one takes its place.
pub(super) fn open_existing(path: &Path) -> Result<Database, DataError> {
    if has_database(path) { open(path) } else { Err(DataError::new(path, format!("{FILE} is gone"))) }
}

fn refused(path: &Path, error: &io::Error) -> DataError {
    let reason = match error.kind() {
        ErrorKind::PermissionDenied => {
            "this user may not write there (give --data a directory it may)".to_owned()
        }
        ErrorKind::ReadOnlyFilesystem => {
            "the file system is read-only (give --data another directory)".to_owned()
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "there is a file where a directory is needed (give --data another directory)".to_owned()
        }
        _ => error.to_string(),
    };
    DataError::new(path, reason)
}

/// Only the owner may look into it: it holds the hashes of keys, and payloads if the configuration asks for them.
fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
