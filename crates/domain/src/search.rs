//! What a search asks for beside what every request says, and what its certificate keeps.

use crate::id::DecisionId;
use serde::{Deserialize, Serialize};

/// Most facets that one request refines by.
pub const REFINEMENTS_MAX: usize = 16;
/// Results that can be paged through.
pub const RESULTS_MAX: usize = 1_000;

/// In which order results come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Sort {
    /// As the placement decides.
    #[default]
    Relevance,
    /// The cheapest first.
    PriceUp,
    /// The dearest first.
    PriceDown,
    /// What was first offered last.
    Newest,
    /// The best rated.
    Rating,
    /// What shoppers deal with most.
    Popular,
}

/// Every order with its wire name.
pub const SORTS: [(Sort, &str); 6] = [
    (Sort::Relevance, "relevance"),
    (Sort::PriceUp, "price_asc"),
    (Sort::PriceDown, "price_desc"),
    (Sort::Newest, "newest"),
    (Sort::Rating, "rating"),
    (Sort::Popular, "popular"),
];

impl Sort {
    /// The order with this wire name.
    pub fn parse(name: &str) -> Option<Self> {
        SORTS.iter().find(|(_, text)| *text == name).map(|(sort, _)| *sort)
    }

    /// The wire name.
    pub fn name(self) -> &'static str {
        SORTS[self as usize].1
    }
}

/// Values of a facet of which results have one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Choice {
    /// One of these values.
    Values(Vec<String>),
    /// A number from the first on and below the second, each where there is one.
    Range(Option<f64>, Option<f64>),
}

/// A facet with what was chosen of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Refinement {
    /// An attribute, `brand`, `category`, `price` or `rating`.
    pub facet: String,
    /// What was chosen.
    pub choice: Choice,
}

/// Where the words of a search stand in the space of a model that the shop has dropped in.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct QueryVector {
    /// The id of the model.
    pub model: String,
    /// Its direction, a byte a number.
    pub bytes: Vec<i8>,
}

/// What a search asks for.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Search {
    /// The words, as they were typed; empty where a whole category is looked at.
    pub text: String,
    /// What was chosen of facets; each facet once.
    pub refinements: Vec<Refinement>,
    /// In which order.
    pub sort: Sort,
    /// Whether the words are meant as they are: nothing is corrected.
    pub literal: bool,
    /// Parts of the text that are words to search for and nothing else: what was understood of them is taken back.
    pub as_words: Vec<String>,
    /// The first result that is wanted, from 0.
    pub from: u32,
    /// What the words mean by the dropped-in model, where there is one that has told in time.
    pub vector: Option<QueryVector>,
    /// The facets that are wanted: those named, by themselves where none is; `None` where facets are not counted.
    pub facets: Option<Vec<String>>,
    /// The page before this one; its order goes on.
    pub after: Option<DecisionId>,
    /// External ids that it and those before it showed: they are not shown again.
    pub shown: Vec<String>,
}

/// What something understood rests on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The words say it.
    #[default]
    Words,
    /// Most of what matches the words is so.
    Matches,
    /// Most of what shoppers dealt with after the same words is so.
    Clicks,
}

/// Every basis with its wire name.
pub const BASES: [(Basis, &str); 3] =
    [(Basis::Words, "words"), (Basis::Matches, "matches"), (Basis::Clicks, "clicks")];

impl Basis {
    /// The wire name.
    pub fn name(self) -> &'static str {
        BASES[self as usize].1
    }
}

/// A part of the text that says more than its words.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Understood {
    /// The part, as it was typed.
    pub text: String,
    /// What it is about: an attribute, `brand`, `category`, `price`, a measure's unit; `without` for what is not wanted.
    pub about: String,
    /// The value, where it names one.
    pub value: String,
    /// Numbers: not less and not more, each where it is said.
    pub bounds: (Option<f64>, Option<f64>),
    /// Whether results must keep it; otherwise it raises those that do.
    pub is_filter: bool,
    /// How sure it is, 0 to 1.
    pub confidence: f32,
    /// What it rests on.
    pub basis: Basis,
}

/// How a search was met.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Met {
    /// Products that match, variants of one product counted once.
    pub total: u32,
    /// The words that were searched for, where they are not those that were typed.
    pub corrected: String,
    /// Words that even the best result lacks: no product has all.
    pub given_up: Vec<String>,
    /// Words that no product has.
    pub unknown: Vec<String>,
    /// Parts of the text that say more than their words.
    pub understood: Vec<Understood>,
    /// The vectors by which results were looked at, as well as by words: the name of their model; empty where none were.
    pub vectors: String,
    /// Products of the total that are close in meaning and lack the words; variants counted once.
    pub by_meaning: u32,
    /// The facets that the results could be narrowed by, in the order in which they were offered.
    pub facets: Vec<String>,
}
