//! The learned second stage of a decision: boosted trees say of each candidate how likely it is clicked, carted, bought and
//! sent back (heads), made into probabilities by isotonic regression on rows the trees have not seen. What a probability is
//! worth is the shop's objective, not the model's. A click at a place that few look at counts for more (clipped inverse
//! propensities: Joachims, Swaminathan, Schnabel, WSDM 2017).

use crate::gbdt::{Error, Gbdt, GbdtParams, Loss, Rows};
use crate::isotonic::Isotonic;
use crate::recommender::FitRun;
use serde::{Deserialize, Serialize};

/// What is foreseen, in the order of [`Ranker::predict`].
pub const HEADS: [&str; 4] = ["click", "cart", "buy", "return"];
/// Number of them.
pub const HEAD_COUNT: usize = HEADS.len();
/// Fewest cases of which something happened, for a head to be learned.
pub const HAPPENED_MIN: usize = 50;
/// One group in so many is kept apart, to stop the growing and to calibrate by: the last ones.
const KEPT_APART: usize = 5;

/// What a ranker learns from: candidates of many occasions, those of one in a row, the occasions in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RankerRows {
    /// What the values of a row mean.
    pub features: Vec<String>,
    /// As many as there are features for each candidate; `NaN` is missing.
    pub values: Vec<f32>,
    /// Candidates of each occasion.
    pub groups: Vec<u32>,
    /// Whether it happened, by head: 1 or 0 a candidate, `NaN` where nobody can tell.
    pub labels: [Vec<f32>; HEAD_COUNT],
    /// What a candidate with which something happened counts for, beside 1 for one with which nothing did.
    pub weights: Vec<f32>,
}

impl RankerRows {
    /// Rows for these features.
    pub fn new(features: Vec<String>) -> Self {
        Self { features, ..Self::default() }
    }

    /// Number of candidates.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Adds a candidate to the last group.
    ///
    /// # Panics
    /// Never: without a group it begins one.
    pub fn push(&mut self, values: &[f32], happened: [f32; HEAD_COUNT], weight: f32) {
        self.values.extend_from_slice(values);
        self.labels.iter_mut().zip(happened).for_each(|(labels, label)| labels.push(label));
        self.weights.push(weight);
        match self.groups.last_mut() {
            Some(group) => *group += 1,
            None => self.groups.push(1),
        }
    }

    /// What counts as having happened with a candidate: by its weight, but for a return, which is asked of purchases alone,
    /// whatever the place they came from.
    pub fn happened(&self, head: usize, row: usize) -> f32 {
        let weight = if HEADS[head] == "return" { 1.0 } else { self.weights[row] };
        if self.labels[head][row] > 0.0 { weight } else { 0.0 }
    }

    /// Rows of one head: those in `range` of which somebody can tell. What happened counts by its weight, so that the mean over
    /// rows is how likely it is where everybody looks.
    fn of_head(&self, head: usize, range: std::ops::Range<usize>) -> Option<Rows> {
        let width = self.features.len();
        let told = || range.clone().filter(|row| self.labels[head][*row].is_finite());
        let values = told().flat_map(|row| &self.values[row * width..][..width]).copied().collect();
        Rows::new(width, values, told().map(|row| self.happened(head, row)).collect()).ok()
    }
}

/// How the trees of a head are grown: by the odds, or by squares where a label is more than a probability.
fn params(learn: &Rows, apart: &Rows, run: FitRun) -> GbdtParams {
    let is_weighted = learn.labels().iter().chain(apart.labels()).any(|label| *label > 1.0);
    GbdtParams {
        loss: if is_weighted { Loss::Squared } else { Loss::Logistic },
        trees: 60,
        leaves: 15,
        learning_rate: 0.1,
        rows_in_leaf_min: 50,
        l2: 1.0,
        patience: 10,
        threads: run.threads as u32,
        ..GbdtParams::default()
    }
}

fn happened(rows: &Rows) -> usize {
    rows.labels().iter().filter(|label| **label > 0.0).count()
}

/// What is foreseen of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    trees: Gbdt,
    probability: Isotonic,
}

/// The fitted heads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranker {
    features: Vec<String>,
    /// In the order of [`HEADS`]; none where too little happened.
    heads: [Option<Head>; HEAD_COUNT],
}

impl Ranker {
    /// Learns each head of which enough happened; `None` where that is none.
    ///
    /// # Errors
    /// Values that trees cannot learn from.
    pub fn fit(rows: &RankerRows, run: FitRun) -> Result<Option<Self>, Error> {
        let kept_apart = rows.groups.len() / KEPT_APART;
        let learned: u32 = rows.groups[..rows.groups.len() - kept_apart].iter().sum();
        let mut heads = [const { None }; HEAD_COUNT];
        for (number, head) in heads.iter_mut().enumerate() {
            let (learned, all) = (learned as usize, rows.len());
            let parts = rows.of_head(number, 0..learned).zip(rows.of_head(number, learned..all));
            let Some((learn, apart)) = parts else { continue };
            if happened(&learn) < HAPPENED_MIN || happened(&apart) == 0 {
                continue;
            }
            let trees = Gbdt::fit_watched(&params(&learn, &apart, run), &learn, &apart, run.seed)?;
            let mut scores = Vec::with_capacity(apart.len());
            trees.score(apart.values(), &mut scores);
            let probability = Isotonic::fit(&scores, apart.labels())?;
            *head = Some(Head { trees, probability });
        }
        let is_one = heads.iter().any(Option::is_some);
        Ok(is_one.then(|| Self { features: rows.features.clone(), heads }))
    }

    /// What the values of a row mean.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Whether this head was learned.
    pub fn knows(&self, head: usize) -> bool {
        self.heads.get(head).is_some_and(Option::is_some)
    }

    /// Probabilities by head for rows of values, 0 for a head that was not learned. `wanted` says which heads are looked at;
    /// the others stay 0.
    pub fn predict(&self, values: &[f32], wanted: [bool; HEAD_COUNT]) -> Vec<[f32; HEAD_COUNT]> {
        let count = values.len() / self.features.len().max(1);
        let mut all = vec![[0.0; HEAD_COUNT]; count];
        let mut scores = Vec::with_capacity(count);
        for (number, head) in self.heads.iter().enumerate().filter(|(number, _)| wanted[*number]) {
            let Some(head) = head else { continue };
            scores.clear();
            head.trees.score(values, &mut scores);
            for (one, score) in all.iter_mut().zip(&scores) {
                one[number] = head.probability.value(*score).min(1.0);
            }
        }
        all
    }

    /// Bytes that it takes in memory, nearly.
    pub fn size_bytes(&self) -> usize {
        let of_head = |head: &Head| 600 * head.trees.tree_count() + head.probability.size_bytes();
        self.heads.iter().flatten().map(of_head).sum::<usize>() + 32 * self.features.len()
    }

    /// Whether its parts belong together, as those of [`Self::fit`] do: what is read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let fits = |head: &Head| head.trees.is_sound(self.features.len()) && head.probability.is_sound();
        !self.features.is_empty() && self.heads.iter().flatten().all(fits)
    }
}
