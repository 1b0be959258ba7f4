//! Files of events or catalogue rows, line by line: JSONL, CSV, TSV or a product feed. A line that is not as it should be comes with its number
//! and what is wrong with it; the next one is read as if it had not been there.

use super::catalog::{parse_patch, patch_from_fields};
use super::dialect::Dialect;
use super::event::{ITEMS_MAX, WireEvent, event_from_fields, parse_event};
use super::feed;
use bespoke_domain::{Currency, Millis, Problem, ProductPatch};
use std::collections::VecDeque;
use std::io::{BufRead, Read};
use std::path::Path;

/// Bytes of the longest line of JSON; longer ones are reported and skipped.
pub const LINE_MAX: usize = 1 << 20;

/// One row with the line it stands on, from 1.
pub type Line<T> = (u64, Result<T, Problem>);

/// Lines as they are read.
pub type Lines<'a, T> = Box<dyn Iterator<Item = Line<T>> + 'a>;

/// How a file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// A JSON object a line.
    Jsonl,
    /// Comma-separated values; the first line names the columns.
    Csv,
    /// The same with tabs.
    Tsv,
    /// An RSS or Atom feed; products only.
    Xml,
}

impl Shape {
    /// What a file's name says.
    ///
    /// # Errors
    /// For another ending than those known.
    pub fn of(path: &Path) -> Result<Self, Problem> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl" | "ndjson" | "json") => Ok(Self::Jsonl),
            Some("csv") => Ok(Self::Csv),
            Some("tsv" | "txt") => Ok(Self::Tsv),
            Some("xml" | "rss" | "atom") => Ok(Self::Xml),
            _ => {
                let detail = "the name must end in .jsonl, .ndjson, .json, .csv, .tsv or .xml, and may end in .gz or .zst after that";
                Err(Problem::new("file", "unknown_ending", detail))
            }
        }
    }
}

/// Events. Consecutive CSV lines with one `event_id` are one event with several items.
///
/// # Errors
/// When the columns cannot be read.
pub fn event_lines<'a>(shape: Shape, reader: impl BufRead + 'a) -> Result<Lines<'a, WireEvent>, Problem> {
    Ok(match shape {
        Shape::Jsonl => Box::new(json_lines(reader, parse_event)),
        Shape::Xml => {
            return Err(Problem::new("file", "unknown_ending", "events are JSON lines, CSV or TSV"));
        }
        Shape::Csv | Shape::Tsv => {
            let event = |fields: Fields| event_from_fields(&borrowed(&fields));
            let (_, rows) = csv_rows(reader, shape)?;
            Box::new(joined(rows.map(move |(line, fields)| (line, fields.and_then(event)))))
        }
    })
}

/// Catalogue rows; prices without a currency are in `currency`, rows without a time are of `now`.
///
/// # Errors
/// When the columns cannot be read.
pub fn catalog_lines<'a>(
    shape: Shape,
    reader: impl BufRead + 'a,
    currency: Currency,
    now: Millis,
) -> Result<Lines<'a, ProductPatch>, Problem> {
    Ok(match shape {
        Shape::Jsonl => Box::new(json_lines(reader, move |line| parse_patch(line, currency, now))),
        Shape::Xml => {
            let row = move |fields: Fields| patch_from_fields(&borrowed(&fields), currency, now);
            Box::new(feed::rows(reader).map(move |(line, fields)| (line, fields.and_then(row))))
        }
        Shape::Csv | Shape::Tsv => {
            let (header, rows) = csv_rows(reader, shape)?;
            let mut dialect = Dialect::of(&header);
            let row = move |(line, fields): Line<Fields>| {
                let fields = fields.map(|fields| dialect.row(fields)).transpose()?;
                Some((line, fields.and_then(|fields| patch_from_fields(&borrowed(&fields), currency, now))))
            };
            Box::new(rows.filter_map(row))
        }
    })
}

