//! Speed and memory on the seeded shop (`bespoke-sim`): `lab bench`. Each bench says what it measures, on what data and
//! with which load; the bars are `xtask`'s. Timings are of this machine and mean something beside each other only.

#![allow(clippy::disallowed_methods, reason = "a load generator sends by the clock")]

/// `decide` on a shop of a million products.
pub mod decide;
/// Counts by day.
pub mod kpis;
/// Requests over HTTP, sent by the clock.
pub mod load;
/// The products nearest to a vector.
pub mod nearest;
/// The server as a process.
pub mod process;
/// What a million full profiles weigh.
pub mod profiles;
/// Searches on a shop of a million products.
pub mod search;
/// The real server as a process: import, ingest, recommend, freshness, restart.
pub mod server;
/// Quantiles and memory.
pub mod stats;
/// What completes what is typed.
pub mod suggest;
/// Learning at full size while the server serves.
pub mod train;

use crate::error::Error;
use serde::Serialize;
use std::path::PathBuf;

/// What to run, and how large.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchOptions {
    /// Name of the bench.
    pub bench: &'static str,
    /// The binary `bespoke`, for the benches that start it.
    pub server: PathBuf,
    /// Where the benches may write; needs about 15 GB at scale 1.
    pub scratch: PathBuf,
    /// Products, shoppers and events are these times what the numbers of the design ask for.
    pub scale: f64,
    /// Whether the output is for programs.
    pub json: bool,
}

impl BenchOptions {
    /// `full`, scaled.
    pub fn scaled(&self, full: u32) -> u32 {
        (f64::from(full) * self.scale) as u32
    }
}

/// One measured number.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Figure {
    /// The bench.
    pub bench: &'static str,
    /// What was measured, the unit last: `mean_us`.
    pub name: &'static str,
    /// The value.
    pub value: f64,
}

/// A bench's line in the table.
pub struct Bench {
    /// Its name.
    pub name: &'static str,
    /// What it measures, on what data.
    pub doc: &'static str,
    /// Runs it.
    pub run: fn(&BenchOptions) -> Result<Vec<Figure>, Error>,
}

/// Every bench.
pub const BENCHES: [Bench; 8] = [
    Bench {
        name: "decide",
        doc: "decide(): 1 M products, 30 % out of stock, 3 M events, nine sources, two scorers, 20 rules, all filters",
        run: decide::run,
    },
    Bench { name: "profiles", doc: "memory of 1 M profiles with 50 recent events each", run: profiles::run },
    Bench {
        name: "kpis",
        doc: "KPIs over 10 M events and 1 M decisions of 500,000 shoppers in a year: from scratch, and 10,000 events/s as they come",
        run: kpis::run,
    },
    Bench {
        name: "nearest",
        doc: "the 100 products nearest to a vector among up to 1 M made-up ones of 64 numbers",
        run: nearest::run,
    },
    Bench {
        name: "search",
        doc: "searches with six facets for shoppers with a past, 1 M products, 30 % out of stock: time, index, changes",
        run: search::run,
    },
    Bench {
        name: "server",
        doc: "the server process, 1 M products, over 10 M events: import, durable ingest, recommend, freshness, restart",
        run: server::run,
    },
    Bench {
        name: "suggest",
        doc: "suggestions: 1 M and 43,000 products, a fifth of what is typed with a letter wrong; and what taste is worth",
        run: suggest::run,
    },
    Bench {
        name: "train",
        doc: "every default model fitted by the server under load, 1 M products, 10 M events: time, memory, latencies meanwhile",
        run: train::run,
    },
];

/// Runs the bench asked for.
///
/// # Errors
/// What it met.
pub fn run(options: &BenchOptions) -> Result<Vec<Figure>, Error> {
    let bench = BENCHES.iter().find(|bench| bench.name == options.bench);
    let bench = bench.ok_or_else(|| Error::Usage(format!("no bench `{}`", options.bench)))?;
    eprintln!("{}: {}", bench.name, bench.doc);
    (bench.run)(options)
}
