//! Directions of products in a space of meaning, changed product by product, and the products that point most the way a text does.
//! A number is a byte, and a cosine that of the bytes, in whole numbers: what is found follows from the vectors alone, whatever order
//! they came in, the threads and the processor.
//!
//! Up to `EXACT_MAX` products every cosine is looked at. Among more, those whose signs of random sums differ least from the text's
//! (Charikar 2002, "Similarity estimation techniques from rounding algorithms"), the sums by Walsh–Hadamard transforms of numbers with random
//! signs (Ailon, Chazelle 2006).

use crate::lanes::{Kernel, LANES, dispatch, padded};
use crate::seeded::Seeded;
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use std::cell::RefCell;
use std::sync::Arc;

/// As many products are looked through exactly.
pub const EXACT_MAX: usize = 100_000;
/// Of more, so many have their cosine looked at.
const LOOKED_AT: usize = 8_192;
/// Most numbers of a vector.
pub const WIDTH_MAX: usize = 1024;
/// Products of a chunk, which is copied when one of them changes.
const CHUNK: usize = 1024;
/// Words of 64 signs, and all signs.
const WORDS: usize = 4;
const SIGNS: usize = 64 * WORDS;

/// Vectors of products: a byte a number and 36 bytes each.
#[derive(Clone, Debug, Default)]
pub struct ProductVectors {
    /// Numbers of a vector, whole lanes.
    width: usize,
    chunks: Vec<Arc<Chunk>>,
    /// What random sums change the signs of.
    flips: Arc<Vec<Vec<i32>>>,
}

/// Products beside each other. Those that have no vector have nought for all of it.
#[derive(Clone, Debug)]
struct Chunk {
    bytes: Vec<i8>,
    /// One over the length of the bytes.
    units: Vec<f32>,
    signs: Vec<[u64; WORDS]>,
}

/// What is looked for: a direction in bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Direction {
    bytes: Vec<i8>,
    unit: f32,
}

impl Direction {
    /// Of numbers; `None` where they are nought, not finite or too many.
    pub fn new(vector: &[f32]) -> Option<Self> {
        let greatest = vector.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let is_finite = vector.iter().all(|value| value.is_finite());
        if greatest <= 0.0 || !is_finite || vector.len() > WIDTH_MAX {
            return None;
        }
        let over = 127.0 / f64::from(greatest);
        Self::of_bytes(
            vector.iter().map(|value| (f64::from(*value) * over).round_ties_even() as i8).collect(),
        )
    }

    /// Of bytes; `None` where they are nought or too many.
    pub fn of_bytes(mut bytes: Vec<i8>) -> Option<Self> {
        bytes.resize(padded(bytes.len()), 0);
        let square: i64 = bytes.iter().map(|byte| i64::from(*byte) * i64::from(*byte)).sum();
        let fits = square > 0 && bytes.len() <= WIDTH_MAX;
        fits.then(|| Self { bytes, unit: (1.0 / (square as f64).sqrt()) as f32 })
    }

    /// Its numbers, whole lanes of them.
    pub fn bytes(&self) -> &[i8] {
        &self.bytes
    }
}

impl ProductVectors {
    /// Of no product; vectors have so many numbers.
    pub fn new(width: usize) -> Self {
        let width = padded(width.min(WIDTH_MAX));
        let len = width.max(1).next_power_of_two();
        let flips = |no: usize| {
            let mut seeded = Seeded::new(no as u64);
            (0..len).map(|_| 1 - 2 * (seeded.bits() & 1) as i32).collect()
        };
        let flips = (0..SIGNS.div_ceil(len)).map(flips).collect();
        Self { width, chunks: Vec::new(), flips: Arc::new(flips) }
    }

    /// Numbers of a vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes that it takes.
    pub fn size_bytes(&self) -> usize {
        self.chunks.len() * CHUNK * (self.width + size_of::<f32>() + size_of::<[u64; WORDS]>())
    }

    /// Gives a product a vector, or takes it away. One of another length changes nothing.
    pub fn change(&mut self, product: ProductNo, direction: Option<&Direction>) {
        if direction.is_some_and(|one| one.bytes.len() != self.width) {
            return;
        }
        let (chunk, at) = (product.index() / CHUNK, product.index() % CHUNK);
        if self.chunks.len() <= chunk {
            if direction.is_none() {
                return;
            }
            let empty = Arc::new(Chunk {
                bytes: vec![0; CHUNK * self.width],
                units: vec![0.0; CHUNK],
                signs: vec![[0; WORDS]; CHUNK],
            });
            self.chunks.resize(chunk + 1, empty);
        }
        let row = at * self.width..(at + 1) * self.width;
        let held = &self.chunks[chunk];
        let same = direction.map_or(held.units[at] == 0.0, |one| {
            held.units[at] != 0.0 && held.bytes[row.clone()] == one.bytes[..]
        });
        if same {
            return;
        }
        let signs = direction.map_or([0; WORDS], |one| self.signs(&one.bytes));
        let held = Arc::make_mut(&mut self.chunks[chunk]);
        match direction {
            Some(one) => held.bytes[row].copy_from_slice(&one.bytes),
            None => held.bytes[row].fill(0),
        }
        held.units[at] = direction.map_or(0.0, |one| one.unit);
        held.signs[at] = signs;
    }

