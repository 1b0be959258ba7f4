//! One shopper's projection. Every part of it is "the newest N of a set" or a sum, so that folding an event in is a
//! merge with a profile of one event, and two identities merge by the union: the result does not depend on order.

use crate::shown::Shown;
use bespoke_domain::consent::{Consent, PURPOSES};
use bespoke_domain::time::SESSION_GAP_MS;
use bespoke_domain::{Event, EventKind, Millis, Offset, ProductNo, Purpose};
use serde::{Deserialize, Serialize};

/// Recent events kept.
pub const RECENT_MAX: usize = 50;
/// Dated products kept.
pub const BOUGHT_MAX: usize = 64;
/// Dismissed products kept.
pub const DISMISSED_MAX: usize = 64;
/// Cart lines kept, those taken out included.
pub const CART_MAX: usize = 32;

/// What a shopper did with a product, as far as a decision needs it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "each is the event of the same name")]
pub enum Act {
    View,
    Cart,
    Wish,
    Buy,
}

impl Act {
    /// How much it says about what the shopper likes, against a view.
    pub fn weight(self) -> f32 {
        [1.0, 3.0, 2.0, 4.0][self as usize]
    }
}

const ACTS: [Act; 4] = [Act::View, Act::Cart, Act::Wish, Act::Buy];

/// One recent act, in 16 bytes. Ordered by time, then by its place in the log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Recent {
    /// When, in seconds of the epoch.
    pub time_s: u32,
    /// The place in the log and the number of the act in the lowest 2 bits.
    key: u64,
    /// With which product.
    pub product: ProductNo,
}

impl Recent {
    /// What was done.
    pub fn act(self) -> Act {
        ACTS[(self.key & 3) as usize]
    }
}

/// Offset of an entry and the place of an item in it, with `low` in the lowest 2 bits: 54 bits are left for offsets.
fn place(offset: Offset, at: usize, low: u64) -> u64 {
    offset.0 << 10 | (at as u64) << 2 | low
}

/// A product and a time: when it was last bought, or last dismissed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Dated {
    /// When, in seconds of the epoch.
    pub time_s: u32,
    /// The product.
    pub product: ProductNo,
}

/// The last thing done to a cart line, in 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
struct CartLine {
    time_s: u32,
    /// The place in the log and, in the lowest 2 bits, whether the product is in the cart since.
    key: u64,
    product: ProductNo,
}

impl CartLine {
    fn is_inside(self) -> bool {
        self.key & 3 == 1
    }
}

/// The last thing said about a purpose, in 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
struct Said {
    time: Millis,
    /// The offset and, in the lowest 2 bits, whether it was granted (3) or denied (2); 0 where nothing was said.
    key: u64,
}

impl Said {
    fn answer(self) -> Option<bool> {
        (self.key != 0).then_some(self.key & 1 == 1)
    }
}

/// What most shoppers have nothing of, so that they do not pay for it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Rare {
    dismissed: Vec<Dated>,
    shown: Shown,
}

/// One shopper, bounded: at most about 2 KiB, for most far less.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Profile {
    /// Offset of the last entry folded in.
    pub last_offset: Offset,
    /// What was recently done, oldest first.
    recent: Vec<Recent>,
    bought: Vec<Dated>,
    cart: Vec<CartLine>,
    /// What most shoppers have nothing of.
    rare: Option<Box<Rare>>,
    said: [Said; 3],
    /// What was done up to this moment is forgotten: personalization was withdrawn then.
    forgotten_until: Millis,
    /// Orders placed.
    pub order_count: u32,
    /// Orders that came back, in whole or in part.
    pub refund_count: u32,
}

impl Profile {
    /// Folds one event in; `products` are the numbers of its items, in order.
    pub fn absorb(&mut self, offset: Offset, event: &Event, products: &[ProductNo]) {
        self.merge(&Self::of(offset, event, products));
    }

