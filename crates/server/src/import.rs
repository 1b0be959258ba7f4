//! Files into the shop: JSONL, CSV, TSV or a product feed, packed or not, catalogue or events. A bad line is reported with its number and reason; the good
//! ones go in. Batches go through the same queue as live requests.

use crate::boot::Shop;
use crate::catalog_versions::put_file;
use crate::intake::currency;
use crate::wire::canonical::{Tables, Unmapped};
use crate::wire::catalog::VectorLength;
use crate::wire::event::{Clamp, WireEvent};
use crate::wire::lines::{Line, Shape, catalog_lines, event_lines};
use crate::wire::packed::unpack;
use crate::writer::{Failure, Job};
use crate::{clock, full_import};
use anyhow::Context as _;
use bespoke_domain::{Problem, ProductPatch};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

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
    /// Events taken in without consent to personalization.
    pub impersonal: u64,
    /// Lines not taken in.
    pub rejected: u64,
    /// The first of them: line from 1, and why.
    pub problems: Vec<(u64, Problem)>,
    /// Values that no table knows.
    pub unmapped: Unmapped,
}

impl Imported {
    /// What to know, and to do, where most events came without a consent.
    pub fn consent_note(&self) -> Option<String> {
        let (dropped, silent) = (self.without_consent, self.impersonal);
        let fix = "Send `consent` with events, or, where the law allows, set `unknown_consent` in the placement file before the import";
        if 2 * dropped > self.accepted + dropped {
            return Some(format!(
                "{dropped} events came without consent to analytics: nothing of them was kept. {fix}; then import the file again"
            ));
        }
        (2 * silent > self.accepted).then(|| {
            format!(
                "{silent} events came without consent to personalization: nothing personal is learnt from them. {fix}: what is in keeps the consent it came with"
            )
        })
    }

    fn reject(&mut self, line: u64, problem: Problem) {
        self.rejected += 1;
        if self.problems.len() < REPORTED_MAX {
            self.problems.push((line, problem));
        }
    }
}

/// Imports a catalogue file; `done` hears how many lines were read.
pub fn catalog(shop: &Shop, path: &Path, done: &mut dyn FnMut(u64)) -> anyhow::Result<Imported> {
    let (shape, file) = open(path)?;
    catalog_rows(shop, &mut catalog_lines(shape, file, currency(shop)?, clock::now())?, &[], done)
}

/// Imports a file that is the whole catalogue: what it leaves out is no longer offered. Refused where that looks like a broken
/// feed, unless it is confirmed.
pub fn whole_catalog(
    shop: &Shop,
    path: &Path,
    is_confirmed: bool,
    done: &mut dyn FnMut(u64),
) -> anyhow::Result<(Imported, u64)> {
    let now = clock::now();
    let (shape, file) = open(path)?;
    let effect = full_import::effect(shop, &mut catalog_lines(shape, file, currency(shop)?, now)?, now);
    if !is_confirmed {
        effect.check()?;
    }
    let removals = effect.removals(shop, now);
    let (shape, file) = open(path)?;
    let rows = &mut catalog_lines(shape, file, currency(shop)?, clock::now())?;
    let imported = catalog_rows(shop, rows, &removals, done)?;
    Ok((imported, removals.len() as u64))
}

/// Imports an events file; `done` hears how many lines were read. Lines in order of time give the best sessions.
pub fn events(shop: &Shop, path: &Path, done: &mut dyn FnMut(u64)) -> anyhow::Result<Imported> {
    let (shape, file) = open(path)?;
    event_rows(shop, &mut event_lines(shape, file)?, done)
}

/// Imports events that are lines of JSON in memory; the demo's way in, which is the same.
pub fn events_from(shop: &Shop, text: &[u8], done: &mut dyn FnMut(u64)) -> anyhow::Result<Imported> {
    event_rows(shop, &mut event_lines(Shape::Jsonl, text)?, done)
}

/// Imports catalogue rows that are lines of JSON in memory.
pub fn catalog_from(shop: &Shop, text: &[u8], done: &mut dyn FnMut(u64)) -> anyhow::Result<Imported> {
    catalog_rows(shop, &mut catalog_lines(Shape::Jsonl, text, currency(shop)?, clock::now())?, &[], done)
}

fn open(path: &Path) -> anyhow::Result<(Shape, Box<dyn BufRead>)> {
    let (name, reader) = unpacked(path)?;
    let shape = Shape::of(&name).with_context(|| path.display().to_string())?;
    Ok((shape, reader))
}

/// A file's text, unpacked where it is packed, and its name without the ending that says so.
pub(crate) fn unpacked(path: &Path) -> anyhow::Result<(PathBuf, Box<dyn BufRead>)> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let len = file.metadata().with_context(|| path.display().to_string())?.len();
    unpack(path, len, BufReader::with_capacity(1 << 16, file)).with_context(|| path.display().to_string())
}

/// Takes the rows in, and what follows from those that are not there, as one file that can be undone.
fn catalog_rows(
    shop: &Shop,
    rows: &mut dyn Iterator<Item = Line<ProductPatch>>,
    removals: &[ProductPatch],
    done: &mut dyn FnMut(u64),
) -> anyhow::Result<Imported> {
    let mut imported = Imported::default();
    let snapshot = shop.live.snapshot();
    let tables = Tables::of(snapshot.aggregates.settings.as_deref());
    let mut length = VectorLength::new(snapshot.aggregates.catalog.vectors().width());
    let rows = &mut rows.map(|(line, row)| (line, row.and_then(|patch| length.check(patch))));
    let mut batch = next_batch(rows, &mut imported, done);
    // A file without a good row changes nothing, and there is nothing to undo.
    if batch.is_empty() && removals.is_empty() {
        return Ok(imported);
    }
    put_file(shop, |shop| {
        while !batch.is_empty() {
            let mut patches: Vec<ProductPatch> = batch.into_iter().map(|(_, patch)| patch).collect();
            for content in patches.iter_mut().filter_map(|patch| patch.content.as_mut()) {
                tables.apply(content);
                tables.unmapped(content, &mut |name, value| imported.unmapped.note(name, value));
            }
            imported.accepted += u64::from(shop.queue.call(|reply| Job::Patches(patches, reply))?);
            batch = next_batch(rows, &mut imported, done);
        }
        for removed in removals.chunks(BATCH) {
            shop.queue.call(|reply| Job::Patches(removed.to_vec(), reply))?;
        }
        Ok(())
    })
    .map_err(explain)?;
    Ok(imported)
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
            imported.impersonal += u64::from(outcome.impersonal);
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
