//! What an event counts for: in experiments, by day, and as an order that may come back. One way for the log as it comes in, for what was, and for benches.

use crate::experiment::ledger::{Ledger, Who};
use crate::kpis::{Kpis, Told};
use crate::orders::{Order, Orders, Prices};
use bespoke_domain::{Event, EventKind, ProductNo, Purpose, Settings};

/// What is counted in.
pub struct Counting<'a> {
    /// The units of experiments.
    pub ledger: &'a mut Ledger,
    /// The days.
    pub kpis: &'a mut Kpis,
    /// The orders.
    pub orders: &'a mut Orders,
}

impl Counting<'_> {
    /// Counts an event of who allows analytics; of a program as one, and of a refund what it takes back.
    pub fn fold(
        self,
        event: &Event,
        (who, products): (Who, &[ProductNo]),
        (prices, settings): (&Prices<'_>, &Settings),
    ) {
        if !event.consent.allows(Purpose::Analytics) {
            return;
        }
        let Self { ledger, kpis, orders } = self;
        let shop = &settings.shop;
        let day = shop.local_day(event.time);
        if event.is_bot() {
            ledger.note_program(event, who, day);
            kpis.note_program(event, shop);
            return;
        }
        kpis.end_clicks(event.time, shop);
        if event.kind == EventKind::Refund {
            match orders.give_back(event, prices) {
                Some(back) => {
                    ledger.give_back(&back);
                    kpis.give_back(&back);
                }
                None => kpis.unknown_return(event, shop),
            }
            return;
        }
        if orders.has(event) {
            return;
        }
        let counted = ledger.fold_event(event, who, (prices, day));
        let told = Told { event, products, shopper: who.shopper, arms: &counted.arms };
        if let Some(order) = kpis.fold_event(told, prices, settings) {
            orders.note(event, Order { rows: counted.rows.into_boxed_slice(), ..order });
        }
    }
}
