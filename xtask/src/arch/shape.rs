//! The shape of files: a header that says what each is for, a limit on length, few promises by `expect`. The length of
//! functions is clippy's to watch.

use super::source::Source;
use super::tree::folder_of;
use super::{Finding, Tree};
use std::collections::BTreeMap;

const LINES_SOFT: usize = 500;
const LINES_HARD: usize = 800;
/// `expect` calls allowed per so many lines outside tests.
const EXPECTS: usize = 3;
const EXPECTS_PER: usize = 1000;

/// Rust files that do not open with `//!`.
pub fn headers(tree: &Tree) -> Vec<Finding> {
    let bare = tree.sources.iter().filter(|(_, source)| !source.text.starts_with("//!"));
    bare.map(|(path, _)| Finding::new(path, 1, "open with `//!`: what is this file for?")).collect()
}

/// Rust files above the hard limit.
pub fn file_lengths(tree: &Tree) -> Vec<Finding> {
    longer_than(tree, LINES_HARD, usize::MAX)
}

/// Rust files above the soft limit.
pub fn long_files(tree: &Tree) -> Vec<Finding> {
    longer_than(tree, LINES_SOFT, LINES_HARD)
}

fn longer_than(tree: &Tree, low: usize, high: usize) -> Vec<Finding> {
    let lines = |source: &Source| source.text.lines().count();
    let long = tree.sources.iter().map(|(path, source)| (path, lines(source)));
    let long = long.filter(|(_, lines)| *lines > low && *lines <= high);
    long.map(|(path, lines)| Finding::new(path, 0, format!("{lines} lines, above {low}"))).collect()
}

/// Crates with more `expect` than their size allows.
pub fn expects(tree: &Tree) -> Vec<Finding> {
    let mut by_crate: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (path, source) in tree.shipped() {
        let sums = by_crate.entry(folder_of(path).unwrap_or("")).or_default();
        sums.0 += source.code.matches(".expect(").count();
        sums.1 += source.code_lines();
    }
    let too_many =
        |(expects, lines): (usize, usize)| expects * EXPECTS_PER > EXPECTS * lines.max(EXPECTS_PER);
    let finding = |(folder, sums): (&str, (usize, usize))| {
        Finding::new(
            folder,
            0,
            format!("{} `expect` in {} lines, at most {EXPECTS} per {EXPECTS_PER}", sums.0, sums.1),
        )
    };
    by_crate.into_iter().filter(|(_, sums)| too_many(*sums)).map(finding).collect()
}
