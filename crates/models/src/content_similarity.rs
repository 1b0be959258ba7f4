//! How much a product shares with what a shopper had: attribute values in common, rare values and late events counting
//! more. `Σ_h decay^age · Σ_a∈h∩i w_a · w_ia / (Σ_a∈i w_a w_ia)^length`, `w_a = (ln(products / products with a) / ln(products))^idf`
//! (TF-IDF, Salton 1988; the divisor as BM25 has for long documents). Knows every product that has a value, had or not.

use crate::interactions::Interactions;
use bespoke_domain::ProductNo;
use serde::{Deserialize, Serialize};

/// How values, products and events are weighed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContentParams {
    /// Power of the inverse product frequency.
    pub idf_power: f32,
    /// How much a product with many values is held back.
    pub length_power: f32,
    /// What an event counts beside the one after it.
    pub decay: f32,
    /// Latest events that count.
    pub reach: u32,
}

impl Default for ContentParams {
    fn default() -> Self {
        Self { idf_power: 1.0, length_power: 0.5, decay: 0.8, reach: 20 }
    }
}

/// Values of products both ways round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContentSimilarity {
    params: ContentParams,
    /// What each value counts.
    value_weights: Vec<f32>,
    /// Values of each product.
    by_product: Vec<Vec<(u32, f32)>>,
    /// Products with each value, weights divided by the product's length.
    by_value: Vec<Vec<(u32, f32)>>,
}

impl ContentSimilarity {
    /// From values with their weights, a row a product.
    pub fn new(params: ContentParams, attributes: &Interactions) -> Self {
        let counts = attributes.transposed();
        let has_values = (0..attributes.row_count()).filter(|row| attributes.row_len(*row) > 0).count();
        let all = libm::logf(has_values.max(2) as f32);
        let weight = |value: usize| {
            let share = libm::logf(has_values as f32 / counts.row_len(value).max(1) as f32) / all;
            libm::powf(share.max(0.0), params.idf_power)
        };
        let mut made = Self {
            params,
            value_weights: (0..counts.row_count()).map(weight).collect(),
            by_product: Vec::new(),
            by_value: vec![Vec::new(); counts.row_count()],
        };
        for row in 0..attributes.row_count() {
            let (values, weights) = attributes.row(row);
            let values: Vec<_> = values.iter().copied().zip(weights.iter().copied()).collect();
            made.set(ProductNo(row as u32), &values);
        }
        made
    }

    /// Gives `product` these values and no others; those that no product had before are left out.
    pub fn set(&mut self, product: ProductNo, values: &[(u32, f32)]) {
        if self.by_product.len() <= product.index() {
            self.by_product.resize(product.index() + 1, Vec::new());
        }
        for (value, _) in std::mem::take(&mut self.by_product[product.index()]) {
            self.by_value[value as usize].retain(|one| one.0 != product.0);
        }
        let counts = |one: &&(u32, f32)| {
            self.value_weights.get(one.0 as usize).is_some_and(|own| own * one.1 > 0.0 && one.1.is_finite())
        };
        let known: Vec<(u32, f32)> = values.iter().filter(counts).copied().collect();
        let length: f32 = known.iter().map(|one| self.value_weights[one.0 as usize] * one.1).sum();
        let divisor = libm::powf(length, self.params.length_power);
        for &(value, weight) in &known {
            self.by_value[value as usize].push((product.0, weight / divisor));
        }
        self.by_product[product.index()] = known;
    }

    /// Whether its parts belong together: what was read may come from anywhere.
    pub fn is_sound(&self) -> bool {
        let fits = |lists: &[Vec<(u32, f32)>], end: usize| {
            lists.iter().flatten().all(|one| (one.0 as usize) < end && one.1.is_finite())
        };
        self.by_value.len() == self.value_weights.len()
            && self.value_weights.iter().all(|weight| weight.is_finite())
            && fits(&self.by_product, self.by_value.len())
            && fits(&self.by_value, self.by_product.len())
    }

    /// Numbers of products are below this.
    pub fn product_count(&self) -> usize {
        self.by_product.len()
    }

