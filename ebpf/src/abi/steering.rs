//! The words that steer the data path, and the table of guarded interfaces.

use super::layout::shared;

/// Indexes of the words in the one value of `CONTROL`. Each is 8 aligned bytes that userspace stores at once, so that no
/// packet sees half of a change.
pub mod control {
    /// The number of the live generation; its lowest bit names the slot that holds it. Zero: nothing was loaded yet.
    pub const LIVE_GENERATION: usize = 0;
    /// Not zero while an operator's `pause` is in force.
    pub const PAUSED: usize = 1;
    /// Drawn when the tables are made: nobody outside can aim at one set of buckets or one line of bans.
    pub const HASH_SEED: usize = 2;
    /// The number of sets of buckets, as a power of two.
    pub const BUCKET_BITS: usize = 3;
    /// The first of the words that belong to the bans; see [`crate::abi::ban_word`].
    pub const BANS: usize = 4;
    /// The time, in nanoseconds of `CLOCK_MONOTONIC`, from which on the generation before the live one is in force again,
    /// unless an operator has confirmed the live one. Its lowest bit is that of the generation that it ends. Zero: no such time.
    pub const RETURN_AT: usize = 12;
    /// Always zero.
    pub const ZERO: usize = 15;
    /// The number of words: two lines of cache.
    pub const WORDS: usize = 16;
}

/// All words of `CONTROL`.
pub type Control = [u64; control::WORDS];

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
