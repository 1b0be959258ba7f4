//! The shop's texts as they are searched: the index, kept beside the catalogue that it follows from, and the language of both.

use crate::catalog::{Catalog, RAW, is_naming};
use bespoke_domain::ProductNo;
use bespoke_domain::product::Content;
use bespoke_domain::settings::SearchSettings;
use bespoke_search::analysis::Analyzer;
use bespoke_search::document::Document;
use bespoke_search::index::Index;
use bespoke_search::query::{About, Synonyms, Values};
use std::sync::Arc;

/// The index with its analyzer. It is not part of a checkpoint: it is built again from the catalogue.
#[derive(Clone, Debug)]
pub struct Texts {
    /// Which products say what.
    pub index: Index,
    /// How texts and queries become terms.
    pub analyzer: Arc<Analyzer>,
    /// Values that queries may name.
    pub values: Values,
    /// What the shop says means the same.
    pub synonyms: Arc<Synonyms>,
    /// Tags of the catalogue that are noted as values: those below.
    noted: u32,
}

impl Default for Texts {
    fn default() -> Self {
        Self::new(&SearchSettings::default())
    }
}

impl Texts {
    /// Of no products, in a shop's language.
    fn new(settings: &SearchSettings) -> Self {
        let analyzer = Analyzer::new(settings.language);
        // What is wrong with a synonym was said when it was set.
        let (synonyms, _) = Synonyms::new(&settings.synonyms, &analyzer);
        Self {
            index: Index::default(),
            synonyms: Arc::new(synonyms),
            analyzer: Arc::new(analyzer),
            values: Values::default(),
            noted: 0,
        }
    }

    /// Takes new settings; another language means that all texts are read again.
    pub fn set(&mut self, settings: &SearchSettings, catalog: &Catalog) {
        if self.analyzer.language() != settings.language {
            *self = Self::of(catalog, settings);
            return;
        }
        self.synonyms = Arc::new(Synonyms::new(&settings.synonyms, &self.analyzer).0);
    }

    /// Notes that a product's content, which was `before`, is `now`.
    pub fn change(
        &mut self,
        catalog: &Catalog,
        product: ProductNo,
        (before, now): (Option<&Content>, Option<&Content>),
    ) {
        let id = catalog.id(product);
        self.note(catalog);
        let (before, now) = (before.map(|one| document(id, one)), now.map(|one| document(id, one)));
        self.index.change(&self.analyzer, product, before.as_ref(), now.as_ref());
    }

    /// Of a whole catalogue.
    pub fn of(catalog: &Catalog, settings: &SearchSettings) -> Self {
        let mut texts = Self::new(settings);
        for product in (0..catalog.len() as u32).map(ProductNo) {
            texts.change(catalog, product, (None, catalog.content(product).as_ref()));
        }
        texts
    }

    /// Notes values that are new to the catalogue.
    fn note(&mut self, catalog: &Catalog) {
        for tag in self.noted..catalog.tag_count() as u32 {
            let Some((name, value)) = catalog.tag_parts(tag).filter(|(_, value)| !value.is_empty()) else {
                continue;
            };
            let about = match name {
                "title" => continue,
                "brand" => About::Brand,
                "category" => About::Category,
                _ => About::Attribute(name.to_owned()),
            };
            self.values.note(&self.analyzer, &about, value);
        }
        self.noted = catalog.tag_count() as u32;
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
