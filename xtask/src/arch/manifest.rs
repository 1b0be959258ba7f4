//! A `Cargo.toml` as far as the rules need it: the package's name and its direct dependencies.

use toml::{Table, Value};

/// A workspace member's manifest, or the workspace's own.
pub struct Manifest {
    /// The package; empty for the workspace's own manifest.
    pub package: String,
    /// The direct dependencies of every kind and target, and those that the workspace lends to its members.
    pub dependencies: Vec<Dependency>,
}

/// One line below `[dependencies]` or a sister of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dependency {
    /// The package, whatever it is called here.
    pub package: String,
    /// What it is needed for.
    pub kind: Kind,
    /// The version that is asked for here; inherited ones and paths have none.
    pub version: Option<String>,
    /// Whether the features that are on by default stay on; inherited ones say so where they are lent.
    pub default_features: bool,
    /// The features asked for here.
    pub features: Vec<String>,
    /// Whether the workspace's manifest has the details.
    pub inherited: bool,
}

/// Who sees a dependency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Everyone who uses the crate.
    Normal,
    /// Its tests.
    Dev,
    /// Its build script.
    Build,
    /// Nobody until a member inherits it.
    Lent,
}

const SECTIONS: &[(&str, Kind)] = &[
    ("dependencies", Kind::Normal),
    ("dev-dependencies", Kind::Dev),
    ("dev_dependencies", Kind::Dev),
    ("build-dependencies", Kind::Build),
    ("build_dependencies", Kind::Build),
];

impl Manifest {
    /// # Errors
    /// When the text is not TOML; the message says where.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let root: Table = text.parse()?;
        let mut dependencies = of_sections(&root);
        for target in tables(root.get("target")) {
            dependencies.extend(of_sections(target));
        }
        if let Some(workspace) = root.get("workspace").and_then(Value::as_table) {
            dependencies.extend(of_section(workspace, "dependencies", Kind::Lent));
        }
        let package = root.get("package").and_then(|p| p.get("name")).and_then(Value::as_str);
        Ok(Self { package: package.unwrap_or_default().to_owned(), dependencies })
    }
}

fn tables(value: Option<&Value>) -> impl Iterator<Item = &Table> {
    value.and_then(Value::as_table).into_iter().flatten().filter_map(|(_, v)| v.as_table())
}

fn of_sections(table: &Table) -> Vec<Dependency> {
    SECTIONS.iter().flat_map(|&(section, kind)| of_section(table, section, kind)).collect()
}

fn of_section(table: &Table, section: &str, kind: Kind) -> Vec<Dependency> {
    let entries = table.get(section).and_then(Value::as_table).into_iter().flatten();
    entries.map(|(name, value)| dependency(name, value, kind)).collect()
}

fn dependency(name: &str, value: &Value, kind: Kind) -> Dependency {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let flag = |key: &str| value.get(key).and_then(Value::as_bool);
    let features = value.get("features").and_then(Value::as_array).into_iter().flatten();
    Dependency {
        package: text("package").unwrap_or(name).to_owned(),
        kind,
        version: value.as_str().or(text("version")).map(str::to_owned),
        default_features: flag("default-features").unwrap_or(true),
        features: features.filter_map(Value::as_str).map(str::to_owned).collect(),
        inherited: flag("workspace").unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn every_kind_of_dependency_is_seen() {
        let text = r#"
            [package]
            name = "a"
            [dependencies]
            b = "1.2"
            c = { workspace = true }
            [dev-dependencies]
            d = { package = "really-d", version = "0.3", default-features = false, features = ["x"] }
            [target.'cfg(unix)'.build-dependencies]
            e = { path = "../e" }
            [workspace.dependencies]
            f = "4"
        "#;
        let manifest = Manifest::parse(text).unwrap();
        let line = |d: &Dependency| {
            let (features, version) = (d.features.join("+"), d.version.as_deref().unwrap_or("-"));
            format!(
                "{:?} {} {version} {} {} [{features}]\n",
                d.kind, d.package, d.default_features, d.inherited
            )
        };
        assert_eq!(manifest.package, "a");
        expect![[r#"
            Normal b 1.2 true false []
            Normal c - true true []
            Dev really-d 0.3 false false [x]
            Build e - true false []
            Lent f 4 true false []
        "#]]
        .assert_eq(&manifest.dependencies.iter().map(line).collect::<String>());
    }
}
