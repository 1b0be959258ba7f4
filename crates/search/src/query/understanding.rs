//! What a query says beyond its words: a brand, a colour, a category that the catalogue has; a price; what is not wanted. Only what
//! is worded as a limit of the price filters; all else is a hint. Whatever is understood names its words, so that it can be shown,
//! and taken back: pieces that the caller names are left alone.

use super::Planner;
use super::values::{self, About, Count, Value, Values};
use super::wording::{self, CURRENCIES, GENDERS, LONG_CURRENCIES, Wording};
use crate::analysis::{Kind, Piece, Token, measured};
use crate::measures::Measure;
use std::ops::Range;

/// Pieces of a query that are looked at.
const PIECES_MAX: usize = 48;
/// Words beside a limit that may name what it is of.
const NAME_WORDS_MAX: usize = 2;
/// Least share of the products with the words of a value that must have the value.
const CONFIDENCE_MIN: f32 = 0.1;

/// What was understood.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// A value of the catalogue.
    Value(Value),
    /// A price, in hundredths of the shop's currency.
    Price {
        /// Not less.
        at_least: Option<u64>,
        /// Not more.
        at_most: Option<u64>,
    },
    /// A size, a weight, a capacity, …
    Measure {
        /// The base unit of its terms: `mm` of `=432mm`.
        unit: String,
        /// Not less, in that unit.
        at_least: Option<f64>,
        /// Not more.
        at_most: Option<f64>,
        /// The attributes that are named beside it, in lower case: `memory` of "at least 32 GB memory".
        of: Vec<String>,
    },
    /// A low price.
    Cheap,
    /// A high one.
    Premium,
    /// Not this: the terms that are not wanted.
    Without(Vec<String>),
}

/// Something that a part of the query says.
#[derive(Clone, PartialEq, Debug)]
pub struct Understood {
    /// The pieces that say it.
    pub pieces: Range<usize>,
    /// What they say.
    pub what: What,
    /// Whether it was worded as a limit that results must keep.
    pub is_filter: bool,
    /// Whether its words are still searched for.
    pub is_searched: bool,
    /// How sure it is: of the products with these words, the share that has the value.
    pub confidence: f32,
}

impl Understood {
    /// Whether its words are no part of what a thing is called: a brand, or what is not searched for.
    pub(super) fn is_apart(&self) -> bool {
        !self.is_searched || matches!(&self.what, What::Value(value) if value.about == About::Brand)
    }
}

/// What the pieces of a query say, in their order; nothing of pieces in `left_alone`.
pub fn understand(
    planner: &Planner<'_>,
    (values, count): (&Values, Count<'_>),
    pieces: &[Piece],
    left_alone: &[Range<usize>],
) -> Vec<Understood> {
    let pieces = &pieces[..pieces.len().min(PIECES_MAX)];
    let wording = wording::of(planner.analyzer.language());
    let reader = Reader { planner, values, count, pieces, wording };
    let is_free = |range: &Range<usize>| {
        !left_alone.iter().any(|alone| alone.start < range.end && range.start < alone.end)
    };
    let mut all = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        let found =
            [reader.measure(at), reader.price(at), reader.unwanted(at), reader.level(at), reader.value(at)];
        match found.into_iter().flatten().find(|found| is_free(&found.pieces)) {
            Some(found) => {
                at = found.pieces.end;
                all.push(found);
            }
            None => at += 1,
        }
    }
    all
}

/// Not less, not more; in hundredths.
type Bounds = (Option<u64>, Option<u64>);

fn bounds(is_most: bool, hundredths: u64) -> Bounds {
    if is_most { (None, Some(hundredths)) } else { (Some(hundredths), None) }
}

struct Reader<'a> {
    planner: &'a Planner<'a>,
    values: &'a Values,
    count: Count<'a>,
    pieces: &'a [Piece],
    wording: &'static Wording,
}

