//! The log as tables: Parquet by the day on which entries came in, for SQL, notebooks and data lakes (docs/export.md has every column).
//!
//! Shoppers are their numbers in the log, without the ids that the shop knows them by; what was searched for is a hash of its words; orders are hashes of
//! their numbers. Of who refuses analytics by now nothing is exported.

/// Cells of CSV files.
pub mod csv;
/// Tables as files.
pub mod sheet;

use bespoke_domain::Candidate;
use bespoke_domain::settings::Shop as Facts;
use bespoke_domain::{Body, Decision, Entry, Event, Millis, Offset, ProductPatch, Purpose, ShopperNo};
use bespoke_engine::experiment::fnv;
use bespoke_engine::kpis::words;
use bespoke_engine::{Engine, Snapshot};
use bespoke_store::Reader;
use sheet::{Cell, Columns, Kind, Sheet};
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::{ControlFlow, RangeInclusive};

/// A table.
pub struct TableSpec {
    /// Its name, and that of its folder.
    pub name: &'static str,
    /// What a row is.
    pub doc: &'static str,
    /// Its columns.
    pub columns: Columns,
}

/// Every table; each has the log's `offset` first, by which rows of two tables belong together.
pub const TABLES: [TableSpec; 7] = [
    TableSpec {
        name: "events",
        doc: "An event.",
        columns: &[
            ("offset", Kind::Whole),
            ("received", Kind::Time),
            ("time", Kind::Time),
            ("day", Kind::Day),
            ("kind", Kind::Text),
            ("shopper", Kind::Whole),
            ("bot", Kind::Whole),
            ("analytics", Kind::Flag),
            ("page", Kind::Text),
            ("device", Kind::Text),
            ("decision", Kind::Text),
            ("visible", Kind::Flag),
            ("currency", Kind::Text),
            ("order_key", Kind::Whole),
            ("value", Kind::Whole),
            ("search", Kind::Whole),
            ("rating", Kind::Real),
            ("channel", Kind::Text),
        ],
    },
    TableSpec {
        name: "items",
        doc: "A product of an event, in order.",
        columns: &[
            ("offset", Kind::Whole),
            ("line", Kind::Whole),
            ("item", Kind::Text),
            ("quantity", Kind::Whole),
            ("price", Kind::Whole),
        ],
    },
    TableSpec {
        name: "joins",
        doc: "Two numbers of shoppers are one from this entry on.",
        columns: &[("offset", Kind::Whole), ("kept", Kind::Whole), ("joined", Kind::Whole)],
    },
    TableSpec {
        name: "decisions",
        doc: "A decision.",
        columns: &[
            ("offset", Kind::Whole),
            ("time", Kind::Time),
            ("day", Kind::Day),
            ("decision", Kind::Text),
            ("placement", Kind::Text),
            ("shopper", Kind::Whole),
            ("market", Kind::Text),
            ("is_search", Kind::Flag),
            ("fallback", Kind::Text),
        ],
    },
    TableSpec {
        name: "arms",
        doc: "An arm that a decision was made in.",
        columns: &[
            ("offset", Kind::Whole),
            ("experiment", Kind::Text),
            ("epoch", Kind::Whole),
            ("arm", Kind::Text),
        ],
    },
    TableSpec {
        name: "slots",
        doc: "A place of a decision's slate.",
        columns: &[
            ("offset", Kind::Whole),
            ("position", Kind::Whole),
            ("item", Kind::Text),
            ("category", Kind::Text),
            ("block", Kind::Text),
            ("reason", Kind::Text),
            ("score", Kind::Real),
            ("probability", Kind::Real),
        ],
    },
    TableSpec {
        name: "catalog",
        doc: "A change to a row of the catalogue; what is missing stays as it was, the newest `as_of` wins.",
        columns: &[
            ("offset", Kind::Whole),
            ("as_of", Kind::Time),
            ("item", Kind::Text),
            ("currency", Kind::Text),
            ("price", Kind::Whole),
            ("sale_price", Kind::Whole),
            ("ends_sale", Kind::Flag),
            ("is_described", Kind::Flag),
            ("item_group", Kind::Text),
            ("category", Kind::Text),
            ("cost", Kind::Whole),
            ("cost_currency", Kind::Text),
        ],
    },
];

/// Places of the tables.
const EVENTS: usize = 0;
const ITEMS: usize = 1;
const JOINS: usize = 2;
const DECISIONS: usize = 3;
const ARMS: usize = 4;
const SLOTS: usize = 5;
const CATALOG: usize = 6;

/// Opens a file by its place below the export's folder: `events/2026-11-22.parquet`.
pub type OpenFile<'a> = &'a mut dyn FnMut(&str) -> anyhow::Result<Box<dyn Write + Send>>;

