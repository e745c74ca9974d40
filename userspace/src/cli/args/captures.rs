use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::config::{InterfaceName, parse_duration};
use crate::suggest::Selector;

#[derive(Debug, Args)]
pub(in crate::cli) struct ReplayArgs {
    /// A pcap or pcapng file; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(in crate::cli) capture: PathBuf,
    /// The policy file [default: /etc/xdpgate/xdpgate.toml, or the built-in policy where there is none]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) policy: Option<PathBuf>,
    /// Draw what happened when, into this file
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) svg: Option<PathBuf>,
    /// How many of the sources that sent most are shown
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(in crate::cli) top: usize,
    /// Write one line for each packet into this file: number, time, action, reason
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) verdicts: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SuggestArgs {
    /// A pcap or pcapng file; it is read three times, so standard input is not taken
    #[arg(value_name = "FILE", required_unless_present = "interface")]
    pub(in crate::cli) capture: Option<PathBuf>,
    /// Watch what comes in here instead; what xdpgate drops is not seen (needs root)
    #[arg(long, value_name = "NAME", conflicts_with = "capture", requires = "time")]
    pub(in crate::cli) interface: Option<InterfaceName>,
    /// For how long
    #[arg(long = "for", value_name = "TIME", id = "time", requires = "interface", value_parser = parse_duration)]
    pub(in crate::cli) time: Option<Duration>,
    /// Only this service, such as tcp/443; can be repeated [default: those of the policy, or those with the most packets]
    #[arg(long, value_name = "PROTO/PORT", conflicts_with = "policy")]
    pub(in crate::cli) service: Vec<Selector>,
    /// The policy file that names services, and says what a source is [default: none]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) policy: Option<PathBuf>,
    /// The share of a service's sources that a suggested limit may touch, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1, value_parser = percent)]
    pub(in crate::cli) touch: f64,
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| "write a number from 0 to 100".to_owned())
}
