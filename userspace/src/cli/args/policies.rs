use std::path::PathBuf;

use clap::Args;

use crate::cli::ttl::Wait;
use crate::config::Name;

const DEFAULT_STATE_DIR: &str = "/var/lib/xdpgate";

#[derive(Debug, Args)]
pub(in crate::cli) struct ApplyArgs {
    /// The policy [default: the daemon's own policy file]
    pub(in crate::cli) file: Option<PathBuf>,
    /// Go back by itself after this time, unless `xdpgate confirm` comes first: 30s, 5m
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) confirm: Option<Wait>,
    /// Also when that would lock you out
    #[arg(long)]
    pub(in crate::cli) force: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PlanArgs {
    /// The policy [default: the daemon's own policy file]
    pub(in crate::cli) file: Option<PathBuf>,
    /// Ask about the sources of this many minutes
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub(in crate::cli) minutes: u32,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct UndoArgs {
    /// How many policies back
    #[arg(value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::cli) steps: u32,
    /// Return from there after this time, unless `xdpgate confirm` comes first: 30s, 5m
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) confirm: Option<Wait>,
    /// Also when that would lock you out
    #[arg(long)]
    pub(in crate::cli) force: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ReloadArgs {
    /// Also when that would lock you out
    #[arg(long)]
    pub(in crate::cli) force: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryArgs {
    /// Only this entry, and what it changed
    pub(in crate::cli) number: Option<u64>,
    /// With the lines of the policy that came and went
    #[arg(long, requires = "number")]
    pub(in crate::cli) diff: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ModeArgs {
    /// A list, a limit, or one of the words `country`, `fragments` and `source-limits`
    pub(in crate::cli) name: Name,
    /// Also when that would lock you out
    #[arg(long)]
    pub(in crate::cli) force: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AuditArgs {
    /// How many of the last changes
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub(in crate::cli) last: usize,
    /// Only changes of this time: 1h, 7d
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) since: Option<Wait>,
    #[command(flatten)]
    pub(in crate::cli) state: StateArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StateArgs {
    /// Where the audit log is, for when the daemon is dead
    #[arg(long, value_name = "DIR", default_value = DEFAULT_STATE_DIR)]
    pub(in crate::cli) state_dir: PathBuf,
}
