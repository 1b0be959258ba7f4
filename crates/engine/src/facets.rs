//! What a search's results can be narrowed by: values with how many products have them, exactly, variants of one counted once. A
//! facet that is narrowed by already is counted as if it were not, so that another of its values can be chosen (disjunctive).
//! Which facets, in which order: unless the request names them, those that the shop puts first, then those that shoppers use on
//! such results ([`crate::demand`]) times how well they tell these apart. Values come by how many have them, by how often they are
//! chosen, and by what the shopper deals with.

use crate::catalog::{Catalog, FETCHED, Kept, Number};
use crate::context::Context;
use crate::demand::{Wanted, category_of};
use crate::found::Found;
use crate::scorer::affinity::{Likes, likes};
use crate::variants::is_lone;
use bespoke_domain::search::{Choice, Refinement, Search};
use bespoke_domain::{CategoryNo, ProductNo};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Most facets of an answer.
pub const FACETS_MAX: usize = 20;
/// Most values of one.
pub const VALUES_MAX: usize = 50;
/// Facets that always are among the first where nothing is known of demand, and others where the request names none.
const OWN: [&str; 4] = ["category", "brand", "price", "rating"];
const OTHERS: usize = 6;
/// Share of the results that an attribute must be known of to be offered by itself.
const KNOWN_MIN: f64 = 0.1;
/// Ranges that prices are cut into, and prices that say where.
const RANGES: usize = 5;
const SAMPLED: usize = 1_000;

/// A value with how many products have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// As the catalogue writes it.
    pub value: String,
    /// Products that have it.
    pub count: u32,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A stretch of numbers with how many products lie in it: from its first number on, and below its second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// The least.
    pub from: f64,
    /// Where it ends; the last one nowhere.
    pub to: Option<f64>,
    /// Products in it.
    pub count: u32,
}

/// One facet.
#[derive(Clone, Debug, PartialEq)]
pub struct Facet {
    /// An attribute, `brand`, `category`, `price` or `rating`.
    pub name: String,
    /// Its values, those that are chosen first; none for numbers.
    pub values: Vec<Value>,
    /// Of numbers: least and greatest.
    pub bounds: Option<(f64, f64)>,
    /// Of numbers: stretches of them, rising.
    pub stretches: Vec<Stretch>,
}

/// The facets of what was found: those named, or those that serve best.
pub fn facets(context: &Context<'_>, search: &Search, found: &Found, named: &[String]) -> Vec<Facet> {
    let aggregates = &context.snapshot.aggregates;
    let catalog = &aggregates.catalog;
    let category = category_of(catalog, found.best.iter().map(|(_, product)| *product));
    let wanted = aggregates.demand.of(catalog, category, context.request.now);
    let counter = Counter { catalog, context, search, found, wanted, likes: likes(context) };
    thread_local! {
        static OWN: RefCell<Tally> = RefCell::default();
    }
    OWN.with_borrow_mut(|tally| {
        let owners = named.iter().filter_map(|name| counter.catalog.tag(&name.to_lowercase(), ""));
        tally.wanted = if named.is_empty() { u32::MAX } else { Catalog::owner_bits(owners) };
        // All facets that nothing is chosen of are counted in one go; each other one by itself.
        tally.count(counter.catalog, counter.rows(0));
        let names = if named.is_empty() { counter.useful(tally) } else { named.to_vec() };
        let names = &names[..names.len().min(FACETS_MAX)];
        let mut facets: Vec<Option<Facet>> = names.iter().map(|name| counter.facet(name, tally)).collect();
        for (name, facet) in names.iter().zip(&mut facets) {
            if let Some((no, _)) = counter.refinement(name) {
                tally.count(counter.catalog, counter.rows(1 << no));
                *facet = counter.facet(name, tally);
            }
        }
        facets.into_iter().flatten().collect()
    })
}

struct Counter<'a> {
    catalog: &'a Catalog,
    context: &'a Context<'a>,
    search: &'a Search,
    found: &'a Found,
    wanted: Wanted<'a>,
    likes: Likes,
}

