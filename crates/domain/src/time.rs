//! Time as an argument: milliseconds since 1970-01-01 UTC, and whole UTC days for decay.

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

/// One minute in milliseconds.
pub const MINUTE_MS: i64 = 60_000;
/// One hour in milliseconds.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day in milliseconds.
pub const DAY_MS: i64 = 86_400_000;
/// A visit ends after this much silence (the GA4 and Google Retail convention).
pub const SESSION_GAP_MS: i64 = 30 * MINUTE_MS;

impl Millis {
    /// Days since the epoch as a real number.
    pub fn days(self) -> f64 {
        self.0 as f64 / DAY_MS as f64
    }

    /// This moment moved by `ms` milliseconds, staying within range.
    #[must_use]
    pub fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; negative when `earlier` is later.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}