    /// Signs of random sums of the numbers.
    fn signs(&self, bytes: &[i8]) -> [u64; WORDS] {
        let mut words = [0_u64; WORDS];
        let mut sums: Vec<i32> = Vec::new();
        for (no, flips) in self.flips.iter().enumerate() {
            sums.clear();
            sums.extend(bytes.iter().zip(flips).map(|(byte, flip)| i32::from(*byte) * flip));
            sums.resize(flips.len(), 0);
            let mut half = 1;
            while half < sums.len() {
                for pair in sums.chunks_exact_mut(2 * half) {
                    let (left, right) = pair.split_at_mut(half);
                    for (left, right) in left.iter_mut().zip(right) {
                        (*left, *right) = (*left + *right, *left - *right);
                    }
                }
                half *= 2;
            }
            for (at, sum) in (no * sums.len()..SIGNS).zip(&sums) {
                words[at / 64] |= u64::from(*sum > 0) << (at % 64);
            }
        }
        words
    }

    /// The cosine between a product and a direction; 0 where it has no vector, or the lengths differ.
    pub fn cosine(&self, product: ProductNo, direction: &Direction) -> f32 {
        let (chunk, at) = (product.index() / CHUNK, product.index() % CHUNK);
        let Some(held) = self.chunks.get(chunk).filter(|_| direction.bytes.len() == self.width) else {
            return 0.0;
        };
        let row = &held.bytes[at * self.width..(at + 1) * self.width];
        dot(row, &direction.bytes) as f32 * held.units[at] * direction.unit
    }

    /// The `limit` products that point most the way `direction` does, best first, with their cosine: none below `least`, which is
    /// more than nought.
    pub fn nearest(&self, direction: &Direction, least: f32, limit: usize) -> Vec<(f32, ProductNo)> {
        if direction.bytes.len() != self.width || limit == 0 {
            return Vec::new();
        }
        let mut top = TopK::new(limit.min(self.chunks.len() * CHUNK));
        if self.chunks.len() * CHUNK <= EXACT_MAX.next_multiple_of(CHUNK) {
            dispatch(Scan { vectors: self, direction, least, top: &mut top });
        } else {
            for product in dispatch(Alike { vectors: self, signs: self.signs(&direction.bytes) }) {
                let cosine = self.cosine(product, direction);
                if cosine >= least {
                    top.push(cosine, product);
                }
            }
        }
        top.into_sorted()
    }
}

#[inline(always)]
fn dot(a: &[i8], b: &[i8]) -> i32 {
    let mut sums = [0_i32; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += i32::from(i16::from(a[lane]) * i16::from(b[lane]));
        }
    }
    sums.iter().sum()
}

/// Looks at every cosine.
struct Scan<'a> {
    vectors: &'a ProductVectors,
    direction: &'a Direction,
    least: f32,
    top: &'a mut TopK<ProductNo>,
}

impl Kernel for Scan<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { vectors, direction, least, top } = self;
        let mut bar = least;
        for (no, chunk) in vectors.chunks.iter().enumerate() {
            let rows = chunk.bytes.chunks_exact(vectors.width.max(1));
            for (at, (row, unit)) in rows.zip(&chunk.units).enumerate() {
                let cosine = dot(row, &direction.bytes) as f32 * unit * direction.unit;
                if cosine >= bar && cosine > 0.0 {
                    top.push(cosine, ProductNo((no * CHUNK + at) as u32));
                    bar = bar.max(top.bar());
                }
            }
        }
    }
}

/// The products with the most signs in common, [`LOOKED_AT`] of them; of equals those with the smaller numbers.
struct Alike<'a> {
    vectors: &'a ProductVectors,
    signs: [u64; WORDS],
}

