//! Conditions as text: `price < 50 AND brand IN ['A', 'B'] AND NOT category:'Sale'`. Used by a caller's `filter`, by rules
//! and by segments. `AND` binds closer than `OR`; names and words of the language are read in any letter case.
//!
//! ```text
//! any  = all { OR all }          all  = one { AND one }
//! one  = NOT one | '(' any ')' | field test
//! test = ( ':' | '=' ) value | '!=' value | ( '<' | '<=' | '>' | '>=' ) number | IN '[' value { ',' value } ']' | EXISTS
//! ```

use bespoke_domain::Problem;
use bespoke_domain::condition::{Condition, DEPTH_MAX, Is, TESTS_MAX, Test};

/// Longest text of a condition, in bytes.
pub const TEXT_MAX: usize = 4_000;
/// Most values of one `IN`.
const VALUES_MAX: usize = 500;

/// Reads a condition.
///
/// # Errors
/// Says what stands where something else should, with its place in the text.
pub fn parse(text: &str) -> Result<Condition, Problem> {
    if text.len() > TEXT_MAX {
        return Err(fault(format!("must be at most {TEXT_MAX} bytes")));
    }
    let mut reader = Reader { text, tokens: tokens(text)?, at: 0, test_count: 0 };
    let condition = reader.any(0)?;
    match reader.peek() {
        None => Ok(condition),
        Some(_) => Err(reader.expected("AND, OR or the end")),
    }
}

/// Writes a condition, so that [`parse`] reads the same.
pub fn written(condition: &Condition) -> String {
    let list = |all: &[Condition], word: &str| {
        let parts: Vec<String> = all.iter().map(|one| format!("({})", written(one))).collect();
        parts.join(word)
    };
    match condition {
        Condition::All(all) => list(all, " AND "),
        Condition::Any(any) => list(any, " OR "),
        Condition::Not(one) => format!("NOT ({})", written(one)),
        Condition::Test(test) => written_test(test),
    }
}

fn written_test(test: &Test) -> String {
    let field = &test.field;
    let quoted = |text: &String| {
        if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
    };
    match &test.is {
        Is::There => format!("{field} EXISTS"),
        Is::OneOf(texts) => {
            format!("{field} IN [{}]", texts.iter().map(quoted).collect::<Vec<_>>().join(", "))
        }
        Is::Within { least, most, above, below } => {
            let ends = [(*least, if *above { ">" } else { ">=" }), (*most, if *below { "<" } else { "<=" })];
            let ends = ends.iter().filter(|(end, _)| end.is_finite());
            ends.map(|(end, sign)| format!("{field} {sign} {end}")).collect::<Vec<_>>().join(" AND ")
        }
    }
}

fn fault(detail: String) -> Problem {
    Problem::new("filter", "invalid_filter", detail)
}

#[derive(Clone, PartialEq, Debug)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

const SIGNS: [&str; 12] = ["<=", ">=", "!=", "<", ">", "=", ":", "(", ")", "[", "]", ","];

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Problem> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (token, len) = if first.is_whitespace() {
            (None, first.len_utf8())
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Some(Token::Sign(sign)), sign.len())
        } else if matches!(first, '\'' | '"') {
            let (inside, len) =
                quoted(rest, first).ok_or_else(|| fault(format!("close the quote of {}", shown(rest))))?;
            (Some(Token::Text(inside)), len)
        } else {
            let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
            let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if len == 0 {
                return Err(fault(format!("{} is not understood; write texts in quotes", shown(rest))));
            }
            (Some(Token::Word(rest[..len].to_owned())), len)
        };
        found.extend(token.map(|token| (at, token)));
        at += len;
    }
    Ok(found)
}

/// The text between quotes, where two stand for one, and the length with the quotes.
fn quoted(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut inside = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            inside.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            inside.push(quote);
        } else {
            return Some((inside, at + 1));
        }
    }
    None
}

