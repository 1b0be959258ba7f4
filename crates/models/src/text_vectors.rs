//! What words and texts mean, learned from a shop's own texts, so that what is asked for is found where other words stand: positive
//! pointwise mutual information of words that stand together in a product's text, its singular vectors (Levy, Goldberg 2014; Levy,
//! Goldberg, Dagan 2015), and for a text the mean of its words, those that everything has counting less (SIF: Arora, Liang, Ma 2017).
//!
//! `C_wv = Σ_p x_pw x_pv / Σ_u x_pu` over products p, where x is how much a word counts in a text; `M_wv = max(0, ln(C_wv Σ / (C_w C_v)))`;
//! `M ≈ U S Vᵀ`; the vector of w is the direction of `(U S^power)_w`, that of a text the direction of `Σ_w x_w a / (a + p_w) w`, with p_w
//! the share of w among all words. Words that shoppers asked with stand in the text of what they then dealt with, weighing less.
//!
//! The model keeps words alone, in bytes: a product that comes after the fit has its vector at once.

use crate::interactions::Interactions;
use crate::lanes::{Kernel, LANES, dispatch, dot, padded};
use crate::nearest::Vectors;
use crate::parts;
use crate::recommender::FitRun;
use crate::singular;
use bespoke_domain::ProductNo;
use bespoke_domain::order::TopK;
use serde::{Deserialize, Serialize};

/// Most words that have a vector, those in the most texts.
const WORDS_MAX: usize = 100_000;
/// Fewest texts that a word stands in: what one alone has says nothing of others.
const TEXTS_MIN: u32 = 2;
/// Words that a word is told by, at most, those that it most often stands with.
const BESIDE_MAX: usize = 1024;
/// Words counted by a thread at a time.
const WORDS_A_PART: usize = 64;
/// Products whose vectors are made by a thread at a time.
const PRODUCTS_A_PART: usize = 4096;

/// How vectors are learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextVectorsParams {
    /// Numbers of a vector.
    pub width: u32,
    /// Power of the singular values: 0 takes all directions alike, 1 the strong ones most.
    pub power: f32,
    /// The share of all words at which a word counts half (SIF's a).
    pub half: f32,
    /// What a word counts that shoppers asked with, where very many did, against 1 of a word of the text.
    pub asked: f32,
}

impl Default for TextVectorsParams {
    fn default() -> Self {
        Self { width: 128, power: 0.25, half: 1e-3, asked: 1.0 }
    }
}

/// Texts to learn from.
#[derive(Clone, Copy, Debug)]
pub struct TextData<'a> {
    /// The words, as they are after analysis, none twice.
    pub words: &'a [&'a str],
    /// How much each word (column: its place in `words`) counts in the text of each product (row).
    pub texts: &'a Interactions,
    /// How often shoppers who asked with a word (column) then dealt with a product (row).
    pub asked: Option<&'a Interactions>,
}

/// Vectors of words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TextVectors {
    /// Ascending.
    words: Vec<Box<str>>,
    /// Numbers of a vector, whole lanes.
    width: u32,
    /// Row by row, the greatest of each 127.
    rows: Vec<i8>,
    /// What a byte of a word's row stands for in a text: its length, and less for what everything has.
    units: Vec<f32>,
    /// [`TextVectorsParams::asked`], for products that come later.
    asked: f32,
}

impl TextVectorsParams {
    /// Learns from `data`.
    pub fn fit(&self, data: &TextData<'_>, run: FitRun) -> TextVectors {
        let kept = kept(data);
        let numbers = numbers(data, &kept);
        let row = |row| -> Row {
            let words = merged(data, &numbers, self.asked, row);
            words.into_iter().map(|(word, weight)| (ProductNo(word), weight)).collect()
        };
        let texts = Interactions::new((0..row_count(data)).map(row)).with_columns(kept.len());
        let matrix = associations(&texts, run.threads);
        let width = (self.width as usize).clamp(1, 1024);
        let right = singular::right(&matrix, width, run.seed, run.threads);
        let mut rows = singular::multiply(&matrix, &right, padded(width), run.threads);
        scale(&mut rows, padded(width), self.power);
        let words = kept.iter().map(|column| data.words[*column as usize].into()).collect();
        let mut model = TextVectors {
            words,
            width: padded(width) as u32,
            rows: Vec::new(),
            units: Vec::new(),
            asked: self.asked,
        };
        model.keep(&rows, &shares(&texts), self.half);
        model
    }

    /// Bytes that a fit takes at most, roughly.
    pub fn fit_bytes(&self, data: &TextData<'_>) -> u64 {
        let held = data.texts.len() + data.asked.map_or(0, Interactions::len);
        let words = data.words.len().min(WORDS_MAX);
        let beside = words as u64 * BESIDE_MAX.min(words) as u64;
        2 * 8 * held as u64
            + 3 * 8 * beside
            + 3 * 4 * words as u64 * padded(self.width as usize + LANES) as u64
    }
}

