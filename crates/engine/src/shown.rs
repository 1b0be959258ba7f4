//! How often a shopper was shown what, in 512 bytes: a count-min sketch (Cormode & Muthukrishnan 2005) of this week's views in
//! lists and one of the week before. It may count too many, hardly ever too few; sums do not depend on order.

use bespoke_domain::ProductNo;
use bespoke_domain::time::DAY_MS;
use serde::{Deserialize, Serialize};

/// Counters of a row: two in a byte, each at most 15.
const COUNTERS: usize = 256;
/// Rows of a sketch.
const ROWS: usize = 2;
/// Most that is counted.
pub const TIMES_MAX: u8 = 15;
const WEEK_S: u32 = (7 * DAY_MS / 1000) as u32;

/// One week's counters.
type Sketch = Vec<u8>;

/// The two weeks, the newer first.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Shown {
    week: u32,
    sketches: [Sketch; 2],
}

impl Shown {
    /// Of one list that was in view at `time_s`, in seconds of the epoch.
    pub fn of(time_s: u32, products: &[ProductNo]) -> Self {
        let mut sketch = vec![0; ROWS * COUNTERS / 2];
        for place in products.iter().flat_map(|product| places(*product)) {
            let count = get(&sketch, place).saturating_add(1).min(TIMES_MAX);
            set(&mut sketch, place, count);
        }
        Self { week: time_s / WEEK_S, sketches: [sketch, Vec::new()] }
    }

    /// Adds what `other` counted; of more than two weeks the newest two stay.
    pub fn merge(&mut self, other: &Self) {
        let week = self.week.max(other.week);
        let mut mine = std::mem::take(self).sketches_from(week);
        for (sum, more) in mine.iter_mut().zip(other.clone().sketches_from(week)) {
            add(sum, more);
        }
        *self = Self { week, sketches: mine };
    }

    /// Lets go of the weeks up to the one of `time_s`.
    pub fn forget_until(&mut self, time_s: u32) {
        let last = time_s / WEEK_S;
        for (sketch, week) in self.sketches.iter_mut().zip([self.week, self.week.saturating_sub(1)]) {
            if week <= last {
                *sketch = Vec::new();
            }
        }
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Whether nothing is counted.
    pub fn is_empty(&self) -> bool {
        self.sketches.iter().all(Vec::is_empty)
    }

    /// How often the product was shown in the week of `time_s` and the one before.
    pub fn times(&self, product: ProductNo, time_s: u32) -> u8 {
        let week = time_s / WEEK_S;
        let counts = self.sketches.iter().zip([self.week, self.week.saturating_sub(1)]);
        let near = counts.filter(|(sketch, at)| !sketch.is_empty() && week.saturating_sub(*at) <= 1);
        let least = |sketch: &Sketch| places(product).map(|place| get(sketch, place)).min().unwrap_or(0);
        near.map(|(sketch, _)| least(sketch)).fold(0, |sum: u8, count| sum.saturating_add(count))
    }

    /// The sketches of `week` and the one before it.
    fn sketches_from(self, week: u32) -> [Sketch; 2] {
        let [newer, older] = self.sketches;
        match week - self.week {
            0 => [newer, older],
            1 => [Vec::new(), newer],
            _ => Default::default(),
        }
    }
}

fn add(sum: &mut Sketch, more: Sketch) {
    if sum.is_empty() {
        *sum = more;
        return;
    }
    for (one, more) in sum.iter_mut().zip(more) {
        let low = ((*one & 15) + (more & 15)).min(TIMES_MAX);
        let high = ((*one >> 4) + (more >> 4)).min(TIMES_MAX);
        *one = high << 4 | low;
    }
}

/// Where a product is counted, in each row.
fn places(product: ProductNo) -> impl Iterator<Item = usize> {
    let hash = u64::from(product.0).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    [hash >> 56, hash >> 40 & 255].into_iter().zip(0..).map(|(at, row)| row * COUNTERS + at as usize)
}

fn get(sketch: &Sketch, place: usize) -> u8 {
    sketch[place / 2] >> (4 * (place % 2)) & 15
}

fn set(sketch: &mut Sketch, place: usize, count: u8) {
    let shift = 4 * (place % 2);
    sketch[place / 2] = sketch[place / 2] & !(15 << shift) | count << shift;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(week: u32, times: usize) -> Shown {
        let mut all = Shown::default();
        (0..times).for_each(|_| all.merge(&Shown::of(week * WEEK_S, &[ProductNo(7)])));
        all
    }

    #[test]
    fn two_weeks_are_counted_and_no_more() {
        let mut all = shown(10, 3);
        all.merge(&shown(11, 2));
        let at = |week: u32| all.times(ProductNo(7), week * WEEK_S);
        assert_eq!([at(11), at(12), at(13)], [5, 2, 0]);
        let mut late = all.clone();
        late.merge(&shown(9, 4));
        assert_eq!(late, all, "what is older than the week before is gone");
        assert_eq!(shown(3, 40).times(ProductNo(7), 3 * WEEK_S), TIMES_MAX);
    }

    #[test]
    fn others_are_rarely_counted_too() {
        let some: Vec<ProductNo> = (0..100).map(ProductNo).collect();
        let mut all = Shown::default();
        (0..3).for_each(|_| all.merge(&Shown::of(0, &some)));
        let wrong = (100..1100).filter(|no| all.times(ProductNo(*no), 0) >= 3).count();
        assert!(wrong < 200, "{wrong} of 1000 others");
        assert!(some.iter().all(|one| all.times(*one, 0) >= 3));
    }
}
