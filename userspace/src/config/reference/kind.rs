//! What a key takes.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::{InterfaceName, LimitUnit, Name, display_duration};
use crate::thousands::grouped;

/// In the order of the page.
const ANY_UNIT: [LimitUnit; 3] = [LimitUnit::Packets, LimitUnit::Connections, LimitUnit::Bytes];

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Kind {
    /// A whole number within a range.
    Integer { min: u64, max: u64 },
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A path.
    Path,
    /// The path of a Unix socket.
    SocketPath,
    /// An address with a port.
    Address,
    /// The name of something in the policy, such as this one.
    Name(&'static str),
    /// Any words, such as these.
    Text(&'static str),
    /// Names of lists.
    ListNames { most: usize },
    /// Names of lists, prefixes and addresses.
    Exceptions,
    /// Names of interfaces.
    Interfaces { most: usize },
    /// Prefixes and addresses.
    Prefixes,
    /// Ports.
    Ports { most: usize },
    /// Ports and ranges of ports.
    PortRanges { most: usize },
    /// Names of limits.
    LimitNames { most: usize },
    /// Names or labels of lists.
    ListsOrLabels { most: usize },
    /// Country codes.
    Countries,
    /// A country code.
    Country,
    /// Numbers of autonomous systems.
    Systems { most: usize },
    /// A rate in packets.
    PacketRate,
    /// A number of packets.
    PacketBurst,
    /// A rate in bytes.
    ByteRate,
    /// A size in bytes.
    ByteBurst,
    /// A size in bytes within a range, such as this one.
    Size { min: u64, max: u64, example: &'static str },
    /// A rate that says what it counts.
    AnyRate,
    /// A number of what such a rate counts, such as this one.
    AtOnce(&'static str),
    /// A number that says what it counts.
    Amount,
    /// The URL of a server, such as this one.
    Url(&'static str),
    /// Words, such as these.
    Texts(&'static str),
    /// A time within a range, such as this one.
    Duration { min: Duration, max: Duration, example: &'static str },
}

impl Kind {
    /// The longest path of a socket: `sun_path` has 108 bytes, one of them the terminating zero.
    pub(in crate::config) const LONGEST_SOCKET_PATH: usize = 107;

    /// The type, in words that follow "should be".
    pub(in crate::config) const fn type_name(self) -> &'static str {
        match self {
            Self::Integer { .. } | Self::PacketBurst => "a whole number",
            Self::Choice(_) => "a word in quotes",
            Self::Flag => "true or false",
            Self::Path | Self::SocketPath => "a path in quotes",
            Self::Address => "an address with a port, in quotes",
            Self::Name(_) => "a name in quotes",
            Self::Text(_) => "a text in quotes",
            Self::Interfaces { .. }
            | Self::LimitNames { .. }
            | Self::ListNames { .. }
            | Self::ListsOrLabels { .. } => "a list of names in quotes",
            Self::Exceptions => "a list of names and prefixes in quotes",
            Self::Prefixes => "a list of prefixes in quotes",
            Self::Ports { .. } | Self::Systems { .. } => "a list of whole numbers",
            Self::PortRanges { .. } => "a list of whole numbers and of ranges in quotes",
            Self::Countries => "a list of country codes in quotes",
            Self::Country => "a country code in quotes",
            Self::PacketRate | Self::ByteRate | Self::AnyRate => "a rate in quotes",
            Self::AtOnce(_) => "a whole number, or an amount in quotes",
            Self::Amount => "an amount in quotes",
            Self::Duration { .. } => "a time in quotes",
            Self::Url(_) => "an address in quotes",
            Self::Texts(_) => "a list of words in quotes",
            Self::ByteBurst | Self::Size { .. } => "a size in quotes, or a whole number of bytes",
        }
    }

    /// The type of one element of a list.
    pub(in crate::config) const fn element_name(self) -> &'static str {
        if let Self::Interfaces { .. } | Self::LimitNames { .. } | Self::ListNames { .. } = self {
            return "a name in quotes";
        }
        if let Self::Exceptions = self {
            return "a name or a prefix in quotes";
        }
        if let Self::Texts(_) = self {
            return "a word in quotes";
        }
        if let Self::Prefixes = self {
            return "a prefix in quotes";
        }
        if let Self::Countries = self {
            return "a country code in quotes";
        }
        if let Self::PortRanges { .. } = self {
            return "a whole number or a range in quotes";
        }
        "a whole number"
    }

    /// The times that the value may be.
    pub(in crate::config) const fn durations(self) -> RangeInclusive<Duration> {
        if let Self::Duration { min, max, .. } = self { min..=max } else { Duration::ZERO..=Duration::MAX }
    }

    /// The numbers that each integer of the value may be.
    pub(in crate::config) const fn integers(self) -> RangeInclusive<u64> {
        if let Self::Integer { min, max } | Self::Size { min, max, .. } = self {
            return min..=max;
        }
        if let Self::Systems { .. } = self {
            return 1..=u32::MAX as u64;
        }
        if let Self::Ports { .. } | Self::PortRanges { .. } = self {
            1..=u16::MAX as u64
        } else {
            0..=u64::MAX
        }
    }

    /// How many elements a list may have, if there is a limit.
    pub(in crate::config) const fn most(self) -> Option<usize> {
        if let Self::Interfaces { most }
        | Self::Ports { most }
        | Self::PortRanges { most }
        | Self::LimitNames { most }
        | Self::ListNames { most }
        | Self::ListsOrLabels { most }
        | Self::Systems { most } = self
        {
            return Some(most);
        }
        None
    }

    /// The range, in words.
    pub(in crate::config) fn allowed(self) -> String {
        match self {
            Self::Integer { min, max } => format!("{} to {}", grouped(min), grouped(max)),
            Self::Choice(words) => {
                words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
            }
            Self::Flag => "true, false".to_owned(),
            Self::Path => "a path; a relative one begins at the policy's folder".to_owned(),
            Self::SocketPath => {
                format!(
                    "a path of at most {} bytes; a relative one begins at the policy's folder",
                    Self::LONGEST_SOCKET_PATH
                )
            }
            Self::Address => "an IPv4 or IPv6 address and a port of 1 to 65,535".to_owned(),
            Self::Name(_) => format!(
                "1 to {} letters, digits, `-`, `_` and `.`, beginning with a letter or a digit",
                Name::LONGEST
            ),
            Self::Text(_) => "any text".to_owned(),
            Self::Url(_) => "an address that begins with `https://` or `http://`".to_owned(),
            Self::ListNames { most } => format!("at most {most} names of lists, no name twice"),
            Self::Exceptions => {
                "names of lists, IPv4 and IPv6 prefixes without host bits, and addresses".to_owned()
            }
            Self::Interfaces { most } => {
                format!("at most {most} names of 1 to {} bytes, no name twice", InterfaceName::LONGEST)
            }
            Self::Prefixes => "IPv4 and IPv6 prefixes without host bits, and addresses".to_owned(),
            Self::Ports { most } => format!("at most {most} ports of 1 to 65,535"),
            Self::PortRanges { most } => {
                format!("at most {most} ports and `first-last` ranges, of 1 to 65,535")
            }
            Self::LimitNames { most } => format!("at most {most} names of limits, no name twice"),
            Self::ListsOrLabels { most } => format!("at most {most} names or labels of lists, no name twice"),
            Self::Countries => "codes of two letters".to_owned(),
            Self::Country => "a code of two letters".to_owned(),
            Self::Size { min, max, .. } => format!("{} to {} bytes", grouped(min), grouped(max)),
            Self::Systems { most } => {
                format!("1 to {} numbers of 1 to {}", grouped(most as u64), grouped(u32::MAX.into()))
            }
            Self::PacketRate => LimitUnit::Packets.allowed().to_owned(),
            Self::PacketBurst => format!(
                "1 to {} packets, and at most one day of the rate",
                grouped(LimitUnit::Packets.most_burst())
            ),
            Self::ByteRate => LimitUnit::Bytes.allowed().to_owned(),
            Self::ByteBurst => {
                format!("{} bytes to one day of the rate", grouped(LimitUnit::Bytes.least_burst()))
            }
            Self::AnyRate => {
                let [packets, connections, bytes] = ANY_UNIT.map(LimitUnit::allowed);
                format!("{packets}, {connections}, or {bytes}")
            }
            Self::AtOnce(_) => format!(
                "1 to {0} packets or connections, or from {1} bytes, and at most one day of the rate",
                grouped(LimitUnit::Packets.most_burst()),
                grouped(LimitUnit::Bytes.least_burst())
            ),
            Self::Amount => format!(
                "packets, connections, or from {} bytes; the most depends on the window",
                grouped(LimitUnit::Bytes.least_burst())
            ),
            Self::Texts(_) => "words without commas".to_owned(),
            Self::Duration { min, max, .. } => {
                format!("{} to {}", display_duration(min), display_duration(max))
            }
        }
    }

    /// A value, as a policy writes it.
    pub(in crate::config) fn example(self) -> String {
        let text = match self {
            Self::Integer { max, .. } => return max.to_string(),
            Self::Choice(words) => return format!("\"{}\"", words.first().copied().unwrap_or_default()),
            Self::Flag => "true",
            Self::Path => "\"/etc/xdpgate/file\"",
            Self::SocketPath => "\"/run/xdpgate/xdpgate.sock\"",
            Self::Address => "\"127.0.0.1:9919\"",
            Self::Name(name) => return format!("\"{name}\""),
            Self::ListNames { .. } => "[\"drop\"]",
            Self::Exceptions => "[\"192.0.2.0/24\"]",
            Self::Interfaces { .. } => "[\"eth0\"]",
            Self::Prefixes => "[\"192.0.2.0/24\", \"2001:db8::1\"]",
            Self::Ports { .. } => "[22]",
            Self::PortRanges { .. } => "[443, \"8000-8099\"]",
            Self::LimitNames { .. } => "[\"per-client\"]",
            Self::ListsOrLabels { .. } => "[\"tor\"]",
            Self::Countries => "[\"DE\"]",
            Self::Country => "\"DE\"",
            Self::Systems { .. } => "[64500]",
            Self::PacketRate => "\"2000/s\"",
            Self::PacketBurst => "4000",
            Self::ByteRate => "\"50 Mbit/s\"",
            Self::ByteBurst => "\"4 MiB\"",
            Self::AnyRate => "\"2000 packets/s\"",
            Self::Amount => "\"120 connections\"",
            Self::Text(example)
            | Self::AtOnce(example)
            | Self::Size { example, .. }
            | Self::Url(example)
            | Self::Texts(example)
            | Self::Duration { example, .. } => example,
        };
        text.to_owned()
    }
}
