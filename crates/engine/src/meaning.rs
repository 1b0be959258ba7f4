//! What texts mean, for search: where products and queries stand in a space in which what is meant alike is near. Two kinds of
//! vectors, see `models/text_vectors` and `models/embedded`; those of the shop's own words follow from the model in force and the
//! catalogue of the moment alone, so that a replay finds the same, and a new product has its vector at once.

use crate::catalog::{Catalog, RAW, is_locale, is_naming};
use crate::engine::Snapshot;
use crate::experiment::fnv;
use crate::shelf::Changed;
use crate::texts::Texts;
use bespoke_domain::ProductNo;
use bespoke_domain::product::Content;
use bespoke_domain::search::Search;
use bespoke_models::embedded::Embedded;
use bespoke_models::interactions::Interactions;
use bespoke_models::learned::{EMBEDDED, Learned, TEXT_VECTORS};
use bespoke_models::product_vectors::{Direction, ProductVectors};
use bespoke_models::text_vectors::TextVectors;
use bespoke_models::training_set;
use bespoke_search::analysis::{Analyzer, Kind, Language};
use bespoke_search::query::{Plan, Word};
use bespoke_search::ranking::Coverage;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a word counts by where it stands.
const TITLE: f32 = 2.0;
const PLAIN: f32 = 1.0;
const ATTRIBUTE: f32 = 0.25;
/// Longest value of an attribute that is read, in bytes: longer ones are texts.
const VALUE_MAX: usize = 60;
/// Values that say that the attribute's name holds, and that it does not.
const YES: [&str; 3] = ["true", "yes", "1"];
const NO: [&str; 4] = ["false", "no", "0", ""];

/// How much vectors count beside words.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Weights {
    /// Where words say all that is asked.
    base: f32,
    /// Fewest words of a query at which they count then.
    base_words: usize,
    /// Beyond it, where they say nothing.
    missing: f32,
}

/// Of the shop's own words. It knows no others, and of those that no product has together it knows less than words say.
const LEARNED: Weights = Weights { base: 0.03, base_words: 1, missing: 1.0 };
/// Of a dropped-in model. It does not know what a shop means by one word.
const DROPPED_IN: Weights = Weights { base: 0.02, base_words: 2, missing: 4.0 };
/// The least cosine of what is found by meaning alone, and the same as a share of the greatest.
const LEAST: f32 = 0.1;
const LEAST_SHARE: f32 = 0.3;
/// Words say all that is asked from this share of it on.
const WHOLE: f32 = 0.999;

/// Products by what their texts mean, by the vectors in force.
#[derive(Clone, Debug, Default)]
pub struct Meanings {
    /// By the shop's own words.
    own: Option<Own>,
    /// By a dropped-in model.
    embedded: Option<ByEmbedder>,
}

#[derive(Clone, Debug)]
struct Own {
    model: Arc<Learned>,
    language: Language,
    vectors: ProductVectors,
}

#[derive(Clone, Debug)]
struct ByEmbedder {
    base: Arc<Learned>,
    later: Option<Arc<Learned>>,
    vectors: ProductVectors,
}

/// Vectors of products by a model of words, made beforehand: of a large shop that takes many seconds, in which the fold must not stand still.
#[derive(Debug)]
pub struct Ready {
    own: Own,
    /// The catalogue that they are of.
    catalog: Catalog,
}

impl Ready {
    /// The vectors of the products of a snapshot; `None` where the model makes none.
    pub fn new(model: &Arc<Learned>, snapshot: &Snapshot) -> Option<Self> {
        let Learned::TextVectors(_) = &**model else { return None };
        let (catalog, texts) = (&snapshot.aggregates.catalog, &snapshot.aggregates.texts);
        let own = Own::new(model, texts.language()).changed(catalog, texts, every(catalog));
        Some(Self { own, catalog: catalog.clone() })
    }
}

