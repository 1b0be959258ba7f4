//! The targets under libFuzzer: `FUZZ_TARGET` names one, or is `list`; the arguments are libFuzzer's. The seeds are written
//! to `FUZZ_CORPUS` first. `cargo xtask fuzz` builds it with coverage and runs every target.

#![no_main]
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a tool for developers")]

use bespoke_fuzz::{TARGETS, Target, find};
use std::path::Path;
use std::sync::OnceLock;

static CHOSEN: OnceLock<&'static Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        _ = CHOSEN.set(choose(&std::env::var("FUZZ_TARGET").unwrap_or_default()));
    },
    |bytes: &[u8]| {
        if let Some(target) = CHOSEN.get() {
            (target.run)(bytes);
        }
    }
);

fn choose(name: &str) -> &'static Target {
    if name == "list" {
        TARGETS.iter().for_each(|target| println!("{}", target.name));
        std::process::exit(0);
    }
    let target = find(name).unwrap_or_else(|| panic!("FUZZ_TARGET names no target: {name:?}"));
    if let Ok(corpus) = std::env::var("FUZZ_CORPUS") {
        for (number, seed) in (target.seeds)().iter().enumerate() {
            let path = Path::new(&corpus).join(format!("seed-{number}"));
            std::fs::write(&path, seed).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
    target
}
