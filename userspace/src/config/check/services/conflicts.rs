//! Services that claim the same traffic. The longest destination decides which service a packet belongs to, and a named
//! protocol comes before `any`; two services that are alike in both leave it open.

use ipnet::IpNet;

use crate::config::error::{Place, Report};
use crate::config::reference;
use crate::config::{PortRange, ServiceConfig, ServiceProtocol};

/// Reports each two services that claim the same traffic, once.
pub(super) fn refuse(services: &[ServiceConfig], report: &mut Report) {
    for (index, later) in services.iter().enumerate() {
        for earlier in services.iter().take(index) {
            let (Some(traffic), Some(to)) =
                (common_traffic(earlier, later), common_destination(earlier, later))
            else {
                continue;
            };
            let (one, two) = (&earlier.name, &later.name);
            let what = format!("`{two}` and `{one}` (line {}) both cover {traffic} to {to}", earlier.line);
            let allowed = "allowed: one service for the same protocol, port and destination";
            let advice = "change the ports or the destinations of one of them";
            let place = Place { key: reference::SERVICE_NAME.table.to_owned(), line: later.line };
            report.add(&place, format!("{what}; {allowed}; {advice}"));
        }
    }
}

/// The protocol and the ports that are in both.
fn common_traffic(one: &ServiceConfig, two: &ServiceConfig) -> Option<String> {
    let protocol = common_protocol(one.protocol, two.protocol)?;
    if matches!(protocol, ServiceProtocol::Icmp | ServiceProtocol::Any) {
        return Some(format!("protocol {protocol}"));
    }
    let pairs = one.ports.iter().flat_map(|first| two.ports.iter().map(|second| (*first, *second)));
    let common: PortRange = pairs.filter_map(|(first, second)| first.common(second)).min()?;
    let word = if common.first == common.last { "port" } else { "ports" };
    Some(format!("{protocol} {word} {common}"))
}

fn common_protocol(one: ServiceProtocol, two: ServiceProtocol) -> Option<ServiceProtocol> {
    use ServiceProtocol::{Tcp, TcpUdp, Udp};
    match (one, two) {
        (one, two) if one == two => Some(one),
        (TcpUdp, other @ (Tcp | Udp)) | (other @ (Tcp | Udp), TcpUdp) => Some(other),
        _ => None,
    }
}

/// A destination of both, in words. No destination is that of length zero.
fn common_destination(one: &ServiceConfig, two: &ServiceConfig) -> Option<String> {
    let has = |service: &ServiceConfig, prefix: IpNet| {
        service.destinations.iter().any(|destination| destination.value == prefix)
            || (service.destinations.is_empty() && prefix.prefix_len() == 0)
    };
    if one.destinations.is_empty() && two.destinations.is_empty() {
        return Some("any address".to_owned());
    }
    let written = one.destinations.iter().chain(&two.destinations).map(|destination| destination.value);
    written.into_iter().find(|prefix| has(one, *prefix) && has(two, *prefix)).map(|prefix| prefix.to_string())
}
