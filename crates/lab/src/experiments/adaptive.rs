//! Bandits against the best that could be done: regret over ten banners, clicks where the best arm depends on the shopper, and what is read off the data they
//! collected.

use super::simulated::{seeded, with_doubt};
use super::{Check, Wanted};
use bespoke_models::bandit::aipw::{self, Choice};
use bespoke_models::bandit::linear::{LinearParams, LinearThompson, Reward};
use bespoke_models::bandit::posterior::{Beta, Tally};
use bespoke_models::bandit::probability::{choose, of_being_best, with_floor};
use bespoke_models::seeded::Seeded;
use bespoke_models::statistics::sample::{Effect, Look};
use bespoke_models::statistics::sequential::Sequence;

const ROUNDS: usize = 20_000;
const FLOOR: f64 = 0.01;
const FEATURES: usize = 6;
const ARMS: usize = 5;
/// What the contextual case is scaled to: clicks if the best arm is always shown, and if any is.
const ORACLE: f64 = 0.2006;
const UNIFORM: f64 = 0.0823;

/// All of them; regrets are means over at most forty runs.
pub fn checks(seed: u64, runs: usize) -> Vec<Check> {
    let few = runs.clamp(1, 40);
    let regret = |batch: usize, floor: f64, keep: f64| {
        let one = |run: usize| banners(&mut seeded(seed, 100 + run as u64), batch, floor, keep);
        (0..few).map(one).sum::<f64>() / few as f64
    };
    let mut checks = vec![
        Check::new(
            "10 banners, Thompson, floor .01, batches of 100: regret",
            regret(100, FLOOR, 1.0),
            Wanted::AtMost(125.0),
        ),
        Check::new(
            "10 banners, Thompson, no floor, batches of 100: regret",
            regret(100, 0.0, 1.0),
            Wanted::Any,
        ),
        Check::new(
            "10 banners, Thompson, floor .01, batches of 1,000: regret",
            regret(1000, FLOOR, 1.0),
            Wanted::AtMost(125.0),
        ),
        Check::new(
            "10 banners, Thompson, floor .01, a tenth forgotten each 1,000: regret",
            regret(1000, FLOOR, 0.9),
            Wanted::Any,
        ),
    ];
    checks.extend(contextual(seed, few));
    checks.extend(analysed(seed, runs));
    checks
}

/// Clicks that are lost over all rounds on ten banners that get 2 to 5 % clicks.
fn banners(seeded: &mut Seeded, batch: usize, floor: f64, keep: f64) -> f64 {
    let rates: Vec<f64> = (0..10).map(|at| 0.02 + 0.03 * f64::from(at) / 9.0).collect();
    let mut tallies = [Tally::default(); 10];
    let mut lost = 0.0;
    for _ in 0..ROUNDS / batch {
        let probabilities = with_floor(&of_being_best(&Beta::of(&tallies)), floor);
        let mut seen = [(0, 0); 10];
        for _ in 0..batch {
            let Some((arm, _)) = choose(&probabilities, &[], seeded.unit()) else { continue };
            lost += rates[9] - rates[arm];
            seen[arm].0 += 1;
            seen[arm].1 += u64::from(seeded.unit() < rates[arm]);
        }
        for (tally, (chosen, clicked)) in tallies.iter_mut().zip(seen) {
            tally.discount(keep);
            tally.learn(chosen, clicked);
        }
    }
    lost
}

/// Five arms whose clicks follow six traits of the shopper, each there or not.
struct Case {
    weights: Vec<Vec<f64>>,
    base: f64,
    scale: f64,
}

impl Case {
    /// Normal weights, scaled and shifted so that the best and any arm get the clicks they are to; drawn again where that cannot be.
    fn new(seeded: &mut Seeded) -> Self {
        loop {
            let weights = (0..ARMS).map(|_| (0..=FEATURES).map(|_| seeded.normal()).collect()).collect();
            let mut case = Self { weights, base: 0.0, scale: 0.0 };
            let (mut low, mut high) = (0.0, 6.0);
            for _ in 0..60 {
                case.scale = 0.5 * (low + high);
                case.settle_base();
                if case.clicks().0 > ORACLE { high = case.scale } else { low = case.scale }
            }
            if (case.clicks().0 - ORACLE).abs() < 1e-6 {
                return case;
            }
        }
    }

    fn settle_base(&mut self) {
        let (mut low, mut high) = (-20.0, 5.0);
        for _ in 0..60 {
            self.base = 0.5 * (low + high);
            if self.clicks().1 > UNIFORM { high = self.base } else { low = self.base }
        }
    }

    fn rate(&self, arm: usize, context: &[f64]) -> f64 {
        let sum: f64 = self.weights[arm].iter().zip(context).map(|(w, x)| w * x).sum();
        1.0 / (1.0 + (-self.base - self.scale * sum).exp())
    }

    /// Of the best arm for each, of any, and of the one that is best on average.
    fn clicks(&self) -> (f64, f64, f64) {
        let contexts = 1 << FEATURES;
        let (mut best, mut arms) = (0.0, [0.0; ARMS]);
        for bits in 0..contexts {
            let rates: Vec<f64> = (0..ARMS).map(|arm| self.rate(arm, &context(bits))).collect();
            best += rates.iter().fold(0.0_f64, |most, rate| most.max(*rate)) / f64::from(contexts);
            arms.iter_mut().zip(rates).for_each(|(sum, rate)| *sum += rate / f64::from(contexts));
        }
        (best, arms.iter().sum::<f64>() / ARMS as f64, arms.iter().fold(0.0, |most, rate| most.max(*rate)))
    }
}

