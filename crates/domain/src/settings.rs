//! What the shop's people set: the shop's own facts and its placements. Imported whole from TOML by the server, kept in
//! the log, swapped atomically. Names of sources, filters, scorers and rules are checked against the engine's tables.

use crate::challenge::Challenge;
use crate::condition::Condition;
use crate::content::{Bandit, Block};
use crate::event::PageType;
use crate::experiment::{Experiment, Holdout};
use crate::money::Currency;
use crate::time::{DAY_MS, MINUTE_MS, Millis};
use serde::{Deserialize, Serialize};

/// Everything that is set, as one unit.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Facts about the shop.
    pub shop: Shop,
    /// The placements, names unique.
    pub placements: Vec<Placement>,
    /// Content blocks, names unique, in the order in which the shop would show them.
    pub content: Vec<Block>,
    /// Groups of shoppers that conditions can name, names unique.
    pub segments: Vec<Segment>,
    /// How much a page may show.
    pub clutter: Vec<Clutter>,
    /// Canonical values of attributes: the shop's own, before those that are built in.
    pub canonical: Vec<Canonical>,
    /// What is set of models that are learnt, names unique.
    pub models: Vec<ModelUse>,
    /// What is set of search.
    pub search: SearchSettings,
    /// The permanent share without personalization.
    pub holdout: Holdout,
    /// By what orders are put down to what was shown.
    pub attribution: Attribution,
    /// What is compared, names unique.
    pub experiments: Vec<Experiment>,
    /// Placements that want to stand in for others, names unique.
    pub challenges: Vec<Challenge>,
    /// What is set of watches.
    pub watch: WatchSettings,
    /// What the placement file said when it was last read, with which it is compared when it is read again; `None` = it never was.
    pub file: Option<Box<Settings>>,
}

impl Settings {
    /// What is set of a model; nothing where all is left as it is.
    pub fn model(&self, name: &str) -> &[(String, f64)] {
        self.models.iter().find(|one| one.model == name).map_or(&[], |one| &one.params)
    }
}

/// What is set of search.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SearchSettings {
    /// The language of the catalogue's texts.
    pub language: Language,
    /// Words that mean the same, or nearly.
    pub synonyms: Vec<Synonym>,
    /// Facets that come first, in this order, where results have them.
    pub facets: Vec<String>,
}

/// A language whose endings are known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the language of its code in LANGUAGES")]
pub enum Language {
    #[default]
    English,
    German,
    French,
    Spanish,
    Italian,
    Dutch,
    /// Another, or several: words stay as they are.
    Other,
}

/// Every language with its ISO 639-1 code.
pub const LANGUAGES: [(Language, &str); 7] = [
    (Language::English, "en"),
    (Language::German, "de"),
    (Language::French, "fr"),
    (Language::Spanish, "es"),
    (Language::Italian, "it"),
    (Language::Dutch, "nl"),
    (Language::Other, "other"),
];

impl Language {
    /// The language with this code.
    pub fn parse(code: &str) -> Option<Self> {
        LANGUAGES.iter().find(|(_, held)| *held == code).map(|(language, _)| *language)
    }

    /// Its code.
    pub fn code(self) -> &'static str {
        LANGUAGES[self as usize].1
    }
}

/// Words that mean the same, or nearly.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Synonym {
    /// Words or phrases that a shopper may write.
    pub from: Vec<String>,
    /// What is searched for besides them, and not the other way round; empty = each of `from` stands for all others.
    pub to: Vec<String>,
}

/// What is set of one model that is learnt.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ModelUse {
    /// Its name in the table of learnt models.
    pub model: String,
    /// Named parameters that differ from the model's defaults.
    pub params: Vec<(String, f64)>,
}

/// How much the modules of a page may show together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Clutter {
    /// The pages; `None` = all that no other line names.
    pub page: Option<PageType>,
    /// Most modules that show something.
    pub modules: u16,
    /// Most products in them.
    pub items: u16,
}

/// The canonical values of one attribute.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Canonical {
    /// The attribute, such as `color`; `category` for paths, `unit` for measures.
    pub attribute: String,
    /// What the feed says, and what is meant.
    pub values: Vec<(String, String)>,
}

/// A group of shoppers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Segment {
    /// How conditions name it.
    pub name: String,
    /// Who is in it.
    pub condition: Condition,
}

/// Facts about the shop.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Shop {
    /// Currency of prices that name none.
    pub currency: Currency,
    /// IANA time zone in which days are cut.
    pub time_zone: String,
    /// What holds for a shopper who has said nothing: `false` = denied.
    pub unknown_consent_granted: bool,
    /// Paths of categories that are not for everybody's eyes: what was done there is nobody's business elsewhere.
    pub sensitive_categories: Vec<String>,
    /// The zone's clock: from when on it is ahead of UTC by how many minutes, in the order of time. Before the first it is what that says.
    pub clock: Vec<(Millis, i16)>,
}

