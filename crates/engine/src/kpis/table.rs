//! What is counted, and the KPIs as quotients of it: a line each. Leading ones first, what they lead to after them.

/// A count. Its place is part of a checkpoint: append, never reorder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs, reason = "NAMES says what each is")]
pub enum Count {
    Visitors,
    Visits,
    Views,
    Searches,
    Lists,
    Clicks,
    ClickBounces,
    Carts,
    Orders,
    Items,
    Revenue,
    Margin,
    Returns,
    Returned,
    ReturnedMargin,
    RepeatOrders,
    ForeignOrders,
    UnknownReturns,
    ClickOrders,
    ClickRevenue,
    ClickReturned,
    ViewOrders,
    ViewRevenue,
    TimedOrders,
    HoursToOrder,
    Contacts,
    Ratings,
    RatingTenths,
    Messages,
    MessageRevenue,
    Programs,
    Recipients,
    SearchVisits,
    SearchClicks,
    Unplaced,
}

/// A kind of part of what is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each is its name in KINDS")]
pub enum Kind {
    Whole,
    Segment,
    Market,
    Arm,
    Category,
    Placement,
}

/// Every kind with its name.
pub const KINDS: [(Kind, &str); 6] = [
    (Kind::Whole, "whole"),
    (Kind::Segment, "segment"),
    (Kind::Market, "market"),
    (Kind::Arm, "arm"),
    (Kind::Category, "category"),
    (Kind::Placement, "placement"),
];

/// What is said wherever they are shown.
pub const ATTRIBUTED: &str = "What is attributed would partly have been bought anyway: `bespoke experiments holdout` tells what Bespoke adds.";

/// How many there are.
pub const COUNTS: usize = 35;

/// A count as it is told.
pub struct CountSpec {
    /// Which.
    pub count: Count,
    /// Its name.
    pub name: &'static str,
    /// What it counts.
    pub doc: &'static str,
    /// Whether it is money, in minor units.
    pub is_money: bool,
}

const fn count(count: Count, name: &'static str, doc: &'static str) -> CountSpec {
    CountSpec { count, name, doc, is_money: false }
}

const fn money(count: Count, name: &'static str, doc: &'static str) -> CountSpec {
    CountSpec { count, name, doc, is_money: true }
}

/// Every count, in the order of the enum.
pub const NAMES: [CountSpec; COUNTS] = [
    count(Count::Visitors, "visitors", "Different shoppers on a day."),
    count(Count::Visits, "visits", "Visits that began: 30 silent minutes end one."),
    count(Count::Views, "views", "`view_item`."),
    count(
        Count::Searches,
        "searches",
        "`search` and `view_search_results`; the same words again within 30 minutes are the same search.",
    ),
    count(
        Count::Lists,
        "lists",
        "Lists of Bespoke's in view: `view_item_list` with a token and `visible`, and `view_promotion` with a token.",
    ),
    count(Count::Clicks, "clicks", "`select_item` and `select_promotion` with a token."),
    count(
        Count::ClickBounces,
        "click_bounces",
        "Clicks of these after which, but for the page they lead to, nothing came for 30 minutes.",
    ),
    count(Count::Carts, "carts", "`add_to_cart`."),
    count(Count::Orders, "orders", "`purchase`, once per `transaction_id`."),
    count(Count::Items, "items", "Units in them."),
    money(Count::Revenue, "revenue", "Price times quantity; the catalogue's price where a line has none."),
    money(Count::Margin, "margin", "Revenue less cost of goods; nothing of lines whose cost is not known."),
    count(Count::Returns, "returns", "Orders of which something came back, on the day of the order."),
    money(Count::Returned, "returned", "What came back of them, on the day of the order."),
    money(Count::ReturnedMargin, "returned_margin", "Its part of their margin."),
    count(Count::RepeatOrders, "repeat_orders", "Orders of shoppers who had ordered before."),
    count(
        Count::ForeignOrders,
        "foreign_orders",
        "Orders in another currency, which count as orders and not as money.",
    ),
    count(
        Count::UnknownReturns,
        "unknown_returns",
        "Refunds of orders that are not known, on their own day.",
    ),
    count(
        Count::ClickOrders,
        "click_orders",
        "Orders with a product that was clicked in a list of Bespoke's: attributed, not caused.",
    ),
    money(Count::ClickRevenue, "click_revenue", "Attributed revenue: of these products in them."),
    money(Count::ClickReturned, "click_returned", "What came back of them, of what is attributed."),
    count(
        Count::ViewOrders,
        "view_orders",
        "Orders with a product that was seen and not clicked in such a list: attributed, not caused.",
    ),
    money(Count::ViewRevenue, "view_revenue", "Attributed revenue: of these products in them."),
    count(Count::TimedOrders, "timed_orders", "First orders of shoppers."),
    count(
        Count::HoursToOrder,
        "hours_to_order",
        "Whole hours from the shopper's first event to the first order, added up.",
    ),
    count(Count::Contacts, "contacts", "`support_contact`."),
    count(Count::Ratings, "ratings", "`rate_item`."),
    count(Count::RatingTenths, "rating_tenths", "Tenths of stars, added up."),
    count(Count::Messages, "messages", "`message_sent`."),
    money(
        Count::MessageRevenue,
        "message_revenue",
        "Revenue of orders within five days of a click in a message: attributed, not caused.",
    ),
    count(Count::Programs, "programs", "Events of programs, which count for nothing else."),
    count(Count::Recipients, "recipients", "Different shoppers to whom a message went on a day."),
    count(Count::SearchVisits, "search_visits", "Visits with a search."),
    count(Count::SearchClicks, "search_clicks", "`select_item` with the token of a search."),
    count(
        Count::Unplaced,
        "unplaced",
        "Lists and clicks whose decision was no longer remembered: they count for no placement.",
    ),
];

