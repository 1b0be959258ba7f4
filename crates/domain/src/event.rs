//! Facts from the shop, with the names of GA4 e-commerce. The wire shape is the server's; this is what the log keeps.

use crate::consent::{Consent, Statement};
use crate::id::{DecisionId, ShopperNo};
use crate::money::{Currency, Money};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is its GA4 name; KINDS gives it and what it means here")]
pub enum EventKind {
    PageView,
    ViewItem,
    ViewItemList,
    SelectItem,
    Search,
    ViewSearchResults,
    AddToCart,
    RemoveFromCart,
    ViewCart,
    AddToWishlist,
    BeginCheckout,
    AddShippingInfo,
    AddPaymentInfo,
    Purchase,
    Refund,
    ViewPromotion,
    SelectPromotion,
    Login,
    SignUp,
    Share,
    ConsentUpdate,
    /// A shop's own event, named `x_…` in [`Details::custom`].
    Custom,
    RemoveFromWishlist,
    RateItem,
    DismissItem,
    FilterApplied,
    SupportContact,
    Identify,
    MessageSent,
    MessageOpened,
    MessageClicked,
    MessageConverted,
    MessageBounced,
    MessageUnsubscribed,
}

/// What an event of a kind must carry to be accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// Nothing beyond the envelope.
    Nothing,
    /// At least one item with an `item_id`.
    Items,
    /// A `search_term`.
    SearchTerm,
    /// Items and a `transaction_id`.
    Order,
    /// A `transaction_id`; without items the whole order is meant.
    Transaction,
    /// A `consent` object.
    Consent,
    /// Items and a `rating`.
    Rating,
    /// Both `anonymous_id` and `user_id`.
    BothIds,
    /// A `channel`, such as mail or sms.
    Channel,
}

/// One line a kind: its wire name, what it needs, what it says about the shopper.
pub struct KindSpec {
    /// The kind.
    pub kind: EventKind,
    /// The name on the wire.
    pub name: &'static str,
    /// What it must carry.
    pub needs: Needs,
    /// One sentence for the documentation.
    pub doc: &'static str,
}

const fn kind(kind: EventKind, name: &'static str, needs: Needs, doc: &'static str) -> KindSpec {
    KindSpec { kind, name, needs, doc }
}

/// Every event kind. The wire, the documentation and the validation read this table.
pub const KINDS: [KindSpec; 34] = [
    kind(EventKind::PageView, "page_view", Needs::Nothing, "A page was shown; `page.type` says which kind."),
    kind(EventKind::ViewItem, "view_item", Needs::Items, "A product page was shown."),
    kind(
        EventKind::ViewItemList,
        "view_item_list",
        Needs::Items,
        "A list was rendered; `visible: true` when it was in view for a second.",
    ),
    kind(EventKind::SelectItem, "select_item", Needs::Items, "A product was clicked in a list."),
    kind(EventKind::Search, "search", Needs::SearchTerm, "The shopper searched."),
    kind(
        EventKind::ViewSearchResults,
        "view_search_results",
        Needs::SearchTerm,
        "Search results were shown.",
    ),
    kind(EventKind::AddToCart, "add_to_cart", Needs::Items, "Products went into the cart."),
    kind(EventKind::RemoveFromCart, "remove_from_cart", Needs::Items, "Products left the cart."),
    kind(EventKind::ViewCart, "view_cart", Needs::Nothing, "The cart was shown."),
    kind(EventKind::AddToWishlist, "add_to_wishlist", Needs::Items, "Products were saved for later."),
    kind(EventKind::BeginCheckout, "begin_checkout", Needs::Nothing, "Checkout began."),
    kind(EventKind::AddShippingInfo, "add_shipping_info", Needs::Nothing, "Shipping was chosen."),
    kind(EventKind::AddPaymentInfo, "add_payment_info", Needs::Nothing, "Payment was chosen."),
    kind(EventKind::Purchase, "purchase", Needs::Order, "An order was placed."),
    kind(EventKind::Refund, "refund", Needs::Transaction, "An order, or the named items of it, came back."),
    kind(EventKind::ViewPromotion, "view_promotion", Needs::Nothing, "A promotion was shown."),
    kind(EventKind::SelectPromotion, "select_promotion", Needs::Nothing, "A promotion was clicked."),
    kind(EventKind::Login, "login", Needs::Nothing, "The shopper signed in."),
    kind(EventKind::SignUp, "sign_up", Needs::Nothing, "The shopper made an account."),
    kind(EventKind::Share, "share", Needs::Nothing, "Something was shared."),
    kind(
        EventKind::ConsentUpdate,
        "consent_update",
        Needs::Consent,
        "The shopper granted or withdrew a purpose.",
    ),
    kind(EventKind::Custom, "x_*", Needs::Nothing, "The shop's own event; kept, not learnt from."),
    kind(
        EventKind::RemoveFromWishlist,
        "remove_from_wishlist",
        Needs::Items,
        "Products are no longer saved.",
    ),
    kind(EventKind::RateItem, "rate_item", Needs::Rating, "The shopper gave products a `rating`, 0 to 5."),
    kind(
        EventKind::DismissItem,
        "dismiss_item",
        Needs::Items,
        "Not for me: products the shopper does not want to see.",
    ),
    kind(EventKind::FilterApplied, "filter_applied", Needs::Nothing, "A list was filtered."),
    kind(
        EventKind::SupportContact,
        "support_contact",
        Needs::Nothing,
        "The shopper asked for help; `items`, `reason` and `outcome` say about what.",
    ),
    kind(EventKind::Identify, "identify", Needs::BothIds, "A browser and a customer are one shopper."),
    kind(EventKind::MessageSent, "message_sent", Needs::Channel, "A message went out."),
    kind(EventKind::MessageOpened, "message_opened", Needs::Channel, "A message was opened."),
    kind(EventKind::MessageClicked, "message_clicked", Needs::Channel, "A link of a message was followed."),
    kind(
        EventKind::MessageConverted,
        "message_converted",
        Needs::Channel,
        "A message led to what it was for.",
    ),
    kind(EventKind::MessageBounced, "message_bounced", Needs::Channel, "A message did not arrive."),
    kind(
        EventKind::MessageUnsubscribed,
        "message_unsubscribed",
        Needs::Channel,
        "The shopper wants no more messages; marketing is denied from then on.",
    ),
];