fn context(bits: u32) -> Vec<f64> {
    std::iter::once(1.0).chain((0..FEATURES).map(|at| f64::from(bits >> at & 1))).collect()
}

fn contextual(seed: u64, runs: usize) -> Vec<Check> {
    let mut means = [0.0; 5];
    for run in 0..runs {
        let mut seeded = seeded(seed, 1000 + run as u64);
        let case = Case::new(&mut seeded);
        let (oracle, uniform, single) = case.clicks();
        let mut clicks = |reward, spread| linear(&case, &mut seeded, reward, spread);
        let logistic = clicks(Reward::Click { usual: 0.05 }, 0.2);
        let found = [oracle, uniform, single, logistic, clicks(Reward::Amount, 0.2)];
        means.iter_mut().zip(found).for_each(|(mean, value)| *mean += value / runs as f64);
    }
    let [oracle, uniform, single, logistic, linear] = means;
    vec![
        Check::new("contextual, best arm for each: clicks", oracle, Wanted::Near(ORACLE, 1e-4)),
        Check::new("contextual, any arm: clicks", uniform, Wanted::Near(UNIFORM, 1e-4)),
        Check::new("contextual, best arm on average: clicks", single, Wanted::Any),
        Check::new(
            "contextual, logistic Thompson, floor .01, batches of 100: clicks",
            logistic,
            Wanted::AtLeast(0.19),
        ),
        Check::new("contextual, linear Thompson, floor .01, batches of 100: clicks", linear, Wanted::Any),
    ]
}

/// Expected clicks a round.
fn linear(case: &Case, seeded: &mut Seeded, reward: Reward, spread: f64) -> f64 {
    let params = LinearParams { features: FEATURES + 1, reward, ridge: 1.0, spread, floor: FLOOR };
    let mut bandit = LinearThompson::new(params, ARMS);
    let mut clicks = 0.0;
    for round in 0..ROUNDS {
        let context = context(seeded.below(1 << FEATURES) as u32);
        let Some((arm, _)) = choose(&bandit.probabilities(&context), &[], seeded.unit()) else { continue };
        let rate = case.rate(arm, &context);
        clicks += rate;
        bandit.learn(arm, &context, f64::from(u8::from(seeded.unit() < rate)));
        if round % 100 == 99 {
            bandit.refresh();
        }
    }
    clicks / ROUNDS as f64
}

/// Two arms of which both get 10 % clicks, 1,000 rounds in batches of 50: how often a difference is found, and the mean of the first.
fn analysed(seed: u64, runs: usize) -> Vec<Check> {
    let (mut naive_wrong, mut wrong, mut once, mut naive_mean, mut mean) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for run in 0..runs {
        let mut seeded = seeded(seed, 10_000 + run as u64);
        let (chosen, batches) = collected(&mut seeded);
        let choices: Vec<Choice> = chosen
            .iter()
            .map(|&(batch, arm, reward)| Choice {
                batch,
                arm,
                reward,
                probabilities: &batches[batch as usize],
            })
            .collect();
        let of = |arm: usize| {
            let rows = chosen.iter().filter(|row| row.1 == arm);
            rows.fold((0_u64, 0_u64), |(sum, count), row| (sum + row.2 as u64, count + 1))
        };
        let (first, second) = (of(0), of(1));
        let runs = runs as f64;
        naive_wrong += f64::from(u8::from(Effect::shares(first, second).p() < 0.05)) / runs;
        naive_mean += first.0 as f64 / first.1.max(1) as f64 / runs;
        let effect = aipw::difference(&choices, 0, 1);
        let look = Look::Always(Sequence::planned(effect.count, 0.05));
        wrong += f64::from(u8::from(effect.p_at(look) < 0.05)) / runs;
        once += f64::from(u8::from(effect.p() < 0.05)) / runs;
        mean += aipw::mean(&choices, 0).estimate / runs;
    }
    vec![
        Check::new(
            "bandit's data without effect: AIPW, false positives",
            wrong,
            Wanted::AtMost(with_doubt(0.05, runs)),
        ),
        Check::new("bandit's data without effect: AIPW at one look, false positives", once, Wanted::Any),
        Check::new(
            "bandit's data without effect: AIPW, mean of .10",
            mean,
            Wanted::Near(0.1, 0.001 + 0.03 / (runs as f64).sqrt()),
        ),
        Check::new("bandit's data without effect: z-test, false positives", naive_wrong, Wanted::Any),
        Check::new("bandit's data without effect: plain mean of .10", naive_mean, Wanted::Any),
    ]
}

/// What was chosen when, and what came of it.
type Chosen = (u32, usize, f64);

/// Batch, arm and reward of each choice, and the probabilities of each batch.
fn collected(seeded: &mut Seeded) -> (Vec<Chosen>, Vec<Vec<f64>>) {
    let (mut chosen, mut batches) = (Vec::new(), Vec::new());
    let mut tallies = [Tally::default(); 2];
    for batch in 0..20 {
        let probabilities = with_floor(&of_being_best(&Beta::of(&tallies)), 0.05);
        for _ in 0..50 {
            let Some((arm, _)) = choose(&probabilities, &[], seeded.unit()) else { continue };
            let clicked = seeded.unit() < 0.1;
            tallies[arm].learn(1, u64::from(clicked));
            chosen.push((batch, arm, f64::from(u8::from(clicked))));
        }
        batches.push(probabilities);
    }
    (chosen, batches)
}
