//! What can go wrong with a store.

use bespoke_domain::{Millis, Offset, ShopperNo};
use rusqlite::ErrorCode;
use std::path::PathBuf;

/// A store's failure. Nothing was changed by the call that returns it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// An entry's bytes are not what was written.
    #[error("log entry {} cannot be read: {why}", offset.0)]
    Corrupt {
        /// Where it stands.
        offset: Offset,
        /// What is wrong with it.
        why: String,
    },
    /// An entry was written by a later version.
    #[error("log entry {} has record version {found}, this version knows {known}", offset.0)]
    RecordVersion {
        /// Where it stands.
        offset: Offset,
        /// Its version.
        found: u8,
        /// The latest this version knows.
        known: u8,
    },
    /// An entry was received before the one that stands before it.
    #[error("received time would go back from {} to {} ms", last.0, received.0)]
    Backwards {
        /// When the refused entry was received.
        received: Millis,
        /// When the one before it was received.
        last: Millis,
    },
    /// A shopper number stands for an identity already.
    #[error("shopper number {} is taken", .0.0)]
    ShopperTaken(ShopperNo),
    /// An entry cannot be written as bytes.
    #[error("an entry cannot be written: {0}")]
    Record(postcard::Error),
    /// The file system failed.
    #[error("file system: {0}")]
    Io(std::io::Error),
    /// SQLite failed.
    #[error("SQLite: {0}")]
    Sqlite(rusqlite::Error),
}

impl Error {
    /// Whether it says that what stands in the file is not what was written, or not in a way that this version knows.
    pub fn is_damage(&self) -> bool {
        use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
        match self {
            Self::Corrupt { .. } | Self::RecordVersion { .. } => true,
            // A value that the table would not have taken.
            Self::Sqlite(
                FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..),
            ) => true,
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            ),
            _ => false,
        }
    }
}

/// Whether there is no room for what was to be written: on the disk, in the share of it that this user may have, or under the
/// largest size that a file may have (`ulimit -f`).
pub(crate) fn is_no_room(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        if is_no_room(&error) { Self::Full } else { Self::Io(error) }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            _ => Self::Sqlite(error),
        }
    }
}