impl EventKind {
    /// The kind with this wire name; every `x_…` is [`EventKind::Custom`].
    pub fn parse(name: &str) -> Option<Self> {
        if name.starts_with("x_") && name.len() > 2 {
            return Some(Self::Custom);
        }
        KINDS.iter().find(|spec| spec.name == name).map(|spec| spec.kind)
    }

    /// The kind's line in [`KINDS`].
    pub fn spec(self) -> &'static KindSpec {
        &KINDS[self as usize]
    }
}

/// Where in the shop something happened or is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is its wire name in PAGE_TYPES")]
pub enum PageType {
    Home,
    Category,
    Product,
    Search,
    Cart,
    Checkout,
    Confirmation,
    Account,
    #[default]
    Other,
}

/// Every page type with its wire name.
pub const PAGE_TYPES: [(PageType, &str); 9] = [
    (PageType::Home, "home"),
    (PageType::Category, "category"),
    (PageType::Product, "product"),
    (PageType::Search, "search"),
    (PageType::Cart, "cart"),
    (PageType::Checkout, "checkout"),
    (PageType::Confirmation, "confirmation"),
    (PageType::Account, "account"),
    (PageType::Other, "other"),
];

impl PageType {
    /// The page type with this wire name.
    pub fn parse(name: &str) -> Option<Self> {
        PAGE_TYPES.iter().find(|(_, text)| *text == name).map(|(page, _)| *page)
    }

    /// The wire name.
    pub fn name(self) -> &'static str {
        PAGE_TYPES[self as usize].1
    }
}

/// What something was done on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is its wire name in DEVICES")]
pub enum Device {
    #[default]
    Unknown,
    Mobile,
    Desktop,
    Tablet,
    /// The shop's own app, on whatever.
    App,
}

/// Every device with its wire name.
pub const DEVICES: [(Device, &str); 5] = [
    (Device::Unknown, "unknown"),
    (Device::Mobile, "mobile"),
    (Device::Desktop, "desktop"),
    (Device::Tablet, "tablet"),
    (Device::App, "app"),
];

impl Device {
    /// The device with this wire name.
    pub fn parse(name: &str) -> Option<Self> {
        DEVICES.iter().find(|(_, text)| *text == name).map(|(device, _)| *device)
    }

    /// The wire name.
    pub fn name(self) -> &'static str {
        DEVICES[self as usize].1
    }
}

/// One product in an event.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct EventItem {
    /// GA4 `item_id`, the id of the sellable row.
    pub item_id: String,
    /// Units; 1 where the shop said nothing.
    pub quantity: u32,
    /// Price of one unit, minor units of the event's currency.
    pub price_minor: Option<i64>,
    /// Position in the list, from 0.
    pub index: Option<u16>,
    /// The other GA4 item fields as JSON text (name, brand, coupon, discount, …), size-capped by the server.
    pub ext: Option<Box<str>>,
}

