//! Services, plans and their limits, as the compiler numbers them.
//!
//! A packet's port and its destination say which service it is for, its source says its plan, and both together which
//! limits count it. `crate::rules` goes that way.

use super::layout::shared;
use super::settings::Limit;

/// The most services, with number 0, which is no service. A power of two, so that a number is masked and never checked.
pub const MAX_SERVICES: u32 = 128;
/// The most plans, with number 0, which is no plan. A power of two.
pub const MAX_PLANS: u32 = 16;
/// The most limits that a service gives one plan.
pub const LIMITS_PER_RULE: usize = 4;
/// The most limits of all services and plans, with number 0, which is no limit. A power of two.
pub const MAX_LIMITS: u32 = 1 << 12;
/// The most ways in which services take ports. What two ports have in common is told once.
pub const PORT_CLASSES: u32 = 1 << 8;
/// The most ways in which services take destinations.
pub const DESTINATION_CLASSES: u32 = 1 << 8;
/// The most borders between destinations that services tell apart: two for each of their prefixes, at most. A power of two.
pub const MAX_BORDERS: u32 = 1 << 10;

/// Places of the table of ports: first those of TCP by number, then those of UDP, then the other protocols by number.
pub mod port_place {
    /// Of the first port of TCP.
    pub const TCP: u32 = 0;
    /// Of the first port of UDP.
    pub const UDP: u32 = 1 << 16;
    /// Of protocol 0.
    pub const PROTOCOLS: u32 = 1 << 17;
    /// How many there are, rounded up to a power of two.
    pub const PLACES: u32 = 1 << 18;
}

/// Numbers of services that stand for something else.
pub mod service {
    /// None: the limits of each source, where there are two of them.
    pub const NONE: u8 = 0;
    /// Later fragments.
    pub const FRAGMENTS: u8 = 127;
}

/// Numbers of limits that no service has.
pub mod limit_number {
    /// None.
    pub const NONE: u16 = 0;
    /// Of each source in packets.
    pub const SOURCE_PACKETS: u16 = 1;
    /// Of each source in bytes.
    pub const SOURCE_BYTES: u16 = 2;
    /// Of later fragments.
    pub const FRAGMENTS: u16 = 3;
    /// The first of a service.
    pub const SERVICES: u16 = 4;
}

/// Bits of [`super::Settings::rules`].
pub mod rules {
    /// There are services.
    pub const SERVICES: u8 = 1;
    /// Some services name destinations.
    pub const DESTINATIONS: u8 = 2;
    /// Each source has two limits. One alone is charged without a rule.
    pub const SOURCE: u8 = 4;
}

/// Values of [`LimitRow::unit`].
pub mod limit_unit {
    /// Every packet counts one.
    pub const PACKETS: u8 = 0;
    /// Every packet counts the bytes of its frame.
    pub const BYTES: u8 = 1;
    /// A TCP SYN without ACK counts one; the limit does not see other packets.
    pub const CONNECTIONS: u8 = 2;
    /// Every packet counts one, and is a later fragment.
    pub const FRAGMENTS: u8 = 3;
}

/// Values of [`LimitRow::key`].
pub mod limit_key {
    /// The source's address under the row's masks.
    pub const ADDRESS: u8 = 0;
    /// The source's country.
    pub const COUNTRY: u8 = 1;
    /// All sources of the service together.
    pub const SERVICE: u8 = 2;
}

/// Bits of [`LimitRow::flags`].
pub mod limit_flag {
    /// It only counts what it would drop.
    pub const MONITOR: u8 = 1;
    /// Userspace bans the source of what it drops.
    pub const BAN: u8 = 2;
}

shared! {
    /// Limits that count a packet, narrowest first; 0 where there are fewer.
    Rule = 8 bytes {
        /// Numbers of rows.
        limits: [u16; LIMITS_PER_RULE],
    }
}

impl Rule {
    /// No limits.
    pub const UNLIMITED: Self = Self { limits: [0; LIMITS_PER_RULE] };
}

shared! {
    /// What is known of a service before the plan of the source is.
    ServiceRow = 24 bytes {
        /// What the keys of its buckets are mixed with.
        salt: u64,
        /// The bits of an IPv6 source that tell the buckets of a wider key apart, of the first 64, in network order. The data
        /// path begins to load such a bucket early. Zeroes: there is no such limit.
        ipv6_key: [u8; 8],
        /// Likewise for IPv4.
        ipv4_key: [u8; 4],
        /// Zero.
        spare: [u8; 4],
    }
}

