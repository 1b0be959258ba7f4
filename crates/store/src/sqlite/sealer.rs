//! Sealing: for each full segment of the log a sorted table of who has which entries, built in bulk. An index on the live
//! table would cost each append a random write; a sorted table is appended to, a few thousand rows a step.

use super::turn::Turn;
use super::{explain, in_transaction, last};
use crate::error::Error;
use crate::{Sealer, Sealing};
use rusqlite::{Connection, params};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows written in one step.
const STEP_ROWS: usize = 4_096;
/// Entries read in one statement.
const PAGE_ENTRIES: u64 = 32_768;

const NEXT: &str = "SELECT count(*), coalesce(max(last_offset), 0) FROM segment";
const READ: &str = "SELECT shopper_no, offset FROM entry
    WHERE offset BETWEEN ?1 AND ?2 AND shopper_no IS NOT NULL ORDER BY offset";
/// A crash in the middle of a segment leaves rows of it behind; they are taken as they are.
const INSERT: &str = "INSERT OR IGNORE INTO by_shopper (segment, shopper_no, offset) VALUES (?1, ?2, ?3)";
const SEAL: &str = "INSERT INTO segment (segment, first_offset, last_offset) VALUES (?1, ?2, ?3)";

/// What a sealer shares with the writer.
pub(super) struct Place {
    pub directory: PathBuf,
    pub turn: Arc<Turn>,
    /// The data directory stays locked while someone may write to it.
    pub _lock: Arc<File>,
}

/// Seals the segments of one data directory.
pub(super) struct SqliteSealer {
    connection: Connection,
    place: Place,
    segment_entries: u64,
    open: Option<Segment>,
}

/// A segment that is being sealed.
struct Segment {
    no: i64,
    first: u64,
    last: u64,
    /// (shopper, offset), sorted.
    rows: Vec<(u32, u64)>,
    written_len: usize,
}

impl SqliteSealer {
    pub(super) fn new(connection: Connection, place: Place, segment_entries: u64) -> Self {
        Self { connection, place, segment_entries, open: None }
    }

    /// The next full segment with its rows, which are read without any lock.
    fn next(&self) -> Result<Option<Segment>, Error> {
        let (no, sealed): (i64, i64) =
            self.connection.prepare_cached(NEXT)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (first, end) = (sealed as u64 + 1, sealed as u64 + self.segment_entries);
        if last(&self.connection)?.0.0 < end {
            return Ok(None);
        }
        let mut rows = Vec::new();
        for from in (first..=end).step_by(PAGE_ENTRIES as usize) {
            self.read(from, end.min(from + PAGE_ENTRIES - 1), &mut rows)?;
        }
        rows.sort_unstable();
        Ok(Some(Segment { no, first, last: end, rows, written_len: 0 }))
    }

    fn read(&self, first: u64, last: u64, rows: &mut Vec<(u32, u64)>) -> Result<(), Error> {
        let mut select = self.connection.prepare_cached(READ)?;
        let found = select.query_map([first as i64, last as i64], |row| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)? as u64))
        })?;
        for row in found {
            rows.push(row?);
        }
        Ok(())
    }

    fn write(&mut self, segment: &mut Segment) -> Result<Sealing, Error> {
        let end = segment.rows.len().min(segment.written_len + STEP_ROWS);
        let is_last = end == segment.rows.len();
        let _taken = self.place.turn.for_sealing();
        let rows = &segment.rows[segment.written_len..end];
        in_transaction(&mut self.connection, |transaction| {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for (shopper, offset) in rows {
                insert.execute(params![segment.no, shopper, *offset as i64])?;
            }
            if is_last {
                let bounds = params![segment.no, segment.first as i64, segment.last as i64];
                transaction.prepare_cached(SEAL)?.execute(bounds)?;
            }
            Ok(())
        })?;
        segment.written_len = end;
        Ok(if is_last { Sealing::Sealed } else { Sealing::More })
    }
}

impl Sealer for SqliteSealer {
    fn step(&mut self) -> Result<Sealing, Error> {
        let Some(mut segment) = self.open.take() else {
            self.open = self.next()?;
            return Ok(if self.open.is_some() { Sealing::More } else { Sealing::Done });
        };
        let outcome = self.write(&mut segment).map_err(|error| explain(error, &self.place.directory));
        if !matches!(outcome, Ok(Sealing::Sealed)) {
            self.open = Some(segment);
        }
        outcome
    }
}
