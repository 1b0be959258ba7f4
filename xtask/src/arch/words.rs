//! What text files must not say: paths of one machine, and links that lead nowhere.

use super::source::line_of;
use super::{Finding, Tree};

/// Paths that exist on one machine only, built here so that this file does not hold them.
fn machine_path_words() -> [String; 2] {
    ["work", "root"].map(|folder| format!("/{folder}/"))
}

/// Mentions of paths of one machine.
pub fn machine_paths(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts.iter().filter(|(path, _)| !path.ends_with(".lock")) {
        for word in machine_path_words() {
            let found = text.match_indices(&word).filter(|(at, _)| {
                *at == 0
                    || matches!(text.as_bytes()[at - 1], b' ' | b'"' | b'\'' | b'`' | b'=' | b'(' | b'\n')
            });
            findings
                .extend(found.map(|(at, _)| Finding::new(path, line_of(text, at), "a path of one machine")));
        }
    }
    findings
}

/// Markdown links to files that are not there.
pub fn dead_links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts.iter().filter(|(path, _)| path.ends_with(".md")) {
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split([')', '#', ' ']).next().unwrap_or_default();
            let is_elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !is_elsewhere && !exists(tree, path, target) {
                let line = line_of(text, at);
                findings.push(Finding::new(path, line, format!("{target} is not in the repository")));
            }
        }
    }
    findings
}

fn exists(tree: &Tree, from: &str, target: &str) -> bool {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    let path = parts.join("/");
    let folder = format!("{path}/");
    tree.paths.contains(&path) || tree.paths.iter().any(|held| held.starts_with(&folder))
}
