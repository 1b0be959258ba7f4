//! The shop's texts as they are searched: the index, kept beside the catalogue that it follows from, and the language of both.

use crate::catalog::{Catalog, RAW, is_naming};
use bespoke_domain::ProductNo;
use bespoke_domain::product::Content;
use bespoke_search::analysis::{Analyzer, Language};
use bespoke_search::document::Document;
use bespoke_search::index::Index;
use std::sync::Arc;

/// The index with its analyzer. It is not part of a checkpoint: it is built again from the catalogue.
#[derive(Clone, Debug)]
pub struct Texts {
    /// Which products say what.
    pub index: Index,
    /// How texts and queries become terms.
    pub analyzer: Arc<Analyzer>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { index: Index::default(), analyzer: Arc::new(Analyzer::new(Language::default())) }
    }
}

impl Texts {
    /// Notes that a product's content, which was `before`, is `now`.
    pub fn change(&mut self, product: ProductNo, id: &str, before: Option<&Content>, now: Option<&Content>) {
        let (before, now) = (before.map(|one| document(id, one)), now.map(|one| document(id, one)));
        self.index.change(&self.analyzer, product, before.as_ref(), now.as_ref());
    }

    /// Of a whole catalogue.
    pub fn of(catalog: &Catalog) -> Self {
        let mut texts = Self::default();
        for product in (0..catalog.len() as u32).map(ProductNo) {
            texts.change(product, catalog.id(product), None, catalog.content(product).as_ref());
        }
        texts
    }
}

fn document<'a>(id: &'a str, content: &'a Content) -> Document<'a> {
    let is_code = |name: &str| is_naming(name);
    let named = content.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Document {
        title: &content.title,
        brand: &content.brand,
        categories: content.categories.iter().map(String::as_str).collect(),
        attributes: named.clone().filter(|(name, _)| !name.ends_with(RAW) && !is_code(name)).collect(),
        description: &content.description,
        codes: named.filter(|(name, _)| is_code(name)).map(|(_, value)| value).chain([id]).collect(),
    }
}
