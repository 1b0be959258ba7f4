//! Files into the shop: JSONL or CSV, catalogue or events. A bad line is reported with its number and reason; the good
//! ones go in. Batches go through the same queue as live requests.

use crate::boot::Shop;
use crate::clock;
use crate::intake::currency;
use crate::wire::catalog::{parse_patch, patch_from_fields};
use crate::wire::event::{WireEvent, event_from_fields, parse_event};
use crate::writer::{Clamp, Failure, Job};
use anyhow::{Context as _, bail};
use bespoke_domain::{Currency, Problem, ProductPatch};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Rows of one batch.
const BATCH: usize = 2000;
/// Batches on their way at once.
const AHEAD: usize = 4;
/// Bad lines that are reported in words; the rest is counted.
pub const REPORTED_MAX: usize = 100;

/// What an import did.
#[derive(Default, Debug)]
pub struct Imported {
    /// Rows or events taken in.
    pub accepted: u64,
    /// Events known already.
    pub duplicates: u64,
    /// Events not kept for want of consent.
    pub without_consent: u64,
    /// Lines not taken in.
    pub rejected: u64,
    /// The first of them: line from 1, and why.
    pub problems: Vec<(u64, Problem)>,
}

impl Imported {
    fn reject(&mut self, line: u64, problem: Problem) {
        self.rejected += 1;
        if self.problems.len() < REPORTED_MAX {
            self.problems.push((line, problem));
        }
    }
}

/// One row with the line it stands on.
type Line<T> = (u64, Result<T, Problem>);

/// Imports a catalogue file; `done` hears how many lines were read.
pub fn catalog(shop: &Shop, path: &Path, done: &mut dyn FnMut(u64)) -> anyhow::Result<Imported> {
    let currency = currency(shop).map_err(|problem| anyhow::anyhow!("{problem}"))?;
    let file = BufReader::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?);
    match extension(path)? {
        Shape::Jsonl => catalog_rows(shop, &mut jsonl(file, |line| patch(line, currency)), done),
        Shape::Csv => {
            let mut rows =
                csv_rows(file)?.map(|(line, fields)| (line, fields.and_then(|row| patch_of(&row, currency))));
            catalog_rows(shop, &mut rows, done)
        }
    }
}

/// Imports an events file; `done` hears how many lines were read. Lines in order of time give the best sessions.
pub fn events(shop: &Shop, path: &Path, done: &mut dyn FnMut(u64)) -> anyhow::Result<Imported> {
    let file = BufReader::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?);
    match extension(path)? {
        Shape::Jsonl => event_rows(shop, &mut jsonl(file, parse_event), done),
        Shape::Csv => {
            let rows = csv_rows(file)?.map(|(line, fields)| (line, fields.and_then(|row| event_of(&row))));
            event_rows(shop, &mut joined(rows), done)
        }
    }
}

/// Imports events that are lines of JSON in memory; the demo's way in, which is the same.
pub fn events_from(shop: &Shop, text: &[u8], done: &mut dyn FnMut(u64)) -> anyhow::Result<Imported> {
    event_rows(shop, &mut jsonl(text, parse_event), done)
}

/// Imports catalogue rows that are lines of JSON in memory.
pub fn catalog_from(shop: &Shop, text: &[u8], done: &mut dyn FnMut(u64)) -> anyhow::Result<Imported> {
    let currency = currency(shop).map_err(|problem| anyhow::anyhow!("{problem}"))?;
    catalog_rows(shop, &mut jsonl(text, |line| patch(line, currency)), done)
}

enum Shape {
    Jsonl,
    Csv,
}

fn extension(path: &Path) -> anyhow::Result<Shape> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("jsonl" | "ndjson") => Ok(Shape::Jsonl),
        Some("csv") => Ok(Shape::Csv),
        _ => bail!("{}: the name must end in .jsonl, .ndjson or .csv", path.display()),
    }
}

fn patch(line: &[u8], currency: Currency) -> Result<ProductPatch, Problem> {
    parse_patch(line, currency, clock::now())
}

fn patch_of(row: &[(String, String)], currency: Currency) -> Result<ProductPatch, Problem> {
    patch_from_fields(&borrowed(row), currency, clock::now())
}

fn event_of(row: &[(String, String)]) -> Result<WireEvent, Problem> {
    event_from_fields(&borrowed(row))
}

