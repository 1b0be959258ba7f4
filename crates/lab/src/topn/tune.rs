//! Coordinate search on a part of the training data: of every shopper with five products or more, one in ten is held out,
//! by a seed; each knob is turned to the value that makes Recall + NDCG largest. Test data is never looked at.

use super::measure::measure;
use super::models::TopModel;
use super::{SEED, THREADS};
use crate::model::Knob;
use bespoke_domain::ProductNo;
use bespoke_models::interactions::Interactions;
use bespoke_models::recommender::FitRun;
use bespoke_models::seeded::Seeded;

/// Products of a shopper from which on some are held out.
const HISTORY_MIN: usize = 5;
/// One in so many products of a shopper is held out, at least one.
const HELD_OUT: usize = 10;
/// Shoppers that one setting is judged by.
const SHOPPERS_MAX: usize = 10_000;
/// Times every knob is turned.
const ROUNDS: usize = 2;

/// What is left to learn from, and what is held out.
pub fn hold_out(data: &Interactions, seed: u64) -> (Interactions, Interactions) {
    let mut seeded = Seeded::new(seed);
    let (mut kept, mut held) = (Vec::new(), Vec::new());
    let stride = data.row_count().div_ceil(SHOPPERS_MAX).max(1);
    for row in 0..data.row_count() {
        let mut left = data.history(row);
        let mut out: Vec<(ProductNo, f32)> = Vec::new();
        if left.len() >= HISTORY_MIN {
            for _ in 0..left.len().div_ceil(HELD_OUT) {
                out.push(left.swap_remove(seeded.below(left.len())));
            }
        }
        if row % stride != 0 {
            out.clear();
        }
        kept.push(left);
        held.push(out);
    }
    let columns = data.column_count();
    (Interactions::new(kept).with_columns(columns), Interactions::new(held).with_columns(columns))
}

/// The parameters that do best on what is held out of `data`; where the model refuses the data, those it starts from.
pub fn tune<M: TopModel>(data: &Interactions, cutoff: usize) -> M::Params {
    let (kept, held) = hold_out(data, SEED);
    let judge = |params: &M::Params| -> Option<f64> {
        let fitted = M::fit(params, &kept, FitRun { seed: SEED, threads: THREADS }).ok()?;
        let measures = measure(fitted.as_ref(), &kept, &held, cutoff);
        Some(measures.recall + measures.ndcg)
    };
    let mut best = M::start();
    if M::KNOBS.is_empty() {
        return best;
    }
    let Some(mut score) = judge(&best) else { return best };
    for _ in 0..ROUNDS {
        let before = best;
        for knob in M::KNOBS {
            turn::<M>(knob, &mut best, &mut score, &judge);
        }
        if best == before {
            break;
        }
    }
    best
}

/// Sets one knob to each of its values, and keeps the best.
fn turn<M: TopModel>(
    knob: &Knob<M::Params>,
    best: &mut M::Params,
    score: &mut f64,
    judge: &impl Fn(&M::Params) -> Option<f64>,
) {
    let from = *best;
    for &value in knob.values {
        let mut params = from;
        (knob.set)(&mut params, value);
        if params == from {
            continue;
        }
        if let Some(judged) = judge(&params).filter(|judged| judged > score) {
            (*best, *score) = (params, judged);
        }
    }
}
