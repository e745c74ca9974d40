//! Every IP protocol number: judged by its source, and never taken for another protocol.

use xdpgate_ebpf::packet::protocol::{ICMP, ICMPV6, TCP, UDP};
use xdpgate_ebpf::reason::Reason;

use crate::packets::frame::{Ipv4, Ipv6, Payload};
use crate::packets::row::Row;
use crate::packets::world::{BANNED, DENIED};

/// Next headers of IPv6 that are followed.
const EXTENSIONS: [u8; 5] = [0, 43, 44, 51, 60];
/// To port 443, so that the same bytes open something as TCP and as UDP.
const SYN_TO_QUIC: u16 = 443;

pub(super) fn rows() -> Vec<Row> {
    (0..=u8::MAX).flat_map(of).collect()
}

fn of(number: u8) -> Vec<Row> {
    let headers = match number {
        TCP => 20,
        UDP | ICMP | ICMPV6 => 8,
        _ => 0,
    };
    let payload = Payload { protocol: number, headers, ..Payload::tcp(40_000, SYN_TO_QUIC, 2) };
    let opens = if number == TCP || number == UDP { Reason::CountryDenied } else { Reason::WithinLimit };

    let v4 = |source| Ipv4::from(source).carrying(&payload).ethernet();
    let mut rows = vec![
        Row::new(format!("protocol {number} over IPv4 from BANNED"), v4(BANNED.ipv4), Reason::Banned),
        Row::new(format!("protocol {number} over IPv4, shaped like a SYN"), v4(DENIED.ipv4), opens),
    ];
    if !EXTENSIONS.contains(&number) {
        let v6 = |source| Ipv6::from(source).carrying(&payload).ethernet();
        rows.push(Row::new(
            format!("protocol {number} over IPv6 from BANNED"),
            v6(BANNED.ipv6),
            Reason::Banned,
        ));
        rows.push(Row::new(
            format!("protocol {number} over IPv6, shaped like a SYN"),
            v6(DENIED.ipv6),
            opens,
        ));
    }
    rows
}
