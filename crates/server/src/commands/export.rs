//! `bespoke export`: the log as Parquet files, of a data directory that a server may have open.

use super::super::say;
use anyhow::Context as _;
use bespoke::export::{TABLES, export};
use bespoke::{boot, kpis_api};
use jiff::civil::Date;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// What is asked.
#[derive(clap::Args)]
pub struct Export {
    /// Folder for the tables, a file a day each; made if it is not there.
    #[arg(long, value_name = "DIR")]
    parquet: PathBuf,
    /// The first day on which entries came in, such as 2026-11-01; the beginning of the log where none is named.
    #[arg(long)]
    since: Option<Date>,
    /// The last day.
    #[arg(long)]
    until: Option<Date>,
    /// The data directory.
    #[arg(long, default_value = "data/shop")]
    data: PathBuf,
}

/// Writes the files; a file that is there already is replaced when all of them are written.
pub fn run(asked: &Export) -> anyhow::Result<()> {
    let reader = bespoke_store::read_only(&asked.data).with_context(|| {
        format!("{} cannot be read; name the data directory with --data", asked.data.display())
    })?;
    let engine = boot::recover(reader.as_ref(), reader.last_offset()?)?;
    let from = asked.since.map_or(0, kpis_api::number);
    let until = asked.until.map_or(u16::MAX, kpis_api::number);
    anyhow::ensure!(from <= until, "--until must not be before --since");
    let mut files: Vec<PathBuf> = Vec::new();
    let mut open = |path: &str| -> anyhow::Result<Box<dyn Write + Send>> {
        let path = asked.parquet.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let part = path.with_extension("part");
        let file = File::create(&part).with_context(|| format!("{} cannot be written", part.display()))?;
        files.push(path);
        Ok(Box::new(BufWriter::new(file)))
    };
    let written = export((reader.as_ref(), &engine), from..=until, &mut open)?;
    for path in &files {
        std::fs::rename(path.with_extension("part"), path)?;
    }
    for (table, rows) in TABLES.iter().zip(written.rows) {
        say(&format!("{rows:>12}  {}", table.name));
    }
    say(&format!("{} days in {} files below {}", written.days, files.len(), asked.parquet.display()));
    if written.withheld > 0 {
        say(&format!(
            "{} events and decisions of shoppers who refuse analytics by now are left out",
            written.withheld
        ));
    }
    Ok(())
}
