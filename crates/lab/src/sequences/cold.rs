//! Products that training never saw: a fifth of all is taken out of every history; how often is one of them, where it is
//! what the shopper had last, among the best hundred? The two-tower model knows them by their attribute values, and so
//! does tuned content similarity. Everything is chosen on another tenth taken out, by the last but one.

use super::SequenceOptions;
use super::content::{Content, ContentParams, SETTINGS};
use super::data::{Cases, Set};
use super::measure::{Ranks, places};
use super::models::RUN;
use crate::error::Error;
use crate::topn::{SEED, read_params};
use bespoke_domain::ProductNo;
use bespoke_models::metrics::percentile;
use bespoke_models::recommender::{Ask, Recommender, Scores};
use bespoke_models::seeded::Seeded;
use bespoke_models::sequence::{Crossed, Sequence, SequenceData, SequenceParams};
use serde::Serialize;
use serde_json::Value;

/// Products taken out for the test: one in so many.
const TEST_SHARE: f64 = 0.2;
/// Products taken out to choose by.
const VALIDATION_SHARE: f64 = 0.1;
/// Products that a pair of values needs to be a value of its own.
const PRODUCTS_MIN: u32 = 3;
/// Among how many best an answer is to be.
const CUTOFF: usize = 100;
/// Times that cases are drawn again.
const RESAMPLES: usize = 2000;

/// What came out, ranking among all products and among the new alone.
#[derive(Debug, Serialize)]
pub struct ColdOutcome {
    /// Among all products that the shopper did not have.
    pub among_all: Compared,
    /// Among the products taken out.
    pub among_new: Compared,
    /// Shoppers whose last product was taken out.
    pub cases: usize,
    /// Products taken out.
    pub removed: usize,
    /// Chosen for the two-tower model.
    pub params: Value,
}

/// Two models side by side.
#[derive(Debug, Serialize)]
pub struct Compared {
    /// Share of cases with the answer in the first hundred.
    pub two_tower: f64,
    /// The same of content similarity.
    pub content: f64,
    /// The one over the other.
    pub ratio: f64,
    /// 2.5th and 97.5th percentile of it over resampled shoppers.
    pub interval: [f64; 2],
    /// Shares of both where everything was chosen.
    pub validation: [f64; 2],
    /// Chosen for content similarity.
    pub content_params: ContentParams,
}

/// Which products are taken out for what.
#[derive(Clone, Copy, PartialEq)]
enum Taken {
    Not,
    ToChoose,
    ToTest,
}

/// Whom a ranking is among.
#[derive(Clone, Copy, PartialEq)]
enum Among {
    All,
    New,
}

/// The two-tower model among some products.
struct Towers<'a> {
    model: &'a Sequence,
    /// Nobody is asked about these.
    not_asked: Vec<ProductNo>,
}

impl<'a> Towers<'a> {
    fn new(model: &'a Sequence, new: &[bool], among: Among) -> Self {
        let known = (0..new.len() as u32).filter(|product| among == Among::New && !new[*product as usize]);
        Self { model, not_asked: known.map(ProductNo).collect() }
    }
}

impl Ranks for Towers<'_> {
    fn rank(&self, histories: &[Vec<ProductNo>], limit: usize) -> Vec<Vec<ProductNo>> {
        let mut scratch = Scores::default();
        let mut one = |had: &Vec<ProductNo>| {
            let history: Vec<_> = had.iter().map(|product| (*product, 1.0)).collect();
            let excluded = [&self.not_asked[..], had].concat();
            let ask = Ask { history: &history, excluded: &excluded, limit };
            self.model.recommend(&ask, &mut scratch).into_iter().map(|one| one.1).collect()
        };
        histories.iter().map(&mut one).collect()
    }
}

/// Reads the data, chooses and compares.
///
/// # Errors
/// Files that cannot be read, lines that are not as they should be.
pub fn run(options: &SequenceOptions) -> Result<ColdOutcome, Error> {
    let set = Set::read(&options.data)?;
    let given = start(options)?;
    let mut seeded = Seeded::new(SEED);
    let taken: Vec<Taken> = (0..set.product_count).map(|_| take(seeded.unit())).collect();
    let [choosing, testing] = [Taken::ToChoose, Taken::ToTest]
        .map(|what| taken.iter().map(|taken| *taken == what).collect::<Vec<_>>());
    let to_choose = without(set.validation(), &taken, Taken::ToChoose);
    let to_test = without(set.test(), &taken, Taken::ToTest);
    let values = Crossed::new(&set.attributes, PRODUCTS_MIN).all(&set.attributes);
    let train = |left: &dyn Fn(Taken) -> bool| SequenceData {
        attributes: values.clone(),
        ..trained(&set, &taken, left)
    };

    let judge = |model: &Sequence| {
        let rate = rate(&hits(&Towers::new(model, &choosing, Among::New), &to_choose));
        if std::env::var_os("LAB_VERBOSE").is_some() {
            eprintln!("{rate:.4}");
        }
        rate
    };
    let (chosen, epochs) = given.fit_judged(&train(&|taken| taken == Taken::Not), RUN, judge);
    let params = SequenceParams { epochs, ..given };
    let fitted = params.fit(&train(&|taken| taken != Taken::ToTest), RUN);
    let compare = |among| {
        let choose = Side { model: &chosen, new: &choosing, cases: &to_choose, among };
        let test = Side { model: &fitted, new: &testing, cases: &to_test, among };
        compared(&set, &choose, &test)
    };
    Ok(ColdOutcome {
        among_all: compare(Among::All),
        among_new: compare(Among::New),
        cases: to_test.answers.len(),
        removed: testing.iter().filter(|removed| **removed).count(),
        params: crate::evaluate::as_written(&params),
    })
}

