//! What can be written on the command line.

mod captures;
mod operate;
mod policies;
mod sources;

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand};

pub(super) use self::captures::{ReplayArgs, SuggestArgs};
pub(super) use self::operate::{
    CheckArgs, CompletionsArgs, DetachArgs, EventsArgs, ExplainArgs, ManArgs, PinArgs, RunArgs, StatsArgs,
};
pub(super) use self::policies::{
    ApplyArgs, AuditArgs, HistoryArgs, ModeArgs, PlanArgs, ReloadArgs, UndoArgs,
};
pub(super) use self::sources::{
    AllowCommand, BanCommand, BanFilterArgs, BanImportArgs, GeoCommand, GeoRuleArgs, ListCommand,
};

use crate::api::DEFAULT_SOCKET;

/// xdpgate decides at the network driver which packets reach this host: allowlist, bans, blocklists, countries, and
/// rate limits per source.
#[derive(Debug, Parser)]
#[command(name = "xdpgate", version, propagate_version = true, infer_subcommands = false)]
#[command(
    after_help = "Exit codes: 0 ok, 1 failed or refused, 2 usage, 3 daemon not reachable, 4 not found, \
    5 policy, list, database or capture invalid, 6 no permission, 7 interface, 8 another daemon, 9 pins of another version, \
    10 kernel, 11 table full."
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Args)]
pub(super) struct Global {
    /// The daemon's socket [default: /run/xdpgate/xdpgate.sock; `run`: as in the policy]
    #[arg(long, global = true, env = "XDPGATE_SOCKET", value_name = "PATH", hide_env_values = true)]
    pub(super) socket: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub(super) json: bool,
}