impl Shop {
    /// The shop's day of a moment, counted from 1970-01-01.
    pub fn local_day(&self, time: Millis) -> u16 {
        let after = self.clock.partition_point(|(from, _)| *from <= time);
        let ahead_min = self.clock.get(after.saturating_sub(1)).map_or(0, |(_, minutes)| *minutes);
        let day = time.plus(i64::from(ahead_min) * MINUTE_MS).0.div_euclid(DAY_MS);
        day.clamp(0, i64::from(u16::MAX)) as u16
    }
}

/// By what an order is put down to what was shown before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attribution {
    /// Days after a click.
    pub click_days: u16,
    /// Days after something was in view, where nothing was clicked.
    pub view_days: u16,
    /// Whether any product of the order will do; else only the one that was clicked or seen, or a variant of it.
    pub any_product: bool,
}

impl Default for Attribution {
    fn default() -> Self {
        Self { click_days: 7, view_days: 1, any_product: false }
    }
}

/// What is set of watches: what is looked at every day for changes that nobody asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WatchSettings {
    /// Names of watches that are not looked at.
    pub off: Vec<String>,
    /// How soon they raise an alarm.
    pub sensitivity: Sensitivity,
    /// Where alarms are sent; empty = nowhere.
    pub webhook: String,
}

/// How soon a watch raises an alarm.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is its name in SENSITIVITIES")]
pub enum Sensitivity {
    Low,
    #[default]
    Normal,
    High,
}

/// Every sensitivity with its name.
pub const SENSITIVITIES: [(Sensitivity, &str); 3] =
    [(Sensitivity::Low, "low"), (Sensitivity::Normal, "normal"), (Sensitivity::High, "high")];

/// What kind of thing a placement shows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Shows {
    /// Products.
    #[default]
    Products,
    /// Categories.
    Categories,
    /// Content blocks.
    Content,
}

/// What a slate is part of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Form {
    /// Nothing more.
    #[default]
    Slate,
    /// It goes on over pages, in the order that the first page pins.
    Listing,
    /// The page's product and the slate are offered as one, with one price.
    Bundle,
}

/// What a slot does when there is not enough evidence for its headline.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum OnThin {
    /// Show popular products under the fallback headline.
    #[default]
    Relabel,
    /// Show nothing.
    Hide,
}

/// A named place where a decision shows.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Placement {
    /// The name the shop asks for.
    pub name: String,
    /// What is shown above the slate when it is as intended.
    pub headline: String,
    /// What is shown above it when it fell back.
    pub fallback_headline: String,
    /// Products, categories or content blocks.
    pub shows: Shows,
    /// What its slate is part of.
    pub form: Form,
    /// Per cent of shoppers who get it; 0 = switched off.
    pub rollout: u8,
    /// Slots filled when the request does not say.
    pub slots: u16,
    /// Fewest candidates from non-fallback sources for the headline to stand.
    pub min_evidence: u16,
    /// What happens below that.
    pub on_thin: OnThin,
    /// Where candidates come from.
    pub sources: Vec<SourceUse>,
    /// What scores candidates beyond where they come from.
    pub scorers: Vec<ScorerUse>,
    /// What removes candidates, in order.
    pub filters: Vec<FilterUse>,
    /// Most slots of one category and of one brand; 0 = no cap.
    pub diversity: Diversity,
    /// Merchandisers' instructions, in order.
    pub rules: Vec<Rule>,
    /// What the learned order is after; `None` = sources and scorers put in order.
    pub objective: Option<Objective>,
    /// How content blocks are tried; `None` = the first that may be shown.
    pub bandit: Option<Bandit>,
    /// How often a slot is given to something else than what comes next.
    pub explore: Explore,
}

/// Chance in a slate, so that the log tells what another order would have been worth: each slot goes, with a probability of `share`, to
/// any of the next `among` candidates, all as likely. Nothing is drawn where `share` is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Explore {
    /// The probability, in parts of ten thousand.
    pub share: u16,
    /// How many of those that come next may get the slot, the first included; at least 2.
    pub among: u16,
}

/// What a slot is worth to the shop, in terms of what is foreseen of a candidate:
/// `click · P(click) + cart · P(cart) + P(buy) · (buy + margin · margin share + stock · stock + return · P(return))`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Objective {
    /// Its name and version, which decisions carry.
    pub name: String,
    /// What a click is worth.
    pub click: f32,
    /// What an addition to the cart is worth.
    pub cart: f32,
    /// What a purchase is worth.
    pub buy: f32,
    /// What is added to a purchase that is sent back; below 0.
    pub returned: f32,
    /// What is added to a purchase for the share of the price that is left.
    pub margin: f32,
    /// What is added to a purchase for the depth of stock, from 0 to 1.
    pub stock: f32,
    /// Candidates that are put in order by it, those that sources and scorers put first.
    pub rows: u16,
}

