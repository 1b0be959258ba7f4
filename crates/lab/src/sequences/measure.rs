//! Full ranking of every product that is not in the shopper's history, as the published figures have it (S3-Rec's
//! `get_full_sort_score` sets what was seen to nought; TIGER took its table from there). One right answer each.

use super::data::Cases;
use crate::topn::THREADS;
use bespoke_domain::ProductNo;
use bespoke_models::metrics::NextItem;
use bespoke_models::parts;

/// Histories ranked with one working memory.
const PART: usize = 256;

/// Something that ranks.
pub trait Ranks: Sync {
    /// The best `limit` for each history, best first, without what is in it.
    fn rank(&self, histories: &[Vec<ProductNo>], limit: usize) -> Vec<Vec<ProductNo>>;
}

/// Means over shoppers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measures {
    /// Recall and NDCG at 5 and at 10.
    pub at: [NextItem; 2],
}

/// The place of each answer among the best `limit`, from 0.
pub fn places(model: &dyn Ranks, cases: &Cases, limit: usize) -> Vec<Option<usize>> {
    let parts = parts::map(cases.answers.len().div_ceil(PART), THREADS, |part| {
        let range = part * PART..cases.answers.len().min((part + 1) * PART);
        let ranked = model.rank(&cases.histories[range.clone()], limit);
        let found = ranked.iter().zip(&cases.answers[range]);
        found.map(|(ranked, answer)| ranked.iter().position(|product| product == answer)).collect::<Vec<_>>()
    });
    parts.concat()
}

/// How well `model` finds what came next.
pub fn measure(model: &dyn Ranks, cases: &Cases) -> Measures {
    let mut at = [5, 10].map(NextItem::at);
    for place in places(model, cases, 10) {
        at.iter_mut().for_each(|at| at.add(place));
    }
    Measures { at }
}

impl Measures {
    /// What is tuned for.
    pub fn ndcg10(&self) -> f64 {
        self.at[1].ndcg()
    }
}
