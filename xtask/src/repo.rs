//! Where the repository is, and how to call cargo in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The repository's root: the nearest folder at or above the current one that holds this tool.
///
/// # Errors
/// When the current folder is outside a checkout.
pub fn root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("the current folder cannot be read")?;
    let found = here.ancestors().find(|dir| dir.join("xtask/Cargo.toml").is_file());
    Ok(found.context("run this inside a checkout of the repository")?.to_path_buf())
}

/// `cargo`, the one that started this program where there is one, to be run at `root`.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Runs `command` with its output shown.
///
/// # Errors
/// When it cannot be started or does not end well.
pub fn show(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{status}");
    }
    Ok(())
}

/// Runs `command` and returns what it printed to standard output; what it says on standard error is shown.
///
/// # Errors
/// When it cannot be started, does not end well, or prints something that is not UTF-8.
pub fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{}: {command:?}", output.status);
    }
    String::from_utf8(output.stdout).context("the output is not UTF-8")
}

/// Where cargo builds.
///
/// # Errors
/// When cargo does not say.
pub fn target_directory(root: &Path) -> Result<PathBuf> {
    let text = read(cargo(root).args(["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: serde_json::Value =
        serde_json::from_str(&text).context("cargo metadata did not print JSON")?;
    Ok(metadata["target_directory"].as_str().context("cargo metadata names no target directory")?.into())
}

/// Whether `program ARG` starts and ends well, its output dropped.
pub fn works(program: &Path, arg: &str) -> bool {
    Command::new(program).arg(arg).output().is_ok_and(|output| output.status.success())
}
