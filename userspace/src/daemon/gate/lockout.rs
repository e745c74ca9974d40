//! What an operator would regret: changes that cut off whoever makes them.

use std::sync::Arc;

use ipnet::IpNet;
use xdpgate_ebpf::verdict::Action;

use super::probe;
use crate::api::types::{Probe, Protocol};
use crate::api::{Failure, FailureKind, Prefix, SshPeer};
use crate::daemon::Inputs;
use crate::feeds::{AddressRanges, Range};
use crate::policy::Image;

/// Refuses a ban of everything, of a management prefix, or of the operator's own address.
pub(super) fn check_ban(inputs: &Inputs, prefix: IpNet, peer: Option<SshPeer>) -> Result<(), Failure> {
    let shown = Prefix::from(prefix);
    if prefix.prefix_len() == 0 {
        return Err(refused(format!("{shown} is every address there is")));
    }
    let overlaps = |other: &IpNet| other.contains(&prefix) || prefix.contains(other);
    let management = &inputs.config.safety.management_prefixes;
    if let Some(hit) = management.iter().find(|entry| overlaps(&entry.value)) {
        return Err(refused(format!("{shown} overlaps the management prefix {}", hit.value)));
    }
    if let Some(peer) = peer.filter(|peer| prefix.contains(&peer.address))
        && !is_allowed(inputs, peer)
    {
        return Err(refused(format!("{shown} holds {}, from which you are connected by SSH", peer.address)));
    }
    Ok(())
}

/// Refuses a list that holds every address.
pub(super) fn check_list(ranges: &AddressRanges) -> Result<(), Failure> {
    if ranges.ipv4.contains(&Range::ALL) || ranges.ipv6.contains(&Range::ALL) {
        return Err(refused("the list holds every address there is (a prefix of length 0)"));
    }
    Ok(())
}

/// Refuses a policy under which the operator could not connect again. One that keeps out who was kept out before is
/// no reason.
pub(super) fn check_image(
    before: &Arc<Image>,
    after: &Arc<Image>,
    peer: Option<SshPeer>,
) -> Result<(), Failure> {
    let Some(peer) = peer else { return Ok(()) };
    let probe = Probe { protocol: Protocol::Tcp, port: peer.port };
    let verdict = probe::judge_unlimited(after, peer.address, probe);
    if verdict.action() == Action::Pass
        || probe::judge_unlimited(before, peer.address, probe).action() == Action::Drop
    {
        return Ok(());
    }
    let list = verdict.list.and_then(|list| after.lists.get(usize::from(list.bit())));
    let list = list.map(|name| format!(", list {name}")).unwrap_or_default();
    Err(refused(format!(
        "{}, from which you are connected by SSH, could not connect to port {} again ({}{list})",
        peer.address,
        peer.port,
        verdict.reason.label()
    )))
}

fn is_allowed(inputs: &Inputs, peer: SshPeer) -> bool {
    let by_file = inputs.config.allow.iter().map(|entry| entry.value);
    let by_operators = inputs.allow.iter().map(|entry| entry.prefix);
    by_file.chain(by_operators).any(|prefix| prefix.contains(&peer.address))
}

fn refused(why: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Refused, format!("refused: {why}; --force does it nevertheless"))
}
