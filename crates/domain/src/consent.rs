//! The four purposes, and what a shopper said about each. Checked where data is used, not only where it is collected.

use serde::{Deserialize, Serialize};

/// What data may be used for. `Essential` needs no consent and so has no bit in [`Consent`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Purpose {
    /// Events in the log, KPIs, experiments. Denied: counters only.
    Analytics,
    /// Profile, training, personal decisions. Denied: contextual decisions, logged without a shopper.
    Personalization,
    /// Messages and audience export.
    Marketing,
}

/// Every purpose with its wire name.
pub const PURPOSES: [(Purpose, &str); 3] = [
    (Purpose::Analytics, "analytics"),
    (Purpose::Personalization, "personalization"),
    (Purpose::Marketing, "marketing"),
];

/// A resolved answer: a purpose is granted or it is not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Consent(u8);

impl Consent {
    /// Nothing granted.
    pub const DENIED: Self = Self(0);
    /// Everything granted.
    pub const GRANTED: Self = Self(0b111);

    /// Whether `purpose` is granted.
    pub fn allows(self, purpose: Purpose) -> bool {
        self.0 & Self::bit(purpose) != 0
    }

    /// The same answer with `purpose` granted or denied.
    #[must_use]
    pub fn with(self, purpose: Purpose, granted: bool) -> Self {
        if granted { Self(self.0 | Self::bit(purpose)) } else { Self(self.0 & !Self::bit(purpose)) }
    }

    fn bit(purpose: Purpose) -> u8 {
        match purpose {
            Purpose::Analytics => 1,
            Purpose::Personalization => 2,
            Purpose::Marketing => 4,
        }
    }
}

/// What an event says about consent: per purpose granted, denied, or nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Statement {
    granted: Consent,
    denied: Consent,
}

impl Statement {
    /// The same statement with an answer for `purpose`.
    #[must_use]
    pub fn with(self, purpose: Purpose, granted: bool) -> Self {
        Self { granted: self.granted.with(purpose, granted), denied: self.denied.with(purpose, !granted) }
    }

    /// Whether it says nothing at all.
    pub fn is_silent(self) -> bool {
        self == Self::default()
    }

    /// What holds after this statement, where `before` held and silence changes nothing.
    #[must_use]
    pub fn over(self, before: Consent) -> Consent {
        Consent((before.0 & !self.denied.0) | self.granted.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_changes_only_what_it_names() {
        let said = Statement::default().with(Purpose::Personalization, false);
        let after = said.over(Consent::GRANTED);
        assert!(after.allows(Purpose::Analytics) && !after.allows(Purpose::Personalization));
        assert!(Statement::default().is_silent() && !said.is_silent());
        let back = said.with(Purpose::Personalization, true);
        assert_eq!(back.over(Consent::DENIED), Consent::DENIED.with(Purpose::Personalization, true));
    }
}
