//! Which products say what: for every term the products in which it stands, and how long each product's fields are. It follows
//! from the products' texts alone, whatever the order in which they came, so that it is built again rather than stored.

use crate::analysis::{Analyzer, Kind, Language, Token, heads};
use crate::document::Document;
use crate::measures::{self, Measures, Said};
use crate::postings::{BLOCK, Occurrence, PLACES, Postings};
use crate::vocabulary::{TermNo, Vocabulary};
use bespoke_domain::ProductNo;
use bespoke_models::cow::CowVec;
use rustc_hash::FxHashMap;

/// Words of a field that are looked at.
const FIELD_WORDS_MAX: usize = 400;
/// Longest name of an attribute whose numbers are terms, in bytes.
const NAME_LEN_MAX: usize = 64;

/// Fields whose length counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lengths {
    /// Words of the title, at most 255.
    pub title: u8,
    /// Words of all categories.
    pub category: u8,
    /// Words of all attributes.
    pub attributes: u8,
    /// Words of the description.
    pub description: u8,
}

impl Lengths {
    fn list(self) -> [u8; 4] {
        [self.title, self.category, self.attributes, self.description]
    }
}

/// A product's texts, analysed.
#[derive(Default)]
struct Analysed {
    terms: FxHashMap<String, Counts>,
    /// Words as they are written, with their terms.
    surfaces: FxHashMap<String, String>,
    lengths: Lengths,
    said: Said,
}

/// How often a term stands in each field.
#[derive(Clone, Copy, Default)]
struct Counts {
    title: u32,
    brand: u32,
    category: u32,
    attributes: u32,
    description: u32,
    codes: u32,
    is_head: bool,
    place: Option<u32>,
}

impl Counts {
    fn packed(self) -> Occurrence {
        let place = self.place.unwrap_or(PLACES).min(PLACES);
        Occurrence(
            self.title.min(7)
                | self.brand.min(1) << 3
                | self.category.min(3) << 4
                | self.attributes.min(7) << 6
                | self.description.min(15) << 9
                | self.codes.min(1) << 13
                | u32::from(self.is_head) << 14
                | place << 15,
        )
    }
}

/// The index: 6 to 8 bytes a term of a product, 4 a product, and some 80 a term.
#[derive(Clone, Debug, Default)]
pub struct Index {
    vocabulary: Vocabulary,
    postings: CowVec<Postings, 1024>,
    lengths: CowVec<Lengths, { BLOCK as usize }>,
    /// Sums of the lengths of all products.
    totals: [u64; 4],
    product_count: u32,
    measures: Measures,
    /// By language that products say they are in: in how many of these each term stands. Empty where no product says any.
    by_language: Vec<(Language, CowVec<u32, 1024>)>,
}

impl Index {
    /// The words that are known.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Products with a text.
    pub fn product_count(&self) -> u32 {
        self.product_count
    }

    /// One more than the largest number of a product.
    pub fn row_count(&self) -> u32 {
        self.lengths.len() as u32
    }

    /// What numbers of attributes are measured in.
    pub fn measures(&self) -> &Measures {
        &self.measures
    }

    /// The products in which a term stands.
    pub fn postings(&self, term: TermNo) -> Option<&Postings> {
        self.postings.get(term.0 as usize)
    }

    /// Shows the products in which a term stands, rising.
    pub fn each_with(&self, term: TermNo, mut look: impl FnMut(ProductNo)) {
        let Some(postings) = self.postings(term) else { return };
        for block in 0..self.row_count().div_ceil(BLOCK) as u16 {
            let first = u32::from(block) * BLOCK;
            postings.each_in(block, |row, _| look(ProductNo(first + u32::from(row))));
        }
    }

    /// In how many products a term stands.
    pub fn frequency(&self, term: TermNo) -> u32 {
        self.postings(term).map_or(0, Postings::count)
    }

    /// In how many products a term stands that are for readers of a language: those in it, and those that say none. Without one
    /// that is all of them.
    pub fn frequency_in(&self, term: TermNo, language: Option<Language>) -> u32 {
        let elsewhere = self.by_language.iter().filter(|(own, _)| language.is_some_and(|one| one != *own));
        let count = |counts: &CowVec<u32, 1024>| counts.get(term.0 as usize).copied().unwrap_or(0);
        self.frequency(term).saturating_sub(elsewhere.map(|(_, counts)| count(counts)).sum())
    }

