//! From a session to candidates with features, and from features to an order: neighbours of two kinds and co-views name
//! products, each is described by twenty numbers, and boosted trees rank them (the second stage of Covington et al.,
//! RecSys 2016). The same code describes candidates when the trees learn and when they serve.

use crate::co_occurrence::CoOccurrence;
use crate::co_visit::CoVisitParams;
use crate::gbdt::Gbdt;
use crate::popularity::Popularity;
use crate::scratch::Scratch;
use crate::session_index::SessionIndex;
use crate::session_knn::SessionKnnParams;
use bespoke_domain::order::by_score;
use bespoke_domain::{Millis, ProductNo};
use serde::{Deserialize, Serialize};

/// What describes a candidate, in the order of its values. A source that does not name it leaves its three missing.
pub const FEATURES: [&str; 20] = [
    "near_rank",
    "near_score",
    "near_share_of_best",
    "wide_rank",
    "wide_score",
    "wide_share_of_best",
    "co_view_rank",
    "co_view_score",
    "co_view_share_of_best",
    "popularity_log",
    "recent_popularity_log",
    "items_back",
    "times_in_session",
    "session_items",
    "session_distinct_items",
    "co_view_share_last",
    "co_view_share_second_last",
    "co_view_share_third_last",
    "is_last_item",
    "reciprocal_rank_sum",
];
/// Values of a source.
const OF_SOURCE: usize = 3;
const POPULARITY: usize = 9;
const SESSION: usize = 11;
const SHARES: usize = 15;
/// Items from the end whose co-views are looked at one by one.
const SHARE_ITEMS: usize = 3;
const IS_LAST: usize = 18;
const RECIPROCAL_RANKS: usize = 19;

/// How candidates are found.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RerankParams {
    /// Neighbours that follow the end of the session closely.
    pub near: SessionKnnParams,
    /// Neighbours that look at the session as a whole.
    pub wide: SessionKnnParams,
    /// Co-views.
    pub co_view: CoVisitParams,
    /// Products each of them may name.
    pub of_source_max: u32,
    /// Products that are ranked.
    pub candidates_max: u32,
}

impl Default for RerankParams {
    fn default() -> Self {
        Self {
            near: SessionKnnParams::default(),
            wide: SessionKnnParams {
                items_max: 10,
                candidates_max: 500,
                neighbours_max: 100,
                position_decay: 4.0,
                shared_idf: 1.0,
                item_idf: 1.0,
                length_power: 0.0,
                recency: 4.0,
                distance_decay: 20.0,
                backward: 1.0,
                last_item: 1.0,
                earlier_items: 1.0,
            },
            co_view: CoVisitParams::default(),
            of_source_max: 40,
            candidates_max: 60,
        }
    }
}

/// What names candidates and describes them, as it stands at one moment.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Closed sessions.
    pub sessions: &'a SessionIndex,
    /// What is viewed together.
    pub co_views: &'a CoOccurrence,
    /// Popularity over a long time.
    pub popular: &'a Popularity,
    /// Popularity over a short time.
    pub recent: &'a Popularity,
    /// The moment.
    pub now: Millis,
}

/// Candidates of one session with their values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    /// No product twice; in turn from each source, best first.
    pub products: Vec<ProductNo>,
    /// As many as [`FEATURES`] for each product; `NaN` is missing.
    pub values: Vec<f32>,
}

impl Candidates {
    /// The best `limit` of them by the trees, in the product's score order; scores have no unit.
    pub fn ranked(&self, trees: &Gbdt, limit: usize) -> Vec<(f32, ProductNo)> {
        let mut scores = Vec::with_capacity(self.products.len());
        trees.score(&self.values, &mut scores);
        let mut ranked: Vec<_> = scores.into_iter().zip(self.products.iter().copied()).collect();
        ranked.sort_unstable_by(|a, b| by_score(*a, *b));
        ranked.truncate(limit);
        ranked
    }
}

