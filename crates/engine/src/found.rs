//! What a search finds, for one decision: every product that matches the words, or stands in the category, and may be shown; the
//! best of them for the decision to put in order; how many there are. Counts are of products: variants of one count once.
//!
//! Where vectors are in force they are fused with the words (`fused`); where words are missing, the products nearest in meaning are results
//! too.

use crate::catalog::{Catalog, Number, Row};
use crate::context::Context;
use crate::meaning::{Said, Sense};
use crate::meant::Meant;
use crate::rule;
use crate::tables::PlannedPlacement;
use crate::variants::is_lone;
use bespoke_domain::search::{Choice, Met, RESULTS_MAX, Refinement, Search, Sort};
use bespoke_domain::{Candidate, CategoryNo, GroupNo, ProductNo};
use bespoke_search::matching::{Hit, Weights, matches};
use bespoke_search::query::Plan;
use bespoke_search::ranking::{self, Ranked};

/// Products that cover the query whole, below which it is relaxed.
const ENOUGH: usize = 20;

/// Results that are close in meaning, at most.
const NEAR_MAX: usize = 200;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The best first, at most [`RESULTS_MAX`]; scores are above 0.
    pub best: Vec<(f32, ProductNo)>,
    /// All that match and may be shown, by number, with the refinements that each fails, a bit each by their order.
    pub matched: Vec<(ProductNo, u16)>,
    /// Results that are close in meaning and lack the words, by number.
    near: Vec<ProductNo>,
    /// How the search was met.
    pub met: Met,
    /// What it is narrowed by.
    refinements: Vec<Wanted>,
}

impl Found {
    /// Looks for what `search` asks for.
    pub fn new(context: &Context<'_>, planned: &PlannedPlacement, search: &Search) -> Self {
        let gate = Gate::new(context, planned, search);
        let (hits, meant) = if search.text.trim().is_empty() {
            (browsed(context), Meant::default())
        } else {
            searched(context, search)
        };
        let mut failed = Vec::new();
        let mut open = Vec::with_capacity(hits.len());
        for hit in hits {
            if let Some(fails) = gate.fails(context, hit.product)
                && meant.allows(context, hit.product)
            {
                open.push(hit);
                failed.push(fails);
            }
        }
        if meant.raises() {
            raise(context, &meant, &mut open);
        }
        let (index, plan) = (&context.snapshot.aggregates.texts.index, &meant.plan);
        let weights = Weights::default();
        let passing = open.iter().zip(&failed).map(|(hit, fails)| (*hit, *fails == 0));
        let ranked = ranking::rank(index, plan, &weights, passing, ENOUGH);
        let mut matched: Vec<(ProductNo, u16)> = open
            .iter()
            .zip(&failed)
            .filter(|(hit, _)| ranked.covers(hit.words))
            .map(|(hit, fails)| (hit.product, *fails))
            .collect();
        let said = Said { search, plan, covered: ranked.covered, skipped: &context.request.skipped };
        let sense = context.snapshot.models.meanings.sense(&said, &context.snapshot.aggregates.texts);
        let catalog = &context.snapshot.aggregates.catalog;
        let total = |matched: &[(ProductNo, u16)]| {
            let passing = matched.iter().filter(|(_, fails)| *fails == 0);
            count_groups(catalog, passing.map(|(product, _)| *product))
        };
        let by_words = total(&matched);
        let mut met = Met {
            total: by_words,
            corrected: plan.corrected().unwrap_or_default(),
            given_up: words(plan, ranked.given_up),
            unknown: words(plan, ranked.unknown),
            ..Met::default()
        };
        let mut meaning = Meaning::default();
        if let Some(sense) = sense {
            let is_open = |product| gate.fails(context, product).filter(|_| meant.allows(context, product));
            meaning = Meaning::new(sense, &ranked, &open, &matched, is_open);
            matched.extend(meaning.added.iter().map(|one| (one.hit.product, one.fails)));
            matched.sort_unstable_by_key(|one| one.0);
            met.total = if meaning.added.is_empty() { by_words } else { total(&matched) };
            met.by_meaning = met.total - by_words;
            meaning.sense.as_ref().map_or("", |sense| sense.name).clone_into(&mut met.vectors);
        }
        met.understood = meant.understood;
        let best = best(context, search, &matched, |limit| meaning.fused(ranked, limit));
        let near = meaning.added.iter().map(|one| one.hit.product).collect();
        Self { best, matched, near, met, refinements: gate.refinements }
    }

