//! What searches teach: for each query how often it is asked, by how many shoppers, with how many results, what of them is
//! clicked, carted and bought, and what is asked instead. Bounded; when it is full, the least asked give way.
//!
//! A query is kept as its folded words (`fold`), whatever the letter case and the accents. Until `CROWD` different
//! shoppers have asked it, it MUST be shown to nobody and listed nowhere: it may be about one person.

/// How many different shoppers.
pub mod crowd;
/// Clicks over expected clicks.
pub mod expected;
/// Which search what follows belongs to.
pub mod follow;
/// Queries that find nothing or not the right thing, and words that may mean the same.
pub mod report;

use crate::profile::seconds;
use bespoke_domain::{Decision, Event, Millis, ProductNo, Purpose, ShopperNo};
use bespoke_models::cow::CowVec;
use bespoke_models::decay::Decay;
use bespoke_search::analysis::{Analyzer, Language};
use crowd::Crowd;
use expected::{Evidence, Places};
use follow::{Asked, Dealt, Deed, Following, Searched, Step};
use rustc_hash::{FxHashMap, FxHasher};
use serde::{Deserialize, Serialize};
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

/// Most queries.
pub const QUERIES_MAX: usize = 200_000;
/// Different shoppers that must have asked a query before it may be shown or listed.
pub const CROWD: usize = 5;
/// Products kept of a query.
pub const PRODUCTS_MAX: usize = 16;
/// Queries kept that are asked instead of one.
pub const NEXT_MAX: usize = 8;
/// Positions of clicks are counted in these ranges, which end before 1, 3, 10 and never.
pub const POSITION_ENDS: [u16; 4] = [1, 3, 10, u16::MAX];
/// Longest query, in bytes of its folded words: longer ones are texts that were pasted.
const KEY_MAX: usize = 100;
/// Days after which a search counts half.
const HALF_LIFE_DAYS: f64 = 14.0;
/// Searches after which all counts of a query are halved, so that they tell of what is.
const AGE_AT: u32 = 4_000;
/// Queries that are looked at for the one that gives way.
const LOOKED_AT: usize = 32;
/// A query whose results are shown so soon after it was asked without a name is the same search.
const SAME_SEARCH_S: u32 = 10;
/// Parts of the table of numbers, each copied when it changes.
const SHARDS: usize = 256;

/// The words of a query, folded, with a space between them; `None` where there is none, or too many.
pub fn fold(text: &str) -> Option<String> {
    thread_local! {
        static ANALYZER: Analyzer = Analyzer::new(Language::Other);
    }
    let tokens = ANALYZER.with(|analyzer| analyzer.tokens(text));
    let mut key = String::new();
    let mut place = None;
    for token in tokens {
        // Of a code and its parts the code.
        if place.replace(token.place) == Some(token.place) {
            continue;
        }
        if !key.is_empty() {
            key.push(' ');
        }
        key.push_str(&token.surface);
        if key.len() > KEY_MAX {
            return None;
        }
    }
    (!key.is_empty()).then_some(key)
}

/// What was done with a product that a query found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Found {
    /// The product.
    pub product: ProductNo,
    /// Clicks.
    pub clicks: u32,
    /// Additions to the cart.
    pub carts: u32,
    /// Purchases.
    pub purchases: u32,
}

impl Found {
    /// How much it speaks for the product, in clicks.
    pub fn weight(&self) -> f32 {
        self.clicks as f32 + 3.0 * self.carts as f32 + 6.0 * self.purchases as f32
    }
}

/// What is asked instead of a query, by the same shopper soon after, when nothing was clicked in between.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Next {
    /// The other query's words, folded.
    pub key: Arc<str>,
    /// How often.
    pub times: u32,
    /// How often something was clicked then.
    pub clicked: u32,
    /// By how many different shoppers; until there are enough it MUST be shown to nobody.
    pub shoppers: Crowd,
}

