//! Sequences of numbers and the attributes of what they name, as S3-Rec's sets come: `sequences.txt.gz` with a line
//! `user item item …` in time order, `item2attributes.json.gz` with an object of lists.

use crate::error::Error;
use bespoke_domain::ProductNo;
use bespoke_models::interactions::Interactions;
use bespoke_models::sequence::SequenceData;
use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Greatest number that a file may name.
const NUMBER_MAX: u32 = 50_000_000;

/// Histories and what came next, shopper by shopper.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cases {
    /// Oldest first.
    pub histories: Vec<Vec<ProductNo>>,
    /// One each.
    pub answers: Vec<ProductNo>,
}

/// What is evaluated on.
pub struct Set {
    /// All of what each shopper had, oldest first.
    pub sequences: Vec<Vec<ProductNo>>,
    /// Numbers are below this.
    pub product_count: usize,
    /// Values of each product.
    pub attributes: Interactions,
}

impl Set {
    /// Reads a folder.
    ///
    /// # Errors
    /// [`Error::File`] if a file cannot be opened, [`Error::Line`] for the first line that is not as it should be.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("sequences.txt.gz");
        let sequences = parse(open(&path)?, &path)?;
        let path = folder.join("item2attributes.json.gz");
        let lists: BTreeMap<u32, Vec<u32>> = serde_json::from_reader(open(&path)?)
            .map_err(|error| Error::Line { path, line: error.line(), reason: error.to_string() })?;
        let most = sequences.iter().flatten().map(|product| product.index() + 1).max().unwrap_or(0);
        let rows = (0..most as u32).map(|product| -> Vec<_> {
            let values = lists.get(&product).into_iter().flatten();
            values.filter(|value| **value <= NUMBER_MAX).map(|value| (ProductNo(*value), 1.0)).collect()
        });
        Ok(Self { attributes: Interactions::new(rows), sequences, product_count: most })
    }

    /// The data to learn from: all but the last two of each shopper.
    pub fn train(&self) -> SequenceData {
        let first = |all: &Vec<ProductNo>| all[..all.len().saturating_sub(2)].to_vec();
        SequenceData {
            sequences: self.sequences.iter().map(first).collect(),
            product_count: self.product_count,
            attributes: self.attributes.clone(),
        }
    }

    /// The last but one of each shopper, to choose by.
    pub fn validation(&self) -> Cases {
        self.cases(2)
    }

    /// The last of each shopper, to measure by.
    pub fn test(&self) -> Cases {
        self.cases(1)
    }

    fn cases(&self, from_end: usize) -> Cases {
        let long = self.sequences.iter().filter(|all| all.len() >= 3);
        let split = |all: &Vec<ProductNo>| {
            let place = all.len() - from_end;
            (all[..place].to_vec(), all[place])
        };
        let (histories, answers) = long.map(split).unzip();
        Cases { histories, answers }
    }
}

fn open(path: &Path) -> Result<impl BufRead + use<>, Error> {
    let file = File::open(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    Ok(BufReader::new(MultiGzDecoder::new(file)))
}

/// Reads all lines; `path` is said in errors. The user's number is not looked at.
///
/// # Errors
/// [`Error::Line`] for the first line that is not as it should be.
pub fn parse(text: impl BufRead, path: &Path) -> Result<Vec<Vec<ProductNo>>, Error> {
    let mut sequences = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let wrong = |reason: String| Error::Line { path: path.to_owned(), line: index + 1, reason };
        let line = line.map_err(|error| wrong(error.to_string()))?;
        let number = |word: &str| {
            let number = word.parse().ok().filter(|number| *number <= NUMBER_MAX);
            number.ok_or_else(|| wrong(format!("{word:?} is no number from 0 to {NUMBER_MAX}")))
        };
        let numbers = line.split_whitespace().map(number).collect::<Result<Vec<u32>, _>>()?;
        if let Some((_, products)) = numbers.split_first() {
            sequences.push(products.iter().copied().map(ProductNo).collect());
        }
    }
    Ok(sequences)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_is_for_the_test_and_the_one_before_for_choosing() {
        let sequences = parse("1 4 2 3\n\n2 5 1\n".as_bytes(), Path::new("f")).expect("valid");
        let set = Set { sequences, product_count: 6, attributes: Interactions::new([[(ProductNo(1), 1.0)]]) };
        let p = |numbers: &[u32]| numbers.iter().copied().map(ProductNo).collect::<Vec<_>>();
        assert_eq!(set.train().sequences, [p(&[4]), p(&[])]);
        assert_eq!(set.validation(), Cases { histories: vec![p(&[4])], answers: p(&[2]) });
        assert_eq!(set.test(), Cases { histories: vec![p(&[4, 2])], answers: p(&[3]) });
        let error = parse("0 x".as_bytes(), Path::new("f")).expect_err("no number").to_string();
        assert!(error.starts_with("f:1: \"x\" is no number"), "{error}");
    }
}
