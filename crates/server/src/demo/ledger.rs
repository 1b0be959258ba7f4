//! What the rows add up to: products with what is known about them, and invoices with their lines. Nothing is decided
//! here that needs the whole file.

use super::lines::Row;
use super::report::{Skip, Skipped};
use bespoke_domain::Millis;
use std::collections::{BTreeMap, HashMap};

/// Prices kept of a product: its latest sales.
const RECENT_SALES: usize = 101;

/// A product code and its priced sales. Lines without a price never describe it: they carry the warehouse's notes.
#[derive(Default)]
pub(super) struct Product {
    /// Upper case.
    pub code: String,
    /// Each description with the number of priced sales that carry it, in order of appearance.
    pub descriptions: Vec<(String, u32)>,
    /// First and last priced sale.
    pub sold: Option<(Millis, Millis)>,
    recent_pence: Vec<i64>,
    sale_count: usize,
}

impl Product {
    fn sell(&mut self, row: &Row) {
        match self.descriptions.iter_mut().find(|(text, _)| text == row.description) {
            Some((_, count)) => *count += 1,
            None => self.descriptions.push((row.description.to_owned(), 1)),
        }
        let (first, last) = self.sold.unwrap_or((row.time, row.time));
        self.sold = Some((first.min(row.time), last.max(row.time)));
        if self.sale_count < RECENT_SALES {
            self.recent_pence.push(row.pence);
        } else {
            self.recent_pence[self.sale_count % RECENT_SALES] = row.pence;
        }
        self.sale_count += 1;
    }

    /// The lower median of the unit prices of its latest sales.
    pub fn price_pence(&self) -> Option<i64> {
        let mut prices = self.recent_pence.clone();
        prices.sort_unstable();
        prices.get(prices.len().checked_sub(1)? / 2).copied()
    }
}

/// A line of an invoice, with positive units whether bought or sent back.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// Index into [`Ledger::products`].
    pub product: usize,
    pub units: u64,
    pub pence: u64,
}

/// An order or a cancellation.
pub(super) struct Invoice {
    pub number: String,
    /// `None` for guests.
    pub customer: Option<String>,
    /// Time of its first line.
    pub time: Millis,
    pub is_refund: bool,
    pub lines: Vec<Line>,
}

impl Invoice {
    /// Whether nobody bought anything: no customer and no price on any line. The warehouse books corrections so.
    pub fn is_stock_entry(&self) -> bool {
        self.customer.is_none() && self.lines.iter().all(|line| line.pence == 0)
    }
}

/// Everything that was read.
#[derive(Default)]
pub(super) struct Ledger {
    pub products: Vec<Product>,
    pub invoices: Vec<Invoice>,
    pub rows: u64,
    pub skipped: Skipped,
    /// Codes that name no product, with the number of their lines.
    pub adjustment_codes: BTreeMap<String, u64>,
    /// The latest moment in the file.
    pub last: Option<Millis>,
    product_nos: HashMap<String, usize>,
    invoice_nos: HashMap<String, usize>,
}

impl Ledger {
    /// Takes in a row.
    pub fn take(&mut self, row: &Row) {
        self.rows += 1;
        self.last = self.last.max(Some(row.time));
        let units = u64::try_from(if row.is_refund() { -row.quantity } else { row.quantity }).unwrap_or(0);
        match u64::try_from(row.pence) {
            _ if !row.is_product() => {
                *self.adjustment_codes.entry(row.code.to_owned()).or_default() += 1;
                self.skipped.add(Skip::AdjustmentCode, 1);
            }
            Ok(pence) if units > 0 => self.take_line(row, units, pence),
            _ => self.skipped.add(Skip::WriteOff, 1),
        }
    }

    fn take_line(&mut self, row: &Row, units: u64, pence: u64) {
        let product = self.product_no(row.code);
        if pence > 0 && !row.is_refund() {
            self.products[product].sell(row);
        }
        let invoice = self.invoice_no(row);
        self.invoices[invoice].lines.push(Line { product, units, pence });
    }

    fn product_no(&mut self, code: &str) -> usize {
        if let Some(&no) = self.product_nos.get(code) {
            return no;
        }
        let upper = code.to_ascii_uppercase();
        let no = self.product_nos.get(&upper).copied().unwrap_or(self.products.len());
        if no == self.products.len() {
            self.products.push(Product { code: upper.clone(), ..Product::default() });
            self.product_nos.insert(upper, no);
        }
        self.product_nos.insert(code.to_owned(), no);
        no
    }

    fn invoice_no(&mut self, row: &Row) -> usize {
        // Lines of an invoice follow each other, so that the last one is nearly always the one.
        if self.invoices.last().is_some_and(|last| last.number == row.invoice) {
            return self.invoices.len() - 1;
        }
        if let Some(&no) = self.invoice_nos.get(row.invoice) {
            return no;
        }
        self.invoices.push(Invoice {
            number: row.invoice.to_owned(),
            customer: (!row.customer.is_empty()).then(|| row.customer.to_owned()),
            time: row.time,
            is_refund: row.is_refund(),
            lines: Vec::new(),
        });
        self.invoice_nos.insert(row.invoice.to_owned(), self.invoices.len() - 1);
        self.invoices.len() - 1
    }
}