impl ServiceRow {
    /// No service.
    pub const NONE: Self = Self { salt: 0, ipv6_key: [0; 8], ipv4_key: [0; 4], spare: [0; 4] };

    /// As memory holds it, in words of the machine.
    #[must_use]
    pub const fn words(&self) -> [u64; 3] {
        let (v4, spare) = (self.ipv4_key, self.spare);
        let last = [v4[0], v4[1], v4[2], v4[3], spare[0], spare[1], spare[2], spare[3]];
        [self.salt, u64::from_ne_bytes(self.ipv6_key), u64::from_ne_bytes(last)]
    }
}

shared! {
    /// A bucket or a window, in the units of [`crate::limit`].
    Meter = 40 bytes {
        /// What one unit costs, and how much a full bucket holds or a window admits. In a window a unit costs one tick.
        limit: Limit,
        /// The length of the window, in ticks. Zero: a bucket.
        window: u64,
        /// Times this, shifted right by 64 and `shift`: divided by `window`.
        reciprocal: u64,
        /// See `reciprocal`.
        shift: u8,
        /// How many of a word's lower bits hold what the running window has admitted.
        count_bits: u8,
        /// What the window before admitted is kept in units of 2 to the power of this.
        quantum_bits: u8,
        /// Times are shifted right by this before they are weighed, so that products fit 64 bits.
        weight_shift: u8,
        /// One for a window that weighs the one before, else zero.
        sliding: u8,
        /// Zero.
        spare: [u8; 3],
    }
}

shared! {
    /// The destinations that services tell apart: the classes of the addresses between two borders. IPv4 addresses are
    /// those of `::ffff:0:0/96` (RFC 4291, 2.5.5.2).
    Destinations = 17_408 bytes {
        /// The upper halves of the borders, in order. Those that are not used have all bits set.
        high: [u64; MAX_BORDERS as usize],
        /// The lower halves.
        low: [u64; MAX_BORDERS as usize],
        /// Element n: the class of addresses that are not below n of the borders.
        classes: [u8; MAX_BORDERS as usize],
    }
}

shared! {
    /// One limit of one service and plan.
    LimitRow = 64 bytes {
        /// How it counts.
        meter: Meter,
        /// The bits of an IPv6 source that tell its buckets apart, of the first 64, in network order.
        ipv6_key: [u8; 8],
        /// Likewise for IPv4.
        ipv4_key: [u8; 4],
        /// Its buckets' class; see [`super::bucket_class`].
        class: u16,
        /// One of [`limit_unit`].
        unit: u8,
        /// One of [`limit_key`].
        key: u8,
        /// Bits of [`limit_flag`].
        flags: u8,
        /// Zero.
        spare: [u8; 7],
    }
}

impl Rule {
    /// As memory holds it, in a word of the machine.
    #[must_use]
    pub const fn word(&self) -> u64 {
        let [a, b, c, d] = self.limits;
        let (a, b, c, d) = (a.to_ne_bytes(), b.to_ne_bytes(), c.to_ne_bytes(), d.to_ne_bytes());
        u64::from_ne_bytes([a[0], a[1], b[0], b[1], c[0], c[1], d[0], d[1]])
    }
}

impl LimitRow {
    /// As memory holds it, in words of the machine.
    #[must_use]
    pub const fn words(&self) -> [u64; 8] {
        let Self { meter, ipv6_key, ipv4_key: v4, class, unit, key, flags, spare } = *self;
        let Meter {
            limit,
            window,
            reciprocal,
            shift,
            count_bits,
            quantum_bits,
            weight_shift,
            sliding,
            spare: zero,
        } = meter;
        let class = class.to_ne_bytes();
        [
            limit.cost,
            limit.burst,
            window,
            reciprocal,
            u64::from_ne_bytes([
                shift,
                count_bits,
                quantum_bits,
                weight_shift,
                sliding,
                zero[0],
                zero[1],
                zero[2],
            ]),
            u64::from_ne_bytes(ipv6_key),
            u64::from_ne_bytes([v4[0], v4[1], v4[2], v4[3], class[0], class[1], unit, key]),
            u64::from_ne_bytes([flags, spare[0], spare[1], spare[2], spare[3], spare[4], spare[5], spare[6]]),
        ]
    }
}
