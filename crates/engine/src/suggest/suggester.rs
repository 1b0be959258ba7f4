//! What can be suggested, kept up to date beside the fold: `Suggester::renew` reads a snapshot, and never keeps the writer or a
//! request waiting. What is new or was renamed is found at once; the order is made anew now and again.

use crate::catalog::Catalog;
use crate::engine::Snapshot;
use crate::queries::Query;
use bespoke_domain::time::MINUTE_MS;
use bespoke_domain::{CategoryNo, Millis, ProductNo};
use bespoke_search::analysis::{Analyzer, Language};
use bespoke_search::suggest::{Index, Phrases};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// The order is made anew so often.
const ORDER_EVERY_MS: i64 = MINUTE_MS / 2;
/// Or when so many phrases came or changed: until then they are gone through one by one.
const FRESH_MAX: usize = 1_000;
/// Most categories and brands of which more than one product is remembered, for who is shown some markets or languages only.
const ELSEWHERE_MAX: usize = 100_000;
/// Stands for no product.
const NOBODY: ProductNo = ProductNo(u32::MAX);

/// A kind of suggestion.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Queries, by their numbers.
    Query,
    /// Categories.
    Category,
    /// Brands.
    Brand,
    /// Products.
    Product,
}

const KINDS: usize = 4;

/// What a category or brand has to offer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Offer {
    /// Products that may be shown, and are not sensitive.
    pub count: u32,
    /// One of them, sold everywhere to everybody where there is one.
    pub witness: ProductNo,
    /// Their signals, when the order was made.
    pub popularity: f32,
}

impl Default for Offer {
    fn default() -> Self {
        Self { count: 0, witness: NOBODY, popularity: 0.0 }
    }
}

/// What can be suggested as of a snapshot. Immutable.
#[derive(Clone, Debug, Default)]
pub struct Suggestions {
    indexes: [Index; KINDS],
    /// By category, with all below it.
    pub categories: Vec<Offer>,
    /// By brand.
    pub brands: Vec<Offer>,
    /// Products that may be shown.
    pub offered: u32,
    /// Of categories and brands one product of each set of markets and language but the first.
    elsewhere: Arc<Elsewhere>,
}

/// By category or brand: sets with a product of each.
type Elsewhere = FxHashMap<(Kind, u32), Vec<(u8, ProductNo)>>;

/// Remembers a product of a set where there is none yet.
fn remember(all: &mut Elsewhere, of: (Kind, u32), (set, product): (u8, ProductNo)) {
    if all.len() < ELSEWHERE_MAX || all.contains_key(&of) {
        let held = all.entry(of).or_default();
        if !held.iter().any(|(own, _)| *own == set) {
            held.push((set, product));
        }
    }
}

impl Suggestions {
    /// The phrases of a kind.
    pub fn phrases(&self, kind: Kind) -> &Index {
        &self.indexes[kind as usize]
    }

    /// Products of a category or brand that are not for everybody, with their sets of markets and language.
    pub fn elsewhere(&self, of: (Kind, u32)) -> &[(u8, ProductNo)] {
        self.elsewhere.get(&of).map_or(&[], Vec::as_slice)
    }
}

/// Whether a query may be suggested, as far as it tells itself.
pub fn is_suggestible(query: &Query) -> bool {
    query.is_common() && query.results != Some(0) && (query.results.is_some() || !query.found.is_empty())
}

/// The last part of a category's path.
pub fn category_name(catalog: &Catalog, category: CategoryNo) -> &str {
    catalog.category_path(category).rsplit(" > ").next().unwrap_or_default()
}

/// Keeps suggestions up to date. One thread's.
#[derive(Debug)]
pub struct Suggester {
    analyzer: Analyzer,
    phrases: [Phrases; KINDS],
    /// Phrases that are not in the order yet, or otherwise.
    changed: [FxHashSet<u32>; KINDS],
    /// The catalogue as it was last seen.
    catalog: Catalog,
    /// Queries as they were last seen; empty where one may not be suggested.
    queries: Vec<Arc<str>>,
    ordered: Option<Millis>,
    current: Suggestions,
}

