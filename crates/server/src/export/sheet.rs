//! A table as a Parquet file, written row group by row group in bounded memory.

use anyhow::Context as _;
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::io::Write;
use std::sync::Arc;

/// Rows of a row group.
const GROUP_ROWS: usize = 50_000;

/// What stands in a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A whole number.
    Whole,
    /// A number.
    Real,
    /// A text.
    Text,
    /// Yes or no.
    Flag,
    /// A moment, in milliseconds of the epoch, UTC.
    Time,
    /// A day, counted from 1970-01-01.
    Day,
}

/// One value; what is missing is `Missing`.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "each is the kind of its name")]
pub enum Cell {
    Missing,
    Whole(i64),
    Real(f64),
    Text(String),
    Flag(bool),
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

macro_rules! whole {
    ($($from:ty),*) => {$(
        impl From<$from> for Cell {
            fn from(value: $from) -> Self {
                Self::Whole(i64::from(value))
            }
        }
    )*};
}
whole!(i64, u32, u16, u8);

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

/// The columns of a table: name and kind.
pub type Columns = &'static [(&'static str, Kind)];

/// A table being written.
pub struct Sheet<W: Write + Send> {
    kinds: Vec<Kind>,
    rows: Vec<Vec<Cell>>,
    writer: SerializedFileWriter<W>,
}

impl<W: Write + Send> Sheet<W> {
    /// An empty table with these columns.
    ///
    /// # Errors
    /// What the disk says.
    pub fn new(to: W, columns: &[(String, Kind)]) -> anyhow::Result<Self> {
        let field = |(name, kind): &(String, Kind)| {
            let (of, annotation) = match kind {
                Kind::Whole => ("INT64", ""),
                Kind::Real => ("DOUBLE", ""),
                Kind::Text => ("BYTE_ARRAY", " (UTF8)"),
                Kind::Flag => ("BOOLEAN", ""),
                Kind::Time => ("INT64", " (TIMESTAMP_MILLIS)"),
                Kind::Day => ("INT32", " (DATE)"),
            };
            format!("OPTIONAL {of} {name}{annotation};")
        };
        let schema = format!("message row {{ {} }}", columns.iter().map(field).collect::<String>());
        let schema = Arc::new(parse_message_type(&schema).context("the columns of a table")?);
        let properties =
            WriterProperties::builder().set_compression(Compression::GZIP(Default::default())).build();
        let writer = SerializedFileWriter::new(to, schema, Arc::new(properties))?;
        Ok(Self { kinds: columns.iter().map(|(_, kind)| *kind).collect(), rows: Vec::new(), writer })
    }

    /// Adds a row, a cell a column.
    ///
    /// # Errors
    /// What the disk says.
    pub fn push(&mut self, row: Vec<Cell>) -> anyhow::Result<()> {
        self.rows.push(row);
        if self.rows.len() == GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// What the disk says.
    pub fn close(mut self) -> anyhow::Result<()> {
        self.flush()?;
        self.writer.close()?;
        Ok(())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for at in 0..self.kinds.len() {
            let Some(mut column) = group.next_column()? else { break };
            write_column(column.untyped(), self.rows.iter().map(|row| &row[at]))?;
            column.close()?;
        }
        group.close()?;
        self.rows.clear();
        Ok(())
    }
}

fn write_column<'a>(to: &mut ColumnWriter<'_>, cells: impl Iterator<Item = &'a Cell>) -> anyhow::Result<()> {
    let cells: Vec<&Cell> = cells.collect();
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(**cell != Cell::Missing)).collect();
    let wholes =
        || cells.iter().filter_map(|cell| if let Cell::Whole(value) = cell { Some(*value) } else { None });
    let levels = Some(&levels[..]);
    match to {
        ColumnWriter::Int64ColumnWriter(to) => to.write_batch(&wholes().collect::<Vec<_>>(), levels, None),
        ColumnWriter::Int32ColumnWriter(to) => {
            to.write_batch(&wholes().map(|value| value as i32).collect::<Vec<_>>(), levels, None)
        }
        ColumnWriter::DoubleColumnWriter(to) => {
            let reals = cells
                .iter()
                .filter_map(|cell| if let Cell::Real(value) = cell { Some(*value) } else { None });
            to.write_batch(&reals.collect::<Vec<_>>(), levels, None)
        }
        ColumnWriter::BoolColumnWriter(to) => {
            let flags = cells
                .iter()
                .filter_map(|cell| if let Cell::Flag(value) = cell { Some(*value) } else { None });
            to.write_batch(&flags.collect::<Vec<_>>(), levels, None)
        }
        ColumnWriter::ByteArrayColumnWriter(to) => {
            let text = |cell: &&Cell| match cell {
                Cell::Text(text) => Some(ByteArray::from(text.as_bytes().to_vec())),
                _ => None,
            };
            to.write_batch(&cells.iter().filter_map(text).collect::<Vec<_>>(), levels, None)
        }
        _ => anyhow::bail!("no table has a column of that type"),
    }?;
    Ok(())
}
