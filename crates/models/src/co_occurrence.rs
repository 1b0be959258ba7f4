//! Decayed, bounded rows of what goes with a product: each row holds its strongest neighbours, and the whole weight it
//! was ever given, so that a share of few observations can be told from a share of many.

use crate::cow::CowVec;
use bespoke_domain::order::by_score;
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{Millis, ProductNo};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the rows keep.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoOccurrenceParams {
    /// Neighbours kept in a row; up to twice as many are in memory between two cuts.
    pub neighbours_max: u32,
    /// Days after which a weight counts half.
    pub half_life_days: f32,
}

impl Default for CoOccurrenceParams {
    fn default() -> Self {
        Self { neighbours_max: 64, half_life_days: 120.0 }
    }
}

/// The neighbours of one product.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Row {
    /// UTC day since the epoch to which the weights are decayed.
    day: i32,
    /// All weight ever given, decayed, whether its neighbour is still here or not.
    total: f32,
    items: Vec<ProductNo>,
    /// Weight of each of `items`.
    weights: Vec<f32>,
}

/// Directed co-occurrence: how often `to` came with `from`. Cloning it shares everything the writer has not touched
/// since. A product costs 8 bytes until it has a neighbour, then 88 and 8 a neighbour.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CoOccurrence {
    params: CoOccurrenceParams,
    rows: CowVec<Option<Arc<Row>>, 256>,
}

/// A row as it stands at some moment.
#[derive(Clone, Copy, Debug)]
pub struct Neighbours<'a> {
    row: &'a Row,
    /// Factor from the row's day to the moment of asking.
    decay: f32,
}

impl<'a> Neighbours<'a> {
    /// All weight that was given to the row, decayed.
    pub fn total(&self) -> f32 {
        self.row.total * self.decay
    }

    /// Number of neighbours.
    pub fn len(&self) -> usize {
        self.row.items.len()
    }

    /// Whether there is no neighbour.
    pub fn is_empty(&self) -> bool {
        self.row.items.is_empty()
    }

    /// Each neighbour with its share `weight / (total + shrinkage)`, in no order of rank. Shrinkage is in units of
    /// weight: a row with as much total weight gives half of its plain shares.
    pub fn shares(self, shrinkage: f32) -> impl Iterator<Item = (f32, ProductNo)> + 'a {
        let factor = self.decay / (self.total() + shrinkage.max(0.0)).max(f32::MIN_POSITIVE);
        self.row.items.iter().zip(&self.row.weights).map(move |(&item, &weight)| (weight * factor, item))
    }

    /// [`Self::shares`], best first, at most `limit`.
    pub fn best(self, shrinkage: f32, limit: usize) -> Vec<(f32, ProductNo)> {
        let mut shares: Vec<_> = self.shares(shrinkage).collect();
        shares.sort_unstable_by(|a, b| by_score(*a, *b));
        shares.truncate(limit);
        shares
    }
}

impl CoOccurrence {
    /// No rows.
    pub fn new(params: CoOccurrenceParams) -> Self {
        Self { params, ..Self::default() }
    }

    /// Adds `weight` to how much `to` goes with `from`. Weight that is not positive and finite is ignored; a moment
    /// before the row's newest day counts as that much older.
    pub fn add(&mut self, from: ProductNo, to: ProductNo, weight: f32, now: Millis) {
        if !(weight.is_finite() && weight > 0.0) {
            return;
        }
        self.rows.grow_to(from.index() + 1, &None);
        let Some(slot) = self.rows.get_mut(from.index()) else { return };
        let row = Arc::make_mut(slot.get_or_insert_default());
        let late = row.age_to(day_of(now), &self.params);
        row.add(to, weight * late, self.params.neighbours_max.max(1) as usize);
    }

    /// What goes with `from` at the moment `now`; `None` if nothing does.
    #[inline]
    pub fn row(&self, from: ProductNo, now: Millis) -> Option<Neighbours<'_>> {
        let row = self.rows.get(from.index())?.as_deref()?;
        Some(Neighbours { row, decay: decay(day_of(now).saturating_sub(row.day), &self.params) })
    }
}

impl Row {
    /// Decays the row to `day` if that is later, and gives the factor for weight of that day.
    fn age_to(&mut self, day: i32, params: &CoOccurrenceParams) -> f32 {
        if self.items.is_empty() {
            self.day = day;
        }
        if day > self.day {
            let factor = decay(day - self.day, params);
            self.weights.iter_mut().for_each(|weight| *weight *= factor);
            self.total *= factor;
            self.day = day;
        }
        decay(self.day.saturating_sub(day), params)
    }

    fn add(&mut self, to: ProductNo, weight: f32, neighbours_max: usize) {
        self.total += weight;
        match self.items.iter().position(|&item| item == to) {
            Some(place) => self.weights[place] += weight,
            None => {
                self.items.push(to);
                self.weights.push(weight);
            }
        }
        if self.items.len() > 2 * neighbours_max {
            self.cut(neighbours_max);
        }
    }

    /// Keeps the strongest neighbours, strongest first.
    fn cut(&mut self, neighbours_max: usize) {
        let mut pairs: Vec<_> = self.weights.iter().copied().zip(self.items.iter().copied()).collect();
        pairs.sort_unstable_by(|a, b| by_score(*a, *b));
        pairs.truncate(neighbours_max);
        (self.weights, self.items) = pairs.into_iter().unzip();
    }
}

fn day_of(now: Millis) -> i32 {
    now.0.div_euclid(DAY_MS).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// What is left of a weight after `days`; none before.
fn decay(days: i32, params: &CoOccurrenceParams) -> f32 {
    if days <= 0 { 1.0 } else { libm::exp2f(-(days as f32) / params.half_life_days.max(1e-3)) }
}
