//! One line of a list.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::problem::{LineProblem, diagnose};
use super::range::{Address, Range};

/// What one line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// IPv4 addresses.
    Ipv4(Range<u32>),
    /// IPv6 addresses.
    Ipv6(Range<u128>),
}

impl Entry {
    /// Whether the entry covers the address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::Ipv4(range), IpAddr::V4(ip)) => range.contains(ip.to_bits()),
            (Self::Ipv6(range), IpAddr::V6(ip)) => range.contains(ip.to_bits()),
            (Self::Ipv4(_), IpAddr::V6(_)) | (Self::Ipv6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// As the plain format has it: an address, a prefix, or a range where it is none of them.
impl fmt::Display for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4(range) => write_range(*range, formatter),
            Self::Ipv6(range) => write_range(*range, formatter),
        }
    }
}

fn write_range<A: Address>(range: Range<A>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let length = range.first.widest_prefix(range.last);
    if range.first.prefix_end(length) != range.last {
        return write!(formatter, "{range}");
    }
    if length == A::WIDTH {
        return write!(formatter, "{}", range.first.to_ip());
    }
    write!(formatter, "{}/{length}", range.first.to_ip())
}

/// Reads one line: an address, a prefix (`10.0.0.0/8`) or a range (`10.0.0.1-10.0.0.9`), with an optional comment that
/// starts with `#` or `;`. A line that holds nothing else is `None`.
///
/// # Errors
///
/// What is wrong with the line.
pub fn parse_line(line: &[u8]) -> Result<Option<Entry>, LineProblem> {
    let entry = without_comment(line);
    if entry.is_empty() {
        return Ok(None);
    }
    let Ok(text) = str::from_utf8(entry) else { return Err(LineProblem::NotAscii) };
    parse_entry(text).map(Some)
}

/// The line without its comment and without white space around it, a carriage return included.
pub(super) fn without_comment(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| matches!(byte, b'#' | b';')).unwrap_or(line.len());
    line.get(..end).unwrap_or(line).trim_ascii()
}

/// What follows the `#` or `;` of a line.
pub(super) fn comment(line: &[u8]) -> Option<&[u8]> {
    let start = line.iter().position(|byte| matches!(byte, b'#' | b';'))?;
    Some(line.get(start + 1..)?.trim_ascii()).filter(|comment| !comment.is_empty())
}

/// The first line of a text without its end, and how many bytes it takes with it. Old Macs end lines with a carriage return,
/// and a list that was put together from several may have all kinds of ends.
pub(super) fn first_line(text: &[u8]) -> (&[u8], usize) {
    let Some(end) = text.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
        return (text, text.len());
    };
    let (line, rest) = text.split_at(end);
    (line, end + if rest.starts_with(b"\r\n") { 2 } else { 1 })
}

/// Reads an address, a prefix or a range that stands alone.
pub(super) fn parse_entry(text: &str) -> Result<Entry, LineProblem> {
    match text.bytes().find(|byte| matches!(byte, b'/' | b'-')) {
        None => single(text),
        Some(b'/') => text.split_once('/').map_or(Err(LineProblem::NotAnAddress), prefix),
        Some(_) => text.split_once('-').map_or(Err(LineProblem::NotAnAddress), range),
    }
}

fn single(text: &str) -> Result<Entry, LineProblem> {
    match parse_address(text)? {
        IpAddr::V4(ip) => Ok(Entry::Ipv4(Range::single(ip.to_bits()))),
        IpAddr::V6(ip) => {
            refuse_mapped(ip, |ipv4| ipv4.to_string())?;
            Ok(Entry::Ipv6(Range::single(ip.to_bits())))
        }
    }
}

