//! How much a product is clicked for where it stands: clicks over expected clicks (COEC, Zhang & Jones 2007). What is expected
//! of an impression is the shop's own click rate at its position, so that standing in front is no merit.

use crate::cow::CowVec;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// Positions told apart; later ones are as the last.
const POSITIONS: usize = 50;
/// Impressions at a position whose weight the guess has.
const POSITION_PRIOR: f32 = 100.0;
/// Clicks an impression is guessed to bring before there are any.
const GUESS: f32 = 0.02;
/// Expected clicks whose weight the shop's own appeal, 1, has.
const PRIOR: f32 = 3.0;
/// Steps of an expected click.
const STEPS: f32 = 1000.0;

/// Impressions and clicks by position, expected and real clicks by product. A product costs 8 bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Appeal {
    positions: Vec<(u32, u32)>,
    /// Clicks, and expected ones in thousandths.
    products: CowVec<(u32, u32), 4096>,
}

impl Appeal {
    /// A product was seen at a position, from 0.
    pub fn seen(&mut self, product: ProductNo, position: usize) {
        let expected = (self.rate(position) * STEPS) as u32;
        self.at(position).0 += 1;
        self.change(product, |(_, sum)| *sum = sum.saturating_add(expected));
    }

    /// It was clicked there.
    pub fn clicked(&mut self, product: ProductNo, position: usize) {
        self.at(position).1 += 1;
        self.change(product, |(clicks, _)| *clicks += 1);
    }

    /// Clicks for each that its positions would bring an average product: 1 is usual, and what is not known.
    pub fn of(&self, product: ProductNo) -> f32 {
        let (clicks, expected) = self.products.get(product.index()).copied().unwrap_or_default();
        (clicks as f32 + PRIOR) / (expected as f32 / STEPS + PRIOR)
    }

    /// How likely a position is looked at, against the first, going by what all products are clicked there: at most 1.
    pub fn looked_at(&self, position: usize) -> f32 {
        (self.rate(position) / self.rate(0)).min(1.0)
    }

    /// Clicks an impression brings at a position.
    fn rate(&self, position: usize) -> f32 {
        let (seen, clicks) = self.positions.get(position.min(POSITIONS - 1)).copied().unwrap_or_default();
        ((clicks as f32 + GUESS * POSITION_PRIOR) / (seen as f32 + POSITION_PRIOR)).min(1.0)
    }

    fn at(&mut self, position: usize) -> &mut (u32, u32) {
        self.positions.resize(POSITIONS, (0, 0));
        &mut self.positions[position.min(POSITIONS - 1)]
    }

    fn change(&mut self, product: ProductNo, change: impl FnOnce(&mut (u32, u32))) {
        self.products.grow_to(product.index() + 1, &(0, 0));
        if let Some(held) = self.products.get_mut(product.index()) {
            change(held);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_in_front_is_no_merit() {
        let mut appeal = Appeal::default();
        // In front everything is clicked one time in five, in the third place one in fifty; product 1 twice as often.
        for round in 0..5_000_u32 {
            appeal.seen(ProductNo(0), 0);
            appeal.seen(ProductNo(round % 2 + 1), 2);
            if round.is_multiple_of(5) {
                appeal.clicked(ProductNo(0), 0);
            }
            if round.is_multiple_of(100) || round % 200 == 10 {
                appeal.clicked(ProductNo(1), 2);
            }
            if round % 200 == 51 {
                appeal.clicked(ProductNo(2), 2);
            }
        }
        let of = |no| appeal.of(ProductNo(no));
        assert!((of(0) - 1.0).abs() < 0.1, "{}", of(0));
        assert!(of(1) > 1.25 && of(2) < 0.75, "{} {}", of(1), of(2));
        assert_eq!(of(3), 1.0);
    }
}
