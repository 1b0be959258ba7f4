//! The models under test on sequences. A new one is a function and a line in [`MODELS`].

use super::Fitted;
use super::data::{Cases, Set};
use super::measure::{Ranks, measure};
use crate::model::{Knob, Model};
use crate::models::{CoVisitation, Popular, SessionKnn};
use crate::topn::{SEED, THREADS};
use bespoke_domain::ProductNo;
use bespoke_models::recommender::{Ask, FitRun, Recommender, Scores};
use bespoke_models::scratch::Scratch;
use bespoke_models::sequence::{Sequence, SequenceParams};
use serde_json::Value;

/// Shoppers that a setting or an epoch is judged by: one in so many.
const JUDGES: usize = 4;
/// Times every knob is turned.
const ROUNDS: usize = 2;

/// One line of the table.
pub struct Entry {
    /// Its name on the command line and in results.
    pub name: &'static str,
    /// Fits it with these parameters, or, where there are none, with what does best on the validation cases.
    pub fit: fn(&Set, &Value) -> Result<Fitted, serde_json::Error>,
}

/// Every model under test.
pub const MODELS: [Entry; 5] = [
    Entry { name: "popular", fit: sessions::<Popular> },
    Entry { name: "co_visitation", fit: sessions::<CoVisitation> },
    Entry { name: "session_knn", fit: sessions::<SessionKnn> },
    Entry { name: "sequence", fit: by_ids },
    Entry { name: "two_tower", fit: by_ids_and_values },
];

/// How shoppers and products are run.
pub const RUN: FitRun = FitRun { seed: SEED, threads: THREADS };

/// A session model and how it is asked.
struct Asked<M: Model> {
    model: M,
    params: M::Params,
}

impl<M: Model> Ranks for Asked<M> {
    fn rank(&self, histories: &[Vec<ProductNo>], limit: usize) -> Vec<Vec<ProductNo>> {
        let mut scratch = Scratch::default();
        let mut one = |history: &Vec<ProductNo>| {
            let found = self.model.predict(&self.params, history, limit + history.len(), &mut scratch);
            let unseen = found.into_iter().map(|one| one.1).filter(|product| !history.contains(product));
            unseen.take(limit).collect()
        };
        histories.iter().map(&mut one).collect()
    }
}

fn sessions<M: Model + 'static>(set: &Set, given: &Value) -> Result<Fitted, serde_json::Error> {
    let train = set.train().sequences;
    let params = match given {
        Value::Null => tuned::<M>(&train, &set.validation()),
        given => serde_json::from_value(given.clone())?,
    };
    let model = Box::new(Asked { model: M::fit(&params, &train), params });
    Ok(Fitted { model, size_bytes: 0, params: crate::evaluate::as_written(&params) })
}

/// Coordinate search: every knob to the value with the best NDCG on some of the validation cases.
fn tuned<M: Model>(train: &[Vec<ProductNo>], validation: &Cases) -> M::Params {
    let cases = some(validation);
    let mut asked = Asked { model: M::fit(&M::Params::default(), train), params: M::Params::default() };
    let mut best = asked.params;
    let mut most = measure(&asked, &cases).ndcg10();
    for _ in 0..ROUNDS {
        for Knob { values, set, refits, .. } in M::KNOBS {
            for &value in *values {
                let mut params = best;
                set(&mut params, value);
                if params == best {
                    continue;
                }
                if *refits {
                    asked.model = M::fit(&params, train);
                }
                asked.params = params;
                let ndcg = measure(&asked, &cases).ndcg10();
                if ndcg > most {
                    (best, most) = (params, ndcg);
                }
            }
            if *refits {
                asked.model = M::fit(&best, train);
            }
        }
    }
    best
}

fn some(cases: &Cases) -> Cases {
    Cases {
        histories: cases.histories.iter().step_by(JUDGES).cloned().collect(),
        answers: cases.answers.iter().step_by(JUDGES).copied().collect(),
    }
}

impl Ranks for Sequence {
    fn rank(&self, histories: &[Vec<ProductNo>], limit: usize) -> Vec<Vec<ProductNo>> {
        let mut scratch = Scores::default();
        let mut one = |excluded: &Vec<ProductNo>| {
            let history: Vec<_> = excluded.iter().map(|product| (*product, 1.0)).collect();
            let ask = Ask { history: &history, excluded, limit };
            self.recommend(&ask, &mut scratch).into_iter().map(|one| one.1).collect()
        };
        histories.iter().map(&mut one).collect()
    }
}

fn by_ids(set: &Set, given: &Value) -> Result<Fitted, serde_json::Error> {
    let plain = Set {
        sequences: set.sequences.clone(),
        product_count: set.product_count,
        attributes: bespoke_models::interactions::Interactions::new(Vec::<Vec<(ProductNo, f32)>>::new()),
    };
    sequence(&plain, given, SequenceParams::default())
}

fn by_ids_and_values(set: &Set, given: &Value) -> Result<Fitted, serde_json::Error> {
    sequence(set, given, SequenceParams { id_dropout: 0.1, ..SequenceParams::default() })
}

fn sequence(set: &Set, given: &Value, start: SequenceParams) -> Result<Fitted, serde_json::Error> {
    let mut params = match given {
        Value::Null => start,
        given => serde_json::from_value(given.clone())?,
    };
    let validation = some(&set.validation());
    let started = std::time::Instant::now();
    let judge = |model: &Sequence| {
        let measures = measure(model, &validation);
        if std::env::var_os("LAB_VERBOSE").is_some() {
            let at = started.elapsed().as_secs_f64();
            eprintln!("{at:7.1} s recall {:.4} ndcg {:.4}", measures.at[1].hit_rate(), measures.ndcg10());
        }
        measures.ndcg10()
    };
    let (model, epochs) = params.fit_judged(&set.train(), RUN, judge);
    params.epochs = epochs;
    let size_bytes = model.size_bytes();
    Ok(Fitted { model: Box::new(model), size_bytes, params: crate::evaluate::as_written(&params) })
}