    /// The profile of one event.
    fn of(offset: Offset, event: &Event, products: &[ProductNo]) -> Self {
        let mut one = Self { last_offset: offset, ..Self::default() };
        one.hear(offset, event);
        if event.is_bot() || !event.consent.allows(Purpose::Personalization) {
            return one;
        }
        let time_s = seconds(event.time);
        for (at, &product) in products.iter().enumerate().take(256) {
            if let Some(act) = act_of(event.kind) {
                one.recent.push(Recent { time_s, key: place(offset, at, act as u64), product });
            }
            if let Some(inside) = cart_effect(event.kind) {
                one.cart.push(CartLine { time_s, key: place(offset, at, u64::from(inside)), product });
            }
            match event.kind {
                EventKind::Purchase => one.bought.push(Dated { time_s, product }),
                EventKind::DismissItem => one.rare().dismissed.push(Dated { time_s, product }),
                _ => {}
            }
        }
        if event.kind == EventKind::ViewItemList && event.visible && !products.is_empty() {
            one.rare().shown = Shown::of(time_s, products);
        }
        one.order_count = u32::from(event.kind == EventKind::Purchase);
        one.refund_count = u32::from(event.kind == EventKind::Refund);
        one
    }

    fn hear(&mut self, offset: Offset, event: &Event) {
        for (slot, (purpose, _)) in self.said.iter_mut().zip(PURPOSES) {
            let said = |granted: bool| Said { time: event.time, key: offset.0 << 2 | 2 | u64::from(granted) };
            match (event.statement.over(Consent::DENIED), event.statement.over(Consent::GRANTED)) {
                (low, _) if low.allows(purpose) => *slot = said(true),
                (_, high) if !high.allows(purpose) => *slot = said(false),
                _ => {}
            }
        }
        if self.said[Purpose::Personalization as usize].answer() == Some(false) {
            self.forgotten_until = event.time;
        }
    }

    /// Adds everything of `other`, as if all events had come to one profile.
    pub fn merge(&mut self, other: &Self) {
        self.last_offset = self.last_offset.max(other.last_offset);
        self.forgotten_until = self.forgotten_until.max(other.forgotten_until);
        let kept = |time_s: u32| time_s > seconds(self.forgotten_until) || self.forgotten_until == Millis(0);
        union(&mut self.recent, &other.recent, RECENT_MAX, |one| kept(one.time_s), |_, _| false);
        union(
            &mut self.bought,
            &other.bought,
            BOUGHT_MAX,
            |one| kept(one.time_s),
            |a, b| a.product == b.product,
        );
        union(&mut self.cart, &other.cart, CART_MAX, |one| kept(one.time_s), |a, b| a.product == b.product);
        self.merge_rare(other);
        for (slot, said) in self.said.iter_mut().zip(other.said) {
            *slot = (*slot).max(said);
        }
        self.order_count += other.order_count;
        self.refund_count += other.refund_count;
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn merge_rare(&mut self, other: &Self) {
        if self.rare.is_none() && other.rare.is_none() {
            return;
        }
        let (until, until_s) = (self.forgotten_until, seconds(self.forgotten_until));
        let kept = |time_s: u32| time_s > until_s || until == Millis(0);
        let rare = self.rare();
        if let Some(other) = &other.rare {
            union(
                &mut rare.dismissed,
                &other.dismissed,
                DISMISSED_MAX,
                |_| true,
                |a, b| a.product == b.product,
            );
            rare.shown.merge(&other.shown);
        }
        rare.dismissed.retain(|one| kept(one.time_s));
        if until != Millis(0) {
            rare.shown.forget_until(until_s);
        }
        if rare.dismissed.is_empty() && rare.shown.is_empty() {
            self.rare = None;
        }
    }

    /// What is allowed, where the shop's answer for silence is `unknown`.
    pub fn consent(&self, unknown: Consent) -> Consent {
        PURPOSES.iter().zip(self.said).fold(unknown, |consent, ((purpose, _), said)| {
            said.answer().map_or(consent, |granted| consent.with(*purpose, granted))
        })
    }

    /// Recent acts, oldest first.
    pub fn recent(&self) -> &[Recent] {
        &self.recent
    }

    /// The recent acts of the visit still going on at `now`, oldest first.
    pub fn visit(&self, now: Millis) -> &[Recent] {
        let gap_s = (SESSION_GAP_MS / 1000) as u32;
        let mut later_s = seconds(now);
        let started = self.recent.iter().rposition(|one| {
            let silent = later_s.saturating_sub(one.time_s) > gap_s;
            later_s = one.time_s;
            silent
        });
        &self.recent[started.map_or(0, |at| at + 1)..]
    }

    /// The same; where nothing of it is known yet, those of the visit before.
    pub fn latest_visit(&self, now: Millis) -> &[Recent] {
        match (self.visit(now), self.recent.last()) {
            ([], Some(last)) => self.visit(Millis(i64::from(last.time_s) * 1000)),
            (going_on, _) => going_on,
        }
    }

    /// Dated products with their last time.
    pub fn bought(&self) -> &[Dated] {
        &self.bought
    }

    /// Products the shopper does not want to see, with the last time of saying so.
    pub fn dismissed(&self) -> &[Dated] {
        self.rare.as_ref().map_or(&[], |rare| &rare.dismissed)
    }

    /// How often what was shown, where anything was.
    pub fn shown(&self) -> Option<&Shown> {
        self.rare.as_ref().map(|rare| &rare.shown).filter(|shown| !shown.is_empty())
    }

    /// Products in the cart, as far as events tell.
    pub fn cart(&self) -> impl Iterator<Item = ProductNo> + '_ {
        self.cart.iter().filter(|line| line.is_inside()).map(|line| line.product)
    }
}