    /// Words in the fields of each product of a block.
    #[inline]
    pub fn lengths(&self, block: u16) -> &[Lengths] {
        self.lengths.chunk(usize::from(block))
    }

    /// Mean words of title, categories, attributes and description.
    pub fn mean_lengths(&self) -> [f32; 4] {
        self.totals.map(|total| (total as f64 / f64::from(self.product_count.max(1))).max(1.0) as f32)
    }

    /// Notes that a product, which said `before`, says `now`; `None` = nothing. `analyzer` reads the language that a product says it is
    /// in; that of `None` is the shop's, which also reads names of attributes: they are shared.
    pub fn change<'a>(
        &mut self,
        analyzer: impl Fn(Option<Language>) -> &'a Analyzer,
        product: ProductNo,
        before: Option<&Document<'_>>,
        now: Option<&Document<'_>>,
    ) {
        if before == now {
            return;
        }
        let analysed = |document: Option<&Document<'_>>| {
            document.map(|document| analyse(analyzer(document.language), document)).unwrap_or_default()
        };
        let (old, new) = (analysed(before), analysed(now));
        for (term, _) in old.terms.iter().filter(|(term, _)| !new.terms.contains_key(*term)) {
            self.put(term, product, None);
        }
        // New ones in the order of their letters: numbers of terms must not hang on a hash. Most are known, and need none.
        let mut unknown: Vec<(&String, &Counts)> = Vec::new();
        for (term, counts) in &new.terms {
            match self.vocabulary.get(term) {
                Some(no) => self.put_at(no, product, Some(counts.packed())),
                None => unknown.push((term, counts)),
            }
        }
        unknown.sort_unstable_by_key(|(term, _)| *term);
        for (term, counts) in unknown {
            self.put(term, product, Some(counts.packed()));
        }
        self.count_surfaces(&old, &new);
        self.count_language(before.and_then(|before| before.language), &old, -1);
        self.count_language(now.and_then(|now| now.language), &new, 1);
        self.measures.change(analyzer(None), &old.said, -1);
        self.measures.change(analyzer(None), &new.said, 1);
        self.lengths.grow_to(product.index() + 1, &Lengths::default());
        if let Some(lengths) = self.lengths.get_mut(product.index()) {
            *lengths = new.lengths;
        }
        for ((total, old), new) in self.totals.iter_mut().zip(old.lengths.list()).zip(new.lengths.list()) {
            *total = *total + u64::from(new) - u64::from(old);
        }
        self.product_count = self.product_count + u32::from(now.is_some()) - u32::from(before.is_some());
    }

    fn put(&mut self, term: &str, product: ProductNo, occurrence: Option<Occurrence>) {
        let no = self.vocabulary.number(term);
        self.put_at(no, product, occurrence);
    }

    fn put_at(&mut self, no: TermNo, product: ProductNo, occurrence: Option<Occurrence>) {
        self.postings.grow_to(self.vocabulary.len(), &Postings::default());
        if let Some(postings) = self.postings.get_mut(no.0 as usize) {
            postings.put(product, occurrence);
        }
    }

    /// Counts the terms of a product that says its language.
    fn count_language(&mut self, language: Option<Language>, said: &Analysed, by: i32) {
        let Some(language) = language else { return };
        let at = self.by_language.iter().position(|(own, _)| *own == language).unwrap_or_else(|| {
            self.by_language.push((language, CowVec::default()));
            self.by_language.len() - 1
        });
        let counts = &mut self.by_language[at].1;
        counts.grow_to(self.vocabulary.len(), &0);
        for no in said.terms.keys().filter_map(|term| self.vocabulary.get(term)) {
            if let Some(count) = counts.get_mut(no.0 as usize) {
                *count = count.saturating_add_signed(by);
            }
        }
    }

    fn count_surfaces(&mut self, old: &Analysed, new: &Analysed) {
        let mut changed: Vec<(&String, &String, i32)> = Vec::new();
        for (one, other, by) in [(old, new, -1), (new, old, 1)] {
            let only = one.surfaces.iter().filter(|(surface, _)| !other.surfaces.contains_key(*surface));
            changed.extend(only.map(|(surface, term)| (surface, term, by)));
        }
        let (known, mut unknown): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|(surface, ..)| self.vocabulary.is_counted(surface));
        unknown.sort_unstable();
        for (surface, term, by) in known.into_iter().chain(unknown) {
            let stem = self.vocabulary.number(term);
            self.vocabulary.count_surface(surface, stem, by);
        }
        self.postings.grow_to(self.vocabulary.len(), &Postings::default());
    }
}

