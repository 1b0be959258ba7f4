//! Top-N recommendation on public data: fit on who had what, rank every product that a shopper did not have, look at what
//! they had next. `lab topn`.

/// Lines of numbers.
pub mod data;
/// Recall and NDCG of a model.
pub mod measure;
/// The models, and the table of them.
pub mod models;
/// Coordinate search on a part of the training data.
pub mod tune;

use crate::error::Error;
use bespoke_models::interactions::Interactions;
use bespoke_models::metrics::percentile;
use bespoke_models::recommender::{Ask, FitRun, Recommender, Scores};
use data::Split;
use measure::Measures;
use models::{Entry, MODELS, TopModel};
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Threads to fit and to measure with; results do not depend on it.
pub const THREADS: usize = 2;
/// The seed of fits and of what is held out to tune on.
pub const SEED: u64 = 1;
/// Recommendations that are timed one by one.
const TIMED: usize = 2000;

/// What to evaluate.
#[derive(Clone, Debug, PartialEq)]
pub struct TopOptions {
    /// Who had what.
    pub train: PathBuf,
    /// What they had next.
    pub test: PathBuf,
    /// Names of models, in the order of the table.
    pub models: Vec<&'static str>,
    /// Cut-off of the measures.
    pub cutoff: usize,
    /// Parameters instead of tuning.
    pub params: Option<PathBuf>,
    /// Whether the output is for programs.
    pub json: bool,
}

/// What came out for one model. Measures are means over the shoppers with something in the test data.
#[derive(Debug, Serialize)]
pub struct TopOutcome {
    /// Name of the model.
    pub model: &'static str,
    /// Why there are no figures, where the model cannot be fitted to this data.
    pub refused: Option<String>,
    /// Share of what a shopper had next that is within the cut-off.
    pub recall: f64,
    /// Binary NDCG; ideal is as many hits as there can be.
    pub ndcg: f64,
    /// Number of shoppers.
    pub shoppers: usize,
    /// Seconds to fit with the chosen parameters.
    pub fit_s: f64,
    /// Megabytes of the fitted model.
    pub size_mb: f64,
    /// Median of the time of a recommendation from a list of products, one thread, microseconds.
    pub recommend_us_p50: f64,
    /// 99th percentile of it.
    pub recommend_us_p99: f64,
    /// The parameters, tuned on training data or given.
    pub params: Value,
    /// Seconds spent on tuning; 0 where parameters were given.
    pub tune_s: f64,
}

/// Reads the data and evaluates every model that is asked for.
///
/// # Errors
/// Files that cannot be read, lines and parameters that are not as they should be.
pub fn run(options: &TopOptions) -> Result<Vec<TopOutcome>, Error> {
    let split = Split::read(&options.train, &options.test)?;
    let params = options.params.as_deref().map_or(Ok(Value::Null), read_params)?;
    let wanted = MODELS.iter().filter(|entry| options.models.contains(&entry.name));
    wanted.map(|entry| (entry.evaluate)(entry, options, &split, &params)).collect()
}

/// An object of parameters by model name.
pub(crate) fn read_params(path: &Path) -> Result<Value, Error> {
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    serde_json::from_str(&text).map_err(|error| wrong_params(path, &error))
}

fn wrong_params(path: &Path, error: &serde_json::Error) -> Error {
    Error::Params { path: path.to_owned(), reason: error.to_string() }
}

/// Tunes one model, fits it on the training data and measures it on the test data.
///
/// # Errors
/// Given parameters that are not the model's.
pub fn evaluate<M: TopModel>(
    entry: &Entry,
    options: &TopOptions,
    split: &Split,
    given: &Value,
) -> Result<TopOutcome, Error> {
    let run = FitRun { seed: SEED, threads: THREADS };
    let start = Instant::now();
    let (params, tune_s) = match (&options.params, given.get(entry.name)) {
        (Some(path), Some(given)) => {
            let params = serde_json::from_value(given.clone()).map_err(|error| wrong_params(path, &error))?;
            (params, 0.0)
        }
        _ => (tune::tune::<M>(&split.train, options.cutoff), start.elapsed().as_secs_f64()),
    };
    let start = Instant::now();
    let fitted = M::fit(&params, &split.train, run);
    let fit_s = start.elapsed().as_secs_f64();
    let mut outcome = outcome(entry.name, crate::evaluate::as_written(&params), fit_s, tune_s);
    match fitted {
        Err(reason) => outcome.refused = Some(reason),
        Ok(fitted) => fill(&mut outcome, fitted.as_ref(), split, options.cutoff),
    }
    Ok(outcome)
}

fn outcome(model: &'static str, params: Value, fit_s: f64, tune_s: f64) -> TopOutcome {
    TopOutcome {
        model,
        refused: None,
        recall: 0.0,
        ndcg: 0.0,
        shoppers: 0,
        fit_s,
        size_mb: 0.0,
        recommend_us_p50: 0.0,
        recommend_us_p99: 0.0,
        params,
        tune_s,
    }
}

fn fill(outcome: &mut TopOutcome, fitted: &dyn Recommender, split: &Split, cutoff: usize) {
    let measures = measure::measure(fitted, &split.train, &split.test, cutoff);
    let Measures { recall, ndcg, shoppers } = measures;
    (outcome.recall, outcome.ndcg, outcome.shoppers) = (recall, ndcg, shoppers);
    outcome.size_mb = fitted.size_bytes() as f64 / 1e6;
    let mut times = times(fitted, &split.train, cutoff);
    outcome.recommend_us_p50 = percentile(&mut times, 0.5).unwrap_or(0.0);
    outcome.recommend_us_p99 = percentile(&mut times, 0.99).unwrap_or(0.0);
}

/// Microseconds of single recommendations, from shoppers spread over the data.
pub fn times(fitted: &dyn Recommender, train: &Interactions, cutoff: usize) -> Vec<f64> {
    let mut scratch = Scores::default();
    let count = train.row_count().min(TIMED);
    let timed = (0..count).map(|at| {
        let history = train.history(at * train.row_count() / count);
        let excluded: Vec<_> = history.iter().map(|one| one.0).collect();
        let start = Instant::now();
        let ask = Ask { history: &history, excluded: &excluded, limit: cutoff };
        std::hint::black_box(fitted.recommend(&ask, &mut scratch));
        start.elapsed().as_secs_f64() * 1e6
    });
    timed.collect()
}
