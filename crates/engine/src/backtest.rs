//! What a model would have been worth: fitted on the past, asked what each shopper dealt with next, next to popularity on the
//! same cases. Cases are shoppers with something new after the split; ranks are over all products. What a whole placement would have
//! been worth is asked in `placement`.

/// How sure a mean is.
pub mod bootstrap;
/// What slates are measured by.
pub mod measures;
/// What a placement would have been worth.
pub mod placement;

use crate::backtest::measures::{Exposure, MEASURES, Part, Right, Shown, Yardstick};
use crate::profile::Act;
use crate::training::{Deed, Training};
use bespoke_domain::ProductNo;
use bespoke_models::learned::Learned;
use bespoke_models::metrics::{ndcg, recall};
use bespoke_models::recommender::Scores;
use bespoke_models::seeded::Seeded;
use bespoke_models::training_set::{History, TrainingSet};

pub use measures::CUTOFF;

/// Most cases; of more, a seeded part.
const CASES_MAX: usize = 4_000;
/// Resamples of the bootstrap, and the share of them that an interval leaves out on each side.
const RESAMPLES: usize = 500;
const TAIL: f64 = 0.025;
/// Distinct products of the past from which a shopper is heavy.
const HEAVY_MIN: usize = 10;

/// One shopper: what is known, and what came next.
#[derive(Clone, Debug)]
struct Case {
    history: History,
    /// Everything dealt with before, sorted: models may remember less of it, or more.
    known: Vec<ProductNo>,
    next: Right,
    segment: usize,
}

/// Segments of cases: who was there before the split, with few or with many products, and who was not.
pub const SEGMENTS: [&str; 3] = ["new", "light", "heavy"];

/// The cases of one split.
pub struct Cases {
    /// The split, in seconds of the epoch: what happened from then on is asked.
    pub split_s: u32,
    cases: Vec<Case>,
    /// Products by weight before the split, best first.
    popular: Vec<ProductNo>,
    yardstick: Yardstick,
}

/// A mean with its bootstrap interval (percentiles, 95 %).
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Below it in 2.5 % of the resamples.
    pub low: f64,
    /// Above it in 2.5 %.
    pub high: f64,
}

/// What a model was worth.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Judged {
    /// Shoppers that were asked about.
    pub cases: usize,
    /// Share of what came next that is in the top 20.
    pub recall: Interval,
    /// NDCG@20.
    pub ndcg: Interval,
    /// That of each case.
    pub ndcgs: Vec<f64>,
    /// Shoppers with at least one of it there.
    pub hit_rate: f64,
    /// Mean of 1 / place of the first right one, 0 without.
    pub mrr: f64,
    /// Share of all products with weight that were recommended to someone.
    pub coverage: f64,
    /// Gini coefficient of how often they were.
    pub gini: f64,
    /// Share of the revenue of what was bought next and kept that is in the top 20.
    pub revenue: f64,
    /// Mean of −log2 of the share that recommended products have of all acts before.
    pub novelty: f64,
    /// Share of pairs of recommended products whose main categories differ.
    pub diversity: f64,
    /// Mean share of products that are less popular than a recommended one.
    pub popularity: f64,
    /// NDCG@20 less popularity's, on the same cases.
    pub ahead: Interval,
    /// NDCG@20 and cases by segment, in the order of [`SEGMENTS`].
    pub segments: [(f64, usize); SEGMENTS.len()],
}

impl Judged {
    /// NDCG@20 less that of `other`, which MUST have been judged by the same cases.
    pub fn ahead_of(&self, other: &Self) -> Interval {
        let ahead: Vec<f64> = self.ndcgs.iter().zip(&other.ndcgs).map(|(own, other)| own - other).collect();
        interval(&ahead)
    }
}

impl Cases {
    /// Splits `training` at `split_s`. It MUST be sorted.
    pub fn new(training: &Training, split_s: u32, past: &TrainingSet, yardstick: Yardstick) -> Self {
        let past = &past.interactions;
        let mut cases: Vec<Case> =
            training.shoppers().filter_map(|deeds| case(training, deeds, split_s)).collect();
        let mut seeded = Seeded::new(1);
        while cases.len() > CASES_MAX {
            cases.swap_remove(seeded.below(cases.len()));
        }
        let mut sums = vec![0.0_f32; past.column_count()];
        for row in 0..past.row_count() {
            let (columns, weights) = past.row(row);
            columns.iter().zip(weights).for_each(|(column, weight)| sums[*column as usize] += weight);
        }
        let mut popular: Vec<ProductNo> =
            (0..).map(ProductNo).take(sums.len()).filter(|no| sums[no.index()] > 0.0).collect();
        popular.sort_by(|a, b| sums[b.index()].total_cmp(&sums[a.index()]).then(a.cmp(b)));
        Self { split_s, cases, popular, yardstick }
    }

