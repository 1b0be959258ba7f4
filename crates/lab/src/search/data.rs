//! A catalogue as JSON lines in the layout of the Chorus shop (`id`, `title`, `supplier`, `short_description`, `attr_…`), and
//! judgments as CSV lines `query,product,grade`.

use crate::error::Error;
use bespoke_models::relevance::Grades;
use bespoke_models::seeded::Seeded;
use bespoke_search::document::Document;
use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// A product's texts.
#[derive(Clone, Debug, Default)]
pub struct Product {
    /// Its id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Brand.
    pub brand: String,
    /// Short description.
    pub description: String,
    /// Attributes, name and value.
    pub attributes: Vec<(String, String)>,
    /// GTINs and the maker's number.
    pub codes: Vec<String>,
    /// Price in cents.
    pub price: Option<i64>,
    /// The path of its category; empty where it has none.
    pub category: String,
}

impl Product {
    /// As it is searched.
    pub fn document(&self) -> Document<'_> {
        Document {
            title: &self.title,
            brand: &self.brand,
            categories: Some(self.category.as_str()).filter(|path| !path.is_empty()).into_iter().collect(),
            attributes: self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            description: &self.description,
            codes: self.codes.iter().map(String::as_str).collect(),
            language: None,
        }
    }
}

/// All products.
#[derive(Debug, Default)]
pub struct Store {
    /// In the order of the file.
    pub products: Vec<Product>,
    places: HashMap<String, u32>,
}

impl Store {
    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be opened, [`Error::Line`] for the first line that is not as it should be.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut store = Self::default();
        for (index, line) in open(path)?.lines().enumerate() {
            let wrong = |reason: String| Error::Line { path: path.to_owned(), line: index + 1, reason };
            let line = line.map_err(|error| wrong(error.to_string()))?;
            let row: Map<String, Value> =
                serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
            let product = product(&row).ok_or_else(|| wrong("needs an `id` and a `title`".to_owned()))?;
            store.places.insert(product.id.clone(), store.products.len() as u32);
            store.products.push(product);
        }
        Ok(store)
    }

    /// Where a product is.
    pub fn place(&self, id: &str) -> Option<u32> {
        self.places.get(id).copied()
    }
}

/// A file's text, unpacked where it is named .gz.
pub(super) fn open(path: &Path) -> Result<BufReader<Box<dyn Read>>, Error> {
    let file = File::open(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let packed = path.extension().is_some_and(|end| end == "gz");
    let text: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    Ok(BufReader::new(text))
}

fn product(row: &Map<String, Value>) -> Option<Product> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let attributes = row.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("attr_")?.get(2..)?.replace('_', " ");
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((name.trim().to_owned(), value))
    });
    let gtins = row.get("ean").and_then(Value::as_array).into_iter().flatten();
    let codes = gtins.filter_map(Value::as_str).map(str::to_owned).chain([text("name")]);
    Some(Product {
        id: Some(text("id")).filter(|id| !id.is_empty())?,
        title: Some(text("title")).filter(|title| !title.is_empty())?,
        brand: text("supplier"),
        description: text("short_description"),
        attributes: attributes.collect(),
        codes: codes.filter(|code| !code.is_empty()).collect(),
        price: row.get("price").and_then(Value::as_i64),
        category: String::new(),
    })
}

/// The half that a query belongs to: settings are chosen on one, figures are of the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Half {
    /// To choose by.
    Dev,
    /// To report.
    Test,
}

/// A query with its judgments.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The query.
    pub query: String,
    /// Its half, by its text alone.
    pub half: Half,
    /// Its judgments.
    pub grades: Grades<u32>,
}

/// Queries with at least one relevant product, in the order of their letters.
///
/// # Errors
/// Files that cannot be read, lines that are not as they should be.
pub fn judgments(path: &Path, store: &Store) -> Result<Vec<Judged>, Error> {
    let mut all: BTreeMap<String, Vec<(u32, u8)>> = BTreeMap::new();
    for (index, line) in open(path)?.lines().enumerate().skip(1) {
        let wrong = |reason: String| Error::Line { path: path.to_owned(), line: index + 1, reason };
        let line = line.map_err(|error| wrong(error.to_string()))?;
        let mut cells = line.rsplitn(3, ',');
        let grade = cells.next().and_then(|grade| grade.trim().parse().ok());
        let id = cells.next().unwrap_or_default();
        let query = cells.next().unwrap_or_default().trim_matches('"').to_owned();
        let grade = grade.ok_or_else(|| wrong("ends with a grade, a whole number".to_owned()))?;
        // What is judged but not in the catalogue cannot be found.
        if let Some(place) = store.place(id) {
            all.entry(query).or_default().push((place, grade));
        }
    }
    let judged = all.into_iter().map(|(query, grades)| Judged {
        half: half(&query),
        query,
        grades: Grades::new(grades),
    });
    Ok(judged.filter(|one| one.grades.has_relevant()).collect())
}

/// Even FNV-1a hashes of the query in lower case are for choosing.
pub(super) fn half(query: &str) -> Half {
    let hash = query.to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    if hash.is_multiple_of(2) { Half::Dev } else { Half::Test }
}

/// The query with one typo in every word of five letters or more: a letter too many, too few, wrong, or two swapped.
pub fn mistyped(query: &str, seed: u64) -> String {
    let own = query.bytes().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut seeded = Seeded::new(own);
    let mut words: Vec<String> = Vec::new();
    for word in query.split(' ') {
        let mut letters: Vec<char> = word.chars().collect();
        if letters.len() >= 5 {
            let other = char::from(b'a' + seeded.below(26) as u8);
            let at = seeded.below(letters.len() - 1);
            match seeded.below(4) {
                0 => letters.insert(at, other),
                1 => _ = letters.remove(at),
                2 => letters[at] = other,
                _ => letters.swap(at, at + 1),
            }
        }
        words.push(letters.into_iter().collect());
    }
    words.join(" ")
}
