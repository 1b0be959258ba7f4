//! One row of the file with its fields read: an order line as the shop's system wrote it.

use super::calendar;
use super::retail::Error;
use bespoke_domain::Millis;
use csv::ByteRecord;

/// The columns, in the order of the file.
pub(super) const HEADER: [&str; 8] = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
];

/// An order line. The country is not used.
pub(super) struct Row<'a> {
    /// Six digits; with a `C` before them it is a cancellation, with an `A` a bookkeeping entry.
    pub invoice: &'a str,
    /// As written; upper and lower case are the same code.
    pub code: &'a str,
    /// The product's name, or a note.
    pub description: &'a str,
    /// Units; negative on cancellations and write-offs.
    pub quantity: i64,
    /// UK local time, taken as UTC.
    pub time: Millis,
    /// Unit price in pence.
    pub pence: i64,
    /// Customer number; empty for guests.
    pub customer: &'a str,
}

impl<'a> Row<'a> {
    /// Reads the fields of a record.
    pub fn parse(record: &'a ByteRecord) -> Result<Self, Error> {
        let text = |column: usize| {
            let bytes = record.get(column).unwrap_or_default();
            std::str::from_utf8(bytes).map(str::trim).map_err(|_| bad(record, column))
        };
        Ok(Self {
            invoice: text(0)?,
            code: text(1)?,
            description: text(2)?,
            quantity: text(3)?.parse().map_err(|_| bad(record, 3))?,
            time: calendar::parse(text(4)?).ok_or_else(|| bad(record, 4))?,
            pence: parse_pence(text(5)?).ok_or_else(|| bad(record, 5))?,
            customer: text(6)?,
        })
    }

    /// Whether the line belongs to a cancellation.
    pub fn is_refund(&self) -> bool {
        self.invoice.starts_with('C')
    }

    /// Whether the code names a product: five digits and possibly letters.
    pub fn is_product(&self) -> bool {
        let (digits, letters) = self.code.as_bytes().split_at(self.code.len().min(5));
        digits.len() == 5
            && digits.iter().all(u8::is_ascii_digit)
            && letters.iter().all(u8::is_ascii_alphabetic)
    }
}

fn bad(record: &ByteRecord, column: usize) -> Error {
    Error::Field {
        line: record.position().map_or(0, csv::Position::line),
        field: HEADER[column],
        text: String::from_utf8_lossy(record.get(column).unwrap_or_default()).into_owned(),
    }
}

/// Reads `2.55`, `2.1`, `2` or `-11062.06` as pence. Fractions of a penny, which the file has on packing pads at
/// 0.001, are dropped.
fn parse_pence(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (pounds, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(pounds) || !all_digits(fraction) {
        return None;
    }
    let digit = |at: usize| fraction.as_bytes().get(at).map_or(0, |byte| i64::from(byte - b'0'));
    let pence = pounds.parse::<i64>().ok()?.checked_mul(100)?.checked_add(digit(0) * 10 + digit(1))?;
    Some(if negative { -pence } else { pence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_exactly() {
        for (text, pence) in [
            ("2.55", 255),
            ("2.1", 210),
            ("0.05", 5),
            ("7", 700),
            ("-11062.06", -1_106_206),
            ("38970.0", 3_897_000),
            ("0.001", 0),
        ] {
            assert_eq!(parse_pence(text), Some(pence), "{text}");
        }
        for text in ["", ".5", "1.", "1,50", "-", "1e3"] {
            assert_eq!(parse_pence(text), None, "{text}");
        }
    }

    #[test]
    fn product_codes_are_five_digits_and_letters() {
        let is_product = |code| {
            let (time, customer) = (Millis(0), "");
            Row { invoice: "1", code, description: "", quantity: 1, time, pence: 1, customer }.is_product()
        };
        for code in ["71053", "85123A", "15056bl"] {
            assert!(is_product(code), "{code}");
        }
        for code in ["", "POST", "M", "C2", "gift_0001_20", "DCGS0003", "1234", "123456", "8512é"] {
            assert!(!is_product(code), "{code}");
        }
    }
}
