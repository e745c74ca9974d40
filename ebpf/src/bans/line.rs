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

/// The first of `slots` slots whose key differs from the wanted one by zero, or `slots`. `difference` is below 2^63. Compared
/// without branches: each would be a state of its own for the verifier, and a guess for the processor.
#[inline(always)]
pub(super) fn first_equal(slots: usize, difference: impl Fn(usize) -> u64) -> usize {
    let mut none_yet = u64::MAX;
    let mut before = 0;
    let mut slot = 0;
    while slot < slots {
        // Negated, all but zero have their uppermost bit set.
        none_yet &= difference(slot).wrapping_neg();
        before += none_yet >> 63;
        slot += 1;
    }
    before as usize
}
