//! What an operator would regret: changes that cut off whoever makes them.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use xdpgate_ebpf::reason::Reason;
use xdpgate_ebpf::verdict::Action;

use super::probe;
use crate::api::types::{GeoRule, Probe, Protocol};
use crate::api::{Failure, FailureKind, Prefix, SshPeer};
use crate::config::{ListFrom, ServiceConfig};
use crate::daemon::host::Host;
use crate::daemon::inputs::FoundLine;
use crate::daemon::{Caller, Inputs};
use crate::policy::Image;

/// Refuses a ban of everything, of a management prefix, or of the operator's own address.
pub(super) fn check_ban(inputs: &Inputs, prefix: IpNet, peer: Option<SshPeer>) -> Result<(), Failure> {
    why_not(inputs, prefix, peer).map_or(Ok(()), |why| Err(refused(why)))
}

/// Why such a ban is refused.
pub(super) fn why_not(inputs: &Inputs, prefix: IpNet, peer: Option<SshPeer>) -> Option<String> {
    let shown = Prefix::from(prefix);
    if prefix.prefix_len() == 0 {
        return Some(format!("{shown} is every address there is"));
    }
    let overlaps = |other: &IpNet| other.contains(&prefix) || prefix.contains(other);
    let management = &inputs.config.safety.management_prefixes;
    if let Some(hit) = management.iter().find(|entry| overlaps(&entry.value)) {
        return Some(format!("{shown} overlaps the management prefix {}", hit.value));
    }
    if let Some(peer) = peer.filter(|peer| prefix.contains(&peer.address))
        && !is_allowed(inputs, peer)
    {
        return Some(format!("{shown} holds {}, from which you are connected by SSH", peer.address));
    }
    None
}

/// Refuses a policy that would drop somebody whom this host must not lose: who is connected by SSH, its gateways and
/// resolvers, itself. One that keeps out who was kept out before is no reason.
pub(super) fn check_image(
    before: &Inputs,
    after: &Inputs,
    image: &Arc<Image>,
    caller: &Caller,
    force: bool,
) -> Result<(), Failure> {
    if force {
        return Ok(());
    }
    let protected = protected(&Host::now(&ports(before, after)), caller.ssh);
    check_all(before, after, image, &protected)
}

/// Everything because of which [`check_image`] would refuse a policy.
pub(super) fn findings(
    before: &Inputs,
    after: &Inputs,
    image: &Arc<Image>,
    caller: &Caller,
) -> Result<Vec<Failure>, Failure> {
    let protected = protected(&Host::now(&ports(before, after)), caller.ssh);
    all(before, after, image, &protected).collect()
}

/// What [`check_image`] would say, where nobody can be asked.
pub(super) fn warn(after: &Inputs, image: &Arc<Image>) {
    for who in protected(&Host::now(&ports(after, after)), None) {
        if let Some(rule) = dropped_by(after, image, &who) {
            tracing::warn!("the policy drops {}: {rule}", who.what);
        }
    }
}

/// Somebody whom this host must not lose.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Protected {
    address: IpAddr,
    /// Who that is, with the address.
    what: String,
    probe: Probe,
    /// Whether it counts that no rule speaks of the address, and the default is to drop. A gateway forwards for others and
    /// speaks for itself by ARP and neighbour discovery, which always pass; packets from the host itself come back only by
    /// mistake.
    by_default: bool,
}

/// A port that no service has: what arrives there is a reply.
const REPLY: Probe = Probe::to(Protocol::Udp, 50_000);

fn protected(host: &Host, ssh: Option<SshPeer>) -> Vec<Protected> {
    let connect = |port| Probe::to(Protocol::Tcp, port);
    let caller = ssh.map(|SshPeer { address, port }| Protected {
        address,
        what: format!("{address}, from which you are connected by SSH to port {port}"),
        probe: connect(port),
        by_default: true,
    });
    let others = host.connected.iter().filter(|(address, _)| ssh.is_none_or(|ssh| ssh.address != *address));
    let connected = others.map(|(address, port)| Protected {
        address: *address,
        what: format!("{address}, which is connected to port {port} now (SSH or management)"),
        probe: connect(*port),
        by_default: true,
    });
    let named = |addresses: &[IpAddr], what: &str, by_default| -> Vec<Protected> {
        let all = addresses.iter().map(|address| Protected {
            address: *address,
            what: format!("{what} {address}"),
            probe: REPLY,
            by_default,
        });
        all.collect()
    };
    let mut all: Vec<_> = caller.into_iter().chain(connected).collect();
    all.extend(named(&host.gateways, "the default gateway", false));
    all.extend(named(&host.resolvers, "the resolver", true));
    all.extend(named(&host.own, "this host's own address", false));
    all
}

