//! Occasions: moments of the past at which a placement could have been asked, with what the shopper did next, and the walk that
//! brings the shop's state back as it was then. A backtest decides there, a ranker learns there.

use crate::engine::{Engine, Live, Snapshot};
use crate::profile::{Act, Profile};
use crate::training::{Deed, Training};
use bespoke_domain::event::PageType;
use bespoke_domain::id::ArtifactId;
use bespoke_domain::time::{DAY_MS, SESSION_GAP_MS};
use bespoke_domain::{Body, DecisionId, Entry, Millis, Offset, ProductNo, Request, Settings, ShopperNo};
use bespoke_models::learned::Learned;
use bespoke_models::seeded::Seeded;
use std::collections::HashSet;
use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;
use std::vec::IntoIter;

/// The pages at which a past can be asked.
pub const PAGES: [PageType; 3] = [PageType::Home, PageType::Product, PageType::Cart];
/// Silence that ends a visit, in seconds.
const GAP_S: u32 = (SESSION_GAP_MS / 1000) as u32;
/// How long after an occasion things count as following it, in seconds; the rest of its visit always does.
pub const FOLLOWS_S: u32 = 7 * (DAY_MS / 1000) as u32;
/// Most of what follows that is kept.
const NEXT_MAX: usize = 200;
/// Most products that a page is about.
const ITEMS_MAX: usize = 50;
/// The past is published anew when it is asked and so many entries came since it last did, or the occasion is so much later: what is
/// read of all shoppers is at most so old, what is read of the shopper is never.
const PUBLISH_ENTRIES: u64 = 1_000;
const PUBLISH_MS: i64 = 3_600_000;

/// Which occasions are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// From this second of the epoch on.
    pub from_s: u32,
    /// Before this one.
    pub until_s: u32,
    /// Most of each page.
    pub per_page: usize,
    /// Of more, which ones.
    pub seed: u64,
}

/// What a shopper did with a product after an occasion.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Next {
    /// The product.
    pub product: ProductNo,
    /// What was done with it.
    pub act: Act,
    /// When first, in seconds of the epoch.
    pub time_s: u32,
    /// Whether the visit was still the same.
    pub same_visit: bool,
    /// What all of it cost, in minor units of the shop's currency; 0 where no price in it is known.
    pub amount_minor: i64,
    /// Whether the shopper had dealt with the product before, or it is one the page is about.
    pub is_known: bool,
    /// Whether the shopper sent it back at some time.
    pub is_returned: bool,
}

/// A moment of the past at which a placement could have been asked.
///
/// - `Home`: just before the first act of a visit; the page is about nothing.
/// - `Product`: just after a view of what the page is about.
/// - `Cart`: just after products went into the cart; these are its `items`, the profile knows the whole cart.
///
/// Where a visit begins with an order, as in histories of orders without views, the moments just before it count too: `Product` about
/// one of the order's products, `Cart` with half of them, what is left of the order being next.
#[derive(Clone, PartialEq, Debug)]
pub struct Occasion {
    /// The entry that tells of it.
    pub offset: Offset,
    /// Whether it is the moment before that entry, which then follows; else the one after it.
    pub is_before: bool,
    /// When.
    pub now: Millis,
    /// Who, by the identity of then.
    pub shopper: ShopperNo,
    /// The number under which all identities of this shopper are one by now.
    pub root: ShopperNo,
    /// On which page, one of [`PAGES`].
    pub page: PageType,
    /// Products that the page is about.
    pub items: Vec<ProductNo>,
    /// Distinct products that the shopper had dealt with by then.
    pub known_count: usize,
    /// Whether the shopper had been here on an earlier visit.
    pub is_returning: bool,
    /// What followed in the rest of the visit and 7 days: each product and act once, soonest first.
    pub next: Vec<Next>,
}

impl Occasion {
    /// What a page would have asked of a placement.
    pub fn request(&self, snapshot: &Snapshot, placement: &str) -> Request {
        let id = |product: &ProductNo| snapshot.aggregates.catalog.id(*product).to_owned();
        let ids = || self.items.iter().map(id).filter(|id| !id.is_empty()).collect();
        let is_cart = self.page == PageType::Cart;
        Request {
            id: DecisionId(
                (self.now.0.max(0) as u128) << 64 | u128::from(self.offset.0) << 4 | self.page as u128,
            ),
            now: self.now,
            placement: placement.to_owned(),
            shopper: Some(self.shopper),
            page: self.page,
            items: if is_cart { Vec::new() } else { ids() },
            cart: if is_cart { ids() } else { Vec::new() },
            ..Request::default()
        }
    }
}

