//! The benchmarks: builds what they run, sees to the peers, then becomes the bench.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, anyhow, bail};

use crate::workspace::Workspace;
use crate::{build, command, geo, setup};

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fewer rounds and smaller peers, in under two minutes. Nothing is kept.
    #[arg(long)]
    quick: bool,
    /// Measure only the rows whose name contains this. Nothing is kept.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Print one JSON object instead of the table; nothing else goes to stdout.
    #[arg(long)]
    json: bool,
    /// Keep the results here instead of in `docs/benchmarks`, also those of a part.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Print the names of the rows and what each has to reach.
    #[arg(long)]
    list: bool,
}

/// Builds, then becomes the bench.
pub(crate) fn bench(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    build::everything_and_peers(workspace)?;
    let mut bench = Command::new(workspace.release_binary("bench"));
    bench.args(words(arguments));
    if let Some(folder) = kept_in(workspace, arguments) {
        bench.arg("--keep").arg(folder);
    }
    if !setup::is_root() && !arguments.list {
        bail!("built, but the benchmarks need root: they load programs and make network namespaces");
    }
    if !arguments.list {
        setup::prepare_peers()?;
        bench.env(geo::DEBIAN_VARIABLE, geo::debian(workspace)?);
        bench.env(build::FLOOD_VARIABLE, build::flood_object(workspace));
        bench.env(build::BENCH_VARIABLE, build::bench_object(workspace));
        bench.env(build::BASELINE_VARIABLE, build::baseline_object(workspace));
    }
    let error = bench.exec();
    Err(anyhow!(error).context(format!("cannot start `{}`", command::line(&bench))))
}

fn words(arguments: &Arguments) -> Vec<&str> {
    let flags = [(arguments.quick, "--quick"), (arguments.json, "--json"), (arguments.list, "--list")];
    let flags = flags.into_iter().filter_map(|(given, flag)| given.then_some(flag));
    flags.chain(arguments.only.iter().flat_map(|name| ["--only", name])).collect()
}

/// A part of the figures must not replace those of a whole run.
fn kept_in(workspace: &Workspace, arguments: &Arguments) -> Option<PathBuf> {
    let whole = !arguments.quick && arguments.only.is_empty() && !arguments.list;
    arguments.keep.clone().or_else(|| whole.then(|| workspace.root().join("docs/benchmarks")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_run_is_kept() {
        let workspace = Workspace::locate().unwrap();
        let whole = Arguments { quick: false, only: vec![], json: false, keep: None, list: false };
        assert!(kept_in(&workspace, &whole).is_some());
        assert!(kept_in(&workspace, &Arguments { quick: true, ..whole }).is_none());
    }
}