fn prefix((address, length): (&str, &str)) -> Result<Entry, LineProblem> {
    match parse_address(address)? {
        IpAddr::V4(ip) => {
            let length = parse_length(length, u32::BITS)?;
            prefix_range(ip.to_bits(), length).map(Entry::Ipv4)
        }
        IpAddr::V6(ip) => {
            let length = parse_length(length, u128::BITS)?;
            if let Some(ipv4_length) = length.checked_sub(96) {
                refuse_mapped(ip, |ipv4| format!("{ipv4}/{ipv4_length}"))?;
            }
            prefix_range(ip.to_bits(), length).map(Entry::Ipv6)
        }
    }
}

fn range((first, last): (&str, &str)) -> Result<Entry, LineProblem> {
    match (parse_address(first.trim_ascii())?, parse_address(last.trim_ascii())?) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            ordered_range(first.to_bits(), last.to_bits()).map(Entry::Ipv4)
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            refuse_mapped(first, |ipv4| ipv4.to_string())?;
            refuse_mapped(last, |ipv4| ipv4.to_string())?;
            ordered_range(first.to_bits(), last.to_bits()).map(Entry::Ipv6)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Err(LineProblem::MixedFamilies),
    }
}

pub(super) fn parse_address(text: &str) -> Result<IpAddr, LineProblem> {
    let address = if text.as_bytes().contains(&b':') {
        text.parse::<Ipv6Addr>().map(IpAddr::V6)
    } else {
        text.parse::<Ipv4Addr>().map(IpAddr::V4)
    };
    address.map_err(|_| diagnose(text))
}

/// A packet carries such an address as IPv4, so the entry would never match.
fn refuse_mapped(address: Ipv6Addr, instead: impl FnOnce(Ipv4Addr) -> String) -> Result<(), LineProblem> {
    match address.to_ipv4_mapped() {
        Some(ipv4) => Err(LineProblem::Mapped { instead: instead(ipv4) }),
        None => Ok(()),
    }
}

fn parse_length(text: &str, longest: u32) -> Result<u8, LineProblem> {
    // `u8::from_str` takes a leading `+`, and leading zeroes.
    let plain = text == "0" || (!text.starts_with(['0', '+']) && !text.is_empty());
    match text.parse::<u8>() {
        Ok(length) if plain && u32::from(length) <= longest => Ok(length),
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) && plain => {
            Err(LineProblem::LengthTooLong { longest })
        }
        _ => {
            Err(netmask_length(text).map_or(LineProblem::BadLength, |length| LineProblem::Netmask { length }))
        }
    }
}

/// A prefix out of an address and a length that stand apart.
pub(super) fn parse_prefix(address: &str, length: &str) -> Result<Entry, LineProblem> {
    prefix((address, length))
}

/// A range out of two addresses that stand apart.
pub(super) fn parse_range(first: &str, last: &str) -> Result<Entry, LineProblem> {
    range((first, last))
}

fn netmask_length(text: &str) -> Option<u32> {
    let mask = text.parse::<Ipv4Addr>().ok()?.to_bits();
    let length = mask.leading_ones();
    (mask.count_ones() == length).then_some(length)
}

fn prefix_range<A: Address>(address: A, length: u8) -> Result<Range<A>, LineProblem> {
    let range = Range::prefix(address, length);
    if range == Range::ALL {
        return Err(LineProblem::Everything { family: family_name::<A>() });
    }
    if range.first != address {
        return Err(LineProblem::HostBits { network: range.first.to_ip(), length, address: address.to_ip() });
    }
    Ok(range)
}

fn ordered_range<A: Address>(first: A, last: A) -> Result<Range<A>, LineProblem> {
    match Range::new(first, last) {
        None => Err(LineProblem::Reversed { first: first.to_ip(), last: last.to_ip() }),
        Some(range) if range == Range::ALL => Err(LineProblem::Everything { family: family_name::<A>() }),
        Some(range) => Ok(range),
    }
}

fn family_name<A: Address>() -> &'static str {
    if u32::from(A::WIDTH) == u32::BITS { "IPv4" } else { "IPv6" }
}

#[cfg(test)]
mod tests;
