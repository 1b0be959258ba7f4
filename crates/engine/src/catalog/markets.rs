//! Where products are sold, and in which language their texts are: few different sets, so that a row holds the number of its own.

use super::Catalog;
use bespoke_domain::locale;
use bespoke_domain::product::Content;
use bespoke_domain::settings::Language;
use std::sync::Arc;

/// Most different sets; a row with one more is shown in no market and no language that can be asked for.
const MARKET_SETS_MAX: usize = 255;
/// The attributes that say where a product is sold, and what language its texts are in.
const MARKET: &str = "market";
const LOCALE: &str = "locale";
/// Between the markets of a set and their language.
const SEPARATOR: char = ';';

/// Whether an attribute says which language the others are in, and nothing of the product.
pub fn is_locale(name: &str) -> bool {
    name.eq_ignore_ascii_case(LOCALE)
}

/// The locale that a product's texts say they are in.
pub fn locale_of(content: &Content) -> Option<&str> {
    let named = content.attributes.iter().find(|(name, _)| is_locale(name));
    named.map(|(_, tag)| tag.trim()).filter(|tag| !tag.is_empty())
}

impl Catalog {
    /// By set of markets and language whether it is shown in `market`, whatever the letter case, to who reads the language of `locale`; either
    /// is empty where it is not said. `None` where everything is.
    pub fn shown_in(&self, market: &str, locale: &str) -> Option<Vec<bool>> {
        if market.is_empty() && locale.is_empty() {
            return None;
        }
        let (market, language) = (market.to_lowercase(), locale::language(locale).to_lowercase());
        let is_shown = |set: &Arc<str>| {
            let (markets, own) = set.split_once(SEPARATOR).unwrap_or((set, ""));
            let is_sold =
                market.is_empty() || markets.is_empty() || markets.split(',').any(|one| one == market);
            is_sold && (language.is_empty() || own.is_empty() || own == language)
        };
        let sets: Vec<bool> = self.market_sets.names.iter().map(is_shown).collect();
        let is_all = sets.len() < MARKET_SETS_MAX && sets.iter().all(|shown| *shown);
        (!is_all).then_some(sets)
    }

    /// Whether a row says that it is sold in `market`, whatever the letter case.
    pub fn knows_market(&self, market: &str) -> bool {
        let is_it = |one: &str| one.eq_ignore_ascii_case(market);
        let markets =
            |set: &Arc<str>| set.split(SEPARATOR).next().is_some_and(|all| all.split(',').any(is_it));
        !market.is_empty() && self.market_sets.names.iter().any(markets)
    }

    /// The languages that products have ever said their texts are in, those that are read alike once.
    pub fn languages(&self) -> Vec<Language> {
        let named = self.market_sets.names.iter().filter_map(|set| set.split_once(SEPARATOR));
        let mut all: Vec<Language> = Vec::new();
        for language in named.map(|(_, language)| locale::read_as(language)) {
            if !all.contains(&language) {
                all.push(language);
            }
        }
        all
    }

    /// Number of sets of markets and language.
    pub fn set_count(&self) -> usize {
        self.market_sets.names.len()
    }

    /// The number of the set that the attributes `market` and `locale` name; 0 = everywhere, to everybody.
    pub(super) fn market_set(&mut self, content: &Content) -> u8 {
        let named = content.attributes.iter().filter(|(name, _)| name.eq_ignore_ascii_case(MARKET));
        let mut markets: Vec<String> =
            named.flat_map(|(_, list)| list.split(',')).map(|one| one.trim().to_lowercase()).collect();
        markets.retain(|market| !market.is_empty());
        let language = locale_of(content).map(|tag| locale::language(tag).to_lowercase());
        if markets.is_empty() && language.is_none() {
            return 0;
        }
        markets.sort_unstable();
        markets.dedup();
        let mut name = markets.join(",");
        if let Some(language) = language {
            name.push(SEPARATOR);
            name += &language;
        }
        if let Some(number) = self.market_sets.get(&name) {
            return number as u8;
        }
        let sets = Arc::make_mut(&mut self.market_sets);
        if sets.names.is_empty() {
            sets.number("");
        }
        if sets.names.len() < MARKET_SETS_MAX { sets.number(&name) as u8 } else { MARKET_SETS_MAX as u8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bespoke_domain::Millis;
    use bespoke_domain::product::ProductPatch;

    fn shown(catalog: &Catalog, market: &str, locale: &str) -> Option<Vec<bool>> {
        let sets = catalog.shown_in(market, locale)?;
        Some(catalog.rows().map(|(_, row)| sets.get(usize::from(row.markets)) == Some(&true)).collect())
    }

    fn catalog(rows: &[(&str, &str)]) -> Catalog {
        let mut catalog = Catalog::default();
        for (no, (market, locale)) in rows.iter().enumerate() {
            let product = catalog.add(format!("{no}").into());
            let attributes = [("Market", market), ("locale", locale)];
            let attributes = attributes.map(|(name, value)| (name.to_owned(), (*value).to_owned())).to_vec();
            let content = Content { title: "Mug".into(), attributes, ..Content::default() };
            let patch =
                ProductPatch { as_of: Millis(1), content: Some(Box::new(content)), ..Default::default() };
            catalog.apply(product, &patch);
        }
        catalog
    }

    #[test]
    fn a_page_shows_its_market_and_its_language_and_what_names_none() {
        let catalog =
            catalog(&[("", ""), ("DE, AT", ""), ("", "de-AT"), ("AT", "de"), ("", "en"), ("CH", "pl")]);
        for (market, locale, expected) in [
            ("at", "", [true, true, true, true, true, false]),
            ("", "de-DE", [true, true, true, true, false, false]),
            ("CH", "de", [true, false, true, false, false, false]),
            ("", "en-GB", [true, true, false, false, true, false]),
            ("", "cs", [true, true, false, false, false, false]),
        ] {
            assert_eq!(shown(&catalog, market, locale), Some(expected.to_vec()), "{market} {locale}");
        }
        assert_eq!(shown(&catalog, "", ""), None);
        assert_eq!(catalog.languages(), [Language::German, Language::English, Language::Other]);
    }

    #[test]
    fn a_shop_that_names_no_language_has_nothing_to_leave_out() {
        assert_eq!(catalog(&[("", ""), ("", "")]).shown_in("DE", "de"), None);
        assert_eq!(catalog(&[("", ""), ("AT", "")]).shown_in("", "de"), None);
    }

    #[test]
    fn a_set_too_many_is_shown_where_neither_is_asked_for() {
        let names: Vec<String> = (0..300).map(|no| format!("m{no}")).collect();
        let rows: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        let catalog = catalog(&rows);
        let in_last = shown(&catalog, "m299", "").expect("sets");
        assert!(in_last.iter().all(|shown| !shown), "it has no set of its own");
        assert_eq!(shown(&catalog, "", "de").map(|all| all[299]), Some(false));
    }
}
