//! The learned order of a placement that has an objective: candidates that sources and scorers put first are described, a
//! ranker learnt from the log foresees what becomes of each, and the objective says what that is worth to the shop. Without
//! such a ranker the order stays, and the description goes into the log for one to learn from.

use crate::catalog::Row;
use crate::context::Context;
use crate::engine::Snapshot;
use crate::features::describe;
use crate::pool::Pool;
use crate::scorer::stock::depth;
use crate::tables::PlannedPlacement;
use bespoke_domain::settings::{Objective, Shows};
use bespoke_models::learned::Learned;
use bespoke_models::ranker::{HEAD_COUNT, Ranker};

/// The name under which the ranker of a placement is learnt and in force.
pub fn ranker_name(placement: &str) -> String {
    format!("ranker:{placement}")
}

/// What was described and foreseen.
#[derive(Debug, Default)]
pub struct Foresight {
    /// Places in the pool, in the order of scores before.
    pub at: Vec<usize>,
    /// As many values for each as the placement has features.
    pub values: Vec<f32>,
    /// Probabilities by head for each; empty without a ranker.
    pub foreseen: Vec<[f32; HEAD_COUNT]>,
}

impl Foresight {
    /// The row of a candidate by its place in the pool.
    pub fn row(&self, at: usize) -> Option<usize> {
        self.at.iter().position(|held| *held == at)
    }
}

/// Describes the first candidates still in, and lets the ranker in force, if there is one, say what each is worth.
pub fn foresee(context: &Context<'_>, planned: &PlannedPlacement, pool: &mut Pool<'_>) -> Foresight {
    let placement = &planned.placement;
    let Some(objective) = placement.objective.as_ref().filter(|_| placement.shows == Shows::Products) else {
        return Foresight::default();
    };
    let at = first(pool, usize::from(objective.rows));
    let values = describe(context, planned, pool, &at);
    let Some(ranker) = ranker(context.snapshot, planned) else {
        return Foresight { at, values, foreseen: Vec::new() };
    };
    let foreseen = ranker.predict(&values, wanted(objective));
    for (at, heads) in at.iter().zip(&foreseen) {
        let one = &mut pool.all[*at];
        one.worth = Some(worth(objective, heads, bought_worth(objective, &one.row)));
    }
    Foresight { at, values, foreseen }
}

/// Places of the first candidates still in, best first.
fn first(pool: &Pool<'_>, most: usize) -> Vec<usize> {
    let mut at: Vec<usize> = (0..pool.all.len()).filter(|at| pool.all[*at].removed_by.is_none()).collect();
    if at.len() > most {
        at.select_nth_unstable_by_key(most, |at| pool.all[*at].place());
        at.truncate(most);
    }
    at.sort_unstable_by_key(|at| pool.all[*at].place());
    at
}

/// The ranker in force that knows what candidates of the placement are described by.
fn ranker<'a>(snapshot: &'a Snapshot, planned: &PlannedPlacement) -> Option<&'a Ranker> {
    match &**snapshot.models.get(&planned.ranker)? {
        Learned::Ranker(ranker) if ranker.features() == planned.features => Some(ranker),
        _ => None,
    }
}

/// Heads that the objective looks at.
fn wanted(objective: &Objective) -> [bool; HEAD_COUNT] {
    let Objective { click, cart, buy, returned, margin, stock, .. } = objective;
    let buys = [buy, returned, margin, stock].iter().any(|weight| **weight != 0.0);
    [*click != 0.0, *cart != 0.0, buys, *returned != 0.0]
}

/// What a candidate is worth, by what is foreseen of it and what a purchase of it is worth.
pub fn worth(objective: &Objective, heads: &[f32; HEAD_COUNT], bought: f32) -> f32 {
    let [click, cart, buy, returned] = *heads;
    objective.click * click + objective.cart * cart + buy * (bought + objective.returned * returned)
}

/// What a purchase is worth, unless it is sent back.
pub fn bought_worth(objective: &Objective, row: &Row) -> f32 {
    objective.buy + objective.margin * f32::from(row.margin) / 100.0 + objective.stock * depth(row)
}
