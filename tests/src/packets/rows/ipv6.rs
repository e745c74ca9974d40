//! IPv6 extension headers.

use xdpgate_ebpf::packet::Fragment;
use xdpgate_ebpf::reason::Reason;

use crate::packets::frame::Extension::{self, Authentication, Destination, HopByHop, Routing};
use crate::packets::frame::{Frame, Ipv6, Payload};
use crate::packets::row::{Reads, Row};
use crate::packets::world::{BANNED, DENIED, PLAIN};

/// Where the IPv6 header begins, and what follows it.
const IPV6: usize = 14;
const NEXT_HEADER: usize = IPV6 + 6;
const CHAIN: usize = IPV6 + 40;

const NO_NEXT_HEADER: u8 = 59;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;
const ESP: u8 = 50;

const ATOMIC: Extension = Extension::Fragment(0, false);
const KINDS: [Extension; 5] = [HopByHop(0), Routing(0), ATOMIC, Authentication(4), Destination(0)];

pub(super) fn rows() -> Vec<Row> {
    [counts(), mixed(), lengths(), running_past_the_frame(), ends_of_the_walk(), versions()].concat()
}

/// A SYN from the denied country: found if, and only if, the whole chain is followed to the right place.
fn syn(extensions: &[Extension]) -> Frame {
    Ipv6::from(DENIED.ipv6).extensions(extensions).carrying(&Payload::tcp(40_000, 80, 2)).ethernet()
}

fn is_found(name: String, extensions: &[Extension]) -> Row {
    let reads = Reads { ports: (40_000, 80), flags_or_type: 2, ..Reads::protocol(6) };
    Row::new(name, syn(extensions), Reason::CountryDenied).reads(reads)
}

fn counts() -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in KINDS {
        for count in 0..=6 {
            rows.push(is_found(format!("{count} times {kind:?}"), &vec![kind; count]));
        }
        for count in [7, 8, 20] {
            let name = format!("{count} times {kind:?}");
            rows.push(Row::new(name, syn(&vec![kind; count]), Reason::TooDeep));
        }
    }
    rows
}

fn mixed() -> Vec<Row> {
    let all = [HopByHop(0), Destination(1), Routing(2), ATOMIC, Authentication(4), Destination(0)];
    let mut rows = vec![is_found("every kind once, in the order of RFC 8200".to_owned(), &all)];
    for (index, first) in KINDS.iter().enumerate() {
        for second in KINDS.iter().cycle().skip(index + 1).take(4) {
            rows.push(is_found(format!("{first:?}, then {second:?}"), &[*first, *second]));
        }
    }
    for last in KINDS {
        let mut seven = all.to_vec();
        seven.push(last);
        rows.push(Row::new(format!("every kind, and {last:?} as the seventh"), syn(&seven), Reason::TooDeep));
    }
    let banned = Ipv6::from(BANNED.ipv6).extensions(&all).carrying(&Payload::other(132)).ethernet();
    rows.push(Row::new("every kind once, from BANNED", banned, Reason::Banned));
    rows
}

/// 8-byte units less one, but 4-byte units less two for the authentication header.
fn lengths() -> Vec<Row> {
    let mut rows = Vec::new();
    for field in [0, 1, 2, 7, 31, 127, 255] {
        for kind in [HopByHop(field), Routing(field), Destination(field)] {
            rows.push(is_found(format!("{kind:?}"), &[kind]));
        }
    }
    for field in [0, 1, 2, 3, 4, 5, 6, 13, 127, 255] {
        let kind = Authentication(field);
        rows.push(is_found(format!("{kind:?}"), &[kind]));
        rows.push(is_found(format!("{kind:?}, then options"), &[kind, Destination(1)]));
    }
    rows.push(is_found("six headers of the greatest length".to_owned(), &[Destination(255); 6]));
    rows
}

