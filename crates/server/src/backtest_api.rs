//! What a backtest of a placement says, over HTTP.

use bespoke_engine::backtest::Interval;
use bespoke_engine::backtest::measures::MEASURES;
use bespoke_engine::backtest::placement::{Measured, Worth};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A difference of two means with its interval of 95 %, by bootstrap over shoppers.
#[derive(Serialize, ToSchema, Clone, Copy, Debug, Default)]
pub struct IntervalBody {
    /// The value.
    pub value: f64,
    /// Its interval.
    pub low: f64,
    /// Its interval.
    pub high: f64,
}

/// A measure with its interval of 95 %, by bootstrap over shoppers; differences are paired.
#[derive(Serialize, ToSchema, Clone, Copy, Debug, Default)]
pub struct MeasureBody {
    /// The value.
    pub value: f64,
    /// Its interval.
    pub low: f64,
    /// Its interval.
    pub high: f64,
    /// Less popularity's; null of popularity itself.
    pub beyond_popular: Option<IntervalBody>,
    /// Less that of what is set by hand; null where there is nothing else to compare.
    pub beyond_hand_set: Option<IntervalBody>,
}

/// A part of the cases.
#[derive(Serialize, ToSchema, Clone, Debug, Default)]
pub struct SegmentBody {
    /// `new`, `light` or `heavy`: shoppers on their first visit, and returning ones with fewer than 10 products or more; else the
    /// category of what came next first.
    pub segment: String,
    /// Its cases.
    pub cases: usize,
    /// NDCG in the placement's slots.
    pub ndcg: MeasureBody,
}

/// What one way of deciding was worth.
#[derive(Serialize, ToSchema, Clone, Debug, Default)]
pub struct ArmBody {
    /// `popular`: by popularity alone; `hand_set`: without what is learnt; `learned`: with it, fitted on the past; `champion`: with the
    /// models in force, where they have not seen what is asked.
    pub arm: String,
    /// By name, in the placement's own slots and, `…_20`, in the first 20: `hit_rate`, `recall`, `ndcg`, `mrr`, `revenue` (share of the
    /// revenue of what was bought next and kept); `ndcg_new` (only what was new to the shopper counts), `novelty`, `diversity`, `popularity`.
    pub measures: BTreeMap<String, MeasureBody>,
    /// Share of products that can be bought that were shown to someone.
    pub coverage: f64,
    /// Gini coefficient of how often they were shown.
    pub gini: f64,
    /// The parts of the cases.
    pub segments: Vec<SegmentBody>,
}

/// What a placement would have been worth on what came after the split.
#[derive(Serialize, ToSchema, Clone, Debug, Default)]
pub struct PlacementBacktestBody {
    /// The placement.
    pub placement: String,
    /// On which page it was asked: `home` (the start of a visit), `product` or `cart`.
    pub page: String,
    /// Its slots.
    pub slots: u16,
    /// The split: what came after it was asked, in milliseconds of the epoch.
    pub split_ms: i64,
    /// When it was measured, in milliseconds of the epoch.
    pub measured_at_ms: i64,
    /// The last entry of the log that was looked at.
    pub cut_off: u64,
    /// Occasions after which something followed.
    pub cases: usize,
    /// Shoppers whose they are.
    pub shoppers: usize,
    /// The ways of deciding.
    pub arms: Vec<ArmBody>,
    /// What the figures do not say.
    pub remarks: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

impl IntervalBody {
    fn of(interval: Interval) -> Self {
        Self { value: interval.mean, low: interval.low, high: interval.high }
    }
}

impl MeasureBody {
    fn of(measured: Measured) -> Self {
        Self {
            value: measured.value.mean,
            low: measured.value.low,
            high: measured.value.high,
            beyond_popular: measured.beyond_popular.map(IntervalBody::of),
            beyond_hand_set: measured.beyond_hand_set.map(IntervalBody::of),
        }
    }
}

/// An arm in words.
pub fn arm_body(worth: &Worth) -> ArmBody {
    let named = MEASURES.iter().map(|spec| spec.name.to_owned());
    let segments = worth.segments.iter().map(|one| SegmentBody {
        segment: one.name.clone(),
        cases: one.cases,
        ndcg: MeasureBody::of(one.ndcg),
    });
    ArmBody {
        arm: worth.name.to_owned(),
        measures: named.zip(worth.measures.iter().copied().map(MeasureBody::of)).collect(),
        coverage: worth.coverage,
        gini: worth.gini,
        segments: segments.collect(),
    }
}
