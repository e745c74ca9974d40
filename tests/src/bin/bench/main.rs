//! The bench: every figure of the project beside what people use today, measured in one run and in turn.

mod arguments;
mod chart;
mod driver;
mod effort;
mod frames;
mod goals;
mod house;
mod keep;
mod machine;
mod outcome;
mod peers;
mod prefixes;
mod readme;
mod report;
mod rounds;
mod row;
mod rows;
mod socket;
mod subjects;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use xdpgate_tests::prerequisites;

use crate::arguments::Arguments;
use crate::effort::Effort;
use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::row::Row;
use crate::rows::{GROUPS, Group};

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if arguments.list {
        print!("{}", report::list());
        return Ok(());
    }
    prerequisites::check().context("the bench cannot run here")?;
    let effort = if arguments.quick { Effort::QUICK } else { Effort::WHOLE };
    let start = Instant::now();
    let machine = Machine::describe();
    let mut rows = Vec::new();
    for group in GROUPS.iter().filter(|group| group.rows.iter().any(|name| arguments.wants(name))) {
        eprintln!("bench: {:.0} s: {}", start.elapsed().as_secs_f64(), group.rows.join(", "));
        rows.extend(measure(group, &effort).into_iter().filter(|row| arguments.wants(&row.name)));
    }
    let seconds = start.elapsed().as_secs_f64();
    let outcome = Outcome { rows, machine, quick: arguments.quick, seconds };
    if arguments.json {
        println!("{}", serde_json::to_string(&outcome)?);
    } else {
        print!("{}", report::screen(&outcome.rows));
    }
    arguments.keep.as_ref().map_or(Ok(()), |folder| keep::write(folder, &outcome))
}

/// A group that cannot be measured here leaves rows that say why.
fn measure(group: &Group, effort: &Effort) -> Vec<Row> {
    match (group.measure)(effort) {
        Ok(rows) => rows.into_iter().map(Row::measured).collect(),
        Err(error) => group.rows.iter().map(|name| Row::failed(name, &error)).collect(),
    }
}
