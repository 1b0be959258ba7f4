//! What products of a category usually cost: the mean binary logarithm of their prices, kept as prices come and go.

use bespoke_domain::CategoryNo;
use bespoke_models::cow::CowVec;
use serde::{Deserialize, Serialize};

/// Steps of an octave: sums are whole, so that taking off what was added leaves nothing.
const STEPS: f32 = 4096.0;

/// Count and sum by main category, 16 bytes each.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Levels {
    sums: CowVec<(u32, i64), 64>,
}

impl Levels {
    /// A product's category and price change; a price that is not known is NaN.
    pub fn change(&mut self, before: (CategoryNo, f32), after: (CategoryNo, f32)) {
        if before.0 == after.0 && before.1.to_bits() == after.1.to_bits() {
            return;
        }
        for ((category, octave), sign) in [(before, -1), (after, 1)] {
            if octave.is_nan() {
                continue;
            }
            self.sums.grow_to(category.index() + 1, &(0, 0));
            if let Some((count, sum)) = self.sums.get_mut(category.index()) {
                *count = count.saturating_add_signed(sign);
                *sum += i64::from(sign) * (octave * STEPS) as i64;
            }
        }
    }

    /// Octaves by which a price is above what is usual in the category; `None` where either is not known.
    pub fn above(&self, category: CategoryNo, octave: f32) -> Option<f32> {
        let (count, sum) = self.sums.get(category.index()).copied().filter(|(count, _)| *count > 0)?;
        (!octave.is_nan()).then(|| octave - sum as f32 / STEPS / count as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_that_go_leave_nothing_behind() {
        let mut levels = Levels::default();
        let (lamps, none) = (CategoryNo(3), (CategoryNo(0), f32::NAN));
        levels.change(none, (lamps, 4.0));
        levels.change(none, (lamps, 6.0));
        assert_eq!(levels.above(lamps, 6.0), Some(1.0));
        levels.change((lamps, 4.0), (lamps, 6.0));
        assert_eq!(levels.above(lamps, 6.0), Some(0.0));
        levels.change((lamps, 6.0), (CategoryNo(1), 6.0));
        levels.change((lamps, 6.0), (lamps, f32::NAN));
        assert_eq!((levels.above(lamps, 6.0), levels.above(CategoryNo(1), 7.0)), (None, Some(1.0)));
        assert_eq!(levels.above(CategoryNo(1), f32::NAN), None);
    }
}