/// Column names and values of a row; empty values are left out.
pub(crate) type Fields = Vec<(String, String)>;

fn borrowed(fields: &Fields) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// What some editors begin a UTF-8 file with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a file in UTF-16 begins with.
const UTF16_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// The file itself cannot be read on.
const UNREADABLE: &str = "unreadable";

/// Text in another encoding, which is not guessed.
pub(super) fn not_utf8(error: &dyn std::error::Error) -> Problem {
    let detail = format!("must be UTF-8; convert the file, as with `iconv -f ISO-8859-1 -t UTF-8`: {error}");
    Problem::new("line", "not_utf8", detail)
}

fn unreadable(error: &dyn std::error::Error) -> Problem {
    Problem::new("line", UNREADABLE, error.to_string())
}

fn json_lines<T>(
    reader: impl BufRead,
    parse: impl Fn(&[u8]) -> Result<T, Problem>,
) -> impl Iterator<Item = Line<T>> {
    let mut source = Source::new(reader);
    std::iter::from_fn(move || {
        source.next().map(|(number, line)| {
            let encoding = |line: &[u8]| std::str::from_utf8(line).err().map(|error| not_utf8(&error));
            let read = |line: Vec<u8>| parse(&line).map_err(|problem| encoding(&line).unwrap_or(problem));
            (number, line.and_then(read))
        })
    })
}

/// The columns of a file of CSV or TSV, and its rows.
///
/// # Errors
/// When the columns cannot be read.
pub(crate) fn csv_rows(
    reader: impl BufRead,
    shape: Shape,
) -> Result<(Vec<String>, impl Iterator<Item = Line<Fields>>), Problem> {
    let comma = if shape == Shape::Tsv { b'\t' } else { b',' };
    let (mut source, mut splitter) = (Source { comma, ..Source::new(reader) }, Splitter::new(comma));
    let first = source.next_record().map_or(Ok(Vec::new()), |(_, record)| record)?;
    let header = splitter.values(first)?;
    let columns = header.clone();
    let mut fields = move |record: Vec<u8>| {
        let values = splitter.values(record)?;
        if values.len() == header.len() {
            let pairs = header.iter().cloned().zip(values);
            return Ok(pairs.filter(|(_, value)| !value.is_empty()).collect());
        }
        let detail = format!("{} values for {} columns", values.len(), header.len());
        Err(Problem::new("line", "wrong_column_count", detail))
    };
    let row = move || source.next_record().map(|(line, record)| (line, record.and_then(&mut fields)));
    Ok((columns, std::iter::from_fn(row)))
}

/// Splits records into values.
struct Splitter {
    reader: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Splitter {
    fn new(comma: u8) -> Self {
        let end = csv_core::Terminator::Any(b'\n');
        let reader = csv_core::ReaderBuilder::new().delimiter(comma).terminator(end).build();
        Self { reader, text: Vec::new(), ends: Vec::new() }
    }

    fn values(&mut self, mut record: Vec<u8>) -> Result<Vec<String>, Problem> {
        record.push(b'\n');
        self.reader.reset();
        // Values are no longer than the record, and no more than its bytes.
        self.text.resize(record.len(), 0);
        self.ends.resize(record.len() + 1, 0);
        let (_, _, _, count) = self.reader.read_record(&record, &mut self.text, &mut self.ends);
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let values = starts.zip(&self.ends[..count]).map(|(start, end)| &self.text[start..*end]);
        let text = |value: &[u8]| std::str::from_utf8(value).map(str::to_owned);
        values.map(text).collect::<Result<_, _>>().map_err(|error| not_utf8(&error))
    }
}

/// The lines of a file that are not blank, without their ends. Some may be put back.
struct Source<R> {
    reader: R,
    number: u64,
    back: VecDeque<(u64, Vec<u8>)>,
    has_ended: bool,
    /// What separates values.
    comma: u8,
}

impl<R: BufRead> Source<R> {
    fn new(reader: R) -> Self {
        Self { reader, number: 0, back: VecDeque::new(), has_ended: false, comma: b',' }
    }

