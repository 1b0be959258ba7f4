//! What makes a product again as it was: the difference of two catalogues, as a patch.

use super::{Catalog, Moments};
use bespoke_domain::product::{Availability, ProductPatch};
use bespoke_domain::{Millis, ProductNo};

impl Catalog {
    /// What makes the product again as it was `before`; `None` where that is how it is. What came in after `until` stays.
    pub fn undone(
        &self,
        product: ProductNo,
        before: &Self,
        was: Option<ProductNo>,
        until: Millis,
    ) -> Option<ProductPatch> {
        let now = self.moments.get(product.index())?;
        let empty = Moments::default();
        let then = was.and_then(|was| before.moments.get(was.index())).unwrap_or(&empty);
        let may = |field: usize| now.as_of[field] <= until.0;
        let differs = |field: usize, is_same: bool| may(field) && !is_same;
        let content = was.and_then(|was| before.content(was));
        let same_content = content.is_none() || content == self.content(product);
        let is_gone = now.availability.is_some() && then.availability.is_none();
        let patch = ProductPatch {
            id: self.id(product).to_owned(),
            price: then.price.filter(|_| differs(0, now.price == then.price)),
            sale_price: differs(1, now.sale_price == then.sale_price).then_some(then.sale_price),
            availability: if is_gone { Some(Availability::OutOfStock) } else { then.availability }
                .filter(|_| differs(2, now.availability == then.availability)),
            stock: then.stock.filter(|_| differs(3, now.stock == then.stock)),
            content: content.filter(|_| differs(4, same_content)).map(Box::new),
            as_of: Millis::default(),
        };
        let nothing = ProductPatch { id: patch.id.clone(), ..ProductPatch::default() };
        (patch != nothing && !(is_gone && now.availability == Some(Availability::OutOfStock)))
            .then_some(patch)
    }
}
