//! What is wrong with a data directory: looked for when a shop starts, said in the log, counted in `/metrics` and told by the
//! doctor. Nothing is mended by itself: what a log lacks is in a backup or nowhere.

use bespoke_domain::Offset;
use bespoke_engine::Snapshot;
use bespoke_store::{Error, Reader};
use std::ops::ControlFlow;

/// Entries at the end of the log that are looked at when a shop starts: what a broken disk or copy mostly damages.
const LOOKED_AT: u64 = 10_000;
/// What to do where the log cannot be read.
pub const RESTORE: &str = "the log is damaged, or a newer Bespoke wrote it: stop the server, keep a copy of the data directory, and restore it from a backup (docs/data.md)";
/// The code of the fault that an entry cannot be read.
pub const UNREADABLE: &str = "log_unreadable";

/// Something that is wrong with a data directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// A stable code.
    pub code: &'static str,
    /// What it is.
    pub text: String,
    /// What to do about it.
    pub fix: String,
}

/// What can be seen when a shop starts whose log ends at `last`.
pub fn look(reader: &dyn Reader, last: Offset) -> Result<Vec<Fault>, Error> {
    let aside = reader.checkpoints().aside()?;
    let shorter = aside.first().map(|newest| Fault {
        code: "log_shorter",
        text: format!(
            "checkpoints up to entry {} are not of this log, which ends at entry {}: it is another one, or has lost its last entries; they were set aside",
            newest.0, last.0
        ),
        fix: "if log.sqlite-wal was lost or an older log.sqlite was put back by mistake, restore both files from the same moment; if it was meant, delete checkpoints/*.set-aside (docs/data.md)".to_owned(),
    });
    let first = Offset(last.0.saturating_sub(LOOKED_AT));
    Ok(shorter.into_iter().chain(first_unreadable(reader, (first, last))).collect())
}

/// The first entry after `after` up to `until` that cannot be read or is not there.
fn first_unreadable(reader: &dyn Reader, (after, until): (Offset, Offset)) -> Option<Fault> {
    let mut seen = after;
    let read = reader.read(after, until, &mut |offset, _| {
        if offset.0 != seen.0 + 1 {
            return ControlFlow::Break(());
        }
        seen = offset;
        ControlFlow::Continue(())
    });
    match read {
        Err(error) => Some(unreadable(Offset(seen.0 + 1), &error)),
        Ok(()) if seen < until => Some(unreadable(Offset(seen.0 + 1), &"it is not there")),
        Ok(()) => None,
    }
}

/// That an entry cannot be read.
pub fn unreadable(offset: Offset, why: &dyn std::fmt::Display) -> Fault {
    Fault {
        code: UNREADABLE,
        text: format!(
            "entry {} of the log cannot be read ({why}); others after it may not be either",
            offset.0
        ),
        fix: RESTORE.to_owned(),
    }
}

/// That the last catalogue file did not come to its end.
pub fn broken_off(snapshot: &Snapshot) -> Option<Fault> {
    let last = snapshot.aggregates.imports.last().filter(|last| last.ended.is_none())?;
    Some(Fault {
        code: "import_unfinished",
        text: "the last import of a catalogue file broke off: a part of it is in".to_owned(),
        fix: format!(
            "import the file again, or go back to the catalogue before it with `bespoke catalog --rollback {}`",
            last.before.0
        ),
    })
}
