//! KPIs over HTTP: counts by day or by part, and the quotients of them.

use crate::boot::Shop;
use crate::export::csv::quoted;
use crate::wire::error::ApiError;
use bespoke_domain::{CategoryNo, Currency, Problem};
use bespoke_engine::Snapshot;
use bespoke_engine::kpis::table::{ATTRIBUTED, COUNTS, KPIS, Kind, NAMES};
use bespoke_engine::kpis::{self, Counts, Part};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use utoipa::ToSchema;

/// Days where nothing is said.
const DAYS: i64 = 28;
/// The first day that counts are numbered from.
const FIRST: Date = jiff::civil::date(1970, 1, 1);

/// KPIs of a range of days.
#[derive(Serialize, ToSchema, Debug)]
pub struct KpisBody {
    /// The first day.
    pub from: String,
    /// The last day.
    pub until: String,
    /// The shop's currency, in which money is.
    pub currency: String,
    /// One for each day or part.
    pub rows: Vec<KpiRowBody>,
    /// What attributed figures do not say.
    pub note: String,
    /// Counts that there was no room for.
    pub ignored_parts: u64,
    /// Clicks and views that were forgotten before the days were over in which an order could have come by them, since the server began to
    /// count: where it is not 0, what is attributed is too low.
    pub forgotten: u64,
}

/// A day's or a part's.
#[derive(Serialize, ToSchema, Debug)]
pub struct KpiRowBody {
    /// The day, where rows are days.
    pub day: Option<String>,
    /// What it is about: `whole`, or the name of a segment, market, category, placement, or of an experiment and its arm.
    pub part: String,
    /// Counts by name; money in main units; `null` where such parts do not have it, which is not 0.
    pub counts: BTreeMap<String, Option<f64>>,
    /// KPIs by name; `null` where there is nothing to divide by, or where such parts do not have what it is made of.
    pub kpis: BTreeMap<String, Option<f64>>,
}

/// What rows are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Whole,
    Day,
    Segment,
    Market,
    Category,
    Placement,
    Arm,
}

const BYS: [(&str, By); 7] = [
    ("whole", By::Whole),
    ("day", By::Day),
    ("segment", By::Segment),
    ("market", By::Market),
    ("category", By::Category),
    ("placement", By::Placement),
    ("arm", By::Arm),
];

struct Asked {
    from: Option<Date>,
    until: Option<Date>,
    by: By,
}

impl Asked {
    fn of_query(query: &str) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
            .map_err(|error| Problem::new("query", "invalid_query", error.to_string()))?;
        let mut asked = Self { from: None, until: None, by: By::Whole };
        for (name, value) in pairs {
            let date = || {
                let detail = "must be a day such as 2026-11-30";
                value.parse::<Date>().map_err(|_| Problem::new(name.clone(), "invalid_time", detail))
            };
            match name.as_str() {
                "from" => asked.from = Some(date()?),
                "until" => asked.until = Some(date()?),
                "by" => {
                    let known = || BYS.map(|(name, _)| name).join(", ");
                    let found = BYS.iter().find(|(held, _)| *held == value);
                    asked.by = found.map(|(_, by)| *by).ok_or_else(|| {
                        Problem::new("by", "unknown_name", format!("must be one of {}", known()))
                    })?;
                }
                _ => return Err(Problem::new(name, "unknown_field", "not known here; leave it out")),
            }
        }
        if let (Some(from), Some(until)) = (asked.from, asked.until)
            && until < from
        {
            return Err(Problem::new("until", "out_of_range", "must not be before `from`"));
        }
        Ok(asked)
    }
}

/// KPIs of the days that a query names: the last 28 with events where it names none.
pub fn kpis(shop: &Shop, query: &str) -> Result<KpisBody, ApiError> {
    let asked = Asked::of_query(query).map_err(ApiError::invalid)?;
    let snapshot = shop.live.snapshot();
    let held = &snapshot.aggregates.kpis;
    let newest = held.newest().unwrap_or_default();
    let until = asked.until.map_or(newest, number);
    let from = asked.from.map_or_else(|| until.saturating_sub(DAYS as u16 - 1), number);
    let currency =
        snapshot.aggregates.settings.as_ref().map_or(Currency::EUR, |settings| settings.shop.currency);
    let mut rows: BTreeMap<(u16, Part), Counts> = BTreeMap::new();
    for (day, parts) in held.days(from, until) {
        for (part, tally) in parts.iter().filter(|(part, _)| is_asked(asked.by, part)) {
            let key = (if asked.by == By::Day { day } else { 0 }, *part);
            tally.add_to(rows.entry(key).or_insert([0; COUNTS]));
        }
    }
    let row = |((day, part), tally): (&(u16, Part), &Counts)| KpiRowBody {
        day: (asked.by == By::Day).then(|| date(*day).to_string()),
        part: name(&snapshot, *part),
        counts: counts(tally, part.kind(), currency),
        kpis: quotients(tally, part.kind(), currency),
    };
    Ok(KpisBody {
        from: date(from).to_string(),
        until: date(until).to_string(),
        currency: currency.code().to_owned(),
        rows: rows.iter().map(row).collect(),
        note: ATTRIBUTED.to_owned(),
        ignored_parts: held.ignored_parts,
        forgotten: held.forgotten,
    })
}

