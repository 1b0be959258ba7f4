//! What a placement file says of the shop as a whole: its facts, how much a page may show, and what values mean.

use super::settings::Reader;
use bespoke_domain::event::PageType;
use bespoke_domain::settings::{Attribution, Canonical, Clutter, Shop};
use bespoke_domain::{Currency, Millis, Problem};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// Most values of all tables together, and the longest of them, in bytes.
const VALUES_MAX: usize = 50_000;
const VALUE_MAX: usize = 750;
/// Most categories that are sensitive.
const SENSITIVE_MAX: usize = 1_000;
/// What stands for all pages that are not named.
const OTHER_PAGES: &str = "default";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShopToml {
    currency: Spanned<String>,
    time_zone: Spanned<String>,
    #[serde(default)]
    unknown_consent: Answer,
    sensitive_categories: Option<Spanned<Vec<String>>>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Answer {
    #[default]
    Denied,
    Granted,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClutterToml {
    modules: u16,
    items: u16,
}

/// Longest that an order is put down to a click, in days.
const DAYS_MAX: u16 = 90;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AttributionToml {
    click_days: u16,
    view_days: u16,
    product: ProductToml,
}

impl Default for AttributionToml {
    fn default() -> Self {
        let Attribution { click_days, view_days, .. } = Attribution::default();
        Self { click_days, view_days, product: ProductToml::Same }
    }
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum ProductToml {
    Same,
    Any,
}

/// The years whose changes of the clock are known.
const CLOCK_YEARS: (i16, i16) = (2010, 2060);

/// The zone's clock in these years; that of UTC where there is no such zone.
fn clock(zone: &Result<jiff::tz::TimeZone, jiff::Error>) -> Vec<(Millis, i16)> {
    let zone = zone.as_ref().cloned().unwrap_or(jiff::tz::TimeZone::UTC);
    let year = |year: i16| {
        jiff::civil::date(year, 1, 1).to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp())
    };
    let (Ok(from), Ok(until)) = (year(CLOCK_YEARS.0), year(CLOCK_YEARS.1)) else { return Vec::new() };
    let at =
        |time: jiff::Timestamp| (Millis(time.as_millisecond()), (zone.to_offset(time).seconds() / 60) as i16);
    let changes = zone.following(from).map(|change| change.timestamp()).take_while(|time| *time < until);
    std::iter::once(from).chain(changes).map(at).collect()
}

/// `[clutter.PAGE]` by page.
pub(super) type ClutterTables = BTreeMap<Spanned<String>, ClutterToml>;

/// `[normalise.ATTRIBUTE]` by attribute.
pub(super) type CanonicalTables = BTreeMap<Spanned<String>, BTreeMap<String, String>>;

/// Stands in while the rest of a faulty file is read; settings with a fault are never returned.
const FALLBACK_CURRENCY: Currency = Currency::EUR;

impl Reader<'_> {
    pub(super) fn shop(&mut self, shop: ShopToml) -> Shop {
        let currency = Currency::parse(shop.currency.get_ref()).unwrap_or_else(|problem| {
            self.fault(shop.currency.span().start, problem.inside("shop"));
            FALLBACK_CURRENCY
        });
        let zone = jiff::tz::TimeZone::get(shop.time_zone.get_ref());
        if zone.is_err() {
            let detail = "must be an IANA name such as \"Europe/London\"";
            let problem = Problem::new("shop.time_zone", "unknown_time_zone", detail);
            self.fault(shop.time_zone.span().start, problem);
        }
        let sensitive = shop.sensitive_categories.as_ref();
        if let Some(list) = sensitive.filter(|list| list.get_ref().len() > SENSITIVE_MAX) {
            let detail = format!("must be at most {SENSITIVE_MAX}; name the categories above them");
            let problem = Problem::new("shop.sensitive_categories", "too_many", detail);
            self.fault(list.span().start, problem);
        }
        Shop {
            currency,
            time_zone: shop.time_zone.into_inner(),
            unknown_consent_granted: shop.unknown_consent == Answer::Granted,
            sensitive_categories: shop.sensitive_categories.map(Spanned::into_inner).unwrap_or_default(),
            clock: clock(&zone),
        }
    }

    pub(super) fn attribution(&mut self, file: Option<Spanned<AttributionToml>>) -> Attribution {
        let Some(file) = file else { return Attribution::default() };
        let at = file.span().start;
        let AttributionToml { click_days, view_days, product } = file.into_inner();
        for (field, days) in [("click_days", click_days), ("view_days", view_days)] {
            if days > DAYS_MAX {
                let detail = format!("must be from 0 to {DAYS_MAX} days");
                self.fault(at, Problem::new(format!("attribution.{field}"), "out_of_range", detail));
            }
        }
        Attribution { click_days, view_days, any_product: product == ProductToml::Any }
    }

    pub(super) fn clutter(&mut self, tables: ClutterTables) -> Vec<Clutter> {
        let mut clutter = Vec::new();
        for (page, table) in tables {
            let named = PageType::parse(page.get_ref());
            if named.is_none() && page.get_ref() != OTHER_PAGES {
                let detail = format!("{:?} is no type of page, and not \"{OTHER_PAGES}\"", page.get_ref());
                self.fault(page.span().start, Problem::new("clutter", "unknown_page_type", detail));
            }
            clutter.push(Clutter { page: named, modules: table.modules, items: table.items });
        }
        clutter
    }

    pub(super) fn canonical(&mut self, tables: CanonicalTables) -> Vec<Canonical> {
        let mut canonical = Vec::new();
        let mut count = 0;
        for (attribute, values) in tables {
            count += values.len();
            let at = attribute.span().start;
            let is_long =
                |(from, to): (&String, &String)| from.len().max(to.len()) > VALUE_MAX || to.is_empty();
            if values.iter().any(is_long) {
                let detail = format!("each value must have 1 to {VALUE_MAX} bytes");
                self.fault(at, Problem::new("normalise", "invalid_value", detail));
            }
            if count > VALUES_MAX {
                self.fault(
                    at,
                    Problem::new("normalise", "too_many", format!("must be at most {VALUES_MAX}")),
                );
                break;
            }
            let values = values.into_iter().collect();
            canonical.push(Canonical { attribute: attribute.into_inner(), values });
        }
        canonical
    }
}
