//! The halves of a word.

/// The lower half: the key in a slot of an IPv4 table.
#[inline(always)]
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "that is what is asked for")]
pub const fn lower_half(word: u64) -> u32 {
    word as u32
}

/// The upper half: the end in a slot of an IPv4 table.
#[inline(always)]
#[must_use]
pub const fn upper_half(word: u64) -> u32 {
    lower_half(word >> 32)
}

/// A word of two halves.
#[inline(always)]
#[must_use]
pub const fn halves(upper: u32, lower: u32) -> u64 {
    (upper as u64) << 32 | lower as u64
}
