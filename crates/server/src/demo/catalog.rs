//! The catalogue stream: one JSONL row a product, with the attribute names of Google Merchant.

use super::ledger::{Ledger, Product};
use super::report::Report;
use super::{calendar, categories, json, titles};
use bespoke_domain::Millis;
use bespoke_domain::time::DAY_MS;
use std::collections::HashMap;

/// The data has no stock. A product without a sale in this many last days is taken to be out of it.
const OUT_OF_STOCK_DAYS: i64 = 90;

/// The title of each product of the ledger; `None` for those that no sale describes and that are left out.
pub(super) fn titles(ledger: &Ledger) -> Vec<Option<String>> {
    ledger.products.iter().map(|product| titles::best(&product.descriptions)).collect()
}

/// Writes the rows in order of first appearance.
pub(super) fn write(
    ledger: &Ledger,
    titles: &[Option<String>],
    shift_ms: i64,
    report: &mut Report,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(ledger.products.len() * 256);
    let named = || ledger.products.iter().zip(titles).filter_map(|(p, title)| Some((p, title.as_deref()?)));
    let mut variants: HashMap<&str, u32> = HashMap::new();
    for (product, _) in named() {
        *variants.entry(group_of(product)).or_default() += 1;
    }
    let in_stock_since = ledger.last.unwrap_or_default().plus(-OUT_OF_STOCK_DAYS * DAY_MS);
    for (product, title) in named() {
        let Some(((first, last), pence)) = product.sold.zip(product.price_pence()) else { continue };
        let row = Row {
            id: &product.code,
            title,
            group: Some(group_of(product)).filter(|group| variants[group] > 1),
            pence: pence.unsigned_abs(),
            is_in_stock: last >= in_stock_since,
            published: first.plus(shift_ms),
        };
        row.push(&mut out);
        report.products += 1;
        report.products_in_stock += u64::from(row.is_in_stock);
    }
    report.variant_groups = variants.values().filter(|count| **count > 1).count() as u64;
    report.products_left_out = titles.iter().filter(|title| title.is_none()).count() as u64;
    out
}

/// The digits of a code, which its variants share.
fn group_of(product: &Product) -> &str {
    product.code.trim_end_matches(|c: char| c.is_ascii_alphabetic())
}

struct Row<'a> {
    id: &'a str,
    title: &'a str,
    group: Option<&'a str>,
    pence: u64,
    is_in_stock: bool,
    published: Millis,
}

impl Row<'_> {
    fn push(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":");
        json::push_string(out, self.id);
        json::push_field(out, "title", self.title);
        json::push_field(out, "link", &format!("/p/{}", self.id));
        if let Some(group) = self.group {
            json::push_field(out, "item_group_id", group);
        }
        out.extend_from_slice(b",\"price\":\"");
        json::push_pounds(out, self.pence);
        out.extend_from_slice(b" GBP\"");
        json::push_field(out, "availability", if self.is_in_stock { "in_stock" } else { "out_of_stock" });
        out.extend_from_slice(b",\"categories\":[");
        json::push_string(out, categories::of(self.title));
        out.extend_from_slice(b"],\"published_at\":\"");
        calendar::push_rfc3339(out, self.published);
        out.extend_from_slice(b"\"}\n");
    }
}
