//! Licences of everything we build on, as their packages declare them: permissive ones only.

use super::{Finding, Tree};

const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "bzip2-1.0.6",
];

/// Packages whose licence is not permissive.
pub fn licences(tree: &Tree) -> Vec<Finding> {
    let Ok(metadata) = serde_json::from_str::<serde_json::Value>(&tree.metadata) else {
        return vec![Finding::new("Cargo.lock", 0, "cargo metadata is not JSON")];
    };
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let refused = packages.filter(|package| !is_allowed(package["license"].as_str().unwrap_or_default()));
    let finding = |package: &serde_json::Value| {
        Finding::new("Cargo.lock", 0, format!("{} is licensed {}", package["name"], package["license"]))
    };
    refused.map(finding).collect()
}

/// Whether an SPDX expression can be met with allowed licences: all sides of AND, one side of OR.
fn is_allowed(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], " ").replace('/', " OR ");
    let is_one = |name: &str| ALLOWED.contains(&name.split(" WITH ").next().unwrap_or_default().trim());
    flat.split(" AND ").all(|side| side.split(" OR ").any(|name| is_one(name.trim())))
}
