//! The binary `lab`: reads arguments, runs, prints.

use bespoke_lab::args::Command;
use bespoke_lab::error::Error;
use bespoke_lab::{
    args, baskets, bench, evaluate, experiments, fits, http, ranker, report, search, seeded, seeded_clicks,
    seeded_search, sequences, topn,
};
use bespoke_sim::Params;
use std::process::ExitCode;

/// The allocator of the server, so that what is measured here is what serves.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[allow(clippy::print_stdout, reason = "printing the result is what the binary is for")]
fn main() -> ExitCode {
    let outcome = args::parse(std::env::args().skip(1)).and_then(|command| run(&command));
    match outcome {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<String, Error> {
    match command {
        Command::Sessions(options) => {
            let results = evaluate::run(options)?;
            Ok(if options.json { report::json(&results) } else { report::table(&results) })
        }
        Command::TopN(options) => {
            let results = topn::run(options)?;
            Ok(if options.json { report::topn_json(&results) } else { report::topn(&results) })
        }
        Command::Baskets(options) => {
            let results = baskets::run(options)?;
            Ok(if options.json { report::baskets_json(&results) } else { report::baskets(&results) })
        }
        Command::Sequences(options) => {
            let results = sequences::run(options)?;
            Ok(if options.json { report::sequences_json(&results) } else { report::sequences(&results) })
        }
        Command::ColdStart(options) => {
            let result = sequences::cold::run(options)?;
            json(&result)
        }
        Command::Search(options) => searched(options),
        Command::Attributes(options) => {
            let results = search::attributes::run(options)?;
            Ok(if options.json { report::attributes_json(&results) } else { report::attributes(&results) })
        }
        Command::SearchSpeed(options) => {
            let figures = search::speed::run(options)?;
            Ok(if options.bench.json { report::figures_json(&figures) } else { report::figures(&figures) })
        }
        Command::Http(options) => {
            let compared = http::run(options)?;
            json(&compared)
        }
        Command::Seeded(options) => {
            let result = seeded::run(options)?;
            Ok(if options.json { report::seeded_json(&result) } else { report::seeded(&result) })
        }
        Command::SeededSearch(options) => {
            let params = Params { seed: options.seed, ..Params::demo() };
            let result = seeded_search::run(params, options.placements.as_deref())?;
            if options.json { json(&result) } else { Ok(seeded_search::text(&result)) }
        }
        Command::SeededClicks(options) => {
            let result = seeded_clicks::run(options.seed, options.placements.as_deref())?;
            if options.json { json(&result) } else { Ok(seeded_clicks::text(&result)) }
        }
        Command::Ranker(options) => {
            let compared = ranker::run(options)?;
            if options.json { json(&compared) } else { Ok(ranker::text(&compared)) }
        }
        Command::Fits(data) => {
            let result = fits::run(data)?;
            json(&result)
        }
        Command::Experiments(options) => experiments::run(options),
        Command::Bench(options) => {
            let figures = bench::run(options)?;
            Ok(if options.json { report::figures_json(&figures) } else { report::figures(&figures) })
        }
    }
}

/// One JSON object.
fn json(result: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(result).map_err(|error| Error::Bench(error.to_string()))
}

fn searched(options: &search::SearchOptions) -> Result<String, Error> {
    let results = search::run(options)?;
    let predicted = options.categories.as_ref().map(|_| search::categories::run(options)).transpose()?;
    let predicted = predicted.as_deref().unwrap_or_default();
    Ok(if options.json {
        report::search_json(&results, predicted)
    } else {
        report::search(&results) + &report::predicted(predicted)
    })
}
