//! How relevant the results of a search are, by judgments: for one query and in the mean. A grade is the gain (linear), discounted
//! by the binary logarithm of the place (Järvelin, Kekäläinen 2002); products without a judgment count as grade 0, or are left out
//! (`condensed`: Sakai, SIGIR 2007, "Alternatives to Bpref").

use crate::metrics::discount;
use serde::Serialize;

/// Results that NDCG and the share of judged results look at.
const TOP: usize = 10;
/// Results that recall looks at.
pub const DEPTH: usize = 100;

/// The judgments of one query: grades by product, 0 = not relevant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grades<I> {
    /// Sorted by product, each once.
    grades: Vec<(I, u8)>,
}

impl<I: Ord> Grades<I> {
    /// Of judgments in any order; of a product that is judged twice the lower grade counts.
    pub fn new(mut grades: Vec<(I, u8)>) -> Self {
        grades.sort_unstable();
        grades.dedup_by(|next, kept| next.0 == kept.0);
        Self { grades }
    }

    /// The grade of a product, if it is judged.
    pub fn of(&self, product: &I) -> Option<u8> {
        let at = self.grades.binary_search_by(|(held, _)| held.cmp(product)).ok()?;
        self.grades.get(at).map(|(_, grade)| *grade)
    }

    /// The judged products.
    pub fn products(&self) -> impl Iterator<Item = &I> {
        self.grades.iter().map(|(product, _)| product)
    }

    /// Leaves out the products that are not to be kept: those that no search can find.
    pub fn retain(&mut self, is_kept: impl Fn(&I) -> bool) {
        self.grades.retain(|(product, _)| is_kept(product));
    }

    /// Whether any product is relevant.
    pub fn has_relevant(&self) -> bool {
        self.relevant_count() > 0
    }

    fn relevant_count(&self) -> usize {
        self.grades.iter().filter(|(_, grade)| *grade > 0).count()
    }
}

/// Measures of one query, or their means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Means {
    /// NDCG of the first ten, what is not judged counting as grade 0.
    pub ndcg10: f64,
    /// The same with what is not judged left out.
    pub ndcg10_condensed: f64,
    /// Share of the first ten that is judged.
    pub judged10: f64,
    /// Share of the relevant products among the first hundred.
    pub recall100: f64,
    /// 1 / place of the first relevant product.
    pub mrr: f64,
}

/// A measure: its name, its heading in tables, its value.
pub type Measure = (&'static str, &'static str, fn(&Means) -> f64);

/// Every measure, in the order of tables.
pub const MEASURES: [Measure; 5] = [
    ("ndcg10", "NDCG@10", |one| one.ndcg10),
    ("ndcg10_condensed", "condensed", |one| one.ndcg10_condensed),
    ("judged10", "judged@10", |one| one.judged10),
    ("recall100", "Recall@100", |one| one.recall100),
    ("mrr", "MRR", |one| one.mrr),
];

impl Means {
    /// Of one query's results, the best first.
    pub fn of<I: Ord>(results: &[I], grades: &Grades<I>) -> Self {
        let all: Vec<Option<u8>> = results.iter().map(|product| grades.of(product)).collect();
        let is_relevant = |grade: &Option<u8>| grade.is_some_and(|grade| grade > 0);
        let found = all.iter().take(DEPTH).filter(|grade| is_relevant(grade)).count();
        let judged = all.iter().take(TOP).flatten().count();
        let first = all.iter().position(is_relevant);
        Self {
            ndcg10: ndcg(all.iter().map(|grade| grade.unwrap_or(0)), grades),
            ndcg10_condensed: ndcg(all.iter().flatten().copied(), grades),
            judged10: share(judged, all.len().min(TOP)),
            recall100: share(found, grades.relevant_count()),
            mrr: first.map_or(0.0, |place| 1.0 / (1 + place) as f64),
        }
    }

    /// The mean of several.
    pub fn mean(all: &[Self]) -> Self {
        let sum = |of: fn(&Self) -> f64| all.iter().map(of).fold(0.0, |sum, value| sum + value);
        let mean = |of| sum(of) / all.len().max(1) as f64;
        Self {
            ndcg10: mean(|one| one.ndcg10),
            ndcg10_condensed: mean(|one| one.ndcg10_condensed),
            judged10: mean(|one| one.judged10),
            recall100: mean(|one| one.recall100),
            mrr: mean(|one| one.mrr),
        }
    }
}

