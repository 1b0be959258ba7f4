//! The only crate that touches disk: the log, shopper identities, checkpoints, and small named values. One trait, a
//! memory implementation for tests and a SQLite one, one conformance suite over both.
//!
//! Useful for: appending durably, reading in log order, finding the entries of a shopper or of a decision. Not for:
//! knowing what an entry means. The server appends here and hands the same entry to the engine; the two never meet.

/// Fitted models as files.
mod artifacts;
/// Checkpoint files.
mod checkpoints;
/// What can go wrong.
mod error;
/// Files and directories that only their owner can read.
mod files;
/// The log in memory.
mod memory;
/// Entries as bytes.
mod record;
/// The log in SQLite.
mod sqlite;

pub use artifacts::{Artifact, Artifacts};
pub use checkpoints::{Checkpoints, Damaged, Mark, unframe};
pub use error::Error;
pub use memory::Memory;
pub use record::{VERSION as RECORD_VERSION, decode as decode_record};
pub use sqlite::{MIGRATIONS, Options, Sqlite, read_only};

use bespoke_domain::entry::Identity;
use bespoke_domain::{Decision, DecisionId, Entry, Millis, Offset, ShopperNo};
use std::ops::ControlFlow;

/// What reading the log calls for each entry.
pub type Each<'a> = &'a mut dyn FnMut(Offset, Entry) -> ControlFlow<()>;

/// How much later than a decision's own time its entry may have been received, in milliseconds.
pub const DECISION_LAG_MS: i64 = 60_000;

/// The writing side; one per data directory.
pub trait Store: Send {
    /// Appends all entries and identities or none, durable when it returns. Entries get consecutive offsets; returns the
    /// last one. Received times MUST NOT go backwards, neither within `entries` nor from [`Store::last_received`], and a
    /// shopper number is given once; otherwise nothing is appended. After an error the store MUST be usable again once
    /// its cause is gone.
    fn append(&mut self, entries: &[Entry], identities: &[Identity]) -> Result<Offset, Error>;

    /// The offset of the last entry; 0 for an empty log.
    fn last_offset(&self) -> Offset;

    /// When the last entry was received; the lowest time there is for an empty log.
    fn last_received(&self) -> Millis;

    /// A handle for reading beside the writer.
    fn reader(&self) -> Result<Box<dyn Reader>, Error>;

    /// A handle for sealing segments beside the writer; one at a time.
    fn sealer(&self) -> Result<Box<dyn Sealer>, Error>;

    /// The checkpoints beside this log, usable from any thread.
    fn checkpoints(&self) -> Checkpoints;

    /// Sets a named value, durably.
    fn put_meta(&mut self, name: &str, value: &[u8]) -> Result<(), Error>;

    /// Gathers in one file what the log holds, so that a copy of that file is all of it. Before a clean stop; everything
    /// is durable without it.
    fn gather(&mut self) -> Result<(), Error>;
}

/// The reading side. Sees what is committed, nothing else. Every call reads in bounded memory and holds no snapshot of the
/// log for longer than a page of it, so that a slow reader does not make the files grow.
pub trait Reader: Send {
    /// The offset of the last entry; 0 for an empty log.
    fn last_offset(&self) -> Result<Offset, Error>;

    /// Calls `each` for the entries after `after` up to `until`, in order, until it breaks.
    fn read(&self, after: Offset, until: Offset, each: Each<'_>) -> Result<(), Error>;

    /// The entry at `offset`.
    fn entry(&self, offset: Offset) -> Result<Option<Entry>, Error>;

    /// Calls `each` for the entries of one shopper after `after` up to `until`, in order, until it breaks.
    fn read_shopper(
        &self,
        shopper: ShopperNo,
        after: Offset,
        until: Offset,
        each: Each<'_>,
    ) -> Result<(), Error>;

    /// The entry of a decision. The upper 48 bits of its id are its time in milliseconds; its entry is looked for among
    /// those received from then on for [`DECISION_LAG_MS`].
    fn decision(&self, id: DecisionId) -> Result<Option<(Offset, Decision)>, Error>;

    /// Calls `each` for every identity, in order of numbers.
    fn identities(&self, each: &mut dyn FnMut(Identity)) -> Result<(), Error>;

    /// The identity of a shopper number.
    fn identity(&self, shopper: ShopperNo) -> Result<Option<Identity>, Error>;

    /// A named value.
    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, Error>;

    /// The checkpoints beside this log.
    fn checkpoints(&self) -> Checkpoints;

    /// The newest undamaged checkpoint of this log that is not past `offset`; others are skipped with a warning.
    fn checkpoint_at_or_before(&self, offset: Offset) -> Result<Option<(Offset, Vec<u8>)>, Error> {
        self.checkpoints().at_or_before(offset, &mut |damaged| {
            tracing::warn!(offset = damaged.offset.0, why = %damaged.why, "a checkpoint cannot be used; an older one is tried");
        })
    }
}

/// Builds, for each full segment of the log, the sorted table by which a shopper's entries are found.
pub trait Sealer: Send {
    /// One step, a few milliseconds of the write lock at most; appends that wait go first.
    fn step(&mut self) -> Result<Sealing, Error>;

    /// Steps until no full segment is left; returns how many were sealed.
    fn finish(&mut self) -> Result<u32, Error> {
        let mut sealed_count = 0;
        loop {
            match self.step()? {
                Sealing::More => {}
                Sealing::Sealed => sealed_count += 1,
                Sealing::Done => return Ok(sealed_count),
            }
        }
    }
}

/// Where sealing stands after a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sealing {
    /// In the middle of a segment.
    More,
    /// A segment was finished just now.
    Sealed,
    /// No full segment is left.
    Done,
}

/// The time in a decision's id, in milliseconds of the epoch.
fn decision_ms(id: DecisionId) -> i64 {
    (id.0 >> 80) as i64
}

/// That received times do not go backwards from `last` on; the time after `entries`.
fn check_received(last: Millis, entries: &[Entry]) -> Result<Millis, Error> {
    entries.iter().try_fold(last, |last, entry| match entry.received {
        received if received < last => Err(Error::Backwards { received, last }),
        received => Ok(received),
    })
}
