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

/// A calendar month: 12 · year + month, the first being January of the year 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Month(pub u32);

impl Month {
    /// The month of a day counted from 1970-01-01.
    pub fn of_day(day: u16) -> Self {
        // Days of the Gregorian calendar from 1 March of the year 0, after Howard Hinnant's "chrono-compatible low-level date algorithms".
        let days = u32::from(day) + 719_468;
        let era_day = days % 146_097;
        let year_of_era = (era_day - era_day / 1_460 + era_day / 36_524 - era_day / 146_096) / 365;
        let day_of_year = era_day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        Self(12 * (400 * (days / 146_097) + year_of_era) + from_march + 2)
    }

    /// The year, and the month from 1.
    pub fn parts(self) -> (u32, u32) {
        (self.0 / 12, self.0 % 12 + 1)
    }

    /// The month of `2026-10`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let (year, month) = (year.parse::<u32>().ok()?, month.parse::<u32>().ok()?);
        let is_one = (1970..=2149).contains(&year) && (1..=12).contains(&month) && text.len() == 7;
        is_one.then(|| Self(12 * year + month - 1))
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month) = self.parts();
        write!(to, "{year:04}-{month:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_months() {
        let days = [
            (0, "1970-01"),
            (30, "1970-01"),
            (31, "1970-02"),
            (58, "1970-02"),
            (59, "1970-03"),
            (18_321, "2020-02"),
            (18_322, "2020-03"),
            (20_757, "2026-10"),
            (20_758, "2026-11"),
            (20_818, "2026-12"),
            (20_819, "2027-01"),
        ];
        for (day, text) in days {
            assert_eq!(Month::of_day(day).to_string(), text, "{day}");
            assert_eq!(Month::parse(text), Some(Month::of_day(day)));
        }
        for wrong in ["2026-13", "2026-00", "2026", "26-10", "2026-1", "2026-10-01"] {
            assert_eq!(Month::parse(wrong), None, "{wrong}");
        }
    }
}
