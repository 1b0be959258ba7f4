//! Letters folded: composed and decomposed, upper and lower case, accented and plain, full-width and narrow become one. The one
//! canonical form is the base letter: `ü` is `u`. `ue` stays `ue` (`true`, `value`), and a German query tries both.

use unicode_normalization::UnicodeNormalization as _;

/// Letters of a text that are looked at.
const TEXT_LETTERS_MAX: usize = 65_536;

/// The text in folded letters; what is no letter stays, but for marks and controls.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        let kept = text.bytes().take(TEXT_LETTERS_MAX).filter_map(|byte| control(char::from(byte)));
        return kept.map(|c| c.to_ascii_lowercase()).collect();
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().take(TEXT_LETTERS_MAX).filter_map(control) {
        typeset(c, &mut plain);
    }
    let bare = plain.nfkd().filter(|c| !is_mark(*c)).flat_map(char::to_lowercase).filter(|c| !is_mark(*c));
    let mut folded = String::with_capacity(plain.len());
    for c in bare {
        match special(c) {
            "" => folded.push(c),
            letters => folded.push_str(letters),
        }
    }
    folded.nfc().collect()
}

/// White space as a blank; no other control, and nothing that only steers how letters are drawn.
fn control(c: char) -> Option<char> {
    match c {
        c if c.is_whitespace() => Some(' '),
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => None,
        c if c.is_control() => None,
        c => Some(c),
    }
}

/// What compatibility forms would glue to the word before (`Core™2`, `1½`, `waterproof¹`), and signs with many looks.
fn typeset(c: char, plain: &mut String) {
    match c {
        '™' | '®' | '©' | '℠' | '¹' | '⁰' | '⁴'..='⁹' => plain.push(' '),
        '″' | '”' | '“' | '„' | '«' | '»' => plain.push('"'),
        '′' | '’' | '‘' | '`' | '´' | '‚' => plain.push('\''),
        '‐'..='―' | '−' => plain.push('-'),
        '×' => plain.push('x'),
        '≤' => plain.push('<'),
        '≥' => plain.push('>'),
        '¼'..='¾' | '⅐'..='⅞' => {
            plain.push(' ');
            plain.extend(c.nfkd().map(|c| if c == '\u{2044}' { '/' } else { c }));
        }
        '\u{2044}' => plain.push('/'),
        c => plain.push(c),
    }
}

/// Marks that may be there or not: accents, the vowel signs of Arabic and Hebrew, variants of emoji.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}')
}

/// Letters that are no base letter with a mark; empty = the letter itself.
fn special(c: char) -> &'static str {
    match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ı' => "i",
        'ς' => "σ",
        _ => digit(c),
    }
}

/// A digit of another script.
fn digit(c: char) -> &'static str {
    const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let zeros = ['\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{e50}'];
    let value = zeros
        .into_iter()
        .find_map(|zero| u32::from(c).checked_sub(u32::from(zero)).filter(|value| *value < 10));
    value.and_then(|value| DIGITS.get(value as usize)).copied().unwrap_or_default()
}