/// Every count of every day and part in these days, as CSV: day, kind of part, part, and a column a count, empty where such parts do not have
/// it; money in main units.
pub fn csv(shop: &Shop, query: &str) -> Result<String, ApiError> {
    let asked = Asked::of_query(query).map_err(ApiError::invalid)?;
    let snapshot = shop.live.snapshot();
    let kpis = &snapshot.aggregates.kpis;
    let currency =
        snapshot.aggregates.settings.as_ref().map_or(Currency::EUR, |settings| settings.shop.currency);
    let mut text =
        format!("day,by,part,{}\n", NAMES.iter().map(|spec| spec.name).collect::<Vec<_>>().join(","));
    let (from, until) = (asked.from.map_or(0, number), asked.until.map_or(u16::MAX, number));
    for (day, held) in kpis.days(from, until) {
        for (part, tally) in held {
            let by =
                BYS.iter().find(|(_, by)| *by != By::Day && is_asked(*by, part)).map_or("", |(by, _)| by);
            let kind = part.kind();
            let part = quoted(&name(&snapshot, *part));
            _ = write!(text, "{},{by},{part}", date(day));
            let mut counts = [0; COUNTS];
            tally.add_to(&mut counts);
            for spec in &NAMES {
                let value = counts[spec.count as usize];
                _ = if !spec.count.is_of(kind) {
                    write!(text, ",")
                } else if spec.is_money {
                    write!(text, ",{}", bespoke_domain::Money { minor: value, currency }.amount())
                } else {
                    write!(text, ",{value}")
                };
            }
            text.push('\n');
        }
    }
    Ok(text)
}

/// The number of a day.
pub fn number(date: Date) -> u16 {
    let days = FIRST.until(date).map_or(0, |span| span.get_days());
    days.clamp(0, i32::from(u16::MAX)) as u16
}

/// The day of a number.
pub fn date(number: u16) -> Date {
    FIRST.checked_add(jiff::Span::new().days(i64::from(number))).unwrap_or(FIRST)
}

fn is_asked(by: By, part: &Part) -> bool {
    match by {
        By::Whole | By::Day => *part == Part::Whole,
        By::Segment => matches!(part, Part::Segment(_)),
        By::Market => matches!(part, Part::Market(_)),
        By::Category => matches!(part, Part::Category(_)),
        By::Placement => matches!(part, Part::Placement(_)),
        By::Arm => matches!(part, Part::Arm(..)),
    }
}

fn name(snapshot: &Snapshot, part: Part) -> String {
    let aggregates = &snapshot.aggregates;
    match part {
        Part::Whole => "whole".to_owned(),
        Part::Segment(segment) => kpis::segment(segment).to_owned(),
        Part::Market(name) | Part::Placement(name) => aggregates.kpis.name(name).to_owned(),
        Part::Category(category) => aggregates.catalog.category_path(CategoryNo(category)).to_owned(),
        Part::Arm(run, arm) => aggregates.ledger.run_of(run).map_or_else(String::new, |run| {
            let arm = run.arms.get(usize::from(arm)).map_or("", |(name, _)| name);
            format!("{} · {arm} · epoch {}", run.experiment, run.epoch)
        }),
    }
}

/// By what minor units are divided.
fn minor(currency: Currency) -> f64 {
    10_f64.powi(currency.exponent() as i32)
}

fn counts(tally: &Counts, kind: Kind, currency: Currency) -> BTreeMap<String, Option<f64>> {
    let count = |spec: &bespoke_engine::kpis::table::CountSpec| {
        let value = tally[spec.count as usize] as f64;
        let value = if spec.is_money { value / minor(currency) } else { value };
        (spec.name.to_owned(), Some(value).filter(|_| spec.count.is_of(kind)))
    };
    NAMES.iter().map(count).collect()
}

fn quotients(tally: &Counts, kind: Kind, currency: Currency) -> BTreeMap<String, Option<f64>> {
    let kpi = |spec: &bespoke_engine::kpis::table::KpiSpec| {
        let value = spec.of(tally, kind);
        let value = value.map(|value| if spec.is_money { value / minor(currency) } else { value });
        (spec.name.to_owned(), value)
    };
    KPIS.iter().map(kpi).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (number_is, text) in [(0, "1970-01-01"), (20_779, "2026-11-22"), (18_321, "2020-02-29")] {
            assert_eq!(
                (date(number_is).to_string().as_str(), number(text.parse().expect("a day"))),
                (text, number_is)
            );
        }
    }

    #[test]
    fn what_cannot_be_asked_is_named() {
        let fault =
            |query: &str| Asked::of_query(query).err().map(|problem| problem.to_string()).unwrap_or_default();
        assert!(fault("by=weather").starts_with("by: must be one of whole, day"));
        assert!(fault("from=yesterday").starts_with("from: must be a day"));
        assert!(fault("from=2026-11-02&until=2026-11-01").starts_with("until: must not be before"));
        assert!(fault("till=2026-11-02").starts_with("till: not known"));
        assert_eq!(fault("from=2026-11-01&until=2026-11-02&by=arm"), "");
    }
}