    /// Number of cases.
    pub fn len(&self) -> usize {
        self.cases.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// What popularity was worth.
    pub fn judge_popularity(&self) -> Judged {
        self.judge(&mut |case| self.popular_for(case))
    }

    /// What a model was worth.
    pub fn judge_model(&self, model: &Learned) -> Judged {
        let mut scratch = Scores::default();
        self.judge(&mut |case| {
            let found = model.recommend(&case.history, &case.known, CUTOFF, &mut scratch);
            found.into_iter().map(|(_, product)| product).collect()
        })
    }

    fn popular_for(&self, case: &Case) -> Vec<ProductNo> {
        let is_new = |product: &&ProductNo| case.known.binary_search(product).is_err();
        self.popular.iter().filter(is_new).take(CUTOFF).copied().collect()
    }

    fn judge(&self, recommend: &mut dyn FnMut(&Case) -> Vec<ProductNo>) -> Judged {
        let (mut recalls, mut ndcgs, mut ahead) = (Vec::new(), Vec::new(), Vec::new());
        let (mut exposure, mut sums) = (Exposure::default(), [(0.0, 0.0); MEASURES.len()]);
        let mut segments = [(0.0, 0); SEGMENTS.len()];
        for case in &self.cases {
            let ranked = recommend(case);
            let value = ndcg(&ranked, &case.next.all, CUTOFF);
            recalls.push(recall(&ranked, &case.next.all, CUTOFF));
            ahead.push(value - ndcg(&self.popular_for(case), &case.next.all, CUTOFF));
            ndcgs.push(value);
            segments[case.segment].0 += value;
            segments[case.segment].1 += 1;
            exposure.add(&ranked);
            let shown = Shown { own: ranked, wide: Vec::new(), slots: CUTOFF };
            let parts = shown.parts(&case.next, &self.yardstick);
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum = (sum.0 + part.0, sum.1 + part.1));
        }
        segments.iter_mut().for_each(|(sum, count)| *sum /= (*count).max(1) as f64);
        Judged {
            cases: self.cases.len(),
            recall: interval(&recalls),
            ndcg: interval(&ndcgs),
            ndcgs,
            hit_rate: mean(&sums, "hit_rate"),
            mrr: mean(&sums, "mrr"),
            coverage: exposure.coverage(self.popular.len()),
            gini: exposure.gini(self.popular.len()),
            revenue: mean(&sums, "revenue"),
            novelty: mean(&sums, "novelty"),
            diversity: mean(&sums, "diversity"),
            popularity: mean(&sums, "popularity"),
            ahead: interval(&ahead),
            segments,
        }
    }
}

/// A measure by its name; 0 where no case has a part of it.
fn mean(sums: &[Part], name: &str) -> f64 {
    let at = MEASURES.iter().position(|measure| measure.name == name);
    let (sum, of) = at.and_then(|at| sums.get(at)).copied().unwrap_or_default();
    if of > 0.0 { sum / of } else { 0.0 }
}

/// What a shopper dealt with after the split and not before; of a shopper who was not there before, the first half of what
/// came is known.
fn case(training: &Training, deeds: &[Deed], split_s: u32) -> Option<Case> {
    let split = deeds.partition_point(|deed| deed.time_s < split_s);
    let is_new = split == 0;
    let known = if is_new { (deeds.len() / 2).max(1) } else { split };
    let (past, rest) = deeds.split_at(known.min(deeds.len()));
    let history = training.history(past, rest.first()?.time_s.max(split_s).saturating_add(1));
    let mut next: Vec<ProductNo> = rest.iter().map(|deed| deed.product).collect();
    next.sort_unstable();
    next.dedup();
    let mut known: Vec<ProductNo> = past.iter().map(|deed| deed.product).collect();
    known.sort_unstable();
    known.dedup();
    next.retain(|product| known.binary_search(product).is_err());
    if next.is_empty() || history.is_empty() {
        return None;
    }
    let segment = if is_new { 0 } else { 1 + usize::from(history.weights.len() >= HEAVY_MIN) };
    let is_kept = |deed: &&Deed| {
        deed.act == Act::Buy
            && next.contains(&deed.product)
            && !training.is_returned(deed.shopper, deed.product)
    };
    let revenue = rest.iter().filter(is_kept).map(|deed| (deed.product, i64::from(deed.amount_minor)));
    let next = Right { revenue: revenue.collect(), new: next.clone(), all: next };
    Some(Case { history, known, next, segment })
}

