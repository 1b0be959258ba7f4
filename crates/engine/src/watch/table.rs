//! What is watched: a line each, with what a change of it means, what to do, and when not to trust it.

use super::judge::Look;
use serde::{Deserialize, Serialize};

/// A watch. Its place is part of a checkpoint: append, never reorder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "WATCHES says what each is")]
pub enum Watched {
    EventMix,
    PriceShown,
    PriceOrdered,
    Features,
    MissingInFeed,
    MissingInEvents,
    Calibration,
    ClickRate,
    Conversion,
    NoResults,
    Fallbacks,
    TopShare,
    Gini,
    Coverage,
    Exposure,
    CategoryEntropy,
    Repetition,
    ReasonDistance,
}

/// Which way it must not go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "as they say")]
pub enum Direction {
    Up,
    Down,
    Either,
}

/// A change that does not matter, however sure it is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Tolerated {
    /// In the measure's own unit.
    Points(f64),
    /// As a share of what is usual.
    Share(f64),
}

/// How a measure is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// A share, told in per cent.
    Share,
    /// A number.
    Number,
}

/// A watch as it is told.
#[derive(Debug)]
pub struct WatchSpec {
    /// Which.
    pub watch: Watched,
    /// Its name.
    pub name: &'static str,
    /// What is measured, a day at a time.
    pub doc: &'static str,
    /// What it is measured of, where there is more than one of them.
    pub of: &'static str,
    /// How it is written.
    pub unit: Unit,
    /// Which way it must not go.
    pub direction: Direction,
    /// A change that does not matter.
    pub tolerated: Tolerated,
    /// Fewest cases of a day that is looked at.
    pub cases_min: u64,
    /// What to do.
    pub fix: &'static str,
    /// When not to trust it.
    pub doubt: &'static str,
}

