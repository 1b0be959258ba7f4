//! Every parser under libFuzzer: `cargo xtask fuzz [--seconds N]`. Coverage comes from LLVM's own pass, which the stable
//! compiler takes as code-generation flags; what libFuzzer finds stays beside the build and is tried first next time.

use crate::repo::{cargo, read, show};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// Edge counters, a table of their addresses, and compared values (clang's SanitizerCoverage).
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Runs every target for `seconds`.
///
/// # Errors
/// When it cannot be built, or the first target that fails; libFuzzer names the file with the input.
pub fn run(root: &Path, seconds: u32) -> Result<()> {
    let folder = crate::repo::target_directory(root)?.join("fuzz");
    let host = read(Command::new("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    // With a target named, build scripts and macros are built without the flags.
    show(
        cargo(root)
            .args(["build", "--quiet", "-p", "bespoke-fuzz", "--features", "libfuzzer", "--bin", "fuzz"])
            .args(["--target", host])
            .arg("--target-dir")
            .arg(&folder)
            .env("RUSTFLAGS", COVERAGE),
    )?;
    let program = folder.join(host).join("debug/fuzz");
    let names = read(Command::new(&program).env("FUZZ_TARGET", "list"))?;
    for name in names.lines() {
        one(&program, &folder, name, seconds).with_context(|| format!("fuzz target `{name}` failed"))?;
    }
    Ok(())
}

fn one(program: &Path, folder: &Path, name: &str, seconds: u32) -> Result<()> {
    let (corpus, found) = (folder.join("corpus").join(name), folder.join("found").join(name));
    for place in [&corpus, &found] {
        std::fs::create_dir_all(place).with_context(|| place.display().to_string())?;
    }
    let mut command = Command::new(program);
    command
        .env("FUZZ_TARGET", name)
        .env("FUZZ_CORPUS", &corpus)
        .args([format!("-max_total_time={seconds}"), format!("-artifact_prefix={}/", found.display())])
        .args(["-max_len=20000", "-timeout=10", "-rss_limit_mb=2048", "-verbosity=0", "-print_final_stats=1"])
        .args([&corpus, &found]);
    let output = command.output().with_context(|| format!("cannot start {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{}\n{said}", output.status);
    }
    let runs = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    println!("{name:<16}{:>12} inputs", runs.unwrap_or("no").trim());
    Ok(())
}
