use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The name servers, in the text of `/etc/resolv.conf`.
pub(super) fn resolvers(text: &str) -> Vec<IpAddr> {
    let resolver = |line: &str| {
        let address = line.trim().strip_prefix("nameserver")?.trim();
        // A link-local address may name its interface.
        address.split('%').next()?.parse().ok()
    };
    text.lines().filter_map(resolver).collect()
}

/// The host's own addresses, in the text of `/proc/net/fib_trie`.
pub(super) fn own_ipv4(text: &str) -> Vec<IpAddr> {
    let mut last = None;
    let mut own = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL" {
            own.extend(last.map(IpAddr::from));
        }
    }
    own
}

/// Likewise, in the text of `/proc/net/if_inet6`.
pub(super) fn own_ipv6(text: &str) -> Vec<IpAddr> {
    let address = |line: &str| u128::from_str_radix(line.split_ascii_whitespace().next()?, 16).ok();
    text.lines().filter_map(address).map(|address| IpAddr::from(Ipv6Addr::from_bits(address))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn resolvers_are_read() {
        let text = "# by hand\nsearch example.org\nnameserver 192.0.2.53\n nameserver\t2001:db8::53\n\
                    nameserver fe80::1%eth0\nnameserver nonsense\noptions edns0\n";
        assert_eq!(resolvers(text), addresses(&["192.0.2.53", "2001:db8::53", "fe80::1"]));
    }

    #[test]
    fn own_addresses_are_read() {
        let trie = "Local:\n  +-- 0.0.0.0/0 3 0 5\n     +-- 192.0.2.0/24 2 0 2\n        |-- 192.0.2.0\n           /24 link UNICAST\n\
                    \x20       |-- 192.0.2.2\n           /32 host LOCAL\n        |-- 192.0.2.255\n           /32 link BROADCAST\n";
        assert_eq!(own_ipv4(trie), addresses(&["192.0.2.2"]));
        let inet6 = "20010db8000000000000000000000002 02 40 00 80     eth0\nrubbish 02 40 20 80 eth0\n";
        assert_eq!(own_ipv6(inet6), addresses(&["2001:db8::2"]), "a line that is no address is left out");
    }
}
