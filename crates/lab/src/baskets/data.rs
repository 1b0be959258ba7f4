//! Shoppers' orders and the last one of each, held out: invoices with their times (UCI Online Retail) and baskets in order
//! (Ta-Feng).

use crate::error::Error;
use bespoke_domain::ProductNo;
use bespoke_models::orders::{Order, Orders};
use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Orders with their times, and the one that is asked for.
type Dated = (Vec<(i64, Order)>, Option<Order>);

/// Greatest number that a line may name; more is a mistake, and would take memory for all below it.
const NUMBER_MAX: u32 = 50_000_000;

/// Everything that is learned from and asked for.
#[derive(Debug, PartialEq)]
pub struct Fold {
    /// What is learned from, shoppers in the order of their external ids.
    pub orders: Orders,
    /// What each bought next; nothing where it is not asked for.
    pub next: Vec<Option<Order>>,
}

/// One line of a file.
struct Line {
    shopper: u64,
    /// Whether it is held out.
    is_next: bool,
    /// Where its order is among those of the shopper.
    place: i64,
    order: Order,
}

/// A data set: its name, and how its folder is read.
pub struct Set {
    /// On the command line.
    pub name: &'static str,
    read: fn(&Path) -> Result<Vec<Line>, Error>,
}

/// Every data set.
pub const SETS: [Set; 2] =
    [Set { name: "online_retail", read: read_online_retail }, Set { name: "tafeng", read: read_tafeng }];

impl Set {
    /// Reads it from its folder in `data`.
    ///
    /// # Errors
    /// [`Error::File`] if a file cannot be opened, [`Error::Line`] for the first line that is not as it should be.
    pub fn read(&self, data: &Path) -> Result<Fold, Error> {
        let lines = (self.read)(&data.join(format!("baskets_{}", self.name)))?;
        let mut shoppers: BTreeMap<u64, Dated> = BTreeMap::new();
        for line in lines {
            let (orders, next) = shoppers.entry(line.shopper).or_default();
            if line.is_next {
                *next = Some(line.order);
            } else {
                orders.push((line.place, line.order));
            }
        }
        let (mut orders, mut next) = (Vec::new(), Vec::new());
        for (mut placed, held_out) in shoppers.into_values() {
            placed.sort_by_key(|one| one.0);
            orders.push(placed.into_iter().map(|one| one.1).collect());
            next.push(held_out);
        }
        Ok(Fold::new(orders, next))
    }
}

/// Shoppers that one setting is judged by.
const SHOPPERS_MAX: usize = 5000;

impl Fold {
    /// What each of these shoppers bought, and what they bought next.
    pub fn new(orders: Vec<Vec<Order>>, next: Vec<Option<Order>>) -> Self {
        let named = next.iter().flatten().flatten().map(|one| one.index() + 1).max().unwrap_or(0);
        Self { orders: Orders::new(orders).with_products(named), next }
    }

    /// What to tune on: the last order of shoppers with two or more is held out instead, and what this fold holds out is not
    /// in it.
    pub fn validation(&self) -> Self {
        let mut orders = self.orders.shoppers().to_vec();
        let last = orders.iter_mut().map(|one| if one.len() > 1 { one.pop() } else { None });
        let mut next: Vec<_> = last.collect();
        let stride = next.iter().flatten().count().div_ceil(SHOPPERS_MAX).max(1);
        next.iter_mut().filter(|one| one.is_some()).enumerate().for_each(|(at, one)| {
            if at % stride != 0 {
                *one = None;
            }
        });
        Self { orders: Orders::new(orders).with_products(self.orders.product_count()), next }
    }
}

fn read_online_retail(folder: &Path) -> Result<Vec<Line>, Error> {
    let mut lines = read(&folder.join("train_invoices.txt.gz"), |text| invoice(text, false))?;
    lines.extend(read(&folder.join("test_invoices.txt.gz"), |text| invoice(text, true))?);
    Ok(lines.into_iter().flatten().collect())
}

fn read_tafeng(folder: &Path) -> Result<Vec<Line>, Error> {
    Ok(read(&folder.join("baskets.tsv.gz"), basket)?.into_iter().flatten().collect())
}

fn read<T>(path: &Path, line: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Error> {
    let file = File::open(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let text = BufReader::new(MultiGzDecoder::new(file));
    let made = text.lines().enumerate().map(|(index, text)| {
        let made = text.map_err(|error| error.to_string()).and_then(|text| line(&text));
        made.map_err(|reason| Error::Line { path: path.to_owned(), line: index + 1, reason })
    });
    made.collect()
}

/// `customer<TAB>invoice<TAB>unix time<TAB>items`.
fn invoice(text: &str, is_next: bool) -> Result<Option<Line>, String> {
    let [shopper, _, seconds, items] = columns(text)?;
    let (shopper, place) = (number(shopper)?, number(seconds)?);
    Ok(Some(Line { shopper, is_next, place, order: products(items)? }))
}

/// `user<TAB>basket<TAB>split<TAB>items` in the order of the baskets, below a header.
fn basket(text: &str) -> Result<Option<Line>, String> {
    let [shopper, place, split, items] = columns(text)?;
    let is_next = match split {
        "train" => false,
        "test" => true,
        "split" => return Ok(None),
        other => return Err(format!("the split is `train` or `test`, not {other:?}")),
    };
    let (shopper, place) = (number(shopper)?, number(place)?);
    Ok(Some(Line { shopper, is_next, place, order: products(items)? }))
}

fn columns(text: &str) -> Result<[&str; 4], String> {
    let columns: Vec<_> = text.split('\t').collect();
    columns.try_into().map_err(|columns: Vec<_>| format!("there are {} columns, not 4", columns.len()))
}

fn products(items: &str) -> Result<Vec<ProductNo>, String> {
    let one = |word: &str| match number::<u32>(word)? {
        number if number <= NUMBER_MAX => Ok(ProductNo(number)),
        number => Err(format!("{number} is above {NUMBER_MAX}")),
    };
    items.split(' ').map(one).collect()
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("{word:?} is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_mistakes_named() {
        let line = invoice("12347\t581180\t1323273120\t2303 2358", true).expect("valid").expect("a line");
        assert_eq!((line.shopper, line.is_next, line.order.len()), (12347, true, 2));
        assert_eq!(line.place, 1_323_273_120);
        assert!(basket("user\tbasket\tsplit\titems").expect("a header").is_none());
        let mistakes =
            [("1\t2\ttrain", "3 columns"), ("1\t0\tmaybe\t3", "`train` or"), ("1\t0\ttest\tx", "no number")];
        for (text, said) in mistakes {
            let reason = basket(text).err().unwrap_or_default();
            assert!(reason.contains(said), "{text}: {reason}");
        }
    }

    #[test]
    fn tuning_never_sees_what_is_held_out() {
        let order = |product| vec![ProductNo(product)];
        let orders = vec![vec![order(0), order(1)], vec![order(3)]];
        let fold = Fold::new(orders, vec![Some(order(2)), Some(order(4))]).validation();
        assert_eq!(fold.orders.shoppers(), [vec![order(0)], vec![order(3)]]);
        assert_eq!(fold.next, [Some(order(1)), None]);
        assert_eq!(fold.orders.product_count(), 5);
    }
}
