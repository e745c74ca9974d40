//! One imagined packet, judged by the code that the kernel runs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use xdpgate_ebpf::abi::{self, Meter, family};
use xdpgate_ebpf::decide::decide;
use xdpgate_ebpf::packet::{Fragment, Packet, TCP_SYN, parse, protocol};
use xdpgate_ebpf::rules;
use xdpgate_ebpf::verdict::Verdict;

use crate::api::types::{Probe, Protocol};
use crate::policy::{Image, Model};

/// The verdict of an image alone: no bans, full buckets, no pause.
pub(super) fn judge_unlimited(image: &Arc<Image>, source: IpAddr, probe: Probe) -> Verdict {
    judge(&Model::new(Arc::clone(image)), source, probe, 0)
}

/// The verdict of these tables at this moment.
pub(super) fn judge(tables: &Model, source: IpAddr, probe: Probe, now_ns: u64) -> Verdict {
    let frame = frame(source, probe);
    let mut packet = Packet::unread(0);
    decide(&frame.as_slice(), &mut packet, tables, &now_ns)
}

/// The number of the packet's service; zero: it is for none.
pub(super) fn service(image: &Arc<Image>, source: IpAddr, probe: Probe) -> u8 {
    if image.settings.rules & abi::rules::SERVICES == 0 {
        return 0;
    }
    rules::service_of(&Model::new(Arc::clone(image)), &image.settings, &packet(source, probe))
}

/// The packet as the decision reads it.
pub(super) fn packet(source: IpAddr, probe: Probe) -> Packet {
    let mut packet = Packet::unread(0);
    let frame = frame(source, probe);
    packet.bytes = u32::try_from(frame.len()).unwrap_or(0);
    // The frame is whole and of a kind that is read.
    let _ = parse(&frame.as_slice(), &mut packet);
    packet
}

/// How many units a limit has room for, and how many it has at most.
pub(super) fn units_left(meter: &Meter, word: u64, now_ns: u64) -> (u64, u64) {
    let units = |ticks: u64| {
        let fractional = u128::from(ticks) << xdpgate_ebpf::limit::COST_FRACTION_BITS;
        u64::try_from(fractional / u128::from(meter.limit.cost.max(1))).unwrap_or(u64::MAX)
    };
    (units(meter.room(word, xdpgate_ebpf::limit::ticks(now_ns))), units(meter.limit.burst))
}

/// A port of a client, as kernels choose them.
const CLIENT_PORT: u16 = 50_000;

/// The most bytes of a probe: what captures hold at most.
const MOST_BYTES: u32 = 256 << 10;
const FRAGMENT_HEADER: u8 = 44;
const ECHO_REQUEST: u8 = 8;
const ECHO_REQUEST_V6: u8 = 128;

/// An Ethernet frame with the packet. Checksums are zero: xdpgate judges sources, not wires.
fn frame(source: IpAddr, probe: Probe) -> Vec<u8> {
    let mut frame = vec![0; 12];
    let headers = network(source, probe, 0).len() + transport(source, probe).1.len() + 14;
    let whole = probe.bytes.map_or(headers, |bytes| bytes.min(MOST_BYTES) as usize).max(headers);
    frame.extend(if source.is_ipv4() { 0x0800_u16 } else { 0x86dd }.to_be_bytes());
    frame.extend(network(source, probe, whole - 14));
    frame.extend(transport(source, probe).1);
    frame.resize(whole, 0);
    frame
}