impl Global {
    pub(super) fn socket(&self) -> PathBuf {
        self.socket.clone().unwrap_or_else(|| Path::new(DEFAULT_SOCKET).to_owned())
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the daemon: load the policy into the kernel and guard interfaces
    Run(RunArgs),
    /// Check a policy file and everything it names, as `run` would; touches nothing
    Check(CheckArgs),
    /// Decide about the packets of a capture, at their times, as the kernel would; no root, no daemon
    Replay(ReplayArgs),
    /// Suggest limits from a capture of usual traffic, with the evidence
    Suggest(SuggestArgs),
    /// Show how the daemon is and what it guards
    Status,
    /// Watch the counters by reason, interface and list; ends with Ctrl-C
    Stats(StatsArgs),
    /// Show sampled packets that were dropped, or would have been
    Events(EventsArgs),
    /// Ban sources for a time or for good
    #[command(subcommand)]
    Ban(BanCommand),
    /// Keep sources from ever being dropped
    #[command(subcommand)]
    Allow(AllowCommand),
    /// Block whole lists of sources
    #[command(subcommand)]
    List(ListCommand),
    /// Block by country
    #[command(subcommand)]
    Geo(GeoCommand),
    /// Say what would happen to a packet from an address now, and why
    Explain(ExplainArgs),
    /// Let everything pass, still counted, until `resume`; works when the daemon is dead
    Pause(PinArgs),
    /// End a pause; works when the daemon is dead
    Resume(PinArgs),
    /// Take the program off one interface or all; works when the daemon is dead
    Detach(DetachArgs),
    /// Read the policy file, the lists and the geo database again; all of it takes effect or nothing
    Reload(ReloadArgs),
    /// Show what `apply` would change: rules, prefixes, tables, and who was seen of late and would be dropped
    Plan(PlanArgs),
    /// Compare the kernel's tables with what the policy, the lists and the bans say, and mend what differs; the exit code is 1
    /// if anything did
    Verify,
    /// Show listening sockets that no guarded interface or no rule covers; the exit code is 1 if there are any
    Coverage,
    /// Check a policy and put it in force, for good or until it is confirmed
    Apply(ApplyArgs),
    /// Keep the policy that was applied with --confirm
    Confirm,
    /// Go back to the policy before, with its lists, allowlist, country rule and modes
    Undo(UndoArgs),
    /// Show the policies that were in force: when, who, what
    History(HistoryArgs),
    /// Let a rule drop, whatever mode is written where it stands
    Enforce(ModeArgs),
    /// Let a rule only count what it would drop
    Monitor(ModeArgs),
    /// Show who changed what; works when the daemon is dead
    Audit(AuditArgs),
    /// Print a completion script
    Completions(CompletionsArgs),
    /// Print the manual page, or write one page for each command
    Man(ManArgs),
}

/// The whole command line, for completions, manuals and tests.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn global_options_go_anywhere() {
        for line in [
            "xdpgate --json --socket /s ban list",
            "xdpgate ban --json list --socket /s",
            "xdpgate ban list --json --socket /s",
        ] {
            let cli = parse(line).unwrap();
            assert!(cli.global.json, "{line}");
            assert_eq!(cli.global.socket(), Path::new("/s"), "{line}");
        }
    }

    #[test]
    fn every_command_of_the_manual_parses() {
        for line in [
            "xdpgate run --config /etc/xdpgate/xdpgate.toml",
            "xdpgate run --interface eth0 --interface eth1 --metrics off --attach generic --force --log debug",
            "xdpgate check",
            "xdpgate check policy.toml",
            "xdpgate check --schema",
            "xdpgate replay capture.pcap",
            "xdpgate replay - --policy p.toml --svg t.svg --top 20 --verdicts v.txt --json",
            "xdpgate suggest capture.pcap --service tcp/443 --service udp/53 --touch 0.5",
            "xdpgate suggest capture.pcap --policy p.toml --json",
            "xdpgate stats --once",
            "xdpgate events --follow --last 5",
            "xdpgate ban add 192.0.2.1 2001:db8::/48 --ttl 1h30m --reason scanning",
            "xdpgate ban add 192.0.2.1 --ttl permanent --force",
            "xdpgate ban del 192.0.2.1",
            "xdpgate allow add 198.51.100.0/24 --note office",
            "xdpgate allow del 198.51.100.0/24 --force",
            "xdpgate list add scanners - --mode monitor --skip-bad",
            "xdpgate list show",
            "xdpgate list show scanners",
            "xdpgate list status",
            "xdpgate list status drop --json",
            "xdpgate list update",
            "xdpgate list update drop tor",
            "xdpgate list diff drop",
            "xdpgate list diff drop new.txt",
            "xdpgate list overlap",
            "xdpgate list overlap drop tor",
            "xdpgate geo lookup 192.0.2.1",
            "xdpgate geo deny KP CU --unknown drop --scope all",
            "xdpgate geo allow-only DE FR --mode monitor --force",
            "xdpgate geo off",
            "xdpgate geo reset",
            "xdpgate geo database /srv/geo.mmdb",
            "xdpgate explain 192.0.2.1 --port 53 --proto udp",
            "xdpgate pause --bpffs /sys/fs/bpf/other",
            "xdpgate detach --interface eth0",
            "xdpgate reload --force",
            "xdpgate explain 192.0.2.1 --proto icmp",
            "xdpgate explain 192.0.2.1 --in capture.pcap",
            "xdpgate plan",
            "xdpgate plan policy.toml --minutes 60 --json",
            "xdpgate coverage",
            "xdpgate apply",
            "xdpgate apply policy.toml --confirm 60s --force",
            "xdpgate confirm",
            "xdpgate undo",
            "xdpgate undo 3 --confirm 5m --force",
            "xdpgate history",
            "xdpgate history 7 --diff",
            "xdpgate enforce scanners",
            "xdpgate monitor country --force",
            "xdpgate audit --last 5 --since 1h --state-dir /srv/state",
            "xdpgate completions bash",
            "xdpgate man --out /tmp/man",
        ] {
            parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn every_example_of_the_manual_parses() {
        let manual = include_str!("../../../docs/operations.md");
        let blocks = manual.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
        let mut examples = 0;
        for line in blocks.flat_map(str::lines) {
            let example = line.split(" #").next().unwrap_or_default();
            // One word of the shell, whatever is in it.
            let quoted = example.split('"').enumerate();
            let words: String = quoted
                .map(|(n, part)| if n % 2 == 1 { part.replace(' ', "_") } else { part.to_owned() })
                .collect();
            parse(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
            examples += 1;
        }
        assert!(examples > 30, "{examples} examples found");
    }

    #[test]
    fn the_manual_has_every_command() {
        let manual = include_str!("../../../docs/operations.md");
        for command in command().get_subcommands() {
            let example = format!("xdpgate {}", command.get_name());
            assert!(manual.contains(&example), "docs/operations.md has no `{example}`");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "xdpgate",
            "xdpgate ban add",
            "xdpgate ban add 192.0.2.1/24",
            "xdpgate ban add 192.0.2.1 --ttl never",
            "xdpgate geo deny",
            "xdpgate geo deny Germany",
            "xdpgate list add ../x FILE",
            "xdpgate suggest c.pcap --service 443",
            "xdpgate suggest c.pcap --touch 101",
            "xdpgate run --metrics 9919",
            "xdpgate run --interface a/b",
            "xdpgate apply --confirm permanent",
            "xdpgate plan --minutes 0",
            "xdpgate explain 192.0.2.1 --in c.pcap --port 53",
            "xdpgate undo 0",
            "xdpgate history --diff",
            "xdpgate monitor",
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
            assert_ne!(error.kind(), ErrorKind::DisplayHelp, "{line}");
        }
    }
}
