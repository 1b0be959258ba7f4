//! What a unit's row is read as: the metrics of experiments, a line each, and what of the time before can be taken out of their noise.

use super::ledger::{Before, Outcome, Row};
use bespoke_domain::experiment::Unit;

/// Which way is better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Better {
    /// More of it.
    Up,
    /// Less of it.
    Down,
}

/// A number of a unit.
type Number = fn(&Outcome) -> i64;

/// How a metric is read.
#[derive(Clone, Copy)]
pub enum Reading {
    /// The mean over units.
    Mean(fn(&Outcome) -> i64),
    /// The sum of one over the sum of the other, of all units.
    Ratio(fn(&Outcome) -> i64, fn(&Outcome) -> i64),
}

/// A metric.
pub struct MetricSpec {
    /// Its name.
    pub name: &'static str,
    /// What it is, with its unit.
    pub doc: &'static str,
    /// Which way is better.
    pub better: Better,
    /// Whether it is money: minor units of the shop's currency.
    pub is_money: bool,
    /// How it is read.
    pub reading: Reading,
    /// Whether it says something only of units that are somebody: of a market's hour or of a query it is the same whatever happens.
    pub is_of_somebody: bool,
}

const fn mean(name: &'static str, doc: &'static str, better: Better, of: fn(&Outcome) -> i64) -> MetricSpec {
    MetricSpec { name, doc, better, is_money: false, reading: Reading::Mean(of), is_of_somebody: false }
}

const fn ratio(
    name: &'static str,
    doc: &'static str,
    better: Better,
    (of, over): (Number, Number),
) -> MetricSpec {
    MetricSpec {
        name,
        doc,
        better,
        is_money: false,
        reading: Reading::Ratio(of, over),
        is_of_somebody: false,
    }
}

const fn money(one: MetricSpec) -> MetricSpec {
    MetricSpec { is_money: true, ..one }
}

const fn of_somebody(one: MetricSpec) -> MetricSpec {
    MetricSpec { is_of_somebody: true, ..one }
}

/// Every metric. A new one is a line here and one in docs/experiments.md.
pub const METRICS: [MetricSpec; 14] = [
    of_somebody(mean("conversion", "Share of units with an order.", Better::Up, |one| {
        i64::from(one.orders > 0)
    })),
    mean("orders", "Orders per unit.", Better::Up, |one| i64::from(one.orders)),
    money(mean("revenue", "Revenue per unit, less what came back.", Better::Up, |one| {
        one.revenue - one.returned
    })),
    money(mean(
        "margin",
        "Revenue less cost of goods per unit, less what came back; lines without a known cost have none.",
        Better::Up,
        |one| one.margin - one.returned_margin,
    )),
    money(ratio(
        "order_value",
        "Revenue per order, before anything comes back.",
        Better::Up,
        (|one| one.revenue, |one| i64::from(one.orders)),
    )),
    ratio(
        "return_rate",
        "Orders of which something came back, per order.",
        Better::Down,
        (|one| i64::from(one.returns), |one| i64::from(one.orders)),
    ),
    of_somebody(mean("repeat", "Share of units with two orders or more.", Better::Up, |one| {
        i64::from(one.orders > 1)
    })),
    of_somebody(mean("cart", "Share of units that put something into the cart.", Better::Up, |one| {
        i64::from(one.carts > 0)
    })),
    ratio(
        "click_rate",
        "Clicks in lists of Bespoke's, per such list in view.",
        Better::Up,
        (|one| i64::from(one.clicked), |one| i64::from(one.shown)),
    ),
    mean("clicks", "Clicks in lists of Bespoke's per unit.", Better::Up, |one| i64::from(one.clicked)),
    of_somebody(ratio(
        "visit_clicks",
        "Clicks in lists of Bespoke's per visit.",
        Better::Up,
        (|one| i64::from(one.clicked), |one| i64::from(one.visits)),
    )),
    of_somebody(mean("visits", "Visits per unit.", Better::Up, |one| i64::from(one.visits))),
    of_somebody(ratio(
        "visit_orders",
        "Orders per visit.",
        Better::Up,
        (|one| i64::from(one.orders), |one| i64::from(one.visits)),
    )),
    ratio(
        "contacts",
        "Contacts with support per order.",
        Better::Down,
        (|one| i64::from(one.contacts), |one| i64::from(one.orders)),
    ),
];

impl MetricSpec {
    /// Whether it says something of such units.
    pub fn is_for(&self, unit: Unit) -> bool {
        !self.is_of_somebody || is_somebody(unit)
    }
}

/// Whether units are somebody, with a past and visits: a market's hour and a query are not.
pub fn is_somebody(unit: Unit) -> bool {
    matches!(unit, Unit::Shopper | Unit::Session)
}

/// The metric of this name.
pub fn metric(name: &str) -> Option<&'static MetricSpec> {
    METRICS.iter().find(|spec| spec.name == name)
}

/// What a unit was like before its first exposure, as a number.
pub struct CovariateSpec {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// The number.
    pub of: fn(&Before) -> i64,
}

/// Every covariate: all of them are of the four weeks before each unit's own first exposure.
pub const COVARIATES: [CovariateSpec; 4] = [
    CovariateSpec {
        name: "before_acts",
        doc: "Views, additions to the cart and the wish list, and purchases, at most 50.",
        of: |one| i64::from(one.acts),
    },
    CovariateSpec { name: "before_bought", doc: "Products bought.", of: |one| i64::from(one.bought) },
    CovariateSpec {
        name: "before_spent",
        doc: "What these cost by the prices of the exposure.",
        of: |one| i64::from(one.spent),
    },
    CovariateSpec {
        name: "before_cart",
        doc: "1 where something had gone into the cart.",
        of: |one| i64::from(one.is_keen),
    },
];

/// A part of the units, by what they were before their first exposure.
pub struct SegmentSpec {
    /// Its name.
    pub name: &'static str,
    /// Who is in it.
    pub doc: &'static str,
    /// Whether a unit is.
    pub has: fn(&Row) -> bool,
}

/// Every segment. Version 1 of the rule of intent: high = something went into the cart in the four weeks before.
pub const SEGMENTS: [SegmentSpec; 4] = [
    SegmentSpec {
        name: "new",
        doc: "Not here before the visit of the first exposure.",
        has: |row| !row.before.is_returning,
    },
    SegmentSpec { name: "returning", doc: "Here on an earlier visit.", has: |row| row.before.is_returning },
    SegmentSpec {
        name: "high_intent",
        doc: "Something in the cart in the four weeks before.",
        has: |row| row.before.is_keen,
    },
    SegmentSpec {
        name: "low_intent",
        doc: "Nothing in the cart in the four weeks before.",
        has: |row| !row.before.is_keen,
    },
];
