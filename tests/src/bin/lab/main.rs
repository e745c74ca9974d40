//! The lab: xdpgate at work on a wire of its own. The real daemon guards one end of a veth pair; real clients and a
//! flood of spoofed sources send from the other. Ends with a verdict on what each of them got.

mod arguments;
mod cast;
mod outcome;
mod report;
mod scenario;
mod screen;
mod svg;
mod verdict;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use xdpgate_tests::prerequisites;

use crate::arguments::Arguments;
use crate::scenario::Scenario;
use crate::screen::Screen;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every check holds.
fn run(arguments: &Arguments) -> Result<bool> {
    prerequisites::check().context("the lab cannot run here")?;
    let mut screen = if arguments.json { Screen::silent() } else { Screen::stdout() };
    let scenario = Scenario::prepare()?;
    screen.print(&report::introduction(&scenario.cast));
    let outcome = scenario.play(arguments.duration, |progress| screen.refresh(&report::table(progress)))?;
    let end = report::end(&outcome);
    screen.settle(&end);
    if let Some(path) = &arguments.svg {
        fs::write(path, svg::render(&end)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if arguments.json {
        println!("{}", serde_json::to_string(&outcome.summary())?);
    }
    Ok(outcome.checks.iter().all(|check| check.holds))
}
