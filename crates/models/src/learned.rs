//! The models that a shop learns from its own log and puts into force: one line each, one type for what was fitted.

use crate::als::{Als, AlsParams};
use crate::ease::{self, Ease, EaseParams};
use crate::embedded::Embedded;
use crate::graph_filter::{GraphFilter, GraphFilterParams};
use crate::item_knn::{ItemKnnParams, Similarity};
use crate::lanes::padded;
use crate::neighbours::Neighbours;
use crate::next_basket::{Mix, NextBasket, NextBasketParams};
use crate::orders::FromOrders;
use crate::ranker::Ranker;
use crate::recommender::{Ask, FitRun, Recommender, Scores};
use crate::sequence::{Sequence, SequenceData, SequenceParams};
use crate::slim::SlimParams;
use crate::text_vectors::{TextData, TextVectors, TextVectorsParams};
use crate::tifu_knn::TifuKnnParams;
use crate::training_set::{History, TrainingSet};
use crate::two_tower::TwoTower;
use bespoke_domain::ProductNo;
use bespoke_domain::settings::ParamSpec;
use serde::{Deserialize, Serialize};

/// What is set of both sequence models.
const SEQUENCE: [ParamSpec; 4] = [
    param("width", "Numbers a vector.", 32.0, (16.0, 256.0)),
    param("epochs", "Times that every shopper is learned from; fewer in a large shop.", 15.0, (1.0, 200.0)),
    param("learning_rate", "Step of learning.", 0.002, (1e-5, 0.05)),
    param("dropout", "Share of values dropped while learning.", 0.4, (0.0, 0.9)),
];
const TWO_TOWER: [ParamSpec; 5] = {
    let [width, epochs, learning_rate, dropout] = SEQUENCE;
    let id_dropout = param("id_dropout", "Share of products known by the catalogue alone.", 0.1, (0.0, 0.9));
    [width, epochs, learning_rate, dropout, id_dropout]
};
/// Products that stand for all others in a step of a sequence model, and shoppers of a step: at most, and in a small shop
/// one in so many, so that there are steps enough.
const NEGATIVES: u32 = 1024;
const BATCH_MAX: usize = 128;
const BATCH_SHARE: usize = 64;
/// Fewest steps that a sequence model learns for, however few shoppers there are; and most events that it is shown, again and
/// again, but for the first time: some two minutes on one core.
const STEPS_MIN: usize = 600;
const SHOWN_MAX: usize = 6_000_000;
/// Most products of a sequence model, and why: see [`LearnedSpec::refuses_above`].
const SEQUENCE_MAX: Option<(usize, &str)> =
    Some((200_000, "each step of learning looks at all of them; slim takes more"));
/// Bytes a product that the linear part of [`crate::next_basket`] may hold while it is fitted.
const BASKET_FIT_BYTES: u64 = 50_000;

/// A fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Learned {
    /// Weights from a product to others.
    Neighbours(Neighbours),
    /// A vector a product.
    Als(Als),
    /// Neighbours and a smooth view of the whole.
    GraphFilter(GraphFilter),
    /// Weights between all products.
    Ease(Ease),
    /// What comes next, by the order of events.
    Sequence(Sequence),
    /// The same, with products known by what the catalogue says.
    TwoTower(TwoTower),
    /// What the next order holds.
    NextBasket(NextBasket),
    /// What becomes of candidates. It recommends nothing.
    Ranker(Box<Ranker>),
    /// What words mean. It recommends nothing.
    TextVectors(TextVectors),
    /// Vectors by a model that the shop has dropped in. It is not learnt and recommends nothing.
    Embedded(Embedded),
}

