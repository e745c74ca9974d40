//! The words that steer the data path, and the table of guarded interfaces.

use super::layout::shared;

/// Indexes of the `CONTROL` array. Each is one 8-byte word, so that a change is one store and no packet sees half.
pub mod control {
    /// The number of the live generation; its lowest bit names the slot that holds it. Zero: nothing was loaded yet.
    pub const LIVE_GENERATION: u32 = 0;
    /// Not zero while an operator's `pause` is in force.
    pub const PAUSED: u32 = 1;
    /// How many prefix bans there are; the data path skips their table while it is zero.
    pub const PREFIX_BANS: u32 = 2;
    /// The number of words.
    pub const WORDS: u32 = 4;
}

/// The most interfaces that one daemon guards.
pub const MAX_INTERFACES: u32 = 64;

/// How a program is attached, as stored in [`InterfaceRow::mode`].
pub mod interface_mode {
    /// In the driver, before an skb exists.
    pub const NATIVE: u32 = 1;
    /// In the network stack, after the driver has built the skb.
    pub const GENERIC: u32 = 2;
}

shared! {
    /// One guarded interface. Its index in the table is the slot of its counters.
    InterfaceRow = 24 bytes {
        /// The name, padded with zeroes (`IFNAMSIZ` is 16). All zeroes: the slot is free.
        name: [u8; 16],
        /// The kernel's index of the interface when it was attached.
        ifindex: u32,
        /// One of [`interface_mode`].
        mode: u32,
    }
}
