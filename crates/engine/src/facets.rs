//! What a search's results can be narrowed by: values with how many products have them, exactly. A facet that is narrowed by
//! already is counted as if it were not, so that another of its values can be chosen (disjunctive). Which facets, in which order:
//! those that tell most of these results apart, unless the shop names them.

use crate::catalog::{Catalog, Number};
use crate::context::Context;
use crate::found::{Found, count_groups};
use bespoke_domain::search::{Choice, Refinement, Search};
use bespoke_domain::{CategoryNo, GroupNo, ProductNo};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// Most facets of an answer.
pub const FACETS_MAX: usize = 20;
/// Most values of one.
pub const VALUES_MAX: usize = 50;
/// Facets where the shop and the request name none.
const BY_USE: usize = 6;
/// Share of the results that an attribute must be known of to be offered by itself.
const KNOWN_MIN: f64 = 0.1;
/// Ranges that prices are cut into.
const RANGES: usize = 5;

/// A value with how many products have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// As the catalogue writes it.
    pub value: String,
    /// Products that have it, variants of one counted once.
    pub count: u32,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A stretch of numbers with how many products lie in it: from its first number, below its second, the last one's end included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// The least.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Products in it.
    pub count: u32,
}

/// One facet.
#[derive(Clone, Debug, PartialEq)]
pub struct Facet {
    /// An attribute, `brand`, `category`, `price` or `rating`.
    pub name: String,
    /// Its values, those of most products first; none for numbers.
    pub values: Vec<Value>,
    /// Of numbers: least and greatest.
    pub bounds: Option<(f64, f64)>,
    /// Of numbers: stretches of them, rising.
    pub stretches: Vec<Stretch>,
}

/// The facets of what was found: those named, or those that tell most apart.
pub fn facets(context: &Context<'_>, search: &Search, found: &Found, named: &[String]) -> Vec<Facet> {
    let counter = Counter { context, search, found };
    let names = if named.is_empty() { counter.useful() } else { named.to_vec() };
    let facet = |name: &String| match name.to_lowercase().as_str() {
        "price" => counter.numbers(name, Number::Price),
        "rating" => counter.numbers(name, Number::Rating),
        "category" => counter.categories(name),
        _ => counter.values(name),
    };
    names.iter().take(FACETS_MAX).filter_map(facet).collect()
}

struct Counter<'a> {
    context: &'a Context<'a>,
    search: &'a Search,
    found: &'a Found,
}