/// What a search means: a direction, and the products that it is compared with.
pub struct Sense<'a> {
    /// Name of the model.
    pub name: &'static str,
    /// How much a cosine counts beside the score by words.
    pub weight: f32,
    /// How much of what is asked, as far as the model can know of it, words say.
    pub covered: f32,
    /// Whether words of the query are missing.
    pub is_missing: bool,
    direction: Direction,
    vectors: &'a ProductVectors,
}

impl Sense<'_> {
    /// How near a product is, -1 to 1; 0 where nothing is known of it.
    pub fn cosine(&self, product: ProductNo) -> f32 {
        self.vectors.cosine(product, &self.direction)
    }

    /// The nearest products, at most `limit`, best first: none below the floor.
    pub fn nearest(&self, limit: usize) -> Vec<(f32, ProductNo)> {
        let mut near = self.vectors.nearest(&self.direction, LEAST, limit);
        let most = near.first().map_or(0.0, |one| one.0);
        near.retain(|one| one.0 >= LEAST_SHARE * most);
        near
    }
}

/// A search as its words are planned.
pub struct Said<'a> {
    /// What is asked.
    pub search: &'a Search,
    /// Its words.
    pub plan: &'a Plan,
    /// What reads them.
    pub analyzer: &'a Analyzer,
    /// How much of it words say.
    pub coverage: &'a Coverage,
    /// Models that the request goes without.
    pub skipped: &'a [String],
}

impl Said<'_> {
    fn weight(&self, weights: Weights, covered: f32) -> f32 {
        let words = || self.plan.words.iter().filter(|word| !word.is_stop);
        let has_code = words().any(|word| word.surface.bytes().any(|byte| byte.is_ascii_digit()));
        let counts = words().count() >= weights.base_words && !has_code;
        let base = if counts { weights.base } else { 0.0 };
        base + weights.missing * (1.0 - covered)
    }

    fn is_missing(&self) -> bool {
        self.coverage.covered < WHOLE
    }
}