    /// Whether a result lacks the words and is close in meaning.
    pub fn is_near(&self, product: ProductNo) -> bool {
        self.near.binary_search(&product).is_ok()
    }

    /// Whether a candidate is as the search is narrowed.
    pub fn is_refined(&self, context: &Context<'_>, candidate: Candidate, row: &Row) -> bool {
        let Candidate::Product(product) = candidate else { return self.refinements.is_empty() };
        self.refinements.iter().all(|one| one.holds(context, product, row))
    }
}

fn words(plan: &Plan, which: u16) -> Vec<String> {
    let named = plan.words.iter().enumerate().filter(|(no, _)| which >> no & 1 == 1);
    named.map(|(_, word)| word.corrected.as_ref().unwrap_or(&word.surface).clone()).collect()
}

fn searched(context: &Context<'_>, search: &Search) -> (Vec<Hit>, Meant) {
    let meant = Meant::new(context, search);
    let mut hits = Vec::new();
    let index = &context.snapshot.aggregates.texts.index;
    matches(index, &meant.plan, &Weights::default(), &mut hits);
    if meant.plan.groups.is_empty() && !meant.understood.is_empty() {
        // Nothing but limits: all that keep them.
        let all = (0..index.row_count()).map(ProductNo);
        hits = all.map(|product| Hit { product, score: 1.0, words: 0 }).collect();
    }
    (hits, meant)
}

/// Raises what has what was named; a usual price is that of the hit in the middle.
fn raise(context: &Context<'_>, meant: &Meant, hits: &mut [Hit]) {
    let catalog = &context.snapshot.aggregates.catalog;
    let middle = if meant.prices() { usual_octave(catalog, hits) } else { 0.0 };
    for hit in hits {
        hit.score *= meant.factor(catalog, hit.product, middle);
    }
}

/// The binary logarithm of the price in the middle; 0 without prices.
fn usual_octave(catalog: &Catalog, hits: &[Hit]) -> f32 {
    let octaves = hits.iter().filter_map(|hit| catalog.row(hit.product)).map(|row| row.octave);
    let mut octaves: Vec<f32> = octaves.filter(|octave| octave.is_finite()).collect();
    let half = octaves.len() / 2;
    if octaves.is_empty() { 0.0 } else { *octaves.select_nth_unstable_by(half, f32::total_cmp).1 }
}

/// Everything in the page's category and below it.
fn browsed(context: &Context<'_>) -> Vec<Hit> {
    let aggregates = &context.snapshot.aggregates;
    if context.category.0 == 0 {
        return Vec::new();
    }
    let below = aggregates.catalog.with_all_below(&[context.category]);
    let categories =
        (0..aggregates.catalog.category_count() as u32).map(CategoryNo).filter(|no| below.contains(*no));
    let products = categories.flat_map(|no| aggregates.members.of(no));
    let mut hits: Vec<Hit> = products.map(|product| Hit { product, score: 1.0, words: 0 }).collect();
    hits.sort_unstable_by_key(|hit| hit.product);
    hits
}

/// Different products among rows.
fn count_groups(catalog: &Catalog, rows: impl Iterator<Item = ProductNo>) -> u32 {
    let mut lone = 0;
    let mut named: Vec<GroupNo> = Vec::new();
    for row in rows.filter_map(|product| catalog.row(product)) {
        if is_lone(row.group) {
            lone += 1;
        } else {
            named.push(row.group);
        }
    }
    named.sort_unstable();
    named.dedup();
    lone + named.len() as u32
}

