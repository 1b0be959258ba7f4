//! Working memory of predictions: a small open-addressing table of sums and the lists beside it. One per thread, reused
//! from one prediction to the next, so that the hot loops allocate nothing; nothing in it outlives a prediction.

use crate::session_knn::Workspace;
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use std::cell::RefCell;

/// Working memory of a prediction. It never changes a result.
#[derive(Default)]
pub struct Scratch {
    pub(crate) sums: Sums,
    pub(crate) knn: Workspace,
}

impl Scratch {
    /// Works with this thread's own; `work` MUST NOT call it again.
    pub fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        thread_local! {
            static OWN: RefCell<Scratch> = RefCell::default();
        }
        OWN.with_borrow_mut(work)
    }
}

/// Scores by product, summed up in the order of first mention. Costs what is added to it, not what there could be.
#[derive(Default)]
pub(crate) struct Sums {
    /// 1 + an index into `entries`, or 0; a power of two of them.
    slots: Vec<u32>,
    entries: Vec<(f32, ProductNo)>,
    shift: u32,
}

impl Sums {
    /// Forgets everything and makes room for `adds_max` different products.
    pub fn reset(&mut self, adds_max: usize) {
        let slot_count = (2 * adds_max).next_power_of_two().max(16);
        self.shift = 32 - slot_count.trailing_zeros();
        self.slots.clear();
        self.slots.resize(slot_count, 0);
        self.entries.clear();
    }

    /// Adds `score` to the sum of `item`.
    #[inline]
    pub fn add(&mut self, item: ProductNo, score: f32) {
        let slot = self.slot(item);
        match self.slots[slot] {
            0 => {
                self.entries.push((score, item));
                self.slots[slot] = self.entries.len() as u32;
            }
            entry => self.entries[entry as usize - 1].0 += score,
        }
    }

    /// Multiplies every sum by what `factor` gives for its product.
    pub fn scale_each(&mut self, factor: impl Fn(ProductNo) -> f32) {
        for (score, item) in &mut self.entries {
            *score *= factor(*item);
        }
    }

    /// Multiplies the sums of the items of `session`: the last by `last`, each other one by `earlier`.
    pub fn weigh_session(&mut self, session: &[ProductNo], last: f32, earlier: f32) {
        for (place, &item) in session.iter().enumerate() {
            if !session[place + 1..].contains(&item) {
                self.scale(item, if place + 1 == session.len() { last } else { earlier });
            }
        }
    }

    /// Multiplies the sum of `item`, if it has one.
    fn scale(&mut self, item: ProductNo, factor: f32) {
        let slot = self.slot(item);
        if let Some(entry) = (self.slots[slot] as usize).checked_sub(1) {
            self.entries[entry].0 *= factor;
        }
    }

    /// The best `limit` with a positive finite sum, best first.
    pub fn best(&self, limit: usize) -> Vec<(f32, ProductNo)> {
        let mut top = TopK::new(limit.min(self.entries.len()));
        for &(score, item) in self.entries.iter().filter(|entry| entry.0 > 0.0 && entry.0.is_finite()) {
            top.push(score, item);
        }
        top.into_sorted()
    }

    /// The slot where `item` is or would be. There is always a free one: the table is at most half full.
    #[inline]
    fn slot(&self, item: ProductNo) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = (item.0.wrapping_mul(0x9E37_79B1) >> self.shift) as usize;
        loop {
            match self.slots[slot] {
                0 => return slot,
                entry if self.entries[entry as usize - 1].1 == item => return slot,
                _ => slot = (slot + 1) & mask,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_add_scale_and_rank() {
        let mut sums = Sums::default();
        sums.reset(3);
        for (item, score) in [(5, 1.0), (900_000, 2.5), (5, 2.0), (u32::MAX, 0.5)] {
            sums.add(ProductNo(item), score);
        }
        sums.scale(ProductNo(900_000), 0.5);
        sums.scale(ProductNo(6), 9.0);
        assert_eq!(sums.best(2), [(3.0, ProductNo(5)), (1.25, ProductNo(900_000))]);
        sums.reset(1);
        assert_eq!(sums.best(2), []);
    }
}
