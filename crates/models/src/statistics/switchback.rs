//! Experiments in which a whole market is switched from arm to arm and back, because shoppers share something – stock, couriers, a price that
//! all see – so that what one arm does to it is felt in the other and shoppers are no units (Bojinov, Simchi-Levi and Zhao, Management Science 2023).
//!
//! Units are cells: a market over a period. Of each the mean; means are compared within strata (the market, or the market at that hour) by
//! least squares, with errors that are robust to cells of one cluster (a market's day) being alike (Liang and Zeger 1986, CR1). What lingers
//! from the period before is left out by a burn-in at the start of each.

use super::sample::Effect;
use std::collections::BTreeMap;

/// The periods.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Periods {
    /// How long each is.
    pub length_ms: u64,
    /// How much of its beginning is left out.
    pub burn_in_ms: u64,
}

/// What happened in one market over one period, after the burn-in.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cell {
    /// What it is compared within.
    pub stratum: u64,
    /// What is not independent of each other.
    pub cluster: u64,
    /// Whether the treated arm was on.
    pub is_treated: bool,
    /// Sum of the metric.
    pub sum: f64,
    /// What it is over: visitors, hours.
    pub count: f64,
}

impl Periods {
    /// The period of a moment; `None` within the burn-in.
    pub fn of(&self, at_ms: u64) -> Option<u64> {
        (at_ms % self.length_ms >= self.burn_in_ms).then_some(at_ms / self.length_ms)
    }
}

