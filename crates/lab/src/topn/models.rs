//! The models under test on top-N data: where each starts from, and the knobs that tuning turns. A new one is one
//! implementation and one line in [`MODELS`].

use super::data::Split;
use super::{TopOptions, TopOutcome, evaluate};
use crate::error::Error;
use crate::model::{Knob, refit_knob};
use bespoke_models::als::AlsParams;
use bespoke_models::ease::EaseParams;
use bespoke_models::graph_filter::GraphFilterParams;
use bespoke_models::interactions::Interactions;
use bespoke_models::item_knn::{ItemKnnParams, Similarity};
use bespoke_models::recommender::{FitRun, Recommender};
use bespoke_models::slim::SlimParams;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One line of the table.
pub struct Entry {
    /// Its name on the command line and in results.
    pub name: &'static str,
    /// Tunes, fits and measures it.
    pub evaluate: fn(&Entry, &TopOptions, &Split, &Value) -> Result<TopOutcome, Error>,
}

/// Every model under test.
pub const MODELS: [Entry; 8] = [
    Entry { name: "item_cosine", evaluate: evaluate::<Cosine> },
    Entry { name: "item_tfidf", evaluate: evaluate::<TfIdf> },
    Entry { name: "item_bm25", evaluate: evaluate::<Bm25> },
    Entry { name: "rp3beta", evaluate: evaluate::<Rp3Beta> },
    Entry { name: "graph_filter", evaluate: evaluate::<Filter> },
    Entry { name: "slim", evaluate: evaluate::<Slim> },
    Entry { name: "ease", evaluate: evaluate::<Ease> },
    Entry { name: "als", evaluate: evaluate::<Als> },
];

/// A fitted model, or why there is none.
pub type Fitted = Result<Box<dyn Recommender>, String>;

/// A model under test.
pub trait TopModel {
    /// Plain data.
    type Params: Copy + PartialEq + Serialize + DeserializeOwned + 'static;

    /// What tuning turns, in this order.
    const KNOBS: &'static [Knob<Self::Params>];

    /// What tuning starts from.
    fn start() -> Self::Params;

    /// Fits it.
    fn fit(params: &Self::Params, data: &Interactions, run: FitRun) -> Fitted;
}

fn knn(similarity: Similarity, neighbours_max: u32) -> ItemKnnParams {
    ItemKnnParams { similarity, neighbours_max }
}

const NEIGHBOURS: Knob<ItemKnnParams> =
    refit_knob("neighbours_max", &[20.0, 100.0, 200.0, 500.0, 1000.0], |p, v| p.neighbours_max = v as u32);

fn fit_knn(params: &ItemKnnParams, data: &Interactions, run: FitRun) -> Fitted {
    Ok(Box::new(params.fit(data, run)))
}

/// Item–item by the angle.
pub struct Cosine;

impl TopModel for Cosine {
    type Params = ItemKnnParams;
    const KNOBS: &'static [Knob<ItemKnnParams>] = &[NEIGHBOURS];

    fn start() -> ItemKnnParams {
        knn(Similarity::Cosine, 100)
    }

    fn fit(params: &ItemKnnParams, data: &Interactions, run: FitRun) -> Fitted {
        fit_knn(params, data, run)
    }
}

/// The same, busy shoppers counting less.
pub struct TfIdf;

impl TopModel for TfIdf {
    type Params = ItemKnnParams;
    const KNOBS: &'static [Knob<ItemKnnParams>] = &[NEIGHBOURS];

    fn start() -> ItemKnnParams {
        knn(Similarity::TfIdf, 100)
    }

    fn fit(params: &ItemKnnParams, data: &Interactions, run: FitRun) -> Fitted {
        fit_knn(params, data, run)
    }
}

/// The same, popular products counting less.
pub struct Bm25;

impl TopModel for Bm25 {
    type Params = ItemKnnParams;
    const KNOBS: &'static [Knob<ItemKnnParams>] = &[
        NEIGHBOURS,
        refit_knob("k1", &[0.3, 1.2, 3.0, 10.0], |p, v| {
            if let Similarity::Bm25 { k1, .. } = &mut p.similarity {
                *k1 = v;
            }
        }),
        refit_knob("b", &[0.25, 0.5, 0.75, 1.0], |p, v| {
            if let Similarity::Bm25 { b, .. } = &mut p.similarity {
                *b = v;
            }
        }),
    ];

    fn start() -> ItemKnnParams {
        knn(Similarity::Bm25 { k1: 1.2, b: 0.75 }, 100)
    }

    fn fit(params: &ItemKnnParams, data: &Interactions, run: FitRun) -> Fitted {
        fit_knn(params, data, run)
    }
}