/// Most slots that may share something; 0 = no cap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Diversity {
    /// Most slots of one main category.
    pub max_per_category: u16,
    /// Most slots of one brand.
    pub max_per_brand: u16,
}

/// One source of a placement.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SourceUse {
    /// Its name in the engine's table of sources.
    pub source: String,
    /// Weight of its normalised score in the blend.
    pub weight: f32,
    /// Most candidates taken from it.
    pub limit: u16,
    /// External ids of the products it names, in order.
    pub items: Vec<String>,
    /// Named parameters that differ from the source's defaults.
    pub params: Vec<(String, f64)>,
}

/// One scorer of a placement.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ScorerUse {
    /// Its name in the engine's table of scorers.
    pub scorer: String,
    /// By what its number is multiplied before it is added.
    pub weight: f32,
}

/// One filter of a placement.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FilterUse {
    /// Its name in the engine's table of filters.
    pub filter: String,
    /// Named parameters that differ from the filter's defaults.
    pub params: Vec<(String, f64)>,
}

/// A merchandiser's instruction.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// How it is named where it had an effect.
    pub name: String,
    /// Its name in the engine's table of rules: `pin`, `boost`, ….
    pub rule: String,
    /// External ids of the rows it is about.
    pub items: Vec<String>,
    /// Categories it is about, as paths.
    pub categories: Vec<String>,
    /// What else it is about: candidates of which this holds.
    pub filter: Option<Condition>,
    /// When it acts: the page, the moment, the shopper; `None` = always.
    pub when: Option<Condition>,
    /// The slot a pin claims, from 0.
    pub position: u16,
    /// By what a boost or a bury multiplies scores.
    pub factor: f32,
    /// Slots that a reservation keeps.
    pub slots: u16,
    /// From when on it acts.
    pub from: Option<Millis>,
    /// Up to when it acts.
    pub until: Option<Millis>,
    /// Who wrote it.
    pub author: String,
    /// Why.
    pub note: String,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            name: String::new(),
            rule: String::new(),
            items: Vec::new(),
            categories: Vec::new(),
            filter: None,
            when: None,
            position: 0,
            factor: 1.0,
            slots: 0,
            from: None,
            until: None,
            author: String::new(),
            note: String::new(),
        }
    }
}

/// What a key may do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Scope {
    /// In a browser: send events, ask for recommendations.
    Publishable,
    /// On a server: everything.
    Secret,
}

/// A key, or the end of one. The key itself is never kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyChange {
    /// Keyed hash of the key.
    pub hash: [u8; 32],
    /// What it may do.
    pub scope: Scope,
    /// Whether it ends here.
    pub revoked: bool,
}

/// A named number that may be set of something.
#[derive(Debug, PartialEq)]
pub struct ParamSpec {
    /// Its name in TOML.
    pub name: &'static str,
    /// What it does, with its unit.
    pub doc: &'static str,
    /// What holds where nothing is set.
    pub default: f64,
    /// Smallest and largest value that make sense.
    pub range: (f64, f64),
}

impl ParamSpec {
    /// Whether it counts things: its range begins at 1 or more, with whole numbers throughout.
    pub fn is_count(&self) -> bool {
        self.range.0 >= 1.0 && [self.range.0, self.range.1, self.default].iter().all(|one| one.fract() == 0.0)
    }

    /// The value given by its name, within the range, or the default.
    pub fn value(&self, given: &[(String, f64)]) -> f64 {
        let set = given.iter().find(|(name, _)| name == self.name).map_or(self.default, |(_, value)| *value);
        set.clamp(self.range.0, self.range.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_cut_by_the_shops_clock() {
        let at = |hours: i64| Millis(hours * 3_600_000);
        let shop = Shop {
            currency: Currency::EUR,
            time_zone: "Europe/Berlin".to_owned(),
            unknown_consent_granted: false,
            sensitive_categories: Vec::new(),
            clock: vec![(at(0), 60), (at(100), 120)],
        };
        let days =
            [at(-2), at(22), at(23), at(94), at(95), at(117), at(118)].map(|time| shop.local_day(time));
        // Before the change of the clock days begin at 23:00 UTC, after it at 22:00.
        assert_eq!(days, [0, 0, 1, 3, 4, 4, 5]);
    }

    #[test]
    fn languages_are_in_the_order_of_the_enum() {
        for (language, code) in LANGUAGES {
            assert_eq!((language.code(), Language::parse(code)), (code, Some(language)));
        }
        assert_eq!(Language::parse("English"), None);
    }
}