/// The columns of the words that get a vector, in the order of their letters.
fn kept(data: &TextData<'_>) -> Vec<u32> {
    let mut counts = vec![0_u32; data.words.len()];
    let mut count = |columns: &[u32]| {
        columns
            .iter()
            .filter_map(|column| data.words.get(*column as usize).map(|_| *column))
            .for_each(|column| counts[column as usize] += 1);
    };
    for row in 0..row_count(data) {
        count(row_of(data.texts, row).0);
        count(data.asked.map_or(&[], |asked| row_of(asked, row).0));
    }
    let mut top = TopK::new(WORDS_MAX.min(counts.len()));
    let enough = counts.iter().enumerate().filter(|(_, count)| **count >= TEXTS_MIN);
    enough.for_each(|(column, count)| top.push(*count as f32, column as u32));
    let mut kept: Vec<u32> = top.into_sorted().into_iter().map(|one| one.1).collect();
    kept.sort_unstable_by_key(|column| data.words[*column as usize]);
    kept.dedup_by_key(|column| data.words[*column as usize]);
    kept
}

/// The number of each column's word, where it has one.
fn numbers(data: &TextData<'_>, kept: &[u32]) -> Vec<Option<u32>> {
    let mut numbers = vec![None; data.words.len()];
    (0..).zip(kept).for_each(|(number, column)| numbers[*column as usize] = Some(number));
    numbers
}

fn row_count(data: &TextData<'_>) -> usize {
    data.texts.row_count().max(data.asked.map_or(0, Interactions::row_count))
}

fn row_of(matrix: &Interactions, row: usize) -> (&[u32], &[f32]) {
    if row < matrix.row_count() { matrix.row(row) } else { (&[], &[]) }
}

/// The text of a product with what was asked: numbers of words, and what each counts.
fn merged(data: &TextData<'_>, numbers: &[Option<u32>], asked_weight: f32, row: usize) -> Vec<(u32, f32)> {
    let number = |column: u32| numbers.get(column as usize).copied().flatten();
    let (columns, weights) = row_of(data.texts, row);
    let said = columns.iter().zip(weights).filter_map(|(column, weight)| Some((number(*column)?, *weight)));
    let (columns, counts) = data.asked.map_or((&[][..], &[][..]), |asked| row_of(asked, row));
    let often = |count: f32| asked_weight * count / (count + 1.0);
    let asked =
        columns.iter().zip(counts).filter_map(|(column, count)| Some((number(*column)?, often(*count))));
    said.chain(asked).collect()
}

/// Numbers of words, as columns, with what they count.
type Row = Vec<(ProductNo, f32)>;

/// Positive pointwise mutual information of every two words.
fn associations(texts: &Interactions, threads: usize) -> Interactions {
    let where_words_stand = texts.transposed();
    let lengths: Vec<f32> = (0..texts.row_count()).map(|row| texts.row(row).1.iter().sum()).collect();
    let words = where_words_stand.row_count();
    let parts: Vec<Vec<(f64, Row)>> = parts::map(words.div_ceil(WORDS_A_PART), threads, |part| {
        let mut beside = Beside { counts: vec![0.0; words], touched: Vec::new() };
        let first = part * WORDS_A_PART;
        (first..words.min(first + WORDS_A_PART))
            .map(|word| beside.of(word, texts, &where_words_stand, &lengths))
            .collect()
    });
    let rows: Vec<(f64, Row)> = parts.into_iter().flatten().collect();
    let sums: Vec<f64> = rows.iter().map(|row| row.0).collect();
    let total: f64 = sums.iter().sum();
    let informed = rows.into_iter().zip(&sums).map(|((_, row), sum)| {
        let information = |(other, count): (ProductNo, f32)| {
            let ratio = f64::from(count) * total / (sum * sums[other.index()]);
            (other, libm::log(ratio) as f32)
        };
        row.into_iter().map(information).collect::<Row>()
    });
    Interactions::new(informed).with_columns(words)
}

/// How often words stand beside one.
struct Beside {
    /// By word; all nought between uses.
    counts: Vec<f32>,
    touched: Vec<u32>,
}

impl Beside {
    /// The sum of all counts, and the greatest ones.
    fn of(
        &mut self,
        word: usize,
        texts: &Interactions,
        standing: &Interactions,
        lengths: &[f32],
    ) -> (f64, Row) {
        let (products, weights) = standing.row(word);
        for (&product, &weight) in products.iter().zip(weights) {
            let (columns, others) = texts.row(product as usize);
            let share = weight / lengths[product as usize];
            for (&column, &other) in columns.iter().zip(others) {
                let count = &mut self.counts[column as usize];
                if *count == 0.0 {
                    self.touched.push(column);
                }
                *count = share.mul_add(other, *count);
            }
        }
        self.counts[word] = 0.0;
        self.touched.sort_unstable();
        let sum = self.touched.iter().map(|column| f64::from(self.counts[*column as usize])).sum();
        let mut top = TopK::new(BESIDE_MAX.min(self.touched.len()));
        for column in self.touched.drain(..) {
            let count = std::mem::take(&mut self.counts[column as usize]);
            if count > 0.0 {
                top.push(count, ProductNo(column));
            }
        }
        (sum, top.into_sorted().into_iter().map(|(count, column)| (column, count)).collect())
    }
}

