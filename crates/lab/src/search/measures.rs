//! What relevance is measured by, for one query and in the mean. A grade is the gain (linear), discounted by the binary logarithm
//! of the place; products without a judgment count as grade 0, or are left out (`condensed`: Sakai, SIGIR 2007, "Alternatives to
//! Bpref").

use serde::Serialize;

/// Grades by product, and the best that could be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grades {
    /// Sorted by product: its place in the store and its grade, 0 = not relevant.
    pub grades: Vec<(u32, u8)>,
}

impl Grades {
    /// The grade of a product, if it is judged.
    pub fn of(&self, product: u32) -> Option<u8> {
        let at = self.grades.binary_search_by_key(&product, |(held, _)| *held).ok()?;
        self.grades.get(at).map(|(_, grade)| *grade)
    }

    /// Whether any product is relevant.
    pub fn has_relevant(&self) -> bool {
        self.grades.iter().any(|(_, grade)| *grade > 0)
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

impl Means {
    /// Of one query's results.
    pub fn of(results: &[u32], grades: &Grades) -> Self {
        let judged: Vec<u32> =
            results.iter().copied().filter(|product| grades.of(*product).is_some()).collect();
        let relevant = |product: &&u32| grades.of(**product).is_some_and(|grade| grade > 0);
        let count = grades.grades.iter().filter(|(_, grade)| *grade > 0).count();
        let first = results.iter().position(|product| relevant(&product));
        let shown = results.len().min(10);
        Self {
            ndcg10: ndcg(results, grades),
            ndcg10_condensed: ndcg(&judged, grades),
            judged10: share(results.iter().take(10).filter(|one| grades.of(**one).is_some()).count(), shown),
            recall100: share(results.iter().take(100).filter(relevant).count(), count),
            mrr: first.map_or(0.0, |place| 1.0 / (1 + place) as f64),
        }
    }

    /// The mean of several.
    pub fn mean(all: &[Self]) -> Self {
        let mean = |of: fn(&Self) -> f64| all.iter().map(of).sum::<f64>() / all.len().max(1) as f64;
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

fn ndcg(results: &[u32], grades: &Grades) -> f64 {
    let gained = gain(results.iter().map(|product| grades.of(*product).unwrap_or(0)));
    let mut best: Vec<u8> = grades.grades.iter().map(|(_, grade)| *grade).collect();
    best.sort_unstable_by(|a, b| b.cmp(a));
    let ideal = gain(best.into_iter());
    if ideal > 0.0 { gained / ideal } else { 0.0 }
}

fn gain(grades: impl Iterator<Item = u8>) -> f64 {
    (2..).zip(grades.take(10)).map(|(place, grade)| f64::from(grade) / f64::from(place).log2()).sum()
}
