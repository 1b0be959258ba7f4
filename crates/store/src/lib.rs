//! The only crate that touches disk: the log, shopper identities, checkpoints, and small named values. One trait, a
//! memory implementation for tests and a SQLite one, one conformance suite over both.

/// Checkpoint files.
pub mod checkpoints;
/// What can go wrong.
pub mod error;
/// The log in memory.
pub mod memory;
/// Entries as bytes.
pub mod record;
/// The log in SQLite.
pub mod sqlite;

pub use checkpoints::Checkpoints;
pub use error::Error;
pub use memory::Memory;
pub use sqlite::Sqlite;

use bespoke_domain::entry::Identity;
use bespoke_domain::{Decision, DecisionId, Entry, Offset, ShopperNo};
use std::ops::ControlFlow;

/// What reading the log calls for each entry.
pub type Each<'a> = &'a mut dyn FnMut(Offset, Entry) -> ControlFlow<()>;

/// How much later than a decision's own time its entry may have been received, in milliseconds.
pub const DECISION_LAG_MS: i64 = 60_000;

/// The writing side; one per data directory.
pub trait Store: Send {
    /// Appends all entries and identities or none, durable when it returns. Entries get consecutive offsets; returns the
    /// last one. After an error the store MUST be usable again once its cause is gone.
    fn append(&mut self, entries: &[Entry], identities: &[Identity]) -> Result<Offset, Error>;

    /// The offset of the last entry; 0 for an empty log.
    fn last_offset(&self) -> Offset;

    /// A handle for reading beside the writer.
    fn reader(&self) -> Result<Box<dyn Reader>, Error>;

    /// Sets a named value, durably.
    fn put_meta(&mut self, name: &str, value: &[u8]) -> Result<(), Error>;

    /// The checkpoints beside this log, usable from any thread.
    fn checkpoints(&self) -> Checkpoints;
}

/// The reading side. Sees what is committed, nothing else.
pub trait Reader: Send {
    /// The offset of the last entry; 0 for an empty log.
    fn last_offset(&self) -> Result<Offset, Error>;

    /// Calls `each` for the entries after `after` up to `until`, in order, until it breaks.
    fn read(&self, after: Offset, until: Offset, each: Each<'_>) -> Result<(), Error>;

    /// Calls `each` for the entries of one shopper after `after` up to `until`, in order, until it breaks.
    fn read_shopper(
        &self,
        shopper: ShopperNo,
        after: Offset,
        until: Offset,
        each: Each<'_>,
    ) -> Result<(), Error>;

    /// The entry of a decision. Its id starts with its time, by which its place in the log is found.
    fn decision(&self, id: DecisionId) -> Result<Option<(Offset, Decision)>, Error>;

    /// Calls `each` for every identity, in order of numbers.
    fn identities(&self, each: &mut dyn FnMut(Identity)) -> Result<(), Error>;

    /// A named value.
    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, Error>;

    /// The newest undamaged checkpoint that is not past `offset`.
    fn checkpoint_at_or_before(&self, offset: Offset) -> Result<Option<(Offset, Vec<u8>)>, Error>;
}

/// The time in a decision's id, in milliseconds of the epoch.
fn decision_ms(id: DecisionId) -> i64 {
    (id.0 >> 80) as i64
}