fn analyse(analyzer: &Analyzer, document: &Document<'_>) -> Analysed {
    let mut all = Analysed::default();
    all.title(analyzer, document.title);
    for token in tokens(analyzer, document.brand) {
        all.counts(&token, true).brand = 1;
    }
    for path in &document.categories {
        let tokens = tokens(analyzer, path);
        all.lengths.category = all.lengths.category.saturating_add(length(&tokens));
        tokens.iter().for_each(|token| all.counts(token, true).category += 1);
    }
    for (name, value) in &document.attributes {
        // Of what is only there or not, the name says it.
        let text = match value.to_lowercase().as_str() {
            "true" | "yes" => name,
            "false" | "no" => continue,
            _ => value,
        };
        let tokens = tokens(analyzer, text);
        all.lengths.attributes = all.lengths.attributes.saturating_add(length(&tokens));
        tokens.iter().for_each(|token| all.counts(token, true).attributes += 1);
        all.number(analyzer, name, value);
    }
    all.description(analyzer, document.description);
    for code in &document.codes {
        for token in tokens(analyzer, code) {
            all.counts(&token, false).codes = 1;
        }
    }
    all
}

impl Analysed {
    /// Counts the words of a title, part by part.
    fn title(&mut self, analyzer: &Analyzer, title: &str) {
        let mut places = 0;
        for segment in heads::segments(title) {
            let pieces = analyzer.pieces(segment);
            let is_head = |at| heads::is_head(analyzer, &pieces, at, |_| false);
            let heads: Vec<bool> = (0..pieces.len()).map(is_head).collect();
            let before = places;
            for (piece, is_head) in pieces.into_iter().zip(heads) {
                let mut tokens = Vec::new();
                self.said.read(&piece);
                piece.add_to(&mut tokens);
                for mut token in tokens {
                    token.place += before;
                    places = places.max(token.place + 1);
                    let counts = self.counts(&token, true);
                    counts.title += 1;
                    counts.place.get_or_insert(token.place);
                    counts.is_head |= is_head;
                }
            }
            if places as usize > FIELD_WORDS_MAX {
                break;
            }
        }
        self.lengths.title = places.min(255) as u8;
    }

    fn description(&mut self, analyzer: &Analyzer, text: &str) {
        let mut tokens = Vec::new();
        for piece in analyzer.pieces(text) {
            self.said.read(&piece);
            piece.add_to(&mut tokens);
            if tokens.len() >= FIELD_WORDS_MAX {
                tokens.truncate(FIELD_WORDS_MAX);
                break;
            }
        }
        self.lengths.description = length(&tokens);
        tokens.iter().for_each(|token| self.counts(token, false).description += 1);
    }

    /// Notes what an attribute says that is a number and nothing else.
    fn number(&mut self, analyzer: &Analyzer, name: &str, value: &str) {
        let number = analyzer.number(value).filter(|number| number.amount.is_some());
        let Some(number) = number.filter(|_| name.len() <= NAME_LEN_MAX) else { return };
        let name = name.trim().to_lowercase();
        self.terms.entry(measures::term(&name, &number.text)).or_default().attributes = 1;
        self.said.numbers.push((name, number));
    }

    fn counts(&mut self, token: &Token, is_spelled: bool) -> &mut Counts {
        if is_spelled && token.kind == Kind::Word && !self.surfaces.contains_key(&token.surface) {
            self.surfaces.insert(token.surface.clone(), token.term.clone());
        }
        if !self.terms.contains_key(&token.term) {
            self.terms.insert(token.term.clone(), Counts::default());
        }
        self.terms.entry(token.term.clone()).or_default()
    }
}

fn tokens(analyzer: &Analyzer, text: &str) -> Vec<Token> {
    let mut tokens = analyzer.tokens(text);
    tokens.truncate(FIELD_WORDS_MAX);
    tokens
}

fn length(tokens: &[Token]) -> u8 {
    tokens.last().map_or(0, |last| (last.place + 1).min(255) as u8)
}