impl<'a> Counter<'a> {
    fn refinement(&self, name: &str) -> Option<(u16, &'a Refinement)> {
        (0..).zip(&self.search.refinements).find(|(_, one)| one.facet.eq_ignore_ascii_case(name))
    }

    /// What passes every refinement but `own`.
    fn rows(&self, own: u16) -> impl Iterator<Item = ProductNo> + 'a {
        self.found.matched.iter().filter(move |(_, fails)| fails & !own == 0).map(|(product, _)| *product)
    }

    /// The facets that serve best: those that the shop puts first, those that are wanted and tell most apart, and what is chosen.
    fn useful(&self, tally: &Tally) -> Vec<String> {
        let mut by_owner: BTreeMap<u32, (f64, f64, f64)> = BTreeMap::new();
        for (tag, count, _) in tally.tags.each() {
            let Some(owner) = self.catalog.tag_owner(tag) else { continue };
            let (known, squares, values) = by_owner.entry(owner).or_default();
            *known += f64::from(count);
            *squares += f64::from(count) * f64::from(count);
            *values += 1.0;
        }
        let all = f64::from(tally.product_count.max(1));
        // Known of a share of the results, times how seldom two values agree (Simpson's index of diversity), times the share of those that
        // have one that another had before: a value that nothing else has narrows nothing.
        let worth = |(known, squares, values): (f64, f64, f64)| {
            let diversity = (1.0 - squares / (known * known).max(1.0)).max(0.0);
            (known / all).min(1.0) * diversity * (1.0 - values / known.max(1.0))
        };
        let brand = self.catalog.tag("brand", "");
        let of_brand = brand.and_then(|owner| by_owner.remove(&owner)).map_or(0.0, worth);
        let offered = by_owner.into_iter().filter(|(_, (known, ..))| *known >= KNOWN_MIN * all);
        let name = |owner| self.catalog.tag_parts(owner).map_or("", |(name, _)| name);
        let mut others: Vec<(f64, &str)> = offered.map(|(owner, sums)| (worth(sums), name(owner))).collect();
        others.retain(|(worth, _)| *worth > 0.0);
        others.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let own = OWN.map(|name| (if name == "brand" { of_brand } else { tally.worth(name) }, name));
        self.in_order(own.into_iter().chain(others))
    }

    /// Facets with how well they tell the results apart, in the order of those of which nothing is known, in the order that serves.
    fn in_order<'b>(&self, facets: impl Iterator<Item = (f64, &'b str)>) -> Vec<String> {
        let scored =
            facets.enumerate().map(|(place, (useful, name))| (self.wanted.facet(name, useful, place), name));
        let mut scored: Vec<(f64, &str)> = scored.collect();
        // Stable: of equals the first stays first.
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let settings = self.context.snapshot.aggregates.settings.as_deref();
        let pinned = settings
            .map_or(&[][..], |settings| &settings.search.facets)
            .iter()
            .map(|name| name.to_lowercase());
        let best = scored.iter().take(OWN.len() + OTHERS).map(|(_, name)| (*name).to_owned());
        let chosen = self.search.refinements.iter().map(|one| one.facet.to_lowercase());
        let mut names: Vec<String> = Vec::new();
        for name in pinned.chain(best).chain(chosen) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// What a value weighs against the others of its facet: its share of the counts and of what was chosen, by how much likelier the
    /// shopper is to deal with what has it.
    fn weights<'b>(&'b self, folded: &str, all: u32) -> impl Fn(u32, u32) -> f64 + 'b {
        let (shares, kept) = self.wanted.values(folded);
        let is_tag = folded != "category";
        move |key, count| {
            let share = f64::from(count) / f64::from(all.max(1));
            let likelier = if is_tag { libm::exp(f64::from(self.likes.of(key))) } else { 1.0 };
            (shares.get(&key).copied().unwrap_or_default() + kept * share) * likelier
        }
    }

    fn facet(&self, name: &str, tally: &Tally) -> Option<Facet> {
        let folded = name.to_lowercase();
        let values = match folded.as_str() {
            "price" => return self.prices(name, tally),
            "rating" => return ratings(name, tally),
            "category" => {
                let chosen = self.chosen(name, |path| self.catalog.category(path).map(|category| category.0));
                let best =
                    tally.categories.best(&chosen, |_| true, &self.weights(&folded, tally.product_count));
                let path = |category| self.catalog.category_path(CategoryNo(category)).to_owned();
                values(&best, &chosen, |category, _| path(category))
            }
            _ => {
                let owner = self.catalog.tag(&folded, "")?;
                let chosen = self.chosen(name, |value| self.catalog.tag(&folded, value));
                let is_own = |tag| self.catalog.tag_owner(tag) == Some(owner);
                let best = tally.tags.best(&chosen, is_own, &self.weights(&folded, tally.product_count));
                values(&best, &chosen, |tag, product| written_as(self.catalog, product, &folded, tag))
            }
        };
        (!values.is_empty()).then(|| Facet {
            name: name.to_owned(),
            values,
            bounds: None,
            stretches: Vec::new(),
        })
    }

    /// The numbers of the values that are chosen of a facet.
    fn chosen(&self, name: &str, number: impl Fn(&str) -> Option<u32>) -> Vec<u32> {
        let values = self.refinement(name).map(|(_, one)| match &one.choice {
            Choice::Values(values) => values.iter().filter_map(|value| number(value)).collect(),
            Choice::Range(..) => Vec::new(),
        });
        values.unwrap_or_default()
    }

    fn prices(&self, name: &str, tally: &Tally) -> Option<Facet> {
        let least = tally.octaves.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
        let most = tally.octaves.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
        let price = |product| self.catalog.number(product, Number::Price, self.context.request.now);
        let bounds = (price(least.1)?, price(most.1)?);
        let edges = edges(&tally.octaves, bounds.1);
        let octaves: Vec<f32> = edges.iter().map(|edge| libm::log2(*edge) as f32).collect();
        let last = octaves.len().saturating_sub(2);
        // They rise; counted without a branch that could be guessed wrong.
        let below = |octave: f32| octaves.iter().map(|edge| usize::from(*edge <= octave)).sum::<usize>();
        let place = |octave: f32| below(octave).saturating_sub(1).min(last);
        let mut counts = vec![0_u32; edges.len()];
        for (octave, _) in tally.lone_octaves() {
            counts[place(octave)] += 1;
        }
        // Rows of one product stand beside each other.
        let mut before = (u32::MAX, 0_u16);
        for (group, octave) in tally.grouped_octaves() {
            if group != before.0 {
                before = (group, 0);
            }
            let bit = 1 << place(octave);
            counts[place(octave)] += u32::from(before.1 & bit == 0);
            before.1 |= bit;
        }
        let pairs = edges.windows(2).zip(counts).filter(|(_, count)| *count > 0);
        let end = |to: f64| (to < edges[edges.len() - 1]).then_some(to);
        let stretches =
            pairs.map(|(pair, count)| Stretch { from: pair[0], to: end(pair[1]), count }).collect();
        Some(Facet { name: name.to_owned(), values: Vec::new(), bounds: Some(bounds), stretches })
    }
}

