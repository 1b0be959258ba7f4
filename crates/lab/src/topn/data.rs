//! Lines of `user item item …` in numbers, as the sets of LightGCN, KGAT and UltraGCN come.

use crate::error::Error;
use bespoke_domain::ProductNo;
use bespoke_models::interactions::Interactions;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Greatest number that a line may name; more is a mistake, and would take memory for all below it.
const NUMBER_MAX: u32 = 50_000_000;

/// What is learned from and what is asked for: the same shoppers, row by row.
pub struct Split {
    /// What they had.
    pub train: Interactions,
    /// What they had next.
    pub test: Interactions,
}

type Rows = Vec<Vec<(ProductNo, f32)>>;

impl Split {
    /// Reads both files.
    ///
    /// # Errors
    /// [`Error::File`] if one cannot be opened, [`Error::Line`] for the first line that is not as it should be.
    pub fn read(train: &Path, test: &Path) -> Result<Self, Error> {
        let (mut train, mut test) = (read(train)?, read(test)?);
        let count = train.len().max(test.len());
        train.resize(count, Vec::new());
        test.resize(count, Vec::new());
        let (train, test) = (Interactions::new(train), Interactions::new(test));
        let columns = train.column_count().max(test.column_count());
        Ok(Self { train: train.with_columns(columns), test: test.with_columns(columns) })
    }
}

fn read(path: &Path) -> Result<Rows, Error> {
    let file = File::open(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let packed = path.extension().is_some_and(|end| end == "gz");
    let text: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    parse(BufReader::new(text), path)
}

/// Reads all lines; `path` is said in errors.
///
/// # Errors
/// [`Error::Line`] for the first line that is not as it should be.
pub fn parse(text: impl BufRead, path: &Path) -> Result<Rows, Error> {
    let mut rows: Rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let wrong = |reason: String| Error::Line { path: path.to_owned(), line: index + 1, reason };
        let line = line.map_err(|error| wrong(error.to_string()))?;
        let mut numbers = line.split_whitespace().map(|word| {
            let number = word.parse().ok().filter(|number| *number <= NUMBER_MAX);
            number.ok_or_else(|| wrong(format!("{word:?} is no number from 0 to {NUMBER_MAX}")))
        });
        let Some(shopper) = numbers.next().transpose()? else { continue };
        if rows.len() <= shopper as usize {
            rows.resize(shopper as usize + 1, Vec::new());
        }
        for number in numbers {
            let product = (ProductNo(number?), 1.0);
            if !rows[shopper as usize].contains(&product) {
                rows[shopper as usize].push(product);
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_rows_and_mistakes_are_named() {
        let rows = parse("1 5 3 5\n\n0\n".as_bytes(), Path::new("f")).expect("valid");
        assert_eq!(rows, [vec![], vec![(ProductNo(5), 1.0), (ProductNo(3), 1.0)]]);
        let error = parse("0 1\n1 -2\n".as_bytes(), Path::new("f")).expect_err("negative").to_string();
        assert!(error.starts_with("f:2: \"-2\" is no number"), "{error}");
    }
}
