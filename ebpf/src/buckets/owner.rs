//! Back from the place of a slot and its tag to the key: who was seen.

use super::key::{SPREAD, other};
use super::{BucketKey, Shape};
use crate::abi::{bucket_tag, family};

/// Whose a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The key and the salt of its service, mixed.
    identity: u64,
    /// One of [`family`].
    family: u8,
    /// The limit; see [`crate::abi::bucket_class`]. It says the service, and so the salt.
    pub class: u64,
}

impl Owner {
    /// The owner of a slot with this tag in the set of this number; none where nobody ever used the slot.
    ///
    /// Keys of more than 64 bits were mixed, and can't be told.
    #[must_use]
    pub const fn of(shape: Shape, index: u32, tag: u64) -> Option<Self> {
        if tag & bucket_tag::USED == 0 {
            return None;
        }
        let first = if tag & bucket_tag::SECOND == 0 { index } else { index ^ other(tag, shape.bits) };
        let mixed =
            (first as u64) << (u64::BITS - shape.bits) | (tag & !bucket_tag::FLAGS) << 1 >> shape.bits;
        Some(Self {
            identity: unmix(mixed, shape.seed),
            family: if tag & bucket_tag::IPV6 == 0 { family::IPV4 } else { family::IPV6 },
            class: (tag & bucket_tag::FLAGS) / bucket_tag::of_class(1),
        })
    }

    /// Its key, where this is the salt of the service of its class.
    #[must_use]
    pub const fn key(&self, salt: u64) -> BucketKey {
        BucketKey { high: self.identity ^ salt, low: 0, salt, family: self.family }
    }
}

/// Undoes [`super::key::mix`].
pub(super) const fn unmix(mixed: u64, seed: u64) -> u64 {
    let mixed = mixed.wrapping_mul(inverse(SPREAD));
    // The upper half was not changed, so the lower half can be told.
    (mixed ^ (mixed >> 32)).wrapping_mul(inverse(seed | 1))
}

/// Of an odd number, modulo 2^64: each step of Newton's doubles the bits that are right, of which an odd number has three.
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut step = 0;
    while step < 5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
}
