//! Candidates of several models, ranked by trees: the models are fitted on the first 90 % of the sessions, the trees learn
//! from what came next in the last 10 %, and then the models are fitted again on everything.

use crate::model::{Knob, Model, moment, now};
use crate::session_data::Session;
use crate::tune::{Case, cases};
use bespoke_domain::{CategoryNo, ProductNo};
use bespoke_models::co_occurrence::{CoOccurrence, CoOccurrenceParams};
use bespoke_models::co_visit::observe_view;
use bespoke_models::gbdt::{Error, Gbdt, GbdtParams, LambdaRank, Loss, Rows};
use bespoke_models::popularity::Popularity;
use bespoke_models::rerank::{FEATURES, RerankParams, Sources};
use bespoke_models::scratch::Scratch;
use bespoke_models::session_index::{IndexParams, SessionIndex};
use serde::{Deserialize, Serialize};

/// One in so many sessions, the latest, is for the trees.
pub const HELD_OUT: usize = 10;
/// Half-lives of the two popularities, in days.
const LONG_DAYS: f64 = 180.0;
const SHORT_DAYS: f64 = 7.0;
const SEED: u64 = 1;

/// How candidates are found and how the trees learn.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RerankedParams {
    /// What the co-view rows keep.
    pub rows: CoOccurrenceParams,
    /// How candidates are found.
    pub candidates: RerankParams,
    /// How the trees learn.
    pub trees: GbdtParams,
    /// Prefixes they learn from.
    pub groups_max: u32,
}

impl Default for RerankedParams {
    fn default() -> Self {
        Self {
            rows: CoOccurrenceParams::default(),
            candidates: RerankParams::default(),
            trees: GbdtParams {
                loss: Loss::LambdaRank(LambdaRank::default()),
                threads: 2,
                ..GbdtParams::default()
            },
            groups_max: 30_000,
        }
    }
}

/// The models that name candidates.
pub struct Base {
    sessions: SessionIndex,
    co_views: CoOccurrence,
    popular: Popularity,
    recent: Popularity,
}

impl Base {
    /// Learns from sessions in time order.
    pub fn fit(params: &RerankedParams, sessions: &[Session]) -> Self {
        let mut base = Self {
            sessions: SessionIndex::new(IndexParams::default()),
            co_views: CoOccurrence::new(params.rows),
            popular: Popularity::new(LONG_DAYS),
            recent: Popularity::new(SHORT_DAYS),
        };
        for (index, items) in sessions.iter().enumerate() {
            let when = moment(index, sessions.len());
            base.sessions.push(items);
            for (place, &item) in items.iter().enumerate() {
                observe_view(&mut base.co_views, &items[..place], item, when, &params.candidates.co_view);
                base.popular.bump(item, &[CategoryNo::default()], 1.0, when);
                base.recent.bump(item, &[CategoryNo::default()], 1.0, when);
            }
        }
        base
    }

    /// As they stand after the last session.
    pub fn sources(&self) -> Sources<'_> {
        Sources {
            sessions: &self.sessions,
            co_views: &self.co_views,
            popular: &self.popular,
            recent: &self.recent,
            now: now(),
        }
    }

    /// The candidates of each case as a group, the item that came next labelled 1; cases whose next item is no candidate
    /// are left out.
    ///
    /// # Errors
    /// When no case is left.
    pub fn rows(&self, params: &RerankParams, cases: &[Case<'_>]) -> Result<Rows, Error> {
        let (mut values, mut labels, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        let mut scratch = Scratch::default();
        for &(prefix, next) in cases {
            let found = self.sources().candidates(params, prefix, &mut scratch);
            if found.products.contains(&next) {
                values.extend_from_slice(&found.values);
                labels.extend(found.products.iter().map(|&product| f32::from(u8::from(product == next))));
                groups.push(found.products.len() as u32);
            }
        }
        Rows::new(FEATURES.len(), values, labels)?.grouped(groups)
    }
}

/// At most `count` of all cases of `sessions`, evenly spread.
pub fn spread(sessions: &[Session], count: usize) -> Vec<Case<'_>> {
    let all: Vec<_> = cases(sessions, 1).collect();
    let count = all.len().min(count);
    (0..count).map(|at| all[at * all.len() / count]).collect()
}

/// Candidates and trees, fitted.
pub struct Reranked {
    base: Base,
    /// None where there was nothing to learn from; candidates then stay in their order.
    trees: Option<Gbdt>,
}

impl Model for Reranked {
    type Params = RerankedParams;
    const KNOBS: &'static [Knob<RerankedParams>] = &[];

    fn fit(params: &RerankedParams, sessions: &[Session]) -> Self {
        let (early, late) = sessions.split_at(sessions.len() - sessions.len() / HELD_OUT);
        let rows =
            Base::fit(params, early).rows(&params.candidates, &spread(late, params.groups_max as usize));
        let trees = rows.and_then(|rows| Gbdt::fit(&params.trees, &rows, SEED)).ok();
        Self { base: Base::fit(params, sessions), trees }
    }

    fn predict(
        &self,
        params: &RerankedParams,
        session: &[ProductNo],
        limit: usize,
        scratch: &mut Scratch,
    ) -> Vec<(f32, ProductNo)> {
        let found = self.base.sources().candidates(&params.candidates, session, scratch);
        match &self.trees {
            Some(trees) => found.ranked(trees, limit),
            None => found.products.iter().take(limit).map(|&product| (0.0, product)).collect(),
        }
    }
}