fn ratings(name: &str, tally: &Tally) -> Option<Facet> {
    let (least, most) = tally.rated?;
    let bounds = (f64::from(least) / 10.0, f64::from(most) / 10.0);
    let last = tally.stars.len() as i32 - 1;
    let stretch = |(from, count): (i32, u32)| Stretch {
        from: f64::from(from),
        to: (from < last).then_some(f64::from(from + 1)),
        count,
    };
    let stretches = (0..).zip(tally.stars).map(stretch).filter(|one| one.count > 0).collect();
    Some(Facet { name: name.to_owned(), values: Vec::new(), bounds: Some(bounds), stretches })
}

/// Round numbers that cut prices, given by their binary logarithms, into stretches of about as many each.
fn edges(octaves: &[(f32, ProductNo)], end: f64) -> Vec<f64> {
    let step = octaves.len().div_ceil(SAMPLED).max(1);
    let mut sample: Vec<f32> = octaves.iter().step_by(step).map(|(octave, _)| *octave).collect();
    sample.sort_unstable_by(f32::total_cmp);
    let mut edges: Vec<f64> = vec![0.0];
    for part in 1..RANGES {
        let edge = rounded(libm::exp2(f64::from(sample[sample.len() * part / RANGES])));
        if edges.last().is_none_or(|last| edge > *last) && edge < end {
            edges.push(edge);
        }
    }
    edges.push(end.ceil());
    edges
}

