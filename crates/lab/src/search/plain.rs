//! The baseline: BM25 over title, brand and short description as one text, k1 1.2, b 0.75, words in lower case, no stemming.

use super::DEPTH;
use super::data::Store;
use bespoke_search::matching::rarity;
use std::collections::HashMap;

const K1: f32 = 1.2;
const B: f32 = 0.75;

/// The index.
#[derive(Debug)]
pub struct Plain {
    postings: HashMap<String, Vec<(u32, f32)>>,
    lengths: Vec<f32>,
    mean: f32,
}

impl Plain {
    /// Of all products.
    pub fn new(store: &Store) -> Self {
        let mut postings: HashMap<String, Vec<(u32, f32)>> = HashMap::new();
        let mut lengths = Vec::with_capacity(store.products.len());
        for (no, product) in (0..).zip(&store.products) {
            let text = [&product.title[..], &product.brand, &product.description].join(" ");
            let words = words(&text);
            lengths.push(words.len() as f32);
            for word in words {
                let list = postings.entry(word).or_default();
                match list.last_mut().filter(|(held, _)| *held == no) {
                    Some((_, count)) => *count += 1.0,
                    None => list.push((no, 1.0)),
                }
            }
        }
        let mean = lengths.iter().sum::<f32>() / lengths.len().max(1) as f32;
        Self { postings, lengths, mean }
    }

    /// The best products for a query.
    pub fn search(&self, query: &str) -> Vec<u32> {
        let mut scores: HashMap<u32, f32> = HashMap::new();
        for list in words(query).iter().filter_map(|word| self.postings.get(word)) {
            let rarity = rarity(self.lengths.len() as u32, list.len() as u32);
            for (product, count) in list {
                let norm = K1 * (1.0 - B + B * self.lengths[*product as usize] / self.mean);
                *scores.entry(*product).or_default() += rarity * count * (K1 + 1.0) / (count + norm);
            }
        }
        let mut best: Vec<(u32, f32)> = scores.into_iter().collect();
        best.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        best.into_iter().take(DEPTH).map(|(product, _)| product).collect()
    }
}

fn words(text: &str) -> Vec<String> {
    let is_letter = |c: char| c.is_alphanumeric();
    text.to_lowercase().split(|c| !is_letter(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