impl Meanings {
    /// What a search means by vectors in force that know anything of it; `None` where they count nothing beside words. Where words say
    /// all that is asked, the shop's own vectors come first: they tell more of what its words mean. Where words are missing, those of a
    /// dropped-in model do: it knows words that the shop has not.
    pub fn sense(&self, said: &Said<'_>) -> Option<Sense<'_>> {
        if said.search.literal {
            return None;
        }
        let (own, embedded) = (|| self.own(said), || self.embedded(said));
        let best = if said.is_missing() { embedded().or_else(own) } else { own().or_else(embedded) };
        best.filter(|sense| sense.weight > 0.0)
    }

    fn own(&self, said: &Said<'_>) -> Option<Sense<'_>> {
        let held = self.own.as_ref().filter(|_| !said.skipped.iter().any(|name| name == TEXT_VECTORS))?;
        let Learned::TextVectors(model) = &*held.model else { return None };
        // What the catalogue does not know is no word of the model's either.
        let covered = said.coverage.known;
        Some(Sense {
            name: TEXT_VECTORS,
            weight: said.weight(LEARNED, covered),
            covered,
            is_missing: said.is_missing(),
            direction: direction(model, said.analyzer, &said.plan.words)?,
            vectors: &held.vectors,
        })
    }

    fn embedded(&self, said: &Said<'_>) -> Option<Sense<'_>> {
        let held = self.embedded.as_ref().filter(|_| !said.skipped.iter().any(|name| name == EMBEDDED[0]))?;
        let asked = said.search.vector.as_ref()?;
        let Learned::Embedded(model) = &*held.base else { return None };
        (model.model() == asked.model).then_some(())?;
        let covered = said.coverage.covered;
        Some(Sense {
            name: EMBEDDED[0],
            weight: said.weight(DROPPED_IN, covered),
            covered,
            is_missing: said.is_missing(),
            direction: Direction::of_bytes(asked.bytes.clone())?,
            vectors: &held.vectors,
        })
    }

    /// The same vectors as they are now: models are looked up by name, `changed` since `self` was made.
    pub(crate) fn follow<'m>(
        &self,
        model: impl Fn(&str) -> Option<&'m Arc<Learned>>,
        (catalog, texts): (&Catalog, &Texts),
        changed: &Changed,
        ready: Option<&Ready>,
    ) -> Self {
        let own = model(TEXT_VECTORS).map(|model| {
            let language = texts.language();
            let is_same = |held: &&Own| Arc::ptr_eq(&held.model, model) && held.language == language;
            match self.own.as_ref().filter(is_same).filter(|_| !changed.is_all()) {
                Some(held) => held.changed(catalog, texts, changed.products().iter().copied()),
                None => match ready.filter(|ready| is_same(&&ready.own)) {
                    Some(ready) => ready.own.changed(catalog, texts, catalog.described_since(&ready.catalog)),
                    None => Own::new(model, language).changed(catalog, texts, every(catalog)),
                },
            }
        });
        let embedded = model(EMBEDDED[0]).map(|base| {
            let later = model(EMBEDDED[1]);
            let is_same = |held: &&ByEmbedder| Arc::ptr_eq(&held.base, base);
            let held = self.embedded.as_ref().filter(is_same);
            let is_told = |held: &&ByEmbedder| held.later.as_ref().map(Arc::as_ptr) == later.map(Arc::as_ptr);
            held.filter(is_told).cloned().unwrap_or_else(|| ByEmbedder::new(held, base, later))
        });
        Self { own, embedded }
    }

    /// Whether texts were read in this language.
    pub(crate) fn is_in(&self, language: Language) -> bool {
        self.own.as_ref().is_none_or(|own| own.language == language)
    }

    /// Bytes that vectors of products take.
    pub fn size_bytes(&self) -> usize {
        let vectors = self.own.iter().map(|own| &own.vectors);
        vectors.chain(self.embedded.iter().map(|one| &one.vectors)).map(ProductVectors::size_bytes).sum()
    }
}

fn every(catalog: &Catalog) -> impl Iterator<Item = ProductNo> {
    (0..catalog.len() as u32).map(ProductNo)
}

impl Own {
    fn new(model: &Arc<Learned>, language: Language) -> Self {
        let width = if let Learned::TextVectors(model) = &**model { model.width() } else { 0 };
        Self { model: model.clone(), language, vectors: ProductVectors::new(width) }
    }

    /// With the vectors of products as the catalogue tells of them now.
    fn changed(&self, catalog: &Catalog, texts: &Texts, products: impl Iterator<Item = ProductNo>) -> Self {
        let mut changed = self.clone();
        let Learned::TextVectors(model) = &*self.model else { return changed };
        for product in products {
            let words = catalog.content(product).map(|content| words_of(texts, &content)).unwrap_or_default();
            let known = |(word, weight): &(String, f32)| Some((model.number(word)?, *weight));
            let known: Vec<(u32, f32)> = words.iter().filter_map(known).collect();
            changed.vectors.change(product, Direction::new(&model.vector(&known)).as_ref());
        }
        changed
    }
}

impl ByEmbedder {
    /// Of a whole catalogue, and what came later; `held` has the same whole.
    fn new(held: Option<&Self>, base: &Arc<Learned>, later: Option<&Arc<Learned>>) -> Self {
        let of = |model: &Arc<Learned>, vectors: &mut ProductVectors, is_of: &str| {
            let Learned::Embedded(model) = &**model else { return };
            for (product, _, bytes) in model.iter().filter(|_| model.model() == is_of) {
                vectors.change(product, Direction::of_bytes(bytes.to_vec()).as_ref());
            }
        };
        let (name, width) = match &**base {
            Learned::Embedded(model) => (model.model(), model.width()),
            _ => ("", 0),
        };
        let mut vectors = held.map_or_else(|| ProductVectors::new(width), |held| held.vectors.clone());
        if held.is_none() {
            of(base, &mut vectors, name);
        }
        if let Some(later) = later {
            of(later, &mut vectors, name);
        }
        Self { base: base.clone(), later: later.cloned(), vectors }
    }
}

/// Where the words of a query stand; `None` where the model knows none of them.
fn direction(model: &TextVectors, analyzer: &Analyzer, words: &[Word]) -> Option<Direction> {
    let mut known: Vec<(u32, f32)> = Vec::new();
    for word in words.iter().filter(|word| !word.is_stop) {
        let tokens = analyzer.tokens(word.corrected.as_ref().unwrap_or(&word.surface));
        known.extend(tokens.iter().filter_map(|token| Some((model.number(&token.term)?, 1.0))));
    }
    Direction::new(&model.vector(&known))
}

/// The words of a product, each once, by the greatest that it counts anywhere; numbers alone and single letters are none.
fn words_of(texts: &Texts, content: &Content) -> Vec<(String, f32)> {
    let analyzer = texts.analyzer_of(content);
    let mut words: Vec<(String, f32)> = Vec::new();
    let mut read = |text: &str, weight: f32| {
        let tokens = analyzer.tokens(text).into_iter();
        let kept = tokens.filter(|token| token.kind != Kind::Number && token.term.len() > 1);
        words.extend(kept.map(|token| (token.term, weight)));
    };
    read(&content.title, TITLE);
    [&content.brand, &content.description].into_iter().for_each(|text| read(text, PLAIN));
    content.categories.iter().for_each(|path| read(path, PLAIN));
    let is_read = |name: &str, value: &str| {
        let is_word = !name.ends_with(RAW) && !is_naming(name) && !is_locale(name);
        is_word && value.len() < VALUE_MAX && !NO.contains(&value)
    };
    for (name, value) in content.attributes.iter().filter(|(name, value)| is_read(name, value)) {
        read(name, ATTRIBUTE);
        if !YES.contains(&value.as_str()) {
            read(value, ATTRIBUTE);
        }
    }
    words.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    words.dedup_by(|next, first| next.0 == first.0);
    words
}

/// What products say, and what was asked before they were dealt with: for a fit. Of queries only those that are common count.
pub fn texts(snapshot: &Snapshot) -> training_set::Texts {
    let aggregates = &snapshot.aggregates;
    let analyzer = aggregates.texts.analyzer();
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    let mut number = |word: String| {
        let next = numbers.len() as u32;
        ProductNo(*numbers.entry(word).or_insert(next))
    };
    let texts = every(&aggregates.catalog).map(|product| {
        let content = aggregates.catalog.content(product);
        let words = content.map(|content| words_of(&aggregates.texts, &content)).unwrap_or_default();
        words.into_iter().map(|(word, weight)| (number(word), weight)).collect::<Vec<_>>()
    });
    let texts = Interactions::new(texts);
    let mut asked: Vec<Vec<(ProductNo, f32)>> = vec![Vec::new(); texts.row_count()];
    for (_, query) in aggregates.queries.common() {
        let tokens = analyzer.tokens(&query.text);
        let words: Vec<ProductNo> = tokens.into_iter().map(|token| number(token.term)).collect();
        for found in &query.found {
            let times = (found.clicks + found.carts + found.purchases) as f32;
            if let Some(row) = asked.get_mut(found.product.index()) {
                row.extend(words.iter().map(|word| (*word, times)));
            }
        }
    }
    let mut words = vec![String::new(); numbers.len()];
    numbers.into_iter().for_each(|(word, number)| words[number as usize] = word);
    training_set::Texts { words, asked: Interactions::new(asked), texts }
}

/// A hash of the text of a product that a dropped-in model is given, and that text; `None` where there is none.
pub fn passage(catalog: &Catalog, product: ProductNo) -> Option<(u64, String)> {
    let title = catalog.title(product).filter(|title| !title.is_empty())?;
    Some((fnv(title.bytes()), title.to_owned()))
}

/// The vectors of products by a dropped-in model, added to what is kept: numbers into bytes.
pub fn keep(kept: &mut Embedded, product: ProductNo, text: u64, vector: &[f32]) {
    if let Some(direction) = Direction::new(vector) {
        kept.push(product, text, direction.bytes());
    }
}