/// One query.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Query {
    /// Its words, folded.
    pub key: Arc<str>,
    /// How it was written last.
    pub text: Arc<str>,
    /// Searches of shoppers whose clicks may be told apart.
    pub followed: u32,
    /// Of them those with a click.
    pub clicked: u32,
    /// Clicks by where they were, see [`POSITION_ENDS`].
    pub positions: [u32; POSITION_ENDS.len()],
    /// What the last search found, where it was told.
    pub results: Option<u32>,
    /// Searches of which the number of results was told, and those that found nothing.
    pub told: (u32, u32),
    /// What was clicked, carted and bought most; not sorted.
    pub found: Vec<Found>,
    /// What was asked instead most; not sorted.
    pub next: Vec<Next>,
    /// What the products that it shows gained and were expected to.
    evidence: Vec<Evidence>,
    /// Decayed searches.
    score: f64,
    crowd: Crowd,
    last_s: u32,
}

impl Query {
    fn new(key: &Arc<str>) -> Self {
        Self {
            key: key.clone(),
            text: key.clone(),
            followed: 0,
            clicked: 0,
            positions: Default::default(),
            results: None,
            told: (0, 0),
            found: Vec::new(),
            next: Vec::new(),
            evidence: Vec::new(),
            score: 0.0,
            crowd: Crowd::default(),
            last_s: 0,
        }
    }

    /// Whether so many shoppers have asked it that it may be shown and listed.
    pub fn is_common(&self) -> bool {
        self.crowd.is_enough()
    }

    fn note(&mut self, dealt: &Dealt) {
        // However often it is clicked, a search has clicked a product once.
        if dealt.is_again {
            return;
        }
        if let Some(at) = dealt.position.filter(|_| dealt.deed == Deed::Click) {
            let range = POSITION_ENDS.iter().position(|end| at < *end).unwrap_or(POSITION_ENDS.len() - 1);
            self.positions[range] += 1;
        }
        self.clicked += u32::from(dealt.is_first);
        let found = self.found_mut(dealt.product);
        match dealt.deed {
            Deed::Click => found.clicks += 1,
            Deed::Cart => found.carts += 1,
            Deed::Purchase => found.purchases += 1,
        }
    }

    /// The product's line; where there are too many, the one that says least gives way.
    fn found_mut(&mut self, product: ProductNo) -> &mut Found {
        let at = self.found.iter().position(|one| one.product == product).unwrap_or_else(|| {
            let new = Found { product, clicks: 0, carts: 0, purchases: 0 };
            if self.found.len() < PRODUCTS_MAX {
                self.found.push(new);
                return self.found.len() - 1;
            }
            let least = |a: &usize, b: &usize| self.found[*a].weight().total_cmp(&self.found[*b].weight());
            let at = (0..PRODUCTS_MAX).min_by(least).unwrap_or(0);
            self.found[at] = new;
            at
        });
        &mut self.found[at]
    }

    fn next_mut(&mut self, key: &Arc<str>) -> &mut Next {
        let at = self.next.iter().position(|one| one.key == *key).unwrap_or_else(|| {
            let new = Next { key: key.clone(), times: 0, clicked: 0, shoppers: Crowd::default() };
            if self.next.len() < NEXT_MAX {
                self.next.push(new);
                return self.next.len() - 1;
            }
            let at = (0..NEXT_MAX).min_by_key(|at| self.next[*at].times).unwrap_or(0);
            self.next[at] = new;
            at
        });
        &mut self.next[at]
    }

    /// Halves all counts now and again: what was long ago counts less.
    fn age(&mut self) {
        if self.followed.max(self.told.0) < AGE_AT {
            return;
        }
        let counts = [&mut self.followed, &mut self.clicked, &mut self.told.0, &mut self.told.1];
        counts.into_iter().chain(&mut self.positions).for_each(|count| *count /= 2);
        for one in &mut self.found {
            [&mut one.clicks, &mut one.carts, &mut one.purchases].into_iter().for_each(|count| *count /= 2);
        }
        for one in &mut self.next {
            [&mut one.times, &mut one.clicked].into_iter().for_each(|count| *count /= 2);
        }
        self.age_evidence();
    }
}

/// All queries, by dense numbers; that of one that gave way goes to another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Queries {
    table: CowVec<Query, 256>,
    #[serde(skip)]
    numbers: Vec<Arc<FxHashMap<Arc<str>, u32>>>,
    decay: Decay,
    /// Where the one that gives way is looked for next.
    hand: u32,
    max: u32,
    /// What places of results bring.
    places: Places,
    /// Searches going on. Only the fold reads them.
    following: Following,
}

impl Default for Queries {
    fn default() -> Self {
        Self::with_room(QUERIES_MAX)
    }
}

