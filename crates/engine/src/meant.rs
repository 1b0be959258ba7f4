//! What a search's words mean beyond themselves, for one decision: limits that results must keep, values that raise those that have
//! them. Which words say what is read by `bespoke-search`; here it meets the catalogue.

use crate::catalog::{Catalog, Number};
use crate::category_tree::CategorySet;
use crate::context::Context;
use bespoke_domain::search::{Search, Understood};
use bespoke_domain::{CategoryNo, ProductNo};
use bespoke_search::analysis::{Kind, Piece, measured};
use bespoke_search::index::Index;
use bespoke_search::query::{self, About, Options, Plan, Planner, What, understand};
use bespoke_search::vocabulary::TermNo;
use std::ops::Range;

/// What having a value that was named adds to a product's score, as a share of it, where the value is as sure as can be.
const VALUE_BOOST: f32 = 0.5;
/// The same of the brand: who names one wants no other.
const BRAND_BOOST: f32 = 3.0;
/// The same of a low or a high price that was asked for, a factor of four from the middle.
const PRICE_BOOST: f32 = 0.5;
/// Digits from which on a number is that of an article.
const ARTICLE_DIGITS_MIN: usize = 5;

/// A query as it is meant.
#[derive(Debug, Default)]
pub struct Meant {
    /// The words to search for.
    pub plan: Plan,
    /// What else was understood, to be shown.
    pub understood: Vec<Understood>,
    /// The words that nothing else was understood of, all where there are none; `None` where no category is to be guessed from them.
    pub open: Option<String>,
    /// Limits of what no product is measured in, which are none.
    pub given_up: Vec<String>,
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
        let language = texts.language_of(&context.request.locale);
        let reading = texts.reading(language);
        // What only who reads another language is shown is not looked for.
        let shown = Some(language).filter(|_| !context.request.locale.is_empty());
        let beside = texts.beside(language, shown.is_none());
        let planner = Planner {
            analyzer: &reading.analyzer,
            vocabulary: index.vocabulary(),
            frequency: &|term| index.frequency_in(term, shown),
            products: index.product_count(),
            synonyms: &reading.synonyms,
            measures: index.measures(),
            beside: &beside,
        };
        let options = Options { is_literal: search.literal };
        let pieces = planner.pieces(&search.text, options);
        let count = |about: &About, text: &str| {
            number_of(catalog, about, text).map_or(0, |tag| context.snapshot.aggregates.content.count(tag))
        };
        let alone = as_words(&pieces, &search.as_words);
        let all = match search.literal {
            true => Vec::new(),
            false => understand(&planner, (texts.values(language), &count), &pieces, &alone),
        };
        let open = open_words(&pieces, &all).filter(|words| !search.literal && !is_taken_back(words, search));
        let mut meant = Self { plan: planner.plan_pieces(&pieces, &all, options), open, ..Self::default() };
        for one in &all {
            meant.take(catalog, index, &pieces, one);
        }
        meant
    }

    fn take(&mut self, catalog: &Catalog, index: &Index, pieces: &[Piece], one: &query::Understood) {
        let words: Vec<&str> =
            pieces[one.pieces.clone()].iter().map(|piece| piece.surface.as_str()).collect();
        let mut shown = Understood {
            text: words.join(" "),
            is_filter: one.is_filter,
            confidence: one.confidence.min(1.0),
            ..Understood::default()
        };
        let money = |bound: &Option<u64>| bound.map(|hundredths| hundredths as f64 / 100.0);
        match &one.what {
            What::Price { at_least, at_most } => {
                shown.bounds = (money(at_least), money(at_most));
                shown.about = "price".to_owned();
                self.limits.push(Limit::Price(shown.bounds.0, shown.bounds.1));
            }
            What::Measure { unit, at_least, at_most, of } => {
                shown.bounds = (*at_least, *at_most);
                shown.about.clone_from(unit);
                let among = with_measure(index, (unit, of), shown.bounds);
                // Where nothing is told in that unit, a limit would hide everything.
                if among.is_empty() && with_measure(index, (unit, &[]), (None, None)).is_empty() {
                    return self.given_up.push(shown.text);
                }
                self.limits.push(Limit::Among(among));
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
                let boost = if value.about == About::Brand { BRAND_BOOST } else { VALUE_BOOST };
                let raised = match &value.about {
                    About::Category => category_of(catalog, &value.text).map(|category| {
                        catalog.category_path(category).clone_into(&mut shown.value);
                        Raised::Within(catalog.with_all_below(&[category]))
                    }),
                    about => number_of(catalog, about, &value.text).map(Raised::Tag),
                };
                self.raised.extend(raised.map(|raised| (boost * one.confidence, raised)));
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

    /// Whether there is no limit to keep.
    pub fn is_plain(&self) -> bool {
        self.limits.is_empty()
    }

    /// Whether a score hangs on what the product is.
    pub fn weighs(&self) -> bool {
        !self.raised.is_empty() || self.prices()
    }

    /// By what a product's score is multiplied; `middle` is the binary logarithm of a usual price among what matches.
    #[inline]
    pub fn factor(&self, catalog: &Catalog, product: ProductNo, middle: f32) -> f32 {
        // What is meant is not looked up in memory where nothing is.
        if !self.weighs() {
            return 1.0;
        }
        let Some(kept) = catalog.kept(product) else { return 1.0 };
        let mut factor = 1.0;
        for (boost, raised) in &self.raised {
            let has = match raised {
                Raised::Tag(tag) => catalog.has_value((product, kept), *tag),
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

/// The words of a query that nothing else was understood of, all where there are none. `None` where they name a category, and where one of
/// them is an article's number: who types that wants that article.
fn open_words(pieces: &[Piece], all: &[query::Understood]) -> Option<String> {
    let is_category =
        |one: &query::Understood| matches!(&one.what, What::Value(value) if value.about == About::Category);
    if all.iter().any(is_category) || pieces.iter().any(is_article) {
        return None;
    }
    let words = |is_open: &dyn Fn(usize) -> bool| {
        let said = pieces.iter().enumerate().filter(|(at, piece)| !piece.readings.is_empty() && is_open(*at));
        said.map(|(_, piece)| piece.surface.as_str()).collect::<Vec<_>>().join(" ")
    };
    let open = words(&|at| !all.iter().any(|one| one.pieces.contains(&at)));
    let text = if open.is_empty() { words(&|_| true) } else { open };
    Some(text).filter(|text| !text.is_empty())
}

/// Whether a piece is the number of an article: letters and digits, or many digits.
fn is_article(piece: &Piece) -> bool {
    let token = piece.readings.first().and_then(|reading| reading.first());
    token.is_some_and(|token| match token.kind {
        Kind::Code => token.term.bytes().any(|byte| byte.is_ascii_digit()),
        Kind::Number => token.term.bytes().filter(u8::is_ascii_digit).count() >= ARTICLE_DIGITS_MIN,
        Kind::Word | Kind::Quantity => false,
    })
}

/// Whether the caller says that words are words and nothing else.
fn is_taken_back(words: &str, search: &Search) -> bool {
    let folded = |part: &String| {
        let words: Vec<String> = part.split_whitespace().map(str::to_lowercase).collect();
        words.join(" ")
    };
    search.as_words.iter().any(|part| folded(part) == words)
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

/// Products with an amount of a unit within bounds: where attributes are named (`of`), of those that have one of them the ones where
/// it is within; of the others, and where none is named, those that say such an amount of anything.
fn with_measure(
    index: &Index,
    (unit, of): (&str, &[String]),
    (from, to): (Option<f64>, Option<f64>),
) -> Vec<ProductNo> {
    let is_within = |amount: f64| from.is_none_or(|from| amount >= from) && to.is_none_or(|to| amount <= to);
    let of_terms = |terms: &mut dyn Iterator<Item = TermNo>| {
        let mut found = Vec::new();
        terms.for_each(|no| index.each_with(no, |product| found.push(product)));
        found.sort_unstable();
        found.dedup();
        found
    };
    let is_said = |text: &str| measured(text).is_some_and(|(amount, own)| own == unit && is_within(amount));
    let said = index.vocabulary().iter().filter(|(_, term)| is_said(&term.text)).map(|(no, _)| no);
    let mut found = of_terms(&mut said.into_iter());
    let measures = index.measures().of(unit);
    let numbers = |is_meant: &dyn Fn(f64) -> bool| {
        let named =
            measures.iter().filter(|measure| of.is_empty() || of.iter().any(|name| name == measure.name));
        let terms: Vec<String> = named.flat_map(|measure| measure.terms(is_meant)).collect();
        of_terms(&mut terms.iter().filter_map(|term| index.vocabulary().get(term)))
    };
    if !of.is_empty() {
        let with_any = numbers(&|_| true);
        found.retain(|product| with_any.binary_search(product).is_err());
    }
    found.extend(numbers(&is_within));
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