    fn next(&mut self) -> Option<Line<Vec<u8>>> {
        let is_blank = |line: &[u8]| line.iter().all(u8::is_ascii_whitespace);
        loop {
            let (number, line) = self.next_or_blank()?;
            if !line.as_ref().is_ok_and(|line| is_blank(line)) {
                return Some((number, line));
            }
        }
    }

    fn next_or_blank(&mut self) -> Option<Line<Vec<u8>>> {
        if let Some((number, line)) = self.back.pop_front() {
            return Some((number, Ok(line)));
        }
        if self.has_ended {
            return None;
        }
        self.number += 1;
        let line = self.read();
        self.has_ended =
            matches!(line, Ok(None)) || line.as_ref().is_err_and(|fault| fault.code == UNREADABLE);
        line.transpose().map(|line| (self.number, line))
    }

    /// A line of the file; `None` at its end. One that is too long is read over.
    fn read(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        let mut line = Vec::new();
        let read = self.reader.by_ref().take(LINE_MAX as u64 + 1).read_until(b'\n', &mut line);
        read.map_err(|error| unreadable(&error))?;
        if line.len() > LINE_MAX && !line.ends_with(b"\n") {
            self.reader.skip_until(b'\n').map_err(|error| unreadable(&error))?;
            return Err(Problem::new("line", "too_long", format!("must be at most {LINE_MAX} bytes")));
        }
        if self.number == 1 && UTF16_MARKS.iter().any(|mark| line.starts_with(mark)) {
            let detail = "this file is UTF-16; convert it to UTF-8, as with `iconv -f UTF-16 -t UTF-8`";
            return Err(Problem::new("file", UNREADABLE, detail));
        }
        if self.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
            if line.is_empty() {
                line.push(b'\n');
            }
        }
        let end = line.strip_suffix(b"\n").unwrap_or(&line);
        let end_len = end.strip_suffix(b"\r").unwrap_or(end).len();
        let is_end_of_file = line.is_empty();
        line.truncate(end_len);
        Ok((!is_end_of_file).then_some(line))
    }

    /// A line with those that its quotes reach over. Where a quote is not closed, only the line that opens it is bad.
    fn next_record(&mut self) -> Option<Line<Vec<u8>>> {
        let (number, first) = self.next()?;
        let Ok(mut record) = first else { return Some((number, first)) };
        let first_len = record.len();
        let mut quote = Quote::Start.over(&record, self.comma);
        let mut more = Vec::new();
        while quote == Quote::Open && record.len() <= LINE_MAX {
            let Some((at, Ok(line))) = self.next_or_blank() else { break };
            record.push(b'\n');
            record.extend_from_slice(&line);
            quote = quote.over(&line, self.comma);
            more.push((at, line));
        }
        if !matches!(quote, Quote::Open | Quote::Broken) {
            return Some((number, Ok(record)));
        }
        more.into_iter().rev().for_each(|line| self.back.push_front(line));
        let shown = String::from_utf8_lossy(&record[..first_len.min(80)]).into_owned();
        let detail = format!("close the quotes, and write one inside as two: {shown}");
        Some((number, Err(Problem::new("line", "bad_quote", detail))))
    }
}

/// Where in a record of CSV a byte stands (RFC 4180).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    /// At the start of a value.
    Start,
    /// In a value without quotes.
    Plain,
    /// Between quotes.
    Open,
    /// At a quote between quotes: the end, or one of two that stand for one.
    Maybe,
    /// Behind a value in quotes where there is no comma.
    Broken,
}

