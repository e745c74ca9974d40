//! Which source a frame gets.

/// The number of slots; a power of two, so that an index is masked and never checked.
pub(crate) const PATTERNS: u32 = 1024;

/// Sixteen bytes that are fixed, then sixteen whose set bits are drawn anew for each frame. IPv4 uses the first four of
/// each.
pub(crate) type Pattern = [u8; 32];

/// An IPv4 source inside the pattern. Where the whole first octet is random, it is never one that no host has as its
/// source: zero, loopback, multicast or reserved.
#[inline(always)]
pub(crate) fn ipv4(pattern: &Pattern, mut random: impl FnMut() -> u32) -> [u8; 4] {
    let mut source = word(pattern, 0, random());
    let anything = pattern[16] == u8::MAX;
    if anything && (source[0] == 0 || source[0] == 127 || source[0] >= 224) {
        source[0] = 32 | source[0] & 31;
    }
    source
}

/// An IPv6 source inside the pattern.
#[inline(always)]
pub(crate) fn ipv6(pattern: &Pattern, mut random: impl FnMut() -> u32) -> [u8; 16] {
    let [a, b, c, d] = [0, 4, 8, 12].map(|at| u32::from_ne_bytes(word(pattern, at, random())));
    let mut source = [0; 16];
    source[..4].copy_from_slice(&a.to_ne_bytes());
    source[4..8].copy_from_slice(&b.to_ne_bytes());
    source[8..12].copy_from_slice(&c.to_ne_bytes());
    source[12..].copy_from_slice(&d.to_ne_bytes());
    source
}

#[inline(always)]
fn word(pattern: &Pattern, at: usize, random: u32) -> [u8; 4] {
    let fixed = u32::from_ne_bytes([pattern[at], pattern[at + 1], pattern[at + 2], pattern[at + 3]]);
    let mask = u32::from_ne_bytes([pattern[at + 16], pattern[at + 17], pattern[at + 18], pattern[at + 19]]);
    (fixed | random & mask).to_ne_bytes()
}
