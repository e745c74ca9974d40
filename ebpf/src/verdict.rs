//! What the decision says.

use core::num::NonZeroU8;

use crate::reason::Reason;

/// What happens to the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It goes on to the network stack.
    Pass,
    /// It ends here.
    Drop,
}

/// The number of a list. It is kept one higher, so that an `Option` of it is one byte without a second meaning: what
/// the compiler leaves undefined, the verifier refuses to see stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListNumber(NonZeroU8);

impl ListNumber {
    /// The list of this bit of [`crate::abi::AttributeSet::lists`].
    #[inline(always)]
    #[must_use]
    pub const fn of_bit(bit: u8) -> Option<Self> {
        match NonZeroU8::new(bit.wrapping_add(1)) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The bit.
    #[inline(always)]
    #[must_use]
    pub const fn bit(self) -> u8 {
        self.0.get() - 1
    }
}

/// The decision about one packet.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Why the packet leaves; [`Reason::action`] says how.
    pub reason: Reason,
    /// The list that dropped it, where the reason is [`Reason::Blocklisted`].
    pub list: Option<ListNumber>,
    /// The limit of a service that dropped it, or the first in monitor mode that would have, as the number of its row; zero:
    /// none.
    pub limit: u16,
    /// Whether that limit asks for a ban of the source.
    pub ban: bool,
    /// Bits of [`Reason::bit`]: rules in monitor mode that would have dropped it.
    pub monitored: u32,
    /// Bit n: list n, in monitor mode, would have dropped it.
    pub lists_monitored: u64,
    /// The country of the source as the tables have it, or zeroes.
    pub country: [u8; 2],
}

impl Verdict {
    /// A verdict of a packet about whose source nothing was asked.
    #[inline(always)]
    pub const fn of(reason: Reason) -> Self {
        Self { reason, list: None, limit: 0, ban: false, monitored: 0, lists_monitored: 0, country: [0; 2] }
    }

    /// What happens to the packet.
    #[inline(always)]
    #[must_use]
    pub const fn action(&self) -> Action {
        self.reason.action()
    }
}
