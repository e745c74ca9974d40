//! Link types: what a packet of a capture begins with. The numbers are those of the registry of tcpdump.

/// A link whose packets xdpgate can judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Ethernet frames.
    Ethernet,
    /// Linux cooked: 16 bytes, then the packet of the network layer.
    Cooked,
    /// Linux cooked, second version: 20 bytes.
    CookedTwo,
    /// IPv4 or IPv6, as its first four bits say.
    Ip,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Link {
    /// The link of a number, if it is one of these.
    #[must_use]
    pub const fn of_number(number: u16) -> Option<Self> {
        Some(match number {
            1 => Self::Ethernet,
            113 => Self::Cooked,
            276 => Self::CookedTwo,
            // 12 and 14 are what the kinds of BSD call 101.
            12 | 14 | 101 => Self::Ip,
            228 => Self::Ipv4,
            229 => Self::Ipv6,
            _ => return None,
        })
    }
}

/// The name of a link type, as far as operators meet it.
#[must_use]
pub const fn link_name(number: u16) -> &'static str {
    match number {
        0 => "BSD loopback",
        1 => "Ethernet",
        9 => "PPP",
        12 | 14 | 101 => "raw IP",
        50 => "PPP in HDLC",
        51 => "PPP over Ethernet",
        105 => "Wi-Fi",
        108 => "OpenBSD loopback",
        113 => "Linux cooked",
        127 => "Wi-Fi with radiotap",
        163 => "Wi-Fi with AVS",
        187 | 201 => "Bluetooth",
        189 | 220 | 249 => "USB",
        192 => "PPI",
        195 | 230 => "IEEE 802.15.4",
        227 => "CAN",
        228 => "raw IPv4",
        229 => "raw IPv6",
        239 => "Linux netfilter log",
        252 => "Wireshark upper PDU",
        253 => "Linux netlink",
        276 => "Linux cooked, version 2",
        _ => "without a name here",
    }
}
