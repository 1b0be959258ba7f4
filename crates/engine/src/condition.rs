//! Conditions against the catalogue, the shopper and the moment: their names resolved once, then asked of each candidate.
//! A test of something that is not there fails – also one of a shopper who may not be looked at.

use crate::catalog::{Catalog, Number};
use crate::context::Context;
use crate::profile::{Profile, seconds};
use bespoke_domain::condition::{Condition, Is, Test};
use bespoke_domain::event::PageType;
use bespoke_domain::settings::Segment;
use bespoke_domain::{BlockNo, Candidate, CategoryNo, ProductNo};

/// A field's line in the table; every other name is that of a product's attribute, `brand` among them.
pub struct FieldSpec {
    /// Its name in conditions.
    pub name: &'static str,
    /// What it is, with its unit.
    pub doc: &'static str,
    resolve: fn(&Test, &Lookup<'_>) -> Check,
}

/// What names are resolved with.
pub struct Lookup<'a> {
    /// The number of a product's external id.
    pub product: &'a dyn Fn(&str) -> Option<ProductNo>,
    /// The number of a content block.
    pub block: &'a dyn Fn(&str) -> Option<BlockNo>,
    /// Categories and tags.
    pub catalog: &'a Catalog,
    /// Segments by name; one may not name another.
    pub segments: &'a [Segment],
}