/// The parameters under `cold_start` in the file, or the default ones.
fn start(options: &SequenceOptions) -> Result<SequenceParams, Error> {
    let start = SequenceParams { id_dropout: 0.5, ..SequenceParams::default() };
    let Some(path) = &options.params else { return Ok(start) };
    match read_params(path)?.get("cold_start") {
        None => Ok(start),
        Some(given) => serde_json::from_value(given.clone())
            .map_err(|error| Error::Params { path: path.clone(), reason: error.to_string() }),
    }
}

fn take(roll: f64) -> Taken {
    match roll {
        roll if roll < TEST_SHARE => Taken::ToTest,
        roll if roll < TEST_SHARE + VALIDATION_SHARE => Taken::ToChoose,
        _ => Taken::Not,
    }
}

/// What is left of the training data.
fn trained(set: &Set, taken: &[Taken], left: &dyn Fn(Taken) -> bool) -> SequenceData {
    let mut train = set.train();
    train.sequences.iter_mut().for_each(|all| all.retain(|product| left(taken[product.index()])));
    train
}

/// The cases whose answer was taken out for `what`, with what is known of their histories.
fn without(cases: Cases, taken: &[Taken], what: Taken) -> Cases {
    let known = |product: &ProductNo| match taken[product.index()] {
        Taken::Not => true,
        Taken::ToChoose => what == Taken::ToTest,
        Taken::ToTest => false,
    };
    let both = cases.histories.into_iter().zip(cases.answers);
    let mine = both.filter(|(_, answer)| taken[answer.index()] == what);
    let (histories, answers) =
        mine.map(|(history, answer)| (history.into_iter().filter(known).collect(), answer)).unzip();
    Cases { histories, answers }
}

/// One or nought for each case.
fn hits(model: &dyn Ranks, cases: &Cases) -> Vec<f64> {
    let places = places(model, cases, CUTOFF);
    places.into_iter().map(|place| f64::from(u8::from(place.is_some()))).collect()
}

fn rate(hits: &[f64]) -> f64 {
    hits.iter().sum::<f64>() / hits.len().max(1) as f64
}

/// A fitted model and what it is asked.
struct Side<'a> {
    model: &'a Sequence,
    new: &'a [bool],
    cases: &'a Cases,
    among: Among,
}

impl Side<'_> {
    fn two_tower(&self) -> Vec<f64> {
        hits(&Towers::new(self.model, self.new, self.among), self.cases)
    }

    fn content(&self, set: &Set, params: ContentParams) -> Vec<f64> {
        let offered: Vec<bool> = self.new.iter().map(|new| *new || self.among == Among::All).collect();
        hits(&Content::new(params, &set.attributes, &offered), self.cases)
    }
}

fn compared(set: &Set, choose: &Side<'_>, test: &Side<'_>) -> Compared {
    let mut content = ContentParams::default();
    let mut most = rate(&choose.content(set, content));
    for (turn, values) in SETTINGS.iter().chain(&SETTINGS) {
        for value in *values {
            let mut tried = content;
            turn(&mut tried, *value);
            let found = rate(&choose.content(set, tried));
            if found > most {
                (content, most) = (tried, found);
            }
        }
    }
    let (ours, theirs) = (test.two_tower(), test.content(set, content));
    Compared {
        two_tower: rate(&ours),
        content: rate(&theirs),
        ratio: rate(&ours) / rate(&theirs),
        interval: interval(&ours, &theirs),
        validation: [rate(&choose.two_tower()), most],
        content_params: content,
    }
}

/// Of the ratio of sums, over cases drawn with replacement (Efron 1979).
fn interval(ours: &[f64], theirs: &[f64]) -> [f64; 2] {
    let mut seeded = Seeded::new(SEED);
    let mut ratios: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let mut sums = [0.0, 0.0];
            for _ in 0..ours.len() {
                let at = seeded.below(ours.len());
                sums[0] += ours[at];
                sums[1] += theirs[at];
            }
            sums[0] / sums[1]
        })
        .collect();
    [0.025, 0.975].map(|share| percentile(&mut ratios, share).unwrap_or(f64::NAN))
}
