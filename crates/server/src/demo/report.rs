//! What the conversion used and what it left out, so that every line of the file is accounted for.

use super::calendar::date_text;
use std::fmt;

/// Why an order line is in no event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Skip {
    /// Its code is no product: postage (`POST`, `DOT`, `C2`), manual entries (`M`, `D`, `B`), samples (`S`), fees
    /// (`BANK CHARGES`, `AMAZONFEE`, `CRUK`), vouchers (`gift_…`), packing (`PADS`) and the web shop's own (`DCGS…`).
    AdjustmentCode,
    /// Units below 1 on an invoice that is no cancellation, or above on one that is: stock written off.
    WriteOff,
    /// An invoice with neither a customer nor a price: stock found or corrected.
    StockEntry,
    /// Its product is in no catalogue, since no priced sale names it.
    NoTitle,
}

/// Every reason with its sentence, in the order of the enum.
pub const SKIPS: [(Skip, &str); 4] = [
    (Skip::AdjustmentCode, "code is an adjustment, not a product"),
    (Skip::WriteOff, "stock written off (units of the wrong sign)"),
    (Skip::StockEntry, "stock entry (no customer and no price)"),
    (Skip::NoTitle, "product that no priced sale names"),
];

/// Lines left out, by reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Skipped([u64; SKIPS.len()]);

impl Skipped {
    pub(super) fn add(&mut self, reason: Skip, lines: u64) {
        self.0[reason as usize] += lines;
    }

    /// Lines left out for `reason`.
    pub fn lines(&self, reason: Skip) -> u64 {
        self.0[reason as usize]
    }

    /// Lines left out.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// The figures of a conversion.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Order lines in the file. `lines_bought + lines_refunded + skipped.total()` is the same number.
    pub rows: u64,
    /// Rows of the catalogue.
    pub products: u64,
    /// Rows sold in the last 90 days of the data.
    pub products_in_stock: u64,
    /// Product codes without a name, in no catalogue.
    pub products_left_out: u64,
    /// Products with several variants, each a row.
    pub variant_groups: u64,
    /// Orders that became purchases.
    pub invoices: u64,
    /// Those of them without a customer number.
    pub guest_invoices: u64,
    /// Cancellations that became refunds.
    pub refunds: u64,
    /// Different customer numbers.
    pub customers: u64,
    /// Events; more than invoices and refunds, since large invoices are split.
    pub events: u64,
    /// Lines that are in purchases.
    pub lines_bought: u64,
    /// Lines that are in refunds.
    pub lines_refunded: u64,
    /// Lines among the above that repeat a product and price of their invoice and were added to it.
    pub lines_merged: u64,
    /// Lines in no event.
    pub skipped: Skipped,
    /// Codes that name no product, with their lines, most lines first.
    pub adjustment_codes: Vec<(String, u64)>,
    /// Whole days by which times were moved.
    pub shift_days: i64,
    /// The last day of the data after the shift, in days since 1970-01-01.
    pub last_day: i64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} order lines, times moved by {} days to end on {}",
            self.rows,
            self.shift_days,
            date_text(self.last_day)
        )?;
        writeln!(
            f,
            "catalogue: {} products ({} in stock, {} groups of variants), {} codes without a name left out",
            self.products, self.products_in_stock, self.variant_groups, self.products_left_out
        )?;
        writeln!(
            f,
            "events: {} ({} purchases, {} of them by guests; {} refunds; {} customers)",
            self.events, self.invoices, self.guest_invoices, self.refunds, self.customers
        )?;
        writeln!(
            f,
            "lines used: {} bought, {} refunded ({} merged as repeats)",
            self.lines_bought, self.lines_refunded, self.lines_merged
        )?;
        write!(f, "lines left out: {}", self.skipped.total())?;
        for (reason, sentence) in SKIPS {
            write!(f, "\n  {:>6}  {sentence}", self.skipped.lines(reason))?;
        }
        let codes: Vec<String> =
            self.adjustment_codes.iter().map(|(code, n)| format!("{code} {n}")).collect();
        write!(f, "\nadjustment codes: {}", codes.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (at, (reason, _)) in SKIPS.iter().enumerate() {
            assert_eq!(*reason as usize, at);
        }
    }
}
