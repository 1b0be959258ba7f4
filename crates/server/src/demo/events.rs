//! The event stream: purchases and refunds in the native envelope, with the names of GA4, in order of time.

use super::ledger::{Invoice, Ledger, Line};
use super::report::{Report, Skip};
use super::{calendar, json};
use bespoke_domain::Millis;
use std::collections::{HashMap, HashSet};

/// Most items of one event; larger invoices become several events of one transaction.
const ITEMS_MAX: usize = 200;

/// The data is public and its customers are numbers without names; nobody agreed to be written to.
const CONSENT: &[u8] =
    br#","consent":{"analytics":"granted","personalization":"granted","marketing":"denied"}"#;

/// Writes the events of all invoices and counts them. Lines of products without a title are left out; what would lie
/// after `now` is dated now.
pub(super) fn write(
    ledger: &Ledger,
    titles: &[Option<String>],
    shift_ms: i64,
    now: Millis,
    report: &mut Report,
) -> Vec<u8> {
    let mut order: Vec<&Invoice> = ledger.invoices.iter().collect();
    order.sort_by_key(|invoice| invoice.time);
    let mut out = Vec::with_capacity(ledger.rows as usize * 64);
    let mut customers: HashSet<&str> = HashSet::new();
    for invoice in order {
        let items = items_of(invoice, titles, report);
        if items.is_empty() {
            continue;
        }
        count(invoice, report);
        customers.extend(invoice.customer.as_deref());
        let time = invoice.time.plus(shift_ms).min(now);
        for (part, items) in items.chunks(ITEMS_MAX).enumerate() {
            push_event(&mut out, ledger, Part { invoice, time, part, items });
            report.events += 1;
        }
    }
    report.customers = customers.len() as u64;
    out
}

/// The lines that go into events, those of one product at one price made one.
fn items_of(invoice: &Invoice, titles: &[Option<String>], report: &mut Report) -> Vec<Line> {
    if !invoice.is_refund && invoice.is_stock_entry() {
        report.skipped.add(Skip::StockEntry, invoice.lines.len() as u64);
        return Vec::new();
    }
    let mut items: Vec<Line> = Vec::with_capacity(invoice.lines.len());
    let mut places: HashMap<(usize, u64), usize> = HashMap::new();
    for line in &invoice.lines {
        if titles[line.product].is_none() {
            report.skipped.add(Skip::NoTitle, 1);
            continue;
        }
        let used = if invoice.is_refund { &mut report.lines_refunded } else { &mut report.lines_bought };
        *used += 1;
        let place = *places.entry((line.product, line.pence)).or_insert(items.len());
        if place < items.len() {
            items[place].units += line.units;
            report.lines_merged += 1;
        } else {
            items.push(*line);
        }
    }
    items
}

fn count(invoice: &Invoice, report: &mut Report) {
    if invoice.is_refund {
        report.refunds += 1;
    } else {
        report.invoices += 1;
        report.guest_invoices += u64::from(invoice.customer.is_none());
    }
}

/// One event: an invoice, or a part of a large one.
struct Part<'a> {
    invoice: &'a Invoice,
    time: Millis,
    part: usize,
    items: &'a [Line],
}

fn push_event(out: &mut Vec<u8>, ledger: &Ledger, event: Part) {
    let Part { invoice, time, part, items } = event;
    let (name, prefix) = if invoice.is_refund { ("refund", "ref") } else { ("purchase", "inv") };
    let number = &invoice.number;
    out.extend_from_slice(b"{\"event\":");
    json::push_string(out, name);
    let suffix = if part == 0 { String::new() } else { format!("-{}", part + 1) };
    json::push_field(out, "event_id", &format!("{prefix}-{number}{suffix}"));
    out.extend_from_slice(b",\"event_time\":\"");
    calendar::push_rfc3339(out, time);
    out.push(b'"');
    match &invoice.customer {
        Some(customer) => json::push_field(out, "user_id", customer),
        None => json::push_field(out, "anonymous_id", &format!("guest-{number}")),
    }
    out.extend_from_slice(CONSENT);
    json::push_field(out, "transaction_id", number);
    out.extend_from_slice(b",\"currency\":\"GBP\",\"value\":");
    json::push_pounds(out, items.iter().map(|line| line.units * line.pence).sum());
    out.extend_from_slice(b",\"items\":[");
    for (at, line) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push_item(out, &ledger.products[line.product].code, line);
    }
    out.extend_from_slice(b"]}\n");
}

fn push_item(out: &mut Vec<u8>, code: &str, line: &Line) {
    out.extend_from_slice(b"{\"item_id\":");
    json::push_string(out, code);
    out.extend_from_slice(b",\"quantity\":");
    json::push_integer(out, line.units);
    out.extend_from_slice(b",\"price\":");
    json::push_pounds(out, line.pence);
    out.push(b'}');
}
