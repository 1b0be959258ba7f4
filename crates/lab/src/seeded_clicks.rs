//! Search results in the order of what others clicked, on the seeded shop, by the simulation's truth: with clicks over expected clicks, without
//! them, and with plain counts of clicks, which take standing in front for merit. Each way serves its own shoppers, so that what it puts in front
//! is what they click: a product at place `k` is looked at with probability `truth::examination(k)` – the planted position bias – and then
//! clicked by its utility. After the split everything is frozen, and all ways answer the same searches. Simulated: the figures hold for
//! shoppers who behave by the equations of `sim/truth`.
//!
//! Command: `lab seeded-clicks`. Peers: the placement without the scorer, and counts; for learned orders, one that is learned from clicks as they
//! are, and one from clicks of shoppers who look at everything, which no shop has.

/// The shop, and who asks what.
pub mod market;
/// Orders learned from what was shown and clicked.
pub mod trees;

use crate::error::Error;
use crate::seeded;
use bespoke_domain::settings::{ScorerUse, Settings};
use bespoke_sim::{Params, Shop};
use market::{Asked, Market, Order};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;

/// The scorer under test, and the placement that has it.
pub(crate) const SCORER: &str = "click_over_expected";
pub(crate) const PLACEMENT: &str = "search";
/// Weights that are tried of the scorer, and of counts.
const WEIGHTS: [f32; 2] = [0.05, 0.1];

/// One way to put results in order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Way {
    /// What it goes by.
    pub order: &'static str,
    /// The weight of that.
    pub weight: f32,
    /// Mean NDCG@10 of searches after the split: gains are how likely the shopper would click each, if they saw it.
    pub ndcg10: f64,
    /// What that is above the way without clicks.
    pub ahead: f64,
    /// Half the width of the 95 % interval of that, search by search.
    pub ahead_by: f64,
    /// Share of the first page that is what was searched for.
    pub relevant: f64,
    /// Clicks a search before the split.
    pub clicks: f64,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeededClicks {
    /// The shop's seed.
    pub seed: u64,
    /// Searches after the split.
    pub judged: usize,
    /// Ways to put in order; the first is without clicks.
    pub ways: Vec<Way>,
    /// Learned orders; the first is the order set by hand.
    pub trees: Vec<trees::Learned>,
}

/// How much is simulated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The shop.
    pub params: Params,
    /// Searches before the split, which teach.
    pub learned: usize,
    /// Searches after it, which are judged.
    pub judged: usize,
}

impl Scale {
    /// That of the command.
    pub fn full(seed: u64) -> Self {
        let params = Params { seed, products: 12_000, shoppers: 3_000, days: 60, ..Params::demo() };
        Self { params, learned: 20_000, judged: 4_000 }
    }
}

/// Measures all ways, and learned orders.
///
/// # Errors
/// When the placements cannot be read.
pub fn run(seed: u64, placements: Option<&Path>) -> Result<SeededClicks, Error> {
    let scale = Scale::full(seed);
    let shop = Shop::new(scale.params);
    let asked = market::asked(&shop, scale.learned + scale.judged);
    let ways = ways(&scale, placements, &orders())?;
    let trees = trees::measure(&shop, &seeded::settings(placements)?, asked.split_at(scale.learned))?;
    Ok(SeededClicks { seed, judged: scale.judged, ways, trees })
}

/// Measures ways to put results in order, each in a shop of its own, with the default placements or others; the first is the one that
/// the others are held against.
///
/// # Errors
/// When the placements cannot be read.
pub fn ways(scale: &Scale, placements: Option<&Path>, orders: &[Order]) -> Result<Vec<Way>, Error> {
    let shop = Shop::new(scale.params);
    let settings = seeded::settings(placements)?;
    let asked = market::asked(&shop, scale.learned + scale.judged);
    let measured =
        orders.iter().map(|order| measure(&shop, &settings, *order, asked.split_at(scale.learned)));
    let mut measured: Vec<(Way, Vec<f64>)> = measured.collect();
    let plain = measured.first().map(|(_, each)| each.clone()).unwrap_or_default();
    for (way, each) in &mut measured {
        let ahead: Vec<f64> = each.iter().zip(&plain).map(|(ours, plain)| ours - plain).collect();
        (way.ahead, way.ahead_by) = mean_and_width(&ahead);
    }
    Ok(measured.into_iter().map(|(way, _)| way).collect())
}

fn orders() -> Vec<Order> {
    let each = |order: fn(f32) -> Order| WEIGHTS.into_iter().map(order);
    [Order::Plain].into_iter().chain(each(Order::Expected)).chain(each(Order::Counted)).collect()
}

fn measure(
    shop: &Shop,
    settings: &Settings,
    order: Order,
    (before, after): (&[Asked], &[Asked]),
) -> (Way, Vec<f64>) {
    let mut market = Market::new(shop, scored(settings, order), order);
    before.iter().for_each(|asked| market.serve(asked));
    market.rest();
    let mut relevant = 0.0;
    let mut each = Vec::with_capacity(after.len());
    for asked in after {
        let shown = market.shown(&market.decide(asked));
        relevant +=
            shown.iter().filter(|one| one.leaf == asked.leaf).count() as f64 / shown.len().max(1) as f64;
        each.push(market.ndcg10(asked, &shown));
    }
    let (name, weight) = match order {
        Order::Plain => ("without clicks", 0.0),
        Order::Expected(weight) => ("clicks over expected", weight),
        Order::Counted(weight) => ("clicks as they are", weight),
    };
    let way = Way {
        order: name,
        weight,
        ndcg10: mean_and_width(&each).0,
        ahead: 0.0,
        ahead_by: 0.0,
        relevant: relevant / after.len().max(1) as f64,
        clicks: market.clicks as f64 / before.len().max(1) as f64,
    };
    (way, each)
}

/// The settings with the scorer at a weight, or without it.
fn scored(settings: &Settings, order: Order) -> Settings {
    let mut settings = settings.clone();
    for placement in settings.placements.iter_mut().filter(|one| one.name == PLACEMENT) {
        placement.scorers.retain(|one| one.scorer != SCORER);
        if let Order::Expected(weight) = order {
            placement.scorers.push(ScorerUse { scorer: SCORER.to_owned(), weight });
        }
    }
    settings
}

/// The mean, and half the width of its 95 % interval by the normal distribution.
fn mean_and_width(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(2) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let square = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, 1.96 * (square / count).sqrt())
}

/// What was measured, in lines.
pub fn text(result: &SeededClicks) -> String {
    let mut text = format!("seed {}, {} searches after the split\n", result.seed, result.judged);
    _ = writeln!(
        text,
        "{:<22}{:>7}{:>10}{:>20}{:>11}{:>16}",
        "order by", "weight", "NDCG@10", "ahead", "relevant", "clicks/search"
    );
    for way in &result.ways {
        let ahead = format!("{:+.4} ±{:.4}", way.ahead, way.ahead_by);
        let relevant = format!("{:.1} %", 100.0 * way.relevant);
        _ = writeln!(
            text,
            "{:<22}{:>7.2}{:>10.4}{ahead:>20}{relevant:>11}{:>16.3}",
            way.order, way.weight, way.ndcg10, way.clicks
        );
    }
    for one in &result.trees {
        _ = writeln!(text, "{:<40}{:>9.4}", one.from, one.ndcg10);
    }
    text
}
