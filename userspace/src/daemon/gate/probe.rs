//! One imagined packet, judged by the code that the kernel runs.

use std::net::IpAddr;
use std::sync::Arc;

use xdpgate_ebpf::abi::Meter;
use xdpgate_ebpf::decide::decide;
use xdpgate_ebpf::packet::{Packet, TCP_SYN, parse, protocol};
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

/// An Ethernet frame with a TCP SYN or a UDP datagram. Checksums are zero: xdpgate judges sources, not wires.
fn frame(source: IpAddr, probe: Probe) -> Vec<u8> {
    let mut transport = Vec::new();
    transport.extend(CLIENT_PORT.to_be_bytes());
    transport.extend(probe.port.to_be_bytes());
    let number = match probe.protocol {
        Protocol::Tcp => {
            transport.extend([0; 8]);
            // Data offset of 5 words.
            transport.extend([5 << 4, TCP_SYN, 0, 0, 0, 0, 0, 0]);
            protocol::TCP
        }
        Protocol::Udp => {
            transport.extend([0, 8, 0, 0]);
            protocol::UDP
        }
    };
    let length = u16::try_from(transport.len()).unwrap_or(0);
    let mut frame = vec![0; 12];
    match source {
        IpAddr::V4(source) => {
            frame.extend(0x0800_u16.to_be_bytes());
            frame.extend([0x45, 0]);
            frame.extend((length + 20).to_be_bytes());
            frame.extend([0, 0, 0, 0, 64, number, 0, 0]);
            frame.extend(source.octets());
            let to = probe.destination.and_then(|to| if let IpAddr::V4(to) = to { Some(to) } else { None });
            frame.extend(to.map_or([0; 4], |to| to.octets()));
        }
        IpAddr::V6(source) => {
            frame.extend(0x86dd_u16.to_be_bytes());
            frame.extend([0x60, 0, 0, 0]);
            frame.extend(length.to_be_bytes());
            frame.extend([number, 64]);
            frame.extend(source.octets());
            let to = probe.destination.and_then(|to| if let IpAddr::V6(to) = to { Some(to) } else { None });
            frame.extend(to.map_or([0; 16], |to| to.octets()));
        }
    }
    frame.extend(transport);
    frame
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
                let frame = frame(source.parse().unwrap(), Probe { destination: None, protocol, port: 443 });
                let mut packet = Packet::unread(0);
                assert!(parse(&frame.as_slice(), &mut packet).is_ok(), "{source} {protocol:?}");
                assert_eq!(u16::from_be_bytes(packet.destination_port), 443);
                assert_eq!(packet.tcp_flags, if protocol == Protocol::Tcp { TCP_SYN } else { 0 });
            }
        }
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
        let probe = Probe { destination: None, protocol: Protocol::Tcp, port: 443 };
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
