//! The lab, or the daemon on a real interface.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Result, anyhow, bail};

use crate::workspace::Workspace;
use crate::{build, command, geo, setup};

/// What `cargo xtask run` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Guard this interface of the host instead of showing the lab.
    #[arg(long, value_name = "IF", conflicts_with_all = ["duration", "json"])]
    interface: Option<String>,
    /// How long the lab sends, such as 15s.
    #[arg(long)]
    duration: Option<String>,
    /// Print one JSON object instead of the table; nothing else goes to stdout.
    #[arg(long)]
    json: bool,
    /// More arguments for the lab, or for `xdpgate run`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds, then becomes the lab or the daemon.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    build::everything(workspace)?;
    let mut program = match &arguments.interface {
        Some(interface) => guard(workspace, interface),
        None => lab(workspace, arguments)?,
    };
    program.args(&arguments.rest);
    if !setup::is_root() {
        bail!("built, but running it needs root. Run:\n  {}", as_root(&program));
    }
    let error = program.exec();
    Err(anyhow!(error).context(format!("cannot start `{}`", command::line(&program))))
}

fn guard(workspace: &Workspace, interface: &str) -> Command {
    let mut daemon = Command::new(workspace.release_binary("xdpgate"));
    daemon.args(["run", "--interface", interface]);
    daemon
}

fn lab(workspace: &Workspace, arguments: &Arguments) -> Result<Command> {
    let mut lab = Command::new(workspace.release_binary("lab"));
    lab.env(geo::VARIABLE, geo::database(workspace)?);
    lab.env(build::FLOOD_VARIABLE, build::flood_object(workspace));
    if let Some(duration) = &arguments.duration {
        lab.args(["--duration", duration]);
    }
    if arguments.json {
        lab.arg("--json");
    }
    Ok(lab)
}

/// The command with its variables, as a person types it: sudo drops the environment.
fn as_root(program: &Command) -> String {
    let variables = program.get_envs().filter_map(|(name, value)| {
        value.map(|value| format!("{}={} ", name.to_string_lossy(), value.to_string_lossy()))
    });
    format!("sudo {}{}", variables.collect::<String>(), command::line(program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_for_sudo_carries_the_variables() {
        let mut program = Command::new("/x/lab");
        program.env("XDPGATE_GEO_DATABASE", "/x/geo.mmdb").args(["--duration", "15s"]);
        assert_eq!(as_root(&program), "sudo XDPGATE_GEO_DATABASE=/x/geo.mmdb /x/lab --duration 15s");
    }
}
