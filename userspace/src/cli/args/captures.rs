use std::path::PathBuf;

use clap::Args;

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
