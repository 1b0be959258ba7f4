//! Products whose vectors point the same way: vectors that the shop imports, of its images, say. A vector is kept in bytes,
//! and the cosine of two is that of their bytes, in whole numbers. Whose cosine is looked at is found by the signs of random
//! sums: two vectors differ in the more of them the greater the angle between them (Charikar 2002, "Similarity estimation
//! techniques from rounding algorithms"). Changed product by product, as the catalogue is.

use crate::cow::CowVec;
use crate::seeded::Seeded;
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most numbers of a vector.
pub const WIDTH_MAX: usize = 1024;
/// Words of 64 signs.
const WORDS: usize = 4;
/// Products whose cosine is looked at, those with the most signs in common.
const LOOKED_AT: usize = 400;
/// Products whose signs are looked at, the newest.
const SCAN_MAX: usize = 200_000;

/// Vectors of one length by product: a byte a number and 56 bytes each.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct VectorIndex {
    width: u32,
    /// Products that have a vector.
    count: u32,
    /// The lowest bit says whether there is a vector, the others are signs.
    signs: CowVec<[u64; WORDS], 4096>,
    bytes: CowVec<Option<Arc<[i8]>>, 1024>,
}

impl VectorIndex {
    /// Numbers of a vector; `None` while no product has one.
    pub fn width(&self) -> Option<usize> {
        (self.count > 0).then_some(self.width as usize)
    }

    /// Gives a product a vector, or takes it away where `vector` is empty or nought. One of another length than the others
    /// have, or with a number that is not finite, changes nothing.
    pub fn change(&mut self, product: ProductNo, vector: &[f32]) {
        let greatest = vector.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let other_length = self.width().is_some_and(|width| width != vector.len());
        let fits = vector.len() <= WIDTH_MAX && vector.iter().all(|value| value.is_finite());
        if greatest > 0.0 && (other_length || !fits) {
            return;
        }
        let had = self.bytes.get(product.index()).is_some_and(Option::is_some);
        let bytes: Option<Arc<[i8]>> = (greatest > 0.0)
            .then(|| vector.iter().map(|value| (value / greatest * 127.0).round() as i8).collect());
        self.signs.grow_to(product.index() + 1, &[0; WORDS]);
        self.bytes.grow_to(product.index() + 1, &None);
        self.count = self.count - u32::from(had) + u32::from(bytes.is_some());
        if bytes.is_some() {
            self.width = vector.len() as u32;
        }
        if let Some(slot) = self.signs.get_mut(product.index()) {
            *slot = bytes.as_deref().map_or([0; WORDS], signs);
        }
        if let Some(slot) = self.bytes.get_mut(product.index()) {
            *slot = bytes;
        }
    }

    /// The `limit` products that point most the way `product` does, best first, with their cosine; none at a right angle or
    /// beyond.
    pub fn alike(&self, product: ProductNo, limit: usize) -> Vec<(f32, ProductNo)> {
        let (Some(Some(own)), Some(signs)) =
            (self.bytes.get(product.index()), self.signs.get(product.index()))
        else {
            return Vec::new();
        };
        let mut near = TopK::new(LOOKED_AT.max(limit).min(self.signs.len()));
        let first = self.signs.len().saturating_sub(SCAN_MAX);
        for (no, other) in self.signs.iter().enumerate().skip(first) {
            if other[0] & 1 == 1 {
                let apart: u32 = other.iter().zip(signs).map(|(a, b)| (a ^ b).count_ones()).sum();
                near.push(-(apart as f32), ProductNo(no as u32));
            }
        }
        let length = dot(own, own);
        let mut top = TopK::new(limit.min(self.signs.len()));
        for (_, other) in near.into_sorted() {
            if let Some(Some(bytes)) = self.bytes.get(other.index()).filter(|_| other != product) {
                let cosine = dot(own, bytes) as f64 / (length as f64 * dot(bytes, bytes) as f64).sqrt();
                if cosine > 0.0 {
                    top.push(cosine as f32, other);
                }
            }
        }
        top.into_sorted()
    }
}

fn dot(a: &[i8], b: &[i8]) -> i64 {
    let sum: i32 = a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
    i64::from(sum)
}

