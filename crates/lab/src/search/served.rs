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
const ENOUGH: usize = 20;

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
        Self { analyzer, index, weights: Weights::default() }
    }

    /// The best products for a query.
    pub fn search(&self, query: &str) -> Vec<u32> {
        let plan = plan(&self.index, &self.analyzer, query);
        let mut hits = Vec::new();
        matches(&self.index, &plan, &self.weights, &mut hits);
        let ranked = rank(&self.index, &plan, &self.weights, hits.into_iter().map(|hit| (hit, true)), ENOUGH);
        ranked.best(DEPTH).iter().map(|hit| hit.product.0).collect()
    }
}
