//! Prefixes as keys: the bits of the prefix, then a one, then zeroes. No two prefixes of different lengths have the same.
//!
//! `marker` is that one. Its place is also the place of the length in the words of lengths in use, so that neither side
//! needs the number of the length.

/// The key of the prefix around an IPv4 address that ends before `marker`.
#[inline(always)]
#[must_use]
pub const fn prefix_key_ipv4(address: u32, marker: u32) -> u32 {
    address & (marker << 1).wrapping_neg() | marker
}

/// Likewise for 64 bits of an IPv6 address: the first 64, the others being zero, or the last, the first being whole.
#[inline(always)]
#[must_use]
pub const fn prefix_key_ipv6(half: u64, marker: u64) -> u64 {
    half & (marker << 1).wrapping_neg() | marker
}

/// The first and the last 64 bits of an IPv6 address or key.
#[inline(always)]
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "that is what is asked for")]
pub const fn halves_ipv6(address: u128) -> (u64, u64) {
    ((address >> u64::BITS) as u64, address as u64)
}
