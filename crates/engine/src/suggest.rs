//! What completes what a shopper is typing: queries of many, categories, brands and products, by how popular they are times how
//! well they go with what the shopper deals with.
//!
//! `popularity × e^(evidence / 2)`, where the evidence is that of the scorer `affinity`: the logarithm of how much likelier this
//! shopper is than anybody to deal with it; half of it, since a product's values are not independent of each other.
//!
//! Never suggested: what may not be shown now, a category or brand with nothing in it that may, a query that found nothing
//! or that fewer than five shoppers asked, and what is sensitive. All of this is looked at when the answer is made.

/// What can be suggested, kept up to date beside the fold.
pub mod suggester;

use crate::catalog::Catalog;
use crate::context::Context;
use crate::engine::Snapshot;
use crate::profile::Profile;
use crate::queries::Query;
use crate::scorer::affinity::{self, Likes};
use bespoke_domain::event::PageType;
use bespoke_domain::id::BrandNo;
use bespoke_domain::{CategoryNo, Millis, ProductNo, Request};
use bespoke_search::analysis::{Analyzer, Language};
use bespoke_search::suggest::{Hit, Typed, marked};
use std::collections::{BTreeMap, BTreeSet};
use suggester::{Kind, Offer, Suggestions};

/// Phrases of a kind that are put in order.
const CONSIDERED: usize = 256;
/// What stands for signals where there are none yet, so that taste still orders.
const PRIOR_SIGNALS: f64 = 0.1;
/// How much of the evidence counts, and between which bounds, in nats.
const EVIDENCE_PART: f32 = 0.5;
const EVIDENCE: (f32, f32) = (-1.0, 3.0);
/// Products of a query by which taste for it is judged.
const FOUND_LOOKED_AT: usize = 3;
/// Half of the weight of acts so many acts ago; as the scorer `affinity` has it.
const HALF_ACTS: f32 = 20.0;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Ask<'a> {
    /// What has been typed.
    pub typed: &'a str,
    /// Most suggestions of each kind.
    pub limit: usize,
    /// The market the page is for; empty where the shop has one or does not say.
    pub market: &'a str,
    /// The language that the page is read in; empty where it is not said.
    pub locale: &'a str,
    /// The moment of asking.
    pub now: Millis,
    /// By what the shopper is put into arms; 0 = unknown.
    pub bucket: u64,
}

/// What is suggested.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum What {
    /// The query with this number.
    Query(u32),
    /// A category.
    Category(CategoryNo),
    /// A brand.
    Brand(BrandNo),
    /// A product.
    Product(ProductNo),
}

/// One suggestion.
#[derive(Clone, PartialEq, Debug)]
pub struct Suggestion {
    /// What it is.
    pub what: What,
    /// How it is written.
    pub text: String,
    /// The parts of the text that were typed, as ranges of bytes.
    pub marked: Vec<(usize, usize)>,
    /// Popularity times taste.
    pub score: f64,
}

/// Suggestions by kind, the best first.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Suggested {
    /// Queries.
    pub queries: Vec<Suggestion>,
    /// Categories.
    pub categories: Vec<Suggestion>,
    /// Brands.
    pub brands: Vec<Suggestion>,
    /// Products, one of each group of variants.
    pub products: Vec<Suggestion>,
    /// Whether what the shopper did had a say.
    pub is_personal: bool,
}

/// Completes what is typed.
pub fn suggest(
    snapshot: &Snapshot,
    suggestions: &Suggestions,
    profile: Option<&Profile>,
    ask: &Ask<'_>,
) -> Suggested {
    let request = Request { now: ask.now, bucket: ask.bucket, page: PageType::Search, ..Request::default() };
    let context = Context::new(snapshot, profile, &request);
    let analyzer = Analyzer::new(Language::Other);
    let typed = Typed::new(&analyzer, ask.typed);
    let taste = Taste::of(&context, suggestions);
    let shown_in = snapshot.aggregates.catalog.shown_in(ask.market, ask.locale);
    let round = Round { snapshot, suggestions, context: &context, analyzer, typed, taste, ask, shown_in };
    Suggested {
        queries: round.of(Kind::Query, |no| round.query(no)),
        categories: round.of(Kind::Category, |no| round.category(CategoryNo(no))),
        brands: round.of(Kind::Brand, |no| round.brand(BrandNo(no))),
        products: round.of(Kind::Product, |no| round.product(ProductNo(no))),
        is_personal: round.taste.is_some(),
    }
}

