//! Speed beside implicit (pip), on the same machine, the same data and the same two threads, one after the other:
//! `cargo xtask bench peers --data DIR`. Prints both and their ratio. Median times of 2,000 single recommendations; least of three for
//! fits; a sweep is a fit of eleven less a fit of one, over ten (implicit: six less one, over five).

use crate::repo::{cargo, read, show, target_directory};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is compared with.
const PEER: &str = "implicit==0.7.3";
const SCRIPT: &str = include_str!("peers.py");

/// Each figure, and how many times as fast ours must be.
const BARS: [(&str, f64); 5] = [
    ("als_cg_sweep_s", 3.0),
    ("als_cholesky_sweep_s", 4.0),
    ("item_cosine_fit_s", 3.0),
    ("als_recommend_us", 5.0),
    ("item_cosine_recommend_us", 4.0),
];

/// Runs both on `topn_gowalla` in `data`.
///
/// # Errors
/// When something cannot be run, or a bar is missed.
pub fn run(root: &Path, data: &Path) -> Result<()> {
    let train = data.join("topn_gowalla/train.txt.gz");
    let train = train.canonicalize().with_context(|| format!("{} is not there", train.display()))?;
    let target = target_directory(root)?;
    show(cargo(root).args(["build", "--quiet", "--release", "-p", "bespoke-lab"]))?;
    let python = environment(&target.join("peers"))?;
    let theirs: Value = serde_json::from_str(&read(Command::new(python).args(["-c", SCRIPT]).arg(&train))?)
        .context("the peer's script did not print JSON")?;
    let ours = measure(&target, &train)?;
    let mut missed = 0;
    for (name, least) in BARS {
        let figure = |of: &Value| of[name].as_f64().with_context(|| format!("{name} was not measured"));
        let (theirs, ours) = (figure(&theirs)?, figure(&ours)?);
        let ratio = theirs / ours;
        missed += usize::from(ratio < least);
        let word = if ratio >= least { "ok" } else { "MISSED" };
        println!("{word:<7}{name:<26}{PEER} {theirs:>9.3}  ours {ours:>9.3}  {ratio:>5.1}x  bar {least}x");
    }
    if missed > 0 {
        bail!("{missed} bars missed");
    }
    Ok(())
}

/// A virtual environment with the peer in it; its Python.
fn environment(folder: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    if !python.exists() {
        show(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        show(Command::new(&python).args(["-m", "pip", "install", "--quiet", PEER, "scipy", "numpy"]))?;
    }
    Ok(python)
}

fn measure(target: &Path, train: &Path) -> Result<Value> {
    let lab = |params: Value| -> Result<Value> {
        let (model, _) = params.as_object().and_then(|all| all.iter().next()).context("no model")?;
        let path = target.join("peers.json");
        std::fs::write(&path, params.to_string()).context("the parameters cannot be written")?;
        let mut command = Command::new(target.join("release/lab"));
        command.args(["topn", "--json", "--model", model, "--params"]).arg(&path);
        command.arg("--train").arg(train).arg("--test").arg(train);
        let all: Value = serde_json::from_str(&read(&mut command)?).context("the lab did not print JSON")?;
        Ok(all["results"][0].clone())
    };
    let least = |params: &Value, figure: &str| -> Result<f64> {
        let mut least = f64::INFINITY;
        for _ in 0..3 {
            least = least.min(lab(params.clone())?[figure].as_f64().context("a figure is missing")?);
        }
        Ok(least)
    };
    let als =
        |solver: &Value, sweeps: u32| json!({ "als": { "factors": 64, "sweeps": sweeps, "solver": solver } });
    let sweep = |solver: &Value| -> Result<f64> {
        Ok((least(&als(solver, 11), "fit_s")? - least(&als(solver, 1), "fit_s")?) / 10.0)
    };
    let (cg, exact) = (json!({ "cg": { "steps": 3 } }), json!("cholesky"));
    let cosine = json!({ "item_cosine": { "similarity": "cosine", "neighbours_max": 100 } });
    Ok(json!({
        "als_cg_sweep_s": sweep(&cg)?,
        "als_cholesky_sweep_s": sweep(&exact)?,
        "item_cosine_fit_s": least(&cosine, "fit_s")?,
        "als_recommend_us": least(&als(&exact, 11), "recommend_us_p50")?,
        "item_cosine_recommend_us": least(&cosine, "recommend_us_p50")?,
    }))
}
