use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `RTF_UP | RTF_GATEWAY` of include/uapi/linux/route.h.
const UP_AND_GATEWAY: u32 = 3;

/// The gateways of default routes, in the text of `/proc/net/route`.
pub(super) fn gateways_ipv4(text: &str) -> Vec<IpAddr> {
    let gateway = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let number = |at: usize| u32::from_str_radix(fields.get(at)?, 16).ok();
        let (destination, gateway, flags, mask) = (number(1)?, number(2)?, number(3)?, number(7)?);
        let is_default = destination == 0 && mask == 0 && flags & UP_AND_GATEWAY == UP_AND_GATEWAY;
        // In the machine's order.
        is_default.then(|| IpAddr::from(Ipv4Addr::from(gateway.to_ne_bytes())))
    };
    text.lines().skip(1).filter_map(gateway).collect()
}

/// Likewise, in the text of `/proc/net/ipv6_route`.
pub(super) fn gateways_ipv6(text: &str) -> Vec<IpAddr> {
    let gateway = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let address = |at: usize| u128::from_str_radix(fields.get(at)?, 16).ok();
        let number = |at: usize| u32::from_str_radix(fields.get(at)?, 16).ok();
        let is_default = address(0)? == 0 && number(1)? == 0 && number(8)? & UP_AND_GATEWAY == UP_AND_GATEWAY;
        is_default.then(|| address(4)).flatten().map(|address| IpAddr::from(Ipv6Addr::from_bits(address)))
    };
    text.lines().filter_map(gateway).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn only_default_routes_with_a_gateway_count() {
        let text = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
eth1\t0000000A\t0100000A\t0003\t0\t0\t0\t000000FF\t0\t0\t0
tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
";
        assert_eq!(gateways_ipv4(text), ["192.0.2.1".parse::<IpAddr>().unwrap()]);
        assert!(gateways_ipv4("").is_empty());
    }

    #[test]
    fn ipv6_likewise() {
        let zero = "0".repeat(32);
        let gateway = "fe800000000000000000000000000001";
        let text = format!(
            "{zero} 00 {zero} 00 {gateway} 00000400 00000003 00000000 00000003     eth0\n\
             20010db8000000000000000000000000 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001     eth0\n\
             {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n"
        );
        assert_eq!(gateways_ipv6(&text), ["fe80::1".parse::<IpAddr>().unwrap()]);
        assert!(gateways_ipv6("rubbish").is_empty());
    }
}
