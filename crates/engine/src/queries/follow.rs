//! Which search what follows belongs to: a click names the search's decision, or comes from its page; what is carted or
//! bought was clicked before, or names the decision. Ends with the visit, by the log's time.

use super::expected::{CART, CLICK, Gain, PLACES_MAX};
use super::fold;
use bespoke_domain::event::PageType;
use bespoke_domain::search::Sort;
use bespoke_domain::time::{MINUTE_MS, SESSION_GAP_MS};
use bespoke_domain::{Candidate, Decision, DecisionId, Event, EventKind, Millis, ProductNo, ShopperNo};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Searches remembered of a visit.
const SEARCHES_MAX: usize = 8;
/// Clicked products remembered of a search.
const CLICKED_MAX: usize = 16;
/// Products remembered that a search showed: those of two orders that have nothing in common.
const SHOWN_MAX: usize = 2 * PLACES_MAX;
/// Decisions whose query is remembered, the newest.
const DECISIONS_MAX: usize = 100_000;
/// Another query so soon, without a click in between, is asked instead.
const INSTEAD_MS: i64 = 3 * MINUTE_MS;

/// What a shopper did with a product that a search found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// Clicked it in the results.
    Click,
    /// Put it into the cart.
    Cart,
    /// Bought it.
    Purchase,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// A number for it.
    pub no: u64,
    /// The query as it was written.
    pub text: &'a str,
    /// When.
    pub time: Millis,
    /// The decision that answers it.
    pub decision: Option<DecisionId>,
    /// How many products it found, where that is told.
    pub results: Option<u32>,
}

/// A search.
#[derive(Clone, PartialEq, Debug)]
pub struct Searched {
    /// Its number: that of the entry that told of it first.
    pub search: u64,
    /// The query, folded.
    pub key: Arc<str>,
    /// As it was written, in lower case and without needless spaces.
    pub text: String,
    /// Whether the visit has not asked it before.
    pub is_new: bool,
    /// Whether the event says that results were shown.
    pub shows_results: bool,
    /// What it found, where that is told.
    pub results: Option<u32>,
    /// The query that it was asked instead of.
    pub instead_of: Option<Arc<str>>,
}

/// What came of a search.
#[derive(Clone, PartialEq, Debug)]
pub struct Dealt {
    /// The number of the search; 0 where only its query is known.
    pub search: u64,
    /// Its query, folded.
    pub key: Arc<str>,
    /// What was done.
    pub deed: Deed,
    /// With what.
    pub product: ProductNo,
    /// Where it stood when it was clicked, from 0.
    pub position: Option<u16>,
    /// Whether it is the first click of its search.
    pub is_first: bool,
    /// Whether it is a click on what the same search had clicked before, or one of too many to tell.
    pub is_again: bool,
    /// What it counts against what was expected; `None` where it was not shown, or counts already.
    pub gain: Option<Gain>,
    /// The query that this one was asked instead of; with the first click only.
    pub instead_of: Option<Arc<str>>,
}

/// What an event says about searches.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// A search.
    Searched(Searched),
    /// What came of one.
    Dealt(Dealt),
}

/// A product, and the place where it was shown, from 0.
pub type Placed = (ProductNo, u8);

/// A product that a search showed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Shown {
    product: ProductNo,
    place: u8,
    is_clicked: bool,
    is_carted: bool,
}

/// A search of a visit.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Search {
    no: u64,
    key: Arc<str>,
    time: Millis,
    decision: Option<DecisionId>,
    is_clicked: bool,
    /// With where each stood.
    clicked: Vec<(ProductNo, Option<u16>)>,
    instead_of: Option<Arc<str>>,
    /// What it showed in the order of relevance, each where it stood first.
    shown: Vec<Shown>,
    /// Whether what it shows now is narrowed, or in another order.
    is_narrowed: bool,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Visit {
    last: Millis,
    searches: Vec<Search>,
}

/// Searches going on, by shopper, and the queries of decisions.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Following {
    latest: Millis,
    visits: BTreeMap<ShopperNo, Visit>,
    /// Every visit stands at or before the minute in which it ends.
    due: BTreeMap<i64, Vec<ShopperNo>>,
    decisions: BTreeMap<DecisionId, Arc<str>>,
    order: VecDeque<DecisionId>,
}

fn deadline(last: Millis) -> i64 {
    last.plus(SESSION_GAP_MS).0.div_euclid(MINUTE_MS)
}

impl Following {
    /// What an event says, which has a number; `shopper` only where they may be followed.
    pub fn note(
        &mut self,
        no: u64,
        shopper: Option<ShopperNo>,
        event: &Event,
        products: &[ProductNo],
    ) -> Vec<Step> {
        self.advance(event.time);
        match event.kind {
            EventKind::Search | EventKind::ViewSearchResults => {
                self.told(no, shopper, event).map(Step::Searched).into_iter().collect()
            }
            EventKind::SelectItem => self.deal(shopper, event, products, Deed::Click),
            EventKind::AddToCart => self.deal(shopper, event, products, Deed::Cart),
            EventKind::Purchase => self.deal(shopper, event, products, Deed::Purchase),
            _ => Vec::new(),
        }
    }

