//! One visit of one shopper, step by step: pages, lists, clicks, carts, the order and what comes back of it.

use crate::after;
use crate::catalogue::{Product, Shop};
use crate::dice::{Dice, What};
use crate::shopper::{FAVOURITES, Shopper};
use crate::stream::Fact;
use crate::truth;
use crate::words::STYLES;
use bespoke_domain::event::{Details, EventItem, PageType};
use bespoke_domain::time::DAY_MS;
use bespoke_domain::{Currency, Event, EventKind, Millis, Money, Purpose, consent::Statement};

/// Products of a list.
pub const LIST_LEN: u32 = 10;
/// Share of lists in an order without regard to appeal.
const SHUFFLED_SHARE: f64 = 0.15;
/// The list in the shop's order, and the one in no order.
pub const LISTS: [&str; 2] = ["listing", "listing_shuffled"];

/// Rolls the visit numbered `no` at `time`; its events in the order of time, and later ones such as a refund.
pub fn roll(shop: &Shop, no: u64, time: Millis) -> Vec<Fact> {
    let mut dice = Dice::new(shop.params.seed, What::Visit, no);
    let shopper = Shopper::new(shop, dice.skewed(shop.params.shoppers, 1.7));
    let is_signed_in = shopper.has_account && dice.happens(0.5);
    let mut visit =
        Visit { shop, no, shopper, dice, time, is_signed_in: false, cart: Vec::new(), facts: Vec::new() };
    visit.arrive(is_signed_in);
    let leaf = visit.intent();
    for _ in 0..1 + visit.dice.skewed(4, 2.0) {
        visit.browse(leaf);
    }
    let mut kept = Vec::new();
    if !visit.cart.is_empty() {
        kept = visit.check_out();
    }
    after::add(&mut visit, leaf, &kept);
    visit.facts
}

pub(crate) struct Visit<'a> {
    pub shop: &'a Shop,
    pub no: u64,
    pub shopper: Shopper,
    dice: Dice,
    pub time: Millis,
    pub is_signed_in: bool,
    cart: Vec<Product>,
    pub facts: Vec<Fact>,
}

