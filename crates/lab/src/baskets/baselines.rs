//! What a model of the next order has to beat: counts, and models of who bought what at all.

use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use bespoke_models::orders::{Decay, FromOrders, Order, Orders};
use bespoke_models::recommender::{Ask, Recommender, Scores};

/// Every order the same weight.
const COUNTS: Decay = Decay { group_len: 1, within: 1.0, across: 1.0 };

/// Below every difference between two own frequencies.
const TIE: f32 = 1e-4;

/// Own purchases by their number, or not at all; then the number of shoppers who bought a product.
pub struct Counted {
    own: f32,
    popularity: Vec<f32>,
}

impl Counted {
    /// `own` is how much own purchases count: nought for mere popularity.
    pub fn new(own: f32, orders: &Orders) -> Self {
        let turned = orders.weights(&COUNTS).transposed();
        let counts: Vec<f32> =
            (0..turned.row_count()).map(|product| turned.row_len(product) as f32).collect();
        let most = counts.iter().fold(1.0_f32, |most, count| most.max(*count));
        Self { own, popularity: counts.iter().map(|count| TIE * count / most).collect() }
    }
}

impl Recommender for Counted {
    fn product_count(&self) -> usize {
        self.popularity.len()
    }

    fn size_bytes(&self) -> usize {
        4 * self.popularity.len()
    }

    fn recommend(&self, ask: &Ask<'_>, _scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
        let mut scores = self.popularity.clone();
        ask.history.iter().for_each(|&(product, weight)| scores[product.index()] += self.own * weight);
        ask.excluded.iter().for_each(|product| scores[product.index()] = 0.0);
        let mut top = TopK::new(ask.limit);
        scores.iter().enumerate().for_each(|(at, &score)| top.push(score, ProductNo(at as u32)));
        top.into_sorted()
    }
}

impl FromOrders for Counted {
    fn history(&self, orders: &[Order]) -> Vec<(ProductNo, f32)> {
        COUNTS.weights(orders)
    }
}

/// A linear model, asked with what was bought at all.
pub struct Linear<R>(pub R);

impl<R: Recommender> Recommender for Linear<R> {
    fn product_count(&self) -> usize {
        self.0.product_count()
    }

    fn size_bytes(&self) -> usize {
        self.0.size_bytes()
    }

    fn recommend(&self, ask: &Ask<'_>, scratch: &mut Scores) -> Vec<(f32, ProductNo)> {
        self.0.recommend(ask, scratch)
    }
}

impl<R: Recommender> FromOrders for Linear<R> {
    fn history(&self, orders: &[Order]) -> Vec<(ProductNo, f32)> {
        COUNTS.weights(orders).into_iter().map(|one| (one.0, 1.0)).collect()
    }
}
