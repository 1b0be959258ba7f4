//! The log in SQLite: WAL, every commit synced, what is deleted overwritten. The live table has no index but the offset,
//! which is what makes group commits fast.

/// Reading.
mod reader;
/// The tables and their versions.
mod schema;
/// Sealing full segments.
mod sealer;
/// Whose turn it is to write.
mod turn;

pub use schema::MIGRATIONS;

use crate::error::Error;
use crate::{Artifacts, Checkpoints, Mark, Reader, Sealer, Store, check_received, files, record};
use bespoke_domain::entry::Identity;
use bespoke_domain::{Entry, Millis, Offset};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use turn::Turn;

const FILE: &str = "log.sqlite";
const WAL: &str = "log.sqlite-wal";
const INSERT_ENTRY: &str =
    "INSERT INTO entry (offset, received_ms, kind, shopper_no, body) VALUES (?1, ?2, ?3, ?4, ?5)";
const INSERT_IDENTITY: &str = "INSERT INTO identity (shopper_no, kind, external_id) VALUES (?1, ?2, ?3)";
const PUT_META: &str = "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)";

/// How long a statement waits for another connection's lock.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// Pages of the write-ahead log after which a commit copies them into the file.
const WAL_PAGES: u32 = 4_000;
/// Bytes that the write-ahead log keeps once it was copied; what it had grown to beyond is given back.
const WAL_KEPT_BYTES: i64 = 64 << 20;
/// The most pages SQLite allows a file.
const PAGES_MAX: i64 = 0xFFFF_FFFE;

/// What differs between data directories.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Entries of a segment. May change from one opening to the next: sealed segments keep their bounds.
    pub segment_entries: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_entries: 1_000_000 }
    }
}

/// A data directory, open for writing by this process alone.
pub struct Sqlite {
    directory: PathBuf,
    options: Options,
    connection: Connection,
    turn: Arc<Turn>,
    checkpoints: Checkpoints,
    artifacts: Artifacts,
    last: Offset,
    last_received: Millis,
    buffer: Vec<u8>,
    lock: Arc<File>,
}

impl Sqlite {
    /// The fitted models beside this log.
    pub fn artifacts(&self) -> Artifacts {
        self.artifacts.clone()
    }

    /// Opens a data directory, made if it is not there, and brings its schema up to date.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        Self::open_with(directory, Options::default())
    }

    /// As [`Sqlite::open`], with other options than the default.
    pub fn open_with(directory: &Path, options: Options) -> Result<Self, Error> {
        files::make_directory(directory)?;
        let lock = Arc::new(files::lock(directory)?);
        let opened = connect(directory).and_then(|connection| Ok((last(&connection)?, connection)));
        let ((last, last_received), connection) = opened.map_err(|error| explain(error, directory))?;
        let checkpoints = Checkpoints::in_directory(directory);
        for one in checkpoints.set_aside()? {
            tracing::warn!(offset = one.offset.0, last = last.0, why = %one.why, "a checkpoint is not of this log and was set aside");
        }
        Ok(Self {
            options,
            connection,
            turn: Arc::default(),
            checkpoints,
            artifacts: Artifacts::in_directory(directory.join("models")),
            last,
            last_received,
            buffer: Vec::new(),
            directory: directory.to_owned(),
            lock,
        })
    }

    /// Limits the log file to `bytes`, or lifts the limit: appends beyond it fail with [`Error::Full`].
    pub fn limit_size(&mut self, bytes: Option<u64>) -> Result<(), Error> {
        let page_size: i64 = self.connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = bytes.map_or(PAGES_MAX, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX) / page_size);
        Ok(self.connection.pragma_update(None, "max_page_count", pages)?)
    }

    /// Runs `write` in a transaction of its own when it is the writer's turn.
    fn in_turn<T>(&mut self, write: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let _taken = self.turn.for_append();
        in_transaction(&mut self.connection, write).map_err(|error| explain(error, &self.directory))
    }
}

/// A handle for reading a data directory that another process may have open.
///
/// # Errors
/// When there is no log in it, or none that can be read.
pub fn read_only(directory: &Path) -> Result<Box<dyn Reader>, Error> {
    let checkpoints = Checkpoints::in_directory(directory);
    Ok(Box::new(reader::SqliteReader::new(open_for_reading(directory)?, checkpoints)))
}

/// What tells the entry at `offset` from any other; `None` where there is none.
pub(crate) fn mark(directory: &Path, offset: Offset) -> Result<Option<Mark>, Error> {
    reader::mark(&open_for_reading(directory)?, offset)
}

