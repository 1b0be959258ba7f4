//! The steps of `cargo xtask test`, which is what CI runs: one table, in order, stopping at the first failure.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::arch;
use crate::fuzz;
use crate::repo::{cargo, show, works};

/// One thing that CI checks.
pub struct Step {
    /// A short name, for the report.
    pub name: &'static str,
    /// What it checks, in a few words or as the command a person would type.
    pub doc: &'static str,
    /// Checks it at the repository's root.
    pub run: fn(&Path) -> Result<()>,
}

/// Everything CI checks, cheap steps first.
pub const STEPS: &[Step] = &[
    Step { name: "set-up", doc: "a C and a C++ compiler, rustfmt, clippy, Chromium", run: set_up },
    Step { name: "format", doc: "cargo fmt --all --check", run: format },
    Step { name: "architecture", doc: "edges, banned calls, limits, links, licences", run: architecture },
    Step {
        name: "lints",
        doc: "cargo clippy --workspace --all-targets --features bespoke/embed -- -D warnings",
        run: lints,
    },
    Step { name: "tests", doc: "cargo test --workspace", run: tests },
    Step { name: "fuzz", doc: "every parser under libFuzzer, 2 seconds each", run: fuzzed },
    Step { name: "docs", doc: "cargo doc --workspace --no-deps, warnings denied", run: docs },
];

/// Runs [`STEPS`] in order, with a line and a duration for each.
///
/// # Errors
/// The first step that fails, by name.
pub fn run_all(root: &Path) -> Result<()> {
    run(STEPS, root)
}

fn run(steps: &[Step], root: &Path) -> Result<()> {
    let mut report = String::new();
    let start = Instant::now();
    for (done, step) in steps.iter().enumerate() {
        println!("\n==> {}: {}", step.name, step.doc);
        let step_start = Instant::now();
        let outcome = (step.run)(root);
        report += &line(step.name, outcome.is_ok(), step_start.elapsed());
        if let Err(problem) = outcome {
            println!("\n{report}");
            let left = steps.len() - done - 1;
            return Err(problem.context(format!("step `{}` failed, {left} not run", step.name)));
        }
    }
    println!("\n{report}{}", line("all", true, start.elapsed()));
    Ok(())
}

fn line(name: &str, passed: bool, took: Duration) -> String {
    let word = if passed { "ok" } else { "FAILED" };
    format!("{word:<7}{name:<14}{:>8.1} s\n", took.as_secs_f64())
}

fn set_up(_root: &Path) -> Result<()> {
    let named = |variable: &str, usual: &str| {
        PathBuf::from(std::env::var_os(variable).unwrap_or_else(|| usual.into()))
    };
    set_up_with(&[named("CC", "cc"), named("CXX", "c++")], works)?;
    browser();
    Ok(())
}

/// Debian's Chromium, installed where that may be done; where not, the tests that need it say so.
fn browser() {
    let is_there = || works(Path::new("chromium"), "--version");
    if is_there() {
        return;
    }
    println!("installing Chromium for the storefront's test (apt-get, which needs root)");
    let apt = |args: &[&str]| {
        Command::new("apt-get")
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .output()
            .is_ok_and(|done| done.status.success())
    };
    let install = ["install", "-y", "--no-install-recommends", "chromium"];
    let is_done = apt(&install) || (apt(&["update"]) && apt(&install));
    if !is_done || !is_there() {
        println!("NOT RUN below: the storefront in a browser; install Chromium to have it run");
    }
}

/// `works(program, argument)` says whether that command runs here.
fn set_up_with(compilers: &[PathBuf], works: fn(&Path, &str) -> bool) -> Result<()> {
    for compiler in compilers {
        if !works(compiler, "--version") {
            bail!(
                "`{}` does not run: SQLite is built from C and libFuzzer from C++. Install the compilers \
                 (Debian, Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install)",
                compiler.display()
            );
        }
    }
    for tool in ["rustfmt", "clippy-driver"] {
        if !works(Path::new(tool), "--version") {
            bail!("`{tool}` does not run: rustup component add rustfmt clippy");
        }
    }
    Ok(())
}

fn format(root: &Path) -> Result<()> {
    show(cargo(root).args(["fmt", "--all", "--check"])).context("`cargo fmt --all` puts this right")
}

fn lints(root: &Path) -> Result<()> {
    show(cargo(root).args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        "bespoke/embed",
        "--",
        "-D",
        "warnings",
    ]))
}

fn architecture(root: &Path) -> Result<()> {
    let tree = arch::read(root)?;
    for note in arch::notes(&tree) {
        println!("note: {note}");
    }
    let findings = arch::check(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        n => bail!("{n} against the architecture's rules"),
    }
}

fn tests(root: &Path) -> Result<()> {
    let mut command = cargo(root);
    if works(Path::new("chromium"), "--version") {
        command.env("BESPOKE_BROWSER", "1");
    }
    show(command.args(["test", "--workspace"]))
}

fn fuzzed(root: &Path) -> Result<()> {
    fuzz::run(root, 2)
}

fn docs(root: &Path) -> Result<()> {
    show(cargo(root).args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    static LATER_RUNS: AtomicU32 = AtomicU32::new(0);

    fn later(_root: &Path) -> Result<()> {
        LATER_RUNS.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    #[test]
    fn the_first_failure_stops_the_run_and_is_named() {
        let steps = [
            Step { name: "good", doc: "", run: |_| Ok(()) },
            Step { name: "bad", doc: "", run: |_| bail!("broken") },
            Step { name: "later", doc: "", run: later },
        ];
        let problem = run(&steps, Path::new(".")).unwrap_err();
        assert_eq!(format!("{problem:#}"), "step `bad` failed, 1 not run: broken");
        assert_eq!(LATER_RUNS.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_missing_tool_is_named_with_what_to_install() {
        let without = |works| format!("{:#}", set_up_with(&["cc".into(), "c++".into()], works).unwrap_err());
        assert!(without(|_, _| false).contains("apt-get install g++"));
        assert!(without(|tool, _| tool != Path::new("clippy-driver")).contains("rustup component add"));
        assert!(set_up_with(&["cc".into()], |_, _| true).is_ok());
    }

    #[test]
    fn a_command_that_ends_badly_is_a_failure() {
        assert!(
            show(cargo(Path::new(".")).arg("no-such-command").stderr(std::process::Stdio::null())).is_err()
        );
    }
}
