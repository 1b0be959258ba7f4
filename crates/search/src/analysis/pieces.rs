//! What is typed as one word, with every way to read it: `WH-1000XM3` is one code, two parts and four; `5 l` is a quantity, and a
//! number before a letter; `t-shirt` is one word and two.

use super::lexer::{Lexeme, Shape};
use super::numbers::Number;
use super::units::Unit;
use super::{Analyzer, Kind, Token};

/// Parts of a code that are looked at; later ones stand in the whole only.
const PARTS_MAX: usize = 8;
/// Fewest letters of a name that a number touches.
const NAME_LETTERS_MIN: usize = 3;
/// Fewest digits of two numbers joined by a hyphen that are one article number rather than a range.
const ARTICLE_DIGITS_MIN: usize = 6;

/// What is typed as one word.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Piece {
    /// As it was typed, folded.
    pub surface: String,
    /// Each way to read it, whole first: tokens that all stand for it together. Empty for a sign.
    pub readings: Vec<Vec<Token>>,
    /// How many of them, from the first on, products are indexed by: letters and digits in the middle of an article number
    /// (`ED707AA`) would be found by who searches for something else, and are tried by queries only.
    pub indexed: usize,
    /// The number that it is or begins with.
    pub number: Option<Number>,
    /// What it is measured in, where it is a quantity that is written as one number.
    pub unit: Option<Unit>,
    /// A sign that says something between words or before a number: `€`, `<`, `-`.
    pub sign: Option<char>,
}

impl Piece {
    /// Adds the tokens that products are indexed by.
    pub(crate) fn add_to(self, tokens: &mut Vec<Token>) {
        let first = tokens.len();
        for token in self.readings.into_iter().take(self.indexed).flatten() {
            let is_new =
                !tokens[first..].iter().any(|held| held.place == token.place && held.term == token.term);
            if is_new {
                tokens.push(token);
            }
        }
    }

    /// Whether it is a number, without a unit.
    pub fn is_number(&self) -> bool {
        matches!(self.readings.first().map(Vec::as_slice), Some([token]) if token.kind == Kind::Number)
    }
}

impl Part<'_> {
    fn kind(&self) -> Kind {
        if self.is_number { Kind::Number } else { Kind::Word }
    }
}

/// Whether it is a name that a number follows, or the other way: `iphone8`.
fn is_name_and_number(parts: &[Part<'_>]) -> bool {
    parts.len() == 2 && parts.iter().any(|part| !part.is_number && part.text.len() >= NAME_LETTERS_MIN)
}

/// What stands between two hyphens.
fn segment(parts: &[Part<'_>]) -> (String, Kind) {
    let kind = match parts {
        [only] => only.kind(),
        _ => Kind::Code,
    };
    (parts.iter().map(|part| part.text).collect(), kind)
}

/// Reads lexemes from first to last.
pub(super) struct Reader<'a> {
    pub analyzer: &'a Analyzer,
    pub folded: &'a str,
    pub lexemes: &'a [Lexeme<'a>],
    pub place: u32,
}

/// A run of letters or digits within a word.
struct Part<'a> {
    text: &'a str,
    is_number: bool,
    /// The hyphens and the like before it, within the word.
    segment: usize,
}

impl<'a> Reader<'a> {
    /// All pieces.
    pub fn pieces(mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < self.lexemes.len() {
            let (piece, length) = self.piece(at);
            pieces.extend(piece);
            at += length.max(1);
        }
        pieces
    }

    fn at(&self, at: usize) -> Option<&'a Lexeme<'a>> {
        self.lexemes.get(at)
    }

    fn is_glued(&self, at: usize) -> bool {
        self.at(at).is_some_and(|lexeme| lexeme.is_glued)
    }

    fn is_sign(&self, at: usize, sign: char) -> bool {
        self.at(at).is_some_and(|lexeme| lexeme.is_sign(sign))
    }

