//! The generation that comes back by itself: which slot packets read, and until when.
//!
//! `CONTROL[RETURN_AT]` holds a time and, in its lowest bit, that of the number of the generation that it ends. So a word that
//! was stored for a generation that never became live means nothing for the one that is. docs/adr/0014-the-way-back.md has
//! the argument for the order of the stores.

use std::time::Duration;

use xdpgate_ebpf::abi::{GENERATION_SLOTS, control};

use super::{Kernel, monotonic_ns};

/// The bit of the word that names the slot; also what differs between a generation and the one before it.
const SLOT: u64 = GENERATION_SLOTS - 1;
/// How far behind a packet's reading of the clock may be: a CPU shares one among packets that come close together, until the
/// kernel's next tick, which comes after 10 ms at the latest.
const OLDEST_READING_NS: u64 = 50_000_000;
/// The earliest time: zero, whatever its lowest bit, is no time.
const LONG_AGO: u64 = GENERATION_SLOTS;

impl Kernel {
    /// The number that the next generation must have, so that no packet reads the slot that it is written to.
    #[must_use]
    pub fn next_generation(&self) -> u64 {
        let live = self.live_generation();
        // Packets read the slot of the generation before: that of the live one is free.
        if self.has_returned() { live + 2 } else { live + 1 }
    }

    /// When the generation before the live one comes back, or came back, by `CLOCK_MONOTONIC`; none when the live one lasts.
    #[must_use]
    pub fn return_at(&self) -> Option<u64> {
        time_for(self.control.get(control::RETURN_AT), self.live_generation())
    }

    /// Whether every packet sees the generation before the live one.
    #[must_use]
    pub fn has_returned(&self) -> bool {
        self.return_at().is_some_and(is_over)
    }

    /// Makes the live generation last. One store.
    pub fn confirm(&self) {
        self.control.set(control::RETURN_AT, 0);
    }

    /// Takes [`Kernel::confirm`] back.
    pub fn return_at_again(&self, at: u64) {
        self.control.set(control::RETURN_AT, word(at, self.live_generation()));
    }

    /// Lets the generation before the live one come back now. One store.
    ///
    /// To be called only while its slot still holds it.
    pub fn return_now(&self) {
        self.return_at_again(LONG_AGO);
    }

    /// Stores the time for a generation that is about to become live.
    pub(super) fn return_after(&self, within: Duration, generation: u64) -> u64 {
        let within = u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
        let word = word(monotonic_ns().saturating_add(within), generation);
        self.control.set(control::RETURN_AT, word);
        word
    }

    /// A word for a generation that never became live would end the next one of its slot.
    pub(super) fn forget_stale_return(&self) {
        if self.live_generation() == 0 || self.return_at().is_none() {
            self.confirm();
        }
    }

    /// Whether no packet reads the slot of this generation, now or later.
    pub(super) fn may_write(&self, generation: u64) -> bool {
        let live = self.live_generation();
        let is_lives = (generation ^ live) & SLOT == 0;
        match self.return_at() {
            _ if live == 0 => true,
            None => !is_lives,
            Some(at) => is_lives && is_over(at),
        }
    }
}

/// Whether this time is over for every packet that begins now.
fn is_over(at: u64) -> bool {
    at.saturating_add(OLDEST_READING_NS) <= monotonic_ns()
}

const fn word(at: u64, generation: u64) -> u64 {
    let at = if at < LONG_AGO { LONG_AGO } else { at };
    (at & !SLOT) | (generation & SLOT)
}

const fn time_for(word: u64, live: u64) -> Option<u64> {
    if word != 0 && (word ^ live) & SLOT == 0 { Some(word) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_ends_only_generations_of_its_slot() {
        for (at, generation) in [(0, 8), (0, 9), (1_000, 8), (1_001, 9), (u64::MAX, 8)] {
            let word = word(at, generation);
            assert_ne!(word, 0);
            assert_eq!(time_for(word, generation), Some(word));
            assert_eq!(time_for(word, generation - 1), None, "stored, but the generation never became live");
            assert_eq!(time_for(word, generation + 2), Some(word), "written to the same slot");
            assert!(word.abs_diff(at) <= 3, "{word} for {at}");
        }
        assert_eq!(time_for(0, 8), None);
    }
}
