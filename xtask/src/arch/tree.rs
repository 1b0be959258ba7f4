//! The repository as the rules see it: paths and texts, and what cargo knows about the locked packages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::source::Source;
use crate::repo;

/// A repository in memory.
#[derive(Default)]
pub struct Tree {
    /// Every file, from the root, with forward slashes.
    pub paths: BTreeSet<String>,
    /// The files that are text.
    pub texts: BTreeMap<String, String>,
    /// The Rust files among them.
    pub sources: BTreeMap<String, Source>,
    /// What `cargo metadata` prints for the locked tree.
    pub metadata: String,
}

impl Tree {
    /// A tree of these (path, text) pairs. A file that only a `#[cfg(test)] mod` names holds no code outside tests.
    pub fn new(files: impl IntoIterator<Item = (String, String)>, metadata: &str) -> Self {
        let texts: BTreeMap<String, String> = files.into_iter().collect();
        let rust = texts.iter().filter(|(path, _)| path.ends_with(".rs"));
        let mut sources: BTreeMap<String, Source> =
            rust.map(|(path, text)| (path.clone(), Source::new(text))).collect();
        let in_tests: Vec<String> =
            sources.iter().flat_map(|(path, source)| test_modules(path, source)).collect();
        for (path, source) in &mut sources {
            let only_tests = |module: &String| {
                path.strip_prefix(module.as_str()).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            };
            if in_tests.iter().any(only_tests) {
                source.code = source.masked.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
            }
        }
        Self { paths: texts.keys().cloned().collect(), texts, sources, metadata: metadata.to_owned() }
    }

    /// The files of a crate's library or binaries: what ships, unlike its tests and benches.
    pub fn shipped(&self) -> impl Iterator<Item = (&str, &Source)> {
        let sources = self.sources.iter().map(|(path, source)| (path.as_str(), source));
        sources.filter(|(path, _)| folder_of(path).is_some_and(|dir| path[dir.len()..].starts_with("/src/")))
    }

    /// The manifests of the workspace, its own first.
    pub fn manifests(&self) -> impl Iterator<Item = (&str, &str)> {
        let of_crate =
            |path: &str| path.strip_suffix("/Cargo.toml").is_some_and(|dir| folder_of(path) == Some(dir));
        let texts = self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        texts.filter(move |(path, _)| *path == "Cargo.toml" || of_crate(path))
    }
}

/// The folder of the crate that a path lies in: `crates/engine`, or `xtask`.
pub fn folder_of(path: &str) -> Option<&str> {
    if path.starts_with("xtask/") {
        return Some("xtask");
    }
    let name = path.strip_prefix("crates/")?.split_once('/')?.0;
    Some(&path[.."crates/".len() + name.len()])
}

/// The modules, as paths without `.rs`, that a file declares for its tests only.
fn test_modules(path: &str, source: &Source) -> Vec<String> {
    let hidden = |at: usize| source.code.as_bytes()[at] == b' ';
    let declared = source.masked.match_indices("mod ").filter(|&(at, _)| hidden(at));
    let names = declared.filter_map(|(at, word)| {
        let rest = &source.masked[at + word.len()..];
        rest.split_once(';').map(|(name, _)| name.trim()).filter(|n| n.bytes().all(super::source::is_word))
    });
    names.map(|name| format!("{}/{name}", module_dir(path))).collect()
}

fn module_dir(path: &str) -> &str {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let parent = stem.rsplit_once('/').map_or("", |(dir, _)| dir);
    let is_root = ["lib", "main", "mod"].iter().any(|root| stem == format!("{parent}/{root}"));
    if is_root { parent } else { stem }
}

/// Reads the repository at `root`, and asks cargo about its packages.
///
/// # Errors
/// When a file cannot be read or `Cargo.lock` does not fit the manifests.
pub fn read(root: &Path) -> Result<Tree> {
    let mut walk = Walk::default();
    walk.folder(root, "")?;
    let metadata = repo::read(repo::cargo(root).args(["metadata", "--format-version", "1", "--locked"]))?;
    let mut tree = Tree::new(walk.texts, &metadata);
    tree.paths.extend(walk.others);
    Ok(tree)
}

/// Folders at the root that hold no source: git's own, what cargo builds, and data sets on loan.
const SKIPPED: &[&str] = &[".git", "target", "data"];

/// A file above this is data, whatever its encoding.
const TEXT_BYTES_MAX: usize = 1 << 20;

#[derive(Default)]
struct Walk {
    texts: Vec<(String, String)>,
    others: Vec<String>,
}

impl Walk {
    fn folder(&mut self, dir: &Path, prefix: &str) -> Result<()> {
        for entry in fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type()?;
            if prefix.is_empty() && SKIPPED.contains(&name.as_str()) {
                continue;
            }
            let path = format!("{prefix}{name}");
            if kind.is_dir() {
                self.folder(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() {
                self.file(&entry.path(), path)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, file: &Path, path: String) -> Result<()> {
        let bytes = fs::read(file).with_context(|| format!("cannot read {path}"))?;
        match String::from_utf8(bytes) {
            Ok(text) if text.len() <= TEXT_BYTES_MAX => self.texts.push((path, text)),
            _ => self.others.push(path),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(files: &[(&str, &str)], path: &str) -> String {
        let files = files.iter().map(|(path, text)| (path.to_string(), text.to_string()));
        Tree::new(files, "").sources[path].code.trim().to_owned()
    }

    #[test]
    fn a_module_for_tests_in_a_file_of_its_own_is_no_code() {
        for (parent, child) in [
            ("crates/a/src/lib.rs", "crates/a/src/checks.rs"),
            ("crates/a/src/b.rs", "crates/a/src/b/checks.rs"),
            ("crates/a/src/b/mod.rs", "crates/a/src/b/checks/deep.rs"),
        ] {
            let declared = |text| code_of(&[(parent, text), (child, "fn f() {}")], child);
            assert_eq!(declared("#[cfg(test)]\nmod checks;"), "", "{parent}");
            assert_eq!(declared("mod checks;"), "fn f() {}", "{parent}");
        }
    }

    #[test]
    fn a_crate_is_known_by_its_folder() {
        assert_eq!(folder_of("crates/engine/src/a/b.rs"), Some("crates/engine"));
        assert_eq!(folder_of("xtask/src/lib.rs"), Some("xtask"));
        assert_eq!(folder_of("docs/crates/a.md"), None);
    }
}
