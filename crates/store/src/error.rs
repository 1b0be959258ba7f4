//! What can go wrong with a store.

use std::path::PathBuf;

/// A store's failure. Nothing was changed by the call that returns it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No space is left. Reading goes on; writing works again when there is space.
    #[error("no space is left on the disk")]
    Full,
    /// Another process has the data directory open.
    #[error("{} is in use by another process; stop it first", .0.display())]
    Locked(PathBuf),
    /// The file was written by a later version.
    #[error("the data directory has schema {found}, this version knows {known}; use a newer Bespoke")]
    TooNew {
        /// The file's schema version.
        found: u32,
        /// The latest this version knows.
        known: u32,
    },
    /// An entry's bytes are not what this version writes.
    #[error("log entry {offset} cannot be read: {why}")]
    Corrupt {
        /// Where it stands.
        offset: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The file system failed.
    #[error("file system: {0}")]
    Io(std::io::Error),
    /// SQLite failed.
    #[error("SQLite: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull { Self::Full } else { Self::Io(error) }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Sqlite(error),
        }
    }
}
