//! `cargo xtask`: everything a person runs in this repository.
//!
//! What xtask says about its own work goes to stderr; stdout is for results, so that `--json` stays one object.

mod bench;
mod build;
mod check;
mod command;
mod fuzz;
mod geo;
mod outcome;
mod run;
mod servers;
mod setup;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Build, run and test xdpgate",
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find or install what the eBPF build needs. The other tasks do this by themselves.
    Setup,
    /// Build the objects that the kernel runs, then the binaries, which embed them.
    Build,
    /// Show xdpgate at work in a network of its own, or guard a real interface. Needs root.
    Run(run::Arguments),
    /// Measure xdpgate beside what people use today. Needs root; installs the peers that are missing.
    Bench(bench::Arguments),
    /// Run the checks and every tier of tests. As root the kernel tests run too.
    Test,
    /// Check format, lints and the rules of the repository.
    Check(check::Arguments),
    /// Look for bytes that no reader of files can take: runs the fuzz targets.
    Fuzz(fuzz::Arguments),
    /// Fetch the country database that the lab and the tests use.
    Geo,
}

fn main() -> ExitCode {
    match carry_out(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(task: Task) -> anyhow::Result<()> {
    let workspace = Workspace::locate()?;
    match task {
        Task::Setup => setup::prepare(&workspace).map(|_| ()),
        Task::Build => build::everything(&workspace),
        Task::Run(arguments) => run::run(&workspace, &arguments),
        Task::Bench(arguments) => bench::bench(&workspace, &arguments),
        Task::Test => test::test(&workspace),
        Task::Check(arguments) => check::check(&workspace, &arguments),
        Task::Fuzz(arguments) => fuzz::fuzz(&workspace, &arguments),
        Task::Geo => {
            println!("{}", geo::database(&workspace)?.display());
            Ok(())
        }
    }
}
