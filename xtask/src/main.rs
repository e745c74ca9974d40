//! `cargo xtask`: everything a person runs in this repository.
//!
//! What xtask says about its own work goes to stderr; stdout is for results, so that `--json` stays one object.

mod build;
mod command;
mod setup;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Build, run and test xdpgate")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find or install what the eBPF build needs. The other tasks do this by themselves.
    Setup,
    /// Build the object that the kernel runs, then the binaries that embed it.
    Build,
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
    }
}