/// What only few events carry. Boxed, so that the many do not pay for it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Details {
    /// Order number of a purchase or refund.
    pub transaction_id: Option<Box<str>>,
    /// What was searched for.
    pub search_term: Option<Box<str>>,
    /// How many products a search found.
    pub result_count: Option<u32>,
    /// GA4 `value`.
    pub value: Option<Money>,
    /// Tax in minor units of the currency.
    pub tax_minor: Option<i64>,
    /// Shipping in minor units of the currency.
    pub shipping_minor: Option<i64>,
    /// Coupon of the order.
    pub coupon: Option<Box<str>>,
    /// The name of a custom event, `x_…`.
    pub custom: Option<Box<str>>,
    /// The list of a list event: GA4 `item_list_id` or our `placement_id`.
    pub placement: Option<Box<str>>,
    /// The content block of a promotion event: GA4 `promotion_id`.
    pub promotion: Option<Box<str>>,
    /// Where on the page it was: GA4 `creative_slot`.
    pub creative_slot: Option<Box<str>>,
    /// `/path` of the page, query stripped.
    pub path: Option<Box<str>>,
    /// What the shopper gave, 0 to 5.
    pub rating: Option<f32>,
    /// A code of why: of a support contact, a dismissal, a bounce.
    pub reason: Option<Box<str>>,
    /// A code of what came of a support contact.
    pub outcome: Option<Box<str>>,
    /// How a message goes: `mail`, `sms`, ….
    pub channel: Option<Box<str>>,
    /// Which message.
    pub message: Option<Box<str>>,
    /// Whatever else the shop sent, as JSON text, at most 2 KiB.
    pub ext: Option<Box<str>>,
}

/// One fact, as the log keeps it: validated, de-duplicated, its shopper a number, its consent resolved.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Keyed hash of `event_id`, for de-duplication; the id itself is not kept.
    pub key: u64,
    /// What happened.
    pub kind: EventKind,
    /// When it happened, by the shop's clock.
    pub time: Millis,
    /// Keyed hash of `session_id`; 0 where none was given.
    pub session: u64,
    /// What the shopper allows, resolved when the event came in.
    pub consent: Consent,
    /// What this event itself says about consent.
    pub statement: Statement,
    /// A second identity seen on the same event: both belong to one shopper from here on.
    pub link: Option<ShopperNo>,
    /// By what its identities are put into arms, where this is the first that is heard of them: the shopper, and the second identity;
    /// 0 = heard of before.
    pub buckets: (u64, u64),
    /// Where it happened.
    pub page: PageType,
    /// On what; by the event's own word, else by the user agent, which is not kept.
    pub device: Device,
    /// Whether a rendered list was in view (≥ 50 % for ≥ 1 s).
    pub visible: bool,
    /// Currency of prices in `items`.
    pub currency: Option<Currency>,
    /// The products it is about, at most 200.
    pub items: Vec<EventItem>,
    /// The decision whose `rec_token` it carries.
    pub decision: Option<DecisionId>,
    /// How likely a program sent it rather than a person, in per cent, judged when it came in.
    pub bot: u8,
    /// What few events carry.
    pub details: Option<Box<Details>>,
}

/// From which likelihood on nothing is learnt from an event or a request, in per cent.
pub const BOT_MIN: u8 = 50;

impl Event {
    /// Whether it is taken for a program's: kept for audit, learnt nothing from, left out of measures.
    pub fn is_bot(&self) -> bool {
        self.bot >= BOT_MIN
    }

    /// An event of `kind` at `time` with nothing else said.
    pub fn new(kind: EventKind, time: Millis) -> Self {
        Self {
            key: 0,
            kind,
            time,
            session: 0,
            consent: Consent::DENIED,
            statement: Statement::default(),
            link: None,
            buckets: (0, 0),
            page: PageType::Other,
            device: Device::Unknown,
            visible: false,
            currency: None,
            items: Vec::new(),
            decision: None,
            bot: 0,
            details: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for spec in &KINDS {
            assert_eq!(spec.kind.spec().name, spec.name);
        }
        for (page, name) in PAGE_TYPES {
            assert_eq!((page.name(), PageType::parse(name)), (name, Some(page)));
        }
        for (device, name) in DEVICES {
            assert_eq!((device.name(), Device::parse(name)), (name, Some(device)));
        }
    }

    #[test]
    fn names_are_read_and_unknown_ones_are_not() {
        assert_eq!(EventKind::parse("purchase"), Some(EventKind::Purchase));
        assert_eq!(EventKind::parse("x_gift_wrapped"), Some(EventKind::Custom));
        for unknown in ["", "x_", "Purchase", "view"] {
            assert_eq!(EventKind::parse(unknown), None, "{unknown}");
        }
    }
}
