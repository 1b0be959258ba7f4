//! The hundred products nearest to a shopper's vector, among 100,000, 300,000 and 1 M of 64 numbers: time, and how many of the
//! hundred that a plain scan of all finds are there. One thread. The vectors are made up, since no public shop has a
//! million products: a thousand groups, with what a model fitted to Gowalla has of spread over the numbers (most at the
//! head, a fifth of that at the end) and of lengths (log-normal, deviation .36). And the worst case: all of one length.

use super::stats::{mean, quantile, sorted};
use super::{BenchOptions, Figure};
use crate::error::Error;
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use bespoke_models::nearest::Vectors;
use bespoke_models::recommender::Scores;
use bespoke_models::seeded::Seeded;
use std::time::Instant;

const WIDTH: usize = 64;
const GROUPS: usize = 1_000;
const LIMIT: usize = 100;
const TIMED: usize = 2_000;
/// Shoppers whose answers are compared with a plain scan.
const COMPARED: usize = 100;

/// Products, and the names of their figures.
type Size = (u32, [&'static str; 5]);

const SIZES: [Size; 3] = [
    (100_000, ["p50_us_100k", "p99_us_100k", "recall_100k", "plain_us_100k", "bytes_each_100k"]),
    (300_000, ["p50_us_300k", "p99_us_300k", "recall_300k", "plain_us_300k", "bytes_each_300k"]),
    (1_000_000, ["p50_us_1m", "p99_us_1m", "recall_1m", "plain_us_1m", "bytes_each_1m"]),
];
const ALIKE: Size = (
    1_000_000,
    ["p50_us_1m_alike", "p99_us_1m_alike", "recall_1m_alike", "plain_us_1m_alike", "bytes_each_1m_alike"],
);

/// Measures; microseconds a shopper, the share of a plain scan's hundred that is found, bytes a product.
///
/// # Errors
/// None.
pub fn run(options: &BenchOptions) -> Result<Vec<Figure>, Error> {
    let sizes = SIZES.iter().map(|size| (size, 0.36)).chain([(&ALIKE, 0.0)]);
    Ok(sizes.flat_map(|(size, spread)| measure(options.scaled(size.0) as usize, spread, size.1)).collect())
}

fn measure(count: usize, spread: f64, names: [&'static str; 5]) -> Vec<Figure> {
    let mut made = Made::new();
    let rows: Vec<f32> = (0..count).flat_map(|_| made.product(spread)).collect();
    let shoppers: Vec<Vec<f32>> = (0..TIMED).map(|_| made.shopper()).collect();
    let vectors = Vectors::new(rows, WIDTH);
    let mut scratch = Scores::default();
    let micros = sorted(
        shoppers
            .iter()
            .map(|shopper| {
                let started = Instant::now();
                std::hint::black_box(vectors.best(shopper, &[], LIMIT, &mut scratch));
                started.elapsed().as_secs_f64() * 1e6
            })
            .collect(),
    );
    let (mut found, mut all, mut plain_us) = (0, 0, Vec::new());
    for shopper in &shoppers[..COMPARED] {
        let started = Instant::now();
        let wanted = plain(vectors.rows(), shopper);
        plain_us.push(started.elapsed().as_secs_f64() * 1e6);
        let best = vectors.best(shopper, &[], LIMIT, &mut scratch);
        all += wanted.len();
        found += wanted.iter().filter(|one| best.iter().any(|other| other.1 == one.1)).count();
    }
    let values = [
        quantile(&micros, 0.5),
        quantile(&micros, 0.99),
        f64::from(found as u32) / f64::from(all.max(1) as u32),
        mean(&plain_us),
        vectors.size_bytes() as f64 / count.max(1) as f64,
    ];
    let figure = |(name, value)| Figure { bench: "nearest", name, value };
    names.into_iter().zip(values).map(figure).collect()
}

/// The best of all inner products, one after the other.
fn plain(rows: &[f32], vector: &[f32]) -> Vec<(f32, ProductNo)> {
    let mut top = TopK::new(LIMIT);
    for (product, row) in rows.chunks_exact(WIDTH).enumerate() {
        let mut sums = [0.0_f32; 16];
        for (row, vector) in row.chunks_exact(16).zip(vector.chunks_exact(16)) {
            for lane in 0..16 {
                sums[lane] += row[lane] * vector[lane];
            }
        }
        let score = sums.iter().sum::<f32>();
        if score > top.bar() {
            top.push(score, ProductNo(product as u32));
        }
    }
    top.into_sorted()
}

/// Where vectors come from.
struct Made {
    seeded: Seeded,
    groups: Vec<Vec<f32>>,
}

impl Made {
    fn new() -> Self {
        let mut seeded = Seeded::new(1);
        let groups = (0..GROUPS).map(|_| direction(&mut seeded)).collect();
        Self { seeded, groups }
    }

    /// Near its group's direction: the cosine of two of a group is .8 in the middle.
    fn product(&mut self, spread: f64) -> Vec<f32> {
        let group = self.seeded.below(GROUPS);
        let length = (spread * self.seeded.normal()).exp() as f32;
        let own = direction(&mut self.seeded);
        let mixed = self.groups[group].iter().zip(own).map(|(group, own)| 0.9 * group + 0.45 * own);
        scaled(mixed.collect(), length)
    }

    /// Somewhere among one to three groups.
    fn shopper(&mut self) -> Vec<f32> {
        let mut sum = direction(&mut self.seeded);
        sum.iter_mut().for_each(|value| *value *= 0.3);
        for _ in 0..1 + self.seeded.below(3) {
            let group = self.seeded.below(GROUPS);
            let weight = self.seeded.unit() as f32;
            sum.iter_mut().zip(&self.groups[group]).for_each(|(sum, value)| *sum += weight * value);
        }
        scaled(sum, 0.5)
    }
}

/// Of length one.
fn direction(seeded: &mut Seeded) -> Vec<f32> {
    let mut weigh = |at: usize| (seeded.normal() / ((at + 1) as f64).powf(0.2)) as f32;
    scaled((0..WIDTH).map(&mut weigh).collect(), 1.0)
}

fn scaled(mut values: Vec<f32>, length: f32) -> Vec<f32> {
    let factor = length / values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter_mut().for_each(|value| *value *= factor);
    values
}