    fn number(&self, at: usize) -> Option<&'a Number> {
        match &self.at(at)?.shape {
            Shape::Number(number) => Some(number),
            _ => None,
        }
    }

    fn letters(&self, at: usize) -> Option<&'a str> {
        self.at(at).filter(|lexeme| lexeme.shape == Shape::Letters).map(|lexeme| lexeme.text)
    }

    /// Whether letters or digits touch the end of the lexeme before `at`.
    fn goes_on(&self, at: usize) -> bool {
        self.is_glued(at)
            && matches!(self.at(at).map(|lexeme| &lexeme.shape), Some(Shape::Letters | Shape::Number(_)))
    }

    fn surface(&self, from: usize, to: usize) -> String {
        let (start, end) =
            (self.at(from).map_or(0, |first| first.start), self.at(to - 1).map_or(0, Lexeme::end));
        self.folded.get(start..end).unwrap_or_default().to_owned()
    }

    /// The piece that begins at a lexeme, if it says anything, and how many it takes.
    fn piece(&mut self, at: usize) -> (Option<Piece>, usize) {
        let Some(lexeme) = self.at(at) else { return (None, 1) };
        match &lexeme.shape {
            Shape::Ideograph => {
                let token = self.token(lexeme.text, Kind::Word, self.place);
                self.place += 1;
                let surface = lexeme.text.to_owned();
                (Some(Piece { surface, readings: vec![vec![token]], indexed: 1, ..Piece::default() }), 1)
            }
            Shape::Sign('.') if !lexeme.is_glued && self.is_glued(at + 1) => match self.number(at + 1) {
                Some(number) => self.measured(at, at + 2, Number::below_one(&number.text)),
                None => (None, 1),
            },
            Shape::Sign(sign) => {
                let says = "€$£¥<>-".contains(*sign);
                let piece = || Piece { surface: sign.to_string(), sign: Some(*sign), ..Piece::default() };
                (says.then(piece), 1)
            }
            Shape::Number(number) => match self.dimensions(at).or_else(|| self.fraction(at)) {
                Some(found) => found,
                None => self.measured(at, at + 1, number.clone()),
            },
            Shape::Letters => self.word(at),
        }
    }

    /// `2 x 4`, `10x20x30`.
    fn dimensions(&mut self, at: usize) -> Option<(Option<Piece>, usize)> {
        let mut sides = vec![self.number(at)?];
        let mut end = at + 1;
        while sides.len() < 4
            && self.letters(end) == Some("x")
            && (self.is_glued(end) == self.is_glued(end + 1))
        {
            let Some(side) = self.number(end + 1) else { break };
            sides.push(side);
            end += 2;
        }
        let is_code = self.goes_on(end) && self.is_glued(at + 1);
        if sides.len() < 2 || is_code {
            return None;
        }
        let parts: Vec<(&str, Kind)> = sides.iter().map(|side| (side.text.as_str(), Kind::Number)).collect();
        let joined = parts.iter().map(|(text, _)| *text).collect::<Vec<_>>().join("x");
        let whole = self.token(&joined, Kind::Code, self.place);
        let parts = self.successive(&parts);
        let readings = vec![vec![whole], parts];
        Some((
            Some(Piece { surface: self.surface(at, end), readings, indexed: 2, ..Piece::default() }),
            end - at,
        ))
    }

    /// `1/2 in`, `1 1/2 in`, `1-1/2"`; `½` comes as `1/2`.
    fn fraction(&mut self, at: usize) -> Option<(Option<Piece>, usize)> {
        let small = |at: usize| {
            let number = self.number(at)?;
            number
                .amount
                .filter(|(digits, scale)| *scale == 0 && (1..=99).contains(digits))
                .map(|(digits, _)| digits)
        };
        let part = |at: usize| {
            let is_one = self.is_sign(at + 1, '/') && self.is_glued(at + 1) && self.is_glued(at + 2);
            let (above, below) = (small(at)?, small(at + 2)?);
            (is_one && above < below && !self.is_sign(at + 3, '/')).then_some((above, below))
        };
        let (whole, from) = match part(at) {
            Some(_) => (0, at),
            None if self.is_sign(at + 1, '-') && self.is_glued(at + 1) => (small(at)?, at + 2),
            None if !self.is_glued(at + 1) => (small(at)?, at + 1),
            None => return None,
        };
        let (above, below) = part(from)?;
        let end = from + 3;
        let (unit, unit_end) = self.unit(end)?;
        let term = unit.term((whole * below + above, 0), below);
        let text = if whole > 0 { format!("{whole}-{above}/{below}") } else { format!("{above}/{below}") };
        let mut parts = vec![(text, Kind::Number)];
        parts.extend(self.letters(end).map(|name| (name.to_owned(), Kind::Word)));
        Some(self.quantity(at, unit_end, term, &parts))
    }

    /// A number, with its unit where it has one, or the code that it begins. `after` = the lexeme behind it.
    fn measured(&mut self, at: usize, after: usize, number: Number) -> (Option<Piece>, usize) {
        if let Some((unit, end)) = self.unit(after)
            && let Some(amount) = number.amount
        {
            let mut parts = vec![(number.text.clone(), Kind::Number)];
            let name = if self.is_sign(after, '-') { after + 1 } else { after };
            let name = self.letters(name).filter(|_| !unit.only_counts());
            parts.extend(name.map(|name| (name.to_owned(), Kind::Word)));
            let (piece, length) = self.quantity(at, end, unit.term(amount, 1), &parts);
            let piece = piece.map(|piece| Piece { number: Some(number), unit: Some(unit), ..piece });
            return (piece, length);
        }
        let goes_on = self.goes_on(after) || (self.is_joiner(after) && self.goes_on(after + 1));
        if goes_on && after == at + 1 {
            return self.word(at);
        }
        let token = self.token(&number.text, Kind::Number, self.place);
        self.place += 1;
        let piece = Piece {
            surface: self.surface(at, after),
            readings: vec![vec![token]],
            indexed: 1,
            number: Some(number),
            ..Piece::default()
        };
        (Some(piece), after - at)
    }

    /// The unit that begins at a lexeme, behind a number, and where it ends.
    fn unit(&self, at: usize) -> Option<(Unit, usize)> {
        let units = &self.analyzer.units;
        let is_held = |end: usize| self.is_joiner(end) && !self.is_sign(end, '-') && self.goes_on(end + 1);
        let ends = |end: usize| !self.goes_on(end) && !is_held(end);
        if self.is_glued(at) {
            let is_twice = self.is_sign(at, '\'') && self.is_sign(at + 1, '\'') && self.is_glued(at + 1);
            let mark = match self.at(at)?.shape {
                Shape::Sign('"') => Some(("in", 1)),
                Shape::Sign('\'') if is_twice => Some(("in", 2)),
                Shape::Sign('\'') if !self.goes_on(at + 1) => Some(("ft", 1)),
                _ => None,
            };
            if let Some((name, length)) = mark {
                return units.get(name, true).map(|unit| (unit, at + length));
            }
        }
        if self.is_sign(at, '%') {
            return units.get("%", true).map(|unit| (unit, at + 1));
        }
        if self.is_sign(at, '°') {
            let scale = self.letters(at + 1).filter(|scale| matches!(*scale, "c" | "f"));
            let name = scale.map_or("°".to_owned(), |scale| format!("°{scale}"));
            return units.get(&name, true).map(|unit| (unit, at + 1 + usize::from(scale.is_some())));
        }
        // `17-inch`: a hyphen as good as a blank.
        let is_hyphened = self.is_sign(at, '-') && self.is_glued(at) && self.is_glued(at + 1);
        let at = if is_hyphened { at + 1 } else { at };
        let name = self.letters(at)?;
        let is_glued = self.is_glued(at);
        if name == "in" && self.is_so_many_in_one(at + 1) {
            return None;
        }
        let joined = |end: usize, between: &str| Some(format!("{name}{between}{}", self.at(end)?.text));
        let long = [
            (self.is_sign(at + 1, '/') && self.is_glued(at + 2)).then(|| (joined(at + 2, "/"), at + 3)),
            (name == "fl").then(|| (joined(at + 1, " "), at + 2)),
            (matches!(name, "m") && self.is_glued(at + 1)).then(|| (joined(at + 1, ""), at + 2)),
        ];
        for (name, end) in long.into_iter().flatten() {
            if let Some(unit) = name.and_then(|name| units.get(&name, is_glued)).filter(|_| ends(end)) {
                return Some((unit, end));
            }
        }
        let end = self.past_plural(at + 1);
        let may_stand = ends(end) && (!is_hyphened || name.len() > 1);
        units.get(name, is_glued).filter(|_| may_stand).map(|unit| (unit, end))
    }

    /// Whether a small number follows: `2 in 1`, `3-in-1`.
    fn is_so_many_in_one(&self, at: usize) -> bool {
        let at = if self.is_joiner(at) { at + 1 } else { at };
        let follows =
            |before: &Lexeme<'_>, next: &Lexeme<'_>| self.folded[before.end()..next.start].trim().is_empty();
        let is_next =
            at > 0 && self.at(at - 1).zip(self.at(at)).is_some_and(|(before, next)| follows(before, next));
        is_next && self.number(at).is_some_and(|number| number.text.len() == 1)
    }

    fn quantity(
        &mut self,
        at: usize,
        end: usize,
        term: String,
        parts: &[(String, Kind)],
    ) -> (Option<Piece>, usize) {
        let whole = Token { surface: term.clone(), term, kind: Kind::Quantity, place: self.place };
        let parts: Vec<(&str, Kind)> = parts.iter().map(|(text, kind)| (text.as_str(), *kind)).collect();
        let readings = vec![vec![whole], self.successive(&parts)];
        (Some(Piece { surface: self.surface(at, end), readings, indexed: 2, ..Piece::default() }), end - at)
    }

    /// Behind the `(s)` of `pc(s)`.
    fn past_plural(&self, at: usize) -> usize {
        let is_ending =
            self.letters(at + 1).is_some_and(|ending| matches!(ending, "s" | "es" | "n" | "en" | "e"));
        let is_one = self.is_sign(at, '(') && self.is_glued(at) && is_ending && self.is_sign(at + 2, ')');
        if is_one { at + 3 } else { at }
    }

    fn is_joiner(&self, at: usize) -> bool {
        let joins = |lexeme: &Lexeme<'_>| matches!(lexeme.shape, Shape::Sign('-' | '_' | '\'' | '.' | '&'));
        self.is_glued(at) && self.at(at).is_some_and(joins)
    }

    /// A word, or a code: runs of letters and digits that touch, or are held together by hyphens and the like.
    fn word(&mut self, at: usize) -> (Option<Piece>, usize) {
        let mut parts: Vec<Part<'a>> = Vec::new();
        let (mut end, mut segment) = (at, 0);
        while let Some(lexeme) = self.at(end) {
            parts.push(Part { text: lexeme.text, is_number: self.number(end).is_some(), segment });
            end = self.past_plural(end + 1);
            if self.goes_on(end) {
                continue;
            }
            let is_genitive =
                self.is_sign(end, '\'') && self.letters(end + 1) == Some("s") && self.is_glued(end + 1);
            if is_genitive && !self.goes_on(end + 2) {
                end += 2;
            }
            let is_joined = self.is_joiner(end) && self.goes_on(end + 1);
            if !is_joined || self.ends_before(&parts, end) {
                break;
            }
            end += 1;
            segment += 1;
        }
        let readings = self.readings(&parts, segment + 1);
        let has_runs = readings.len() > 1 && segment + 1 < parts.len();
        let indexed = readings.len() - usize::from(has_runs && !is_name_and_number(&parts));
        (Some(Piece { surface: self.surface(at, end), readings, indexed, ..Piece::default() }), end - at)
    }

    /// Whether what stands behind a joiner is a piece of its own: the word behind an article (`l'eau`), a quantity (`usb-64gb`).
    fn ends_before(&self, parts: &[Part<'_>], joiner: usize) -> bool {
        let is_article =
            self.is_sign(joiner, '\'') && parts.len() == 1 && self.analyzer.is_elided(parts[0].text);
        let is_quantity = self.number(joiner + 1).is_some()
            && self.letters(joiner + 2).is_some_and(|name| name.len() > 1)
            && self.is_glued(joiner + 2)
            && self.unit(joiner + 2).is_some();
        is_article || is_quantity
    }

    fn readings(&mut self, parts: &[Part<'a>], segments: usize) -> Vec<Vec<Token>> {
        let has_number = parts.iter().any(|part| part.is_number);
        if parts.len() == 1 {
            let kind = if has_number { Kind::Number } else { Kind::Word };
            return vec![self.successive(&[(parts[0].text, kind)])];
        }
        let has_letters = parts.iter().any(|part| !part.is_number);
        let letters: usize = parts.iter().map(|part| part.text.len()).sum();
        let mut readings = Vec::new();
        if has_letters || letters >= ARTICLE_DIGITS_MIN {
            let whole: String = parts.iter().map(|part| part.text).collect();
            let kind = if has_number { Kind::Code } else { Kind::Word };
            readings.push(vec![self.token(&whole, kind, self.place)]);
        }
        let parts = &parts[..parts.len().min(PARTS_MAX)];
        if segments > 1 {
            let texts: Vec<(String, Kind)> =
                parts.chunk_by(|a, b| a.segment == b.segment).map(segment).collect();
            let texts: Vec<(&str, Kind)> = texts.iter().map(|(text, kind)| (text.as_str(), *kind)).collect();
            readings.push(self.successive(&texts));
        }
        if segments < parts.len() {
            readings.push(self.runs(parts, segments > 1));
        }
        readings.retain(|reading| !reading.is_empty());
        readings
    }

    /// Runs of letters and of digits; a single letter within a code says nothing alone. They take no place of their own where
    /// segments do.
    fn runs(&mut self, parts: &[Part<'_>], has_segments: bool) -> Vec<Token> {
        let says = |part: &&Part<'_>| part.is_number || part.text.len() > 1;
        let texts: Vec<(&str, Kind)> =
            parts.iter().filter(says).map(|part| (part.text, part.kind())).collect();
        let before = self.place;
        let runs = self.successive(&texts);
        self.place = if has_segments { before } else { before + 1 };
        runs
    }

    fn successive(&mut self, texts: &[(&str, Kind)]) -> Vec<Token> {
        let place = self.place;
        self.place += texts.len() as u32;
        (place..).zip(texts).map(|(place, (text, kind))| self.token(text, *kind, place)).collect()
    }

    fn token(&self, text: &str, kind: Kind, place: u32) -> Token {
        let surface = super::bounded(text).to_owned();
        let term = if kind == Kind::Word { self.analyzer.stem(&surface) } else { surface.clone() };
        Token { term, surface, kind, place }
    }
}
