//! Decisions in words: external ids, titles and prices for the numbers a decision holds.

use crate::wire::expression;
use crate::wire::recommend::InArmBody;
use bespoke_domain::content::Draw;
use bespoke_domain::decision::{Fallback, Personalization, Slot};
use bespoke_domain::experiment::{Arm, Team};
use bespoke_domain::search::{Choice, Refinement, Search};
use bespoke_domain::{BlockNo, Candidate, Decision};
use bespoke_engine::Snapshot;
use bespoke_engine::features::wide;
use bespoke_models::ranker::HEADS;
use serde_json::{Value, json};

/// How much of the shopper went in, as the API says it.
pub fn personalization(one: Personalization) -> &'static str {
    match one {
        Personalization::None => "none",
        Personalization::Session => "session",
        Personalization::Full => "full",
    }
}

/// What a slate fell back to, as the API says it.
pub fn fallback(one: Fallback) -> &'static str {
    match one {
        Fallback::None => "none",
        Fallback::Popular => "popular",
        Fallback::Hidden => "hidden",
        Fallback::Off => "off",
        Fallback::Clutter => "clutter",
        Fallback::External => "external",
    }
}

/// The arms that a decision was made in.
pub fn arms(decision: &Decision) -> Vec<InArmBody> {
    let arm = |one: &Arm| InArmBody { experiment: one.experiment.clone(), arm: one.arm.clone() };
    decision.arms.iter().map(arm).collect()
}

/// The external id of a product, the path of a category, or the name of a content block.
pub fn id(snapshot: &Snapshot, candidate: Candidate) -> String {
    let catalog = &snapshot.aggregates.catalog;
    match candidate {
        Candidate::Product(product) => catalog.id(product).to_owned(),
        Candidate::Category(category) => catalog.category_path(category).to_owned(),
        Candidate::Content(block) => snapshot.block_name(block).to_owned(),
    }
}

/// The kind of a candidate, as the API says it.
pub fn kind(candidate: Candidate) -> &'static str {
    match candidate {
        Candidate::Product(_) => "product",
        Candidate::Category(_) => "category",
        Candidate::Content(_) => "content",
    }
}

/// The title of a product or a content block, or the last part of a category's path.
pub fn title(snapshot: &Snapshot, candidate: Candidate) -> String {
    let catalog = &snapshot.aggregates.catalog;
    match candidate {
        Candidate::Product(product) => catalog.title(product).unwrap_or_default().to_owned(),
        Candidate::Category(category) => {
            catalog.category_path(category).rsplit(" > ").next().unwrap_or_default().to_owned()
        }
        Candidate::Content(block) => {
            snapshot.block_said(block).map_or(String::new(), |block| block.title.clone())
        }
    }
}

/// The certificate as JSON: what was asked, read, considered, removed, and why each slot is there.
pub fn certificate(snapshot: &Snapshot, decision: &Decision) -> Value {
    let request = &decision.request;
    json!({
        "decision_id": request.id.to_string(),
        "placement": request.placement,
        "made_at_ms": request.now.0,
        "page_type": request.page.name(),
        "context": { "item_ids": request.items, "category_path": request.category, "cart_item_ids": request.cart, "exclude_ids": request.exclude, "skipped": request.skipped,
            "filter": request.filter.as_ref().map(expression::written), "market": request.market, "locale": request.locale },
        "search": request.search.as_deref().map(search),
        "met": decision.met,
        "headline": decision.headline,
        "personalization": personalization(decision.personalization),
        "fallback": fallback(decision.fallback),
        "read": {
            "snapshot_offset": decision.versions.snapshot_offset.0,
            "models": decision.versions.models.iter().map(|(name, id)| (name.clone(), id.to_string().into())).collect::<serde_json::Map<_, Value>>(),
            "profile_offset": decision.versions.profile_offset.0,
            "settings_offset": decision.versions.settings_offset.0,
            "engine": decision.versions.engine,
        },
        "sources": decision.sources.iter().map(|(name, count)| json!({"source": name, "candidates": count})).collect::<Vec<_>>(),
        "objective": Some(&decision.objective).filter(|name| !name.is_empty()),
        "candidate_count": decision.candidate_count,
        "arms": decision.arms.iter().map(|one| json!({"experiment": one.experiment, "epoch": one.epoch, "arm": one.arm})).collect::<Vec<_>>(),
        "removed": decision.removed.iter().map(|(name, count)| json!({"by": name, "count": count})).collect::<Vec<_>>(),
        "draw": decision.draw.as_deref().map(|one| draw(snapshot, one)),
        "missing_ids": decision.missing_ids,
        "slate": decision.slate.iter().enumerate().map(|(at, slot)| slot_json(snapshot, decision, at, slot)).collect::<Vec<_>>(),
        "considered": decision.considered.as_ref().map(|all| all.iter().map(|one| json!({
            "id": id(snapshot, one.candidate),
            "score": one.score,
            "parts": parts(decision, &one.parts),
            "removed_by": one.removed_by,
        })).collect::<Vec<_>>()),
    })
}

