//! Numbers that stand for external ids: dense, in log order, never reused. The external text of each lives in one table.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! dense_number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The number as an index into a column.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

dense_number! {
    /// A sellable row: GA4 `item_id`, Merchant `id`. Variants of one product share a [`GroupNo`].
    ProductNo
}
dense_number! {
    /// What is shown: Merchant `item_group_id`, or the row itself where it has none.
    GroupNo
}
dense_number! {
    /// A category path such as `Home > Kitchen`; its parent has a smaller number. 0 is the whole shop.
    CategoryNo
}
dense_number! {
    /// A brand. 0 is "no brand".
    BrandNo
}
dense_number! {
    /// A content block, by its name.
    BlockNo
}
dense_number! {
    /// One identity of a shopper (an `anonymous_id` or a `user_id`); linked identities share a profile.
    ShopperNo
}

/// The position of an entry in the log; the first entry has offset 1, 0 is the empty log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub u64);

impl Offset {
    /// The offset after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A fitted model's name: a hash of its bytes; its text form is 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ArtifactId(pub u64);

impl fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::str::FromStr for ArtifactId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() != 16 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(());
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| ())
    }
}

/// A decision's name, unique in the shop; its text form is `dec_` and 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DecisionId(pub u128);

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dec_{:032x}", self.0)
    }
}

impl std::str::FromStr for DecisionId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.strip_prefix("dec_").ok_or(())?;
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(());
        }
        u128::from_str_radix(digits, 16).map(Self).map_err(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decision_id_round_trips_and_refuses_other_text() {
        let id = DecisionId(0x1234_5678);
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in [
            "",
            "dec_",
            "dec_1",
            "rec_00000000000000000000000012345678",
            "dec_+0000000000000000000000012345678",
        ] {
            assert_eq!(bad.parse::<DecisionId>(), Err(()), "{bad}");
        }
    }
}