fn share(some: usize, all: usize) -> f64 {
    some as f64 / all.max(1) as f64
}

/// The gain of `results` over that of the best order of all that is judged; 0 where nothing is relevant.
fn ndcg<I>(results: impl Iterator<Item = u8>, grades: &Grades<I>) -> f64 {
    let mut best: Vec<u8> = grades.grades.iter().map(|(_, grade)| *grade).collect();
    best.sort_unstable_by(|a, b| b.cmp(a));
    let ideal = gain(best.into_iter());
    if ideal > 0.0 { gain(results) / ideal } else { 0.0 }
}

fn gain(grades: impl Iterator<Item = u8>) -> f64 {
    let gains = grades.take(TOP).enumerate().map(|(rank, grade)| f64::from(grade) * discount(rank));
    // Not `sum`, which makes -0 of nothing.
    gains.fold(0.0, |sum, gain| sum + gain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, wanted: f64) {
        assert!((got - wanted).abs() < 1e-12, "{got} instead of {wanted}");
    }

    #[test]
    fn a_query_by_hand() {
        let grades = Grades::new(vec![('a', 3), ('b', 1), ('c', 0), ('d', 2)]);
        let means = Means::of(&['x', 'b', 'c', 'a'], &grades);
        // The discounts of the first four places: 1, 1 / log2 3, 1/2, 1 / log2 5.
        let (second, fourth) = (1.0 / 3_f64.log2(), 1.0 / 5_f64.log2());
        let ideal = 3.0 + 2.0 * second + 0.5;
        near(means.ndcg10, (second + 3.0 * fourth) / ideal);
        near(means.ndcg10_condensed, (1.0 + 3.0 / 2.0) / ideal);
        near(means.judged10, 3.0 / 4.0);
        near(means.recall100, 2.0 / 3.0);
        near(means.mrr, 1.0 / 2.0);
    }

    #[test]
    fn only_ten_places_gain_and_a_hundred_are_recalled() {
        let grades = Grades::new((0..20).map(|no| (no, 1)).collect());
        // Ten that are not judged come first; the hundredth place is the last that counts.
        let results: Vec<u32> = (1000..1010).chain(0..8).chain(2000..2081).chain(8..20).collect();
        let means = Means::of(&results, &grades);
        near(means.ndcg10, 0.0);
        near(means.ndcg10_condensed, 1.0);
        near(means.judged10, 0.0);
        assert_eq!(results[99], 8);
        near(means.recall100, 9.0 / 20.0);
        near(means.mrr, 1.0 / 11.0);
    }

    #[test]
    fn nothing_found_and_nothing_relevant_are_nought() {
        let grades = Grades::new(vec![(1, 2)]);
        assert_eq!(Means::of(&[], &grades), Means::default());
        assert!(MEASURES.iter().all(|(_, _, of)| of(&Means::of(&[], &grades)).is_sign_positive()));
        assert!(MEASURES.iter().all(|(_, _, of)| of(&Means::mean(&[])).is_sign_positive()));
        let judged = Means::of(&[1], &Grades::new(vec![(1, 0)]));
        assert_eq!(judged, Means { judged10: 1.0, ..Means::default() });
        assert_eq!(Means::mean(&[]), Means::default());
    }

    #[test]
    fn of_two_judgments_the_lower_counts() {
        let mut grades = Grades::new(vec![(7, 3), (5, 1), (7, 2)]);
        assert_eq!((grades.of(&7), grades.of(&5), grades.of(&6)), (Some(2), Some(1), None));
        grades.retain(|product| *product == 6);
        assert!(!grades.has_relevant() && grades.products().next().is_none());
    }

    #[test]
    fn means_are_of_every_measure() {
        let one = Means { ndcg10: 0.1, ndcg10_condensed: 0.2, judged10: 0.3, recall100: 0.4, mrr: 0.5 };
        let half = Means::mean(&[one, Means::default()]);
        let values = MEASURES.map(|(_, _, of)| of(&half));
        for (value, wanted) in values.into_iter().zip([0.05, 0.1, 0.15, 0.2, 0.25]) {
            near(value, wanted);
        }
    }
}
