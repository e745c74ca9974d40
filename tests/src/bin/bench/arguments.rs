//! The command line of the bench.

use std::path::PathBuf;

use clap::Parser;

/// Measure xdpgate beside what people use today.
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 100)]
pub(crate) struct Arguments {
    /// Fewer rounds and smaller peers, in under two minutes.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Measure only the rows whose name contains this.
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
    /// Print one JSON object at the end, and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
    /// Keep table, charts and JSON in this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// Print the names of the rows and what each has to reach.
    #[arg(long)]
    pub(crate) list: bool,
}

impl Arguments {
    /// Whether a row of this name is asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }
}