impl Default for Suggester {
    fn default() -> Self {
        Self {
            analyzer: Analyzer::new(Language::Other),
            phrases: Default::default(),
            changed: Default::default(),
            catalog: Catalog::default(),
            queries: Vec::new(),
            ordered: None,
            current: Suggestions::default(),
        }
    }
}

impl Suggester {
    /// What can be suggested as of a snapshot, which MUST NOT be older than the one before.
    pub fn renew(&mut self, snapshot: &Snapshot, now: Millis) -> Suggestions {
        self.note_catalog(&snapshot.aggregates.catalog);
        self.note_queries(snapshot);
        let is_due = self.ordered.is_none_or(|then| now.since(then) >= ORDER_EVERY_MS);
        self.count_offers(snapshot, now);
        if is_due || self.changed.iter().any(|changed| changed.len() > FRESH_MAX) {
            self.order(snapshot, now);
        } else {
            for (at, changed) in self.changed.iter().enumerate() {
                self.current.indexes[at] = self.current.indexes[at].with_fresh(&self.phrases[at], changed);
            }
        }
        self.current.clone()
    }

    fn set(&mut self, kind: Kind, no: u32, text: &str) {
        self.phrases[kind as usize].set(&self.analyzer, no, text);
        self.changed[kind as usize].insert(no);
    }

    fn note_catalog(&mut self, catalog: &Catalog) {
        let before = std::mem::replace(&mut self.catalog, catalog.clone());
        for product in catalog.described_since(&before) {
            self.set(Kind::Product, product.0, catalog.title(product).unwrap_or_default());
        }
        // The first of both is none.
        for no in before.category_count().max(1)..catalog.category_count() {
            let no = CategoryNo(no as u32);
            self.set(Kind::Category, no.0, category_name(catalog, no));
        }
        for no in before.brand_count().max(1)..catalog.brand_count() {
            let no = bespoke_domain::id::BrandNo(no as u32);
            self.set(Kind::Brand, no.0, catalog.brand(no));
        }
    }

    fn note_queries(&mut self, snapshot: &Snapshot) {
        let queries = &snapshot.aggregates.queries;
        let nothing: Arc<str> = "".into();
        self.queries.resize(queries.len(), nothing.clone());
        for no in 0..queries.len() as u32 {
            let query = queries.get(no).filter(|query| is_suggestible(query));
            let text = query.map_or(&nothing, |query| &query.text);
            if self.queries[no as usize] != *text {
                self.queries[no as usize] = text.clone();
                self.set(Kind::Query, no, &text.clone());
            }
        }
    }

    /// Counts what may be shown, by category and by brand: one way through the hot rows.
    fn count_offers(&mut self, snapshot: &Snapshot, now: Millis) {
        let (catalog, sensitive) = (&snapshot.aggregates.catalog, &snapshot.plan.sensitive);
        let kept = |list: &mut Vec<Offer>, length: usize| {
            list.resize(length, Offer::default());
            list.iter_mut().for_each(|offer| (offer.count, offer.witness) = (0, NOBODY));
        };
        let Suggestions { categories, brands, offered, .. } = &mut self.current;
        kept(categories, catalog.category_count());
        kept(brands, catalog.brand_count());
        *offered = 0;
        let mut elsewhere = Elsewhere::default();
        let can_be_shown = catalog.rows().filter(|(_, row)| row.is_available(now));
        for (product, row) in can_be_shown.filter(|(_, row)| !sensitive.contains(row.category)) {
            *offered += 1;
            let category = categories.get_mut(row.category.index());
            for offer in category.into_iter().chain(brands.get_mut(row.brand.index())) {
                offer.count += 1;
                if row.markets == 0 || offer.witness == NOBODY {
                    offer.witness = product;
                }
            }
            if row.markets > 0 {
                remember(&mut elsewhere, (Kind::Category, row.category.0), (row.markets, product));
                remember(&mut elsewhere, (Kind::Brand, row.brand.0), (row.markets, product));
            }
        }
        let is_for_all = |product| catalog.row(product).is_some_and(|row| row.markets == 0);
        // A parent's number is smaller than its children's.
        for no in (1..categories.len()).rev() {
            let (below, parent) = (categories[no], catalog.parent(CategoryNo(no as u32)));
            if below.count > 0 && parent.index() < no {
                let above = &mut categories[parent.index()];
                above.count += below.count;
                if above.witness == NOBODY || is_for_all(below.witness) {
                    above.witness = below.witness;
                }
                for one in elsewhere.get(&(Kind::Category, no as u32)).cloned().unwrap_or_default() {
                    remember(&mut elsewhere, (Kind::Category, parent.0), one);
                }
            }
        }
        self.current.elsewhere = Arc::new(elsewhere);
    }

