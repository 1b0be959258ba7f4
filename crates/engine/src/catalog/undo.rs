//! What makes a product again as it was: the difference of two catalogues, as a patch.

use super::{Catalog, Moments};
use bespoke_domain::product::{Availability, ProductPatch};
use bespoke_domain::{Millis, ProductNo};

impl Catalog {
    /// What makes a product again as it was before an import, in the fields that are still as they were after it; `None`
    /// where that is nothing. `before` and `after` have their own number for it.
    pub fn undone(
        &self,
        product: ProductNo,
        (before, after): (&Self, &Self),
        other: Option<ProductNo>,
    ) -> Option<ProductPatch> {
        let now = self.moments.get(product.index())?;
        let nothing = Moments::default();
        let of = |catalog: &'_ Self| other.and_then(|no| catalog.moments.get(no.index()).copied());
        let (then, since) = (of(before).unwrap_or(nothing), of(after).unwrap_or(nothing));
        let content = other.and_then(|no| before.content(no));
        let is_same = content.is_none() || content == self.content(product);
        let same = [
            (now.price == since.price, now.price == then.price),
            (now.sale_price == since.sale_price, now.sale_price == then.sale_price),
            (now.availability == since.availability, now.availability == then.availability),
            (now.stock == since.stock, now.stock == then.stock),
            (true, is_same),
        ];
        // What another patch changed since, or said again, stays.
        let goes = |field: usize| same[field].0 && !same[field].1 && now.as_of[field] == since.as_of[field];
        let gone = Availability::OutOfStock;
        let patch = ProductPatch {
            id: self.id(product).to_owned(),
            price: then.price.filter(|_| goes(0)),
            sale_price: goes(1).then_some(then.sale_price),
            availability: then
                .availability
                .or(Some(gone))
                .filter(|was| goes(2) && now.availability != Some(*was)),
            stock: then.stock.filter(|_| goes(3)),
            content: content.filter(|_| goes(4)).map(Box::new),
            vector: None,
            as_of: Millis::default(),
        };
        let empty = ProductPatch { id: patch.id.clone(), ..ProductPatch::default() };
        (patch != empty).then_some(patch)
    }
}
