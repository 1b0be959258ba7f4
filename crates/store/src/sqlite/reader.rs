//! Reading the log: a page is taken out and its snapshot closed before anyone is called, since SQLite cannot start its
//! write-ahead log anew while a snapshot of it is open.

use super::{last, rowid};
use crate::error::Error;
use crate::{Checkpoints, DECISION_LAG_MS, Each, Mark, Reader, decision_ms, record};
use bespoke_domain::entry::{Identity, IdentityKind};
use bespoke_domain::{Body, Decision, DecisionId, Entry, Millis, Offset, ShopperNo};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use std::ops::ControlFlow;

/// Entries read in one statement.
const PAGE_LEN: usize = 1_024;
/// Bytes of records after which a page ends before that.
const PAGE_BYTES: usize = 4 << 20;
/// Entries looked through in one statement where most are not wanted.
const SCAN_LEN: i64 = 32_768;

const READ: &str = "SELECT body, offset, received_ms, kind, shopper_no FROM entry
    WHERE offset > ?1 AND offset <= ?2 ORDER BY offset";
const READ_ONE: &str = "SELECT body, offset, received_ms, kind, shopper_no FROM entry WHERE offset = ?1";
const SCAN_SHOPPER: &str = "SELECT body, offset, received_ms, kind, shopper_no FROM entry
    WHERE offset > ?1 AND offset <= ?2 AND shopper_no = ?3 ORDER BY offset";
const READ_SEALED: &str = "SELECT e.body, e.offset, e.received_ms, e.kind, e.shopper_no
    FROM by_shopper AS b CROSS JOIN entry AS e ON e.offset = b.offset
    WHERE b.segment = ?1 AND b.shopper_no = ?2 AND b.offset > ?3 AND b.offset <= ?4 ORDER BY b.offset";
const SEGMENTS: &str = "SELECT segment, last_offset FROM segment
    WHERE last_offset > ?1 AND first_offset <= ?2 ORDER BY segment";
const RECEIVED_FROM: &str =
    "SELECT offset, received_ms FROM entry WHERE offset >= ?1 ORDER BY offset LIMIT 1";
const DECISIONS: &str = "SELECT body, offset FROM entry
    WHERE offset >= ?1 AND offset < ?2 AND received_ms <= ?3 AND kind = 5 ORDER BY offset";
const IDENTITIES: &str = "SELECT shopper_no, kind, external_id FROM identity
    WHERE shopper_no > ?1 ORDER BY shopper_no LIMIT ?2";
const IDENTITY: &str = "SELECT shopper_no, kind, external_id FROM identity WHERE shopper_no = ?1";
const META: &str = "SELECT value FROM meta WHERE name = ?1";

/// A connection that only reads.
pub(super) struct SqliteReader {
    connection: Connection,
    checkpoints: Checkpoints,
}

/// What one statement found.
struct Page {
    entries: Vec<(Offset, Entry)>,
    /// Whether there may be more.
    is_cut: bool,
    /// Why there are no more: the next entry cannot be read.
    damage: Option<Error>,
}

impl Page {
    fn last(&self) -> i64 {
        self.entries.last().map_or(i64::MAX, |(offset, _)| rowid(*offset))
    }

    /// Calls `each` for what was found, then fails if something was in the way of more.
    fn hand_over(self, each: Each<'_>) -> Result<ControlFlow<()>, Error> {
        let flow = self.entries.into_iter().try_for_each(|(offset, entry)| each(offset, entry));
        match self.damage {
            Some(damage) if flow.is_continue() => Err(damage),
            _ => Ok(flow),
        }
    }
}

impl SqliteReader {
    pub(super) fn new(connection: Connection, checkpoints: Checkpoints) -> Self {
        Self { connection, checkpoints }
    }

