//! Product feeds as RSS 2.0 or Atom with Google Merchant's `g:` elements: each `item` or `entry` is a row. Read as a stream,
//! in bounded memory; a document type definition, and with it every entity of its own, is refused.

use super::lines::{Fields, LINE_MAX, Line};
use bespoke_domain::Problem;
use quick_xml::Reader;
use quick_xml::events::Event;
use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// Most elements of one row.
const FIELDS_MAX: usize = 300;

/// The rows of a feed.
pub(super) fn rows<'a>(reader: impl BufRead + 'a) -> impl Iterator<Item = Line<Fields>> + 'a {
    let counted = Counted { inner: reader, lines: Rc::default(), left: Rc::default() };
    let (lines, left) = (counted.lines.clone(), counted.left.clone());
    let mut feed = Feed { xml: Reader::from_reader(counted), lines, left, has_ended: false };
    std::iter::from_fn(move || feed.next())
}

/// Counts the lines that were read, and stops a single element that is too long.
struct Counted<R> {
    inner: R,
    lines: Rc<Cell<u64>>,
    /// Bytes the element going on may still have.
    left: Rc<Cell<usize>>,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let held = self.fill_buf()?;
        let count = held.len().min(buffer.len());
        buffer[..count].copy_from_slice(&held[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left.get() == 0 {
            let why = format!("an element is longer than {LINE_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let held = self.inner.fill_buf()?;
        Ok(&held[..held.len().min(self.left.get())])
    }

    fn consume(&mut self, count: usize) {
        if let Ok(held) = self.inner.fill_buf() {
            let passed = held.iter().take(count).filter(|byte| **byte == b'\n').count();
            self.lines.set(self.lines.get() + passed as u64);
        }
        self.left.set(self.left.get().saturating_sub(count));
        self.inner.consume(count);
    }
}

struct Feed<R> {
    xml: Reader<Counted<R>>,
    lines: Rc<Cell<u64>>,
    left: Rc<Cell<usize>>,
    has_ended: bool,
}

/// A row being read: its line, its fields, and where in it the reader is.
#[derive(Default)]
struct Row {
    line: u64,
    fields: Fields,
    depth: usize,
    name: String,
    text: String,
}

impl<R: BufRead> Feed<R> {
    fn next(&mut self) -> Option<Line<Fields>> {
        let mut row: Option<Row> = None;
        let mut buffer = Vec::new();
        while !self.has_ended {
            buffer.clear();
            self.left.set(LINE_MAX);
            let line = self.lines.get() + 1;
            let event = match self.xml.read_event_into(&mut buffer) {
                Ok(event) => event,
                Err(error) => return Some(self.end(line, error.to_string())),
            };
            match event {
                Event::Eof if row.is_some() => {
                    return Some(self.end(line, "the row does not end".to_owned()));
                }
                Event::Eof => self.has_ended = true,
                Event::DocType(_) => {
                    return Some(
                        self.end(line, "a document type definition is not read; leave it out".to_owned()),
                    );
                }
                Event::Start(tag) => {
                    let name = tag.local_name().as_ref().to_lowercase();
                    match &mut row {
                        Some(row) => row.open(name),
                        None if name == "item" || name == "entry" => {
                            row = Some(Row { line, ..Row::default() })
                        }
                        None => {}
                    }
                }
                Event::Text(text) => row.iter_mut().for_each(|row| row.add(&text.xml10_content())),
                Event::CData(text) => row.iter_mut().for_each(|row| row.add(&text.xml10_content())),
                Event::GeneralRef(name) => {
                    let meant = match name.resolve_char_ref() {
                        Ok(Some(c)) => Some(c),
                        _ => predefined(&name.xml10_content()),
                    };
                    row.iter_mut().for_each(|row| row.text.extend(meant));
                }
                Event::End(_) => {
                    if let Some(done) = row.as_mut().and_then(Row::close) {
                        return Some(done);
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn end(&mut self, line: u64, why: String) -> Line<Fields> {
        self.has_ended = true;
        (line, Err(Problem::new("file", "unreadable", why)))
    }
}

fn predefined(name: &str) -> Option<char> {
    let known = [("lt", '<'), ("gt", '>'), ("amp", '&'), ("quot", '"'), ("apos", '\'')];
    known.iter().find(|(held, _)| *held == name).map(|(_, c)| *c)
}

impl Row {
    fn open(&mut self, name: String) {
        self.depth += 1;
        if self.depth == 1 {
            (self.name, self.text) = (name, String::new());
        }
    }

    fn add(&mut self, text: &str) {
        if self.depth == 1 && self.text.len() + text.len() <= LINE_MAX {
            self.text.push_str(text);
        }
    }

    /// The row, when its own end is reached.
    fn close(&mut self) -> Option<Line<Fields>> {
        match self.depth {
            0 => {
                let fields = std::mem::take(&mut self.fields);
                let too_many =
                    || Problem::new("row", "too_many", format!("must have at most {FIELDS_MAX} elements"));
                return Some((
                    self.line,
                    if fields.len() > FIELDS_MAX { Err(too_many()) } else { Ok(fields) },
                ));
            }
            1 => self.keep(),
            _ => {}
        }
        self.depth -= 1;
        None
    }

    /// An element of the row; of one that comes more than once the first counts, as in a column.
    fn keep(&mut self) {
        let name = std::mem::take(&mut self.name);
        let is_new = !self.fields.iter().any(|(held, _)| *held == name);
        if is_new && !self.text.trim().is_empty() && self.fields.len() <= FIELDS_MAX {
            self.fields.push((name, std::mem::take(&mut self.text)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: &str = r#"<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Shop</title>
<item>
  <g:id>a</g:id><title>Mug &amp; plate</title><g:price>9.99 EUR</g:price>
  <g:shipping><g:country>DE</g:country></g:shipping>
  <description><![CDATA[Tall & <b>red</b>]]></description>
</item>
<item><g:id>b</g:id><g:id>c</g:id></item>
</channel></rss>"#;

    fn read(text: &str) -> Vec<Line<Fields>> {
        rows(text.as_bytes()).collect()
    }

    #[test]
    fn items_are_rows_with_their_lines() {
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let first = vec![
            own("id", "a"),
            own("title", "Mug & plate"),
            own("price", "9.99 EUR"),
            own("description", "Tall & <b>red</b>"),
        ];
        assert_eq!(read(FEED), [(3, Ok(first)), (8, Ok(vec![own("id", "b")]))]);
    }

    #[test]
    fn hostile_feeds_are_refused() {
        let codes = |text: &str| -> Vec<String> {
            read(text)
                .into_iter()
                .map(|(line, row)| {
                    format!("{line}: {}", row.map_or_else(|fault| fault.detail, |_| "ok".to_owned()))
                })
                .collect()
        };
        let bomb = r#"<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><rss><item><id>&lol2;</id></item></rss>"#;
        assert_eq!(codes(bomb), ["1: a document type definition is not read; leave it out"]);
        let long = format!("<rss><item><id>{}</id></item></rss>", "x".repeat(2 * LINE_MAX));
        assert!(codes(&long)[0].contains("longer than"), "{:?}", codes(&long));
        assert_eq!(codes("<rss><item><id>a</id>"), ["1: the row does not end"]);
        assert!(codes("<rss><item><id>a</b></item>")[0].starts_with("1: "));
    }
}
