//! The mean reward of an action at a position, as far as rows tell, pulled towards the mean of all.

use super::Row;
use std::collections::BTreeMap;

/// Rows whose weight the mean of all has.
const PRIOR: f64 = 100.0;

/// Sums by action and position.
pub struct Reward {
    cells: BTreeMap<(u32, u32), (f64, f64)>,
    usual: f64,
}

impl Reward {
    fn new<'a>(rows: impl Iterator<Item = &'a Row<'a>>) -> Self {
        let mut cells: BTreeMap<(u32, u32), (f64, f64)> = BTreeMap::new();
        let (mut count, mut sum) = (0.0, 0.0);
        for row in rows {
            let cell = cells.entry((row.action, row.position)).or_default();
            *cell = (cell.0 + 1.0, cell.1 + row.reward);
            (count, sum) = (count + 1.0, sum + row.reward);
        }
        Self { cells, usual: if count > 0.0 { sum / count } else { 0.0 } }
    }

    /// The mean reward.
    pub fn mean(&self, action: u32, position: u32) -> f64 {
        let (count, sum) = self.cells.get(&(action, position)).copied().unwrap_or_default();
        (sum + PRIOR * self.usual) / (count + PRIOR)
    }
}

/// The model for rows with an even number, from those with an odd one, and the other way round: no row teaches its own.
pub fn cross_fitted(rows: &[Row]) -> [Reward; 2] {
    let of = |first: usize| Reward::new(rows.iter().skip(first).step_by(2));
    [of(1), of(0)]
}
