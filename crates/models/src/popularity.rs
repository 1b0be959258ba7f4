//! What the shop's shoppers are after right now: decayed counts by product and category, and leaderboards that stay
//! exact: with forward decay (`Decay`) scores only ever grow and their order never changes with time, so that a leaderboard
//! needs looking at only when bumped.

use crate::cow::CowVec;
use crate::decay::Decay;
use bespoke_domain::order::by_score;
use bespoke_domain::{CategoryNo, Millis, ProductNo};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Products a leaderboard holds.
pub const BOARD_LEN: usize = 512;
/// Half-life of a signal in days where nothing is said.
pub const HALF_LIFE_DAYS: f64 = 14.0;

type Board = Vec<(f64, ProductNo)>;

/// Decayed popularity of products, overall and by category.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Popularity {
    decay: Decay,
    products: CowVec<f64, 4096>,
    categories: CowVec<f64, 256>,
    boards: CowVec<Arc<Board>, 64>,
}

impl Default for Popularity {
    fn default() -> Self {
        Self::new(HALF_LIFE_DAYS)
    }
}

impl Popularity {
    /// Nothing yet; a signal will count half after `half_life_days`.
    pub fn new(half_life_days: f64) -> Self {
        Self {
            decay: Decay::new(half_life_days),
            products: CowVec::default(),
            categories: CowVec::default(),
            boards: CowVec::default(),
        }
    }

    /// Adds a signal of `weight` for `product` at `now` in its `categories` (the whole shop, number 0, among them).
    pub fn bump(&mut self, product: ProductNo, categories: &[CategoryNo], weight: f64, now: Millis) {
        let weight = weight * self.factor(now);
        self.products.grow_to(product.index() + 1, &0.0);
        let Some(score) = self.products.get_mut(product.index()) else { return };
        *score += weight;
        let score = *score;
        for &category in categories {
            self.grow(category);
            if let Some(sum) = self.categories.get_mut(category.index()) {
                *sum += weight;
            }
            self.place(product, category, score);
        }
    }

    /// Puts a product with a score into the boards of `categories`, after it came to them.
    pub fn enter(&mut self, product: ProductNo, categories: &[CategoryNo]) {
        let score = self.raw(product);
        for &category in categories.iter().filter(|_| score > 0.0) {
            self.grow(category);
            self.place(product, category, score);
        }
    }

    /// Takes a product out of the boards of `categories`, after it left them.
    pub fn leave(&mut self, product: ProductNo, categories: &[CategoryNo]) {
        for category in categories {
            if let Some(board) = self.boards.get_mut(category.index()) {
                Arc::make_mut(board).retain(|(_, held)| *held != product);
            }
        }
    }