/// A random walk of three steps.
pub struct Rp3Beta;

impl TopModel for Rp3Beta {
    type Params = ItemKnnParams;
    const KNOBS: &'static [Knob<ItemKnnParams>] = &[
        NEIGHBOURS,
        refit_knob("alpha", &[0.3, 0.4, 0.5, 0.57, 0.65, 0.75, 0.85, 1.0], |p, v| {
            if let Similarity::Rp3Beta { alpha, .. } = &mut p.similarity {
                *alpha = v;
            }
        }),
        refit_knob("beta", &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5], |p, v| {
            if let Similarity::Rp3Beta { beta, .. } = &mut p.similarity {
                *beta = v;
            }
        }),
    ];

    fn start() -> ItemKnnParams {
        ItemKnnParams::default()
    }

    fn fit(params: &ItemKnnParams, data: &Interactions, run: FitRun) -> Fitted {
        fit_knn(params, data, run)
    }
}

/// Neighbours and singular vectors.
pub struct Filter;

impl TopModel for Filter {
    type Params = GraphFilterParams;
    const KNOBS: &'static [Knob<GraphFilterParams>] = &[
        refit_knob("smooth", &[0.0, 0.1, 0.2, 0.3, 0.5, 0.8], |p, v| p.smooth = v),
        refit_knob("busy", &[0.5, 0.6, 0.8, 1.0], |p, v| p.busy = v),
        refit_knob("source", &[0.4, 0.5, 0.6, 0.8, 1.0], |p, v| p.source = v),
        refit_knob("target", &[0.2, 0.3, 0.4, 0.5, 0.6], |p, v| p.target = v),
        refit_knob("factors", &[64.0, 128.0, 256.0], |p, v| p.factors = v as u32),
    ];

    fn start() -> GraphFilterParams {
        GraphFilterParams::default()
    }

    fn fit(params: &GraphFilterParams, data: &Interactions, run: FitRun) -> Fitted {
        Ok(Box::new(params.fit(data, run)))
    }
}

/// Sparse linear weights.
pub struct Slim;

impl TopModel for Slim {
    type Params = SlimParams;
    const KNOBS: &'static [Knob<SlimParams>] = &[
        refit_knob("regularization", &[15.0, 30.0, 50.0, 100.0, 200.0], |p, v| p.regularization = v),
        refit_knob("busy", &[0.0, 0.2, 0.3, 0.4, 0.5, 0.6], |p, v| p.busy = v),
        refit_knob("chosen", &[0.2, 0.3, 0.4, 0.5], |p, v| p.chosen = v),
        refit_knob("popular", &[-0.05, 0.0, 0.05, 0.1], |p, v| p.popular = v),
    ];

    fn start() -> SlimParams {
        SlimParams::default()
    }

    fn fit(params: &SlimParams, data: &Interactions, run: FitRun) -> Fitted {
        Ok(Box::new(params.fit(data, run)))
    }
}

/// Linear weights in closed form.
pub struct Ease;

impl TopModel for Ease {
    type Params = EaseParams;
    const KNOBS: &'static [Knob<EaseParams>] =
        &[refit_knob("regularization", &[20.0, 50.0, 100.0, 200.0, 500.0, 1000.0], |p, v| {
            p.regularization = v
        })];

    fn start() -> EaseParams {
        EaseParams::default()
    }

    fn fit(params: &EaseParams, data: &Interactions, run: FitRun) -> Fitted {
        match params.fit(data, run) {
            Ok(fitted) => Ok(Box::new(fitted)),
            Err(refused) => Err(refused.to_string()),
        }
    }
}

/// Alternating least squares.
pub struct Als;

impl TopModel for Als {
    type Params = AlsParams;
    const KNOBS: &'static [Knob<AlsParams>] = &[
        refit_knob("unobserved", &[0.003, 0.01, 0.03, 0.1], |p, v| p.unobserved = v),
        refit_knob("regularization", &[0.0003, 0.001, 0.003, 0.01, 0.03], |p, v| p.regularization = v),
        refit_knob("power", &[0.5, 0.75, 1.0], |p, v| p.power = v),
    ];

    fn start() -> AlsParams {
        AlsParams::default()
    }

    fn fit(params: &AlsParams, data: &Interactions, run: FitRun) -> Fitted {
        Ok(Box::new(params.fit(data, run)))
    }
}
