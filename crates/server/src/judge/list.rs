//! Judgment lists: CSV with a line for each product that somebody judged for a query. A bad line is reported with its number and reason;
//! the good ones count.

use crate::import::{REPORTED_MAX, unpacked};
use crate::wire::field::ID_MAX;
use crate::wire::lines::{Fields, Shape, csv_rows};
use crate::wire::search::QUERY_MAX;
use anyhow::{Context as _, bail};
use bespoke_domain::Problem;
use bespoke_models::relevance::Grades;
use std::collections::BTreeMap;
use std::path::Path;

/// Names of the columns, the first of each the one that is asked for.
const QUERY: &[&str] = &["query"];
const PRODUCT: &[&str] = &["product_id", "docid", "item_id"];
const GRADE: &[&str] = &["grade", "rating"];

/// A query with what is judged for it.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedQuery {
    /// As it is typed.
    pub query: String,
    /// Its class, where the list has classes.
    pub class: Option<String>,
    /// Grades by product id.
    pub grades: Grades<String>,
}

/// What a list holds.
#[derive(Debug, Default)]
pub struct Judgments {
    /// In the order of their letters.
    pub queries: Vec<JudgedQuery>,
    /// What is wrong.
    pub faults: Faults,
}

/// Lines that were not taken: the first of them in words, the rest counted.
#[derive(Debug, Default)]
pub struct Faults {
    /// File, line from 1, and why.
    pub shown: Vec<(String, u64, Problem)>,
    /// All of them.
    pub count: u64,
}

impl Faults {
    /// Another one.
    pub fn add(&mut self, file: &str, line: u64, problem: Problem) {
        self.count += 1;
        if self.shown.len() < REPORTED_MAX {
            self.shown.push((file.to_owned(), line, problem));
        }
    }
}

/// Reads a list, unpacked where it is named .gz or .zst: a header with `query`, `product_id` and `grade`, in any order and among others.
///
/// # Errors
/// When the file cannot be opened or lacks a column.
pub fn read(path: &Path) -> anyhow::Result<Judgments> {
    let name = path.display().to_string();
    let mut faults = Faults::default();
    let mut all: BTreeMap<String, Vec<(String, u8)>> = BTreeMap::new();
    each_row(path, Shape::Csv, &[QUERY, PRODUCT, GRADE], &mut |line, row| {
        let judged = row.and_then(|row| judgment(&row));
        match judged {
            Ok((query, product, grade)) => all.entry(query).or_default().push((product, grade)),
            Err(problem) => faults.add(&name, line, problem),
        }
    })?;
    let query = |(query, grades)| JudgedQuery { query, class: None, grades: Grades::new(grades) };
    Ok(Judgments { queries: all.into_iter().map(query).collect(), faults })
}

fn judgment(row: &Fields) -> Result<(String, String, u8), Problem> {
    let query = query_text(text(row, QUERY)?)?;
    let product = product_id(text(row, PRODUCT)?)?;
    let grade = text(row, GRADE)?;
    let number = grade.parse().map_err(|_| {
        Problem::new(
            GRADE[0],
            "invalid_grade",
            format!("must be a whole number from 0 to 255, not `{grade}`"),
        )
    })?;
    Ok((query, product, number))
}

/// A query that can be asked.
pub(super) fn query_text(text: &str) -> Result<String, Problem> {
    if text.len() > QUERY_MAX {
        return Err(Problem::new("query", "too_long", format!("must be at most {QUERY_MAX} bytes")));
    }
    Ok(text.to_owned())
}

/// A product's id that can be one.
pub(super) fn product_id(text: &str) -> Result<String, Problem> {
    if text.len() > ID_MAX {
        return Err(Problem::new(PRODUCT[0], "too_long", format!("must be at most {ID_MAX} bytes")));
    }
    Ok(text.to_owned())
}

/// The value of the first of these columns that has one.
pub(super) fn text<'a>(row: &'a Fields, names: &[&str]) -> Result<&'a str, Problem> {
    let found = row.iter().find(|(name, value)| is_among(names, name) && !value.trim().is_empty());
    let missing = || Problem::new(names[0], "missing", "is empty; give it a value, or leave the line out");
    found.map(|(_, value)| value.trim()).ok_or_else(missing)
}

fn is_among(names: &[&str], column: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(column.trim()))
}

/// Gives every line of a file to `take`; the file MUST have a column of each of `needed`.
pub(super) fn each_row(
    path: &Path,
    shape: Shape,
    needed: &[&[&str]],
    take: &mut dyn FnMut(u64, Result<Fields, Problem>),
) -> anyhow::Result<()> {
    let (_, reader) = unpacked(path)?;
    let (columns, rows) = csv_rows(reader, shape).with_context(|| path.display().to_string())?;
    for names in needed {
        if !columns.iter().any(|column| is_among(names, column)) {
            let (wanted, has) = (names.join("` or `"), columns.join("`, `"));
            bail!("{}: the first line must name a column `{wanted}`; it names `{has}`", path.display());
        }
    }
    rows.for_each(|(line, row)| take(line, row));
    Ok(())
}
