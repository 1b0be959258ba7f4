//! The architecture as a test: one table of rules, each a pure function over the files of the repository.
//!
//! A new rule is one function and one line in [`RULES`]; the counterexamples in `tests/it` then ask for a tree that it
//! must reject.

pub mod source;
pub mod tree;

mod calls;
mod edges;
mod licence;
mod manifest;
mod shape;
mod words;

pub use tree::{Tree, read};

use std::fmt;

/// One place where a rule is broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The file, from the repository's root, with forward slashes.
    pub path: String,
    /// The line, counted from one; nought speaks of the whole file.
    pub line: usize,
    /// What is wrong and what to do instead.
    pub text: String,
}

impl Finding {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.text),
            line => write!(f, "{}:{line}: {}", self.path, self.text),
        }
    }
}

/// One rule of the architecture.
pub struct Rule {
    /// Its name in the report.
    pub name: &'static str,
    /// What it asks, in a sentence.
    pub doc: &'static str,
    /// Every place in the tree where it is broken.
    pub check: fn(&Tree) -> Vec<Finding>,
}

/// Every rule.
pub const RULES: &[Rule] = &[
    Rule {
        name: "edges",
        doc: "a crate uses only the crates below it, and no I/O where it is pure",
        check: edges::edges,
    },
    Rule { name: "calls", doc: "no banned call where it is banned", check: calls::banned_calls },
    Rule { name: "header", doc: "every Rust file opens by saying what it is for", check: shape::headers },
    Rule { name: "file-length", doc: "a Rust file has at most 800 lines", check: shape::file_lengths },
    Rule { name: "expects", doc: "at most 3 `expect` per 1000 lines of a crate", check: shape::expects },
    Rule {
        name: "machine-paths",
        doc: "no path that exists on one machine only",
        check: words::machine_paths,
    },
    Rule {
        name: "links",
        doc: "a Markdown link leads to a file of the repository",
        check: words::dead_links,
    },
    Rule { name: "licences", doc: "only permissive licences below us", check: licence::licences },
];

/// Everything in `tree` that breaks a rule; each line opens with the rule's name.
pub fn check(tree: &Tree) -> Vec<String> {
    let broken =
        |rule: &Rule| (rule.check)(tree).into_iter().map(move |f| (rule.name, f)).collect::<Vec<_>>();
    RULES.iter().flat_map(broken).map(|(name, finding)| format!("{name}: {finding}")).collect()
}

/// What is allowed and still worth a look.
pub fn notes(tree: &Tree) -> Vec<Finding> {
    shape::long_files(tree)
}