impl<'a> Counter<'a> {
    fn catalog(&self) -> &'a Catalog {
        &self.context.snapshot.aggregates.catalog
    }

    fn refinement(&self, name: &str) -> Option<(u16, &'a Refinement)> {
        (0..).zip(&self.search.refinements).find(|(_, one)| one.facet.eq_ignore_ascii_case(name))
    }

    /// What passes every refinement but that of the facet.
    fn rows(&self, name: &str) -> impl Iterator<Item = ProductNo> + 'a {
        let own = self.refinement(name).map_or(0, |(no, _)| 1_u16 << no);
        self.found.matched.iter().filter(move |(_, fails)| fails & !own == 0).map(|(product, _)| *product)
    }

    fn is_chosen(&self, name: &str, value: &str) -> bool {
        self.refinement(name).is_some_and(|(_, one)| match &one.choice {
            Choice::Values(values) => values.iter().any(|chosen| chosen.eq_ignore_ascii_case(value)),
            Choice::Range(..) => false,
        })
    }

    /// The attributes that tell most apart: known of many, and of many values none of which all have.
    fn useful(&self) -> Vec<String> {
        let catalog = self.catalog();
        let rows: Vec<ProductNo> = self.rows("").collect();
        let mut counts: FxHashMap<u32, u32> = FxHashMap::default();
        rows.iter()
            .flat_map(|product| catalog.tags(*product))
            .for_each(|tag| *counts.entry(*tag).or_default() += 1);
        let mut by_name: BTreeMap<&str, (u32, f64)> = BTreeMap::new();
        for (tag, count) in counts {
            let Some((name, value)) = catalog.tag_parts(tag) else { continue };
            let (known, squares) = by_name.entry(name).or_default();
            if value.is_empty() {
                *known = count;
            } else {
                *squares += f64::from(count) * f64::from(count);
            }
        }
        let all = rows.len().max(1) as f64;
        // Known of a share of the results, times how seldom two of those agree (Simpson's index of diversity).
        let worth = |(known, squares): (u32, f64)| {
            let known = f64::from(known);
            known / all * (1.0 - squares / (known * known).max(1.0)).max(0.0)
        };
        let is_offered = |name: &str, known: u32| {
            !matches!(name, "title" | "brand" | "category") && f64::from(known) >= KNOWN_MIN * all
        };
        let offered = by_name.into_iter().filter(|(name, (known, _))| is_offered(name, *known));
        let mut best: Vec<(f64, &str)> = offered.map(|(name, sums)| (worth(sums), name)).collect();
        best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let first = ["category", "brand", "price", "rating"].into_iter().map(str::to_owned);
        let chosen = self.search.refinements.iter().map(|one| one.facet.to_lowercase());
        let mut names: Vec<String> = first.collect();
        for name in chosen.chain(
            best.iter().take(BY_USE).filter(|(worth, _)| *worth > 0.0).map(|(_, name)| (*name).to_owned()),
        ) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn values(&self, name: &str) -> Option<Facet> {
        let catalog = self.catalog();
        let prefix = name.to_lowercase();
        let mut tally = Tally::default();
        for product in self.rows(name) {
            let group = catalog.row(product)?.group;
            for tag in catalog.values_of(product, &prefix) {
                tally.add(tag, group, product);
            }
        }
        let written = |tag: u32, product: ProductNo| {
            let (_, value) = catalog.tag_parts(tag)?;
            Some(written_as(catalog, product, name, value).unwrap_or_else(|| value.to_owned()))
        };
        self.facet(name, tally, written)
    }

    fn categories(&self, name: &str) -> Option<Facet> {
        let catalog = self.catalog();
        let mut tally = Tally::default();
        for product in self.rows(name) {
            let row = catalog.row(product)?;
            for category in catalog.categories_up(row.category).into_iter().filter(|one| one.0 != 0) {
                tally.add(category.0, row.group, product);
            }
        }
        self.facet(name, tally, |category, _| Some(catalog.category_path(CategoryNo(category)).to_owned()))
    }

    fn facet(
        &self,
        name: &str,
        tally: Tally,
        written: impl Fn(u32, ProductNo) -> Option<String>,
    ) -> Option<Facet> {
        let values = tally.sorted().into_iter().filter_map(|(key, count, product)| {
            let value = written(key, product)?;
            Some(Value { chosen: self.is_chosen(name, &value), value, count })
        });
        let mut values: Vec<Value> = values.collect();
        // What is chosen is always there, so that it can be given up.
        values
            .sort_by(|a, b| b.chosen.cmp(&a.chosen).then(b.count.cmp(&a.count)).then(a.value.cmp(&b.value)));
        values.truncate(VALUES_MAX);
        (!values.is_empty()).then(|| Facet {
            name: name.to_owned(),
            values,
            bounds: None,
            stretches: Vec::new(),
        })
    }

    fn numbers(&self, name: &str, number: Number) -> Option<Facet> {
        let (catalog, now) = (self.catalog(), self.context.request.now);
        let value = |product| catalog.number(product, number, now).filter(|value| value.is_finite());
        let mut all: Vec<(f64, ProductNo)> =
            self.rows(name).filter_map(|product| Some((value(product)?, product))).collect();
        all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let bounds = (all.first()?.0, all.last()?.0);
        let edges = match number {
            Number::Rating => vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
            _ => edges(&all),
        };
        let stretch = |pair: &[f64]| {
            let last = pair[1] >= *edges.last().unwrap_or(&pair[1]);
            let from = all.partition_point(|(value, _)| *value < pair[0]);
            let to = all.partition_point(|(value, _)| *value < pair[1] || last && *value <= pair[1]);
            let count = count_groups(catalog, all[from..to].iter().map(|(_, product)| *product));
            Stretch { from: pair[0], to: pair[1], count }
        };
        let stretches = edges.windows(2).map(stretch).filter(|one| one.count > 0).collect();
        Some(Facet { name: name.to_owned(), values: Vec::new(), bounds: Some(bounds), stretches })
    }
}

/// Round numbers that cut sorted values into stretches of about as many each.
fn edges(all: &[(f64, ProductNo)]) -> Vec<f64> {
    let mut edges: Vec<f64> = vec![0.0];
    for part in 1..RANGES {
        let edge = rounded(all[all.len() * part / RANGES].0);
        if edges.last().is_none_or(|last| edge > *last) {
            edges.push(edge);
        }
    }
    let end = all.last().map_or(0.0, |last| last.0);
    if edges.last().is_none_or(|last| end >= *last) {
        edges.push(end.ceil());
    }
    edges.dedup();
    edges
}

/// The nearest of 1, 2, 2.5 and 5 times a power of ten.
fn rounded(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let power = libm::pow(10.0, libm::log10(value).floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power);
    let distance = |step: &f64| (step - value).abs();
    steps.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(value)
}

/// How a product writes a value of an attribute.
fn written_as(catalog: &Catalog, product: ProductNo, name: &str, folded: &str) -> Option<String> {
    let is_it = |value: &&str| value.trim().to_lowercase() == folded;
    if name.eq_ignore_ascii_case("brand") {
        return catalog.content(product).map(|content| content.brand.trim().to_owned());
    }
    let attributes = catalog.attributes(product).into_iter();
    let mut values = attributes
        .filter(|(held, _)| held.eq_ignore_ascii_case(name))
        .flat_map(|(_, values)| values.split(','));
    values.find(is_it).map(|value| value.trim().to_owned())
}

/// Products by key, variants of one product once.
#[derive(Default)]
struct Tally {
    /// How many, and the first that has it.
    counts: FxHashMap<u32, (u32, ProductNo)>,
    /// Of groups of several rows: which keys they were counted for.
    seen: FxHashSet<(u32, GroupNo)>,
}

impl Tally {
    fn add(&mut self, key: u32, group: GroupNo, product: ProductNo) {
        if crate::variants::is_lone(group) || self.seen.insert((key, group)) {
            self.counts.entry(key).or_insert((0, product)).0 += 1;
        }
    }

    /// Those of most products first; of equals the smaller key.
    fn sorted(self) -> Vec<(u32, u32, ProductNo)> {
        let mut all: Vec<(u32, u32, ProductNo)> =
            self.counts.into_iter().map(|(key, (count, product))| (key, count, product)).collect();
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        all
    }
}
