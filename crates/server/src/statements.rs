//! The holdout month by month: what personalization added in each, in plain words, with what it extrapolates to.

use crate::boot::Shop;
use crate::experiments_api::{ComparedBody, IntervalBody, LeftOutBody, compared};
use crate::wire::error::ApiError;
use bespoke_domain::experiment::{Analysis, Experiment};
use bespoke_domain::time::Month;
use bespoke_domain::{Currency, Money, Problem};
use bespoke_engine::experiment::month::OfMonth;
use bespoke_engine::experiment::result::{Compared, LEAST_UNITS, Report, holdout, report};
use serde::Serialize;
use std::fmt::Write as _;
use utoipa::ToSchema;

/// The metrics of a statement.
const METRICS: [&str; 5] = ["margin", "revenue", "conversion", "order_value", "return_rate"];
/// Those of which there is a sum over all units.
const SUMS: [&str; 2] = ["margin", "revenue"];

/// Statements.
#[derive(Serialize, ToSchema, Debug)]
pub struct StatementsBody {
    /// The shop's currency, in which money is.
    pub currency: String,
    /// The months, oldest first; one in which the holdout's share changed is there once for each.
    pub months: Vec<StatementBody>,
}

/// What personalization was worth in a month.
#[derive(Serialize, ToSchema, Debug)]
pub struct StatementBody {
    /// The month, `2026-10`, in the shop's time zone.
    pub month: String,
    /// The epoch of the holdout.
    pub epoch: u32,
    /// Whether the month is over: intervals hold at this one look; else at every look.
    pub is_over: bool,
    /// Whether what still comes back is no longer taken off it.
    pub is_closed: bool,
    /// Shoppers who were held out and came in this month.
    pub held: u64,
    /// Shoppers who had personalization and came in it.
    pub personalized: u64,
    /// Shoppers who do not count.
    pub left_out: LeftOutBody,
    /// How likely the groups would differ so much in number if each got its share.
    pub mismatch_p: f64,
    /// Whether they differ too much for any number to be believed; then none is given.
    pub mismatch: bool,
    /// Margin, revenue, conversion, order value and return rate: who was held out against who was not.
    pub metrics: Vec<ComparedBody>,
    /// What that comes to.
    pub added: Vec<AddedBody>,
    /// The same in plain words.
    pub words: String,
}

/// A sum over shoppers. In main units of the currency.
#[derive(Serialize, ToSchema, Debug)]
pub struct AddedBody {
    /// The metric.
    pub metric: String,
    /// What personalization added among those who had it.
    pub had: IntervalBody,
    /// What it would have added among those who were held out, if it does the same to them.
    pub forgone: IntervalBody,
}

/// The statements of the month that `month` names in a query, of all where it names none.
pub fn statements(shop: &Shop, query: &str) -> Result<StatementsBody, ApiError> {
    let asked = asked(query).map_err(ApiError::invalid)?;
    let snapshot = shop.live.snapshot();
    let settings = snapshot.aggregates.settings.as_deref().ok_or_else(ApiError::internal)?;
    let now = Month::of_day(settings.shop.local_day(crate::clock::now()));
    let all = snapshot.aggregates.ledger.months.all().iter();
    let months = all.filter(|one| asked.is_none_or(|month| month == one.month));
    let months: Vec<_> = months.map(|one| statement(one, one.month < now, settings.shop.currency)).collect();
    if let (Some(month), true) = (asked, months.is_empty()) {
        let detail = format!("nobody was held out or shown anything in {month}, as far as is known");
        return Err(ApiError::new("not_found", detail));
    }
    Ok(StatementsBody { currency: settings.shop.currency.code().to_owned(), months })
}

/// The same as CSV: a line a month and metric.
pub fn csv(shop: &Shop, query: &str) -> Result<String, ApiError> {
    let told = statements(shop, query)?;
    let mut text = "month,epoch,is_over,held,personalized,mismatch,metric,held_value,personalized_value,difference,low,high,added,added_low,added_high\n".to_owned();
    for month in &told.months {
        for one in &month.metrics {
            let added = month.added.iter().find(|added| added.metric == one.metric).map(|added| &added.had);
            let added =
                added.map_or(",,".to_owned(), |had| format!("{},{},{}", had.estimate, had.low, had.high));
            let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
            let of = |part: fn(&IntervalBody) -> f64| number(one.difference.as_ref().map(part));
            _ = writeln!(
                text,
                "{},{},{},{},{},{},{},{},{},{},{},{},{added}",
                month.month,
                month.epoch,
                month.is_over,
                month.held,
                month.personalized,
                month.mismatch,
                one.metric,
                number(one.control),
                number(one.treated),
                of(|one| one.estimate),
                of(|one| one.low),
                of(|one| one.high)
            );
        }
    }
    Ok(text)
}