    /// The best of a category, best first, as shares of the category's best (1.0 first).
    pub fn best(&self, category: CategoryNo) -> impl Iterator<Item = (f32, ProductNo)> + '_ {
        let board = self.boards.get(category.index()).map_or(&[][..], |board| board.as_slice());
        let top = board.first().map_or(1.0, |(score, _)| *score);
        board.iter().map(move |(score, product)| ((score / top) as f32, *product))
    }

    /// Categories by their signals, best first, as shares of the whole shop's; the whole shop itself left out.
    pub fn best_categories(&self, limit: usize) -> Vec<(f32, CategoryNo)> {
        let whole = self.categories.get(0).copied().unwrap_or(1.0).max(f64::MIN_POSITIVE);
        let share = |(no, score): (usize, &f64)| ((score / whole) as f32, CategoryNo(no as u32));
        let mut all: Vec<_> = self.categories.iter().enumerate().skip(1).map(share).collect();
        all.retain(|(score, _)| *score > 0.0);
        all.sort_unstable_by(|a, b| by_score(*a, *b));
        all.truncate(limit);
        all
    }

    /// The product's decayed signals as they count at `now`, in signals.
    pub fn score(&self, product: ProductNo, now: Millis) -> f64 {
        self.raw(product) * self.decay.at(now)
    }

    /// The decayed signals of a category as they count at `now`, in signals.
    pub fn of_category(&self, category: CategoryNo, now: Millis) -> f64 {
        self.categories.get(category.index()).copied().unwrap_or(0.0) * self.decay.at(now)
    }

    fn raw(&self, product: ProductNo) -> f64 {
        self.products.get(product.index()).copied().unwrap_or(0.0)
    }

    fn grow(&mut self, category: CategoryNo) {
        self.categories.grow_to(category.index() + 1, &0.0);
        self.boards.grow_to(category.index() + 1, &Arc::default());
    }

    fn place(&mut self, product: ProductNo, category: CategoryNo, score: f64) {
        let Some(board) = self.boards.get_mut(category.index()) else { return };
        let full = board.len() >= BOARD_LEN;
        if full && board.last().is_some_and(|(last, _)| score <= *last) {
            return;
        }
        let board = Arc::make_mut(board);
        if let Some(at) = board.iter().position(|(_, held)| *held == product) {
            board.remove(at);
        }
        let at = board.partition_point(|(held, other)| {
            (*held, std::cmp::Reverse(*other)) > (score, std::cmp::Reverse(product))
        });
        board.insert(at, (score, product));
        board.truncate(BOARD_LEN);
    }

    fn factor(&mut self, now: Millis) -> f64 {
        let Self { decay, products, categories, boards } = self;
        decay.weight(now, |shrink| {
            for at in 0..products.len() {
                if let Some(score) = products.get_mut(at) {
                    *score *= shrink;
                }
            }
            for at in 0..boards.len() {
                if let Some(sum) = categories.get_mut(at) {
                    *sum *= shrink;
                }
                if let Some(board) = boards.get_mut(at) {
                    Arc::make_mut(board).iter_mut().for_each(|(score, _)| *score *= shrink);
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bespoke_domain::time::DAY_MS;

    const SHOP: CategoryNo = CategoryNo(0);

    fn order(popularity: &Popularity) -> Vec<u32> {
        popularity.best(SHOP).map(|(_, product)| product.0).collect()
    }

    #[test]
    fn recent_signals_outweigh_old_ones_and_ties_go_to_the_smaller_number() {
        let mut popularity = Popularity::default();
        for _ in 0..3 {
            popularity.bump(ProductNo(1), &[SHOP], 1.0, Millis(0));
        }
        popularity.bump(ProductNo(2), &[SHOP], 1.0, Millis(28 * DAY_MS));
        assert_eq!(order(&popularity), [2, 1], "one signal now is worth four of two half-lives ago");
        assert!((popularity.score(ProductNo(1), Millis(14 * DAY_MS)) - 1.5).abs() < 1e-9);
        popularity.bump(ProductNo(0), &[SHOP], 1.0, Millis(28 * DAY_MS));
        assert_eq!(order(&popularity), [0, 2, 1]);
    }

    #[test]
    fn a_board_equals_a_full_sort_and_survives_rescaling() {
        let mut popularity = Popularity::default();
        for step in 0..20_000_u32 {
            let product = (step * 7919) % 1500;
            popularity.bump(
                ProductNo(product),
                &[SHOP],
                1.0 + f64::from(product % 7),
                Millis(i64::from(step) * DAY_MS),
            );
        }
        let now = Millis(20_000 * DAY_MS);
        let mut all: Vec<_> = (0..1500).map(|no| (popularity.score(ProductNo(no), now), no)).collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let want: Vec<u32> = all.iter().take(BOARD_LEN).map(|(_, no)| *no).collect();
        assert_eq!(order(&popularity)[..100], want[..100]);
    }

    #[test]
    fn a_product_leaves_and_enters_boards() {
        let mut popularity = Popularity::default();
        popularity.bump(ProductNo(4), &[SHOP, CategoryNo(2)], 1.0, Millis(0));
        popularity.leave(ProductNo(4), &[CategoryNo(2)]);
        popularity.enter(ProductNo(4), &[CategoryNo(3)]);
        assert_eq!(popularity.best(CategoryNo(2)).count(), 0);
        assert_eq!(popularity.best(CategoryNo(3)).next(), Some((1.0, ProductNo(4))));
        assert_eq!(popularity.best_categories(5), [(1.0, CategoryNo(2))]);
    }
}
