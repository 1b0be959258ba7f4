//! Placement files: validated whole against the engine's tables, then swapped in at once; a bad one changes nothing.

use crate::boot::Shop;
use crate::operate::is_visible;
use crate::wire::settings::{Known, SettingsFault, parse_settings};
use crate::writer::{Failure, Job};
use anyhow::Context as _;
use bespoke_domain::{Offset, Settings};
use bespoke_engine::Snapshot;
use bespoke_engine::apart::clashes;
use bespoke_engine::filter::FILTERS;
use bespoke_engine::merged::{gone, merged};
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

/// Puts into force what a placement file's text says otherwise than when one was last read. With a fault nothing changes, and every fault is
/// named. MUST NOT be called on a thread that runs async tasks: it waits.
pub fn apply(shop: &Shop, text: &str, origin: &str) -> anyhow::Result<()> {
    let refused = |faults: Vec<String>| {
        anyhow::anyhow!("the placement file is refused, the settings in force stay:\n{}", faults.join("\n"))
    };
    let file = parse(text).map_err(|faults| {
        refused(faults.iter().map(|fault| format!("{origin}:{}: {}", fault.line, fault.problem)).collect())
    })?;
    let _alone = shop.changing.blocking_lock();
    let before = shop.live.snapshot();
    let in_force = before.aggregates.settings.as_deref();
    let settings = match in_force {
        Some(in_force) => merged(in_force, file),
        None => Settings { file: Some(Box::new(file.clone())), ..file },
    };
    // The same settings again are no new version.
    if in_force == Some(&settings) {
        return Ok(());
    }
    let clashes = clashes(&settings);
    if !clashes.is_empty() {
        return Err(refused(clashes.iter().map(|clash| format!("{origin}: {clash}")).collect()));
    }
    warn(&before, &settings, origin);
    let tables_changed = in_force.map_or(&[][..], |held| &held.canonical) != settings.canonical;
    put(shop, settings, (before.aggregates.settings_offset, tables_changed))
        .map_err(|failure| anyhow::anyhow!("the settings were not written: {failure:?}"))
}

/// Tells what is no fault and yet may not be meant.
fn warn(before: &Snapshot, settings: &Settings, origin: &str) {
    crate::conflicts::of(settings).iter().for_each(|conflict| tracing::warn!("{origin}: {conflict}"));
    let catalog = &before.aggregates.catalog;
    let paths = settings.shop.sensitive_categories.iter().filter(|_| !catalog.is_empty());
    for path in paths.filter(|path| catalog.category(path).is_none()) {
        tracing::warn!("{origin}: sensitive_categories: there is no category {path:?} yet");
    }
    let lost = before.aggregates.settings.as_deref().map(|held| gone(held, settings)).unwrap_or_default();
    for one in lost {
        tracing::warn!(
            "{origin}: {one} is gone: a placement that it needs is, or the file gives its name to another"
        );
    }
}

fn put(shop: &Shop, settings: Settings, (before, tables_changed): (Offset, bool)) -> Result<(), Failure> {
    shop.queue.call(|reply| Job::Settings(Box::new(settings), reply))?;
    if !is_visible(shop, before) {
        tracing::warn!("the settings are written, but not yet visible");
    }
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