impl Reader<'_> {
    fn surface(&self, at: usize) -> &str {
        self.pieces.get(at).map_or("", |piece| piece.surface.as_str())
    }

    /// Where the longest phrase of a list that begins at a piece ends.
    fn phrase(&self, at: usize, phrases: &[&str]) -> Option<usize> {
        self.wording.phrase(at, phrases, |at| self.surface(at))
    }

    /// `under 50`, `between $20 and $50`, `20-50 €`, `50 euros or less`, `price at least 20`.
    fn price(&self, at: usize) -> Option<Understood> {
        let said = self.phrase(at, self.wording.price);
        let from = said.unwrap_or(at);
        let range = self.phrase(from, self.wording.between).and_then(|after| self.range(after, true));
        let range = range.or_else(|| self.range(from, false));
        let limit = || {
            let (is_most, is_strong, after) = self.limit(from)?;
            let amount = self.amount(after)?;
            let is_price =
                is_strong || said.is_some() || amount.has_currency || self.is_of_nothing(amount.end);
            is_price.then_some((bounds(is_most, amount.hundredths), amount.end))
        };
        let ((at_least, at_most), end) = range.or_else(limit).or_else(|| self.limit_behind(from))?;
        let what = What::Price { at_least, at_most };
        Some(Understood { pieces: at..end, what, is_filter: true, is_searched: false, confidence: 1.0 })
    }

    /// `under 15 inch`, `at least 16 GB`, `between 10 and 14"`.
    fn measure(&self, at: usize) -> Option<Understood> {
        let range = || {
            let low = self.phrase(at, self.wording.between)?;
            let high = self.phrase(low + 1, self.wording.to)?;
            let (amount, unit) = self.quantity(high)?;
            let low = match self.quantity(low) {
                Some((amount, own)) => Some(amount).filter(|_| own == unit)?,
                None => self.in_unit_of(low, high)?,
            };
            (low <= amount).then_some((Some(low), Some(amount), unit, high + 1))
        };
        let limit = || {
            let (is_most, _, after) = self.limit(at)?;
            let (amount, unit) = self.quantity(after)?;
            let (at_least, at_most) = if is_most { (None, Some(amount)) } else { (Some(amount), None) };
            Some((at_least, at_most, unit, after + 1))
        };
        let (at_least, at_most, unit, end) = range().or_else(limit)?;
        let of = self.named_beside(at..end, unit);
        let what = What::Measure { unit: unit.to_owned(), at_least, at_most, of };
        Some(Understood { pieces: at..end, what, is_filter: true, is_searched: false, confidence: 1.0 })
    }

    /// The attributes measured in a unit that the words beside a limit name: of those with most of the words the ones with fewest
    /// others. What is named behind it comes before what is named ahead of it.
    fn named_beside(&self, limit: Range<usize>, unit: &str) -> Vec<String> {
        let measures = self.planner.measures.of(unit);
        let behind = limit.end..self.pieces.len().min(limit.end + NAME_WORDS_MAX);
        let ahead = limit.start.saturating_sub(NAME_WORDS_MAX)..limit.start;
        for words in [behind, ahead] {
            let terms = self.terms_of(words);
            let own =
                |measure: &Measure<'_>| measure.words().iter().filter(|word| terms.contains(*word)).count();
            let fit = |measure: &Measure<'_>| (own(measure), std::cmp::Reverse(measure.words().len()));
            let best = measures.iter().map(fit).max().filter(|(own, _)| *own > 0);
            if let Some(best) = best {
                let named = measures.iter().filter(|measure| fit(measure) == best);
                return named.map(|measure| measure.name.to_owned()).collect();
            }
        }
        Vec::new()
    }

    /// The terms of words, and of the single words that mean the same.
    fn terms_of(&self, words: Range<usize>) -> Vec<String> {
        let mut terms = Vec::new();
        for token in words.filter_map(|at| self.whole(at)).filter(|token| token.kind == Kind::Word) {
            let own = [token.term.as_str()];
            let others = self.planner.synonyms.at(&own).flat_map(|(_, phrases, _)| phrases);
            terms.extend(others.filter_map(|phrase| match phrase.as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            }));
            terms.push(token.term.clone());
        }
        terms
    }

    /// A bare number in the unit that another has.
    fn in_unit_of(&self, at: usize, other: usize) -> Option<f64> {
        let unit = self.surface(other).trim_start_matches(|c: char| c.is_ascii_digit() || ".,".contains(c));
        let piece = self.pieces.get(at).filter(|piece| piece.is_number())?;
        let tokens = self.planner.analyzer.tokens(&format!("{}{unit}", piece.surface));
        measured(&tokens.first()?.term).map(|(amount, _)| amount)
    }

    /// A quantity that is not money, in its base unit.
    fn quantity(&self, at: usize) -> Option<(f64, &str)> {
        let token = self.whole(at).filter(|token| token.kind == Kind::Quantity)?;
        let is_money = self.amount(at).is_some_and(|amount| amount.has_currency);
        measured(&token.term).filter(|_| !is_money)
    }

    /// Two amounts with a word or a hyphen between; without an opening word only where a currency says that they are prices.
    fn range(&self, at: usize, is_opened: bool) -> Option<(Bounds, usize)> {
        let (low, high, end, has_currency) = match self.both(at) {
            Some(both) => both,
            None => {
                let low = self.amount(at)?;
                let high = self.amount(self.phrase(low.end, self.wording.to)?)?;
                (low.hundredths, high.hundredths, high.end, low.has_currency || high.has_currency)
            }
        };
        let is_price = has_currency || (is_opened && self.nothing_follows(end));
        (is_price && low <= high).then_some(((Some(low), Some(high)), end))
    }

    /// `20-50` as it is read: one piece of two numbers.
    fn both(&self, at: usize) -> Option<(u64, u64, usize, bool)> {
        let from = at + self.currency(at);
        let tokens = self.pieces.get(from)?.readings.last()?;
        let [low, high] = tokens.as_slice() else { return None };
        let is_pair =
            low.kind == Kind::Number && high.kind == Kind::Number && self.surface(from).contains('-');
        let (low, high) = (hundredths(&low.term)?, hundredths(&high.term)?);
        let end = from + 1 + self.currency(from + 1);
        is_pair.then_some((low, high, end, end - at > 1))
    }

    /// Whether a price is limited above, whether by words that say so of prices only, and what follows them.
    fn limit(&self, at: usize) -> Option<(bool, bool, usize)> {
        let lists = [
            (true, true, self.wording.under),
            (true, false, self.wording.up_to),
            (false, false, self.wording.from),
        ];
        let found = lists
            .into_iter()
            .filter_map(|(is_most, is_strong, list)| Some((is_most, is_strong, self.phrase(at, list)?)));
        found.max_by_key(|(_, _, end)| *end)
    }

    /// A number with its currency, in digits or in words.
    fn amount(&self, at: usize) -> Option<Amount> {
        let from = at + self.currency(at);
        let piece = self.pieces.get(from)?;
        let with_name = match piece.readings.last().map(Vec::as_slice) {
            Some([number, name])
                if number.kind == Kind::Number && CURRENCIES.contains(&name.surface.as_str()) =>
            {
                Some(number)
            }
            _ => None,
        };
        if let Some(Token { term, .. }) = with_name {
            return Some(Amount { hundredths: hundredths(term)?, end: from + 1, has_currency: true });
        }
        let amount = hundredths(&piece.readings.first()?.first()?.term).filter(|_| piece.is_number())?;
        let end = from + 1 + self.currency(from + 1);
        Some(Amount { hundredths: amount, end, has_currency: end - at > 1 })
    }

    /// How many pieces name a currency here.
    fn currency(&self, at: usize) -> usize {
        let long = self.phrase(at, LONG_CURRENCIES).map_or(0, |end| end - at);
        long.max(usize::from(CURRENCIES.contains(&self.surface(at))))
    }

    /// `50 euros or less`: a price with its currency, and behind it which way it is a limit.
    fn limit_behind(&self, at: usize) -> Option<(Bounds, usize)> {
        let amount = self.amount(at).filter(|amount| amount.has_currency)?;
        let ways = [(true, self.wording.or_less), (false, self.wording.or_more)];
        let mut found =
            ways.into_iter().filter_map(|(is_most, words)| Some((is_most, self.phrase(amount.end, words)?)));
        let (is_most, end) = found.next()?;
        // `20 euros or less than 10`, `20 euros max 5 kg`: the words are of what comes behind them.
        let is_of_next = |at: usize| self.limit(at).is_some_and(|(.., after)| self.is_number(after));
        let is_free = !(amount.end..end).any(is_of_next) && !self.is_number(end);
        is_free.then_some((bounds(is_most, amount.hundredths), end))
    }

    fn is_number(&self, at: usize) -> bool {
        self.whole(at).is_some_and(|token| matches!(token.kind, Kind::Number | Kind::Quantity))
            || self.currency(at) > 0
    }

    /// Whether a number before this is one of nothing that is named: nothing follows, or what says another thing of the product.
    fn is_of_nothing(&self, at: usize) -> bool {
        let is_brand =
            |one: Understood| matches!(&one.what, What::Value(value) if value.about == About::Brand);
        self.nothing_follows(at)
            || self.phrase(at, self.wording.without).is_some()
            || self.level(at).is_some()
            || self.measure(at).is_some()
            || self.price(at).is_some()
            || self.value(at).is_some_and(is_brand)
    }

    /// Whether a query ends there, or goes on with a word that asks for nothing and opens no range.
    fn nothing_follows(&self, at: usize) -> bool {
        let is_stop =
            self.planner.analyzer.is_stop(self.surface(at)) && self.phrase(at, self.wording.to).is_none();
        at >= self.pieces.len() || is_stop
    }

    /// `without cable`: the value or the word behind it.
    fn unwanted(&self, at: usize) -> Option<Understood> {
        let after = self.phrase(at, self.wording.without)?;
        let value = self.value(after).map(|value| value.pieces.end);
        let end = value.unwrap_or(after + 1);
        let terms: Option<Vec<String>> =
            (after..end).map(|at| self.whole(at).map(|token| token.term.clone())).collect();
        let terms =
            terms.filter(|_| value.is_some() || !self.planner.analyzer.is_stop(self.surface(after)))?;
        let what = What::Without(terms);
        Some(Understood { pieces: at..end, what, is_filter: false, is_searched: false, confidence: 1.0 })
    }

    /// `cheap`, `premium`: searched for as well where products say so of themselves.
    fn level(&self, at: usize) -> Option<Understood> {
        let cheap = self.phrase(at, self.wording.cheap).map(|end| (What::Cheap, end));
        let (what, end) =
            cheap.or_else(|| self.phrase(at, self.wording.premium).map(|end| (What::Premium, end)))?;
        let is_searched = what == What::Premium && self.least_frequent(at..end) > 0;
        Some(Understood { pieces: at..end, what, is_filter: false, is_searched, confidence: 1.0 })
    }

    /// The longest value of the catalogue that begins at a piece.
    fn value(&self, at: usize) -> Option<Understood> {
        let mut phrase = String::new();
        let mut longest = None;
        for end in at + 1..=self.pieces.len().min(at + values::WORDS_MAX) {
            let Some(token) = self.whole(end - 1) else { break };
            if !phrase.is_empty() {
                phrase.push(' ');
            }
            phrase += &token.term;
            longest = self.values.named(&phrase, self.count).map(|value| (value, end)).or(longest);
        }
        let others = || self.gender(at).map(|value| (value, at + 1)).or_else(|| self.by_other_words(at));
        let (value, end) = longest.or_else(others)?;
        let says = end > at + 1 || !self.planner.analyzer.is_stop(self.surface(at));
        let with_words = self.least_frequent(at..end).max(value.products);
        // Whoever names a number of something means that number.
        let is_count =
            matches!(value.about, About::Attribute(_)) && self.pieces.get(at).is_some_and(Piece::is_number);
        let confidence = if is_count { 1.0 } else { value.products as f32 / with_words as f32 };
        let what = What::Value(value);
        let understood =
            Understood { pieces: at..end, what, is_filter: false, is_searched: true, confidence };
        Some(understood).filter(|_| says && confidence >= CONFIDENCE_MIN)
    }

    /// The catalogue's own word for whom a product is for: `ladies` where it says `Women`.
    fn gender(&self, at: usize) -> Option<Value> {
        let words = GENDERS.iter().find(|words| words.contains(&self.surface(at)))?;
        let stem = |word: &&str| self.planner.analyzer.stem(word);
        let named = words.iter().filter_map(|word| self.values.named(&stem(word), self.count));
        named.filter(|value| matches!(value.about, About::Attribute(_))).max_by_key(|value| value.products)
    }

    /// The value that other words for the phrase at a piece name: `gray` where the catalogue says `Grey`.
    fn by_other_words(&self, at: usize) -> Option<(Value, usize)> {
        let end = self.pieces.len().min(at + values::WORDS_MAX);
        let terms: Vec<&str> =
            (at..end).map_while(|at| self.whole(at)).map(|token| token.term.as_str()).collect();
        let mut best: Option<(Value, usize)> = None;
        for (length, phrases, _) in self.planner.synonyms.at(&terms) {
            for value in phrases.iter().filter_map(|phrase| self.values.named(&phrase.join(" "), self.count))
            {
                let is_better =
                    |held: &(Value, usize)| (held.1, held.0.products) < (at + length, value.products);
                if best.as_ref().is_none_or(is_better) {
                    best = Some((value, at + length));
                }
            }
        }
        best
    }

    fn whole(&self, at: usize) -> Option<&Token> {
        self.pieces.get(at)?.readings.first()?.first()
    }

    /// In how many products the rarest of the words stands.
    fn least_frequent(&self, range: Range<usize>) -> u32 {
        let count = |at| {
            let no = self.whole(at).and_then(|token| self.planner.vocabulary.get(&token.term));
            no.map_or(0, |no| (self.planner.frequency)(no))
        };
        range.map(count).min().unwrap_or(0)
    }
}

struct Amount {
    hundredths: u64,
    end: usize,
    has_currency: bool,
}

/// A number as it is written, in hundredths.
fn hundredths(number: &str) -> Option<u64> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let decimals = format!("{decimals:0<2}");
    let whole: u64 = whole.parse().ok().filter(|whole| *whole < 1_000_000_000_000)?;
    Some(whole * 100 + decimals.get(..2)?.parse::<u64>().ok()?)
}
