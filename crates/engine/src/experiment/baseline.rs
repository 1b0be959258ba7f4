//! What a placement's units did lately, before anything is tried on them: the log of the last weeks read as if an experiment in which nothing
//! differs had run.

use super::ledger::{Ledger, Run, Who};
use super::{Epochs, arm_of, is_held, unit_key};
use crate::counting::Counting;
use crate::engine::{Live, Snapshot};
use crate::kpis::Kpis;
use crate::orders::{Orders, Prices};
use bespoke_domain::experiment::{Arm, Experiment, Holdout};
use bespoke_domain::{Body, Entry, Millis, ProductNo, Settings};

/// A baseline in the making.
pub struct Baseline<'a> {
    live: &'a Live,
    snapshot: &'a Snapshot,
    settings: Settings,
    epochs: Epochs,
    since: Millis,
    /// The holdout's share: who is held out would be in no experiment.
    held: Holdout,
    ledger: Ledger,
    kpis: Kpis,
    orders: Orders,
}

impl<'a> Baseline<'a> {
    /// Nothing yet; what was received before `since` will not count. Prices are those of the snapshot.
    pub fn new(
        (live, snapshot): (&'a Live, &'a Snapshot),
        settings: &Settings,
        one: Experiment,
        since: Millis,
    ) -> Self {
        let held = settings.holdout;
        let settings = Settings { holdout: Holdout { share: 0 }, experiments: vec![one], ..settings.clone() };
        let mut epochs = Epochs::default();
        epochs.fold(&settings, since);
        Self {
            live,
            snapshot,
            settings,
            epochs,
            since,
            held,
            ledger: Ledger::default(),
            kpis: Kpis::default(),
            orders: Orders::default(),
        }
    }

    /// Takes an entry of the log, in order.
    pub fn take(&mut self, entry: &Entry) {
        if entry.received < self.since {
            return;
        }
        let root = entry.shopper.map(|shopper| self.live.root(shopper));
        let who = Who { shopper: root, bucket: root.map_or(0, |shopper| self.live.bucket(shopper)) };
        let catalog = &self.snapshot.aggregates.catalog;
        match &entry.body {
            Body::Decision(decision) => {
                let experiment = &self.settings.experiments[0];
                let request = &decision.request;
                if !experiment.placements.contains(&request.placement) || is_held(self.held, request.bucket) {
                    return;
                }
                let key = unit_key(experiment.unit, &decision.request);
                let Some(arm) = key.and_then(|key| arm_of(experiment, key)) else { return };
                let arm = Arm { experiment: experiment.name.clone(), epoch: 1, arm: arm.name.clone() };
                let mut decision = decision.clone();
                decision.arms = vec![arm];
                self.ledger.fold_decision(&decision, (who, None), (catalog, &self.epochs, &self.settings));
            }
            Body::Event(event) => {
                let find = |id: &str| self.snapshot.product(id);
                let prices = Prices { catalog, find: &find, currency: self.settings.shop.currency };
                let products: Vec<ProductNo> =
                    event.items.iter().filter_map(|item| find(&item.item_id)).collect();
                let Self { ledger, kpis, orders, settings, .. } = self;
                Counting { ledger, kpis, orders }.fold(event, (who, &products), (&prices, settings));
            }
            _ => {}
        }
    }

    /// The units, if there were any.
    pub fn run(&self) -> Option<&Run> {
        self.ledger.runs().next()
    }
}
