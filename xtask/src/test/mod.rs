//! Every tier of tests, from the fastest to the most real, and what came of each.

mod report;
mod stream;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::outcome::Outcome;
use crate::workspace::Workspace;
use crate::{build, check, command, geo, servers, setup};

/// One tier: a heading, and what it gives to `cargo test`. What follows `--` goes to the test programs.
struct Tier {
    heading: &'static str,
    arguments: &'static [&'static str],
}

/// `--show-output` prints what a passed test wrote: a skip says there why.
const TIERS: [Tier; 10] = [
    Tier { heading: "1 unit and property tests", arguments: &["--workspace", "--lib", "--bins"] },
    Tier { heading: "1 examples in the documentation", arguments: &["--workspace", "--doc"] },
    Tier {
        heading: "1 what the documents say",
        arguments: &["--package", "xdpgate-tests", "--test", "docs"],
    },
    Tier {
        heading: "1 files of the fuzz targets",
        arguments: &["--package", "xdpgate-tests", "--test", "fuzz"],
    },
    Tier {
        heading: "2 the built object",
        arguments: &["--package", "xdpgate-tests", "--test", "object", "--", "--show-output"],
    },
    Tier {
        heading: "2 captures on the command line",
        arguments: &["--package", "xdpgate-tests", "--test", "captures", "--", "--show-output"],
    },
    Tier {
        heading: "2 the real databases",
        arguments: &["--package", "xdpgate-tests", "--test", "databases", "--", "--show-output"],
    },
    Tier {
        heading: "3 verdict tables in the kernel",
        arguments: &["--package", "xdpgate-tests", "--test", "verdicts", "--", "--show-output"],
    },
    Tier {
        heading: "3 a day in two minutes",
        arguments: &["--package", "xdpgate-tests", "--test", "day", "--", "--show-output"],
    },
    Tier {
        heading: "4 on the wire",
        // One at a time: each measures rates, and two would share the CPUs.
        arguments: &[
            "--package",
            "xdpgate-tests",
            "--test",
            "wire",
            "--",
            "--show-output",
            "--test-threads=1",
        ],
    },
];

/// Builds, then runs the checks and all tiers, also after a failure. The last line on stdout has the sums.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    build::everything(workspace)?;
    let (database, csv) = (geo::database(workspace)?, geo::debian(workspace)?);
    let servers = servers(workspace)?;

    println!("\n== 0 checks");
    let mut outcomes = vec![("0 checks", check::all(workspace))];
    for tier in TIERS {
        println!("\n== {}", tier.heading);
        let mut cargo = cargo_test(workspace, tier.arguments);
        cargo.env(geo::VARIABLE, &database).env(geo::DEBIAN_VARIABLE, &csv).envs(servers.iter().cloned());
        outcomes.push((tier.heading, stream::run(&mut cargo)));
    }
    if !conclude(&outcomes) {
        bail!("the tests failed");
    }
    Ok(())
}

/// Where the servers are that tests talk to. As a plain user no test could start one.
fn servers(workspace: &Workspace) -> Result<Vec<(&'static str, PathBuf)>> {
    if !setup::is_root() {
        return Ok(Vec::new());
    }
    servers::SERVERS.iter().map(|server| Ok((server.variable, server.fetched(workspace)?))).collect()
}

fn cargo_test(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut cargo = command::cargo();
    cargo.current_dir(workspace.root()).args(["test", "--no-fail-fast"]).args(arguments);
    // The daemon as it ships: a debug build is too slow for what the wire tests demand.
    cargo.env("XDPGATE_BINARY", workspace.release_binary("xdpgate"));
    cargo.env(build::FLOOD_VARIABLE, build::flood_object(workspace));
    if setup::is_root() {
        cargo.env("XDPGATE_REQUIRE_KERNEL", "1");
    }
    cargo
}

/// Prints the sums, the plain closing line last. Whether nothing failed.
fn conclude(outcomes: &[(&str, Outcome)]) -> bool {
    let mut total = Outcome::default();
    println!();
    for (heading, outcome) in outcomes {
        println!("{heading}: {outcome}");
        for reason in &outcome.reasons {
            println!("  {reason}");
        }
        total.add(outcome);
    }
    println!("\n{total}");
    total.failed == 0
}
