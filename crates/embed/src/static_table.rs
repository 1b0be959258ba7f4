//! Model2Vec (Tulkens, van Dongen 2024): a vector for each token, found by a model that is no longer needed. A text is the mean of
//! the vectors of its tokens, each times its weight: look-ups and sums, microseconds a query.

use crate::folder::Folder;
use crate::tokens::Tokens;
use crate::{Error, normalize};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::Deserialize;

/// Tokens of a text that count: what Model2Vec itself takes.
const LENGTH_MAX: usize = 512;

/// A line of `modules.json`.
#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
}

/// `config.json`.
#[derive(Default, Deserialize)]
struct Config {
    #[serde(default)]
    normalize: bool,
}

/// What of `tokenizer.json` says which token stands for what is unknown.
#[derive(Deserialize)]
struct Vocabulary {
    model: Unknown,
}

#[derive(Deserialize)]
struct Unknown {
    unk_token: Option<String>,
    unk_id: Option<u32>,
}

/// A loaded folder.
#[derive(Debug)]
pub(crate) struct StaticTable {
    tokens: Tokens,
    unknown: Option<u32>,
    /// Row by row.
    rows: Vec<f32>,
    dimension: usize,
    /// What a token counts; empty where all count the same.
    weights: Vec<f32>,
    /// The row of a token; empty where it is that of its number.
    mapping: Vec<u32>,
    normalized: bool,
}

impl StaticTable {
    /// Whether the folder holds a static table: it names no parts, as Model2Vec saves it, or a static one.
    pub(crate) fn is_in(folder: &mut Folder) -> Result<bool, Error> {
        let parts: Option<Vec<Part>> = folder.settings_if_any("modules.json")?;
        Ok(parts.is_none_or(|parts| parts.iter().any(|part| part.kind.ends_with(".StaticEmbedding"))))
    }

    pub(crate) fn load(folder: &mut Folder) -> Result<Self, Error> {
        let bytes = folder.weights()?;
        let tensors = tensors(folder, &bytes)?;
        let name = "model.safetensors";
        let table = tensors.tensor("embeddings").map_err(|_| {
            folder.refuse(
                name,
                "it has no tensor \"embeddings\"; a sentence-transformers folder needs its modules.json",
            )
        })?;
        let &[count, dimension] = table.shape() else {
            return Err(folder.refuse(name, "embeddings must have two dimensions, tokens and numbers"));
        };
        if count == 0 || dimension == 0 {
            return Err(folder.refuse(name, "embeddings is empty"));
        }
        let rows =
            numbers(&table).ok_or_else(|| folder.refuse(name, "embeddings must be f64, f32, f16 or i8"))?;
        let list = |key: &str| tensors.tensor(key).ok();
        let weights = list("weights").map_or(Some(Vec::new()), |view| numbers(&view));
        let weights = weights.ok_or_else(|| folder.refuse(name, "weights must be f64, f32 or f16"))?;
        let mapping = list("mapping").map_or(Some(Vec::new()), |view| whole(&view));
        let mapping =
            mapping.ok_or_else(|| folder.refuse(name, "mapping must be i64 or i32, none below nought"))?;
        let config: Config = folder.settings_if_any("config.json")?.unwrap_or_default();
        let vocabulary: Vocabulary =
            folder.settings("tokenizer.json", "save the model with its tokenizer")?;
        let tokens = Tokens::load(folder, LENGTH_MAX, false, false)?;
        let unknown =
            vocabulary.model.unk_token.and_then(|token| tokens.number(&token)).or(vocabulary.model.unk_id);
        let loaded =
            Self { tokens, unknown, rows, dimension, weights, mapping, normalized: config.normalize };
        match loaded.refusal(count) {
            Some(reason) => Err(folder.refuse(name, reason)),
            None => Ok(loaded),
        }
    }

    /// What does not belong together, if anything.
    fn refusal(&self, row_count: usize) -> Option<String> {
        let tokens = self.tokens.count();
        if self.mapping.is_empty() && tokens > row_count {
            return Some(format!(
                "embeddings has {row_count} rows for {tokens} tokens: take the tokenizer of this model"
            ));
        }
        if !self.mapping.is_empty()
            && (self.mapping.len() < tokens || self.mapping.iter().any(|row| *row as usize >= row_count))
        {
            return Some("mapping must name a row of embeddings for every token".into());
        }
        if !self.weights.is_empty() && self.weights.len() < tokens {
            return Some(format!("weights has {} numbers for {tokens} tokens", self.weights.len()));
        }
        None
    }

    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    pub(crate) fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        texts.iter().map(|text| self.one(text)).collect()
    }

    fn one(&self, text: &str) -> Result<Vec<f32>, Error> {
        let mut tokens = self.tokens.of(text)?;
        tokens.retain(|token| Some(*token) != self.unknown);
        let mut sum = vec![0.0; self.dimension];
        for &token in &tokens {
            let row = self.mapping.get(token as usize).copied().unwrap_or(token) as usize;
            let weight = self.weights.get(token as usize).copied().unwrap_or(1.0);
            let row = &self.rows[row * self.dimension..][..self.dimension];
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
        }
        let count = tokens.len().max(1) as f32;
        sum.iter_mut().for_each(|sum| *sum /= count);
        if self.normalized {
            normalize(&mut sum);
        }
        Ok(sum)
    }
}

fn tensors<'a>(folder: &Folder, bytes: &'a [u8]) -> Result<SafeTensors<'a>, Error> {
    let read = SafeTensors::deserialize(bytes);
    read.map_err(|error| folder.refuse("model.safetensors", format!("{error}; it is damaged, copy it again")))
}

/// The values of a tensor; `None` where they are not numbers with a fraction or bytes.
fn numbers(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = view.data();
    match view.dtype() {
        Dtype::F64 => Some(each(data, |bytes: [u8; 8]| f64::from_le_bytes(bytes) as f32)),
        Dtype::F32 => Some(each(data, f32::from_le_bytes)),
        Dtype::F16 => Some(each(data, |bytes: [u8; 2]| half(u16::from_le_bytes(bytes)))),
        Dtype::I8 => Some(each(data, |bytes: [u8; 1]| f32::from(i8::from_le_bytes(bytes)))),
        _ => None,
    }
}

fn whole(view: &TensorView<'_>) -> Option<Vec<u32>> {
    let values: Vec<i64> = match view.dtype() {
        Dtype::I64 => each(view.data(), i64::from_le_bytes),
        Dtype::I32 => each(view.data(), |bytes: [u8; 4]| i64::from(i32::from_le_bytes(bytes))),
        _ => return None,
    };
    values.into_iter().map(|value| u32::try_from(value).ok()).collect()
}

fn each<T, const SIZE: usize>(data: &[u8], read: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
    data.as_chunks::<SIZE>().0.iter().map(|bytes| read(*bytes)).collect()
}

/// A number of sixteen bits (IEEE 754 binary16).
fn half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (bits >> 15, (bits >> 10) & 31, bits & 1023);
    let sign = if sign == 1 { -1.0 } else { 1.0 };
    let fraction = f32::from(fraction) / 1024.0;
    sign * match exponent {
        0 => fraction * 2.0_f32.powi(-14),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction) * 2.0_f32.powi(i32::from(exponent) - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn halves_are_what_the_standard_says() {
        let known = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x0001, 5.960_464_5e-8),
            (0x7bff, 65_504.0),
        ];
        known.into_iter().for_each(|(bits, value)| assert_eq!(half(bits), value, "{bits:x}"));
        assert!(half(0x7e00).is_nan() && half(0xfc00) == f32::NEG_INFINITY && half(0x8000) == 0.0);
    }
}
