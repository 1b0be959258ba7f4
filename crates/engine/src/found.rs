//! What a search finds, for one decision: every product that matches the words, or stands in the category, and may be shown; the
//! best of them for the decision to put in order; how many there are. Counts are of products: variants of one count once. With vectors in
//! force they are put in order by both, and where words are missing, the products nearest in meaning are results too (`fused`).

use crate::catalog::{Catalog, FETCHED, Number, Row};
use crate::context::Context;
use crate::fused::Fused;
use crate::meaning::Said;
use crate::meant::Meant;
use crate::predicted::Evidence;
use crate::rule;
use crate::tables::PlannedPlacement;
use bespoke_domain::search::{Basis, Choice, Met, RESULTS_MAX, Refinement, Search, Sort, Understood};
use bespoke_domain::{Candidate, CategoryNo, ProductNo};
use bespoke_search::matching::{Hit, Weights, matches};
use bespoke_search::query::Plan;
use bespoke_search::ranking::{self, Coverage};

/// Products that cover the query whole, below which it is relaxed.
const ENOUGH: usize = 20;
/// Rows of variants beside the best of each product, at most.
const VARIANTS_MAX: usize = 500;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The best first, of at most [`RESULTS_MAX`] products, with further variants of them; scores are above 0.
    pub best: Vec<(f32, ProductNo)>,
    /// The words that were searched for, where there are any, and which of them each of the best has, a bit each.
    pub searched: (Vec<String>, Vec<u16>),
    /// All that match and may be shown, by number, with the refinements that each fails, a bit each by their order.
    pub matched: Vec<(ProductNo, u16)>,
    /// Results that lack the words and are close in meaning, by number.
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
        let (mut hits, meant) = if search.text.trim().is_empty() {
            (browsed(context), Meant::default())
        } else {
            searched(context, search)
        };
        let catalog = &context.snapshot.aggregates.catalog;
        let (index, plan) = (&context.snapshot.aggregates.texts.index, &meant.plan);
        let narrowed = |product| gate.narrows(context, product).filter(|_| meant.allows(context, product));
        let open = |product| gate.is_available(context, product).then(|| narrowed(product)).flatten();
        let coverage = Coverage::new(index, plan, &Weights::default(), (&hits, ENOUGH), |hit| {
            open(hit.product).map(|fails| fails == 0)
        });
        let middle = if meant.prices() { usual_octave(context, &hits, &open) } else { 0.0 };
        let texts = &context.snapshot.aggregates.texts;
        let analyzer = &texts.reading(texts.language_of(&context.request.locale)).analyzer;
        let skipped = context.request.skipped.as_slice();
        let said = Said { search, plan, analyzer, coverage: &coverage, skipped };
        let sense = context.snapshot.models.meanings.sense(&said);
        let fused = Fused::new(sense, &coverage, &hits);
        keep(&mut hits, |hit| coverage.is_met(hit.words) & gate.is_available(context, hit.product));
        let (mut matched, mut passing) = narrow(hits, gate.is_plain && meant.is_plain(), narrowed);
        for hits in passing.chunks_mut(FETCHED) {
            if meant.weighs() {
                catalog.fetch(hits.iter().map(|hit| hit.product));
            }
            for hit in hits {
                let raised = hit.score * meant.factor(catalog, hit.product, middle);
                hit.score = raised * coverage.factor(hit.words);
            }
        }
        let mut products = Products::default();
        passing.iter().for_each(|hit| products.add(catalog, hit.product));
        let (by_words, passed) = (products.count(), passing.len());
        let added = add(fused.near(), &mut matched, &mut passing, open);
        passing[passed..].iter().for_each(|hit| products.add(catalog, hit.product));
        let total = products.count();
        let met = Met {
            total,
            corrected: plan.corrected().unwrap_or_default(),
            given_up: given_up(plan, &coverage, &meant),
            unknown: words(plan, coverage.unknown),
            understood: Vec::new(),
            facets: Vec::new(),
            vectors: fused.name().to_owned(),
            by_meaning: total - by_words,
        };
        let (best, has) = best(context, search, passing, &fused);
        let about = meant.open.and_then(|words| about(context, search, words, &best));
        let understood = meant.understood.into_iter().chain(about).collect();
        let searched = (words(plan, u16::MAX), has);
        let met = Met { understood, ..met };
        Self { best, searched, matched, near: added, met, refinements: gate.refinements }
    }

    /// The best, of at most `limit` products.
    pub fn rows(&self, catalog: &Catalog, limit: usize) -> &[(f32, ProductNo)] {
        if limit >= RESULTS_MAX {
            return &self.best;
        }
        let mut products = Products::default();
        let is_one_more = |(_, product): &(f32, ProductNo)| {
            products.add(catalog, *product);
            products.count() as usize > limit
        };
        let end = self.best.iter().position(is_one_more);
        &self.best[..end.unwrap_or(self.best.len())]
    }

    /// The words that were searched for and a product has, with blanks between; `None` where that is not known.
    pub fn matched_words(&self, product: ProductNo) -> Option<String> {
        let at = self.best.iter().position(|(_, one)| *one == product)?;
        let (words, has) = (&self.searched.0, self.searched.1.get(at)?);
        let had = words.iter().enumerate().filter(|(no, _)| has >> no & 1 == 1);
        Some(had.map(|(_, word)| word.as_str()).collect::<Vec<_>>().join(" ")).filter(|had| !had.is_empty())
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

/// Adds those of `near` that may be shown and are no results yet; gives them back. All lists are by number.
fn add(
    near: &[Hit],
    matched: &mut Vec<(ProductNo, u16)>,
    passing: &mut Vec<Hit>,
    open: impl Fn(ProductNo) -> Option<u16>,
) -> Vec<ProductNo> {
    let mut added = Vec::new();
    for hit in near {
        if matched.binary_search_by_key(&hit.product, |one| one.0).is_err()
            && let Some(fails) = open(hit.product)
        {
            added.push((hit.product, fails));
            passing.extend((fails == 0).then_some(*hit));
        }
    }
    matched.extend(&added);
    matched.sort_unstable_by_key(|one| one.0);
    added.into_iter().map(|one| one.0).collect()
}

/// What may be shown here, with the refinements that each fails, and what fails none; where everything is plain that is all of it.
fn narrow(
    hits: Vec<Hit>,
    is_plain: bool,
    narrowed: impl Fn(ProductNo) -> Option<u16>,
) -> (Vec<(ProductNo, u16)>, Vec<Hit>) {
    if is_plain {
        return (hits.iter().map(|hit| (hit.product, 0)).collect(), hits);
    }
    let (mut matched, mut passing) = (Vec::with_capacity(hits.len()), Vec::with_capacity(hits.len()));
    for hit in &hits {
        if let Some(fails) = narrowed(hit.product) {
            matched.push((hit.product, fails));
            passing.extend((fails == 0).then_some(*hit));
        }
    }
    (matched, passing)
}

/// Keeps the hits that are meant. Nothing is jumped over, so that one that was guessed wrong does not wait for its memory.
fn keep(hits: &mut Vec<Hit>, is_meant: impl Fn(&Hit) -> bool) {
    let mut kept = 0;
    for at in 0..hits.len() {
        let hit = hits[at];
        hits[kept] = hit;
        kept += usize::from(is_meant(&hit));
    }
    hits.truncate(kept);
}

fn words(plan: &Plan, which: u16) -> Vec<String> {
    let named = plan.words.iter().enumerate().filter(|(no, _)| which >> no & 1 == 1);
    named.map(|(_, word)| word.corrected.as_ref().unwrap_or(&word.surface).clone()).collect()
}

/// What not all results have, or none is held to.
fn given_up(plan: &Plan, coverage: &Coverage, meant: &Meant) -> Vec<String> {
    let others = meant.given_up.iter().chain(&plan.left_out).cloned();
    words(plan, coverage.given_up).into_iter().chain(others).collect()
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

/// The binary logarithm of the price in the middle of what may be shown; 0 without prices.
fn usual_octave(context: &Context<'_>, hits: &[Hit], open: &impl Fn(ProductNo) -> Option<u16>) -> f32 {
    let catalog = &context.snapshot.aggregates.catalog;
    let shown = hits.iter().filter(|hit| open(hit.product).is_some());
    let octaves = shown.filter_map(|hit| catalog.row(hit.product)).map(|row| row.octave);
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

/// Different products among rows: variants of one count once.
#[derive(Default)]
struct Products {
    lone: u32,
    /// Groups of the others, a bit each by their number.
    groups: Vec<u64>,
    group_count: u32,
}

impl Products {
    fn add(&mut self, catalog: &Catalog, product: ProductNo) {
        let group = Some(product).filter(|one| catalog.is_variant(*one)).and_then(|one| catalog.kept(one));
        match group.map(|kept| kept.group.0 as usize) {
            Some(group) => self.note(group),
            None => self.lone += 1,
        }
    }

    fn note(&mut self, group: usize) {
        if self.groups.len() <= group / 64 {
            self.groups.resize(group / 64 + 1, 0);
        }
        let bits = &mut self.groups[group / 64];
        self.group_count += u32::from(*bits >> (group % 64) & 1 == 0);
        *bits |= 1 << (group % 64);
    }

    fn count(&self) -> u32 {
        self.lone + self.group_count
    }
}

/// The best of `hits` in order: the best variant of each of [`RESULTS_MAX`] products, so that as many can be turned to, and of the first
/// of them the others, among which the decision chooses.
fn firsts(catalog: &Catalog, mut hits: Vec<Hit>) -> Vec<Hit> {
    let (mut done, mut take) = (0, RESULTS_MAX);
    let (mut products, mut first, mut others) = (Products::default(), Vec::new(), Vec::new());
    while done < hits.len() && first.len() < RESULTS_MAX {
        let open = &mut hits[done..];
        let part = ranking::first(open, take);
        for hit in part {
            let before = products.count();
            products.add(catalog, hit.product);
            let to = if products.count() > before { &mut first } else { &mut others };
            to.push(*hit);
        }
        (done, take) = (done + part.len(), 2 * take);
    }
    first.truncate(RESULTS_MAX);
    others.truncate(VARIANTS_MAX);
    first.append(&mut others);
    let count = first.len();
    ranking::first(&mut first, count);
    first
}

/// The best of what matches and fails no refinement, in the order that is asked for; and which words each has where the order is
/// by how well they match.
fn best(
    context: &Context<'_>,
    search: &Search,
    passing: Vec<Hit>,
    fused: &Fused<'_>,
) -> (Vec<(f32, ProductNo)>, Vec<u16>) {
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
        let hits = fused.best(passing, |hits| firsts(catalog, hits));
        return hits.into_iter().map(|hit| ((hit.score, hit.product), hit.words)).unzip();
    }
    let mut all = passing;
    for hit in &mut all {
        hit.score = match search.sort {
            Sort::Relevance | Sort::Popular => popularity(hit.product),
            _ => value(hit.product).unwrap_or(f32::NEG_INFINITY),
        };
    }
    let all = firsts(catalog, all);
    let count = all.len().max(1) as f32;
    // Only the order counts: places become scores.
    let placed = (0..).zip(all).map(|(place, hit)| (1.0 - place as f32 / (count + 1.0), hit.product));
    (placed.collect(), Vec::new())
}

/// The category that the words are probably about, where they name none and none was chosen.
fn about(
    context: &Context<'_>,
    search: &Search,
    words: String,
    best: &[(f32, ProductNo)],
) -> Option<Understood> {
    let is_chosen = search.refinements.iter().any(|one| one.facet.eq_ignore_ascii_case("category"));
    if search.sort != Sort::Relevance || is_chosen || context.category.0 != 0 {
        return None;
    }
    let aggregates = &context.snapshot.aggregates;
    let catalog = &aggregates.catalog;
    let one = Evidence::new(catalog, best, aggregates.queries.find(&search.text)).predicted()?;
    Some(Understood {
        text: words,
        about: "category".to_owned(),
        value: catalog.category_path(one.category).to_owned(),
        confidence: one.confidence,
        basis: if one.is_by_clicks { Basis::Clicks } else { Basis::Matches },
        ..Understood::default()
    })
}

/// What a product must be like to be found at all, and which refinements it fails.
struct Gate<'a> {
    /// By set of markets and language whether it is shown here; `None` where all are.
    shown: Option<Vec<bool>>,
    excluded: &'a [ProductNo],
    rules: Vec<&'a rule::Planned>,
    refinements: Vec<Wanted>,
    /// Whether there is nothing but what is available.
    is_plain: bool,
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
        let request = context.request;
        let removes =
            |rule: &&rule::Planned| rule.spec.phase == rule::Phase::Remove && rule.is_active(context);
        let mut gate = Self {
            shown: catalog.shown_in(&request.market, &request.locale),
            excluded: &context.exclude,
            rules: planned.rules.iter().filter(removes).collect(),
            refinements: search.refinements.iter().map(|one| Wanted::new(catalog, one)).collect(),
            is_plain: false,
        };
        gate.is_plain = gate.shown.is_none()
            && gate.excluded.is_empty()
            && gate.rules.is_empty()
            && gate.refinements.is_empty()
            && context.filter.is_none();
        gate
    }

    /// Whether a product may be shown to anyone.
    #[inline]
    fn is_available(&self, context: &Context<'_>, product: ProductNo) -> bool {
        context.snapshot.aggregates.catalog.is_available(product, context.request.now)
    }

    /// The refinements that an available product fails, a bit each; `None` where it may not be shown here.
    #[inline]
    fn narrows(&self, context: &Context<'_>, product: ProductNo) -> Option<u16> {
        if self.is_plain { Some(0) } else { self.fails(context, product) }
    }

    fn fails(&self, context: &Context<'_>, product: ProductNo) -> Option<u16> {
        let catalog = &context.snapshot.aggregates.catalog;
        let row = catalog.row(product)?;
        let is_shown = |shown: &Vec<bool>| shown.get(usize::from(row.markets)) == Some(&true);
        let is_open = self.shown.as_ref().is_none_or(is_shown)
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
            from.is_none_or(|from| value >= from) && to.is_none_or(|to| value < to)
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