    /// Remembers that a decision answers a query.
    fn decided(&mut self, decision: DecisionId, key: &Arc<str>) {
        if self.decisions.insert(decision, key.clone()).is_none() {
            self.order.push_back(decision);
        }
        if self.order.len() > DECISIONS_MAX
            && let Some(old) = self.order.pop_front()
        {
            self.decisions.remove(&old);
        }
    }

    /// Forgets a shopper's searches.
    pub fn forget(&mut self, shopper: ShopperNo) {
        self.visits.remove(&shopper);
    }

    fn advance(&mut self, time: Millis) {
        self.latest = self.latest.max(time);
        while let Some(entry) = self.due.first_entry()
            && *entry.key() < self.latest.0.div_euclid(MINUTE_MS)
        {
            let due = *entry.key();
            for shopper in entry.remove() {
                match self.visits.get(&shopper).map(|visit| deadline(visit.last)) {
                    Some(end) if end > due => self.due.entry(end).or_default().push(shopper),
                    _ => _ = self.visits.remove(&shopper),
                }
            }
        }
    }

    /// A search that an event tells of.
    fn told(&mut self, no: u64, shopper: Option<ShopperNo>, event: &Event) -> Option<Searched> {
        let details = event.details.as_deref()?;
        let asked = Asked {
            no,
            text: details.search_term.as_deref()?,
            time: event.time,
            decision: event.decision,
            results: details.result_count,
        };
        // The decision was counted already, whoever it was for.
        let is_known = event.decision.is_some_and(|one| self.decisions.contains_key(&one));
        let mut searched = self.search(shopper, &asked)?;
        searched.is_new &= !is_known;
        searched.results = searched.results.filter(|_| !is_known);
        searched.shows_results = event.kind == EventKind::ViewSearchResults;
        Some(searched)
    }

    /// Notes a search; `shopper` only where they may be followed.
    pub fn search(&mut self, shopper: Option<ShopperNo>, asked: &Asked<'_>) -> Option<Searched> {
        self.advance(asked.time);
        let key: Arc<str> = fold(asked.text)?.into();
        if let Some(decision) = asked.decision {
            self.decided(decision, &key);
        }
        let words: Vec<&str> = asked.text.split_whitespace().collect();
        let mut searched = Searched {
            search: 0,
            key,
            text: words.join(" ").to_lowercase(),
            is_new: true,
            shows_results: false,
            results: asked.results,
            instead_of: None,
        };
        match shopper {
            Some(shopper) => self.follow(shopper, asked, &mut searched),
            None => searched.search = asked.no,
        }
        Some(searched)
    }

    /// Notes that a decision, of a first page or a later one, answers a query; gives the query.
    pub fn answered(&mut self, decision: &Decision) -> Option<Arc<str>> {
        let key: Arc<str> = fold(&decision.request.search.as_deref()?.text)?.into();
        self.decided(decision.request.id, &key);
        Some(key)
    }

    /// Notes what a decision shows of a search of the visit; gives what the search had not shown before.
    pub fn show(&mut self, shopper: ShopperNo, key: &str, decision: &Decision) -> Vec<Placed> {
        let visit = self.visits.get_mut(&shopper);
        let held = visit.and_then(|visit| visit.searches.iter_mut().find(|one| &*one.key == key));
        let (Some(held), Some(search)) = (held, decision.request.search.as_deref()) else {
            return Vec::new();
        };
        held.is_narrowed = !search.refinements.is_empty() || search.sort != Sort::Relevance;
        if held.is_narrowed {
            return Vec::new();
        }
        let mut new = Vec::new();
        for (place, slot) in (search.from as usize..PLACES_MAX).zip(&decision.slate) {
            let Candidate::Product(product) = slot.candidate else { continue };
            if held.shown.len() < SHOWN_MAX && held.shown.iter().all(|one| one.product != product) {
                let place = place as u8;
                held.shown.push(Shown { product, place, is_clicked: false, is_carted: false });
                new.push((product, place));
            }
        }
        new
    }

