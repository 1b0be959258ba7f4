//! A folded text cut into runs of letters, numbers and the signs that say something between them.

use super::numbers::{self, Number};
use unicode_normalization::char::is_combining_mark;

/// What a lexeme is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// A run of letters.
    Letters,
    /// A number, with its decimals.
    Number(Number),
    /// A character of a script that writes no blanks between words.
    Ideograph,
    /// A sign that can say something.
    Sign(char),
}

/// A run of one shape.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Lexeme<'a> {
    pub text: &'a str,
    pub shape: Shape,
    /// Whether nothing stands between it and the one before.
    pub is_glued: bool,
    /// Where it begins, in bytes.
    pub start: usize,
}

impl Lexeme<'_> {
    pub fn is_sign(&self, sign: char) -> bool {
        self.shape == Shape::Sign(sign)
    }

    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Signs that stay; all others only separate.
const SIGNS: &str = "-_.'\"/&%°€$£¥<>()";

/// The lexemes of a folded text. `comma_groups`: whether `1,000` is a thousand, rather than `1.000`.
pub(super) fn lexemes(folded: &str, comma_groups: bool) -> Vec<Lexeme<'_>> {
    let mut all: Vec<Lexeme<'_>> = Vec::new();
    let mut at = 0;
    let mut previous_end = None;
    while let Some(first) = folded[at..].chars().next() {
        let rest = &folded[at..];
        at = if first.is_ascii_digit() {
            let length = numbers::length(rest);
            for (offset, number) in numbers::read(&rest[..length], comma_groups) {
                let text = &rest[offset..offset + number.typed];
                let start = at + offset;
                all.push(Lexeme {
                    text,
                    shape: Shape::Number(number),
                    is_glued: previous_end == Some(start),
                    start,
                });
                previous_end = Some(start + text.len());
            }
            at + length
        } else {
            let (length, shape) = other(rest, first);
            if let Some(shape) = shape {
                all.push(Lexeme {
                    text: &rest[..length],
                    shape,
                    is_glued: previous_end == Some(at),
                    start: at,
                });
                previous_end = Some(at + length);
            }
            at + length
        };
    }
    all
}

/// Length and shape of a run that is no number; no shape = it only separates.
fn other(rest: &str, first: char) -> (usize, Option<Shape>) {
    if is_ideograph(first) {
        return (first.len_utf8(), Some(Shape::Ideograph));
    }
    if is_letter(first) {
        let length = rest.find(|c: char| !is_letter(c) && !is_combining_mark(c)).unwrap_or(rest.len());
        return (length, Some(Shape::Letters));
    }
    (first.len_utf8(), SIGNS.contains(first).then_some(Shape::Sign(first)))
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() && !c.is_ascii_digit() && !is_ideograph(c)
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
