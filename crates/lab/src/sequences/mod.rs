//! What comes next, on public sequences: learn from all but the last two of each shopper, choose by the last but one,
//! measure by the last, ranking every product that the shopper did not have. `lab sequences`, `lab cold-start`.

/// Products that training never saw.
pub mod cold;
/// The plain rival for those.
pub mod content;
/// Files, and what is held out of them.
pub mod data;
/// Recall and NDCG.
pub mod measure;
/// The models, and the table of them.
pub mod models;

use crate::error::Error;
use bespoke_models::metrics::percentile;
use data::{Cases, Set};
use measure::{Measures, Ranks};
use models::MODELS;
use serde::Serialize;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Instant;

/// Predictions that are timed one by one.
const TIMED: usize = 2000;

/// What to evaluate.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceOptions {
    /// Folder with `sequences.txt.gz` and `item2attributes.json.gz`.
    pub data: PathBuf,
    /// Names of models, in the order of the table.
    pub models: Vec<&'static str>,
    /// Parameters by model name instead of those of the table.
    pub params: Option<PathBuf>,
    /// Whether the output is for programs.
    pub json: bool,
}

/// What came out for one model. Measures are means over shoppers.
#[derive(Debug, Serialize)]
pub struct SequenceOutcome {
    /// Name of the model.
    pub model: &'static str,
    /// Share of shoppers whose next product is among the first five.
    pub recall5: f64,
    /// NDCG there.
    pub ndcg5: f64,
    /// Among the first ten.
    pub recall10: f64,
    /// NDCG there.
    pub ndcg10: f64,
    /// NDCG among the first ten of what the model was chosen by.
    pub validation_ndcg10: f64,
    /// Number of shoppers.
    pub shoppers: u64,
    /// Seconds to fit and choose.
    pub fit_s: f64,
    /// Median of the time of a prediction from the history, one thread, microseconds.
    pub predict_us_p50: f64,
    /// 99th percentile of it.
    pub predict_us_p99: f64,
    /// Megabytes of the fitted model, where it says.
    pub size_mb: f64,
    /// The parameters.
    pub params: Value,
}

/// A fitted model and what was chosen for it.
pub struct Fitted {
    /// It.
    pub model: Box<dyn Ranks>,
    /// Bytes, nought where it does not say.
    pub size_bytes: usize,
    /// Chosen or given.
    pub params: Value,
}

/// Reads the data and evaluates every model that is asked for.
///
/// # Errors
/// Files that cannot be read, lines and parameters that are not as they should be.
pub fn run(options: &SequenceOptions) -> Result<Vec<SequenceOutcome>, Error> {
    let set = Set::read(&options.data)?;
    let params = options.params.as_deref().map_or(Ok(Value::Null), crate::topn::read_params)?;
    let wanted = MODELS.iter().filter(|entry| options.models.contains(&entry.name));
    let evaluate = |entry: &models::Entry| {
        let start = Instant::now();
        let given = params.get(entry.name).cloned().unwrap_or(Value::Null);
        let fitted = (entry.fit)(&set, &given).map_err(|error| Error::Params {
            path: options.params.clone().unwrap_or_default(),
            reason: error.to_string(),
        })?;
        Ok(outcome(entry.name, fitted, &set, start.elapsed().as_secs_f64()))
    };
    wanted.map(evaluate).collect()
}

fn outcome(name: &'static str, fitted: Fitted, set: &Set, fit_s: f64) -> SequenceOutcome {
    let test = set.test();
    let Measures { at: [five, ten] } = measure::measure(fitted.model.as_ref(), &test);
    let mut times = times(fitted.model.as_ref(), &test);
    SequenceOutcome {
        model: name,
        recall5: five.hit_rate(),
        ndcg5: five.ndcg(),
        recall10: ten.hit_rate(),
        ndcg10: ten.ndcg(),
        validation_ndcg10: measure::measure(fitted.model.as_ref(), &set.validation()).ndcg10(),
        shoppers: ten.cases(),
        fit_s,
        predict_us_p50: percentile(&mut times, 0.5).unwrap_or(0.0),
        predict_us_p99: percentile(&mut times, 0.99).unwrap_or(0.0),
        size_mb: fitted.size_bytes as f64 / 1e6,
        params: fitted.params,
    }
}

/// Microseconds of single predictions, from shoppers spread over the data.
fn times(model: &dyn Ranks, cases: &Cases) -> Vec<f64> {
    let count = cases.histories.len().min(TIMED);
    let timed = (0..count).map(|at| {
        let at = at * cases.histories.len() / count;
        let start = Instant::now();
        std::hint::black_box(model.rank(&cases.histories[at..=at], 10));
        start.elapsed().as_secs_f64() * 1e6
    });
    timed.collect()
}
