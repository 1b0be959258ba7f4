//! Interleaving against an A/B of the same two rankings on the same kind of shoppers: how many it takes to tell that one is better, and whether it
//! stays undecided where neither is.

use super::simulated::{seeded, with_doubt};
use super::{Check, Wanted};
use bespoke_models::seeded::Seeded;
use bespoke_models::statistics::interleaving::{credit, preference, team_draft, unit};
use bespoke_models::statistics::moments::{Limits, Moments, Unit};
use bespoke_models::statistics::sample::{Effect, Look};
use bespoke_models::statistics::sequential::Sequence;
use bespoke_models::statistics::uniformity::from_uniform;

const ALPHA: f64 = 0.05;
/// Queries, products of each, and slots.
const QUERIES: usize = 50;
const PRODUCTS: usize = 40;
const SLOTS: usize = 8;
/// What rankings know: relevance and so much noise.
const NOISE: (f64, f64) = (0.35, 0.25);
/// Shoppers after which a test is given up.
const SHOPPERS_MAX: usize = 400_000;

/// Relevance of each query's products, and two rankings of them.
struct Shop {
    relevance: Vec<Vec<f64>>,
    rankings: [Vec<Vec<usize>>; 2],
}

impl Shop {
    fn new(seeded: &mut Seeded, noise: (f64, f64), relevance: impl Fn(&mut Seeded) -> f64) -> Self {
        let relevance: Vec<Vec<f64>> =
            (0..QUERIES).map(|_| (0..PRODUCTS).map(|_| relevance(seeded)).collect()).collect();
        let mut ranked = |noise: f64| -> Vec<Vec<usize>> {
            relevance
                .iter()
                .map(|of| order(of.iter().map(|r| r + noise * seeded.normal()).collect()))
                .collect()
        };
        let rankings = [ranked(noise.0), ranked(noise.1)];
        Self { relevance, rankings }
    }

    /// Products of a list that are clicked: by relevance, by place, by how much the shopper clicks.
    fn clicks(&self, seeded: &mut Seeded, taste: f64, query: usize, list: &[usize]) -> Vec<usize> {
        let at = |(place, product): (usize, &usize)| {
            let looked = 1.0 / (1.0 + 0.3 * place as f64);
            (seeded.unit() < 0.4 * taste * looked * self.relevance[query][*product]).then_some(*product)
        };
        list.iter().enumerate().filter_map(at).collect()
    }
}

/// Places in the order of scores, the highest first.
fn order(scores: Vec<f64>) -> Vec<usize> {
    let mut places: Vec<usize> = (0..scores.len()).collect();
    places.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    places
}

/// A shopper who sees one to five lists of both rankings.
fn both(shop: &Shop, seeded: &mut Seeded) -> Unit {
    let (taste, lists) = (seeded.unit(), 1 + seeded.below(5));
    let one = |seeded: &mut Seeded| {
        let query = seeded.below(QUERIES);
        let rankings = (shop.rankings[0][query].as_slice(), shop.rankings[1][query].as_slice());
        let list = team_draft(rankings, SLOTS, |_, _| true, || seeded.unit() < 0.5);
        let shown: Vec<usize> = list.iter().map(|placed| placed.item).collect();
        credit(&list, &shop.clicks(seeded, taste, query, &shown))
    };
    unit(&(0..lists).map(|_| one(seeded)).collect::<Vec<_>>())
}

/// A shopper of one arm: the number of clicks.
fn alone(shop: &Shop, seeded: &mut Seeded, arm: usize) -> Unit {
    let (taste, lists) = (seeded.unit(), 1 + seeded.below(5));
    let one = |seeded: &mut Seeded| {
        let query = seeded.below(QUERIES);
        shop.clicks(seeded, taste, query, &shop.rankings[arm][query][..SLOTS]).len() as i64
    };
    Unit { value: (0..lists).map(|_| one(seeded)).sum(), ..Unit::default() }
}

