//! What stands in the log: everything that changes state, and every decision.

use crate::decision::Decision;
use crate::event::Event;
use crate::id::{ArtifactId, ShopperNo};
use crate::product::ProductPatch;
use crate::settings::{KeyChange, Settings};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// One entry; its offset is where it stands.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// When the server took it in; never goes backwards along the log.
    pub received: Millis,
    /// Whom it is about.
    pub shopper: Option<ShopperNo>,
    /// What it says.
    pub body: Body,
}

/// The kinds of entries. Their order is part of the record format: append, never reorder.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Body {
    /// A fact from the shop.
    Event(Box<Event>),
    /// A change to a row of the catalogue.
    Catalog(Box<ProductPatch>),
    /// The settings, as a whole.
    Settings(Box<Settings>),
    /// A key, or the end of one.
    Key(KeyChange),
    /// What was shown.
    Decision(Box<Decision>),
    /// A catalogue file begins or ends.
    Import(ImportMark),
    /// A model comes into force, or none is any more.
    Model(ModelChange),
    /// A message about an alarm was accepted where it was sent.
    Delivery(Delivery),
}

/// A message about an alarm that need not be sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// The number of the change that it told of.
    pub change: u64,
}

/// Which fitted model is in force under a name from here on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ModelChange {
    /// The model's name.
    pub name: String,
    /// The artifact; `None` = none.
    pub artifact: Option<ArtifactId>,
}

/// What is between the two is one file, so that it can be undone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ImportMark {
    /// Its rows follow.
    Begins,
    /// All of its rows are in.
    Ends,
}

impl Body {
    /// The number of the kind in the log's `kind` column.
    pub fn kind_no(&self) -> u8 {
        match self {
            Self::Event(_) => 1,
            Self::Catalog(_) => 2,
            Self::Settings(_) => 3,
            Self::Key(_) => 4,
            Self::Decision(_) => 5,
            Self::Import(_) => 6,
            Self::Model(_) => 7,
            Self::Delivery(_) => 8,
        }
    }
}

/// Which external id an identity carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum IdentityKind {
    /// A first-party cookie value.
    Anonymous,
    /// A customer number.
    User,
}

/// A shopper number and the external id it stands for. Kept apart from the log, so that erasing it needs no rewriting.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identity {
    /// The number in the log.
    pub shopper: ShopperNo,
    /// Which id.
    pub kind: IdentityKind,
    /// The id as the shop sent it, at most 128 bytes.
    pub external_id: String,
}