/// The nearest of 1, 2, 2.5 and 5 times a power of ten.
fn rounded(value: f64) -> f64 {
    let power = libm::pow(10.0, libm::log10(value.max(1e-9)).floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power);
    let distance = |step: &f64| (step - value).abs();
    steps.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(value)
}

/// Values as they are shown.
fn values(
    best: &[(u32, u32, ProductNo)],
    chosen: &[u32],
    written: impl Fn(u32, ProductNo) -> String,
) -> Vec<Value> {
    let value = |(key, count, product): &(u32, u32, ProductNo)| Value {
        value: written(*key, *product),
        count: *count,
        chosen: chosen.contains(key),
    };
    best.iter().map(value).collect()
}

/// How a product writes its brand or a value of an attribute, `name` in lower case.
fn written_as(catalog: &Catalog, product: ProductNo, name: &str, tag: u32) -> String {
    let folded = catalog.tag_parts(tag).map_or("", |(_, value)| value);
    let is_it = |value: &&str| value.trim().to_lowercase() == folded;
    let brand = catalog.row(product).map(|row| catalog.brand(row.brand)).filter(|_| name == "brand");
    let attributes = catalog.attributes(product).into_iter();
    let listed = attributes
        .filter(|(held, _)| held.eq_ignore_ascii_case(name))
        .flat_map(|(_, values)| values.split(','));
    brand.into_iter().chain(listed).find(is_it).unwrap_or(folded).trim().to_owned()
}

/// Counts by a dense key, with the first product of each; cleared by what was touched.
#[derive(Default)]
struct Counts {
    counts: Vec<Count>,
    touched: Vec<(u32, ProductNo)>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    products: u32,
    /// The group that was counted last, and 1; 0 = none.
    group: u32,
}

impl Counts {
    fn clear(&mut self, keys: usize) {
        for (key, _) in self.touched.drain(..) {
            self.counts[key as usize] = Count::default();
        }
        if self.counts.len() < keys {
            self.counts.resize(keys, Count::default());
        }
    }

    #[inline]
    fn add(&mut self, key: u32, product: ProductNo) {
        let count = &mut self.counts[key as usize];
        if count.products == 0 {
            self.touched.push((key, product));
        }
        count.products += 1;
    }

    /// Counts a product of several rows once, which MUST come one after the other.
    #[inline]
    fn add_once(&mut self, key: u32, product: ProductNo, group: u32) {
        let last = &mut self.counts[key as usize].group;
        if *last != group + 1 {
            *last = group + 1;
            self.add(key, product);
        }
    }

    /// Takes a key out.
    fn forget(&mut self, key: u32) {
        self.touched.retain(|(held, _)| *held != key);
        if let Some(count) = self.counts.get_mut(key as usize) {
            *count = Count::default();
        }
    }

