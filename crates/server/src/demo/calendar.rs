//! Dates between the file's text, milliseconds and RFC 3339, in the proleptic Gregorian calendar. The file says no
//! zone; its times are UK local and are taken as UTC.

use bespoke_domain::Millis;
use bespoke_domain::time::DAY_MS;

/// Reads `2010-12-01 08:26:00`.
pub(super) fn parse(text: &str) -> Option<Millis> {
    let bytes = text.as_bytes();
    let punctuation = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    if bytes.len() != 19 || punctuation.iter().any(|&(at, mark)| bytes[at] != mark) {
        return None;
    }
    let year = number(&bytes[..4])?;
    let month = number(&bytes[5..7]).filter(|month| (1..=12).contains(month))?;
    let day = number(&bytes[8..10]).filter(|day| (1..=days_in_month(year, month)).contains(day))?;
    let hour = number(&bytes[11..13]).filter(|hour| *hour < 24)?;
    let minute = number(&bytes[14..16]).filter(|minute| *minute < 60)?;
    let second = number(&bytes[17..]).filter(|second| *second < 60)?;
    let seconds = (hour * 60 + minute) * 60 + second;
    Some(Millis(days_from_civil(year, month, day) * DAY_MS + seconds * 1000))
}

/// The whole day a moment lies in, counted from 1970-01-01.
pub(super) fn day_of(moment: Millis) -> i64 {
    moment.0.div_euclid(DAY_MS)
}

/// Appends a moment as RFC 3339, `2010-12-01T08:26:00Z`.
pub(super) fn push_rfc3339(out: &mut Vec<u8>, moment: Millis) {
    push_date(out, day_of(moment));
    let seconds = moment.0.rem_euclid(DAY_MS) / 1000;
    out.push(b'T');
    push_padded(out, seconds / 3600, 2);
    out.push(b':');
    push_padded(out, seconds / 60 % 60, 2);
    out.push(b':');
    push_padded(out, seconds % 60, 2);
    out.push(b'Z');
}

/// A day as `2010-12-01`.
pub(super) fn date_text(day: i64) -> String {
    let mut out = Vec::new();
    push_date(&mut out, day);
    String::from_utf8_lossy(&out).into_owned()
}

fn push_date(out: &mut Vec<u8>, day: i64) {
    let (year, month, day) = civil_from_days(day);
    push_padded(out, year, 4);
    out.push(b'-');
    push_padded(out, month, 2);
    out.push(b'-');
    push_padded(out, day, 2);
}

fn push_padded(out: &mut Vec<u8>, value: i64, digits: u32) {
    out.extend((0..digits).rev().map(|place| b'0' + (value / 10_i64.pow(place) % 10) as u8));
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. Counts years from March, so that the leap day comes last (Hinnant, "chrono-compatible
/// low-level date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a day since 1970-01-01; the inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_in_and_out_unchanged() {
        for (text, millis) in [
            ("1970-01-01 00:00:00", 0),
            ("2000-02-29 23:59:59", 951_868_799_000),
            ("2010-12-01 08:26:00", 1_291_191_960_000),
            ("2100-03-01 00:00:00", 4_107_542_400_000),
        ] {
            let moment = parse(text).expect(text);
            assert_eq!(moment, Millis(millis), "{text}");
            let mut out = Vec::new();
            push_rfc3339(&mut out, moment);
            assert_eq!(String::from_utf8_lossy(&out), format!("{}Z", text.replace(' ', "T")));
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in ["", "2010-12-01", "2010-13-01 00:00:00", "2011-02-29 00:00:00", "2010-12-01 24:00:00"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