/// Every watch, in the order of the enum: what comes in, how well it does, who is shown, how personal it is.
pub const WATCHES: [WatchSpec; 18] = [
    WatchSpec {
        watch: Watched::EventMix,
        name: "event_mix",
        doc: "Stability index of the kinds of events.",
        of: "",
        unit: Unit::Number,
        direction: Direction::Up,
        tolerated: Tolerated::Points(0.1),
        cases_min: 500,
        fix: "Compare the counts by kind with last week's: a tag may be gone, or sent twice.",
        doubt: "A campaign that brings other people changes the mix, and nothing is broken.",
    },
    WatchSpec {
        watch: Watched::PriceShown,
        name: "price_shown",
        doc: "Stability index of the prices of products shown.",
        of: "",
        unit: Unit::Number,
        direction: Direction::Up,
        tolerated: Tolerated::Points(0.1),
        cases_min: 500,
        fix: "See whether the feed's prices are right: currency, tax, decimal point. Then whether a rule or model favours others.",
        doubt: "A sale changes prices too. Prices are those of the catalogue when it was shown.",
    },
    WatchSpec {
        watch: Watched::PriceOrdered,
        name: "price_ordered",
        doc: "Stability index of the prices of units ordered.",
        of: "",
        unit: Unit::Number,
        direction: Direction::Up,
        tolerated: Tolerated::Points(0.2),
        cases_min: 50,
        fix: "See whether orders come with the price of one unit, in the shop's currency.",
        doubt: "Few orders tell little; the threshold grows as they get fewer.",
    },
    WatchSpec {
        watch: Watched::Features,
        name: "features",
        doc: "Stability index of what a ranker is told of products, missing values as a bin of their own.",
        of: "feature",
        unit: Unit::Number,
        direction: Direction::Up,
        tolerated: Tolerated::Points(0.25),
        cases_min: 500,
        fix: "See what became of the source or field behind it; train again once it is right.",
        doubt: "Of 60 features some are the same thing told twice. A new list of sources begins anew, without an alarm.",
    },
    WatchSpec {
        watch: Watched::MissingInFeed,
        name: "missing_in_feed",
        doc: "Rows of the feed without the field.",
        of: "field",
        unit: Unit::Share,
        direction: Direction::Up,
        tolerated: Tolerated::Points(0.01),
        cases_min: 50,
        fix: "See whether the export still has the field, under the name it had.",
        doubt: "A feed of changes only says nothing of rows that it leaves out.",
    },
    WatchSpec {
        watch: Watched::MissingInEvents,
        name: "missing_in_events",
        doc: "Events without the field, of those that should have it.",
        of: "field",
        unit: Unit::Share,
        direction: Direction::Up,
        tolerated: Tolerated::Points(0.02),
        cases_min: 100,
        fix: "See whether the last release of the shop still sends the field.",
        doubt: "Where it has always been missing nothing changes: see the value itself.",
    },
    WatchSpec {
        watch: Watched::Calibration,
        name: "calibration",
        doc: "Calibration error of foreseen clicks, over products in view.",
        of: "placement",
        unit: Unit::Number,
        direction: Direction::Up,
        tolerated: Tolerated::Points(0.005),
        cases_min: 500,
        fix: "Train again; if it stays, see whether clicks still come with their token.",
        doubt: "Only placements with an objective foresee anything. A constant error is not drift.",
    },
    WatchSpec {
        watch: Watched::ClickRate,
        name: "click_rate",
        doc: "Clicks per list in view.",
        of: "placement or segment",
        unit: Unit::Share,
        direction: Direction::Down,
        tolerated: Tolerated::Share(0.2),
        cases_min: 100,
        fix: "See the placement on its page, then what changed that day: settings, models, the catalogue.",
        doubt: "More lists on a page lower it without harm. An experiment tells what helps; this tells only that something changed.",
    },
    WatchSpec {
        watch: Watched::Conversion,
        name: "conversion",
        doc: "Orders per visit.",
        of: "",
        unit: Unit::Share,
        direction: Direction::Down,
        tolerated: Tolerated::Share(0.25),
        cases_min: 200,
        fix: "Try an order yourself; then see whether orders still come in from the shop's server.",
        doubt: "Cheap traffic lowers it. Visits without consent are not counted.",
    },
    WatchSpec {
        watch: Watched::NoResults,
        name: "no_results",
        doc: "Searches that find nothing.",
        of: "",
        unit: Unit::Share,
        direction: Direction::Up,
        tolerated: Tolerated::Points(0.05),
        cases_min: 100,
        fix: "`bespoke queries` lists them; a feed that lost titles or categories does this too.",
        doubt: "A program that tries words raises it, unless it is recognised.",
    },
    WatchSpec {
        watch: Watched::Fallbacks,
        name: "fallbacks",
        doc: "Decisions that fell back to popular products or to nothing.",
        of: "placement",
        unit: Unit::Share,
        direction: Direction::Up,
        tolerated: Tolerated::Points(0.1),
        cases_min: 100,
        fix: "`bespoke why` on one of them says which source yields too little.",
        doubt: "New shoppers leave less to go on: a campaign raises it.",
    },
    WatchSpec {
        watch: Watched::TopShare,
        name: "top_share",
        doc: "Share of what is shown that is of the most shown 1 % of products.",
        of: "",
        unit: Unit::Share,
        direction: Direction::Up,
        tolerated: Tolerated::Points(0.05),
        cases_min: 1_000,
        fix: "See whether a rule pins or boosts, or a model has become a list of best sellers; exploration and diversity caps help.",
        doubt: "In a small catalogue 1 % is a handful of products.",
    },
    WatchSpec {
        watch: Watched::Gini,
        name: "gini",
        doc: "Gini coefficient of how often products that can be bought are shown, those never shown among them.",
        of: "",
        unit: Unit::Number,
        direction: Direction::Up,
        tolerated: Tolerated::Points(0.05),
        cases_min: 1_000,
        fix: "As with `top_share`.",
        doubt: "Less traffic alone raises it. What was served counts, in view or not.",
    },
    WatchSpec {
        watch: Watched::Coverage,
        name: "coverage",
        doc: "Different products among 1,000 slots drawn from the day's, by expectation.",
        of: "",
        unit: Unit::Number,
        direction: Direction::Down,
        tolerated: Tolerated::Share(0.15),
        cases_min: 1_000,
        fix: "See whether much went out of stock, or a filter removes too much.",
        doubt: "It does not depend on traffic, but on which pages are asked for.",
    },
    WatchSpec {
        watch: Watched::Exposure,
        name: "exposure",
        doc: "A brand's share of what is shown over its share of what can be bought; 1 is in proportion.",
        of: "brand",
        unit: Unit::Number,
        direction: Direction::Either,
        tolerated: Tolerated::Share(0.75),
        cases_min: 1_000,
        fix: "See whether a rule, a price or the stock of the brand changed.",
        doubt: "Shoppers want some brands more: in proportion to supply is not fair by itself. A change is what is told, and only one of 3 % of all slots or more.",
    },
    WatchSpec {
        watch: Watched::CategoryEntropy,
        name: "category_entropy",
        doc: "Entropy in bits of the categories that a shopper is shown in a day, mean over shoppers shown 12 or more; of personal slates.",
        of: "",
        unit: Unit::Number,
        direction: Direction::Down,
        tolerated: Tolerated::Share(0.25),
        cases_min: 20,
        fix: "A filter bubble: cap slots per category (`diversity`), mix in a source that is not personal, look at the newest model.",
        doubt: "Lists of a category and of a search are left out. A bubble that was there from the start is no change: see the value.",
    },
    WatchSpec {
        watch: Watched::Repetition,
        name: "repetition",
        doc: "Slots with a product that was among the last 48 that the shopper was shown; of personal slates.",
        of: "",
        unit: Unit::Share,
        direction: Direction::Up,
        tolerated: Tolerated::Points(0.1),
        cases_min: 500,
        fix: "The filter `seen_often`, or a source that turns over faster.",
        doubt: "A shopper who asks for the same page twice sees it twice. It rises in a shop's first weeks.",
    },
    WatchSpec {
        watch: Watched::ReasonDistance,
        name: "reason_distance",
        doc: "How much more personal reasons are than page and consent suggest, in levels per slot of personal slates.",
        of: "",
        unit: Unit::Number,
        direction: Direction::Up,
        tolerated: Tolerated::Points(0.1),
        cases_min: 200,
        fix: "Move sources that name what a shopper did to pages where it is expected, or tell of it less exactly.",
        doubt: "Levels are ours, not measured from shoppers: 1 this visit, 2 what it was before, 3 a product it names.",
    },
];