    /// Those of the keys that are meant that weigh most, chosen ones first; of equals the one with the smaller key.
    fn best(
        &self,
        chosen: &[u32],
        is_meant: impl Fn(u32) -> bool,
        weight: &dyn Fn(u32, u32) -> f64,
    ) -> Vec<(u32, u32, ProductNo)> {
        let meant = self.each().filter(|one| is_meant(one.0));
        let mut all: Vec<(bool, f64, (u32, u32, ProductNo))> =
            meant.map(|one| (chosen.contains(&one.0), weight(one.0, one.1), one)).collect();
        let order = |a: &(bool, f64, (u32, u32, ProductNo)), b: &(bool, f64, (u32, u32, ProductNo))| {
            b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(a.2.0.cmp(&b.2.0))
        };
        if all.len() > VALUES_MAX {
            all.select_nth_unstable_by(VALUES_MAX, order);
            all.truncate(VALUES_MAX);
        }
        all.sort_unstable_by(order);
        all.into_iter().map(|(.., one)| one).collect()
    }

    /// Keys with how many and the first that has it, in the order of first sight.
    fn each(&self) -> impl Iterator<Item = (u32, u32, ProductNo)> + '_ {
        self.touched.iter().map(|(key, product)| (*key, self.counts[*key as usize].products, *product))
    }
}

/// Whole stars of a rating in tenths; five counts with four.
fn star(tenths: u8) -> usize {
    usize::from(tenths / 10).min(4)
}

/// Everything that is counted of a list of rows; working memory, reused from one search to the next.
#[derive(Default)]
struct Tally {
    /// The attributes that are counted, by [`Catalog::owner_bits`]; others may be counted in part.
    wanted: u32,
    product_count: u32,
    tags: Counts,
    categories: Counts,
    /// Products by whole stars of their mean rating, five counted with four; least and greatest in tenths.
    stars: [u32; 5],
    /// How seldom two products stand in the same category.
    category_worth: f64,
    rated: Option<(u8, u8)>,
    /// Binary logarithms of prices: of rows alone first, then of rows of groups in the order of `grouped`.
    octaves: Vec<(f32, ProductNo)>,
    lone_count: usize,
    /// Rows that share a product with others: by group, where they stand in `variants`.
    grouped: Vec<(u32, u32)>,
    /// Those rows: copied, since they are looked at again in the order of groups, and memory is what that would wait for.
    variants: Vec<(ProductNo, Kept)>,
    octave_groups: Vec<u32>,
}

impl Tally {
    fn count(&mut self, catalog: &Catalog, rows: impl Iterator<Item = ProductNo>) {
        self.tags.clear(catalog.tag_count());
        self.categories.clear(catalog.category_count());
        (self.product_count, self.stars, self.rated) = (0, [0; 5], None);
        self.octaves.clear();
        self.grouped.clear();
        self.variants.clear();
        self.octave_groups.clear();
        let mut rows = rows;
        let mut batch = Vec::with_capacity(FETCHED);
        loop {
            batch.clear();
            batch.extend(rows.by_ref().take(FETCHED));
            if batch.is_empty() {
                break;
            }
            catalog.fetch(batch.iter().copied());
            for &product in &batch {
                if let Some(kept) = catalog.kept(product) {
                    self.count_one(catalog, product, kept);
                }
            }
        }
        self.lone_count = self.octaves.len();
        let scattered = self.count_groups(catalog);
        self.roll_up(catalog);
        for (from, to) in scattered {
            for &(group, at) in &self.grouped[from..to] {
                let (product, kept) = self.variants[at as usize];
                for above in catalog.categories_up(kept.category) {
                    self.categories.add_once(above.0, product, group);
                }
            }
        }
        // No category is no value.
        self.categories.forget(0);
    }

    /// Counts a row; one that shares its product with others is put aside.
    #[inline]
    fn count_one(&mut self, catalog: &Catalog, product: ProductNo, kept: &Kept) {
        if !is_lone(kept.group) {
            self.grouped.push((kept.group.0, self.variants.len() as u32));
            self.variants.push((product, *kept));
            return;
        }
        self.product_count += 1;
        catalog.each_value((product, kept), self.wanted, |tag| self.tags.add(tag, product));
        self.categories.add(kept.category.0, product);
        if let Some(tenths) = kept.rating_tenths() {
            self.stars[star(tenths)] += 1;
            self.note_rating(tenths);
        }
        if kept.octave.is_finite() {
            self.octaves.push((kept.octave, product));
        }
    }