    fn page(&self, sql: &str, params: impl Params) -> Result<Page, Error> {
        let mut select = self.connection.prepare_cached(sql)?;
        let mut rows = select.query(params)?;
        let mut page = Page { entries: Vec::new(), is_cut: false, damage: None };
        let mut byte_count = 0;
        loop {
            let found = match rows.next() {
                Ok(Some(row)) => record(row).map(<[u8]>::len).and_then(|len| Ok((len, entry(row)?))),
                Ok(None) => break,
                Err(error) => Err(error.into()),
            };
            match found {
                Ok((len, entry)) => {
                    byte_count += len;
                    page.entries.push(entry);
                }
                Err(damage) => {
                    page.damage = Some(damage);
                    break;
                }
            }
            if page.entries.len() == PAGE_LEN || byte_count >= PAGE_BYTES {
                page.is_cut = true;
                break;
            }
        }
        Ok(page)
    }

    /// One shopper's entries of a sealed segment, after `after` up to `until`.
    fn read_sealed(
        &self,
        (segment, shopper): (i64, ShopperNo),
        (mut after, until): (i64, i64),
        each: Each<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        loop {
            let page = self.page(READ_SEALED, params![segment, shopper.0, after, until])?;
            let (is_cut, last) = (page.is_cut, page.last());
            if page.hand_over(each)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if !is_cut {
                return Ok(ControlFlow::Continue(()));
            }
            after = last;
        }
    }

