//! The small programs that the lab and the wire tests start.

use anyhow::Result;

use super::{apt, say};
use crate::command;

/// The program and the Debian package that has it. The one list.
const PROGRAMS: [(&str, &str); 4] =
    [("ip", "iproute2"), ("tc", "iproute2"), ("nsenter", "util-linux"), ("curl", "curl")];

/// What the benchmarks compare with.
const PEERS: [(&str, &str); 4] =
    [("nft", "nftables"), ("ipset", "ipset"), ("iptables", "iptables"), ("xdp-filter", "xdp-tools")];

/// Installs the missing ones where that is possible. Building needs none of them, so elsewhere they are only told.
pub(super) fn prepare() -> Result<()> {
    install_missing(&PROGRAMS, "the lab and the wire tests need")
}

/// Likewise for the peers: a row whose peer is missing says so.
pub(super) fn prepare_peers() -> Result<()> {
    install_missing(&PEERS, "the benchmarks compare with")
}

fn install_missing(programs: &[(&'static str, &'static str)], who_needs: &str) -> Result<()> {
    let (programs, mut packages): (Vec<&str>, Vec<&str>) =
        programs.iter().copied().filter(|(program, _)| command::find(program).is_none()).unzip();
    if packages.is_empty() {
        return Ok(());
    }
    packages.dedup();
    if apt::can_install() {
        return apt::install(&packages);
    }
    let way = if apt::is_debian() { apt::install_line(&packages) } else { "install them".to_owned() };
    say(&format!("{who_needs} {}: {way}", programs.join(", ")));
    Ok(())
}
