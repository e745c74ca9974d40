//! Format, lints, and the rules of the repository that no lint knows.

mod abi;
mod manifests;
mod sources;

use anyhow::{Result, bail};

use crate::command;
use crate::outcome::Outcome;
use crate::workspace::Workspace;

/// What `cargo xtask check` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Accept the present layout of what crosses to the kernel. Refused while a release has another layout under the
    /// same `ABI_VERSION`.
    #[arg(long)]
    bless_abi: bool,
}

/// Runs the checks, or accepts the layout.
pub(crate) fn check(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    if arguments.bless_abi {
        return abi::bless(workspace);
    }
    let outcome = all(workspace);
    println!("{outcome}");
    if outcome.failed > 0 {
        bail!("the checks failed:\n{}", outcome.reasons.join("\n"));
    }
    Ok(())
}

/// Runs every check, also after a failure.
pub(crate) fn all(workspace: &Workspace) -> Outcome {
    type Rule = fn(&Workspace) -> Result<()>;
    let rules: [(&str, Rule); 5] = [
        ("manifests", manifests::check),
        ("sources", sources::check),
        ("abi", abi::check),
        ("format", format),
        ("clippy", clippy),
    ];
    let mut outcome = Outcome::default();
    for (name, rule) in rules {
        match rule(workspace) {
            Ok(()) => {
                println!("check {name} ... ok");
                outcome.pass();
            }
            Err(error) => {
                println!("check {name} ... FAILED");
                eprintln!("{error:#}");
                outcome.fail(&format!("{name}: {error:#}"));
            }
        }
    }
    outcome
}

fn format(workspace: &Workspace) -> Result<()> {
    command::run(command::cargo().current_dir(workspace.root()).args(["fmt", "--all", "--check"]))
}

fn clippy(workspace: &Workspace) -> Result<()> {
    // --locked: here a Cargo.lock that does not fit the manifests is found.
    let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    command::run(command::cargo().current_dir(workspace.root()).args(arguments))
}