impl Sources<'_> {
    /// Candidates for what comes next in `session` (oldest item first).
    pub fn candidates(
        &self,
        params: &RerankParams,
        session: &[ProductNo],
        scratch: &mut Scratch,
    ) -> Candidates {
        let limit = params.of_source_max as usize;
        let lists = [
            self.sessions.predict(&params.near, session, limit, scratch),
            self.sessions.predict(&params.wide, session, limit, scratch),
            self.co_views.predict(&params.co_view, session, self.now, limit, scratch),
        ];
        let products = in_turn(&lists, params.candidates_max as usize);
        let mut values = vec![f32::NAN; products.len() * FEATURES.len()];
        let mut places: Vec<(ProductNo, u32)> = products.iter().copied().zip(0..).collect();
        places.sort_unstable();
        let mut table = Table { places, values: &mut values };
        table.by_source(&lists);
        table.by_share(self, params, session);
        for (row, &product) in values.chunks_exact_mut(FEATURES.len()).zip(&products) {
            row[POPULARITY] = libm::log1p(self.popular.score(product, self.now)) as f32;
            row[POPULARITY + 1] = libm::log1p(self.recent.score(product, self.now)) as f32;
        }
        by_session(&mut values, &products, session);
        Candidates { products, values }
    }
}

/// The first of each list, then the second of each, each product once, at most `limit`.
fn in_turn(lists: &[Vec<(f32, ProductNo)>], limit: usize) -> Vec<ProductNo> {
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let mut products: Vec<ProductNo> = Vec::with_capacity(limit);
    for place in 0..longest {
        for &(_, product) in lists.iter().filter_map(|list| list.get(place)) {
            if products.len() < limit && !products.contains(&product) {
                products.push(product);
            }
        }
    }
    products
}

/// The values on their way.
struct Table<'a> {
    /// Products with their rows, sorted.
    places: Vec<(ProductNo, u32)>,
    values: &'a mut [f32],
}

impl Table<'_> {
    fn row(&mut self, product: ProductNo) -> Option<&mut [f32]> {
        let at = self.places.binary_search_by_key(&product, |place| place.0).ok()?;
        let start = self.places[at].1 as usize * FEATURES.len();
        Some(&mut self.values[start..start + FEATURES.len()])
    }

    /// Rank (from 0), score and share of the best score in each list, and the sum of `1 / (rank + 1)`.
    fn by_source(&mut self, lists: &[Vec<(f32, ProductNo)>]) {
        self.values.iter_mut().skip(RECIPROCAL_RANKS).step_by(FEATURES.len()).for_each(|sum| *sum = 0.0);
        for (source, list) in lists.iter().enumerate() {
            let best = list.first().map_or(1.0, |one| one.0);
            for (rank, &(score, product)) in list.iter().enumerate() {
                let Some(row) = self.row(product) else { continue };
                row[source * OF_SOURCE..][..OF_SOURCE].copy_from_slice(&[rank as f32, score, score / best]);
                row[RECIPROCAL_RANKS] += 1.0 / (rank + 1) as f32;
            }
        }
    }

    /// The share of each candidate in the co-views of each of the last items; missing where there is none.
    fn by_share(&mut self, sources: &Sources<'_>, params: &RerankParams, session: &[ProductNo]) {
        for (back, &item) in session.iter().rev().take(SHARE_ITEMS).enumerate() {
            let shares = sources.co_views.row(item, sources.now);
            for (share, product) in shares.into_iter().flat_map(|row| row.shares(params.co_view.shrinkage)) {
                if let Some(row) = self.row(product) {
                    row[SHARES + back] = share;
                }
            }
        }
    }
}

/// Where and how often each candidate stands in the session, and how long that is.
fn by_session(values: &mut [f32], products: &[ProductNo], session: &[ProductNo]) {
    let mut distinct = session.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    for (row, product) in values.chunks_exact_mut(FEATURES.len()).zip(products) {
        let back = session.iter().rev().position(|item| item == product);
        let times = session.iter().filter(|item| *item == product).count();
        row[SESSION] = back.map_or(f32::NAN, |back| back as f32);
        row[SESSION + 1] = times as f32;
        row[SESSION + 2] = session.len() as f32;
        row[SESSION + 3] = distinct.len() as f32;
        row[IS_LAST] = f32::from(u8::from(back == Some(0)));
    }
}
