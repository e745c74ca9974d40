//! Fragments: the first is an ordinary packet, later ones go by a rule of their own.

use xdpgate_ebpf::packet::Fragment;
use xdpgate_ebpf::reason::Reason;

use crate::packets::frame::{Extension, Frame, Ipv4, Ipv6, Payload};
use crate::packets::row::{Reads, Row};
use crate::packets::scene::{Policy, Scene, USUAL};
use crate::packets::world::{ALLOWED, BANNED, BLOCKED, DENIED, MANAGEMENT, Origin, PLAIN, UNKNOWN, WATCHED};

/// What follows the IPv4 addresses' front: flags and offset.
const IPV4_FLAGS: usize = 14 + 6;
const LAST_OFFSET: u16 = 0x1fff;

/// Under the rule `pass`.
pub(super) fn usual_rows() -> Vec<Row> {
    let mut rows = [first(), every_bit_of_the_offset(), not_fragments(), odd_chains()].concat();
    for (origin, reason) in [
        (PLAIN, Reason::Fragment),
        // A later fragment starts nothing.
        (DENIED, Reason::Fragment),
        (UNKNOWN, Reason::Fragment),
        // It has no port, so it is not to a management port.
        (MANAGEMENT, Reason::Fragment),
        (ALLOWED, Reason::Allowed),
        (BANNED, Reason::Banned),
    ] {
        rows.extend(later(origin, reason));
    }
    rows.extend(later(BLOCKED, Reason::Blocklisted).map(|row| row.dropped_by_list(0)));
    rows.extend(later(WATCHED, Reason::Fragment).map(|row| row.watched_by_list(1)));
    rows
}

pub(super) fn scenes() -> Vec<Scene> {
    vec![dropping(), limiting(), monitoring_drops(), monitoring_limits(), keyed_by_wide_prefixes()]
}

fn v4(origin: Origin, offset: u16, more: bool) -> Frame {
    Ipv4::from(origin.ipv4).fragment(offset, more).carrying(&Payload::tcp(40_000, 80, 2)).ethernet()
}

fn v6(origin: Origin, offset: u16, more: bool) -> Frame {
    Ipv6::from(origin.ipv6)
        .extensions(&[Extension::Fragment(offset, more)])
        .carrying(&Payload::tcp(40_000, 80, 2))
        .ethernet()
}

fn later(origin: Origin, reason: Reason) -> impl Iterator<Item = Row> {
    let places = [(1, true), (1, false), (185, true), (LAST_OFFSET, true), (LAST_OFFSET, false)];
    places.into_iter().flat_map(move |(offset, more)| {
        let name = |family| {
            format!(
                "{family} fragment at {offset}{} from {}",
                if more { ", more to come" } else { "" },
                origin.name
            )
        };
        let reads = Reads::protocol(6).of(Fragment::Later);
        [
            Row::new(name("IPv4"), v4(origin, offset, more), reason).reads(reads),
            Row::new(name("IPv6"), v6(origin, offset, more), reason).reads(reads),
        ]
    })
}

fn one_later(origin: Origin, reason: Reason) -> [Row; 2] {
    [
        Row::new(format!("later IPv4 fragment from {}", origin.name), v4(origin, 5, false), reason),
        Row::new(format!("later IPv6 fragment from {}", origin.name), v6(origin, 5, false), reason),
    ]
}

fn one_first(origin: Origin, reason: Reason) -> [Row; 2] {
    [
        Row::new(format!("first IPv4 fragment from {}", origin.name), v4(origin, 0, true), reason),
        Row::new(format!("first IPv6 fragment from {}", origin.name), v6(origin, 0, true), reason),
    ]
}

fn first() -> Vec<Row> {
    let reads = Reads { ports: (40_000, 80), flags_or_type: 2, ..Reads::protocol(6) }.of(Fragment::First);
    let mut rows = Vec::new();
    for (origin, reason) in [
        (PLAIN, Reason::WithinLimit),
        (DENIED, Reason::CountryDenied),
        (BANNED, Reason::Banned),
        (ALLOWED, Reason::Allowed),
    ] {
        rows.extend(one_first(origin, reason).map(|row| row.reads(reads)));
    }
    let ssh = Payload::tcp(40_000, 22, 2);
    let frame = Ipv4::from(MANAGEMENT.ipv4).fragment(0, true).carrying(&ssh).ethernet();
    rows.push(Row::new("first fragment to SSH from MANAGEMENT", frame, Reason::Management));
    // A first fragment that hides the flags (RFC 1858).
    let mut tiny = Payload::tcp(40_000, 80, 2);
    tiny.bytes.truncate(8);
    tiny.headers = 8;
    let v4 = Ipv4::from(PLAIN.ipv4).fragment(0, true).carrying(&tiny).ethernet().broken(usize::MAX, 0);
    rows.push(Row::new("first IPv4 fragment with half a TCP header", v4, Reason::Malformed));
    let v6 = Ipv6::from(PLAIN.ipv6).extensions(&[Extension::Fragment(0, true)]).carrying(&tiny).ethernet();
    rows.push(Row::new(
        "first IPv6 fragment with half a TCP header",
        v6.broken(usize::MAX, 0),
        Reason::Malformed,
    ));
    rows
}

fn every_bit_of_the_offset() -> Vec<Row> {
    let row = |bit: u16| {
        let reads = Reads::protocol(6).of(Fragment::Later);
        [
            Row::new(format!("IPv4 offset {}", 1 << bit), v4(PLAIN, 1 << bit, false), Reason::Fragment),
            Row::new(format!("IPv6 offset {}", 1 << bit), v6(PLAIN, 1 << bit, false), Reason::Fragment),
        ]
        .map(|row| row.reads(reads))
    };
    (0..13).flat_map(row).collect()
}