impl Watched {
    /// Its line.
    pub fn spec(self) -> &'static WatchSpec {
        &WATCHES[self as usize]
    }
}

impl WatchSpec {
    /// The watch with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        WATCHES.iter().find(|spec| spec.name == name)
    }

    /// A look in a sentence.
    pub fn sentence(&self, of: &str, look: &Look) -> String {
        let of = if of.is_empty() { String::new() } else { format!(" of {of}") };
        let bounds = match (look.low, look.high) {
            (Some(low), Some(high)) => format!("{} to {} is", self.text(low), self.text(high)),
            (Some(low), None) => format!("{} or more is", self.text(low)),
            (_, high) => format!("{} or less is", self.text(high.unwrap_or(f64::NAN))),
        };
        let (value, usual) = (self.text(look.value), self.text(look.usual));
        format!("{}{of} was {value}, {usual} is usual, and {bounds} nothing to speak of", self.name)
    }

    fn text(&self, value: f64) -> String {
        match self.unit {
            Unit::Share => format!("{:.1} %", 100.0 * value),
            Unit::Number => format!("{value:.3}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watches_are_in_the_order_of_the_enum_and_named_once() {
        for (at, spec) in WATCHES.iter().enumerate() {
            assert_eq!(spec.watch as usize, at, "{}", spec.name);
            let named = WatchSpec::named(spec.name).map(|one| one.watch as usize);
            assert_eq!((named, spec.watch.spec().name), (Some(at), spec.name));
        }
    }

    #[test]
    fn a_look_is_told_with_what_is_usual() {
        let look = Look { day: 1, cases: 9, value: 0.0123, usual: 0.05, low: Some(0.04), high: None };
        let spec = Watched::ClickRate.spec();
        assert_eq!(
            spec.sentence("home", &look),
            "click_rate of home was 1.2 %, 5.0 % is usual, and 4.0 % or more is nothing to speak of"
        );
    }
}