/// Something that may be suggested: what, how popular it is, how much evidence speaks for it, and what it is one of.
struct Candidate {
    what: What,
    popularity: f64,
    evidence: f32,
    group: u32,
}

/// One answer being made.
struct Round<'a> {
    snapshot: &'a Snapshot,
    suggestions: &'a Suggestions,
    context: &'a Context<'a>,
    analyzer: Analyzer,
    typed: Typed,
    taste: Option<Taste>,
    ask: &'a Ask<'a>,
    /// By set of markets and language whether it is shown here; `None` where all are.
    shown_in: Option<Vec<bool>>,
}

impl Round<'_> {
    fn of(&self, kind: Kind, candidate: impl Fn(u32) -> Option<Candidate>) -> Vec<Suggestion> {
        let hits = self.suggestions.phrases(kind).find(&self.typed, CONSIDERED, self.ask.limit);
        let scored = |hit: Hit| {
            let one = candidate(hit.phrase)?;
            let (least, most) = EVIDENCE;
            let taste = libm::expf((EVIDENCE_PART * one.evidence).clamp(least, most));
            let score = (one.popularity + PRIOR_SIGNALS) * f64::from(taste);
            Some((hit.is_exact, score, one))
        };
        let mut scored: Vec<(bool, f64, Candidate)> = hits.into_iter().filter_map(scored).collect();
        scored.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(a.2.what.cmp(&b.2.what)));
        let mut groups = BTreeSet::new();
        let shown = scored.into_iter().filter(|(.., one)| groups.insert(one.group));
        let suggestion = |(_, score, one): (bool, f64, Candidate)| {
            let text = self.text(one.what);
            // What was renamed a moment ago may no longer say what was typed.
            let marked = marked(&self.analyzer, text, &self.typed)?;
            Some(Suggestion { what: one.what, text: text.to_owned(), marked, score })
        };
        shown.filter_map(suggestion).take(self.ask.limit).collect()
    }

    fn text(&self, what: What) -> &str {
        let (catalog, queries) = (self.catalog(), &self.snapshot.aggregates.queries);
        match what {
            What::Query(no) => queries.get(no).map_or("", |query| &query.text),
            What::Category(category) => suggester::category_name(catalog, category),
            What::Brand(brand) => catalog.brand(brand),
            What::Product(product) => catalog.title(product).unwrap_or_default(),
        }
    }

    fn catalog(&self) -> &Catalog {
        &self.snapshot.aggregates.catalog
    }

    fn query(&self, no: u32) -> Option<Candidate> {
        let queries = &self.snapshot.aggregates.queries;
        let query = queries.get(no).filter(|query| suggester::is_suggestible(query))?;
        self.leads_somewhere(query).then_some(())?;
        let taste = self.taste.as_ref().map_or(0.0, |taste| taste.for_query(self.context, query));
        let popularity = queries.popularity(query, self.ask.now);
        Some(Candidate { what: What::Query(no), popularity, evidence: taste, group: no })
    }

    /// Whether one of the products that a query led to may be shown, and none of them is sensitive. Where nothing was clicked
    /// yet, nobody knows whether it is about what is sensitive.
    fn leads_somewhere(&self, query: &Query) -> bool {
        let sensitive = &self.snapshot.plan.sensitive;
        if query.found.is_empty() {
            return sensitive.is_empty();
        }
        let rows = || query.found.iter().filter_map(|one| self.catalog().row(one.product));
        rows().all(|row| !sensitive.contains(row.category))
            && query.found.iter().any(|one| self.may_be_shown(one.product))
    }

    fn category(&self, category: CategoryNo) -> Option<Candidate> {
        let offer = self.suggestions.categories.get(category.index())?;
        self.holds(offer, (Kind::Category, category.0)).then_some(())?;
        (!self.snapshot.plan.sensitive.contains(category)).then_some(())?;
        let popularity = self.snapshot.aggregates.popularity.of_category(category, self.ask.now);
        let acts = |taste: &Taste| taste.categories.get(&category).copied().unwrap_or_default();
        let evidence = self.evidence_of_acts(acts, offer);
        Some(Candidate { what: What::Category(category), popularity, evidence, group: category.0 })
    }

    fn brand(&self, brand: BrandNo) -> Option<Candidate> {
        let offer = self.suggestions.brands.get(brand.index())?;
        self.holds(offer, (Kind::Brand, brand.0)).then_some(())?;
        let popularity = f64::from(offer.popularity);
        let acts = |taste: &Taste| taste.brands.get(&brand.0).copied().unwrap_or_default();
        let evidence = self.evidence_of_acts(acts, offer);
        Some(Candidate { what: What::Brand(brand), popularity, evidence, group: brand.0 })
    }

    fn product(&self, product: ProductNo) -> Option<Candidate> {
        self.may_be_shown(product).then_some(())?;
        let row = self.catalog().row(product)?;
        let popularity = self.snapshot.aggregates.popularity.score(product, self.ask.now);
        let taste = self.taste.as_ref();
        let evidence = taste.map_or(0.0, |taste| taste.likes.evidence(self.context, product, row));
        Some(Candidate { what: What::Product(product), popularity, evidence, group: row.group.0 })
    }

    /// Whether what stands for a category or brand may still be shown here.
    fn holds(&self, offer: &Offer, of: (Kind, u32)) -> bool {
        let mut elsewhere = self.suggestions.elsewhere(of).iter();
        offer.count > 0
            && (self.may_be_shown(offer.witness) || elsewhere.any(|(_, witness)| self.may_be_shown(*witness)))
    }

    fn may_be_shown(&self, product: ProductNo) -> bool {
        let is_here =
            |set: u8| self.shown_in.as_ref().is_none_or(|shown| shown.get(usize::from(set)) == Some(&true));
        self.catalog().row(product).is_some_and(|row| {
            row.is_available(self.ask.now)
                && is_here(row.markets)
                && !self.snapshot.plan.sensitive.contains(row.category)
        })
    }

    fn evidence_of_acts(&self, acts: impl Fn(&Taste) -> f32, offer: &Offer) -> f32 {
        let share = offer.count as f32 / self.suggestions.offered.max(1) as f32;
        self.taste.as_ref().map_or(0.0, |taste| affinity::evidence(acts(taste), share))
    }
}