    /// Adds a search to the visit of a shopper.
    fn follow(&mut self, shopper: ShopperNo, asked: &Asked<'_>, searched: &mut Searched) {
        let is_known = self.visits.contains_key(&shopper);
        let visit = self.visits.entry(shopper).or_default();
        visit.last = visit.last.max(asked.time);
        if let Some(at) = visit.searches.iter().position(|one| one.key == searched.key) {
            let mut again = visit.searches.remove(at);
            again.time = asked.time;
            again.decision = asked.decision.or(again.decision);
            (searched.search, searched.is_new) = (again.no, false);
            visit.searches.push(again);
            return;
        }
        let before = visit.searches.last();
        let is_soon = |one: &&Search| (0..=INSTEAD_MS).contains(&asked.time.since(one.time));
        let instead_of = before.filter(|one| !one.is_clicked).filter(is_soon).map(|one| one.key.clone());
        if visit.searches.len() == SEARCHES_MAX {
            visit.searches.remove(0);
        }
        searched.instead_of = instead_of.clone();
        searched.search = asked.no;
        visit.searches.push(Search {
            no: asked.no,
            key: searched.key.clone(),
            time: asked.time,
            decision: asked.decision,
            is_clicked: false,
            clicked: Vec::new(),
            instead_of,
            shown: Vec::new(),
            is_narrowed: false,
        });
        if !is_known {
            self.due.entry(deadline(asked.time)).or_default().push(shopper);
        }
    }

    fn deal(
        &mut self,
        shopper: Option<ShopperNo>,
        event: &Event,
        products: &[ProductNo],
        deed: Deed,
    ) -> Vec<Step> {
        let of_decision = event.decision.and_then(|one| self.decisions.get(&one)).cloned();
        let mut visit = shopper.and_then(|shopper| self.visits.get_mut(&shopper));
        let mut steps = Vec::new();
        if let Some(visit) = &mut visit {
            visit.last = visit.last.max(event.time);
        }
        for (at, &product) in products.iter().enumerate() {
            let position = event.items.get(at).and_then(|item| item.index);
            let mut dealt = Dealt {
                search: 0,
                key: "".into(),
                deed,
                product,
                position,
                is_first: false,
                is_again: false,
                gain: None,
                instead_of: None,
            };
            let search = visit.as_deref_mut().map(|visit| visit.searches.as_mut_slice()).unwrap_or_default();
            match (search_of(search, event, (product, deed), of_decision.as_deref()), &of_decision) {
                (Some(search), _) => search.deal(&mut dealt),
                (None, Some(key)) => dealt.key = key.clone(),
                (None, None) => continue,
            }
            steps.push(Step::Dealt(dealt));
        }
        steps
    }
}

impl Search {
    /// Takes note of what was done with a product, and says whose it is.
    fn deal(&mut self, dealt: &mut Dealt) {
        (dealt.search, dealt.key) = (self.no, self.key.clone());
        dealt.gain = self.gain(dealt.product, dealt.deed);
        if dealt.deed != Deed::Click {
            let clicked = self.clicked.iter().find(|(held, _)| *held == dealt.product);
            dealt.position = clicked.and_then(|(_, position)| *position);
            return;
        }
        dealt.is_first = !std::mem::replace(&mut self.is_clicked, true);
        if dealt.is_first {
            dealt.instead_of = self.instead_of.clone();
        }
        let is_known = self.clicked.iter().any(|(held, _)| *held == dealt.product);
        dealt.is_again = is_known || self.clicked.len() >= CLICKED_MAX;
        if !dealt.is_again {
            self.clicked.push((dealt.product, dealt.position));
        }
    }

    /// What a deed counts: a click once, and the cart or the order after it once.
    fn gain(&mut self, product: ProductNo, deed: Deed) -> Option<Gain> {
        let is_narrowed = self.is_narrowed;
        let shown = self.shown.iter_mut().find(|one| one.product == product)?;
        // Among fewer products it would be found more easily.
        if is_narrowed && !shown.is_clicked {
            return None;
        }
        let click = if std::mem::replace(&mut shown.is_clicked, true) { 0 } else { CLICK };
        let takes = deed != Deed::Click && !std::mem::replace(&mut shown.is_carted, true);
        let gained = click + if takes { CART } else { 0 };
        (gained > 0).then_some(Gain { place: shown.place, gained })
    }
}

/// The search of a visit that a deed belongs to.
fn search_of<'a>(
    searches: &'a mut [Search],
    event: &Event,
    (product, deed): (ProductNo, Deed),
    of_decision: Option<&str>,
) -> Option<&'a mut Search> {
    if let Some(decision) = event.decision {
        let is_it = |one: &Search| one.decision == Some(decision) || of_decision == Some(&*one.key);
        let named = searches.iter().rposition(is_it);
        // A click in a module that recommends is no click on results; what is carted may still have been found by searching.
        if named.is_some() || deed == Deed::Click {
            return searches.get_mut(named?);
        }
    }
    let at = match deed {
        Deed::Click if matches!(event.page, PageType::Search | PageType::Other) => {
            searches.len().checked_sub(1)
        }
        Deed::Click => None,
        Deed::Cart | Deed::Purchase => {
            searches.iter().rposition(|one| one.clicked.iter().any(|(held, _)| *held == product))
        }
    };
    searches.get_mut(at?)
}