/// A model's line in the table.
#[derive(Debug)]
pub struct LearnedSpec {
    /// Its name: that of the source or scorer that reads it.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub doc: &'static str,
    /// What may be set of it, and searched for.
    pub params: &'static [ParamSpec],
    /// Fits it with these values of its parameters.
    pub fit: fn(&TrainingSet, &[f64], FitRun) -> Learned,
    /// Bytes that a fit takes at most, roughly.
    pub fit_bytes: fn(&TrainingSet, &[f64]) -> u64,
    /// Whether search reads it, and no source or scorer: it recommends nothing.
    pub is_for_search: bool,
    /// Products above which it is refused, and why.
    pub refuses_above: Option<(usize, &'static str)>,
}

/// Name of the model of words, see [`Learned::TextVectors`].
pub const TEXT_VECTORS: &str = "text_vectors";
/// Names under which vectors by a dropped-in model are in force: of the whole catalogue, and of what came or changed later.
pub const EMBEDDED: [&str; 2] = ["embedded", "embedded_later"];

/// Every model that can be learnt from the log.
pub static LEARNED: [LearnedSpec; 9] = [
    LearnedSpec {
        name: "item_item",
        doc: "Products that the same shoppers deal with, by RP3β.",
        params: &[
            param("alpha", "Power of the steps of a walk.", 0.57, (0.1, 2.0)),
            param("beta", "How much what many deal with is held down.", 0.3, (0.0, 1.0)),
            param("neighbours", "Products kept for each.", 100.0, (10.0, 1_000.0)),
        ],
        fit: |data, values, run| Learned::Neighbours(item_item(values).fit(&data.interactions, run)),
        fit_bytes: |data, values| item_item(values).fit_bytes(&data.interactions),
        is_for_search: false,
        refuses_above: None,
    },
    LearnedSpec {
        name: "slim",
        doc: "Each product predicted from the few most like it, by least squares.",
        params: &[
            param("candidates", "Products that each is predicted from.", 100.0, (10.0, 400.0)),
            param("regularization", "How small weights are kept.", 50.0, (0.1, 10_000.0)),
            param("busy", "How much less a shopper of many products counts.", 0.4, (0.0, 1.0)),
        ],
        fit: |data, values, run| Learned::Neighbours(slim(values).fit(&data.interactions, run)),
        fit_bytes: |data, values| slim(values).fit_bytes(&data.interactions),
        is_for_search: false,
        refuses_above: None,
    },
    LearnedSpec {
        name: "als",
        doc: "A vector of tastes for each product, by implicit alternating least squares.",
        params: &[
            param("factors", "Numbers a vector.", 64.0, (8.0, 512.0)),
            param("sweeps", "Times that both sides are solved.", 8.0, (1.0, 50.0)),
            param("regularization", "How short vectors are kept.", 0.003, (1e-5, 1.0)),
            param(
                "unobserved",
                "What a pair that was not observed counts, in a shop of up to 10,000 products.",
                0.03,
                (1e-4, 1.0),
            ),
        ],
        fit: |data, values, run| Learned::Als(als(values, data).fit(&data.interactions, run)),
        fit_bytes: |data, values| als(values, data).fit_bytes(&data.interactions),
        is_for_search: false,
        refuses_above: None,
    },
    LearnedSpec {
        name: "graph_filter",
        doc: "Neighbours, and what the whole graph of shoppers and products has in common, by its singular vectors.",
        params: &[
            param("neighbours", "Products kept for each.", 200.0, (10.0, 1_000.0)),
            param("factors", "Singular vectors.", 128.0, (8.0, 512.0)),
            param("smooth", "What they count beside the neighbours.", 0.6, (0.0, 5.0)),
            param("busy", "How much less a shopper of many products counts.", 0.6, (0.0, 1.0)),
            param("source", "How much less having had what many have counts.", 0.7, (0.0, 1.0)),
            param("target", "How much what many have is held down.", 0.3, (0.0, 1.0)),
        ],
        fit: |data, values, run| Learned::GraphFilter(graph_filter(values).fit(&data.interactions, run)),
        fit_bytes: |data, values| {
            let vectors = (data.interactions.row_count() + 3 * data.product_count()) as u64;
            let neighbours = 12 * values[0] as u64 * data.product_count() as u64;
            3 * 24 * data.interactions.len() as u64 + neighbours + 4 * (values[1] as u64 + 16) * vectors
        },
        is_for_search: false,
        refuses_above: None,
    },
    LearnedSpec {
        name: "ease",
        doc: "Each product predicted from all others, by least squares in closed form.",
        params: &[param("regularization", "How small weights are kept.", 200.0, (1.0, 100_000.0))],
        fit: |data, values, run| Learned::Ease(ease(values, data, run)),
        fit_bytes: |data, _| {
            let width = padded(data.product_count()) as u64;
            24 * data.interactions.len() as u64 + 4 * width * (width + 3 * 128)
        },
        is_for_search: false,
        refuses_above: Some((ease::PRODUCTS_MAX, "its weights are the square of them; slim takes more")),
    },
    LearnedSpec {
        name: "sequence",
        doc: "What comes next, from the order of the last events, by self-attention.",
        params: &SEQUENCE,
        fit: |data, values, run| {
            let (sequences, product_count) = (sequences(data), data.product_count());
            let params = sequence(values, &sequences);
            let attributes = crate::interactions::Interactions::new([[]; 0]);
            Learned::Sequence(params.fit(&SequenceData { sequences, product_count, attributes }, run))
        },
        fit_bytes: sequence_bytes,
        is_for_search: false,
        refuses_above: SEQUENCE_MAX,
    },
    LearnedSpec {
        name: "two_tower",
        doc: "What comes next, with products known by what the catalogue says of them too: new ones at once.",
        params: &TWO_TOWER,
        fit: |data, values, run| {
            let sequences = sequences(data);
            let params = SequenceParams { id_dropout: values[4] as f32, ..sequence(values, &sequences) };
            let products = (data.product_count(), &data.attributes[..]);
            Learned::TwoTower(TwoTower::fit(&params, sequences, products, run))
        },
        fit_bytes: sequence_bytes,
        is_for_search: false,
        refuses_above: SEQUENCE_MAX,
    },
    LearnedSpec {
        name: "next_basket",
        doc: "What the next order holds: what the shopper reorders, and what shoppers alike buy.",
        params: &[
            param("neighbours", "Shoppers alike that are looked at.", 300.0, (10.0, 2_000.0)),
            param("own", "Share of the own habits.", 0.6, (0.0, 1.0)),
            param("repeat", "What counts that was bought before, against new products.", 9.0, (0.0, 100.0)),
            param("rebuy", "How much what is seldom bought again is held down.", 0.3, (0.0, 2.0)),
            param("linear", "What goes with what was bought, against shoppers alike.", 0.3, (0.0, 10.0)),
        ],
        fit: |data, values, run| Learned::NextBasket(next_basket(values).fit(&data.orders, run)),
        fit_bytes: |data, _| {
            let bought: usize = data.orders.shoppers().iter().flatten().map(Vec::len).sum();
            let linear = BASKET_FIT_BYTES * data.product_count() as u64;
            100 * bought as u64 + linear
        },
        is_for_search: false,
        refuses_above: None,
    },
    LearnedSpec {
        name: TEXT_VECTORS,
        doc: "What words mean, from the shop's own texts and what shoppers asked with: search finds by it what stands in other words.",
        params: &[
            param("width", "Numbers a vector.", 128.0, (16.0, 512.0)),
            param(
                "asked",
                "What a word counts that shoppers asked with, against 1 of the text.",
                1.0,
                (0.0, 10.0),
            ),
        ],
        fit: |data, values, run| {
            Learned::TextVectors(with_texts(data, |texts| text_vectors(values).fit(texts, run)))
        },
        fit_bytes: |data, values| with_texts(data, |texts| text_vectors(values).fit_bytes(texts)),
        is_for_search: true,
        refuses_above: None,
    },
];

const fn param(name: &'static str, doc: &'static str, default: f64, range: (f64, f64)) -> ParamSpec {
    ParamSpec { name, doc, default, range }
}

fn text_vectors(values: &[f64]) -> TextVectorsParams {
    TextVectorsParams { width: values[0] as u32, asked: values[1] as f32, ..TextVectorsParams::default() }
}

/// Gives what products say to `read`, or nought where nobody asked for it.
fn with_texts<T: Default>(data: &TrainingSet, read: impl FnOnce(&TextData<'_>) -> T) -> T {
    let Some(texts) = &data.texts else { return T::default() };
    let words: Vec<&str> = texts.words.iter().map(String::as_str).collect();
    read(&TextData { words: &words, texts: &texts.texts, asked: Some(&texts.asked) })
}

fn item_item(values: &[f64]) -> ItemKnnParams {
    let similarity = Similarity::Rp3Beta { alpha: values[0] as f32, beta: values[1] as f32 };
    ItemKnnParams { similarity, neighbours_max: values[2] as u32 }
}

fn slim(values: &[f64]) -> SlimParams {
    SlimParams {
        candidates_max: values[0] as u32,
        regularization: values[1] as f32,
        busy: values[2] as f32,
        ..SlimParams::default()
    }
}

/// Products of a shop from which on a pair that was not observed counts less, so that all of a shopper's count the same together.
/// Their sum grows with the catalogue, what was observed does not: at a million products it would drown.
const UNOBSERVED_PRODUCTS: f64 = 10_000.0;

fn als(values: &[f64], data: &TrainingSet) -> AlsParams {
    let share = (UNOBSERVED_PRODUCTS / data.product_count().max(1) as f64).min(1.0);
    AlsParams {
        factors: values[0] as u32,
        sweeps: values[1] as u32,
        regularization: values[2] as f32,
        unobserved: (share * values[3]) as f32,
        ..AlsParams::default()
    }
}

fn graph_filter(values: &[f64]) -> GraphFilterParams {
    let [smooth, busy, source, target] = [2, 3, 4, 5].map(|at| values[at] as f32);
    let (neighbours_max, factors) = (values[0] as u32, values[1] as u32);
    GraphFilterParams { neighbours_max, factors, smooth, busy, source, target }
}

/// Empty where it is refused, which [`LearnedSpec::refusal`] says before.
fn ease(values: &[f64], data: &TrainingSet, run: FitRun) -> Ease {
    EaseParams { regularization: values[0] as f32 }.fit(&data.interactions, run).unwrap_or_default()
}

fn sequence(values: &[f64], sequences: &[Vec<ProductNo>]) -> SequenceParams {
    let defaults = SequenceParams::default();
    let width = values[0] as u32;
    let batch = (sequences.len() / BATCH_SHARE).clamp(8, BATCH_MAX);
    let steps = sequences.len().div_ceil(batch).max(1);
    let shown: usize = sequences.iter().map(|events| events.len().min(defaults.reach as usize)).sum();
    let epochs = (values[1] as usize).max(STEPS_MIN.div_ceil(steps)).min(SHOWN_MAX / shown.max(1)).max(1);
    SequenceParams {
        width,
        inner: 2 * width,
        epochs: epochs as u32,
        learning_rate: values[2] as f32,
        dropout: values[3] as f32,
        negatives: NEGATIVES,
        batch: batch as u32,
        ..defaults
    }
}

/// Numbers of a weight, its slope and Adam's two means, of vectors of products and values twice more; and what a batch holds.
fn sequence_bytes(data: &TrainingSet, values: &[f64]) -> u64 {
    let events: usize = data.sequences.iter().map(Vec::len).sum();
    let keys: usize = data.attributes.iter().map(Vec::len).sum();
    let vectors = 2 * data.product_count() as u64;
    (64 << 20) + 8 * events as u64 + 40 * keys as u64 + 4 * 7 * padded(values[0] as usize) as u64 * vectors
}

fn next_basket(values: &[f64]) -> NextBasketParams {
    let [own, repeat, rebuy, linear] = [1, 2, 3, 4].map(|at| values[at] as f32);
    let habits = TifuKnnParams { neighbours: values[0] as u32, own, ..TifuKnnParams::default() };
    NextBasketParams { habits, mix: Mix { repeat, rebuy, linear }, ..NextBasketParams::default() }
}

/// Shoppers' products in their order, an act after an act with the same product left out.
fn sequences(data: &TrainingSet) -> Vec<Vec<ProductNo>> {
    data.sequences.iter().map(|events| without_repeats(events)).collect()
}

fn without_repeats(events: &[ProductNo]) -> Vec<ProductNo> {
    let mut events = events.to_vec();
    events.dedup();
    events
}

impl LearnedSpec {
    /// The values of its parameters: those given by name, within their ranges, and the defaults of the others.
    pub fn values(&self, given: &[(String, f64)]) -> Vec<f64> {
        self.params.iter().map(|param| param.value(given)).collect()
    }

    /// Why it cannot be fitted to a shop of so many products; `None` where it can.
    pub fn refusal(&self, product_count: usize) -> Option<String> {
        let (most, why) = self.refuses_above.filter(|(most, _)| product_count > *most)?;
        Some(format!("it takes at most {most} products, not {product_count}: {why}"))
    }
}

impl Learned {
    /// The best products for a shopper, but for `excluded`, best first.
    pub fn recommend(
        &self,
        history: &History,
        excluded: &[ProductNo],
        limit: usize,
        scratch: &mut Scores,
    ) -> Vec<(f32, ProductNo)> {
        let plain = |model: &dyn Recommender, history: &[(ProductNo, f32)], scratch: &mut Scores| {
            model.recommend(&Ask { history, excluded, limit }, scratch)
        };
        let events = || without_repeats(&history.events);
        match self {
            Self::Neighbours(model) => plain(model, &history.weights, scratch),
            Self::Als(model) => plain(model, &history.weights, scratch),
            Self::GraphFilter(model) => plain(model, &history.weights, scratch),
            Self::Ease(model) => plain(model, &history.weights, scratch),
            Self::Sequence(model) => model.nearest(&events(), excluded, limit, scratch),
            Self::TwoTower(model) => model.nearest(&events(), excluded, limit, scratch),
            Self::NextBasket(model) => plain(model, &model.history(&history.orders), scratch),
            Self::Ranker(_) | Self::TextVectors(_) | Self::Embedded(_) => Vec::new(),
        }
    }

    /// Bytes that it takes in memory.
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::Neighbours(model) => model.size_bytes(),
            Self::Als(model) => model.size_bytes(),
            Self::GraphFilter(model) => model.size_bytes(),
            Self::Ease(model) => model.size_bytes(),
            Self::Sequence(model) => model.size_bytes(),
            Self::TwoTower(model) => model.size_bytes(),
            Self::NextBasket(model) => model.size_bytes(),
            Self::Ranker(model) => model.size_bytes(),
            Self::TextVectors(model) => model.size_bytes(),
            Self::Embedded(model) => model.size_bytes(),
        }
    }

