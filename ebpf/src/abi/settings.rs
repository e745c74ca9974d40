//! What one generation of the policy says beside its prefixes.

use super::access::AccessRows;
use super::layout::shared;

/// The most management ports.
pub const MAX_MANAGEMENT_PORTS: usize = 8;
/// The most UDP ports on which the host serves.
pub const MAX_UDP_SERVICES: usize = 16;

/// Values of [`Settings::default_action`].
pub mod action {
    /// Let the packet go on.
    pub const PASS: u8 = 0;
    /// Drop it.
    pub const DROP: u8 = 1;
}

/// Values of [`Settings::fragments`]: what happens to a fragment that is not the first.
pub mod fragments {
    /// It passes.
    pub const PASS: u8 = 0;
    /// It is dropped.
    pub const DROP: u8 = 1;
    /// It has a limit of its own per source.
    pub const LIMIT: u8 = 2;
}

/// Bits of [`Settings::modes`].
pub mod mode {
    /// The limits per source only count what they would drop.
    pub const MONITOR_LIMITS: u8 = 1;
    /// The rule for later fragments only counts what it would drop.
    pub const MONITOR_FRAGMENTS: u8 = 2;
}

/// Values of the address family where it crosses.
pub mod family {
    /// Not an IP packet.
    pub const NONE: u8 = 0;
    /// IPv4; the address is in the first 4 of 16 bytes.
    pub const IPV4: u8 = 4;
    /// IPv6.
    pub const IPV6: u8 = 6;
}

shared! {
    /// One rate, in the units of [`crate::limit`]: the kernel divides nothing.
    Limit = 16 bytes {
        /// The time that one unit (a packet, a byte) costs, in ticks with 16 fractional bits. Zero: no limit.
        cost: u64,
        /// The time that a full bucket holds, in ticks.
        burst: u64,
    }
}

shared! {
    /// The limits of one source.
    SourceLimits = 32 bytes {
        /// In packets.
        packets: Limit,
        /// In bytes of the frame, without preamble and checksum.
        bytes: Limit,
    }
}

shared! {
    /// How many sampled events one CPU may write, as a token bucket.
    EventBudget = 16 bytes {
        /// The time that one event costs, in ticks.
        cost: u64,
        /// The time that a full bucket holds, in ticks. Zero: no events.
        burst: u64,
    }
}

shared! {
    /// What one generation says beside its prefixes.
    Settings = 3208 bytes {
        /// The number of this generation.
        generation: u64,
        /// The limits of each source.
        source: SourceLimits,
        /// The budget of sampled events.
        events: EventBudget,
        /// The bits of an IPv4 source that tell buckets apart, in network order.
        ipv4_key: [u8; 4],
        /// Zero.
        reserved: [u8; 4],
        /// Likewise for IPv6.
        ipv6_key: [u8; 16],
        /// TCP and UDP ports that are never dropped from management prefixes, in network order, unused ones zero.
        management_ports: [[u8; 2]; MAX_MANAGEMENT_PORTS],
        /// UDP ports on which the host serves, in network order, unused ones zero.
        udp_services: [[u8; 2]; MAX_UDP_SERVICES],
        /// One of [`action`].
        default_action: u8,
        /// One of [`fragments`].
        fragments: u8,
        /// Bits of [`mode`].
        modes: u8,
        /// Bits of [`super::rules`].
        rules: u8,
        /// Zero.
        spare: [u8; 4],
        /// Who may reach which service.
        access: AccessRows,
    }
}