fn borrowed(row: &[(String, String)]) -> Vec<(&str, &str)> {
    row.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn jsonl<T>(
    reader: impl BufRead,
    parse: impl Fn(&[u8]) -> Result<T, Problem>,
) -> impl Iterator<Item = Line<T>> {
    let numbered = (1..).zip(reader.split(b'\n'));
    let is_blank = |line: &[u8]| line.iter().all(u8::is_ascii_whitespace);
    numbered.filter(move |(_, line)| !line.as_ref().is_ok_and(|line| is_blank(line))).map(
        move |(number, line)| {
            let unreadable = |error: std::io::Error| Problem::new("line", "unreadable", error.to_string());
            (number, line.map_err(unreadable).and_then(|line| parse(&line)))
        },
    )
}

type Fields = Vec<(String, String)>;

fn csv_rows(reader: impl BufRead) -> anyhow::Result<impl Iterator<Item = Line<Fields>>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
    let header = reader.headers().context("the first line must name the columns")?.clone();
    let mut record = csv::StringRecord::new();
    Ok(std::iter::from_fn(move || {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => None,
            Ok(true) if record.len() != header.len() => {
                let detail = format!("{} values for {} columns", record.len(), header.len());
                Some((line, Err(Problem::new("line", "wrong_column_count", detail))))
            }
            Ok(true) => {
                let pairs = header.iter().zip(&record).filter(|(_, value)| !value.is_empty());
                Some((line, Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())))
            }
            Err(error) => Some((line, Err(Problem::new("line", "unreadable", error.to_string())))),
        }
    }))
}

/// Consecutive lines with one `event_id` are one event with several items.
fn joined(rows: impl Iterator<Item = Line<WireEvent>>) -> impl Iterator<Item = Line<WireEvent>> {
    let mut rows = rows.peekable();
    std::iter::from_fn(move || {
        let (line, first) = rows.next()?;
        let Ok(mut event) = first else { return Some((line, first)) };
        let is_more = |next: &Line<WireEvent>, event: &WireEvent| {
            event.event_id.is_some() && next.1.as_ref().is_ok_and(|next| next.event_id == event.event_id)
        };
        while let Some((_, Ok(more))) = rows.next_if(|next| is_more(next, &event)) {
            event.event.items.extend(more.event.items);
        }
        Some((line, Ok(event)))
    })
}

fn catalog_rows(
    shop: &Shop,
    rows: &mut dyn Iterator<Item = Line<ProductPatch>>,
    done: &mut dyn FnMut(u64),
) -> anyhow::Result<Imported> {
    let mut imported = Imported::default();
    loop {
        let batch = next_batch(rows, &mut imported, done);
        if batch.is_empty() {
            break;
        }
        let patches = batch.into_iter().map(|(_, patch)| patch).collect();
        imported.accepted +=
            u64::from(shop.queue.call(|reply| Job::Patches(patches, reply)).map_err(explain)?);
    }
    settle(shop).map(|()| imported)
}

fn event_rows(
    shop: &Shop,
    rows: &mut dyn Iterator<Item = Line<WireEvent>>,
    done: &mut dyn FnMut(u64),
) -> anyhow::Result<Imported> {
    let mut imported = Imported::default();
    let mut waiting = VecDeque::new();
    loop {
        let batch = next_batch(rows, &mut imported, done);
        let is_last = batch.is_empty();
        if !is_last {
            let (lines, events): (Vec<u64>, Vec<WireEvent>) = batch.into_iter().unzip();
            waiting.push_back((lines, shop.queue.submit(|reply| Job::Events(events, Clamp::Import, reply))));
        }
        while waiting.len() > if is_last { 0 } else { AHEAD } {
            let Some((lines, answer)) = waiting.pop_front() else { break };
            let outcome = answer.blocking_recv().unwrap_or(Err(Failure::Busy)).map_err(explain)?;
            imported.accepted += u64::from(outcome.accepted);
            imported.duplicates += u64::from(outcome.duplicates);
            imported.without_consent += u64::from(outcome.without_consent);
            outcome
                .rejected
                .into_iter()
                .for_each(|(at, problem)| imported.reject(lines[at as usize], problem));
        }
        if is_last {
            break;
        }
    }
    settle(shop).map(|()| imported)
}

fn next_batch<T>(
    rows: &mut dyn Iterator<Item = Line<T>>,
    imported: &mut Imported,
    done: &mut dyn FnMut(u64),
) -> Vec<(u64, T)> {
    let mut batch = Vec::with_capacity(BATCH);
    for (line, row) in &mut *rows {
        match row {
            Ok(row) => batch.push((line, row)),
            Err(problem) => imported.reject(line, problem),
        }
        if batch.len() == BATCH {
            done(line);
            break;
        }
    }
    batch
}

/// Waits until everything is visible.
fn settle(shop: &Shop) -> anyhow::Result<()> {
    shop.queue.call(Job::Checkpoint).map(|_| ()).map_err(explain)
}

fn explain(failure: Failure) -> anyhow::Error {
    match failure {
        Failure::DiskFull => {
            anyhow::anyhow!("the disk is full; what was counted before is in, import again for the rest")
        }
        Failure::Busy => anyhow::anyhow!("the writer has stopped"),
        Failure::Internal => anyhow::anyhow!("a commit failed; the log above says why"),
    }
}