    fn note_rating(&mut self, tenths: u8) {
        let (least, most) = self.rated.unwrap_or((tenths, tenths));
        self.rated = Some((least.min(tenths), most.max(tenths)));
    }

    /// Counts each product with several rows once for what any of them has; but for the categories of those whose rows stand in
    /// several, which it gives back as stretches of `grouped`.
    fn count_groups(&mut self, catalog: &Catalog) -> Vec<(usize, usize)> {
        self.grouped.sort_unstable();
        let (mut scattered, mut from) = (Vec::new(), 0);
        for rows in self.grouped.chunk_by(|a, b| a.0 == b.0) {
            self.product_count += 1;
            let (first, Kept { category, .. }) = self.variants[rows[0].1 as usize];
            let (mut stars, mut is_scattered) = (0_u8, false);
            for &(group, at) in rows {
                let (product, kept) = self.variants[at as usize];
                catalog
                    .each_value((product, &kept), self.wanted, |tag| self.tags.add_once(tag, product, group));
                is_scattered |= kept.category != category;
                if let Some(tenths) = kept.rating_tenths() {
                    stars |= 1 << star(tenths);
                    let (least, most) = self.rated.unwrap_or((tenths, tenths));
                    self.rated = Some((least.min(tenths), most.max(tenths)));
                }
                if kept.octave.is_finite() {
                    self.octaves.push((kept.octave, product));
                    self.octave_groups.push(group);
                }
            }
            if is_scattered {
                scattered.push((from, from + rows.len()));
            } else {
                self.categories.add(category.0, first);
            }
            from += rows.len();
            (0..).zip(&mut self.stars).for_each(|(star, count)| *count += u32::from(stars >> star & 1));
        }
        scattered
    }

    /// Adds what stands in a category to all above it.
    fn roll_up(&mut self, catalog: &Catalog) {
        let direct: Vec<(u32, u32, ProductNo)> = self.categories.each().collect();
        let known: f64 = direct.iter().map(|(_, count, _)| f64::from(*count)).sum();
        let squares: f64 = direct.iter().map(|(_, count, _)| f64::from(*count).powi(2)).sum();
        self.category_worth = 1.0 - squares / (known * known).max(1.0);
        for (category, count, product) in direct {
            for above in catalog.categories_up(CategoryNo(category)).into_iter().skip(1) {
                self.categories.add(above.0, product);
                self.categories.counts[above.index()].products += count - 1;
            }
        }
    }

    /// How well one of [`OWN`] but brand tells the products apart.
    fn worth(&self, name: &str) -> f64 {
        let all = f64::from(self.product_count.max(1));
        match name {
            "category" => self.category_worth,
            "price" => self.priced_worth(all),
            _ => {
                let rated = f64::from(self.stars.iter().sum::<u32>());
                let squares: f64 = self.stars.iter().map(|count| f64::from(*count).powi(2)).sum();
                (rated / all).min(1.0) * (1.0 - squares / (rated * rated).max(1.0))
            }
        }
    }

    /// Prices are cut into as many stretches of about as many products each, unless all are the same.
    fn priced_worth(&self, all: f64) -> f64 {
        let mut octaves = self.octaves.iter().map(|(octave, _)| *octave);
        let Some(first) = octaves.next() else { return 0.0 };
        let is_varied = octaves.any(|octave| octave != first);
        if is_varied { (self.octaves.len() as f64 / all).min(1.0) * (1.0 - 1.0 / RANGES as f64) } else { 0.0 }
    }

    fn lone_octaves(&self) -> impl Iterator<Item = (f32, ProductNo)> + '_ {
        self.octaves[..self.lone_count].iter().copied()
    }

    fn grouped_octaves(&self) -> impl Iterator<Item = (u32, f32)> + '_ {
        let rows = &self.octaves[self.lone_count..];
        self.octave_groups.iter().zip(rows).map(|(group, (octave, _))| (*group, *octave))
    }
}
