//! Products that came after the fit, each with the vector of its attribute values. A copy costs a few bytes a number held.

use crate::lanes::{Kernel, dot};
use bespoke_domain::ProductNo;

/// Vectors of one length, in the order of their products.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Introduced {
    products: Vec<ProductNo>,
    vectors: Vec<f32>,
}

impl Introduced {
    /// Products are below this.
    pub fn end(&self) -> usize {
        self.products.last().map_or(0, |last| last.index() + 1)
    }

    /// The vector of a product.
    pub fn get(&self, product: ProductNo, width: usize) -> Option<&[f32]> {
        let at = self.products.binary_search(&product).ok()?;
        self.vectors.get(at * width..(at + 1) * width)
    }

    /// Every product and its vector.
    pub fn each(&self, width: usize) -> impl Iterator<Item = (ProductNo, &[f32])> {
        self.products.iter().copied().zip(self.vectors.chunks_exact(width.max(1)))
    }

    /// Gives a product a vector, or takes it out.
    pub fn put(&mut self, product: ProductNo, vector: Option<&[f32]>, width: usize) {
        let place = self.products.binary_search(&product);
        match (place, vector) {
            (Ok(at), Some(vector)) => self.vectors[at * width..(at + 1) * width].copy_from_slice(vector),
            (Err(at), Some(vector)) => {
                self.products.insert(at, product);
                self.vectors.splice(at * width..at * width, vector.iter().copied());
            }
            (Ok(at), None) => {
                self.products.remove(at);
                self.vectors.drain(at * width..(at + 1) * width);
            }
            (Err(_), None) => {}
        }
    }

    /// Bytes that they take.
    pub fn size_bytes(&self) -> usize {
        4 * (self.products.len() + self.vectors.len())
    }
}

/// Adds every inner product with `wanted` to a list.
pub(crate) struct Products<'a> {
    pub introduced: &'a Introduced,
    pub wanted: &'a [f32],
    pub into: &'a mut Vec<(f32, ProductNo)>,
}

impl Kernel for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (product, vector) in self.introduced.each(self.wanted.len()) {
            self.into.push((dot(vector, self.wanted), product));
        }
    }
}
