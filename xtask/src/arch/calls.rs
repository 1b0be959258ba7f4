//! Calls that would break a promise: a clock or a file in a crate that is pure, the file system outside the store, an
//! `unwrap` that ships.

use super::source::{is_word, line_of};
use super::{Finding, Tree};

/// Where a ban holds.
#[derive(Clone, Copy, PartialEq)]
enum Where {
    /// In crates that fold and decide.
    Pure,
    /// Everywhere but in the store and the files named in [`FILES_ALLOWED`].
    NoFiles,
    /// In everything that ships.
    Everywhere,
}

/// Each banned call, where, and why.
const BANNED: &[(&str, Where, &str)] = &[
    ("SystemTime", Where::Pure, "time is an argument"),
    ("Instant::now", Where::Pure, "time is an argument"),
    ("std::fs", Where::NoFiles, "only the store touches disk"),
    ("std::net", Where::Pure, "no I/O in a pure crate"),
    ("std::env", Where::Pure, "settings are arguments"),
    ("thread::spawn", Where::Pure, "no threads in a pure crate"),
    ("async fn", Where::Pure, "no async in a pure crate"),
    ("println!", Where::Pure, "no output from a pure crate"),
    (".exp()", Where::Pure, "use libm: the same bits on every machine"),
    (".exp2()", Where::Pure, "use libm: the same bits on every machine"),
    (".ln()", Where::Pure, "use libm: the same bits on every machine"),
    (".log2()", Where::Pure, "use libm: the same bits on every machine"),
    (".powf(", Where::Pure, "use libm: the same bits on every machine"),
    (".unwrap()", Where::Everywhere, "say what holds with `expect`, or return the error"),
];

/// Files outside the store that may touch the file system: what people name on the command line or in the settings.
const FILES_ALLOWED: &[&str] = &[
    "crates/store/",
    "crates/embed/",
    "crates/lab/",
    "crates/fuzz/src/bin/",
    "xtask/",
    "crates/server/src/main.rs",
    "crates/server/src/commands/",
    "crates/server/src/placements.rs",
    "crates/server/src/import.rs",
];

const PURE_FOLDERS: [&str; 3] = ["crates/domain/", "crates/models/", "crates/engine/"];

/// Banned calls in what ships.
pub fn banned_calls(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.shipped() {
        for (call, _, why) in BANNED.iter().filter(|(_, place, _)| holds(*place, path)) {
            let found = source.code.match_indices(call).filter(|(at, _)| is_whole(&source.code, *at, call));
            findings.extend(found.map(|(at, _)| {
                Finding::new(path, line_of(&source.text, at), format!("`{call}` is banned here: {why}"))
            }));
        }
    }
    findings
}

fn holds(place: Where, path: &str) -> bool {
    match place {
        Where::Pure => PURE_FOLDERS.iter().any(|folder| path.starts_with(folder)),
        Where::NoFiles => !FILES_ALLOWED.iter().any(|allowed| path.starts_with(allowed)),
        Where::Everywhere => true,
    }
}

/// Whether the match is not the tail of a longer name.
fn is_whole(code: &str, at: usize, call: &str) -> bool {
    call.starts_with('.') || at == 0 || !is_word(code.as_bytes()[at - 1])
}