fn check_all(
    before: &Inputs,
    after: &Inputs,
    image: &Arc<Image>,
    protected: &[Protected],
) -> Result<(), Failure> {
    let mut found = all(before, after, image, protected);
    found.next().map_or(Ok(()), |found| Err(found?))
}

/// Everybody of `protected` who would be dropped and passed before: why that is refused.
fn all<'a>(
    before: &'a Inputs,
    after: &'a Inputs,
    image: &'a Arc<Image>,
    protected: &'a [Protected],
) -> impl Iterator<Item = Result<Failure, Failure>> + 'a {
    protected.iter().filter_map(move |who| {
        let rule = dropped_by(after, image, who)?;
        let earlier = match before.compile_for(image.settings.generation, who.address) {
            Ok(earlier) => Arc::new(earlier),
            Err(error) => return Some(Err(error)),
        };
        let passed = probe::judge_unlimited(&earlier, who.address, who.probe).action() == Action::Pass;
        passed.then(|| Ok(refused(format!("it would drop {}: {rule}", who.what))))
    })
}

/// The rule that drops somebody, and where it is written.
fn dropped_by(after: &Inputs, image: &Arc<Image>, who: &Protected) -> Option<String> {
    let verdict = probe::judge_unlimited(image, who.address, who.probe);
    if verdict.action() == Action::Pass || (verdict.reason == Reason::DefaultDrop && !who.by_default) {
        return None;
    }
    if let Some(list) = verdict.list {
        return Some(by_list(after, usize::from(list.bit()), who.address));
    }
    let policy = after
        .policy
        .file
        .as_ref()
        .map_or_else(|| "the built-in policy".to_owned(), |f| f.display().to_string());
    let text = &after.policy.text;
    let is_by_country = [Reason::CountryDenied, Reason::CountryUnknown].contains(&verdict.reason);
    Some(if verdict.reason == Reason::DefaultDrop {
        match line_of(text, "default_action") {
            Some(line) => {
                format!("default_action in line {line} of {policy}, and no entry of [allow] for it")
            }
            None => format!("the default action of {policy}"),
        }
    } else if let Some(service) = own_rule(after, image, who).filter(|_| is_by_country) {
        let (line, name) = (service.line, &service.name);
        format!("the country rule of the service {name} in line {line} of {policy}")
    } else if is_by_country {
        let rule = GeoRule::from(&after.country_rule()).summary();
        match line_of(text, "[country]").filter(|_| after.country.is_none()) {
            Some(line) => format!("the country rule in line {line} of {policy} ({rule})"),
            None => format!("the country rule that an operator set ({rule})"),
        }
    } else {
        format!("{} ({policy})", verdict.reason.label())
    })
}

/// The service that the packet is for, if it has a country rule of its own.
fn own_rule<'a>(after: &'a Inputs, image: &Arc<Image>, who: &Protected) -> Option<&'a ServiceConfig> {
    let number = probe::service(image, who.address, who.probe);
    let service = after.config.services.get(usize::from(number).checked_sub(1)?)?;
    Some(service).filter(|service| service.country.is_some())
}

fn by_list(after: &Inputs, bit: usize, address: IpAddr) -> String {
    let Some(source) = after.list_sources.get(bit) else { return "a list".to_owned() };
    let name = &source.name;
    if let ListFrom::Systems(_) = &source.from {
        let system = after.asn.as_ref().and_then(|asn| asn.system(address));
        let system = system.map(|system| format!("AS{}", system.number));
        return format!("list {name} ({})", system.unwrap_or_else(|| source.from.to_string()));
    }
    match after.lines_covering(name, address).first() {
        Some(FoundLine { file, line, text }) => {
            format!("list {name}, line {line} of {}: {text}", file.display())
        }
        None => format!("list {name} ({})", source.from),
    }
}

/// The first line that begins with this, from 1.
fn line_of(text: &str, beginning: &str) -> Option<usize> {
    text.lines().position(|line| line.trim_start().starts_with(beginning)).map(|before| before + 1)
}

/// The ports of whoever must be able to come back.
fn ports(before: &Inputs, after: &Inputs) -> Vec<u16> {
    let management =
        before.config.safety.management_ports.iter().chain(&after.config.safety.management_ports);
    management.copied().chain([SSH]).collect()
}

const SSH: u16 = 22;

fn is_allowed(inputs: &Inputs, peer: SshPeer) -> bool {
    let by_file = inputs.config.allow.iter().map(|entry| entry.value);
    let by_operators = inputs.allow.iter().map(|entry| entry.prefix);
    by_file.chain(by_operators).any(|prefix| prefix.contains(&peer.address))
}

/// The end of every refusal.
pub(super) const FORCE: &str = "; --force does it nevertheless";

fn refused(why: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Refused, format!("refused: {why}{FORCE}"))
}

#[cfg(test)]
mod tests;
