//! What a placement would have been worth: on the occasions of the past it decides in several ways – by popularity alone, by what
//! is set by hand, with what is learnt – and each slate is held to what the shopper did next.

use super::bootstrap::Bootstrap;
use super::measures::{CUTOFF, Exposure, MEASURES, Part, Right, Shown, Yardstick};
use super::{HEAVY_MIN, Interval, SEGMENTS};
use crate::decide::{SLOTS_MAX, decide};
use crate::engine::Snapshot;
use crate::occasions::Occasion;
use crate::profile::{Act, Profile};
use bespoke_domain::event::PageType;
use bespoke_domain::settings::{Placement, SourceUse};
use bespoke_domain::{Candidate, CategoryNo, Decision, ProductNo, Request, ShopperNo};
use bespoke_models::learned::LEARNED;
use std::collections::BTreeMap;

/// The ways of deciding.
pub const POPULAR: &str = "popular";
/// Without what is learnt.
pub const HAND_SET: &str = "hand_set";
/// As the placement is, its models fitted on the past.
pub const LEARNT: &str = "learned";
/// The same with the models in force now.
pub const CHAMPION: &str = "champion";

/// Candidates of popularity: so many that caps on a category leave enough of the others.
const POPULAR_LIMIT: u16 = 2_000;
/// Categories that are told of, those with the most cases.
const CATEGORIES_MAX: usize = 8;

/// A way of deciding.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Its name.
    pub name: &'static str,
    /// The placement that decides so.
    pub placement: Placement,
}

/// The page on which a placement is asked, by the first word of its name: `product_…`, `cart_…` and `checkout_…`; every other
/// one is asked at the start of a visit.
pub fn page_of(placement: &str) -> PageType {
    match placement.split('_').next() {
        Some("product") => PageType::Product,
        Some("cart" | "checkout") => PageType::Cart,
        _ => PageType::Home,
    }
}

/// The ways in which a placement can decide. All keep its filters, caps and rules, and every shopper gets them; where nothing is left of
/// it without what is learnt, or nothing in it is, there is one less.
pub fn arms(placement: &Placement) -> Vec<Arm> {
    let is_learnt = |name: &str| LEARNED.iter().any(|spec| spec.name == name);
    let mut popular = Placement { rollout: 100, ..placement.clone() };
    let (mut hand_set, learnt) = (popular.clone(), popular.clone());
    popular.scorers.clear();
    popular.objective = None;
    hand_set.objective = None;
    popular.min_evidence = 0;
    popular.sources = vec![SourceUse {
        source: crate::source::POPULAR.name.to_owned(),
        weight: 1.0,
        limit: POPULAR_LIMIT,
        items: Vec::new(),
        params: Vec::new(),
    }];
    hand_set.sources.retain(|used| !is_learnt(&used.source));
    hand_set.scorers.retain(|used| !is_learnt(&used.scorer));
    let all = [(POPULAR, popular), (HAND_SET, hand_set.clone()), (LEARNT, learnt.clone())];
    let is_there = |name: &str| match name {
        HAND_SET => !hand_set.sources.is_empty(),
        LEARNT => hand_set != learnt,
        _ => true,
    };
    let named = |(name, placement): (&'static str, Placement)| Arm { name, placement }.renamed();
    all.into_iter().filter(|(name, _)| is_there(name)).map(named).collect()
}

impl Arm {
    /// The same under a name of its own, so that the arms of several placements can be in force together.
    fn renamed(mut self) -> Self {
        self.placement.name = format!("{}#{}", self.placement.name, self.name);
        self
    }

    /// The same arm as another way of deciding.
    #[must_use]
    pub fn called(&self, name: &'static str) -> Self {
        let own = self.placement.name.split('#').next().unwrap_or_default().to_owned();
        Self { name, placement: Placement { name: own, ..self.placement.clone() } }.renamed()
    }
}

/// What is asked of an occasion: who, in which segments, and what came next.
struct Case {
    root: ShopperNo,
    segment: usize,
    category: u32,
    right: Right,
}

/// What an arm showed in each case.
struct Record {
    name: &'static str,
    parts: Vec<Vec<Part>>,
    exposure: Exposure,
}

/// A placement on trial.
pub struct Trial {
    slots: usize,
    yardstick: Yardstick,
    cases: Vec<Case>,
    records: Vec<Record>,
}

/// What an arm was worth.
#[derive(Clone, Debug, Default)]
pub struct Worth {
    /// Its name.
    pub name: &'static str,
    /// In the order of [`MEASURES`].
    pub measures: Vec<Measured>,
    /// Share of products that can be bought that were shown to someone.
    pub coverage: f64,
    /// Gini coefficient of exposure over them.
    pub gini: f64,
    /// NDCG by segment.
    pub segments: Vec<Segment>,
}

/// One measure of an arm.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// Its value.
    pub value: Interval,
    /// Less that of popularity, where this is another arm.
    pub beyond_popular: Option<Interval>,
    /// Less that of what is set by hand, where there is such an arm and this is another.
    pub beyond_hand_set: Option<Interval>,
}

