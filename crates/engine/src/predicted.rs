//! The category that a search is about where its words name none: by where its best matches stand, and by what shoppers clicked, carted and
//! bought for the same words. The deepest category that most of the evidence is in, or none: a category that is wrong is worse than
//! none. It is told, and takes nothing away.

use crate::catalog::Catalog;
use crate::queries::Query;
use bespoke_domain::{CategoryNo, ProductNo};

/// Matches that are looked at, the best.
const LOOKED_AT: usize = 100;
/// Clicks that say as much as all matches.
const CLICKS_AS_MATCHES: f32 = 10.0;
/// Least share of the evidence that must be in a category.
const SURE_MIN: f32 = 0.6;
const _: () = assert!(SURE_MIN > 0.5, "two categories are never both sure");

/// A category that is probably meant.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Predicted {
    /// Which.
    pub category: CategoryNo,
    /// The share of the evidence that is in it or below it.
    pub confidence: f32,
    /// Whether at least half of the evidence is what shoppers did.
    pub is_by_clicks: bool,
}

/// What speaks for which category: where the best matches stand, and what was dealt with after the same words.
pub struct Evidence<'a> {
    catalog: &'a Catalog,
    /// Categories with the share of the evidence that is in them or below them.
    shares: Vec<(CategoryNo, f32)>,
    is_by_clicks: bool,
}

impl<'a> Evidence<'a> {
    /// `best` are matches with their scores, best first, `query` what is known of the same words.
    pub fn new(catalog: &'a Catalog, best: &[(f32, ProductNo)], query: Option<&Query>) -> Self {
        // What few have asked may be about one of them.
        let dealt = query.filter(|query| query.is_common()).map_or(&[][..], |query| &query.found);
        let clicks: f32 = dealt.iter().map(|one| one.weight()).sum();
        // The fourth power: what matches half as well says a sixteenth.
        let masses = best.iter().take(LOOKED_AT).map(|(score, product)| {
            let square = score * score;
            (square * square, *product)
        });
        let mass: f32 = masses.clone().map(|(mass, _)| mass).sum();
        let (of_matches, matches) =
            if mass > 0.0 { (CLICKS_AS_MATCHES / mass, CLICKS_AS_MATCHES) } else { (0.0, 0.0) };
        let all = (matches + clicks).max(f32::MIN_POSITIVE);
        let is_by_clicks = clicks > 0.0 && clicks >= matches;
        let mut evidence = Self { catalog, shares: Vec::new(), is_by_clicks };
        masses.for_each(|(mass, product)| evidence.add(product, mass * of_matches / all));
        dealt.iter().for_each(|one| evidence.add(one.product, one.weight() / all));
        evidence
    }

    fn add(&mut self, product: ProductNo, share: f32) {
        let mut at = self.catalog.row(product).map(|row| row.category).unwrap_or_default();
        while at.0 != 0 {
            match self.shares.iter_mut().find(|(held, _)| *held == at) {
                Some((_, sum)) => *sum += share,
                None => self.shares.push((at, share)),
            }
            at = self.catalog.parent(at);
        }
    }

    /// The deepest category that most of it is in, where there is one.
    pub fn predicted(&self) -> Option<Predicted> {
        let mut deepest: Option<(CategoryNo, f32)> = None;
        loop {
            let above = deepest.map_or(CategoryNo(0), |(category, _)| category);
            // More than half: no other can have as much.
            let is_next = |(category, share): &&(CategoryNo, f32)| {
                *share >= SURE_MIN && self.catalog.parent(*category) == above
            };
            match self.shares.iter().find(is_next) {
                Some(next) => deepest = Some(*next),
                None => break,
            }
        }
        let (category, share) = deepest?;
        // Sums of shares are off by what was rounded.
        let confidence = libm::roundf(share.min(1.0) * 1000.0) / 1000.0;
        Some(Predicted { category, confidence, is_by_clicks: self.is_by_clicks })
    }

    /// Categories that nothing of it is below, with their shares, most first.
    pub fn most_likely(&self) -> Vec<(CategoryNo, f32)> {
        let is_above = |category: CategoryNo| {
            self.shares.iter().any(|(other, _)| self.catalog.parent(*other) == category)
        };
        let mut ends: Vec<(CategoryNo, f32)> =
            self.shares.iter().filter(|(category, _)| !is_above(*category)).copied().collect();
        ends.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bespoke_domain::Millis;
    use bespoke_domain::product::{Content, ProductPatch};

    fn catalog(paths: &[&str]) -> Catalog {
        let mut catalog = Catalog::default();
        for (no, path) in paths.iter().enumerate() {
            let product = catalog.add(format!("{no}").into());
            let categories = if path.is_empty() { Vec::new() } else { vec![(*path).to_owned()] };
            let content = Content { title: "Mug".into(), categories, ..Content::default() };
            let patch =
                ProductPatch { as_of: Millis(1), content: Some(Box::new(content)), ..Default::default() };
            catalog.apply(product, &patch);
        }
        catalog
    }

    fn shown(paths: &[&str], scores: &[f32]) -> String {
        let catalog = catalog(paths);
        let best: Vec<(f32, ProductNo)> = scores.iter().copied().zip((0..).map(ProductNo)).collect();
        match Evidence::new(&catalog, &best, None).predicted() {
            Some(one) => format!("{} {:.2}", catalog.category_path(one.category), one.confidence),
            None => "none".to_owned(),
        }
    }

    #[test]
    fn the_deepest_category_that_is_sure_enough() {
        let paths = ["Home > Kitchen > Mugs", "Home > Kitchen > Cups", "Home > Garden", "Toys"];
        assert_eq!(shown(&paths, &[1.0, 0.5, 0.5, 0.5]), "Home > Kitchen > Mugs 0.84");
        assert_eq!(shown(&paths, &[1.0, 0.95, 0.7, 0.6]), "Home > Kitchen 0.83");
        assert_eq!(shown(&paths, &[0.8, 0.8, 0.8, 0.9]), "Home 0.65");
    }

    #[test]
    fn who_is_not_sure_says_nothing() {
        assert_eq!(shown(&["Home", "Toys"], &[1.0, 1.0]), "none");
        assert_eq!(
            shown(&["Home", "", ""], &[1.0, 1.0, 1.0]),
            "none",
            "what has no category speaks for none"
        );
        assert_eq!(shown(&["Home"], &[]), "none");
        assert_eq!(shown(&["Home"], &[0.0]), "none");
    }
}
