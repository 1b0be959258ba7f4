//! The search that serves, without a shopper: the index of all products, a query's plan, its matches in order.

use super::DEPTH;
use super::data::Store;
use bespoke_domain::ProductNo;
use bespoke_search::analysis::{Analyzer, Language};
use bespoke_search::index::Index;
use bespoke_search::matching::{Weights, matches};
use bespoke_search::planner::plan;
use bespoke_search::ranking::rank;

/// Fewest results before a query is relaxed.
const ENOUGH: usize = 100;

/// An index with what it takes to ask it.
#[derive(Debug)]
pub struct Served {
    analyzer: Analyzer,
    index: Index,
    weights: Weights,
}

impl Served {
    /// Of all products.
    pub fn new(store: &Store) -> Self {
        let analyzer = Analyzer::new(Language::English);
        let mut index = Index::default();
        for (no, product) in (0..).zip(&store.products) {
            index.change(&analyzer, ProductNo(no), None, Some(&product.document()));
        }
        Self { analyzer, index, weights: weights() }
    }

    /// The best products for a query.
    pub fn search(&self, query: &str) -> Vec<u32> {
        let plan = plan(&self.index, &self.analyzer, query);
        let mut hits = Vec::new();
        matches(&self.index, &plan, &self.weights, &mut hits);
        let enough = std::env::var("ENOUGH").ok().and_then(|v| v.parse().ok()).unwrap_or(ENOUGH);
        let ranked = rank(&self.index, &plan, &self.weights, hits.into_iter(), enough);
        ranked.best(DEPTH).iter().map(|hit| hit.product.0).collect()
    }
}

fn weights() -> Weights {
    let mut w = Weights::default();
    let v = |n: &str, d: f32| std::env::var(n).ok().and_then(|v| v.parse().ok()).unwrap_or(d);
    w.k1 = v("K1", w.k1);
    w.title.weight = v("TW", w.title.weight);
    w.title.b = v("TB", w.title.b);
    w.brand = v("BW", w.brand);
    w.attributes.weight = v("AW", w.attributes.weight);
    w.attributes.b = v("AB", w.attributes.b);
    w.description.weight = v("DW", w.description.weight);
    w.description.b = v("DB", w.description.b);
    w.phrase = v("PH", w.phrase);
    w.early = v("EA", w.early);
    w.coverage = v("CO", w.coverage);
    w.codes = v("CW", w.codes);
    w
}