/// A part of the cases.
#[derive(Clone, Debug, Default)]
pub struct Segment {
    /// Its name: one of [`SEGMENTS`], or the path of the main category of what came next first.
    pub name: String,
    /// Its cases.
    pub cases: usize,
    /// NDCG in them.
    pub ndcg: Measured,
}

/// What each arm was worth.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Occasions with something that came next.
    pub cases: usize,
    /// Shoppers whose they are.
    pub shoppers: usize,
    /// The arms, in the order in which they were tried.
    pub arms: Vec<Worth>,
}

/// What came next and was not what the page is about; nothing where there was nothing of that kind.
fn right(occasion: &Occasion) -> Option<Right> {
    let mut right = Right::default();
    for next in occasion.next.iter().filter(|next| !occasion.items.contains(&next.product)) {
        if !right.all.contains(&next.product) {
            right.all.push(next.product);
            if !next.is_known {
                right.new.push(next.product);
            }
        }
        if next.act == Act::Buy && !next.is_returned && next.amount_minor > 0 {
            right.revenue.push((next.product, next.amount_minor));
        }
    }
    (!right.all.is_empty()).then_some(right)
}

/// Whether an occasion can be a case: something came next.
pub fn is_case(occasion: &Occasion) -> bool {
    right(occasion).is_some()
}

impl Trial {
    /// A trial on `occasions`, all of them cases, for a placement with so many slots.
    pub fn new(occasions: &[Occasion], slots: usize, yardstick: Yardstick) -> Self {
        let case = |occasion: &Occasion| {
            let right = right(occasion)?;
            let is_heavy = occasion.known_count >= HEAVY_MIN;
            Some(Case {
                root: occasion.root,
                segment: if occasion.is_returning { 1 + usize::from(is_heavy) } else { 0 },
                category: yardstick.category(*right.all.first()?),
                right,
            })
        };
        let cases = occasions.iter().filter_map(case).collect();
        Self { slots: slots.clamp(1, SLOTS_MAX), cases, records: Vec::new(), yardstick }
    }

    /// Decides an occasion by each arm. MUST be called with all cases of the trial in their order, for the same arms.
    pub fn look(&mut self, at: (&Snapshot, Option<&Profile>, &Occasion), arms: &[Arm]) {
        let (snapshot, profile, occasion) = at;
        for arm in arms {
            let request = occasion.request(snapshot, &arm.placement.name);
            let own = slate(&decide(snapshot, profile, &request));
            let mut wide = own.clone();
            if self.slots < CUTOFF {
                wide = slate(&decide(snapshot, profile, &Request { slots: CUTOFF as u16, ..request }));
            }
            wide.truncate(CUTOFF);
            self.note(arm.name, Shown { own, wide, slots: self.slots });
        }
    }

    fn note(&mut self, name: &'static str, shown: Shown) {
        let at = self.records.iter().position(|record| record.name == name).unwrap_or_else(|| {
            self.records.push(Record { name, parts: Vec::new(), exposure: Exposure::default() });
            self.records.len() - 1
        });
        let record = &mut self.records[at];
        if let Some(case) = self.cases.get(record.parts.len()) {
            record.parts.push(shown.parts(&case.right, &self.yardstick));
            record.exposure.add(&shown.own);
        }
    }

