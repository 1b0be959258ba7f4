//! What a slate is measured by: whether it holds what the shopper did next, what that brought in, and how new, mixed and
//! popular it is.

use crate::catalog::Catalog;
use crate::training::Training;
use bespoke_domain::ProductNo;
use bespoke_models::metrics::{ndcg, recall};

/// Cut-off of the measures that do not go by a placement's own slots.
pub const CUTOFF: usize = 20;

/// One case's part of a measure, which over all cases is the sum of the first over the sum of the second.
pub type Part = (f64, f64);

/// A measure's line in the table.
pub struct MeasureSpec {
    /// Its name in answers and tables.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    of: fn(&Shown, &Right, &Yardstick) -> Part,
}

/// Every measure that is a mean over cases.
pub static MEASURES: [MeasureSpec; 14] = [
    MeasureSpec {
        name: "hit_rate",
        doc: "Share of cases in which something of what came next is shown.",
        of: |shown, right, _| (f64::from(first(&shown.own, right).is_some()), 1.0),
    },
    MeasureSpec {
        name: "recall",
        doc: "Share of what came next that is shown.",
        of: |shown, right, _| (recall(&shown.own, &right.all, shown.own.len()), 1.0),
    },
    MeasureSpec {
        name: "ndcg",
        doc: "Normalised discounted cumulative gain.",
        of: |shown, right, _| (ndcg(&shown.own, &right.all, shown.slots), 1.0),
    },
    MeasureSpec {
        name: "mrr",
        doc: "Mean of 1 / place of the first that came next; 0 without one.",
        of: |shown, right, _| (reciprocal(&shown.own, right), 1.0),
    },
    MeasureSpec {
        name: "revenue",
        doc: "Share of the revenue of what was bought next, and kept, that is shown.",
        of: |shown, right, _| right.revenue_of(&shown.own),
    },
    MeasureSpec {
        name: "hit_rate_20",
        doc: "The same of the first 20.",
        of: |shown, right, _| (f64::from(first(&shown.wide, right).is_some()), 1.0),
    },
    MeasureSpec {
        name: "recall_20",
        doc: "The same of the first 20.",
        of: |shown, right, _| (recall(&shown.wide, &right.all, CUTOFF), 1.0),
    },
    MeasureSpec {
        name: "ndcg_20",
        doc: "The same of the first 20.",
        of: |shown, right, _| (ndcg(&shown.wide, &right.all, CUTOFF), 1.0),
    },
    MeasureSpec {
        name: "mrr_20",
        doc: "The same of the first 20.",
        of: |shown, right, _| (reciprocal(&shown.wide, right), 1.0),
    },
    MeasureSpec {
        name: "revenue_20",
        doc: "The same of the first 20.",
        of: |shown, right, _| right.revenue_of(&shown.wide),
    },
    MeasureSpec {
        name: "ndcg_new",
        doc: "NDCG where only what was new to the shopper counts, over cases with any of it.",
        of: |shown, right, _| (ndcg(&shown.own, &right.new, shown.slots), f64::from(!right.new.is_empty())),
    },
    MeasureSpec {
        name: "novelty",
        doc: "Mean of −log2 of a shown product's share of all acts before the split.",
        of: |shown, _, yardstick| sum_of(&shown.own, &yardstick.surprise),
    },
    MeasureSpec {
        name: "diversity",
        doc: "Share of pairs of shown products whose main categories differ.",
        of: |shown, _, yardstick| yardstick.diversity(&shown.own),
    },
    MeasureSpec {
        name: "popularity",
        doc: "Mean share of products that are less popular than one that is shown: popularity bias where it is near 1.",
        of: |shown, _, yardstick| sum_of(&shown.own, &yardstick.rank),
    },
];

/// What is shown in a case: in the slots there are, and in 20.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// In the slots.
    pub own: Vec<ProductNo>,
    /// In 20.
    pub wide: Vec<ProductNo>,
    /// How many slots there are.
    pub slots: usize,
}

impl Shown {
    /// Its parts of all measures.
    pub fn parts(&self, right: &Right, yardstick: &Yardstick) -> Vec<Part> {
        MEASURES.iter().map(|measure| (measure.of)(self, right, yardstick)).collect()
    }
}