    /// Puts all phrases in order.
    fn order(&mut self, snapshot: &Snapshot, now: Millis) {
        let orders = [
            self.query_order(snapshot, now),
            self.category_order(snapshot, now),
            Vec::new(),
            self.product_order(snapshot, now),
        ];
        for (at, order) in orders.into_iter().enumerate() {
            self.current.indexes[at] = Index::new(&self.phrases[at], order);
            self.changed[at].clear();
        }
        // Known only now: what a brand's products add up to.
        let brand = |no: u32| f64::from(self.current.brands[no as usize].popularity);
        let order = in_order((1..self.current.brands.len() as u32).map(|no| (brand(no), no)));
        self.current.indexes[Kind::Brand as usize] = Index::new(&self.phrases[Kind::Brand as usize], order);
        self.ordered = Some(now);
    }

    fn query_order(&self, snapshot: &Snapshot, now: Millis) -> Vec<u32> {
        let queries = &snapshot.aggregates.queries;
        in_order(queries.common().map(|(no, query)| (queries.popularity(query, now), no)))
    }

    fn category_order(&self, snapshot: &Snapshot, now: Millis) -> Vec<u32> {
        let popularity = &snapshot.aggregates.popularity;
        let all = 1..snapshot.aggregates.catalog.category_count() as u32;
        in_order(all.map(|no| (popularity.of_category(CategoryNo(no), now), no)))
    }

    /// What may be shown first, of variants the best before the others; adds up what brands come to.
    fn product_order(&mut self, snapshot: &Snapshot, now: Millis) -> Vec<u32> {
        let (catalog, popularity) = (&snapshot.aggregates.catalog, &snapshot.aggregates.popularity);
        self.current.brands.iter_mut().for_each(|offer| offer.popularity = 0.0);
        let mut scored: Vec<(f64, u32)> = Vec::with_capacity(catalog.len());
        for (product, row) in catalog.rows() {
            let score = popularity.score(product, now);
            let is_shown = row.is_available(now);
            if let Some(offer) = self.current.brands.get_mut(row.brand.index()).filter(|_| is_shown) {
                offer.popularity += score as f32;
            }
            scored.push((if is_shown { score } else { score - 1e12 }, product.0));
        }
        let mut groups = FxHashSet::default();
        let group = |no: u32| catalog.row(ProductNo(no)).map(|row| row.group);
        let (mut order, mut others) = (Vec::with_capacity(scored.len()), Vec::new());
        for no in in_order(scored.into_iter()) {
            let list = if groups.insert(group(no)) { &mut order } else { &mut others };
            list.push(no);
        }
        order.extend(others);
        order
    }
}

/// Numbers by falling score; of equal ones the smaller first.
fn in_order(scored: impl Iterator<Item = (f64, u32)>) -> Vec<u32> {
    let mut all: Vec<(f64, u32)> = scored.collect();
    all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    all.into_iter().map(|(_, no)| no).collect()
}
