//! Words that ask for nothing, a short list a language: they are indexed like any other, but no result hangs on them.

use super::Language;

const ENGLISH: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "by", "for", "from", "in", "is", "it", "me", "my", "of", "on", "or",
    "that", "the", "this", "to", "with",
];
const GERMAN: &[&str] = &[
    "am", "an", "auf", "aus", "bei", "das", "dem", "den", "der", "die", "ein", "eine", "einem", "einen",
    "einer", "eines", "fur", "fuer", "im", "in", "ist", "mein", "meine", "meinen", "mit", "oder", "und",
    "vom", "von", "zu", "zum", "zur",
];
const FRENCH: &[&str] = &[
    "a", "au", "aux", "avec", "ce", "d", "dans", "de", "des", "du", "en", "est", "et", "l", "la", "le",
    "les", "ma", "mes", "mon", "ou", "par", "pour", "qu", "sur", "un", "une",
];
const SPANISH: &[&str] = &[
    "a", "al", "con", "de", "del", "e", "el", "en", "es", "la", "las", "los", "mi", "mis", "o", "para",
    "por", "que", "un", "una", "unas", "unos", "y",
];
const ITALIAN: &[&str] = &[
    "a", "ai", "al", "alla", "all", "con", "d", "da", "dal", "dei", "del", "dell", "della", "delle", "di",
    "e", "ed", "gli", "i", "il", "in", "l", "la", "le", "lo", "mio", "o", "per", "su", "sul", "un", "una",
    "uno",
];
const DUTCH: &[&str] = &[
    "aan", "bij", "de", "die", "een", "en", "het", "in", "is", "met", "mijn", "of", "om", "op", "te", "tot",
    "uit", "van", "voor",
];

/// The list of a language.
pub(super) fn words(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => ENGLISH,
        Language::German => GERMAN,
        Language::French => FRENCH,
        Language::Spanish => SPANISH,
        Language::Italian => ITALIAN,
        Language::Dutch => DUTCH,
        Language::Other => &[],
    }
}

/// What stands before an apostrophe instead of a word: `l'eau`, `dell'acqua`.
pub(super) fn elided(language: Language) -> &'static [&'static str] {
    match language {
        Language::French => &["l", "d", "j", "m", "n", "s", "t", "c", "qu", "jusqu", "lorsqu"],
        Language::Italian => &["l", "d", "un", "dell", "all", "nell", "sull", "dall", "quest", "quell", "c"],
        _ => &[],
    }
}
