//! Every rule of the architecture rejects the tree that breaks it, and the repository as it stands breaks none.

use xtask::arch::{RULES, Tree, check, read};
use xtask::repo;

const GOOD: &str = "//! What it is for.\npub fn one() -> u32 { 1 }\n";
const NO_PACKAGES: &str = r#"{"packages":[]}"#;

fn tree(files: &[(&str, &str)]) -> Tree {
    Tree::new(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())), NO_PACKAGES)
}

fn broken(files: &[(&str, &str)]) -> Vec<String> {
    let mut names: Vec<String> = check(&tree(files))
        .iter()
        .map(|line| line.split(':').next().unwrap_or_default().to_owned())
        .collect();
    names.dedup();
    names
}

#[test]
fn a_tree_that_keeps_the_rules_passes() {
    assert!(broken(&[("crates/engine/src/lib.rs", GOOD)]).is_empty());
}

#[test]
fn each_rule_rejects_what_breaks_it() {
    let manifest =
        "[package]\nname = \"bespoke-engine\"\n[dependencies]\nbespoke-store = { workspace = true }\n";
    let long = format!("{GOOD}{}", "// more\n".repeat(900));
    let expects = format!("{GOOD}{}", "fn f(x: Option<u8>) { x.expect(\"why\"); }\n".repeat(5));
    let machine = format!("see {}home", ["", "root", ""].join("/"));
    let cases: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("edges", vec![("crates/engine/Cargo.toml", manifest)]),
        (
            "calls",
            vec![("crates/engine/src/a.rs", "//! A.\nfn f() { let x = std::time::Instant::now(); }\n")],
        ),
        ("header", vec![("crates/engine/src/a.rs", "fn f() {}\n")]),
        ("file-length", vec![("crates/engine/src/a.rs", &long)]),
        ("expects", vec![("crates/engine/src/a.rs", &expects)]),
        ("machine-paths", vec![("docs/a.md", &machine)]),
        ("links", vec![("docs/a.md", "[b](b.md)")]),
    ];
    for (rule, files) in &cases {
        assert_eq!(broken(files), [*rule], "{rule}");
    }
    let named: Vec<&str> = cases.iter().map(|(rule, _)| *rule).chain(["licences"]).collect();
    assert_eq!(
        RULES.iter().map(|rule| rule.name).collect::<Vec<_>>(),
        named,
        "every rule has its counterexample"
    );
}

#[test]
fn a_licence_that_is_not_permissive_is_rejected() {
    let refused = |licence: &str| {
        let metadata = format!(r#"{{"packages":[{{"name":"x","license":"{licence}"}}]}}"#);
        !check(&Tree::new([], &metadata)).is_empty()
    };
    assert!(refused("AGPL-3.0") && refused("MIT AND GPL-3.0") && refused(""));
    assert!(!refused("MIT OR GPL-3.0") && !refused("(MIT OR Apache-2.0) AND Unicode-3.0"));
}

#[test]
fn tests_and_comments_may_say_what_code_may_not() {
    let text = "//! About Instant::now.\n#[cfg(test)]\nmod tests { fn f() { Some(1).unwrap(); std::fs::read(\"x\"); } }\n";
    assert!(broken(&[("crates/engine/src/a.rs", text)]).is_empty());
}

#[test]
fn the_repository_keeps_its_rules() {
    let root = repo::root().expect("tests run inside the checkout");
    let tree = read(&root).expect("the checkout can be read");
    assert_eq!(check(&tree), Vec::<String>::new());
}
