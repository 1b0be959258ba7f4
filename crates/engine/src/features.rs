//! What a candidate is like at the moment of a decision, as numbers: what sources and scorers say of it, what it is, how the
//! shopper stands to it, what the visit is like. The same code describes candidates when a ranker learns, when it serves, and
//! in the log; all of it is rounded to 16 bits first, so that training sees what serving saw.

use crate::context::Context;
use crate::pool::{Pool, Pooled};
use crate::profile::seconds;
use crate::scorer::{SCORERS, Score, ScorerSpec};
use crate::source::SourceSpec;
use crate::tables::PlannedPlacement;
use bespoke_domain::settings::Placement;
use bespoke_domain::{Candidate, ProductNo};
use bespoke_models::learned::LEARNED;

/// What is said of a candidate beyond what sources and scorers say, by name; `NaN` is not known.
type OfCandidate = (&'static str, fn(&Moment<'_>, &Pooled, ProductNo) -> f32);
/// What is said of the moment, by name.
type OfMoment = (&'static str, fn(&Moment<'_>) -> f32);

const OF_CANDIDATE: [OfCandidate; 13] = [
    ("popularity_log", |moment, _, product| {
        log(moment.context.snapshot.aggregates.popularity.score(product, moment.context.request.now))
    }),
    ("trend_log", |moment, _, product| {
        log(moment.context.snapshot.aggregates.trend.score(product, moment.context.request.now))
    }),
    ("sold_log", |moment, _, product| {
        log(moment.context.snapshot.aggregates.sold.score(product, moment.context.request.now))
    }),
    ("price_octave", |_, one, _| one.row.octave),
    ("price_above_page", |moment, one, _| one.row.octave - moment.page_octave),
    ("is_page_category", |moment, one, _| flag(moment.page_category.map(|own| own == one.row.category.0))),
    ("is_page_brand", |moment, one, _| flag(moment.page_brand.map(|own| own == one.row.brand.0))),
    ("times_in_visit", |moment, _, product| {
        count(moment.context.visit.iter().filter(|held| **held == product))
    }),
    ("items_back", |moment, _, product| {
        let back = moment.context.visit.iter().rev().position(|held| *held == product);
        back.map_or(f32::NAN, |back| back as f32)
    }),
    ("times_lately", |moment, _, product| {
        count(moment.context.recent().filter(|one| one.product == product))
    }),
    ("days_since_met", |moment, _, product| {
        let last = moment.context.recent().rev().find(|one| one.product == product);
        last.map_or(f32::NAN, |one| moment.days_since(one.time_s))
    }),
    ("days_since_bought", |moment, _, product| {
        let last = moment.context.bought().find(|one| one.product == product);
        last.map_or(f32::NAN, |one| moment.days_since(one.time_s))
    }),
    ("is_in_cart", |moment, _, product| flag(Some(moment.context.cart.contains(&product)))),
];

const OF_MOMENT: [OfMoment; 8] = [
    ("visit_items", |moment| moment.context.visit.len() as f32),
    ("visit_products", |moment| {
        let mut products = moment.context.visit.clone();
        products.sort_unstable();
        products.dedup();
        products.len() as f32
    }),
    ("acts_lately", |moment| count(moment.context.recent())),
    ("orders", |moment| moment.context.profile.map_or(f32::NAN, |profile| profile.order_count as f32)),
    ("cart_items", |moment| moment.context.cart.len() as f32),
    ("page_items", |moment| moment.context.items.len() as f32),
    ("hour_utc", |moment| ((moment.time_s() / 3_600).rem_euclid(24)) as f32),
    // The first day of the epoch was a Thursday.
    ("weekday_utc", |moment| ((moment.time_s() / 86_400 + 3).rem_euclid(7)) as f32),
];

/// What is asked of one moment again and again.
struct Moment<'a> {
    context: &'a Context<'a>,
    page_octave: f32,
    page_category: Option<u32>,
    page_brand: Option<u32>,
}

impl<'a> Moment<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        let page = context.items.last().or(context.visit.last());
        let row = page.and_then(|product| context.snapshot.aggregates.catalog.row(*product));
        Self {
            context,
            page_octave: row.map_or(f32::NAN, |row| row.octave),
            page_category: row.map(|row| row.category.0),
            page_brand: row.map(|row| row.brand.0),
        }
    }

    fn days_since(&self, time_s: u32) -> f32 {
        seconds(self.context.request.now).saturating_sub(time_s) as f32 / 86_400.0
    }

    /// Seconds of the epoch: moments of the past do not know the shop's clock.
    fn time_s(&self) -> i64 {
        self.context.request.now.0.div_euclid(1_000)
    }
}

fn log(score: f64) -> f32 {
    libm::log1p(score.max(0.0)) as f32
}