fn open_for_reading(directory: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(directory.join(FILE), flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    Ok(connection)
}

impl Store for Sqlite {
    fn append(&mut self, entries: &[Entry], identities: &[Identity]) -> Result<Offset, Error> {
        let last_received = check_received(self.last_received, entries)?;
        let last = self.last;
        let buffer = std::mem::take(&mut self.buffer);
        self.buffer = self.in_turn(|transaction| {
            insert_identities(transaction, identities)?;
            insert_entries(transaction, last, entries, buffer)
        })?;
        self.last = Offset(last.0 + entries.len() as u64);
        self.last_received = last_received;
        Ok(self.last)
    }

    fn last_offset(&self) -> Offset {
        self.last
    }

    fn last_received(&self) -> Millis {
        self.last_received
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Error> {
        read_only(&self.directory)
    }

    fn sealer(&self) -> Result<Box<dyn Sealer>, Error> {
        let connection = open_for_writing(&self.directory.join(FILE))?;
        // What is sealed can be built again, so its commits need no sync of their own; and copying the write-ahead log
        // into the file is left to the writer.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        let (turn, lock) = (self.turn.clone(), self.lock.clone());
        let place = sealer::Place { directory: self.directory.clone(), turn, _lock: lock };
        Ok(Box::new(sealer::SqliteSealer::new(connection, place, self.options.segment_entries.max(1))))
    }

    fn checkpoints(&self) -> Checkpoints {
        self.checkpoints.clone()
    }

    fn put_meta(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.in_turn(|transaction| {
            transaction.prepare_cached(PUT_META)?.execute(params![name, value])?;
            Ok(())
        })
    }

    fn gather(&mut self) -> Result<(), Error> {
        let _taken = self.turn.for_append();
        let gather = "PRAGMA wal_checkpoint(TRUNCATE)";
        let is_busy: bool = self.connection.query_row(gather, [], |row| row.get(0))?;
        if is_busy {
            tracing::warn!("someone reads the log: a part of it is in {WAL} until the next clean stop");
        }
        Ok(())
    }
}

fn connect(directory: &Path) -> Result<Connection, Error> {
    let path = directory.join(FILE);
    files::open_private(&path)?;
    files::sync_directory(directory)?;
    let mut connection = open_for_writing(&path)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let why = format!("this file system does not support a write-ahead log (journal mode {mode})");
        return Err(Error::Io(std::io::Error::new(std::io::ErrorKind::Unsupported, why)));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES)?;
    schema::migrate(&mut connection)?;
    Ok(connection)
}

fn open_for_writing(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    Ok(connection)
}

/// Runs `write` in a transaction: all of it or, when it fails, nothing.
fn in_transaction<T>(
    connection: &mut Connection,
    write: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcome = write(&transaction)?;
    transaction.commit()?;
    Ok(outcome)
}

/// A failing disk and a full one look alike where SQLite does more than write, and so does the largest size that a file may
/// have; then the disk is asked.
fn explain(error: Error, directory: &Path) -> Error {
    let Error::Sqlite(inner) = &error else { return error };
    let is_unclear =
        matches!(inner.sqlite_error_code(), Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen));
    let len = |name| std::fs::metadata(directory.join(name)).map_or(0, |file| file.len());
    if is_unclear && files::is_full(directory, len(FILE).max(len(WAL))) { Error::Full } else { error }
}

fn insert_entries(
    transaction: &Transaction<'_>,
    last: Offset,
    entries: &[Entry],
    mut buffer: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let mut insert = transaction.prepare_cached(INSERT_ENTRY)?;
    for (entry, offset) in entries.iter().zip(last.0 + 1..) {
        buffer = record::encode(&entry.body, buffer)?;
        let shopper = entry.shopper.map(|shopper| shopper.0);
        insert.execute(params![offset as i64, entry.received.0, entry.body.kind_no(), shopper, buffer])?;
    }
    Ok(buffer)
}

fn insert_identities(transaction: &Transaction<'_>, identities: &[Identity]) -> Result<(), Error> {
    let mut insert = transaction.prepare_cached(INSERT_IDENTITY)?;
    for one in identities {
        let inserted = insert.execute(params![one.shopper.0, one.kind as u8, one.external_id]);
        inserted.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Error::ShopperTaken(one.shopper),
            _ => error.into(),
        })?;
    }
    Ok(())
}

fn last(connection: &Connection) -> Result<(Offset, Millis), Error> {
    let newest = "SELECT offset, received_ms FROM entry ORDER BY offset DESC LIMIT 1";
    let mut select = connection.prepare_cached(newest)?;
    let mut rows = select.query([])?;
    Ok(match rows.next()? {
        Some(row) => (Offset(row.get::<_, i64>(0)? as u64), Millis(row.get(1)?)),
        None => (Offset(0), Millis(i64::MIN)),
    })
}

/// An offset as SQLite counts; what is beyond its range is beyond every log.
fn rowid(offset: Offset) -> i64 {
    i64::try_from(offset.0).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_syncs_every_commit_and_overwrites_what_is_deleted() {
        let directory = tempfile::tempdir().unwrap();
        let store = Sqlite::open(directory.path()).unwrap();
        let number =
            |name| store.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((number("synchronous"), number("secure_delete")), (2, 1));
    }
}
