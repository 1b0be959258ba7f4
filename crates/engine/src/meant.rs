//! What a search's words mean beyond themselves, for one decision: limits that results must keep, values that raise those that have
//! them. Which words say what is read by `bespoke-search`; here it meets the catalogue.

use crate::catalog::{Catalog, Number};
use crate::category_tree::CategorySet;
use crate::context::Context;
use bespoke_domain::search::{Search, Understood};
use bespoke_domain::{CategoryNo, ProductNo};
use bespoke_search::analysis::{Piece, measured};
use bespoke_search::index::Index;
use bespoke_search::query::{self, About, Options, Plan, Planner, What, understand};
use std::ops::Range;

/// By what a product's score is multiplied that has a value that was named, as sure as can be.
const VALUE_BOOST: f32 = 0.5;
/// The same of a low or a high price that was asked for, a factor of four from the middle.
const PRICE_BOOST: f32 = 0.5;

/// A query as it is meant.
#[derive(Debug, Default)]
pub struct Meant {
    /// The words to search for.
    pub plan: Plan,
    /// What else was understood, to be shown.
    pub understood: Vec<Understood>,
    limits: Vec<Limit>,
    raised: Vec<(f32, Raised)>,
    /// 1 where a high price is asked for, -1 where a low one is.
    price_sign: f32,
}

/// What results must keep.
#[derive(Debug)]
enum Limit {
    Price(Option<f64>, Option<f64>),
    /// One of these products, by number.
    Among(Vec<ProductNo>),
    /// None of these.
    NotAmong(Vec<ProductNo>),
}

/// What raises a product.
#[derive(Debug)]
enum Raised {
    Tag(u32),
    /// One of these categories.
    Within(CategorySet),
}

impl Meant {
    /// Reads a search's text.
    pub fn new(context: &Context<'_>, search: &Search) -> Self {
        let (catalog, texts) = (&context.snapshot.aggregates.catalog, &context.snapshot.aggregates.texts);
        let index = &texts.index;
        let planner = Planner {
            analyzer: &texts.analyzer,
            vocabulary: index.vocabulary(),
            frequency: &|term| index.frequency(term),
            products: index.product_count(),
            synonyms: &texts.synonyms,
        };
        let options = Options { is_literal: search.literal, ..Options::default() };
        let pieces = planner.pieces(&search.text);
        let count = |about: &About, text: &str| {
            number_of(catalog, about, text).map_or(0, |tag| context.snapshot.aggregates.content.count(tag))
        };
        let alone = as_words(&pieces, &search.as_words);
        let all = match search.literal {
            true => Vec::new(),
            false => understand(&planner, (&texts.values, &count), &pieces, &alone),
        };
        let mut meant = Self { plan: planner.plan_pieces(&pieces, &all, options), ..Self::default() };
        for one in &all {
            meant.take(catalog, index, &pieces, one);
        }
        meant
    }

    fn take(&mut self, catalog: &Catalog, index: &Index, pieces: &[Piece], one: &query::Understood) {
        let words: Vec<&str> =
            pieces[one.pieces.clone()].iter().map(|piece| piece.surface.as_str()).collect();
        let mut shown =
            Understood { text: words.join(" "), is_filter: one.is_filter, ..Understood::default() };
        let money = |bound: &Option<u64>| bound.map(|hundredths| hundredths as f64 / 100.0);
        match &one.what {
            What::Price { at_least, at_most } => {
                shown.bounds = (money(at_least), money(at_most));
                shown.about = "price".to_owned();
                self.limits.push(Limit::Price(shown.bounds.0, shown.bounds.1));
            }
            What::Measure { unit, at_least, at_most } => {
                shown.bounds = (*at_least, *at_most);
                shown.about.clone_from(unit);
                self.limits.push(Limit::Among(with_measure(index, unit, shown.bounds)));
            }
            What::Without(terms) => {
                shown.about = "without".to_owned();
                shown.value = terms.join(" ");
                shown.is_filter = true;
                self.limits.push(Limit::NotAmong(with_terms(index, terms)));
            }
            What::Cheap | What::Premium => {
                shown.about = "price".to_owned();
                self.price_sign = if one.what == What::Cheap { -1.0 } else { 1.0 };
            }
            What::Value(value) => {
                shown.about = match &value.about {
                    About::Brand => "brand".to_owned(),
                    About::Category => "category".to_owned(),
                    About::Attribute(name) => name.clone(),
                };
                shown.value.clone_from(&value.text);
                let raised = match &value.about {
                    About::Category => category_of(catalog, &value.text)
                        .map(|category| Raised::Within(catalog.with_all_below(&[category]))),
                    about => number_of(catalog, about, &value.text).map(Raised::Tag),
                };
                self.raised.extend(raised.map(|raised| {
                    (
                        bespoke_search::knob(
                            if matches!(value.about, About::Brand) { "BRAND" } else { "VALUE" },
                            VALUE_BOOST,
                        ) * libm::powf(one.confidence, bespoke_search::knob("CONF", 1.0)),
                        raised,
                    )
                }));
            }
        }
        self.understood.push(shown);
    }

