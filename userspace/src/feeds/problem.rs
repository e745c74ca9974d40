//! What can be wrong with a line of a list.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why a line of a list was refused, and what to write in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// Nothing that xdpgate knows.
    #[error("not an address, a prefix (10.0.0.0/8) or a range (10.0.0.1-10.0.0.9)")]
    NotAnAddress,
    /// A name.
    #[error("a host name; lists hold addresses only, and names are never looked up")]
    HostName,
    /// Letters or digits beyond ASCII, or bytes that are no text.
    #[error("holds characters beyond plain ASCII; retype the address by hand")]
    NotAscii,
    /// Something follows the entry.
    #[error("text follows the entry; write one entry on a line, and start a comment with #")]
    TrailingText,
    /// Some addresses out of four numbers.
    #[error("an IPv4 address has four numbers; write all of them")]
    IncompleteIpv4,
    /// A number over 255.
    #[error("a number of an IPv4 address goes up to 255")]
    OctetTooBig,
    /// A number that some programs read as octal.
    #[error("a number with a leading zero, which some programs read as octal; write it without the zero")]
    LeadingZero,
    /// A service, not a source.
    #[error("an address with a port or brackets; write the address alone: {address}")]
    Port {
        /// The address alone.
        address: IpAddr,
    },
    /// A scoped address.
    #[error("an address with a zone; write it without the % and what follows")]
    Zone,
    /// An IPv4 address in IPv6 dress.
    #[error("an IPv4-mapped IPv6 address, which no packet carries as its source; write {instead}")]
    Mapped {
        /// The IPv4 entry.
        instead: String,
    },
    /// What follows the slash is not a number.
    #[error("the prefix length after the / is not a plain number")]
    BadLength,
    /// What follows the slash is too much.
    #[error("the prefix length goes up to {longest}")]
    LengthTooLong {
        /// The longest prefix of the family.
        longest: u32,
    },
    /// A netmask after the slash.
    #[error("a netmask; write the prefix length: /{length}")]
    Netmask {
        /// The length that the mask has.
        length: u32,
    },
    /// The address is not the first one of its prefix.
    #[error("host bits are set; write {network}/{length} for the network, or {address} for the one address")]
    HostBits {
        /// The first address of the prefix.
        network: IpAddr,
        /// The length of the prefix.
        length: u8,
        /// The address as written.
        address: IpAddr,
    },
    /// The range ends before it starts.
    #[error("the range ends before it starts; write {last}-{first} if that is meant")]
    Reversed {
        /// As written.
        first: IpAddr,
        /// As written.
        last: IpAddr,
    },
    /// From one family to the other.
    #[error("a range from one address family to the other; both ends must be IPv4, or both IPv6")]
    MixedFamilies,
    /// A column without a value.
    #[error("the field with the address is empty")]
    EmptyField,
    /// An object or a line without the value.
    #[error("has no {name}")]
    MissingField {
        /// Where the address should be.
        name: String,
    },
    /// A line of the right file that is not as the format has it.
    #[error("{expected}")]
    Form {
        /// How it should be.
        expected: &'static str,
    },
    /// A set of something else than addresses.
    #[error("{kind}: no source alone; xdpgate takes sets of addresses and prefixes only")]
    NotASource {
        /// What the set holds.
        kind: String,
    },
    /// An element of a set that takes addresses out of it.
    #[error(
        "an exception (nomatch), which a list can't hold; leave it out, and name it in a list under `except`"
    )]
    Exception,
    /// A time that can't be read, where it matters.
    #[error("the timeout is not a number of seconds above 0")]
    Timeout,
    /// More addresses than there are.
    #[error("the count goes beyond the last address")]
    TooMany,
    /// Not the number of an autonomous system.
    #[error("the number of an autonomous system goes from 1 to 4294967295")]
    System,
    /// The whole family.
    #[error("covers every {family} address, and would shut out the whole {family} internet; remove it")]
    Everything {
        /// `IPv4` or `IPv6`.
        family: &'static str,
    },
}

/// Says what is wrong with a text that is not an address. Slow, and only for refused lines.
pub(super) fn diagnose(text: &str) -> LineProblem {
    if !text.is_ascii() {
        return LineProblem::NotAscii;
    }
    if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        return LineProblem::TrailingText;
    }
    if let Some(address) = without_port(text) {
        return LineProblem::Port { address };
    }
    if text.split_once('%').is_some_and(|(address, _)| address.parse::<Ipv6Addr>().is_ok()) {
        return LineProblem::Zone;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text.contains('.') {
        return diagnose_dotted(text);
    }
    if looks_like_a_name(text) {
        return LineProblem::HostName;
    }
    LineProblem::NotAnAddress
}

fn without_port(text: &str) -> Option<IpAddr> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, _) = bracketed.split_once(']')?;
        return address.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let (address, _) = text.split_once(':')?;
    address.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
}

fn diagnose_dotted(text: &str) -> LineProblem {
    let numbers: Vec<&str> = text.split('.').filter(|number| !number.is_empty()).collect();
    if numbers.len() < 4 {
        return LineProblem::IncompleteIpv4;
    }
    if numbers.iter().any(|number| number.len() > 1 && number.starts_with('0')) {
        return LineProblem::LeadingZero;
    }
    if numbers.iter().any(|number| number.parse::<u8>().is_err()) {
        return LineProblem::OctetTooBig;
    }
    LineProblem::NotAnAddress
}

fn looks_like_a_name(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'));
    plain && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}