impl Kernel for Alike<'_> {
    type Output = Vec<ProductNo>;

    #[inline(always)]
    fn run(self) -> Vec<ProductNo> {
        thread_local! {
            static APART: RefCell<Vec<u16>> = RefCell::default();
        }
        let Self { vectors, signs } = self;
        APART.with_borrow_mut(|apart| {
            apart.clear();
            let mut counts = [0_usize; SIGNS + 2];
            for chunk in &vectors.chunks {
                for (own, unit) in chunk.signs.iter().zip(&chunk.units) {
                    let differ: u32 = own.iter().zip(&signs).map(|(a, b)| (a ^ b).count_ones()).sum();
                    let differ = if *unit > 0.0 { differ as usize } else { SIGNS + 1 };
                    counts[differ] += 1;
                    apart.push(differ as u16);
                }
            }
            let (mut most, mut count) = (0, counts[0]);
            while most < SIGNS && count + counts[most + 1] <= LOOKED_AT {
                most += 1;
                count += counts[most];
            }
            let mut left = LOOKED_AT.saturating_sub(count);
            let is_near = |(_, differ): &(usize, &u16)| {
                let differ = usize::from(**differ);
                let is_next = differ == most + 1 && differ <= SIGNS && left > 0;
                left -= usize::from(is_next);
                differ <= most || is_next
            };
            let near = apart.iter().enumerate().filter(is_near);
            near.map(|(at, _)| ProductNo(at as u32)).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Products around 300 points of 120 numbers, as vectors of texts lie.
    fn products(count: usize) -> Vec<Vec<f32>> {
        let mut seeded = Seeded::new(4);
        let mut point = |spread: f64| (0..120).map(|_| (seeded.normal() * spread) as f32).collect::<Vec<_>>();
        let centres: Vec<Vec<f32>> = (0..300).map(|_| point(1.0)).collect();
        let near =
            |no: usize| point(0.7).iter().zip(&centres[no % 300]).map(|(own, other)| own + other).collect();
        (0..count).map(near).collect()
    }

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    fn filled(vectors: &[Vec<f32>]) -> ProductVectors {
        let mut held = ProductVectors::new(120);
        let all = (0..).map(ProductNo).zip(vectors);
        all.for_each(|(no, vector)| held.change(no, Direction::new(vector).as_ref()));
        held
    }

    #[test]
    fn few_are_looked_through_exactly_and_cosines_are_those_of_the_numbers() {
        let vectors = products(3000);
        let held = filled(&vectors);
        for text in vectors.iter().step_by(100) {
            let direction = Direction::new(text).expect("it is a direction");
            let found = held.nearest(&direction, 0.2, 50);
            let mut all: Vec<(f32, ProductNo)> =
                (0..3000).map(ProductNo).map(|no| (held.cosine(no, &direction), no)).collect();
            all.retain(|one| one.0 >= 0.2);
            all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            all.truncate(50);
            assert_eq!(found, all);
            for (own, no) in found {
                assert!((own - cosine(text, &vectors[no.index()])).abs() < 0.01);
            }
        }
    }

    #[test]
    fn among_many_nearly_all_of_the_nearest_are_found_and_the_same_whatever_came_before() {
        let vectors = products(EXACT_MAX + 3000);
        let mut held = filled(&vectors);
        let direction = |vector: &[f32]| Direction::new(vector).expect("it is a direction");
        let (mut found, mut all) = (0, 0);
        for text in vectors.iter().step_by(5_000) {
            let asked = direction(text);
            let mut top = TopK::new(100);
            (0..vectors.len() as u32).map(ProductNo).for_each(|no| top.push(held.cosine(no, &asked), no));
            let near = held.nearest(&asked, 0.01, 100);
            found += top.into_sorted().iter().filter(|one| near.contains(one)).count();
            all += 100;
        }
        assert!(found * 100 > all * 95, "{found} of {all}");
        let before = held.nearest(&direction(&vectors[7]), 0.01, 100);
        held.change(ProductNo(9), Some(&direction(&vectors[7])));
        assert_ne!(held.nearest(&direction(&vectors[7]), 0.01, 100), before);
        held.change(ProductNo(9), Some(&direction(&vectors[9])));
        assert_eq!(held.nearest(&direction(&vectors[7]), 0.01, 100), before);
    }

    #[test]
    fn vectors_come_and_go_and_what_is_odd_changes_nothing() {
        assert_eq!(Direction::new(&[]), None);
        assert_eq!(Direction::new(&[0.0; 3]), None);
        assert_eq!(Direction::new(&[1.0, f32::NAN]), None);
        assert_eq!(Direction::new(&[1.0; WIDTH_MAX + 1]), None);
        let mut held = ProductVectors::new(3);
        let one = Direction::new(&[0.0, 0.0, 2.0]).expect("it is a direction");
        held.change(ProductNo(5000), Some(&one));
        let frozen = held.clone();
        held.change(ProductNo(1), Direction::new(&[1.0; 20]).as_ref());
        assert_eq!(held.nearest(&one, 0.1, 9), [(1.0, ProductNo(5000))]);
        held.change(ProductNo(5000), None);
        held.change(ProductNo(77_777), None);
        assert_eq!(held.nearest(&one, 0.1, 9), []);
        assert_eq!(frozen.nearest(&one, 0.1, 9), [(1.0, ProductNo(5000))]);
        assert_eq!(frozen.cosine(ProductNo(u32::MAX), &one), 0.0);
        assert_eq!(held.nearest(&Direction::new(&[1.0; 20]).expect("so it is"), 0.1, 9), []);
    }
}