fn not_fragments() -> Vec<Row> {
    let whole = || Ipv4::from(DENIED.ipv4).carrying(&Payload::tcp(40_000, 80, 2)).ethernet();
    let reads = Reads { ports: (40_000, 80), flags_or_type: 2, ..Reads::protocol(6) };
    [("don't fragment", 0x40), ("the reserved bit", 0x80), ("both", 0xc0)]
        .map(|(name, flags)| {
            Row::new(name, whole().with_byte(IPV4_FLAGS, flags), Reason::CountryDenied).reads(reads)
        })
        .to_vec()
}

fn odd_chains() -> Vec<Row> {
    let chain = |extensions: &[Extension]| {
        Ipv6::from(PLAIN.ipv6).extensions(extensions).carrying(&Payload::tcp(40_000, 80, 2)).ethernet()
    };
    let later = Extension::Fragment(9, false);
    let six = [Extension::Destination(0); 5];
    let behind_five = [&six[..], &[later]].concat();
    let row = |name, extensions: &[Extension], protocol| {
        Row::new(name, chain(extensions), Reason::Fragment)
            .reads(Reads::protocol(protocol).of(Fragment::Later))
    };
    vec![
        row("later fragment behind options", &[Extension::HopByHop(0), later], 6),
        row("later fragment of a chain of headers", &[later, Extension::Destination(0)], 60),
        row("a fragment in a fragment", &[later, Extension::Fragment(0, true)], 44),
        row("later fragment as the sixth header", &behind_five, 6),
        // The first fragment header says that it is the first part, the second that it is not.
        row("later fragment behind a first one", &[Extension::Fragment(0, true), later], 6),
    ]
}

fn dropping() -> Scene {
    let mut rows = Vec::new();
    for (origin, reason) in [
        (PLAIN, Reason::FragmentDenied),
        (DENIED, Reason::FragmentDenied),
        (MANAGEMENT, Reason::FragmentDenied),
        (ALLOWED, Reason::Allowed),
        (BANNED, Reason::Banned),
    ] {
        rows.extend(later(origin, reason));
    }
    rows.extend(one_first(PLAIN, Reason::WithinLimit));
    rows.extend(one_first(DENIED, Reason::CountryDenied));
    rows.extend(one_later(WATCHED, Reason::FragmentDenied).map(|row| row.watched_by_list(1)));
    Scene::new("later fragments dropped", &Policy { fragments: "rule = \"drop\"", ..USUAL }, rows)
}

/// No token comes back within the test.
const THREE: &str = "rule = \"limit\"\nrate = \"1/h\"\nburst = 3";

fn limiting() -> Scene {
    let mut rows = Vec::new();
    for _ in 0..3 {
        rows.extend(one_later(PLAIN, Reason::Fragment));
    }
    rows.extend(one_later(PLAIN, Reason::FragmentLimit));
    rows.extend(one_later(PLAIN, Reason::FragmentLimit));
    // Each source has its own, ordinary packets have another one, and who is dropped or allowed is not charged.
    rows.extend(one_first(PLAIN, Reason::WithinLimit));
    for _ in 0..3 {
        rows.extend(one_later(UNKNOWN, Reason::Fragment));
        rows.extend(one_later(BANNED, Reason::Banned));
    }
    rows.extend(one_later(UNKNOWN, Reason::FragmentLimit));
    for _ in 0..5 {
        rows.extend(one_later(ALLOWED, Reason::Allowed));
    }
    Scene::new("later fragments limited", &Policy { fragments: THREE, ..USUAL }, rows)
}

fn monitoring_drops() -> Scene {
    let mut rows = Vec::new();
    rows.extend(one_later(PLAIN, Reason::WithinLimit).map(|row| row.monitored(Reason::FragmentDenied)));
    rows.extend(one_later(BANNED, Reason::Banned));
    rows.extend(one_first(PLAIN, Reason::WithinLimit));
    rows.extend(
        one_later(WATCHED, Reason::WithinLimit)
            .map(|row| row.monitored(Reason::FragmentDenied).watched_by_list(1)),
    );
    let rule = "rule = \"drop\"\nmode = \"monitor\"";
    Scene::new("later fragments monitored", &Policy { fragments: rule, ..USUAL }, rows)
}

fn monitoring_limits() -> Scene {
    let mut rows = Vec::new();
    for _ in 0..3 {
        rows.extend(one_later(PLAIN, Reason::Fragment));
    }
    for _ in 0..3 {
        rows.extend(one_later(PLAIN, Reason::WithinLimit).map(|row| row.monitored(Reason::FragmentLimit)));
    }
    let rule = format!("{THREE}\nmode = \"monitor\"");
    Scene::new("limit of later fragments monitored", &Policy { fragments: &rule, ..USUAL }, rows)
}

/// The key of fragments is cut as that of the other limits.
fn keyed_by_wide_prefixes() -> Scene {
    let neighbour = Origin {
        name: "a neighbour of PLAIN",
        ipv4: std::net::Ipv4Addr::new(198, 51, 100, 200),
        ipv6: std::net::Ipv6Addr::new(0x2001, 0xdb8, 1, 0x77, 0, 0, 0, 1),
    };
    let mut rows = Vec::new();
    rows.extend(one_later(PLAIN, Reason::Fragment));
    rows.extend(one_later(neighbour, Reason::Fragment));
    rows.extend(one_later(PLAIN, Reason::Fragment));
    rows.extend(one_later(neighbour, Reason::FragmentLimit));
    let limits = "packets = \"1000000/s\"\nipv4_prefix = 24\nipv6_prefix = 48";
    Scene::new("later fragments limited by prefix", &Policy { fragments: THREE, limits, ..USUAL }, rows)
}