fn asked(query: &str) -> Result<Option<Month>, Problem> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|error| Problem::new("query", "invalid_query", error.to_string()))?;
    let mut asked = None;
    for (name, value) in pairs {
        if name != "month" {
            return Err(Problem::new(name, "unknown_field", "not known here; leave it out"));
        }
        let wrong = || Problem::new("month", "invalid_time", "must be a month such as 2026-10");
        asked = Some(Month::parse(&value).ok_or_else(wrong)?);
    }
    Ok(asked)
}

fn statement(one: &OfMonth, is_over: bool, currency: Currency) -> StatementBody {
    let analysis = if is_over { Analysis::FixedHorizon } else { Analysis::AlwaysValid };
    let told = report(&one.run, &Experiment { analysis, ..holdout() });
    let (held, personalized) = (told.arms[0].units, told.arms[1].units);
    let found: &[Compared] = told.results.first().map_or(&[], |result| &result.metrics);
    let find = |name: &&str| found.iter().find(|one| one.metric == *name);
    let added = |one: &Compared| {
        let per = compared(one, currency).difference?;
        let times = |units: u64| {
            let units = units as f64;
            IntervalBody { estimate: per.estimate * units, low: per.low * units, high: per.high * units }
        };
        Some(AddedBody { metric: one.metric.to_owned(), had: times(personalized), forgone: times(held) })
    };
    let added: Vec<AddedBody> = SUMS.iter().filter_map(find).filter_map(added).collect();
    StatementBody {
        month: one.month.to_string(),
        epoch: one.run.epoch,
        is_over,
        is_closed: one.run.closed.is_some(),
        held,
        personalized,
        left_out: LeftOutBody::of(&told.left_out),
        mismatch_p: told.mismatch.p,
        mismatch: told.mismatch.is_found(),
        metrics: METRICS.iter().filter_map(find).map(|one| compared(one, currency)).collect(),
        words: words(
            (one.month, is_over),
            &told,
            (added.first().filter(|one| one.metric == SUMS[0]), currency),
        ),
        added,
    }
}

/// The statement in plain words.
fn words(
    (month, is_over): (Month, bool),
    told: &Report,
    (margin, currency): (Option<&AddedBody>, Currency),
) -> String {
    let when = if is_over { format!("In {month}") } else { format!("In {month} so far") };
    let (held, had) = (told.arms[0].units, told.arms[1].units);
    if told.mismatch.is_found() {
        return format!(
            "{when} the groups did not get their shares of shoppers (p = {:.1e}): no number can be believed. Either something loses shoppers of one group, or \
             personalization changes who comes back; `bespoke experiments holdout` counts all who ever came.",
            told.mismatch.p
        );
    }
    let Some(margin) = margin.filter(|_| (held + had) as f64 >= LEAST_UNITS && held >= 2) else {
        return format!("{when} it cannot be told: {held} held out of {} shoppers are too few.", held + had);
    };
    let minor = 10_f64.powi(currency.exponent() as i32);
    let money = |value: f64| Money { minor: (value * minor).round() as i64, currency }.to_string();
    let range = |one: &IntervalBody| format!("{} to {}", money(one.low), money(one.high));
    let (got, forgone) = (&margin.had, &margin.forgone);
    if got.low <= 0.0 && got.high >= 0.0 {
        return format!(
            "{when} it cannot be told what personalization added to the margin of the {had} shoppers who had it: {} by the estimate, and anything from {} is possible.",
            money(got.estimate),
            range(got)
        );
    }
    let verb = if got.estimate > 0.0 { "added" } else { "took" };
    let of = if got.estimate > 0.0 { "to" } else { "from" };
    format!(
        "{when} personalization {verb} {} ({}) {of} the margin of the {had} shoppers who had it; of the {held} who were held out it would have been {} ({}), if it does the same to them.",
        money(got.estimate.abs()),
        range(got),
        money(forgone.estimate.abs()),
        range(forgone)
    )
}
