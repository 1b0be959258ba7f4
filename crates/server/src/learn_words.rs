//! Learning what words mean, for search: from what products say and what was asked before they were dealt with. It rests on texts, not on
//! acts, so that a shop has it from its first day; there is nothing to judge it by but judgments (`bespoke judge`).

use crate::boot::Shop;
use crate::clock;
use crate::learn::{About, RUN, Wanted, data_hash, id_of, publish, shop_name, specs, values};
use crate::limits::Budget;
use crate::models_api::{JudgedBody, ModelRunBody};
use bespoke_engine::{Snapshot, meaning, shelf};
use bespoke_models::interactions::Interactions;
use bespoke_models::learned::{Learned, LearnedSpec};
use bespoke_models::orders::Orders;
use bespoke_models::training_set::TrainingSet;
use std::time::Instant;

/// Learns the models of words that are wanted, and publishes them where that is.
///
/// # Errors
/// When the artifact or the log cannot be written.
pub fn learn(
    shop: &Shop,
    snapshot: &Snapshot,
    wanted: &Wanted,
    budget: Budget,
) -> anyhow::Result<Vec<ModelRunBody>> {
    let mut specs = specs(snapshot.aggregates.settings.as_deref(), &wanted.models, true)?;
    specs.retain(|spec| spec.is_for_search);
    specs.into_iter().map(|spec| one(shop, snapshot, (spec, wanted.publish), budget)).collect()
}

fn one(
    shop: &Shop,
    snapshot: &Snapshot,
    (spec, is_published): (&LearnedSpec, bool),
    budget: Budget,
) -> anyhow::Result<ModelRunBody> {
    let started = Instant::now();
    let mut body = ModelRunBody::of(spec.name);
    let values = values(snapshot.aggregates.settings.as_deref(), spec);
    let texts = meaning::texts(snapshot);
    let (products, pairs, data) = (texts.texts.row_count(), texts.texts.len(), data_hash(&texts.texts));
    let data_set = TrainingSet {
        interactions: Interactions::new([[]; 0]),
        sequences: Vec::new(),
        orders: Orders::new(Vec::new()),
        attributes: Vec::new(),
        texts: Some(texts),
    };
    let too_much = budget.refusal((spec.fit_bytes)(&data_set, &values), 0.0);
    let why = too_much.or_else(|| (!is_published).then(|| JUDGE.to_owned()));
    if let Some(why) = why {
        (body.outcome, body.why) = ("skipped".to_owned(), why);
        return Ok(body);
    }
    let model = (spec.fit)(&data_set, &values, RUN);
    (body.bytes, body.seconds) = (model.size_bytes(), started.elapsed().as_secs_f64());
    let in_force = snapshot.aggregates.models.get(spec.name);
    let same = in_force == Some(&id_of(&shelf::bytes(&model)));
    let is_empty = matches!(&model, Learned::TextVectors(model) if model.is_empty());
    if same || is_empty {
        let why = if same { "it is the one in force" } else { "no word stands in the texts of two products" };
        (body.outcome, body.why) = ("not published".to_owned(), why.to_owned());
        return Ok(body);
    }
    let about = About {
        name: spec.name.to_owned(),
        shop: shop_name(shop),
        code: env!("CARGO_PKG_VERSION").to_owned(),
        cut_off: snapshot.aggregates.offset.0,
        trained_at_ms: clock::now().0,
        shoppers: 0,
        products,
        pairs,
        data,
        bytes: body.bytes,
        values: spec.params.iter().map(|param| param.name.to_owned()).zip(values).collect(),
        seconds: body.seconds,
        backtest: JudgedBody::default(),
    };
    body.artifact = publish(shop, &about, model)?.to_string();
    "published".clone_into(&mut body.outcome);
    Ok(body)
}

/// What is said where it would be judged.
const JUDGE: &str = "it recommends nothing: `bespoke judge` says what search is worth with it";
