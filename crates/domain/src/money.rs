//! Money as integer minor units with an ISO 4217 currency; decimal text goes in and out, floats never.

use crate::problem::Problem;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An ISO 4217 code, three upper-case letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Currency([u8; 3]);

/// Codes whose minor unit is not a hundredth (ISO 4217 table A.1), with their number of decimals.
const EXPONENTS: &[(&[u8; 3], u32)] = &[
    (b"BHD", 3),
    (b"BIF", 0),
    (b"CLP", 0),
    (b"DJF", 0),
    (b"GNF", 0),
    (b"IQD", 3),
    (b"ISK", 0),
    (b"JOD", 3),
    (b"JPY", 0),
    (b"KMF", 0),
    (b"KRW", 0),
    (b"KWD", 3),
    (b"LYD", 3),
    (b"OMR", 3),
    (b"PYG", 0),
    (b"RWF", 0),
    (b"TND", 3),
    (b"UGX", 0),
    (b"VND", 0),
    (b"VUV", 0),
    (b"XAF", 0),
    (b"XOF", 0),
    (b"XPF", 0),
];

impl Currency {
    /// The euro: what a shop counts in that has set nothing.
    pub const EUR: Self = Self(*b"EUR");

    /// Reads a code; upper and lower case are the same.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let bytes: [u8; 3] = text.trim().as_bytes().try_into().map_err(|_| Self::problem(text))?;
        if !bytes.iter().all(u8::is_ascii_alphabetic) {
            return Err(Self::problem(text));
        }
        Ok(Self(bytes.map(|b| b.to_ascii_uppercase())))
    }

    fn problem(text: &str) -> Problem {
        Problem::new(
            "currency",
            "invalid_currency",
            format!("{text:?} is not an ISO 4217 code such as \"EUR\""),
        )
    }

    /// Decimals of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u32 {
        EXPONENTS.iter().find(|(code, _)| **code == self.0).map_or(2, |(_, exponent)| *exponent)
    }

    /// The code as text.
    pub fn code(&self) -> &str {
        // A code that was parsed is ASCII; XXX is ISO 4217 for no currency.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

/// An amount in minor units (cents, pence, yen).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Money {
    /// Minor units; negative for a refund.
    pub minor: i64,
    /// What the minor units count.
    pub currency: Currency,
}

impl Money {
    /// Reads decimal text such as `15.99` in `currency`; more decimals than the currency has must be zeros.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, Problem> {
        let bad = |why: &str| Problem::new("price", "invalid_amount", format!("{text:?} {why}"));
        let trimmed = text.trim();
        let (negative, digits) = trimmed.strip_prefix('-').map_or((false, trimmed), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(bad("is not a decimal number such as 15.99"));
        }
        let exponent = currency.exponent() as usize;
        let (kept, rest) = fraction.split_at(exponent.min(fraction.len()));
        if rest.bytes().any(|b| b != b'0') {
            return Err(bad("has more decimals than the currency"));
        }
        let text_minor = format!("{whole}{kept:0<exponent$}");
        let minor: i64 = text_minor.parse().map_err(|_| bad("is too large"))?;
        Ok(Self { minor: if negative { -minor } else { minor }, currency })
    }

    /// Reads Merchant text such as `15.99 EUR`; without a code, `default` applies.
    pub fn parse_with_code(text: &str, default: Currency) -> Result<Self, Problem> {
        match text.trim().rsplit_once(' ') {
            Some((amount, code)) => Self::parse(amount, Currency::parse(code)?),
            None => Self::parse(text, default),
        }
    }

    /// The decimal text without the code: `15.99`.
    pub fn amount(self) -> String {
        let exponent = self.currency.exponent();
        let unit = 10_u64.pow(exponent);
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        if exponent == 0 {
            return format!("{sign}{minor}");
        }
        format!("{sign}{}.{:0width$}", minor / unit, minor % unit, width = exponent as usize)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Result<String, String> {
        let eur = Currency::parse("EUR").expect("EUR is a currency");
        Money::parse_with_code(text, eur).map(|m| m.to_string()).map_err(|p| p.code.to_string())
    }

    #[test]
    fn decimal_text_keeps_its_value_in_every_exponent() {
        for (text, want) in [
            ("15.99", "15.99 EUR"),
            ("15.9 EUR", "15.90 EUR"),
            ("0.05", "0.05 EUR"),
            ("-3", "-3.00 EUR"),
            ("1200 JPY", "1200 JPY"),
            ("1.234 KWD", "1.234 KWD"),
            ("2.500", "2.50 EUR"),
            ("-0.05", "-0.05 EUR"),
        ] {
            assert_eq!(money(text).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_with_a_code() {
        for (text, code) in [
            ("", "invalid_amount"),
            ("abc", "invalid_amount"),
            ("1,50", "invalid_amount"),
            (".5", "invalid_amount"),
            ("1.005", "invalid_amount"),
            ("9999999999999999999", "invalid_amount"),
            ("5 EURO", "invalid_currency"),
        ] {
            assert_eq!(money(text), Err(code.to_owned()), "{text}");
        }
    }
}