/// The best of what matches and fails no refinement, in the order that is asked for.
fn best(
    context: &Context<'_>,
    search: &Search,
    matched: &[(ProductNo, u16)],
    by_relevance: impl FnOnce(usize) -> Vec<(f32, ProductNo)>,
) -> Vec<(f32, ProductNo)> {
    let aggregates = &context.snapshot.aggregates;
    let (catalog, now) = (&aggregates.catalog, context.request.now);
    let known = |product, number| catalog.number(product, number, now).map(|value| value as f32);
    let value = |product: ProductNo| match search.sort {
        Sort::Relevance | Sort::Popular => None,
        Sort::PriceUp => known(product, Number::Price).map(|price| -price),
        Sort::PriceDown => known(product, Number::Price),
        Sort::Newest => known(product, Number::AgeDays).map(|age| -age),
        Sort::Rating => known(product, Number::Rating),
    };
    let popularity = |product: ProductNo| aggregates.popularity.score(product, now) as f32;
    if search.sort == Sort::Relevance && !search.text.trim().is_empty() {
        return by_relevance(RESULTS_MAX);
    }
    let passing = matched.iter().filter(|(_, fails)| *fails == 0).map(|(product, _)| *product);
    let mut all: Vec<(f32, ProductNo)> = match search.sort {
        Sort::Relevance | Sort::Popular => passing.map(|one| (popularity(one), one)).collect(),
        _ => passing.map(|one| (value(one).unwrap_or(f32::NEG_INFINITY), one)).collect(),
    };
    let by_value = |a: &(f32, ProductNo), b: &(f32, ProductNo)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if all.len() > RESULTS_MAX {
        all.select_nth_unstable_by(RESULTS_MAX, by_value);
        all.truncate(RESULTS_MAX);
    }
    all.sort_unstable_by(by_value);
    let count = all.len().max(1) as f32;
    // Only the order counts: places become scores.
    (0..).zip(all).map(|(place, (_, product))| (1.0 - place as f32 / (count + 1.0), product)).collect()
}

/// What vectors say beside words.
#[derive(Default)]
struct Meaning<'a> {
    sense: Option<Sense<'a>>,
    /// How much of what is asked words say.
    covered: f32,
    /// Results that lack the words, by number.
    added: Vec<Near>,
    /// Other results that are close in meaning, with what their words are worth.
    results: Vec<Hit>,
}

/// A product that is close in meaning.
struct Near {
    /// With what its words are worth.
    hit: Hit,
    /// The refinements that it fails.
    fails: u16,
}

impl<'a> Meaning<'a> {
    /// Where words are missing, the nearest products that may be shown. Which those are depends on no refinement: each is looked for among
    /// the same [`NEAR_MAX`] nearest of the shop.
    fn new(
        sense: Sense<'a>,
        ranked: &Ranked,
        open: &[Hit],
        matched: &[(ProductNo, u16)],
        is_open: impl Fn(ProductNo) -> Option<u16>,
    ) -> Self {
        let (covered, mut added, mut results) = (ranked.covered, Vec::new(), Vec::new());
        let near = if sense.is_missing { sense.nearest(NEAR_MAX) } else { Vec::new() };
        for (_, product) in near {
            let held = open.binary_search_by_key(&product, |hit| hit.product).ok().map(|at| open[at]);
            let hit = held.unwrap_or(Hit { product, score: 0.0, words: 0 });
            let hit = Hit { score: ranked.score(&hit), ..hit };
            match matched.binary_search_by_key(&product, |one| one.0) {
                Ok(at) if matched[at].1 == 0 => results.push(hit),
                Ok(_) => {}
                Err(_) => added.extend(is_open(product).map(|fails| Near { hit, fails })),
            }
        }
        added.sort_unstable_by_key(|one| one.hit.product);
        Self { sense: Some(sense), covered, added, results }
    }

    /// The best in order: `c L / max L + (base + missing (1 - c)) S / max S`, L what the words are worth, S the cosine, c how much of
    /// what is asked words say. Of those with all words the best by words are looked at.
    fn fused(&self, ranked: Ranked, limit: usize) -> Vec<(f32, ProductNo)> {
        let mut hits = ranked.best(limit);
        let Some(sense) = &self.sense else {
            return hits.into_iter().map(|hit| (hit.score, hit.product)).collect();
        };
        hits.extend(self.added.iter().filter(|one| one.fails == 0).map(|one| one.hit));
        hits.extend(&self.results);
        hits.sort_unstable_by_key(|hit| hit.product);
        hits.dedup_by_key(|hit| hit.product);
        let cosines: Vec<f32> = hits.iter().map(|hit| sense.cosine(hit.product).max(0.0)).collect();
        let most = |values: &mut dyn Iterator<Item = f32>| values.fold(f32::MIN_POSITIVE, f32::max);
        let words_most = most(&mut hits.iter().map(|hit| hit.score));
        let near_most = most(&mut cosines.iter().copied());
        let fused = hits.iter().zip(cosines).map(|(hit, cosine)| {
            let score = self.covered * hit.score / words_most + sense.weight * cosine / near_most;
            (score, hit.product)
        });
        let mut fused: Vec<(f32, ProductNo)> = fused.filter(|one| one.0 > 0.0).collect();
        fused.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        fused.truncate(limit);
        fused
    }
}

