//! The boosted trees against LightGBM on the rows of a session data set, in the same run.
//!
//! Data: the last 10 % of the training sessions, candidates and features from models fitted on the first 90 %. Trees learn
//! on prefixes of the first four fifths of these sessions and are judged on prefixes of the last fifth; groups without the
//! right answer are dropped. Peer: LightGBM 4.7 (`peers/lightgbm_rank.py`) with the same trees, leaves, rate, bins and threads; times are binning
//! and training with the rows in memory, the best of the runs. Command: `lab ranker --train FILE [--peer]`.

use crate::error::Error;
use crate::reranked::{Base, HELD_OUT, RerankedParams, spread};
use crate::session_data::Items;
use bespoke_models::gbdt::{Gbdt, GbdtParams, Loss, Rows, mean_ndcg, sigmoid};
use bespoke_models::isotonic::Isotonic;
use bespoke_models::metrics::{calibration_error, percentile};
use bespoke_models::rerank::FEATURES;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const CUTOFF: usize = 10;
const THREADS: u32 = 2;
/// Rows of one request that is timed, and how often it is.
const REQUEST_ROWS: usize = 57;
const REQUESTS: usize = 2000;
/// Bins of the calibration error.
const BINS: usize = 15;
const PEER_PACKAGES: [&str; 2] = ["lightgbm==4.7.0", "numpy"];

