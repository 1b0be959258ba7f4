//! The search that serves, without a shopper: a shop of all products with the default placements, asked as `/v1/search` asks it.

use super::DEPTH;
use super::data::{Product, Store};
use crate::error::Error;
use bespoke_domain::product::{Availability, Content};
use bespoke_domain::search::Search;
use bespoke_domain::{
    Body, Candidate, Currency, DecisionId, Entry, Millis, Money, Offset, ProductPatch, Request,
};
use bespoke_engine::Engine;

/// A shop.
#[derive(Debug)]
pub struct Served {
    engine: Engine,
}

impl Served {
    /// Of all products, all of them in stock.
    ///
    /// # Errors
    /// When the default placements are not as they should be.
    pub fn new(store: &Store) -> Result<Self, Error> {
        let settings = bespoke::placements::parse(bespoke::placements::DEFAULT)
            .map_err(|error| Error::Bench(format!("the default placements: {error:?}")))?;
        let patches = store.products.iter().map(|product| Body::Catalog(Box::new(patch(product))));
        let mut engine = Engine::default();
        for (offset, body) in (1..).zip([Body::Settings(Box::new(settings))].into_iter().chain(patches)) {
            engine.apply(Offset(offset), &Entry { received: Millis(1), shopper: None, body });
        }
        engine.publish();
        Ok(Self { engine })
    }

    /// The best products for a query. Numbers of products are their places in the store.
    pub fn search(&self, query: &str) -> Vec<u32> {
        let request = Request {
            id: DecisionId(1),
            now: Millis(2),
            placement: "search".to_owned(),
            slots: DEPTH as u16,
            search: Some(Box::new(Search { text: query.to_owned(), ..Search::default() })),
            ..Request::default()
        };
        let product = |candidate| match candidate {
            Candidate::Product(product) => Some(product.0),
            Candidate::Category(_) => None,
        };
        let slate = self.engine.live().decide(&request).slate;
        slate.into_iter().filter_map(|slot| product(slot.candidate)).collect()
    }
}

/// A product as the log has it.
pub(super) fn patch(product: &Product) -> ProductPatch {
    let (codes, attributes) = (product.codes.iter().map(|code| ("mpn", code)), product.attributes.iter());
    let attributes = attributes.map(|(name, value)| (name.as_str(), value)).chain(codes);
    let content = Content {
        title: product.title.clone(),
        brand: product.brand.clone(),
        description: product.description.clone(),
        attributes: attributes.map(|(name, value)| (name.to_owned(), value.clone())).collect(),
        ..Content::default()
    };
    ProductPatch {
        id: product.id.clone(),
        as_of: Millis(1),
        price: product.price.map(|minor| Money { minor, currency: Currency::EUR }),
        availability: Some(Availability::InStock),
        content: Some(Box::new(content)),
        ..ProductPatch::default()
    }
}