/// What was written: rows by table, in the order of [`TABLES`], and the days.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Written {
    /// Rows.
    pub rows: [u64; TABLES.len()],
    /// Days on which something came in.
    pub days: u32,
    /// Events and decisions of shoppers who refuse analytics by now.
    pub withheld: u64,
}

/// Exports the days, local ones of the shop on which entries came in.
///
/// # Errors
/// When the log cannot be read, or as `open` says.
pub fn export(
    (reader, engine): (&dyn Reader, &Engine),
    days: RangeInclusive<u16>,
    open: OpenFile<'_>,
) -> anyhow::Result<Written> {
    let snapshot = engine.live().snapshot();
    let Some(settings) = snapshot.aggregates.settings.clone() else { return Ok(Written::default()) };
    let mut export = Export {
        engine,
        snapshot: &snapshot,
        shop: &settings.shop,
        days,
        open,
        joined: BTreeMap::new(),
        today: None,
        sheets: Default::default(),
        written: Written::default(),
    };
    let mut failed = None;
    reader.read(
        Offset(0),
        reader.last_offset()?,
        &mut |offset, entry| match export.take(offset, &entry) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        },
    )?;
    failed.map_or(Ok(()), Err)?;
    export.end_day()?;
    Ok(export.written)
}

struct Export<'a> {
    engine: &'a Engine,
    snapshot: &'a Snapshot,
    shop: &'a Facts,
    days: RangeInclusive<u16>,
    open: OpenFile<'a>,
    /// To which number each that is joined leads.
    joined: BTreeMap<ShopperNo, ShopperNo>,
    today: Option<u16>,
    sheets: [Option<Sheet<Box<dyn Write + Send>>>; TABLES.len()],
    written: Written,
}