/// The IP header of a packet of so many bytes.
fn network(source: IpAddr, probe: Probe, bytes: usize) -> Vec<u8> {
    let (number, _) = transport(source, probe);
    let hop_limit = probe.hop_limit.unwrap_or(64);
    let length =
        |header: usize| u16::try_from(bytes.saturating_sub(header)).unwrap_or(u16::MAX).to_be_bytes();
    let mut header = Vec::new();
    match source {
        IpAddr::V4(source) => {
            header.extend([0x45, 0]);
            header.extend(length(0));
            // A later fragment begins at its eighth byte.
            header.extend([0, 0, 0, u8::from(probe.later_fragment), hop_limit, number, 0, 0]);
            header.extend(source.octets());
            let to = probe.destination.and_then(|to| if let IpAddr::V4(to) = to { Some(to) } else { None });
            header.extend(to.map_or([0; 4], |to| to.octets()));
        }
        IpAddr::V6(source) => {
            header.extend([0x60, 0, 0, 0]);
            header.extend(length(40));
            header.extend([if probe.later_fragment { FRAGMENT_HEADER } else { number }, hop_limit]);
            header.extend(source.octets());
            let to = probe.destination.and_then(|to| if let IpAddr::V6(to) = to { Some(to) } else { None });
            header.extend(to.map_or([0; 16], |to| to.octets()));
            if probe.later_fragment {
                header.extend([number, 0, 0, 8, 0, 0, 0, 0]);
            }
        }
    }
    header
}

/// The number of the protocol, and its header.
fn transport(source: IpAddr, probe: Probe) -> (u8, Vec<u8>) {
    let mut header = Vec::new();
    let number = match probe.protocol {
        Protocol::Tcp => {
            header.extend(CLIENT_PORT.to_be_bytes());
            header.extend(probe.port.to_be_bytes());
            header.extend([0; 8]);
            // Data offset of 5 words.
            header.extend([5 << 4, probe.tcp_flags.unwrap_or(TCP_SYN), 0, 0, 0, 0, 0, 0]);
            protocol::TCP
        }
        Protocol::Udp => {
            header.extend(CLIENT_PORT.to_be_bytes());
            header.extend(probe.port.to_be_bytes());
            header.extend([0, 8, 0, 0]);
            protocol::UDP
        }
        Protocol::Icmp => {
            let (number, request) = if source.is_ipv4() {
                (protocol::ICMP, ECHO_REQUEST)
            } else {
                (protocol::ICMPV6, ECHO_REQUEST_V6)
            };
            header.extend([probe.icmp_type.unwrap_or(request), 0, 0, 0, 0, 0, 0, 0]);
            number
        }
        Protocol::Other(number) => number,
    };
    (number, header)
}

/// The probe that stands for a packet that was read. `None`: it is of no IP source.
#[must_use]
pub fn probe_of(packet: &Packet) -> Option<(IpAddr, Probe)> {
    let source = address(packet.source.family, packet.source.address)?;
    let port = u16::from_be_bytes(packet.destination_port);
    let is_tcp = packet.protocol == protocol::TCP && packet.fragment != Fragment::Later;
    let is_icmp = match source {
        IpAddr::V4(_) => packet.protocol == protocol::ICMP,
        IpAddr::V6(_) => packet.protocol == protocol::ICMPV6,
    };
    let protocol = match packet.protocol {
        protocol::TCP => Protocol::Tcp,
        protocol::UDP => Protocol::Udp,
        _ if is_icmp => Protocol::Icmp,
        other => Protocol::Other(other),
    };
    let probe = Probe {
        destination: address(packet.source.family, packet.destination),
        tcp_flags: is_tcp.then_some(packet.tcp_flags),
        icmp_type: is_icmp.then_some(packet.icmp_type),
        hop_limit: Some(packet.hop_limit),
        bytes: Some(packet.bytes),
        later_fragment: packet.fragment == Fragment::Later,
        ..Probe::to(protocol, port)
    };
    Some((source, probe))
}

