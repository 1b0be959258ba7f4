//! The words of Bespoke as types, in the order in which data flows: ids and time, money and consent, events and
//! products, the log entry that carries them, the settings, and the decision that comes out. No I/O, no clock.

/// Placements that want to stand in for others.
pub mod challenge;
/// Conditions over products, shoppers and moments.
pub mod condition;
/// The four purposes and what a shopper said about them.
pub mod consent;
/// Content blocks, and how one is chosen.
pub mod content;
/// What a decision is asked for, and the certificate it leaves.
pub mod decision;
/// What stands in the log.
pub mod entry;
/// Facts from the shop, with GA4 names.
pub mod event;
/// Experiments, arms and the holdout.
pub mod experiment;
/// Numbers that stand for external ids.
pub mod id;
/// Languages of texts and of pages.
pub mod locale;
/// Integer minor units with a currency.
pub mod money;
/// The one ordering of scores, and the bounded top list.
pub mod order;
/// What is wrong with an input: field, code, fix.
pub mod problem;
/// Sellable rows, with Google Merchant names.
pub mod product;
/// What a search asks for.
pub mod search;
/// Placements, rules and the shop's own settings.
pub mod settings;
/// Milliseconds and days.
pub mod time;

pub use condition::Condition;
pub use consent::{Consent, Purpose};
pub use decision::{Candidate, Decision, Request};
pub use entry::{Body, Entry};
pub use event::{Event, EventItem, EventKind};
pub use id::{BlockNo, CategoryNo, DecisionId, GroupNo, Offset, ProductNo, ShopperNo};
pub use money::{Currency, Money};
pub use problem::Problem;
pub use product::{Availability, ProductPatch};
pub use settings::{Placement, Settings};
pub use time::Millis;