fn shown(rest: &str) -> String {
    format!("{:?}", rest.chars().take(20).collect::<String>())
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<(usize, Token)>,
    at: usize,
    test_count: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn expected(&self, what: &str) -> Problem {
        match self.tokens.get(self.at) {
            Some((at, _)) => {
                fault(format!("{what} is expected at byte {at}, before {}", shown(&self.text[*at..])))
            }
            None => fault(format!("{what} is expected at the end")),
        }
    }

    /// Takes the next token if it is this word of the language.
    fn take_word(&mut self, word: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token::Word(held)) if held.eq_ignore_ascii_case(word));
        self.at += usize::from(is_it);
        is_it
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token::Sign(held)) if *held == sign);
        self.at += usize::from(is_it);
        is_it
    }

    fn any(&mut self, depth: usize) -> Result<Condition, Problem> {
        if depth > DEPTH_MAX {
            return Err(fault(format!("must be nested at most {DEPTH_MAX} deep")));
        }
        let mut parts = vec![self.all(depth)?];
        while self.take_word("OR") {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Condition::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Condition, Problem> {
        let mut parts = vec![self.one(depth)?];
        while self.take_word("AND") {
            parts.push(self.one(depth)?);
        }
        Ok(one_or(parts, Condition::All))
    }

    fn one(&mut self, depth: usize) -> Result<Condition, Problem> {
        if self.take_word("NOT") {
            if depth > DEPTH_MAX {
                return Err(fault(format!("must be nested at most {DEPTH_MAX} deep")));
            }
            return Ok(Condition::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take_sign("(") {
            let inside = self.any(depth + 1)?;
            return if self.take_sign(")") { Ok(inside) } else { Err(self.expected("`)`")) };
        }
        self.test()
    }

    fn test(&mut self) -> Result<Condition, Problem> {
        self.test_count += 1;
        if self.test_count > TESTS_MAX {
            return Err(fault(format!("must have at most {TESTS_MAX} tests")));
        }
        let field = match self.peek() {
            Some(Token::Word(word)) => word.to_lowercase(),
            Some(Token::Text(text)) if !text.is_empty() => text.to_lowercase(),
            _ => return Err(self.expected("the name of a field")),
        };
        self.at += 1;
        let test = |is| Condition::Test(Test { field: field.clone(), is });
        if self.take_word("IN") {
            return Ok(test(Is::OneOf(self.list()?)));
        }
        if self.take_word("EXISTS") {
            return Ok(test(Is::There));
        }
        let Some(Token::Sign(sign)) = self.peek().cloned() else {
            return Err(self.expected("a comparison, IN or EXISTS"));
        };
        self.at += 1;
        match sign {
            ":" | "=" => Ok(test(Is::OneOf(vec![self.value()?]))),
            "!=" => Ok(Condition::Not(Box::new(test(Is::OneOf(vec![self.value()?]))))),
            "<" | "<=" | ">" | ">=" => {
                let number = self.number()?;
                let (least, most) =
                    if sign.starts_with('<') { (f64::NEG_INFINITY, number) } else { (number, f64::INFINITY) };
                Ok(test(Is::Within { least, most, above: sign == ">", below: sign == "<" }))
            }
            _ => {
                self.at -= 1;
                Err(self.expected("a comparison, IN or EXISTS"))
            }
        }
    }

    fn list(&mut self) -> Result<Vec<String>, Problem> {
        if !self.take_sign("[") {
            return Err(self.expected("`[`"));
        }
        let mut values = vec![self.value()?];
        while self.take_sign(",") {
            values.push(self.value()?);
        }
        if values.len() > VALUES_MAX {
            return Err(fault(format!("IN must have at most {VALUES_MAX} values")));
        }
        if self.take_sign("]") { Ok(values) } else { Err(self.expected("`,` or `]`")) }
    }

    fn value(&mut self) -> Result<String, Problem> {
        let value = match self.peek() {
            Some(Token::Word(text) | Token::Text(text)) => text.clone(),
            _ => return Err(self.expected("a value")),
        };
        self.at += 1;
        Ok(value)
    }

    fn number(&mut self) -> Result<f64, Problem> {
        let number = match self.peek() {
            Some(Token::Word(text) | Token::Text(text)) => {
                text.parse::<f64>().ok().filter(|number| number.is_finite())
            }
            _ => None,
        };
        let number = number.ok_or_else(|| self.expected("a number"))?;
        self.at += 1;
        Ok(number)
    }
}

fn one_or(mut parts: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() == 1 { parts.remove(0) } else { many(parts) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(text: &str, expect: &Expect) {
        let said = match parse(text) {
            Ok(condition) => format!("{condition:?}"),
            Err(problem) => problem.detail,
        };
        expect.assert_eq(&said);
    }

    #[test]
    fn what_is_written_is_read() {
        check(
            "price < 50 AND brand IN ['A', \"it's\"] AND NOT category:'Sale'",
            &expect![[
                r#"All([Test(Test { field: "price", is: Within { least: -inf, most: 50.0, above: false, below: true } }), Test(Test { field: "brand", is: OneOf(["A", "it's"]) }), Not(Test(Test { field: "category", is: OneOf(["Sale"]) }))])"#
            ]],
        );
        check(
            "a = 1 or b != 'x''y' and (Color exists or size >= 4.5)",
            &expect![[
                r#"Any([Test(Test { field: "a", is: OneOf(["1"]) }), All([Not(Test(Test { field: "b", is: OneOf(["x'y"]) })), Any([Test(Test { field: "color", is: There }), Test(Test { field: "size", is: Within { least: 4.5, most: inf, above: false, below: false } })])])])"#
            ]],
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        check("price <", &expect!["a number is expected at the end"]);
        check("price < cheap", &expect![[r#"a number is expected at byte 8, before "cheap""#]]);
        check("", &expect!["the name of a field is expected at the end"]);
        check("a = 1 b = 2", &expect![[r#"AND, OR or the end is expected at byte 6, before "b = 2""#]]);
        check("a = 'x", &expect![[r#"close the quote of "'x""#]]);
        check("a = 1 & b = 2", &expect![[r#""& b = 2" is not understood; write texts in quotes"#]]);
        check("brand IN ['a'", &expect!["`,` or `]` is expected at the end"]);
        check("(a = 1", &expect!["`)` is expected at the end"]);
        check(&"NOT ".repeat(20), &expect!["must be nested at most 16 deep"]);
        check(&"(".repeat(20), &expect!["must be nested at most 16 deep"]);
    }
}