fn act_of(kind: EventKind) -> Option<Act> {
    match kind {
        EventKind::ViewItem => Some(Act::View),
        EventKind::AddToCart => Some(Act::Cart),
        EventKind::AddToWishlist => Some(Act::Wish),
        EventKind::Purchase => Some(Act::Buy),
        _ => None,
    }
}

fn cart_effect(kind: EventKind) -> Option<bool> {
    match kind {
        EventKind::AddToCart => Some(true),
        EventKind::RemoveFromCart | EventKind::Purchase => Some(false),
        _ => None,
    }
}

/// Whole seconds of the epoch, as far as 32 bits reach (1970 to 2106).
pub fn seconds(time: Millis) -> u32 {
    (time.0 / 1000).clamp(0, i64::from(u32::MAX)) as u32
}

/// Adds `more` to the sorted `list`: of entries that are the `same` only the newest stays, of all the newest `max`.
/// `keep` lets go of the oldest only. Space is taken in small steps, since there are millions of these lists.
fn union<T: Copy + Ord>(
    list: &mut Vec<T>,
    more: &[T],
    max: usize,
    keep: impl Fn(&T) -> bool,
    same: impl Fn(&T, &T) -> bool,
) {
    for &one in more {
        if let Some(at) = list.iter().position(|held| same(held, &one)) {
            if list[at] >= one {
                continue;
            }
            list.remove(at);
        }
        let Err(at) = list.binary_search(&one) else { continue };
        if list.len() < max {
            if list.len() == list.capacity() {
                list.reserve_exact((list.len() / 2).clamp(4, 16).min(max - list.len()));
            }
            list.insert(at, one);
        } else if at > 0 {
            list[..at].rotate_left(1);
            list[at - 1] = one;
        }
    }
    list.retain(keep);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bespoke_domain::consent::Statement;
    use proptest::prelude::*;

    fn event(kind: EventKind, time_s: i64) -> Event {
        Event { consent: Consent::GRANTED, ..Event::new(kind, Millis(time_s * 1000)) }
    }

    #[test]
    fn a_visit_ends_after_thirty_silent_minutes() {
        let mut profile = Profile::default();
        for (offset, (time_s, product)) in [(0, 1), (100, 2), (2000, 3), (2100, 2)].into_iter().enumerate() {
            profile.absorb(
                Offset(offset as u64 + 1),
                &event(EventKind::ViewItem, time_s),
                &[ProductNo(product)],
            );
        }
        let visit: Vec<u32> = profile.visit(Millis(2_200_000)).iter().map(|one| one.product.0).collect();
        assert_eq!(visit, [3, 2]);
        assert!(profile.visit(Millis(9_000_000)).is_empty());
    }

    #[test]
    fn a_purchase_empties_its_products_from_the_cart() {
        let mut profile = Profile::default();
        profile.absorb(Offset(1), &event(EventKind::AddToCart, 1), &[ProductNo(1), ProductNo(2)]);
        profile.absorb(Offset(2), &event(EventKind::Purchase, 2), &[ProductNo(1)]);
        assert_eq!(profile.cart().collect::<Vec<_>>(), [ProductNo(2)]);
        assert_eq!((profile.bought().len(), profile.order_count), (1, 1));
    }

    #[test]
    fn withdrawn_personalization_forgets_what_came_before() {
        let mut profile = Profile::default();
        profile.absorb(Offset(1), &event(EventKind::ViewItem, 10), &[ProductNo(1)]);
        let statement = Statement::default().with(Purpose::Personalization, false);
        profile.absorb(Offset(2), &Event { statement, ..event(EventKind::ConsentUpdate, 20) }, &[]);
        assert!(profile.recent().is_empty());
        assert!(!profile.consent(Consent::GRANTED).allows(Purpose::Personalization));
        profile.absorb(Offset(3), &event(EventKind::ViewItem, 15), &[ProductNo(1)]);
        assert!(profile.recent().is_empty(), "a late event from before the withdrawal stays forgotten");
    }

    proptest! {
        /// Whatever the split into two identities and the order of arrival, the merged profile is the same.
        #[test]
        fn merging_is_independent_of_order(
            acts in proptest::collection::vec((0_u8..7, 0_i64..2_000_000, 0_u32..90, any::<bool>(), any::<bool>()), 1..150),
            shuffle in any::<u64>(),
        ) {
            let kinds = [EventKind::ViewItem, EventKind::AddToCart, EventKind::RemoveFromCart, EventKind::Purchase, EventKind::DismissItem, EventKind::ConsentUpdate, EventKind::ViewItemList];
            let events: Vec<(Offset, Event, ProductNo, bool)> = acts.iter().enumerate().map(|(at, &(kind, time_s, product, left, grant))| {
                let kind = kinds[kind as usize];
                let mut one = Event { visible: true, ..event(kind, time_s) };
                if kind == EventKind::ConsentUpdate {
                    one.statement = Statement::default().with(Purpose::Personalization, grant || at % 5 != 0);
                }
                (Offset(at as u64 + 1), one, ProductNo(product), left)
            }).collect();
            let fold = |list: &mut dyn Iterator<Item = &(Offset, Event, ProductNo, bool)>| {
                let mut profile = Profile::default();
                list.for_each(|(offset, event, product, _)| profile.absorb(*offset, event, &[*product]));
                profile
            };
            let whole = fold(&mut events.iter());
            let mut shuffled: Vec<_> = events.iter().collect();
            shuffled.sort_by_key(|(offset, ..)| (offset.0 ^ shuffle).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            prop_assert_eq!(&fold(&mut shuffled.into_iter()), &whole);
            let (left, right) = (fold(&mut events.iter().filter(|one| one.3)), fold(&mut events.iter().filter(|one| !one.3)));
            let (mut there, mut back) = (left.clone(), right.clone());
            there.merge(&right);
            back.merge(&left);
            prop_assert_eq!(&there, &whole);
            prop_assert_eq!(&back, &whole);
        }
    }
}
