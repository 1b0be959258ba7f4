//! `cargo xtask COMMAND`: the table of commands and nothing else.

#![allow(clippy::print_stdout, reason = "the usage text is this program's output")]

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use xtask::{bench, fuzz, peers, quality, repo, steps, tantivy};

/// One command of `cargo xtask`.
struct Command {
    name: &'static str,
    args: &'static str,
    doc: &'static str,
    run: fn(&Path, &[String]) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command { name: "test", args: "", doc: "everything CI checks; stops at the first failure", run: test },
    Command {
        name: "quality",
        args: "--data DIR",
        doc: "the recommenders against the bars on the public data in DIR",
        run: quality_bars,
    },
    Command {
        name: "bench",
        args: "[--scale F | peers --data DIR | search --data DIR [--scale F]]",
        doc: "speed and memory against the design's numbers; needs 8 GB of memory and 15 GB of disk at scale 1. `peers`: \
              speed of recommenders beside implicit (pip) on the public data in DIR; `search`: search beside tantivy, likewise; keep \
              the machine idle",
        run: bench_bars,
    },
    Command {
        name: "fuzz",
        args: "[--seconds N]",
        doc: "arbitrary bytes into every parser, N seconds each (default 60)",
        run: fuzz_targets,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    let Some((name, rest)) = args.split_first() else {
        bail!("say which command\n{}", usage());
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", usage());
        return Ok(());
    }
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(&repo::root()?, rest),
        None => bail!("no command `{name}`\n{}", usage()),
    }
}

fn usage() -> String {
    let lines = COMMANDS.iter().map(|c| format!("  {:<22}{}\n", format!("{} {}", c.name, c.args), c.doc));
    format!("usage: cargo xtask COMMAND\n{}", lines.collect::<String>())
}

fn test(root: &Path, args: &[String]) -> Result<()> {
    if let Some(extra) = args.first() {
        bail!("`test` takes no arguments, and got `{extra}`");
    }
    steps::run_all(root)
}

fn quality_bars(root: &Path, args: &[String]) -> Result<()> {
    match args {
        [flag, dir] if flag == "--data" => quality::run(root, Path::new(dir)),
        _ => bail!("usage: cargo xtask quality --data DIR"),
    }
}

fn bench_bars(root: &Path, args: &[String]) -> Result<()> {
    match args {
        [] => bench::run(root, "1"),
        [flag, scale] if flag == "--scale" => bench::run(root, scale),
        [peers, flag, dir] if peers == "peers" && flag == "--data" => peers::run(root, Path::new(dir)),
        [search, flag, dir, rest @ ..] if search == "search" && flag == "--data" => match rest {
            [] => tantivy::run(root, Path::new(dir), "1"),
            [flag, scale] if flag == "--scale" => tantivy::run(root, Path::new(dir), scale),
            _ => bail!("usage: cargo xtask bench search --data DIR [--scale F]"),
        },
        _ => bail!("usage: cargo xtask bench [--scale F | peers --data DIR | search --data DIR [--scale F]]"),
    }
}

fn fuzz_targets(root: &Path, args: &[String]) -> Result<()> {
    match args {
        [] => fuzz::run(root, 60),
        [flag, seconds] if flag == "--seconds" => fuzz::run(root, seconds.parse()?),
        _ => bail!("usage: cargo xtask fuzz [--seconds N]"),
    }
}