    /// One shopper's entries after `after` up to `until`, by looking at all that are there.
    fn scan_shopper(&self, shopper: ShopperNo, after: i64, until: i64, each: Each<'_>) -> Result<(), Error> {
        let mut from = after;
        while from < until {
            let to = until.min(from.saturating_add(SCAN_LEN));
            let page = self.page(SCAN_SHOPPER, params![from, to, shopper.0])?;
            from = if page.is_cut { page.last() } else { to };
            if page.hand_over(each)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The sealed segments that overlap (after, until], each with its last offset.
    fn segments(&self, after: i64, until: i64) -> Result<Vec<(i64, i64)>, Error> {
        let mut select = self.connection.prepare_cached(SEGMENTS)?;
        let found = select.query_map([after, until], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// The first entry at or after `offset`: where it stands and when it was received.
    fn received_from(&self, offset: i64) -> Result<Option<(i64, i64)>, Error> {
        let mut select = self.connection.prepare_cached(RECEIVED_FROM)?;
        Ok(select.query_row([offset], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// An offset before which everything was received before `ms`; received times never go backwards along the log.
    fn first_received_at(&self, ms: i64) -> Result<i64, Error> {
        let (mut low, mut high) = (1, rowid(self.last_offset()?) + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.received_from(middle)? {
                Some((found, received)) if received < ms => low = found + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// Where the decision stands among the entries from `first` before `end`, received at `latest` at the latest.
    fn find_decision(
        &self,
        id: DecisionId,
        (first, end): (i64, i64),
        latest: i64,
    ) -> Result<Option<Offset>, Error> {
        let mut select = self.connection.prepare_cached(DECISIONS)?;
        let mut rows = select.query([first, end, latest])?;
        while let Some(row) = rows.next()? {
            if record::decision_id(record(row)?) == Some(id) {
                return Ok(Some(Offset(row.get::<_, i64>(1)? as u64)));
            }
        }
        Ok(None)
    }
}

impl Reader for SqliteReader {
    fn last_offset(&self) -> Result<Offset, Error> {
        Ok(last(&self.connection)?.0)
    }

    fn read(&self, after: Offset, until: Offset, each: Each<'_>) -> Result<(), Error> {
        let (mut from, until) = (rowid(after), rowid(until));
        loop {
            let page = self.page(READ, params![from, until])?;
            let is_cut = page.is_cut;
            from = page.last();
            if page.hand_over(each)?.is_break() || !is_cut {
                return Ok(());
            }
        }
    }

    fn entry(&self, offset: Offset) -> Result<Option<Entry>, Error> {
        let mut select = self.connection.prepare_cached(READ_ONE)?;
        let mut rows = select.query([rowid(offset)])?;
        rows.next()?.map(|row| Ok(entry(row)?.1)).transpose()
    }

    fn read_shopper(
        &self,
        shopper: ShopperNo,
        after: Offset,
        until: Offset,
        each: Each<'_>,
    ) -> Result<(), Error> {
        let (mut from, until) = (rowid(after), rowid(until.min(self.last_offset()?)));
        for (segment, last) in self.segments(from, until)? {
            let last = last.min(until);
            if self.read_sealed((segment, shopper), (from, last), each)?.is_break() {
                return Ok(());
            }
            from = last;
        }
        self.scan_shopper(shopper, from, until, each)
    }

    fn decision(&self, id: DecisionId) -> Result<Option<(Offset, Decision)>, Error> {
        let made = decision_ms(id);
        let latest = made.saturating_add(DECISION_LAG_MS);
        let mut from = self.first_received_at(made)?;
        while let Some((first, received)) = self.received_from(from)? {
            if received > latest {
                break;
            }
            from = first.saturating_add(SCAN_LEN);
            if let Some(offset) = self.find_decision(id, (first, from), latest)? {
                return match self.entry(offset)?.map(|entry| entry.body) {
                    Some(Body::Decision(decision)) => Ok(Some((offset, *decision))),
                    _ => Err(Error::Corrupt { offset, why: "it is listed as a decision".to_owned() }),
                };
            }
        }
        Ok(None)
    }

    fn identities(&self, each: &mut dyn FnMut(Identity)) -> Result<(), Error> {
        let mut after = -1;
        loop {
            let mut select = self.connection.prepare_cached(IDENTITIES)?;
            let found = select.query_map(params![after, PAGE_LEN as i64], identity)?;
            let page = found.collect::<Result<Vec<_>, _>>()?;
            let Some(last) = page.last() else { return Ok(()) };
            after = i64::from(last.shopper.0);
            page.into_iter().for_each(&mut *each);
        }
    }

    fn identity(&self, shopper: ShopperNo) -> Result<Option<Identity>, Error> {
        Ok(self.connection.prepare_cached(IDENTITY)?.query_row([shopper.0], identity).optional()?)
    }

    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.connection.prepare_cached(META)?.query_row([name], |row| row.get(0)).optional()?)
    }

    fn checkpoints(&self) -> Checkpoints {
        self.checkpoints.clone()
    }
}

/// What tells the entry at `offset` from any other; `None` where there is none. One that cannot be read has no mark.
pub(super) fn mark(connection: &Connection, offset: Offset) -> Result<Option<Mark>, Error> {
    let mut select = connection.prepare_cached(READ_ONE)?;
    let mut rows = select.query([rowid(offset)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let received = entry(row)?.1.received.0.to_le_bytes();
    let mut crc = crc32fast::Hasher::new();
    crc.update(&received);
    crc.update(&[row.get::<_, u8>(3)?]);
    crc.update(&row.get::<_, Option<u32>>(4)?.map_or([0; 5], |no| {
        let [a, b, c, d] = no.to_le_bytes();
        [1, a, b, c, d]
    }));
    crc.update(record(row)?);
    let mut mark = Mark::default();
    mark[..8].copy_from_slice(&received);
    mark[8..].copy_from_slice(&crc.finalize().to_le_bytes());
    Ok(Some(mark))
}

/// The record of a row, always the first column.
fn record<'a>(row: &'a Row<'_>) -> Result<&'a [u8], Error> {
    Ok(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)
}

fn entry(row: &Row<'_>) -> Result<(Offset, Entry), Error> {
    let offset = Offset(row.get::<_, i64>(1)? as u64);
    let body = record::decode(offset, record(row)?)?;
    if row.get::<_, u8>(3)? != body.kind_no() {
        return Err(Error::Corrupt { offset, why: "its kind is not what its record says".to_owned() });
    }
    let shopper = row.get::<_, Option<u32>>(4)?.map(ShopperNo);
    Ok((offset, Entry { received: Millis(row.get(2)?), shopper, body }))
}

fn identity(row: &Row<'_>) -> rusqlite::Result<Identity> {
    let kind = match row.get::<_, u8>(1)? {
        0 => IdentityKind::Anonymous,
        1 => IdentityKind::User,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(1, other.into())),
    };
    Ok(Identity { shopper: ShopperNo(row.get(0)?), kind, external_id: row.get(2)? })
}
