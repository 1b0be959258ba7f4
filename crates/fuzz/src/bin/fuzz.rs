//! The targets under libFuzzer: `FUZZ_TARGET` names one, the arguments are libFuzzer's. `cargo xtask fuzz` builds it with
//! coverage and runs every target.

#![no_main]

use bespoke_fuzz::{Target, find};
use std::sync::OnceLock;

static CHOSEN: OnceLock<&'static Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let target = find(&name).unwrap_or_else(|| panic!("FUZZ_TARGET names no target: {name:?}"));
        _ = CHOSEN.set(target);
    },
    |bytes: &[u8]| {
        if let Some(target) = CHOSEN.get() {
            (target.run)(bytes);
        }
    }
);
