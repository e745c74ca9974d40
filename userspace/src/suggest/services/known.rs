//! What ports are usually called.

const TCP: [(u16, &str); 16] = [
    (22, "ssh"),
    (25, "smtp"),
    (53, "dns-tcp"),
    (80, "http"),
    (143, "imap"),
    (443, "https"),
    (465, "smtps"),
    (587, "submission"),
    (853, "dns-tls"),
    (993, "imaps"),
    (1_883, "mqtt"),
    (3_306, "mysql"),
    (5_432, "postgres"),
    (6_379, "redis"),
    (8_080, "http-alt"),
    (8_443, "https-alt"),
];
const UDP: [(u16, &str); 7] = [
    (53, "dns"),
    (123, "ntp"),
    (161, "snmp"),
    (443, "http3"),
    (500, "ike"),
    (4_500, "ipsec-nat"),
    (51_820, "wireguard"),
];

/// A name for the policy, different for each port.
pub(super) fn name(is_tcp: bool, port: u16) -> String {
    let known = if is_tcp { TCP.as_slice() } else { &UDP };
    let found = known.iter().find(|(known, _)| *known == port);
    let protocol = if is_tcp { "tcp" } else { "udp" };
    found.map_or_else(|| format!("{protocol}-{port}"), |(_, name)| (*name).to_owned())
}