impl Visit<'_> {
    fn event(&mut self, kind: EventKind, page: PageType) -> Event {
        self.time = self.time.plus(2_000 + self.dice.wait(15_000.0) as i64);
        let mut event = Event::new(kind, self.time);
        event.session = self.no + 1;
        event.page = page;
        event.consent = self.shopper.consent;
        event
    }

    pub fn push(&mut self, event: Event) {
        self.facts.push(Fact { shopper: self.shopper.no, is_signed_in: self.is_signed_in, event });
    }

    fn say(&mut self, kind: EventKind, page: PageType) {
        let event = self.event(kind, page);
        self.push(event);
    }

    fn say_items(
        &mut self,
        kind: EventKind,
        page: PageType,
        items: Vec<EventItem>,
        details: Option<Details>,
    ) {
        let mut event = self.event(kind, page);
        event.currency = Some(Currency::EUR);
        event.items = items;
        event.details = details.map(Box::new);
        self.push(event);
    }

    pub fn item(&self, product: &Product, index: Option<u16>) -> EventItem {
        EventItem {
            item_id: self.shop.id(product.no),
            quantity: 1,
            price_minor: Some(product.price_minor),
            index,
            ext: None,
        }
    }

    fn items_of_cart(&self) -> Vec<EventItem> {
        self.cart.iter().map(|product| self.item(product, None)).collect()
    }

    fn arrive(&mut self, is_signed_in: bool) {
        if self.dice.happens(0.4) {
            self.say(EventKind::PageView, PageType::Home);
        }
        if self.dice.happens(0.1) {
            self.say(EventKind::ViewPromotion, PageType::Home);
            if self.dice.happens(0.1) {
                self.say(EventKind::SelectPromotion, PageType::Home);
            }
        }
        if self.dice.happens(0.03) {
            self.state_consent();
        }
        if is_signed_in {
            self.is_signed_in = true;
            let kind = if self.dice.happens(0.05) { EventKind::SignUp } else { EventKind::Login };
            self.say(kind, PageType::Account);
        }
    }

    fn state_consent(&mut self) {
        let mut event = self.event(EventKind::ConsentUpdate, PageType::Other);
        let said =
            |statement: Statement, purpose| statement.with(purpose, self.shopper.consent.allows(purpose));
        event.statement = [Purpose::Analytics, Purpose::Personalization, Purpose::Marketing]
            .into_iter()
            .fold(Statement::default(), said);
        self.push(event);
    }

    /// The leaf the shopper comes for: a favourite or any other, out of season less often.
    fn intent(&mut self) -> u32 {
        for _ in 0..4 {
            let leaf = self.leaf_by_taste();
            let most = 1.0 + truth::SEASON_SWING;
            if self.dice.happens(truth::season(self.shop.department(leaf), self.time) / most) {
                return leaf;
            }
        }
        self.leaf_by_taste()
    }

    fn leaf_by_taste(&mut self) -> u32 {
        if self.dice.happens(truth::ANY_LEAF_SHARE) {
            return self.dice.skewed(self.shop.leaf_count(), truth::ANY_LEAF_POWER);
        }
        let mut roll = self.dice.unit();
        for (leaf, weight) in self.shopper.leaves.into_iter().zip(FAVOURITES) {
            roll -= weight;
            if roll < 0.0 {
                return leaf;
            }
        }
        self.shopper.leaves[0]
    }

    /// Finds a list, looks down it, clicks on what it likes.
    fn browse(&mut self, leaf: u32) {
        let page = self.find_list(leaf);
        let (products, list) = self.list(leaf);
        let shown = (0_u16..).zip(&products).map(|(k, product)| self.item(product, Some(k))).collect();
        let details = Details { placement: Some(list.into()), ..Details::default() };
        self.say_items(EventKind::ViewItemList, page, shown, Some(details.clone()));
        if let Some(last) = self.facts.last_mut() {
            last.event.visible = true;
        }
        for (k, product) in (0_u16..).zip(&products) {
            let wanted = truth::utility(self.shop, &self.shopper, product);
            let is_seen = self.dice.happens(truth::examination(u32::from(k)));
            if is_seen && self.dice.happens(truth::click_if_seen(wanted)) {
                let clicked = vec![self.item(product, Some(k))];
                self.say_items(EventKind::SelectItem, page, clicked, Some(details.clone()));
                self.look_at(product);
            }
        }
    }

    fn find_list(&mut self, leaf: u32) -> PageType {
        if !self.dice.happens(0.3) {
            self.say(EventKind::PageView, PageType::Category);
            return PageType::Category;
        }
        let path = self.shop.path(leaf);
        let name = path.rsplit(" > ").next().unwrap_or_default().to_lowercase();
        let term = if self.dice.happens(0.3) {
            format!("{} {name}", self.shop.style_name(self.shopper.style))
        } else {
            name
        };
        for kind in [EventKind::Search, EventKind::ViewSearchResults] {
            let details = Details { search_term: Some(term.as_str().into()), ..Details::default() };
            let mut event = self.event(kind, PageType::Search);
            event.details = Some(Box::new(details));
            self.push(event);
        }
        PageType::Search
    }

    /// A page of a leaf, in the shop's order (the most appealing first) or in none.
    fn list(&mut self, leaf: u32) -> (Vec<Product>, &'static str) {
        let groups = self.shop.group_count(leaf);
        let is_shuffled = self.dice.happens(SHUFFLED_SHARE);
        let first = self.dice.skewed(groups.div_ceil(LIST_LEN), 3.0) * LIST_LEN;
        let mut products: Vec<Product> = Vec::with_capacity(LIST_LEN as usize);
        for k in 0..LIST_LEN.min(groups) {
            let group = if is_shuffled { self.dice.below(groups) } else { first + k };
            if group >= groups || products.iter().any(|product| product.group == group) {
                continue;
            }
            let size = self.dice.below(4);
            products.push(self.shop.product(self.shop.row_of(leaf, group, size)));
        }
        (products, LISTS[usize::from(is_shuffled)])
    }

    /// Views a product; perhaps saves, shares or takes it, or looks at what could stand in for it.
    fn look_at(&mut self, product: &Product) {
        let wanted = truth::utility(self.shop, &self.shopper, product);
        self.view(product);
        if self.dice.happens(0.03) {
            let saved = vec![self.item(product, None)];
            self.say_items(EventKind::AddToWishlist, PageType::Product, saved, None);
        }
        if self.dice.happens(0.01) {
            self.say(EventKind::Share, PageType::Product);
        }
        if self.dice.happens(0.5)
            && let Some(other) = self.one_of_style(product.leaf, product.style)
        {
            self.view(&other);
        }
        self.take(product, wanted);
        if self.cart.last().is_some_and(|last| last.no == product.no)
            && self.dice.happens(0.4)
            && let Some(other) = self.one_of_style(self.shop.leaf_that_goes_with(product.leaf), product.style)
        {
            self.view(&other);
            self.take(&other, wanted + truth::COMPLEMENT_BONUS);
        }
    }

    fn view(&mut self, product: &Product) {
        let viewed = vec![self.item(product, None)];
        self.say_items(EventKind::ViewItem, PageType::Product, viewed, None);
    }

    fn take(&mut self, product: &Product, wanted: f64) {
        let has_it = self.cart.iter().any(|held| held.no == product.no);
        if product.stock == 0 || has_it || !self.dice.happens(truth::cart_if_viewed(wanted)) {
            return;
        }
        let taken = vec![self.item(product, None)];
        self.say_items(EventKind::AddToCart, PageType::Product, taken, None);
        self.cart.push(product.clone());
    }

    fn one_of_style(&mut self, leaf: u32, style: u32) -> Option<Product> {
        let styles = STYLES.len() as u32;
        let with_style = self.shop.group_count(leaf).saturating_sub(style).div_ceil(styles);
        if with_style == 0 {
            return None;
        }
        let group = style + styles * self.dice.skewed(with_style, 2.0);
        let size = self.dice.below(4);
        Some(self.shop.product(self.shop.row_of(leaf, group, size)))
    }

    /// Returns what was bought and kept.
    fn check_out(&mut self) -> Vec<Product> {
        self.say(EventKind::ViewCart, PageType::Cart);
        if self.dice.happens(0.1)
            && let Some(dropped) = self.cart.pop()
        {
            let dropped = vec![self.item(&dropped, None)];
            self.say_items(EventKind::RemoveFromCart, PageType::Cart, dropped, None);
        }
        if self.dice.happens(0.02) {
            let details = Details { custom: Some("x_gift_wrapped".into()), ..Details::default() };
            self.say_items(EventKind::Custom, PageType::Cart, Vec::new(), Some(details));
        }
        if self.cart.is_empty() || !self.dice.happens(0.7) {
            return Vec::new();
        }
        for kind in [EventKind::BeginCheckout, EventKind::AddShippingInfo, EventKind::AddPaymentInfo] {
            self.say(kind, PageType::Checkout);
            if self.dice.happens(0.04) {
                return Vec::new();
            }
        }
        self.buy()
    }

    fn buy(&mut self) -> Vec<Product> {
        let total = self.cart.iter().map(|product| product.price_minor).sum();
        let details = Details {
            transaction_id: Some(format!("T{}", self.no).into()),
            value: Some(Money { minor: total, currency: Currency::EUR }),
            ..Details::default()
        };
        let bought = self.items_of_cart();
        self.say_items(EventKind::Purchase, PageType::Confirmation, bought, Some(details));
        let cart = std::mem::take(&mut self.cart);
        let comes_back = |product: &Product| self.dice.happens(product.return_rate);
        let (back, kept): (Vec<Product>, Vec<Product>) = cart.into_iter().partition(comes_back);
        if back.is_empty() {
            return kept;
        }
        self.time = self.time.plus(3 * DAY_MS + self.dice.wait(5.0 * DAY_MS as f64) as i64);
        let details = Details { transaction_id: Some(format!("T{}", self.no).into()), ..Details::default() };
        let items = back.iter().map(|product| self.item(product, None)).collect();
        self.say_items(EventKind::Refund, PageType::Other, items, Some(details));
        kept
    }
}