/// Turns the columns of `U S` into those of `U S^power`.
fn scale(rows: &mut [f32], width: usize, power: f32) {
    let mut squares = vec![0.0_f64; width];
    for row in rows.chunks_exact(width) {
        row.iter().zip(&mut squares).for_each(|(value, sum)| *sum += f64::from(*value) * f64::from(*value));
    }
    let factor = |square: f64| {
        if square > 0.0 { libm::pow(square.sqrt(), f64::from(power) - 1.0) as f32 } else { 0.0 }
    };
    let factors: Vec<f32> = squares.into_iter().map(factor).collect();
    for row in rows.chunks_exact_mut(width) {
        row.iter_mut().zip(&factors).for_each(|(value, factor)| *value *= factor);
    }
}

/// The share of each word among all.
fn shares(texts: &Interactions) -> Vec<f64> {
    let mut sums = vec![0.0_f64; texts.column_count()];
    for row in 0..texts.row_count() {
        let (columns, weights) = texts.row(row);
        columns.iter().zip(weights).for_each(|(column, weight)| sums[*column as usize] += f64::from(*weight));
    }
    let all: f64 = sums.iter().sum();
    sums.into_iter().map(|sum| sum / all).collect()
}

impl TextVectors {
    fn keep(&mut self, rows: &[f32], shares: &[f64], half: f32) {
        for (row, share) in rows.chunks_exact(self.width as usize).zip(shares) {
            let greatest = row.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            let over = if greatest > 0.0 { 127.0 / greatest } else { 0.0 };
            let bytes: Vec<i8> = row.iter().map(|value| (value * over).round_ties_even() as i8).collect();
            let square: i32 = bytes.iter().map(|byte| i32::from(*byte) * i32::from(*byte)).sum();
            let half = f64::from(half);
            let unit = if square > 0 { half / (half + share) / f64::from(square).sqrt() } else { 0.0 };
            self.rows.extend(bytes);
            self.units.push(unit as f32);
        }
    }

    /// Numbers of a vector, whole lanes.
    pub fn width(&self) -> usize {
        self.width as usize
    }

    /// Words that have a vector.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether no word has one.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Bytes that it takes.
    pub fn size_bytes(&self) -> usize {
        let letters: usize = self.words.iter().map(|word| word.len() + size_of::<Box<str>>()).sum();
        letters + self.rows.len() + size_of_val(self.units.as_slice())
    }

    /// The number of a word, for [`TextVectors::vector`].
    pub fn number(&self, word: &str) -> Option<u32> {
        self.words.binary_search_by(|held| (**held).cmp(word)).ok().map(|at| at as u32)
    }

    /// The vector of a text of these words and what each counts: of length one, nought where no word is known.
    pub fn vector(&self, words: &[(u32, f32)]) -> Vec<f32> {
        let mut vector = vec![0.0; self.width()];
        dispatch(Mean { model: self, words, vector: &mut vector });
        vector
    }

    /// The vectors of products by the same texts as a fit has, one a row, ready to be searched. 5 bytes a number and some 13 more
    /// a product.
    pub fn products(&self, data: &TextData<'_>, threads: usize) -> Vectors {
        let numbers: Vec<Option<u32>> = data.words.iter().map(|word| self.number(word)).collect();
        let width = self.width();
        let mut rows = vec![0.0; row_count(data) * width];
        parts::each_with(&mut rows, PRODUCTS_A_PART * width.max(1), threads, |from, part| {
            for (vector, row) in part.chunks_exact_mut(width.max(1)).zip(from / width.max(1)..) {
                let words = merged(data, &numbers, self.asked, row);
                dispatch(Mean { model: self, words: &words, vector });
            }
        });
        Vectors::new(rows, width)
    }

    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let (count, width) = (self.words.len(), self.width());
        width.is_multiple_of(LANES)
            && (width > 0 || count == 0)
            && width.checked_mul(count) == Some(self.rows.len())
            && self.units.len() == count
            && self.units.iter().all(|unit| unit.is_finite())
            && self.asked.is_finite()
            && self.words.is_sorted_by(|a, b| a < b)
    }
}

/// Adds words up and makes the sum one long.
struct Mean<'a> {
    model: &'a TextVectors,
    words: &'a [(u32, f32)],
    vector: &'a mut [f32],
}

impl Kernel for Mean<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { model, words, vector } = self;
        for &(word, weight) in words {
            let Some(unit) = model.units.get(word as usize) else { continue };
            let row = &model.rows[word as usize * vector.len()..][..vector.len()];
            let factor = weight * unit;
            for (sum, byte) in vector.chunks_exact_mut(LANES).zip(row.chunks_exact(LANES)) {
                for lane in 0..LANES {
                    sum[lane] = f32::from(byte[lane]).mul_add(factor, sum[lane]);
                }
            }
        }
        let over = 1.0 / dot(vector, vector).sqrt();
        if over.is_finite() {
            vector.iter_mut().for_each(|value| *value *= over);
        } else {
            vector.fill(0.0);
        }
    }
}