    /// What each arm was worth. `snapshot` names categories and says which products can be bought.
    pub fn judge(&self, snapshot: &Snapshot, now: bespoke_domain::Millis) -> Verdict {
        let catalog = &snapshot.aggregates.catalog;
        let product_count = catalog.available(now).count();
        let (table, shoppers) = self.table(&|_| true, &|parts| parts.to_vec());
        let mut arms: Vec<Worth> = Vec::new();
        for (number, record) in self.records.iter().enumerate() {
            let measures = (0..MEASURES.len())
                .map(|measure| self.measured(&table, number, &|arm| arm * MEASURES.len() + measure));
            arms.push(Worth {
                name: record.name,
                measures: measures.collect(),
                coverage: record.exposure.coverage(product_count),
                gini: record.exposure.gini(product_count),
                segments: Vec::new(),
            });
        }
        for (name, part) in self.segments(&|no| catalog.category_path(CategoryNo(no)).to_owned()) {
            let cases = self.cases.iter().filter(|case| part.holds(case)).count();
            if cases == 0 {
                continue;
            }
            let ndcg = |parts: &[Part]| vec![parts[NDCG]];
            let (table, _) = self.table(&|case| part.holds(case), &ndcg);
            for (number, arm) in arms.iter_mut().enumerate() {
                let ndcg = self.measured(&table, number, &|arm| arm);
                arm.segments.push(Segment { name: name.clone(), cases, ndcg });
            }
        }
        Verdict { cases: self.cases.len(), shoppers, arms }
    }

    /// A row a shopper with the parts of all arms side by side, and how many shoppers there are.
    fn table(&self, is_in: &dyn Fn(&Case) -> bool, of: &dyn Fn(&[Part]) -> Vec<Part>) -> (Bootstrap, usize) {
        let mut rows: BTreeMap<ShopperNo, Vec<Part>> = BTreeMap::new();
        for (number, case) in self.cases.iter().enumerate().filter(|(_, case)| is_in(case)) {
            let parts = self.records.iter().filter_map(|record| record.parts.get(number));
            let parts: Vec<Part> = parts.flat_map(|parts| of(parts)).collect();
            let row = rows.entry(case.root).or_insert_with(|| vec![(0.0, 0.0); parts.len()]);
            row.iter_mut().zip(parts).for_each(|(sum, part)| *sum = (sum.0 + part.0, sum.1 + part.1));
        }
        let rows: Vec<Vec<Part>> = rows.into_values().collect();
        (Bootstrap::new(&rows), rows.len())
    }

    /// A measure of the arm with this number; `column` says where in the table an arm has it.
    fn measured(&self, table: &Bootstrap, number: usize, column: &dyn Fn(usize) -> usize) -> Measured {
        let beyond = |name: &str| {
            let other = self.records.iter().position(|record| record.name == name)?;
            (other != number).then(|| table.difference(column(number), column(other)))
        };
        Measured {
            value: table.interval(column(number)),
            beyond_popular: beyond(POPULAR),
            beyond_hand_set: beyond(HAND_SET).filter(|_| self.records[number].name != POPULAR),
        }
    }

    /// The parts of the cases, with their names.
    fn segments(&self, path: &dyn Fn(u32) -> String) -> Vec<(String, PartOf)> {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        self.cases.iter().for_each(|case| *counts.entry(case.category).or_default() += 1);
        let mut categories: Vec<(usize, u32)> =
            counts.into_iter().filter(|(no, _)| *no > 0).map(|(no, count)| (count, no)).collect();
        categories.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        categories.truncate(CATEGORIES_MAX);
        let named = SEGMENTS.iter().enumerate().map(|(no, name)| ((*name).to_owned(), PartOf::Segment(no)));
        let of_category = categories.into_iter().map(|(_, no)| (path(no), PartOf::Category(no)));
        named.chain(of_category).collect()
    }
}

/// Some of the cases.
#[derive(Clone, Copy)]
enum PartOf {
    /// Those of one of [`SEGMENTS`].
    Segment(usize),
    /// Those after which something of this category came first.
    Category(u32),
}

impl PartOf {
    fn holds(self, case: &Case) -> bool {
        match self {
            Self::Segment(no) => case.segment == no,
            Self::Category(no) => case.category == no,
        }
    }
}

/// Where NDCG stands in [`MEASURES`].
pub const NDCG: usize = 2;

fn slate(decision: &Decision) -> Vec<ProductNo> {
    let product = |candidate: Candidate| match candidate {
        Candidate::Product(product) => Some(product),
        Candidate::Category(_) | Candidate::Content(_) => None,
    };
    decision.slate.iter().filter_map(|slot| product(slot.candidate)).collect()
}
