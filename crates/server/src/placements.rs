//! Placement files: validated whole against the engine's tables, then swapped in at once; a bad one changes nothing.

use crate::boot::Shop;
use crate::wire::settings::{Known, SettingsFault, parse_settings};
use crate::writer::{Failure, Job};
use anyhow::{Context as _, bail};
use bespoke_domain::Settings;
use bespoke_engine::challenge::carried;
use bespoke_engine::filter::FILTERS;
use bespoke_engine::rule::RULES;
use bespoke_engine::scorer::SCORERS;
use bespoke_engine::source::SOURCES;
use bespoke_engine::tables::ParamSpec;
use bespoke_models::learned::LEARNED;
use std::fmt::Write as _;
use std::path::Path;

/// What holds where the shop has set nothing: unknown consent denied, three placements.
pub const DEFAULT: &str = include_str!("placements.default.toml");

/// What can be set of learnt models, with what holds where nothing is set: the end of the default file, commented out.
pub fn model_defaults() -> String {
    let mut text =
        "# What is set of the models that are learnt; `bespoke tune` searches for better values.\n"
            .to_owned();
    for spec in &LEARNED {
        _ = writeln!(text, "# [models.{}]  # {}", spec.name, spec.doc);
        for param in spec.params {
            let (setting, (least, most)) = (format!("{} = {}", param.name, param.default), param.range);
            _ = writeln!(text, "# {setting:<24} # {least} to {most}: {}", param.doc);
        }
    }
    text
}

/// Reads a placement file's text.
pub fn parse(text: &str) -> Result<Settings, Vec<SettingsFault>> {
    let names =
        |specs: &'static [ParamSpec]| -> Vec<&'static str> { specs.iter().map(|spec| spec.name).collect() };
    let sources: Vec<_> = SOURCES.iter().map(|spec| (spec.name, names(spec.params))).collect();
    let filters: Vec<_> = FILTERS.iter().map(|spec| (spec.name, names(spec.params))).collect();
    let scorers: Vec<_> = SCORERS.iter().map(|spec| spec.name).collect();
    let rules: Vec<_> = RULES.iter().map(|spec| spec.name).collect();
    let sources: Vec<_> = sources.iter().map(|(name, params)| (*name, params.as_slice())).collect();
    let filters: Vec<_> = filters.iter().map(|(name, params)| (*name, params.as_slice())).collect();
    parse_settings(text, &Known { sources: &sources, scorers: &scorers, filters: &filters, rules: &rules })
}

/// Puts a placement file's text into force. With a fault nothing changes, and every fault is named.
pub fn apply(shop: &Shop, text: &str, origin: &str) -> anyhow::Result<()> {
    let in_force = shop.live.snapshot().aggregates.settings.clone();
    let parsed = parse(text).map(|file| match &in_force {
        Some(in_force) => carried(in_force, file),
        None => file,
    });
    match parsed {
        // The same settings again are no new version.
        Ok(settings) if in_force.as_deref() == Some(&settings) => Ok(()),
        Ok(settings) => {
            crate::conflicts::of(&settings)
                .iter()
                .for_each(|conflict| tracing::warn!("{origin}: {conflict}"));
            let before = shop.live.snapshot();
            let catalog = &before.aggregates.catalog;
            let paths = settings.shop.sensitive_categories.iter().filter(|_| !catalog.is_empty());
            for path in paths.filter(|path| catalog.category(path).is_none()) {
                tracing::warn!("{origin}: sensitive_categories: there is no category {path:?} yet");
            }
            let tables = |settings: &Settings| settings.canonical.clone();
            let had = before.aggregates.settings.as_deref().map(tables).unwrap_or_default();
            let has = tables(&settings);
            put(shop, settings, had != has)
                .map_err(|failure| anyhow::anyhow!("the settings were not written: {failure:?}"))
        }
        Err(faults) => {
            let lines: Vec<String> =
                faults.iter().map(|fault| format!("{origin}:{}: {}", fault.line, fault.problem)).collect();
            bail!("the placement file is refused, the settings in force stay:\n{}", lines.join("\n"))
        }
    }
}

fn put(shop: &Shop, settings: Settings, tables_changed: bool) -> Result<(), Failure> {
    shop.queue.call(|reply| Job::Settings(Box::new(settings), reply))?;
    if tables_changed {
        let count = crate::renew::renew(shop)?;
        tracing::info!(count, "rows of the catalogue were read again with the new tables");
    }
    Ok(())
}

/// Puts a placement file into force.
pub fn apply_file(shop: &Shop, path: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    apply(shop, &text, &path.display().to_string())
}

/// Puts the default placements into force where the shop has none.
pub fn ensure(shop: &Shop) -> anyhow::Result<()> {
    if shop.live.snapshot().aggregates.settings.is_some() {
        return Ok(());
    }
    apply(shop, DEFAULT, "default placements")
}
