use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};
use xdpgate_ebpf::abi::{self, event_kind, family};
use xdpgate_ebpf::reason::Reason;

use crate::api::types::{Event, EventKind};
use crate::config::Name;
use crate::country::CountryCode;
use crate::policy::LimitUse;

/// What the numbers in an event stand for at present.
#[derive(Debug)]
pub(crate) struct Translator {
    /// The wall clock and `CLOCK_MONOTONIC` at one moment.
    pub(crate) now: (Timestamp, u64),
    /// By slot.
    pub(crate) interfaces: HashMap<u32, String>,
    /// By bit.
    pub(crate) lists: Vec<Name>,
    /// By number.
    pub(crate) limits: BTreeMap<u16, LimitUse>,
}

impl Translator {
    /// The event as the API shows it.
    pub(crate) fn translate(&self, event: &abi::Event) -> Event {
        let ports = matches!(event.protocol, TCP | UDP);
        let port = |bytes| ports.then(|| u16::from_be_bytes(bytes));
        let reason = Reason::from_index(event.reason.into());
        Event {
            time: self.wall_time(event.time_ns),
            interface: self.interfaces.get(&event.interface.into()).cloned().unwrap_or_default(),
            kind: if event.kind == event_kind::MONITORED { EventKind::Monitored } else { EventKind::Dropped },
            reason: reason.map(Reason::label).unwrap_or_default().to_owned(),
            monitored: labels(event.monitored),
            list: self.lists.get(usize::from(event.list)).cloned(),
            limit: self.limits.get(&event.limit).cloned(),
            country: CountryCode::from_bytes(event.country),
            source: address(event.family, event.source),
            source_port: port(event.source_port),
            destination: address(event.family, event.destination),
            destination_port: port(event.destination_port),
            protocol: protocol(event.protocol),
            tcp_flags: (event.protocol == TCP).then(|| tcp_flags(event.tcp_flags)),
            bytes: event.bytes,
        }
    }

    fn wall_time(&self, time_ns: u64) -> Timestamp {
        let (wall, monotonic) = self.now;
        let ago = SignedDuration::from_nanos(i64::try_from(monotonic.saturating_sub(time_ns)).unwrap_or(0));
        let time = wall.checked_sub(ago).unwrap_or(wall);
        Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
    }
}

const TCP: u8 = 6;
const UDP: u8 = 17;

/// The labels of the reasons whose bits are set.
pub(crate) fn labels(bits: u32) -> Vec<String> {
    Reason::ALL
        .iter()
        .filter(|reason| bits & reason.bit() != 0)
        .map(|reason| reason.label().to_owned())
        .collect()
}

fn address(family: u8, bytes: [u8; 16]) -> Option<IpAddr> {
    match family {
        family::IPV4 => {
            let [a, b, c, d, ..] = bytes;
            Some(Ipv4Addr::new(a, b, c, d).into())
        }
        family::IPV6 => Some(Ipv6Addr::from(bytes).into()),
        _ => None,
    }
}

fn protocol(number: u8) -> String {
    let name = match number {
        0 => "none",
        1 => "icmp",
        TCP => "tcp",
        UDP => "udp",
        47 => "gre",
        50 => "esp",
        51 => "ah",
        58 => "icmpv6",
        132 => "sctp",
        _ => return number.to_string(),
    };
    name.to_owned()
}

/// The names of TCP flags that are set.
#[must_use]
pub fn tcp_flags(flags: u8) -> String {
    const NAMES: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];
    let set: Vec<_> =
        NAMES.iter().enumerate().filter(|(bit, _)| flags & (1 << bit) != 0).map(|(_, name)| *name).collect();
    set.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_in_words() {
        let translator = Translator {
            now: (Timestamp::from_second(1_000).unwrap(), 5_000_000_000),
            interfaces: HashMap::from([(3, "eth0".to_owned())]),
            lists: vec!["scanners".parse().unwrap()],
            limits: BTreeMap::from([(
                7,
                LimitUse {
                    service: "api".parse().unwrap(),
                    plan: None,
                    limit: "per-client".parse().unwrap(),
                },
            )]),
        };
        let mut source = [0; 16];
        source[..4].copy_from_slice(&[192, 0, 2, 1]);
        let event = translator.translate(&abi::Event {
            time_ns: 4_000_000_000,
            monitored: Reason::PacketLimit.bit(),
            bytes: 74,
            source,
            destination: source,
            source_port: 51_000_u16.to_be_bytes(),
            destination_port: 443_u16.to_be_bytes(),
            country: *b"KP",
            family: family::IPV4,
            protocol: TCP,
            kind: event_kind::DROPPED,
            reason: u8::try_from(Reason::Blocklisted.index()).unwrap(),
            list: 0,
            interface: 3,
            tcp_flags: 0b1_0010,
            spare: 0,
            limit: 7,
        });
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"time":"1970-01-01T00:16:39Z","interface":"eth0","kind":"dropped","reason":"blocklisted","monitored":["packet-limit"],"list":"scanners","limit":{"service":"api","plan":null,"limit":"per-client"},"country":"KP","source":"192.0.2.1","source_port":51000,"destination":"192.0.2.1","destination_port":443,"protocol":"tcp","tcp_flags":"syn,ack","bytes":74}"#
        );
    }

    #[test]
    fn what_has_no_ports_shows_none() {
        let translator = Translator {
            now: (Timestamp::UNIX_EPOCH, 0),
            interfaces: HashMap::new(),
            lists: Vec::new(),
            limits: BTreeMap::new(),
        };
        let event = translator.translate(&abi::Event {
            time_ns: 0,
            monitored: 0,
            bytes: 64,
            source: [0; 16],
            destination: [0; 16],
            source_port: [0; 2],
            destination_port: [0; 2],
            country: [0; 2],
            family: family::IPV6,
            protocol: 58,
            kind: event_kind::MONITORED,
            reason: 0,
            list: abi::Event::NO_LIST,
            interface: 0,
            tcp_flags: 0,
            spare: 0,
            limit: 0,
        });
        assert_eq!((event.source_port, event.list, event.country), (None, None, None));
        assert_eq!((event.protocol.as_str(), event.kind), ("icmpv6", EventKind::Monitored));
        assert_eq!(event.source, Some("::".parse().unwrap()));
    }
}
