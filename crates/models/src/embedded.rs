//! Vectors of products by a model that the shop has dropped in, as they are kept: a byte a number, and of each product a hash of the
//! text that its vector is of, so that only what has changed is made again.

use crate::lanes::LANES;
use crate::product_vectors::WIDTH_MAX;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// Vectors by one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Embedded {
    /// The id of the model; vectors of two MUST NOT be compared.
    model: String,
    /// Numbers of a vector, whole lanes.
    width: u32,
    /// Ascending.
    products: Vec<u32>,
    texts: Vec<u64>,
    /// Row by row.
    rows: Vec<i8>,
}

impl Embedded {
    /// Of no product, by a model whose vectors have so many numbers: whole lanes.
    pub fn new(model: &str, width: usize) -> Self {
        Self { model: model.to_owned(), width: width as u32, ..Self::default() }
    }

    /// The id of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Numbers of a vector, whole lanes.
    pub fn width(&self) -> usize {
        self.width as usize
    }

    /// Products that have a vector.
    pub fn len(&self) -> usize {
        self.products.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.products.is_empty()
    }

    /// Bytes that it takes.
    pub fn size_bytes(&self) -> usize {
        self.rows.len() + 12 * self.products.len() + self.model.len()
    }

    /// Adds a product that comes after all that are there: the hash of its text, and its vector. One of another length is left out.
    pub fn push(&mut self, product: ProductNo, text: u64, vector: &[i8]) {
        if vector.len() == self.width() && self.products.last().is_none_or(|last| *last < product.0) {
            self.products.push(product.0);
            self.texts.push(text);
            self.rows.extend_from_slice(vector);
        }
    }

    /// The hash of a product's text, and its vector.
    pub fn get(&self, product: ProductNo) -> Option<(u64, &[i8])> {
        let at = self.products.binary_search(&product.0).ok()?;
        Some((self.texts[at], &self.rows[at * self.width()..(at + 1) * self.width()]))
    }

    /// All products, ascending, with the hashes of their texts and their vectors.
    pub fn iter(&self) -> impl Iterator<Item = (ProductNo, u64, &[i8])> {
        let rows = self.rows.chunks_exact(self.width().max(1));
        let named = self.products.iter().zip(&self.texts).zip(rows);
        named.map(|((product, text), row)| (ProductNo(*product), *text, row))
    }

    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let (width, count) = (self.width(), self.products.len());
        width.is_multiple_of(LANES)
            && width <= WIDTH_MAX
            && (width > 0 || count == 0)
            && width.checked_mul(count) == Some(self.rows.len())
            && self.texts.len() == count
            && self.products.is_sorted_by(|a, b| a < b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_again_and_what_does_not_belong_together_is_not_sound() {
        let mut kept = Embedded::new("m", 16);
        kept.push(ProductNo(3), 7, &[1; 16]);
        kept.push(ProductNo(3), 8, &[2; 16]);
        kept.push(ProductNo(5), 9, &[3; 15]);
        kept.push(ProductNo(9), 9, &[3; 16]);
        assert_eq!(kept.len(), 2, "a product once, and whole vectors");
        assert_eq!(kept.get(ProductNo(3)), Some((7, &[1; 16][..])));
        assert_eq!((kept.get(ProductNo(5)), kept.iter().count()), (None, 2));
        assert!(kept.is_sound());
        let odd = [
            Embedded { products: vec![9, 3], ..kept.clone() },
            Embedded { texts: vec![1], ..kept.clone() },
            Embedded { width: 8, ..kept.clone() },
            Embedded { width: 0, ..kept },
        ];
        assert!(odd.iter().all(|one| !one.is_sound()));
    }
}
