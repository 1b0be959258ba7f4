//! A Rust file as the rules see it: comments and literals blanked, and once more without its tests.
//!
//! This is a scanner, not a parser: it knows comments, literals, brackets and `#[cfg(test)]`. Every byte keeps its
//! place and every line break stays, so that an offset in one view is a line in the other.

use std::ops::Range;

/// One Rust file in its three views, all of the same length.
pub struct Source {
    /// As written.
    pub text: String,
    /// Comments and literals replaced by spaces.
    pub masked: String,
    /// `masked` without the items that exist in tests only.
    pub code: String,
}

impl Source {
    /// The three views of `text`.
    pub fn new(text: &str) -> Self {
        let masked = mask(text);
        let code = without_tests(&masked);
        Self { text: text.to_owned(), masked, code }
    }

    /// The number of lines that are in no test.
    pub fn code_lines(&self) -> usize {
        let in_tests = lines_with_code(&self.masked) - lines_with_code(&self.code);
        self.text.lines().count() - in_tests
    }
}

/// The line, counted from one, of the byte at `at`.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|&&b| b == b'\n').count() + 1
}

/// How many lines hold anything but blanks.
pub fn lines_with_code(masked: &str) -> usize {
    masked.lines().filter(|line| !line.trim().is_empty()).count()
}

/// Whether `byte` may stand inside a name.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The offset of the bracket that closes the one at `open`.
pub fn closing(masked: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in masked.iter().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The first byte at or after `from` that is one of `wanted`, outside round and square brackets.
pub fn find_outside(masked: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    let mut at = from;
    while at < masked.len() {
        match masked[at] {
            byte if wanted.contains(&byte) => return Some(at),
            b'(' | b'[' => at = closing(masked, at)? + 1,
            _ => at += 1,
        }
    }
    None
}

fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        match opaque_end(bytes, at) {
            Some(end) => {
                blank(&mut out, at..end);
                at = end;
            }
            None => at += 1,
        }
    }
    string_of(out)
}

fn blank(bytes: &mut [u8], range: Range<usize>) {
    for byte in bytes[range].iter_mut().filter(|b| **b != b'\n') {
        *byte = b' ';
    }
}

/// Whole comments and literals are blanked, so no character is cut; were one, it would show as a replacement mark.
fn string_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// Where the comment or literal that starts at `at` ends, if one does.
fn opaque_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    match rest[0] {
        b'/' if rest.starts_with(b"//") => Some(at + until(rest, b"\n")),
        b'/' if rest.starts_with(b"/*") => Some(at + block_comment_len(rest)),
        b'"' => Some(at + quoted_len(rest, b'"')),
        b'\'' => char_len(rest).map(|len| at + len),
        b'r' if at == 0 || !is_word(bytes[at - 1]) || is_literal_prefix(bytes, at) => {
            raw_string_len(rest).map(|len| at + len)
        }
        _ => None,
    }
}

/// `br"…"` and `cr"…"`: the letter before the `r` is a word of its own.
fn is_literal_prefix(bytes: &[u8], at: usize) -> bool {
    matches!(bytes[at - 1], b'b' | b'c') && (at < 2 || !is_word(bytes[at - 2]))
}

fn until(rest: &[u8], end: &[u8]) -> usize {
    rest.windows(end.len()).position(|w| w == end).unwrap_or(rest.len())
}

fn block_comment_len(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted_len(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A character literal; a lifetime is none.
fn char_len(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return Some(quoted_len(rest, b'\''));
    }
    let width = match rest.get(1)? {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0.. => 4,
    };
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

fn raw_string_len(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|&&b| b == b'#').count();
    let open = 1 + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let end = [&b"\""[..], &b"#".repeat(hashes)].concat();
    Some((open + 1 + until(&rest[open + 1..], &end) + end.len()).min(rest.len()))
}

fn without_tests(masked: &str) -> String {
    if masked.contains("#![cfg(test)]") {
        return masked.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
    }
    let mut out = masked.as_bytes().to_vec();
    for mark in ["#[cfg(test)]", "#[test]"] {
        for (at, _) in masked.match_indices(mark) {
            blank(&mut out, at..item_end(masked.as_bytes(), at));
        }
    }
    string_of(out)
}

/// Where the item that the attributes at `at` belong to ends.
fn item_end(masked: &[u8], at: usize) -> usize {
    let start = after_attributes(masked, at);
    let is_field = !ITEM_WORDS.iter().any(|w| masked[start..].starts_with(w.as_bytes()));
    let ends: &[u8] = if is_field { b"{;}," } else { b"{;}" };
    match find_outside(masked, start, ends) {
        Some(end) if masked[end] == b'{' => closing(masked, end).map_or(masked.len(), |close| close + 1),
        Some(end) if masked[end] == b'}' => end,
        Some(end) => end + 1,
        None => masked.len(),
    }
}

const ITEM_WORDS: &[&str] = &[
    "pub ",
    "pub(",
    "mod ",
    "fn ",
    "impl",
    "use ",
    "struct ",
    "enum ",
    "trait ",
    "const ",
    "static ",
    "type ",
    "async ",
    "unsafe ",
    "extern ",
    "macro_rules",
    "let ",
];

fn after_attributes(masked: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        at += masked[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        match masked[at..].starts_with(b"#[").then(|| closing(masked, at + 1)).flatten() {
            Some(close) => at = close + 1,
            None => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check_mask(text: &str, expected: Expect) {
        let masked = Source::new(text).masked;
        assert_eq!(masked.len(), text.len());
        expected.assert_eq(&masked);
    }

    fn check_code(text: &str, expected: Expect) {
        let code = Source::new(text).code;
        assert_eq!(code.len(), text.len());
        expected.assert_eq(&squeezed(&code));
    }

    fn squeezed(code: &str) -> String {
        code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_are_blank() {
        check_mask("a /* b /* c */ d */ e // f\ng", expect![["a                   e     \ng"]]);
        check_mask("//! é\na", expect![["      \na"]]);
    }

    #[test]
    fn literals_are_blank() {
        check_mask(r##"x("a\"{", 'b', '\'', '{', 'é')"##, expect!["x(      ,    ,     ,    ,     )"]);
        check_mask(r####"r#"a"b"# + br"c" + r"d\" + e"####, expect!["         + b     +       + e"]);
    }

    #[test]
    fn lifetimes_and_raw_names_stay() {
        check_mask("fn f<'a>(r#type: &'a str, for_r: u8)", expect!["fn f<'a>(r#type: &'a str, for_r: u8)"]);
    }

    #[test]
    fn test_items_are_no_code() {
        check_code("a; #[cfg(test)] #[allow(x)] mod t { fn b() {} } c", expect!["a; c"]);
        check_code("a; #[test] fn b(x: [u8; 4]) { d } c", expect!["a; c"]);
        check_code("a; #[cfg(test)] mod t; c", expect!["a; c"]);
        check_code("S { a: A, #[cfg(test)] t: T<u8>, c: C }", expect!["S { a: A, c: C }"]);
        check_code("S { a: A, #[cfg(test)] t: T }", expect!["S { a: A, }"]);
        check_code("#![cfg(test)] fn a() {}", expect![""]);
        check_code("#[cfg(not(test))] fn a() {}", expect!["#[cfg(not(test))] fn a() {}"]);
    }

    #[test]
    fn a_mark_in_a_comment_hides_nothing() {
        check_code("// #[cfg(test)]\nfn a() {}", expect!["fn a() {}"]);
    }

    #[test]
    fn lines_of_tests_are_not_counted() {
        let source = Source::new("//! Doc.\n\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n");
        assert_eq!(source.code_lines(), 4);
    }
}