/// What to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct RankerOptions {
    /// Sessions in time order.
    pub train: PathBuf,
    /// Where rows, the peer's scores and its virtual environment go.
    pub scratch: PathBuf,
    /// Prefixes to learn from, and as many at most to be judged on.
    pub groups: usize,
    /// Times each trains.
    pub runs: usize,
    /// Whether LightGBM runs too.
    pub peer: bool,
    /// Whether the output is for programs.
    pub json: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Compared {
    /// Rows learned from.
    pub train_rows: usize,
    /// Groups judged on.
    pub test_groups: usize,
    /// NDCG@10 of the candidates in their order.
    pub ndcg_unranked: f64,
    /// NDCG@10 of the trees.
    pub ndcg: f64,
    /// Seconds to train, best of the runs.
    pub train_s: f64,
    /// CPU seconds to train, best of the runs; other work on the machine disturbs them less.
    pub train_cpu_s: f64,
    /// Median of the microseconds to score 57 rows on one core.
    pub score_57_rows_us: f64,
    /// Calibration error of a probability head on later cases, before and after isotonic calibration.
    pub calibration_error: [f64; 2],
    /// Share of all gains, by feature, largest first.
    pub gains: Vec<(&'static str, f64)>,
    /// The peer, where it ran.
    pub peer: Option<Peer>,
}

/// LightGBM on the same rows.
#[derive(Debug, Serialize)]
pub struct Peer {
    /// Its version.
    pub version: String,
    /// NDCG@10.
    pub ndcg: f64,
    /// Seconds to train, best of the runs.
    pub train_s: f64,
    /// CPU seconds to train, best of the runs.
    pub train_cpu_s: f64,
    /// Median of the microseconds to score 57 rows on one core, Python's call included.
    pub score_57_rows_us: f64,
    /// Our NDCG@10 less the peer's.
    pub ndcg_ahead: f64,
    /// How many times faster ours trains.
    pub train_speed: f64,
}

#[derive(Deserialize)]
struct Printed {
    version: String,
    seconds: Vec<f64>,
    cpu_seconds: Vec<f64>,
    score_57_rows_us: f64,
}

/// Makes the rows, trains on them and compares.
///
/// # Errors
/// Files that cannot be read or written, too little data, a peer that does not run.
pub fn run(options: &RankerOptions) -> Result<Compared, Error> {
    let params = RerankedParams::default();
    let sessions = Items::default().read(&options.train)?;
    let (early, late) = sessions.split_at(sessions.len() - sessions.len() / HELD_OUT);
    let (learned, judged) = late.split_at(late.len() * 4 / 5);
    let base = Base::fit(&params, early);
    let rows = |part| base.rows(&params.candidates, &spread(part, options.groups)).map_err(unfit);
    let (train, test) = (rows(learned)?, rows(judged)?);
    let trees = GbdtParams { threads: THREADS, ..params.trees };
    let (model, [train_s, train_cpu_s]) = best_of(options.runs, || Gbdt::fit(&trees, &train, 1))?;
    let peer = options.peer.then(|| peer(options, &trees, &train, &test)).transpose()?;
    let ndcg = mean_ndcg(&test, &scores(&model, test.values()), CUTOFF);
    Ok(Compared {
        train_rows: train.len(),
        test_groups: test.groups().len(),
        ndcg_unranked: mean_ndcg(&test, &vec![0.0; test.len()], CUTOFF),
        ndcg,
        train_s,
        train_cpu_s,
        score_57_rows_us: time_request(&model, &test),
        calibration_error: calibration(&trees, &train, &test)?,
        gains: gains(&model),
        peer: peer.map(|peer| Peer {
            ndcg_ahead: ndcg - peer.ndcg,
            train_speed: peer.train_s / train_s,
            ..peer
        }),
    })
}

/// Lines for people.
pub fn text(compared: &Compared) -> String {
    let [before, after] = compared.calibration_error;
    let mut text = format!(
        "{} rows to learn from, {} groups to be judged on\n\
         ours      NDCG@10 {:.4} (unranked {:.4}), trained in {:.3} s ({:.2} CPU s), 57 rows scored in {:.1} us\n\
         head      calibration error {before:.4}, isotonic {after:.4}\n",
        compared.train_rows,
        compared.test_groups,
        compared.ndcg,
        compared.ndcg_unranked,
        compared.train_s,
        compared.train_cpu_s,
        compared.score_57_rows_us
    );
    if let Some(peer) = &compared.peer {
        text += &format!(
            "LightGBM  NDCG@10 {:.4}, trained in {:.3} s ({:.2} CPU s), 57 rows scored in {:.1} us ({})\n\
             ratios    NDCG@10 {:+.4}, training {:.2}x as fast ({:.2}x by CPU)\n",
            peer.ndcg,
            peer.train_s,
            peer.train_cpu_s,
            peer.score_57_rows_us,
            peer.version,
            peer.ndcg_ahead,
            peer.train_speed,
            peer.train_cpu_s / compared.train_cpu_s
        );
    }
    let share = |(name, share): &(&str, f64)| format!("{name} {:.1} %", 100.0 * share);
    text + "gains     " + &compared.gains.iter().take(8).map(share).collect::<Vec<_>>().join(", ")
}

fn unfit(error: bespoke_models::gbdt::Error) -> Error {
    Error::Bench(format!("the rows cannot be learned from: {error}"))
}

/// The model, and the least seconds and CPU seconds of several runs.
fn best_of(
    runs: usize,
    fit: impl Fn() -> Result<Gbdt, bespoke_models::gbdt::Error>,
) -> Result<(Gbdt, [f64; 2]), Error> {
    let once = || {
        let (start, cpu_start) = (Instant::now(), cpu_s());
        let model = fit().map_err(unfit)?;
        Ok((model, [start.elapsed().as_secs_f64(), cpu_s() - cpu_start]))
    };
    let mut best: (Gbdt, [f64; 2]) = once()?;
    for _ in 1..runs {
        let (_, next) = once()?;
        best.1 = [best.1[0].min(next[0]), best.1[1].min(next[1])];
    }
    Ok(best)
}

/// CPU seconds of this process so far, in hundredths; 0 where the system does not say.
fn cpu_s() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn scores(model: &Gbdt, values: &[f32]) -> Vec<f32> {
    let mut scores = Vec::new();
    model.score(values, &mut scores);
    scores
}

/// Median of the microseconds that one request's rows take; another request each time.
fn time_request(model: &Gbdt, rows: &Rows) -> f64 {
    let request_len = REQUEST_ROWS * FEATURES.len();
    let mut scores = Vec::with_capacity(REQUEST_ROWS);
    let requests = rows.values().chunks_exact(request_len).cycle().take(REQUESTS);
    let mut times: Vec<f64> = requests
        .map(|request| {
            scores.clear();
            let start = Instant::now();
            model.score(std::hint::black_box(request), &mut scores);
            std::hint::black_box(&scores);
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    percentile(&mut times, 0.5).unwrap_or(0.0)
}

/// A head for "this comes next": fitted on the rows to learn from, calibrated on the first half of the later groups,
/// judged on the second.
fn calibration(trees: &GbdtParams, train: &Rows, test: &Rows) -> Result<[f64; 2], Error> {
    let head = Gbdt::fit(&GbdtParams { loss: Loss::Logistic, ..*trees }, train, 1).map_err(unfit)?;
    let (scores, labels) = (scores(&head, test.values()), test.labels());
    let groups = test.groups();
    let half = groups[..groups.len() / 2].iter().map(|&size| size as usize).sum();
    let isotonic = Isotonic::fit(&scores[..half], &labels[..half]).map_err(unfit)?;
    let error = |probability: &dyn Fn(f32) -> f32| {
        let probabilities: Vec<f32> = scores[half..].iter().map(|&score| probability(score)).collect();
        calibration_error(&probabilities, &labels[half..], BINS)
    };
    Ok([error(&sigmoid), error(&|score| isotonic.value(score))])
}

fn gains(model: &Gbdt) -> Vec<(&'static str, f64)> {
    let whole: f64 = model.gains().iter().sum();
    let mut gains: Vec<_> = FEATURES
        .into_iter()
        .zip(model.gains().iter().map(|gain| gain / whole.max(f64::MIN_POSITIVE)))
        .collect();
    gains.sort_by(|a, b| b.1.total_cmp(&a.1));
    gains
}

/// Writes the rows, installs the peer where it is not there yet, runs it and judges its scores.
fn peer(options: &RankerOptions, trees: &GbdtParams, train: &Rows, test: &Rows) -> Result<Peer, Error> {
    let folder = &options.scratch;
    write_rows(folder, trees, train, test)?;
    let python = install(&folder.join("venv"))?;
    let script = folder.join("lightgbm_rank.py");
    write(&script, include_bytes!("../peers/lightgbm_rank.py"))?;
    let (runs, threads) = (options.runs.to_string(), THREADS.to_string());
    let printed = output(Command::new(python).arg(&script).arg(folder).args([&runs, &threads]))?;
    let printed: Printed = serde_json::from_str(&printed)
        .map_err(|error| Error::Bench(format!("LightGBM printed no figures: {error}")))?;
    let scores = read_numbers(&folder.join("test.scores"))?;
    if scores.len() != test.len() {
        return Err(Error::Bench(format!("LightGBM scored {} of {} rows", scores.len(), test.len())));
    }
    Ok(Peer {
        version: printed.version,
        ndcg: mean_ndcg(test, &scores, CUTOFF),
        train_s: least(&printed.seconds),
        train_cpu_s: least(&printed.cpu_seconds),
        score_57_rows_us: printed.score_57_rows_us,
        ndcg_ahead: 0.0,
        train_speed: 0.0,
    })
}

fn write_rows(folder: &Path, trees: &GbdtParams, train: &Rows, test: &Rows) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::File { path: folder.to_owned(), source })?;
    let shape = json!({
        "features": train.feature_count(), "trees": trees.trees, "leaves": trees.leaves, "bins": trees.bins,
        "learning_rate": trees.learning_rate, "rows_in_leaf_min": trees.rows_in_leaf_min,
    });
    write(&folder.join("rows.json"), shape.to_string().as_bytes())?;
    for (part, rows) in [("train", train), ("test", test)] {
        let floats = |list: &[f32]| list.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let sizes: Vec<u8> = rows.groups().iter().flat_map(|size| size.to_le_bytes()).collect();
        write(&folder.join(format!("{part}.values")), &floats(rows.values()))?;
        write(&folder.join(format!("{part}.labels")), &floats(rows.labels()))?;
        write(&folder.join(format!("{part}.groups")), &sizes)?;
    }
    Ok(())
}

/// The Python of a virtual environment with the peer in it, made where it is not there yet.
fn install(venv: &Path) -> Result<PathBuf, Error> {
    let python = venv.join("bin/python");
    if !python.exists() {
        output(Command::new("python3").args(["-m", "venv"]).arg(venv))?;
    }
    output(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PEER_PACKAGES))?;
    Ok(python)
}

fn output(command: &mut Command) -> Result<String, Error> {
    let done = command.output().map_err(|error| Error::Bench(format!("{command:?}: {error}")))?;
    if !done.status.success() {
        return Err(Error::Bench(format!("{command:?}: {}", String::from_utf8_lossy(&done.stderr))));
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(|source| Error::File { path: path.to_owned(), source })
}

fn read_numbers(path: &Path) -> Result<Vec<f32>, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
}
