//! Which word says what a thing is: `cable` in "VGA cable 2 m black", `adapter` in "cable adapter". It ends a run of words: behind it
//! stands a number, a sign, a colour, a word that only links (`for`, `with`), or nothing. A word that another follows tells which.

use super::{Analyzer, Kind, Piece};

/// What ends a run of words wherever it stands in a title.
const SEPARATORS: &[&str] = &[", ", "; ", ": ", " - ", " – ", " — ", " | ", " / ", "(", ")", "[", "]"];

/// Colours, folded, in any language: they are said of a thing, before it or behind it.
const COLOURS: &[&str] = &[
    "black",
    "white",
    "grey",
    "gray",
    "silver",
    "gold",
    "golden",
    "red",
    "blue",
    "navy",
    "green",
    "yellow",
    "orange",
    "pink",
    "purple",
    "violet",
    "brown",
    "beige",
    "cyan",
    "magenta",
    "turquoise",
    "transparent",
    "clear",
    "multicolour",
    "multicolor",
    "multicoloured",
    "schwarz",
    "weiss",
    "grau",
    "silber",
    "rot",
    "blau",
    "grun",
    "gruen",
    "gelb",
    "rosa",
    "lila",
    "braun",
    "bunt",
    "noir",
    "noire",
    "blanc",
    "blanche",
    "gris",
    "argent",
    "rouge",
    "bleu",
    "bleue",
    "vert",
    "verte",
    "jaune",
    "rose",
    "marron",
    "negro",
    "negra",
    "blanco",
    "blanca",
    "plata",
    "rojo",
    "roja",
    "azul",
    "verde",
    "amarillo",
    "amarilla",
    "morado",
    "nero",
    "nera",
    "bianco",
    "bianca",
    "grigio",
    "argento",
    "rosso",
    "rossa",
    "blu",
    "giallo",
    "gialla",
    "viola",
    "marrone",
    "zwart",
    "wit",
    "grijs",
    "zilver",
    "rood",
    "blauw",
    "groen",
    "geel",
    "paars",
    "bruin",
];

/// Parts of a title that are read apart.
pub fn segments(title: &str) -> impl Iterator<Item = &str> {
    let mut rest = title;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let first = SEPARATORS.iter().filter_map(|sign| Some((rest.find(sign)?, sign.len()))).min();
        let (segment, after) = match first {
            Some((at, length)) => (&rest[..at], &rest[at + length..]),
            None => (rest, ""),
        };
        rest = after;
        Some(segment)
    })
}

/// Whether the piece at a place is the head of the words that it ends. `is_apart` = whether a piece is none of them: a brand, …
pub fn is_head(analyzer: &Analyzer, pieces: &[Piece], at: usize, is_apart: impl Fn(usize) -> bool) -> bool {
    let is_word = |piece: &Piece| {
        let token = piece.readings.first().and_then(|reading| reading.first());
        token.is_some_and(|token| token.kind == Kind::Word)
            && !analyzer.is_stop(&piece.surface)
            && !COLOURS.contains(&piece.surface.as_str())
    };
    let goes_on = |at: usize| pieces.get(at).is_some_and(|next| is_word(next) && !is_apart(at));
    goes_on(at) && !goes_on(at + 1)
}
