//! The tables, as steps from one schema version to the next. A step that was released is never edited; a later one follows.

use crate::error::Error;
use rusqlite::Connection;

/// Each schema version with the step that leads to it from the one before.
pub const MIGRATIONS: &[(u32, &str)] = &[
    (
        1,
        "CREATE TABLE entry (offset INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, kind INTEGER NOT NULL,
            shopper_no INTEGER, body BLOB NOT NULL) STRICT;
         CREATE TABLE identity (shopper_no INTEGER PRIMARY KEY, kind INTEGER NOT NULL, external_id TEXT NOT NULL)
            STRICT;",
    ),
    (2, "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"),
    (
        3,
        "CREATE TABLE segment (segment INTEGER PRIMARY KEY, first_offset INTEGER NOT NULL,
            last_offset INTEGER NOT NULL) STRICT;
         CREATE TABLE by_shopper (segment INTEGER NOT NULL, shopper_no INTEGER NOT NULL, offset INTEGER NOT NULL,
            PRIMARY KEY (segment, shopper_no, offset)) STRICT, WITHOUT ROWID;",
    ),
];

/// Brings a file's schema up to date, each step in a transaction of its own; a file of a later version is refused.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = MIGRATIONS.last().map_or(0, |(version, _)| *version);
    if found > known {
        return Err(Error::TooNew { found, known });
    }
    for (version, step) in MIGRATIONS.iter().filter(|(version, _)| *version > found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