impl Queries {
    /// Room for so many queries.
    pub fn with_room(max: usize) -> Self {
        Self {
            table: CowVec::default(),
            numbers: Vec::new(),
            decay: Decay::new(HALF_LIFE_DAYS),
            hand: 0,
            max: max as u32,
            places: Places::default(),
            following: Following::default(),
        }
    }

    /// Number of queries.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The query with this number.
    pub fn get(&self, no: u32) -> Option<&Query> {
        self.table.get(no as usize)
    }

    /// The number of the query with these folded words.
    pub fn number(&self, key: &str) -> Option<u32> {
        self.numbers.get(shard(key))?.get(key).copied()
    }

    /// The query with these words, in whatever letter case.
    pub fn find(&self, text: &str) -> Option<&Query> {
        self.get(self.number(&fold(text)?)?)
    }

    /// Those that may be shown and listed, with their numbers.
    pub fn common(&self) -> impl Iterator<Item = (u32, &Query)> {
        (0..).zip(self.table.iter()).filter(|(_, query)| query.is_common())
    }

    /// Searches as they count at `now`, half after 14 days.
    pub fn popularity(&self, query: &Query, now: Millis) -> f64 {
        query.score * self.decay.at(now)
    }

    /// Folds an event in. Without consent to personalization a search only counts, and what follows it is not known;
    /// `root` tells under which number a shopper is kept now.
    pub fn fold(
        &mut self,
        shopper: Option<ShopperNo>,
        event: &Event,
        products: &[ProductNo],
        root: impl Fn(ShopperNo) -> ShopperNo,
    ) {
        let shopper = shopper.filter(|_| event.consent.allows(Purpose::Personalization));
        for step in self.following.note(0, shopper, event, products) {
            match step {
                Step::Searched(searched) => self.search(&searched, shopper, event.time, &root),
                Step::Dealt(dealt) => self.deal(&dealt),
            }
        }
    }

    /// Folds a decision that answers a query in: what carries it belongs to that query. Asked for a shopper it is for one who
    /// may be followed.
    pub fn fold_decision(&mut self, decision: &Decision, root: impl Fn(ShopperNo) -> ShopperNo) {
        let request = &decision.request;
        let Some(search) = request.search.as_deref() else { return };
        let (shopper, time) = (request.shopper.map(&root), request.now);
        // What a facet or a filter leaves says nothing of what the words find.
        let is_narrowed = !search.refinements.is_empty() || request.filter.is_some();
        let results = decision.met.as_ref().filter(|_| !is_narrowed).map(|met| met.total);
        let asked = Asked { no: 0, text: &search.text, time, decision: Some(request.id), results };
        // Later pages are no searches of their own.
        if search.from == 0
            && let Some(searched) = self.following.search(shopper, &asked)
        {
            self.search(&searched, shopper, time, root);
        }
        self.show(shopper, decision);
    }

    /// Notes where a decision shows what, for a query that is common.
    fn show(&mut self, shopper: Option<ShopperNo>, decision: &Decision) {
        let key = self.following.answered(decision);
        let no = key.as_deref().and_then(|key| self.number(key));
        let no = no.filter(|no| self.get(*no).is_some_and(Query::is_common));
        let (Some(key), Some(no), Some(shopper)) = (key, no, shopper) else { return };
        let shown = self.following.show(shopper, &key, decision);
        let rates = self.places.rates();
        if let Some(query) = self.table.get_mut(no as usize) {
            for (product, place) in shown {
                self.places.show(place, query.worth(product));
                query.show(product, rates[usize::from(place)]);
            }
        }
    }

    /// Forgets what a shopper searched for, where it is still known that they did.
    pub fn forget(&mut self, shopper: ShopperNo) {
        self.following.forget(shopper);
        let has = |query: &Query| {
            query.crowd.has(shopper) || query.next.iter().any(|next| next.shoppers.has(shopper))
        };
        let rows: Vec<usize> =
            self.table.iter().enumerate().filter(|(_, query)| has(query)).map(|(no, _)| no).collect();
        for no in rows {
            if let Some(query) = self.table.get_mut(no) {
                query.crowd.forget(shopper);
                query.next.iter_mut().for_each(|next| next.shoppers.forget(shopper));
            }
        }
    }

