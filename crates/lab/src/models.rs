//! The models under test, and the table of them. Adding one is a `Model` and a line here.

use crate::args::Options;
use crate::error::Error;
use crate::evaluate::{Data, Outcome, evaluate};
use crate::model::{Knob, Model, knob, moment, now, refit_knob};
use crate::reranked::Reranked;
use crate::session_data::Session;
use bespoke_domain::{CategoryNo, ProductNo};
use bespoke_models::co_occurrence::{CoOccurrence, CoOccurrenceParams};
use bespoke_models::co_visit::{CoVisitParams, observe_view};
use bespoke_models::popularity::Popularity;
use bespoke_models::scratch::Scratch;
use bespoke_models::session_index::{IndexParams, SessionIndex};
use bespoke_models::session_knn::SessionKnnParams;
use serde::{Deserialize, Serialize};

/// A line of the table.
pub struct Entry {
    /// What it is called on the command line and in results.
    pub name: &'static str,
    /// Tunes, fits and measures it.
    pub evaluate: fn(&'static str, &Options, &Data) -> Result<Outcome, Error>,
}

/// Every model under test.
pub const MODELS: [Entry; 4] = [
    Entry { name: "popular", evaluate: evaluate::<Popular> },
    Entry { name: "co_visitation", evaluate: evaluate::<CoVisitation> },
    Entry { name: "session_knn", evaluate: evaluate::<SessionKnn> },
    Entry { name: "reranked", evaluate: evaluate::<Reranked> },
];

/// What most sessions held lately, whatever the session at hand. The floor to stand on.
pub struct Popular {
    counts: Popularity,
}

/// Nothing to set.
#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

impl Model for Popular {
    type Params = NoParams;
    const KNOBS: &'static [Knob<NoParams>] = &[];

    fn fit(_: &NoParams, sessions: &[Session]) -> Self {
        let mut counts = Popularity::default();
        for (index, items) in sessions.iter().enumerate() {
            let mut items = items.clone();
            items.sort_unstable();
            items.dedup();
            let when = moment(index, sessions.len());
            items.into_iter().for_each(|item| counts.bump(item, &[CategoryNo::default()], 1.0, when));
        }
        Self { counts }
    }

    fn predict(&self, _: &NoParams, _: &[ProductNo], limit: usize, _: &mut Scratch) -> Vec<(f32, ProductNo)> {
        self.counts.best(CategoryNo::default()).take(limit).collect()
    }
}

/// Co-views with recency.
pub struct CoVisitation {
    rows: CoOccurrence,
}

/// How rows are kept and how they are used.
#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoVisitationParams {
    /// What the rows keep.
    pub rows: CoOccurrenceParams,
    /// What goes into them and how they are read.
    pub visit: CoVisitParams,
}

impl Model for CoVisitation {
    type Params = CoVisitationParams;
    const KNOBS: &'static [Knob<CoVisitationParams>] = &[
        refit_knob("half_life_days", &[30.0, 60.0, 120.0, 240.0], |p, v| p.rows.half_life_days = v),
        refit_knob("window", &[2.0, 3.0, 5.0, 8.0], |p, v| p.visit.window = v as u32),
        refit_knob("backward", &[0.3, 0.6, 0.8, 1.0], |p, v| p.visit.backward = v),
        knob("session_decay", &[0.3, 0.4, 0.5, 0.6, 0.7], |p, v| p.visit.session_decay = v),
        knob("shrinkage", &[0.0, 5.0, 10.0, 20.0, 40.0], |p, v| p.visit.shrinkage = v),
        knob("last_item", &[1.0, 2.0, 3.0, 4.0], |p, v| p.visit.last_item = v),
        knob("earlier_items", &[1.0, 2.0, 3.0, 4.0, 6.0], |p, v| p.visit.earlier_items = v),
    ];

    fn fit(params: &CoVisitationParams, sessions: &[Session]) -> Self {
        let mut rows = CoOccurrence::new(params.rows);
        for (index, items) in sessions.iter().enumerate() {
            let when = moment(index, sessions.len());
            for (place, &item) in items.iter().enumerate() {
                observe_view(&mut rows, &items[..place], item, when, &params.visit);
            }
        }
        Self { rows }
    }

    fn predict(
        &self,
        params: &CoVisitationParams,
        session: &[ProductNo],
        limit: usize,
        scratch: &mut Scratch,
    ) -> Vec<(f32, ProductNo)> {
        self.rows.predict(&params.visit, session, now(), limit, scratch)
    }
}

/// Session neighbours.
pub struct SessionKnn {
    index: SessionIndex,
}

impl Model for SessionKnn {
    type Params = SessionKnnParams;
    const KNOBS: &'static [Knob<SessionKnnParams>] = &[
        knob("position_decay", &[1.2, 1.6, 2.2, 3.0], |p, v| p.position_decay = v),
        knob("shared_idf", &[2.0, 2.5, 3.0, 3.5, 4.0, 5.0], |p, v| p.shared_idf = v),
        knob("item_idf", &[0.5, 1.0, 1.5, 2.0], |p, v| p.item_idf = v),
        knob("length_power", &[0.0, 0.15, 0.25, 0.5], |p, v| p.length_power = v),
        knob("recency", &[0.5, 1.0, 2.0], |p, v| p.recency = v),
        knob("distance_decay", &[2.0, 3.0, 4.0, 6.0], |p, v| p.distance_decay = v),
        knob("backward", &[0.3, 0.5, 0.7, 0.85, 1.0], |p, v| p.backward = v),
        knob("last_item", &[0.2, 0.4, 0.6, 0.8, 1.0], |p, v| p.last_item = v),
        knob("earlier_items", &[0.7, 1.0, 1.25, 1.5, 2.0, 2.5], |p, v| p.earlier_items = v),
        knob("candidates_max", &[500.0, 1000.0, 2000.0], |p, v| p.candidates_max = v as u32),
        knob("neighbours_max", &[200.0, 300.0, 500.0], |p, v| p.neighbours_max = v as u32),
    ];

    fn fit(_: &SessionKnnParams, sessions: &[Session]) -> Self {
        let mut index = SessionIndex::new(IndexParams::default());
        sessions.iter().for_each(|items| index.push(items));
        Self { index }
    }

    fn predict(
        &self,
        params: &SessionKnnParams,
        session: &[ProductNo],
        limit: usize,
        scratch: &mut Scratch,
    ) -> Vec<(f32, ProductNo)> {
        self.index.predict(params, session, limit, scratch)
    }
}