impl Count {
    /// Whether it puts down to something what may have happened anyway.
    pub fn is_attributed(self) -> bool {
        matches!(
            self,
            Self::ClickOrders
                | Self::ClickRevenue
                | Self::ClickReturned
                | Self::ViewOrders
                | Self::ViewRevenue
                | Self::MessageRevenue
        )
    }

    /// Whether parts of a kind have it; of the others it is not known, which is not 0.
    pub fn is_of(self, kind: Kind) -> bool {
        let is_whole_only = matches!(self, Self::Programs | Self::UnknownReturns);
        match kind {
            Kind::Whole => true,
            Kind::Segment | Kind::Market | Kind::Arm => !is_whole_only,
            Kind::Category => matches!(
                self,
                Self::Views
                    | Self::Carts
                    | Self::Orders
                    | Self::Items
                    | Self::Revenue
                    | Self::Margin
                    | Self::Returns
                    | Self::Returned
                    | Self::ReturnedMargin
                    | Self::RepeatOrders
                    | Self::ClickRevenue
                    | Self::ClickReturned
                    | Self::ViewRevenue
            ),
            Kind::Placement => matches!(
                self,
                Self::Lists
                    | Self::Clicks
                    | Self::ClickBounces
                    | Self::ClickOrders
                    | Self::ClickRevenue
                    | Self::ClickReturned
                    | Self::ViewOrders
                    | Self::ViewRevenue
            ),
        }
    }

    /// Whether it says something of the placement that an event names.
    pub fn is_of_placements(self) -> bool {
        matches!(self, Self::Lists | Self::Clicks)
    }
}

/// A KPI: what counts add up to over what others do.
pub struct KpiSpec {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Added, with their signs.
    pub of: &'static [(Count, i64)],
    /// Divided by.
    pub over: Count,
    /// By what the quotient is divided as well.
    pub scale: f64,
    /// Whether it is money, in minor units.
    pub is_money: bool,
}