impl Quote {
    /// Behind `line`.
    fn over(self, line: &[u8], comma: u8) -> Self {
        line.iter().fold(self, |at, byte| match (at, byte) {
            (Self::Open, b'"') => Self::Maybe,
            (Self::Open, _) | (Self::Start | Self::Maybe, b'"') => Self::Open,
            (Self::Maybe, byte) if *byte != comma => Self::Broken,
            (Self::Broken, _) => Self::Broken,
            (_, byte) if *byte == comma => Self::Start,
            _ => Self::Plain,
        })
    }
}

fn joined(rows: impl Iterator<Item = Line<WireEvent>>) -> impl Iterator<Item = Line<WireEvent>> {
    let mut rows = rows.peekable();
    std::iter::from_fn(move || {
        let (line, first) = rows.next()?;
        let Ok(mut event) = first else { return Some((line, first)) };
        let is_more = |next: &Line<WireEvent>, event: &WireEvent| {
            event.event_id.is_some() && next.1.as_ref().is_ok_and(|next| next.event_id == event.event_id)
        };
        let mut item_count = event.event.items.len();
        while let Some((_, Ok(more))) = rows.next_if(|next| is_more(next, &event)) {
            item_count += more.event.items.len();
            if item_count <= ITEMS_MAX {
                event.event.items.extend(more.event.items);
            }
        }
        let too_many = || Problem::new("items", "too_many", format!("must be at most {ITEMS_MAX}"));
        Some((line, if item_count > ITEMS_MAX { Err(too_many()) } else { Ok(event) }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_named_and_the_next_one_read() {
        let long = format!("{{\"event\":\"{}\"}}", "x".repeat(LINE_MAX));
        let good = r#"{"event":"page_view","anonymous_id":"a"}"#;
        let text = format!("{good}\n\n{long}\nnot json\n{good}");
        let lines = event_lines(Shape::Jsonl, text.as_bytes()).expect("JSONL has no header");
        let codes: Vec<_> =
            lines.map(|(number, line)| (number, line.map_or_else(|fault| fault.code, |_| "ok"))).collect();
        assert_eq!(codes, [(1, "ok"), (3, "too_long"), (4, "bad_json"), (5, "ok")]);
    }

    #[test]
    fn a_quote_that_is_never_closed_costs_its_own_line_only() {
        let text = "event,anonymous_id\npage_view,a\npage_view,\"b\npage_view,c\npage_view,\"d \"\"e\"\"\"\npage_view,5\" f\n";
        let lines = event_lines(Shape::Csv, text.as_bytes()).expect("it has a header");
        let told: Vec<_> = lines
            .map(|(number, line)| {
                (
                    number,
                    line.map_or_else(
                        |fault| fault.code.to_owned(),
                        |event| event.anonymous_id.unwrap_or_default(),
                    ),
                )
            })
            .collect();
        let expected = [(2, "a"), (3, "bad_quote"), (4, "c"), (5, "d \"e\""), (6, "5\" f")];
        assert_eq!(told, expected.map(|(number, text)| (number, text.to_owned())));
    }

    #[test]
    fn a_row_is_named_by_the_line_it_begins_on() {
        for end in ["\n", "\r\n"] {
            let rows = [
                "event,anonymous_id",
                "page_view,a",
                "",
                "page_view",
                "page_view,\"a\nb\"",
                "page_view,c",
                "login",
            ];
            let text = rows.join(end);
            let lines = event_lines(Shape::Csv, text.as_bytes()).expect("it has a header");
            let told: Vec<_> = lines
                .map(|(number, line)| match line {
                    Ok(event) => (number, event.anonymous_id.unwrap_or_default()),
                    Err(fault) => (number, fault.code.to_owned()),
                })
                .collect();
            let bad = "wrong_column_count".to_owned();
            let expected = [
                (2, "a".to_owned()),
                (4, bad.clone()),
                (5, "a\nb".to_owned()),
                (7, "c".to_owned()),
                (8, bad),
            ];
            assert_eq!(told, expected, "{end:?}");
        }
    }
}
