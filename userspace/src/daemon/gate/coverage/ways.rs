//! On which interfaces packets to an address come in.

use std::net::IpAddr;

use crate::kernel::HostInterface;

/// The interfaces of this host that are up and over which others reach it.
pub(super) struct Ways {
    guarded: Vec<String>,
    unguarded: Vec<String>,
    /// The host's addresses that others reach, each with the name of its interface; none of loopback.
    addresses: Vec<(IpAddr, Option<String>)>,
}

/// How packets come to a socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) guarded: Vec<String>,
    pub(super) unguarded: Vec<String>,
    /// The addresses that they may be sent to.
    pub(super) addresses: Vec<IpAddr>,
}

impl Ways {
    pub(super) fn of(interfaces: &[HostInterface], guarded: &[&str]) -> Self {
        let outside = interfaces.iter().filter(|interface| interface.up && !interface.loopback);
        let (guarded, unguarded): (Vec<_>, Vec<_>) =
            outside.partition(|interface| is_behind_guarded(interface, interfaces, guarded));
        let names = |interfaces: Vec<&HostInterface>| -> Vec<String> {
            interfaces.into_iter().map(|interface| interface.name.clone()).collect()
        };
        let addresses = interfaces.iter().filter(|interface| interface.up).flat_map(|interface| {
            // What was put on the loopback interface is reached over every other one.
            let name = (!interface.loopback).then(|| interface.name.clone());
            let addresses = interface.addresses.iter().filter(|address| !address.is_loopback());
            addresses.map(move |address| (*address, name.clone()))
        });
        Self { guarded: names(guarded), unguarded: names(unguarded), addresses: addresses.collect() }
    }

    pub(super) fn unguarded(&self) -> &[String] {
        &self.unguarded
    }

    /// How packets come to a socket that listens there.
    pub(super) fn to(&self, address: IpAddr) -> Way {
        if address.is_unspecified() {
            let is_heard = |own: &IpAddr| address.is_ipv6() || own.is_ipv4();
            let addresses = self.addresses.iter().map(|(own, _)| *own).filter(is_heard).collect();
            return self.all(addresses);
        }
        let own = self.addresses.iter().filter(|(own, _)| *own == address);
        let names: Option<Vec<&String>> = own.map(|(_, name)| name.as_ref()).collect();
        // Of no interface of its own: it comes in anywhere.
        let Some(names) = names.filter(|names| !names.is_empty()) else { return self.all(vec![address]) };
        let of = |interfaces: &[String]| -> Vec<String> {
            interfaces.iter().filter(|interface| names.contains(interface)).cloned().collect()
        };
        Way { guarded: of(&self.guarded), unguarded: of(&self.unguarded), addresses: vec![address] }
    }

    fn all(&self, addresses: Vec<IpAddr>) -> Way {
        Way { guarded: self.guarded.clone(), unguarded: self.unguarded.clone(), addresses }
    }
}

/// Whether its packets meet a guarded interface: itself, the one below a VLAN, or every port of a bridge or bond.
fn is_behind_guarded(interface: &HostInterface, all: &[HostInterface], guarded: &[&str]) -> bool {
    let is_guarded = |interface: &HostInterface| guarded.contains(&interface.name.as_str());
    if is_guarded(interface) {
        return true;
    }
    if let Some(lower) = interface.lower {
        return all.iter().any(|below| below.index == lower && is_guarded(below));
    }
    let ports = || all.iter().filter(|port| port.controller == Some(interface.index));
    ports().next().is_some() && ports().all(is_guarded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(index: u32, name: &str, addresses: &[&str]) -> HostInterface {
        HostInterface {
            index,
            name: name.to_owned(),
            up: true,
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
            ..HostInterface::default()
        }
    }

    fn host() -> Vec<HostInterface> {
        let lo = HostInterface { loopback: true, ..interface(1, "lo", &["127.0.0.1", "::1", "203.0.113.9"]) };
        let down = HostInterface { up: false, ..interface(4, "down0", &["192.0.2.99"]) };
        vec![
            lo,
            interface(2, "eth0", &["192.0.2.2", "2001:db8::2"]),
            interface(3, "eth1", &["198.51.100.2"]),
            down,
        ]
    }

    fn way(address: &str, guarded: &[&str]) -> (Vec<String>, Vec<String>, usize) {
        let way = Ways::of(&host(), guarded).to(address.parse().unwrap());
        (way.guarded, way.unguarded, way.addresses.len())
    }

    #[test]
    fn a_socket_on_every_address_is_reached_over_every_interface_that_is_up() {
        let (eth0, eth1) = (vec!["eth0".to_owned()], vec!["eth1".to_owned()]);
        assert_eq!(way("0.0.0.0", &["eth0"]), (eth0.clone(), eth1.clone(), 3));
        assert_eq!(way("::", &["eth0"]), (eth0.clone(), eth1.clone(), 4), "it hears IPv4 too");
        assert_eq!(way("0.0.0.0", &["eth0", "eth1"]).1, [] as [String; 0]);
    }

    #[test]
    fn an_address_is_reached_over_its_interface() {
        let (eth0, eth1) = (vec!["eth0".to_owned()], vec!["eth1".to_owned()]);
        assert_eq!(way("192.0.2.2", &["eth0"]), (eth0.clone(), vec![], 1));
        assert_eq!(way("198.51.100.2", &["eth0"]), (vec![], eth1.clone(), 1));
        assert_eq!(way("203.0.113.9", &["eth0"]), (eth0.clone(), eth1.clone(), 1), "on loopback, for all");
        assert_eq!(way("192.0.2.77", &["eth0"]), (eth0, eth1, 1), "of no interface");
    }

    #[test]
    fn what_is_behind_a_guarded_interface_is_guarded() {
        let vlan = HostInterface { lower: Some(2), ..interface(5, "eth0.7", &[]) };
        let port = |index, name| HostInterface { controller: Some(6), ..interface(index, name, &[]) };
        let bridge = [interface(6, "br0", &[]), port(7, "port1"), port(8, "port2")];
        let all: Vec<_> = host().into_iter().chain([vlan]).chain(bridge).collect();
        let unguarded = |guarded: &[&str]| Ways::of(&all, guarded).unguarded;
        assert_eq!(unguarded(&["eth0", "eth1", "port1", "port2"]), [] as [String; 0]);
        assert_eq!(
            unguarded(&["eth0", "eth1", "port1"]),
            ["br0", "port2"],
            "packets come in over the other port"
        );
    }
}