/// Mean of treated cells less mean of control cells of the same stratum; cells without a count do not count. Degrees of freedom are one less than clusters. Not a
/// number where no stratum has both arms.
pub fn effect(cells: &[Cell]) -> Effect {
    let rows: Vec<(&Cell, f64)> =
        cells.iter().filter(|cell| cell.count > 0.0).map(|cell| (cell, cell.sum / cell.count)).collect();
    let mut strata: BTreeMap<u64, [f64; 3]> = BTreeMap::new();
    for (cell, mean) in &rows {
        let sums = strata.entry(cell.stratum).or_default();
        sums[0] += 1.0;
        sums[1] += f64::from(u8::from(cell.is_treated));
        sums[2] += mean;
    }
    let about = |cell: &Cell, mean: f64| {
        let [n, treated, sum] = strata[&cell.stratum];
        (f64::from(u8::from(cell.is_treated)) - treated / n, mean - sum / n)
    };
    let (mut square, mut joint) = (0.0, 0.0);
    for (cell, mean) in &rows {
        let (x, y) = about(cell, *mean);
        square += x * x;
        joint += x * y;
    }
    let estimate = joint / square;
    let mut scores: BTreeMap<u64, f64> = BTreeMap::new();
    for (cell, mean) in &rows {
        let (x, y) = about(cell, *mean);
        *scores.entry(cell.cluster).or_default() += x * (y - estimate * x);
    }
    let (clusters, n, columns) = (scores.len() as f64, rows.len() as f64, strata.len() as f64 + 1.0);
    let correction = clusters / (clusters - 1.0) * (n - 1.0) / (n - columns);
    let meat: f64 = scores.values().map(|score| score * score).sum();
    Effect { estimate, error: (correction * meat).sqrt() / square, degrees: clusters - 1.0, count: n }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;
    use crate::statistics::sample::{Look, Sample};

    #[test]
    fn the_burn_in_is_left_out() {
        let periods = Periods { length_ms: 100, burn_in_ms: 20 };
        let found: Vec<_> = [0, 19, 20, 99, 100, 120].map(|at| periods.of(at)).to_vec();
        assert_eq!(found, [None, None, Some(0), Some(0), None, Some(1)]);
    }

    #[test]
    fn with_one_stratum_and_a_cluster_a_cell_it_is_a_difference_of_means() {
        let cell = |cluster: u64, is_treated: bool, sum: f64| Cell {
            stratum: 0,
            cluster,
            is_treated,
            sum,
            count: 2.0,
        };
        let cells = [cell(0, false, 2.0), cell(1, false, 6.0), cell(2, true, 8.0), cell(3, true, 16.0)];
        let found = effect(&cells);
        assert!((found.estimate - (6.0 - 2.0)).abs() < 1e-12);
        // Residuals ±1 and ±2, halves in the design: √(CR1 · Σ(x e)²) / Σx², CR1 = 4/3 · 3/2.
        assert!((found.error - (2.0 * 0.25 * 10.0_f64).sqrt()).abs() < 1e-12, "{}", found.error);
        assert_eq!(found.degrees, 3.0);
        assert!(!effect(&cells[..2]).is_known());
    }

    /// A market in which 40 visitors an hour share 8 pieces of stock; a lower price makes 30 % buy, the usual one 16 %. Revenue a visitor
    /// at a price of 9 or 10. Returns for each visitor whether the low price was shown and what was paid.
    fn hour(
        seeded: &mut Seeded,
        mut is_low: impl FnMut(&mut Seeded) -> bool,
        demand: f64,
    ) -> Vec<(bool, f64)> {
        let mut stock = 8;
        let visit = |_| {
            let low = is_low(seeded);
            let (chance, price) = if low { (0.30, 9.0) } else { (0.16, 10.0) };
            let buys = stock > 0 && seeded.unit() < chance * demand;
            stock -= i32::from(buys);
            (low, if buys { price } else { 0.0 })
        };
        (0..40).map(visit).collect()
    }

    fn demand(seeded: &mut Seeded) -> f64 {
        0.7 + 0.6 * seeded.unit()
    }

    fn mean(visits: &[(bool, f64)]) -> f64 {
        visits.iter().map(|visit| visit.1).sum::<f64>() / visits.len() as f64
    }

    #[test]
    fn a_price_that_shares_stock_is_measured_by_markets_and_not_by_shoppers() {
        let mut seeded = Seeded::new(17);
        let hours = 20_000;
        let mut whole = |low: bool| {
            (0..hours)
                .map(|_| {
                    let demand = demand(&mut seeded);
                    mean(&hour(&mut seeded, |_| low, demand))
                })
                .sum::<f64>()
                / f64::from(hours)
        };
        let truth = whole(true) - whole(false);

        let mut cells = Vec::new();
        for market in 0..6_u64 {
            for period in 0..400_u64 {
                let (demand, low) = (demand(&mut seeded), seeded.unit() < 0.5);
                let visits = hour(&mut seeded, |_| low, demand);
                let sum = visits.iter().map(|visit| visit.1).sum();
                let cluster = market * 1000 + period / 8;
                cells.push(Cell {
                    stratum: market,
                    cluster,
                    is_treated: low,
                    sum,
                    count: visits.len() as f64,
                });
            }
        }
        let switchback = effect(&cells);
        let interval = switchback.interval(0.05, Look::Once);
        assert!(interval.holds(truth), "{interval:?} {truth}");

        let mut arms = [(0.0, 0.0, 0.0); 2];
        for _ in 0..2400 {
            let demand = demand(&mut seeded);
            for (low, paid) in hour(&mut seeded, |seeded| seeded.unit() < 0.5, demand) {
                let arm = &mut arms[usize::from(low)];
                *arm = (arm.0 + 1.0, arm.1 + paid, arm.2 + paid * paid);
            }
        }
        let [control, treated] = arms.map(|(count, sum, squares)| {
            let mean = sum / count;
            Sample { count, mean, variance: squares / count - mean * mean }
        });
        let shoppers = Effect::absolute(&control, &treated).interval(0.05, Look::Once);
        assert!(shoppers.low > truth, "{shoppers:?} holds what one arm takes from the other: {truth}");
    }

    #[test]
    fn what_lingers_biases_without_a_burn_in() {
        // Each period is 10 moments; the first two still follow the arm before. The effect is 1.
        let periods = |burn_in_ms| Periods { length_ms: 10, burn_in_ms };
        let run = |burn_in: u64| {
            let (mut seeded, mut before, mut cells) = (Seeded::new(2), false, Vec::new());
            for period in 0..3000_u64 {
                let low = seeded.unit() < 0.5;
                let (mut sum, mut count) = (0.0, 0.0);
                for moment in 0..10 {
                    let arm = if moment < 2 { before } else { low };
                    let value = f64::from(u8::from(arm)) + seeded.normal();
                    if periods(burn_in).of(period * 10 + moment).is_some() {
                        (sum, count) = (sum + value, count + 1.0);
                    }
                }
                cells.push(Cell { stratum: 0, cluster: period, is_treated: low, sum, count });
                before = low;
            }
            effect(&cells).interval(0.05, Look::Once)
        };
        assert!(run(2).holds(1.0) && run(0).high < 1.0);
    }

    #[test]
    fn cells_that_are_alike_within_a_cluster_do_not_feign_certainty() {
        let wrong = |clustered: bool| {
            let mut count = 0;
            for run in 0..400 {
                let mut seeded = Seeded::new(run);
                let mut cells = Vec::new();
                for cluster in 0..40_u64 {
                    // A day on which one arm was on, and all of its eight hours were good or bad together.
                    let (is_treated, day) = (seeded.unit() < 0.5, seeded.normal());
                    for at in 0..8 {
                        let cluster = if clustered { cluster } else { cluster * 8 + at };
                        cells.push(Cell {
                            stratum: 0,
                            cluster,
                            is_treated,
                            sum: day + seeded.normal(),
                            count: 1.0,
                        });
                    }
                }
                count += u32::from(effect(&cells).p() < 0.05);
            }
            f64::from(count) / 400.0
        };
        assert!(wrong(true) < 0.05 + 0.03 && wrong(false) > 0.2, "{} {}", wrong(true), wrong(false));
    }
}
