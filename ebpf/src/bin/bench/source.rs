//! Which source the next frame gets. The same sequence for every program that is measured: it follows from the plan and
//! the frame's number alone.

/// Values of the first word of a [`Plan`].
pub(crate) mod kind {
    /// Each frame draws one of so many sources.
    pub(crate) const DRAW: u64 = 1;
    /// So many sources take turns.
    pub(crate) const WALK: u64 = 2;
    /// Every frame has a source that no frame had before, for the first 2^32 frames.
    pub(crate) const NEW: u64 = 3;
    /// Likewise, and each source has two frames.
    pub(crate) const TWICE: u64 = 4;
    /// The sources of a list take turns.
    pub(crate) const LISTED: u64 = 5;
}

/// What to do, how many sources, the seed (32 bits), and zero. All zeroes: the frame keeps the source that it has.
pub(crate) type Plan = [u64; 4];

/// Room for the sources of a list; a power of two, so that an index is masked and never checked.
pub(crate) const LIST: u64 = 1 << 20;

/// The place in the list of the source of frame `number`, where the plan has one.
#[inline(always)]
pub(crate) fn place(plan: &Plan, number: u64) -> Option<u32> {
    (plan[0] == kind::LISTED).then_some((number & (LIST - 1)) as u32)
}

/// The number of the source of frame `number`; `None`: the frame keeps its own.
#[inline(always)]
pub(crate) fn number(plan: &Plan, number: u64) -> Option<u32> {
    let [kind, count, seed, _] = *plan;
    let frame = number as u32;
    let index = match kind {
        kind::DRAW => ((u64::from(mix(frame ^ DRAWS)) * count) >> 32) as u32,
        // Not `%`: its panic on zero is code that the verifier refuses.
        kind::WALK => number.checked_rem(count)? as u32,
        kind::NEW => frame,
        kind::TWICE => (number >> 1) as u32,
        _ => return None,
    };
    Some(index ^ seed as u32)
}

/// The IPv4 address of a source: another one for each number.
#[inline(always)]
pub(crate) fn ipv4(source: u32) -> [u8; 4] {
    mix(source).to_ne_bytes()
}

/// The first half of a source's IPv6 address: global unicast, another one for each number.
#[inline(always)]
pub(crate) fn ipv6(source: u32) -> [u8; 8] {
    let [a, b, c, d] = mix(source).to_ne_bytes();
    let [e, f, g, h] = mix(source ^ SECOND_HALF).to_ne_bytes();
    [a & 0x1f | 0x20, b, c, d, e, f, g, h]
}

/// So that neither the draws nor the second half repeat the first.
const DRAWS: u32 = 0x5bd1_e995;
const SECOND_HALF: u32 = 0x9747_b28c;

/// A bijection of 32 bits whose output looks random (Wellons, hash-prospector, "lowbias32").
#[inline(always)]
const fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ x >> 16
}