impl Export<'_> {
    fn take(&mut self, offset: Offset, entry: &Entry) -> anyhow::Result<()> {
        let day = self.shop.local_day(entry.received);
        let is_wanted = self.days.contains(&day);
        if is_wanted && self.today != Some(day) {
            self.end_day()?;
            self.today = Some(day);
        }
        match &entry.body {
            Body::Event(event) => {
                let join = self.join(entry.shopper, event);
                if !is_wanted {
                    return Ok(());
                }
                if self.is_withheld(entry.shopper) {
                    self.written.withheld += 1;
                    return Ok(());
                }
                if let Some((kept, joined)) = join {
                    self.push(JOINS, offset, [kept.0.into(), joined.0.into()])?;
                }
                self.event(offset, entry, event)
            }
            Body::Decision(decision) if is_wanted => {
                if self.is_withheld(decision.request.shopper) {
                    self.written.withheld += 1;
                    return Ok(());
                }
                self.decision(offset, decision)
            }
            Body::Catalog(patch) if is_wanted => self.patch(offset, patch),
            _ => Ok(()),
        }
    }

    fn root(&self, shopper: ShopperNo) -> ShopperNo {
        let mut at = shopper;
        while let Some(next) = self.joined.get(&at) {
            at = *next;
        }
        at
    }

    /// The numbers that an event makes one, if it does: the one that is kept, and the one that it takes the place of.
    fn join(&mut self, shopper: Option<ShopperNo>, event: &Event) -> Option<(ShopperNo, ShopperNo)> {
        let (shopper, other) = (shopper?, event.link?);
        let (one, two) = (self.root(shopper), self.root(other));
        let (kept, joined) = (one.min(two), one.max(two));
        if event.is_bot() || kept == joined {
            return None;
        }
        self.joined.insert(joined, kept);
        Some((kept, joined))
    }

    fn is_withheld(&self, shopper: Option<ShopperNo>) -> bool {
        let refuses = |shopper| !self.engine.consent(Some(shopper)).allows(Purpose::Analytics);
        shopper.is_some_and(refuses)
    }

    fn day(&self, time: Millis) -> Cell {
        self.shop.local_day(time).into()
    }

    fn event(&mut self, offset: Offset, entry: &Entry, event: &Event) -> anyhow::Result<()> {
        let details = event.details.as_deref();
        let order = details.and_then(|details| details.transaction_id.as_deref());
        let value = details.and_then(|details| details.value);
        let searches = details.is_some_and(|details| details.search_term.is_some());
        let row = [
            entry.received.0.into(),
            event.time.0.into(),
            self.day(event.time),
            event.kind.spec().name.into(),
            entry.shopper.map(|shopper| shopper.0).into(),
            event.bot.into(),
            event.consent.allows(Purpose::Analytics).into(),
            event.page.name().into(),
            event.device.name().into(),
            event.decision.map(|id| id.to_string()).into(),
            event.visible.into(),
            event.currency.map(|currency| currency.code().to_owned()).into(),
            order.map(|id| fnv(id.bytes()) as i64).into(),
            value.map(|value| value.minor).into(),
            searches.then(|| words(event) as i64).into(),
            details.and_then(|details| details.rating).map(f64::from).into(),
            details.and_then(|details| details.channel.as_deref()).into(),
        ];
        self.push(EVENTS, offset, row)?;
        for (line, item) in (0_u32..).zip(&event.items) {
            let row =
                [line.into(), item.item_id.as_str().into(), item.quantity.into(), item.price_minor.into()];
            self.push(ITEMS, offset, row)?;
        }
        Ok(())
    }

    fn decision(&mut self, offset: Offset, decision: &Decision) -> anyhow::Result<()> {
        let request = &decision.request;
        let row = [
            request.now.0.into(),
            self.day(request.now),
            request.id.to_string().into(),
            request.placement.as_str().into(),
            request.shopper.map(|shopper| shopper.0).into(),
            Some(request.market.as_str()).filter(|market| !market.is_empty()).into(),
            request.search.is_some().into(),
            crate::render::fallback(decision.fallback).into(),
        ];
        self.push(DECISIONS, offset, row)?;
        for arm in &decision.arms {
            let row = [arm.experiment.as_str().into(), arm.epoch.into(), arm.arm.as_str().into()];
            self.push(ARMS, offset, row)?;
        }
        for (position, slot) in (0_u32..).zip(&decision.slate) {
            let catalog = &self.snapshot.aggregates.catalog;
            let (item, category, block) = match slot.candidate {
                Candidate::Product(product) => (Some(catalog.id(product)), None, None),
                Candidate::Category(category) => (None, Some(catalog.category_path(category)), None),
                Candidate::Content(block) => (None, None, Some(self.snapshot.block_name(block))),
            };
            let row = [
                position.into(),
                item.into(),
                category.into(),
                block.into(),
                slot.reason.code.as_str().into(),
                f64::from(slot.score).into(),
                f64::from(slot.probability).into(),
            ];
            self.push(SLOTS, offset, row)?;
        }
        Ok(())
    }

    fn patch(&mut self, offset: Offset, patch: &ProductPatch) -> anyhow::Result<()> {
        let sale = patch.sale_price.flatten();
        let content = patch.content.as_deref();
        let cost = content.and_then(|content| content.cost);
        let code = |money: bespoke_domain::Money| money.currency.code().to_owned();
        let group = content.map(|content| content.item_group_id.as_str()).filter(|group| !group.is_empty());
        let category = content.and_then(|content| content.categories.first());
        let row = [
            patch.as_of.0.into(),
            patch.id.as_str().into(),
            patch.price.or(sale).map(code).into(),
            patch.price.map(|price| price.minor).into(),
            sale.map(|price| price.minor).into(),
            (patch.sale_price == Some(None)).into(),
            content.is_some().into(),
            group.into(),
            category.map(String::as_str).into(),
            cost.map(|cost| cost.minor).into(),
            cost.map(code).into(),
        ];
        self.push(CATALOG, offset, row)
    }

    fn push<const N: usize>(&mut self, table: usize, offset: Offset, cells: [Cell; N]) -> anyhow::Result<()> {
        if self.sheets[table].is_none() {
            let TableSpec { name, columns, .. } = TABLES[table];
            let columns: Vec<_> = columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
            let day = crate::kpis_api::date(self.today.unwrap_or_default());
            let file = (self.open)(&format!("{name}/{day}.parquet"))?;
            self.sheets[table] = Some(Sheet::new(file, &columns)?);
        }
        let row = std::iter::once(Cell::Whole(offset.0 as i64)).chain(cells).collect();
        self.written.rows[table] += 1;
        self.sheets[table].as_mut().map_or(Ok(()), |sheet| sheet.push(row))
    }

    fn end_day(&mut self) -> anyhow::Result<()> {
        if self.today.take().is_some() {
            self.written.days += 1;
        }
        self.sheets.iter_mut().filter_map(Option::take).try_for_each(Sheet::close)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_and_column_is_in_the_guide() {
        let guide = include_str!("../../../docs/export.md");
        for table in &TABLES {
            let head = format!("| `{}` | ", table.name);
            let Some((_, rest)) = guide.split_once(&head) else { panic!("{head}") };
            let section = rest.split("\n\n").next().unwrap_or_default();
            for (column, _) in table.columns.iter().filter(|(name, _)| *name != "offset") {
                assert!(section.contains(&format!("`{column}`")), "{}: {column}", table.name);
            }
        }
    }
}
