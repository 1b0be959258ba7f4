//! Shoppers' orders and the last one of each, held out: invoices with their times (UCI Online Retail) and baskets in order
//! (Ta-Feng).

use crate::error::Error;
use bespoke_domain::{Millis, ProductNo};
use bespoke_models::interactions::Interactions;
use bespoke_models::orders::{Again, Decay, Due, Order, intervals};
use bespoke_models::repurchase::Repurchase;
use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Greatest number that a line may name; more is a mistake, and would take memory for all below it.
const NUMBER_MAX: u32 = 50_000_000;

/// What a shopper bought, and what they bought next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shopper {
    /// The oldest first.
    pub orders: Vec<Order>,
    /// Held out; nobody's where there was only one order.
    pub next: Option<Order>,
}

/// Everything that is learned from and asked for.
pub struct Fold {
    /// In the order of their external ids.
    pub shoppers: Vec<Shopper>,
    /// How soon products are bought again, from what is not held out.
    pub known: Repurchase,
    pub again: Again,
    product_count: usize,
}

/// One line of a file: shopper, whether it is held out, order.
struct Line {
    shopper: u64,
    is_next: bool,
    order: Order,
}

/// A data set: its name, and how its folder is read.
pub struct Set {
    /// On the command line.
    pub name: &'static str,
    read: fn(&Path) -> Result<Vec<Line>, Error>,
}

/// Every data set.
pub const SETS: [Set; 2] = [
    Set { name: "online_retail", read: read_online_retail },
    Set { name: "tafeng", read: read_tafeng },
];

impl Set {
    /// Reads it from its folder in `data`.
    ///
    /// # Errors
    /// [`Error::File`] if a file cannot be opened, [`Error::Line`] for the first line that is not as it should be.
    pub fn read(&self, data: &Path) -> Result<Fold, Error> {
        let lines = (self.read)(&data.join(format!("baskets_{}", self.name)))?;
        let mut shoppers: BTreeMap<u64, Shopper> = BTreeMap::new();
        for line in lines {
            let shopper = shoppers.entry(line.shopper).or_default();
            if line.is_next {
                shopper.next = Some(line.order);
            } else {
                shopper.orders.push(line.order);
            }
        }
        let mut shoppers: Vec<_> = shoppers.into_values().collect();
        shoppers.iter_mut().for_each(|one| one.orders.sort_by_key(|order| order.at));
        Ok(Fold::new(shoppers))
    }
}

impl Fold {
    /// Of these shoppers.
    pub fn new(shoppers: Vec<Shopper>) -> Self {
        let all = shoppers.iter().flat_map(|one| one.orders.iter().chain(&one.next));
        let product_count = all.flat_map(|order| &order.products).map(|one| one.index() + 1).max().unwrap_or(0);
        let known = intervals(shoppers.iter().map(|one| one.orders.as_slice()));
        let again = Again::new(shoppers.iter().map(|one| one.orders.as_slice()), product_count);
        Self { shoppers, known, again, product_count }
    }

    /// What to tune on: the last order of every shopper with two or more is held out instead, and what this fold holds out is
    /// not in it.
    pub fn validation(&self) -> Self {
        let earlier = self.shoppers.iter().map(|one| {
            let mut orders = one.orders.clone();
            let next = if orders.len() > 1 { orders.pop() } else { None };
            Shopper { orders, next }
        });
        let mut fold = Self::new(earlier.collect());
        fold.product_count = self.product_count;
        fold
    }

    /// Weights to fit on, a row a shopper.
    pub fn weights(&self, decay: &Decay) -> Interactions {
        let rows = self.shoppers.iter().map(|one| decay.weights(&one.orders));
        Interactions::new(rows).with_columns(self.product_count)
    }

    /// Weights of a shopper when they come to buy next.
    pub fn history(&self, shopper: &Shopper, decay: &Decay, due: &Due) -> Vec<(ProductNo, f32)> {
        let mut weights = decay.weights(&shopper.orders);
        self.again.apply(due.again, &mut weights);
        if let Some(now) = shopper.next.as_ref().and_then(|next| next.at) {
            due.apply(&mut weights, &shopper.orders, now, &self.known);
        }
        weights
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
    let at = Some(Millis(number::<i64>(seconds)? * 1000));
    Ok(Some(Line { shopper: number(shopper)?, is_next, order: Order { at, products: products(items)? } }))
}

/// `user<TAB>basket<TAB>split<TAB>items` in the order of the baskets, below a header.
fn basket(text: &str) -> Result<Option<Line>, String> {
    let [shopper, _, split, items] = columns(text)?;
    let is_next = match split {
        "train" => false,
        "test" => true,
        "split" => return Ok(None),
        other => return Err(format!("the split is `train` or `test`, not {other:?}")),
    };
    Ok(Some(Line { shopper: number(shopper)?, is_next, order: Order { at: None, products: products(items)? } }))
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
        assert_eq!((line.shopper, line.is_next, line.order.products.len()), (12347, true, 2));
        assert_eq!(line.order.at, Some(Millis(1_323_273_120_000)));
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
        let order = |product| Order { at: None, products: vec![ProductNo(product)] };
        let fold = Fold::new(vec![
            Shopper { orders: vec![order(0), order(1)], next: Some(order(2)) },
            Shopper { orders: vec![order(3)], next: Some(order(4)) },
        ]);
        let validation = fold.validation();
        assert_eq!(validation.shoppers[0], Shopper { orders: vec![order(0)], next: Some(order(1)) });
        assert_eq!(validation.shoppers[1], Shopper { orders: vec![order(3)], next: None });
        assert_eq!(validation.weights(&Decay::default()).column_count(), 5);
    }
}