fn running_past_the_frame() -> Vec<Row> {
    let mut rows = Vec::new();
    for kind in [HopByHop(0), Routing(0), Destination(0), Authentication(4)] {
        for field in [20, 60, 255] {
            let frame = syn(&[kind]).broken(CHAIN + 1, field);
            rows.push(Row::new(format!("{kind:?} with a length field of {field}"), frame, Reason::Malformed));
        }
        let whole =
            Ipv6::from(PLAIN.ipv6).extensions(&[kind]).carrying(&Payload::other(NO_NEXT_HEADER).bare());
        rows.push(Row::new(format!("{kind:?} and nothing more"), whole.ethernet(), Reason::WithinLimit));
        let frame = whole.ethernet();
        let one_missing = frame.bytes.len() - 1;
        let frame = frame.cut(one_missing).broken(usize::MAX, 0);
        rows.push(Row::new(format!("{kind:?} less its last byte"), frame, Reason::Malformed));
    }
    rows
}

/// Behind a number that is no extension header, nothing is read, however much it looks like TCP.
fn ends_of_the_walk() -> Vec<Row> {
    let mut rows = Vec::new();
    for number in [NO_NEXT_HEADER, ESP, MOBILITY, HOST_IDENTITY, SHIM6, 253, 254, 255] {
        let forged = Payload::forged_tcp(number);
        for (before, extensions) in [("", &[][..]), ("options, then ", &[Destination(0)][..])] {
            let denied = Ipv6::from(DENIED.ipv6).extensions(extensions).carrying(&forged).ethernet();
            let name = format!("{before}next header {number}, then what looks like a SYN");
            rows.push(Row::new(name, denied, Reason::WithinLimit).reads(Reads::protocol(number)));
            let banned = Ipv6::from(BANNED.ipv6).extensions(extensions).carrying(&forged).ethernet();
            rows.push(Row::new(format!("{before}next header {number} from BANNED"), banned, Reason::Banned));
        }
        // The first two bytes would be a header of 8 bytes with TCP behind it.
        let mut bytes = vec![6, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(Payload::tcp(40_000, 80, 2).bytes);
        let skipped = Payload { protocol: number, bytes, headers: 0 };
        let frame = Ipv6::from(DENIED.ipv6).carrying(&skipped).ethernet();
        let name = format!("next header {number}, shaped like an extension header");
        rows.push(Row::new(name, frame, Reason::WithinLimit).reads(Reads::protocol(number)));
    }
    let bare = Ipv6::from(PLAIN.ipv6).carrying(&Payload::other(NO_NEXT_HEADER).bare()).ethernet();
    rows.push(Row::new("no next header, and no byte more", bare, Reason::WithinLimit));
    let atomic = Ipv6::from(DENIED.ipv6).extensions(&[ATOMIC]).carrying(&Payload::udp(40_000, 443));
    rows.push(
        Row::new("an atomic fragment is a whole datagram", atomic.ethernet(), Reason::CountryDenied)
            .reads(Reads { ports: (40_000, 443), ..Reads::protocol(17) }.of(Fragment::Whole)),
    );
    rows
}

fn versions() -> Vec<Row> {
    let row = |version: u8| {
        let frame = Ipv6::from(PLAIN.ipv6).carrying(&Payload::udp(1, 2)).ethernet();
        Row::new(
            format!("version {version} behind the type of IPv6"),
            frame.broken(IPV6, version << 4),
            Reason::Malformed,
        )
    };
    let mut rows: Vec<_> = (0..16).filter(|version| *version != 6).map(row).collect();
    // Six bits of traffic class and flow label share the version's byte.
    let marked = Ipv6::from(PLAIN.ipv6).carrying(&Payload::udp(1, 2)).ethernet().with_byte(IPV6, 0x6f);
    rows.push(Row::new("a traffic class", marked, Reason::WithinLimit));
    let icmp = Ipv6::from(PLAIN.ipv6).carrying(&Payload::icmp(8)).ethernet().with_byte(NEXT_HEADER, 1);
    rows.push(Row::new("ICMP of IPv4 in IPv6", icmp, Reason::WithinLimit));
    rows
}
