//! Prefixes as operators write them.

use std::net::IpAddr;

use ipnet::IpNet;

/// Not a prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// Not written as one.
    #[error(
        "`{0}` is not a prefix; allowed: an IPv4 prefix of 0 to 32 bits, an IPv6 prefix of 0 to 128 bits, or an \
         address; write it like 192.0.2.0/24 or 2001:db8::/32"
    )]
    Unreadable(String),
    /// The address is within the prefix, not its first.
    #[error("{written} has host bits set; did you mean {meant}?")]
    HostBits {
        /// What was written.
        written: IpNet,
        /// The prefix around it.
        meant: IpNet,
    },
    /// An IPv4 address in IPv6 clothes, which no packet carries as its source.
    #[error(
        "{0} is an IPv4 address mapped into IPv6, which no packet carries; write the IPv4 address itself"
    )]
    Mapped(IpNet),
}

/// Reads a prefix; an address alone is the prefix of that one address.
///
/// # Errors
/// When the text is neither, or bits beyond the prefix are set.
pub fn parse_prefix(text: &str) -> Result<IpNet, PrefixError> {
    let written = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| PrefixError::Unreadable(text.to_owned()))?;
    if let IpNet::V6(prefix) = written
        && prefix.prefix_len() >= 96
        && prefix.addr().to_ipv4_mapped().is_some()
    {
        return Err(PrefixError::Mapped(written));
    }
    let meant = written.trunc();
    if meant == written { Ok(written) } else { Err(PrefixError::HostBits { written, meant }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        parse_prefix(text).unwrap_err().to_string()
    }

    #[test]
    fn an_address_is_a_prefix_of_one() {
        assert_eq!(parse_prefix("192.0.2.1").unwrap().to_string(), "192.0.2.1/32");
        assert_eq!(parse_prefix("2001:db8::1").unwrap().to_string(), "2001:db8::1/128");
        assert_eq!(parse_prefix("0.0.0.0/0").unwrap().to_string(), "0.0.0.0/0");
    }

    #[test]
    fn host_bits_are_refused_with_what_was_meant() {
        assert_eq!(message("192.0.2.1/24"), "192.0.2.1/24 has host bits set; did you mean 192.0.2.0/24?");
        assert_eq!(
            message("2001:db8::1/64"),
            "2001:db8::1/64 has host bits set; did you mean 2001:db8::/64?"
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0", "fe80::1%eth0", "10.0.0.0/-1", "example.org"] {
            assert!(matches!(parse_prefix(text), Err(PrefixError::Unreadable(_))), "{text}");
        }
        assert_eq!(
            message("::ffff:192.0.2.1"),
            "::ffff:192.0.2.1/128 is an IPv4 address mapped into IPv6, which no packet carries; write the IPv4 \
             address itself"
        );
    }
}
