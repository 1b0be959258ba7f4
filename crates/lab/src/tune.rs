//! Coordinate search on the end of the training data: fit on all but the last 5 %, predict a sample of those, and turn
//! one knob after the other to the value that makes hit rate + MRR largest. Test data is never looked at.

use crate::model::{Knob, Model};
use crate::session_data::Session;
use bespoke_domain::ProductNo;
use bespoke_models::metrics::NextItem;
use bespoke_models::scratch::Scratch;

/// Share of the training sessions that is held out: one in this many.
const HELD_OUT: usize = 20;
/// Predictions that one setting is judged by.
const CASES_MAX: usize = 4000;
/// Times every knob is turned.
const ROUNDS: usize = 2;
/// Threads; fixed, so that sums are added in the same order everywhere.
const THREADS: usize = 2;

/// A prefix of a session and the item that came next.
pub type Case<'a> = (&'a [ProductNo], ProductNo);

/// All cases of `sessions` with at least `min_prefix` items before the answer, in order.
pub fn cases(sessions: &[Session], min_prefix: usize) -> impl Iterator<Item = Case<'_>> {
    sessions.iter().flat_map(move |items| {
        (min_prefix.max(1)..items.len()).map(move |place| (&items[..place], items[place]))
    })
}

/// The parameters that do best on the end of `sessions`.
pub fn tune<M: Model>(sessions: &[Session], min_prefix: usize, cutoff: usize) -> M::Params {
    if M::KNOBS.is_empty() {
        return M::Params::default();
    }
    let (early, late) = sessions.split_at(sessions.len() - sessions.len() / HELD_OUT);
    let mut search = Search::<M>::new(early, sample(late, min_prefix), cutoff);
    for _ in 0..ROUNDS {
        let before = search.best;
        for knob in M::KNOBS {
            knob.values.iter().for_each(|&value| search.turn(knob, value));
        }
        if search.best == before {
            break;
        }
    }
    search.best
}

/// The best so far.
struct Search<'a, M: Model> {
    early: &'a [Session],
    sample: Vec<Case<'a>>,
    cutoff: usize,
    best: M::Params,
    fitted: M,
    score: f64,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(early: &'a [Session], sample: Vec<Case<'a>>, cutoff: usize) -> Self {
        let best = M::Params::default();
        let fitted = M::fit(&best, early);
        let score = score(&fitted, &best, &sample, cutoff);
        Self { early, sample, cutoff, best, fitted, score }
    }

    /// Sets one knob, and keeps it so if that is better.
    fn turn(&mut self, knob: &Knob<M::Params>, value: f32) {
        let mut params = self.best;
        (knob.set)(&mut params, value);
        if params == self.best {
            return;
        }
        let refitted = knob.refits.then(|| M::fit(&params, self.early));
        let score = score(refitted.as_ref().unwrap_or(&self.fitted), &params, &self.sample, self.cutoff);
        if score > self.score {
            (self.best, self.score) = (params, score);
            if let Some(refitted) = refitted {
                self.fitted = refitted;
            }
        }
    }
}

/// At most [`CASES_MAX`] cases, evenly spread.
fn sample(sessions: &[Session], min_prefix: usize) -> Vec<Case<'_>> {
    let all: Vec<_> = cases(sessions, min_prefix).collect();
    let count = all.len().min(CASES_MAX);
    (0..count).map(|index| all[index * all.len() / count]).collect()
}

fn score<M: Model>(fitted: &M, params: &M::Params, sample: &[Case<'_>], cutoff: usize) -> f64 {
    let part_len = sample.len().div_ceil(THREADS).max(1);
    let measures = std::thread::scope(|scope| {
        let parts: Vec<_> = sample
            .chunks(part_len)
            .map(|part| scope.spawn(move || measure(fitted, params, part, cutoff)))
            .collect();
        parts.into_iter().fold(NextItem::at(cutoff), |mut sum, part| {
            sum.merge(&part.join().expect("a panic of a model under test is a panic of the lab"));
            sum
        })
    });
    measures.hit_rate() + measures.mrr()
}

fn measure<M: Model>(fitted: &M, params: &M::Params, part: &[Case<'_>], cutoff: usize) -> NextItem {
    let mut scratch = Scratch::default();
    let mut measures = NextItem::at(cutoff);
    for &(prefix, answer) in part {
        let ranked = fitted.predict(params, prefix, cutoff, &mut scratch);
        measures.add(ranked.iter().position(|&(_, item)| item == answer));
    }
    measures
}