fn address(of: u8, bytes: [u8; 16]) -> Option<IpAddr> {
    match of {
        family::IPV4 => Some(Ipv4Addr::from_octets(*bytes.first_chunk()?).into()),
        family::IPV6 => Some(Ipv6Addr::from_octets(bytes).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use xdpgate_ebpf::abi::{EXPIRY_SHIFT, Limit, bucket_class};
    use xdpgate_ebpf::decide;
    use xdpgate_ebpf::reason::Reason;

    use super::*;

    #[test]
    fn the_imagined_packet_is_what_it_says() {
        for source in ["192.0.2.1", "2001:db8::1"] {
            for protocol in [Protocol::Tcp, Protocol::Udp] {
                let frame = frame(source.parse().unwrap(), Probe::to(protocol, 443));
                let mut packet = Packet::unread(0);
                assert!(parse(&frame.as_slice(), &mut packet).is_ok(), "{source} {protocol:?}");
                assert_eq!(u16::from_be_bytes(packet.destination_port), 443);
                assert_eq!(packet.tcp_flags, if protocol == Protocol::Tcp { TCP_SYN } else { 0 });
            }
        }
    }

    #[test]
    fn a_packet_that_was_read_is_imagined_alike() {
        for source in ["192.0.2.1", "2001:db8::1"] {
            let source: IpAddr = source.parse().unwrap();
            let destination =
                Some(if source.is_ipv4() { "192.0.2.9" } else { "2001:db8::9" }.parse().unwrap());
            let shapes = [
                Probe { tcp_flags: Some(0x10), bytes: Some(1_514), ..Probe::to(Protocol::Tcp, 443) },
                Probe { bytes: Some(70), ..Probe::to(Protocol::Udp, 53) },
                Probe { icmp_type: Some(3), bytes: Some(98), ..Probe::to(Protocol::Icmp, 0) },
                Probe { bytes: Some(100_000), ..Probe::to(Protocol::Other(47), 0) },
                Probe { bytes: Some(600), later_fragment: true, ..Probe::to(Protocol::Udp, 0) },
            ];
            for shape in shapes {
                let probe = Probe { destination, hop_limit: Some(57), ..shape };
                assert_eq!(probe_of(&packet(source, probe)), Some((source, probe)));
            }
        }
        assert_eq!(probe_of(&Packet::unread(60)), None, "no IP packet");
    }

    #[test]
    fn what_is_left_in_a_bucket() {
        // One unit costs 16 ticks (1 ns); a full bucket holds 100.
        let limit = &Meter::bucket(Limit { cost: 16 << 16, burst: 1_600 });
        assert_eq!(units_left(limit, 0, 0), (100, 100));
        assert_eq!(units_left(limit, 16 * 40, 0), (60, 100));
        assert_eq!(units_left(limit, 16 * 40, 30), (90, 100), "30 ns later 30 are back");
        assert_eq!(units_left(limit, u64::MAX, 0), (0, 100));
    }

    #[test]
    fn the_verdict_follows_the_tables() {
        let policy =
            "[allow]\nprefixes = [\"192.0.2.1\"]\n[limits.source]\npackets = \"10/s\"\npackets_burst = 5";
        let config = crate::config::parse(policy, std::path::Path::new("policy.toml")).unwrap();
        let image = Arc::new(crate::daemon::Inputs::load(config, None).unwrap().compile(1).unwrap());
        let mut tables = Model::new(Arc::clone(&image));
        let end = 5 << EXPIRY_SHIFT;
        tables.add_ban("192.0.2.0/24".parse().unwrap(), Some(end)).unwrap();
        let probe = Probe::to(Protocol::Tcp, 443);
        let judged = |tables: &Model, source: &str, now_ns| {
            judge(tables, source.parse().unwrap(), probe, now_ns).reason
        };
        assert_eq!(judged(&tables, "192.0.2.1", 0), Reason::Allowed);
        assert_eq!(judged(&tables, "192.0.2.2", end - 1), Reason::Banned);
        assert_eq!(judged(&tables, "192.0.2.2", end), Reason::WithinLimit, "the ban has ended");

        let used_up =
            decide::bucket_key(&image.settings, &packet("192.0.2.3".parse().unwrap(), probe).source);
        tables.set_bucket(&used_up, bucket_class::PACKETS, u64::MAX >> 2);
        assert_eq!(judged(&tables, "192.0.2.3", end), Reason::PacketLimit);
        tables.pause(true);
        assert_eq!(judged(&tables, "192.0.2.3", end), Reason::Paused);
    }
}