/// What came next in a case.
#[derive(Clone, Debug, Default)]
pub struct Right {
    /// The products.
    pub all: Vec<ProductNo>,
    /// Those that were new to the shopper.
    pub new: Vec<ProductNo>,
    /// What was bought and kept, with what it cost.
    pub revenue: Vec<(ProductNo, i64)>,
}

impl Right {
    /// Revenue of what is shown, and of all.
    pub fn revenue_of(&self, shown: &[ProductNo]) -> Part {
        let sum = |is_in: &dyn Fn(&ProductNo) -> bool| -> f64 {
            self.revenue.iter().filter(|(product, _)| is_in(product)).map(|(_, amount)| *amount as f64).sum()
        };
        (sum(&|product| shown.contains(product)), sum(&|_| true))
    }
}

fn first(shown: &[ProductNo], right: &Right) -> Option<usize> {
    shown.iter().position(|product| right.all.contains(product))
}

fn reciprocal(shown: &[ProductNo], right: &Right) -> f64 {
    first(shown, right).map_or(0.0, |at| 1.0 / (at + 1) as f64)
}

fn sum_of(shown: &[ProductNo], values: &[f64]) -> Part {
    let known = shown.iter().filter_map(|product| values.get(product.index()));
    known.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0))
}

/// What products were before the split, to measure slates by.
#[derive(Clone, Debug, Default)]
pub struct Yardstick {
    /// −log2 of a product's share of all acts, each product given one more.
    surprise: Vec<f64>,
    /// Share of products with fewer acts, those with as many counted half.
    rank: Vec<f64>,
    /// Main categories; 0 where there is none.
    category: Vec<u32>,
}

impl Yardstick {
    /// What is told by acts before `split_s`, and the categories of today.
    pub fn new(training: &Training, split_s: u32, catalog: &Catalog) -> Self {
        let products = || (0..catalog.len() as u32).map(ProductNo);
        let mut counts = vec![0_u64; catalog.len()];
        for deed in training.deeds.iter().filter(|deed| deed.time_s < split_s) {
            if let Some(count) = counts.get_mut(deed.product.index()) {
                *count += 1;
            }
        }
        let total = (counts.iter().sum::<u64>() + counts.len() as u64) as f64;
        let surprise = counts.iter().map(|count| -libm::log2((count + 1) as f64 / total)).collect();
        let mut sorted = counts.clone();
        sorted.sort_unstable();
        let rank = |count: &u64| {
            let fewer = sorted.partition_point(|other| other < count);
            let no_more = sorted.partition_point(|other| other <= count);
            (fewer + no_more) as f64 / 2.0 / sorted.len().max(1) as f64
        };
        let category = products().map(|no| catalog.row(no).map_or(0, |row| row.category.0)).collect();
        Self { surprise, rank: counts.iter().map(rank).collect(), category }
    }

    /// The main category of a product; 0 where there is none.
    pub fn category(&self, product: ProductNo) -> u32 {
        self.category.get(product.index()).copied().unwrap_or_default()
    }

    /// Share of pairs whose categories differ, one case; nothing of fewer than two products.
    fn diversity(&self, shown: &[ProductNo]) -> Part {
        let pairs = shown.len() * shown.len().saturating_sub(1) / 2;
        if pairs == 0 {
            return (0.0, 0.0);
        }
        let differs = |at: usize| {
            let own = self.category(shown[at]);
            shown[at + 1..].iter().filter(|other| own == 0 || self.category(**other) != own).count()
        };
        ((0..shown.len()).map(differs).sum::<usize>() as f64 / pairs as f64, 1.0)
    }
}

/// How often each product was shown.
#[derive(Clone, Debug, Default)]
pub struct Exposure(Vec<u64>);

impl Exposure {
    /// Adds a slate.
    pub fn add(&mut self, shown: &[ProductNo]) {
        for product in shown {
            if self.0.len() <= product.index() {
                self.0.resize(product.index() + 1, 0);
            }
            self.0[product.index()] += 1;
        }
    }

    /// Share of `product_count` products that were shown to someone; 1 where more were.
    pub fn coverage(&self, product_count: usize) -> f64 {
        let shown = self.0.iter().filter(|count| **count > 0).count();
        shown as f64 / product_count.max(shown).max(1) as f64
    }

