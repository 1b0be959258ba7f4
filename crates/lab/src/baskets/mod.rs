//! What the next order of a shopper holds, on public data: orders in, models with their knobs, tuning on the last orders of the
//! training data, Recall, NDCG and hit rate of all products and of new ones out. The command `lab baskets`.

/// Counts and linear models to compare with.
pub mod baselines;
/// Orders of shoppers.
pub mod data;
/// Recall, NDCG and hit rate of a model.
pub mod measure;
/// The models, and the table of them.
pub mod models;
/// Coordinate search on the end of the training data.
pub mod tune;

use crate::error::Error;
use crate::topn::{SEED, THREADS};
use bespoke_models::metrics::percentile;
use bespoke_models::orders::FromOrders;
use bespoke_models::recommender::{Ask, FitRun, Recommender, Scores};
use data::{Fold, SETS};
use measure::{Both, measure};
use models::{BasketModel, Entry, MODELS};
use serde::Serialize;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Instant;

/// Recommendations that are timed one by one.
const TIMED: usize = 2000;

/// What to evaluate.
#[derive(Clone, Debug, PartialEq)]
pub struct BasketOptions {
    /// The folder with the folders of the data sets.
    pub data: PathBuf,
    /// Names of data sets, in the order of the table.
    pub sets: Vec<&'static str>,
    /// Names of models, in the order of the table.
    pub models: Vec<&'static str>,
    /// Cut-off of the measures.
    pub cutoff: usize,
    /// Whether the output is for programs.
    pub json: bool,
}

/// What came out for one model on one data set.
#[derive(Debug, Serialize)]
pub struct BasketOutcome {
    /// Name of the data set.
    pub set: &'static str,
    /// Name of the model.
    pub model: &'static str,
    /// Why there are no figures, where the model cannot be fitted to this data.
    pub refused: Option<String>,
    /// How well it ranks.
    pub measures: Both,
    /// Seconds to fit with the chosen parameters.
    pub fit_s: f64,
    /// Megabytes of the fitted model.
    pub size_mb: f64,
    /// Median of the time from a shopper's orders to a list, one thread, microseconds.
    pub recommend_us_p50: f64,
    /// 99th percentile of it.
    pub recommend_us_p99: f64,
    /// The parameters, tuned on training data.
    pub params: Value,
    /// Seconds spent on tuning.
    pub tune_s: f64,
}

/// Reads the data and evaluates every model that is asked for.
///
/// # Errors
/// Files that cannot be read and lines that are not as they should be.
pub fn run(options: &BasketOptions) -> Result<Vec<BasketOutcome>, Error> {
    let mut outcomes = Vec::new();
    for set in SETS.iter().filter(|set| options.sets.contains(&set.name)) {
        let fold = set.read(&options.data)?;
        let wanted = MODELS.iter().filter(|entry| options.models.contains(&entry.name));
        outcomes.extend(
            wanted.map(|entry| BasketOutcome { set: set.name, ..(entry.evaluate)(entry, options, &fold) }),
        );
    }
    Ok(outcomes)
}

/// Tunes one model, fits it on the training data and measures it on what is held out.
pub fn evaluate<M: BasketModel>(entry: &Entry, options: &BasketOptions, fold: &Fold) -> BasketOutcome {
    let run = FitRun { seed: SEED, threads: THREADS };
    let start = Instant::now();
    let params = tune::tune::<M>(fold, options.cutoff);
    let tune_s = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let fitted = M::fit(&params, None, fold, run);
    let mut outcome = BasketOutcome {
        set: "",
        model: entry.name,
        refused: None,
        measures: Both::default(),
        fit_s: start.elapsed().as_secs_f64(),
        size_mb: 0.0,
        recommend_us_p50: 0.0,
        recommend_us_p99: 0.0,
        params: crate::evaluate::as_written(&params),
        tune_s,
    };
    match fitted {
        Err(reason) => outcome.refused = Some(reason.to_string()),
        Ok(fitted) => {
            outcome.measures = measure(&fitted, fold, options.cutoff);
            outcome.size_mb = fitted.size_bytes() as f64 / 1e6;
            let mut times = times(&fitted, fold, options.cutoff);
            outcome.recommend_us_p50 = percentile(&mut times, 0.5).unwrap_or(0.0);
            outcome.recommend_us_p99 = percentile(&mut times, 0.99).unwrap_or(0.0);
        }
    }
    outcome
}

/// Microseconds from orders to a list, for shoppers spread over the data.
fn times(fitted: &dyn FromOrders, fold: &Fold, cutoff: usize) -> Vec<f64> {
    let mut scratch = Scores::default();
    let shoppers = fold.orders.shoppers();
    let stride = shoppers.len().div_ceil(TIMED).max(1);
    let timed = shoppers.iter().step_by(stride).map(|orders| {
        let start = Instant::now();
        let history = fitted.history(orders);
        let ask = Ask { history: &history, excluded: &[], limit: cutoff };
        std::hint::black_box(fitted.recommend(&ask, &mut scratch));
        start.elapsed().as_secs_f64() * 1e6
    });
    timed.collect()
}