/// Signs of sums of the numbers, each added or taken off at random, the same for every vector; the lowest bit is set.
fn signs(bytes: &[i8]) -> [u64; WORDS] {
    let mut sums = [[0_i32; 64]; WORDS];
    for (place, byte) in bytes.iter().enumerate() {
        let mut seeded = Seeded::new(place as u64);
        for sums in &mut sums {
            let bits = seeded.bits();
            for (at, sum) in sums.iter_mut().enumerate() {
                *sum += i32::from(*byte) * (1 - 2 * (bits >> at & 1) as i32);
            }
        }
    }
    let word = |sums: [i32; 64]| {
        sums.iter().enumerate().fold(0_u64, |word, (at, sum)| word | u64::from(*sum > 0) << at)
    };
    let mut words = sums.map(word);
    words[0] |= 1;
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 600 products around 60 points of 48 numbers, and one point that all lean to, as vectors of images do.
    fn clusters() -> Vec<Vec<f32>> {
        let mut seeded = Seeded::new(4);
        let mut point = |spread: f64| (0..48).map(|_| (seeded.normal() * spread) as f32).collect::<Vec<_>>();
        let (common, centres): (Vec<f32>, Vec<Vec<f32>>) =
            (point(0.5), (0..60).map(|_| point(1.0)).collect());
        (0..600)
            .map(|no| {
                let own = point(0.6);
                let sum = |at: usize| common[at] + centres[no % 60][at] + own[at];
                (0..48).map(sum).collect()
            })
            .collect()
    }

    #[test]
    fn what_is_found_is_nearly_what_all_cosines_would_find() {
        let vectors = clusters();
        let mut index = VectorIndex::default();
        (0..).map(ProductNo).zip(&vectors).for_each(|(no, vector)| index.change(no, vector));
        assert_eq!(index.width(), Some(48));
        let (mut found, mut first) = (0, 0);
        for (no, vector) in vectors.iter().enumerate() {
            let cosine = |other: &[f32]| {
                let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
                dot(vector, other) / (dot(vector, vector) * dot(other, other)).sqrt()
            };
            let mut top = TopK::new(10);
            let others = vectors.iter().enumerate().filter(|(other, _)| *other != no);
            others.for_each(|(other, vector)| top.push(cosine(vector), ProductNo(other as u32)));
            let right = top.into_sorted();
            let alike = index.alike(ProductNo(no as u32), 10);
            assert!(alike.is_sorted_by(|a, b| a.0 >= b.0) && alike.len() == 10);
            assert!((alike[0].0 - right[0].0).abs() < 0.02, "{alike:?} {right:?}");
            found += right.iter().filter(|one| alike.iter().any(|held| held.1 == one.1)).count();
            first += usize::from(alike[0].1 == right[0].1);
        }
        assert!(found > 5700 && first > 560, "{found} of 6000, {first} of 600");
    }

    #[test]
    fn vectors_come_and_go_and_have_one_length() {
        let mut index = VectorIndex::default();
        let no = ProductNo;
        index.change(no(2), &[1.0, 0.0, 0.0]);
        index.change(no(5), &[0.9, 0.1, 0.0]);
        index.change(no(7), &[0.0, 0.0, 3.0]);
        for odd in [&[1.0, 2.0][..], &[1.0, f32::NAN, 0.0], &[f32::INFINITY, 0.0, 0.0]] {
            index.change(no(5), odd);
        }
        let products = |index: &VectorIndex, of| -> Vec<u32> {
            index.alike(no(of), 9).into_iter().map(|one| one.1.0).collect()
        };
        assert_eq!(
            (products(&index, 2), products(&index, 7), products(&index, 3)),
            (vec![5], vec![], vec![])
        );
        let frozen = index.clone();
        index.change(no(5), &[]);
        assert_eq!((products(&index, 2), products(&frozen, 2)), (vec![], vec![5]));
        index.change(no(2), &[0.0; 3]);
        index.change(no(7), &[]);
        assert_eq!(index.width(), None);
        index.change(no(2), &[1.0, 2.0]);
        assert_eq!(index.width(), Some(2), "the first of a new kind says how long they are");
    }
}