    /// Bytes that it takes.
    pub fn size_bytes(&self) -> usize {
        let lists = self.by_product.iter().chain(&self.by_value);
        4 * self.value_weights.len() + lists.map(|list| size_of_val(list) + 8 * list.len()).sum::<usize>()
    }

    /// Writes a score a product, nought where nothing is shared. `events` are oldest first.
    pub fn score(&self, events: &[ProductNo], scores: &mut Vec<f32>) {
        scores.clear();
        scores.resize(self.by_product.len(), 0.0);
        for (value, weight) in self.of_events(events) {
            for &(product, share) in &self.by_value[value as usize] {
                scores[product as usize] += weight * share;
            }
        }
    }

    /// What each value counts that the events have, ascending.
    fn of_events(&self, events: &[ProductNo]) -> Vec<(u32, f32)> {
        let mut all: Vec<(u32, f32)> = Vec::new();
        let mut age = 1.0;
        for event in events.iter().rev().take(self.params.reach as usize) {
            let values = self.by_product.get(event.index()).into_iter().flatten();
            all.extend(
                values.map(|&(value, weight)| (value, age * weight * self.value_weights[value as usize])),
            );
            age *= self.params.decay;
        }
        all.sort_by_key(|one| one.0);
        all.dedup_by(|later, first| {
            let same = later.0 == first.0;
            first.1 += if same { later.1 } else { 0.0 };
            same
        });
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eight products with value 0; the first two with 1, the first four with 2, the last of all with 3 alone.
    fn attributes() -> Interactions {
        Interactions::new((0..9_u32).map(|product| {
            let has = [product < 8, product < 2, product < 4, product == 8];
            let values = (0..4).filter(|value| has[*value as usize]);
            values.map(|value| (ProductNo(value), 1.0)).collect::<Vec<_>>()
        }))
    }

    fn scores(similarity: &ContentSimilarity, events: &[u32]) -> Vec<f32> {
        let (events, mut scores) = (events.iter().copied().map(ProductNo).collect::<Vec<_>>(), vec![7.0; 3]);
        similarity.score(&events, &mut scores);
        scores
    }

    #[test]
    fn scores_are_those_of_the_formula() {
        let params = ContentParams { idf_power: 2.0, length_power: 0.5, decay: 0.5, reach: 2 };
        let similarity = ContentSimilarity::new(params, &attributes());
        let weight = |count: f64| ((9.0 / count).ln() / 9.0_f64.ln()).powi(2);
        let (all, two, four) = (weight(8.0), weight(2.0), weight(4.0));
        // Event 8 is out of reach, 0 is the latest, 2 counts half.
        let found = scores(&similarity, &[8, 2, 0]);
        let expected = [
            (1, (1.5 * all + two + 1.5 * four) / (all + two + four).sqrt()),
            (3, (1.5 * all + 1.5 * four) / (all + four).sqrt()),
            (7, 1.5 * all / all.sqrt()),
            (8, 0.0),
        ];
        for (product, expected) in expected {
            let found = f64::from(found[product]);
            assert!((found - expected).abs() < 1e-5, "{product}: {found} {expected}");
        }
        assert_eq!(scores(&similarity, &[]), [0.0; 9]);
        assert_eq!(scores(&similarity, &[900]), [0.0; 9]);
    }

    #[test]
    fn a_product_that_comes_later_has_its_values_until_it_gets_others() {
        let mut similarity = ContentSimilarity::new(ContentParams::default(), &attributes());
        let before = similarity.clone();
        similarity.set(ProductNo(12), &[(1, 1.0), (77, 1.0), (2, f32::NAN)]);
        similarity.set(ProductNo(12), &[(0, 1.0), (2, 1.0)]);
        assert_eq!(similarity.product_count(), 13);
        let found = scores(&similarity, &[0]);
        assert_eq!((found[12], &found[..9]), (found[3], &scores(&before, &[0])[..]));
        assert_eq!(scores(&similarity, &[12])[..9], scores(&before, &[3])[..]);
        assert!(similarity.size_bytes() > before.size_bytes());
    }
}
