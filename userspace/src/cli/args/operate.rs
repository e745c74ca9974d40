use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use clap::{Args, ValueEnum};
use clap_complete::Shell;

use super::policies::StateArgs;
use crate::api::types::Protocol;
use crate::config::{AttachMode, InterfaceName};
use crate::daemon::{LogFormat, MetricsAt, RunOptions};

const DEFAULT_BPFFS: &str = "/sys/fs/bpf/xdpgate";

#[derive(Debug, Args)]
pub(in crate::cli) struct RunArgs {
    /// The policy file [default: a built-in policy that limits each source]
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Guard this interface too; can be repeated
    #[arg(long, short, value_name = "NAME")]
    interface: Vec<InterfaceName>,
    /// Where bans, entries and lists are kept
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Where programs and tables are pinned, on a BPF file system
    #[arg(long, value_name = "DIR")]
    bpffs: Option<PathBuf>,
    /// Serve Prometheus metrics here, or `off`
    #[arg(long, value_name = "ADDR:PORT|off")]
    metrics: Option<MetricsAt>,
    /// Where the program is attached
    #[arg(long, value_name = "MODE", value_parser = attach_modes())]
    attach: Option<AttachMode>,
    /// Replace another XDP program that is on an interface
    #[arg(long)]
    force: bool,
    /// The least important messages to log, or a filter; the variable `RUST_LOG` says it too [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub(in crate::cli) log: Option<String>,
    /// The shape of log lines
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub(in crate::cli) log_format: LogFormat,
}

impl RunArgs {
    pub(in crate::cli) fn into_options(self, socket: Option<PathBuf>) -> RunOptions {
        RunOptions {
            config: self.config,
            interfaces: self.interface,
            socket,
            state_dir: self.state_dir,
            bpffs: self.bpffs,
            metrics: self.metrics,
            attach: self.attach,
            force: self.force,
        }
    }
}

fn attach_modes() -> impl TypedValueParser<Value = AttachMode> {
    PossibleValuesParser::new(AttachMode::WORDS.iter().copied()).map(|word| match word.as_str() {
        "native" => AttachMode::Native,
        "generic" => AttachMode::Generic,
        _ => AttachMode::Auto,
    })
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    /// The policy file [default: the built-in policy]
    pub(in crate::cli) file: Option<PathBuf>,
    /// Print the JSON Schema of a policy, for editors and for programs that write policies
    #[arg(long, conflicts_with = "file")]
    pub(in crate::cli) schema: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StatsArgs {
    /// Show the counters once and end
    #[arg(long)]
    pub(in crate::cli) once: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EventsArgs {
    /// Go on with each event as it comes
    #[arg(long, short)]
    pub(in crate::cli) follow: bool,
    /// How many of the last events (the daemon keeps 1,000)
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub(in crate::cli) last: usize,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExplainArgs {
    /// Where the packet comes from
    pub(in crate::cli) address: IpAddr,
    /// The port on this host
    #[arg(long, value_name = "PORT", default_value_t = 443)]
    pub(in crate::cli) port: u16,
    /// tcp: a SYN, which starts a connection; udp: a datagram; icmp: an echo request
    #[arg(long, value_name = "PROTO", value_enum, default_value_t = ProtocolWord::Tcp)]
    pub(in crate::cli) proto: ProtocolWord,
    /// The address of this host that it is sent to, where services tell them apart
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) to: Option<IpAddr>,
    /// Take the packets of that address out of this capture (pcap or pcapng; `-` is standard input) instead
    #[arg(long = "in", value_name = "FILE", conflicts_with_all = ["port", "proto", "to"])]
    pub(in crate::cli) capture: Option<PathBuf>,
}

/// [`Protocol`] as a word of the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum ProtocolWord {
    Tcp,
    Udp,
    Icmp,
}

impl From<ProtocolWord> for Protocol {
    fn from(word: ProtocolWord) -> Self {
        match word {
            ProtocolWord::Tcp => Self::Tcp,
            ProtocolWord::Udp => Self::Udp,
            ProtocolWord::Icmp => Self::Icmp,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PinArgs {
    /// Where the tables are pinned, for when the daemon is dead
    #[arg(long, value_name = "DIR", default_value = DEFAULT_BPFFS)]
    pub(in crate::cli) bpffs: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) state: StateArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DetachArgs {
    /// Only this interface [default: all]
    #[arg(long, short, value_name = "NAME")]
    pub(in crate::cli) interface: Option<InterfaceName>,
    #[command(flatten)]
    pub(in crate::cli) pins: PinArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CompletionsArgs {
    /// For this shell
    pub(in crate::cli) shell: Shell,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ManArgs {
    /// Write one page for each command into this directory
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: Option<PathBuf>,
}
