//! The binary `lab`: reads arguments, runs, prints.

use bespoke_lab::{args, evaluate, report};
use std::process::ExitCode;

#[allow(clippy::print_stdout, reason = "printing the result is what the binary is for")]
fn main() -> ExitCode {
    let outcome = args::parse(std::env::args().skip(1)).and_then(|options| {
        let results = evaluate::run(&options)?;
        Ok(if options.json { report::json(&results) } else { report::table(&results) })
    });
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
