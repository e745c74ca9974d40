//! Writes small MMDB files (format 2.0), so that the tests need no file of others.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// What a record of the tree points to.
#[derive(Clone, Copy)]
enum Target {
    Nothing,
    Node(usize),
    Data(usize),
}

/// A value of the data section.
pub(super) enum Value {
    Text(&'static str),
    Number(u8),
    Map(Vec<(&'static str, Value)>),
}

pub(super) struct MmdbFile {
    ip_version: u8,
    nodes: Vec<[Target; 2]>,
    data: Vec<u8>,
}

impl MmdbFile {
    pub(super) fn new(ip_version: u8) -> Self {
        Self { ip_version, nodes: vec![[Target::Nothing; 2]], data: Vec::new() }
    }

    /// Adds a record for later use.
    pub(super) fn record(&mut self, value: &Value) -> usize {
        let offset = self.data.len();
        encode(value, &mut self.data);
        offset
    }

    /// Gives networks a record. IPv4 goes under `::/96` of a tree for IPv6.
    pub(super) fn give(&mut self, networks: &[&str], record: usize) {
        for network in networks {
            let (bits, length) = self.path(network);
            self.set(bits, length, Target::Data(record));
        }
    }

    /// Lets a network point to the tree of another.
    pub(super) fn alias(&mut self, network: &str, original: &str) {
        let (bits, length) = self.path(original);
        let mut target = Target::Node(0);
        for depth in 0..length {
            let Target::Node(node) = target else { panic!("no tree at {original}") };
            target = self.nodes[node][side(bits, depth)];
        }
        let (bits, length) = self.path(network);
        self.set(bits, length, target);
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let count = self.nodes.len();
        let mut bytes = Vec::new();
        for target in self.nodes.iter().flatten() {
            let record = match target {
                Target::Nothing => count,
                Target::Node(node) => *node,
                Target::Data(offset) => count + 16 + offset,
            };
            bytes.extend(&u32::try_from(record).unwrap().to_be_bytes()[1..]);
        }
        bytes.extend([0; 16]);
        bytes.extend(&self.data);
        bytes.extend(b"\xAB\xCD\xEFMaxMind.com");
        let count = u32::try_from(count).unwrap().to_be_bytes();
        bytes.push(0xE9);
        for (key, value) in [
            ("binary_format_major_version", &[0xA1, 2][..]),
            ("binary_format_minor_version", &[0xA0]),
            ("build_epoch", &[0x04, 0x02, 0x65, 0x53, 0xF1, 0x00]),
            ("database_type", b"\x44Test"),
            ("description", &[0xE0]),
            ("ip_version", &[0xA1, self.ip_version]),
            ("languages", &[0x00, 0x04]),
            ("node_count", &[0xC4, count[0], count[1], count[2], count[3]]),
            ("record_size", &[0xA1, 24]),
        ] {
            encode(&Value::Text(key), &mut bytes);
            bytes.extend(value);
        }
        bytes
    }

    /// The bits of a network, first bit on top, and how many there are.
    fn path(&self, network: &str) -> (u128, u8) {
        let network: IpNet = network.parse().unwrap();
        match (network.addr(), self.ip_version) {
            (IpAddr::V4(ip), 4) => (u128::from(ip.to_bits()) << 96, network.prefix_len()),
            (IpAddr::V4(ip), _) => (u128::from(ip.to_bits()), 96 + network.prefix_len()),
            (IpAddr::V6(ip), _) => (Ipv6Addr::to_bits(ip), network.prefix_len()),
        }
    }

    fn set(&mut self, bits: u128, length: u8, target: Target) {
        let mut node = 0;
        for depth in 0..length - 1 {
            node = match self.nodes[node][side(bits, depth)] {
                Target::Node(next) => next,
                Target::Nothing | Target::Data(_) => {
                    self.nodes.push([Target::Nothing; 2]);
                    let next = self.nodes.len() - 1;
                    self.nodes[node][side(bits, depth)] = Target::Node(next);
                    next
                }
            };
        }
        self.nodes[node][side(bits, length - 1)] = target;
    }
}

fn side(bits: u128, depth: u8) -> usize {
    usize::from(bits << depth >= 1 << 127)
}

fn encode(value: &Value, bytes: &mut Vec<u8>) {
    // A size of 29 or more is in a byte of its own.
    let head = |kind: u8, size: usize| match u8::try_from(size).unwrap() {
        size @ 0..29 => vec![kind << 5 | size],
        size => vec![kind << 5 | 0x1D, size - 0x1D],
    };
    match value {
        Value::Text(text) => {
            bytes.extend(head(2, text.len()));
            bytes.extend(text.as_bytes());
        }
        Value::Number(number) => {
            bytes.extend(head(5, 1));
            bytes.push(*number);
        }
        Value::Map(entries) => {
            bytes.extend(head(7, entries.len()));
            for (key, value) in entries {
                encode(&Value::Text(key), bytes);
                encode(value, bytes);
            }
        }
    }
}
