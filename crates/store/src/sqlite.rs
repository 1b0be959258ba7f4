//! The log in SQLite: WAL, every commit synced, what is deleted overwritten. The live table has no index but the offset,
//! which is what makes group commits fast.

use crate::error::Error;
use crate::{Checkpoints, DECISION_LAG_MS, Each, Reader, Store, decision_ms, record};
use bespoke_domain::entry::{Identity, IdentityKind};
use bespoke_domain::{Body, Decision, DecisionId, Entry, Millis, Offset, ShopperNo};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use std::fs::{File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Each step from one schema version to the next; the version is how many were applied.
pub const MIGRATIONS: [&str; 2] = [
    "CREATE TABLE entry (offset INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, kind INTEGER NOT NULL,
        shopper_no INTEGER, body BLOB NOT NULL) STRICT;
     CREATE TABLE identity (shopper_no INTEGER PRIMARY KEY, kind INTEGER NOT NULL, external_id TEXT NOT NULL) STRICT;",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;",
];

const INSERT: &str =
    "INSERT INTO entry (offset, received_ms, kind, shopper_no, body) VALUES (?1, ?2, ?3, ?4, ?5)";
const SELECT: &str =
    "SELECT offset, received_ms, shopper_no, body FROM entry WHERE offset > ?1 AND offset <= ?2";

/// A data directory, open for writing by this process alone.
pub struct Sqlite {
    directory: PathBuf,
    connection: Connection,
    last: Offset,
    /// Held while the store is open; the system releases it when the process ends, however it ends.
    _lock: File,
}

impl Sqlite {
    /// Opens a data directory, made if it is not there, and brings its schema up to date.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let lock = File::create(directory.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Locked(directory.to_owned())),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let path = directory.join("log.sqlite");
        let mut connection = Connection::open(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
        migrate(&mut connection)?;
        let last = last_offset(&connection)?;
        Ok(Self { directory: directory.to_owned(), connection, last, _lock: lock })
    }

    /// The connection, for tests that set limits.
    #[doc(hidden)]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = MIGRATIONS.len() as u32;
    if found > known {
        return Err(Error::TooNew { found, known });
    }
    for (version, step) in (1..).zip(MIGRATIONS).skip(found as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

fn last_offset(connection: &Connection) -> Result<Offset, Error> {
    let last: Option<i64> = connection.query_row("SELECT max(offset) FROM entry", [], |row| row.get(0))?;
    Ok(Offset(last.unwrap_or(0) as u64))
}

impl Store for Sqlite {
    fn append(&mut self, entries: &[Entry], identities: &[Identity]) -> Result<Offset, Error> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for (entry, offset) in entries.iter().zip(self.last.0 + 1..) {
                let body = record::encode(&entry.body);
                let shopper = entry.shopper.map(|shopper| shopper.0);
                insert.execute(params![
                    offset as i64,
                    entry.received.0,
                    entry.body.kind_no(),
                    shopper,
                    body
                ])?;
            }
            let mut insert = transaction
                .prepare_cached("INSERT INTO identity (shopper_no, kind, external_id) VALUES (?1, ?2, ?3)")?;
            for one in identities {
                insert.execute(params![one.shopper.0, one.kind as u8, one.external_id])?;
            }
        }
        transaction.commit()?;
        self.last = Offset(self.last.0 + entries.len() as u64);
        Ok(self.last)
    }

    fn last_offset(&self) -> Offset {
        self.last
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.directory.join("log.sqlite"), flags)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        Ok(Box::new(SqliteReader { connection, checkpoints: self.checkpoints() }))
    }

    fn put_meta(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.connection
            .execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", params![name, value])?;
        Ok(())
    }

    fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(Some(self.directory.join("checkpoints")))
    }
}

struct SqliteReader {
    connection: Connection,
    checkpoints: Checkpoints,
}

fn entry(row: &Row<'_>) -> Result<(Offset, Entry), Error> {
    let offset = Offset(row.get::<_, i64>(0)? as u64);
    let body = record::decode(offset, row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?)?;
    let shopper = row.get::<_, Option<u32>>(2)?.map(ShopperNo);
    Ok((offset, Entry { received: Millis(row.get(1)?), shopper, body }))
}

impl SqliteReader {
    fn each(&self, sql: &str, params: impl rusqlite::Params, each: Each<'_>) -> Result<(), Error> {
        let mut select = self.connection.prepare_cached(sql)?;
        let mut rows = select.query(params)?;
        while let Some(row) = rows.next()? {
            let (offset, entry) = entry(row)?;
            if each(offset, entry).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The first offset received at or after `ms`; received times never go backwards along the log.
    fn first_at(&self, ms: i64) -> Result<u64, Error> {
        let (mut low, mut high) = (1, self.last_offset()?.0 + 1);
        let mut select = self.connection.prepare_cached("SELECT received_ms FROM entry WHERE offset = ?1")?;
        while low < high {
            let middle = low + (high - low) / 2;
            let received: i64 = select.query_row([middle as i64], |row| row.get(0))?;
            if received < ms {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

impl Reader for SqliteReader {
    fn last_offset(&self) -> Result<Offset, Error> {
        last_offset(&self.connection)
    }

    fn read(&self, after: Offset, until: Offset, each: Each<'_>) -> Result<(), Error> {
        self.each(&format!("{SELECT} ORDER BY offset"), [after.0 as i64, until.0 as i64], each)
    }

    fn read_shopper(
        &self,
        shopper: ShopperNo,
        after: Offset,
        until: Offset,
        each: Each<'_>,
    ) -> Result<(), Error> {
        let sql = format!("{SELECT} AND shopper_no = ?3 ORDER BY offset");
        self.each(&sql, params![after.0 as i64, until.0 as i64, shopper.0], each)
    }

    fn decision(&self, id: DecisionId) -> Result<Option<(Offset, Decision)>, Error> {
        let made = decision_ms(id);
        let (first, end) = (self.first_at(made)?, self.first_at(made.saturating_add(DECISION_LAG_MS))?);
        let mut found = None;
        let sql = format!("{SELECT} AND kind = 5 ORDER BY offset");
        self.each(&sql, [first as i64 - 1, end as i64], &mut |offset, entry| match entry.body {
            Body::Decision(decision) if decision.request.id == id => {
                found = Some((offset, *decision));
                std::ops::ControlFlow::Break(())
            }
            _ => std::ops::ControlFlow::Continue(()),
        })?;
        Ok(found)
    }

    fn identities(&self, each: &mut dyn FnMut(Identity)) -> Result<(), Error> {
        let sql = "SELECT shopper_no, kind, external_id FROM identity ORDER BY shopper_no";
        let mut select = self.connection.prepare_cached(sql)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let kind = if row.get::<_, u8>(1)? == IdentityKind::User as u8 {
                IdentityKind::User
            } else {
                IdentityKind::Anonymous
            };
            each(Identity { shopper: ShopperNo(row.get(0)?), kind, external_id: row.get(2)? });
        }
        Ok(())
    }

    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let mut select = self.connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
        Ok(select.query_row([name], |row| row.get(0)).optional()?)
    }

    fn checkpoint_at_or_before(&self, offset: Offset) -> Result<Option<(Offset, Vec<u8>)>, Error> {
        self.checkpoints.at_or_before(offset)
    }
}