/// The mean with its bootstrap interval (Efron 1979), seeded.
pub fn interval(values: &[f64]) -> Interval {
    resampled(values, RESAMPLES)
}

/// The same from as many resamples, at least one.
pub fn resampled(values: &[f64], resamples: usize) -> Interval {
    if values.is_empty() {
        return Interval::default();
    }
    let count = values.len() as f64;
    let mut seeded = Seeded::new(values.len() as u64);
    let mut resample = || (0..values.len()).map(|_| values[seeded.below(values.len())]).sum::<f64>() / count;
    let mut means: Vec<f64> = (0..resamples.max(1)).map(|_| resample()).collect();
    means.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| means[((means.len() - 1) as f64 * share).round() as usize];
    Interval { mean: values.iter().sum::<f64>() / count, low: at(TAIL), high: at(1.0 - TAIL) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::profile::Act;
    use bespoke_domain::ShopperNo;
    use bespoke_models::learned::LEARNED;
    use bespoke_models::recommender::FitRun;

    /// Forty shoppers of two tastes: each deals with four of its ten products before the split and with two more after.
    fn two_tastes(act: Act) -> Training {
        let mut training = Training::default();
        for shopper in 0..40 {
            for step in 0..6 {
                let taste = shopper % 2 * 10;
                let product = ProductNo(taste + (shopper / 2 + step * 3) % 10);
                training.deeds.push(Deed {
                    shopper: ShopperNo(shopper),
                    identity: ShopperNo(shopper),
                    time_s: 1000 * step + shopper,
                    product,
                    act,
                    amount_minor: 0,
                    offset: u64::from(1000 * step + shopper),
                });
            }
        }
        training.sort();
        training
    }

    /// Twenty products of which nothing is known.
    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        (0..20).for_each(|no| _ = catalog.add(format!("p{no}").into()));
        catalog
    }

    #[test]
    fn every_model_finds_two_tastes_and_beats_popularity() {
        for spec in LEARNED.iter().filter(|spec| !spec.is_for_search) {
            // Models of orders have nothing to go by where nobody bought.
            let training = two_tastes(if spec.name == "next_basket" { Act::Buy } else { Act::View });
            let past = training.set(4000, &catalog());
            let yardstick = Yardstick::new(&training, 4000, &catalog());
            let cases = Cases::new(&training, 4000, &past, yardstick);
            assert_eq!((cases.len(), past.interactions.row_count()), (40, 40));
            let popular = cases.judge_popularity();
            assert_eq!(popular.ahead, Interval::default());
            assert_eq!(popular.ahead_of(&popular), Interval::default());
            let judged =
                cases.judge_model(&(spec.fit)(&past, &spec.values(&[]), FitRun { seed: 1, threads: 1 }));
            assert_eq!(judged.ahead_of(&popular), judged.ahead);
            assert!(judged.ahead.low > 0.0, "{}: {judged:?} against {popular:?}", spec.name);
            assert!((0.0..=1.0).contains(&judged.gini) && judged.coverage > popular.coverage / 2.0);
            assert!(judged.recall.low <= judged.recall.mean && judged.recall.mean <= judged.recall.high);
        }
    }

    #[test]
    fn the_future_is_no_part_of_the_past() {
        let training = two_tastes(Act::View);
        let pairs = |until_s| training.set(until_s, &catalog()).interactions.len();
        assert_eq!(pairs(0), 0);
        assert!(pairs(4000) < pairs(7000));
        assert_eq!(training.before(4000).set(7000, &catalog()).interactions.len(), pairs(4000));
        assert_eq!(training.time_at(0.5), 3000);
    }
}
