//! The bench: every figure of the project beside what people use today, measured in one run and in turn.

mod arguments;
mod driver;
mod effort;
mod frames;
mod goals;
mod peers;
mod prefixes;
mod rounds;
mod row;
mod rows;
mod subjects;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::arguments::Arguments;
use crate::effort::Effort;
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
    let effort = if arguments.quick { Effort::QUICK } else { Effort::WHOLE };
    for group in GROUPS.iter().filter(|group| group.rows.iter().any(|name| arguments.wants(name))) {
        for row in measure(group, &effort) {
            println!("{}", serde_json::to_string(&row)?);
        }
    }
    Ok(())
}

/// A group that cannot be measured here leaves rows that say why.
fn measure(group: &Group, effort: &Effort) -> Vec<Row> {
    match (group.measure)(effort) {
        Ok(rows) => rows.into_iter().map(Row::measured).collect(),
        Err(error) => group.rows.iter().map(|name| Row::failed(name, &error)).collect(),
    }
}
