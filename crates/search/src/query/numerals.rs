//! Numbers that are written in words – `fifty`, `two hundred and fifty`, `zweihundertfünfzig` – read as if they were written in digits,
//! with the unit behind them: `ten metres` is `10 m`; and `pack of ten` is `10 pcs`.

use super::wording::{self, Wording};
use crate::analysis::{Analyzer, Kind, Piece};

/// Number words of one number.
const PARTS_MAX: usize = 6;

/// The pieces of a query with numbers in digits. A piece that was made of several has all their letters, with blanks between.
pub(super) fn in_digits(analyzer: &Analyzer, pieces: Vec<Piece>) -> Vec<Piece> {
    let wording = wording::of(analyzer.language());
    let reader = Reader { analyzer, wording, pieces: &pieces };
    let mut read = Vec::with_capacity(pieces.len());
    let mut at = 0;
    while at < pieces.len() {
        match reader.pack(at).or_else(|| reader.number(at)) {
            Some((piece, end)) => {
                read.push(piece);
                at = end;
            }
            None => {
                read.push(pieces[at].clone());
                at += 1;
            }
        }
    }
    read
}

struct Reader<'a> {
    analyzer: &'a Analyzer,
    wording: &'static Wording,
    pieces: &'a [Piece],
}

impl Reader<'_> {
    fn surface(&self, at: usize) -> &str {
        self.pieces.get(at).map_or("", |piece| piece.surface.as_str())
    }

    /// A number in words, with its unit where one follows.
    fn number(&self, at: usize) -> Option<(Piece, usize)> {
        let (number, end) = self.in_words(at)?;
        let with_unit =
            self.read(&format!("{number} {}", self.surface(end))).filter(|_| end < self.pieces.len());
        let measured = with_unit.filter(|piece| is_kind(piece, Kind::Quantity)).map(|piece| (piece, end + 1));
        // One is an article, in most languages, and part of names.
        let (piece, end) = match measured {
            Some(found) => found,
            None if number == 1 => return None,
            None => (self.read(&number.to_string())?, end),
        };
        let is_one_word = end == at + 1;
        let typed = self.pieces[at].readings.iter().filter(|_| is_one_word).cloned();
        let readings = piece.readings.into_iter().chain(typed).collect();
        Some((Piece { surface: self.surfaces(at, end), readings, ..piece }, end))
    }

    /// `pack of ten`, `pack of 10`.
    fn pack(&self, at: usize) -> Option<(Piece, usize)> {
        let from = self.wording.phrase(at, self.wording.packs, |at| self.surface(at))?;
        let digits = || self.pieces.get(from).filter(|piece| piece.is_number())?.number.clone();
        let (number, end) = match digits() {
            Some(number) => (number.text, from + 1),
            None => self.in_words(from).map(|(number, end)| (number.to_string(), end))?,
        };
        let piece = self.read(&format!("{number} pcs"))?;
        Some((Piece { surface: self.surfaces(at, end), ..piece }, end))
    }

    fn surfaces(&self, from: usize, to: usize) -> String {
        (from..to).map(|at| self.surface(at)).collect::<Vec<_>>().join(" ")
    }

    /// A text that is one piece.
    fn read(&self, text: &str) -> Option<Piece> {
        let mut pieces = self.analyzer.pieces(text);
        if pieces.len() == 1 { pieces.pop() } else { None }
    }

    /// `two hundred and fifty`, and where it ends.
    fn in_words(&self, at: usize) -> Option<(u64, usize)> {
        let parts = |at: usize| {
            let typed: String = self.surface(at).chars().filter(|c| *c != '-').collect();
            number_parts(self.wording, &typed, PARTS_MAX).filter(|parts| !parts.is_empty())
        };
        let (mut sum, mut open, mut end) = (0u64, 0u64, at);
        loop {
            // `a hundred`, and `hundred and fifty`.
            let is_large = |values: &[u32]| values.first().is_some_and(|value| *value >= 100);
            let links = self.wording.number_words_between.contains(&self.surface(end));
            let from = match parts(end) {
                None if end == at && self.surface(end) == "a" => {
                    Some(end + 1).filter(|at| parts(*at).is_some_and(|values| is_large(&values)))
                }
                None if end > at && links && open >= 100 => {
                    Some(end + 1).filter(|at| parts(*at).is_some_and(|values| !is_large(&values)))
                }
                None => None,
                Some(_) => Some(end),
            };
            let Some((from, values)) = from.and_then(|from| Some((from, parts(from)?))) else { break };
            for value in values.into_iter().map(u64::from) {
                match value {
                    1000 => (sum, open) = (sum + open.max(1) * 1000, 0),
                    100 => open = open.max(1) * 100,
                    value => open += value,
                }
            }
            end = from + 1;
        }
        (end > at && end - at <= PARTS_MAX).then_some((sum + open, end))
    }
}

fn is_kind(piece: &Piece, kind: Kind) -> bool {
    piece.readings.first().and_then(|reading| reading.first()).is_some_and(|token| token.kind == kind)
}

/// The number words that a word is made of.
fn number_parts(wording: &Wording, word: &str, most: usize) -> Option<Vec<u32>> {
    if word.is_empty() {
        return Some(Vec::new());
    }
    let fitting = wording.numbers.iter().filter(|(name, _)| most > 0 && word.starts_with(name));
    let mut fitting: Vec<&(&str, u32)> = fitting.collect();
    fitting.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    fitting.into_iter().find_map(|(name, value)| {
        let rest = &word[name.len()..];
        let links = wording
            .number_links
            .iter()
            .filter_map(|link| rest.strip_prefix(link).filter(|rest| !rest.is_empty()));
        let rests = std::iter::once(rest).chain(links);
        let parts = rests.filter_map(|rest| number_parts(wording, rest, most - 1)).next()?;
        Some([vec![*value], parts].concat())
    })
}
