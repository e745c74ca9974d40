//! Writing a compiled policy beside the live one, and flipping one word.

use std::time::{Duration, Instant};

use xdpgate_ebpf::abi::prefix::ROOT_ENTRIES;
use xdpgate_ebpf::abi::{AttributeSet, GENERATION_SLOTS, MAX_ATTRIBUTE_SETS, control, family};

use super::error::KernelError;
use super::memory::Pen;
use super::tables::PolicyTables;
use super::{Kernel, lock};
use crate::policy::{Image, PrefixSize, PrefixTables};

/// What an installed generation holds, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallReport {
    /// Its number.
    pub generation: u64,
    /// The prefix tables.
    pub prefixes: PrefixSize,
    /// Different attribute sets.
    pub attribute_sets: u64,
    /// From the first write to the flip.
    pub took: Duration,
    /// When the generation before comes back, unless this one is confirmed; by `CLOCK_MONOTONIC`.
    pub return_at: Option<u64>,
}

impl Kernel {
    /// Writes an image into the slot that no packet reads, then makes it live with one 8-byte store. Installations
    /// must not overlap; the daemon's lock on changes sees to that.
    ///
    /// # Errors
    /// The prefixes do not fit, or a table can't be written; the live generation is then still live.
    pub fn install(&self, image: &Image) -> Result<InstallReport, KernelError> {
        self.install_for(image, None)
    }

    /// As [`Kernel::install`], but after this time the generation before is in force again, with or without a daemon,
    /// unless [`Kernel::confirm`] comes first. Until then its slot is not written to.
    ///
    /// # Errors
    /// As [`Kernel::install`].
    pub fn install_until(&self, image: &Image, within: Duration) -> Result<InstallReport, KernelError> {
        self.install_for(image, Some(within))
    }

    fn install_for(&self, image: &Image, within: Option<Duration>) -> Result<InstallReport, KernelError> {
        let started = Instant::now();
        let generation = image.settings.generation;
        let live = self.live_generation();
        if !self.may_write(generation) {
            return Err(KernelError::SlotInUse { generation, live });
        }
        self.forget_stale_return();
        self.check_room(image)?;
        let prefixes = PrefixTables::compile(&image.ipv4, &image.ipv6)?;

        let mut tables = lock(&self.policy);
        if live != 0 {
            // Packets that began before the last flip may still read the slot that is written below.
            tables.grace.wait()?;
        }
        let slot = (generation & (GENERATION_SLOTS - 1)) as u32;
        let pen = &mut Pen::writer();
        tables.blocks.write(slot, &prefixes.blocks().collect::<Vec<_>>())?;
        tables.write_roots(slot, &prefixes, pen);
        tables.write_attributes(slot, &image.attributes, pen);
        tables.rules.write(slot, &image.rules, pen);
        tables
            .settings
            .set(slot, image.settings, 0)
            .map_err(|error| KernelError::table("SETTINGS", error))?;
        // The order is argued in docs/adr/0014-the-way-back.md.
        let return_at = within.map(|within| self.return_after(within, generation));
        self.control.set(control::LIVE_GENERATION, generation);
        if return_at.is_none() {
            self.confirm();
        }
        drop(tables);

        let report = InstallReport {
            generation,
            prefixes: prefixes.size(),
            attribute_sets: image.attributes.len() as u64,
            took: started.elapsed(),
            return_at,
        };
        *lock(&self.installed) = Some(report.clone());
        Ok(report)
    }

    /// Why an installation of this image would be refused for its size, if it would.
    #[must_use]
    pub fn refuses(&self, image: &Image) -> Option<KernelError> {
        self.check_room(image).err()
    }

    /// The operator's own bound; the tables themselves grow with what they hold.
    fn check_room(&self, image: &Image) -> Result<(), KernelError> {
        let capacity = u64::from(self.options.prefixes);
        for (table, ranges) in [("prefixes-ipv4", image.ipv4.len()), ("prefixes-ipv6", image.ipv6.len())] {
            if ranges as u64 > capacity {
                return Err(KernelError::TableFull {
                    table,
                    capacity,
                    way_out: "drop a list, or raise tables.prefixes and restart; the policy before stays in force",
                });
            }
        }
        Ok(())
    }
}

impl PolicyTables {
    pub(super) fn write_roots(&self, slot: u32, prefixes: &PrefixTables, pen: &mut Pen) {
        for (memory, family) in [(&self.roots_v4, family::IPV4), (&self.roots_v6, family::IPV6)] {
            let (pairs, _) = prefixes.root(family).as_chunks::<2>();
            let start = slot as usize * (ROOT_ENTRIES / 2);
            for (word, [first, second]) in memory.words().iter().skip(start).zip(pairs) {
                pen.put(word, native(*first, *second));
            }
        }
    }

    pub(super) fn write_attributes(&self, slot: u32, sets: &[AttributeSet], pen: &mut Pen) {
        const WORDS: usize = size_of::<AttributeSet>() / size_of::<u64>();
        let start = (slot * MAX_ATTRIBUTE_SETS) as usize * WORDS;
        let words = self.attributes.words().iter().skip(start);
        for (word, value) in words.zip(sets.iter().flat_map(AttributeSet::words)) {
            pen.put(word, value);
        }
    }
}

/// Two entries of an array of 32-bit words, as one word of the machine.
const fn native(first: u32, second: u32) -> u64 {
    let (one, two) = (first.to_ne_bytes(), second.to_ne_bytes());
    u64::from_ne_bytes([one[0], one[1], one[2], one[3], two[0], two[1], two[2], two[3]])
}