/// The occasions of a sample, in the order of the log. `training` MUST be sorted.
pub fn choose(training: &Training, sample: &Sample) -> Vec<Occasion> {
    let mut urns = PAGES.map(|_| Urn::new(sample));
    let mut end = 0;
    for deeds in training.shoppers() {
        end += deeds.len();
        let first = end - deeds.len();
        each_moment(deeds, &mut |page, is_before, at| {
            let time_s = deeds[at.start].time_s;
            if (sample.from_s..sample.until_s).contains(&time_s)
                && let Some(urn) = PAGES.iter().position(|held| *held == page).map(|no| &mut urns[no])
            {
                urn.put(Moment { page, is_before, at, shopper: first..end });
            }
        });
    }
    let moments = urns.into_iter().flat_map(|urn| urn.held);
    let mut all: Vec<Occasion> = moments.map(|moment| moment.occasion(training, sample.seed)).collect();
    all.sort_by_key(Occasion::place);
    all
}

/// Tells of each moment of a shopper: its page, whether it is before its acts, and where these are.
fn each_moment(deeds: &[Deed], tell: &mut dyn FnMut(PageType, bool, Range<usize>)) {
    let (mut end, mut last_s) = (0, None);
    for event in deeds.chunk_by(|a, b| a.offset == b.offset) {
        end += event.len();
        let (at, one) = (end - event.len()..end, event[0]);
        let begins = last_s.is_none_or(|last_s| one.time_s.saturating_sub(last_s) > GAP_S);
        last_s = Some(one.time_s);
        if begins {
            tell(PageType::Home, true, at.clone());
        }
        match one.act {
            Act::View => tell(PageType::Product, false, at),
            Act::Cart => tell(PageType::Cart, false, at),
            Act::Buy if begins && event.len() > 1 => {
                tell(PageType::Product, true, at.clone());
                tell(PageType::Cart, true, at);
            }
            Act::Buy | Act::Wish => {}
        }
    }
}

/// Keeps a seeded part of what is put into it, each thing as likely as any other (Vitter 1985, algorithm R).
struct Urn {
    held: Vec<Moment>,
    most: usize,
    seen: usize,
    seeded: Seeded,
}

impl Urn {
    fn new(sample: &Sample) -> Self {
        Self { held: Vec::new(), most: sample.per_page, seen: 0, seeded: Seeded::new(sample.seed) }
    }

    fn put(&mut self, moment: Moment) {
        self.seen += 1;
        if self.held.len() < self.most {
            self.held.push(moment);
        } else if let Some(slot) = self.held.get_mut(self.seeded.below(self.seen)) {
            *slot = moment;
        }
    }
}

/// An occasion that is not looked at yet: where its acts are among the shopper's, and where these are among all.
struct Moment {
    page: PageType,
    is_before: bool,
    at: Range<usize>,
    shopper: Range<usize>,
}

impl Moment {
    fn occasion(self, training: &Training, seed: u64) -> Occasion {
        let deeds = &training.deeds[self.shopper.clone()];
        let event = &deeds[self.at.clone()];
        let trigger = event[0];
        let items = self.items(event, seed);
        let is_past = |deed: &&Deed| deed.offset < trigger.offset + u64::from(!self.is_before);
        let mut known: HashSet<ProductNo> = deeds.iter().filter(is_past).map(|deed| deed.product).collect();
        let known_count = known.len();
        known.extend(&items);
        let is_apart = |pair: &[Deed]| pair[1].time_s.saturating_sub(pair[0].time_s) > GAP_S;
        let is_returning = deeds[..=self.at.start].windows(2).any(is_apart);
        let follows = &deeds[if self.is_before { self.at.start } else { self.at.end }..];
        let next = next(training, &trigger, follows, &known);
        Occasion {
            offset: Offset(trigger.offset),
            is_before: self.is_before,
            now: Millis(i64::from(trigger.time_s) * 1000),
            shopper: trigger.identity,
            root: trigger.shopper,
            page: self.page,
            items,
            known_count,
            is_returning,
            next,
        }
    }

    /// What the page is about: the event's products; before an order a seeded one of them, or half of them.
    fn items(&self, event: &[Deed], seed: u64) -> Vec<ProductNo> {
        let mut items: Vec<ProductNo> = Vec::new();
        event.iter().filter(|_| self.page != PageType::Home).for_each(|deed| {
            if !items.contains(&deed.product) {
                items.push(deed.product);
            }
        });
        if self.is_before {
            let mut seeded = Seeded::new(seed ^ event[0].offset);
            let kept = if self.page == PageType::Product { 1 } else { items.len() / 2 };
            for place in 0..kept.min(items.len()) {
                let other = place + seeded.below(items.len() - place);
                items.swap(place, other);
            }
            items.truncate(kept);
        }
        items.truncate(ITEMS_MAX);
        items
    }
}

