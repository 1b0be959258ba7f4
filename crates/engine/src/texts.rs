//! The shop's texts as they are searched: the index, kept beside the catalogue that it follows from, and the languages that texts and
//! queries are read in. A product is read in the language that its `locale` names, else in the shop's.

use crate::catalog::{Catalog, RAW, is_locale, is_naming, locale_of};
use bespoke_domain::product::Content;
use bespoke_domain::settings::{LANGUAGES, Language, SearchSettings, Synonym};
use bespoke_domain::{ProductNo, locale};
use bespoke_search::analysis::Analyzer;
use bespoke_search::document::Document;
use bespoke_search::index::Index;
use bespoke_search::query::{About, Synonyms, Values};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// How one language is read.
#[derive(Debug)]
pub struct Reading {
    /// How texts and queries become terms.
    pub analyzer: Analyzer,
    /// What the shop says means the same, and everyday words.
    pub synonyms: Synonyms,
}

/// How each language is read, made when it is first asked for: it follows from the language and the shop's rules.
#[derive(Clone, Debug)]
struct Readings {
    rules: Arc<[Synonym]>,
    by_language: Arc<[OnceLock<Reading>; LANGUAGES.len()]>,
}

impl Readings {
    fn new(rules: &[Synonym]) -> Self {
        Self { rules: rules.into(), by_language: Arc::default() }
    }

    fn of(&self, language: Language) -> &Reading {
        self.by_language[language as usize].get_or_init(|| {
            let analyzer = Analyzer::new(language);
            // What is wrong with a synonym was said when it was set.
            let (synonyms, _) = Synonyms::new(&self.rules, &analyzer);
            Reading { analyzer, synonyms }
        })
    }
}

/// The index with how it is read. It is not part of a checkpoint: it is built again from the catalogue.
#[derive(Clone, Debug)]
pub struct Texts {
    /// Which products say what.
    pub index: Index,
    /// The shop's language.
    language: Language,
    readings: Readings,
    /// Values that queries may name, read in each language that products are in, the shop's first.
    values: Vec<(Language, Values)>,
    /// Tags of the catalogue that are noted as values, those below, and sets of products of which the languages are known.
    noted: (u32, usize),
}

impl Default for Texts {
    fn default() -> Self {
        Self::new(&SearchSettings::default())
    }
}

impl Texts {
    /// Of no products, in a shop's language.
    fn new(settings: &SearchSettings) -> Self {
        Self {
            index: Index::default(),
            language: settings.language,
            readings: Readings::new(&settings.synonyms),
            values: vec![(settings.language, Values::default())],
            noted: (0, 0),
        }
    }

    /// Takes new settings; another language means that all texts are read again.
    pub fn set(&mut self, settings: &SearchSettings, catalog: &Catalog) {
        if self.language != settings.language {
            *self = Self::of(catalog, settings);
            return;
        }
        self.readings = Readings::new(&settings.synonyms);
    }

    /// The shop's language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// How a language is read.
    pub fn reading(&self, language: Language) -> &Reading {
        self.readings.of(language)
    }

    /// What reads texts of the shop's own language.
    pub fn analyzer(&self) -> &Analyzer {
        &self.reading(self.language).analyzer
    }

    /// What reads a product's texts.
    pub fn analyzer_of(&self, content: &Content) -> &Analyzer {
        &self.reading(language_of(content).unwrap_or(self.language)).analyzer
    }

    /// The language that a query is read in, by the locale of its page; the shop's where that is empty.
    pub fn language_of(&self, tag: &str) -> Language {
        if tag.is_empty() { self.language } else { locale::read_as(tag) }
    }

    /// What reads the products that a query in a language is to find beside those in it: those that say none, and where it is for readers of
    /// `all` languages the others too.
    pub fn beside(&self, language: Language, all: bool) -> Vec<&Analyzer> {
        let some = self.values.iter().take(if all { self.values.len() } else { 1 });
        some.filter(|(own, _)| *own != language).map(|(own, _)| &self.reading(*own).analyzer).collect()
    }

    /// The values that queries of a language may name; those that the shop's language names where no product is in it.
    pub fn values(&self, language: Language) -> &Values {
        let own = self.values.iter().find(|(own, _)| *own == language);
        &own.unwrap_or(&self.values[0]).1
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
        let Self { index, readings, language: own, .. } = self;
        let analyzer = |language: Option<Language>| &readings.of(language.unwrap_or(*own)).analyzer;
        index.change(analyzer, product, before.as_ref(), now.as_ref());
    }

    /// Of a whole catalogue.
    pub fn of(catalog: &Catalog, settings: &SearchSettings) -> Self {
        let mut texts = Self::new(settings);
        for product in (0..catalog.len() as u32).map(ProductNo) {
            texts.change(catalog, product, (None, catalog.content(product).as_ref()));
        }
        texts
    }

    /// Notes values that are new to the catalogue, in the shop's language and in all that products have ever been in: what a language's
    /// values are follows from the order of the tags alone.
    fn note(&mut self, catalog: &Catalog) {
        let (tags, sets) = (catalog.tag_count() as u32, catalog.set_count());
        let (noted, seen) = std::mem::replace(&mut self.noted, (tags, sets));
        let Self { values, readings, .. } = self;
        for (language, values) in values.iter_mut() {
            note(values, &readings.of(*language).analyzer, catalog, noted..tags);
        }
        let languages = if sets > seen { catalog.languages() } else { Vec::new() };
        for language in languages {
            if !values.iter().any(|(own, _)| *own == language) {
                let mut new = Values::default();
                note(&mut new, &readings.of(language).analyzer, catalog, 0..tags);
                values.push((language, new));
            }
        }
    }
}

/// Notes tags as values that queries may name.
fn note(values: &mut Values, analyzer: &Analyzer, catalog: &Catalog, tags: Range<u32>) {
    for tag in tags {
        let Some((name, value)) = catalog.tag_parts(tag).filter(|(_, value)| !value.is_empty()) else {
            continue;
        };
        let about = match name {
            "title" => continue,
            "brand" => About::Brand,
            "category" => About::Category,
            name if is_locale(name) => continue,
            _ => About::Attribute(name.to_owned()),
        };
        values.note(analyzer, &about, value);
    }
}

/// The language that a product says its texts are in.
fn language_of(content: &Content) -> Option<Language> {
    locale_of(content).map(locale::read_as)
}

fn document<'a>(id: &'a str, content: &'a Content) -> Document<'a> {
    let is_code = |name: &str| is_naming(name);
    let is_said = |name: &str| !is_code(name) && !is_locale(name);
    // What the feed said is looked for too, beside what was made of it.
    let said = |(name, value): (&'a str, &'a str)| (name.strip_suffix(RAW).unwrap_or(name), value);
    let named = content.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Document {
        title: &content.title,
        brand: &content.brand,
        categories: content.categories.iter().map(String::as_str).collect(),
        attributes: named.clone().filter(|(name, _)| is_said(name)).map(said).collect(),
        description: &content.description,
        codes: named.filter(|(name, _)| is_code(name)).map(|(_, value)| value).chain([id]).collect(),
        language: language_of(content),
    }
}