fn flag(holds: Option<bool>) -> f32 {
    holds.map_or(f32::NAN, |holds| f32::from(u8::from(holds)))
}

fn count(all: impl Iterator) -> f32 {
    all.count() as f32
}

/// The scorers that describe candidates: all but learnt ones that the placement does not name, whose models it does not rest on.
fn scorers(placement: &Placement) -> impl Iterator<Item = &'static ScorerSpec> + '_ {
    let is_learnt = |name: &str| LEARNED.iter().any(|spec| spec.name == name);
    let is_named = |name: &str| placement.scorers.iter().any(|used| used.scorer == name);
    SCORERS.into_iter().filter(move |scorer| !is_learnt(scorer.name) || is_named(scorer.name))
}

/// The names of what is said of a candidate of a placement with these sources.
pub fn names<'a>(placement: &Placement, sources: impl Iterator<Item = &'a SourceSpec>) -> Vec<String> {
    let of_sources =
        sources.flat_map(|source| [format!("source.{}", source.name), format!("rank.{}", source.name)]);
    let of_scorers = scorers(placement).map(|scorer| format!("scorer.{}", scorer.name));
    let others = OF_CANDIDATE.iter().map(|one| one.0).chain(OF_MOMENT.iter().map(|one| one.0));
    of_sources.chain(of_scorers).chain(others.map(str::to_owned)).collect()
}

/// A number for a list of names: another list has another one, but for one case in four milliards. Never 0.
pub fn set(names: &[String]) -> u32 {
    let bytes = names.iter().flat_map(|name| name.bytes().chain([0]));
    // FNV-1a.
    bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)).max(1)
}

/// What is said of the candidates at these places of the pool, row after row, in the order of [`PlannedPlacement::features`].
pub fn describe(
    context: &Context<'_>,
    planned: &PlannedPlacement,
    pool: &Pool<'_>,
    at: &[usize],
) -> Vec<f32> {
    let moment = Moment::new(context);
    let of_moment: Vec<f32> = OF_MOMENT.iter().map(|(_, value)| value(&moment)).collect();
    let scorers: Vec<Score<'_>> =
        scorers(&planned.placement).map(|scorer| (scorer.prepare)(context)).collect();
    let ranks: Vec<Vec<f32>> = (0..planned.sources.len()).map(|source| ranks(pool, at, source)).collect();
    let mut values = Vec::with_capacity(at.len() * planned.features.len());
    for (row, one) in at.iter().map(|at| &pool.all[*at]).enumerate() {
        for (number, source) in planned.sources.iter().enumerate() {
            let part = one.parts[number] / source.weight;
            values.extend([if part > 0.0 { part } else { f32::NAN }, ranks[number][row]]);
        }
        values.extend(scorers.iter().map(|score| score(one)));
        let of_candidate = |(_, value): &OfCandidate| match one.candidate {
            Candidate::Product(product) => value(&moment, one, product),
            Candidate::Category(_) | Candidate::Content(_) => f32::NAN,
        };
        values.extend(OF_CANDIDATE.iter().map(of_candidate));
        values.extend_from_slice(&of_moment);
    }
    values.iter_mut().for_each(|value| *value = wide(narrow(*value)));
    values
}

/// The rank of each, from 0, among those that the source named; `NaN` for the others.
fn ranks(pool: &Pool<'_>, at: &[usize], source: usize) -> Vec<f32> {
    let part = |row: usize| pool.all[at[row]].parts[source];
    let mut named: Vec<usize> = (0..at.len()).filter(|row| part(*row) > 0.0).collect();
    named.sort_by(|a, b| part(*b).total_cmp(&part(*a)));
    let mut ranks = vec![f32::NAN; at.len()];
    named.iter().enumerate().for_each(|(rank, row)| ranks[*row] = rank as f32);
    ranks
}

/// The upper half of a 32-bit float, rounded to the nearest; infinities become not known.
pub fn narrow(value: f32) -> u16 {
    if !value.is_finite() {
        return (f32::NAN.to_bits() >> 16) as u16;
    }
    let bits = value.to_bits();
    // Half of what is cut off, and a little more where the last kept bit is 1: ties go to even.
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    // The greatest floats would round to infinity.
    if f32::from_bits(rounded << 16).is_finite() { rounded as u16 } else { (bits >> 16) as u16 }
}

/// The float of such a half.
pub fn wide(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_near_and_stay() {
        for value in [0.0_f32, 1.0, -2.5, 0.1, 1e-30, 3.4e38, -7.7e9] {
            let near = wide(narrow(value));
            assert!((near - value).abs() <= value.abs() / 128.0, "{value} {near}");
            assert_eq!(narrow(near), narrow(value));
        }
        assert!(wide(narrow(f32::NAN)).is_nan() && wide(narrow(f32::INFINITY)).is_nan());
    }
}
