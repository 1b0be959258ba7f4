//! The public tables that experiments are checked on, read line by line.

use crate::error::Error;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// A customer of Hillstrom's e-mail test (2008); money in cents.
pub struct Customer {
    /// Recency in months, spend of the last year, bought men's, bought women's, new: all known before the mail.
    pub before: [i64; 5],
    /// `No E-Mail`, `Mens E-Mail` or `Womens E-Mail`.
    pub segment: String,
    /// Visit, conversion, spend within two weeks.
    pub after: [i64; 3],
}

/// A player of Cookie Cats.
pub struct Player {
    /// Whether the gate was at level 40.
    pub is_treated: bool,
    /// Came back after a day, after a week.
    pub returned: [bool; 2],
}

/// A row of the Open Bandit data.
pub struct Shown {
    /// The item and its place, counted from 1.
    pub item: u32,
    /// From 1 to 3.
    pub position: u32,
    /// 0 or 1.
    pub click: f64,
    /// Of the item at its place.
    pub propensity: f64,
}

/// Hillstrom's customers.
///
/// # Errors
/// The file or its first bad line.
pub fn customers(path: &Path) -> Result<Vec<Customer>, Error> {
    rows(path, |fields| {
        // The second field may hold a comma of its own; what is needed is before it and after it.
        let (first, last) = (fields.first()?, fields.get(fields.len().checked_sub(10)?..)?);
        let [history, mens, womens, _, newbie, _, segment, visit, conversion, spend] = last else {
            return None;
        };
        let whole = |text: &str| text.parse::<i64>().ok();
        let cents = |text: &str| text.parse::<f64>().ok().map(|money| (100.0 * money).round() as i64);
        Some(Customer {
            before: [whole(first)?, cents(history)?, whole(mens)?, whole(womens)?, whole(newbie)?],
            segment: (*segment).to_owned(),
            after: [whole(visit)?, whole(conversion)?, cents(spend)?],
        })
    })
}

/// The players of Cookie Cats.
///
/// # Errors
/// The file or its first bad line.
pub fn players(path: &Path) -> Result<Vec<Player>, Error> {
    rows(path, |fields| {
        let [_, version, _, day, week] = fields else { return None };
        let is_treated = match *version {
            "gate_30" => false,
            "gate_40" => true,
            _ => return None,
        };
        let flag = |text: &str| text.to_lowercase().parse::<bool>().ok();
        Some(Player { is_treated, returned: [flag(day)?, flag(week)?] })
    })
}

/// Rows of a log of the Open Bandit data.
///
/// # Errors
/// The file or its first bad line.
pub fn shown(path: &Path) -> Result<Vec<Shown>, Error> {
    rows(path, |fields| {
        let [_, item, position, click, propensity] = fields.get(..5)? else { return None };
        Some(Shown {
            item: item.parse().ok()?,
            position: position.parse().ok()?,
            click: click.parse().ok()?,
            propensity: propensity.parse().ok()?,
        })
    })
}

/// The Bernoulli Thompson policy: for each of three positions the probability of each item.
///
/// # Errors
/// The file or its first bad line.
pub fn thompson(path: &Path) -> Result<[Vec<(u32, f64)>; 3], Error> {
    let rows = rows(path, |fields| {
        let [item, _, _, first, second, third] = fields else { return None };
        let number = |text: &str| text.parse::<f64>().ok();
        Some((item.parse::<u32>().ok()?, [number(first)?, number(second)?, number(third)?]))
    })?;
    Ok([0, 1, 2].map(|at| rows.iter().map(|(item, chances)| (*item, chances[at])).collect()))
}

fn rows<T>(path: &Path, read: impl Fn(&[&str]) -> Option<T>) -> Result<Vec<T>, Error> {
    let fails = |source| Error::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(fails)?;
    let is_packed = path.extension().is_some_and(|end| end == "gz");
    let text: Box<dyn Read> = if is_packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut rows = Vec::new();
    for (at, line) in BufReader::new(text).lines().enumerate().skip(1) {
        let line = line.map_err(fails)?;
        let fields: Vec<&str> = line.trim_end().split(',').collect();
        let wrong = || Error::Line {
            path: path.to_owned(),
            line: at + 1,
            reason: format!("not as its header says: {line}"),
        };
        rows.push(read(&fields).ok_or_else(wrong)?);
    }
    Ok(rows)
}
