//! What the policy knows about a source: one small set of attributes that many prefixes share.

use super::layout::shared;

/// The most different sets in one generation. A leaf of the prefix tables is the index of a set.
pub const MAX_ATTRIBUTE_SETS: u32 = 1 << 16;
/// The most blocklists: one bit each in [`AttributeSet::lists`].
pub const MAX_LISTS: usize = 64;

/// Bits of [`AttributeSet::flags`].
pub mod attribute {
    /// On the allowlist.
    pub const ALLOWED: u16 = 1;
    /// In a management prefix.
    pub const MANAGEMENT: u16 = 2;
}

shared! {
    /// What is known about a source. Set 0 of a generation holds for a source that no prefix covers.
    AttributeSet = 16 bytes {
        /// Bit n: on list n.
        lists: u64,
        /// Bits of [`attribute`].
        flags: u16,
        /// ISO 3166-1 alpha-2, or zeroes where it is not known or no rule needs it. Whoever is denied has the code of a country,
        /// unless it is for having none.
        country: [u8; 2],
        /// Bit n: country rule n denies it.
        denied: u16,
        /// The source's plan; zero: none.
        plan: u8,
        /// Zero.
        spare: u8,
    }
}

impl AttributeSet {
    /// A source of which nothing is known.
    pub const EMPTY: Self = Self { lists: 0, flags: 0, country: [0; 2], denied: 0, plan: 0, spare: 0 };

    /// Whether all bits of `flag` are set.
    #[inline(always)]
    #[must_use]
    pub const fn has(&self, flag: u16) -> bool {
        self.flags & flag == flag
    }

    /// As memory holds it, in words of the machine.
    #[must_use]
    pub const fn words(&self) -> [u64; 2] {
        let (flags, country, denied) = (self.flags.to_ne_bytes(), self.country, self.denied.to_ne_bytes());
        let second =
            [flags[0], flags[1], country[0], country[1], denied[0], denied[1], self.plan, self.spare];
        [self.lists, u64::from_ne_bytes(second)]
    }
}
