//! Which crate may use which: the arrows of ARCHITECTURE.md, and the libraries that pure crates do without.

use super::manifest::{Kind, Manifest};
use super::{Finding, Tree};

/// A crate with the crates of ours that it may use.
const EDGES: &[(&str, &[&str])] = &[
    ("bespoke-domain", &[]),
    ("bespoke-models", &["bespoke-domain"]),
    ("bespoke-search", &["bespoke-domain", "bespoke-models"]),
    ("bespoke-engine", &["bespoke-domain", "bespoke-models", "bespoke-search"]),
    ("bespoke-store", &["bespoke-domain"]),
    ("bespoke-sim", &["bespoke-domain"]),
    ("bespoke-embed", &[]),
    (
        "bespoke-lab",
        &[
            "bespoke-domain",
            "bespoke-models",
            "bespoke-search",
            "bespoke-engine",
            "bespoke-store",
            "bespoke-sim",
            "bespoke-embed",
            "bespoke",
        ],
    ),
    (
        "bespoke",
        &[
            "bespoke-domain",
            "bespoke-models",
            "bespoke-search",
            "bespoke-engine",
            "bespoke-store",
            "bespoke-sim",
            "bespoke-embed",
        ],
    ),
    (
        "bespoke-fuzz",
        &[
            "bespoke-domain",
            "bespoke-models",
            "bespoke-search",
            "bespoke-engine",
            "bespoke-store",
            "bespoke-lab",
            "bespoke",
        ],
    ),
    ("xtask", &[]),
];

/// Crates that fold and decide: no I/O, no clock, no JSON, no async.
pub const PURE: [&str; 4] = ["bespoke-domain", "bespoke-models", "bespoke-search", "bespoke-engine"];

/// What pure crates do without.
const IMPURE: &[&str] = &[
    "tokio",
    "axum",
    "hyper",
    "ureq",
    "rusqlite",
    "serde_json",
    "toml",
    "rand",
    "getrandom",
    "jiff",
    "chrono",
    "tracing",
];

/// Dependencies that point where no arrow goes.
pub fn edges(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.manifests() {
        let Ok(manifest) = Manifest::parse(text) else {
            findings.push(Finding::new(path, 0, "it is not TOML"));
            continue;
        };
        findings.extend(of_one(path, &manifest));
    }
    findings
}

fn of_one(path: &str, manifest: &Manifest) -> Vec<Finding> {
    let name = manifest.package.as_str();
    if name.is_empty() {
        return Vec::new();
    }
    let Some((_, allowed)) = EDGES.iter().find(|(held, _)| *held == name) else {
        return vec![Finding::new(path, 0, format!("{name} has no line in the table of edges"))];
    };
    let is_ours = |package: &str| package == "bespoke" || package.starts_with("bespoke-");
    let wrong = |package: &str| {
        if is_ours(package) {
            return !allowed.contains(&package);
        }
        PURE.contains(&name) && IMPURE.contains(&package)
    };
    let shipped = manifest.dependencies.iter().filter(|one| !matches!(one.kind, Kind::Dev));
    let finding = |package: &String| Finding::new(path, 0, format!("{name} may not use {package}"));
    shipped.map(|one| &one.package).filter(|package| wrong(package)).map(finding).collect()
}
