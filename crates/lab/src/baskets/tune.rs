//! Coordinate search on the end of the training data: the last but one order of every shopper is asked for; each knob is
//! turned to the value that makes Recall + NDCG of all products and of new ones largest. Test data is never looked at.

use super::data::Fold;
use super::measure::measure;
use super::models::BasketModel;
use crate::model::Knob;
use crate::topn::{SEED, THREADS};
use bespoke_models::recommender::FitRun;

/// Times every knob is turned.
const ROUNDS: usize = 2;

/// What is judged with, and the last fit, parts of which the next may use.
struct Judge<'a, M: BasketModel> {
    fold: &'a Fold,
    cutoff: usize,
    before: Option<(M::Params, M::Fitted)>,
}

impl<M: BasketModel> Judge<'_, M> {
    fn score(&mut self, params: &M::Params) -> Option<f64> {
        let run = FitRun { seed: SEED, threads: THREADS };
        let fitted = M::fit(params, self.before.take(), self.fold, run).ok()?;
        let both = measure(&fitted, self.fold, self.cutoff);
        self.before = Some((*params, fitted));
        if std::env::var_os("LAB_VERBOSE").is_some() {
            let (all, new) = (both.all, both.new);
            eprintln!(
                "{:.4} = {:.4} {:.4} {:.4} {:.4} {}",
                both.score(),
                all.recall,
                all.ndcg,
                new.recall,
                new.ndcg,
                crate::evaluate::as_written(params)
            );
        }
        Some(both.score())
    }
}

/// The parameters that do best on the last orders of `fold`, which its own next orders are no part of; where the model refuses
/// the data, those it starts from.
pub fn tune<M: BasketModel>(fold: &Fold, cutoff: usize) -> M::Params {
    let mut best = M::Params::default();
    if M::KNOBS.is_empty() {
        return best;
    }
    let fold = fold.validation();
    let mut judge = Judge::<M> { fold: &fold, cutoff, before: None };
    let Some(mut score) = judge.score(&best) else { return best };
    for _ in 0..ROUNDS {
        let before = best;
        for knob in M::KNOBS {
            turn(knob, &mut best, &mut score, &mut judge);
        }
        if best == before {
            break;
        }
    }
    best
}

/// Sets one knob to each of its values, and keeps the best.
fn turn<M: BasketModel>(
    knob: &Knob<M::Params>,
    best: &mut M::Params,
    score: &mut f64,
    judge: &mut Judge<'_, M>,
) {
    let from = *best;
    for &value in knob.values {
        let mut params = from;
        (knob.set)(&mut params, value);
        if params == from {
            continue;
        }
        if let Some(judged) = judge.score(&params).filter(|judged| judged > score) {
            (*best, *score) = (params, judged);
        }
    }
}