/// What a product must be like to be found at all, and which refinements it fails.
struct Gate<'a> {
    sold: Option<Vec<bool>>,
    excluded: &'a [ProductNo],
    rules: Vec<&'a rule::Planned>,
    refinements: Vec<Wanted>,
}

/// A refinement, its values looked up.
#[derive(Clone, Debug)]
enum Wanted {
    Tags(Vec<u32>),
    Categories(Vec<CategoryNo>),
    Number(Number, Option<f64>, Option<f64>),
    Attribute(String, Option<f64>, Option<f64>),
}

impl<'a> Gate<'a> {
    fn new(context: &'a Context<'_>, planned: &'a PlannedPlacement, search: &Search) -> Self {
        let catalog = &context.snapshot.aggregates.catalog;
        let market = &context.request.market;
        let removes =
            |rule: &&rule::Planned| rule.spec.phase == rule::Phase::Remove && rule.is_active(context);
        Self {
            sold: (!market.is_empty()).then(|| catalog.sold_in(market)),
            excluded: &context.exclude,
            rules: planned.rules.iter().filter(removes).collect(),
            refinements: search.refinements.iter().map(|one| Wanted::new(catalog, one)).collect(),
        }
    }

    /// The refinements that a product fails, a bit each; `None` where it may not be shown at all.
    fn fails(&self, context: &Context<'_>, product: ProductNo) -> Option<u16> {
        let catalog = &context.snapshot.aggregates.catalog;
        let row = catalog.row(product)?;
        let is_sold = |sold: &Vec<bool>| sold.get(usize::from(row.markets)).is_some_and(|sold| *sold);
        let is_open = row.is_available(context.request.now)
            && self.sold.as_ref().is_none_or(is_sold)
            && !self.excluded.contains(&product)
            && context
                .filter
                .as_ref()
                .is_none_or(|filter| filter.holds(context, Candidate::Product(product)))
            && !self
                .rules
                .iter()
                .any(|rule| (rule.spec.removes)(rule.is_about(context, Candidate::Product(product), row)));
        is_open.then(|| {
            let failed = (0..).zip(&self.refinements).filter(|(_, one)| !one.holds(context, product, row));
            failed.fold(0, |bits, (no, _): (u16, _)| bits | 1 << no)
        })
    }
}

impl Wanted {
    fn new(catalog: &Catalog, refinement: &Refinement) -> Self {
        let facet = refinement.facet.to_lowercase();
        match (&refinement.choice, facet.as_str()) {
            (Choice::Values(values), "category") => {
                Self::Categories(values.iter().filter_map(|path| catalog.category(path)).collect())
            }
            (Choice::Values(values), _) => {
                Self::Tags(values.iter().filter_map(|value| catalog.tag(&facet, value)).collect())
            }
            (Choice::Range(from, to), "price") => Self::Number(Number::Price, *from, *to),
            (Choice::Range(from, to), "rating") => Self::Number(Number::Rating, *from, *to),
            (Choice::Range(from, to), _) => Self::Attribute(facet, *from, *to),
        }
    }

    fn holds(&self, context: &Context<'_>, product: ProductNo, row: &Row) -> bool {
        let catalog = &context.snapshot.aggregates.catalog;
        let within = |value: f64, from: &Option<f64>, to: &Option<f64>| {
            from.is_none_or(|from| value >= from) && to.is_none_or(|to| value <= to)
        };
        match self {
            Self::Tags(wanted) => wanted.iter().any(|tag| catalog.tags(product).binary_search(tag).is_ok()),
            Self::Categories(wanted) => catalog.is_within(row.category, wanted),
            Self::Number(number, from, to) => catalog
                .number(product, *number, context.request.now)
                .is_some_and(|value| within(value, from, to)),
            Self::Attribute(name, from, to) => {
                catalog.attributes(product).into_iter().any(|(held, value)| {
                    held.eq_ignore_ascii_case(name)
                        && value.parse().is_ok_and(|value| within(value, from, to))
                })
            }
        }
    }
}
