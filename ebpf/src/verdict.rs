//! What the decision says.

use crate::reason::Reason;

/// What happens to the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It goes on to the network stack.
    Pass,
    /// It ends here.
    Drop,
}

/// The decision about one packet.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Why the packet leaves; [`Reason::action`] says how.
    pub reason: Reason,
    /// The list that dropped it, where the reason is [`Reason::Blocklisted`].
    pub list: Option<u8>,
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
        Self { reason, list: None, monitored: 0, lists_monitored: 0, country: [0; 2] }
    }

    /// What happens to the packet.
    #[inline(always)]
    #[must_use]
    pub const fn action(&self) -> Action {
        self.reason.action()
    }
}
