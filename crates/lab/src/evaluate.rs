//! Iterative reveal: from each prefix of a test session, rank all items and look where the next one stands. Items of the
//! prefix may be predicted again; an answer that training never saw is a miss. One thread, each prediction timed.

use crate::args::Options;
use crate::error::Error;
use crate::model::Model;
use crate::models::MODELS;
use crate::session_data::{Items, Session};
use crate::tune::{cases, tune};
use bespoke_models::metrics::{NextItem, percentile};
use bespoke_models::scratch::Scratch;
use serde::Serialize;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

/// What is evaluated on.
pub struct Data {
    items: Items,
    train: Vec<Session>,
    test: Vec<Session>,
    /// Parameters given by model name.
    params: Value,
}

/// What came out for one model. Rates are fractions of the cases.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Name of the model.
    pub model: &'static str,
    /// Hit rate at the cut-off.
    pub hr: f64,
    /// Mean reciprocal rank at the cut-off.
    pub mrr: f64,
    /// NDCG at the cut-off.
    pub ndcg: f64,
    /// Number of predictions.
    pub cases: u64,
    /// Seconds to learn from all training sessions in memory, with the chosen parameters.
    pub fit_s: f64,
    /// Median of the time of a prediction, microseconds.
    pub predict_us_p50: f64,
    /// 99th percentile of it.
    pub predict_us_p99: f64,
    /// The parameters, tuned on training data or given.
    pub params: Value,
    /// Seconds spent on tuning; 0 where parameters were given.
    pub tune_s: f64,
}

/// Reads the data and evaluates every model that is asked for.
///
/// # Errors
/// Files that cannot be read, lines and parameters that are not as they should be.
pub fn run(options: &Options) -> Result<Vec<Outcome>, Error> {
    let mut items = Items::default();
    let train = items.read(&options.train)?;
    let test = items.read(&options.test)?;
    let params = options.params.as_deref().map_or(Ok(Value::Null), read_params)?;
    let data = Data { items, train, test, params };
    if let Some((_, path)) = &options.dump {
        File::create(path).map_err(|source| Error::File { path: path.clone(), source })?;
    }
    let wanted = MODELS.iter().filter(|entry| options.models.contains(&entry.name));
    wanted.map(|entry| (entry.evaluate)(entry.name, options, &data)).collect()
}

fn read_params(path: &Path) -> Result<Value, Error> {
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    serde_json::from_str(&text).map_err(|error| wrong_params(path, &error))
}

fn wrong_params(path: &Path, error: &serde_json::Error) -> Error {
    Error::Params { path: path.to_owned(), reason: error.to_string() }
}

/// Tunes one model, fits it on all training sessions and measures it on the test sessions.
///
/// # Errors
/// Given parameters that are not the model's; a dump that cannot be written.
pub fn evaluate<M: Model>(name: &'static str, options: &Options, data: &Data) -> Result<Outcome, Error> {
    let (params, tune_s) = match given_params::<M>(name, options, data)? {
        Some(params) => (params, 0.0),
        None => timed(|| tune::<M>(&data.train, options.min_prefix, options.cutoff)),
    };
    let (fitted, fit_s) = timed(|| M::fit(&params, &data.train));
    if let Some((count, path)) = &options.dump {
        let lines = top_lists(name, &fitted, &params, data, options).take(*count);
        append(path, lines).map_err(|source| Error::File { path: path.clone(), source })?;
    }
    let (measures, mut times) = reveal(&fitted, &params, &data.test, options);
    Ok(Outcome {
        model: name,
        hr: measures.hit_rate(),
        mrr: measures.mrr(),
        ndcg: measures.ndcg(),
        cases: measures.cases(),
        fit_s,
        predict_us_p50: percentile(&mut times, 0.5).unwrap_or(0.0),
        predict_us_p99: percentile(&mut times, 0.99).unwrap_or(0.0),
        params: as_written(&params),
        tune_s,
    })
}

fn given_params<M: Model>(name: &str, options: &Options, data: &Data) -> Result<Option<M::Params>, Error> {
    let (Some(path), Some(given)) = (&options.params, data.params.get(name)) else { return Ok(None) };
    serde_json::from_value(given.clone()).map(Some).map_err(|error| wrong_params(path, &error))
}

/// The result and the seconds it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}

/// The parameters as JSON. By way of text, so that a 32-bit 0.8 stays 0.8 and does not become 0.800000011920929.
pub fn as_written(params: &impl Serialize) -> Value {
    serde_json::to_string(params).and_then(|text| serde_json::from_str(&text)).unwrap_or(Value::Null)
}

/// Predicts every case; gives the measures and the microseconds each took.
fn reveal<M: Model>(
    fitted: &M,
    params: &M::Params,
    sessions: &[Session],
    options: &Options,
) -> (NextItem, Vec<f64>) {
    let mut scratch = Scratch::default();
    let mut measures = NextItem::at(options.cutoff);
    let mut times = Vec::new();
    for (prefix, answer) in cases(sessions, options.min_prefix) {
        let start = Instant::now();
        let ranked = fitted.predict(params, prefix, options.cutoff, &mut scratch);
        times.push(start.elapsed().as_secs_f64() * 1e6);
        measures.add(ranked.iter().position(|&(_, item)| item == answer));
    }
    (measures, times)
}

/// The top of every case as JSON, in the order of the cases: row of the session (from 0), prefix length, external ids.
fn top_lists<'a, M: Model>(
    name: &'a str,
    fitted: &'a M,
    params: &'a M::Params,
    data: &'a Data,
    options: &'a Options,
) -> impl Iterator<Item = Value> + 'a {
    let mut scratch = Scratch::default();
    data.test
        .iter()
        .enumerate()
        .flat_map(|(row, items)| (1..items.len()).map(move |len| (row, &items[..len])))
        .filter(|(_, prefix)| prefix.len() >= options.min_prefix)
        .map(move |(row, prefix)| {
            let ranked = fitted.predict(params, prefix, options.cutoff, &mut scratch);
            let ids: Vec<&str> = ranked.iter().map(|&(_, item)| data.items.name(item)).collect();
            json!({ "model": name, "session": row, "prefix": prefix.len(), "items": ids })
        })
}

fn append(path: &Path, lines: impl Iterator<Item = Value>) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::options().append(true).open(path)?);
    for line in lines {
        writeln!(file, "{line}")?;
    }
    file.flush()
}