/// Shoppers until the sequence of intervals leaves nought out, and on which side; looked at whenever a twentieth more came.
fn until(mut come: impl FnMut() -> Effect, mut add: impl FnMut(usize)) -> (usize, bool) {
    let (mut count, mut next) = (0, 100);
    while count < SHOPPERS_MAX {
        (count..next).for_each(&mut add);
        count = next;
        let interval = come().interval(ALPHA, Look::Always(Sequence::default()));
        if interval.low > 0.0 || interval.high < 0.0 {
            return (count, interval.low > 0.0);
        }
        next += next / 20;
    }
    (SHOPPERS_MAX, false)
}

/// All of them; the comparison runs at most forty times.
pub fn checks(seed: u64, runs: usize) -> Vec<Check> {
    let few = runs.clamp(1, 40);
    let (mut mixed, mut split, mut right) = (Vec::new(), Vec::new(), 0);
    for run in 0..few {
        let mut random = seeded(seed, 20_000 + run as u64);
        let shop = Shop::new(&mut random, NOISE, Seeded::unit);
        let moments = std::cell::RefCell::new([Moments::default(); 2]);
        let mut shoppers = random.clone();
        let interleaved = until(
            || preference(&moments.borrow()[0].ratio()),
            |_| moments.borrow_mut()[0].add(&both(&shop, &mut shoppers), &Limits::NONE),
        );
        *moments.borrow_mut() = [Moments::default(); 2];
        let ab = until(
            || Effect::absolute(&moments.borrow()[0].values(), &moments.borrow()[1].values()),
            |at| moments.borrow_mut()[at % 2].add(&alone(&shop, &mut random, at % 2), &Limits::NONE),
        );
        right += usize::from(interleaved.1);
        mixed.push(interleaved.0);
        split.push(ab.0);
    }
    let median = |all: &mut Vec<usize>| {
        all.sort_unstable();
        all[all.len() / 2] as f64
    };
    let (mixed, split) = (median(&mut mixed), median(&mut split));
    let mut checks = vec![
        Check::new(
            "interleaving, a better ranking: found, share of runs",
            right as f64 / few as f64,
            Wanted::AtLeast(0.95),
        ),
        Check::new("interleaving, a better ranking: shoppers, median", mixed, Wanted::Any),
        Check::new("the same by an A/B on clicks: shoppers, median", split, Wanted::Any),
        Check::new("shoppers of the A/B over those of interleaving", split / mixed, Wanted::Any),
    ];
    checks.extend(alike(seed, runs));
    checks
}

/// Two rankings that differ and are equally good.
fn alike(seed: u64, runs: usize) -> Vec<Check> {
    let (mut wrong, mut p) = (0, Vec::with_capacity(runs));
    for run in 0..runs {
        let mut random = seeded(seed, 30_000 + run as u64);
        let shop = Shop::new(&mut random, (1.0, 1.0), |_| 0.5);
        let mut moments = Moments::default();
        let mut found = false;
        for _ in 0..40 {
            (0..50).for_each(|_| moments.add(&both(&shop, &mut random), &Limits::NONE));
            found |= preference(&moments.ratio()).p_at(Look::Always(Sequence::default())) < ALPHA;
        }
        wrong += usize::from(found);
        p.push(preference(&moments.ratio()).p());
    }
    let share = wrong as f64 / runs as f64;
    let uniform = if runs >= 50 { Wanted::AtLeast(0.01) } else { Wanted::Any };
    vec![
        Check::new(
            "interleaving, A against A: false positives over 40 looks",
            share,
            Wanted::AtMost(with_doubt(ALPHA, runs)),
        ),
        Check::new("interleaving, A against A: p-values, Kolmogorov–Smirnov p", from_uniform(&p).1, uniform),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_ranking_is_found_and_equal_ones_stay_undecided() {
        let checks = checks(1, 8);
        checks.iter().for_each(|check| println!("{} {}", check.name, check.found));
        assert!(checks.len() == 6 && checks.iter().all(Check::holds), "{checks:?}");
    }
}