const fn field(name: &'static str, doc: &'static str, resolve: fn(&Test, &Lookup<'_>) -> Check) -> FieldSpec {
    FieldSpec { name, doc, resolve }
}

/// Every field.
pub static FIELDS: [FieldSpec; 22] = [
    field("id", "the row's id", |test, names| Check::Product(resolved(test, names.product))),
    field("category", "the main category, at or below the path", categories),
    field("price", "what it costs now, in the currency's main unit", |test, _| number(Number::Price, test)),
    field("margin", "share of the price that is left after cost_of_goods_sold", |test, _| {
        number(Number::Margin, test)
    }),
    field("discount", "share by which the sale price is below the price", |test, _| {
        number(Number::Discount, test)
    }),
    field("stock", "units that can be sold", |test, _| number(Number::Stock, test)),
    field("rating", "mean rating, 0 to 5", |test, _| number(Number::Rating, test)),
    field("rating_count", "number of ratings", |test, _| number(Number::RatingCount, test)),
    field("age_days", "days since published_at", |test, _| number(Number::AgeDays, test)),
    field("page", "type of the page: home, category, product, …", pages),
    field("page.category", "the page's category, at or below the path", |test, names| {
        Check::PageCategory(category_numbers(test, names))
    }),
    field("hour", "hour of the shop's day, 0 to 23", |test, _| moment(Moment::Hour, test)),
    field("weekday", "day of the shop's week, 1 (Monday) to 7", |test, _| moment(Moment::Weekday, test)),
    field("segment", "name of a segment the shopper is in", segment),
    field("shopper.orders", "orders placed", |test, _| shopper(Fact::Orders, test)),
    field("shopper.refunds", "orders that came back", |test, _| shopper(Fact::Refunds, test)),
    field("shopper.days_since_order", "days since the last order", |test, _| {
        shopper(Fact::DaysSinceOrder, test)
    }),
    field("shopper.events", "recent views, carts, saves and purchases, at most 50", |test, _| {
        shopper(Fact::Events, test)
    }),
    field("shopper.visit_events", "those of this visit", |test, _| shopper(Fact::VisitEvents, test)),
    field("shopper.cart_items", "products in the cart", |test, _| shopper(Fact::CartItems, test)),
    field(
        "shopper.viewed",
        "category of something recently dealt with, at or below the path",
        |test, names| Check::Viewed(category_numbers(test, names)),
    ),
    field("shopper.bought", "category of something bought, at or below the path", |test, names| {
        Check::Bought(category_numbers(test, names))
    }),
];

/// A condition with its names resolved.
#[derive(Clone, PartialEq, Debug)]
pub enum Check {
    /// Every one holds.
    All(Vec<Check>),
    /// At least one holds.
    Any(Vec<Check>),
    /// It does not hold.
    Not(Box<Check>),
    /// The product is one of these, sorted.
    Product(Vec<ProductNo>),
    /// The category is, or lies below, one of these.
    Category(Vec<CategoryNo>),
    /// The product has one of these tags, sorted.
    Tag(Vec<u32>),
    /// A number of the product.
    Number(Number, Is),
    /// An attribute, as a number.
    Attribute(String, Is),
    /// The page's type.
    Page(Vec<PageType>),
    /// The page's category.
    PageCategory(Vec<CategoryNo>),
    /// The hour or the weekday.
    Moment(Moment, Is),
    /// A number of the shopper.
    Shopper(Fact, Is),
    /// The shopper recently dealt with something of these categories.
    Viewed(Vec<CategoryNo>),
    /// The shopper bought something of these categories.
    Bought(Vec<CategoryNo>),
}

/// When it is in the shop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each is the field of this name")]
pub enum Moment {
    Hour,
    Weekday,
}

/// A number of the shopper.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each is the field of this name")]
pub enum Fact {
    Orders,
    Refunds,
    DaysSinceOrder,
    Events,
    VisitEvents,
    CartItems,
}

impl Check {
    /// Resolves a condition.
    pub fn new(condition: &Condition, names: &Lookup<'_>) -> Self {
        let each = |all: &[Condition]| all.iter().map(|one| Self::new(one, names)).collect();
        match condition {
            Condition::All(all) => Self::All(each(all)),
            Condition::Any(all) => Self::Any(each(all)),
            Condition::Not(one) => Self::Not(Box::new(Self::new(one, names))),
            Condition::Test(test) => match FIELDS.iter().find(|spec| spec.name == test.field) {
                Some(spec) => (spec.resolve)(test, names),
                None => attribute(test, names),
            },
        }
    }

    /// Whether it holds of a candidate.
    pub fn holds(&self, context: &Context<'_>, candidate: Candidate) -> bool {
        let catalog = &context.snapshot.aggregates.catalog;
        let product = match candidate {
            Candidate::Product(product) => Some(product),
            Candidate::Category(_) | Candidate::Content(_) => None,
        };
        match self {
            Self::All(all) => all.iter().all(|one| one.holds(context, candidate)),
            Self::Any(all) => all.iter().any(|one| one.holds(context, candidate)),
            Self::Not(one) => !one.holds(context, candidate),
            Self::Product(list) => product.is_some_and(|product| list.binary_search(&product).is_ok()),
            Self::Category(list) => {
                let of_product = |product| catalog.row(product).map(|row| row.category).unwrap_or_default();
                let category = match candidate {
                    Candidate::Product(product) => of_product(product),
                    Candidate::Category(category) => category,
                    Candidate::Content(_) => return false,
                };
                catalog.is_within(category, list)
            }
            Self::Tag(wanted) => product.is_some_and(|product| meet(catalog.tags(product), wanted)),
            Self::Number(number, is) => {
                let value = product.and_then(|product| catalog.number(product, *number, context.request.now));
                value.is_some_and(|value| is.holds(value))
            }
            Self::Attribute(name, is) => {
                let mut values = product.into_iter().flat_map(|product| catalog.attributes(product));
                values.any(|(held, value)| {
                    held.eq_ignore_ascii_case(name) && value.parse().is_ok_and(|value| is.holds(value))
                })
            }
            _ => self.holds_of_request(context),
        }
    }

    /// Products of which it may hold, found by what they are listed under: enough that a narrow condition finds something,
    /// not all. `None` where no test of it is listed, or another branch could hold without it.
    pub fn listed(&self, context: &Context<'_>) -> Option<Vec<ProductNo>> {
        let aggregates = &context.snapshot.aggregates;
        match self {
            Self::All(all) => all.iter().filter_map(|one| one.listed(context)).min_by_key(Vec::len),
            Self::Any(all) => {
                let branches: Option<Vec<_>> = all.iter().map(|one| one.listed(context)).collect();
                branches.map(|branches| branches.concat())
            }
            Self::Product(list) => Some(list.clone()),
            Self::Tag(tags) => Some(tags.iter().flat_map(|tag| aggregates.content.with(*tag)).collect()),
            Self::Category(list) => {
                let best = list.iter().flat_map(|category| aggregates.popularity.best(*category));
                Some(best.map(|(_, product)| product).collect())
            }
            _ => None,
        }
    }

    /// Whether it holds of the shopper, the page and the moment; tests of a product fail.
    pub fn holds_of_request(&self, context: &Context<'_>) -> bool {
        let catalog = &context.snapshot.aggregates.catalog;
        match self {
            Self::All(all) => all.iter().all(|one| one.holds_of_request(context)),
            Self::Any(all) => all.iter().any(|one| one.holds_of_request(context)),
            Self::Not(one) => !one.holds_of_request(context),
            Self::Page(pages) => pages.contains(&context.request.page),
            Self::PageCategory(list) => catalog.is_within(context.category, list),
            Self::Moment(field, is) => is.holds(moment_of(context, *field)),
            Self::Shopper(fact, is) => {
                let value = context.profile.and_then(|profile| fact_of(context, profile, *fact));
                value.is_some_and(|value| is.holds(value))
            }
            Self::Viewed(list) => context
                .profile
                .is_some_and(|profile| profile.recent().iter().any(|one| is_of(catalog, one.product, list))),
            Self::Bought(list) => context
                .profile
                .is_some_and(|profile| profile.bought().iter().any(|one| is_of(catalog, one.product, list))),
            _ => false,
        }
    }
}

fn is_of(catalog: &Catalog, product: ProductNo, list: &[CategoryNo]) -> bool {
    catalog.row(product).is_some_and(|row| catalog.is_within(row.category, list))
}

/// Whether two sorted lists share something; the second one is short.
fn meet(held: &[u32], wanted: &[u32]) -> bool {
    wanted.iter().any(|tag| held.binary_search(tag).is_ok())
}

fn texts(test: &Test) -> &[String] {
    match &test.is {
        Is::OneOf(texts) => texts,
        _ => &[],
    }
}

fn resolved<N: Ord>(test: &Test, number: impl Fn(&str) -> Option<N>) -> Vec<N> {
    let mut numbers: Vec<N> = texts(test).iter().filter_map(|text| number(text)).collect();
    numbers.sort_unstable();
    numbers
}

fn category_numbers(test: &Test, names: &Lookup<'_>) -> Vec<CategoryNo> {
    resolved(test, |path| names.catalog.category(path))
}

fn categories(test: &Test, names: &Lookup<'_>) -> Check {
    Check::Category(category_numbers(test, names))
}

fn pages(test: &Test, _: &Lookup<'_>) -> Check {
    Check::Page(texts(test).iter().filter_map(|name| PageType::parse(&name.to_lowercase())).collect())
}

fn number(number: Number, test: &Test) -> Check {
    Check::Number(number, test.is.clone())
}

fn moment(field: Moment, test: &Test) -> Check {
    Check::Moment(field, test.is.clone())
}

fn shopper(fact: Fact, test: &Test) -> Check {
    Check::Shopper(fact, test.is.clone())
}

/// A segment stands for its condition. One that is not there, or that names segments itself, holds for nobody.
fn segment(test: &Test, names: &Lookup<'_>) -> Check {
    let inner = Lookup { segments: &[], ..*names };
    let named = names.segments.iter().filter(|segment| texts(test).contains(&segment.name));
    Check::Any(named.map(|segment| Check::new(&segment.condition, &inner)).collect())
}

fn attribute(test: &Test, names: &Lookup<'_>) -> Check {
    let tag = |value: &str| names.catalog.tag(&test.field, value);
    match &test.is {
        Is::OneOf(_) => Check::Tag(resolved(test, tag)),
        Is::There => Check::Tag(tag("").into_iter().collect()),
        is @ Is::Within { .. } => Check::Attribute(test.field.clone(), is.clone()),
    }
}

/// Hour or weekday on the shop's clock.
fn moment_of(context: &Context<'_>, field: Moment) -> f64 {
    let minutes = context.request.now.0.div_euclid(60_000) + i64::from(context.request.utc_offset_min);
    match field {
        Moment::Hour => (minutes.div_euclid(60).rem_euclid(24)) as f64,
        // The epoch was a Thursday, the fourth day.
        Moment::Weekday => ((minutes.div_euclid(1440) + 3).rem_euclid(7) + 1) as f64,
    }
}

fn fact_of(context: &Context<'_>, profile: &Profile, fact: Fact) -> Option<f64> {
    let now = context.request.now;
    Some(match fact {
        Fact::Orders => f64::from(profile.order_count),
        Fact::Refunds => f64::from(profile.refund_count),
        Fact::DaysSinceOrder => {
            let last = profile.bought().iter().map(|one| one.time_s).max()?;
            f64::from(seconds(now).saturating_sub(last)) / 86_400.0
        }
        Fact::Events => profile.recent().len() as f64,
        Fact::VisitEvents => profile.visit(now).len() as f64,
        Fact::CartItems => context.cart.len() as f64,
    })
}