    /// How much `from` alone speaks for `to`; nought for models that look at more than one product at a time.
    pub fn closeness(&self, from: ProductNo, to: ProductNo) -> f32 {
        match self {
            Self::Neighbours(model) => {
                let (columns, weights) = model.row(from);
                columns.binary_search(&to.0).map_or(0.0, |at| weights[at])
            }
            Self::Als(model) => model.closeness(from, to),
            Self::GraphFilter(model) => model.closeness(from, to),
            Self::Ease(model) => model.weight(from, to),
            Self::Sequence(_)
            | Self::TwoTower(_)
            | Self::NextBasket(_)
            | Self::Ranker(_)
            | Self::TextVectors(_)
            | Self::Embedded(_) => 0.0,
        }
    }

    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Neighbours(model) => model.is_sound(),
            Self::Als(model) => model.is_sound(),
            Self::GraphFilter(model) => model.is_sound(),
            Self::Ease(model) => model.is_sound(),
            Self::Sequence(model) => model.is_sound(),
            Self::TwoTower(model) => model.is_sound(),
            Self::NextBasket(model) => model.is_sound(),
            Self::Ranker(model) => model.is_sound(),
            Self::TextVectors(model) => model.is_sound(),
            Self::Embedded(model) => model.is_sound(),
        }
    }

    /// Whether a product that came after the fit is to be shown to [`Learned::introduce`].
    pub fn wants(&self, product: ProductNo) -> bool {
        matches!(self, Self::TwoTower(model) if !model.sequence().is_fitted(product))
    }

    /// Makes a product that came after the fit known, by the keys of its attribute values as they are now. What was said of it
    /// before is forgotten. A copy made before does not change.
    pub fn introduce(&mut self, product: ProductNo, keys: &[u32]) {
        if let Self::TwoTower(model) = self {
            model.introduce(product, keys);
        }
    }
}