/// How a bandit drew: every block that could be drawn, with its probability of the first place that no rule fills.
fn draw(snapshot: &Snapshot, draw: &Draw) -> Value {
    let chance = |(block, chance): &(BlockNo, f32)| (snapshot.block_name(*block).to_owned(), json!(chance));
    json!({
        "placement": draw.placement,
        "part": draw.part,
        "chances": draw.chances.iter().map(chance).collect::<serde_json::Map<_, Value>>(),
    })
}

/// What was searched for.
fn search(search: &Search) -> Value {
    let chosen = |one: &Refinement| {
        let choice = match &one.choice {
            Choice::Values(values) => json!(values),
            Choice::Range(from, to) => json!({"from": from, "to": to}),
        };
        (one.facet.clone(), choice)
    };
    json!({
        "text": search.text,
        "refine": search.refinements.iter().map(chosen).collect::<serde_json::Map<_, Value>>(),
        "sort": search.sort.name(),
        "literal": search.literal,
        "as_words": search.as_words,
        "from": search.from,
        "after": search.after.map(|before| before.to_string()),
        "facets": search.facets,
    })
}

fn slot_json(snapshot: &Snapshot, decision: &Decision, position: usize, slot: &Slot) -> Value {
    json!({
        "position": position,
        "id": id(snapshot, slot.candidate),
        "title": title(snapshot, slot.candidate),
        "score": slot.score,
        "parts": parts(decision, &slot.parts),
        "reason": {
            "code": slot.reason.code,
            "text": slot.reason.text,
            "based_on": slot.reason.based_on.iter().map(|one| id(snapshot, Candidate::Product(*one))).collect::<Vec<_>>(),
            "personal": slot.reason.personal,
        },
        "placed_by": slot.placed_by,
        "moved_by": slot.moved_by,
        "probability": slot.probability,
        "team": slot.team.map(|team| match team {
            Team::Control => "control",
            Team::Treated => "treated",
        }),
        "foreseen": (!slot.foreseen.is_empty()).then(|| named(&HEADS.map(str::to_owned), slot.foreseen.iter().copied())),
        "features": features(snapshot, decision, slot),
    })
}

/// What the candidate was like, where the placement still describes candidates as it did then.
fn features(snapshot: &Snapshot, decision: &Decision, slot: &Slot) -> Option<Value> {
    let planned = snapshot.planned(decision)?;
    let is_known = !slot.features.is_empty() && planned.feature_set == decision.feature_set;
    is_known.then(|| named(&planned.features, slot.features.iter().map(|half| wide(*half))))
}

/// Numbers by name; what is not known is left out.
fn named(names: &[String], values: impl Iterator<Item = f32>) -> Value {
    let known = names.iter().zip(values).filter(|(_, value)| value.is_finite());
    Value::Object(known.map(|(name, value)| (name.clone(), json!(value))).collect())
}

fn parts(decision: &Decision, parts: &[(u8, f32)]) -> Value {
    let named = |(source, part): &(u8, f32)| {
        let names = decision.sources.iter().map(|(name, _)| name).chain(&decision.scorers);
        let name = names.clone().nth(usize::from(*source)).map_or("", String::as_str);
        (name.to_owned(), json!(part))
    };
    Value::Object(parts.iter().map(named).collect())
}