    fn search(
        &mut self,
        searched: &Searched,
        shopper: Option<ShopperNo>,
        time: Millis,
        root: impl Fn(ShopperNo) -> ShopperNo,
    ) {
        let weight = self.weight(time);
        let no = self.number_or_new(&searched.key);
        let Some(query) = self.table.get_mut(no as usize) else { return };
        let now_s = seconds(time);
        let follows = searched.shows_results && now_s.saturating_sub(query.last_s) <= SAME_SEARCH_S;
        if searched.is_new && !(shopper.is_none() && follows) {
            query.score += weight;
            query.last_s = now_s;
            query.text = searched.text.as_str().into();
            query.followed += u32::from(shopper.is_some());
            query.age();
        }
        if let Some(shopper) = shopper {
            query.crowd.join(shopper, &root);
        }
        if let Some(results) = searched.results {
            query.results = Some(results);
            query.told.0 += 1;
            query.told.1 += u32::from(results == 0);
        }
        if let Some(before) = &searched.instead_of
            && let Some(no) = self.number(before)
            && let Some(query) = self.table.get_mut(no as usize)
        {
            let next = query.next_mut(&searched.key);
            next.times += 1;
            if let Some(shopper) = shopper {
                next.shoppers.join(shopper, root);
            }
        }
    }

    fn deal(&mut self, dealt: &Dealt) {
        let Some(no) = self.number(&dealt.key) else { return };
        if let Some(query) = self.table.get_mut(no as usize) {
            query.note(dealt);
            if let Some(gain) = dealt.gain {
                self.places.gain(gain);
                query.gain(dealt.product, gain.gained, self.places.rates()[usize::from(gain.place)]);
            }
        }
        if let Some(before) = &dealt.instead_of
            && let Some(no) = self.number(before)
            && let Some(query) = self.table.get_mut(no as usize)
        {
            query.next_mut(&dealt.key).clicked += 1;
        }
    }

    fn weight(&mut self, time: Millis) -> f64 {
        let Self { decay, table, .. } = self;
        decay.weight(time, |shrink| {
            for at in 0..table.len() {
                if let Some(query) = table.get_mut(at) {
                    query.score *= shrink;
                }
            }
        })
    }

    fn number_or_new(&mut self, key: &Arc<str>) -> u32 {
        if let Some(no) = self.number(key) {
            return no;
        }
        let new = Query::new(key);
        let no = if self.table.len() < self.max as usize {
            self.table.push(new);
            (self.table.len() - 1) as u32
        } else {
            let no = self.give_way();
            if let Some(slot) = self.table.get_mut(no as usize) {
                let old = std::mem::replace(slot, new).key;
                Arc::make_mut(&mut self.numbers[shard(&old)]).remove(&old);
            }
            no
        };
        self.put_number(key, no);
        no
    }

    /// The least asked of the next few: a whole sweep would keep everybody waiting.
    fn give_way(&mut self) -> u32 {
        let count = self.table.len();
        let some = (0..LOOKED_AT.min(count)).map(|step| (self.hand as usize + step) % count);
        let score = |no: usize| self.table.get(no).map_or(0.0, |query| query.score);
        let least = some.min_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap_or(0);
        self.hand = ((self.hand as usize + LOOKED_AT) % count.max(1)) as u32;
        least as u32
    }

    fn put_number(&mut self, key: &Arc<str>, no: u32) {
        if self.numbers.is_empty() {
            self.numbers = vec![Arc::default(); SHARDS];
        }
        Arc::make_mut(&mut self.numbers[shard(key)]).insert(key.clone(), no);
    }

    /// The copy a snapshot keeps: without what only the fold needs.
    pub fn freeze(&mut self) -> Self {
        let following = std::mem::take(&mut self.following);
        let frozen = self.clone();
        self.following = following;
        frozen
    }

    /// Rebuilds what a checkpoint leaves out.
    pub fn restore(&mut self) {
        let keys: Vec<Arc<str>> = self.table.iter().map(|query| query.key.clone()).collect();
        for (no, key) in (0..).zip(&keys) {
            self.put_number(key, no);
        }
    }
}

fn shard(key: &str) -> usize {
    let mut hasher = FxHasher::default();
    key.hash(&mut hasher);
    (hasher.finish() >> 56) as usize % SHARDS
}

#[cfg(test)]
mod tests;
