//! Sessions from TSV files with the header `session<TAB>items`. Items get dense numbers in the order in which they are
//! first met, train before test, as they would in a shop's log.

use crate::error::Error;
use bespoke_domain::ProductNo;
use flate2::read::MultiGzDecoder;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// One session: items in the order in which they were seen.
pub type Session = Vec<ProductNo>;

const HEADER: &str = "session\titems";

/// The external ids of items and their numbers.
#[derive(Default)]
pub struct Items {
    numbers: HashMap<String, ProductNo>,
    names: Vec<String>,
}

impl Items {
    /// The external id of an item that was read.
    pub fn name(&self, item: ProductNo) -> &str {
        &self.names[item.index()]
    }

    /// All external ids, in the order of their numbers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn number(&mut self, name: &str) -> ProductNo {
        if let Some(&known) = self.numbers.get(name) {
            return known;
        }
        let new = ProductNo(self.names.len() as u32);
        self.numbers.insert(name.to_owned(), new);
        self.names.push(name.to_owned());
        new
    }

    /// Reads all sessions of a file.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be opened, [`Error::Line`] for the first line that is not as it should be.
    pub fn read(&mut self, path: &Path) -> Result<Vec<Session>, Error> {
        let file = File::open(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let packed = path.extension().is_some_and(|end| end == "gz");
        let text: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        self.parse(BufReader::new(text), path)
    }

    /// Reads all sessions of a text; `path` is said in errors.
    ///
    /// # Errors
    /// [`Error::Line`] for the first line that is not as it should be.
    pub fn parse(&mut self, text: impl BufRead, path: &Path) -> Result<Vec<Session>, Error> {
        let wrong = |line: usize, reason: String| Error::Line { path: path.to_owned(), line, reason };
        let mut sessions = Vec::new();
        let mut line_count = 0;
        for (index, line) in text.lines().enumerate() {
            line_count = index + 1;
            let line = line.map_err(|error| wrong(line_count, error.to_string()))?;
            if index > 0 {
                sessions.push(self.session(&line).map_err(|reason| wrong(line_count, reason))?);
            } else if line != HEADER {
                return Err(wrong(1, format!("the header must be {HEADER:?}, not {line:?}")));
            }
        }
        if line_count == 0 {
            Err(wrong(1, format!("the header {HEADER:?} is missing")))
        } else {
            Ok(sessions)
        }
    }

    fn session(&mut self, line: &str) -> Result<Session, String> {
        let (_, items) = line.split_once('\t').ok_or("there is no tab between session and items")?;
        if items.contains('\t') {
            return Err("there are more than two columns".to_owned());
        }
        if items.is_empty() {
            return Err("the session has no items".to_owned());
        }
        if items.split(' ').any(str::is_empty) {
            return Err("items must be separated by exactly one space".to_owned());
        }
        Ok(items.split(' ').map(|name| self.number(name)).collect())
    }
}