const fn kpi(name: &'static str, doc: &'static str, (of, over): (&'static [(Count, i64)], Count)) -> KpiSpec {
    KpiSpec { name, doc, of, over, scale: 1.0, is_money: false }
}

const fn of_money(one: KpiSpec) -> KpiSpec {
    KpiSpec { is_money: true, ..one }
}

/// Every KPI.
pub const KPIS: [KpiSpec; 19] = [
    kpi("click_rate", "Clicks per list in view.", (&[(Count::Clicks, 1)], Count::Lists)),
    kpi(
        "clicks_per_visit",
        "Clicks in lists of Bespoke's per visit.",
        (&[(Count::Clicks, 1)], Count::Visits),
    ),
    kpi("searches_per_visit", "Searches per visit.", (&[(Count::Searches, 1)], Count::Visits)),
    kpi("search_rate", "Visits with a search.", (&[(Count::SearchVisits, 1)], Count::Visits)),
    kpi(
        "search_click_rate",
        "Clicks in results of searches, per search.",
        (&[(Count::SearchClicks, 1)], Count::Searches),
    ),
    kpi(
        "click_bounce_rate",
        "Clicks after which nothing came.",
        (&[(Count::ClickBounces, 1)], Count::Clicks),
    ),
    kpi("cart_rate", "Additions to the cart per visit.", (&[(Count::Carts, 1)], Count::Visits)),
    kpi("conversion", "Orders per visit.", (&[(Count::Orders, 1)], Count::Visits)),
    of_money(kpi("order_value", "Revenue per order.", (&[(Count::Revenue, 1)], Count::Orders))),
    of_money(kpi(
        "revenue_per_visitor",
        "Revenue less what came back, per visitor and day.",
        (&[(Count::Revenue, 1), (Count::Returned, -1)], Count::Visitors),
    )),
    of_money(kpi(
        "margin_per_visitor",
        "The same of margin.",
        (&[(Count::Margin, 1), (Count::ReturnedMargin, -1)], Count::Visitors),
    )),
    kpi(
        "repeat_rate",
        "Orders of shoppers who had ordered before.",
        (&[(Count::RepeatOrders, 1)], Count::Orders),
    ),
    kpi("return_rate", "Orders of which something came back.", (&[(Count::Returns, 1)], Count::Orders)),
    kpi(
        "click_return_rate",
        "Revenue that came back, of what is attributed to clicks in lists of Bespoke's.",
        (&[(Count::ClickReturned, 1)], Count::ClickRevenue),
    ),
    kpi(
        "click_share",
        "Revenue attributed to clicks in lists of Bespoke's.",
        (&[(Count::ClickRevenue, 1)], Count::Revenue),
    ),
    KpiSpec { scale: 10.0, ..kpi("rating", "Stars.", (&[(Count::RatingTenths, 1)], Count::Ratings)) },
    kpi("contacts_per_order", "Contacts with support per order.", (&[(Count::Contacts, 1)], Count::Orders)),
    kpi(
        "hours_to_order",
        "Hours from the first event to the first order.",
        (&[(Count::HoursToOrder, 1)], Count::TimedOrders),
    ),
    of_money(kpi(
        "revenue_per_recipient",
        "Revenue attributed to messages, per recipient and day.",
        (&[(Count::MessageRevenue, 1)], Count::Recipients),
    )),
];

impl KpiSpec {
    /// The KPI of the counts of a part; `None` where there is nothing to divide by, or where such parts do not have one of the counts.
    pub fn of(&self, tally: &super::Counts, kind: Kind) -> Option<f64> {
        let mut counts = self.of.iter().map(|(count, _)| *count).chain([self.over]);
        if !counts.all(|count| count.is_of(kind)) {
            return None;
        }
        let over = tally[self.over as usize];
        let sum: i64 = self.of.iter().map(|(count, sign)| tally[*count as usize] * sign).sum();
        (over > 0).then(|| sum as f64 / over as f64 / self.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_in_the_order_of_the_enum() {
        for (at, spec) in NAMES.iter().enumerate() {
            assert_eq!(spec.count as usize, at, "{}", spec.name);
        }
        assert!(KINDS.iter().enumerate().all(|(at, (kind, _))| *kind as usize == at));
    }

    #[test]
    fn what_is_attributed_says_so_and_nothing_says_that_it_is_more() {
        for spec in &NAMES {
            assert_eq!(
                spec.doc.to_lowercase().contains("attributed"),
                spec.count.is_attributed(),
                "{}",
                spec.name
            );
        }
        for spec in &KPIS {
            let is_attributed = spec.of.iter().any(|(count, _)| count.is_attributed());
            assert_eq!(spec.doc.contains("attributed"), is_attributed, "{}", spec.name);
        }
        let said = NAMES.iter().map(|spec| spec.doc).chain(KPIS.iter().map(|spec| spec.doc));
        for word in ["incremental", "adds", "added by", "uplift", "lift"] {
            assert!(said.clone().all(|doc| !doc.contains(word)), "{word}");
        }
    }
}
