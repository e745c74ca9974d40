//! Who may reach a service: which lists and which country rule hold for its packets.

use super::layout::shared;
use super::limit::MAX_SERVICES;

/// The most country rules: one bit each in [`super::AttributeSet::denied`].
pub const MAX_COUNTRY_RULES: usize = 16;

/// Bits of [`Access::flags`].
pub mod access_flag {
    /// The country rule only counts what it would drop.
    pub const COUNTRY_MONITOR: u8 = 1;
    /// The country rule applies to every packet, not only to those that start something.
    pub const COUNTRY_ALL: u8 = 2;
    /// A UDP packet to the service starts something.
    pub const UDP_STARTS: u8 = 4;
}

shared! {
    /// What holds for the packets of one service.
    Access = 24 bytes {
        /// Bit n: list n drops.
        lists_enforced: u64,
        /// Bit n: list n only counts what it would drop. No bit is in both.
        lists_monitored: u64,
        /// The bit of its country rule in [`super::AttributeSet::denied`]. Zero: there is none.
        country: u16,
        /// Bits of [`access_flag`].
        flags: u8,
        /// Zero.
        spare: [u8; 5],
    }
}

impl Access {
    /// Whoever it is may.
    pub const OPEN: Self =
        Self { lists_enforced: 0, lists_monitored: 0, country: 0, flags: 0, spare: [0; 5] };

    /// Whether all bits of `flag` are set.
    #[inline(always)]
    #[must_use]
    pub const fn has(&self, flag: u8) -> bool {
        self.flags & flag == flag
    }
}

/// By the number of the service. The first is that of packets of no service.
pub type AccessRows = [Access; MAX_SERVICES as usize];