/// What a shopper lately dealt with.
struct Taste {
    likes: Likes,
    categories: BTreeMap<CategoryNo, f32>,
    brands: BTreeMap<u32, f32>,
}

impl Taste {
    /// `None` where nothing is known, or may be.
    fn of(context: &Context<'_>, suggestions: &Suggestions) -> Option<Self> {
        let catalog = &context.snapshot.aggregates.catalog;
        let (mut categories, mut brands) = (BTreeMap::new(), BTreeMap::new());
        for (age, one) in context.recent().rev().enumerate() {
            let acts = libm::exp2f(-(age as f32) / HALF_ACTS) * one.act().weight();
            let Some(row) = catalog.row(one.product) else { continue };
            for category in catalog.categories_up(row.category) {
                *categories.entry(category).or_default() += acts;
            }
            *brands.entry(row.brand.0).or_default() += acts;
        }
        let is_known = !categories.is_empty() && suggestions.offered > 0;
        is_known.then(|| Self { likes: affinity::likes(context), categories, brands })
    }

    /// Evidence for a query: that for what it most led to.
    fn for_query(&self, context: &Context<'_>, query: &Query) -> f32 {
        let catalog = &context.snapshot.aggregates.catalog;
        let mut found: Vec<(f32, ProductNo)> =
            query.found.iter().map(|one| (one.weight(), one.product)).collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let (mut sum, mut weights) = (0.0, 0.0);
        for (weight, product) in found.into_iter().take(FOUND_LOOKED_AT) {
            if let Some(row) = catalog.row(product) {
                sum += weight * self.likes.evidence(context, product, row);
                weights += weight;
            }
        }
        if weights > 0.0 { sum / weights } else { 0.0 }
    }
}