    /// Whether a product keeps every limit.
    pub fn allows(&self, context: &Context<'_>, product: ProductNo) -> bool {
        let price =
            || context.snapshot.aggregates.catalog.number(product, Number::Price, context.request.now);
        self.limits.iter().all(|limit| match limit {
            Limit::Price(from, to) => price().is_some_and(|price| {
                from.is_none_or(|from| price >= from) && to.is_none_or(|to| price <= to)
            }),
            Limit::Among(list) => list.binary_search(&product).is_ok(),
            Limit::NotAmong(list) => list.binary_search(&product).is_err(),
        })
    }

    /// Whether a usual price is looked at.
    pub fn prices(&self) -> bool {
        self.price_sign != 0.0
    }

    /// By what a product's score is multiplied; `middle` is the binary logarithm of a usual price among what matches.
    pub fn factor(&self, catalog: &Catalog, product: ProductNo, middle: f32) -> f32 {
        if self.raised.is_empty() && !self.prices() {
            return 1.0;
        }
        let Some(kept) = catalog.kept(product) else { return 1.0 };
        let mut factor = 1.0;
        for (boost, raised) in &self.raised {
            let has = match raised {
                Raised::Tag(tag) => catalog.has_value(product, *tag),
                Raised::Within(categories) => categories.contains(kept.category),
            };
            factor *= if has { 1.0 + boost } else { 1.0 };
        }
        if self.prices() && kept.octave.is_finite() {
            let off = ((kept.octave - middle) / 2.0).clamp(-1.0, 1.0);
            factor *= 1.0 + PRICE_BOOST * self.price_sign * off;
        }
        factor
    }
}

/// The tag of a value.
fn number_of(catalog: &Catalog, about: &About, text: &str) -> Option<u32> {
    match about {
        About::Brand => catalog.tag("brand", text),
        About::Category => catalog.tag("category", text),
        About::Attribute(name) => catalog.tag(name, text),
    }
}

/// The category whose path is written so, in lower case.
fn category_of(catalog: &Catalog, path: &str) -> Option<CategoryNo> {
    let mut all = (0..catalog.category_count() as u32).map(CategoryNo);
    all.find(|category| catalog.category_path(*category).to_lowercase() == path)
}

/// Where parts of the text stand that are words and nothing else.
fn as_words(pieces: &[Piece], parts: &[String]) -> Vec<Range<usize>> {
    let mut alone = Vec::new();
    for part in parts {
        let words: Vec<String> = part.split_whitespace().map(str::to_lowercase).collect();
        // A number in words is one piece of several.
        let end = |at: usize| {
            let mut left = words.as_slice();
            let mut end = at;
            while let Some(piece) = pieces.get(end).filter(|_| !left.is_empty()) {
                let own: Vec<String> = piece.surface.split(' ').map(str::to_owned).collect();
                left = left.strip_prefix(own.as_slice())?;
                end += 1;
            }
            (left.is_empty() && end > at).then_some(at..end)
        };
        alone.extend((0..pieces.len()).filter_map(end));
    }
    alone
}

/// Products with an amount of a unit within bounds.
fn with_measure(index: &Index, unit: &str, (from, to): (Option<f64>, Option<f64>)) -> Vec<ProductNo> {
    let is_within = |amount: f64| from.is_none_or(|from| amount >= from) && to.is_none_or(|to| amount <= to);
    let mut found = Vec::new();
    for (no, term) in index.vocabulary().iter().filter(|(_, term)| term.text.starts_with('=')) {
        if measured(&term.text).is_some_and(|(amount, own)| own == unit && is_within(amount)) {
            index.each_with(no, |product| found.push(product));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Products in which all terms stand outside their descriptions.
fn with_terms(index: &Index, terms: &[String]) -> Vec<ProductNo> {
    let mut lists = terms.iter().map(|term| {
        let mut list = Vec::new();
        if let Some(no) = index.vocabulary().get(term) {
            index.each_with(no, |product| list.push(product));
        }
        list
    });
    let first = lists.next().unwrap_or_default();
    lists.fold(first, |held, list| held.into_iter().filter(|one| list.binary_search(one).is_ok()).collect())
}
