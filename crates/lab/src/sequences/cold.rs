//! Products that training never saw: a fifth of all is taken out of every history; how often is one of them, where it is
//! what the shopper had last, among the best hundred? The two-tower model knows them by their attribute values, and so
//! does tuned content similarity. Everything is chosen on another tenth taken out, by the last but one: of both models what
//! ranks the most of those among the best hundred of all products.

use super::SequenceOptions;
use super::content::{Content, SETTINGS};
use super::data::{Cases, Set};
use super::measure::{Ranks, places};
use super::models::RUN;
use crate::error::Error;
use crate::topn::{SEED, read_params};
use bespoke_domain::ProductNo;
use bespoke_models::content_similarity::ContentParams;
use bespoke_models::metrics::percentile;
use bespoke_models::recommender::{Ask, Recommender, Scores};
use bespoke_models::seeded::Seeded;
use bespoke_models::sequence::{Sequence, SequenceData, SequenceParams};
use serde::Serialize;
use serde_json::Value;

/// Products taken out for the test: one in so many.
const TEST_SHARE: f64 = 0.2;
/// Products taken out to choose by.
const VALIDATION_SHARE: f64 = 0.1;
/// What content similarity may weigh in the two-tower model.
const WEIGHTS: [f32; 7] = [0.0, 1.0, 2.0, 4.0, 8.0, 12.0, 16.0];
/// Times every knob is turned.
const ROUNDS: usize = 2;
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
    /// Shares of shoppers whose last product was known, with it in the first hundred of all: two-tower, and content
    /// similarity as chosen for ranking among all.
    pub known: [f64; 2],
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
    let to_choose_from = |taken| taken == Taken::Not;
    let to_test_from = |taken| taken != Taken::ToTest;
    let to_choose = cases_of(set.validation(), &taken, |taken| taken == Taken::ToChoose, to_choose_from);
    let to_test = cases_of(set.test(), &taken, |taken| taken == Taken::ToTest, to_test_from);
    let train = |left: &dyn Fn(Taken) -> bool| trained(&set, &taken, left);

    let judge = |model: &Sequence| {
        let side = Side { model, new: &choosing, cases: &to_choose, among: Among::All };
        let rate = rate(&side.two_tower());
        if std::env::var_os("LAB_VERBOSE").is_some() {
            eprintln!("{rate:.4}");
        }
        rate
    };
    let (mut chosen, epochs) = given.fit_judged(&train(&to_choose_from), RUN, judge);
    let tried = |params: &SequenceParams| {
        let mut model = chosen.clone();
        model.weigh_content(params.content_weight, params.content, &set.attributes);
        judge(&model)
    };
    let params = search(SequenceParams { epochs, ..given }, &knobs(), tried).0;
    chosen.weigh_content(params.content_weight, params.content, &set.attributes);
    let fitted = params.fit(&train(&to_test_from), RUN);
    let compare = |among| {
        let choose = Side { model: &chosen, new: &choosing, cases: &to_choose, among };
        let test = Side { model: &fitted, new: &testing, cases: &to_test, among };
        compared(&set, &choose, &test)
    };
    let among_all = compare(Among::All);
    let known = cases_of(set.test(), &taken, to_test_from, to_test_from);
    let known = Side { model: &fitted, new: &testing, cases: &known, among: Among::All };
    Ok(ColdOutcome {
        known: [known.two_tower(), known.content(&set, among_all.content_params)].map(|hits| rate(&hits)),
        among_all,
        among_new: compare(Among::New),
        cases: to_test.answers.len(),
        removed: testing.iter().filter(|removed| **removed).count(),
        params: crate::evaluate::as_written(&params),
    })
}

/// A knob of a model and the values that tuning tries.
type Knob<P> = (Box<dyn Fn(&mut P, f32)>, &'static [f32]);

/// What is turned after the fit.
fn knobs() -> Vec<Knob<SequenceParams>> {
    let weight: Knob<SequenceParams> = (Box::new(|params, value| params.content_weight = value), &WEIGHTS);
    let content = SETTINGS.map(|(turn, values)| -> Knob<SequenceParams> {
        (Box::new(move |params, value| turn(&mut params.content, value)), values)
    });
    std::iter::once(weight).chain(content).collect()
}

/// Coordinate search: every knob to the value with the highest score, [`ROUNDS`] times; what was found, and its score.
fn search<P: Copy + PartialEq>(start: P, knobs: &[Knob<P>], score: impl Fn(&P) -> f64) -> (P, f64) {
    let (mut best, mut most) = (start, score(&start));
    for (turn, values) in (0..ROUNDS).flat_map(|_| knobs) {
        for value in *values {
            let mut tried = best;
            turn(&mut tried, *value);
            if tried == best {
                continue;
            }
            let found = score(&tried);
            if found > most {
                (best, most) = (tried, found);
            }
        }
    }
    (best, most)
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

/// The cases whose answer is `asked` for, with what is `left` of their histories.
fn cases_of(
    cases: Cases,
    taken: &[Taken],
    asked: impl Fn(Taken) -> bool,
    left: impl Fn(Taken) -> bool,
) -> Cases {
    let both = cases.histories.into_iter().zip(cases.answers);
    let mine = both.filter(|(_, answer)| asked(taken[answer.index()]));
    let known = |history: Vec<ProductNo>| {
        history.into_iter().filter(|product| left(taken[product.index()])).collect()
    };
    let (histories, answers) = mine.map(|(history, answer)| (known(history), answer)).unzip();
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
    let knobs = SETTINGS.map(|(turn, values)| -> Knob<ContentParams> { (Box::new(turn), values) });
    let score = |params: &ContentParams| rate(&choose.content(set, *params));
    let (content, most) = search(ContentParams::default(), &knobs, score);
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
