//! From the order lines of UCI "Online Retail" to the two streams that the public import takes.

use super::ledger::Ledger;
use super::lines::{HEADER, Row};
use super::report::Report;
use super::{calendar, catalog, events};
use bespoke_domain::Millis;
use bespoke_domain::time::DAY_MS;
use flate2::read::GzDecoder;

/// Rows between two calls of `progress`.
const PROGRESS_ROWS: u64 = 10_000;

/// Both streams, ready for the import.
pub struct Converted {
    /// Catalogue rows, one JSON object a line.
    pub catalog_jsonl: Vec<u8>,
    /// Events in order of time, one JSON object a line.
    pub events_jsonl: Vec<u8>,
    /// What was used and what was left out.
    pub report: Report,
}

/// What can be wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no gzip, no CSV, or cut short.
    #[error("the order lines cannot be read: {0}")]
    Unreadable(#[from] csv::Error),
    /// Its first line names other columns.
    #[error("the columns are {0:?}, expected {HEADER:?}")]
    Header(Vec<String>),
    /// A field does not say what its column promises.
    #[error("line {line}: {text:?} is no {field}")]
    Field {
        /// Line of the unpacked file, from 1.
        line: u64,
        /// Name of the column.
        field: &'static str,
        /// What stands there.
        text: String,
    },
}

/// Converts gzipped order lines. Times move by whole days, such that the last day in the data becomes the day (UTC) of
/// `last_day_is`: the hour of day stays, but nothing is later than that moment. `progress` gets the bytes read and the bytes there are, of the unpacked file.
pub fn convert(
    csv_gz: &[u8],
    last_day_is: Millis,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Converted, Error> {
    let mut ledger = read(csv_gz, progress)?;
    let last_day = calendar::day_of(last_day_is);
    let shift_days = ledger.last.map_or(0, |last| last_day - calendar::day_of(last));
    let mut adjustment_codes: Vec<(String, u64)> =
        std::mem::take(&mut ledger.adjustment_codes).into_iter().collect();
    adjustment_codes.sort_by_key(|(_, lines)| std::cmp::Reverse(*lines));
    let mut report = Report {
        rows: ledger.rows,
        skipped: ledger.skipped,
        adjustment_codes,
        shift_days,
        last_day,
        ..Report::default()
    };
    let titles = catalog::titles(&ledger);
    let shift_ms = shift_days * DAY_MS;
    let catalog_jsonl = catalog::write(&ledger, &titles, shift_ms, &mut report);
    let events_jsonl = events::write(&ledger, &titles, shift_ms, last_day_is, &mut report);
    Ok(Converted { catalog_jsonl, events_jsonl, report })
}

fn read(csv_gz: &[u8], progress: &mut dyn FnMut(u64, u64)) -> Result<Ledger, Error> {
    let total = unpacked_len(csv_gz);
    let mut reader = csv::ReaderBuilder::new().buffer_capacity(1 << 18).from_reader(GzDecoder::new(csv_gz));
    let header = reader.byte_headers()?;
    if !header.iter().eq(HEADER.iter().map(|name| name.as_bytes())) {
        return Err(Error::Header(header.iter().map(|h| String::from_utf8_lossy(h).into_owned()).collect()));
    }
    let mut ledger = Ledger::default();
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        ledger.take(&Row::parse(&record)?);
        if ledger.rows.is_multiple_of(PROGRESS_ROWS) {
            progress(reader.position().byte().min(total), total);
        }
    }
    progress(total, total);
    Ok(ledger)
}

/// What the last four bytes of a gzip file say: its length unpacked, modulo 4 GiB (RFC 1952).
fn unpacked_len(gz: &[u8]) -> u64 {
    gz.last_chunk::<4>().map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