    /// Gini coefficient of exposure over `product_count` products: 0 = all alike, 1 = one has it all.
    pub fn gini(&self, product_count: usize) -> f64 {
        let mut counts: Vec<u64> = self.0.iter().copied().filter(|count| *count > 0).collect();
        counts.sort_unstable();
        let (count, total) = (product_count.max(counts.len()) as f64, counts.iter().sum::<u64>() as f64);
        if total == 0.0 {
            return 0.0;
        }
        let unseen = count as usize - counts.len();
        let places = (unseen + 1..).zip(&counts);
        let weighted: f64 =
            places.map(|(place, held)| (2.0 * place as f64 - count - 1.0) * *held as f64).sum();
        weighted / (count * total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Act;
    use crate::training::Deed;
    use bespoke_domain::ShopperNo;

    fn numbers(numbers: &[u32]) -> Vec<ProductNo> {
        numbers.iter().copied().map(ProductNo).collect()
    }

    /// Four products with 5, 2, 0 and 0 acts, the first two of one category.
    fn yardstick() -> Yardstick {
        let deed = |product| Deed {
            shopper: ShopperNo(1),
            identity: ShopperNo(1),
            time_s: 1,
            product: ProductNo(product),
            act: Act::View,
            amount_minor: 0,
            offset: 1,
        };
        let mut catalog = Catalog::default();
        ["a", "b", "c", "d"].iter().for_each(|id| _ = catalog.add((*id).into()));
        let deeds = [0, 0, 0, 0, 0, 1, 1].map(deed).to_vec();
        let mut training = Training::default();
        training.deeds = deeds;
        Yardstick { category: vec![1, 1, 2, 0], ..Yardstick::new(&training, 2, &catalog) }
    }

    #[test]
    fn measures_of_one_slate_by_hand() {
        let yardstick = yardstick();
        let shown = Shown { own: numbers(&[0, 1, 2]), wide: numbers(&[0, 1, 2, 3]), slots: 3 };
        let right = Right {
            all: numbers(&[1, 3]),
            new: numbers(&[3]),
            revenue: vec![(ProductNo(1), 300), (ProductNo(3), 100)],
        };
        let parts = shown.parts(&right, &yardstick);
        let value = |name: &str| {
            let at = MEASURES.iter().position(|measure| measure.name == name).expect("it is in the table");
            parts[at].0 / parts[at].1
        };
        let discount = |rank: f64| 1.0 / (rank + 2.0).log2();
        let ideal = discount(0.0) + discount(1.0);
        for (name, expected) in [
            ("hit_rate", 1.0),
            ("recall", 0.5),
            ("ndcg", discount(1.0) / ideal),
            ("mrr", 0.5),
            ("revenue", 0.75),
            ("recall_20", 1.0),
            ("ndcg_20", (discount(1.0) + discount(3.0)) / ideal),
            ("revenue_20", 1.0),
            ("ndcg_new", 0.0),
            // 7 acts and one more for each of 4 products.
            ("novelty", (-(6.0_f64 / 11.0).log2() - (3.0_f64 / 11.0).log2() - (1.0_f64 / 11.0).log2()) / 3.0),
            ("diversity", 2.0 / 3.0),
            ("popularity", (3.5 + 2.5 + 1.0) / 4.0 / 3.0),
        ] {
            assert!((value(name) - expected).abs() < 1e-12, "{name}: {} for {expected}", value(name));
        }
    }

    #[test]
    fn nothing_shown_is_nothing_right_and_no_bias() {
        let parts = Shown { slots: 3, ..Shown::default() }
            .parts(&Right { all: numbers(&[1]), ..Right::default() }, &yardstick());
        assert!(parts.iter().all(|part| part.0 == 0.0));
        assert_eq!(parts[0].1, 1.0, "the case counts");
        assert_eq!(parts[MEASURES.len() - 1].1, 0.0, "and has no popularity");
    }

    #[test]
    fn exposure_by_hand() {
        let mut exposure = Exposure::default();
        exposure.add(&numbers(&[0, 2]));
        exposure.add(&numbers(&[2]));
        assert_eq!(exposure.coverage(4), 0.5);
        // 0, 0, 1, 2: (2 · (3 · 1 + 4 · 2) / (4 · 3)) − 5 / 4.
        assert!((exposure.gini(4) - (22.0 / 12.0 - 1.25)).abs() < 1e-12);
        let mut even = Exposure::default();
        even.add(&numbers(&[0, 1, 2]));
        assert!(even.gini(3).abs() < 1e-12 && Exposure::default().gini(3) == 0.0);
    }
}