/// What followed `trigger` among `deeds`, which are not earlier than it.
fn next(training: &Training, trigger: &Deed, deeds: &[Deed], known: &HashSet<ProductNo>) -> Vec<Next> {
    let mut next: Vec<Next> = Vec::new();
    let (mut last_s, mut same_visit) = (trigger.time_s, true);
    // What came into the log before the trigger was known by then, whatever its time.
    for deed in deeds.iter().filter(|deed| deed.offset >= trigger.offset) {
        same_visit &= deed.time_s.saturating_sub(last_s) <= GAP_S;
        last_s = deed.time_s;
        if !same_visit && deed.time_s.saturating_sub(trigger.time_s) > FOLLOWS_S {
            break;
        }
        let amount_minor = i64::from(deed.amount_minor);
        let is_same = |one: &&mut Next| (one.product, one.act) == (deed.product, deed.act);
        if let Some(one) = next.iter_mut().find(is_same) {
            one.amount_minor += amount_minor;
        } else if next.len() < NEXT_MAX {
            next.push(Next {
                product: deed.product,
                act: deed.act,
                time_s: deed.time_s,
                same_visit,
                amount_minor,
                is_known: known.contains(&deed.product),
                is_returned: deed.act == Act::Buy && training.is_returned(deed.shopper, deed.product),
            });
        }
    }
    next
}

impl Occasion {
    /// Where in the log it comes.
    fn place(&self) -> (Offset, bool, u8) {
        (self.offset, !self.is_before, self.page as u8)
    }
}

/// What is in force for a walk.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Settings, instead of those in the log.
    pub settings: Option<Settings>,
    /// Models, by name; those of the log never are.
    pub models: Vec<(String, ArtifactId, Arc<Learned>)>,
}

/// What looks at an occasion: the shop and the shopper as they were, and the occasion with what followed.
pub type Look<'a> = dyn FnMut(&Snapshot, Option<&Profile>, &Occasion) + 'a;

/// The shop as it was: what has been folded of the log so far, but for what is given in the place of its own entries.
pub(crate) struct Past {
    engine: Engine,
    live: Arc<Live>,
    has_settings: bool,
    published: Option<(Offset, Millis)>,
}

impl Past {
    /// Before the first entry, with what is given in force.
    pub fn new(given: Given) -> Self {
        let mut engine = Engine::default();
        let has_settings = given.settings.is_some();
        engine.suppose(given.settings.as_ref(), given.models);
        let live = engine.live();
        Self { engine, live, has_settings, published: None }
    }

    /// Folds the next entry in, unless something is given in its place.
    pub fn fold(&mut self, offset: Offset, entry: &Entry) {
        let is_replaced = match &entry.body {
            Body::Settings(_) => self.has_settings,
            Body::Model(_) => true,
            _ => false,
        };
        if !is_replaced {
            self.engine.apply(offset, entry);
        }
    }

    /// What can be read at `now`; published anew where what is published is too old.
    pub fn at(&mut self, now: Millis) -> &Live {
        let offset = self.engine.offset();
        let is_fresh = self.published.is_some_and(|(at, then)| {
            offset.0 - at.0 < PUBLISH_ENTRIES && now.since(then).abs() < PUBLISH_MS
        });
        if !is_fresh {
            self.engine.publish();
            self.published = Some((offset, now));
        }
        &self.live
    }

    /// What is published, however old.
    pub fn live(&self) -> &Live {
        &self.live
    }
}

/// A walk through the log: feed it all entries, in order and from the first on, and each occasion is looked at with the state
/// as it was then.
pub struct Walk {
    past: Past,
    occasions: Peekable<IntoIter<Occasion>>,
}

impl Walk {
    /// A walk past `occasions`, with what is given in force from the start.
    pub fn new(mut occasions: Vec<Occasion>, given: Given) -> Self {
        occasions.sort_by_key(Occasion::place);
        Self { past: Past::new(given), occasions: occasions.into_iter().peekable() }
    }

    /// Whether no occasion is left.
    pub fn is_done(&mut self) -> bool {
        self.occasions.peek().is_none()
    }

    /// Takes the next entry and looks at the occasions that it tells of.
    pub fn feed(&mut self, offset: Offset, entry: &Entry, look: &mut Look<'_>) {
        self.look(offset, true, look);
        self.past.fold(offset, entry);
        self.look(offset, false, look);
    }

    /// Looks at what is due; one whose entry is no more in the log, at the next there is.
    fn look(&mut self, offset: Offset, is_before: bool, look: &mut Look<'_>) {
        let due = |one: &Occasion| one.offset < offset || (one.offset, one.is_before) == (offset, is_before);
        while let Some(occasion) = self.occasions.next_if(due) {
            let live = self.past.at(occasion.now);
            let profile = live.profile(occasion.shopper);
            look(&live.snapshot(), profile.as_deref(), &occasion);
        }
    }
}
